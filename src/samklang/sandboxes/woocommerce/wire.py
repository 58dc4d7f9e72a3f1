"""How the shop writes things on the wire: times, decimals, errors, links, trimmed answers; and what it accepts.

The argument tables state type and choices of the arguments that this stand-in reads. They agree with the index that
the shop itself publishes (a test compares them); arguments that are not listed pass unread, as in the real shop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

JSON = dict[str, Any]

ORDER_STATUSES = (
    "auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft",
)  # fmt: skip
PRODUCT_STATUSES = ("draft", "pending", "private", "publish", "future", "auto-draft", "trash")
STOCK_STATUSES = ("instock", "outofstock", "onbackorder")

Args = Mapping[str, tuple[str | tuple[str, ...], tuple[str, ...]]]

PRODUCT_ARGS: Args = {
    "name": ("string", ()),
    "slug": ("string", ()),
    "type": ("string", ("simple", "grouped", "external", "variable")),
    "status": ("string", PRODUCT_STATUSES),
    "featured": ("boolean", ()),
    "catalog_visibility": ("string", ("visible", "catalog", "search", "hidden")),
    "description": ("string", ()),
    "short_description": ("string", ()),
    "sku": ("string", ()),
    "global_unique_id": ("string", ()),
    "regular_price": ("string", ()),
    "sale_price": ("string", ()),
    "date_on_sale_from": (("null", "string"), ()),
    "date_on_sale_from_gmt": (("null", "string"), ()),
    "date_on_sale_to": (("null", "string"), ()),
    "date_on_sale_to_gmt": (("null", "string"), ()),
    "virtual": ("boolean", ()),
    "downloadable": ("boolean", ()),
    "tax_status": ("string", ("taxable", "shipping", "none")),
    "tax_class": ("string", ()),
    "manage_stock": ("boolean", ()),
    "stock_quantity": ("integer", ()),
    "stock_status": ("string", STOCK_STATUSES),
    "backorders": ("string", ("no", "notify", "yes")),
    "low_stock_amount": (("integer", "null"), ()),
    "sold_individually": ("boolean", ()),
    "weight": ("string", ()),
    "dimensions": ("object", ()),
    "shipping_class": ("string", ()),
    "parent_id": ("integer", ()),
    "purchase_note": ("string", ()),
    "categories": ("array", ()),
    "brands": ("array", ()),
    "tags": ("array", ()),
    "images": ("array", ()),
    "attributes": ("array", ()),
    "default_attributes": ("array", ()),
    "menu_order": ("integer", ()),
    "meta_data": ("array", ()),
}
VARIATION_ARGS: Args = {
    **{
        name: PRODUCT_ARGS[name]
        for name in (
            "description", "sku", "global_unique_id", "regular_price", "sale_price", "date_on_sale_from",
            "date_on_sale_from_gmt", "date_on_sale_to", "date_on_sale_to_gmt", "virtual", "downloadable", "tax_status",
            "tax_class", "manage_stock", "stock_quantity", "stock_status", "backorders", "low_stock_amount", "weight",
            "dimensions", "shipping_class", "attributes", "menu_order", "meta_data",
        )
    },
    "status": ("string", ("draft", "pending", "private", "publish")),
    "image": ("object", ()),
}  # fmt: skip
ORDER_ARGS: Args = {
    "status": ("string", ORDER_STATUSES),
    "currency": ("string", ()),
    "customer_id": ("integer", ()),
    "customer_note": ("string", ()),
    "billing": ("object", ()),
    "shipping": ("object", ()),
    "payment_method": ("string", ()),
    "payment_method_title": ("string", ()),
    "transaction_id": ("string", ()),
    "meta_data": ("array", ()),
    "line_items": ("array", ()),
    "shipping_lines": ("array", ()),
    "fee_lines": ("array", ()),
    "coupon_lines": ("array", ()),
    "set_paid": ("boolean", ()),
}
REFUND_ARGS: Args = {
    "amount": ("string", ()),
    "reason": ("string", ()),
    "meta_data": ("array", ()),
    "api_refund": ("boolean", ()),
    "api_restock": ("boolean", ()),
}
NOTE_ARGS: Args = {"note": ("string", ()), "customer_note": ("boolean", ()), "added_by_user": ("boolean", ())}
CUSTOMER_ARGS: Args = {
    "email": ("string", ()),
    "first_name": ("string", ()),
    "last_name": ("string", ()),
    "username": ("string", ()),
    "password": ("string", ()),
    "billing": ("object", ()),
    "shipping": ("object", ()),
    "meta_data": ("array", ()),
}
WEBHOOK_ARGS: Args = {
    "name": ("string", ()),
    "status": ("string", ("active", "paused", "disabled")),
    "topic": ("string", ()),
    "secret": ("string", ()),
    "delivery_url": ("string", ()),
}
CATEGORY_ARGS: Args = {
    "name": ("string", ()),
    "slug": ("string", ()),
    "parent": ("integer", ()),
    "description": ("string", ()),
    "menu_order": ("integer", ()),
}


class Refused(Exception):
    """The shop says no: HTTP status and body as WordPress writes them."""

    def __init__(self, status: int, code: str, message: str, data: object = None, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body: JSON = {
            "code": code,
            "message": message,
            "data": {"status": status, **more} if data is None else data,
        }


def invalid(params: Mapping[str, tuple[str, str, object]]) -> Refused:
    """rest_invalid_param, from name → (code, message, data)."""
    return Refused(
        400,
        "rest_invalid_param",
        f"Invalid parameter(s): {', '.join(params)}",
        params={name: message for name, (_, message, _) in params.items()},
        details={
            name: {"code": code, "message": message, "data": data} for name, (code, message, data) in params.items()
        },
    )


def missing(*names: str) -> Refused:
    """rest_missing_callback_param."""
    return Refused(400, "rest_missing_callback_param", f"Missing parameter(s): {', '.join(names)}", params=list(names))


def _is(kind: str, value: object) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            if isinstance(value, str):
                return bool(re.fullmatch(r"\s*-?\d+(\.0*)?\s*", value))
            return (isinstance(value, int) and not isinstance(value, bool)) or (
                isinstance(value, float) and value.is_integer()
            )
        case "boolean":
            return isinstance(value, bool) or value in (0, 1, "0", "1", "true", "false", "")
        case "array":
            return isinstance(value, list | str)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None
    raise ValueError(kind)


def validate(body: JSON, args: Args) -> None:
    """Schema validation of a single create or update. Batches skip it (observed), so they never call this."""
    wrong: dict[str, tuple[str, str, object]] = {}
    for name, (kind, choices) in args.items():
        if name not in body:
            continue
        value = body[name]
        if value is None and name == "stock_quantity":
            continue  # observed: null passes and becomes 0
        kinds = (kind,) if isinstance(kind, str) else kind
        if not any(_is(one, value) for one in kinds):
            wanted = kind if isinstance(kind, str) else ",".join(kind)
            wrong[name] = ("rest_invalid_type", f"{name} is not of type {wanted}.", {"param": name})
        elif choices and value not in choices:
            listed = ", ".join(choices[:-1]) + f", and {choices[-1]}"
            wrong[name] = ("rest_not_in_enum", f"{name} is not one of {listed}.", None)
    billing = body.get("billing")
    if isinstance(billing, dict) and billing.get("email") and not re.fullmatch(r"\S+@\S+\.\S+", str(billing["email"])):
        wrong["billing"] = ("rest_invalid_email", "Invalid email address.", None)
    if wrong:
        raise invalid(wrong)


def truth(value: object) -> bool:
    """A boolean as WordPress sanitises it."""
    return value not in (False, 0, "0", "false", "", None)


# ---------------------------------------------------------------------------------------------------- numbers


def as_decimal_text(value: object) -> str:
    """A price as the shop stores it: comma becomes point, everything but digits goes ("abc" → ""; observed)."""
    text = re.sub(r"\.(?![^.]+$)|[^0-9.-]", "", str(value).replace(",", "."))
    return "" if text in ("", ".", "-") else text


def money(value: Decimal, dp: int = 2) -> str:
    """An amount with `dp` decimals."""
    return str(value.quantize(Decimal(1).scaleb(-dp), ROUND_HALF_UP))


def cents(value: Decimal, *, tax_in_inclusive_shop: bool = False) -> Decimal:
    """To two decimals. Shops with prices including tax round tax halves down, so that net + tax stays the price."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_DOWN if tax_in_inclusive_shop else ROUND_HALF_UP)


