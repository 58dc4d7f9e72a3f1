"""The hub in small: opens a connector on a stand, reads, writes, binds and recovers as the hub does; no database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import msgspec

from samklang.connectors.checks.stand import Specimen, Stand
from samklang.connectors.contract import (
    Bad,
    Connector,
    Done,
    Exchange,
    Item,
    Manifest,
    Match,
    Page,
    Result,
    Surroundings,
    Want,
    Write,
)
from samklang.connectors.errors import Rejected, Retry, SamklangError
from samklang.records import Record

_TRIES = 6
_serial = count(int(time.time()) % 1_000_000 * 10)  # systems that live longer than a run get new specimens


class Fails(Exception):
    """A check is not met; says how."""


class Bench:
    """One connector on one stand. `ids` holds what has been bound so far: (type, key) → external id."""

    def __init__(self, cls: type[Connector], stand: Stand) -> None:
        self.stand = stand
        self.manifest: Manifest = cls.manifest
        self.exchanges: list[Exchange] = []
        self.ids: dict[tuple[str, str], str] = {}
        self._options: dict[tuple[str, str], Mapping[str, Any]] = {}
        unlimited = msgspec.structs.replace(cls.manifest.limits, calls=0)
        fast = msgspec.structs.replace(cls.manifest, limits=unlimited)
        # Limits are the limiter's tests' business; here they would only cost time.
        self._cls: type[Connector] = type(cls.__name__, (cls,), {"manifest": fast, "__module__": cls.__module__})
        self.connector = self.open()

    def open(self, settings: Mapping[str, Any] | None = None, *, right: bool = True) -> Connector:
        """A connector with these settings (default: the stand's), logged in or with dead tokens."""
        given = {setting.name: setting.default for setting in self.manifest.settings if setting.default is not None}
        full = {**given, "connection": "prov", "channel": "provbutik", **(settings or self.stand.settings())}
        around = Surroundings(
            capture=self.exchanges.append,
            tokens=self.stand.tokens(right=right),
            now=time.time,
            allow_private=lambda _: True,
            sleep=lambda _: None,  # that a fault is tried again is checked here, not how long that takes
        )
        return self._cls(full, around)

    def close(self) -> None:
        """Close the connector and heal the stand."""
        self.stand.no_faults()
        self.connector.close()

    # ------------------------------------------------------------------------------------------------ reading

    def read(self, feed: str, since: datetime | None = None) -> list[Page]:
        """All pages of a feed; ids are bound. Fails on a row that is no record."""
        facts = next(one for one in self.manifest.feeds if one.name == feed)
        if not facts.listed:
            pages = list(self.connector.fetch(feed, self.stand.named(feed)))
        else:
            pages = list(self.connector.read(feed, since, frozenset(facts.types)))
        for item in items(pages):
            self.bind(item.record, item.external_id, item.parts)
        return pages

    def ask(self) -> None:
        """Something harmless: read the first feed, or look at the account where nothing is read."""
        if self.manifest.feeds:
            self.read(self.manifest.feeds[0].name)
        else:
            self.connector.check()

    def bind(self, record: Record, external_id: str, parts: Iterable[Any] = ()) -> None:
        """Remember what the system calls it."""
        if external_id:
            self.ids[record.type, record.key] = external_id
        for part in parts:
            self.ids[part.type, part.key] = part.external_id

    # ------------------------------------------------------------------------------------------------ writing

    def specimens(self, why: str = "") -> Iterator[tuple[str, Write, Specimen]]:
        """A fresh specimen of every type that the connector writes, with what it needs already written."""
        for type_, how in self.manifest.writes.items():
            found = self.fresh(type_)
            if found:
                yield type_, how, found

    def fresh(self, type_: str) -> Specimen | None:
        """A specimen that the system does not have; its needs are written."""
        specimen = self.stand.specimen(type_, next(_serial))
        if specimen is None:
            return None
        self.ids.update(specimen.ids)
        self._options[specimen.record.type, specimen.record.key] = specimen.options
        for record in specimen.before:
            self.settle(record)
        return specimen

    def want(self, record: Record, *, doubt: bool = False, create: bool = False) -> Want:
        """The record as the hub would ask for it."""
        how = self.manifest.writes[record.type]
        names = [*record.parts(), *(need for need in record.needs() if need[0] in how.needs)]
        lacking = [need for need in record.needs() if need[0] in how.needs and need not in self.ids]
        if lacking:
            raise Fails(f"{record.type} {record.key} needs {lacking[0]}, which was neither read nor written before")
        bound = "" if create else self.ids.get((record.type, record.key), "")
        return Want(
            key=record.key, record=record, external_id=bound, reference=record.key, doubt=doubt,
            ids={name: self.ids[name] for name in names if name in self.ids},
            options=self._options.get((record.type, record.key), {}),
        )  # fmt: skip

    def write(self, record: Record, *, doubt: bool = False, create: bool = False) -> Result:
        """One write (`create`: as if its id were not known); what is raised counts as the result. Ids are bound."""
        try:
            want = self.want(record, doubt=doubt, create=create)
            results: Sequence[Result] = self.connector.write(record.type, [want])
        except SamklangError as error:
            return error
        if len(results) != 1:
            raise Fails(f"one {record.type} was written, {len(results)} results came")
        if isinstance(results[0], Done):
            self.bind(record, results[0].external_id, results[0].parts)
        return results[0]

    def settle(self, record: Record, *, doubt: bool = False) -> Done:
        """Write until the target has it, as the hub does: look after doubt, bind to what stands in the way."""
        how = self.manifest.writes[record.type]
        result: Result | None = None
        for _ in range(_TRIES):
            if (record.type, record.key) not in self.ids and how.create == "lookup" and (doubt or how.match):
                found = self.look(record)
                if found and doubt and found.by == "reference":  # the earlier try was done; the hub writes no more
                    return Done(external_id=found.external_id, parts=found.parts)
            result = self.write(record, doubt=doubt)
            if isinstance(result, Done):
                return result
            if isinstance(result, Rejected) and result.existing:
                self.bind(record, result.existing)
            elif isinstance(result, Retry):
                doubt = doubt or result.maybe_applied
            else:
                break
        raise Fails(f"{record.type} {record.key} was not taken: {result}")

    def look(self, record: Record) -> Match | None:
        """Look for the record at the target and bind to what is found; more than one fails."""
        how = self.manifest.writes[record.type]
        (matches,) = self.connector.find(record.type, [self.want(record, doubt=True, create=True)], how.match)
        if len(matches) > 1:
            found = ", ".join(match.external_id for match in matches)
            raise Fails(f"{record.type} {record.key} is there {len(matches)} times: {found}")
        for match in matches:
            self.bind(record, match.external_id, match.parts)
        return matches[0] if matches else None


def items(pages: Iterable[Page]) -> Iterator[Item]:
    """The records of the pages; Fails on a row that is none."""
    for page in pages:
        for item in page.items:
            if isinstance(item, Bad):
                raise Fails(f"{item.type} {item.external_id or item.key} was not understood: {item.error}")
            if isinstance(item, Item):
                yield item
