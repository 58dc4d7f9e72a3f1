"""Stands for the contract suite: the sandboxes judged by the vendors' documents, and the real Tryton and Vendure behind
a proxy that plays faults."""

from __future__ import annotations

import contextlib
import importlib
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest

from samklang.connectors.checks import Happening, Specimen, Stand, specimens
from samklang.records import Customer, Order, OrderStatus, Parcel, Price, Product, Record, Shipment, StockLevel
from samklang.records.ids import sku_key
from samklang.records.order import ShipmentLine
from samklang.sandboxes.base import serve
from samklang.sandboxes.proxy import Proxy
from samklang.sandboxes.stands import STANDS, FaultyStand, Judge, Seen, open_stand
from tests.contract import woocommerce_document
from tests.contract.openapi import Document
from tests.integration import tryton_seed
from tests.integration.tryton_server import DATABASE, Tryton, tryton
from tests.integration.vendure_server import Vendure, vendure

#: Systems that are started as a whole: tests on them are marked `integration`.
REAL = ("tryton", "vendure")
_SMALL = 3  # rows a page


def _by(document: Document, below: tuple[str, ...] = ("/",)) -> Judge:
    """By an OpenAPI document; addresses that begin otherwise are not in it (such as the login server's)."""

    def judge(seen: Seen) -> list[str]:
        if not (document.knows(seen.path) and seen.path.startswith(below)):
            return []
        try:
            document.check_request(seen.method, seen.path, parse_qsl(seen.query), seen.body)
        except AssertionError as departure:
            return [str(departure)]
        return []

    return judge


def _by_woocommerce() -> Judge:
    index = woocommerce_document.index()

    def judge(seen: Seen) -> list[str]:
        return index.departures(seen.method, seen.path.removeprefix("/wp-json"), seen.query, seen.body)

    return judge


def judge_of(name: str) -> Judge | None:
    """The comparison with the vendor's document (`tests/contract/<name>_document.py`); None where it is not at hand."""
    try:
        if name == "woocommerce":
            return _by_woocommerce()
        document = importlib.import_module(f"tests.contract.{name}_document")
        return _by(document.load(), getattr(document, "BELOW", ("/",)))
    except (ModuleNotFoundError, pytest.skip.Exception):
        return None


@contextlib.contextmanager
def running(name: str) -> Iterator[Stand]:
    """The stand of a connector, running; KeyError when it has none."""
    if name in STANDS:
        with open_stand(name, judge_of(name)) as stand:
            yield stand
    else:
        with {"tryton": _tryton, "vendure": _vendure}[name]() as stand:
            yield stand


class RealStand(FaultyStand):
    """A real system behind the proxy."""

    reader: str  # module whose page size is made small

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy)

    @contextlib.contextmanager
    def small_pages(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"{self.reader}._SIZE", _SMALL)
            yield


# ----------------------------------------------------------------------------------------------------------- Tryton


@contextlib.contextmanager
def _tryton() -> Iterator[Stand]:
    with tryton() as erp:
        proxy = Proxy(erp.url)
        stand = TrytonStand(erp, proxy)
        with serve(stand.faulty) as stand.base, contextlib.closing(proxy):
            yield stand


