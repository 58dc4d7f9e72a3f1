"""Weights in grams, whatever unit a system states them in."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_METRIC = {"g": Decimal(1), "kg": Decimal(1000), "ct": Decimal("0.2")}
_AVOIRDUPOIS = {"lb": Decimal("453.59237"), "oz": Decimal("28.349523125")}

#: What one of the unit weighs in grams, by its short name and by those that shops and ERPs use for it.
GRAMS = {
    **_METRIC, **_AVOIRDUPOIS, "lbs": _AVOIRDUPOIS["lb"], "kgs": _METRIC["kg"],
    "gram": _METRIC["g"], "kilogram": _METRIC["kg"], "carat": _METRIC["ct"],
    "pound": _AVOIRDUPOIS["lb"], "ounce": _AVOIRDUPOIS["oz"],
}  # fmt: skip


def grams(weight: Decimal, unit: str) -> int | None:
    """The weight in whole grams, halves up; None for a unit that is no weight."""
    factor = GRAMS.get(unit.casefold())
    return int((weight * factor).quantize(Decimal(1), ROUND_HALF_UP)) if factor is not None else None
