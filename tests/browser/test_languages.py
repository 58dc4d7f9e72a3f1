"""The console in the languages of its people: what the browser asks for is what they read, on a phone too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Site

PAGES = (
    "", "orders", "orders/se/10490", "products", "stock", "customers", "statistics", "calls", "problems", "connections",
    "connections/fortnox", "flows", "plan", "brakes", "history", "transfers", "people", "tokens", "audit",
)  # fmt: skip
MENU = {"ru": ("Обзор", "Проблемы", "Потоки"), "sv": ("Översikt", "Avvikelser", "Flöden")}


@pytest.fixture(params=sorted(MENU))
def asked(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[tuple[str, Page]]:
    """A language and the owner's window in a browser of somebody who reads it."""
    context = browser.new_context(locale=request.param, viewport={"width": 360, "height": 740})
    context.set_default_timeout(10_000)
    site.sign_in(context)
    yield request.param, context.new_page()
    context.close()


def test_every_page_comes_in_the_language_that_the_browser_asks_for(asked: tuple[str, Page], site: Site) -> None:
    language, page = asked
    for path in PAGES:
        answer = page.goto(site.at(path))
        assert answer, path
        assert answer.status == 200, path
        assert page.locator("html").get_attribute("lang") == language, path
        menu = page.locator("nav a").all_text_contents()
        missing = [word for word in MENU[language] if not any(word in one for one in menu)]
        assert not missing, (path, menu)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{path} is {wide} px wide on a phone of 360"
