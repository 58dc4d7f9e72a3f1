"""Customers and catalogue: Magento's rows ↔ our records. Orders have a module of their own (`orders`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from samklang import records as r
from samklang.connectors.contract import Item, Part
from samklang.connectors.kit.rows import Broken, sound
from samklang.connectors.kit.shape import filled, shared
from samklang.connectors.magento import shapes

EVERYBODY = 32000  # the customer group that stands for all of them


class Range(msgspec.Struct, frozen=True):
    """What products refer to by id, and the connection's settings. `percents`: tax class → VAT."""

    store: shapes.StoreConfig
    country: str
    inclusive: bool
    groups: Mapping[int, str]
    percents: Mapping[int, Decimal]
    attributes: Mapping[int, shapes.Attribute]
    categories: Mapping[str, str]
    gtin: str
    mpn: str

    def label(self, code: str, option: str) -> str:
        """The text of an attribute's choice."""
        found = next((one for one in self.attributes.values() if one.attribute_code == code), None)
        return next((one.label for one in found.options if one.value == option), "") if found and option else ""

    def percent(self, row: shapes.ProductRow) -> Decimal:
        """The article's VAT; InvalidRecord when its tax class has none."""
        class_ = row.custom("tax_class_id") or "0"
        found = self.percents.get(int(class_)) if class_ != "0" else Decimal(0)
        if found is None:
            raise r.InvalidRecord("tax_class_id", class_, "has no VAT rate", "Choose a tax class that has a rule.")
        return found


def product(row: shapes.ProductRow, children: Sequence[shapes.ProductRow | Broken], known: Range) -> Item:
    """A simple article, or a configurable one with its variants; InvalidRecord when it is no product."""
    options = row.extension_attributes.configurable_product_options
    axes = [(one, known.attributes[id_]) for one in options if (id_ := int(one.attribute_id)) in known.attributes]
    variants = [sound(one, "variant") for one in children] if row.type_id == "configurable" else [row]
    links = (known.categories.get(link.category_id) for link in row.extension_attributes.category_links)
    record = r.Product(
        code=r.ids.sku(row.sku),
        name=row.name,
        variants=tuple(_variant(one, row, [found for _, found in axes], known) for one in variants),
        axes=tuple(r.Axis(found.attribute_code, one.label or found.attribute_code) for one, found in axes),
        tax_class=r.rates.tax_class(known.country, known.percent(row), datetime.now(UTC).date()),
        status="active" if row.status == 1 else "archived",
        description=row.custom("description"),
        brand=known.label("manufacturer", row.custom("manufacturer")),
        categories=tuple(name for name in links if name),
    )
    parts = tuple(Part("variant", r.ids.sku_key(one.sku), one.sku) for one in variants)
    return Item(record=record, external_id=str(row.id), parts=parts)


def _variant(
    row: shapes.ProductRow, parent: shapes.ProductRow, axes: Sequence[shapes.Attribute], known: Range
) -> r.Variant:
    chosen = {one.attribute_code: known.label(one.attribute_code, row.custom(one.attribute_code)) for one in axes}
    return r.Variant(
        sku=r.ids.sku(row.sku),
        gtin=r.ids.gtins(row.custom(known.gtin)),
        options={code: text for code, text in chosen.items() if text},
        manufacturer_no=row.custom(known.mpn),
        weight_g=r.grams(row.weight, known.store.weight_unit) if row.weight else None,
        status="active" if row is parent or row.status == 1 else "archived",
    )


def prices(row: shapes.ProductRow, known: Range) -> Iterator[Item]:
    """The article's price, its price in a customer group, and from a number of pieces (tier prices)."""
    if row.type_id == "configurable":  # its price is the cheapest variant's
        return
    common: dict[str, Any] = {
        "sku": r.ids.sku(row.sku), "currency": known.store.base_currency_code, "tax_included": known.inclusive,
        "tax_percent": known.percent(row),
    }  # fmt: skip
    special = row.custom("special_price")
    if special and Decimal(special) < row.price:
        first, last = (_day(row.custom(f"special_{end}_date")) for end in ("from", "to"))
        lowered = r.Price(amount=Decimal(special), compare_at=row.price, valid_from=first, valid_to=last, **common)
        yield Item(record=lowered)
    else:
        yield Item(record=r.Price(amount=row.price, **common))
    for tier in row.tier_prices:
        group = "" if tier.customer_group_id == EVERYBODY else known.groups.get(tier.customer_group_id)
        if group is None or (not group and tier.qty <= 1):
            continue
        off = tier.extension_attributes.percentage_value
        amount = tier.value if off is None else (row.price * (100 - off) / 100).quantize(Decimal("0.0001"))
        yield Item(record=r.Price(amount=amount, price_list=group, min_qty=int(tier.qty), **common))


def price_list(code: str, known: Range) -> r.PriceList:
    """A customer group as a price list (J-09, P-08)."""
    return r.PriceList(name=code.strip(), currency=known.store.base_currency_code, customer_groups=(code.strip(),))


def customer(row: shapes.CustomerRow, groups: Mapping[int, str]) -> Iterator[Item]:
    """A customer with an account."""
    billing = next((one for one in row.addresses if one.default_billing), row.addresses[0] if row.addresses else None)
    shipping = next((one for one in row.addresses if one.default_shipping and one is not billing), None)
    name = f"{row.firstname} {row.lastname}".strip()
    record = buyer(name, row.email, row.taxvat, groups.get(row.group_id, ""), billing)
    if shipping is not None:
        record = msgspec.structs.replace(record, shipping=address(shipping))
    yield Item(record=record, external_id=str(row.id))


def buyer(name: str, email: str, vat_no: str | None, group: str, billing: shapes.Place | None) -> r.Customer:
    """A customer, of whom an order knows as much. A guest has no group."""
    to = msgspec.structs.replace(address(billing), email=email)
    return r.Customer(
        name=to.company or name or to.name or email,
        kind="company" if to.company else "person",
        email=email,
        vat_no=vat_no or (billing.vat_id if billing else "") or "",
        phone=to.phone,
        billing=to,
        group=group,
        price_list=group,
    )


def address(row: shapes.Place | None) -> r.Address:
    """An address; None gives an empty one."""
    if row is None:
        return r.Address()
    return r.Address(
        name=f"{row.firstname or ''} {row.lastname or ''}".strip(),
        lines=tuple(line for line in row.street or () if line),
        country=(row.country or "").upper(),
        **shared(row, "company", "postcode", "city", "phone"),
    )


def place(record: r.Address) -> dict[str, Any]:
    """Our address as Magento takes it; first and last name, street, city and telephone must be something."""
    first, _, last = record.name.rpartition(" ")
    values = {
        "firstname": first or last or "-", "lastname": last or "-", "company": record.company,
        "street": list(record.lines) or ["-"], "postcode": record.postcode, "city": record.city or "-",
        "country_id": record.country, "telephone": record.phone or "-",
    }  # fmt: skip
    return filled(values)


def _day(text: str) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
