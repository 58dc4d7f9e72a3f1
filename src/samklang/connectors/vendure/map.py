"""Vendure's objects → records. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

from samklang.connectors.vendure import shapes
from samklang.records import (
    Address,
    Axis,
    Charge,
    Customer,
    Discount,
    Order,
    OrderLine,
    OrderStatus,
    Price,
    Product,
    StockLevel,
    TaxTotal,
    Variant,
)
from samklang.records.ids import sku
from samklang.records.money import ZERO, currency, from_minor_units
from samklang.records.order import Fulfilment, Lifecycle, Payment
from samklang.records.times import instant
from samklang.records.vat import rates

_LIFECYCLE: Mapping[str, Lifecycle] = {
    "PaymentAuthorized": "placed",
    "PaymentSettled": "placed",
    "ArrangingAdditionalPayment": "placed",
    "Modifying": "placed",
    "PartiallyShipped": "confirmed",
    "Shipped": "confirmed",
    "PartiallyDelivered": "confirmed",
    "Delivered": "closed",
    "Cancelled": "cancelled",
}
_FULFILMENT: Mapping[str, Fulfilment] = {
    "PaymentAuthorized": "ready",
    "PaymentSettled": "ready",
    "PartiallyShipped": "partly_shipped",
    "PartiallyDelivered": "partly_shipped",
    "Shipped": "shipped",
    "Delivered": "delivered",
}


def product(row: shapes.Product, language: str, country: str, on: date) -> Product:
    """A product with its variants. It has no number of its own: a simple one takes its SKU, else `vendure-<id>`."""
    words = {words.language_code: words for words in row.translations}
    first = words.get(language) or next(iter(words.values()))
    groups = row.option_groups if len(row.variants) > 1 else []
    variants = tuple(
        Variant(
            sku=sku(variant.sku, "sku"),
            options={g.code: o.name for g in groups for o in variant.options if o.group_id == g.id},
            track_stock=variant.track_inventory != "FALSE",
            status="active" if variant.enabled else "archived",
        )
        for variant in row.variants
    )
    percent = next((v.tax_rate_applied.value for v in row.variants if v.tax_rate_applied), ZERO)
    return Product(
        code=variants[0].sku if len(variants) == 1 else f"vendure-{row.id}",
        name=first.name,
        names={code: w.name for code, w in words.items() if w is not first and w.name},
        description=first.description,
        descriptions={code: w.description for code, w in words.items() if w is not first and w.description},
        variants=variants,
        axes=tuple(Axis(group.code, group.name) for group in groups),
        tax_class=rates.tax_class(country, percent, on),
        status="active" if row.enabled else "draft",
    )


def prices(row: shapes.Variant, tax_included: bool) -> Iterable[Price]:
    """The variant's base price in each currency, as stored."""
    for price in row.prices:
        yield Price(
            sku=sku(row.sku),
            currency=currency(price.currency_code),
            amount=from_minor_units(price.price, price.currency_code),
            tax_included=tax_included,
            tax_percent=row.tax_rate_applied.value if row.tax_rate_applied else None,
        )


def stock(row: shapes.Variant) -> StockLevel:
    """Pieces over all locations; allocated to orders that are not sent = reserved."""
    return StockLevel(
        sku=sku(row.sku),
        on_hand=Decimal(sum(level.stock_on_hand for level in row.stock_levels)),
        reserved=Decimal(sum(level.stock_allocated for level in row.stock_levels)),
    )


def address(row: shapes.Address | None) -> Address:
    """An address; None gives an empty one."""
    if row is None:
        return Address()
    country = row.country_code or (row.country.code if row.country else "")
    return Address(
        name=row.full_name or "",
        company=row.company or "",
        lines=tuple(line for line in (row.street_line1, row.street_line2) if line),
        postcode=row.postal_code or "",
        city=row.city or "",
        region=row.province or "",
        country=country,
        phone=row.phone_number or "",
    )


def customer(
    row: shapes.Customer | None, billing: shapes.Address | None, shipping: shapes.Address | None = None
) -> Customer:
    """A customer; a company when the billing address names one."""
    to = address(billing)
    named = f"{row.first_name} {row.last_name}".strip() if row else ""
    return Customer(
        name=to.company or named or to.name,
        kind="company" if to.company else "person",
        email=row.email_address if row else "",
        phone=(row.phone_number if row else "") or to.phone,
        billing=to,
        shipping=address(shipping) if shipping else None,
    )


