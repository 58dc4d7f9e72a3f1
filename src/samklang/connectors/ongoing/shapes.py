"""Ongoing's rows as they come: what we read of them, decoded straight from JSON. Unknown fields are ignored.

Every text and most objects may be null in the vendor's document; numbers come as floats (2.0) and are read as decimals.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import field

from samklang.records.money import ZERO


class _Row(msgspec.Struct, rename="camel"):
    """Fields are called as the vendor's, in our spelling."""


class OfArticle(_Row):
    article_number: str | None = None
    article_name: str | None = None


class _About(_Row, kw_only=True):
    """A row about an article."""

    article: OfArticle | None = None

    @property
    def sku(self) -> str:
        return (self.article and self.article.article_number) or ""


class _Article(_Row, kw_only=True):
    """A row that is an article."""

    id: int = field(name="articleSystemId")
    article_number: str | None = None

    @property
    def sku(self) -> str:
        return self.article_number or ""


class Named(_Row):
    code: str | None = None
    name: str | None = None


class Numbered(_Row):
    """A status: a number that this installation may have chosen itself, and its text, which is translated."""

    number: int
    text: str | None = None


class Place(Named, kw_only=True):
    """A warehouse."""

    id: int


# ------------------------------------------------------------------------------------------------------ articles


class Supplier(_Row):
    supplier_article_number: str | None = None


class BarCode(_Row):
    bar_code: str | None = None


class BarCodes(_Row):
    bar_code: str | None = None
    alternative_bar_codes: list[BarCode] | None = None


class Article(_Article, kw_only=True):
    """A row of /articles. Weight in kg (the document has no unit)."""

    article_name: str | None = None
    product_code: str | None = None
    is_stock_article: bool | None = None
    is_active: bool | None = None
    supplier_info: Supplier | None = None
    bar_code_info: BarCodes | None = None
    weight: Decimal | None = None
    country_of_origin_code: str | None = None
    statistics_number: str | None = None


class Shelf(_Row):
    """An article's pieces in one warehouse. What may be sold can be below 0; a kit's is that of its parts."""

    warehouse_id: int
    on_hand: Decimal = field(name="numberOfItems", default=ZERO)
    locked: Decimal = field(name="numberOfLockedItems", default=ZERO)
    sellable: Decimal = field(name="sellableNumberOfItems", default=ZERO)


class ArticleStock(_Article, kw_only=True):
    """A row of /articles/inventoryPerWarehouse."""

    inventory_per_warehouse: list[Shelf] | None = None


# ------------------------------------------------------------------------------------------------------ orders


class PickedItem(_Row):
    """Pieces of a line that were taken from one place, and where they are now."""

    pieces: Decimal = field(name="numberOfItems")
    is_picked: bool = False
    is_returned: bool = False
    picked_time: datetime | None = None
    packed_time: datetime | None = None
    return_date: datetime | None = None
    return_cause: Named | None = None
    parcel: Place | None = None


class Line(_About, kw_only=True):
    """An order line. `external_id` is the shop's id of the line, which stands in `row_number` too; a line that was
    added in the warehouse has a row number only."""

    id: int
    row_number: str | None = None
    external_id: str | None = None
    ordered: Decimal = field(name="orderedNumberOfItems", default=ZERO)
    picked: Decimal = field(name="pickedNumberOfItems", default=ZERO)
    returned: Decimal = field(name="returnedNumberOfItems", default=ZERO)
    should_be_picked: bool = True
    picked_article_items: list[PickedItem] | None = None

    @property
    def row(self) -> str:
        return self.row_number or ""

    @property
    def items(self) -> list[PickedItem]:
        """The pieces that were picked, whether they are still here, gone, or back again."""
        return [item for item in self.picked_article_items or () if item.is_picked or item.is_returned]


class ParcelTracking(_Row):
    tracking_url: str | None = None


class ParcelFacts(_Row):
    weight: Decimal | None = None


class ParcelRow(_Row):
    id: int
    parcel_number: str | None = None
    is_return_parcel: bool = False
    tracking: ParcelTracking | None = None
    advanced: ParcelFacts | None = None


class Waybill(_Row):
    """What the transport system gave for one booking."""

    waybill: str | None = None
    tracking_url: str | None = None
    created: datetime | None = None


class BackOrder(_Row):
    back_order_for_order_id: int


class Advanced(_Row):
    back_order_info: BackOrder | None = None


class Head(_Row):
    order_id: int
    order_number: str
    order_status: Numbered
    goods_owner_order_id: str | None = None
    order_remark: str | None = None
    email_notification: dict[str, Any] | None = None
    sms_notification: dict[str, Any] | None = None
    shipped_time: datetime | None = None
    way_bill: str | None = None
    warehouse: Place | None = None
    advanced: Advanced | None = None


class Transporter(_Row):
    code: str | None = None
    service_code: str | None = None


