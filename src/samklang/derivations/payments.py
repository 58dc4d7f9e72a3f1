"""What an order's events mean in money: a capture for each shipment, the void of what is left, a refund of a return.

All sums are cumulative: a capture is what has been sent up to now, less what was captured before, so rounding never
adds up and the last capture makes the total whole. Charges go with the first shipment, rounding with the last. What the
buyer paid by gift card or in another way is used up first: the provider is asked for the rest (J-13).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from samklang.records import (
    Capture,
    Charge,
    MoneyLine,
    Order,
    OrderStatus,
    Parcel,
    PaymentTransaction,
    Refund,
    Return,
    Shipment,
    ShipmentLine,
    Void,
)
from samklang.records.ids import sku_key
from samklang.records.money import ZERO, rounded
from samklang.records.states import LEFT

#: States of a shipment in which its goods are out of the warehouse's hands.
SENT = frozenset({"handed_over", "in_transit", "delivered"})


class Owed(NamedTuple):
    """A payment that waits to be captured: the provider's id of it, the most that is to be taken, what was authorised
    (more than that where the order was cut down since), and what of the order is paid in other ways."""

    payment_id: str
    amount: Decimal
    authorised: Decimal
    elsewhere: Decimal = ZERO


def owed(order: Order, methods: Collection[str] = (), *, ours: bool = False) -> Owed | None:
    """What the order's provider is to be asked for in all, or None: paid otherwise, captured by the shop, or a test.

    `methods`: the shop's payment methods that this provider stands for, in the shop's words; empty = all that have been
    authorised. Where the shop names its transactions, the authorisation of one of these methods counts; else the
    order's own `payment_method` and `transaction_id`. `ours`: captures that the shop tells of may be our own, for some
    are made.
    """
    if order.test:
        return None
    for payment in order.payments:
        named = {payment.provider, payment.method}
        if payment.kind == "authorise" and payment.state == "ok" and (not methods or named & set(methods)):
            taken = any(p.kind == "capture" and p.parent_id == payment.provider_id for p in order.payments)
            if not payment.provider_id or (taken and not ours):
                return None
            elsewhere = sum((p.amount for p in order.payments if _is_other(p, payment)), ZERO)
            most = max(ZERO, min(payment.amount, order.gross - elsewhere))
            return Owed(payment.provider_id, most, payment.amount, elsewhere)
    if order.payments or not order.transaction_id or (methods and order.payment_method not in methods):
        return None
    waits = order.payment in ("authorised", "partly_captured") or (methods and order.payment == "pending")
    return Owed(order.transaction_id, order.gross, order.gross) if waits or ours else None


def _is_other(one: PaymentTransaction, payment: PaymentTransaction) -> bool:
    """Whether it is money that pays for the order in another way: a gift card, a second provider."""
    mine = one is payment or one.parent_id == payment.provider_id
    return not mine and one.state == "ok" and (one.kind == "authorise" or (one.kind == "capture" and not one.parent_id))


def capture(
    order: Order,
    due: Owed,
    shipment: Shipment,
    sent: Sequence[Shipment],
    captures: Sequence[Capture],
    status: OrderStatus | None = None,
) -> Capture | None:
    """What this shipment lets us take, or None: nothing was sent, or all of it is paid for.

    `sent`: the order's shipments before it, `captures`: what was taken for them. `status`: what the warehouse says of
    the lines, to see which shipment is the last. The lines' sum is the amount to the öre; what is paid in another way,
    and what was sent before but not captured, stands among them as a line of its own.
    """
    before = _all_pieces(order, sent)
    pieces = _pieces(order, shipment.lines, before) if shipment.lines else _missing(order, before)
    if not pieces:
        return None
    lines = _money(order, pieces, before)
    now = {line.line_id: before.get(line.line_id, ZERO) + pieces.get(line.line_id, ZERO) for line in order.lines}
    everything = not _missing(order, now)
    final = everything or _is_closed(order, status, now)
    charges = [_charge(charge, f"charge-{n}") for n, charge in enumerate(order.charges)]
    if not sent:
        lines += [line for line in charges if line.kind != "rounding"]
    if final:
        lines += [line for line in charges if line.kind == "rounding"]
    lines = [line for line in lines if line.gross]
    amount = _to_take(order, due, now, final) - sum((one.amount for one in captures), ZERO)
    if amount <= 0:
        return None
    value = sum((line.gross for line in lines), ZERO)
    if amount != value:
        kind = "gift_card" if amount < value else "earlier"
        lines.append(MoneyLine(line_id=kind, quantity=Decimal(1), gross=amount - value, kind=kind))
    parcel = shipment.parcels[0] if shipment.parcels else Parcel()
    return Capture(
        order=order.key, number=shipment.number, amount=amount, currency=order.currency, payment_id=due.payment_id,
        lines=tuple(lines), final=final, carrier_code=shipment.carrier_code, tracking_no=parcel.tracking_no,
        tracking_url=parcel.tracking_url,
    )  # fmt: skip


def grown(order: Order, shipment: Shipment, captures: Sequence[Capture]) -> tuple[Shipment, Shipment] | None:
    """A captured shipment as it was then, and what it has grown by since as a shipment of its own: some warehouses add
    later parcels to a delivery that they have told of. None where it is all captured."""
    mine = [one for one in captures if one.number == shipment.number or one.number.startswith(f"{shipment.number}+")]
    taken: dict[str, Decimal] = {}
    for row in (row for one in mine for row in one.lines):
        taken[row.line_id] = taken.get(row.line_id, ZERO) + row.quantity
    was, more = [], []
    for line_id, here in _pieces(order, shipment.lines, {}).items():
        had = min(here, taken.get(line_id, ZERO))
        was += [ShipmentLine(line_id=line_id, quantity=had)] if had else []
        more += [ShipmentLine(line_id=line_id, quantity=here - had)] if here > had else []
    if not was or not more:
        return None
    return (
        msgspec.structs.replace(shipment, lines=tuple(was)),
        msgspec.structs.replace(shipment, number=f"{shipment.number}+{len(mine)}", lines=tuple(more)),
    )


def _to_take(order: Order, due: Owed, sent: Mapping[str, Decimal], final: bool) -> Decimal:
    """What is to be captured in all when these pieces have been sent."""
    if not _missing(order, sent):
        return due.amount
    worth = sum((row.gross for row in _money(order, sent, {})), ZERO)
    worth += sum((charge.gross for charge in order.charges if final or charge.kind != "rounding"), ZERO)
    return min(due.amount, max(ZERO, worth - due.elsewhere))


def void(
    order: Order, due: Owed, sent: Sequence[Shipment], captures: Sequence[Capture], statuses: Iterable[OrderStatus]
) -> Void | None:
    """What can be let go: all of it when the order was cancelled before anything left, the rest when the warehouse has
    closed the order and all that it shipped is among `sent` (and so captured). None while more may be captured."""
    statuses = tuple(statuses)
    rest = due.authorised - sum((one.amount for one in captures), ZERO)
    if rest <= 0:
        return None
    gone = bool(sent or captures) or any(status.fulfilment in LEFT for status in statuses)
    if gone:
        pieces = _all_pieces(order, sent)
        if _missing(order, pieces) and not any(_is_closed(order, status, pieces) for status in statuses):
            return None
        if due.authorised - rest < _to_take(order, due, pieces, final=True):
            return None  # something that was sent is not captured yet
    elif order.lifecycle != "cancelled" and not any(status.lifecycle == "cancelled" for status in statuses):
        return None
    return Void(
        order=order.key, amount=rest, currency=order.currency, payment_id=due.payment_id, whole=not captures,
        after=tuple(one.key for one in captures),
    )  # fmt: skip


def refund(order: Order, back: Return, captures: Sequence[Capture], refunds: Sequence[Refund]) -> Refund | None:
    """The price of the goods that came back, at most what was captured and not yet refunded. Freight stays paid."""
    before: dict[str, Decimal] = {}
    for row in (row for one in refunds for row in one.lines):
        before[row.line_id] = before.get(row.line_id, ZERO) + row.quantity
    rows = [ShipmentLine(quantity=row.quantity, line_id=row.line_id, sku=row.sku) for row in back.lines]
    pieces = _pieces(order, rows, before)
    lines = _money(order, pieces, before)
    value = sum((line.gross for line in lines), ZERO)
    left = sum((one.amount for one in captures), ZERO) - sum((one.amount for one in refunds), ZERO)
    amount = min(value, left)
    if amount <= 0:
        return None
    if amount != value:
        lines.append(MoneyLine(line_id="gift_card", quantity=Decimal(1), gross=amount - value, kind="gift_card"))
    return Refund(
        order=order.key, number=back.number, amount=amount, currency=order.currency,
        payment_id=captures[0].payment_id, lines=tuple(lines), reason=back.reason,
        capture=_capture_of(captures, pieces, amount).key,
    )  # fmt: skip


def whole_shipment(status: OrderStatus) -> Shipment:
    """An ERP without shipments says `shipped` or `delivered`: all that is left counts as one (J-13)."""
    return Shipment(order=status.order, number="all", state="handed_over")


# ------------------------------------------------------------------------------------------------ lines and pieces


def _pieces(order: Order, rows: Iterable[ShipmentLine], before: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Order line → pieces. A row without a line's id is laid on the lines of its SKU, in the order's order, on top of
    what was there `before`; nothing is laid on a line beyond what was ordered."""
    by_id = {line.line_id: line for line in order.lines}
    found: dict[str, Decimal] = {}
    for row in rows:
        left = row.quantity
        same = [line for line in order.lines if row.sku and sku_key(line.sku) == sku_key(row.sku)]
        for line in [by_id[row.line_id]] if row.line_id in by_id else same:
            here = min(left, line.quantity - before.get(line.line_id, ZERO) - found.get(line.line_id, ZERO))
            if here > 0:
                found[line.line_id] = found.get(line.line_id, ZERO) + here
                left -= here
    return found


