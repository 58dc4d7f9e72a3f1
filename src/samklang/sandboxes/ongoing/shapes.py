"""The warehouse as the API states it: the objects of the vendor's document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from samklang.sandboxes.ongoing.desk import CAUSES, CONTRACTS, Line, Order, Picked
from samklang.sandboxes.ongoing.gate import INBOUND_STATUSES, RETURN_STATUSES, ComingBack, Purchase, Warehouse
from samklang.sandboxes.ongoing.shelves import WAREHOUSES, ZERO, Article, Row

OWNER_ID = 159
OWNER: Row = {"id": OWNER_ID, "name": "Nordljus Handel AB"}
_PLACES = {id_: {"id": id_, "code": code, "name": name} for id_, code, name in WAREHOUSES}
_COPIED = (
    "goodsOwnerOrderId", "referenceNumber", "salesCode", "orderRemark", "deliveryInstruction", "servicePointCode",
    "freeText1", "freeText2", "freeText3", "orderType", "wayOfDelivery", "emailNotification", "smsNotification",
    "telephoneNotification", "customsInfo", "customerPrice", "consigneeOrderNumber", "warehouseInstruction",
    "marketPlace", "freightPrice",
)  # fmt: skip
_CONSIGNEE = (
    "customerNumber", "name", "address1", "address2", "address3", "postCode", "city", "countryCode",
    "countryStateCode", "remark", "doorCode", "invoiceAddress",
)  # fmt: skip
_ARTICLE = (
    "articleName", "productCode", "unitCode", "description", "isActive", "weight", "length", "width", "height",
    "volume", "countryOfOriginCode", "statisticsNumber", "customerPrice",
)  # fmt: skip


def at(moment: datetime | None) -> str | None:
    """UTC with Z, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def number(value: Decimal) -> Decimal:
    """Numbers of items come as floats: 2.0."""
    return value if value % 1 else value.quantize(Decimal("0.1"))


def article(house: Warehouse, row: Article, wanted: Mapping[tuple[int, int], Decimal]) -> Row:
    """GetArticleModel."""
    data, ids = row.data, [id_ for id_, _, _ in WAREHOUSES]
    held = sum((house.pieces[row.id, place] for place in ids), ZERO)
    locked = sum((house.locked[row.id, place] for place in ids), ZERO)
    booked = sum((wanted.get((row.id, place), ZERO) for place in ids), ZERO)
    none = dict.fromkeys(
        ("toReceiveNumberOfItems", "allocatedNumberOfItems", "lockedForSaleNumberOfItems",
         "pickedToBeCollectedNumberOfItems", "receivedToBeFinishedNumberOfItems", "totalStockValue"), number(ZERO)
    )  # fmt: skip
    return {
        "goodsOwner": OWNER, "articleSystemId": row.id, "articleNumber": row.number,
        **{name: data.get(name) for name in _ARTICLE},
        "isStockArticle": data.get("isStockArticle", True), "isActive": data.get("isActive", True),
        "supplierInfo": data.get("supplierInfo"), "barCodeInfo": data.get("barCodeInfo"),
        "articleDataLastUpdated": at(row.updated),
        "inventoryInfo": {
            "numberOfItems": number(held), "numberOfBookedItems": number(booked),
            "numberOfLockedItems": number(locked), "sellableNumberOfItems": number(held - locked - booked), **none,
        },
    }  # fmt: skip


def article_stock(house: Warehouse, row: Article, wanted: Mapping[tuple[int, int], Decimal]) -> Row:
    """GetArticleInventoryPerWarehouseModel; a warehouse that never had the article has no row."""
    rows = []
    for id_, _, _ in WAREHOUSES:
        place = (row.id, id_)
        if place not in house.pieces and not wanted.get(place):
            continue
        free = house.pieces[place] - house.locked[place] - wanted.get(place, ZERO)
        rows.append(
            {
                "warehouseId": id_, "numberOfItems": number(house.pieces[place]),
                "numberOfLockedItems": number(house.locked[place]), "sellableNumberOfItems": number(free),
                "availableForSaleNumberOfItems": number(free), "allocatedNumberOfItems": number(ZERO),
            }
        )  # fmt: skip
    return {"articleSystemId": row.id, "articleNumber": row.number, "inventoryPerWarehouse": rows}


