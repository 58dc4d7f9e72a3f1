"""A month with known truth through the tables: all of it accounted for, both models agree, and no order of things, no
packing and no repetition changes what is booked (RECONCILIATION §8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from samklang.accounting.control import account_balances, vat_of_vouchers
from samklang.records import Voucher
from tests.accounting.month import Month
from tests.reconciliation.conftest import Desk
from tests.reconciliation.filled import hand_in, rates, store_orders

COUNT = 150
MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def opened(desk: Desk, model: str) -> None:
    desk.company = desk.settings(channels={"web": {"model": model}}, keeps_invoices=True)
    desk.flow()
    rates(desk.tenant)


def content(vouchers: Iterable[Voucher]) -> dict[str, Any]:
    return {one.key: (one.date, one.lines) for one in vouchers}


def balances(vouchers: Sequence[Voucher]) -> dict[str, Decimal]:
    return {account: amount for account, amount in account_balances(vouchers).items() if amount}


@pytest.mark.parametrize("model", ["day", "invoice"])
def test_every_line_is_accounted_for(desk: Desk, monkeypatch: Any, model: str) -> None:
    """Invariants 1, 3, 4, 9: nothing on suspense, no line without its order, bank as the bank has it."""
    from samklang.reconciliation.models import Statement

    month = Month(COUNT)
    opened(desk, model)
    store_orders(desk.shop_row, month.facts.orders)
    for made in (*month.facts.statements, *month.facts.bank):
        hand_in(monkeypatch, desk.company, made)
    desk.run()
    assert set(desk.problems()) <= {"ORDER_WITHOUT_TX"}, "what was sold last is paid out after the month"
    assert not Statement.objects.filter(open__gt=0).exists()
    ours = balances(desk.records())
    assert "2999" not in ours
    assert ours["1930"] == month.truth.bank
    assert ours.get("1516", Decimal(0)) == month.truth.disputed
    assert desk.run().vouchers == len(desk.vouchers())


def test_both_models_give_the_same_vat_and_result(desk: Desk, monkeypatch: Any) -> None:
    month = Month(COUNT)
    found = []
    for model in ("day", "invoice"):
        opened(desk, model)
        store_orders(desk.shop_row, month.facts.orders)
        for made in (*month.facts.statements, *month.facts.bank):
            hand_in(monkeypatch, desk.company, made)
        desk.run()
        vouchers = desk.records()
        result = {account: amount for account, amount in balances(vouchers).items() if account[0] in "345678"}
        found.append((dict(vat_of_vouchers(vouchers, *MARCH)), result))
    assert found[0] == found[1]


def test_files_in_any_order_packing_and_number_end_the_same(desk: Desk, monkeypatch: Any) -> None:
    """Invariant 6, with runs and approvals in between: the ledger's balances are those of all facts at once."""
    month, dice = Month(COUNT), Random(7)
    opened(desk, "day")
    store_orders(desk.shop_row, month.facts.orders)
    hand_in(monkeypatch, desk.company, *month.facts.statements)
    hand_in(monkeypatch, desk.company, *month.facts.bank)
    desk.run()
    at_once = content(desk.records())

    other = Desk.__new__(Desk)
    other.__dict__.update(desk.__dict__)
    from samklang.hub.models import Company

    other.company = Company.objects.create(tenant=desk.tenant, code="zz", settings=desk.company.settings)
    statements = list(month.facts.statements)
    dice.shuffle(statements)
    for made in statements:
        lines = list(made.lines)
        dice.shuffle(lines)
        hand_in(monkeypatch, other.company, msgspec.structs.replace(made, lines=tuple(lines), format="again"))
        hand_in(monkeypatch, other.company, msgspec.structs.replace(made, format="and again"))
    for made in month.facts.bank:
        for line in made.lines:
            hand_in(monkeypatch, other.company, msgspec.structs.replace(made, lines=(line,)))
    other.run()
    again = content(other.records())
    assert {key.replace("zz/", "ov/", 1): value for key, value in again.items()} == at_once


def test_orders_and_statements_that_trickle_in_end_where_one_run_ends(desk: Desk, monkeypatch: Any) -> None:
    month = Month(COUNT)
    opened(desk, "day")
    orders = list(month.facts.orders)
    statements = list(month.facts.statements)
    for step in range(5):
        some = orders[: COUNT * (step + 1) // 5]
        store_orders(desk.shop_row, some)
        known = {order.order_no for order in some}
        for made in list(statements):
            if {line.order_ref for line in made.lines if line.order_ref} <= known:
                hand_in(monkeypatch, desk.company, made)
                statements.remove(made)
        desk.run()
        desk.approve()
        desk.deliver()
    assert not statements
    for made in month.facts.bank:
        hand_in(monkeypatch, desk.company, made)
    desk.run()
    desk.approve()
    desk.deliver()
    assert not desk.vouchers(state="approved")
    ledger = [voucher for voucher in desk.ledger.of("voucher") if isinstance(voucher, Voucher)]
    assert len({voucher.key for voucher in ledger}) == len(ledger) == len(desk.vouchers())
    assert balances(ledger)["1930"] == month.truth.bank
    assert "2999" not in balances(ledger)
