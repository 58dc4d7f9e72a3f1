"""Vendure's objects → records. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from samklang import records as r
from samklang.connectors.kit import gateways
from samklang.connectors.kit.gateways import Back
from samklang.connectors.kit.paid import payment_state
from samklang.connectors.kit.shape import shared
from samklang.connectors.vendure import shapes

#: Vendure's state → ours; a state of the shop's own making has none.
_STATES: Mapping[str, tuple[r.Lifecycle, r.Fulfilment | Literal[""]]] = {
    "PaymentAuthorized": ("placed", "ready"),
    "PaymentSettled": ("placed", "ready"),
    "ArrangingAdditionalPayment": ("placed", ""),
    "Modifying": ("placed", ""),
    "PartiallyShipped": ("confirmed", "partly_shipped"),
    "Shipped": ("confirmed", "shipped"),
    "PartiallyDelivered": ("confirmed", "partly_shipped"),
    "Delivered": ("closed", "delivered"),
    "Cancelled": ("cancelled", ""),
}


def product(row: shapes.Product, language: str, country: str, on: date) -> r.Product:
    """A product with its variants. It has no number of its own: a simple one takes its SKU, else `vendure-<id>`."""
    words = {words.language_code: words for words in row.translations}
    first = words.get(language) or next(iter(words.values()))
    others = {code: word for code, word in words.items() if word is not first}
    groups = row.option_groups if len(row.variants) > 1 else []
    variants = tuple(
        r.Variant(
            sku=r.sku(variant.sku, "sku"),
            options={g.code: o.name for g in groups for o in variant.options if o.group_id == g.id},
            track_stock=variant.track_inventory != "FALSE",
            status="active" if variant.enabled else "archived",
        )
        for variant in row.variants
    )
    percent = next((v.tax_rate_applied.value for v in row.variants if v.tax_rate_applied), r.ZERO)
    return r.Product(
        code=variants[0].sku if len(variants) == 1 else f"vendure-{row.id}",
        name=first.name,
        names={code: word.name for code, word in others.items() if word.name},
        description=first.description,
        descriptions={code: word.description for code, word in others.items() if word.description},
        variants=variants,
        axes=tuple(r.Axis(group.code, group.name) for group in groups),
        tax_class=r.rates.tax_class(country, percent, on),
        status="active" if row.enabled else "draft",
    )


def prices(row: shapes.Stocked, tax_included: bool) -> Iterable[r.Price]:
    """The variant's base price in each currency, as stored."""
    for price in row.prices:
        yield r.Price(
            sku=r.sku(row.sku),
            currency=r.currency(price.currency_code),
            amount=r.from_minor_units(price.price, price.currency_code),
            tax_included=tax_included,
            tax_percent=row.tax_rate_applied.value if row.tax_rate_applied else None,
        )


def stock(row: shapes.Stocked) -> r.StockLevel:
    """Pieces over all locations; allocated to orders that are not sent = reserved."""
    return r.StockLevel(
        sku=r.sku(row.sku),
        on_hand=Decimal(sum(level.stock_on_hand for level in row.stock_levels)),
        reserved=Decimal(sum(level.stock_allocated for level in row.stock_levels)),
    )


def address(row: shapes.OrderAddress | shapes.OwnAddress | None) -> r.Address:
    """An address; None gives an empty one."""
    if row is None:
        return r.Address()
    lines = tuple(line for line in (row.line1, row.line2) if line)
    country = row.country.code if isinstance(row, shapes.OwnAddress) else row.country or ""
    return r.Address(
        lines=lines, country=country, **shared(row, "name", "company", "postcode", "city", "region", "phone")
    )


def customer(row: shapes.Customer | None, to: r.Address, shipping: r.Address | None) -> r.Customer:
    """A customer; a company when the billing address `to` names one."""
    named = f"{row.first_name} {row.last_name}".strip() if row else ""
    return r.Customer(
        name=to.company or named or to.name,
        kind="company" if to.company else "person",
        email=row.email if row else "",
        phone=(row.phone if row else "") or to.phone,
        billing=to,
        shipping=shipping,
    )


def member(row: shapes.Member) -> r.Customer:
    """A customer with the default addresses, else the first."""
    rows = row.addresses or []
    billing = next((a for a in rows if a.default_billing_address), rows[0] if rows else None)
    shipping = next((a for a in rows if a.default_shipping_address and a is not billing), None)
    return customer(row, address(billing), address(shipping) if shipping else None)


def payment(row: shapes.Order) -> tuple[r.Payment, int, int]:
    """Where the money is: state, minor units taken, minor units given back."""
    payments = row.payments or []
    settled = sum(p.amount for p in payments if p.state == "Settled")
    refunded = sum(refund.total for p in payments for refund in p.refunds if refund.state == "Settled")
    states = {p.state for p in payments}
    reserved, voided = "Authorized" in states, "Cancelled" in states and "Authorized" not in states
    sums = (Decimal(sum_) for sum_ in (row.total_with_tax, settled, refunded))
    return payment_state(*sums, authorised=reserved, voided=voided), settled, refunded


