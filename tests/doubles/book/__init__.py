"""A connector to a book that many processes share (a SQLite file): writing a row twice leaves two rows, as a bad ERP
would. Each create takes a moment before and after it is done, so that a kill strikes at every point of it."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from samklang.connectors.contract import Account, Connector, Done, Match, Page, Result, Want
from samklang.connectors.errors import RemoteFault, Superseded
from samklang.connectors.registry import load_manifest
from samklang.connectors.transport import may_send
from samklang.records import StockLevel

#: How long a call takes at the most, and how often it fails after its work is done.
MOMENT, LOST = 0.01, 0.1


class Book(Connector):
    """Writes into the book."""

    manifest = load_manifest(__name__)

    def check(self) -> Account:
        return Account(title="Book")

    def _open(self) -> sqlite3.Connection:
        return open_book(self.settings["path"])

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        yield Page([])

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        with self._open() as book:
            return [
                [
                    Match(external_id=str(row[0]), by="reference")
                    for row in book.execute("SELECT id FROM entry WHERE reference=?", [want.reference])
                ]
                for want in wants
            ]

    def write(self, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        results: list[Result] = []
        for want in wants if type_ == "order" else ():
            results.append(self._create(want))
        if type_ == "stock":
            with self._open() as book:
                for want in wants:
                    assert isinstance(want.record, StockLevel)
                    book.execute(
                        "INSERT INTO level VALUES (?, ?) ON CONFLICT (sku) DO UPDATE SET pieces=excluded.pieces",
                        [want.key, int(want.record.on_hand)],
                    )
                    results.append(Done(external_id=""))
        return results

    def _create(self, want: Want) -> Result:
        time.sleep(random.uniform(0, MOMENT))
        with self._open() as book:
            book.execute("BEGIN IMMEDIATE")  # who holds the book, as a test does, knows that nobody is past this line
            if not may_send.get()():  # what the transport does before each call, as the last thing
                return Superseded()
            row = book.execute("INSERT INTO entry (reference) VALUES (?)", [want.reference]).lastrowid
        time.sleep(random.uniform(0, MOMENT))
        if random.random() < LOST:
            return RemoteFault("The answer was lost")
        return Done(external_id=str(row))


def open_book(path: str) -> sqlite3.Connection:
    """The book's file; transactions end with the `with` block."""
    book = sqlite3.connect(path, timeout=60)
    book.execute("CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, reference TEXT)")
    book.execute("CREATE TABLE IF NOT EXISTS level (sku TEXT PRIMARY KEY, pieces INTEGER)")
    return book
