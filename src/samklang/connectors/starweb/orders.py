"""An order's rows, charges, payments and status out of the shop's shapes. Pure functions.

The shop states prices without VAT, and three totals of which the document does not say whether they include it. So the
rows are summed, and the reading that agrees with what the buyer paid is taken: freight and fee with or without VAT, the
total with or without. What the buyer pays is a fixed point in either case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from samklang.connectors.contract import Item
from samklang.connectors.kit.paid import movements, provider
from samklang.connectors.starweb.map import address, buyer
from samklang.connectors.starweb.rows import ItemRow, OrderRow, Place, Places, PriceListRow
from samklang.records.money import ZERO, rounded, split
from samklang.records.order import Charge, Discount, Fulfilment, Lifecycle, Order, OrderLine, OrderStatus, Payment
from samklang.records.times import instant
from samklang.records.totals import amounts, tax_totals

#: Axes of the statuses that every shop has, by `idCode`. Those of the shop's own have none: the hub's table maps them.
STANDARD: Mapping[str, tuple[Lifecycle, Fulfilment | str]] = {
    "created": ("confirmed", ""), "picking": ("confirmed", "picking"), "completed": ("closed", "shipped"),
    "canceled": ("cancelled", ""),
}  # fmt: skip
_MONEY: Mapping[str, Payment] = {
    "charged": "captured", "captured": "captured", "paid": "captured", "completed": "captured", "canceled": "voided",
    "cancelled": "voided", "refunded": "refunded", "credited": "refunded",
}  # fmt: skip
_UNIT = Decimal(1)


class Trade(msgspec.Struct, frozen=True):
    """What an order's ids stand for in this shop, and what the connection's settings say."""

    channel: str
    connection: str
    time_zone: str
    statuses: Mapping[int, str]
    codes: Mapping[int, str]  # status → idCode of a standard one
    payment_methods: Mapping[int, str]
    shipping_methods: Mapping[int, str]
    lists: Mapping[int, PriceListRow]
    reserved: frozenset[str]
    gift_cards: frozenset[str]

    def key(self, order_id: int) -> str:
        """The order's key in this channel."""
        return f"{self.channel}/{order_id}"


def read(row: OrderRow, trade: Trade, types: frozenset[str]) -> list[Item]:
    """The order and its status; one whose payment is not confirmed yet gives nothing."""
    if not row.is_complete:
        return []
    found: list[Item] = []
    if "order" in types:
        found.append(Item(record=order(row, trade), external_id=str(row.id)))
    if "order_status" in types:
        found.append(Item(record=status(row, trade), external_id=str(row.id)))
    return found


def status(row: OrderRow, trade: Trade) -> OrderStatus:
    """Where the order stands, in the shop's own word; a status of the shop's making has empty axes."""
    lifecycle, fulfilment = STANDARD.get(trade.codes.get(row.status_id, ""), ("", ""))
    return OrderStatus(
        order=trade.key(row.id), raw=trade.statuses.get(row.status_id, str(row.status_id)),
        lifecycle=lifecycle, fulfilment=fulfilment, payment=payment(row, trade),  # type: ignore[arg-type]  # see above
    )  # fmt: skip


def payment(row: OrderRow, trade: Trade) -> Payment:
    """The state of the money by the payment method's word, else by what has been paid."""
    word = (row.payment_status or "").strip().casefold()
    if word in trade.reserved:
        return "authorised"
    if word in _MONEY:
        return _MONEY[word]
    if not row.amount_to_pay:
        return "not_required"
    return "captured" if (row.amount_paid or ZERO) >= row.amount_to_pay else "pending"


# ---------------------------------------------------------------------------------------------------- the order


