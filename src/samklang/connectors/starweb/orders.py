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

from samklang import records as r
from samklang.connectors.contract import Item
from samklang.connectors.kit.paid import movements, provider
from samklang.connectors.kit.shape import filled
from samklang.connectors.kit.sold import Channel
from samklang.connectors.starweb import shapes
from samklang.connectors.starweb.map import address, buyer

#: Axes of the statuses that every shop has, by `idCode`. Those of the shop's own have none: the hub's table maps them.
STANDARD: Mapping[str, tuple[r.Lifecycle, r.Fulfilment | str]] = {
    "created": ("confirmed", ""), "picking": ("confirmed", "picking"), "completed": ("closed", "shipped"),
    "canceled": ("cancelled", ""),
}  # fmt: skip
_MONEY: Mapping[str, r.Payment] = {
    "charged": "captured", "captured": "captured", "paid": "captured", "completed": "captured", "canceled": "voided",
    "cancelled": "voided", "refunded": "refunded", "credited": "refunded",
}  # fmt: skip
_UNIT = Decimal(1)


class Trade(Channel, frozen=True):
    """What an order's ids stand for in this shop, and what the connection's settings say."""

    statuses: Mapping[int, str]
    codes: Mapping[int, str]  # status → idCode of a standard one
    payment_methods: Mapping[int, str]
    shipping_methods: Mapping[int, str]
    lists: Mapping[int, shapes.PriceListRow]
    reserved: frozenset[str]
    gift_cards: frozenset[str]


def read(row: shapes.OrderRow, trade: Trade, types: frozenset[str]) -> list[Item]:
    """The order and its status; one whose payment is not confirmed yet gives nothing."""
    if not row.is_complete:
        return []
    records = (("order", order), ("order_status", status))
    return [Item(record=make(row, trade), external_id=str(row.id)) for type_, make in records if type_ in types]


def status(row: shapes.OrderRow, trade: Trade) -> r.OrderStatus:
    """Where the order stands, in the shop's own word; a status of the shop's making has empty axes."""
    lifecycle, fulfilment = STANDARD.get(trade.codes.get(row.status_id, ""), ("", ""))
    return r.OrderStatus(
        order=trade.key(row.id), raw=trade.statuses.get(row.status_id, str(row.status_id)),
        lifecycle=lifecycle, fulfilment=fulfilment, payment=payment(row, trade),  # type: ignore[arg-type]  # see above
    )  # fmt: skip


def payment(row: shapes.OrderRow, trade: Trade) -> r.Payment:
    """The state of the money by the payment method's word, else by what has been paid."""
    word = (row.payment_status or "").strip().casefold()
    if word in trade.reserved:
        return "authorised"
    if word in _MONEY:
        return _MONEY[word]
    if not row.amount_to_pay:
        return "not_required"
    return "captured" if (row.amount_paid or r.ZERO) >= row.amount_to_pay else "pending"


# ---------------------------------------------------------------------------------------------------- the order


