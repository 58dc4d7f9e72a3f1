"""An order's lines, charges, payments and status, and credit memos, out of Magento's shapes. Pure functions.

gross of a row = row_total + tax + the tax in its discount − discount; so whatever the shop's tax settings are, rows,
freight and what modules add sum to what the buyer pays. A gift card, store credit or reward points have been taken off
grand_total: they are put back, and stand among the payments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from samklang.connectors.contract import Item
from samklang.connectors.kit.paid import movements, provider
from samklang.connectors.magento.map import address, buyer
from samklang.connectors.magento.rows import ItemRow, MemoRow, OrderRow
from samklang.records import MoneyLine, Refund
from samklang.records.money import ZERO
from samklang.records.order import Charge, Discount, Fulfilment, Lifecycle, Order, OrderLine, OrderStatus, Payment
from samklang.records.times import instant
from samklang.records.totals import amounts, tax_totals

#: Magento's states; statuses are the installation's own words for them.
STATES: Mapping[str, Lifecycle] = {
    "new": "placed", "pending_payment": "draft", "payment_review": "placed", "holded": "placed",
    "processing": "confirmed", "complete": "closed", "closed": "closed", "canceled": "cancelled",
}  # fmt: skip


class Trade(msgspec.Struct, frozen=True):
    """What the connection's settings say of orders."""

    channel: str
    connection: str
    time_zone: str
    inclusive: bool
    groups: Mapping[int, str]
    payment_keys: Sequence[str]

    def key(self, row: OrderRow) -> str:
        """The order's key in this channel."""
        return f"{self.channel}/{row.increment_id}"


def read(row: OrderRow, trade: Trade, types: frozenset[str]) -> list[Item]:
    """The order and its status; one that waits for its payment page gives nothing."""
    if row.state == "pending_payment":
        return []
    records = (("order", order), ("order_status", status))
    return [Item(record=make(row, trade), external_id=str(row.entity_id)) for type_, make in records if type_ in types]


def status(row: OrderRow, trade: Trade) -> OrderStatus:
    """Where the order stands, by its state and what of its rows was sent; `raw` is the installation's own status."""
    return OrderStatus(
        order=trade.key(row), raw=row.status, lifecycle=STATES.get(row.state, ""), fulfilment=_fulfilment(row),  # type: ignore[arg-type]  # one of its kinds
        payment=payment(row),
    )  # fmt: skip


def _fulfilment(row: OrderRow) -> Fulfilment | str:
    """By rows, not by state: an order that is invoiced but not sent is `processing` like one that waits."""
    goods = [
        one for one in row.items if one.parent_item_id is None and one.product_type not in ("virtual", "downloadable")
    ]
    left = sum((one.qty_ordered - one.qty_canceled - one.qty_refunded - one.qty_shipped for one in goods), ZERO)
    sent = sum((one.qty_shipped for one in goods), ZERO)
    return "" if not sent else "partly_shipped" if left > 0 else "shipped"


def payment(row: OrderRow) -> Payment:
    """The state of the money, by what was paid and refunded."""
    paid, refunded = row.total_paid or ZERO, row.total_refunded or ZERO
    if refunded:
        return "refunded" if refunded >= paid else "partly_refunded"
    if paid:
        return "captured" if paid >= row.grand_total else "partly_captured"
    if row.state == "canceled":
        return "voided"
    if not row.grand_total:
        return "not_required"
    return "authorised" if row.payment.amount_authorized else "pending"


def reference(row: OrderRow, keys: Sequence[str]) -> str:
    """The provider's id of the payment: from the payment's additional information, else its last transaction."""
    told = {one.key: one.value for one in row.extension_attributes.payment_additional_info}
    named = next((str(told[key]) for key in keys if told.get(key)), "")
    return named or (row.payment.last_trans_id or "").removesuffix("-capture").removesuffix("-auth")


# ---------------------------------------------------------------------------------------------------- the order


def order(row: OrderRow, trade: Trade) -> Order:
    """The order with totals as Magento states them, in the order's own currency."""
    lines = [
        line for one in row.items if one.parent_item_id is None for line in _lines(one, row.items, trade.inclusive)
    ]
    cards = _paid_else(row)
    gross = row.grand_total + sum(cards.values(), ZERO)
    charges = [*_freight(row)]
    parts: list[OrderLine | Charge] = [*lines, *charges]
    charges += _rest(
        gross - sum((one.gross for one in parts), ZERO), row.tax_amount - sum((p.tax for p in parts), ZERO)
    )
    parts = [*lines, *charges]
    place = row.extension_attributes.shipping_assignments
    shipping = place[0].shipping if place else None
    group = trade.groups.get(row.customer_group_id or 0, "")
    name = f"{row.customer_firstname or ''} {row.customer_lastname or ''}".strip()
    person = buyer(name, row.customer_email, row.customer_taxvat, group, row.billing_address)
    placed_at, state = instant(row.created_at, "created_at"), payment(row)
    by, paid_by = provider(row.payment.method), reference(row, trade.payment_keys)
    return Order(
        channel=trade.channel,
        order_no=row.increment_id,
        placed_at=placed_at,
        currency=row.order_currency_code,
        customer=person,
        lines=tuple(lines),
        prices_include_tax=trade.inclusive,
        billing=person.billing,
        shipping=address(shipping.address) if shipping and shipping.address else person.billing,
        charges=tuple(charges),
        discounts=tuple(_discounts(row)),
        taxes=tax_totals((one.tax_percent, one.net, one.tax) for one in parts if one.gross),
        paid=row.total_paid or ZERO,
        refunded=row.total_refunded or ZERO,
        time_zone=trade.time_zone,
        status=row.status,
        lifecycle=STATES.get(row.state, "placed"),
        payment=state,
        payment_method=row.payment.method,
        transaction_id=paid_by,
        shipping_method=(shipping.method if shipping else "") or "",
        note=row.customer_note or "",
        payments=tuple(movements(by, row.payment.method, paid_by, row.grand_total, placed_at, state, cards)),
        custom={trade.connection: {"store_id": row.store_id}},
        **amounts(gross - row.tax_amount, gross),
    )


