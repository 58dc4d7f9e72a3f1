"""What an order's events mean in money: a capture for each shipment, the void of what is left, a refund of a return.

All sums are cumulative: a capture is what has been sent up to now, less what was captured before, so rounding never
adds up and the last capture makes the total whole. Charges go with the first shipment, rounding with the last. What the
buyer paid by gift card or in another way is used up first: the provider is asked for the rest (J-13).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from samklang.records import Capture, MoneyLine, Order, OrderStatus, Refund, Return, Shipment, ShipmentLine, Void
from samklang.records.ids import sku_key
from samklang.records.money import ZERO, rounded
from samklang.records.order import Charge, OrderLine
from samklang.records.states import LEFT

#: States of a shipment in which its goods are out of the warehouse's hands.
SENT = frozenset({"handed_over", "in_transit", "delivered"})


class Owed(NamedTuple):
    """A payment that waits to be captured: the provider's id of it, and the most that may be taken."""

    payment_id: str
    amount: Decimal


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
            return Owed(payment.provider_id, payment.amount) if payment.provider_id and (ours or not taken) else None
    if order.payments or not order.transaction_id or (methods and order.payment_method not in methods):
        return None
    waits = order.payment in ("authorised", "partly_captured") or (methods and order.payment == "pending")
    return Owed(order.transaction_id, order.gross) if waits or ours else None


def capture(
    order: Order, due: Owed, shipment: Shipment, before: Sequence[Capture], status: OrderStatus | None = None
) -> Capture | None:
    """What this shipment lets us take, or None: nothing was sent, or all of it is paid for.

    `before`: the order's other captures. `status`: what the warehouse says of the lines, to see which shipment is the
    last. The lines' sum is the amount to the öre; another way of paying stands among them as a line below 0.
    """
    earlier = [one for one in before if one.number != shipment.number]
    sent = _pieces(order, shipment.lines) if shipment.lines else _rest(order, earlier)
    if not sent:
        return None
    had = _captured(earlier)
    lines = _money(order, sent, had)
    final = _is_last(order, status, earlier, sent)
    if not earlier:
        lines += [_charge(c, f"charge-{n}") for n, c in enumerate(order.charges) if c.kind != "rounding"]
    if final:
        lines += [_charge(c, f"charge-{n}") for n, c in enumerate(order.charges) if c.kind == "rounding"]
    lines = [line for line in lines if line.gross]
    value = sum((line.gross for line in lines), ZERO)
    total = sum((one.amount for one in earlier), ZERO)
    asked = max(ZERO, _value(earlier) + value - (order.gross - due.amount)) - total
    whole = final and not any(_missing(order, earlier, sent).values())
    amount = min(due.amount - total, due.amount - total if whole else asked)
    if amount <= 0:
        return None
    if amount != value:
        kind = "gift_card" if order.gross > due.amount else "rounding"
        lines.append(MoneyLine(line_id=kind, quantity=Decimal(1), gross=amount - value, kind=kind))
    parcel = shipment.parcels[0] if shipment.parcels else None
    return Capture(
        order=order.key, number=shipment.number, amount=amount, currency=order.currency, payment_id=due.payment_id,
        lines=tuple(lines), final=final, carrier_code=shipment.carrier_code,
        tracking_no=parcel.tracking_no if parcel else "", tracking_url=parcel.tracking_url if parcel else "",
    )  # fmt: skip


def void(order: Order, due: Owed, captures: Sequence[Capture], statuses: Iterable[OrderStatus]) -> Void | None:
    """What can be let go: all of it when the order was cancelled before anything left, the rest when the warehouse has
    sent all that it will and every piece of it is captured. None while more may be captured."""
    statuses = tuple(statuses)
    taken = sum((one.amount for one in captures), ZERO)
    rest = due.amount - taken
    cancelled = order.lifecycle == "cancelled" or any(status.lifecycle == "cancelled" for status in statuses)
    if rest <= 0:
        return None
    if not (cancelled and not captures and not any(status.fulfilment in LEFT for status in statuses)):
        done = [status for status in statuses if status.fulfilment in LEFT - {"partly_shipped"} and status.lines]
        had = _captured(captures)
        of_sku: dict[str, Decimal] = {}
        for line in order.lines:
            of_sku[sku_key(line.sku)] = of_sku.get(sku_key(line.sku), ZERO) + had.get(line.line_id, _NONE).quantity
        shipped: dict[str, Decimal] = {}
        for status in done[:1]:
            for row in status.lines:
                shipped[sku_key(row.sku)] = shipped.get(sku_key(row.sku), ZERO) + row.shipped
        if not done or not captures or any(of_sku.get(sku, ZERO) < pieces for sku, pieces in shipped.items()):
            return None
    return Void(
        order=order.key, amount=rest, currency=order.currency, payment_id=due.payment_id, whole=not captures,
        after=tuple(one.key for one in captures),
    )  # fmt: skip


