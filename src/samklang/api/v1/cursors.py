"""Pages of lists: every list is walked by a place in its own order, never by counting, so it costs the same at the
millionth row and shows none twice when rows come and go."""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from ninja import Query

from samklang.api.v1.errors import Unfit
from samklang.hub.looks.rows import Slice

S = TypeVar("S")
T = TypeVar("T")

MOST = 200

#: Parameters of every list.
Limit = Annotated[int, Query(ge=1, le=MOST, description=f"How many at the most (1 to {MOST}).")]
Cursor = Annotated[
    str,
    Query(max_length=1000, pattern=r"^[A-Za-z0-9_-]*$", description="`next` of the page before; empty = the first."),
]


def cut(rows: Sequence[T], limit: int, place: Callable[[T], Any]) -> dict[str, Any]:
    """A page out of at most `limit` + 1 rows. `place` says where in the order a row stands, as anything JSON holds."""
    more = len(rows) > limit
    items = list(rows[:limit])
    return {"items": items, "next": write(place(items[-1])) if more else None}


def text(cursor: str) -> str:
    """The place that the hub's own pages name, "" for the first."""
    return read(cursor, str) or ""


def of_slice(found: Slice[S], plain: Callable[[S], Any]) -> dict[str, Any]:
    """A page out of one of the hub's."""
    next_ = write(found.after) if found.after else None
    page = {"items": [plain(row) for row in found.rows], "next": next_, "total": found.total}
    return {**page, "until": found.until} if found.until else page


#: The number of a row in a cursor, no larger than databases know.
Place = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


def row(cursor: str) -> int:
    """The number of the row that the page before ended with, 0 for the first page."""
    return read(cursor, Place) or 0


@contextlib.contextmanager
def judged() -> Iterator[None]:
    """For a query with a cursor that the hub reads: what it cannot read is refused."""
    try:
        yield
    except ValueError as error:
        raise Unfit("This is no cursor, or no filter, of this list", do_this="Begin without one.") from error


def write(place: Any) -> str:
    """A place as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read(cursor: str, type_: type[T]) -> T | None:
    """The place that a cursor names; None for the first page. Unfit when it is none of this list's."""
    if not cursor:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=type_)
    except (binascii.Error, msgspec.MsgspecError, UnicodeError) as error:
        raise Unfit("This is no cursor of this list", where="query.cursor", do_this="Begin without one.") from error
