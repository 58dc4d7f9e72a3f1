"""A result for each record of a batch. What was done must not be forgotten because a neighbour failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from samklang.connectors.contract import Ids, Result, Want
from samklang.connectors.errors import SamklangError, Wait, bad_data
from samklang.connectors.transport import Transport
from samklang.records import InvalidRecord, Record

B = TypeVar("B")
R = TypeVar("R", bound=Record)
Part = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


def record_of(want: Want, type_: type[R]) -> R:
    """The want's record, which is of this type, as all are in one call of `write`."""
    assert isinstance(want.record, type_)
    return want.record


def needed(ids: Ids, type_: str, key: str) -> str:
    """Out of a want's `ids`, the target's id of what the record refers to; Wait when the target does not have it."""
    id_ = ids.get((type_, key))
    if not id_:
        raise Wait(type_, key)
    return id_


def of_order(want: Want, order: str) -> str:
    """The target's id of the order that the record hangs on, which may be the record's own; Wait when there is none."""
    return want.ids.get(("order", order)) or want.external_id or needed({}, "order", order)


def asks(want: Want, *fields: str) -> bool:
    """Whether the write is about any of these canonical fields; a create is about all."""
    return want.fields is None or not want.fields.isdisjoint(fields)


def asked(fields: frozenset[str] | None, parts: Mapping[str, Part]) -> dict[str, Any]:
    """A body out of its parts by canonical field: those among `fields` (a want's; None = all).

    Blanks between names: the part belongs to several fields. A function makes a part only where it is needed.
    """
    wanted = (part for names, part in parts.items() if fields is None or not fields.isdisjoint(names.split()))
    made = (part() if callable(part) else part for part in wanted)
    return {name: value for part in made for name, value in part.items()}


def attempt(work: Callable[[Want, Any], B | SamklangError], want: Want) -> B | SamklangError:
    """What `work(want, record)` gives, or the error that it raises."""
    try:
        return work(want, want.record)
    except InvalidRecord as error:
        return bad_data(error, want.key)
    except SamklangError as error:
        return error


def each(write: Callable[[Want, Any], Result], wants: Sequence[Want], transport: Transport) -> list[Result]:
    """`write(want, record)` for each want, side by side."""
    return list(transport.overlap(partial(attempt, write, want) for want in wants))


def batched(
    body: Callable[[Want, Any], B], send: Callable[[list[tuple[Want, B]]], Iterable[Result]], wants: Sequence[Want]
) -> list[Result]:
    """What `body(want, record)` makes of the wants goes out in one `send`, which answers for each in order."""
    built = [(want, attempt(body, want)) for want in wants]
    good = [(want, one) for want, one in built if not isinstance(one, SamklangError)]
    sent = iter(send(good) if good else ())
    return [one if isinstance(one, SamklangError) else next(sent) for _, one in built]
