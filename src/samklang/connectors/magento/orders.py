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

from samklang import records as r
from samklang.connectors.contract import Item
from samklang.connectors.kit.paid import movements, payment_state, provider
from samklang.connectors.kit.shape import shared
from samklang.connectors.kit.sold import Channel
from samklang.connectors.magento import shapes
from samklang.connectors.magento.map import address, buyer

#: Magento's states; statuses are the installation's own words for them.
STATES: Mapping[str, r.Lifecycle] = {
    "new": "placed", "pending_payment": "draft", "payment_review": "placed", "holded": "placed",
    "processing": "confirmed", "complete": "closed", "closed": "closed", "canceled": "cancelled",
}  # fmt: skip


class Trade(Channel, frozen=True):
    """What the connection's settings say of orders."""

    inclusive: bool
    groups: Mapping[int, str]
    payment_keys: Sequence[str]


def read(row: shapes.OrderRow, trade: Trade, types: frozenset[str]) -> list[Item]:
    """The order and its status; one that waits for its payment page gives nothing."""
    if row.state == "pending_payment":
        return []
    records = (("order", order), ("order_status", status))
    return [Item(record=make(row, trade), external_id=str(row.id)) for type_, make in records if type_ in types]


def status(row: shapes.OrderRow, trade: Trade) -> r.OrderStatus:
    """Where the order stands, by its state and what of its rows was sent; `raw` is the installation's own status."""
    return r.OrderStatus(
        order=trade.key(row.order_no), raw=row.status, lifecycle=STATES.get(row.state, ""), fulfilment=_fulfilment(row),  # type: ignore[arg-type]  # one of its kinds
        payment=payment(row),
    )  # fmt: skip


def _fulfilment(row: shapes.OrderRow) -> r.Fulfilment | str:
    """By rows, not by state: an order that is invoiced but not sent is `processing` like one that waits."""
    goods = [
        one for one in row.items if one.parent_item_id is None and one.product_type not in ("virtual", "downloadable")
    ]
    left = sum((one.qty_ordered - one.qty_canceled - one.qty_refunded - one.qty_shipped for one in goods), r.ZERO)
    sent = sum((one.qty_shipped for one in goods), r.ZERO)
    return "" if not sent else "partly_shipped" if left > 0 else "shipped"


def payment(row: shapes.OrderRow) -> r.Payment:
    """The state of the money, by what was paid and refunded."""
    return payment_state(
        row.grand_total, row.paid or r.ZERO, row.refunded or r.ZERO, authorised=bool(row.payment.amount_authorized),
        voided=row.state == "canceled",
    )  # fmt: skip


def reference(row: shapes.OrderRow, keys: Sequence[str]) -> str:
    """The provider's id of the payment: from the payment's additional information, else its last transaction."""
    told = {one.key: one.value for one in row.extension_attributes.payment_additional_info}
    named = next((str(told[key]) for key in keys if told.get(key)), "")
    return named or (row.payment.last_trans_id or "").removesuffix("-capture").removesuffix("-auth")


# ---------------------------------------------------------------------------------------------------- the order


def order(row: shapes.OrderRow, trade: Trade) -> r.Order:
    """The order with totals as Magento states them, in the order's own currency."""
    lines = [
        line for one in row.items if one.parent_item_id is None for line in _lines(one, row.items, trade.inclusive)
    ]
    cards = _paid_else(row)
    gross = row.grand_total + sum(cards.values(), r.ZERO)
    charges = [*_freight(row)]
    parts: list[r.OrderLine | r.Charge] = [*lines, *charges]
    charges += _rest(
        gross - sum((one.gross for one in parts), r.ZERO), row.tax_amount - sum((p.tax for p in parts), r.ZERO)
    )
    place = row.extension_attributes.shipping_assignments
    shipping = place[0].shipping if place else None
    group = trade.groups.get(row.customer_group_id or 0, "")
    name = f"{row.customer_firstname or ''} {row.customer_lastname or ''}".strip()
    person = buyer(name, row.customer_email, row.customer_taxvat, group, row.billing_address)
    placed_at, state = r.instant(row.created_at, "created_at"), payment(row)
    by, paid_by = provider(row.payment.method), reference(row, trade.payment_keys)
    return trade.order(
        lines,
        charges,
        gross,
        row.tax_amount,
        own={"store_id": row.store_id},
        placed_at=placed_at,
        customer=person,
        prices_include_tax=trade.inclusive,
        billing=person.billing,
        shipping=address(shipping.address) if shipping and shipping.address else person.billing,
        discounts=tuple(_discounts(row)),
        lifecycle=STATES.get(row.state, "placed"),
        payment=state,
        payment_method=row.payment.method,
        transaction_id=paid_by,
        shipping_method=(shipping.method if shipping else "") or "",
        payments=tuple(movements(by, row.payment.method, paid_by, row.grand_total, placed_at, state, cards)),
        **shared(row, "order_no", "currency", "paid", "refunded", "status", "note"),
    )


