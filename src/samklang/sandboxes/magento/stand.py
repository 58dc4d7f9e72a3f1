"""A shop to try the Magento connector on."""

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
from samklang.sandboxes.magento import CONSUMER, TOKEN, MagentoSandbox
from samklang.sandboxes.stands import Clock, FaultyStand, Judge, price_key


class MagentoStand(FaultyStand):
    """A shop with some 300 articles, 120 customers, 120 orders and as many refunds."""

    maps = ("parameters",)

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.shop = MagentoSandbox(240, customers=120, now=self.clock.instant)
        for _ in range(120):
            placed = self.shop.place_order()
            self.shop.refund(placed["entity_id"], {placed["items"][0]["sku"]: 1})
        super().__init__(self.shop.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {
            "url": self.base, "consumer_key": CONSUMER[0], "consumer_secret": CONSUMER[1], "access_token": TOKEN[0],
            "access_token_secret": TOKEN[1],
        }  # fmt: skip

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "access_token_secret": "of-somebody-else"}

    def held(self, type_: str) -> set[str] | None:
        shelf = self.shop.catalogue
        children = {
            child
            for row in shelf.rows.values()
            for child in row["extension_attributes"].get("configurable_product_links", [])
        }
        if type_ == "product":
            return {sku_key(row["sku"]) for id_, row in shelf.rows.items() if id_ not in children}
        if type_ == "price":
            return set(self._prices())
        if type_ == "price_list":
            return {name for id_, name in shelf.groups.items() if id_}
        if type_ == "stock":
            return {f"{sku_key(item['sku'])}|{source}" for (_, source), item in shelf.stock.items()}
        if type_ in ("order", "order_status"):
            return {f"{specimens.CHANNEL}/{row['increment_id']}" for row in self.shop.orders.rows.values()}
        return None

    def _prices(self) -> dict[str, Decimal]:
        found = {}
        for row in self.shop.catalogue.rows.values():
            if row["type_id"] == "simple":
                found[price_key(row["sku"])] = row["price"]
                for tier in row["tier_prices"]:
                    group = self.shop.catalogue.groups[tier["customer_group_id"]]
                    found[f"{sku_key(row['sku'])}|{group}|SEK|{tier['qty']}"] = tier["value"]
        return found

    def count(self, record: Record) -> int:
        shelf, sold = self.shop.catalogue, self.shop.orders
        if isinstance(record, Product):
            skus = Counter(row["sku"] for row in shelf.rows.values())
            each = [skus[variant.sku] for variant in record.variants]
            parent = shelf.row(record.code)
            links = len(parent["extension_attributes"].get("configurable_product_links", [])) if parent else 0
            whole = parent is not None and (not record.axes or links == len(record.variants))
            return max(each) if all(each) and whole else 0
        if isinstance(record, PriceList):
            return sum(name == record.name for name in shelf.groups.values())
        if isinstance(record, Price):
            row = shelf.row(record.sku)
            return int(row is not None and row["price"] == record.amount and row["status"] == 1)
        if isinstance(record, StockLevel):
            item = shelf.stock.get((record.sku.lower(), "default"))
            return int(item is not None and item["quantity"] == record.available)
        if isinstance(record, Customer):
            return sum(email_key(row["email"]) == email_key(record.email) for row in sold.customers.values())
        assert isinstance(record, OrderStatus | Shipment | OrderEdit)
        row = next(row for row in sold.rows.values() if record.order.endswith(f"/{row['increment_id']}"))
        if isinstance(record, OrderStatus):
            notes = sum(one["comment"].startswith("Invoice ") for one in row["status_histories"])
            return notes if row["status"] == "canceled" else 0
        if isinstance(record, Shipment):
            number = record.parcels[0].tracking_no
            made = [one for one in sold.shipments.values() if one["order_id"] == row["entity_id"]]
            mails = sum(mail["order"] == row["entity_id"] and mail["about"] == "shipment" for mail in sold.mails)
            sent = sum(number in [track["track_number"] for track in one["tracks"]] for one in made)
            return max(sent, mails) if sent and mails else 0
        return 1  # an edit is a person's task: nothing is written

    def figures(self) -> Mapping[tuple[str, str], str]:
        prices = {("price", key): str(amount) for key, amount in self._prices().items()}
        orders = {
            ("order", f"{specimens.CHANNEL}/{row['increment_id']}"): str(row["grand_total"])
            for row in self.shop.orders.rows.values()
        }
        return prices | orders

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ == "product":
            return Specimen(record=specimens.sweater(n) if n % 2 else specimens.product(n))
        if type_ in ("price", "stock"):
            record = specimens.price(n) if type_ == "price" else specimens.stock(n)
            return Specimen(record=record, before=(msgspec.structs.replace(specimens.product(n), status="active"),))
        if type_ == "price_list":
            return Specimen(record=msgspec.structs.replace(specimens.price_list(n), code=""))
        if type_ == "customer":
            return Specimen(record=specimens.customer(n))
        placed = self.shop.place_order()
        key = f"{specimens.CHANNEL}/{placed['increment_id']}"
        ids = {("order", key): str(placed["entity_id"])}
        own = [item for item in placed["items"] if not item.get("parent_item_id")]
        if type_ == "order_status":
            invoice = Document(kind="invoice", number=f"F{n}", state="booked")
            return Specimen(record=OrderStatus(order=key, lifecycle="cancelled", documents=(invoice,)), ids=ids)
        if type_ == "shipment":
            lines = tuple(ShipmentLine(line_id=str(item["item_id"]), quantity=item["qty_ordered"]) for item in own)
            shipment = Shipment(
                order=key, number="1", state="handed_over", carrier_code="postnord", lines=lines,
                parcels=(Parcel(tracking_no=f"SE{n}PN"),),
            )  # fmt: skip
            return Specimen(record=shipment, ids=ids, options={"mail": True})
        if type_ == "order_edit":
            wanted = tuple(EditLine(line_id=str(i["item_id"]), sku=i["sku"], quantity=Decimal(9)) for i in own)
            return Specimen(record=OrderEdit(order=key, lines=wanted), ids=ids)
        return None

    def happens(self, at: datetime) -> Happening:
        self.clock.at = at
        try:
            placed = self.shop.place_order()
        finally:
            self.clock.at = None
        return Happening("orders", "order", f"{specimens.CHANNEL}/{placed['increment_id']}")


STAND = MagentoStand
