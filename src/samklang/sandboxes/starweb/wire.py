"""How the shop writes things on the wire: envelopes, refusals, times with offset, what may be embedded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
LANGUAGE = "sv"
_ZONE = ZoneInfo("Europe/Stockholm")
_ORE = Decimal("0.01")


class Refused(Exception):
    """The shop says no: HTTP status, its code and its words."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.body: Row = {"error": code, "error_description": text}


def missing(what: str) -> Refused:
    """404."""
    return Refused(404, "not_found", f"{what} could not be found")


def invalid(text: str) -> Refused:
    """400 for a value."""
    return Refused(400, "validation_error", text)


def many(rows: Collection[Any]) -> Row:
    """An embedded list."""
    return {"data": list(rows)}


def words(*names: str, key: str = "name") -> Row:
    """A name in the shop's languages: Swedish, then English."""
    return many([{"langCode": code, key: name} for code, name in zip((LANGUAGE, "en"), names, strict=False)])


def stamp(at: datetime) -> str:
    """ISO 8601 with the offset of Swedish time."""
    return at.astimezone(_ZONE).isoformat(timespec="seconds")


def moment(text: str, name: str) -> datetime:
    """An instant in a filter."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{name} is no ISO-8601 time") from None
    return found if found.tzinfo else found.replace(tzinfo=_ZONE)


def ore(amount: Decimal) -> Decimal:
    """Rounded to öre."""
    return amount.quantize(_ORE, ROUND_HALF_UP)


def includes(asked: Mapping[str, str], known: Collection[str]) -> set[str]:
    """What is to be embedded; what the shop does not know is left out, as Fractal does."""
    found: set[str] = set()
    for one in asked.get("include", "").split(","):
        if one in known:
            found |= {one, one.partition(".")[0]}
    return found


def put(row: Row, data: Mapping[str, Any], fields: Collection[str]) -> bool:
    """Writes the known fields of a body; whether any changed. Read-only ones are ignored."""
    changed = False
    for name in fields:
        if name in data and row.get(name) != data[name]:
            row[name], changed = data[name], True
    return changed


def checked_sku(text: object) -> str:
    """An article number that the shop takes."""
    if not isinstance(text, str) or not text.strip() or len(text) > 40:
        raise invalid("sku has to be 1 to 40 characters")
    return text
