"""Vouchers into Fortnox, judged by the vendor's document: booked once; the sub-ledger by Fortnox' own papers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.accounting.books import Facts, keep_books
from samklang.accounting.company import Channel
from samklang.accounting.fx import Exchange
from samklang.connectors.contract import Done, Want
from samklang.connectors.errors import BadData, Forbidden, Rejected, RemoteFault, Unsupported, Wait
from samklang.records import Order, Voucher
from samklang.sandboxes.base import Fault
from tests.accounting.provider import row, statement
from tests.accounting.shop import company as firm
from tests.accounting.shop import line, order, paid
from tests.contract.test_fortnox import Company, company, document

__all__ = ["company", "document"]
TODAY = date(2026, 10, 20)
KEY = ("order", "web/1001")


def booked(*orders: Order, model: Any = "day", statements: Any = (), **more: Any) -> list[Voucher]:
    ours = firm(channels=[Channel(code="web", model=model, **more)], keeps_invoices=True)
    facts = Facts(orders=orders, statements=statements)
    return list(keep_books(facts, ours, Exchange("SEK"), TODAY).vouchers)


def sale(day: str = "2026-10-05", *payments: Any) -> Order:
    return order("1001", [line("1000"), line("250", "12")], paid("klarna", "1250", day, "c-1"), *payments)


def want(voucher: Voucher, **more: Any) -> Want:
    return Want(key=voucher.key, record=voucher, reference=voucher.key, **more)


def invoiced(company: Company, of: Order) -> str:
    """An order of the shop that stands in Fortnox as the order flow writes it; gives its number."""
    ledger = company.sandbox.ledger
    rows = [
        {"Description": str(part.tax_percent), "OrderedQuantity": "1", "Price": part.gross, "VAT": part.tax_percent}
        for part in of.lines
    ]
    given = {"CustomerNumber": next(iter(ledger.customers)), "VATIncluded": True, "OrderRows": rows}
    made = ledger.put_order({**given, "ExternalInvoiceReference1": of.key, "YourOrderNumber": of.order_no})
    return str(made["DocumentNumber"])


def test_a_voucher_is_booked_with_sides_dimensions_and_our_key(company: Company) -> None:
    (voucher,) = booked(sale(), dimensions={"1": "WEB", "6": "P1"})
    (done,) = company.write("voucher", want(voucher))
    assert isinstance(done, Done)
    made = company.sandbox.snapshot()["vouchers"][done.external_id]
    assert (made["Comments"], made["TransactionDate"]) == (voucher.key, "2026-10-05")
    rows = {row["Account"]: (row.get("Debit"), row.get("Credit")) for row in made["VoucherRows"]}
    assert rows[1581] == (Decimal(1250), None)
    assert rows[2611] == (None, Decimal(200))
    assert {row.get("CostCenter") for row in made["VoucherRows"] if row["Account"] > 2999} == {"WEB"}


def test_a_voucher_that_may_have_been_booked_is_found_by_its_key(company: Company) -> None:
    """Edge case 49."""
    (voucher,) = booked(sale())
    company.faulty.faults = [Fault(kind="lost", times=1, method="POST", path="/3/vouchers")]
    company.write("voucher", want(voucher))
    ((match,),) = company.connector.find("voucher", [want(voucher, doubt=True)], ())
    assert (match.by, len(company.sandbox.ledger.vouchers)) == ("reference", 1)
    other = msgspec.structs.replace(voucher, key=f"{voucher.key}0")
    assert company.connector.find("voucher", [want(other, doubt=True)], ()) == [[]]


def test_a_voucher_of_last_year_goes_to_last_years_books(company: Company) -> None:
    (voucher,) = booked(sale("2025-12-30"))
    (done,) = company.write("voucher", want(voucher))
    assert done.external_id == "I 1/5"
    (elder,) = booked(sale("2019-12-30"))
    (error,) = company.write("voucher", want(elder))
    assert isinstance(error, BadData)
    assert "no fiscal year" in error.what


def test_a_closed_account_period_or_series_is_a_no_with_fortnox_own_words(company: Company) -> None:
    """RD-11, RD-12."""
    (voucher,) = booked(sale())
    company.sandbox.account(1581, active=False)
    (error,) = company.write("voucher", want(voucher))
    assert isinstance(error, Rejected) and "1581" in error.what
    company.sandbox.account(1581)
    company.sandbox.lock("2026-10-31")
    (error,) = company.write("voucher", want(voucher))
    assert isinstance(error, Rejected) and "låst" in error.what
    company.sandbox.lock("")
    (error,) = company.write("voucher", want(msgspec.structs.replace(voucher, series="Q")))
    assert isinstance(error, Rejected) and "serien Q" in error.what


def test_an_account_that_is_no_number_of_fortnox_is_refused(company: Company) -> None:
    (voucher,) = booked(sale())
    lines = tuple(msgspec.structs.replace(part, account=f"{part.account}.1") for part in voucher.lines)
    (error,) = company.write("voucher", want(msgspec.structs.replace(voucher, lines=lines)))
    assert isinstance(error, Unsupported)


@pytest.mark.parametrize("times", [1, 2])
def test_a_sale_on_invoice_is_the_orders_own_invoice_booked_once(company: Company, times: int) -> None:
    """Model B."""
    (voucher,) = booked(sale(), model="invoice")
    assert voucher.needs() == (KEY,)
    ids = {KEY: invoiced(company, sale())}
    for _ in range(times):
        (done,) = company.write("voucher", want(voucher, ids=ids))
    ((number, invoice),) = company.sandbox.ledger.invoices.items()
    assert (done.external_id, invoice["Booked"], invoice["Total"]) == (f"invoice-{number}", True, 1250)
    assert [key[0] for key in company.sandbox.ledger.vouchers] == ["B"], "only Fortnox' own voucher of the invoice"


def test_an_invoice_of_another_sum_stops(company: Company) -> None:
    (voucher,) = booked(sale(), model="invoice")
    ids = {KEY: invoiced(company, order("1001", [line("900")]))}
    (error,) = company.write("voucher", want(voucher, ids=ids))
    assert isinstance(error, Rejected)
    assert "is 900" in error.what
    assert isinstance(company.write("voucher", want(voucher))[0], Wait), "the order is not there yet"


def test_captures_in_parts_are_parts_of_one_invoice_and_pay_it(company: Company) -> None:
    """One invoice an order: both parts stand for it, and their payout pays it whole."""
    parts = [paid("klarna", amount, "2026-10-05", f"c-{amount}") for amount in ("1000", "250")]
    of = order("1001", [line("1000"), line("250", "12")], *parts)
    rows = [row("sale", "1000", "1001", "c-1000"), row("sale", "250", "1001", "c-250"), row("payout", "-1250")]
    vouchers = booked(of, model="invoice", statements=[statement("klarna", "U1", "2026-10-09", *rows)])
    ids = {KEY: invoiced(company, of)}
    done = {one.key: company.write("voucher", want(one, ids=ids))[0] for one in vouchers if one.source != "settlement"}
    assert all(isinstance(result, Done) for result in done.values()), done
    assert len({result.external_id for result in done.values()}) == 3, "no two vouchers under one number"
    ((_, invoice),) = company.sandbox.ledger.invoices.items()
    assert (invoice["Total"], invoice["Balance"]) == (1250, 0)


def test_no_part_may_be_more_than_its_invoice(company: Company) -> None:
    of = order("1001", [line("1000"), line("250", "12")], paid("klarna", "1000", "2026-10-05", "c-1"))
    (voucher,) = booked(of, model="invoice")
    ids = {KEY: invoiced(company, order("1001", [line("900")]))}
    (error,) = company.write("voucher", want(voucher, ids=ids))
    assert isinstance(error, Rejected) and "is 900" in error.what


def test_two_partial_refunds_are_two_credit_invoices_each_once(company: Company) -> None:
    """Edge case 11: Fortnox links only one credit invoice to an invoice."""
    backs = [paid("klarna", amount, "2026-10-12", f"r-{amount}", "refund") for amount in ("125", "250")]
    vouchers = booked(sale("2026-10-05", *backs), model="invoice")
    ids = {KEY: invoiced(company, sale())}
    for voucher in (*vouchers, *vouchers):
        (done,) = company.write("voucher", want(voucher, ids=ids))
        assert isinstance(done, Done), done
    invoices = company.sandbox.ledger.invoices
    assert sorted(row["Total"] for row in invoices.values()) == [-250, -125, 1250]
    assert all(row["Booked"] for row in invoices.values())


def test_a_payout_pays_its_invoices_once(company: Company) -> None:
    payout = statement(
        "klarna", "U1", "2026-10-09", row("sale", "1250", "1001", "c-1"), row("payout", "-1250"),
    )  # fmt: skip
    vouchers = {one.source: one for one in booked(sale(), model="invoice", statements=[payout])}
    closing = vouchers["invoice_payment"]
    ids = {KEY: invoiced(company, sale())}
    (early,) = company.write("voucher", want(closing, ids=ids))
    assert isinstance(early, Wait), "the invoice is not booked yet"
    company.write("voucher", want(vouchers["invoice"], ids=ids))
    for _ in range(2):
        (done,) = company.write("voucher", want(closing, ids=ids))
        assert isinstance(done, Done), done
    (payment,) = company.sandbox.ledger.payments.values()
    assert (payment["Amount"], payment["ModeOfPaymentAccount"], payment["Booked"]) == (1250, 1581, True)
    (invoice,) = company.sandbox.ledger.invoices.values()
    assert invoice["Balance"] == 0


def test_the_ledger_says_what_vouchers_may_use(company: Company) -> None:
    """RD-11, RD-12, Q-22: accounts with their state and VAT box, fiscal years, series, the closed period."""
    company.sandbox.account(1581, active=False)
    company.sandbox.lock("2026-01-31")
    found = company.connector.ledger()
    accounts = {row.number: row for row in found.accounts}
    assert (accounts["1581"].active, accounts["3001"].vat_box, accounts["2614"].vat_box) == (False, "05", "")
    assert found.years[-1] == (date(2026, 1, 1), date(2026, 12, 31))
    assert "I" in found.series
    assert found.locked_until == date(2026, 1, 31)


# ---------------------------------------------------------------------------------------------------- files

PDF = b"%PDF-1.7 the list"


def test_a_list_hangs_on_its_voucher_once(company: Company) -> None:
    """The inbox is empty afterwards: Fortnox takes what is put somewhere out of it."""
    (voucher,) = booked(sale("2025-12-30"))  # a voucher of last year's books
    (done,) = company.write("voucher", want(voucher))
    file = company.connector.upload("I-1 2025-12-30.pdf", PDF)
    assert company.connector.upload("I-1 2025-12-30.pdf", PDF) == file, "one that lies there is found by its name"
    for _ in range(2):
        company.connector.attach(file, done.external_id, voucher.date)
    files = company.sandbox.files
    assert (files.bodies, files.inbox) == ({file: PDF}, {})
    hung = files.hung[file]
    assert f"{hung['VoucherSeries']} {hung['VoucherNumber']}/{hung['VoucherYear']}" == done.external_id


def test_a_list_whose_hanging_got_no_answer_is_not_hung_twice(company: Company) -> None:
    (voucher,) = booked(sale())
    (done,) = company.write("voucher", want(voucher))
    file = company.connector.upload("list.pdf", PDF)
    company.faulty.faults = [Fault(kind="lost", times=1, method="POST", path="/3/voucherfileconnections")]
    with pytest.raises(RemoteFault):
        company.connector.attach(file, done.external_id, voucher.date)
    company.connector.attach(file, done.external_id, voucher.date)
    assert list(company.sandbox.files.hung) == [file]


def test_a_login_without_the_right_to_keep_files_says_so(company: Company) -> None:
    company.sandbox.switch(files=False)
    with pytest.raises(Forbidden, match="behörighet"):
        company.connector.upload("list.pdf", PDF)


def test_what_an_upload_held_is_not_kept_in_the_exchange(company: Company) -> None:
    company.connector.upload("list.pdf", PDF)
    (seen,) = [one for one in company.exchanges if one.method == "POST" and one.url.endswith("/3/inbox")]
    assert seen.sent == f"(list.pdf, {len(PDF)} bytes)".encode()
