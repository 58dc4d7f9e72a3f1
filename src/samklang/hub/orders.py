"""Orders as the hub knows them over all connections, and what a person does with one: release, hold, let go, skip,
resend, amend. Each of these may be repeated; each writes a step that says who did it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_noop

from samklang.connectors.errors import BadData, Locked, Misconfigured
from samklang.hub import listing, problems, store
from samklang.hub.flows import Route, routes
from samklang.hub.journey import step
from samklang.hub.models import Amendment, Binding, Connection, FeedState, Flow, Hold, Master, Stored
from samklang.hub.projection import projection
from samklang.records import Address, Order, OrderStatus, Record, Release, content_hash, decode, encode, types_of_order
from samklang.records.states import LOCKED
from samklang.rules import Ignored

#: A hold keeps these from the other systems; what happened already is still told to the shop.
HELD = frozenset({"order", "release", "capture"})


def channel_of(key: str) -> str:
    """The channel in the key of an order or of something that hangs on one."""
    return key.split("/", 1)[0]


def order_of(key: str) -> str:
    """The order's key in the key of something that hangs on it."""
    return key.split("#", 1)[0]


def masters(tenant: int, type_: str = "order") -> dict[str, int]:
    """Channel → connection that is master of the type."""
    rows = Master.objects.filter(tenant_id=tenant, type=type_).values_list("channel__code", "connection_id")
    return dict(rows)


def stored_orders(tenant: int, keys: Iterable[str], *, lock: bool = False) -> dict[str, Order]:
    """The orders of these keys, as their masters last said them. `lock`: nobody else may derive anything from them
    until the transaction ends (SQLite has one writer anyway)."""
    ruled = masters(tenant)
    by_master: dict[int, list[str]] = defaultdict(list)
    for key in dict.fromkeys(keys):
        if channel_of(key) in ruled:
            by_master[ruled[channel_of(key)]].append(key)
    found: dict[str, Order] = {}
    for master, some in by_master.items():
        if lock:
            store.lock_records(tenant, master, "order", some)
        for key, body in store.bodies(tenant, master, "order", some).items():
            order = decode("order", body)
            assert isinstance(order, Order)
            found[key] = order
    return found


def stored_statuses(tenant: int, keys: Sequence[str]) -> dict[str, dict[int, OrderStatus]]:
    """Order key → connection → what it last said of the order."""
    found: dict[str, dict[int, OrderStatus]] = defaultdict(dict)
    there = connections_of(tenant)
    for start in range(0, len(keys), 500):
        rows = Stored.objects.filter(
            tenant_id=tenant, connection_id__in=there, type="order_status", key__in=keys[start : start + 500]
        )
        for key, connection, body in rows.values_list("key", "connection_id", "body"):
            status = decode("order_status", bytes(body))
            assert isinstance(status, OrderStatus)
            found[key][connection] = status
    return found


def locked(statuses: Mapping[int, OrderStatus]) -> bool:
    """Whether some system has begun to pick the order, or has sent it (O-06)."""
    return any(status.fulfilment in LOCKED for status in statuses.values())


def taken(route: Route, records: Sequence[Record]) -> list[Record]:
    """The records that the route takes. What hangs on an order that was placed before the flow's cut-over date is left
    out like the order itself: old orders in a warehouse change nothing in the shop (O-22)."""
    found = [record for record in records if route.takes(record)]
    flow = route.flow
    if flow.since is None or not found or not found[0].of_order:
        return found
    orders = stored_orders(flow.tenant_id, [order_of(record.key) for record in found])
    fresh = {key for key, order in orders.items() if order.placed_at >= flow.since}
    return [record for record in found if order_of(record.key) in fresh]


# ------------------------------------------------------------------------------------------------ release


class Answer(NamedTuple):
    """What became of one order in a bulk action: done, or why not."""

    key: str
    done: bool
    why: str = ""


