"""Ongoing's articles, stock and inbound goods ↔ our records, and the bodies of what is written. Pure functions.

What becomes of an order in the warehouse is in `life`, goods that come back in `returns`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

from samklang import records as r
from samklang.connectors.contract import Body, Ids
from samklang.connectors.errors import BadData
from samklang.connectors.kit.articles import article
from samklang.connectors.kit.shape import filled
from samklang.connectors.kit.writing import asked, needed
from samklang.connectors.ongoing import shapes

#: Statuses of a purchase order as they are delivered (100 Notified, 200 Arrival space, 300 Inbound, 400 Deflection,
#: 500 Received, 900 Cancelled). Another number is told by what has been counted.
_INBOUND: Mapping[int, Literal["announced", "partly_received", "received", "closed"]] = {
    100: "announced", 200: "announced", 300: "partly_received", 400: "received", 500: "closed", 900: "closed",
}  # fmt: skip
INBOUND_STARTED, INBOUND_CANCELLED = 300, 900

# ------------------------------------------------------------------------------------------------------ articles


def product(row: shapes.Article, connection: str) -> r.Product:
    """An article as a product with one variant; one that is inactive there is archived."""
    bars = row.bar_code_info
    codes = [bars.bar_code, *(more.bar_code for more in bars.alternative_bar_codes or ())] if bars else []
    variant = {
        "manufacturer_no": (row.supplier_info and row.supplier_info.supplier_article_number) or "",
        "weight_g": r.grams(row.weight, "kg") if row.weight else None,
        "track_stock": row.is_stock_article is not False,
    }
    return article(
        row.article_number, row.article_name or row.article_number or "", connection, field="articleNumber",
        codes=codes, code_field="barCode", rest={"productCode": row.product_code}, variant=variant,
        status="archived" if row.is_active is False else "active", origin_country=row.country_of_origin_code or "",
        hs_code=row.statistics_number or "",
    )  # fmt: skip


def article_body(record: r.Product, variant: r.Variant, fields: frozenset[str] | None) -> Body:
    """What an article holds of a variant (O-13), limited to the canonical `fields`; what is empty is left as it is."""
    first, *others = (*variant.gtin, "")
    more = [{"barCode": code} for code in others if code]
    bars = {"barCode": first, **({"alternativeBarCodes": more} if more else {})}
    own: Body = {
        "articleName": record.title(variant),
        "productCode": record.code if len(record.variants) > 1 else "",
        "supplierInfo": {"supplierArticleNumber": variant.manufacturer_no} if variant.manufacturer_no else None,
        "barCodeInfo": bars if first else None,
        "weight": Decimal(variant.weight_g) / 1000 if variant.weight_g else None,
    }
    parts: Mapping[str, Body] = {
        "name": {"articleName": record.title(variant)},
        "origin_country": {"countryOfOriginCode": record.origin_country},
        "hs_code": {"statisticsNumber": record.hs_code},
        "variants": own,
    }
    return filled(asked(fields, parts))


def stock(row: shapes.ArticleStock, warehouses: Collection[str]) -> Iterator[r.StockLevel]:
    """A level for every warehouse, 0 where the article has no row: a shelf that was emptied must not keep its figure.

    `available` is what Ongoing says may be sold. A kit has no pieces of its own: what may be sold stands on hand.
    """
    number = r.sku(row.article_number, "articleNumber")
    held = {str(shelf.warehouse_id): shelf for shelf in row.inventory_per_warehouse or ()}
    for warehouse in warehouses:
        shelf = held.get(warehouse, shapes.Shelf(warehouse_id=0))
        free = r.decimal(shelf.sellable, "sellableNumberOfItems")
        on_hand = max(shelf.on_hand, free)
        locked = max(r.ZERO, min(shelf.locked, on_hand - free))
        reserved = on_hand - locked - free
        yield r.StockLevel(sku=number, warehouse=warehouse, on_hand=on_hand, unavailable=locked, reserved=reserved)


# ------------------------------------------------------------------------------------------------------ orders


def goods(order: r.Order) -> list[r.OrderLine]:
    """The lines that a warehouse has to do with. Services, gift cards and free text are none of its business."""
    return [line for line in order.lines if line.sku and line.kind in ("goods", "bundle_parent", "bundle_child")]


def order_number(order: r.Order, with_channel: bool) -> str:
    """What the order is called in the warehouse: as the buyer knows it, or with the channel before it."""
    return f"{order.channel}-{order.order_no.strip()}" if with_channel else order.order_no.strip()


def order_body(order: r.Order, ids: Ids, reference: str, settings: Mapping[str, Any], owner: int) -> Body:
    """The whole order as Ongoing takes it. BadData where its lines cannot be told apart."""
    lines = goods(order)
    names = [line.line_id for line in lines]
    if not lines or "" in names or len(set(names)) != len(names):
        what = "Two lines have the same id, or one has none" if lines else "The order has no goods to pick"
        raise BadData(what, where=f"order {order.order_no} lines", do_this="Correct the order in the shop.")
    to = order.shipping if order.shipping.lines or order.shipping.country else order.billing
    mail, phone = to.email or order.customer.email, to.phone or order.customer.phone
    warehouse = str(settings.get("warehouse") or "").strip()
    buyer = filled({
        "customerNumber": order.customer.customer_no, "organisationNumber": order.customer.org_no,
        "vatNumber": order.customer.vat_no,
        "invoiceAddress": _address(order.billing, order.customer.name) if order.billing != to else None,
    })  # fmt: skip
    data: Body = {
        "goodsOwnerId": owner,
        "orderNumber": order_number(order, bool(settings.get("with_channel"))),
        "goodsOwnerOrderId": reference,
        "deliveryDate": r.business_date(order.placed_at, order.time_zone).isoformat(),
        "languageCode": order.customer.language,
        "emailNotification": {"toBeNotified": True, "value": mail} if mail else None,
        "smsNotification": {"toBeNotified": True, "value": phone} if phone else None,
        "transporter": filled({"transporterCode": order.carrier_code, "transporterServiceCode": order.service_code}),
        "customsInfo": {"customsValueCurrencyCode": order.currency},
        "warehouseId": int(warehouse) if warehouse else None,
    }
    rows = [_line(line, order, ids) for line in lines]
    consignee = {**buyer, **_address(to, order.customer.name)}
    return {**filled(data), "orderRemark": order.note, "consignee": consignee, "orderLines": rows}


def _line(line: r.OrderLine, order: r.Order, ids: Ids) -> Body:
    parts = any(other.kind == "bundle_child" for other in order.lines)
    return {
        "rowNumber": line.line_id,
        "externalId": line.line_id,
        "articleNumber": needed(ids, "variant", r.sku_key(line.sku)),
        "numberOfItems": line.quantity,
        "shouldBePicked": not (line.kind == "bundle_parent" and parts),
        "lineTotalCustomsValue": line.net,
    }


def _address(address: r.Address, fallback: str) -> Body:
    """All of it, empty parts too: what is taken away must not stay there."""
    first, second, third = address.lines_in(3)
    who = dict.fromkeys(part for part in (address.company, address.name) if part)
    return {
        "name": ", ".join(who) or fallback, "address1": first, "address2": second,
        "address3": third, "postCode": address.postcode, "city": address.city,
        "countryCode": address.country, "countryStateCode": address.region if len(address.region) < 4 else "",
    }  # fmt: skip


def same_order(body: Body, row: shapes.OrderRow, *, locked: bool) -> bool:
    """Whether the order there says what we would write. Of a locked one only goods and address count: the warehouse may
    have chosen another carrier, and what else changes is no matter of the pieces that it picks."""
    if _asked(body["orderLines"]) != sorted((line.row, r.sku_key(line.sku), line.ordered) for line in row.lines):
        return False
    to = {name: value for name, value in body["consignee"].items() if name in (_PLACE if locked else _ECHOED)}
    if locked:
        return _holds(row.consignee, to)
    by = row.transporter
    head = {name: body.get(name, "") for name in ("orderRemark", "emailNotification", "smsNotification")}
    there = {
        "orderRemark": row.head.order_remark, "emailNotification": row.head.email_notification,
        "smsNotification": row.head.sms_notification,
        "transporter": {"transporterCode": by and by.code, "transporterServiceCode": by and by.service_code},
    }  # fmt: skip
    return _holds(row.consignee, to) and _holds(there, {**head, "transporter": body.get("transporter", {})})


_PLACE = ("name", "address1", "address2", "address3", "postCode", "city", "countryCode")
_ECHOED = (*_PLACE, "customerNumber", "countryStateCode", "invoiceAddress")


def _holds(there: Any, wanted: Any) -> bool:
    """Whether all that is asked for stands there. Blanks and capitals of a text may have been changed."""
    if isinstance(wanted, dict):
        return all(_holds((there or {}).get(name), value) for name, value in wanted.items())
    if isinstance(wanted, str):
        return "".join(str(there or "").split()).casefold() == "".join(wanted.split()).casefold()
    return bool(there == wanted)


# ------------------------------------------------------------------------------------------------------ inbound


def inbound_body(record: r.Inbound, ids: Ids, reference: str, owner: int) -> Body:
    """A purchase order with what is expected (O-14, O-15). InvalidRecord when nothing is."""
    lines = [
        {
            "rowNumber": line.line_id or str(place),
            "articleNumber": needed(ids, "variant", r.sku_key(line.sku)),
            "numberOfItems": line.expected,
        }
        for place, line in enumerate(record.lines, start=1)
        if line.expected > 0
    ]
    if not lines:
        raise r.InvalidRecord("lines", "", "expect no pieces", "Enter how many of each article are on their way.")
    data: Body = {
        "goodsOwnerId": owner,
        "purchaseOrderNumber": record.key,
        "goodsOwnerReference": reference,
        "inDate": record.expected_on.isoformat() if record.expected_on else None,
        "supplierInfo": {"supplierName": record.supplier} if record.supplier else None,
        "purchaseOrderRemark": record.note,
        "warehouseId": int(record.warehouse) if record.warehouse.isdecimal() else None,
        "advanced": {"purchaseOrderIsReturnType": True} if record.kind == "return" else None,
        "purchaseOrderLines": lines,
    }
    return filled(data)


def same_inbound(body: Body, row: shapes.PurchaseOrder) -> bool:
    """Whether the purchase order there expects the same pieces."""
    there = sorted((line.row_number or "", r.sku_key(line.sku), line.advised) for line in row.lines)
    return _asked(body["purchaseOrderLines"]) == there


def _asked(rows: Iterable[Body]) -> list[tuple[str, str, Decimal]]:
    """(row, article, pieces) of what would be written."""
    return sorted((row["rowNumber"], r.sku_key(row["articleNumber"]), row["numberOfItems"]) for row in rows)


def receipt(row: shapes.PurchaseOrder) -> r.Receipt:
    """What was received of a purchase order, whoever made it. One that was cancelled expects nothing more."""
    state = _INBOUND.get(row.head.status.number, "announced")
    if state == "announced" and any(line.received for line in row.lines):
        state = "partly_received"
    gone = row.head.status.number == INBOUND_CANCELLED
    times = [item.in_date for line in row.lines for item in line.article_items or () if item.in_date]
    lines = tuple(
        r.InboundLine(
            sku=r.sku(line.sku, "articleNumber"), expected=line.received if gone else line.advised,
            received=line.received, line_id=line.row_number or "",
        )
        for line in row.lines
    )  # fmt: skip
    return r.Receipt(inbound=row.head.number, lines=lines, state=state, received_at=max(times, default=None))
