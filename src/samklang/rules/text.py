"""Values as text, one way only: in templates, comparisons, tables and previews."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec


def text(value: Any) -> str:
    """A value as a person writes it: decimals plain, dates ISO, yes/no as true/false, rows joined by comma."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return ", ".join(text(item) for item in value)
    if isinstance(value, Mapping | msgspec.Struct):
        return msgspec.json.encode(value, order="deterministic").decode()
    return str(value)