def refund(order: Order, back: Return, captures: Sequence[Capture], before: Sequence[Refund]) -> Refund | None:
    """The price of the goods that came back, at most what was captured and not yet refunded. Freight stays paid.

    A buyer who regrets gets the first freight back too where the merchant's rule says so: that is a Refund of its own.
    """
    if not captures or not back.lines:
        return None
    earlier = [one for one in before if one.number != back.number]
    had = _captured(earlier)
    pieces = _pieces(order, [ShipmentLine(quantity=r.quantity, line_id=r.line_id, sku=r.sku) for r in back.lines])
    lines = _money(order, pieces, had)
    value = sum((line.gross for line in lines), ZERO)
    left = sum((one.amount for one in captures), ZERO) - sum((one.amount for one in earlier), ZERO)
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


# ------------------------------------------------------------------------------------------------ lines and pieces


class _Had(NamedTuple):
    """What of a line was captured or refunded before."""

    quantity: Decimal
    gross: Decimal
    tax: Decimal


_NONE = _Had(ZERO, ZERO, ZERO)


def _captured(movements: Iterable[Capture | Refund]) -> dict[str, _Had]:
    found: dict[str, _Had] = {}
    for movement in movements:
        for line in movement.lines:
            was = found.get(line.line_id, _NONE)
            found[line.line_id] = _Had(was.quantity + line.quantity, was.gross + line.gross, was.tax + line.tax)
    return found


def _value(movements: Iterable[Capture]) -> Decimal:
    """What was sent for these captures, however it was paid."""
    return sum((line.gross for one in movements for line in one.lines if line.kind != "gift_card"), ZERO)


def _pieces(order: Order, rows: Iterable[ShipmentLine]) -> dict[str, Decimal]:
    """Order line → pieces. A row without a line's id is laid on the lines of its SKU, in the order's order."""
    by_id = {line.line_id: line for line in order.lines}
    found: dict[str, Decimal] = {}
    for row in rows:
        left = row.quantity
        lines = [by_id[row.line_id]] if row.line_id in by_id else [
            line for line in order.lines if row.sku and sku_key(line.sku) == sku_key(row.sku)
        ]  # fmt: skip
        for line in lines:
            here = min(left, line.quantity - found.get(line.line_id, ZERO))
            if here > 0:
                found[line.line_id] = found.get(line.line_id, ZERO) + here
                left -= here
    return found


def _missing(order: Order, earlier: Sequence[Capture], sent: Mapping[str, Decimal]) -> dict[str, Decimal]:
    had = _captured(earlier)
    return {
        line.line_id: line.quantity - had.get(line.line_id, _NONE).quantity - sent.get(line.line_id, ZERO)
        for line in order.lines
    }


def _rest(order: Order, earlier: Sequence[Capture]) -> dict[str, Decimal]:
    return {line_id: pieces for line_id, pieces in _missing(order, earlier, {}).items() if pieces > 0}


def _is_last(order: Order, status: OrderStatus | None, earlier: Sequence[Capture], sent: Mapping[str, Decimal]) -> bool:
    """Nothing of the order is left to send: all is sent, or the warehouse says that it has sent all it will."""
    if all(pieces <= 0 for pieces in _missing(order, earlier, sent).values()):
        return True
    if status is None or status.fulfilment not in LEFT - {"partly_shipped"}:
        return False
    shipped = sum((row.shipped for row in status.lines), ZERO)
    had = _captured(earlier)
    goods = {line.line_id for line in order.lines}
    return sum((had[i].quantity for i in had if i in goods), ZERO) + sum(sent.values(), ZERO) >= shipped


def _money(order: Order, pieces: Mapping[str, Decimal], had: Mapping[str, _Had]) -> list[MoneyLine]:
    """What these pieces of the order's lines cost, `had` taken off."""
    return [
        _line(line, pieces[line.line_id], had.get(line.line_id, _NONE), order.currency)
        for line in order.lines
        if pieces.get(line.line_id)
    ]


def _line(line: OrderLine, pieces: Decimal, had: _Had, currency: str) -> MoneyLine:
    """These pieces of a line: the line's money up to now, less what went before."""
    share = min(Decimal(1), (had.quantity + pieces) / line.quantity)
    return MoneyLine(
        line_id=line.line_id, quantity=pieces, sku=line.sku, name=line.name, tax_percent=line.tax_percent,
        kind=line.kind, gross=rounded(line.gross * share, currency) - had.gross,
        tax=rounded(line.tax * share, currency) - had.tax,
    )  # fmt: skip


def _charge(charge: Charge, fallback: str) -> MoneyLine:
    return MoneyLine(
        line_id=charge.charge_id or fallback, quantity=Decimal(1), gross=charge.gross, tax=charge.tax,
        tax_percent=charge.tax_percent, name=charge.name, kind=charge.kind,
    )  # fmt: skip


def _capture_of(captures: Sequence[Capture], pieces: Mapping[str, Decimal], amount: Decimal) -> Capture:
    """The capture that took most of these lines and is large enough, else the largest."""
    able = [one for one in captures if one.amount >= amount] or [max(captures, key=lambda one: one.amount)]
    return max(able, key=lambda one: sum((line.gross for line in one.lines if line.line_id in pieces), ZERO))


def whole_shipment(status: OrderStatus) -> Shipment:
    """An ERP without shipments says `shipped` or `delivered`: all that is left counts as one (J-13)."""
    return Shipment(order=status.order, number="all", state="handed_over")
