"""Instants are UTC; business dates are plain dates in the shop's zone (MODEL §0)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from samklang.records.base import InvalidRecord

_EARLIEST, _LATEST = 1990, 2100


def zone(name: str) -> ZoneInfo:
    """An IANA time zone; InvalidRecord names the wrong one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, such as Europe
        raise InvalidRecord("time_zone", name, "is not a time zone", "Use a name such as Europe/Stockholm.") from None


def instant(text: object, field: str, *, local: ZoneInfo | None = None) -> datetime:
    """An instant in UTC from ISO 8601 text.

    Text without an offset is read in `local` (without one: UTC). In the hour that a clock change repeats the first
    of the two instants is meant, in the hour it skips the instant after the change: the same text always gives the
    same instant. Raises InvalidRecord for anything that is no date or lies outside 1990–2100.
    """
    if not isinstance(text, str):
        raise InvalidRecord(field, text, "is not a time", "Send the time as ISO 8601 text.")
    try:
        value = datetime.fromisoformat(text.strip())
        if value.tzinfo is None:
            value = value.replace(tzinfo=local or UTC)
        value = value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRecord(field, text, "is not a possible time", "Correct the date at the source.") from None
    if not _EARLIEST <= value.year <= _LATEST:
        raise InvalidRecord(field, text, f"lies outside {_EARLIEST}–{_LATEST}", "Correct the date at the source.")
    return value


def business_date(at: datetime, zone_name: str) -> date:
    """The calendar day in the shop on which something happened."""
    return at.astimezone(zone(zone_name)).date()


def settle_utc(record: Any, *fields: str) -> None:
    """Write a struct's instants in UTC, so that equal instants encode alike (used from __post_init__).

    Raises InvalidRecord for a time without a zone, which names no instant.
    """
    for field in fields:
        value = getattr(record, field)
        if value is None:
            continue
        if value.tzinfo is None:
            raise InvalidRecord(field, value, "has no time zone", "Send the time with its offset from UTC.")
        if not _EARLIEST <= value.year <= _LATEST:
            raise InvalidRecord(field, value, f"lies outside {_EARLIEST}–{_LATEST}", "Correct the date at the source.")
        if value.tzinfo is not UTC:
            msgspec.structs.force_setattr(record, field, value.astimezone(UTC))
