"""Captures and refunds that the hub has carried out are the payments of their orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from samklang.records import Capture, MoneyLine, Refund, content_hash, encode
from tests.accounting.shop import assert_golden, at, freight, line, order, paid
from tests.accounting.statements.files import klarna
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales


def moved(desk: Desk, type_: str, record: Capture | Refund, external_id: str, *, delivered: bool = True) -> None:
    """The hub has moved this at Klarna, under this id."""
    from django.db import transaction

    from samklang.hub import store
    from samklang.hub.models import Binding, Connection, Stored

    row, _ = Connection.objects.get_or_create(tenant=desk.tenant, name="klarna", defaults={"connector": "klarna"})
    body = encode(record)
    with transaction.atomic():
        store.keep_records(desk.tenant.pk, desk.shop_row.pk, type_, [(record.key, body, content_hash(body))])
    Stored.objects.filter(type=type_, key=record.key).update(changed_at=at("2026-03-02").timestamp())
    Binding.objects.create(
        tenant=desk.tenant, connection=row, type=type_, key=record.key, external_id=external_id,
        source=desk.shop_row, delivered=content_hash(body) if delivered else None,
    )  # fmt: skip


def capture(key: str, amount: str, *lines: MoneyLine) -> Capture:
    return Capture(order=key, number="S1", amount=Decimal(amount), currency="SEK", payment_id="k", lines=lines)


def money(line_id: str, gross: str) -> MoneyLine:
    return MoneyLine(line_id=line_id, quantity=Decimal(1), gross=Decimal(gross))


def rule_of(desk: Desk, id_: str) -> str:
    """By what the one match of this line of Klarna's was found."""
    from samklang.reconciliation.models import Match

    return str(Match.objects.get(company=desk.company, line__contains=id_).rule)


@pytest.fixture
def vague(desk: Desk) -> Desk:
    """The shop knows that order 1001 was paid with Klarna, not how Klarna calls it."""
    _, *rest = day_of_sales()
    desk.flow()
    desk.sells(order("1001", [line("1250")], paid("klarna", "1250", "2026-03-02", "the-shops-own")), *rest)
    desk.takes(klarna())
    return desk


def test_a_payout_finds_what_the_hub_has_captured(vague: Desk) -> None:
    """And what was matched with the shop's own word is matched anew, so nothing hangs on a payment that is no more."""
    vague.run()
    assert rule_of(vague, "c-1001") == "order"

    moved(vague, "capture", capture("web/1001", "1250", money("l1250-25", "1250")), "c-1001")
    vague.run()
    assert vague.problems() == {"ORDER_WITHOUT_TX": ["web/1002#capture/stripe/txn_1"]}
    assert rule_of(vague, "c-1001") == "id"
    (settled,) = (voucher for voucher in vague.records() if voucher.source == "settlement")
    assert_golden(settled, "E2")


def test_what_was_not_carried_out_is_no_payment(vague: Desk) -> None:
    moved(vague, "capture", capture("web/1001", "1250"), "c-1001", delivered=False)
    vague.run()
    assert rule_of(vague, "c-1001") == "order"


def test_parts_are_named_by_lines_and_charges_and_only_where_they_make_the_sum() -> None:
    from samklang.reconciliation.moved import with_moved

    sold = order("1", [line("100"), line("112", "12")], charges=[freight("49")])
    payment: Any = paid("klarna", "149", "2026-03-02", "c")

    def parts(record: Capture) -> list[tuple[str, str]]:
        (made,) = with_moved(sold, {sold.key: [(record, payment)]}).payments
        return [(part.line_id, str(part.gross)) for part in made.parts]

    lines = (money("l100-25", "100"), money("charge-0", "49"))
    assert parts(capture(sold.key, "149", *lines)) == [("l100-25", "100"), ("shipping", "49")]
    assert parts(capture(sold.key, "150", *lines)) == []
    assert parts(capture(sold.key, "149", money("l100-25", "100"), money("gone", "49"))) == []


def test_the_shops_word_on_other_providers_stays() -> None:
    from samklang.reconciliation.moved import with_moved

    card: Any = paid("gift_card", "50", "2026-03-01", "g")
    sold = order("1", [line("200")], paid("klarna", "150", "2026-03-01", "vague"), card)
    ours: Any = paid("klarna", "150", "2026-03-02", "c")
    kept = with_moved(sold, {sold.key: [(capture(sold.key, "150"), ours)]})
    assert [payment.provider_id for payment in kept.payments] == ["g", "c"]


def test_what_was_moved_is_found_for_each_order_however_they_are_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers that begin alike: what hangs on 1001 lies behind '1001 B', and before '10010'."""
    from samklang.hub.setup.companies import part_of
    from samklang.reconciliation import facts

    numbers = ("1000", "1001", "1001 B", "10010", "1002")
    desk.flow()
    desk.sells(*(order(no, [line("1250")]) for no in numbers))
    for no in numbers:
        moved(desk, "capture", capture(f"web/{no}", "1250"), f"c-{no}")
    for size in (1, 2, 3, 500):
        monkeypatch.setattr(facts, "_BATCH", size)
        read = list(facts.orders_of(desk.company, part_of(desk.company)))
        assert {one.order_no: one.payments[-1].provider_id for one in read} == {no: f"c-{no}" for no in numbers}
