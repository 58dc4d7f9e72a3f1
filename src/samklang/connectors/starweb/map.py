"""Customers and catalogue: the shop's rows ↔ our records. Orders have a module of their own (`orders`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from samklang import records as r
from samklang.connectors.contract import Item, Part
from samklang.connectors.kit.rows import Broken, sound
from samklang.connectors.kit.shape import filled, shared
from samklang.connectors.starweb import shapes


class Range(msgspec.Struct, frozen=True):
    """What products refer to by id, as the installation has it. `values`: attribute value → (axis, value)."""

    shop: shapes.ShopRow
    lists: Mapping[int, shapes.PriceListRow]
    values: Mapping[int, tuple[str, str]]
    brands: Mapping[int, str]
    categories: Mapping[int, str]

    @property
    def country(self) -> str:
        """Whose VAT rates the articles have."""
        return self.shop.shop_country_code or self.shop.default_customer_country_code or "SE"


# ---------------------------------------------------------------------------------------------------- catalogue


def catalogue(
    row: shapes.ProductRow, variants: Sequence[shapes.VariantRow | Broken], known: Range, types: frozenset[str]
) -> Iterator[Item]:
    """Product, prices and stock of a row with its variants; InvalidRecord when it is no product."""
    articles = [sound(one, "variant") for one in variants]
    record = product(row, articles, known)
    if "product" in types:
        yield Item(record=record, external_id=str(row.id), parts=parts(row.id, articles))
    vat = percent(row, known)
    for article in articles:
        if "price" in types:
            for price in prices(article.sku, shapes.inner(article.prices), vat, known):
                yield Item(record=price)
        if "stock" in types and row.type == "basic" and (level := stock(article)) is not None:
            yield Item(record=level)


def product(row: shapes.ProductRow, variants: Sequence[shapes.VariantRow], known: Range) -> r.Product:
    """The product; its number is the article's own, or the external id where it has several variants."""
    word = row.languages.data[0] if row.languages.data else None
    axes = dict.fromkeys(
        known.values[link][0] for one in variants for link in one.attribute_value_links if link in known.values
    )
    several = row.has_several_variants or len(variants) > 1
    return r.Product(
        code=(row.external_id or f"starweb-{row.id}") if several else r.ids.sku(variants[0].sku),
        name=word.name if word else "",
        variants=tuple(_variant(one, known) for one in variants),
        axes=tuple(r.Axis(name, name) for name in axes),
        tax_class=r.rates.tax_class(known.country, percent(row, known), datetime.now(UTC).date()),
        status="active" if row.visibility in ("visible", "pricelists") else "draft",
        description=(word.short_description if word else "") or "",
        brand=known.brands.get(row.manufacturer_id or 0, ""),
        categories=tuple(
            known.categories[link.category_id] for link in row.categories.data if link.category_id in known.categories
        ),
    )


def _variant(row: shapes.VariantRow, known: Range) -> r.Variant:
    chosen = [known.values[link] for link in row.attribute_value_links if link in known.values]
    return r.Variant(
        sku=r.ids.sku(row.sku),
        gtin=r.ids.gtins(row.ean or ""),
        options=dict(chosen),
        manufacturer_no=row.mpn or "",
        weight_g=r.grams(row.weight_in_kg, "kg") if row.weight_in_kg else None,
        cost=row.cost_price or None,
        status="active" if row.is_active is not False else "archived",
    )


def prices(sku: str, rows: Iterable[shapes.PriceRow], vat: Decimal | None, known: Range) -> Iterator[r.Price]:
    """The article's prices in each list, always without VAT; a price of 0 beside the shop's own list is none."""
    for row in rows:
        belongs = known.lists.get(row.pricelist_id)
        if belongs is None or not (row.price_ex_vat or belongs.is_master):
            continue
        special = row.special_price_ex_vat
        common: dict[str, Any] = {
            "sku": r.ids.sku(sku), "currency": list_currency(belongs, known), "tax_included": False,
            "price_list": "" if belongs.is_master else belongs.name.strip(), "tax_percent": vat,
        }  # fmt: skip
        if special is not None and special < row.price_ex_vat:
            yield r.Price(amount=special, compare_at=row.price_ex_vat, **common)
        else:
            yield r.Price(amount=row.price_ex_vat, **common)
        for step in shapes.inner(row.volume_prices):
            yield r.Price(amount=step.price_ex_vat, min_qty=step.quantity, **common)


