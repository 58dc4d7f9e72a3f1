"""Rows for every table that there is, made from the fields' types, so that a new table needs no word here."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models

from samklang.hub.keeping.moving import tables

_text = itertools.count(1)


def fill(rows: int = 3) -> None:
    """Put rows of awkward values into every table but the one that says whether the hub has moved."""
    from samklang.hub.models import Move

    for model in tables():
        if model is not Move:
            for n in range(rows):
                row = {field.attname: _value(field, n) for field in model._meta.local_concrete_fields if _given(field)}
                model._base_manager.create(**row)


def _given(field: models.Field[Any, Any]) -> bool:
    return not isinstance(field, models.AutoField)


def _value(field: models.Field[Any, Any], n: int) -> Any:
    if field.null and n == 0:
        return None
    if isinstance(field, models.ForeignKey):
        parents = list(field.related_model._base_manager.order_by("pk").values_list("pk", flat=True))  # type: ignore[union-attr]
        return parents[n % len(parents)]
    if field.choices:
        known = [value for value, _ in field.flatchoices]
        return known[n % len(known)]
    if isinstance(field, models.BooleanField):
        return n % 2 == 0
    if isinstance(field, models.BigIntegerField):
        return 2**53 + n
    if isinstance(field, models.IntegerField):
        return 2**31 - 1 - n
    if isinstance(field, models.FloatField):
        return (0.1 + 0.2) * (n - 1)
    if isinstance(field, models.GenericIPAddressField):
        return ("192.0.2.1", "2001:db8::1")[n % 2]
    if isinstance(field, models.DecimalField):
        return Decimal(1234567 + n).scaleb(-field.decimal_places)
    if isinstance(field, models.BinaryField):
        return bytes(range(field.max_length or 256)) * n
    if isinstance(field, models.DateTimeField):
        return datetime(2026, 10, 25, 0, 59, 59, 123456 if n else 0, tzinfo=UTC) + timedelta(hours=n)
    if isinstance(field, models.DateField):
        return date(2028, 2, 28) + timedelta(days=n)
    if isinstance(field, models.JSONField):
        return {"ö": [1, 2.5, None, True, "a\\b\n"], "b": {"z": n, "a": "'\"\t"}}
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    text = f"{next(_text)} å\\.\n\t'\"€😀 " if not isinstance(field, models.SlugField) else f"s-{next(_text)}"
    return text[: field.max_length] if field.max_length else text * 100