def order(row: shapes.OrderRow, trade: Trade) -> r.Order:
    """The order with totals as the shop states them."""
    rows = sorted(row.items.data, key=lambda one: (one.sort_index or 0, one.id))
    lines, charges, cards = _sorted(rows, row.currency_code, trade)
    cards_paid = sum(cards.values(), r.ZERO)
    parts: list[r.OrderLine | r.Charge] = [*lines, *charges]
    total, fees = _total(row, sum((part.gross for part in parts), r.ZERO) - cards_paid)
    charges += fees
    parts += fees
    paid_else = total - row.amount_to_pay
    if paid_else < _UNIT:  # rounded to whole kronor, or not at all
        total, paid_else = row.amount_to_pay, r.ZERO
    gross = total + cards_paid
    off = gross - sum((part.gross for part in parts), r.ZERO)
    if off and abs(off) < _UNIT:
        charges.append(r.Charge(kind="rounding", **r.amounts(off, off)))
    if paid_else > 0:  # the total is more than what is to pay: something that is no row has paid
        cards["gift_card"] = cards.get("gift_card", r.ZERO) + paid_else
    places = row.addresses.data if row.addresses else shapes.Places()
    billing = _first(places.original_invoice, places.payment_method_invoice, places.customer_invoice)
    delivery = _first(
        places.original_delivery, places.payment_method_delivery, places.customer_delivery, fallback=billing
    )
    person = buyer(row, row.customer.data if row.customer else None, trade.lists, billing)
    state, placed_at = payment(row, trade), r.instant(row.created_at, "createdAt")
    method = trade.payment_methods.get(row.payment_method_id or 0, row.payment_method_name or "")
    by = provider(row.payment_method_id_code or "", row.payment_method_name or "")
    tax = sum((part.tax for part in parts), r.ZERO)
    stated = row.total_vat if abs(row.total_vat - tax) <= Decimal("0.01") * len(parts) else tax
    infos = {f"customInfo{n}": getattr(row, f"custom_info{n}") for n in range(1, 5)}
    return trade.order(
        lines,
        charges,
        gross,
        stated,
        own=filled({**infos, "paymentStatus": row.payment_status}),
        order_no=str(row.id),
        placed_at=placed_at,
        currency=row.currency_code,
        customer=person,
        prices_include_tax=False,
        billing=msgspec.structs.replace(address(billing), email=person.email),
        shipping=address(delivery),
        discounts=tuple(_discounts(rows, row.discount_code or "", row.currency_code)),
        taxes=r.tax_totals((part.tax_percent, part.net, part.tax) for part in parts if part.gross),
        paid=gross if state == "captured" else r.ZERO,
        status=trade.statuses.get(row.status_id, str(row.status_id)),
        lifecycle=STANDARD.get(trade.codes.get(row.status_id, ""), ("confirmed", ""))[0],
        payment=state,
        payment_method=method,
        transaction_id=row.payment_reference or "",
        shipping_method=trade.shipping_methods.get(row.shipping_method_id or 0, row.shipping_method_name or ""),
        payments=tuple(movements(by, method, row.payment_reference or "", row.amount_to_pay, placed_at, state, cards)),
    )


def _first(*places: shapes.Place | None, fallback: shapes.Place | None = None) -> shapes.Place:
    return next((one for one in places if one is not None and (one.address or one.city)), fallback or shapes.Place())


def is_card(row: shapes.ItemRow, trade: Trade) -> bool:
    """Whether the row is a gift card: sold, or paying."""
    return (row.sku or "").strip().casefold() in trade.gift_cards


def is_goods(row: shapes.ItemRow, trade: Trade) -> bool:
    """Whether the row is an article that a warehouse sends."""
    return row.quantity > 0 and bool(row.sku) and not is_card(row, trade)


def _money(row: shapes.ItemRow, currency: str) -> tuple[Decimal, Decimal]:
    """The row's total after its discount, without and with VAT, each rounded by itself."""
    total = row.unit_price * row.quantity
    if row.discount:
        total -= row.discount if row.discount_type == "amount" else total * row.discount / 100
    return r.rounded(total, currency), r.rounded(total * (1 + row.vat_rate / 100), currency)


def _sorted(
    rows: Iterable[shapes.ItemRow], currency: str, trade: Trade
) -> tuple[list[r.OrderLine], list[r.Charge], dict[str, Decimal]]:
    """Rows above 0 are lines. Below 0: gift cards that pay (by name), discounts, which the lines of the same VAT rate
    share, and what no line can carry, such as goods that were taken back: a charge below 0."""
    lines: list[r.OrderLine] = []
    charges: list[r.Charge] = []
    cards: dict[str, Decimal] = {}
    below: list[shapes.ItemRow] = []
    for row in rows:
        net, gross = _money(row, currency)
        if is_card(row, trade) and gross < 0:
            cards[row.sku or ""] = cards.get(row.sku or "", r.ZERO) - gross
        elif row.quantity <= 0 or gross < 0:
            below.append(row)
        else:
            lines.append(_line(row, net, gross, is_card(row, trade)))
            lines += [_part(row, one) for one in row.bundled_items.data]
    for row in below:
        net, gross = _money(row, currency)
        places = [n for n, line in enumerate(lines) if line.tax_percent == row.vat_rate and line.gross > 0]
        carry = sum((lines[n].gross for n in places), r.ZERO)
        if row.sku or carry < -gross:
            money = r.amounts(net, gross)
            name, percent = row.description or "", row.vat_rate
            charges.append(r.Charge(kind="fee", name=name, charge_id=str(row.id), tax_percent=percent, **money))
            continue
        weights = [lines[n].gross for n in places]
        shares = zip(places, r.split(net, weights, currency), r.split(gross, weights, currency), strict=True)
        for n, less_net, less in shares:
            line = lines[n]
            money = r.amounts(line.net + less_net, line.gross + less)
            lines[n] = msgspec.structs.replace(line, discount=line.discount - less_net, **money)
    return lines, charges, cards