class TrytonStand(RealStand):
    """The seeded ERP, with a few sales."""

    reader = "samklang.connectors.tryton.read"
    maps = ("attributes",)

    def __init__(self, erp: Tryton, proxy: Proxy) -> None:
        super().__init__(proxy)
        self.erp = erp
        simple = [f for f in tryton_seed.families() if not f.axes and f.articles[0].stock > 20]
        by_vat = {tryton_seed.VAT[family.tax_class]: family.articles[0].sku for family in simple}
        self.skus = [by_vat[Decimal(25)], by_vat[Decimal(12)]]  # as the lines of the specimen order
        rows = erp.rows("product.product", [["code", "in", self.skus]], "code", "sale_uom")
        self.products = {row["code"]: row for row in rows}
        for n in range(6):
            self._sale(f"{specimens.CHANNEL}/T{n}")
        erp.ship(f"{specimens.CHANNEL}/T0", tracking="SE1PN")

    def _sale(self, reference: str) -> None:
        (party,) = self.erp.create("party.party", {"name": "Åsa Öberg", "addresses": [["create", [{"city": "Kil"}]]]})
        (row,) = self.erp.rows("party.party", [["id", "=", party]], "addresses")
        (address,) = row["addresses"]
        product = self.products[self.skus[0]]
        line = {"product": product["id"], "quantity": 1, "unit": product["sale_uom"], "unit_price": Decimal("10.00")}
        sale = {
            "party": party, "invoice_address": address, "shipment_address": address, "reference": reference,
            "invoice_method": "order", "shipment_method": "order", "lines": [["create", [line]]],
        }  # fmt: skip
        (made,) = self.erp.create("sale.sale", sale)
        for step in ("quote", "confirm"):
            self.erp.call(f"model.sale.sale.{step}", [made])

    def settings(self) -> Mapping[str, Any]:
        return {
            "url": self.base, "database": self.erp.database, "user": self.erp.user, "password": self.erp.password,
        }  # fmt: skip

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "password": "not-the-password"}

    def held(self, type_: str) -> set[str] | None:
        if type_ == "product":
            return {sku_key(family.code) for family in tryton_seed.families()}
        return None

    def count(self, record: Record) -> int:
        if isinstance(record, Customer):
            return len(self.erp.rows("party.party", [["contact_mechanisms.value", "=", record.email]]))
        assert isinstance(record, Order)
        sales = self.erp.rows("sale.sale", [["reference", "=", record.key], ["state", "!=", "cancelled"]], "state")
        done = sum(sale["state"] in ("confirmed", "processing", "done") for sale in sales)
        return len(sales) if len(sales) > 1 else done

    def figures(self) -> Mapping[tuple[str, str], str]:
        prices = {
            ("price", f"{sku_key(article.sku)}||SEK|1"): str(tryton_seed.net(family))
            for family in tryton_seed.families()
            for article in family.articles
        }
        sales = self.erp.rows("sale.sale", [["reference", "!=", None]], "reference", "total_amount")
        return prices | {("order", sale["reference"]): str(sale["total_amount"]) for sale in sales}

    def specimen(self, type_: str, n: int) -> Specimen | None:
        buyer = specimens.customer(n)
        if type_ == "customer":
            return Specimen(record=buyer)
        if type_ != "order":
            return None
        return Specimen(
            record=specimens.order(n, *self.skus),
            before=(buyer,),
            ids={("variant", sku_key(sku)): str(row["id"]) for sku, row in self.products.items()},
            options={"document": "invoice", "book": True} if n % 2 else {},
        )

    def happens(self, at: datetime) -> Happening:
        """Tryton takes its times from the machine's clock, so they are written into its database (UTC, no zone)."""
        family = tryton_seed.families()[at.day % 7]
        (row,) = self.erp.rows("product.template", [["code", "=", family.code]], "products")
        moment = f"{at:%Y-%m-%d %H:%M:%S}.000000"
        with contextlib.closing(sqlite3.connect(self.erp.log.parent / f"{DATABASE}.sqlite", timeout=30)) as database:
            for table, ids in (("product_template", [row["id"]]), ("product_product", row["products"])):
                for id_ in ids:
                    database.execute(
                        f"UPDATE {table} SET create_date = ?, write_date = ? WHERE id = ?", (moment, moment, id_)
                    )
            database.commit()
        return Happening("products", "product", sku_key(family.code))


# ---------------------------------------------------------------------------------------------------------- Vendure


@contextlib.contextmanager
def _vendure() -> Iterator[Stand]:
    with vendure() as shop:
        proxy = Proxy(shop.url)
        stand = VendureStand(shop, proxy)
        with serve(stand.faulty) as stand.base, contextlib.closing(proxy):
            yield stand


