"""A real browser before a real server: pages as people see them.

    def test_something(page: Page, site: Site) -> None:
        page.goto(site.at("orders"))

`site` (one for each module) is a server in this process on a database of its own, with a merchant in it
(`site.merchant`, tests/browser/merchant.py); `page` is a fresh window, signed in as the owner. `site.sign_in(context,
role=…)` signs somebody else in; `axe(page)` fails on anything that WCAG 2.2 AA forbids.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.merchant import Merchant
from tests.conftest import move_to, sqlite
from tests.visitor import visitor

CHROMIUM = os.environ.get("SAMKLANG_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run"]
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

_LOOKS = ["color-contrast", "target-size"]


class Site:
    """A server and who is in it."""

    def __init__(self, address: str, merchant: Merchant) -> None:
        self.address, self.merchant = address, merchant

    def at(self, path: str = "") -> str:
        """The address of a page of the merchant."""
        return f"{self.address}/t/{self.merchant.slug}/{path}"

    def sign_in(self, context: BrowserContext, role: str = "owner") -> None:
        """Sign a window in as somebody with this role at the merchant."""
        cookie = visitor(self.merchant.tenant, role).cookies["samklang-session"]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": self.address}])


def errors_of(page: Page) -> list[str]:
    """What the console of this page says is wrong from now on; it grows while the page is used."""
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    return wrong


def unfold(page: Page) -> None:
    """Open what is folded on the page, so that it is judged too."""
    page.evaluate("document.querySelectorAll('main details:not(.drop)').forEach(one => one.open = true)")


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The web application in a thread of this process, on the database that is in use now; gives its address."""
    from samklang.asgi import application

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextlib.contextmanager
def own_database(template: Path, folder: Path) -> Iterator[None]:
    """A migrated SQLite hub in this folder for as long as it is needed."""
    from django.conf import settings

    from samklang.hub.links import forget_links

    before, settings.DATA = settings.DATA, folder
    shutil.copy(template, folder / "samklang.db")
    move_to(sqlite(folder / "samklang.db"))
    try:
        yield
    finally:
        forget_links()
        move_to(sqlite(template))
        settings.DATA = before


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, once for each module: its driver keeps an event loop in this thread, which other tests cannot have."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"No Chromium at {CHROMIUM}: apt-get install chromium, or name it in SAMKLANG_CHROMIUM.")
    # Django would not ask the database in a thread with an event loop; here nothing else runs in it.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site(migrated: Path, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with a merchant in it."""
    with own_database(migrated, tmp_path_factory.mktemp("site")):
        merchant = Merchant()
        with serving() as address:
            yield Site(address, merchant)


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A window of its own in which the owner is signed in."""
    # Without motion: what is judged halfway through a change of colour is neither the one nor the other.
    made = browser.new_context(locale="en-GB", viewport={"width": 1320, "height": 900}, reduced_motion="reduce")
    made.set_default_timeout(10_000)
    site.sign_in(made)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """An empty page of that window. An error in its console (what the content policy stopped) fails the test."""
    made = context.new_page()
    wrong = errors_of(made)
    yield made
    assert not wrong, wrong


@pytest.fixture
def engine(site: Site) -> Iterator[None]:
    """The engine runs: what people start goes on by itself, what is due is sent."""
    from samklang import engine as engines
    from samklang.engine.embedded import Embedded
    from samklang.engine.port import Job
    from samklang.engine.work import perform

    engines.current = running = Embedded(perform)
    running.start()
    running.every(0.5, Job("tick", lane=3))
    yield
    engines.current = None
    assert running.stop()


@pytest.fixture(scope="session")
def axe() -> Callable[..., None]:
    """Fails the test on what axe finds on the page as it stands. `part`: only inside of that element, where what is
    around it was judged elsewhere. `looks`: only what colours and sizes decide, where the rest was judged before."""
    script = Axe().axe_script

    def check(page: Page, part: str = "", looks: bool = False) -> None:
        if not page.evaluate("'axe' in window"):
            page.evaluate(script)
        wanted = {"type": "rule", "values": _LOOKS} if looks else {"type": "tag", "values": _WCAG}
        options = {"runOnly": wanted, "resultTypes": ["violations"]}
        found: Any = page.evaluate("([part, options]) => axe.run(part || document, options)", [part, options])
        found = found["violations"]
        told = [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in found for node in one["nodes"][:3]]
        assert not told, f"{page.url}\n" + "\n".join(told)

    return check
