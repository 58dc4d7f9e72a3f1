"""VAT rates by country, tax class and day (MODEL §0, TaxTreatment).

A rate is found by tax class and date, never guessed from an amount. The table holds the countries that Samklang's
connectors serve first; `Rates` can be given more rows. Sources: the countries' own tax authorities' published rates;
Swedish food 12 → 6 % from 2026-04-01 to 2027-12-31 (prop. 2025/26:55) and Russian 20 → 22 % from 2026-01-01 are why
rows carry dates. Where two classes share a rate, the first row names it, so the lasting class stands first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import msgspec

from samklang.records.base import InvalidRecord


class VatRate(msgspec.Struct, frozen=True):
    """Per cent (25 = 25 %) for a country's tax class from one day up to, not including, another."""

    country: str
    tax_class: str
    percent: Decimal
    since: date = date(1990, 1, 1)
    until: date = date.max


def _rate(country: str, tax_class: str, percent: str, since: str = "1990-01-01", until: str | None = None) -> VatRate:
    end = date.fromisoformat(until) if until else date.max
    return VatRate(country, tax_class, Decimal(percent), date.fromisoformat(since), end)


RATES = (
    _rate("SE", "standard", "25"),
    _rate("SE", "reduced", "12"),
    _rate("SE", "low", "6"),
    _rate("SE", "food", "12", until="2026-04-01"),
    _rate("SE", "food", "6", since="2026-04-01", until="2028-01-01"),
    _rate("SE", "food", "12", since="2028-01-01"),
    _rate("NO", "standard", "25"),
    _rate("NO", "food", "15"),
    _rate("NO", "low", "12"),
    _rate("DK", "standard", "25"),
    _rate("FI", "standard", "24", until="2024-09-01"),
    _rate("FI", "standard", "25.5", since="2024-09-01"),
    _rate("FI", "reduced", "14", until="2026-01-01"),
    _rate("FI", "reduced", "13.5", since="2026-01-01"),
    _rate("FI", "low", "10"),
    _rate("DE", "standard", "19"),
    _rate("DE", "reduced", "7"),
    _rate("RU", "standard", "20", until="2026-01-01"),
    _rate("RU", "standard", "22", since="2026-01-01"),
    _rate("RU", "reduced", "10"),
)


class Rates:
    """Looks up rates; the last matching row wins, so a tenant's own rows may be appended to the table."""

    def __init__(self, rows: Iterable[VatRate] = RATES) -> None:
        self._rows = tuple(rows)

    def percent(self, country: str, tax_class: str, on: date) -> Decimal:
        """Per cent for the class on that day; `zero` and `exempt` are 0 everywhere. InvalidRecord if unknown."""
        if tax_class in {"zero", "exempt"}:
            return Decimal(0)
        for row in reversed(self._rows):
            if row.country == country and row.tax_class == tax_class and row.since <= on < row.until:
                return row.percent
        raise InvalidRecord(
            "tax_class", tax_class, f"has no VAT rate in {country} on {on}", "Choose a VAT class that the country has."
        )

    def tax_class(self, country: str, percent: Decimal, on: date) -> str:
        """The class that has this rate on that day (for systems that only state a per cent)."""
        if percent == 0:
            return "zero"
        for row in self._rows:
            if row.country == country and row.percent == percent and row.since <= on < row.until:
                return row.tax_class
        raise InvalidRecord(
            "vat", percent, f"is no VAT rate in {country} on {on}", "Correct the VAT rate of the article."
        )


rates = Rates()
