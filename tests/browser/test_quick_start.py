"""docs/quick-start.md by the browser alone: from the first address to an order that has reached the ERP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.woocommerce import CONSUMER_KEY, CONSUMER_SECRET, WooSandbox

PAGE = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text(encoding="utf-8")
PATIENCE = 600  # seconds: the page promises ten minutes


class Hub:
    """`samklang serve` on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.env = {**os.environ, "SAMKLANG_DATA": str(folder), "SAMKLANG_ALLOW_PRIVATE": "127.0.0.0/8"}
        self.env.pop("SAMKLANG_DATABASE", None)
        self.log = (folder / "hub.log").open("wb")
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> dict[str, Any]:
        """Start it, on the port that it had; gives what it says of itself."""
        command = [sys.executable, "-m", "samklang", "serve", "--port", str(self.port), "--json"]
        self.process = subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=self.log)
        assert self.process.stdout is not None
        told = b""
        while not told.rstrip().endswith(b"}"):
            line = self.process.stdout.readline()
            assert line, "the hub did not start; see hub.log"
            told += line
        said: dict[str, Any] = msgspec.json.decode(told)
        self.port = int(said["address"].rpartition(":")[2])
        return said

    def stop(self, kill: bool = False) -> None:
        if self.process is not None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait(40)
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    one = Hub(tmp_path)
    yield one
    one.stop()
    one.log.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[Page]:
    """A window that nobody is signed in to."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def test_from_the_first_address_to_an_order_in_the_erp(hub: Hub, window: Page) -> None:
    """The steps of the quick start, word for word where it names a button."""
    began = time.monotonic()
    ledger = FortnoxSandbox(articles=60)
    with serve(Faulty(WooSandbox(0).app)) as shop, serve(Faulty(ledger.app)) as erp:
        said = hub.start()
        window.goto(said["setup"])
        window.get_by_label("Your name").fill("Anna Berg")
        window.get_by_label("E-mail").fill("anna@nordljus.example")
        window.get_by_label("Password").fill("correct horse battery")
        window.get_by_label("Company").fill("Nordljus Handel AB")
        window.locator("button.main").click()

        window.get_by_role("link", name="Connections").click()
        window.get_by_role("link", name="Connect a system").click()
        window.get_by_role("link", name="Connect WooCommerce").click()
        window.get_by_label("Shop address").fill(shop)
        window.get_by_label("Consumer key").fill("ck_wrong")
        window.get_by_label("Consumer secret").fill(CONSUMER_SECRET)
        window.get_by_role("button", name="Check and connect").click()
        expect(window.get_by_role("alert")).to_contain_text("Nothing was saved")
        expect(window.get_by_label("Shop address")).to_have_value(shop)
        window.get_by_label("Consumer key").fill(CONSUMER_KEY)
        window.get_by_role("button", name="Check and connect").click()
        expect(window.get_by_text("shop is connected")).to_be_visible()
        window.get_by_role("button", name="Register").click()
        expect(window.get_by_text("Webhooks come to")).to_be_visible()

        window.get_by_role("link", name="Connections").first.click()
        window.get_by_role("link", name="Connect a system").click()
        window.get_by_role("link", name="Connect Fortnox").click()
        window.get_by_label("Client id").fill("sandbox")
        window.get_by_label("Client secret").fill(ledger.client_secret)
        window.get_by_label("Address of the API").fill(erp)
        window.get_by_label("Address of the login server").fill(erp)
        window.get_by_role("button", name="Check and connect").click()
        window.get_by_role("link", name="Go to Fortnox").click()
        expect(window.get_by_text("erp is connected")).to_be_visible()

        window.get_by_role("link", name="Flows").click()
        window.get_by_role("button", name="Use the preset The ERP rules").click()
        expect(window.get_by_text("6 edits wait")).to_be_visible()
        window.get_by_role("link", name="To the plan").click()
        window.get_by_role("button", name="Count the plan").click()
        _appears(window, "This is what happens if you apply it")
        expect(window.locator(".tile").first).to_contain_text("205")
        window.get_by_role("button", name="Apply it").first.click()
        window.get_by_role("dialog").get_by_role("button", name="Apply it").click()
        _appears(window, "Applied")

        _until(lambda: "60 articles" in _front(window, shop))
        _until(lambda: _bought(window, shop))
        number = window.locator("table td").first.inner_text()
        _until(lambda: any(row["ExternalInvoiceReference1"].endswith(f"/{number}") for row in _orders(ledger)))
        window.goto(f"{said['address']}/t/nordljus-handel-ab/orders")
        window.get_by_role("link", name=number).first.click()
        expect(window.get_by_text("created").first).to_be_visible()
    assert time.monotonic() - began < PATIENCE


def test_a_plan_goes_on_although_the_hub_is_killed_while_it_counts(hub: Hub, window: Page) -> None:
    """The page is closed over a kill -9; the next start counts to the end, and the page shows it."""
    ledger = FortnoxSandbox(articles=60)
    slow = Faulty(ledger.app)
    with serve(Faulty(WooSandbox(0).app)) as shop, serve(slow) as erp:
        said = hub.start()
        _connected(hub, shop, erp, ledger)
        window.goto(_ticket(hub))
        base = f"{said['address']}/t/main"
        window.goto(f"{base}/flows")
        window.get_by_role("button", name="Use the preset The ERP rules").click()
        expect(window.get_by_text("6 edits wait")).to_be_visible()
        from samklang.sandboxes.base import Fault

        slow.faults = [Fault("slow", path="/3/", seconds=1.5)]
        window.goto(f"{base}/plan")
        window.get_by_role("button", name="Count the plan").click()
        expect(window.get_by_role("heading", name="The plan is being counted")).to_be_visible()
        hub.stop(kill=True)
        slow.faults = []
        hub.start()
        window.goto(f"{base}/plan")
        _appears(window, "This is what happens if you apply it")


def test_the_quick_start_names_what_there_is() -> None:
    """Every button and link that the page names in bold is pressed by the test above."""
    named = set(re.findall(r"\*\*([^*]+)\*\*", PAGE.split("## 3")[0]))
    walked = Path(__file__).read_text(encoding="utf-8")
    missing = {name for name in named if name not in walked}
    assert not missing


def _appears(window: Page, heading: str) -> None:
    """Wait for a heading: what is behind it takes the engine some time."""
    expect(window.get_by_role("heading", name=heading)).to_be_visible(timeout=120_000)


def _front(window: Page, shop: str) -> str:
    window.goto(shop)
    return window.locator("body").inner_text()


def _orders(ledger: FortnoxSandbox) -> list[dict[str, Any]]:
    return list(ledger.snapshot()["orders"].values())


def _bought(window: Page, shop: str) -> bool:
    """Press the shop's button; whether there is an order now. While stock is still on its way nothing can be bought."""
    window.goto(shop)
    window.get_by_role("button", name="Somebody buys something").click()
    return window.locator("table td").count() > 0


