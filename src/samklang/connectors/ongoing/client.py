"""Address, login, lists by id and refusals of Ongoing's goods owner API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Rejected, there
from samklang.connectors.kit.paging import Placed, Slice, by_last, id_of
from samklang.connectors.kit.rows import Broken, Rows, readable
from samklang.connectors.ongoing import shapes
from samklang.connectors.transport import Answer, Basic, Transport

T = TypeVar("T")
P = TypeVar("P", bound=Placed)

#: Rows asked for at a time. The vendor names no limit; answers with an order's picked pieces are long.
_SIZE = 100
_ARTICLES = 500

_ORDERS = Rows(shapes.OrderRow, "orderInfo.orderId")
_PURCHASES = Rows(shapes.PurchaseOrder, "purchaseOrderInfo.purchaseOrderId")

#: List → its parameters for the first id and for the number of rows, rows a page.
_PAGED = {
    "orders": ("orderIdFrom", "maxOrdersToGet", _SIZE),
    "purchaseOrders": ("purchaseOrderIdFrom", "maxPurchaseOrdersToGet", _SIZE),
    "articles": ("articleSystemIdFrom", "maxArticlesToGet", _ARTICLES),
    "articles/inventoryPerWarehouse": ("articleSystemIdFrom", "maxArticlesToGet", _ARTICLES),
}


class Client:
    """One goods owner at one warehouse company."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        self.owner = int(settings["goods_owner"])
        login = Basic(str(settings["user"]), str(settings["password"]))
        address = str(settings["address"]).rstrip("/").removesuffix("/api/v1")
        self.transport = Transport(f"{address}/api/v1", limits, around, auth=login, timeout=120.0, refusal=_refusal)

    def get(self, path: str, **query: object) -> Answer:
        """One answer; a refusal is Rejected. A list as a value is named once for each of its parts."""
        text = urlencode(query, doseq=True)
        return self.transport.request("GET", f"/{path}?{text}" if text else f"/{path}")

    def of(self, type_: type[T], path: str, **query: object) -> T:
        """One answer as this type."""
        return self.get(path, **query).of(type_)

    def pages(self, path: str, rows: Rows[P], resume: str = "", **query: object) -> Iterator[Slice[P | Broken]]:
        """A list by growing ids, to its end: that is an empty page, for the system may give fewer rows than asked."""
        first, most, size = _PAGED[path]

        def page(after: str) -> list[P | Broken]:
            place = {first: int(after) + 1} if after else {}
            answer = self.get(path, goodsOwnerId=self.owner, **{most: size}, **place, **query)
            found = rows(answer.body, answer.where)
            ids = [id_of(row) for row in found]
            if ids != sorted(set(ids)) or (after and ids and ids[0] <= int(after)):
                raise BadAnswer(f"{path} does not come in the order of its ids", where=answer.where)
            return found

        return by_last(page, 1, id_of, resume)

    def orders(self, resume: str = "", **query: object) -> Iterator[Slice[shapes.OrderRow | Broken]]:
        """Orders that fit the filters."""
        return self.pages("orders", _ORDERS, resume, **query)

    def purchases(self, resume: str = "", **query: object) -> Iterator[Slice[shapes.PurchaseOrder | Broken]]:
        """Purchase orders that fit the filters."""
        return self.pages("purchaseOrders", _PURCHASES, resume, **query)

    def order(self, id_: str | int) -> shapes.OrderRow | None:
        """One order; None when there is none."""
        answer = self.transport.request("GET", f"/orders/{int(id_)}", expect=(404,))
        return None if answer.status == 404 else answer.of(shapes.OrderRow)

    def order_of(self, id_: str, key: str) -> shapes.OrderRow:
        """One order that was here; Rejected when it is gone."""
        row = self.order(id_)
        return there(row, Rejected(f"Order {id_} is no longer in Ongoing", where=key))

    def orders_called(self, numbers: list[str]) -> list[shapes.OrderRow]:
        """The orders with these numbers, exactly."""
        found = [row for page in self.orders(orderNumbers=numbers) for row in readable(page.rows)] if numbers else []
        return [row for row in found if row.head.order_number in numbers]

    def purchase_called(self, number: str) -> shapes.PurchaseOrder | None:
        """The purchase order with this number, exactly."""
        found = (row for page in self.purchases(purchaseOrderNumber=number) for row in readable(page.rows))
        return next((row for row in found if row.head.number == number), None)

    def change(self, method: str, path: str, body: Mapping[str, object] | None = None, **query: object) -> shapes.Made:
        """A PUT, PATCH or DELETE: by key, so repeating it does no harm. A refusal is Rejected."""
        answer = self.transport.request(method, f"/{path}", params=query, json=body, idempotent=True)
        return answer.of(shapes.Made)


def _refusal(answer: Answer) -> Rejected | None:
    """The message of a refusal, and what is wrong by field where that is told (unconfirmed)."""
    if answer.status in (401, 403):
        return None
    try:
        body = answer.json()
    except BadAnswer:
        body = {}
    said = body if isinstance(body, dict) else {"message": str(body)}
    fields = said.get("modelState") or said.get("errors") or {}
    wrong = [f"{name}: {text}" for name, text in fields.items()] if isinstance(fields, dict) else []
    text = " ".join([str(said.get("message") or said.get("title") or f"Ongoing answered {answer.status}"), *wrong])
    return Rejected(text, where=answer.where, remote=str(answer.status))