def release(tenant: int, keys: Sequence[str], by: str) -> list[Answer]:
    """Let these orders be picked (O-04); in the order of `keys`. One that is released already is done.

    Not done: an order that is unknown, on hold, cancelled, or whose channel has no release flow.
    """
    orders = stored_orders(tenant, keys)
    statuses = stored_statuses(tenant, keys)
    held = set(Hold.objects.filter(tenant_id=tenant, order__in=keys).values_list("order", flat=True))
    flows = {
        flow.channel.code: flow
        for flow in Flow.objects.filter(tenant_id=tenant, type="release", enabled=True).select_related(
            "channel", "source", "target"
        )
    }
    answers: list[Answer] = []
    ready: dict[int, list[Release]] = defaultdict(list)
    for key in keys:
        why = ""
        if key not in orders:
            why = gettext_noop("There is no such order")
        elif key in held:
            why = gettext_noop("The order is on hold")
        elif orders[key].lifecycle == "cancelled":
            why = gettext_noop("The order is cancelled")
        elif channel_of(key) not in flows:
            why = gettext_noop("No flow releases orders of this channel")
        elif not locked(statuses.get(key, {})):
            ready[flows[channel_of(key)].source_id].append(Release(order=key, at=datetime.now(UTC), by=by))
        answers.append(Answer(key, not why, why))
    for source, releases in ready.items():
        row = next(flow.source for flow in flows.values() if flow.source_id == source)
        with transaction.atomic():
            keep_new(row, "release", releases, routes(row, "release"))
            step(row, "release", [(one.order, "released", by) for one in releases])
    return answers


def keep_new(row: Connection, type_: str, records: Sequence[Record], ways: Sequence[Route]) -> list[Record]:
    """Store records that this hub makes itself, under the connection that caused them, and mark them as wanted. One
    that is there already stays as it is: a fact has happened once. The caller has opened the transaction.

    Returns those that are new.
    """
    there = store.bodies(row.tenant_id, row.pk, type_, [record.key for record in records])
    fresh = {record.key: record for record in records if record.key not in there}
    bodies = [(record, encode(record)) for record in fresh.values()]
    store.keep_records(row.tenant_id, row.pk, type_, ((r.key, body, content_hash(body)) for r, body in bodies))
    for route in ways:
        wanted = [store.Wanted(r.key, content_hash(body)) for r, body in bodies if route.takes(r)]
        store.want(row.tenant_id, route.flow.target_id, type_, row.pk, route.flow.pk, wanted)
    return list(fresh.values())


# ------------------------------------------------------------------------------------------------ hold and let go


def hold(tenant: int, key: str, reason: str, by: str) -> None:
    """Keep an order from the other systems until it is let go; what they have already stays as it is there."""
    with transaction.atomic():
        Hold.objects.update_or_create(tenant_id=tenant, order=key, defaults={"reason": reason, "by": by})
        _rows(tenant, key, HELD).filter(state__in=["due", "waiting", "stopped"]).update(state="held", risk="hold")
        _note(tenant, key, "held", f"{by}: {reason}")


def let_go(tenant: int, key: str, by: str) -> int:
    """End every hold on the order: a person's, and that of goods which are sent but not yet paid. Returns how many
    deliveries go on."""
    with transaction.atomic():
        Hold.objects.filter(tenant_id=tenant, order=key).delete()
        freed = (
            _rows(tenant, key)
            .filter(state="held", risk__in=["hold", "unpaid"])
            .update(state="due", risk="", due_at=time.time())
        )
        _note(tenant, key, "let go", by)
    return freed


def retry(tenant: int, key: str, by: str) -> int:
    """Everything of the order that stopped, waits or backs off is tried at once, its buyer too. Returns how many."""
    order = stored_orders(tenant, [key]).get(key)
    with transaction.atomic():
        rows = _rows(tenant, key)
        if order is not None:
            here = connections_of(tenant)
            rows |= Binding.objects.filter(
                tenant_id=tenant, connection_id__in=here, type="customer", key=order.customer.key
            )
        tried = rows.filter(state__in=["stopped", "waiting", "due"], wanted__isnull=False).update(
            state="due", due_at=time.time(), waiting_on=""
        )
        if tried:
            _note(tenant, key, "tried again", by)
    return tried


