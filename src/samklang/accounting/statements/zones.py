"""Time zones as reports write them: IANA names, or abbreviations that several countries share.

An abbreviation means the zone of the providers that use it here. Those of summer time are fixed offsets, so that the
hour which the end of summer time repeats is read as the report says.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ABBREVIATIONS: Mapping[str, str] = {
    "CET": "Europe/Paris",
    "CEST": "Etc/GMT-2",
    "EET": "Europe/Helsinki",
    "EEST": "Etc/GMT-3",
    "GMT": "Etc/GMT",
    "BST": "Etc/GMT-1",
    "WET": "Europe/Lisbon",
    "MSK": "Europe/Moscow",
    "PST": "America/Los_Angeles",
    "PDT": "Etc/GMT+7",
    "EST": "America/New_York",
    "EDT": "Etc/GMT+4",
    "CST": "America/Chicago",
    "CDT": "Etc/GMT+5",
    "UTC": "UTC",
    "Z": "UTC",
}


def zone_of(name: str) -> ZoneInfo | None:
    """The zone, or None for a name that is not known."""
    try:
        return ZoneInfo(_ABBREVIATIONS.get(name.strip().upper(), name.strip()))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, such as Europe
        return None