def transactions(row: shapes.Order) -> Iterator[r.PaymentTransaction]:
    """What moved at the providers. When it moved stands in the order's history; what was taken at once has no step."""
    moved: dict[tuple[str, str], str] = {}
    for step in row.history.items:
        what = {"ORDER_PAYMENT_TRANSITION": "paymentId", "ORDER_REFUND_TRANSITION": "refundId"}.get(step.type)
        if what:
            moved[f"{what} {step.data.get(what)}", str(step.data.get("to"))] = step.created_at

    def at(name: str, state: str, else_at: str) -> datetime:
        return r.instant(moved.get((name, state), else_at), "createdAt")

    for payment in row.payments or []:
        own, name = payment.transaction_id or f"payment-{payment.id}", f"paymentId {payment.id}"
        authorised = (name, "Authorized") in moved or payment.state == "Authorized"
        refunds = [
            Back(
                refund.transaction_id or f"refund-{refund.id}",
                at(f"refundId {refund.id}", "Settled", refund.created_at),
                r.from_minor_units(refund.total, row.currency_code),
            )
            for refund in payment.refunds
            if refund.state == "Settled"
        ]
        yield from gateways.transactions(
            payment.method, own, r.from_minor_units(payment.amount, row.currency_code), refunds=refunds,
            authorised=at(name, "Authorized", payment.created_at) if authorised else None,
            captured=at(name, "Settled", payment.created_at) if payment.state == "Settled" else None,
        )  # fmt: skip


def order(row: shapes.Order, channel: str, time_zone: str) -> r.Order:
    """An order with its totals as Vendure states them. Lines that were cancelled altogether are left out."""

    def money(minor: int) -> Decimal:
        return r.from_minor_units(minor, row.currency_code)

    # Freight's VAT stands on a row of its own, also at the same rate.
    taxes = r.tax_totals((part.tax_rate, money(part.tax_base), money(part.tax_total)) for part in row.tax_summary)
    lines = tuple(
        r.OrderLine(
            line_id=line.id,
            sku=line.product_variant.sku,
            name=line.product_variant.name,
            quantity=Decimal(line.quantity),
            unit_price=money(line.unit_price_with_tax),
            discount=money(line.unit_price_with_tax * line.quantity - line.prorated_line_price_with_tax),
            tax_percent=line.tax_rate,
            **r.amounts(money(line.prorated_line_price), money(line.prorated_line_price_with_tax)),
        )
        for line in row.lines
        if line.quantity
    )
    percents = [tax.percent for tax in taxes]
    freights = [
        r.Charge(
            kind="shipping", name=one.shipping_method.name, charge_id=one.id, tax_percent=_percent(one, percents),
            **r.amounts(money(one.discounted_price), money(one.discounted_price_with_tax)),
        )
        for one in row.shipping_lines
    ]  # fmt: skip
    fees = [
        r.Charge(
            kind="fee", name=one.name, charge_id=one.id, tax_percent=one.tax_rate,
            **r.amounts(money(one.price), money(one.price_with_tax)),
        )
        for one in row.surcharges
    ]  # fmt: skip
    state, paid, refunded = payment(row)
    last = next((p for p in reversed(row.payments or []) if p.state in ("Settled", "Authorized")), None)
    shipping = address(row.shipping_address)
    given = row.billing_address and (row.billing_address.line1 or row.billing_address.name)
    billing = address(row.billing_address) if given else shipping
    return r.Order(
        channel=channel,
        order_no=row.code,
        placed_at=r.instant(row.order_placed_at, "orderPlacedAt"),
        currency=r.currency(row.currency_code),
        customer=customer(row.customer, billing, shipping if row.shipping_address else None),
        lines=lines,
        charges=(*freights, *fees),
        discounts=tuple(r.Discount(amount=money(-one.amount_with_tax), code=one.description) for one in row.discounts),
        taxes=taxes,
        prices_include_tax=True,
        billing=billing,
        shipping=shipping,
        paid=money(paid),
        refunded=money(refunded),
        time_zone=time_zone,
        status=row.state,
        lifecycle=_STATES.get(row.state, ("placed", ""))[0],
        payment=state,
        payment_method=last.method if last else "",
        transaction_id=(last.transaction_id or "") if last else "",
        payments=tuple(transactions(row)),
        shipping_method=row.shipping_lines[0].shipping_method.code if row.shipping_lines else "",
        **r.amounts(money(row.total), money(row.total_with_tax)),
    )


def _percent(freight: shapes.ShippingLine, known: Iterable[Decimal]) -> Decimal:
    """Vendure does not state the freight's rate: the one of the order's rates that fits best."""
    net, gross = freight.discounted_price, freight.discounted_price_with_tax
    if net == gross:
        return r.ZERO
    return min(known, key=lambda percent: abs(net * (1 + percent / 100) - gross), default=r.ZERO)


def order_status(row: shapes.Order, key: str) -> r.OrderStatus:
    """The order's state on three axes; a state of the shop's own making is kept raw."""
    state = payment(row)[0]
    if row.state not in _STATES:
        return r.OrderStatus(order=key, raw=row.state, payment=state)
    lifecycle, fulfilment = _STATES[row.state]
    return r.OrderStatus(order=key, raw=row.state, lifecycle=lifecycle, fulfilment=fulfilment, payment=state)