def order(house: Warehouse, row: Order) -> Row:
    """GetOrderModel."""
    data, by = row.data, row.data.get("transporter") or {}
    head: Row = {name: data.get(name) for name in _COPIED}
    head |= {
        "orderId": row.id, "orderNumber": row.number, "deliveryDate": data["deliveryDate"],
        "createdDate": at(row.created), "shippedTime": at(row.shipped_at),
        "wayBill": row.tracking[-1]["waybill"] if row.tracking else "", "returnWayBill": "",
        "orderStatus": {"number": row.status, "text": house.statuses.get(row.status, str(row.status))},
        "orderedNumberOfItems": number(sum((line.ordered for line in row.lines), ZERO)),
        "allocatedNumberOfItems": number(ZERO), "warehouse": _PLACES[row.warehouse],
        "pickedNumberOfItems": number(sum((line.picked for line in row.lines), ZERO)),
        "advanced": {
            "deliveryDateWithTime": at(row.created), "orderHeaderUpdated": at(row.updated),
            "backOrderInfo": {"backOrderForOrderId": row.back_order_for} if row.back_order_for else None,
        },
    }  # fmt: skip
    names = {(code, service): text for code, _, services in CONTRACTS for service, text in services}
    owners = {code: text for code, text, _ in CONTRACTS}
    code, service = by.get("transporterCode", ""), by.get("transporterServiceCode", "")
    transporter = {
        "transporterName": owners.get(code), "name": names.get((code, service)), "code": code, "serviceCode": service,
    }  # fmt: skip
    return {
        "goodsOwner": OWNER, "orderInfo": head,
        "consignee": {"id": row.id, **{name: data["consignee"].get(name) for name in _CONSIGNEE}},
        "parcels": row.parcels, "tracking": [{**bill, "created": at(bill["created"])} for bill in row.tracking],
        "orderLines": [_line(line) for line in row.lines], "transporter": transporter if code else None,
        "returnTransporter": None,
    }  # fmt: skip


def _line(line: Line) -> Row:
    data = line.data
    return {
        "id": line.id, "rowNumber": line.row, "externalId": data.get("externalId"), "comment": data.get("comment", ""),
        "article": {
            "articleSystemId": line.article.id, "articleNumber": line.article.number,
            "articleName": line.article.data.get("articleName", ""), "productCode": "", "articleKind": None,
        },
        "orderedNumberOfItems": number(line.ordered), "allocatedNumberOfItems": number(ZERO),
        "pickedNumberOfItems": number(line.picked), "packedNumberOfItems": number(line.picked),
        "returnedNumberOfItems": number(line.returned), "reportedNumberOfItems": None,
        "shouldBePicked": data.get("shouldBePicked", True), "subOrderLines": None,
        "lineTotalCustomsValue": data.get("lineTotalCustomsValue"),
        "pickedArticleItems": [_item(item) for item in line.items],
    }  # fmt: skip


def _item(item: Picked) -> Row:
    return {
        "articleItemId": item.id, "originalArticleItemId": item.id, "numberOfItems": number(item.pieces),
        "inDate": at(item.at), "isPicked": item.back is None, "isReturned": item.back is not None,
        "pickedTime": at(item.at), "packedTime": None, "returnDate": at(item.back),
        "returnCause": _cause(item.cause), "parcel": {"id": item.parcel} if item.parcel else None,
    }  # fmt: skip


def _cause(code: str) -> Row | None:
    return {"code": code, "name": CAUSES.get(code, code)} if code else None


def pickability(house: Warehouse, row: Order, said: Mapping[int, str]) -> Row:
    """GetOrderPickabilityResult."""
    worst = next((word for word in ("NotOk", "NotByPriority", "ByPriority") if word in said.values()), "Ok")
    return {
        "orderInfo": {
            "orderId": row.id, "orderNumber": row.number, "goodsOwnerOrderId": row.data.get("goodsOwnerOrderId"),
            "orderStatus": {"number": row.status, "text": house.statuses.get(row.status, "")},
        },
        "orderPickability": {"pickability": worst, "pickabilityWithMove": worst},
        "orderLines": [
            {
                "id": line.id, "rowNumber": line.row, "shouldBePicked": line.data.get("shouldBePicked", True),
                "article": {"id": line.article.id, "articleNumber": line.article.number},
                "orderLinePickability": {"pickability": said[line.id]},
                "orderedNumberOfItems": number(line.ordered), "allocatedNumberOfItems": number(ZERO),
                "pickedNumberOfItems": number(line.picked),
            }
            for line in row.lines if line.id in said
        ],
    }  # fmt: skip