def _lines(row: shapes.ItemRow, rows: Sequence[shapes.ItemRow], inclusive: bool) -> Iterable[r.OrderLine]:
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


def _free(row: shapes.ItemRow) -> shapes.ItemRow:
    nothing = dict.fromkeys(("price", "row_total", "tax_amount", "discount_amount"), r.ZERO)
    return msgspec.structs.replace(row, price_incl_tax=r.ZERO, discount_tax_compensation_amount=r.ZERO, **nothing)


def _line(row: shapes.ItemRow, sku: str, kind: Any, inclusive: bool) -> r.OrderLine:
    net = row.row_total + (row.discount_tax_compensation_amount or r.ZERO) - row.discount_amount
    price = row.price_incl_tax if inclusive and row.price_incl_tax is not None else row.price
    paid = net + row.tax_amount if inclusive else net
    return r.OrderLine(
        line_id=str(row.item_id), sku=sku, name=row.name, quantity=row.qty_ordered, unit_price=price,
        discount=price * row.qty_ordered - paid if row.discount_amount else r.ZERO, tax_percent=row.tax_percent,
        kind="gift_card_mpv" if row.product_type == "giftcard" else kind, **r.amounts(net, net + row.tax_amount),
    )  # fmt: skip


def _freight(row: shapes.OrderRow) -> Iterable[r.Charge]:
    tax = row.shipping_tax_amount or r.ZERO
    net = (row.shipping_amount or r.ZERO) + (row.shipping_discount_tax_compensation_amount or r.ZERO)
    net -= row.shipping_discount_amount or r.ZERO
    if net or tax:
        name, vat = row.shipping_description or "", r.percent(net, tax)
        yield r.Charge(kind="shipping", name=name, charge_id="shipping", tax_percent=vat, **r.amounts(net, net + tax))


def _rest(gross: Decimal, tax: Decimal) -> Iterable[r.Charge]:
    """What the total has besides rows and freight: rounding, or what modules add (a payment fee, gift wrap)."""
    if gross and abs(gross) < 1 and abs(tax) < Decimal("0.05"):
        yield r.Charge(kind="rounding", **r.amounts(gross, gross))
    elif gross:
        net = gross - tax
        yield r.Charge(kind="fee", charge_id="fee", tax_percent=r.percent(net, tax), **r.amounts(net, gross))


def _discounts(row: shapes.OrderRow) -> Iterable[r.Discount]:
    if row.discount_amount or row.coupon_code:
        yield r.Discount(amount=abs(row.discount_amount or r.ZERO), code=row.coupon_code or "")


def _paid_else(row: shapes.OrderRow) -> dict[str, Decimal]:
    """What besides the payment method has paid; Magento has taken it off the total."""
    more = row.extension_attributes
    found = {
        "gift_card": more.gift_cards_amount, "store_credit": more.customer_balance_amount,
        "reward_points": more.reward_currency_amount,
    }  # fmt: skip
    return {name: amount for name, amount in found.items() if amount}


# ---------------------------------------------------------------------------------------------------- credit memos


def refund(memo: shapes.MemoRow, sold: Mapping[int, shapes.OrderRow], trade: Trade) -> Iterable[Item]:
    """A credit memo that was made offline: the provider is to be asked for it. One that bears a transaction has been
    paid back by Magento, and one of an order without a provider's payment is paid back by hand."""
    row = sold.get(memo.order_id)
    paid_by = reference(row, trade.payment_keys) if row else ""
    if row is None or memo.transaction_id or not paid_by or memo.amount <= 0:
        return
    percents = {one.item_id: one.tax_percent for one in row.items}
    lines = [_back(one, percents.get(one.order_item_id, r.ZERO)) for one in memo.items if one.qty]
    record = r.Refund(
        order=trade.key(row.order_no), payment_id=paid_by, lines=tuple(line for line in lines if line.gross),
        **shared(memo, "number", "amount", "currency"),
    )  # fmt: skip
    yield Item(record=record, external_id=str(memo.id))


def _back(row: shapes.MemoItem, vat: Decimal) -> r.MoneyLine:
    net = (row.row_total or r.ZERO) + (row.discount_tax_compensation_amount or r.ZERO) - (row.discount_amount or r.ZERO)
    tax = row.tax_amount or r.ZERO
    return r.MoneyLine(
        line_id=str(row.order_item_id), quantity=row.qty, gross=net + tax, tax=tax, tax_percent=vat,
        **shared(row, "sku", "name"),
    )  # fmt: skip