class VendureStand(RealStand):
    """The shop with its range, more products, and a few orders."""

    reader = "samklang.connectors.vendure.read"
    cannot: Mapping[str, str] = {
        "dst": "A running Vendure takes its times from the machine's clock and keeps them in memory, so no night can "
        "be played; it states and compares instants in UTC."
    }

    def __init__(self, shop: Vendure, proxy: Proxy) -> None:
        super().__init__(proxy)
        self.shop = shop
        self._buy = "KAFFE-1"
        level = {"id": shop.variant_ids()[self._buy], "stockOnHand": 100_000}
        shop.admin(
            "mutation($input: [UpdateProductVariantInput!]!) { updateProductVariants(input: $input) { id } }",
            input=[level],
        )
        for n in range(6):
            shop.order({self._buy: 1, "TERMOS-1": 1}, email=f"kund{n}@example.com")

    def settings(self) -> Mapping[str, Any]:
        return {"url": self.base, "user": self.shop.user, "password": self.shop.password, "capture": True}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "password": "not-the-password"}

    def _variants(self) -> list[dict[str, Any]]:
        found = self.shop.admin(
            "{ productVariants(options: {take: 1000}) { items { sku price prices { price currencyCode } product { id } "
            "stockLevels { stockOnHand stockAllocated } } } }"
        )
        rows: list[dict[str, Any]] = found["productVariants"]["items"]
        return rows

    def held(self, type_: str) -> set[str] | None:
        variants = self._variants()
        if type_ == "stock":
            return {f"{sku_key(row['sku'])}|" for row in variants}
        if type_ == "product":
            many: dict[str, list[str]] = {}
            for row in variants:
                many.setdefault(row["product"]["id"], []).append(row["sku"])
            return {sku_key(skus[0] if len(skus) == 1 else f"vendure-{id_}") for id_, skus in many.items()}
        if type_ == "order":
            found = self.shop.admin("{ orders(options: {take: 1000}) { items { code active } } }")["orders"]["items"]
            return {f"{specimens.CHANNEL}/{row['code']}" for row in found if not row["active"]}
        return None

    def count(self, record: Record) -> int:
        if isinstance(record, Product):
            times = [sum(row["sku"] == variant.sku for row in self._variants()) for variant in record.variants]
            return max(times) if all(times) else 0
        if isinstance(record, Price):
            minor = int(record.amount * 100)
            return sum(
                row["sku"] == record.sku and [p["price"] for p in row["prices"]] == [minor] for row in self._variants()
            )
        if isinstance(record, StockLevel):
            return sum(
                row["sku"] == record.sku
                and sum(one["stockOnHand"] - one["stockAllocated"] for one in row["stockLevels"]) == record.available
                for row in self._variants()
            )
        assert isinstance(record, Shipment | OrderStatus)
        order = self.shop.find_order(record.order.rpartition("/")[2])
        if isinstance(record, Shipment):
            number = record.parcels[0].tracking_no
            sent = [row for row in order["fulfillments"] or [] if number in row["trackingCode"]]
            return len(sent) if len(sent) > 1 else sum(row["state"] == "Shipped" for row in sent)
        return int(order["state"] == "Delivered")

    def figures(self) -> Mapping[tuple[str, str], str]:
        prices = {
            ("price", f"{sku_key(row['sku'])}||SEK|1"): str(Decimal(price["price"]) / 100)
            for row in self._variants()
            for price in row["prices"]
        }
        found = self.shop.admin("{ orders(options: {take: 1000}) { items { code totalWithTax } } }")["orders"]["items"]
        orders = {
            ("order", f"{specimens.CHANNEL}/{row['code']}"): str(Decimal(row["totalWithTax"]) / 100) for row in found
        }
        return prices | orders

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ == "product":
            return Specimen(record=specimens.sweater(n) if n % 2 else specimens.product(n))
        if type_ in ("price", "stock"):
            record = specimens.price(n) if type_ == "price" else specimens.stock(n)
            return Specimen(record=record, before=(specimens.product(n),))
        code = self.shop.order({self._buy: 1}, email=f"kund{n}@example.com")
        key = f"{specimens.CHANNEL}/{code}"
        ids = {("order", key): str(self.shop.find_order(code)["id"])}
        if type_ == "order_status":
            status = OrderStatus(order=key, lifecycle="confirmed", fulfilment="delivered", payment="captured")
            return Specimen(record=status, ids=ids)
        shipment = Shipment(
            order=key, number="1", state="handed_over", carrier_code="postnord",
            lines=(ShipmentLine(quantity=Decimal(1), sku=self._buy),), parcels=(Parcel(tracking_no=f"SE{n}PN"),),
        )  # fmt: skip
        return Specimen(record=shipment, ids=ids) if type_ == "shipment" else None
