"""Pages of lists: every list is walked by a place in its own order, never by counting, so it costs the same at the
millionth row and shows none twice when rows come and go."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from ninja import Query

from samklang.api.v1.errors import Unfit

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
