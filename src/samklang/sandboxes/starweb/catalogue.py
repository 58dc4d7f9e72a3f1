"""The shelf: products with variants, attributes, price lists with prices, stock by location and status.

Where the vendor's document is silent the sandbox is mean: prices and stock do not move a product's `modifiedAt`, a
refilled article keeps its status of stock, only the first variant comes with a product.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from samklang.records.vat import rates
from samklang.sandboxes.starweb.wire import LANGUAGE, Row, checked_sku, invalid, many, missing, put, words
from samklang.sandboxes.swedish import Family

MASTER, RESELLERS, NORWAY = 1, 2, 3
IN_STOCK, GONE, ON_ORDER = 1, 2, 3
WEB, SHOP = 1, 2
_PRODUCT = (
    "externalId", "externalIdType", "defaultVatRate", "visibility", "manufacturerId", "unitId", "accounting",
    "isBackInStockWatchable",
)  # fmt: skip
_VARIANT = (
    "sku", "externalId", "externalIdType", "isActive", "weightInKg", "costPrice", "ean", "mpn", "attributeValueLinks",
)  # fmt: skip
_PRICE = ("priceExVat", "specialPriceExVat")
Key = tuple[int, int]


class Catalogue:
    """Everything that is sold. `moved(event, product id)` is told of every change of a product."""

    def __init__(self, now: Callable[[], str], moved: Callable[[str, int], None]) -> None:
        self._now, self._moved = now, moved
        self._ids = itertools.count(101)
        self.products: dict[int, Row] = {}
        self.variants: dict[int, dict[int, Row]] = {}  # product → variant → row
        self.words: dict[int, dict[str, Row]] = {}  # product → language → texts
        self.links: dict[int, list[int]] = {}  # product → categories
        self.prices: dict[Key, Row] = {}  # (variant, list)
        self.volumes: dict[Key, dict[int, Row]] = {}
        self.stocks: dict[Key, Row] = {}  # (variant, location)
        self.by_sku: dict[str, Key] = {}  # → (product, variant)
        self.attributes: dict[int, Row] = {}
        self.values: dict[int, dict[int, Row]] = {}
        self.manufacturers: dict[int, Row] = {}
        self.categories: dict[int, Row] = {}
        self.pricelists: dict[int, Row] = {
            MASTER: _list(MASTER, "Ordinarie", "SEK", isMaster=True, isCountryPricelist=True),
            RESELLERS: _list(RESELLERS, "Återförsäljare", "SEK", parentPricelistId=MASTER, isCustomerPricelist=True),
            NORWAY: _list(NORWAY, "Norge", "NOK", isCountryPricelist=True, region="selected", countryCodes=["NO"]),
        }
        self.locations: dict[int, Row] = {
            WEB: _location(WEB, "E-handelslager", main=True), SHOP: _location(SHOP, "Butiken", main=False),
        }  # fmt: skip
        self.stock_statuses: dict[int, Row] = {
            IN_STOCK: _status(IN_STOCK, "inStock", "I lager", buyable=True, there=True, after=GONE),
            GONE: _status(GONE, "outOfStock", "Slut i lager", buyable=False, there=False),
            ON_ORDER: _status(ON_ORDER, None, "Beställningsvara", buyable=True, there=False),
        }

    # ------------------------------------------------------------------------------------------------ seeding

    def fill(self, families: Iterable[Family], on: Any) -> None:
        """Product families as products, with the shop's own price, a resellers' price and stock."""
        for family in families:
            percent = rates.percent("SE", family.tax_class, on)
            links = {
                (axis, choice): self.value(self.attribute(axis), choice)
                for axis, choices in family.axes.items()
                for choice in choices
            }
            variants = [
                {
                    "sku": article.sku, "ean": article.gtin, "isActive": True, "stockQuantity": article.stock,
                    "stockStatusId": IN_STOCK if article.stock else GONE, "costPrice": f"{family.cost:f}",
                    "weightInKg": Decimal(article.weight_g) / 1000, "mpn": f"M-{article.sku}",
                    "attributeValueLinks": [links[choice] for choice in article.options.items()],
                }
                for article in family.articles
            ]  # fmt: skip
            made = self.create(
                {
                    "externalId": family.code, "externalIdType": "ERP", "defaultVatRate": f"{percent:f}",
                    "visibility": "visible", "manufacturerId": self.manufacturer(family.brand),
                    "languages": [{"langCode": LANGUAGE, "name": family.name, "shortDescription": family.description}],
                    "categories": [{"categoryId": self.category(family.category)}], "variants": variants,
                }
            )  # fmt: skip
            net = (family.price / (1 + percent / 100)).quantize(Decimal("0.000001"))
            for variant in self.variants[made["productId"]]:
                self.put_price(variant, MASTER, {"priceExVat": net})
                self.put_price(variant, RESELLERS, {"priceExVat": (net * Decimal("0.7")).quantize(Decimal("0.01"))})

    def _named(self, table: dict[int, Row], key: str, name: str, body: Row) -> int:
        found = next((id_ for id_, row in table.items() if _label(row).casefold() == name.casefold()), None)
        if found is not None:
            return found
        id_ = next(self._ids)
        table[id_] = {key: id_, **body}
        return id_

    def attribute(self, name: str) -> int:
        """The attribute of this name, made where there is none."""
        return self._named(self.attributes, "attributeId", name, _plain(languages=words(name)))

    def value(self, attribute: int, name: str) -> int:
        """The attribute's value of this name."""
        body = _plain(skuSuffix="", sortIndex=0, languages=words(name))
        return self._named(self.values.setdefault(attribute, {}), "attributeValueId", name, body)

    def manufacturer(self, name: str) -> int:
        """The manufacturer of this name."""
        return self._named(self.manufacturers, "manufacturerId", name, _plain(name=name, url=None))

    def category(self, name: str) -> int:
        """The category of this name."""
        body = _plain(
            parentId=None, visibility="visible", sortIndex=0, openPage=True, imageFileId=None, externalType=None,
            hasChildren=False, languages=words(name),
        )  # fmt: skip
        return self._named(self.categories, "categoryId", name, body)

    def add(self, table: dict[int, Row], key: str, data: Row, **fixed: Any) -> Row:
        """A thing with languages that the API makes: an attribute, a value, a category, a manufacturer. Twins of a name
        are taken, as far as is known."""
        id_ = next(self._ids)
        languages = {"languages": many(data["languages"])} if "languages" in data else {}
        table[id_] = {key: id_, **_plain(**{**fixed, **data, **languages})}
        return table[id_]

    # ------------------------------------------------------------------------------------------------ products

    def create(self, data: Row) -> Row:
        """POST /products."""
        variants = data.get("variants") or []
        if not variants:
            raise invalid("a product needs a variant")
        languages = data.get("languages") or []
        if not any(word.get("langCode") == LANGUAGE and word.get("name") for word in languages):
            raise invalid(f"languages needs a name in {LANGUAGE}")
        skus = [checked_sku(one.get("sku")).lower() for one in variants]
        if len(set(skus)) != len(skus) or any(sku in self.by_sku for sku in skus):
            raise invalid("sku has to be unique")
        id_, now = next(self._ids), self._now()
        self.products[id_] = {
            "productId": id_, "createdAt": now, "modifiedAt": now, "type": data.get("type", "basic"),
            "externalId": None, "externalIdType": None, "defaultVatRate": None, "visibility": "hidden",
            "manufacturerId": None, "unitId": None, "accounting": None, "isBackInStockWatchable": True, "sortIndex": 0,
        }  # fmt: skip
        self.variants[id_], self.words[id_], self.links[id_] = {}, {}, []
        self._write(id_, data)
        for one in variants:
            self.add_variant(id_, one)
        self._moved("created", id_)
        return self.products[id_]

    def change(self, id_: int, data: Row) -> Row:
        """PATCH /products/{id}: variants are left alone."""
        row = self.product(id_)
        self._write(id_, data)
        self._touch(id_)
        return row

    def _write(self, id_: int, data: Row) -> None:
        if data.get("visibility") not in (None, "hidden", "visible", "pricelists"):
            raise invalid("visibility is not supported")
        for name, table in (("manufacturerId", self.manufacturers),):
            if data.get(name) is not None and data[name] not in table:
                raise invalid(f"{name} does not exist")
        put(self.products[id_], data, _PRODUCT)
        for word in data.get("languages", []):
            self.words[id_].setdefault(word["langCode"], {}).update(word)
        if "categories" in data:
            links = [link["categoryId"] for link in data["categories"]]
            if any(link not in self.categories for link in links):
                raise invalid("categoryId does not exist")
            self.links[id_] = links

    def _touch(self, id_: int) -> None:
        self.products[id_]["modifiedAt"] = self._now()
        self._moved("updated", id_)

    def remove(self, id_: int) -> None:
        """The product is deleted."""
        self.product(id_)
        for variant in self.variants.pop(id_).values():
            del self.by_sku[variant["sku"].lower()]
        del self.products[id_]
        self._moved("removed", id_)

    def product(self, id_: int) -> Row:
        """A product, or 404."""
        if id_ not in self.products:
            raise missing("The product")
        return self.products[id_]

    def variant(self, product: int, id_: int) -> Row:
        """A product's variant, or 404."""
        if id_ not in self.variants.get(product, {}):
            raise missing("The variant")
        return self.variants[product][id_]

    def add_variant(self, product: int, data: Row) -> Row:
        """POST /products/{id}/variants."""
        self.product(product)
        sku = checked_sku(data.get("sku"))
        if sku.lower() in self.by_sku:
            raise invalid("sku has to be unique")
        self._check_links(data)
        id_ = next(self._ids)
        row: Row = {
            "variantId": id_, "sku": sku, "externalId": None, "externalIdType": None, "isActive": True, "sortIndex": 0,
            "weightInKg": None, "costPrice": None, "ean": None, "mpn": None, "attributeValueLinks": [],
        }  # fmt: skip
        self.variants[product][id_] = row
        self.by_sku[sku.lower()] = product, id_
        put(row, data, _VARIANT)
        status, pieces = data.get("stockStatusId") or IN_STOCK, data.get("stockQuantity")
        self.stocks[id_, WEB] = {"stockStatusId": status, "stockQuantity": pieces}
        self.prices[id_, MASTER] = {"priceExVat": Decimal(0), "specialPriceExVat": None}
        return row

    def change_variant(self, product: int, id_: int, data: Row) -> Row:
        """PATCH of a variant."""
        row = self.variant(product, id_)
        self._check_links(data)
        if "sku" in data and data["sku"].lower() != row["sku"].lower():
            if checked_sku(data["sku"]).lower() in self.by_sku:
                raise invalid("sku has to be unique")
            self.by_sku[data["sku"].lower()] = self.by_sku.pop(row["sku"].lower())
        if put(row, data, _VARIANT):
            self._touch(product)
        return row

    def _check_links(self, data: Row) -> None:
        known = {id_ for values in self.values.values() for id_ in values}
        if not set(data.get("attributeValueLinks") or []) <= known:
            raise invalid("attributeValueLinks holds an unknown value")

    # ------------------------------------------------------------------------------------------------ prices, stock

    def put_price(self, variant: int, pricelist: int, data: Row) -> Row:
        """A variant's price in a list, made or changed."""
        if pricelist not in self.pricelists:
            raise missing("The pricelist")
        if any(data.get(name) is not None and data[name] < 0 for name in _PRICE):
            raise invalid("a price has to be 0 or more")
        row = self.prices.setdefault((variant, pricelist), {"priceExVat": Decimal(0), "specialPriceExVat": None})
        put(row, data, _PRICE)
        return row

    def put_stock(self, variant: int, location: int, data: Row) -> Row:
        """A variant's stock at a location. Without a status the shop's rule acts, and it only acts on what is gone."""
        if location not in self.locations:
            raise missing("The stock location")
        if data.get("stockStatusId") is not None and data["stockStatusId"] not in self.stock_statuses:
            raise invalid("stockStatusId does not exist")
        row = self.stocks.setdefault((variant, location), {"stockStatusId": IN_STOCK, "stockQuantity": None})
        put(row, data, ("stockStatusId", "stockQuantity", "shelfSpace"))
        after = self.stock_statuses[row["stockStatusId"]]["stockoutNewStatusId"]
        if "stockStatusId" not in data and (row["stockQuantity"] or 0) <= 0 and after is not None:
            row["stockStatusId"] = after
        return row

    # ------------------------------------------------------------------------------------------------ as shown

    def shown(self, row: Row, embedded: set[str]) -> Row:
        """A product as the API gives it, with what was asked for."""
        id_ = row["productId"]
        found = {**row, "hasSeveralVariants": len(self.variants[id_]) > 1}
        if "primaryVariant" in embedded:
            first = next(iter(self.variants[id_].values()))
            found["primaryVariant"] = {"data": self.shown_variant(first, prices="primaryVariant.prices" in embedded)}
        if "languages" in embedded:
            slim = ("langCode", "name", "shortDescription", "permalink")
            word = self.words[id_][LANGUAGE]
            found["languages"] = many([{name: word[name] for name in slim if name in word}])
        if "categories" in embedded:
            found["categories"] = many([{"categoryId": link, "sortIndex": 0} for link in self.links[id_]])
        return found

    def shown_variant(self, row: Row, *, prices: bool) -> Row:
        """A variant; its own stock is that of the web shop's location."""
        stock = self.stocks[row["variantId"], WEB]
        found = {**row, "stockStatusId": stock["stockStatusId"], "stockQuantity": stock["stockQuantity"]}
        if prices:
            found["prices"] = self.shown_prices(row["variantId"])
        return found

    def shown_prices(self, variant: int) -> list[Row]:
        """All prices of a variant."""
        return [self.shown_price(variant, list_) for own, list_ in self.prices if own == variant]

    def shown_price(self, variant: int, pricelist: int) -> Row:
        """One price with its steps."""
        row = {"pricelistId": pricelist, "externalId": None, "externalIdType": None}
        row |= self.prices[variant, pricelist]
        steps = self.volumes.get((variant, pricelist))
        return {**row, "volumePrices": many(list(steps.values()))} if steps else row


def _plain(**more: Any) -> Row:
    return {"externalId": None, "externalIdType": None, **more}


def _label(row: Row) -> str:
    return str(row.get("name") or row["languages"]["data"][0]["name"])


def _list(id_: int, name: str, currency: str, **more: Any) -> Row:
    return {
        "pricelistId": id_, "externalId": None, "externalIdType": None, "name": name, "isMaster": False,
        "isActive": True, "region": "all", "countryCodes": [], "currencyCode": currency, "parentPricelistId": None,
        "isCustomerPricelist": False, "isCountryPricelist": False, **more,
    }  # fmt: skip


def _location(id_: int, name: str, *, main: bool) -> Row:
    return {
        "stockLocationId": id_, "externalId": None, "externalIdType": None, "visibility": "always_show_in_store",
        "sortIndex": id_, "ecommerceStockLocation": main, "languages": words(name),
    }  # fmt: skip


def _status(id_: int, code: str | None, name: str, *, buyable: bool, there: bool, after: int | None = None) -> Row:
    return {
        "stockStatusId": id_, **({"idCode": code} if code else {}), "sortIndex": id_, "stockoutNewStatusId": after,
        "productBuyable": buyable, "inStock": there, "languages": words(name),
    }  # fmt: skip