# ---------------------------------------------------------------------------------------------------- times


@lru_cache(maxsize=4096)
def local(stamp: int, zone: ZoneInfo) -> str:
    """Shop-local time without offset."""
    return datetime.fromtimestamp(stamp, zone).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=4096)
def gmt(stamp: int) -> str:
    """UTC without offset."""
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def dates(name: str, stamp: int | None, zone: ZoneInfo) -> JSON:
    """`name` in shop-local time and `name_gmt`, both null without a stamp."""
    if stamp is None:
        return {name: None, f"{name}_gmt": None}
    return {name: local(stamp, zone), f"{name}_gmt": gmt(stamp)}


def moment(text: str, param: str, zone: ZoneInfo, *, is_gmt: bool) -> int:
    """Seconds of a date argument. A date alone, or a raw + that arrived as a blank, is refused (observed)."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([zZ]|[+-]\d\d:?\d\d)?", text):
        raise invalid({param: ("rest_invalid_date", "Invalid date.", None)})
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise invalid({param: ("rest_invalid_date", "Invalid date.", None)}) from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC if is_gmt else zone)
    return int(value.timestamp())


# ---------------------------------------------------------------------------------------------------- answers


def links(
    site: str, path: str, *, up: str = "", allow: tuple[str, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE")
) -> JSON:
    """`_links` of one resource at `path` below wc/v3."""
    root = f"{site}/wp-json/wc/v3"
    found: JSON = {
        "self": [{"href": f"{root}{path}", "targetHints": {"allow": list(allow)}}],
        "collection": [{"href": f"{root}{path.rpartition('/')[0]}"}],
    }
    if up:
        found["up"] = [{"href": f"{root}{up}"}]
    return found


def trimmed(row: JSON, fields: str, *, keep_links: bool) -> JSON:
    """`_fields=`: names, or `outer.inner` of an object, not of a list. A single resource keeps its links (observed)."""
    wanted: dict[str, set[str]] = {}
    for field in fields.split(","):
        name, _, below = field.strip().partition(".")
        wanted.setdefault(name, set()).add(below)
    answer: JSON = {}
    for name, value in row.items():
        if name == "_links" and (keep_links or name in wanted):
            answer[name] = value
        elif name in wanted:
            inner = wanted[name]
            if "" in inner:
                answer[name] = value
            elif isinstance(value, dict):
                answer[name] = {key: value[key] for key in value if key in inner}
    return answer


def put_meta(rows: list[JSON], changes: object, next_id: Any) -> None:
    """Write `meta_data`: an entry with a known id or key is replaced, null removes it, anything else is added."""
    for change in changes if isinstance(changes, list) else []:
        if not isinstance(change, dict) or not ("key" in change or "id" in change):
            continue
        found = next((row for row in rows if row["id"] == change.get("id") or row["key"] == change.get("key")), None)
        if found is None:
            rows.append({"id": next_id(), "key": str(change.get("key", "")), "value": change.get("value")})
        elif change.get("value", "") is None:
            rows.remove(found)
        else:
            found["value"] = change.get("value", found["value"])
