"""Adyen: settlement details reports by the number of their batch, as statements. See README.md and manifest.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from samklang.connectors.adyen.client import Client
from samklang.connectors.adyen.map import first_batch, name
from samklang.connectors.contract import Account, Paper, Surroundings
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest

#: So far back a number without a report is asked for again (it may come late, or could not be read), and so far ahead.
_BACK, _AHEAD = 14, 2


class Adyen(System):
    """The reports of one merchant account."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport

    def check(self) -> Account:
        first = first_batch(self.settings["first_batch"])
        warnings = ["This is Adyen's test system: no money moves."] if self.settings.get("test") else []
        if self.client.report(name(first)) is None:
            warnings.append(f"Adyen has no report of batch {first} yet.")
        return Account(title=f"Adyen {self.client.account}", warnings=tuple(warnings))

    def statements(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        """Reports by number: those that are lacking near the last known one, then the next until there are none."""
        first = first_batch(self.settings["first_batch"])
        last = _last(first, known)
        number, end = max(first, last - _BACK + 1), last + _AHEAD
        while number <= end:
            if not known(name(number)) and (data := self.client.report(name(number))) is not None:
                yield Paper(name(number), data)
                end = max(end, number + _AHEAD)
            number += 1


def _last(first: int, known: Callable[[str], bool]) -> int:
    """The last batch that is known, or the one before the first."""
    last = number = first - 1
    while number <= last + _BACK:
        number += 1
        last = number if known(name(number)) else last
    return last