def order(row: OrderRow, trade: Trade) -> Order:
    """The order with totals as the shop states them."""
    rows = sorted(row.items.data, key=lambda one: (one.sort_index or 0, one.id))
    lines, charges, cards = _sorted(rows, row.currency_code, trade)
    cards_paid = sum(cards.values(), ZERO)
    parts: list[OrderLine | Charge] = [*lines, *charges]
    total, fees = _total(row, sum((part.gross for part in parts), ZERO) - cards_paid)
    charges += fees
    parts += fees
    paid_else = total - row.amount_to_pay
    if paid_else < _UNIT:  # rounded to whole kronor, or not at all
        total, paid_else = row.amount_to_pay, ZERO
    gross = total + cards_paid
    off = gross - sum((part.gross for part in parts), ZERO)
    if off and abs(off) < _UNIT:
        charges.append(Charge(kind="rounding", **amounts(off, off)))
    if paid_else > 0:  # the total is more than what is to pay: something that is no row has paid
        cards["gift_card"] = cards.get("gift_card", ZERO) + paid_else
    places = row.addresses.data if row.addresses else Places()
    billing = _first(places.original_invoice, places.payment_method_invoice, places.customer_invoice)
    delivery = _first(
        places.original_delivery, places.payment_method_delivery, places.customer_delivery, fallback=billing
    )
    person = buyer(
        row.customer.data if row.customer else None, trade.lists, billing, row.original_customer_email,
        row.original_customer_national_id_no, row.original_customer_vat_no,
    )  # fmt: skip
    state, placed_at = payment(row, trade), instant(row.created_at, "createdAt")
    method = trade.payment_methods.get(row.payment_method_id or 0, row.payment_method_name or "")
    by, reference = (
        provider(row.payment_method_id_code or "", row.payment_method_name or ""),
        row.payment_reference or "",
    )
    tax = sum((part.tax for part in parts), ZERO)
    stated = row.total_vat if abs(row.total_vat - tax) <= Decimal("0.01") * len(parts) else tax
    custom: dict[str, Any] = {
        f"customInfo{n}": text
        for n, text in enumerate((row.custom_info1, row.custom_info2, row.custom_info3, row.custom_info4), 1)
        if text
    }
    custom |= {"paymentStatus": row.payment_status} if row.payment_status else {}
    return Order(
        channel=trade.channel,
        order_no=str(row.id),
        placed_at=placed_at,
        currency=row.currency_code,
        customer=person,
        lines=tuple(lines),
        net=gross - stated,
        tax=stated,
        gross=gross,
        prices_include_tax=False,
        billing=msgspec.structs.replace(address(billing), email=person.email),
        shipping=address(delivery),
        charges=tuple(charges),
        discounts=tuple(_discounts(rows, row.discount_code or "", row.currency_code)),
        taxes=tax_totals((part.tax_percent, part.net, part.tax) for part in parts if part.gross),
        paid=gross if state == "captured" else ZERO,
        time_zone=trade.time_zone,
        status=trade.statuses.get(row.status_id, str(row.status_id)),
        lifecycle=STANDARD.get(trade.codes.get(row.status_id, ""), ("confirmed", ""))[0],
        payment=state,
        payment_method=method,
        transaction_id=reference,
        shipping_method=trade.shipping_methods.get(row.shipping_method_id or 0, row.shipping_method_name or ""),
        payments=tuple(movements(by, method, reference, row.amount_to_pay, placed_at, state, cards)),
        custom={trade.connection: custom} if custom else {},
    )


def _first(*places: Place | None, fallback: Place | None = None) -> Place:
    return next((one for one in places if one is not None and (one.address or one.city)), fallback or Place())


def is_card(row: ItemRow, trade: Trade) -> bool:
    """Whether the row is a gift card: sold, or paying."""
    return (row.sku or "").strip().casefold() in trade.gift_cards


def is_goods(row: ItemRow, trade: Trade) -> bool:
    """Whether the row is an article that a warehouse sends."""
    return row.quantity > 0 and bool(row.sku) and not is_card(row, trade)


def _money(row: ItemRow, currency: str) -> tuple[Decimal, Decimal]:
    """The row's total after its discount, without and with VAT, each rounded by itself."""
    total = row.unit_price * row.quantity
    if row.discount:
        total -= row.discount if row.discount_type == "amount" else total * row.discount / 100
    return rounded(total, currency), rounded(total * (1 + row.vat_rate / 100), currency)


