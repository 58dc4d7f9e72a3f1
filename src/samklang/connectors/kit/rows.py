"""Rows of a list into items: one that is wrong becomes a problem of its own, its neighbours pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

import msgspec

from samklang.connectors.contract import Bad, Gone, Item, Page
from samklang.connectors.errors import NOT_A_RECORD, BadAnswer, BadData, bad_data
from samklang.connectors.kit.paging import Slice
from samklang.records import InvalidRecord

T = TypeVar("T")
Items = list[Item | Bad | Gone]


class Broken(msgspec.Struct, frozen=True):
    """A row whose shape is wrong. `id` is empty where the row does not tell."""

    id: int | str
    why: str


class Rows(Generic[T]):
    """Decodes a list of rows; `key` is the vendor's name for a row's id, `outer.inner` where an object holds it."""

    def __init__(self, row: type[T], key: str = "id") -> None:
        self._one: msgspec.json.Decoder[T] = msgspec.json.Decoder(row)
        self._all: msgspec.json.Decoder[list[T]] = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]  # a class
        self._key = key

    def __call__(self, body: bytes | msgspec.Raw, where: str = "") -> list[T | Broken]:
        """The rows; BadAnswer when it is no list."""
        try:
            return list(self._all.decode(body))
        except msgspec.ValidationError:
            return [self._single(raw) for raw in _decoded(body, where)]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadAnswer(f"The answer is no JSON: {error}", where=where) from error

    def _single(self, raw: msgspec.Raw) -> T | Broken:
        try:
            return self._one.decode(raw)
        except msgspec.ValidationError as error:
            id_ = msgspec.json.decode(raw)
            for name in self._key.split("."):
                id_ = id_.get(name) if isinstance(id_, dict) else None
            return Broken(id_ if isinstance(id_, int | str) else "", str(error))


def _decoded(body: bytes | msgspec.Raw, where: str) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise BadAnswer(f"The answer does not fit: {error}", where=where) from error


def sure(rows: Iterable[T | Broken], what: str) -> list[T]:
    """Rows of the list `what`, none of which may be wrong; BadAnswer for one that is."""
    found: list[T] = []
    for row in rows:
        if isinstance(row, Broken):
            raise BadAnswer(f"A row of {what} does not fit: {row.why}")
        found.append(row)
    return found


def readable(rows: Iterable[T | Broken]) -> list[T]:
    """The rows that are as documented: for searches, where a broken one is simply not what was looked for."""
    return [row for row in rows if not isinstance(row, Broken)]


def sound(row: T | Broken, field: str) -> T:
    """A row inside another one, which is no record without it; InvalidRecord when it is wrong."""
    if isinstance(row, Broken):
        raise InvalidRecord(field, row.id, row.why, "Correct it in the system that it comes from.")
    return row


class Name(NamedTuple):
    """What a row is called in a problem: its id, its name for people, and the record's key as far as it can be told."""

    id: str
    label: str
    key: str = ""


def items(
    type_: str, rows: Iterable[T | Broken], make: Callable[[T], Iterable[Item]], name: Callable[[T], Name]
) -> Items:
    """What the rows hold; a row that is no record of `type_` becomes one Bad, whatever of it could be made."""
    found: Items = []
    for row in rows:
        if isinstance(row, Broken):
            error = BadData(f"The system's row of {type_} is not as documented: {row.why}")
            found.append(Bad(type=type_, external_id=str(row.id), error=error))
            continue
        before = len(found)
        try:
            found.extend(make(row))
        except NOT_A_RECORD as wrong:
            del found[before:]
            id_, label, key = name(row)
            found.append(Bad(type=type_, external_id=id_, key=key, error=bad_data(wrong, label)))
    return found


def pages(
    type_: str, slices: Iterable[Slice[T | Broken]], make: Callable[[T], Iterable[Item]], name: Callable[[T], Name]
) -> Iterator[Page]:
    """A list as pages of what its rows hold; see `items`."""
    for some in slices:
        yield Page(items(type_, some.rows, make, name), some.total, some.resume)