class OrderRow(_Row):
    """A row of /orders, or one order."""

    head: Head = field(name="orderInfo")
    consignee: dict[str, Any] | None = None
    transporter: Transporter | None = None
    order_lines: list[Line] | None = None
    parcels: list[ParcelRow] | None = None
    tracking: list[Waybill] | None = None

    @property
    def id(self) -> int:
        return self.head.order_id

    @property
    def number(self) -> int:
        """The number of its status."""
        return self.head.order_status.number

    @property
    def told(self) -> str:
        """Where it stands, for people."""
        return f"{self.number} {self.head.order_status.text or ''}".rstrip()

    @property
    def lines(self) -> list[Line]:
        return self.order_lines or []

    @property
    def line_ids(self) -> dict[str, str]:
        """Row number → the shop's id of the line, empty for one that was added here. An order that came here otherwise
        has no such ids: then its row numbers count."""
        ours = any(line.external_id for line in self.lines)
        return {line.row: (line.external_id or "") if ours else line.row for line in self.lines}

    @property
    def back_order_for(self) -> int:
        """The id of the order whose rest this is; 0 when it is an order of its own."""
        info = self.head.advanced and self.head.advanced.back_order_info
        return info.back_order_for_order_id if info else 0


class Made(_Row):
    """The answer to a write."""

    order_id: int | None = None
    purchase_order_id: int | None = None


class Pickability(_Row):
    """Ok, ByPriority (of two orders the older, for which there is enough), NotByPriority (the younger), NotOk, or
    NothingToAllocate."""

    pickability: str | None = None


class PickLine(_Row):
    row_number: str | None = None
    pickability: Pickability | None = field(name="orderLinePickability", default=None)


class OfOrder(_Row):
    order_id: int
    order_number: str | None = None


class Pickable(_Row):
    head: OfOrder = field(name="orderInfo")
    order_lines: list[PickLine] | None = None


class Pickables(_Row):
    """The answer of /orders/pickability."""

    pickability_results: list[Pickable] | None = None


# ------------------------------------------------------------------------------------------------------ inbound


class ReceivedItem(_Row):
    in_date: datetime | None = None


class InboundRow(_About, kw_only=True):
    row_number: str | None = None
    advised: Decimal = field(name="advisedNumberOfItems", default=ZERO)
    received: Decimal = field(name="receivedNumberOfItems", default=ZERO)
    article_items: list[ReceivedItem] | None = None


class InboundFacts(_Row):
    is_return: bool = field(name="purchaseOrderIsReturnType", default=False)


class InboundHead(_Row):
    id: int = field(name="purchaseOrderId")
    number: str = field(name="purchaseOrderNumber")
    status: Numbered = field(name="purchaseOrderStatus")
    goods_owner_reference: str | None = None
    reference_number: str | None = None
    advanced: InboundFacts | None = None


class PurchaseOrder(_Row):
    """A row of /purchaseOrders."""

    head: InboundHead = field(name="purchaseOrderInfo")
    purchase_order_lines: list[InboundRow] | None = None

    @property
    def id(self) -> int:
        return self.head.id

    @property
    def lines(self) -> list[InboundRow]:
        return self.purchase_order_lines or []


# ------------------------------------------------------------------------------------------------------ returns


class OfLine(_Row):
    row_number: str | None = field(name="customerOrderRowNumber", default=None)


class ReturnedItem(_Row):
    pieces: Decimal = field(name="numberOfItems")
    return_time: datetime | None = None
    removed: bool = field(name="isReturnRemovedByInventory", default=False)
    return_cause: Named | None = None
    return_comment: str | None = None


class ReturnLineRow(_About, kw_only=True):
    order_line: OfLine | None = field(name="customerOrderLine", default=None)
    return_cause: Named | None = None
    announced: Decimal = field(name="toBeReturnedNumberOfItems", default=ZERO)
    returned_article_items: list[ReturnedItem] | None = None

    @property
    def row(self) -> str:
        return (self.order_line and self.order_line.row_number) or ""


class ReturnHead(_Row):
    id: int = field(name="returnOrderId")
    number: str = field(name="returnOrderNumber")
    comment: str | None = None


class ReturnOrder(_Row):
    """A row of /returnOrders: goods that a buyer said would come back."""

    head: ReturnHead = field(name="returnOrderInfo")
    order: OfOrder = field(name="customerOrderInfo")
    return_order_lines: list[ReturnLineRow] | None = None

    @property
    def lines(self) -> list[ReturnLineRow]:
        return self.return_order_lines or []


# ------------------------------------------------------------------------------------------------------ registers


class Statuses(_Row):
    order_statuses: list[Numbered] | None = None


class Service(_Row):
    code: str | None = field(name="transporterServiceCode", default=None)
    name: str | None = field(name="transporterServiceName", default=None)


class Contract(_Row):
    """A transporter whom the warehouse may book for this goods owner, with the services."""

    code: str | None = field(name="transporterCode", default=None)
    name: str | None = field(name="transporterName", default=None)
    service_code: str | None = field(name="transporterServiceCode", default=None)
    services: list[Service] | None = field(name="transporterServices", default=None)