def _sorted(
    rows: Iterable[ItemRow], currency: str, trade: Trade
) -> tuple[list[OrderLine], list[Charge], dict[str, Decimal]]:
    """Rows above 0 are lines. Below 0: gift cards that pay (by name), discounts, which the lines of the same VAT rate
    share, and what no line can carry, such as goods that were taken back: a charge below 0."""
    lines: list[OrderLine] = []
    charges: list[Charge] = []
    cards: dict[str, Decimal] = {}
    below: list[ItemRow] = []
    for row in rows:
        net, gross = _money(row, currency)
        if is_card(row, trade) and gross < 0:
            cards[row.sku or ""] = cards.get(row.sku or "", ZERO) - gross
        elif row.quantity <= 0 or gross < 0:
            below.append(row)
        else:
            lines.append(_line(row, net, gross, is_card(row, trade)))
            lines += [_part(row, one) for one in row.bundled_items.data]
    for row in below:
        net, gross = _money(row, currency)
        places = [n for n, line in enumerate(lines) if line.tax_percent == row.vat_rate and line.gross > 0]
        carry = sum((lines[n].gross for n in places), ZERO)
        if row.sku or carry < -gross:
            money = amounts(net, gross)
            name, percent = row.description or "", row.vat_rate
            charges.append(Charge(kind="fee", name=name, charge_id=str(row.id), tax_percent=percent, **money))
            continue
        weights = [lines[n].gross for n in places]
        shares = zip(places, split(net, weights, currency), split(gross, weights, currency), strict=True)
        for n, less_net, less in shares:
            line = lines[n]
            money = amounts(line.net + less_net, line.gross + less)
            lines[n] = msgspec.structs.replace(line, discount=line.discount - less_net, **money)
    return lines, charges, cards


def _line(row: ItemRow, net: Decimal, gross: Decimal, card: bool) -> OrderLine:
    kind = (
        "gift_card_mpv" if card else "bundle_parent" if row.bundled_items.data else "goods" if row.sku else "free_text"
    )
    return OrderLine(
        line_id=str(row.id), sku=row.sku or "", name=row.description or "", quantity=row.quantity,
        unit_price=row.unit_price, discount=row.unit_price * row.quantity - net if row.discount else ZERO,
        tax_percent=row.vat_rate, kind=kind, **amounts(net, gross),  # type: ignore[arg-type]  # one of its kinds
    )  # fmt: skip


def _part(parent: ItemRow, row: ItemRow) -> OrderLine:
    """An article inside a bundle: the bundle has the money."""
    return OrderLine(
        line_id=f"{parent.id}:{row.id}", sku=row.sku or "", name=row.description or "", quantity=row.quantity,
        unit_price=ZERO, tax_percent=parent.vat_rate, kind="bundle_child", **amounts(ZERO, ZERO),
    )  # fmt: skip


def _total(row: OrderRow, rows: Decimal) -> tuple[Decimal, list[Charge]]:
    """The order's total with VAT, and freight and fee, in the reading in which rows and charges come nearest to it."""
    readings = []
    for included in (False, True):
        fees = [
            *_fee("shipping", row.shipping_cost, row.shipping_vat_rate, row.shipping_method_name, included, row),
            *_fee("fee", row.payment_fee, row.payment_vat_rate, row.payment_method_name, included, row),
        ]
        summed = rows + sum((fee.gross for fee in fees), ZERO)
        readings += [
            (abs(total - summed), n, total, fees)
            for n, total in enumerate((row.amount_to_pay, row.total_amount + row.total_vat, row.total_amount))
        ]
    _, _, total, fees = min(readings, key=lambda one: one[:2])
    return total, fees


def _fee(
    kind: Any, cost: Decimal | None, percent: Decimal | None, name: str | None, included: bool, row: OrderRow
) -> list[Charge]:
    if not cost:
        return []
    factor = 1 + (percent or ZERO) / 100
    net = rounded(cost / factor if included else cost, row.currency_code)
    gross = rounded(cost if included else cost * factor, row.currency_code)
    return [Charge(kind=kind, name=name or "", charge_id=kind, tax_percent=percent or ZERO, **amounts(net, gross))]


def _discounts(rows: Sequence[ItemRow], code: str, currency: str) -> Iterable[Discount]:
    """Discounts as the buyer saw them; their money is in the lines."""
    off = -sum((_money(one, currency)[0] for one in rows if one.quantity < 0 and not one.sku), ZERO)
    for one in rows:
        if one.discount and one.quantity > 0:
            less = one.unit_price * one.quantity - _money(one, currency)[0]
            yield Discount(amount=rounded(less, currency), scope="line")
    if code or off > 0:
        yield Discount(amount=max(off, ZERO), code=code)


def marks(row: OrderRow) -> dict[str, str]:
    """What other systems call the order, by their name."""
    return {mark.service_name: mark.external_id_value or "" for mark in row.external_services.data}
