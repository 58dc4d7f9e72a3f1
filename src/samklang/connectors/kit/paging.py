"""Lists read to their end. A reader that cannot give all rows raises; it never just ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

import msgspec

from samklang.connectors.errors import BadAnswer
from samklang.connectors.transport import Transport

T = TypeVar("T")


class Slice(msgspec.Struct, Generic[T]):
    """Some rows of a list, how many it has in all (0 = not told), and where to go on after them."""

    rows: list[T]
    total: int
    resume: str


def chunks(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The rows, at most `size` at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def by_number(
    what: str, page: Callable[[int], tuple[list[T], int]], size: int, transport: Transport, resume: str = ""
) -> Iterator[Slice[T]]:
    """A list in pages of `size`: `page(0)` gives the first rows and how many there are in all; several pages ahead.

    New rows come last, or push others back, which are then seen twice. A row that is deleted meanwhile would pull
    another past us unseen, so a list that grew shorter, like one that stops before its end, is BadAnswer, and the hub
    reads again.
    """
    number, _, known = resume.partition("/")
    at, total = int(number or 0), int(known or 0)
    rest = iter([page(at)])
    ahead = at + 1
    while True:
        rows, now = next(rest)
        if now < total:
            raise BadAnswer(f"{what} lost rows while they were read", do_this="Nothing: they are read again.")
        total, before, at = now, at * size, at + 1
        if len(rows) < min(size, total - before):
            raise BadAnswer(f"Only {before + len(rows)} {what} of {total} came")
        yield Slice(rows, total, f"{at}/{total}")
        if at * size >= total:
            return
        if at == ahead:  # the first page is read, or the list grew beyond what was asked for
            ahead = -(-total // size)
            rest = transport.overlap(partial(page, n) for n in range(at, ahead))


def by_last(
    page: Callable[[str], list[T]], size: int, last: Callable[[T], object], resume: str = ""
) -> Iterator[Slice[T]]:
    """A list by a key that only grows, in pages of `size`: `page(key)` gives the rows behind this one ("" = the first).

    What changes meanwhile moves nothing. The list ends with a page that is not full.
    """
    while True:
        rows = page(resume)
        if rows:
            resume = str(last(rows[-1]))
            yield Slice(rows, 0, resume)
        if len(rows) < size:
            return


class Placed(Protocol):
    """A row whose id tells its place in the list."""

    @property
    def id(self) -> int | str:
        """A number; a row that is too broken to have one is taken as it comes."""


P = TypeVar("P", bound=Placed)
_STEPS_BACK = 50  # a list that moves faster than this cannot be read


def by_offset(
    what: str, page: Callable[[int], tuple[list[P], int]], size: int, transport: Transport, resume: str = ""
) -> Iterator[Slice[P]]:
    """A list in the order of growing ids, of which rows may go while it is read; several pages ahead.

    `page(offset)` gives at most `size` rows and how many there are in all. Each page begins with the last row of the
    one before. Where it does not, rows left the list meanwhile and others moved up unseen: the read steps back a page
    until it meets rows that it knows. So nothing is skipped, neither within a run nor when it goes on at `resume`.
    """
    offset, last = (int(part) for part in resume.split(":")) if resume else (0, 0)
    total, steps_back = -1, 0
    while total < 0 or offset < total:
        first = max(0, offset - 1)
        starts = range(first, max(total, first + 1), size - 1)
        pages = transport.overlap(partial(page, at) for at in starts)
        for at, (found, total) in zip(starts, pages, strict=False):
            if at and (not found or _place(found[0]) > last):
                steps_back += 1
                offset = max(0, at - size)
                total = max(total, offset + 1)
                break
            fresh = [row for row in found if _place(row) > last or not row.id]
            offset, last = at + len(found), max([last, *(_place(row) for row in found)])
            if (offset < total and not fresh) or steps_back > _STEPS_BACK:
                raise BadAnswer(f"{what} says {total} rows but does not give them: it stops or keeps moving")
            yield Slice(fresh, total, f"{offset}:{last}")
            if offset >= total or len(found) < size:
                break


def _place(row: Placed) -> int:
    return row.id if isinstance(row.id, int) else 0


def id_of(row: Placed) -> int:
    """For `by_last`: the row's id. BadAnswer for a row too broken to have one, for it would hide where to go on."""
    if not isinstance(row.id, int):
        raise BadAnswer(f"A row has no id, so the list cannot be read on: {row}")
    return row.id