def payment(row: shapes.Order) -> tuple[Payment, int, int]:
    """Where the money is: state, minor units taken, minor units given back."""
    payments = row.payments or []
    settled = sum(p.amount for p in payments if p.state == "Settled")
    authorised = sum(p.amount for p in payments if p.state == "Authorized")
    refunded = sum(refund.total for p in payments for refund in p.refunds if refund.state == "Settled")
    state: Payment
    if refunded:
        state = "refunded" if refunded >= settled else "partly_refunded"
    elif settled:
        state = "captured" if settled >= row.total_with_tax else "partly_captured"
    elif authorised:
        state = "authorised"
    elif any(p.state == "Cancelled" for p in payments):
        state = "voided"
    else:
        state = "pending" if row.total_with_tax else "not_required"
    return state, settled, refunded


def order(row: shapes.Order, channel: str, time_zone: str) -> Order:
    """An order with its totals as Vendure states them. Lines that were cancelled altogether are left out."""

    def money(minor: int) -> Decimal:
        return from_minor_units(minor, row.currency_code)

    taxes: dict[Decimal, tuple[int, int]] = {}
    for part in row.tax_summary:  # freight's VAT stands on a row of its own, also at the same rate
        base, tax = taxes.get(part.tax_rate, (0, 0))
        taxes[part.tax_rate] = base + part.tax_base, tax + part.tax_total
    lines = tuple(
        OrderLine(
            line_id=line.id,
            sku=line.product_variant.sku,
            name=line.product_variant.name,
            quantity=Decimal(line.quantity),
            unit_price=money(line.unit_price_with_tax),
            discount=money(line.unit_price_with_tax * line.quantity - line.prorated_line_price_with_tax),
            net=money(line.prorated_line_price),
            tax=money(line.prorated_line_price_with_tax - line.prorated_line_price),
            gross=money(line.prorated_line_price_with_tax),
            tax_percent=line.tax_rate,
        )
        for line in row.lines
        if line.quantity
    )
    freights = [
        Charge(
            kind="shipping",
            name=freight.shipping_method.name,
            charge_id=freight.id,
            net=money(freight.discounted_price),
            tax=money(freight.discounted_price_with_tax - freight.discounted_price),
            gross=money(freight.discounted_price_with_tax),
            tax_percent=_percent(freight, taxes),
        )
        for freight in row.shipping_lines
    ]
    fees = [
        Charge(
            kind="fee",
            name=fee.description,
            charge_id=fee.id,
            net=money(fee.price),
            tax=money(fee.price_with_tax - fee.price),
            gross=money(fee.price_with_tax),
            tax_percent=fee.tax_rate,
        )
        for fee in row.surcharges
    ]
    state, paid, refunded = payment(row)
    last = next((p for p in reversed(row.payments or []) if p.state in ("Settled", "Authorized")), None)
    return Order(
        channel=channel,
        order_no=row.code,
        placed_at=instant(row.order_placed_at, "orderPlacedAt"),
        currency=currency(row.currency_code),
        customer=customer(row.customer, _given(row.billing_address) or row.shipping_address, row.shipping_address),
        lines=lines,
        charges=(*freights, *fees),
        discounts=tuple(
            Discount(amount=money(-discount.amount_with_tax), code=discount.description) for discount in row.discounts
        ),
        taxes=tuple(TaxTotal(percent, money(base), money(tax)) for percent, (base, tax) in taxes.items()),
        net=money(row.total),
        tax=money(row.total_with_tax - row.total),
        gross=money(row.total_with_tax),
        prices_include_tax=True,
        billing=address(_given(row.billing_address) or row.shipping_address),
        shipping=address(row.shipping_address),
        paid=money(paid),
        refunded=money(refunded),
        time_zone=time_zone,
        status=row.state,
        lifecycle=_LIFECYCLE.get(row.state, "placed"),
        payment=state,
        payment_method=last.method if last else "",
        transaction_id=(last.transaction_id or "") if last else "",
        shipping_method=row.shipping_lines[0].shipping_method.code if row.shipping_lines else "",
    )


def _given(row: shapes.Address | None) -> shapes.Address | None:
    """Vendure gives an empty address where the buyer gave none."""
    return row if row and (row.street_line1 or row.full_name) else None


def _percent(freight: shapes.ShippingLine, taxes: Mapping[Decimal, object]) -> Decimal:
    """Vendure does not state the freight's rate: the one of the order's rates that fits best."""
    net, gross = freight.discounted_price, freight.discounted_price_with_tax
    if net == gross:
        return ZERO
    return min(taxes, key=lambda percent: abs(net * (1 + percent / 100) - gross), default=ZERO)


def order_status(row: shapes.Order, key: str) -> OrderStatus:
    """The order's state on three axes; a state of the shop's own making is kept raw."""
    lifecycle: Lifecycle | Literal[""] = _LIFECYCLE.get(row.state, "")
    fulfilment: Fulfilment | Literal[""] = _FULFILMENT.get(row.state, "")
    return OrderStatus(order=key, raw=row.state, lifecycle=lifecycle, fulfilment=fulfilment, payment=payment(row)[0])
