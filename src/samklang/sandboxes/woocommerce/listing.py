"""Lists: filters, order and the rules about their arguments. The newest selection is kept until something changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, TypeVar

from samklang.sandboxes.woocommerce.shelf import Product
from samklang.sandboxes.woocommerce.till import Order
from samklang.sandboxes.woocommerce.wire import JSON, ORDER_STATUSES, STOCK_STATUSES, invalid, moment, truth

if TYPE_CHECKING:
    from samklang.sandboxes.woocommerce import WooSandbox

Query = dict[str, str]
T = TypeVar("T", Product, Order)

_NOT_A_FILTER = re.compile(r"page|per_page|offset|_fields|dp|context|consumer_.*|oauth_.*")
_LISTED = ("any", "future", "trash", "draft", "pending", "private", "publish")
_NAMES = ("Pending payment", "Processing", "On hold", "Completed", "Cancelled", "Refunded", "Failed", "Draft")


def many(query: Query, name: str) -> list[str]:
    """A list argument: `a,b`, or `name[]=a`, `name[0]=a` …"""
    found = [value for key, value in query.items() if key == name or key.startswith(f"{name}[")]
    return [part.strip() for value in found for part in value.split(",") if part.strip()]


class Lists:
    """Selections out of the shop, in order."""

    def __init__(self, shop: WooSandbox) -> None:
        self._shop = shop
        self._kept: dict[str, tuple[Hashable, list[Product] | list[Order]]] = {}

    def products(self, query: Query) -> list[Product]:
        """Products by the arguments of /products. Only `sku` also finds variations (observed)."""
        self._check(query, ("date", "id", "include", "title", "slug", "modified", "price", "menu_order"))
        _choice(query, "status", _LISTED)
        _choice(query, "type", ("simple", "grouped", "external", "variable"))
        _choice(query, "stock_status", STOCK_STATUSES)
        shelf = self._shop.catalogue
        key = (shelf.version, *sorted((k, v) for k, v in query.items() if not _NOT_A_FILTER.fullmatch(k)))
        kept = self._kept.get("products")
        if kept and kept[0] == key:
            return kept[1]  # type: ignore[return-value]  # the slot "products" holds products
        if skus := many(query, "sku"):
            ids = [shelf.by_sku.get(sku.lower(), 0) for sku in skus]
            rows = [shelf.rows[id_] for id_ in dict.fromkeys(ids) if id_ in shelf.rows]
        elif include := many(query, "include"):
            wanted = {int(id_) for id_ in include}
            rows = [row for id_ in sorted(wanted) if (row := shelf.rows.get(id_)) and not row.parent]
        else:
            rows = [row for row in shelf.rows.values() if not row.parent]
        status = query.get("status", "any")
        rows = [row for row in rows if (row.status != "trash" if status == "any" else row.status == status)]
        for test in self._tests(query):
            rows = [row for row in rows if test(row)]
        if "type" in query:
            rows = [row for row in rows if row.type == query["type"]]
        if "stock_status" in query:
            rows = [row for row in rows if row.stock_status == query["stock_status"]]
        if category := query.get("category"):
            rows = [row for row in rows if any(str(one["id"]) == category for one in row.categories)]
        if search := query.get("search", "").lower():
            rows = [row for row in rows if search in row.name.lower() or search in row.sku.lower()]
        rows = self._sorted(query, rows)
        self._kept["products"] = (key, rows)
        return rows

    def variations(self, query: Query, parent: Product) -> list[Product]:
        """Variations of one product."""
        self._check(query, ("date", "id", "include", "title", "slug", "modified", "menu_order"))
        rows = [self._shop.catalogue.rows[id_] for id_ in parent.variations]
        rows = [row for row in rows if row.status != "trash"]
        if include := many(query, "include"):
            rows = [row for row in rows if str(row.id) in include]
        if skus := many(query, "sku"):
            rows = [row for row in rows if row.sku in skus]
        for test in self._tests(query):
            rows = [row for row in rows if test(row)]
        return self._sorted(query, rows)

    def orders(self, query: Query) -> list[Order]:
        """Orders by the arguments of /orders."""
        self._check(query, ("date", "id", "include", "title", "slug", "modified"))
        till = self._shop.orders
        key = (till.version, *sorted((k, v) for k, v in query.items() if not _NOT_A_FILTER.fullmatch(k)))
        kept = self._kept.get("orders")
        if kept and kept[0] == key:
            return kept[1]  # type: ignore[return-value]  # the slot "orders" holds orders
        rows = list(till.orders.values())
        if include := many(query, "include"):
            rows = [row for row in rows if str(row.id) in include]
        statuses = many(query, "status") or ["any"]
        wrong = [status for status in statuses if status not in (*ORDER_STATUSES, "any", "trash")]
        if wrong:
            said = f"status[0] is not one of any, trash, {', '.join(ORDER_STATUSES)}."
            raise invalid({"status": ("rest_not_in_enum", said, None)})
        if "any" in statuses:
            rows = [row for row in rows if row.status not in ("trash", "auto-draft")]
        else:
            rows = [row for row in rows if row.status in statuses]
        for test in self._tests(query):
            rows = [row for row in rows if test(row)]
        if "customer" in query:
            rows = [row for row in rows if str(row.customer_id) == query["customer"]]
        if search := query.get("search", "").lower():
            rows = [row for row in rows if search in f"{row.id} {' '.join(map(str, row.billing.values()))}".lower()]
        rows = self._sorted(query, rows)
        self._kept["orders"] = (key, rows)
        return rows

    def customers(self, query: Query) -> list[JSON]:
        """Customers, by name unless asked otherwise. There is no filter on changes."""
        self._check(query, ("id", "include", "name", "registered_date"), default="name")
        rows = list(self._shop.customers.rows.values())
        if "email" in query:
            rows = [row for row in rows if row["email"].lower() == query["email"].lower()]
        if include := many(query, "include"):
            rows = [row for row in rows if str(row["id"]) in include]
        if search := query.get("search", "").lower():
            rows = [row for row in rows if search in f"{row['email']} {row['first_name']} {row['last_name']}".lower()]
        if query.get("orderby", "name") == "name":
            rows.sort(key=lambda row: (row["username"], row["id"]))
        return rows[::-1] if query.get("order") == "desc" else rows

    def categories(self, query: Query) -> list[JSON]:
        """Product categories, by name unless asked otherwise."""
        self._check(query, ("id", "include", "name", "slug", "term_group", "description", "count"), default="name")
        rows = list(self._shop.catalogue.categories.values())
        if slugs := many(query, "slug"):
            rows = [row for row in rows if row["slug"] in slugs]
        if search := query.get("search", "").lower():
            rows = [row for row in rows if search in row["name"].lower()]
        if query.get("orderby", "name") == "name":
            rows.sort(key=lambda row: (row["name"].lower(), row["id"]))
        return rows[::-1] if query.get("order") == "desc" else rows

    def order_totals(self) -> list[JSON]:
        """How many orders have which status."""
        counted = [order.status for order in self._shop.orders.orders.values()]
        shown = [status for status in ORDER_STATUSES if status != "auto-draft"]
        return [
            {"slug": slug, "name": name, "total": counted.count(slug)} for slug, name in zip(shown, _NAMES, strict=True)
        ]

    # ------------------------------------------------------------------------------------------------ inside

    def _check(self, query: Query, orders: tuple[str, ...], default: str = "date") -> None:
        for name, least, most in (("per_page", 1, 100), ("page", 1, None), ("offset", 0, None)):
            text = query.get(name, "1")
            if not re.fullmatch(r"-?\d+", text):
                raise invalid({name: ("rest_invalid_type", f"{name} is not of type integer.", {"param": name})})
            if most and not least <= int(text) <= most:
                said = f"{name} must be between {least} (inclusive) and {most} (inclusive)"
                raise invalid({name: ("rest_out_of_bounds", said, None)})
            if int(text) < least:
                said = f"{name} must be greater than or equal to {least}"
                raise invalid({name: ("rest_out_of_bounds", said, None)})
        _choice(query, "order", ("asc", "desc"))
        _choice(query, "orderby", (*orders, default))

    def _tests(self, query: Query) -> list[Callable[[Product | Order], bool]]:
        """Filters on dates and ids. `…_after` and `…_before` are strict, in whole seconds (observed)."""
        is_gmt, zone = truth(query.get("dates_are_gmt")), self._shop.zone
        tests: list[Callable[[Product | Order], bool]] = []
        if "modified_after" in query:
            since = moment(query["modified_after"], "modified_after", zone, is_gmt=is_gmt)
            tests.append(lambda row: row.modified > since)
        if "modified_before" in query:
            until = moment(query["modified_before"], "modified_before", zone, is_gmt=is_gmt)
            tests.append(lambda row: row.modified < until)
        if "after" in query:
            first = moment(query["after"], "after", zone, is_gmt=is_gmt)
            tests.append(lambda row: row.created > first)
        if "before" in query:
            last = moment(query["before"], "before", zone, is_gmt=is_gmt)
            tests.append(lambda row: row.created < last)
        if exclude := set(many(query, "exclude")):
            tests.append(lambda row: str(row.id) not in exclude)
        return tests

    def _sorted(self, query: Query, rows: list[T]) -> list[T]:
        match query.get("orderby", "date"):
            case "id":
                rows.sort(key=lambda row: row.id)
            case "modified":
                rows.sort(key=lambda row: (row.modified, row.id))
            case "title" | "slug":
                rows.sort(key=lambda row: (getattr(row, "name", ""), row.id))
            case "include":
                place = {id_: number for number, id_ in enumerate(many(query, "include"))}
                return sorted(rows, key=lambda row: place.get(str(row.id), 0))
            case _:
                rows.sort(key=lambda row: (row.created, row.id))
        return rows[::-1] if query.get("order", "desc") == "desc" else rows


def _choice(query: Query, name: str, choices: tuple[str, ...]) -> None:
    if name in query and query[name] not in choices:
        listed = ", ".join(choices[:-1]) + f", and {choices[-1]}"
        raise invalid({name: ("rest_not_in_enum", f"{name} is not one of {listed}.", None)})
