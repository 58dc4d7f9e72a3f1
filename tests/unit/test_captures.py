"""What an order's events mean in money: captures, voids and refunds add up to the öre (J-13, RECONCILIATION §7)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from samklang.derivations import payments
from samklang.records import (
    Capture,
    Charge,
    Customer,
    LineStatus,
    Order,
    OrderLine,
    OrderStatus,
    PaymentTransaction,
    Return,
    ReturnLine,
    Shipment,
    ShipmentLine,
)
from samklang.records.money import ZERO, rounded

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def line(id_: str, pieces: int, gross: str, sku: str = "") -> OrderLine:
    total = Decimal(gross)
    tax = rounded(total / 5, "SEK")
    return OrderLine(
        line_id=id_, sku=sku or f"S{id_}", quantity=Decimal(pieces), unit_price=total / pieces, net=total - tax,
        tax=tax, gross=total, tax_percent=Decimal(25),
    )  # fmt: skip


def order(*lines: OrderLine, freight: str = "49", gift_card: str = "0", **more: object) -> Order:
    whole = Decimal(freight)
    charges = (Charge(kind="shipping", net=whole * 4 / 5, tax=whole / 5, gross=whole, charge_id="f"),)
    parts = (*lines, *(charges if Decimal(freight) else ()))
    gross = sum((part.gross for part in parts), ZERO)
    card = Decimal(gift_card)
    paid = [PaymentTransaction(kind="authorise", provider="klarna", amount=gross - card, at=NOW, provider_id="k-1")]
    if card:
        paid.append(PaymentTransaction(kind="capture", provider="gift_card", amount=card, at=NOW, provider_id="card-9"))
    return Order(
        channel="nordljus", order_no="1", placed_at=NOW, currency="SEK", customer=Customer(name="Anna Berg"),
        lines=lines, charges=parts[len(lines):], net=sum((p.net for p in parts), ZERO),
        tax=sum((p.tax for p in parts), ZERO), gross=gross, prices_include_tax=True, payment="authorised",
        payments=tuple(paid), **more,
    )  # fmt: skip


def sent(number: str, **pieces: int) -> Shipment:
    rows = tuple(ShipmentLine(line_id=id_, quantity=Decimal(n)) for id_, n in pieces.items())
    return Shipment(order="nordljus/1", number=number, state="handed_over", lines=rows)


def captures(bought: Order, *shipments: Shipment, status: OrderStatus | None = None) -> list[Capture]:
    made: list[Capture] = []
    for n, shipment in enumerate(shipments):
        due = payments.owed(bought, ("klarna",), ours=bool(made))
        assert due is not None
        one = payments.capture(bought, due, shipment, shipments[:n], made, status)
        made += [one] if one else []
    return made


def test_each_shipment_takes_what_was_sent_and_the_freight_goes_with_the_first() -> None:
    """J-13: one capture for each shipment, with the lines and the VAT of what was sent."""
    first, second = captures(order(line("a", 3, "300"), line("b", 1, "99.90")), sent("1", a=1), sent("2", a=2, b=1))
    assert (first.amount, second.amount) == (Decimal("149"), Decimal("299.90"))
    assert [(row.line_id, row.quantity, row.gross, row.tax) for row in first.lines] == [
        ("a", 1, 100, 20), ("f", 1, 49, Decimal("9.8")),
    ]  # fmt: skip
    assert not first.final
    assert second.final


def test_a_third_of_an_ore_is_never_lost() -> None:
    made = captures(order(line("a", 3, "100")), sent("1", a=1), sent("2", a=1), sent("3", a=1))
    assert [one.amount for one in made] == [Decimal("82.33"), Decimal("33.34"), Decimal("33.33")]
    assert sum(one.amount for one in made) == Decimal(149)


def test_a_gift_card_pays_first_and_the_provider_the_rest() -> None:
    """Gift cards and several payment methods in one order."""
    bought = order(line("a", 2, "400"), gift_card="250")
    (only,) = captures(bought, sent("1", a=1), sent("2", a=1))
    assert (only.number, only.amount) == ("2", Decimal(199))
    assert [(row.kind, row.gross) for row in only.lines] == [("goods", 200), ("gift_card", -1)]


def test_the_same_sku_on_two_lines_is_told_apart_by_the_line_else_filled_in_order() -> None:
    """O-07: the same SKU twice."""
    bought = order(line("a", 1, "100", "CUP"), line("b", 1, "80", "CUP"), freight="0")
    by_id = captures(bought, sent("1", b=1))[0]
    assert by_id.amount == Decimal(80)
    by_sku = Shipment(
        order="nordljus/1", number="1", state="handed_over", lines=(ShipmentLine(sku="cup", quantity=Decimal(2)),)
    )
    assert captures(bought, by_sku)[0].amount == Decimal(180)


def test_what_the_shop_captured_itself_or_another_way_paid_is_not_asked_for() -> None:
    bought = order(line("a", 1, "100"))
    assert payments.owed(bought, ("swish",)) is None
    taken = PaymentTransaction(kind="capture", provider="klarna", amount=Decimal(149), at=NOW, parent_id="k-1")
    whole = msgspec.structs.replace(bought, payments=(*bought.payments, taken))
    assert payments.owed(whole, ("klarna",)) is None
    assert payments.owed(whole, ("klarna",), ours=True) is not None
    assert payments.owed(msgspec.structs.replace(bought, test=True), ("klarna",)) is None
    bare = msgspec.structs.replace(bought, payments=(), payment_method="klarna_payments", transaction_id="k-9")
    assert payments.owed(bare, ("klarna_payments",)) == ("k-9", Decimal(149), Decimal(149), 0)
    assert payments.owed(msgspec.structs.replace(bare, payment="captured"), ("klarna_payments",)) is None


def test_a_cancelled_order_lets_all_go_and_one_that_has_left_nothing() -> None:
    bought = order(line("a", 2, "200"), lifecycle="cancelled")
    due = payments.owed(bought)
    assert due is not None
    let_go = payments.void(bought, due, [], [], [])
    assert let_go is not None
    assert (let_go.amount, let_go.whole) == (Decimal(249), True)
    left = OrderStatus(order="nordljus/1", fulfilment="partly_shipped")
    assert payments.void(bought, due, [], [], [left]) is None


def test_the_rest_is_let_go_only_when_all_that_was_sent_is_captured() -> None:
    """Void the rest: the warehouse sent 1 of 2 and closed the order."""
    bought = order(line("a", 2, "200"))
    closed = OrderStatus(
        order="nordljus/1", fulfilment="shipped",
        lines=(LineStatus(line_id="a", sku="Sa", ordered=Decimal(2), shipped=Decimal(1), cancelled=Decimal(1)),),
    )  # fmt: skip
    due = payments.owed(bought)
    assert due is not None
    assert payments.void(bought, due, [], [], [closed]) is None
    made = captures(bought, sent("1", a=1), status=closed)
    assert made[0].final
    let_go = payments.void(bought, due, [sent("1", a=1)], made, [closed])
    assert let_go is not None
    assert (let_go.amount, let_go.whole, let_go.after) == (Decimal(100), False, ("nordljus/1#1",))


def test_an_order_that_was_cut_down_takes_its_new_total_and_lets_the_rest_go() -> None:
    """O-05 meets J-13: more was authorised than the order is worth now."""
    paid = order(line("a", 2, "200")).payments
    bought = msgspec.structs.replace(order(line("a", 1, "100")), payments=paid)
    made = captures(bought, sent("1", a=1))
    assert [one.amount for one in made] == [Decimal(149)]
    due = payments.owed(bought, ours=True)
    assert due is not None
    let_go = payments.void(bought, due, [sent("1", a=1)], made, [])
    assert let_go is not None
    assert (let_go.amount, let_go.whole) == (Decimal(100), False)


def test_an_order_that_grew_after_the_purchase_is_captured_up_to_what_was_authorised() -> None:
    """An edit that the warehouse refused, or that the buyer has not paid for: what is missing is no gift card."""
    paid = order(line("a", 1, "100")).payments
    bought = msgspec.structs.replace(order(line("a", 3, "300")), payments=paid)
    assert [one.amount for one in captures(bought, sent("1", a=1))] == [Decimal(149)]
    assert [one.amount for one in captures(bought, sent("1", a=3))] == [Decimal(149)]


def test_a_shipment_that_grows_is_captured_for_what_it_grew_by_and_nothing_is_let_go_before() -> None:
    """Some warehouses add later parcels to a delivery that they have told of."""
    bought = order(line("a", 2, "200"), line("b", 1, "50"))
    made = captures(bought, sent("1", a=1))
    whole = sent("1", a=2, b=1)
    due = payments.owed(bought, ours=True)
    assert due is not None
    assert payments.void(bought, due, [whole], made, []) is None
    split = payments.grown(bought, whole, made)
    assert split is not None
    was, more = split
    assert was.lines == sent("1", a=1).lines
    assert (more.number, {row.line_id: row.quantity for row in more.lines}) == ("1+1", {"a": 1, "b": 1})
    second = payments.capture(bought, due, more, [was], made)
    assert second is not None
    assert (second.amount, second.final) == (Decimal(150), True)
    assert payments.grown(bought, whole, [*made, second]) is None


def test_a_return_pays_back_its_goods_and_never_more_than_was_taken() -> None:
    """O-17: goods and money are apart; a refund is its own record."""
    bought = order(line("a", 2, "200"), line("b", 1, "50"))
    made = captures(bought, sent("1", a=2, b=1))
    back = Return(
        order="nordljus/1", number="R1", reason="regret", state="received",
        lines=(ReturnLine(sku="Sa", line_id="a", quantity=Decimal(1)),),
    )  # fmt: skip
    first = payments.refund(bought, back, made, [])
    assert first is not None
    assert (first.amount, first.capture, first.payment_id) == (Decimal(100), "nordljus/1#1", "k-1")
    again = payments.refund(bought, msgspec.structs.replace(back, number="R2"), made, [first])
    assert again is not None
    third = payments.refund(bought, msgspec.structs.replace(back, number="R3"), made, [first, again])
    assert third is None or first.amount + again.amount + third.amount <= made[0].amount


@st.composite
def splits(draw: st.DrawFn) -> tuple[Order, list[Shipment]]:
    """An order and its shipments, in any pieces."""
    lines = [
        line(str(n), pieces, str(Decimal(ore) / 100))
        for n, (pieces, ore) in enumerate(
            draw(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 99_999)), min_size=1, max_size=4))
        )
    ]
    total = sum((one.gross for one in lines), ZERO) + 49
    card = draw(st.decimals(0, max(ZERO, total - Decimal("0.01")), places=2))
    units = [one.line_id for one in lines for _ in range(int(one.quantity))]
    boxes = draw(st.lists(st.integers(0, 3), min_size=len(units), max_size=len(units)))
    shipments = []
    for box in sorted(set(boxes)):
        counted: dict[str, int] = {}
        for unit, of in zip(units, boxes, strict=True):
            if of == box:
                counted[unit] = counted.get(unit, 0) + 1
        shipments.append(sent(str(box), **counted))
    return order(*lines, gift_card=str(card)), draw(st.permutations(shipments))


@given(splits())
def test_however_an_order_is_split_all_of_it_is_captured_once(case: tuple[Order, list[Shipment]]) -> None:
    """J-13 as a property: any split, any order of shipments, any gift card; lines sum to the amount."""
    bought, shipments = case
    made = captures(bought, *shipments)
    due = payments.owed(bought, ours=True)
    assert due is not None
    assert sum((one.amount for one in made), ZERO) == due.amount
    for one in made:
        assert one.amount > 0
        assert sum((row.gross for row in one.lines), ZERO) == one.amount
    assert payments.void(bought, due, shipments, made, [OrderStatus(order=bought.key, fulfilment="shipped")]) is None
