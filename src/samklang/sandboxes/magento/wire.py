"""How Magento writes things on the wire: searches, refusals with parameters, times in UTC; and the signed login."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

from samklang.connectors.kit.login import base_string

Row = dict[str, Any]
_FILTER = re.compile(r"searchCriteria\[filterGroups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(field|value|conditionType)\]")
_SORT = re.compile(r"searchCriteria\[sortOrders\]\[(\d+)\]\[(field|direction)\]")
_LEEWAY = 600  # seconds that a timestamp may be off


class Refused(Exception):
    """Magento says no: HTTP status, message with its parameters not yet put in."""

    def __init__(self, status: int, message: str, **parameters: object) -> None:
        super().__init__(message)
        self.status = status
        self.body: Row = {"message": message, **({"parameters": parameters} if parameters else {})}


def stamp(at: datetime) -> str:
    """A time as Magento states it: UTC, without saying so."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def custom(row: Row, code: str, default: Any = "") -> Any:
    """A custom attribute's value."""
    return next((one["value"] for one in row["custom_attributes"] if one["attribute_code"] == code), default)


def put_custom(row: Row, values: Sequence[Mapping[str, Any]]) -> None:
    """Sets custom attributes; the others stay."""
    kept = {one["attribute_code"]: one["value"] for one in row["custom_attributes"]}
    kept |= {one["attribute_code"]: one["value"] for one in values}
    row["custom_attributes"] = [{"attribute_code": code, "value": value} for code, value in kept.items()]


class Login:
    """The four values of an integration, and the nonces that were used."""

    def __init__(self, consumer: tuple[str, str], token: tuple[str, str], *, bearer: bool) -> None:
        self.consumer, self.token, self.bearer = consumer, token, bearer
        self.nonces: set[str] = set()

    def check(self, method: str, url: str, header: str) -> None:
        """401 unless the request is signed with our secrets, now, and for the first time."""
        if header.startswith("Bearer "):
            if not self.bearer or header != f"Bearer {self.token[0]}":  # the caller is nobody then
                raise Refused(
                    401, "The consumer isn't authorized to access %resources.", resources="Magento_Backend::all"
                )
            return
        given = {n: unquote(v) for n, v in re.findall(r'(\w+)="([^"]*)"', header)}
        if not header.startswith("OAuth ") or given.get("oauth_consumer_key") != self.consumer[0]:
            raise Refused(401, "Consumer key has expired")
        if given.get("oauth_token") != self.token[0]:
            raise Refused(401, "Token doesn't exist")
        signature = given.pop("oauth_signature", "")
        key = f"{self.consumer[1]}&{self.token[1]}".encode()
        digest = hmac.new(key, base_string(method, url, given.items()).encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(base64.b64encode(digest).decode(), signature):
            raise Refused(401, "The signature is invalid. Verify and try again.")
        if abs(time.time() - float(given.get("oauth_timestamp", "0"))) > _LEEWAY:
            raise Refused(401, "The timestamp value in the oauth_timestamp parameter is invalid")
        if given["oauth_nonce"] in self.nonces:
            raise Refused(401, "The nonce is already being used by the consumer with ID %1", consumer=1)
        self.nonces.add(given["oauth_nonce"])


def search(rows: Collection[Row], query: str, most: int = 300) -> Row:
    """A search: filters of one group are alternatives, groups must all hold. A page past the end is the last page."""
    asked = parse_qsl(query, keep_blank_values=True)
    if not any(name.startswith("searchCriteria") for name, _ in asked):
        raise Refused(400, '"%fieldName" is required. Enter and try again.', fieldName="searchCriteria")
    groups: dict[str, dict[str, Row]] = {}
    sorts: dict[str, Row] = {}
    plain = dict(asked)
    for name, value in asked:
        if found := _FILTER.fullmatch(name):
            groups.setdefault(found[1], {}).setdefault(found[2], {})[found[3]] = value
        elif found := _SORT.fullmatch(name):
            sorts.setdefault(found[1], {})[found[2]] = value
    tests = [[_test(one) for one in filters.values()] for filters in groups.values()]
    kept = [row for row in rows if all(any(test(row) for test in tests_) for tests_ in tests)]
    for one in reversed(list(sorts.values())):
        kept.sort(key=lambda row, f=one["field"]: _value(row, f), reverse=one.get("direction", "ASC") == "DESC")  # type: ignore[misc]  # the field of this round
    size = int(plain.get("searchCriteria[pageSize]", "20"))
    if size > most:
        raise Refused(400, "Maximum allowed page size is %max", max=most)
    page = min(int(plain.get("searchCriteria[currentPage]", "1")), max(1, -(-len(kept) // size)))
    return {
        "items": kept[(page - 1) * size : page * size], "total_count": len(kept),
        "search_criteria": {"filter_groups": [], "page_size": size, "current_page": page},
    }  # fmt: skip


def _value(row: Row, field: str) -> Any:
    return (
        row[field]
        if field in row
        else row.get({"entity_id": "id"}.get(field, field), custom(row, field) if "custom_attributes" in row else "")
    )


def _test(one: Row) -> Callable[[Row], bool]:
    field, text, how = one["field"], one.get("value", ""), one.get("conditionType", "eq")

    def same(value: Any, other: str) -> bool:
        return str(value).casefold() == other.casefold()

    def compared(value: Any) -> int:
        if isinstance(value, int | Decimal):
            return int(value > Decimal(text)) - int(value < Decimal(text))
        return int(str(value) > text) - int(str(value) < text)

    tests: dict[str, Callable[[Any], bool]] = {
        "eq": lambda value: same(value, text),
        "neq": lambda value: not same(value, text),
        "in": lambda value: any(same(value, part) for part in text.split(",")),
        "gt": lambda value: compared(value) > 0,
        "gteq": lambda value: compared(value) >= 0,
        "lt": lambda value: compared(value) < 0,
        "lteq": lambda value: compared(value) <= 0,
    }
    if how not in tests:
        raise Refused(400, "Condition type %1 is not supported", condition=how)
    return lambda row: tests[how](_value(row, field))


def trimmed(value: Any, spec: str) -> Any:
    """`fields=items[id,sku],total_count`: only these, at every depth."""
    if not spec:
        return value
    if isinstance(value, list):
        return [trimmed(one, spec) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: trimmed(value[name], inner) for name, inner in _parts(spec).items() if name in value}


def _parts(spec: str) -> dict[str, str]:
    found: dict[str, str] = {}
    depth, start = 0, 0
    for at, sign in enumerate(f"{spec},"):
        depth += (sign == "[") - (sign == "]")
        if sign == "," and not depth:
            name, _, inner = spec[start:at].partition("[")
            found[name.strip()] = inner[:-1]
            start = at + 1
    return found