def retry_at(tenant: int, connection: int, type_: str, key: str, by: str) -> bool:
    """One delivery that stopped, waits or backs off is tried at once. False when there was nothing to try."""
    with transaction.atomic():
        rows = Binding.objects.filter(
            tenant_id=tenant, connection_id=connection, type=type_, key=key, wanted__isnull=False,
            state__in=["stopped", "waiting", "due"],
        )  # fmt: skip
        if not rows.update(state="due", due_at=time.time(), waiting_on=""):
            return False
        step(Connection.objects.get(pk=connection), type_, [(key, "tried again", by)])
    return True


def skip(tenant: int, connection: int, type_: str, key: str, reason: str, by: str) -> bool:
    """A delivery that stopped, waits or is held is given up: the target is left as it is, and the next change goes
    there again. False when there was nothing to give up."""
    with transaction.atomic():
        rows = Binding.objects.filter(tenant_id=tenant, connection_id=connection, type=type_, key=key).exclude(
            state__in=["idle", "sending"]
        )
        given_up = {"delivered": F("wanted"), "state": "idle", "waiting_on": "", "risk": "", "troubled": False}
        row = rows.select_related("flow__target").first()
        if row is None or not rows.update(**given_up, sent=_as_sent(row)):
            return False
        problems.clear(tenant, connection, "out", type_, [key])
        step(Connection.objects.get(pk=connection), type_, [(key, "skipped", f"{by}: {reason}")])
    return True


def _as_sent(row: Binding) -> bytes | None:
    """Hash of what would have been sent: the next change goes there only if it is about something else."""
    body = Stored.objects.filter(
        tenant_id=row.tenant_id, connection=row.source, type=row.type, key=row.key
    ).values_list("body", flat=True).first()  # fmt: skip
    before = None if row.sent is None else bytes(row.sent)
    if body is None or row.flow is None:
        return before
    project = projection(row.flow)
    record = project(decode(row.type, bytes(body)))
    return before if isinstance(record, Ignored) else project.hash(record, bytes(row.wanted or b""))


def resend(tenant: int, connection: int, type_: str, key: str, by: str) -> bool:
    """Send a record again although the target took it: its system lost or spoilt it. Never makes a second one, for
    the target's id is known; a type whose deliveries are no updates (captures, refunds) is refused."""
    if type_ in ("capture", "refund", "void"):
        raise BadData(f"A {type_} cannot be sent twice", where=key, do_this="Correct it at the payment provider.")
    with transaction.atomic():
        rows = Binding.objects.filter(tenant_id=tenant, connection_id=connection, type=type_, key=key)
        done = rows.filter(state="idle", wanted__isnull=False).update(state="due", due_at=time.time(), sent=None)
        if done:
            step(Connection.objects.get(pk=connection), type_, [(key, "resent", by)])
    return bool(done)


def _rows(tenant: int, order: str, types: Iterable[str] = ()) -> QuerySet[Binding]:
    """Deliveries of an order and of what hangs on it. Connection and type are named, or no index serves."""
    here = Q(key=order) | Q(key__gte=f"{order}#", key__lt=f"{order}$")
    types = list(types) or sorted(types_of_order())
    return Binding.objects.filter(here, tenant_id=tenant, connection_id__in=connections_of(tenant), type__in=types)


def connections_of(tenant: int) -> list[int]:
    """A tenant's connections: a query that names them finds the tables' indexes."""
    return list(Connection.objects.filter(tenant_id=tenant).values_list("pk", flat=True))


def _note(tenant: int, key: str, what: str, text: str) -> None:
    master = masters(tenant).get(channel_of(key))
    if master is None:
        raise Misconfigured(f"{key} is no order of a known channel")
    step(Connection.objects.get(pk=master), "order", [(key, what, text)])


# ------------------------------------------------------------------------------------------------ amendments


