"""Pages of records out of Ongoing's lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from samklang.connectors.contract import Choice, Gone, Item, Page, Part
from samklang.connectors.kit.paging import Slice, chunks
from samklang.connectors.kit.rows import Broken, Items, Name, Rows, items, pages, readable
from samklang.connectors.kit.system import Asked
from samklang.connectors.ongoing import life, returns, shapes
from samklang.connectors.ongoing import map as ongoing_map
from samklang.connectors.ongoing.client import Client
from samklang.connectors.ongoing.life import Family, Steps
from samklang.records.ids import sku_key

T = TypeVar("T")
_ARTICLES, _STOCK = Rows(shapes.Article, "articleSystemId"), Rows(shapes.ArticleStock, "articleSystemId")
_RETURNS = Rows(shapes.ReturnOrder, "returnOrderInfo.returnOrderId")
_LACKING = frozenset({"NotOk", "NotByPriority"})
_AT_ONCE = 50  # numbers named in one address
#: How far back the API lets us ask; an hour less, for clocks differ.
_STOCK_DAYS, _UPDATED_DAYS = timedelta(hours=23), timedelta(hours=47)


def instant(at: datetime) -> str:
    """A time as the API wants it in an address: UTC, with its offset."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


class Reader:
    """Reads one goods owner."""

    def __init__(self, client: Client, settings: Mapping[str, Any], now: Callable[[], float]) -> None:
        self.client = client
        self.connection = str(settings.get("connection") or "ongoing")
        self.steps = Steps(
            int(settings.get("locked_from") or 320), int(settings.get("sent_from") or life.SENT),
            settings.get("rest") != "is cancelled",
        )  # fmt: skip
        self._days = timedelta(days=int(settings.get("days") or 90))
        self._now = now
        self._causes = returns.Causes(str(settings.get("return_causes") or ""))

    def _at(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)

    # ------------------------------------------------------------------------------------------------ articles

    def articles(self, asked: Asked) -> Iterator[Page]:
        """Each article as a product."""
        since = {"articleDataLastUpdatedFrom": instant(asked.since)} if asked.since else {}
        found = self.client.pages("articles", _ARTICLES, asked.resume, **since)
        return pages("product", found, self._product, _of_article)

    def _product(self, row: shapes.Article) -> Iterator[Item]:
        part = Part("variant", sku_key(row.sku), row.sku)
        yield Item(record=ongoing_map.product(row, self.connection), external_id=row.sku, parts=(part,))

    def stock(self, asked: Asked) -> Iterator[Page]:
        """Stock levels per warehouse. Changes can be asked for 24 hours back; before that all of them are read."""
        near = asked.since and asked.since > self._at() - _STOCK_DAYS
        since = {"stockInfoChangedFrom": instant(asked.since)} if near and asked.since else {}
        places = [place.code for place in self.warehouses()]

        def levels(row: shapes.ArticleStock) -> Iterator[Item]:
            return (Item(record=level) for level in ongoing_map.stock(row, places))

        found = self.client.pages("articles/inventoryPerWarehouse", _STOCK, asked.resume, **since)
        return pages("stock", found, levels, _of_article)

    # ------------------------------------------------------------------------------------------------ orders

    def orders(self, asked: Asked) -> Iterator[Page]:
        """Orders with their status, shipments and, while they are open, their lines.

        Open orders are read each time: whether there are goods for them changes without the order being touched.
        """
        queries = self._changed(asked.since) if asked.since else self._all()
        for page in _in_turn(self.client.orders, queries, asked.resume):
            yield Page(self._order_items(page.rows, asked.types), 0, page.resume)

    def _changed(self, since: datetime) -> list[dict[str, object]]:
        """What may hold news: the open ones, and those further on whose status, data, pieces or returns moved since.

        `orderUpdatedTimeFrom` goes back two days at the most; a status has no such limit.
        """
        further: dict[str, object] = {"orderStatusFrom": self.steps.locked}
        updated = max(since, self._at() - _UPDATED_DAYS)
        moved = {
            "orderStatusChangedTimeFrom": since, "orderUpdatedTimeFrom": updated, "lastPickingTimeFrom": since,
            "lastReturnedFrom": since,
        }  # fmt: skip
        rest = ({name: instant(at), **further} for name, at in moved.items())
        return [{"orderStatusTo": self.steps.locked - 1}, *rest]

    def _all(self) -> list[dict[str, object]]:
        """Orders of the last days, and older ones that have not left yet."""
        begin = instant(self._at() - self._days)
        return [{"orderCreatedTimeFrom": begin}, {"orderCreatedTimeTo": begin, "orderStatusTo": self.steps.sent - 1}]

    def fetch(self, ids: Sequence[str]) -> Iterator[Page]:
        """Single orders, after webhooks."""
        found = {id_: self.client.order(id_) for id_ in ids}
        gone: Items = [Gone(type="order", external_id=id_) for id_, row in found.items() if not row]
        types = frozenset(("order_status", "shipment", "order_edit"))
        yield Page([*self._order_items([row for row in found.values() if row], types), *gone])

    def _order_items(self, rows: Iterable[shapes.OrderRow | Broken], types: frozenset[str]) -> Items:
        rows = list(rows)
        opened = [row.id for row in readable(rows) if self.steps.open(row)]
        lacking = self._lacking(opened) if "order_status" in types else set()
        seen: set[int] = set()

        def make(row: shapes.OrderRow) -> Iterator[Item]:
            family = self._family(row)
            if family.root.id in seen:
                return
            seen.add(family.root.id)
            parent = str(family.root.id)
            if "order_status" in types:
                yield Item(record=life.status(family, lacking, self.steps), parent=parent)
            if "shipment" in types:
                for member in family.members:
                    for sent in life.shipments(member, self.steps):
                        yield Item(record=sent, external_id=sent.number, parent=parent)
            if "order_edit" in types and self.steps.open(family.root) and not family.rest:
                yield Item(record=life.edit(family.root), parent=parent)

        return items("order_status", rows, make, lambda row: Name(str(row.id), row.head.order_number))

    def _lacking(self, ids: Sequence[int]) -> set[tuple[int, str]]:
        """(order id, row) of the lines for which there are not goods enough (O-03)."""
        found: set[tuple[int, str]] = set()
        for some in chunks(ids, _AT_ONCE):
            query = {"goodsOwnerId": self.client.owner, "orderIds": some}
            for one in self.client.of(shapes.Pickables, "orders/pickability", **query).pickability_results or ():
                for line in one.order_lines or ():
                    if line.pickability and line.pickability.pickability in _LACKING:
                        found.add((one.head.order_id, line.row_number or ""))
        return found

    def _family(self, row: shapes.OrderRow) -> Family:
        """The order with its back orders. Asked for only where there may be some."""
        root = self._root(row)
        if not row.back_order_for and not (self.steps.gone(row) and life.short(row)):
            return Family(row)
        found, look = [root], [root]
        for one in look:
            below = [r for page in self.client.orders(backOrderForOrderId=one.id) for r in readable(page.rows)]
            fresh = [r for r in below if r.id not in {known.id for known in found}]
            found += fresh
            look += fresh
        return Family(root, tuple(sorted(found[1:], key=lambda one: one.id)))

    def _root(self, row: shapes.OrderRow) -> shapes.OrderRow:
        """The order that a back order goes back to."""
        passed = {row.id}
        while row.back_order_for and row.back_order_for not in passed:
            passed.add(row.back_order_for)
            above = self.client.order(row.back_order_for)
            if above is None:
                break
            row = above
        return row

    # ------------------------------------------------------------------------------------------------ returns

    def returns(self, asked: Asked) -> Iterator[Page]:
        """Goods that came back: on orders since a time, return orders, and purchase orders marked as returns.

        Return orders cannot be listed by time: those of the orders that something came back on are read each time,
        all of them (also the announced) by the sweep.
        """
        since = asked.since or self._at() - self._days
        done: set[int] = set()
        for page in self.client.orders(lastReturnedFrom=instant(since)):
            rows = readable(page.rows)
            done |= {row.id for row in rows}
            found = self._return_orders(customerOrderNumbers=[row.head.order_number for row in rows])
            yield Page([*self._announced(found, rows), *self._unannounced(rows, found)])
        if asked.since is None:
            found = self._return_orders()
            others = [one for one in found if isinstance(one, Broken) or one.order.order_id not in done]
            for some in chunks(others, _AT_ONCE):
                numbers = {one.order.order_number for one in readable(some) if one.order.order_number}
                yield Page(self._announced(some, self.client.orders_called(sorted(numbers))))
        moved = {"lastReceiveTimeFrom": instant(since)} if asked.since else {}
        for purchases in self.client.purchases(**moved):
            yield Page(self._inbound_returns(readable(purchases.rows)))

    def _return_orders(self, **query: object) -> list[shapes.ReturnOrder | Broken]:
        answer = self.client.get("returnOrders", goodsOwnerId=self.client.owner, **query)
        return _RETURNS(answer.body, answer.where)

    def _announced(self, found: Iterable[shapes.ReturnOrder | Broken], rows: Iterable[shapes.OrderRow]) -> Items:
        orders = {row.id: row for row in rows}

        def make(row: shapes.ReturnOrder) -> Iterator[Item]:
            order = orders.get(row.order.order_id)
            parent = str(self._root(order).id if order else row.order.order_id)
            for place, back in enumerate(returns.announced(row, self._causes, self._at()), start=1):
                yield Item(record=back, external_id=f"R{row.head.id}-{place}", parent=parent)

        return items("return", found, make, lambda row: Name(str(row.head.id), f"return {row.head.number}"))

    def _unannounced(self, rows: Iterable[shapes.OrderRow], found: Iterable[shapes.ReturnOrder | Broken]) -> Items:
        known = readable(found)

        def make(row: shapes.OrderRow) -> Iterator[Item]:
            own = [one for one in known if one.order.order_id == row.id]
            parent = str(self._root(row).id)
            for place, back in enumerate(returns.unannounced(row, own, self._causes, self._at()), start=1):
                yield Item(record=back, external_id=f"{row.id}-{place}", parent=parent)

        return items("return", rows, make, lambda row: Name(str(row.id), f"order {row.head.order_number}"))

    def _inbound_returns(self, rows: Iterable[shapes.PurchaseOrder]) -> Items:
        """Those whose reference is an order's number. Others are told as inbound goods only."""
        marked = [row for row in rows if row.head.advanced and row.head.advanced.is_return]
        numbers = {text for row in marked for text in _references(row)}
        orders = {row.head.order_number: row for row in self.client.orders_called(sorted(numbers))}

        def make(row: shapes.PurchaseOrder) -> Iterator[Item]:
            for order in (orders[text] for text in _references(row) if text in orders):
                parent = str(self._root(order).id)
                yield Item(record=returns.inbound(row, order), external_id=f"P{row.id}", parent=parent)
                return

        return items("return", marked, make, _of_purchase)

    # ------------------------------------------------------------------------------------------------ inbound

    def inbound(self, asked: Asked) -> Iterator[Page]:
        """What was received of purchase orders, whoever made them (O-15)."""
        names = ("purchaseOrderStatusChangedTimeFrom", "lastReceiveTimeFrom")
        queries: list[dict[str, object]] = [{name: instant(asked.since)} for name in names] if asked.since else [{}]
        found = _in_turn(self.client.purchases, queries, asked.resume)
        return pages("receipt", found, _receipt, _of_purchase)

    # ------------------------------------------------------------------------------------------------ choices

    def statuses(self) -> list[Choice]:
        """The order statuses of this installation. An order that is open may lack goods: a word of its own."""
        found = self.client.of(shapes.Statuses, "orders/statuses").order_statuses or []
        choices = []
        for status in found:
            choices.append(Choice(str(status.number), status.text or ""))
            if life.OPEN <= status.number < life.RELEASED:
                choices.append(Choice(f"{status.number}{life.SHORT}", f"{status.text or status.number}: goods lacking"))
        return choices

    def carriers(self) -> list[Choice]:
        """Transporters and services that may be booked, as `SBTL/BPA` (O-12)."""
        found = []
        for one in self.client.of(list[shapes.Contract], "transporterContracts", goodsOwnerId=self.client.owner):
            services = [(s.code, s.name) for s in one.services or ()] or [(one.service_code, "")]
            for code, name in services:
                names = " · ".join(text for text in (one.name, name) if text)
                found.append(Choice("/".join(text for text in (one.code, code) if text), names))
        return found

    def warehouses(self) -> list[Choice]:
        """Warehouses by id: a code or a name may be changed."""
        rows = self.client.of(list[shapes.Place], "warehouses")
        return [Choice(str(row.id), row.name or row.code or "") for row in rows]


def _in_turn(
    read: Callable[..., Iterator[Slice[T]]], queries: Sequence[Mapping[str, object]], resume: str
) -> Iterator[Slice[T]]:
    """The answers to several queries, one after the other; the read goes on at the query that it broke off in."""
    number, _, last = resume.partition(":")
    for place, query in list(enumerate(queries))[int(number or 0) :]:
        for page in read(last, **query):
            yield Slice(page.rows, page.total, f"{place}:{page.resume}")
        last = ""


def _receipt(row: shapes.PurchaseOrder) -> list[Item]:
    return [Item(record=ongoing_map.receipt(row), external_id=str(row.id))]


def _of_article(row: shapes.Article | shapes.ArticleStock) -> Name:
    return Name(row.sku, row.sku or f"article {row.id}", sku_key(row.sku))


def _of_purchase(row: shapes.PurchaseOrder) -> Name:
    return Name(str(row.id), f"purchase order {row.head.number}", row.head.number.strip())


def _references(row: shapes.PurchaseOrder) -> list[str]:
    texts = (row.head.reference_number, row.head.goods_owner_reference, row.head.number)
    return [text.strip() for text in texts if text and text.strip()]
