"""The shelf: articles, configurable ones that name their variants, attributes, categories, prices, sources.

A saved article is known by its number. A new one has no stock at any source; stock and prices leave no trace in its
`updated_at`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from samklang.records.vat import rates
from samklang.sandboxes.magento.wire import Refused, Row, custom, put_custom
from samklang.sandboxes.swedish import Family

ROOT, DEFAULT_SET = 2, 4
CLASSES = {2: Decimal(25), 5: Decimal(12), 6: Decimal(6)}  # product tax class → VAT in Sweden; 3 is that of customers
EVERYBODY = 32000
_PRODUCT = ("name", "price", "status", "visibility", "weight", "attribute_set_id")


class Catalogue:
    """Everything that is sold."""

    def __init__(self, now: Callable[[], str]) -> None:
        self._now = now
        self._ids = itertools.count(1)
        self.rows: dict[int, Row] = {}
        self.by_sku: dict[str, int] = {}
        self.attributes: dict[int, Row] = {}
        self.categories: dict[int, Row] = {}
        self.groups: dict[int, str] = {0: "NOT LOGGED IN", 1: "General", 2: "Wholesale", 3: "Retailer"}
        self.sources = {"default": "Default Source", "butik": "Butiken"}
        self.stock: dict[tuple[str, str], Row] = {}  # (sku in small letters, source)
        self.reserved: dict[str, Decimal] = {}  # open orders' pieces, by sku in small letters
        for code, label in (("manufacturer", "Manufacturer"), ("tax_class_id", "Tax Class"), ("color", "Färg")):
            self.attribute(code, label)
        for id_, name in ((1, "Root Catalog"), (ROOT, "Default Category")):
            self.categories[id_] = {"id": id_, "parent_id": id_ - 1, "name": name, "is_active": True}

    # ------------------------------------------------------------------------------------------------ seeding

    def fill(self, families: Iterable[Family], on: date) -> None:
        """Product families with prices, a tier price for retailers, and stock at the default source."""
        for family in families:
            percent = rates.percent("SE", family.tax_class, on)
            class_ = next(id_ for id_, own in CLASSES.items() if own == percent)
            common = [
                {"attribute_code": "tax_class_id", "value": str(class_)},
                {"attribute_code": "description", "value": family.description},
                {"attribute_code": "manufacturer", "value": self.option("manufacturer", family.brand)},
            ]
            codes = {axis: self.attribute(_code(axis), axis) for axis in family.axes}
            links = [{"category_id": str(self.category(family.category)), "position": 0}]
            children = []
            for article in family.articles:
                chosen = [
                    {"attribute_code": codes[axis]["attribute_code"], "value": self.option(_code(axis), choice)}
                    for axis, choice in article.options.items()
                ]
                row = self.save(
                    {
                        "sku": article.sku, "name": " ".join((family.name, *article.options.values())),
                        "attribute_set_id": DEFAULT_SET, "price": family.price, "type_id": "simple", "status": 1,
                        "visibility": 1 if family.axes else 4, "weight": Decimal(article.weight_g) / 1000,
                        "custom_attributes": [*common, {"attribute_code": "ean", "value": article.gtin}, *chosen],
                        "extension_attributes": {"category_links": links},
                    }
                )  # fmt: skip
                row["tier_prices"] = [
                    {
                        "customer_group_id": 3,
                        "qty": 1,
                        "value": (family.price * Decimal("0.7")).quantize(Decimal("0.01")),
                    }
                ]
                self.put_stock({"sku": article.sku, "source_code": "default", "quantity": article.stock, "status": 1})
                children.append(row)
            if family.axes:
                options = [
                    {
                        "attribute_id": str(found["attribute_id"]),
                        "label": axis,
                        "position": place,
                        "values": [
                            {"value_index": int(self.option(_code(axis), choice))} for choice in family.axes[axis]
                        ],
                    }
                    for place, (axis, found) in enumerate(codes.items())
                ]
                more = {
                    "category_links": links, "configurable_product_options": options,
                    "configurable_product_links": [child["id"] for child in children],
                }  # fmt: skip
                self.save(
                    {
                        "sku": family.code, "name": family.name, "attribute_set_id": DEFAULT_SET, "status": 1,
                        "visibility": 4, "type_id": "configurable", "custom_attributes": common,
                        "extension_attributes": more,
                    }
                )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ articles

    def save(self, data: Row) -> Row:
        """POST /products: made, or changed where the number is known."""
        sku = str(data.get("sku") or "")
        if not sku or len(sku) > 64:
            raise Refused(400, 'The value of attribute "%1" must be set', attribute="sku")
        known = self.by_sku.get(sku.lower())
        if known is None:
            if not data.get("name"):
                raise Refused(400, 'The value of attribute "%1" must be set', attribute="name")
            if data.get("price") is None and data.get("type_id", "simple") == "simple":
                raise Refused(400, 'The value of attribute "%1" must be set', attribute="price")
            if data.get("attribute_set_id") != DEFAULT_SET:
                raise Refused(400, "Attribute set is invalid: %1", id=data.get("attribute_set_id"))
            known, now = next(self._ids), self._now()
            self.rows[known] = {
                "id": known, "sku": sku, "name": "", "attribute_set_id": DEFAULT_SET, "price": Decimal(0), "status": 1,
                "visibility": 4, "type_id": data.get("type_id", "simple"), "created_at": now, "updated_at": now,
                "extension_attributes": {"website_ids": [1], "category_links": []}, "product_links": [], "options": [],
                "media_gallery_entries": [], "tier_prices": [], "custom_attributes": [],
            }  # fmt: skip
            self.by_sku[sku.lower()] = known
        row = self.rows[known]
        self._check(data)
        row |= {name: data[name] for name in _PRODUCT if data.get(name) is not None}
        put_custom(row, data.get("custom_attributes", []))
        more = data.get("extension_attributes", {})
        row["extension_attributes"] |= {
            name: more[name]
            for name in ("category_links", "configurable_product_options", "configurable_product_links")
            if name in more
        }
        row["updated_at"] = self._now()
        return row

    def _check(self, data: Row) -> None:
        for one in data.get("custom_attributes", []):
            found = self.attribute_of(one["attribute_code"])
            known = [option["value"] for option in found["options"]] if found and found["options"] else None
            if known is not None and one["value"] and one["value"] not in known:
                raise Refused(400, "Attribute %1 has no option %2", code=one["attribute_code"], value=one["value"])
        links = data.get("extension_attributes", {}).get("configurable_product_links", [])
        if any(link not in self.rows for link in links):
            raise Refused(400, "The product that was requested doesn't exist. Verify the product and try again.")
        chosen = [tuple(sorted(str(o) for o in self._choices(self.rows[link], data))) for link in links]
        if len(set(chosen)) != len(chosen):
            raise Refused(400, "Products with the same attribute values exist.")

    def _choices(self, child: Row, data: Row) -> list[Any]:
        axes = data["extension_attributes"].get("configurable_product_options", [])
        return [custom(child, self.attributes[int(axis["attribute_id"])]["attribute_code"]) for axis in axes]

    def row(self, sku: str) -> Row | None:
        """An article by its number, in any case."""
        return self.rows.get(self.by_sku.get(sku.lower(), 0))

    # ------------------------------------------------------------------------------------------------ attributes

    def attribute_of(self, code: str) -> Row | None:
        """An attribute by its code."""
        return next((one for one in self.attributes.values() if one["attribute_code"] == code), None)

    def attribute(self, code: str, label: str) -> Row:
        """An attribute that is chosen from a list, made where there is none."""
        found = self.attribute_of(code)
        if found is not None:
            return found
        id_ = max(self.attributes, default=90) + 1
        self.attributes[id_] = {
            "attribute_id": id_, "attribute_code": code, "frontend_input": "select", "entity_type_id": "4",
            "is_required": False, "default_frontend_label": label, "frontend_labels": [], "options": [],
            "scope": "global",
        }  # fmt: skip
        return self.attributes[id_]

    def add_attribute(self, data: Row) -> Row:
        """POST /products/attributes."""
        if self.attribute_of(data["attribute_code"]):
            raise Refused(400, "Attribute with the same code (%1) already exists.", code=data["attribute_code"])
        return self.attribute(data["attribute_code"], data["default_frontend_label"])

    def option(self, code: str, label: str) -> str:
        """An attribute's choice by its text, made where there is none."""
        found = self.attribute_of(code)
        if found is None:
            raise Refused(404, "No such entity with %fieldName = %fieldValue", fieldName="attribute", fieldValue=code)
        known = next((one["value"] for one in found["options"] if one["label"] == label), None)
        if known is None:
            known = str(found["attribute_id"] * 1000 + len(found["options"]) + 1)
            found["options"].append({"label": label, "value": known})
        return str(known)

    def category(self, name: str) -> int:
        """The category of this name, made where there is none."""
        found = next((id_ for id_, row in self.categories.items() if row["name"] == name), None)
        return found if found is not None else int(self.add_category({"name": name})["id"])

    def add_category(self, data: Row) -> Row:
        """POST /categories."""
        id_ = max(self.categories) + 1
        parent = data.get("parent_id", ROOT)
        self.categories[id_] = {"id": id_, "parent_id": parent, "name": data["name"], "is_active": True}
        return self.categories[id_]

    # ------------------------------------------------------------------------------------------------ prices, stock

    def put_prices(self, kind: str, prices: list[Row]) -> list[Row]:
        """Many prices; complaints for those that are wrong, the others are taken."""
        said = []
        for one in prices:
            row = self.row(one["sku"])
            if row is None or row["type_id"] == "configurable":
                said.append(
                    {
                        "message": "The product that was requested doesn't exist. Verify the product and try again. "
                        "Row ID: SKU = %SKU.", "parameters": [f"SKU {one['sku']}"],
                    }
                )  # fmt: skip
            elif kind == "base":
                row["price"] = one["price"]
            elif kind == "special":
                values = {"special_price": f"{one['price']:.4f}", "special_from_date": one["price_from"]}
                values["special_to_date"] = one["price_to"]
                put_custom(row, [{"attribute_code": code, "value": value} for code, value in values.items()])
            else:
                said += self._tier(row, one)
        return said

    def _tier(self, row: Row, one: Row) -> list[Row]:
        names = {name: id_ for id_, name in self.groups.items()} | {"ALL GROUPS": EVERYBODY}
        if one["customer_group"] not in names:
            text = "No such entity with %1 = %2. Row ID: SKU = %3, Customer Group = %2."
            return [{"message": text, "parameters": ["Customer Group", one["customer_group"], one["sku"]]}]
        key = names[one["customer_group"]], one["quantity"]
        kept = [tier for tier in row["tier_prices"] if (tier["customer_group_id"], tier["qty"]) != key]
        row["tier_prices"] = [*kept, {"customer_group_id": key[0], "qty": key[1], "value": one["price"]}]
        return []

    def specials(self, skus: list[str]) -> list[Row]:
        """The special prices of these articles."""
        rows = [row for sku in skus if (row := self.row(sku)) and custom(row, "special_price")]
        return [
            {
                "price": Decimal(custom(row, "special_price")), "store_id": 0, "sku": row["sku"],
                "price_from": custom(row, "special_from_date"), "price_to": custom(row, "special_to_date"),
            }
            for row in rows
        ]  # fmt: skip

    def end_specials(self, prices: list[Row]) -> list[Row]:
        """Deletes special prices that are named exactly."""
        held = {one["sku"]: one for one in self.specials([one["sku"] for one in prices])}
        for one in prices:
            if one == held.get(one["sku"]):
                row = self.row(one["sku"])
                assert row is not None
                keep = [c for c in row["custom_attributes"] if not c["attribute_code"].startswith("special_")]
                row["custom_attributes"] = keep
        return []

    def put_stock(self, item: Row) -> None:
        """Pieces at a source."""
        if self.row(item["sku"]) is None:
            raise Refused(400, 'Source item "%1" is not valid', sku=item["sku"])
        if item["source_code"] not in self.sources:
            raise Refused(400, 'Source "%1" does not exist', source=item["source_code"])
        self.stock[item["sku"].lower(), item["source_code"]] = item

    def salable(self, sku: str) -> Decimal:
        """What can be sold: all sources less open orders."""
        items = (self.stock.get((sku.lower(), source)) for source in self.sources)
        there = sum((Decimal(item["quantity"]) for item in items if item), Decimal(0))
        return there - self.reserved.get(sku.lower(), Decimal(0))


def _code(axis: str) -> str:
    return {"Färg": "color"}.get(axis, axis.casefold().replace("å", "a").replace("ä", "a").replace("ö", "o"))
