"""What people come for: a stuck order is mended, orders are released, found, held; by mouse, keyboard and phone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site


def test_a_stuck_order_is_found_understood_and_mended(page: Page, site: Site, engine: None) -> None:
    """From the start page: what is wrong, on which orders, what to do; then all of them go on by one button."""
    merchant = site.merchant
    page.goto(site.at())
    page.get_by_role("link", name=re.compile("The cost centre")).click()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    expect(page.get_by_text("Open the cost centre in Fortnox")).to_be_visible()
    page.get_by_role("link", name="se/10492").click()
    expect(page.locator(".rail li.bad")).to_contain_text("fortnox")
    page.get_by_role("link", name=re.compile("The cost centre")).first.click()

    merchant.box(merchant.erp).item_error = None  # somebody opens the cost centre
    page.get_by_role("button", name="Mended: try all again").click()
    expect(page.get_by_role("heading", name=re.compile("Done"))).to_be_visible()
    expect(page.get_by_text("3 of 3 done")).to_be_visible()

    page.goto(site.at("orders/se/10492"))
    expect(page.locator(".rail li.done", has_text="fortnox")).to_be_visible(timeout=15_000)
    assert page.locator(".message.bad").count() == 0
    page.goto(site.at("problems?view=closed"))
    expect(page.get_by_role("link", name=re.compile("The cost centre"))).to_be_visible()


def test_orders_are_released_together_and_the_refused_ones_say_why(page: Page, site: Site, engine: None) -> None:
    from samklang.hub.flows import set_flow
    from samklang.hub.orders import hold

    merchant = site.merchant
    set_flow(merchant.channel, "release", merchant.shop, merchant.wms, enabled=True)
    hold(merchant.tenant.pk, "se/10499", "Fraud?", "anna")
    page.goto(site.at("orders"))
    bar = page.locator(".bulk")
    assert not bar.is_visible(), "it comes when something is ticked"
    for number in ("10500", "10499", "10498"):
        page.get_by_role("checkbox", name=number).check()
    expect(bar).to_contain_text("3 chosen")
    bar.get_by_role("button", name="Release for picking").click()
    expect(page.get_by_role("heading", name="Done, with exceptions")).to_be_visible()
    expect(page.get_by_text("2 of 3 done, 1 refused")).to_be_visible()
    expect(page.get_by_role("row", name="se/10499 The order is on hold")).to_be_visible()
    page.goto(site.at("orders/se/10500"))
    expect(page.get_by_role("heading", name=re.compile("Release created"))).to_be_visible(timeout=15_000)


def test_an_order_is_held_with_a_reason_and_let_go(page: Page, site: Site) -> None:
    page.goto(site.at("orders/se/10497"))
    page.get_by_role("button", name="Hold", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Hold").click()
    assert dialog.is_visible(), "a hold wants a reason"
    dialog.get_by_label("Reason").fill("Waits for the buyer's answer")
    dialog.get_by_role("button", name="Hold").click()
    expect(page.get_by_text("holds this order")).to_contain_text("Waits for the buyer's answer")
    page.get_by_role("button", name="Let go").click()
    expect(page.get_by_text("Let go: it goes on.")).to_be_visible()


def test_what_lies_behind_a_hop_opens_in_place(page: Page, site: Site, axe: Callable[[Page], None]) -> None:
    page.goto(site.at("orders/se/10470"))
    page.get_by_text("Rules and calls").nth(1).click()
    call = page.locator(".exchange summary").first
    expect(call).to_contain_text("POST https://api.fortnox.example/3/orders")
    call.click()
    expect(page.locator("pre.code").first).to_contain_text("ExternalInvoiceReference1")
    axe(page)


def test_filters_live_in_the_address_and_can_be_taken_off(page: Page, site: Site) -> None:
    page.goto(site.at("orders"))
    page.get_by_label("Stands at").select_option("fulfilment:delivered")
    page.wait_for_url(re.compile("stand=fulfilment"))
    rows = page.locator("tbody tr")
    expect(rows.first).to_contain_text("delivered")
    shown = rows.count()
    page.reload()
    assert page.locator("tbody tr").count() == shown
    page.get_by_role("link", name=re.compile("delivered take off")).click()
    assert "fulfilment" not in page.url


@pytest.mark.parametrize("typed", ["10477", "kund10477@example.se"])
def test_an_order_is_found_from_anywhere_by_keyboard_alone(page: Page, site: Site, typed: str) -> None:
    page.goto(site.at())
    page.keyboard.press("/")
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    expect(
        page.get_by_role("link", name="10477").or_(page.get_by_role("heading", name="Order 10477")).first
    ).to_be_visible()


def test_lists_are_downloaded(page: Page, site: Site) -> None:
    page.goto(site.at("orders?q=anna"))
    page.get_by_text("Export").click()
    with page.expect_download() as got:
        page.get_by_role("link", name="CSV").click()
    path = got.value.path()
    assert path.read_text("utf-8-sig").count("Anna Sjögren") == 8
    with page.expect_download() as got:
        page.get_by_role("link", name="Excel").click()
    assert got.value.path().read_bytes().startswith(b"PK")


def test_on_a_phone_the_map_is_a_list_and_the_order_a_column(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(site.at())
    assert not page.locator(".picture svg").is_visible()
    expect(page.locator(".systems li")).to_have_count(3)
    page.goto(site.at("orders/se/10470"))
    stops = [stop.bounding_box() for stop in page.locator(".rail > li").all()]
    assert all(a and b and a["x"] == b["x"] and a["y"] < b["y"] for a, b in itertools.pairwise(stops))
    assert page.locator("main").evaluate("e => e.scrollWidth") <= 360


def test_the_start_page_changes_by_itself(page: Page, site: Site) -> None:
    from datetime import UTC, datetime

    page.goto(site.at())
    today = page.locator(".tile .value").first
    before = int(today.inner_text())
    site.merchant.box(site.merchant.shop).put(site.merchant.order(10_601, datetime.now(UTC), "KOPP-1"))
    site.merchant.read(site.merchant.shop, "orders")
    page.evaluate("htmx.trigger('#overview', 'refresh')")
    expect(today).to_have_text(str(before + 1), timeout=15_000)


def test_whoever_only_looks_is_offered_nothing_to_press(page: Page, site: Site) -> None:
    site.sign_in(page.context, "reader")
    page.goto(site.at("orders/se/10470"))
    assert page.get_by_role("button", name="Try again").count() == 0
    page.goto(site.at("orders"))
    assert page.get_by_role("checkbox").count() == 0
    page.goto(site.at("problems"))
    page.locator("tbody a.key").first.click()
    assert page.get_by_role("button", name=re.compile("Mended")).count() == 0