def _lines(row: ItemRow, rows: Sequence[ItemRow], inclusive: bool) -> Iterable[OrderLine]:
    """A row of the buyer's. Of a configurable article the child has the number; a bundle's parts are lines of their
    own, which have the money where the bundle's price is their sum."""
    children = [one for one in rows if one.parent_item_id == row.item_id]
    if row.product_type != "bundle":
        sku = children[0].sku if row.product_type == "configurable" and children else row.sku
        yield _line(row, sku, "goods", inclusive)
        return
    priced = any(one.row_total for one in children)
    yield _line(_free(row) if priced else row, row.sku, "bundle_parent", inclusive)
    for one in children:
        yield _line(one if priced else _free(one), one.sku, "bundle_child", inclusive)


def _free(row: ItemRow) -> ItemRow:
    nothing = dict.fromkeys(("price", "row_total", "tax_amount", "discount_amount"), ZERO)
    return msgspec.structs.replace(row, price_incl_tax=ZERO, discount_tax_compensation_amount=ZERO, **nothing)


def _line(row: ItemRow, sku: str, kind: Any, inclusive: bool) -> OrderLine:
    net = row.row_total + (row.discount_tax_compensation_amount or ZERO) - row.discount_amount
    price = row.price_incl_tax if inclusive and row.price_incl_tax is not None else row.price
    paid = net + row.tax_amount if inclusive else net
    return OrderLine(
        line_id=str(row.item_id), sku=sku, name=row.name, quantity=row.qty_ordered, unit_price=price,
        discount=price * row.qty_ordered - paid if row.discount_amount else ZERO, tax_percent=row.tax_percent,
        kind="gift_card_mpv" if row.product_type == "giftcard" else kind, **amounts(net, net + row.tax_amount),
    )  # fmt: skip


def _freight(row: OrderRow) -> Iterable[Charge]:
    tax = row.shipping_tax_amount or ZERO
    net = (row.shipping_amount or ZERO) + (row.shipping_discount_tax_compensation_amount or ZERO)
    net -= row.shipping_discount_amount or ZERO
    if net or tax:
        percent = (tax / net * 100).quantize(Decimal("0.1")) if net else ZERO
        name = row.shipping_description or ""
        yield Charge(kind="shipping", name=name, charge_id="shipping", tax_percent=percent, **amounts(net, net + tax))


def _rest(gross: Decimal, tax: Decimal) -> Iterable[Charge]:
    """What the total has besides rows and freight: rounding, or what modules add (a payment fee, gift wrap)."""
    if not gross:
        return
    if abs(gross) < 1 and abs(tax) < Decimal("0.05"):
        yield Charge(kind="rounding", **amounts(gross, gross))
        return
    net = gross - tax
    percent = (tax / net * 100).quantize(Decimal("0.1")) if net else ZERO
    yield Charge(kind="fee", charge_id="fee", tax_percent=percent, **amounts(net, gross))


def _discounts(row: OrderRow) -> Iterable[Discount]:
    if row.discount_amount or row.coupon_code:
        yield Discount(amount=abs(row.discount_amount or ZERO), code=row.coupon_code or "")


def _paid_else(row: OrderRow) -> dict[str, Decimal]:
    """What besides the payment method has paid; Magento has taken it off the total."""
    more = row.extension_attributes
    found = {
        "gift_card": more.gift_cards_amount, "store_credit": more.customer_balance_amount,
        "reward_points": more.reward_currency_amount,
    }  # fmt: skip
    return {name: amount for name, amount in found.items() if amount}


# ---------------------------------------------------------------------------------------------------- credit memos


def refund(memo: MemoRow, row: OrderRow, trade: Trade) -> Iterable[Item]:
    """A credit memo that was made offline: the provider is to be asked for it. One that bears a transaction has been
    paid back by Magento, and one of an order without a provider's payment is paid back by hand."""
    paid_by = reference(row, trade.payment_keys)
    if memo.transaction_id or not paid_by or memo.grand_total <= 0:
        return
    of_item = {one.item_id: one for one in row.items}
    lines = []
    for one in memo.items:
        net = (one.row_total or ZERO) + (one.discount_tax_compensation_amount or ZERO) - (one.discount_amount or ZERO)
        gross = net + (one.tax_amount or ZERO)
        sold = of_item.get(one.order_item_id)
        common: dict[str, Any] = {"line_id": str(one.order_item_id), "sku": one.sku, "name": one.name}
        percent = sold.tax_percent if sold else ZERO
        if gross and one.qty:
            tax = one.tax_amount or ZERO
            lines.append(MoneyLine(quantity=one.qty, gross=gross, tax=tax, tax_percent=percent, **common))
    record = Refund(
        order=trade.key(row), number=memo.increment_id, amount=memo.grand_total, currency=memo.order_currency_code,
        payment_id=paid_by, lines=tuple(lines),
    )  # fmt: skip
    yield Item(record=record, external_id=str(memo.entity_id))
