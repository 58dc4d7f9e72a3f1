"""A warehouse to try the Ongoing connector on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Happening, Specimen
from samklang.records import Inbound, Order, OrderStatus, Product, Record, Release
from samklang.records.ids import sku_key
from samklang.sandboxes.ongoing import OngoingSandbox
from samklang.sandboxes.ongoing.desk import CANCELLED, RELEASED
from samklang.sandboxes.ongoing.shelves import WAREHOUSES
from samklang.sandboxes.stands import Clock, FaultyStand, Judge


class OngoingStand(FaultyStand):
    """More than 500 articles, 112 orders in all states, 104 purchase orders, and returns of every kind."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.warehouse = OngoingSandbox(520, now=self.clock.instant)
        self._fill()
        super().__init__(self.warehouse.app, judge)

    def _fill(self) -> None:
        house, box = self.warehouse.house, self.warehouse
        numbers = [row.number for row in house.articles.values() if house.pieces[row.id, 1] > 9]
        self.clock.at = box.house.now() - timedelta(days=2)
        for n in range(112):
            order = f"S{1000 + n}"
            rows = [
                {"rowNumber": str(place), "externalId": str(place), "articleNumber": number, "numberOfItems": 2}
                for place, number in enumerate(numbers[n % 40 : n % 40 + 2], start=1)
            ]
            house.put_order(
                {
                    "orderNumber": order, "deliveryDate": "2026-03-10", "orderLines": rows,
                    "goodsOwnerOrderId": f"{specimens.CHANNEL}/{order}", "consignee": {"name": "Åsa Öberg"},
                }
            )  # fmt: skip
            if n % 4 == 0:
                box.ship_all(order)
            if n % 16 == 0:
                box.give_back(order, {"1": 1}, "ANG")
            elif n % 16 == 4:
                box.announce(order, {"2": 1}, "REK")
            elif n % 16 == 8:
                box.take_back(box.announce(order, {"1": 1, "2": 1}, "EJU"))
            elif n == 12:
                box.return_as_inbound(order, {"1": 2})
        for n in range(103):
            box.order_goods(f"IN-{n}", {numbers[n % 40]: 5})
        box.receive("IN-0", {numbers[0]: 4})
        self.clock.at = None

    def settings(self) -> Mapping[str, Any]:
        box = self.warehouse
        return {
            "address": f"{self.base}/{box.system}", "user": box.user, "password": box.password,
            "goods_owner": box.goods_owner,
        }  # fmt: skip

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "password": "of-somebody-else"}

    def held(self, type_: str) -> set[str] | None:
        keys = {sku_key(number) for number in self.warehouse.house.articles}
        if type_ == "stock":
            return {f"{key}|{id_}" for key in keys for id_, _, _ in WAREHOUSES}
        return keys if type_ == "product" else None

    def count(self, record: Record) -> int:
        house = self.warehouse.house
        if isinstance(record, Product):
            return int(all(variant.sku in house.articles for variant in record.variants))
        if isinstance(record, Order):
            return sum(row.data.get("goodsOwnerOrderId") == record.key for row in house.orders.values())
        if isinstance(record, Inbound):
            return sum(row.number == record.number for row in house.purchases.values())
        assert isinstance(record, Release | OrderStatus)
        orders = [row for row in house.orders.values() if row.data.get("goodsOwnerOrderId") == record.order]
        wanted = CANCELLED if isinstance(record, OrderStatus) else RELEASED
        return sum(row.status == wanted for row in orders)

    def specimen(self, type_: str, n: int) -> Specimen | None:
        article = specimens.product(n)
        order = specimens.to_warehouse(specimens.order(n), "SBTL", "BPA")
        found: dict[str, Specimen] = {
            "product": Specimen(record=specimens.sweater(n) if n % 2 else article),
            "order": Specimen(record=order, before=(article,)),
            "release": Specimen(record=specimens.release(order), before=(article, order)),
            "order_status": Specimen(record=specimens.cancelled(order), before=(article, order)),
            "inbound": Specimen(record=specimens.inbound(n), before=(article,)),
        }
        return found.get(type_)

    def happens(self, at: datetime) -> Happening:
        number = next(iter(self.warehouse.house.articles))
        self.clock.at = at
        try:
            self.warehouse.name(number, f"Bytt namn {at:%H:%M}")
        finally:
            self.clock.at = None
        return Happening("articles", "product", sku_key(number))


STAND = OngoingStand
