"""The HTTP face: addresses, login, goods owner, filters, ids instead of pages, errors."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.sandboxes.acts import answer, decode
from samklang.sandboxes.ongoing import shapes
from samklang.sandboxes.ongoing.desk import CAUSES, Order
from samklang.sandboxes.ongoing.gate import INBOUND_STATUSES, RETURN_STATUSES, ComingBack, Purchase, Warehouse
from samklang.sandboxes.ongoing.shelves import Article, Refused, Row

USER, PASSWORD, SYSTEM = "samklang", "sandbox-password", "nordljus"
T = TypeVar("T")


class Query:
    """What was asked for in the address; unknown names are ignored, as the service does."""

    def __init__(self, request: Request, now: datetime) -> None:
        self._all = request.query_params
        self._now = now

    def __contains__(self, name: str) -> bool:
        return bool(self._all.get(name))

    def text(self, name: str) -> str:
        return self._all.get(name, "")

    def many(self, name: str) -> set[str]:
        """A list: its name is repeated. Text with commas is one value."""
        return set(self._all.getlist(name))

    def number(self, name: str, default: int) -> int:
        try:
            return int(self._all.get(name) or default)
        except ValueError:
            raise Refused(f"The value '{self._all[name]}' is not valid for {name}.") from None

    def time(self, name: str, most: timedelta | None = None) -> datetime | None:
        """An instant; one further back than `most` is refused."""
        if name not in self:
            return None
        try:
            at = datetime.fromisoformat(self._all[name])
        except ValueError:
            raise Refused(f"The value '{self._all[name]}' is not valid for {name}.") from None
        if at.tzinfo is None or (most and at < self._now - most):
            raise Refused(f"{name} must be within {most} of the current time.")
        return at

    def page(self, rows: Iterable[T], id_: Callable[[T], int], first: str, most: str) -> list[T]:
        """From an id on, so many; without either, everything."""
        found = [row for row in rows if id_(row) >= self.number(first, 0)]
        return found[: self.number(most, len(found) or 1)]


def _since(moment: datetime | None, at: datetime | None) -> bool:
    return at is None or (moment is not None and moment >= at)


class Web:
    """Routes below /<system>/api/v1 over one warehouse."""

    def __init__(self, house: Warehouse, lock: threading.RLock) -> None:
        self.house = house
        self.lock = lock
        self._login = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def routes(self) -> list[Route]:
        """Every address that is played."""
        table: list[tuple[str, str, Callable[..., object]]] = [
            ("GET", "/articles", self.articles),
            ("PUT", "/articles", self.put_article),
            ("GET", "/articles/inventoryPerWarehouse", self.inventory),
            ("GET", "/articles/{id:int}", self.one_article),
            ("GET", "/orders", self.orders),
            ("PUT", "/orders", self.put_order),
            ("DELETE", "/orders", self.cancel_by_number),
            ("GET", "/orders/statuses", self.statuses),
            ("GET", "/orders/pickability", self.pickability),
            ("GET", "/orders/{id:int}", self.one_order),
            ("DELETE", "/orders/{id:int}", self.cancel),
            ("PATCH", "/orders/{id:int}/orderStatus", self.set_status),
            ("GET", "/purchaseOrders", self.purchases),
            ("PUT", "/purchaseOrders", self.put_purchase),
            ("GET", "/purchaseOrders/statuses", self.purchase_statuses),
            ("GET", "/purchaseOrders/{id:int}", self.one_purchase),
            ("DELETE", "/purchaseOrders/{id:int}", self.cancel_purchase),
            ("GET", "/returnOrders", self.return_orders),
            ("GET", "/returnOrders/returnCauses", self.return_causes),
            ("GET", "/returnOrders/statuses", self.return_statuses),
            ("GET", "/transporterContracts", self.contracts),
            ("GET", "/warehouses", self.warehouses),
        ]
        base = f"/{SYSTEM}/api/v1"
        return [Route(base + path, self._endpoint(work), methods=[method]) for method, path, work in table]

    def _endpoint(self, work: Callable[..., object]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != self._login:
                return answer({"message": "Authorization has been denied for this request."}, 401)
            body = await request.body()
            try:
                with self.lock:
                    query = Query(request, self.house.now())
                    given = self._given(body, query, request.method)
                    return answer(work(query=query, given=given, **request.path_params))
            except Refused as refused:
                return answer({"message": refused.message}, refused.status)

        return endpoint

    def _given(self, body: bytes, query: Query, method: str) -> Row:
        """The body. The goods owner must be ours wherever one is named."""
        try:
            given = decode(body) if body else {}
        except msgspec.DecodeError:
            given = None
        if not isinstance(given, dict):
            raise Refused("The request is invalid.")
        owner = given.get("goodsOwnerId") if method == "PUT" else query.text("goodsOwnerId") or shapes.OWNER["id"]
        if str(owner) != str(shapes.OWNER["id"]):
            raise Refused(f"Goods owner {owner} does not exist, or the user has no right to it.")
        return given

    # ------------------------------------------------------------------------------------------------ articles

    def _articles(self, query: Query) -> list[Article]:
        moved = query.time("stockInfoChangedFrom", timedelta(hours=24))
        updated = query.time("articleDataLastUpdatedFrom")
        numbers = query.many("articleNumbers") | ({query.text("articleNumber")} - {""})
        found = [
            row for row in self.house.articles.values()
            if (not numbers or row.number in numbers) and _since(row.moved, moved) and _since(row.updated, updated)
        ]  # fmt: skip
        return query.page(found, lambda row: row.id, "articleSystemIdFrom", "maxArticlesToGet")

    def articles(self, query: Query, given: Row) -> object:
        wanted = self.house.wanted()
        return [shapes.article(self.house, row, wanted) for row in self._articles(query)]

    def inventory(self, query: Query, given: Row) -> object:
        wanted = self.house.wanted()
        return [shapes.article_stock(self.house, row, wanted) for row in self._articles(query)]

    def one_article(self, query: Query, given: Row, id: int) -> object:  # the address' word
        if id not in self.house.by_id:
            raise Refused(f"Could not find article {id}.", 404)
        return shapes.article(self.house, self.house.by_id[id], self.house.wanted())

    def put_article(self, query: Query, given: Row) -> object:
        made = self.house.put_article(given)
        name = made.data.get("articleName", "")
        return {"articleSystemId": made.id, "message": f"Article {made.number} {name} Updated/Created"}

    # ------------------------------------------------------------------------------------------------ orders

    def _orders(self, query: Query) -> list[Order]:
        numbers = query.many("orderNumbers") | ({query.text("orderNumber")} - {""})
        lowest, highest = query.number("orderStatusFrom", 0), query.number("orderStatusTo", 10_000)
        times = {
            "orderStatusChangedTimeFrom": "status_at", "orderCreatedTimeFrom": "created",
            "lastPickingTimeFrom": "picked_at", "lastReturnedFrom": "returned_at", "shippedTimeFrom": "shipped_at",
        }  # fmt: skip
        since = {field: query.time(name) for name, field in times.items()}
        since["updated"] = query.time("orderUpdatedTimeFrom", timedelta(days=2))
        before, behind = query.time("orderCreatedTimeTo"), query.number("backOrderForOrderId", 0)
        found = [
            row for row in self.house.orders.values()
            if (not numbers or row.number in numbers) and lowest <= row.status <= highest
            and all(_since(getattr(row, field), at) for field, at in since.items())
            and (before is None or row.created < before) and (not behind or row.back_order_for == behind)
        ]  # fmt: skip
        return query.page(found, lambda row: row.id, "orderIdFrom", "maxOrdersToGet")

    def orders(self, query: Query, given: Row) -> object:
        return [shapes.order(self.house, row) for row in self._orders(query)]

    def one_order(self, query: Query, given: Row, id: int) -> object:
        return shapes.order(self.house, self.house.order(id))

    def put_order(self, query: Query, given: Row) -> object:
        made = self.house.put_order(given)
        return {"orderId": made.id, "message": f"Order number {made.number} created/updated"}

    def cancel(self, query: Query, given: Row, id: int) -> object:
        return self._cancelled(self.house.order(id))

    def cancel_by_number(self, query: Query, given: Row) -> object:
        return self._cancelled(self.house.order(query.text("orderNumber")))

    def _cancelled(self, order: Order) -> object:
        self.house.cancel(order)
        return {"orderId": order.id, "message": f"Order {order.number} cancelled"}

    def set_status(self, query: Query, given: Row, id: int) -> object:
        order = self.house.order(id)
        if not isinstance(given.get("orderStatusNumber"), int):
            raise Refused("The orderStatusNumber field is required.")
        self.house.set_status(order, given["orderStatusNumber"])
        return {"orderId": id, "message": "Order status updated"}

    def statuses(self, query: Query, given: Row) -> object:
        return {"orderStatuses": _numbered(self.house.statuses)}

    def pickability(self, query: Query, given: Row) -> object:
        ids, said = query.many("orderIds"), self.house.pickability()
        rows = [row for row in self.house.orders.values() if not ids or str(row.id) in ids]
        rows = query.page(rows, lambda row: row.id, "orderIdFrom", "maxOrdersToGet")
        return {
            "pickabilityResults": [
                shapes.pickability(self.house, row, {line.id: said[line.id] for line in row.lines if line.id in said})
                for row in rows
            ]
        }

    # ------------------------------------------------------------------------------------------------ inbound

    def purchases(self, query: Query, given: Row) -> object:
        numbers = query.many("purchaseOrderNumbers") | ({query.text("purchaseOrderNumber")} - {""})
        moved, received = query.time("purchaseOrderStatusChangedTimeFrom"), query.time("lastReceiveTimeFrom")
        found = [
            row for row in self.house.purchases.values()
            if (not numbers or row.number in numbers) and _since(row.status_at, moved)
            and _since(row.received_at, received)
        ]  # fmt: skip
        rows = query.page(found, lambda row: row.id, "purchaseOrderIdFrom", "maxPurchaseOrdersToGet")
        return [shapes.purchase(self.house, row) for row in rows]

    def one_purchase(self, query: Query, given: Row, id: int) -> object:
        return shapes.purchase(self.house, self.house.purchase(id))

    def put_purchase(self, query: Query, given: Row) -> object:
        made = self.house.put_purchase(given)
        return {"purchaseOrderId": made.id, "message": f"Inorder with order number {made.number} created. <br/>"}

    def cancel_purchase(self, query: Query, given: Row, id: int) -> object:
        order: Purchase = self.house.purchase(id)
        self.house.cancel_purchase(order)
        return {"purchaseOrderId": id, "message": f"Purchase order {order.number} cancelled"}

    def purchase_statuses(self, query: Query, given: Row) -> object:
        return {"orderStatuses": _numbered(INBOUND_STATUSES)}

    def return_orders(self, query: Query, given: Row) -> object:
        orders, numbers = query.many("customerOrderNumbers"), query.many("returnOrderNumbers")
        rows: list[ComingBack] = [
            row for row in self.house.returns.values()
            if (not orders or row.order.number in orders) and (not numbers or row.number in numbers)
        ]  # fmt: skip
        return [shapes.coming_back(self.house, row) for row in rows]

    def return_causes(self, query: Query, given: Row) -> object:
        rows = enumerate(CAUSES.items(), start=1)
        no = dict.fromkeys(("isRemoveCause", "isChangeCause", "isReturnCommentMandatory"), False)
        return {"returnCauses": [{"id": place, "code": code, "name": name, **no} for place, (code, name) in rows]}

    def return_statuses(self, query: Query, given: Row) -> object:
        return {"returnOrderStatuses": _numbered(RETURN_STATUSES)}

    # ------------------------------------------------------------------------------------------------ registers

    def contracts(self, query: Query, given: Row) -> object:
        return shapes.contracts()

    def warehouses(self, query: Query, given: Row) -> object:
        return shapes.warehouses()


def _numbered(words: Mapping[int, str]) -> list[Row]:
    return [{"number": number, "text": text} for number, text in sorted(words.items())]
