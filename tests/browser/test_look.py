"""The look itself: the style page and every page of the menu pass axe in light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Site

PAGES = (
    "", "search?q=anna", "orders", "orders?stand=fulfilment:shipped&q=1", "orders/se/10470", "orders/se/10499",
    "products", "products/kopp-1", "stock", "customers", "customers/mail:kund10470@example.se", "problems",
    "problems/1", "flows", "transfers", "calls", "statistics",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_piece_can_be_read_by_everybody(page: Page, site: Site, axe: Callable[..., None], scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{site.address}/style")
    axe(page)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_can_be_read_by_everybody(page: Page, site: Site, axe: Callable[..., None], path: str) -> None:
    """Light on a wide screen, dark on a phone: colours and order are each seen once."""
    page.goto(site.at(path))
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
