"""Exchange rates: what one unit of a foreign currency is worth in the ledger's on a day (MODEL §0, FxRate)."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import msgspec

from samklang.accounting.problems import Refused
from samklang.records.money import rounded

#: No rate is published on weekends and holidays; an older one than this is a missing one.
_OLDEST_DAYS = 7


class FxRate(msgspec.Struct, frozen=True):
    """Ledger currency per one unit of `currency` on `day`; `source` says whose rate it is (ECB, Riksbank, provider)."""

    currency: str
    day: date
    rate: Decimal
    source: str = ""


class Exchange:
    """Looks rates up for one ledger currency."""

    def __init__(self, currency: str, rates: Iterable[FxRate] = ()) -> None:
        self.currency = currency
        self._rates: defaultdict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for rate in rates:
            self._rates[rate.currency].append((rate.day, rate.rate))
        for days in self._rates.values():
            days.sort()

    def rate(self, currency: str, day: date) -> Decimal:
        """The rate of the day, or of the last day before it that had one; Refused (CURRENCY_DIFF) without either."""
        if currency == self.currency:
            return Decimal(1)
        days = self._rates.get(currency, [])
        place = bisect_right(days, day, key=lambda row: row[0])
        if not place or (day - days[place - 1][0]).days > _OLDEST_DAYS:
            raise Refused("CURRENCY_DIFF", currency, f"No rate from {currency} to {self.currency} for {day}.")
        return days[place - 1][1]

    def to_ledger(self, amount: Decimal, currency: str, day: date) -> Decimal:
        """The amount in whole minor units of the ledger's currency."""
        return rounded(amount * self.rate(currency, day), self.currency)
