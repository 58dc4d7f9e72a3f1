"""The books in a browser: every page is fit for everybody, and vouchers are approved by ticking them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.accounting.bank import files as bank
from tests.browser.configured import book_pages, keep_books
from tests.browser.conftest import Site
from tests.doubles.shelf import boxes


@pytest.fixture(scope="module")
def books(site: Site) -> Iterator[Any]:
    """The merchant's company, with a day of sales and what Klarna says of it."""
    yield keep_books(site.merchant.tenant)
    boxes.clear()


def test_pages_about_books_are_for_everybody(page: Page, site: Site, books: Any, axe: Callable[[Page], None]) -> None:
    for path in book_pages(books).values():
        page.goto(site.at(path))
        axe(page)


def test_what_is_ticked_is_approved(page: Page, site: Site, books: Any) -> None:
    page.goto(site.at(f"books/{books.company.pk}/vouchers"))
    boxes_ = page.get_by_role("checkbox")
    assert boxes_.count() == 2
    boxes_.nth(0).uncheck()
    page.get_by_role("button", name="Approve what is ticked").click()
    page.get_by_text("1 voucher is approved.").wait_for()
    assert sorted(row.state for row in books.vouchers().values()) == ["approved", "validated"]


def test_what_does_not_add_up_is_decided_where_it_stands(
    page: Page, site: Site, books: Any, axe: Callable[[Page], None]
) -> None:
    from samklang.reconciliation.models import Decision

    books.takes(bank.camt(bank.statement(bank.entry("383.75", "KLARNA debit", side="DBIT"), closing="-283.75")))
    books.run()
    page.goto(site.at(f"books/{books.company.pk}/matching"))
    row = page.get_by_role("row", name="BANK_WITHOUT_PAYOUT")
    row.get_by_text("Decide").click()
    axe(page)
    form = row.locator("form").first
    form.get_by_label("It moves the balance at").select_option("klarna")
    form.get_by_label("Why").fill("They take it back")
    form.get_by_role("button", name="It is the provider's").click()
    page.get_by_text("It is kept with the books").wait_for()
    assert Decision.objects.get().role == "klarna"
