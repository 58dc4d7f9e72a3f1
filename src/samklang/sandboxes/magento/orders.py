"""Orders with their two rows for a configurable article, invoices, shipments, credit memos, mails; and customers.

Totals are counted as Magento does with prices and discounts that include VAT, or without.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from samklang.sandboxes.magento.catalogue import CLASSES, Catalogue
from samklang.sandboxes.magento.wire import Refused, Row, custom
from samklang.sandboxes.swedish import Party

_ORE = Decimal("0.01")
ZERO = Decimal(0)
#: Statuses beside the states' own, as a merchant adds them: status → the state that it belongs to.
OWN_STATUSES = {"plockning": "processing", "restad": "processing"}


def ore(amount: Decimal) -> Decimal:
    """Rounded to öre."""
    return amount.quantize(_ORE, ROUND_HALF_UP)


class Orders:
    """All orders of the shop."""

    def __init__(self, catalogue: Catalogue, now: Callable[[], str], *, inclusive: bool) -> None:
        self._catalogue, self._now, self.inclusive = catalogue, now, inclusive
        self._ids, self._numbers, self._items = itertools.count(1), itertools.count(1), itertools.count(1)
        self.rows: dict[int, Row] = {}
        self.shipments: dict[int, Row] = {}
        self.memos: dict[int, Row] = {}
        self.customers: dict[int, Row] = {}
        self.mails: list[Row] = []

    # ------------------------------------------------------------------------------------------------ customers

    def save_customer(self, data: Row, id_: int = 0) -> Row:
        """POST or PUT of a customer: all of it is replaced."""
        taken = [
            row for row in self.customers.values() if row["email"].casefold() == str(data.get("email", "")).casefold()
        ]
        if any(row["id"] != id_ for row in taken):
            raise Refused(400, "A customer with the same email address already exists in an associated website.")
        for name in ("email", "firstname", "lastname"):
            if not data.get(name):
                raise Refused(400, '"%fieldName" is required. Enter and try again.', fieldName=name)
        for place in data.get("addresses", []):
            if not all(
                place.get(name) for name in ("firstname", "lastname", "street", "city", "telephone", "country_id")
            ):
                raise Refused(400, "The address is incomplete")
        now = self._now()
        if id_ and id_ not in self.customers:
            raise Refused(404, "No such entity with %fieldName = %fieldValue", fieldName="customerId", fieldValue=id_)
        id_ = id_ or next(self._ids)
        old: Row = self.customers.get(id_, {"created_at": now, "group_id": 1, "addresses": []})
        given = list(data.get("addresses") or old["addresses"])
        places = [{**place, "id": n} for n, place in enumerate(given, 1)]
        self.customers[id_] = {
            **old, **{n: v for n, v in data.items() if n not in ("id", "updated_at")}, "id": id_, "updated_at": now,
            "addresses": places, "website_id": 1, "store_id": 1,
        }  # fmt: skip
        return self.customers[id_]

    # ------------------------------------------------------------------------------------------------ orders

    def place(self, party: Party, lines: list[tuple[str, int]], *, discount: Decimal, group: int, **more: Any) -> Row:
        """A checkout. `discount` is per cent off all rows; `more` are fields of the order."""
        entity, number, now = next(self._ids), f"{next(self._numbers):09d}", self._now()
        items = [row for sku, count in lines for row in self._rows(entity, sku, count, discount, group)]
        own = [row for row in items if not row.get("parent_item_id")]
        freight, freight_tax = Decimal("39.20"), Decimal("9.80")
        sums = {name: sum((row[name] for row in own), ZERO) for name in _SUMMED}
        extra = more.pop("fee", ZERO)
        cards = more.pop("gift_cards_amount", ZERO)
        tax = sums["tax_amount"] + freight_tax
        total = (
            sums["row_total"]
            + tax
            + sums["discount_tax_compensation_amount"]
            - sums["discount_amount"]
            + freight
            + extra
        )
        place = address(party)
        method = more.pop("shipping_method", "flatrate_flatrate")
        self.rows[entity] = {
            "entity_id": entity, "increment_id": number, "created_at": now, "updated_at": now, "state": "new",
            "status": "pending", "store_id": 1, "order_currency_code": "SEK", "base_currency_code": "SEK",
            "customer_email": party.email, "customer_firstname": party.first_name, "customer_lastname": party.last_name,
            "customer_group_id": group, "customer_is_guest": int(not group), "customer_taxvat": party.vat_no,
            "subtotal": sums["row_total"], "subtotal_incl_tax": sums["row_total_incl_tax"], "tax_amount": tax,
            "discount_amount": -sums["discount_amount"],
            "discount_tax_compensation_amount": sums["discount_tax_compensation_amount"],
            "shipping_amount": freight, "shipping_tax_amount": freight_tax, "shipping_incl_tax": freight + freight_tax,
            "shipping_discount_amount": ZERO, "shipping_description": "PostNord MyPack", "grand_total": total - cards,
            "base_grand_total": total - cards, "total_due": total - cards, "total_paid": ZERO, "total_refunded": ZERO,
            "items": items, "billing_address": {**place, "address_type": "billing", "email": party.email},
            "status_histories": [], "extension_attributes": {
                "shipping_assignments": [
                    {"shipping": {"address": {**place, "address_type": "shipping"}, "method": method}, "items": []}
                ],
                "payment_additional_info": more.pop("payment_info", []),
                **({"gift_cards_amount": cards} if cards else {}),
            },
            "payment": {
                "account_status": "", "additional_information": [], "cc_last4": "", "method": more.pop("method"),
                **{n: more.pop(n) for n in ("last_trans_id",) if more.get(n)},
                **({"amount_authorized": total - cards} if more.pop("authorised", False) else {}),
            },
            **more,
        }  # fmt: skip
        for row in items:
            if row["product_type"] == "simple":
                self._reserve(row["sku"], row["qty_ordered"])
        self._mail(entity, "order")
        return self.rows[entity]

    def _rows(self, order: int, sku: str, count: int, discount: Decimal, group: int) -> list[Row]:
        row = self._catalogue.row(sku)
        if row is None:
            raise LookupError(f"no article {sku} in this shop")
        id_ = row["id"]
        parent = next(
            (
                one
                for one in self._catalogue.rows.values()
                if id_ in one["extension_attributes"].get("configurable_product_links", [])
            ),
            None,
        )
        tier = next(
            (t["value"] for t in row["tier_prices"] if t["customer_group_id"] == group and t["qty"] <= count), None
        )
        percent = CLASSES[int(custom(row, "tax_class_id", "2"))]
        bought = tier if tier is not None else row["price"]
        money = self._money(bought, Decimal(count), percent, discount)
        first = {
            "item_id": next(self._items), "order_id": order, "sku": row["sku"], "name": (parent or row)["name"],
            "product_id": (parent or row)["id"], "product_type": "configurable" if parent else "simple",
            **_quantities(count), **money, "tax_percent": percent,
        }  # fmt: skip
        if parent is None:
            return [first]
        child = {
            **first, "item_id": next(self._items), "parent_item_id": first["item_id"], "product_type": "simple",
            "product_id": id_, "name": row["name"], **dict.fromkeys(money, ZERO), "tax_percent": ZERO,
        }  # fmt: skip
        return [first, child]

    def _money(self, price: Decimal, count: Decimal, percent: Decimal, discount: Decimal) -> Row:
        factor = 1 + percent / 100
        net, gross = (ore(price / factor), price) if self.inclusive else (price, ore(price * factor))
        with_tax = ore(price * count) if self.inclusive else ore(price * count * factor)
        without = ore(price * count / factor) if self.inclusive else ore(price * count)
        off = ore((with_tax if self.inclusive else without) * discount / 100)
        paid = with_tax - off if self.inclusive else ore((without - off) * factor)
        tax = paid - ore(paid / factor) if self.inclusive else paid - (without - off)
        hidden = with_tax - without - tax if self.inclusive else ZERO
        return {
            "price": net, "price_incl_tax": gross, "row_total": without, "row_total_incl_tax": with_tax,
            "tax_amount": tax, "discount_amount": off, "discount_tax_compensation_amount": hidden,
        }  # fmt: skip

    def _reserve(self, sku: str, pieces: Decimal) -> None:
        held = self._catalogue.reserved
        held[sku.lower()] = held.get(sku.lower(), ZERO) + pieces

    def _mail(self, order: int, about: str, text: str = "") -> None:
        self.mails.append({"order": order, "to": self.rows[order]["customer_email"], "about": about, "text": text})

    def order(self, id_: int) -> Row:
        """An order, or 404."""
        if id_ not in self.rows:
            raise Refused(404, "The entity that was requested doesn't exist. Verify the entity and try again.")
        return self.rows[id_]

    def _touch(self, row: Row) -> None:
        row["updated_at"] = self._now()

    # ------------------------------------------------------------------------------------------------ what happens

    def comment(self, id_: int, data: Row) -> bool:
        """POST of a comment, which may give the order a status of its state."""
        row = self.order(id_)
        status = data.get("status")
        if status and OWN_STATUSES.get(status, "") != row["state"] and status != row["state"]:
            raise Refused(400, "The status %1 is not part of the order's state", word=status)
        if status:
            row["status"] = status
        row["status_histories"].append(
            {
                "comment": data.get("comment") or "", "status": row["status"], "is_visible_on_front": 0,
                "parent_id": id_, "is_customer_notified": data.get("is_customer_notified", 0), "entity_name": "order",
            }
        )  # fmt: skip
        if data.get("is_customer_notified"):
            self._mail(id_, "comment", row["status"])
        self._touch(row)
        return True

    def cancel(self, id_: int) -> bool:
        """POST of a cancellation: refused (false) once anything is invoiced."""
        row = self.order(id_)
        if row["total_paid"] or row["state"] in ("complete", "closed", "canceled"):
            return False
        row |= {"state": "canceled", "status": "canceled"}
        for item in row["items"]:
            if item["product_type"] == "simple":
                self._reserve(item["sku"], -item["qty_ordered"])
            item["qty_canceled"] = item["qty_ordered"]
        self._touch(row)
        return True

    def invoice(self, id_: int) -> None:
        """The order is invoiced and paid."""
        row = self.order(id_)
        row |= {"total_paid": row["grand_total"], "total_due": ZERO, "state": "processing", "status": "processing"}
        for item in row["items"]:
            item["qty_invoiced"] = item["qty_ordered"]
        self._settle(row)

    def ship(self, id_: int, data: Row) -> int:
        """POST of a shipment; it takes the pieces off the source and mails if asked to."""
        row = self.order(id_)
        if row["state"] in ("canceled", "closed", "holded"):
            raise Refused(400, "Shipment Document Validation Error(s):\n%1", errors="A shipment cannot be created")
        own = {item["item_id"]: item for item in row["items"] if not item.get("parent_item_id")}
        waits = {id_: item["qty_ordered"] - item["qty_shipped"] - item["qty_canceled"] for id_, item in own.items()}
        asked = {one["order_item_id"]: Decimal(one["qty"]) for one in data.get("items", [])} or waits
        if any(
            id_ not in own or pieces > waits[id_] or pieces <= 0
            for id_, pieces in asked.items()
            if pieces or data.get("items")
        ):
            raise Refused(400, "Shipment Document Validation Error(s):\n%1", errors="The quantity is not available")
        source = data.get("arguments", {}).get("extension_attributes", {}).get("source_code", "default")
        for item_id, pieces in asked.items():
            own[item_id]["qty_shipped"] += pieces
            child = next((c for c in row["items"] if c.get("parent_item_id") == item_id), own[item_id])
            child["qty_shipped"] = own[item_id]["qty_shipped"]
            self._reserve(child["sku"], -pieces)
            held = self._catalogue.stock.get((child["sku"].lower(), source))
            if held:
                held["quantity"] -= pieces
        made = next(self._ids)
        comment = data.get("comment", {}).get("comment")
        self.shipments[made] = {
            "entity_id": made, "order_id": id_, "increment_id": f"{made:09d}",
            "items": [{"order_item_id": item, "qty": pieces} for item, pieces in asked.items()],
            "tracks": [
                {**track, "order_id": id_, "parent_id": made, "weight": ZERO, "qty": ZERO, "description": ""}
                for track in data.get("tracks", [])
            ],
            "comments": [
                {"comment": comment, "is_visible_on_front": 0, "is_customer_notified": 0, "parent_id": made}
            ] if comment else [],
        }  # fmt: skip
        if data.get("notify"):
            self._mail(id_, "shipment", ", ".join(track["track_number"] for track in data.get("tracks", [])))
        if row["state"] == "new":
            row |= {"state": "processing", "status": "processing"}
        self._settle(row)
        return made

    def _settle(self, row: Row) -> None:
        own = [item for item in row["items"] if not item.get("parent_item_id")]
        if row["total_paid"] >= row["grand_total"] and all(i["qty_shipped"] >= i["qty_ordered"] for i in own):
            row |= {"state": "complete", "status": "complete"}
        self._touch(row)

    def refund(self, id_: int, pieces: Mapping[str, int], *, online: bool) -> Row:
        """A credit memo of so many pieces of each article, made at the provider by Magento or only on paper."""
        row, memo, items = self.order(id_), next(self._ids), []
        for item in row["items"]:
            count = pieces.get(item["sku"], 0) if not item.get("parent_item_id") else 0
            if count:
                share = Decimal(count) / item["qty_ordered"]
                money = {name: ore(item[name] * share) for name in _SUMMED}
                item["qty_refunded"] += count
                items.append(
                    {
                        "entity_id": next(self._items), "order_item_id": item["item_id"], "qty": count,
                        "sku": item["sku"], "name": item["name"], "base_cost": ZERO, "base_price": item["price"],
                        **money,
                    }
                )  # fmt: skip
        total = sum(
            (
                i["row_total"] + i["tax_amount"] + i["discount_tax_compensation_amount"] - i["discount_amount"]
                for i in items
            ),
            ZERO,
        )
        now = self._now()
        self.memos[memo] = {
            "entity_id": memo, "increment_id": f"{memo:09d}", "order_id": id_, "grand_total": total, "items": items,
            "order_currency_code": "SEK", "created_at": now, "updated_at": now,
            **({"transaction_id": f"refund-{memo}"} if online else {}),
        }  # fmt: skip
        row["total_refunded"] += total
        self._touch(row)
        return self.memos[memo]


_SUMMED = (
    "row_total", "row_total_incl_tax", "tax_amount", "discount_amount", "discount_tax_compensation_amount",
)  # fmt: skip


def _quantities(count: int) -> Row:
    nothing = dict.fromkeys(("qty_invoiced", "qty_shipped", "qty_canceled", "qty_refunded"), ZERO)
    return {"qty_ordered": Decimal(count), **nothing}


def address(party: Party) -> Row:
    """A buyer's address as Magento keeps it."""
    return {
        "firstname": party.first_name, "lastname": party.last_name, "street": [party.street], "city": party.city,
        "postcode": party.postcode, "country_id": party.country, "telephone": party.phone,
        **({"company": party.company, "vat_id": party.vat_no} if party.company else {}),
    }  # fmt: skip