def _line(row: shapes.ItemRow, net: Decimal, gross: Decimal, card: bool) -> r.OrderLine:
    kind = (
        "gift_card_mpv" if card else "bundle_parent" if row.bundled_items.data else "goods" if row.sku else "free_text"
    )
    return r.OrderLine(
        line_id=str(row.id), sku=row.sku or "", name=row.description or "", quantity=row.quantity,
        unit_price=row.unit_price, discount=row.unit_price * row.quantity - net if row.discount else r.ZERO,
        tax_percent=row.vat_rate, kind=kind, **r.amounts(net, gross),  # type: ignore[arg-type]  # one of its kinds
    )  # fmt: skip


def _part(parent: shapes.ItemRow, row: shapes.ItemRow) -> r.OrderLine:
    """An article inside a bundle: the bundle has the money."""
    return r.OrderLine(
        line_id=f"{parent.id}:{row.id}", sku=row.sku or "", name=row.description or "", quantity=row.quantity,
        unit_price=r.ZERO, tax_percent=parent.vat_rate, kind="bundle_child", **r.amounts(r.ZERO, r.ZERO),
    )  # fmt: skip


def _total(row: shapes.OrderRow, rows: Decimal) -> tuple[Decimal, list[r.Charge]]:
    """The order's total with VAT, and freight and fee, in the reading in which rows and charges come nearest to it."""
    readings = []
    for included in (False, True):
        fees = [
            *_fee("shipping", row.shipping_cost, row.shipping_vat_rate, row.shipping_method_name, included, row),
            *_fee("fee", row.payment_fee, row.payment_vat_rate, row.payment_method_name, included, row),
        ]
        summed = rows + sum((fee.gross for fee in fees), r.ZERO)
        readings += [
            (abs(total - summed), n, total, fees)
            for n, total in enumerate((row.amount_to_pay, row.total_amount + row.total_vat, row.total_amount))
        ]
    _, _, total, fees = min(readings, key=lambda one: one[:2])
    return total, fees


def _fee(
    kind: Any, cost: Decimal | None, percent: Decimal | None, name: str | None, included: bool, row: shapes.OrderRow
) -> list[r.Charge]:
    if not cost:
        return []
    factor = 1 + (percent or r.ZERO) / 100
    net = r.rounded(cost / factor if included else cost, row.currency_code)
    gross = r.rounded(cost if included else cost * factor, row.currency_code)
    return [
        r.Charge(kind=kind, name=name or "", charge_id=kind, tax_percent=percent or r.ZERO, **r.amounts(net, gross))
    ]


def _discounts(rows: Sequence[shapes.ItemRow], code: str, currency: str) -> Iterable[r.Discount]:
    """Discounts as the buyer saw them; their money is in the lines."""
    off = -sum((_money(one, currency)[0] for one in rows if one.quantity < 0 and not one.sku), r.ZERO)
    for one in rows:
        if one.discount and one.quantity > 0:
            less = one.unit_price * one.quantity - _money(one, currency)[0]
            yield r.Discount(amount=r.rounded(less, currency), scope="line")
    if code or off > 0:
        yield r.Discount(amount=max(off, r.ZERO), code=code)


def marks(row: shapes.OrderRow) -> dict[str, str]:
    """What other systems call the order, by their name."""
    return {mark.service_name: mark.external_id_value or "" for mark in row.external_services.data}
