"""Lists read to their end. A reader that cannot give all rows raises; it never just ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Generic, TypeVar

import msgspec

from samklang.connectors.errors import BadAnswer
from samklang.connectors.transport import Transport

T = TypeVar("T")


class Slice(msgspec.Struct, Generic[T]):
    """Some rows of a list, how many it has in all (0 = not told), and where to go on after them."""

    rows: list[T]
    total: int
    resume: str


def by_number(
    what: str, page: Callable[[int], tuple[list[T], int]], size: int, transport: Transport, resume: str = ""
) -> Iterator[Slice[T]]:
    """A list in pages of `size`: `page(0)` gives the first rows and how many there are in all; several pages ahead.

    New rows must come last. A row that is deleted meanwhile would push another past us unseen, so a list that grew
    shorter, like one that stops before its end, is BadAnswer, and the hub reads again.
    """
    number, _, known = resume.partition("/")
    at, total = int(number or 0), int(known or 0)
    rows, now = page(at)
    pages = max(at + 1, -(-now // size))
    rest = transport.overlap(partial(page, n) for n in range(at + 1, pages))
    while True:
        if now < total:
            raise BadAnswer(f"{what} lost rows while they were read", do_this="Nothing: they are read again.")
        total, before, at = now, at * size, at + 1
        if len(rows) < min(size, total - before):
            raise BadAnswer(f"Only {before + len(rows)} {what} of {total} came")
        yield Slice(rows, total, f"{at}/{total}")
        if at == pages:
            return
        rows, now = next(rest)


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
