"""Products, prices, price lists and stock into the shop: one call for each, for the API knows no batches.

What an earlier, broken try has left is found and completed: attributes, categories and variants by name and SKU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from samklang.connectors.contract import Body, Done, Match, Want
from samklang.connectors.errors import Misconfigured, Rejected, Unsupported, there
from samklang.connectors.kit.rows import readable
from samklang.connectors.kit.writing import asked, asks, needed
from samklang.connectors.starweb import map as starweb_map
from samklang.connectors.starweb import shapes
from samklang.connectors.starweb.client import Shop
from samklang.connectors.starweb.read import Reader
from samklang.records import Price, PriceList, Product, StockLevel, Variant
from samklang.records.ids import sku_key
from samklang.records.vat import rates


class _Stock(msgspec.Struct, rename="camel"):
    stock_status_id: int | None = None
    stock_quantity: Decimal | None = None


class CatalogueWriter:
    """Writes to one shop."""

    def __init__(self, shop: Shop, reader: Reader) -> None:
        self._shop, self._reader = shop, reader
        self._making = threading.Lock()  # two products must not make the same attribute twice

    # ------------------------------------------------------------------------------------------------ products

    def product(self, want: Want, record: Product) -> Done:
        """A product with its variants. One call makes it whole; a known one is changed where it differs."""
        with self._making:
            links = self._links(record) if asks(want, "variants", "axes") else {}
            body = self._body(want, record)
        if not want.external_id:
            body["variants"] = [self._new(variant, links) for variant in record.variants]
            body |= {"type": "basic", "externalId": record.code[:40], "externalIdType": "Samklang"}
            made = self._shop.one(shapes.ProductRow, "POST", "/products", body)
            return self._done(made.id)
        path = f"/products/{int(want.external_id)}"
        to_all = body.get("visibility") == "visible"
        if to_all and self._shop.one(shapes.ProductRow, "GET", path).visibility == "pricelists":
            body.pop("visibility")  # seen by chosen customers: still active
        if body:
            self._shop.call("PATCH", path, None, body)
        if asks(want, "variants", "axes"):
            there = {sku_key(one.sku): one for one in readable(self._reader.variants(int(want.external_id)))}
            for variant in record.variants:
                held = there.get(variant.key)
                if held is None:
                    self._shop.call("POST", f"{path}/variants", None, self._new(variant, links))
                    continue
                wanted = self._variant(variant, links)
                wanted["isActive"] = wanted["isActive"] and bool(held.is_active or self._price_of(held))
                if changed := _changed(wanted, held):
                    self._shop.call("PATCH", f"{path}/variants/{held.id}", None, changed)
        return self._done(int(want.external_id))

    def _done(self, id_: int) -> Done:
        """The ids of all variants, which the answer to a create need not tell."""
        parts = starweb_map.parts(id_, readable(self._reader.variants(id_)))
        return Done(external_id=str(id_), parts=parts, seen=partial(self._seen, id_))

    def _seen(self, id_: int) -> Product | None:
        pages = self._reader.fetch("catalogue", [str(id_)])
        found = (getattr(item, "record", None) for page in pages for item in page.items)
        return next((record for record in found if isinstance(record, Product)), None)

    def _body(self, want: Want, record: Product) -> Body:
        return asked(want.fields, {
            "name description": lambda: {"languages": [self._words(want, record)]},
            "status": {"visibility": "visible" if record.status == "active" else "hidden"},
            "tax_class": lambda: {"defaultVatRate": f"{self._percent(record.tax_class):f}"},
            "brand": lambda: {"manufacturerId": self._brand(record.brand)} if record.brand else {},
            "categories": lambda: {"categories": [{"categoryId": self._category(name)} for name in record.categories]},
        })  # fmt: skip

    def _words(self, want: Want, record: Product) -> Body:
        words = {"langCode": self._shop.shop().default_lang_code, "name": _short(record.name, 150, "name")}
        return {**words, "shortDescription": record.description} if asks(want, "description") else words

    def _percent(self, tax_class: str) -> Decimal:
        return rates.percent(self._reader.range().country, tax_class, datetime.now(UTC).date())

    def _variant(self, variant: Variant, links: Mapping[tuple[str, str], int]) -> Body:
        body: Body = {
            "sku": _short(variant.sku, 40, "sku"),
            "isActive": variant.status == "active",
            "attributeValueLinks": [links[choice] for choice in variant.options.items() if choice in links],
        }
        if variant.gtin:
            body["ean"] = variant.gtin[0]
        if variant.manufacturer_no:
            body["mpn"] = _short(variant.manufacturer_no, 40, "manufacturer_no")
        if variant.weight_g is not None:
            body["weightInKg"] = Decimal(variant.weight_g) / 1000
        if variant.cost is not None:
            body["costPrice"] = f"{variant.cost:f}"
        return body

    def _new(self, variant: Variant, links: Mapping[tuple[str, str], int]) -> Body:
        """A variant that is not active until it has a price: it would be sold for nothing."""
        return {**self._variant(variant, links), "isActive": False}

    def _price_of(self, row: shapes.VariantRow) -> Decimal:
        """What the variant costs in the shop's own list."""
        master = self._master().id
        return next((one.price_ex_vat for one in shapes.inner(row.prices) if one.pricelist_id == master), Decimal(0))

    # ------------------------------------------------------------------------------------------------ what is missing

    def _links(self, record: Product) -> dict[tuple[str, str], int]:
        """Attribute values by (axis, choice); what the shop lacks is made."""
        found: dict[tuple[str, str], int] = {}
        for axis in record.axes:
            id_ = self._made("/product-attributes", shapes.Attribute, _short(axis.name, 50, "axes"), self._word)
            path = f"/product-attributes/{id_}/values"
            for choice in record.choices(axis):
                name = _short(choice, 50, "variants.options")
                found[axis.code, choice] = self._made(path, shapes.AttributeValue, name, self._word)
        return found

    def _made(self, path: str, type_: type[shapes.Named], name: str, body: Callable[[str], Body]) -> int:
        """The id of what has this name; made where there is none. Names are compared without case."""
        params = {"include": "languages"} if type_ is shapes.Category else {}
        own = name.strip()

        def pick(rows: Iterable[shapes.Named]) -> int | None:
            return next((row.id for row in rows if self._shop.label(row).casefold() == own.casefold()), None)

        return self._shop.kept.made(
            path, lambda: self._shop.listed(path, type_, **params), pick,
            lambda: self._shop.one(type_, "POST", path, body(own)).id,
        )  # fmt: skip

    def _word(self, name: str) -> Body:
        return {"languages": [{"langCode": self._shop.shop().default_lang_code, "name": name}]}

    def _brand(self, name: str) -> int:
        own = _short(name, 30, "brand")
        return self._made("/product-manufacturers", shapes.Manufacturer, own, lambda name: {"name": name})

    def _category(self, name: str) -> int:
        own = _short(name, 90, "categories")
        return self._made(
            "/product-categories", shapes.Category, own, lambda name: {"visibility": "visible", **self._word(name)}
        )

    # ------------------------------------------------------------------------------------------------ looking

    def find_product(self, want: Want, record: Product, by: str) -> list[Match]:
        """The product that has one of the SKUs; ours when it has our number and all of the variants."""
        if by not in ("reference", "sku"):
            return []
        keys = {variant.key for variant in record.variants}
        hits = {row.id: row for sku in (one.sku for one in record.variants) for row in self._reader.with_sku(sku)}
        found = []
        for row in hits.values():
            variants = readable(self._reader.variants(row.id))
            held = {sku_key(one.sku) for one in variants}
            ours = (row.external_id or "") == record.code[:40]
            if by == "sku" or (ours and held >= keys):
                found.append(Match(external_id=str(row.id), by=by, parts=starweb_map.parts(row.id, variants)))
        return found

    # ------------------------------------------------------------------------------------------------ prices

    def price(self, want: Want, record: Price) -> Done:
        """One price of an article in one list, without VAT as the shop keeps it. The first switches the article on."""
        product, _, variant = needed(want.ids, "variant", sku_key(record.sku)).partition(":")
        row = self._list_of(want, record)
        article = f"/products/{product}/variants/{variant}"
        held = None
        if row.is_master and record.min_qty == 1:
            held = self._shop.one(shapes.VariantRow, "GET", article, include="prices")
        body: Body = {"pricelistId": row.id, "priceExVat": record.on_side(False)}
        path, key = f"{article}/prices", row.id
        if record.min_qty > 1:
            path, key = f"{path}/{row.id}/volume", record.min_qty
            body["quantity"] = record.min_qty
        elif before := record.lowered_from:
            body |= {"priceExVat": before.on_side(False), "specialPriceExVat": body["priceExVat"]}
        else:
            body["specialPriceExVat"] = None
        answer = self._shop.call("PUT", f"{path}/{key}", None, body, expect=(404,))
        if answer.status == 404:
            answer = self._shop.call("POST", path, None, body)
        taken = answer.of(shapes.One[shapes.PriceRow]).data
        if abs(taken.price_ex_vat - body["priceExVat"]) > Decimal("0.005"):
            raise Rejected("The shop did not take the price", where=record.sku)
        first = held is not None and not held.is_active and (want.doubt or not self._price_of(held))
        if first and taken.price_ex_vat:
            self._shop.call("PATCH", article, None, {"isActive": True})
        if record.min_qty > 1:
            return Done()
        known = self._reader.range()
        return Done(seen=next(starweb_map.prices(record.sku, [taken], record.tax_percent, known), None))

    def _list_of(self, want: Want, record: Price) -> shapes.PriceListRow:
        lists = self._reader.lists()
        if record.price_list:
            row = lists.get(int(needed(want.ids, "price_list", record.price_list.strip())))
        else:
            row = self._master()
        if row is None:
            raise Rejected("The shop has no such price list", where=record.price_list or record.sku)
        currency = starweb_map.list_currency(row, self._reader.range())
        if currency != record.currency:
            raise Unsupported(f"The price list {row.name} is in {currency}, not {record.currency}", where=record.sku)
        return row

    def _master(self) -> shapes.PriceListRow:
        """The shop's own price list."""
        found = next((row for row in self._reader.lists().values() if row.is_master), None)
        return there(found, Misconfigured("The shop has no price list of its own"))

    def price_list(self, want: Want, record: PriceList) -> Done:
        """A list for chosen customers below the shop's own, switched off: on activation the shop sets prices to 0."""
        if want.external_id:
            return Done(external_id=want.external_id)
        name = _short(record.name.strip(), 30, "name")
        body = {"name": name, "parentPricelistId": self._master().id, "isActive": False, "externalIdType": "Samklang"}
        body["externalId"] = want.reference[:40]
        made = self._shop.one(shapes.PriceListRow, "POST", "/pricelists", body)
        self._shop.kept.forget("/pricelists")
        return Done(
            external_id=str(made.id),
            by_hand=f"Activate the price list {name} in Starweb when its prices have come, and give it its customers.",
        )

    def find_price_list(self, want: Want, record: PriceList, by: str) -> list[Match]:
        """Lists of exactly this name (P-08)."""
        self._shop.kept.forget("/pricelists")
        rows = self._reader.lists().values()
        return [Match(external_id=str(r.id), by=by) for r in rows if r.name.strip() == record.key and not r.is_master]

    # ------------------------------------------------------------------------------------------------ stock

    def stock(self, want: Want, record: StockLevel) -> Done:
        """The article's figure. The shop's own rules give it a status of stock; where these leave an article that has
        come back unbuyable, or one that is gone in stock, the plain status is written too."""
        product, _, variant = needed(want.ids, "variant", sku_key(record.sku)).partition(":")
        path = f"/products/{product}/variants/{variant}/stocks/{self._location()}"
        pieces = record.sellable
        answer = self._shop.call("PATCH", path, None, {"stockQuantity": pieces}, expect=(404,))
        statuses = {row.id: row for row in self._shop.table("/product-stock-statuses", shapes.StockStatus)}
        if answer.status == 404:  # the first figure at this location
            none = Misconfigured("The shop has no status for articles in stock", do_this="Add one in Starweb.")
            first = there(_plain(statuses.values(), pieces > 0), none)
            body = {"stockStatusId": first.id, "stockQuantity": pieces}
            answer = self._shop.call("PUT", path, None, body, idempotent=True)
        taken = answer.of(shapes.One[_Stock]).data
        if taken.stock_quantity != pieces:
            raise Rejected("The shop did not take the stock figure", where=record.sku)
        now = statuses.get(taken.stock_status_id or 0)
        if now is not None and (wrong := _wrong(now, pieces > 0)):
            status = _plain(statuses.values(), wrong == "out")
            if status is not None and status.id != now.id:
                self._shop.call("PATCH", path, None, {"stockStatusId": status.id})
        return Done(seen=StockLevel(sku=record.sku, on_hand=Decimal(pieces)))

    def _location(self) -> int:
        """The stock location that the web shop sells from."""
        rows = self._shop.table("/stock-locations", shapes.StockLocation)
        main = next((row for row in rows if row.ecommerce_stock_location), rows[0] if rows else None)
        return there(main, Misconfigured("The shop has no stock location", do_this="Add one in Starweb.")).id