def amend(tenant: int, key: str, by: str, *, shipping: Address | None = None, billing: Address | None = None) -> None:
    """Correct an order's addresses for all targets: the shop's own order stays as it is, and what it says of other
    things still counts. BadData when the order is unknown; Locked once it is being picked."""
    with transaction.atomic():
        found = stored_orders(tenant, [key], lock=True).get(key)
        if found is None:
            raise BadData(f"There is no order {key}")
        if locked(stored_statuses(tenant, [key]).get(key, {})):
            raise Locked(where=key)
        parts = {"shipping": shipping, "billing": billing}
        fields = {name: msgspec.to_builtins(part) for name, part in parts.items() if part is not None}
        row, made = Amendment.objects.get_or_create(tenant_id=tenant, order=key, defaults={"by": by, "fields": fields})
        if not made:
            row.fields, row.by = {**row.fields, **fields}, by
            row.save()
        master = Connection.objects.get(pk=masters(tenant)[channel_of(key)])
        order = amended(found, row.fields)
        body = encode(order)
        store.keep_records(tenant, master.pk, "order", [(key, body, content_hash(body))])
        listing.note(tenant, master.pk, "order", [listing.Known(order, found)])
        for route in routes(master, "order"):
            if route.takes(order):
                wanted = [store.Wanted(key, content_hash(body), on_hold(tenant, [key], "order").get(key, ""))]
                store.want(tenant, route.flow.target_id, "order", master.pk, route.flow.pk, wanted)
        step(master, "order", [(key, "amended", f"{by}: {', '.join(fields)}")])


def amended(order: Order, fields: Mapping[str, object]) -> Order:
    """The order with these addresses."""
    return msgspec.structs.replace(order, **{name: msgspec.convert(part, Address) for name, part in fields.items()})


def amendments(tenant: int, keys: Sequence[str]) -> dict[str, dict[str, object]]:
    """Order key → corrected fields, for orders that a person has amended."""
    return dict(Amendment.objects.filter(tenant_id=tenant, order__in=keys).values_list("order", "fields"))


def on_hold(tenant: int, keys: Sequence[str], type_: str) -> dict[str, str]:
    """Key → `hold` for what is not to be sent because its order is on hold."""
    if type_ not in HELD or not keys:
        return {}
    orders = {key: order_of(key) for key in keys}
    held = set(Hold.objects.filter(tenant_id=tenant, order__in=set(orders.values())).values_list("order", flat=True))
    return {key: "hold" for key, order in orders.items() if order in held}


# ------------------------------------------------------------------------------------------------ release times


def release_due(now: datetime) -> int:
    """Release what is ready, of every release flow one of whose `times` (07:00, in the channel's zone) has come since
    the last look; returns how many orders. The first look only starts the clock (Q-16).

    Ready is what the warehouse says is in stock (`ready`); what waits for stock goes at a later time.
    """
    count = 0
    for flow in Flow.objects.filter(type="release", enabled=True).select_related(
        "channel", "source", "target", "tenant"
    ):
        times = flow.options.get("times") or ()
        if not times:
            continue
        with transaction.atomic():
            place: dict[str, Any] = {
                "tenant": flow.tenant,
                "connection": flow.source,
                "feed": f"release {flow.channel.code}",
            }
            FeedState.objects.get_or_create(**place)
            state = FeedState.objects.select_for_update().get(**place)
            before, state.read_at = state.read_at, max(now, state.read_at or now)
            state.save(update_fields=["read_at"])
            if before is not None and _has_come(times, before, now, ZoneInfo(flow.channel.time_zone)):
                keys = _ready(flow)
                count += sum(answer.done for answer in release(flow.tenant_id, keys, "the release time"))
    return count


def _has_come(times: Iterable[str], after: datetime, until: datetime, zone: ZoneInfo) -> bool:
    """Whether one of these times of day lies after one instant and not after the other."""
    day = after.astimezone(zone).date()
    while day <= until.astimezone(zone).date():
        for text in times:
            if after < datetime.combine(day, time_of_day.fromisoformat(text), zone) <= until:
                return True
        day += timedelta(days=1)
    return False


def _ready(flow: Flow) -> list[str]:
    """Orders of the flow's channel that its warehouse has in stock and that nobody released."""
    prefix = f"{flow.channel.code}/"
    here = Stored.objects.filter(tenant_id=flow.tenant_id, key__gte=prefix, key__lt=f"{flow.channel.code}0")
    released = set(here.filter(connection=flow.source, type="release").values_list("key", flat=True))
    found: list[str] = []
    for key, body in here.filter(connection=flow.target, type="order_status").values_list("key", "body").iterator():
        status = decode("order_status", bytes(body))
        if isinstance(status, OrderStatus) and status.fulfilment == "ready" and key not in released:
            found.append(key)
    return found
