"""A shop to try the WooCommerce connector on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Happening, Specimen
from samklang.records import Document, OrderStatus, Parcel, Price, Product, Record, Shipment, StockLevel
from samklang.records.ids import sku_key
from samklang.sandboxes.stands import Clock, FaultyStand, Judge, price_key
from samklang.sandboxes.woocommerce import CONSUMER_KEY, CONSUMER_SECRET, WooSandbox


class WooStand(FaultyStand):
    """A WooCommerce shop with some 150 articles, 110 customers and 120 orders."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.shop = WooSandbox(250, customers=110, now=self.clock.seconds)
        for _ in range(120):
            self.shop.place_order()
        super().__init__(self.shop.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {"url": self.base, "consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "consumer_secret": "cs_of-somebody-else"}

    def held(self, type_: str) -> set[str] | None:
        rows = [row for row in self.shop.catalogue.rows.values() if row.status != "trash"]
        articles = [row for row in rows if row.type != "variable" and row.sku]
        if type_ == "product":
            return {sku_key(row.sku or f"woocommerce-{row.id}") for row in rows if not row.parent}
        if type_ == "stock":
            return {f"{sku_key(row.sku)}|" for row in articles if row.manage_stock is True}
        if type_ == "price":
            return {price_key(row.sku) for row in articles if self.shop.catalogue.price(row)}
        if type_ in ("order", "order_status"):
            return {f"{specimens.CHANNEL}/{id_}" for id_ in self.shop.orders.orders}
        return None

    def count(self, record: Record) -> int:
        shop = self.shop
        rows = [row for row in shop.catalogue.rows.values() if row.status != "trash"]
        if isinstance(record, Product):
            skus = Counter(row.sku for row in rows)
            wanted = {record.code, *(variant.sku for variant in record.variants)}
            return max(skus[sku] for sku in wanted) if all(skus[sku] for sku in wanted) else 0
        if isinstance(record, Price):
            return sum(
                row.sku == record.sku and Decimal(shop.catalogue.price(row) or -1) == record.amount for row in rows
            )
        if isinstance(record, StockLevel):
            return sum(row.sku == record.sku and row.stock_quantity == record.available for row in rows)
        if isinstance(record, OrderStatus):
            return int(self._order(record.order).status == "completed")
        if isinstance(record, Shipment):
            number = record.parcels[0].tracking_no
            return sum(number in note["note"] for note in self._order(record.order).notes)
        raise TypeError(f"a shop takes no {record.type}")

    def _order(self, key: str) -> Any:
        return self.shop.orders.orders[int(key.rpartition("/")[2])]

    def figures(self) -> Mapping[tuple[str, str], str]:
        shop = self.shop
        prices = {("price", price_key(row.sku)): shop.catalogue.price(row) for row in shop.catalogue.rows.values()}
        orders = {
            ("order", f"{specimens.CHANNEL}/{order.id}"): str(shop.orders.totals(order)["total"])
            for order in shop.orders.orders.values()
        }
        return {name: amount for name, amount in (prices | orders).items() if amount}

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ == "product":
            return Specimen(record=specimens.sweater(n) if n % 2 else specimens.product(n))
        if type_ in ("price", "stock"):
            record = specimens.price(n) if type_ == "price" else specimens.stock(n)
            return Specimen(record=record, before=(specimens.product(n),))
        placed = self.shop.place_order(status="processing")
        key = f"{specimens.CHANNEL}/{placed['id']}"
        ids = {("order", key): str(placed["id"])}
        if type_ == "order_status":
            invoice = Document(kind="invoice", number=f"F{n}", state="booked")
            status = OrderStatus(
                order=key, raw="done", lifecycle="confirmed", fulfilment="shipped", documents=(invoice,)
            )
            return Specimen(record=status, ids=ids)
        if type_ == "shipment":
            parcel = Parcel(tracking_no=f"SE{n}PN", tracking_url=f"https://sparning.example/{n}")
            shipment = Shipment(order=key, number="1", state="handed_over", carrier_code="postnord", parcels=(parcel,))
            return Specimen(record=shipment, ids=ids)
        return None

    def happens(self, at: datetime) -> Happening:
        self.clock.at = at
        try:
            placed = self.shop.place_order()
        finally:
            self.clock.at = None
        return Happening("orders", "order", f"{specimens.CHANNEL}/{placed['id']}")


STAND = WooStand
