"""A connector without a network: systems are boxes in this process. For tests of the hub, with traps to set."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from samklang.connectors.contract import (
    Account,
    Bad,
    Connector,
    Done,
    Gone,
    Item,
    Match,
    Page,
    Paper,
    Part,
    Result,
    Want,
)
from samklang.connectors.errors import BadData
from samklang.connectors.registry import load_manifest
from samklang.records import Customer, Order, OrderStatus, Product, Record


class Row(msgspec.Struct):
    """What a box holds under an external id."""

    id: str
    record: Record
    changed: datetime
    reference: str = ""
    parent: str = ""


class Box:
    """One outside system: rows by type and id, a log of what was written, and traps (functions that may raise)."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self.ids = itertools.count(1)
        self.written: list[tuple[str, str, str]] = []  # (type, key, "create" | "update")
        self.calls: list[tuple[str, int]] = []
        self.before_write: Callable[[str, Sequence[Want]], None] | None = None
        self.after_write: Callable[[str, Sequence[Want]], None] | None = None
        self.item_error: Callable[[str, Want], Any] | None = None
        self.before_read: Callable[[str, int], None] | None = None
        self.broken: set[str] = set()  # external ids that read as Bad
        self.half_made: set[str] = set()  # external ids that a write has begun and not ended
        self.page = 3
        self.unique: tuple[str, ...] = ()
        self.papers: list[Paper] = []
        self.asked: list[date] = []  # from when papers were asked for; those of an earlier day are not listed
        self.files: dict[str, str] = {}  # uploaded: id → name
        self.hung: dict[str, str] = {}  # uploaded files that hang on a voucher: id → the voucher's id
        self.before_file: Callable[[str], None] | None = None  # "upload" or "attach"
        self.after_file: Callable[[str], None] | None = None
        self.lock = threading.Lock()

    def put(self, record: Record, id_: str = "", parent: str = "", reference: str = "") -> str:
        """The outside world creates or changes something."""
        id_ = id_ or f"{record.type[0]}{next(self.ids)}"
        self.rows[record.type][id_] = Row(id_, record, datetime.now(UTC), reference, parent)
        return id_

    def remove(self, type_: str, id_: str) -> None:
        del self.rows[type_][id_]

    def of(self, type_: str) -> list[Record]:
        return [row.record for row in self.rows[type_].values()]


#: Types that have an id of their own in a box.
boxes: dict[str, Box] = defaultdict(Box)


def _parts(record: Record, id_: str) -> tuple[Part, ...]:
    if not isinstance(record, Product):
        return ()
    return tuple(Part("variant", variant.key, f"{id_}:{n}") for n, variant in enumerate(record.variants))


class Shelf(Connector):
    """Reads and writes a box."""

    manifest = load_manifest(__name__)

    @property
    def box(self) -> Box:
        return boxes[self.settings["box"]]

    def check(self) -> Account:
        return Account(title=f"Box {self.settings['box']}")

    def _item(self, row: Row) -> Item | Bad:
        if row.id in self.box.broken:
            return Bad(type=row.record.type, external_id=row.id, error=BadData("The row is broken", where="name"))
        own = row.id if row.record.own_id else ""
        return Item(record=row.record, external_id=own, parts=_parts(row.record, row.id), parent=row.parent)

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        rows = [row for type_ in types for row in self.box.rows[type_].values() if not since or row.changed >= since]
        start = int(resume or 0)
        for n in range(start, len(rows), self.box.page):
            self.box.calls.append((feed, n))
            if self.box.before_read:
                self.box.before_read(feed, n)
            yield Page([self._item(row) for row in rows[n : n + self.box.page]], len(rows), str(n + self.box.page))

    def statements(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        self.box.asked.append(since)
        for paper in self.box.papers:
            if (paper.day or since) >= since and not known(paper.name):
                if self.box.before_read:
                    self.box.before_read(paper.name, len(self.box.calls))
                self.box.calls.append((paper.name, len(paper.data)))
                yield paper

    def upload(self, name: str, data: bytes) -> str:
        assert data.startswith(b"%PDF")
        return self._file("upload", lambda: self._uploaded(name))

    def _uploaded(self, name: str) -> str:
        box = self.box
        there = next((id_ for id_, known in box.files.items() if known == name and id_ not in box.hung), None)
        id_ = there or f"f{next(box.ids)}"
        box.files[id_] = name
        return id_

    def attach(self, file: str, voucher: str, on: date) -> None:
        self._file("attach", lambda: self.box.hung.setdefault(file, voucher))

    def _file(self, what: str, work: Callable[[], str]) -> str:
        self.box.calls.append((what, 1))
        if self.box.before_file:
            self.box.before_file(what)
        found = work()
        if self.box.after_file:
            self.box.after_file(what)
        return found

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        types = next(f.types for f in self.manifest.feeds if f.name == feed)
        found: list[Item | Bad | Gone] = []
        for id_ in external_ids:
            rows = [self.box.rows[type_][id_] for type_ in types if id_ in self.box.rows[type_]]
            found += [self._item(row) for row in rows] or [Gone(type=types[0], external_id=id_)]
        yield Page(found)

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        return [self._find(type_, want, match) for want in wants]

    def _find(self, type_: str, want: Want, match: Sequence[str]) -> list[Match]:
        self.box.calls.append(("find", 1))
        rows = list(self.box.rows[type_].values())
        hits = [
            Match(external_id=row.id, by="draft" if row.id in self.box.half_made else "reference")
            for row in rows
            if row.reference == want.reference
        ]
        for field in match if isinstance(want.record, Customer) else ():
            if hits:
                break
            value = getattr(want.record, field)
            hits = [
                Match(external_id=row.id, by=field, record=row.record)
                for row in rows
                if value and getattr(row.record, field) == value
            ]
        return [
            msgspec.structs.replace(hit, parts=_parts(self.box.rows[type_][hit.external_id].record, hit.external_id))
            for hit in hits
        ]

    def write(self, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        assert len(wants) <= self.manifest.writes[type_].batch
        self.box.calls.append((f"write {type_}", len(wants)))
        if self.box.before_write:
            self.box.before_write(type_, wants)
        results: list[Result] = []
        with self.box.lock:
            for want in wants:
                error = self.box.item_error(type_, want) if self.box.item_error else None
                results.append(error or self._write(type_, want))
        if self.box.after_write:
            self.box.after_write(type_, wants)
        return results

    def _write(self, type_: str, want: Want) -> Result:
        record = want.record
        if isinstance(record, Order):
            assert want.ids[("customer", record.customer.key)]
        self.box.half_made.discard(want.external_id)
        if self.manifest.writes[type_].create in ("key", "idempotent") and record.own_id and not want.external_id:
            done = next((row.id for row in self.box.rows[type_].values() if row.reference == want.reference), "")
            if done:
                return Done(external_id=done)
        self.box.written.append((type_, want.key, "update" if want.external_id else "create"))
        if record.own_id:
            id_ = want.external_id or f"{type_[0]}{next(self.box.ids)}"
        else:
            need = next(iter(record.needs()), None)
            id_ = f"{want.ids.get(need, need) if need else type_}|{want.key}"
        self.box.rows[type_][id_] = Row(id_, record, datetime.now(UTC), reference=want.reference)
        own = id_ if record.own_id else ""
        return Done(
            external_id=own, parts=_parts(record, id_), seen=record if isinstance(record, OrderStatus) else None
        )