def _until(happened: Any, patience: float = 90) -> None:
    end = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.5)


def _samklang(hub: Hub, *argv: str, **keys: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "samklang", *argv], env={**hub.env, **keys}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _connected(hub: Hub, shop: str, erp: str, ledger: FortnoxSandbox) -> None:
    """Both systems connected on the command line: this test is about the plan."""
    keys = {"SAMKLANG_SECRET_SHOP_CONSUMER_KEY": CONSUMER_KEY, "SAMKLANG_SECRET_SHOP_CONSUMER_SECRET": CONSUMER_SECRET}
    _samklang(hub, "connect", "shop", "woocommerce", "--set", f"url={shop}", **keys)
    command = [sys.executable, "-m", "samklang", "connect", "erp", "fortnox", "--redirect", "http://localhost:0/"]
    for setting in ("client_id=sandbox", f"api_address={erp}", f"login_address={erp}"):
        command += ["--set", setting]
    env = {**hub.env, "SAMKLANG_SECRET_ERP_CLIENT_SECRET": ledger.client_secret}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        import urllib.request

        for line in process.stderr:
            if line.startswith("http"):
                urllib.request.urlopen(line.strip()).read()
    assert process.returncode == 0


def _ticket(hub: Hub) -> str:
    told = _samklang(hub, "people", "add", "anna@nordljus.example", "--role", "owner", "--json")
    found = re.search(r"http://[^\"\s]+", told)
    assert found
    return re.sub(r"localhost:\d+", f"127.0.0.1:{hub.port}", found[0])