def _all_pieces(order: Order, sent: Iterable[Shipment]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for shipment in sent:
        pieces = _pieces(order, shipment.lines, found) if shipment.lines else _missing(order, found)
        for line_id, here in pieces.items():
            found[line_id] = found.get(line_id, ZERO) + here
    return found


def _missing(order: Order, pieces: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Order line → pieces of it that are still to come."""
    rest = {line.line_id: line.quantity - pieces.get(line.line_id, ZERO) for line in order.lines}
    return {line_id: left for line_id, left in rest.items() if left > 0}


def _is_closed(order: Order, status: OrderStatus | None, pieces: Mapping[str, Decimal]) -> bool:
    """The warehouse has sent all that it will, and these pieces are all of that."""
    if status is None or status.fulfilment not in LEFT - {"partly_shipped"} or not status.lines:
        return False
    return sum(pieces.values(), ZERO) >= sum((row.shipped for row in status.lines), ZERO)


def _money(order: Order, pieces: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> list[MoneyLine]:
    """What these pieces of the order's lines cost: each line's money up to now, less what went before."""
    found: list[MoneyLine] = []
    for line in order.lines:
        if here := pieces.get(line.line_id):
            had = before.get(line.line_id, ZERO)
            gross, tax = (
                rounded(whole * (had + here) / line.quantity, order.currency)
                - rounded(whole * had / line.quantity, order.currency)
                for whole in (line.gross, line.tax)
            )
            found.append(
                MoneyLine(
                    line_id=line.line_id, quantity=here, sku=line.sku, name=line.name, kind=line.kind, gross=gross,
                    tax=tax, tax_percent=line.tax_percent,
                )
            )  # fmt: skip
    return found


def _charge(charge: Charge, fallback: str) -> MoneyLine:
    return MoneyLine(
        line_id=charge.charge_id or fallback, quantity=Decimal(1), gross=charge.gross, tax=charge.tax,
        tax_percent=charge.tax_percent, name=charge.name, kind=charge.kind,
    )  # fmt: skip


def _capture_of(captures: Sequence[Capture], pieces: Mapping[str, Decimal], amount: Decimal) -> Capture:
    """The capture that took most of these lines and is large enough, else the largest."""
    able = [one for one in captures if one.amount >= amount] or [max(captures, key=lambda one: one.amount)]
    return max(able, key=lambda one: sum((line.gross for line in one.lines if line.line_id in pieces), ZERO))
