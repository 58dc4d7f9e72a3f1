"""Rules and conditions tried on real records, before anything of them is switched on. Nothing is stored or sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Q

from samklang.connectors.contract import Item
from samklang.connectors.errors import Misconfigured, SamklangError
from samklang.hub import rulesets
from samklang.hub.links import open_link
from samklang.hub.models import Binding, Channel, Connection, Flow, Stored
from samklang.hub.rulesets import Direction
from samklang.records import Record, decode, types_of_order
from samklang.rules import Ignored, InvalidRules, Rule, Step, compile, load, preview

_FEW = 8  # records offered
_LAST = "\U0010ffff"  # comes after every character of a key
_LOOKED_AT = 200  # records that a condition is counted over


class Sample(NamedTuple):
    """A record to try rules on. `asked`: it was read from the system just now, as it says it; else it is what the hub
    keeps, and `note` says what that means."""

    record: Record
    note: str = ""


class Tried(NamedTuple):
    """What rules did to a record, or why they cannot be used (`wrong`, about rule `rule` and `field` of it). `after` is
    the record as it goes on; None where a rule has left it out or stopped it."""

    steps: tuple[Step, ...] = ()
    after: Record | None = None
    wrong: str = ""
    rule: int = 0
    field: str = ""


def offered(row: Connection, direction: Direction, type_: str, search: str = "") -> list[str]:
    """Keys of a few records that pass here, whose key (or number in a channel) begins with `search`."""
    rows = _stored(row, direction, type_)
    if search := search.strip():
        channels = Channel.objects.filter(tenant=row.tenant).values_list("code", flat=True)
        starts = [search, search.casefold(), *(f"{code}/{search}" for code in channels if type_ in types_of_order())]
        begins = Q()
        for start in dict.fromkeys(starts):
            begins |= Q(key__gte=start, key__lt=start + _LAST)
        rows = rows.filter(begins)
    return list(rows.order_by("-key").values_list("key", flat=True)[:_FEW])


def sample(row: Connection, direction: Direction, type_: str, key: str = "") -> Sample | None:
    """The record with this key, or the newest, as it comes to the rules of this place; None where there is none."""
    rows = _stored(row, direction, type_)
    found = (rows.filter(key=key) if key else rows.order_by("-key")).first()
    if found is None:
        return None
    stored = decode(type_, bytes(found.body))
    if direction == "out" or rulesets.chain(row, "in", type_) is None:
        return Sample(stored)
    fresh = _fetched(row, type_, found.key)
    if fresh is not None:
        return Sample(fresh)
    return Sample(stored, "This is the record after the rules that run now: the system cannot give single records.")


def tried(rules: Iterable[Any], record: Record, connection: str, direction: Direction) -> Tried:
    """Play rules (as plain data) on a record, rule by rule."""
    try:
        loaded: tuple[Rule, ...] = load(list(rules), record.type)
        here = rulesets.context(connection, direction)
        steps = preview(loaded, record, here)
        ended = steps and (steps[-1].ignored or steps[-1].failed)
        after = None if ended else compile(loaded, record.type)(record, here)
        assert not isinstance(after, Ignored), "no step of the preview has left it out"
        return Tried(steps, after)
    except InvalidRules as error:
        return Tried(wrong=error.reason, rule=error.rule, field=error.field)


class Counted(NamedTuple):
    """How many of the newest records a condition takes."""

    takes: int
    of: int
    examples: list[str]


def counted(flow_source: Connection, type_: str, when: Any) -> Counted:
    """How many of the source's newest records a condition would take. Misconfigured when it is not well formed."""
    holds = rulesets.condition(when, type_)
    rows = Stored.objects.filter(tenant=flow_source.tenant, connection=flow_source, type=type_, gone=False)
    bodies = rows.order_by("-key").values_list("body", flat=True)[:_LOOKED_AT]
    records = [decode(type_, bytes(body)) for body in bodies]
    taken = [record.key for record in records if holds(record)]
    return Counted(len(taken), len(records), taken[:3])


def _stored(row: Connection, direction: Direction, type_: str) -> Any:
    """Records that pass this place: the connection's own on the way in, its masters' on the way out."""
    sources = [row.pk]
    if direction == "out":
        flows = Flow.objects.filter(tenant=row.tenant, target=row, type=type_)
        others = Connection.objects.filter(tenant=row.tenant).exclude(pk=row.pk)  # no flow yet: any that has some
        sources = list(flows.values_list("source", flat=True)) or list(others.values_list("pk", flat=True))
    return Stored.objects.filter(tenant=row.tenant, connection__in=sources, type=type_, gone=False)


def _fetched(row: Connection, type_: str, key: str) -> Record | None:
    """The record as the system itself says it now, where it can give single ones."""
    try:
        link = open_link(row)
        feed = link.manifest.feed_for(type_)
        bound = Binding.objects.filter(tenant=row.tenant, connection=row, type=type_, key=key).first()
        if feed is None or not feed.fetch or bound is None or not bound.external_id:
            return None
        try:
            for page in link.connector.fetch(feed.name, [bound.external_id]):
                for item in page.items:
                    if isinstance(item, Item) and item.record.type == type_:
                        return item.record
        finally:
            link.capture.flush()
    except SamklangError:  # a preview is shown all the same, on what the hub keeps
        return None
    return None


def refuse(when: Any, type_: str) -> str:
    """Why a condition cannot be used, "" when it can."""
    try:
        rulesets.condition(when, type_)
    except Misconfigured as error:
        return error.what
    return ""
