"""The sums of the page of controls: kept with the vouchers, derived anew by the check, never out of each other."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.accounting.month import Month
from tests.accounting.statements.files import klarna
from tests.reconciliation.conftest import Desk
from tests.reconciliation.filled import hand_in, rates, store_orders
from tests.reconciliation.test_run import day_of_sales

MARCH = (date(2026, 3, 1), date(2026, 3, 31))


@pytest.fixture
def sold(desk: Desk) -> Desk:
    """A day of sales in the books."""
    desk.flow()
    desk.sells(*day_of_sales())
    desk.run()
    return desk


def seen(desk: Desk) -> Any:
    """The books say that the last run has seen whatever changed until now."""
    from samklang.reconciliation.models import Books

    Books.objects.update(read_until=time.time() + 1)
    return Books.objects.get(company=desk.company)


@pytest.mark.parametrize("model", ["day", "invoice"])
def test_what_is_kept_is_what_is_derived(desk: Desk, monkeypatch: Any, model: str) -> None:
    """Run by run, with approvals and late orders in between: the kept sums are those of all lines and all orders."""
    from samklang.accounting.control import account_balances, vat_of_vouchers
    from samklang.reconciliation import check, control

    month = Month(40)
    desk.company = desk.settings(channels={"web": {"model": model}}, keeps_invoices=True)
    desk.flow()
    rates(desk.tenant)
    orders = list(month.facts.orders)
    for some in (orders[:25], orders):
        store_orders(desk.shop_row, some)
        desk.run()
        desk.approve()
    for made in month.facts.statements:
        hand_in(monkeypatch, desk.company, made)
    desk.run()
    seen(desk)
    vouchers = desk.records()
    ledger = {account: total for account, (_, total) in control.balances(desk.company, date.max).items()}
    assert ledger == account_balances(vouchers)
    rows = control.vat(desk.company, date.min, date.max)
    assert {(one.country, one.percent): one.vouchers for one in rows if one.vouchers} == {
        tuple(key): total for key, total in vat_of_vouchers(vouchers, date.min, date.max).items() if total
    }
    assert all(abs(one.difference) <= Decimal("0.05") for one in rows)
    assert all(one.difference == 0 for one in control.clearing(desk.company, date.max))
    assert check.check(desk.company) == check.Checked(len(vouchers), [], 0)
    assert not {"CONTROL_DIFF", "VOUCHER_CHANGED"} & set(desk.problems())


def test_open_items_of_a_past_day_are_those_of_that_day(sold: Desk) -> None:
    """A statement of a later day closes them later, in the list as in the sums."""
    from samklang.reconciliation import control
    from samklang.reconciliation.models import Statement

    before = control.open_items(sold.company, date(2026, 3, 4))
    sums = control.clearing(sold.company, date(2026, 3, 4))
    sold.takes(klarna())
    sold.run()
    assert Statement.objects.filter(day__gt=date(2026, 3, 4)).exists()
    again = control.open_items(sold.company, date(2026, 3, 4))
    assert [one._replace(pk=0) for one in again] == [one._replace(pk=0) for one in before] != []
    assert control.clearing(sold.company, date(2026, 3, 4)) == sums
    assert len(control.open_items(sold.company, date.max)) < len(before)
    first = control.open_items(sold.company, date(2026, 3, 4), most=1)
    last = first[0]
    assert first + control.open_items(sold.company, date(2026, 3, 4), after=(last.provider, last.day, last.pk)) == again


def test_the_orders_side_never_comes_from_the_vouchers(sold: Desk) -> None:
    """A voucher whose VAT line somebody changes shows as a difference: the orders still say what they said."""
    from samklang.reconciliation import check, control, totals
    from samklang.reconciliation.models import Voucher, VoucherLine

    seen(sold)
    right = control.vat(sold.company, *MARCH)
    assert all(one.difference == 0 for one in right)
    line = VoucherLine.objects.filter(role__startswith="vat.out.").select_related("voucher").first()
    assert line is not None
    VoucherLine.objects.filter(pk=line.pk).update(amount=line.amount - 7)
    found = check.check(sold.company)
    assert found is not None and found.changed == [line.voucher.key] and found.differing == 1
    assert sold.problems()["VOUCHER_CHANGED"] == [line.voucher.key]
    assert sold.problems()["CONTROL_DIFF"] == [f"lines/{line.voucher.date}"]
    totals.keep_lines(sold.company, [line.voucher.date])
    wrong = control.vat(sold.company, *MARCH)
    assert [one.orders for one in wrong] == [one.orders for one in right]
    assert sum(one.difference for one in wrong) == 7
    VoucherLine.objects.filter(pk=line.pk).update(amount=line.amount)
    assert check.check(sold.company, mend=True) is not None
    sold.run()
    seen(sold)
    assert check.check(sold.company) == check.Checked(Voucher.objects.count(), [], 0)
    assert not {"CONTROL_DIFF", "VOUCHER_CHANGED"} & set(sold.problems())


def test_a_kept_sum_that_is_not_the_orders_is_a_problem(sold: Desk) -> None:
    from samklang.reconciliation import check
    from samklang.reconciliation.models import VatOfDay

    seen(sold)
    row = VatOfDay.objects.order_by("pk").first()
    assert row is not None
    VatOfDay.objects.filter(pk=row.pk).update(amount=row.amount + 1)
    found = check.check(sold.company)
    assert found is not None and found.differing == 1
    assert sold.problems()["CONTROL_DIFF"] == [f"vat/{row.day}/{row.country}/{row.percent}"]
    sold.run()
    seen(sold)
    assert VatOfDay.objects.get(pk=row.pk).amount == row.amount, "a run keeps what it derives"
    assert check.check(sold.company) is not None and "CONTROL_DIFF" not in sold.problems()


def test_an_order_that_no_run_has_seen_is_no_difference(sold: Desk) -> None:
    """It is booked by the next run; what has changed before that run began, and is not in the sums, is one."""
    from samklang.reconciliation import check
    from samklang.reconciliation.models import VatOfDay

    seen(sold)
    order = day_of_sales()[0]
    payments = tuple(
        msgspec.structs.replace(payment, provider_id="late", at=payment.at + timedelta(days=2))
        for payment in order.payments
    )
    late = msgspec.structs.replace(order, order_no="late", payments=payments)
    from samklang.reconciliation.models import Books

    Books.objects.update(read_until=time.time() - 60)
    store_orders(sold.shop_row, [late])
    assert check.check(sold.company) == check.Checked(len(sold.vouchers()), [], 0)
    seen(sold)  # now the books claim to know it
    found = check.check(sold.company)
    assert found is not None and found.differing == 1
    sold.run()
    seen(sold)
    assert VatOfDay.objects.filter(day=(order.payments[0].at + timedelta(days=2)).date()).exists()
    assert check.check(sold.company) == check.Checked(len(sold.vouchers()), [], 0)


def test_books_that_wait_for_a_run_are_checked_after_it(sold: Desk) -> None:
    from samklang.hub import leases
    from samklang.reconciliation import check
    from samklang.reconciliation.companies import wake
    from samklang.reconciliation.models import Books

    wake(sold.company)
    assert check.check(sold.company) is None, "settings, files or decisions are not seen yet"
    sold.run()
    with leases.holding(sold.tenant.pk, f"books-{sold.company.pk}"):
        assert check.check(sold.company) is None, "another process is at them"
    assert Books.objects.get().checked_at is None
    assert check.check(sold.company) is not None


def test_the_check_is_due_at_night(sold: Desk, monkeypatch: Any) -> None:
    from samklang.reconciliation import check
    from samklang.reconciliation.models import Books

    def at(hour: int, day: int) -> bool:
        monkeypatch.setattr(check.timezone, "now", lambda: datetime(2026, 4, day, hour, 30, tzinfo=UTC))
        return check.due(sold.company)

    assert at(10, 1), "never checked"
    Books.objects.update(checked_at=datetime(2026, 4, 1, 10, 30, tzinfo=UTC))
    assert [hour for hour in range(24) if at(hour, 2)] == [0, 1, 2, 3, 23], "1 to 5 in Stockholm, and after 36 hours"
