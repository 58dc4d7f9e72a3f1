"""Orders with their rows and totals, statuses, payments and mails; and the customers who place them.

The shop lowers stock when an order is placed. A change of status mails the buyer where the status is set to and neither
the call nor the order forbids it; every mail is kept. Moving to a status that the payment method knows processes the
payment, unless the call forbids it: completed takes reserved money, canceled lets it go.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from samklang.sandboxes.starweb.catalogue import WEB, Catalogue
from samklang.sandboxes.starweb.wire import Row, invalid, many, missing, ore, put, words
from samklang.sandboxes.swedish import Party

CREATED, PICKING, COMPLETED, CANCELED, PARTLY, OPEN_OK, OPEN_BACK = 1, 2, 3, 4, 11, 12, 13
_LOCKED = (PICKING, COMPLETED, CANCELED)
_ORDER = (
    "statusId", "shippingTrackerType", "shippingTrackingNo", "sendEmailsOnStatusChange", "paymentReference",
    "paymentStatus", "internalComment", "customInfo1", "shippingMethodId", "paymentMethodId",
)  # fmt: skip
_ITEM = (
    "sku",
    "description",
    "quantity",
    "unitSymbol",
    "unitPrice",
    "vatRate",
    "discount",
    "discountType",
    "sortIndex",
)
_CUSTOMER = (
    "type", "email", "nationalIdNo", "vatNo", "customInfo1", "pricelistId", "externalId", "externalIdType",
)  # fmt: skip
TRACKERS = {1: "PostNord", 2: "DHL Freight", 3: "DB Schenker", 4: "Bring"}


class Orders:
    """All orders of the shop. `inclusive` and `fees_inclusive` say on which side totals and costs are stated."""

    def __init__(
        self, catalogue: Catalogue, now: Callable[[], str], moved: Callable[[str, int], None], *, inclusive: bool,
        fees_inclusive: bool, whole_kronor: bool,
    ) -> None:  # fmt: skip
        self._catalogue, self._now, self._moved = catalogue, now, moved
        self._inclusive, self.fees_inclusive, self._whole_kronor = inclusive, fees_inclusive, whole_kronor
        self._ids, self._item_ids = itertools.count(1001), itertools.count(5001)
        self.rows: dict[int, Row] = {}
        self.items: dict[int, dict[int, Row]] = {}
        self.services: dict[int, dict[str, Row]] = {}
        self.places: dict[int, Row] = {}
        self.customers: dict[int, Row] = {}
        self.customer_places: dict[int, Row] = {}
        self.mails: list[Row] = []
        self.taken: list[Row] = []  # payments that the shop has processed itself
        self.statuses: dict[int, Row] = {
            CREATED: _status(CREATED, "created", "Mottagen", mails=False),
            PICKING: _status(PICKING, "picking", "Plockning", mails=False),
            COMPLETED: _status(COMPLETED, "completed", "Behandlad", mails=True),
            CANCELED: _status(CANCELED, "canceled", "Makulerad", mails=True),
            PARTLY: _status(PARTLY, None, "Delvis skickad", mails=True),
            OPEN_OK: _status(OPEN_OK, None, "Öppen-OK", mails=False),
            OPEN_BACK: _status(OPEN_BACK, None, "Öppen-Restad", mails=False),
        }
        self.payment_methods = {
            1: _method("paymentMethodId", 1, "klarna-checkout", "Klarna"),
            2: _method("paymentMethodId", 2, "custom", "Bankgiro"),
            3: _method("paymentMethodId", 3, "nets-easy", "Kort (Nets)"),
        }
        self.shipping_methods = {
            1: _method("shippingMethodId", 1, "", "PostNord MyPack"),
            2: _method("shippingMethodId", 2, "", "Schenker Ombud"),
            3: _method("shippingMethodId", 3, "", "Schenker Ombud"),  # a second one for heavy parcels
            4: _method("shippingMethodId", 4, "", "Hämta i butik"),
        }

    # ------------------------------------------------------------------------------------------------ customers

    def add_customer(self, data: Row) -> Row:
        """POST /customers: an account of its own for every e-mail address."""
        email = str(data.get("email") or "")
        if "@" not in email:
            raise invalid("email is not valid")
        if any(row["email"].casefold() == email.casefold() for row in self.customers.values()):
            raise invalid("email is used by another customer")
        id_, now = next(self._ids), self._now()
        self.customers[id_] = {
            "customerId": id_, "createdAt": now, "modifiedAt": now, "type": "person", "email": email,
            "nationalIdNo": "", "vatNo": "", "customInfo1": "", "customInfo2": "", "approved": True,
            "pricelistId": None, "externalId": None, "externalIdType": None,
        }  # fmt: skip
        self.customer_places[id_] = {}
        self.change_customer(id_, data)
        return self.customers[id_]

    def change_customer(self, id_: int, data: Row) -> Row:
        """PATCH /customers/{id}."""
        row = self.customer(id_)
        if data.get("pricelistId") is not None and data["pricelistId"] not in self._catalogue.pricelists:
            raise invalid("pricelistId does not exist")
        put(row, data, _CUSTOMER)
        for kind, place in (data.get("addresses") or {}).items():
            self.customer_places[id_].setdefault(kind, {}).update(place)
        row["modifiedAt"] = self._now()
        return row

    def customer(self, id_: int) -> Row:
        """A customer, or 404."""
        if id_ not in self.customers:
            raise missing("The customer")
        return self.customers[id_]

    # ------------------------------------------------------------------------------------------------ orders

    def place(self, party: Party, rows: list[Row], customer: int, **more: Any) -> Row:
        """A confirmed checkout: the order, its stock taken, its mail sent."""
        id_, now = next(self._ids), self._now()
        self.rows[id_] = {
            "orderId": id_, "createdAt": now, "modifiedAt": now, "statusId": CREATED, "customerId": customer,
            "currencyCode": "SEK", "currencyExchangeRate": 1, "currencyPrecision": 2, "langCode": "sv",
            "baseCurrencyCode": "SEK", "shopCountryCode": "SE", "isComplete": True, "isRead": False,
            "sendEmailsOnStatusChange": True, "stockLocationId": WEB, "discountCode": "", "hasComments": False,
            "paymentFee": Decimal(0), "paymentVatRate": 25, "shippingCost": Decimal(0), "shippingVatRate": 25,
            "shippingTrackingNo": "", "originalCustomerEmail": party.email,
            "originalCustomerNationalIdNo": party.org_no or "19800101-0000", "originalCustomerVatNo": party.vat_no,
            "customInfo1": "", "customInfo2": "", "customInfo3": "", "customInfo4": "", **more,
        }  # fmt: skip
        place = address(party)
        self.places[id_] = {"originalInvoice": place, "originalDelivery": place, "customerInvoice": place}
        self.items[id_], self.services[id_] = {}, {}
        for row in rows:
            self._add_item(id_, row)
        self._count(id_)
        self._mail(id_, "Orderbekräftelse")
        self._moved("order-created", id_)
        self._moved("order-completed", id_)
        return self.rows[id_]

    def order(self, id_: int) -> Row:
        """An order, or 404."""
        if id_ not in self.rows:
            raise missing("The order")
        return self.rows[id_]

    def change(self, id_: int, data: Row) -> Row:
        """PATCH /orders/{id}."""
        row = self.order(id_)
        status = data.get("statusId", row["statusId"])
        if status not in self.statuses:
            raise invalid("statusId does not exist")
        if data.get("shippingTrackerType") is not None and data["shippingTrackerType"] not in TRACKERS:
            raise invalid("shippingTrackerType does not exist")
        if len(data.get("shippingTrackingNo") or "") > 50:
            raise invalid("shippingTrackingNo is too long")
        before = row["statusId"]
        if not put(row, data, _ORDER):
            return row
        if status != before:
            self._moved_to(id_, before, status, data)
        self.touch(id_)
        return row

    def _moved_to(self, id_: int, before: int, status: int, data: Mapping[str, Any]) -> None:
        row = self.rows[id_]
        if data.get("onOrderStatusChangeProcessPayment", True) and row.get("paymentStatus") == "reserved":
            if status == COMPLETED:
                row |= {"paymentStatus": "charged", "amountPaid": row["amountToPay"]}
                self.taken.append({"order": id_, "amount": row["amountToPay"]})
            elif status == CANCELED:
                row["paymentStatus"] = "canceled"
        if status == CANCELED != before:
            for item in self.items[id_].values():
                self._stock(item, item["quantity"])
        sends = row["sendEmailsOnStatusChange"] and data.get("onOrderStatusChangeSendEmail", True)
        if self.statuses[status]["shouldSendEmail"] and sends:
            self._mail(id_, self.statuses[status]["languages"]["data"][0]["name"])
        self._moved("order-status-changed", id_)

    def _mail(self, id_: int, what: str) -> None:
        row = self.rows[id_]
        self.mails.append(
            {
                "order": id_, "to": row["originalCustomerEmail"], "about": what,
                "tracking": row.get("shippingTrackingNo") or "",
            }
        )  # fmt: skip

    def touch(self, id_: int) -> None:
        """The order has changed."""
        self.rows[id_]["modifiedAt"] = self._now()
        self._moved("order-updated", id_)

    # ------------------------------------------------------------------------------------------------ rows

    def item(self, order: int, id_: int) -> Row:
        """A row of an order, or 404."""
        self.order(order)
        if id_ not in self.items[order]:
            raise missing("The order item")
        return self.items[order][id_]

    def open(self, order: int) -> None:
        """Refuses changes of rows once the order is picked, as the shop's own pages do."""
        if self.order(order)["statusId"] in _LOCKED:
            raise invalid("the order is locked by its status")

    def _add_item(self, order: int, data: Row) -> Row:
        id_ = next(self._item_ids)
        row: Row = {
            "itemId": id_, "sku": "", "description": "", "quantity": 1, "unitSymbol": "st", "unitPrice": Decimal(0),
            "vatRate": Decimal(25), "discount": Decimal(0), "discountType": "percent",
            "sortIndex": len(self.items[order]),
        }  # fmt: skip
        put(row, data, _ITEM)
        if "bundledItems" in data:
            row["bundledItems"] = many(
                [{**row, **part, "itemId": next(self._item_ids)} for part in data["bundledItems"]]
            )
        self.items[order][id_] = row
        self._stock(row, -row["quantity"])
        return row

    def readdress(self, order: int, street: str) -> None:
        """Another street in the delivery address; the shop has no state in which that is closed."""
        self.order(order)
        self.places[order]["originalDelivery"] = {**self.places[order]["originalDelivery"], "address": street}
        self.touch(order)

    def add_item(self, order: int, data: Row) -> Row:
        """POST of a row."""
        self.open(order)
        row = self._add_item(order, data)
        self._edited(order)
        return row

    def change_item(self, order: int, id_: int, data: Row) -> Row:
        """PATCH of a row."""
        row = self.item(order, id_)
        self.open(order)
        before = row["quantity"]
        if put(row, data, _ITEM):
            self._stock(row, before - row["quantity"])
            self._edited(order)
        return row

    def remove_item(self, order: int, id_: int) -> None:
        """DELETE of a row."""
        row = self.item(order, id_)
        self.open(order)
        del self.items[order][id_]
        self._stock(row, row["quantity"])
        self._edited(order)

    def _edited(self, order: int) -> None:
        self._count(order)
        self.touch(order)

    def _stock(self, item: Row, pieces: int) -> None:
        product, variant = self._catalogue.by_sku.get((item["sku"] or "").lower(), (0, 0))
        held = self._catalogue.stocks.get((variant, WEB))
        if product and held and held["stockQuantity"] is not None:
            self._catalogue.put_stock(variant, WEB, {"stockQuantity": held["stockQuantity"] + pieces})

    # ------------------------------------------------------------------------------------------------ totals

    def _count(self, id_: int) -> None:
        """Totals of the order. Each row is rounded to öre on both sides of VAT; costs are without VAT unless the shop
        states them with it."""
        row, net, gross = self.rows[id_], Decimal(0), Decimal(0)
        for item in self.items[id_].values():
            total = Decimal(item["unitPrice"]) * item["quantity"]
            off = Decimal(item["discount"] or 0)
            total -= off if item["discountType"] == "amount" else total * off / 100
            net, gross = net + ore(total), gross + ore(total * (1 + Decimal(item["vatRate"]) / 100))
        for cost, percent in (("shippingCost", "shippingVatRate"), ("paymentFee", "paymentVatRate")):
            factor = 1 + Decimal(row[percent]) / 100
            shown = Decimal(row[cost])
            net += ore(shown / factor) if self.fees_inclusive else ore(shown)
            gross += ore(shown) if self.fees_inclusive else ore(shown * factor)
        pay = gross.quantize(Decimal(1)) if self._whole_kronor else gross
        row |= {
            "totalAmount": gross if self._inclusive else net, "totalVat": gross - net, "amountToPay": pay,
            "totalAmountInBaseCurrency": gross if self._inclusive else net, "totalVatInBaseCurrency": gross - net,
            "amountToPayInBaseCurrency": pay, "totalWeight": Decimal(0),
        }  # fmt: skip
        if row.get("paymentStatus") in ("reserved", "charged"):
            row["amountPaid"] = pay

    # ------------------------------------------------------------------------------------------------ as shown

    def shown(self, row: Row, embedded: set[str]) -> Row:
        """An order as the API gives it, with what was asked for."""
        id_, found = row["orderId"], dict(row)
        if "items" in embedded:
            keep = "items.bundledItems" in embedded
            found["items"] = many([self.shown_item(item, bundled=keep) for item in self.items[id_].values()])
        if "addresses" in embedded:
            found["addresses"] = {"data": self.places[id_]}
        if "externalServices" in embedded:
            found["externalServices"] = many(list(self.services[id_].values()))
        if "customer" in embedded and row["customerId"] in self.customers:
            found["customer"] = {"data": self.shown_customer(self.customers[row["customerId"]], set())}
        if "status" in embedded:
            found["status"] = {"data": self.statuses[row["statusId"]]}
        return found

    def shown_item(self, item: Row, *, bundled: bool) -> Row:
        """A row of an order."""
        found = {name: value for name, value in item.items() if name != "bundledItems"}
        return {**found, "bundledItems": item["bundledItems"]} if bundled and "bundledItems" in item else found

    def shown_customer(self, row: Row, embedded: set[str]) -> Row:
        """A customer."""
        if "addresses" not in embedded:
            return row
        return {**row, "addresses": {"data": self.customer_places[row["customerId"]]}}


def address(party: Party) -> Row:
    """A buyer's address as the shop keeps it."""
    return {
        "companyName": party.company, "firstName": party.first_name, "lastName": party.last_name, "careOf": "",
        "attention": "", "reference": "", "address": party.street, "postalCode": party.postcode, "city": party.city,
        "state": "", "countryCode": party.country, "phoneNo": "", "mobilePhoneNo": party.phone,
    }  # fmt: skip


def _status(id_: int, code: str | None, name: str, *, mails: bool) -> Row:
    return {
        "statusId": id_, "shouldSendEmail": mails, **({"idCode": code} if code else {}), "languages": words(name),
    }  # fmt: skip


def _method(key: str, id_: int, code: str, name: str) -> Row:
    return {
        key: id_, **({"idCode": code} if code else {}), "active": True, "isClickAndCollect": name.startswith("Hämta"),
        "externalId": None,
        "languages": many([{"langCode": "sv", "name": name, "title": name, "shortDescription": ""}]),
    }  # fmt: skip
