"""A shop to try the Starweb connector on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Happening, Specimen
from samklang.records import (
    Customer,
    Document,
    EditLine,
    OrderEdit,
    OrderStatus,
    Parcel,
    Price,
    PriceList,
    Product,
    Record,
    Shipment,
    StockLevel,
)
from samklang.records.ids import email_key, sku_key
from samklang.records.order import ShipmentLine
from samklang.sandboxes.stands import Clock, FaultyStand, Judge, price_key
from samklang.sandboxes.starweb import CLIENT_ID, CLIENT_SECRET, StarwebSandbox
from samklang.sandboxes.starweb.catalogue import MASTER, WEB
from samklang.sandboxes.starweb.orders import COMPLETED
from samklang.sandboxes.starweb.wire import Row


class StarwebStand(FaultyStand):
    """A shop with some 300 articles in 240 products, 130 customers and 120 orders, in pages of 100."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.shop = StarwebSandbox(240, customers=110, now=self.clock.instant)
        for _ in range(120):
            self.shop.place_order()
        super().__init__(self.shop.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {"url": self.base, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "client_secret": "of-somebody-else"}

    def _variants(self) -> list[Row]:
        return [row for variants in self.shop.catalogue.variants.values() for row in variants.values()]

    def held(self, type_: str) -> set[str] | None:
        shelf = self.shop.catalogue
        if type_ == "product":
            return {
                sku_key(next(iter(rows.values()))["sku"] if len(rows) == 1 else shelf.products[id_]["externalId"])
                for id_, rows in shelf.variants.items()
            }
        if type_ == "stock":
            return {
                f"{sku_key(row['sku'])}|"
                for row in self._variants()
                if shelf.stocks[row["variantId"], WEB]["stockQuantity"] is not None
            }
        if type_ == "price":
            return set(self._prices())
        if type_ == "price_list":
            return {row["name"] for id_, row in shelf.pricelists.items() if id_ != MASTER}
        if type_ in ("order", "order_status"):
            return {f"{specimens.CHANNEL}/{id_}" for id_ in self.shop.orders.rows}
        return None

    def _prices(self) -> dict[str, Decimal]:
        """Price keys → amount without VAT."""
        shelf, found = self.shop.catalogue, {}
        for row in self._variants():
            for (variant, list_), price in shelf.prices.items():
                if variant == row["variantId"] and (price["priceExVat"] or list_ == MASTER):
                    of = shelf.pricelists[list_]
                    name = "" if list_ == MASTER else of["name"]
                    found[f"{sku_key(row['sku'])}|{name}|{of['currencyCode']}|1"] = price["priceExVat"]
        return found

    def count(self, record: Record) -> int:
        shelf, sold = self.shop.catalogue, self.shop.orders
        if isinstance(record, Product):
            skus = Counter(row["sku"] for row in self._variants())
            each = [skus[variant.sku] for variant in record.variants]
            return max(each) if all(each) else 0
        if isinstance(record, PriceList):
            return sum(row["name"] == record.name for row in shelf.pricelists.values())
        if isinstance(record, Price):
            active = shelf.variant(*shelf.by_sku[record.sku.lower()])["isActive"]
            return int(active and self._prices().get(price_key(record.sku)) == record.on_side(False))
        if isinstance(record, StockLevel):
            _, variant = shelf.by_sku[record.sku.lower()]
            return int(shelf.stocks[variant, WEB]["stockQuantity"] == record.available)
        if isinstance(record, Customer):
            return sum(email_key(row["email"]) == email_key(record.email) for row in sold.customers.values())
        assert isinstance(record, OrderStatus | Shipment | OrderEdit)
        id_ = int(record.order.rpartition("/")[2])
        if isinstance(record, OrderStatus):
            mails = sum(mail["order"] == id_ and mail["about"] == "Behandlad" for mail in sold.mails)
            return mails if sold.rows[id_]["statusId"] == COMPLETED and "Invoice" in sold.services[id_] else 0
        if isinstance(record, Shipment):
            mails = sum(mail["order"] == id_ and mail["about"] == "Behandlad" for mail in sold.mails)
            number = record.parcels[0].tracking_no
            marks = sum(number in mark["externalIdValue"] for mark in sold.services[id_].values())
            return mails if marks == 1 and sold.rows[id_]["shippingTrackingNo"] == number else marks * 2
        there = Counter((item["sku"], item["quantity"]) for item in sold.items[id_].values())
        return int(there == Counter((line.sku, int(line.quantity)) for line in record.lines))

    def figures(self) -> Mapping[tuple[str, str], str]:
        prices = {("price", key): str(amount) for key, amount in self._prices().items()}
        orders = {
            ("order", f"{specimens.CHANNEL}/{id_}"): str(row["amountToPay"])
            for id_, row in self.shop.orders.rows.items()
        }
        return prices | orders

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ == "product":
            return Specimen(record=specimens.sweater(n) if n % 2 else specimens.product(n))
        if type_ in ("price", "stock"):
            record = specimens.price(n, tax_included=False) if type_ == "price" else specimens.stock(n)
            return Specimen(record=record, before=(specimens.product(n),))
        if type_ == "price_list":
            return Specimen(record=msgspec.structs.replace(specimens.price_list(n), code=""))
        if type_ == "customer":
            return Specimen(record=specimens.customer(n))
        placed = self.shop.place_order()
        key = f"{specimens.CHANNEL}/{placed['orderId']}"
        ids = {("order", key): str(placed["orderId"])}
        if type_ == "order_status":
            invoice = Document(kind="invoice", number=f"F{n}", state="booked")
            status = OrderStatus(order=key, lifecycle="confirmed", fulfilment="shipped", documents=(invoice,))
            return Specimen(record=status, ids=ids)
        items = placed["items"]["data"]
        if type_ == "shipment":
            lines = tuple(ShipmentLine(line_id=str(i["itemId"]), quantity=Decimal(i["quantity"])) for i in items)
            shipment = Shipment(
                order=key, number="1", state="handed_over", carrier_code="postnord", lines=lines,
                parcels=(Parcel(tracking_no=f"SE{n}PN"),),
            )  # fmt: skip
            return Specimen(record=shipment, ids=ids, options={"mail": True})
        if type_ == "order_edit":  # one row changed, one taken away, one added
            kept, gone = items[0], items[1]
            new = next(row["sku"] for row in self._variants() if row["sku"] not in (kept["sku"], gone["sku"]))
            wanted = (
                EditLine(line_id=str(kept["itemId"]), sku=kept["sku"], quantity=Decimal(kept["quantity"] + 1)),
                EditLine(sku=new, name="Tillagd på lagret", quantity=Decimal(2)),
            )
            return Specimen(record=OrderEdit(order=key, lines=wanted), ids=ids)
        return None

    def happens(self, at: datetime) -> Happening:
        self.clock.at = at
        try:
            placed = self.shop.place_order()
        finally:
            self.clock.at = None
        return Happening("orders", "order", f"{specimens.CHANNEL}/{placed['orderId']}")


STAND = StarwebStand