def _wrong(status: shapes.StockStatus, there: bool) -> str:
    """Whether the status says the opposite of what there is: `out` with pieces there, `in` without. Statuses in
    between, such as articles that are ordered for the buyer, are the merchant's own."""
    if there and not status.in_stock and not status.product_buyable:
        return "out"
    return "in" if not there and status.in_stock else ""


def _plain(statuses: Iterable[shapes.StockStatus], there: bool) -> shapes.StockStatus | None:
    """The shop's plain status for articles in stock, or for those that are gone."""
    rows = list(statuses)
    first = next((row for row in rows if row.id_code == "inStock"), None)
    first = first or next((row for row in rows if row.in_stock and row.product_buyable), None)
    if there:
        return first
    after = next((row for row in rows if first and row.id == first.stockout_new_status_id), None)
    return after or next((row for row in rows if not row.in_stock and not row.product_buyable), None)


def _changed(wanted: Body, held: Any) -> Body:
    """What of a variant differs from what the shop holds."""
    now = {
        "sku": held.sku, "isActive": held.is_active is not False, "ean": held.ean, "mpn": held.mpn,
        "attributeValueLinks": sorted(held.attribute_value_links), "weightInKg": held.weight_in_kg,
        "costPrice": None if held.cost_price is None else f"{held.cost_price:f}",
    }  # fmt: skip
    given = {**wanted, "attributeValueLinks": sorted(wanted["attributeValueLinks"])}
    return {name: value for name, value in given.items() if now.get(name) != value}


def _short(text: str, most: int, field: str) -> str:
    if len(text) > most:
        raise Unsupported(f"Starweb takes at most {most} characters here: {text[:60]}", where=field)
    return text