def purchase(_house: Warehouse, row: Purchase) -> Row:
    """GetPurchaseOrderModel."""
    data = row.data
    head = {name: data.get(name) for name in ("supplierOrderNumber", "goodsOwnerReference", "referenceNumber")}
    head |= {
        "purchaseOrderId": row.id, "purchaseOrderNumber": row.number, "inDate": data.get("inDate"),
        "purchaseOrderStatus": {"number": row.status, "text": INBOUND_STATUSES[row.status]},
        "purchaseOrderType": None, "purchaseOrderRemark": data.get("purchaseOrderRemark"),
        "warehouse": _PLACES[int(data.get("warehouseId") or 1)], "createdDate": at(row.created),
        "advanced": {
            "purchaseOrderIsReturnType": bool((data.get("advanced") or {}).get("purchaseOrderIsReturnType"))
        },
    }  # fmt: skip
    lines = [
        {
            "id": line.id, "rowNumber": line.row, "comment": line.data.get("comment", ""),
            "article": {
                "articleSystemId": line.article.id, "articleNumber": line.article.number,
                "articleName": line.article.data.get("articleName", ""), "productCode": "",
            },
            "advisedNumberOfItems": number(line.advised), "receivedNumberOfItems": number(line.received),
            "reportedNumberOfItems": None, "subPurchaseOrderLines": None,
            "articleItems": [
                {
                    "originalArticleItemId": line.id, "numberOfItems": number(line.received), "inDate": at(line.at),
                    "isLocked": False, "isLockedForSale": False,
                }
            ] if line.received else [],
        }
        for line in row.lines
    ]  # fmt: skip
    return {
        "goodsOwner": OWNER, "supplierInfo": data.get("supplierInfo"), "purchaseOrderInfo": head,
        "purchaseOrderLines": lines,
    }  # fmt: skip


def coming_back(_house: Warehouse, row: ComingBack) -> Row:
    """GetReturnOrderModel."""
    back = {name: [i for i in row.line(name).items if i.back and i.announced] for name in row.lines}
    came = {name: sum((item.pieces for item in items), ZERO) for name, items in back.items()}
    status = 500 if all(came[name] >= count for name, count in row.lines.items()) else 100
    lines = [
        {
            "returnOrderLineId": row.id * 100 + place, "returnOrderRowNumber": str(place),
            "customerOrderLine": {"orderLineId": row.line(name).id, "customerOrderRowNumber": name},
            "article": {
                "articleSystemId": row.line(name).article.id, "articleNumber": row.line(name).article.number,
            },
            "returnCause": _cause(row.cause), "toBeReturnedNumberOfItems": number(count),
            "returnedNumberOfItems": number(came[name]), "pickedNumberOfItems": number(row.line(name).picked),
            "returnedRemovedByInventoryNumberOfItems": number(
                sum((item.pieces for item in back[name] if item.removed), ZERO)
            ),
            "returnedArticleItems": [
                {
                    "numberOfItems": number(item.pieces), "returnTime": at(item.back),
                    "isReturnRemovedByInventory": item.removed, "returnCause": _cause(item.cause),
                }
                for item in back[name]
            ],
        }
        for place, (name, count) in enumerate(row.lines.items(), start=1)
    ]  # fmt: skip
    return {
        "returnOrderInfo": {
            "returnOrderId": row.id, "returnOrderNumber": row.number, "comment": row.comment,
            "createdDate": at(row.created),
            "returnOrderStatus": {"number": status, "text": RETURN_STATUSES[status]},
        },
        "customerOrderInfo": {"orderId": row.order.id, "orderNumber": row.order.number},
        "returnOrderLines": lines,
    }  # fmt: skip


def contracts() -> list[Row]:
    """GetTransporterContract."""
    return [
        {
            "ediCode": "", "transporterName": name, "transporterCode": code, "transporterServiceCode": "",
            "transporterServices": [
                {"transporterServiceCode": service, "transporterServiceName": text} for service, text in services
            ],
        }
        for code, name, services in CONTRACTS
    ]  # fmt: skip


def warehouses() -> list[Row]:
    """WarehouseModel."""
    return [dict(place) for place in _PLACES.values()]
