"""Every page of the configuring side passes axe, light on a wide screen and dark on a phone, and fits the phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.configured import PAGES, configure
from tests.browser.conftest import Site, errors_of, unfold


@pytest.fixture(scope="module")
def addresses(site: Site) -> dict[str, str]:
    """The addresses of the pages, with something on each."""
    return configure(site.merchant)


@pytest.fixture(scope="module")
def tab(browser: Browser, site: Site) -> Iterator[Page]:
    """One window for all of them: each page is only looked at."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(10_000)
    site.sign_in(context)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def wrong(tab: Page) -> list[str]:
    """Errors in the console: what the content policy stopped, what is not there."""
    return errors_of(tab)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_can_be_read_by_everybody(
    tab: Page, site: Site, addresses: dict[str, str], axe: Callable[..., None], wrong: list[str], name: str
) -> None:
    tab.emulate_media(color_scheme="light")
    tab.set_viewport_size({"width": 1320, "height": 900})
    answer = tab.goto(site.at(addresses[name]))
    assert answer is not None and answer.status == 200, addresses[name]
    unfold(tab)
    axe(tab, "main")
    tab.emulate_media(color_scheme="dark")
    tab.set_viewport_size({"width": 360, "height": 740})
    axe(tab, "main", looks=True)
    wide = tab.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360, f"{name} is {wide} px wide on a phone of 360"
    assert not wrong, wrong
    wrong.clear()


def test_a_table_is_filled_in_by_keyboard_alone(tab: Page, site: Site, addresses: dict[str, str]) -> None:
    from samklang.hub.setup import drafts, maps

    tab.set_viewport_size({"width": 1320, "height": 900})
    tab.goto(site.at(addresses["map"]))
    here = "one => one === document.activeElement"
    for there, keys in (
        (tab.get_by_label("Bankgiro becomes"), "30 d"), (tab.get_by_role("button", name="Put it into the draft"), "\n")
    ):  # fmt: skip
        for _ in range(80):
            if there.evaluate(here):
                break
            tab.keyboard.press("Tab")
        tab.keyboard.type(keys)
    tab.wait_for_url("**/maps")
    wanted = drafts.shown(site.merchant.tenant).wanted
    table = maps.table(wanted, ("se", "payment_method", "nordljus-se", "fortnox"))
    assert table is not None and table.values == {"klarna": "K", "bacs": "30"}


def test_a_dialog_begins_at_what_it_asks_or_at_the_way_back(tab: Page, site: Site, addresses: dict[str, str]) -> None:
    tab.set_viewport_size({"width": 1320, "height": 900})
    tab.goto(site.at("connections/fortnox"))
    tab.locator("[data-opens=pause]").click()
    assert tab.evaluate("document.activeElement.name") == "why"
    tab.goto(site.at(addresses["channel"]))
    tab.locator("[data-opens=gone]").click()
    assert tab.evaluate("document.activeElement.textContent") == "Cancel"


def test_a_seller_agrees_and_writes_hours_down_on_the_package_s_page(
    tab: Page, site: Site, addresses: dict[str, str]
) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(site.at("package"))
    tab.get_by_text("Write hours down").click()
    tab.get_by_label("What", exact=True).select_option("support")
    tab.get_by_label("Hours", exact=True).fill("1.25")
    tab.get_by_role("button", name="Write it down").click()
    tab.get_by_text("It is on the account: 10.5 h left.").wait_for()
    tab.get_by_text("Agree on another package").click()
    tab.get_by_label("Package", exact=True).select_option("Paket 400")
    tab.get_by_role("button", name="Agree", exact=True).click()
    tab.get_by_role("heading", name="Paket 400").wait_for()
