"""Tryton's rows → records. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Literal

from samklang import records as r
from samklang.connectors.tryton.shapes import AddressRow, Coded, Day, Dec, Named, Party, Sale, Template, VariantRow


def product(row: Template, country: str, on: date) -> r.Product:
    """Template with its variants. InvalidRecord names a field that is missing or wrong."""
    shown = [variant for variant in row.variants if variant.active or not row.active]
    if not shown:
        raise r.InvalidRecord("variants", row.name, "has no active variant", "Give the product a variant in Tryton.")
    axes = _axes(row, shown)
    weight = r.grams(row.weight, row.weight_uom.name or "") if row.weight is not None and row.weight_uom else None
    variants = tuple(
        r.Variant(
            sku=r.sku(variant.code, "code"),
            gtin=tuple(r.gtin(i.code, "identifiers") for i in variant.identifiers if i.type == "ean" and i.code),
            options={axis.code: _option(variant, axis.code) for axis in axes},
            weight_g=weight,
            cost=variant.cost_price.value if variant.cost_price else None,
            status="active" if row.active and variant.active else "archived",
        )
        for variant in shown
    )
    return r.Product(
        code=row.code or (variants[0].sku if len(variants) == 1 else f"tryton-{row.id}"),
        name=row.name,
        variants=variants,
        axes=axes,
        tax_class=r.rates.tax_class(country, row.percent, on),
        status="active" if row.active else "archived",
        description=next((variant.description for variant in shown if variant.description), ""),
        categories=tuple(category.name or "" for category in row.categories),
    )


def _axes(row: Template, variants: Sequence[VariantRow]) -> tuple[r.Axis, ...]:
    """The attributes that every variant has; Tryton knows no others, so without them the code tells variants apart."""
    if len(variants) == 1:
        return ()
    known = row.attribute_set.attributes if row.attribute_set else []
    axes = tuple(
        r.Axis(a.name, a.string or a.name) for a in known if all((v.attributes or {}).get(a.name) for v in variants)
    )
    if len({tuple(_option(variant, axis.code) for axis in axes) for variant in variants}) < len(variants):
        return (*axes, r.Axis("code", "Variant"))
    return axes


def _option(variant: VariantRow, axis: str) -> str:
    value = (variant.attributes or {}).get(axis) if axis != "code" else variant.code
    if isinstance(value, list):
        return ", ".join(value)
    return str(value.value if isinstance(value, Dec | Day) else value)


def address(row: AddressRow) -> r.Address:
    """An address; when Tryton has a name and an attention line, the name is the company's."""
    return r.Address(
        name=(row.attn if row.attn else row.party_name) or "",
        company=(row.party_name if row.attn else "") or "",
        lines=tuple(line for line in (row.street or "").split("\n") if line.strip()),
        postcode=row.postal_code or "",
        city=row.city or "",
        country=_code(row.country),
    )


def customer(row: Party) -> r.Customer:
    """A party. Its invoice address is the first that is marked so, else the first."""
    org, vat = _code(row.identifier("se_orgnr")), _code(row.identifier("eu_vat"))
    email, phone = row.contact("email"), row.contact("mobile", "phone")
    billing = next((a for a in row.addresses if a.invoice), row.addresses[0] if row.addresses else None)
    shipping = next((a for a in row.addresses if a.delivery and a is not billing), None)
    return r.Customer(
        name=row.name or "",
        kind="company" if org or vat else "person",
        customer_no=row.code or "",
        email=(email.value or "") if email else "",
        org_no=org,
        vat_no=vat,
        phone=(phone.value or "") if phone else "",
        billing=address(billing) if billing else r.Address(),
        shipping=address(shipping) if shipping else None,
        price_list=_name(row.price_list),
        language=_code(row.language),
    )


def _code(row: Coded | None) -> str:
    return (row.code if row else None) or ""


def _name(row: Named | None) -> str:
    return (row.name if row else None) or ""


_LIFECYCLE: Mapping[str, r.Lifecycle] = {
    "draft": "placed", "quotation": "placed", "confirmed": "confirmed", "processing": "confirmed", "done": "closed",
    "cancelled": "cancelled",
}  # fmt: skip


_FULFILMENT: Mapping[str, r.Fulfilment] = {
    "none": "none", "waiting": "released", "partially shipped": "partly_shipped", "sent": "shipped",
}  # fmt: skip


_INVOICE = {"draft": "draft", "validated": "open", "posted": "booked", "paid": "paid", "cancelled": "cancelled"}


# `done` means that the goods have left the stock; Tryton does not know when they arrive.


_SHIPMENT = {
    "draft": "planned", "waiting": "planned", "assigned": "picking", "picked": "picking", "packed": "packed",
    "shipped": "handed_over", "done": "handed_over",
}  # fmt: skip


def order_status(row: Sale) -> r.OrderStatus:
    """A sale's three states on our three axes, with its invoices that have a number."""
    fulfilment: r.Fulfilment | Literal[""] = _FULFILMENT.get(row.shipment_state, "")
    if fulfilment == "released" and any(
        shipment.state in ("assigned", "picked", "packed") for shipment in row.shipments
    ):
        fulfilment = "picking"
    documents = [r.Document(kind="order", number=row.number)] if row.number else []
    documents += [
        r.Document(
            kind="credit_invoice" if invoice.total_amount and invoice.total_amount.value < 0 else "invoice",
            number=invoice.number,
            state=_INVOICE.get(invoice.state, "open"),  # type: ignore[arg-type]  # the table's values are the literals
        )
        for invoice in row.invoices
        if invoice.number
    ]
    return r.OrderStatus(
        order="",
        raw=f"{row.state}, shipment {row.shipment_state}, invoice {row.invoice_state}",
        lifecycle=_LIFECYCLE.get(row.state, ""),
        fulfilment=fulfilment,
        payment="captured" if row.invoice_state == "paid" else "",
        documents=tuple(documents),
    )


def shipments(row: Sale) -> Iterable[tuple[int, r.Shipment]]:
    """The sale's shipments with their ids, cancelled ones left out."""
    for shipment in row.shipments:
        if shipment.state not in _SHIPMENT or not shipment.number:
            continue
        references = [shipment.shipping_reference, *(package.shipping_reference for package in shipment.packages)]
        left = shipment.effective_date.value if shipment.effective_date else None
        yield (
            shipment.id,
            r.Shipment(
                order="",
                number=shipment.number,
                state=_SHIPMENT[shipment.state],  # type: ignore[arg-type]  # the table's values are the literals
                lines=tuple(
                    r.ShipmentLine(quantity=move.quantity, sku=move.product.code or "")
                    for move in shipment.moves
                    if move.product and move.state != "cancelled" and move.quantity
                ),
                parcels=tuple(r.Parcel(tracking_no=number) for number in dict.fromkeys(references) if number),
                carrier_code=_name(shipment.carrier.party) if shipment.carrier else "",
                # Tryton knows the day; noon keeps it the same day in every zone it is likely to be shown in.
                shipped_at=datetime(left.year, left.month, left.day, 12, tzinfo=UTC) if left else None,
            ),
        )
