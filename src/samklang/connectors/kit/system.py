"""A connector as tables by the names that the manifest gives: its feeds, writes, searches, lists of choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from samklang.connectors.contract import Choice, ChoiceKind, Connector, Match, Page, Result, Want
from samklang.connectors.kit.finding import Look, first_hits
from samklang.connectors.kit.writing import each
from samklang.connectors.transport import Transport


def listed(setting: object) -> list[str]:
    """The parts of a setting that names several, with commas between them."""
    return [part.strip() for part in str(setting or "").split(",") if part.strip()]


class Asked(msgspec.Struct, frozen=True):
    """What the hub asks of a feed; see `Connector.read`."""

    since: datetime | None
    types: frozenset[str]
    resume: str = ""


class System(Connector):
    """Base of connectors; `__init__` of the subclass fills the tables that it has.

    `feeds`: feed → pages. `writes`: record type → one result per want (`self.each(…)`, or a method that takes all).
    `looks`: record type → what agrees with a want in one field. A type that is not in `looks` finds nothing.
    `lists`: what people choose among → the values.
    """

    transport: Transport
    feeds: Mapping[str, Callable[[Asked], Iterator[Page]]] = {}
    writes: Mapping[str, Callable[[Sequence[Want]], list[Result]]] = {}
    looks: Mapping[str, Look] = {}
    lists: Mapping[ChoiceKind, Callable[[], list[Choice]]] = {}

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        return self.feeds[feed](Asked(since, types, resume))

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        if type_ not in self.looks:
            return [[] for _ in wants]
        return first_hits(wants, match, self.looks[type_], self.transport)

    def write(self, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        return self.writes[type_](wants)

    def choices(self, what: ChoiceKind) -> list[Choice]:
        return self.lists[what]() if what in self.lists else super().choices(what)

    def each(self, write: Callable[[Want, Any], Result]) -> Callable[[Sequence[Want]], list[Result]]:
        """For the table of writes: `write(want, record)` for each want, side by side."""
        return partial(each, write, transport=self.transport)

    def close(self) -> None:
        self.transport.close()
