"""The look itself: the style page and every page of the menu pass axe in light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Site, errors_of, unfold

PAGES = (
    "", "search?q=anna", "orders", "orders?stand=fulfilment:shipped&q=1", "orders/se/10470", "orders/se/10499",
    "products", "products/kopp-1", "stock", "customers", "customers/mail:kund10470@example.se", "problems",
    "problems/1", "flows", "transfers", "calls", "statistics",
)  # fmt: skip
LISTS = (
    "", "orders", "products", "stock", "customers", "problems", "connections", "flows", "transfers", "calls",
    "statistics", "search?q=anna", "people", "tokens", "audit", "webhooks", "brakes", "maps", "rules", "channels",
    "history", "connect",
)  # fmt: skip
WIDTHS = (320, 360, 390, 768, 820, 860, 900, 1024, 1280, 1600)
#: How many pixels of a page, and of the tables of a list, are out of sight at the right.
_OVER = """() => [document.documentElement.scrollWidth - innerWidth,
    ...[...document.querySelectorAll('main .scroll:has(.rows)')].map(one => one.scrollWidth - one.clientWidth)]"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_piece_can_be_read_by_everybody(page: Page, site: Site, axe: Callable[..., None], scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{site.address}/style")
    axe(page)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_can_be_read_by_everybody(page: Page, site: Site, axe: Callable[..., None], path: str) -> None:
    """Light on a wide screen, dark on a phone: colours and order are each seen once."""
    page.goto(site.at(path))
    unfold(page)
    axe(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    axe(page, looks=True)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360, f"{path} is {wide} px wide on a phone of 360"


def test_a_list_on_a_phone_is_cards_and_a_menu_in_a_table_is_whole(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(site.at("orders"))
    card = page.get_by_role("row").filter(has_text="10499")
    box = card.bounding_box()
    assert box is not None and box["width"] <= 360
    for told in (card.get_by_text("fortnox: stopped"), card.locator("td.top"), card.locator("td.grow")):
        place = told.bounding_box()
        assert place is not None and place["x"] + place["width"] <= 360, "a part of the order is out of sight"
    page.goto(site.at("flows"))
    drop = page.locator(".matrix details.drop").nth(1)
    drop.locator("summary").click()
    menu = drop.locator("> div").bounding_box()
    assert menu is not None and menu["x"] >= 0 and menu["x"] + menu["width"] <= 360 and menu["y"] >= 0


def test_no_list_scrolls_sideways_from_the_smallest_phone_to_a_wide_screen(page: Page, site: Site) -> None:
    """In Russian, whose words are the longest."""
    from samklang.people.models import User

    User.objects.update(language="ru")
    over = []
    for path in LISTS:
        page.goto(site.at(path))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            over += [f"{path or 'start'} at {width}: {n} px" for n in page.evaluate(_OVER) if n > 0]
    User.objects.update(language="")
    assert not over, over


def test_light_and_dark_are_chosen_and_kept(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("button", name="Dark", exact=True).click()
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    page.goto(site.at("orders"))
    assert page.evaluate("document.documentElement.dataset.look") == "dark"
    page.get_by_role("button", name="As the device").click()
    assert page.evaluate("document.documentElement.dataset.look") is None


def test_the_menu_opens_on_a_phone_and_closes_with_escape(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(site.at())
    menu = page.get_by_role("navigation", name="Main menu")
    assert not menu.is_visible()
    page.get_by_role("button", name="Menu").click()
    assert menu.is_visible()
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    page.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Orders").click()
    assert page.url.endswith("/orders")


def test_a_picture_of_what_is_refused_says_so(context: BrowserContext, site: Site, tmp_path: Path) -> None:
    from tests.browser.screens import _shot

    tab = context.new_page()
    wrong = errors_of(tab)
    assert _shot(tab, site.at("brakes"), tmp_path / "there.png", wrong) == []
    refused = _shot(tab, site.at("problems/99999"), tmp_path / "gone.png", wrong)
    assert refused[0].endswith("problems/99999 answered 404")
    tab.evaluate("console.error('broken')")
    assert wrong[-1] == "broken"