def list_currency(row: shapes.PriceListRow, known: Range) -> str:
    """A price list's currency; a customers' list without one has the shop's."""
    return row.currency_code or known.shop.base_currency


def price_list(row: shapes.PriceListRow, known: Range) -> r.PriceList:
    """A price list other than the shop's own; a list for chosen customers is its own customer group (J-09)."""
    name = row.name.strip()
    groups = (name,) if row.is_customer_pricelist else ()
    return r.PriceList(name=name, currency=list_currency(row, known), customer_groups=groups)


def stock(row: shapes.VariantRow) -> r.StockLevel | None:
    """The article's figure, which the shop lowers as it sells; None where it counts none."""
    return None if row.stock_quantity is None else r.StockLevel(sku=r.ids.sku(row.sku), on_hand=row.stock_quantity)


def parts(product: int, variants: Iterable[shapes.VariantRow]) -> tuple[Part, ...]:
    """The ids of the variants, as product:variant."""
    return tuple(Part("variant", r.ids.sku_key(one.sku), f"{product}:{one.id}") for one in variants if one.sku)


def percent(row: shapes.ProductRow, known: Range) -> Decimal:
    """The article's VAT, else the shop's default."""
    found = row.default_vat_rate if row.default_vat_rate is not None else known.shop.general_default_vat_rate
    if found is None:
        raise r.InvalidRecord("defaultVatRate", "", "is missing", "Set the article's VAT, or the shop's default.")
    return found


# ---------------------------------------------------------------------------------------------------- customers


def customer(row: shapes.CustomerRow, lists: Mapping[int, shapes.PriceListRow]) -> Iterator[Item]:
    """A customer with an account."""
    places = row.addresses.data if row.addresses else shapes.OwnPlaces()
    record = buyer(row, row, lists, places.invoice or shapes.Place())
    delivery = address(places.delivery) if places.delivery else None
    if delivery is not None and delivery != record.billing:
        record = msgspec.structs.replace(record, shipping=delivery)
    yield Item(record=record, external_id=str(row.id))


def buyer(
    said: shapes.CustomerRow | shapes.OrderRow, row: shapes.CustomerRow | None,
    lists: Mapping[int, shapes.PriceListRow], billing: shapes.Place,
) -> r.Customer:  # fmt: skip
    """A customer as it was `said`, of whom an order may know more or less. A person's identity number stays in the
    shop."""
    company = bool(billing.company) or (row is not None and row.type == "company")
    to = address(billing)
    belongs = lists.get(row.pricelist_id or 0) if row else None
    return r.Customer(
        name=(to.company if company else "") or to.name or said.email or "",
        kind="company" if company else "person",
        customer_no=(row.external_id if row else "") or "",
        phone=to.phone,
        billing=to,
        group=belongs.name.strip() if belongs and belongs.is_customer_pricelist else "",
        price_list=belongs.name.strip() if belongs and not belongs.is_master else "",
        **shared(said, "email", *(("org_no", "vat_no") if company else ())),
    )


def address(row: shapes.Place) -> r.Address:
    """An address; c/o is a line of its own."""
    name = f"{row.first_name or ''} {row.last_name or ''}".strip() or row.attention or ""
    care_of = f"c/o {row.care_of.removeprefix('c/o').strip()}" if row.care_of else ""
    return r.Address(
        name=name,
        lines=tuple(line for line in (row.address, care_of) if line),
        phone=row.mobile_phone_no or row.phone_no or "",
        country=(row.country or "").upper(),
        **shared(row, "company", "postcode", "city", "region"),
    )


def place(record: r.Address) -> dict[str, Any]:
    """Our address as the shop takes it; what is empty is left out, so it clears nothing."""
    first, _, last = record.name.rpartition(" ")
    street = next((line for line in record.lines if not line.startswith("c/o ")), "")
    care_of = next((line[4:] for line in record.lines if line.startswith("c/o ")), "")
    values = {
        "companyName": record.company[:80], "firstName": first[:35], "lastName": last[:35], "careOf": care_of[:80],
        "address": street[:50], "postalCode": record.postcode[:12], "city": record.city[:30],
        "state": record.region[:30], "countryCode": record.country, "mobilePhoneNo": record.phone[:30],
    }  # fmt: skip
    return filled(values)
