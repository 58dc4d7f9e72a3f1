"""Articles, prices, customer groups and stock into Magento. Articles are saved by number, so repeating is harmless.

A variant is an article of its own; the configurable one names its variants and what they differ in, all in one save.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from samklang.connectors.contract import Body, Done, Match, Part, Result, Want
from samklang.connectors.errors import BadAnswer, BadData, Misconfigured, Rejected, RemoteFault, Unsupported, there
from samklang.connectors.kit.rows import Rows, readable
from samklang.connectors.kit.writing import asks, attempt, batched, needed, record_of
from samklang.connectors.magento import shapes
from samklang.connectors.magento.client import Shop, Where, message
from samklang.connectors.magento.read import Reader
from samklang.records import Price, PriceList, Product, StockLevel, Variant
from samklang.records.ids import sku_key
from samklang.records.units import GRAMS
from samklang.records.vat import rates

_ON, _OFF = 1, 2
_VISIBLE, _ALONE_NOT = 4, 1  # in catalogue and search; not by itself
_SET = 4  # the attribute set Default, which every Magento has
_TRIES, _PAUSE = 20, 1.5  # how often, and after how many seconds, a bulk is asked whether it is done


class _Operation(msgspec.Struct):
    """What became of one article of a bulk: 1 done, 4 not yet, 2, 3 and 5 refused."""

    id: int
    status: int
    result_message: str | None = None


class _Bulk(msgspec.Struct):
    operations_list: list[_Operation]


class _Accepted(msgspec.Struct):
    bulk_uuid: str


class _Said(msgspec.Struct):
    """A complaint about one of many prices."""

    message: str = ""
    parameters: Any = None


class _AttributeGroup(msgspec.Struct):
    attribute_group_id: str


_ATTRIBUTES = "/products/attribute"
_GROUPS = Rows(_AttributeGroup, "attribute_group_id")


class CatalogueWriter:
    """Writes to one Magento."""

    def __init__(self, shop: Shop, reader: Reader, settings: Mapping[str, Any]) -> None:
        self._shop, self._reader = shop, reader
        self._inclusive = bool(settings.get("prices_include_tax", True))
        self._country, self._source = str(settings.get("country") or "SE"), str(settings.get("source") or "default")
        self._gtin, self._mpn = (str(settings.get(f"{name}_attribute") or "") for name in ("gtin", "mpn"))
        self._bulk = bool(settings.get("bulk"))
        self._making = threading.Lock()  # two articles must not make the same attribute twice

    # ------------------------------------------------------------------------------------------------ products

    def products(self, wants: Sequence[Want]) -> list[Result]:
        """Articles: each by itself, or the simple ones in one bulk where the settings say so."""
        skus = [variant.sku for want in wants for variant in record_of(want, Product).variants]
        held = self._reader.by_skus(skus, "id,sku,price")
        simple = [want for want in wants if self._bulk and not record_of(want, Product).axes]
        done = iter(batched(partial(self._simple, held), self._send, simple) if simple else ())
        rest = [want for want in wants if want not in simple]
        single = self._shop.transport.overlap(partial(attempt, partial(self._product, held), want) for want in rest)
        return [next(done) if want in simple else next(single) for want in wants]

    def _product(self, held: Mapping[str, shapes.ProductRow], want: Want, record: Product) -> Done:
        if not record.axes:
            if len(record.variants) > 1:
                raise Unsupported("Magento tells variants apart by their choices only", where=record.code)
            row = self._save(self._simple(held, want, record))
            return self._done(row, [row])
        with self._making:
            axes = [(axis, self._attribute(axis.code, axis.name)) for axis in record.axes]
            links = {
                (axis.code, choice): self._option(found.attribute_id, choice)
                for axis, found in axes
                for choice in record.choices(axis)
            }
        codes = {axis.code: found.attribute_code for axis, found in axes}
        if not want.external_id or asks(want, "variants", "axes", "tax_class", "name"):
            children = [self._save(self._child(held, record, one, codes, links)) for one in record.variants]
        else:
            children = [held[variant.key] for variant in record.variants if variant.key in held]
        body = {**self._common(want, record), "sku": record.code, "type_id": "configurable", "visibility": _VISIBLE}
        body["extension_attributes"] = body.get("extension_attributes", {}) | {
            "configurable_product_options": [
                {
                    "attribute_id": str(found.attribute_id), "label": axis.name, "position": place,
                    "values": [{"value_index": int(links[axis.code, choice])} for choice in record.choices(axis)],
                }
                for place, (axis, found) in enumerate(axes)
            ],
            "configurable_product_links": [one.id for one in children],
        }  # fmt: skip
        if asks(want, "status"):
            body["status"] = _ON if record.status == "active" else _OFF
        return self._done(self._save(body), children)

    def _done(self, row: shapes.ProductRow, variants: Sequence[shapes.ProductRow]) -> Done:
        parts = tuple(Part("variant", sku_key(one.sku), one.sku) for one in variants)
        return Done(external_id=str(row.id), parts=parts)

    def _save(self, product: Body) -> shapes.ProductRow:
        return self._shop.call("POST", "/products", None, {"product": product}, idempotent=True).of(shapes.ProductRow)

    def _simple(self, held: Mapping[str, shapes.ProductRow], want: Want, record: Product) -> Body:
        variant = record.variants[0]
        body = {**self._common(want, record), **self._article(held, variant), "visibility": _VISIBLE}
        if asks(want, "status") or not want.external_id:
            body["status"] = self._switch(held, variant, record.status == "active")
        return _with(body, self._numbers(variant))

    def _child(
        self, held: Mapping[str, shapes.ProductRow], record: Product, variant: Variant, codes: Mapping[str, str],
        links: Mapping[tuple[str, str], str],
    ) -> Body:  # fmt: skip
        body = {**self._article(held, variant), "name": record.title(variant), "visibility": _ALONE_NOT}
        body["status"] = self._switch(held, variant, variant.status == "active")
        chosen = {codes[axis]: links[axis, choice] for axis, choice in variant.options.items()}
        return _with(body, {**self._numbers(variant), **chosen, "tax_class_id": str(self._class(record.tax_class))})

    @staticmethod
    def _switch(held: Mapping[str, shapes.ProductRow], variant: Variant, active: bool) -> int:
        """Off until there is a price: it would be sold for nothing. The first price switches it on."""
        row = held.get(variant.key)
        return _ON if active and row is not None and row.price else _OFF

    def _common(self, want: Want, record: Product) -> Body:
        """What an article and a configurable one have alike."""
        body: Body = {"attribute_set_id": _SET} if not want.external_id else {}
        custom: dict[str, Any] = {}
        if asks(want, "name"):
            body["name"] = record.name
        if asks(want, "description"):
            custom["description"] = record.description
        if asks(want, "tax_class"):
            custom["tax_class_id"] = str(self._class(record.tax_class))
        with self._making:
            if asks(want, "brand") and record.brand:
                brand = self._attribute("manufacturer", "Manufacturer")
                custom["manufacturer"] = self._option(brand.attribute_id, record.brand)
            if asks(want, "categories") and record.categories:
                links = [{"category_id": str(self._category(name)), "position": 0} for name in record.categories]
                body["extension_attributes"] = {"category_links": links}
        return _with(body, custom)

    def _article(self, held: Mapping[str, shapes.ProductRow], variant: Variant) -> Body:
        row = held.get(variant.key)
        body: Body = {"sku": row.sku if row else variant.sku, "type_id": "simple"}
        if row is None:
            body |= {"attribute_set_id": _SET, "price": 0}
        if variant.weight_g is not None:
            unit = GRAMS[self._shop.store().weight_unit.casefold()]
            body["weight"] = (Decimal(variant.weight_g) / unit).quantize(Decimal("0.0001"))
        return body

    def _numbers(self, variant: Variant) -> dict[str, str]:
        values = {self._gtin: variant.gtin[0] if variant.gtin else "", self._mpn: variant.manufacturer_no}
        return {code: value for code, value in values.items() if code and value}

    def _class(self, tax_class: str) -> int:
        percent = rates.percent(self._country, tax_class, datetime.now(UTC).date())
        found = next((id_ for id_, own in self._shop.percents().items() if own == percent), None)
        return there(found, BadData(
            f"The shop has no tax class of {percent} % in {self._country}", where="tax_class",
            do_this="Add a tax rule with this rate in Stores › Tax Rules.",
        ))  # fmt: skip

    # ------------------------------------------------------------------------------------------------ in bulk

    def _send(self, built: list[tuple[Want, Body]]) -> list[Result]:
        """One call for all, carried out by Magento's queue; then it is asked what became of each."""
        bodies = [{"product": body} for _, body in built]
        answer = self._shop.call("POST", "/products", None, bodies, idempotent=True, scope="all/async/bulk/V1")
        bulk = answer.of(_Accepted).bulk_uuid
        for _ in range(_TRIES):
            status = self._shop.call("GET", f"/bulk/{bulk}/detailed-status").of(_Bulk)
            found = {one.id: one for one in status.operations_list}
            if len(found) == len(built) and all(one.status != 4 for one in found.values()):
                break
            time.sleep(_PAUSE)
        rows = self._reader.by_skus([body["sku"] for _, body in built], "id,sku")
        return [self._became(found.get(n), body, rows) for n, (_, body) in enumerate(built)]

    def _became(self, done: _Operation | None, body: Body, rows: Mapping[str, shapes.ProductRow]) -> Result:
        if done is None or done.status == 4:
            return RemoteFault(
                "Magento's queue has not come to this article", where=body["sku"],
                do_this="See that the consumer async.operations.all runs, or switch bulk off. Samklang tries again.",
            )  # fmt: skip
        row = rows.get(sku_key(body["sku"]))
        if done.status != 1 or row is None:
            return Rejected(done.result_message or "Magento did not take the article", where=body["sku"])
        return self._done(row, [row])

    # ------------------------------------------------------------------------------------------------ what is missing

    def _attribute(self, code: str, name: str) -> shapes.Attribute:
        """The attribute that is chosen from a list, by code or label; if missing, made and put into the set Default."""
        plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in code.casefold())[:50]

        def pick(rows: Sequence[shapes.Attribute]) -> shapes.Attribute | None:
            by_code = (one for one in rows if one.attribute_code in (code, plain))
            by_label = (one for one in rows if (one.default_frontend_label or "").casefold() == name.casefold())
            return next(itertools.chain(by_code, by_label), None)

        def make() -> shapes.Attribute:
            new = {
                "attribute_code": f"a_{plain}"[:60] if not plain[:1].isalpha() else plain, "frontend_input": "select",
                "entity_type_id": "4", "is_required": False, "default_frontend_label": name, "scope": "global",
                "frontend_labels": [],
            }  # fmt: skip
            made = self._shop.call("POST", f"{_ATTRIBUTES}s", None, {"attribute": new}).of(shapes.Attribute)
            groups, _ = self._shop.search(f"{_ATTRIBUTES}-sets/groups/list", _GROUPS, [Where("attribute_set_id", _SET)])
            if not (known := readable(groups)):
                raise Misconfigured("The attribute set Default has no group")
            body = {
                "attributeSetId": _SET, "attributeGroupId": int(known[0].attribute_group_id), "sortOrder": 0,
                "attributeCode": made.attribute_code,
            }  # fmt: skip
            self._shop.call("POST", f"{_ATTRIBUTES}-sets/attributes", None, body)
            return made

        return self._shop.kept.made("attributes", self._shop.list_attributes, pick, make)

    def _option(self, attribute: int, label: str) -> str:
        """An attribute's choice by its text; made if missing."""

        def pick(rows: Sequence[shapes.Attribute]) -> str | None:
            options = next(row.options for row in rows if row.attribute_id == attribute)
            return next((one.value for one in options if one.label.casefold() == label.casefold()), None)

        def make() -> str:
            code, new = self._shop.attributes()[attribute].attribute_code, {"label": label, "value": ""}
            self._shop.call("POST", f"{_ATTRIBUTES}s/{code}/options", None, {"option": new})
            if not (made := pick(self._shop.list_attributes())):
                raise BadAnswer(f"The choice {label!r} was made, and is not among the choices of {code}")
            return made

        return self._shop.kept.made("attributes", self._shop.list_attributes, pick, make)

    def _category(self, name: str) -> int:
        def pick(rows: Sequence[shapes.Category]) -> int | None:
            return next((row.id for row in rows if row.name.casefold() == name.casefold()), None)

        def make() -> int:
            root = next((id_ for id_ in sorted(self._shop.categories()) if id_ > 1), 2)  # 1 is the root of all roots
            new = {"category": {"name": name, "parent_id": root, "is_active": True}}
            return int(self._shop.call("POST", "/categories", None, new).json()["id"])

        return self._shop.kept.made("categories", self._shop.list_categories, pick, make)

    # ------------------------------------------------------------------------------------------------ prices, groups

    def prices(self, wants: Sequence[Want]) -> list[Result]:
        """Ordinary, special and tier prices, each kind in one call for all."""
        return batched(self._price, self._send_prices, wants)

    def _price(self, want: Want, record: Price) -> Body:
        sku = needed(want.ids, "variant", sku_key(record.sku))
        currency = self._shop.store().base_currency_code
        if record.currency != currency:
            raise Unsupported(f"The shop keeps its prices in {currency}, not {record.currency}", where=record.sku)
        amount = record.on_side(self._inclusive)
        if record.price_list or record.min_qty > 1:
            group = self._group(want, record) if record.price_list else "ALL GROUPS"
            tier = {"price": amount, "price_type": "fixed", "website_id": 0, "customer_group": group}
            return {"tier": {**tier, "sku": sku, "quantity": record.min_qty}, "sku": sku}
        before = record.lowered_from
        base = {"price": (before or record).on_side(self._inclusive), "store_id": 0, "sku": sku}
        if before is None:
            return {"base": base, "sku": sku}
        special = {
            "price": amount, "store_id": 0, "sku": sku,
            "price_from": f"{record.valid_from or '2000-01-01'} 00:00:00",
            "price_to": f"{record.valid_to} 23:59:59" if record.valid_to else "2099-12-31 23:59:59",
        }  # fmt: skip
        return {"base": base, "sku": sku, "special": special}

    def _group(self, want: Want, record: Price) -> str:
        code = self._shop.groups().get(int(needed(want.ids, "price_list", record.price_list.strip())))
        return there(code, Rejected(f"The shop has no customer group {record.price_list!r}", where=record.sku))

    def _send_prices(self, built: list[tuple[Want, Body]]) -> list[Result]:
        base = [body["base"] for _, body in built if "base" in body]
        skus = [one["sku"] for one in base]
        errors: dict[str, Rejected] = {}
        if base:
            held = self._reader.by_skus(skus, "id,sku,price,status")
            errors |= self._many("base-prices", base)
            was = self._shop.call("POST", "/products/special-price-information", None, {"skus": skus}, idempotent=True)
            ended = [one for one in was.json() if one["sku"] in skus]
            if ended:
                errors |= self._many("special-price-delete", ended)
            errors |= self._many("special-price", [body["special"] for _, body in built if "special" in body])
            doubt = {body["sku"] for want, body in built if want.doubt}
            for one in base:
                row = held.get(sku_key(one["sku"]))
                first = row is not None and row.status == _OFF and (not row.price or one["sku"] in doubt)
                if first and one["price"] and one["sku"] not in errors:
                    self._save({"sku": one["sku"], "status": _ON})
        errors |= self._many("tier-prices", [body["tier"] for _, body in built if "tier" in body])
        return [errors.get(body["sku"]) or Done() for _, body in built]

    def _many(self, kind: str, prices: list[Body]) -> dict[str, Rejected]:
        """One call for all; complaints by article. One that names no article makes the hub send each by itself."""
        if not prices:
            return {}
        answer = self._shop.call("POST", f"/products/{kind}", None, {"prices": prices}, idempotent=True)
        found: dict[str, Rejected] = {}
        for one in answer.of(list[_Said]):
            values = one.parameters.values() if isinstance(one.parameters, dict) else one.parameters or ()
            text = message({"message": one.message, "parameters": one.parameters})
            named = [price["sku"] for price in prices if any(price["sku"] in str(value) for value in values)]
            if not named:
                raise Rejected(text, where=kind)
            found |= {sku: Rejected(text, where=sku) for sku in named}
        return found

    def price_list(self, want: Want, record: PriceList) -> Done:
        """A customer group, with the tax class of retail customers."""
        if want.external_id:
            return Done(external_id=want.external_id)
        if len(record.key) > 32:
            raise Unsupported("A customer group has at most 32 characters", where=record.name)
        new = {"group": {"code": record.key, "tax_class_id": 3}}
        made = self._shop.call("POST", "/customerGroups", None, new).json()
        self._shop.kept.forget("groups")
        return Done(external_id=str(made["id"]))

    def find_price_list(self, want: Want, record: PriceList, by: str) -> list[Match]:
        """Customer groups of exactly this name (P-08)."""
        self._shop.kept.forget("groups")
        return [Match(external_id=str(id_), by=by) for id_, code in self._shop.groups().items() if code == record.key]

    # ------------------------------------------------------------------------------------------------ stock

    def stock(self, wants: Sequence[Want]) -> list[Result]:
        """Figures at one source, all in one call."""
        return batched(self._figure, self._send_stock, wants)

    def _figure(self, want: Want, record: StockLevel) -> Body:
        pieces = record.sellable
        sku = needed(want.ids, "variant", sku_key(record.sku))
        return {"sku": sku, "source_code": self._source, "quantity": pieces, "status": 1 if pieces else 0}

    def _send_stock(self, built: list[tuple[Want, Body]]) -> list[Result]:
        items = [body for _, body in built]
        self._shop.call("POST", "/inventory/source-items", None, {"sourceItems": items}, idempotent=True)
        return [
            Done(seen=StockLevel(sku=body["sku"], warehouse=self._source, on_hand=Decimal(body["quantity"])))
            for body in items
        ]


def _with(body: Body, custom: Mapping[str, Any]) -> Body:
    """The body with these custom attributes beside those that it has."""
    rows = [{"attribute_code": code, "value": value} for code, value in custom.items()]
    return {**body, "custom_attributes": [*body.get("custom_attributes", []), *rows]} if rows else body
