"""Delivery: what a target lacks is claimed in sets, sent in batches that overlap, and each item's result is kept.

A claim is committed before anything is sent. So whatever moment the process is killed, the next drain finds the rows
in `sending` under an old lease number, and a create among them is in doubt: the hub first looks for our reference at
the target, then creates. An error's type says what becomes of its record (see connectors/errors.py).
"""

from __future__ import annotations

import random
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from samklang.connectors.contract import Done, Item, Match, Page, Result, Want, Write
from samklang.connectors.errors import (
    NOT_A_RECORD,
    BadData,
    ByHand,
    Pause,
    RateLimited,
    Rejected,
    Retry,
    SamklangError,
    Superseded,
    Wait,
)
from samklang.connectors.limiter import priority
from samklang.connectors.transport import about, may_send
from samklang.hub import events, leases, listing, metrics, problems, store, traces
from samklang.hub.attempt import Attempt
from samklang.hub.derive import paid
from samklang.hub.intake import PRIORITY, Intake, Notify
from samklang.hub.journey import TRACED, said, step
from samklang.hub.links import Link, open_link, usable, went_well, went_wrong
from samklang.hub.models import Binding, Connection, Flow, Restore, Transfer
from samklang.hub.orders import order_of
from samklang.hub.pots import send_again
from samklang.hub.projection import Projection, projection
from samklang.hub.touched import touch_orders
from samklang.records import Order, OrderStatus, Record, content_hash, decode, encode, record_class, record_types
from samklang.rules import Ignored, RuleFailed

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 3600.0
_SLICE = 20.0  # seconds after which a drain steps back, so that others have their turn
_SILENT = 45.0  # seconds that a call may take whose sender we only know to be silent
_SPOKEN_OF = 5  # technical failures of one record before it becomes a problem
_PATIENCE = 900.0  # seconds after which a waiting record is looked at again (and becomes a problem)
#: Types that have an external id of their own; stock, price and status hang on another record's.
_OWN_ID = frozenset(type_ for type_ in record_types() if record_class(type_).own_id)
_MADE = ("created", "updated", "matched")
_AT_ONCE = 500  # rows claimed at a time, at the most


class _Work(NamedTuple):
    """A claimed row on its way: the want, and what its delivery will be remembered as."""

    claimed: store.Claimed
    want: Want
    sent: bytes


class Drain:
    """Sends everything that is due of one type at one target, under a lease."""

    def __init__(
        self, row: Connection, type_: str, held: leases.Held, link: Link, notify: Notify | None = None
    ) -> None:
        self.row = row
        self._notify = notify
        self._wake: set[tuple[int, str]] = set()  # (target, type) that have work because of what was delivered here
        self.type = type_
        self.held = held
        self.link = link
        self.tenant = row.tenant_id
        self.how: Write = link.manifest.writes[type_]
        flows = Flow.objects.filter(target=row, type=type_).select_related("target", "channel")
        self.flows = {flow.pk: flow for flow in flows}
        self._projections: dict[int, Projection] = {pk: projection(flow) for pk, flow in self.flows.items()}
        # Only where the hub also reads this type from the target can our own write come back as news.
        self.read_back = Flow.objects.filter(source=row, type=type_).exists()
        self.transfer = Transfer(tenant=row.tenant, connection=row, direction="out", what=type_, started=timezone.now())
        self.attempt = Attempt(link, type_, self.how)
        self._send = partial(traces.send, row, type_, self.attempt) if type_ in TRACED else self.attempt
        self.bound: list[tuple[str, str]] = []
        self.stopped = False
        self.restored = Restore.lately()  # then what we would create may have been created by the hub that was lost

    def run(self) -> Transfer:
        """Drain until nothing is due, the time is up, the connection must pause, or the lease is lost."""
        began = time.monotonic()
        settle = 0.0 if self.how.create != "lookup" else _SILENT if self.held.silent else self.how.settles
        with transaction.atomic():
            store.recover(self.tenant, self.row.pk, self.type, self.held.token, settle)
        lane = priority.set(PRIORITY.get(self.type, 3))
        try:
            self._drain(max(1, self.how.width), max(1, self.how.batch))
        finally:
            priority.reset(lane)
            self.transfer.seconds = time.monotonic() - began
            if self.transfer.result == "running":
                self.transfer.result = "ok"
            if self.transfer.considered:
                with transaction.atomic():
                    self.transfer.save()
                    events.transfer_ended(self.transfer)
            self.link.capture.flush()
        return self.transfer

    def _drain(self, width: int, size: int) -> None:
        """Keep `width` batches on their way: while they are, the next rows are claimed and prepared."""
        until = time.monotonic() + _SLICE
        ready: deque[list[_Work]] = deque()
        running: dict[Future[list[Result | Match]], list[_Work]] = {}
        with ThreadPoolExecutor(width, thread_name_prefix=f"send-{self.row.name}") as pool:
            while True:
                while len(running) < width and self.held.valid and not self.stopped and time.monotonic() < until:
                    if not ready:
                        work = self._claim(min(_AT_ONCE, size * width))
                        if work is None:
                            break
                        ready.extend(work[n : n + size] for n in range(0, len(work), size))
                        continue
                    batch = ready.popleft()
                    context = copy_context()
                    context.run(about.set, tuple(item.want.key for item in batch))
                    context.run(may_send.set, lambda: self.held.valid)
                    running[pool.submit(context.run, self._send, [item.want for item in batch])] = batch
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._settle(running.pop(future), future.result())
        for batch in ready:  # claimed and not sent
            self._finish([self._again(item.claimed) for item in batch])

    # ------------------------------------------------------------------------------------------- before sending

    def _claim(self, most: int) -> list[_Work] | None:
        """The next due rows, prepared; None when there are none, or when another has taken the lane."""
        with transaction.atomic():
            mine = self.held.renew()  # in this transaction: who has lost the lane claims nothing
            rows = store.claim(self.tenant, self.row.pk, self.type, most, self.held.token) if mine else []
        if not rows:
            return None
        self.transfer.considered += len(rows)
        return self._prepare(rows)

    def _prepare(self, rows: list[store.Claimed]) -> list[_Work]:
        """Rules out, mask, mode and needs: what is left is to be sent. The rest is settled here."""
        outcomes: list[store.Outcome] = []
        troubles: list[problems.Trouble] = []
        ready: list[tuple[store.Claimed, Record, bytes, Flow]] = []
        for row in rows:
            flow = self.flows.get(row.flow_id)
            if flow is None or not flow.enabled or row.body is None:
                outcomes.append(store.Outcome(row.key, "parked"))  # due again when the flow is switched on
                self.transfer.skipped += 1
                continue
            try:
                project = self._projections[flow.pk]
                record = project(decode(self.type, row.body))
                if self.how.carrier and isinstance(record, Order):
                    _has_carrier(record, self.row)
            except (RuleFailed, BadData) as failure:
                error = (
                    failure if isinstance(failure, BadData) else BadData(str(failure), where=f"{self.type} {row.key}")
                )
                outcomes.append(self._stopped(row))
                troubles.append(problems.Trouble("out", self.type, row.key, error, row.external_id or ""))
                self.transfer.failed += 1
                continue
            if isinstance(record, Ignored):
                sent, skip = b"", True
            else:
                sent = project.hash(record, row.wanted)
                skip = sent == row.sent or self._against_mode(flow, row)
            if skip:
                outcomes.append(store.Outcome(row.key, "idle", delivered=row.wanted, troubled=False))
                self.transfer.skipped += 1
                if row.troubled:
                    problems.clear(self.tenant, self.row.pk, "out", self.type, [row.key])
                continue
            assert not isinstance(record, Ignored)
            ready.append((row, record, sent, flow))
        names = [
            name
            for row, record, _, flow in ready
            for name in (
                *(record.parts() if row.external_id else ()),
                *(name for need in self._needs(record) for name in self._projections[flow.pk].known_as(need)),
            )
        ]
        ids = store.ids_of(self.tenant, self.row.pk, names) if names else {}
        work: list[_Work] = []
        for row, record, sent, flow in ready:
            own = {name: ids[name] for name in record.parts() if name in ids} if ids else {}
            missing = None
            for need in self._needs(record):
                names_of = self._projections[flow.pk].known_as(need)
                known = next((ids[name] for name in names_of if name in ids), None)
                if known is None:
                    missing = missing or names_of[0]
                else:
                    own[need] = known
            if missing:
                outcomes.append(self._waiting(row, Wait(*missing), troubles))
                continue
            want = Want(
                key=row.key, record=record, external_id=row.external_id or "", ids=own, reference=row.key,
                fields=frozenset(flow.fields) or None, doubt=row.doubt or self.restored,
                options={"dimension": flow.channel.dimension, **flow.options},
            )  # fmt: skip
            work.append(_Work(row, want, sent))
        if troubles:
            problems.report(self.tenant, self.row.pk, troubles)
        if outcomes:
            self._finish(outcomes)
        return work

    def _needs(self, record: Record) -> list[tuple[str, str]]:
        return [need for need in record.needs() if need[0] in self.how.needs]

    def _against_mode(self, flow: Flow, row: store.Claimed) -> bool:
        """Create-only flows leave alone what exists; update-only flows make nothing new."""
        if row.doubt and row.external_id:
            return False  # ours, half made by an earlier try: it is finished first
        there = row.external_id is not None or row.delivered is not None
        if flow.mode == "create":
            return there
        return flow.mode == "update" and not there and self.type in _OWN_ID

    # ------------------------------------------------------------------------------------------- after sending

    def _settle(self, batch: Sequence[_Work], results: Sequence[Result | Match]) -> None:
        """Turn results into states; all of a batch in one transaction."""
        outcomes: list[store.Outcome] = []
        troubles: list[problems.Trouble] = []
        parts: dict[str, dict[str, str]] = {}
        steps: list[tuple[str, str, str]] = []
        well: list[str] = []
        taken: list[str] = []  # for the first time, and from us
        worst: SamklangError | None = None
        for item, result in zip(batch, results, strict=True):
            row = item.claimed
            if isinstance(result, Match):
                outcomes.append(self._matched(item, result, parts))
                if self._is_ours(item, result):
                    taken.append(row.key)
                steps.append((row.key, "matched", result.external_id))
                if row.troubled:
                    well.append(row.key)
            elif isinstance(result, Rejected) and result.existing and not row.external_id:
                outcomes.append(store.Outcome(row.key, "due", external_id=result.existing, attempts=row.attempts))
                if item.want.doubt:  # in its way is what an earlier try of ours has made
                    taken.append(row.key)
                self.bound.append((self.type, row.key))
                steps.append((row.key, "matched", result.existing))
            elif isinstance(result, Done):
                seen = self._seen(result)
                outcomes.append(
                    store.Outcome(
                        row.key, "idle", delivered=row.wanted, sent=item.sent, seen=seen,
                        external_id=result.external_id or None,
                    )
                )  # fmt: skip
                for part in result.parts:
                    parts.setdefault(part.type, {})[part.key] = part.external_id
                if result.external_id:
                    self.bound.append((self.type, row.key))
                created = row.delivered is None and not row.external_id
                self.transfer.created += created
                self.transfer.updated += not created
                if created or row.doubt:  # in doubt: an earlier try had made half of it
                    taken.append(row.key)
                text = _told(row, item.want.record, result) if self.type in TRACED else ""
                steps.append((row.key, "created" if created else "updated", text))
                if row.troubled:
                    well.append(row.key)
                if result.by_hand:
                    task = ByHand(result.by_hand, where=row.key)
                    troubles.append(problems.Trouble("out", self.type, row.key, task, result.external_id))
            elif isinstance(result, Wait):
                outcomes.append(self._waiting(row, result, troubles))
                steps.append((row.key, "waits", result.what))
            elif isinstance(result, Pause):
                worst = result
                outcomes.append(self._again(row))
                steps.append((row.key, "paused", result.what))
            elif isinstance(result, Retry):
                worst = worst or result
                outcomes.append(self._later(row, result, troubles))
                steps.append((row.key, "retry", result.what))
                self.transfer.failed += 1
            else:
                outcomes.append(self._stopped(row))
                troubles.append(problems.Trouble("out", self.type, row.key, result, row.external_id or ""))
                steps.append((row.key, "stopped", f"{result.what.rstrip('.')}. {result.do_this}".rstrip()))
                self.transfer.failed += 1
        with transaction.atomic():
            self._finish(outcomes, parts, taken)
            if well:
                problems.clear(self.tenant, self.row.pk, "out", self.type, well)
            if troubles:
                problems.report(self.tenant, self.row.pk, troubles)
            if self.type in TRACED:
                step(self.row, self.type, steps)
            there = [key for key, what, _ in steps if what in ("created", "matched")]
            if self.type == "capture" and there:
                self._wake |= paid(self.tenant, self.row.pk, [order_of(key) for key in there])
            if self.type == "order" and there:
                self._acknowledge(there)
            if self.how.takes_stock:
                sent = {item.want.key for item in batch if _has_left(item.want.record)}
                send_again(self.row, sorted({order_of(key) for key, what, _ in steps if key in sent and what in _MADE}))
        for target, kind in self._wake if self._notify else ():
            assert self._notify
            self._notify(target, kind)
        self._wake.clear()
        metrics.sent(self.type, steps)
        if isinstance(worst, Superseded):
            self.stopped = True
        elif worst is not None:
            went_wrong(self.row, worst)
            if isinstance(worst, Pause) or not usable(self.row):
                self.stopped = True
                self.transfer.result, self.transfer.error = "failed", str(worst)
        else:
            went_well(self.row)

    def _acknowledge(self, keys: list[str]) -> None:
        """The target has the order: that is a status of its own, told to the shop at once and not only when the target
        is read again (P-07). What the target says later goes on from there."""
        feed = self.link.manifest.feed_for("order_status")
        if feed is None or not Flow.objects.filter(source=self.row, type="order_status", enabled=True).exists():
            return
        said = store.known(self.tenant, self.row.pk, "order_status", keys)
        news = [OrderStatus(order=key, lifecycle="confirmed") for key in keys if key not in said]
        if news:
            report = Intake(self.row, feed, link=self.link).hear(Page([Item(record=status) for status in news]))
            self._wake |= report.wake

    def _seen(self, result: Done) -> bytes | None:
        """Hash of how the target now states the record, where reading it back could be taken for news."""
        if not self.read_back or result.seen is None:
            return None
        try:
            seen = result.seen() if callable(result.seen) else result.seen
        except NOT_A_RECORD:  # the target states it in a way that is no record: reading it back will say so
            return None
        return content_hash(encode(seen)) if seen is not None else None

    def _matched(self, item: _Work, match: Match, parts: dict[str, dict[str, str]]) -> store.Outcome:
        """The target already holds the record: bind to it, and update it where that is the flow's business.

        Found by our reference after doubt, it is what we sent: done. Found by a word that is neither, it is ours but
        half made (see contract.Match): doubt stays, and the next round finishes it whatever the flow's mode.
        """
        for part in match.parts:
            parts.setdefault(part.type, {})[part.key] = part.external_id
        self.bound.append((self.type, item.want.key))
        self.transfer.skipped += 1
        flow, doubt = self.flows[item.claimed.flow_id], item.want.doubt
        half_made = doubt and match.by != "reference" and match.by not in self.attempt.keys(item.want)
        if self._is_ours(item, match) or not (half_made or (flow.mode != "create" and self.how.update)):
            done = item.claimed.wanted
            return store.Outcome(item.want.key, "idle", delivered=done, sent=item.sent, external_id=match.external_id)
        return store.Outcome(item.want.key, "due", external_id=match.external_id, doubt=half_made)

    def _is_ours(self, item: _Work, match: Match) -> bool:
        """Whether what was found is what we sent before and were not told of. A lost hub's fact is our fact; of an
        article it may have sent other words than ours."""
        found = item.want.doubt and match.by == "reference"
        return found and (not self.restored or self.type in TRACED)

    def _finish(
        self, outcomes: list[store.Outcome], parts: dict[str, dict[str, str]] | None = None, taken: Sequence[str] = ()
    ) -> None:
        with transaction.atomic(savepoint=False):  # in that of `_settle`, or its own
            if self.type in ("order", "order_status"):  # by the order's key, both
                touch_orders(self.tenant, [one.key for one in outcomes if one.delivered is not None] + list(taken))
            if self.type == "order" and taken:
                listing.transferred(self.tenant, dict.fromkeys(taken, time.time()))
            for kind, ids in (parts or {}).items():
                store.bind(self.tenant, self.row.pk, kind, ((key, id_, None, 0) for key, id_ in ids.items()))
                self.bound += [(kind, key) for key in ids]
            store.finish(self.tenant, self.row.pk, self.type, self.held.token, outcomes)
            waiting = [tuple(o.waiting_on.split(":", 1)) for o in outcomes if o.waiting_on]
            if waiting:  # what they wait for may have come between our look and now
                there = store.ids_of(self.tenant, self.row.pk, [(w[0], w[1]) for w in waiting])
                store.release_waiting(self.tenant, self.row.pk, list(there))
            if self.bound:
                if store.waits(self.tenant, self.row.pk):
                    store.release_waiting(self.tenant, self.row.pk, self.bound)
                self.bound.clear()

    def _stopped(self, row: store.Claimed) -> store.Outcome:
        return store.Outcome(row.key, "stopped", attempts=row.attempts + 1, doubt=row.doubt, troubled=True)

    def _again(self, row: store.Claimed) -> store.Outcome:
        """Not sent, or surely not taken: due as before."""
        return store.Outcome(row.key, "due", attempts=row.attempts, doubt=row.doubt, troubled=row.troubled)

    def _later(self, row: store.Claimed, error: Retry, troubles: list[problems.Trouble]) -> store.Outcome:
        attempts = row.attempts + 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(row.attempts, 12)) * random.uniform(0.8, 1.2)  # noqa: S311
        if isinstance(error, RateLimited):
            pause = min(_LONGEST_PAUSE, max(error.retry_after, 1.0))
        doubt = row.doubt or (error.maybe_applied and not row.external_id)
        if doubt and self.how.create == "lookup":
            pause = max(pause, self.how.settles)
        troubled = row.troubled or attempts >= _SPOKEN_OF
        if attempts >= _SPOKEN_OF:
            troubles.append(problems.Trouble("out", self.type, row.key, error, row.external_id or ""))
        unsure = store.UNSURE if error.maybe_applied else None
        return store.Outcome(
            row.key, "due", due_at=time.time() + pause, attempts=attempts, troubled=troubled, doubt=doubt,
            delivered=unsure if row.delivered is not None else None, sent=unsure if row.sent is not None else None,
        )  # fmt: skip

    def _waiting(self, row: store.Claimed, error: Wait, troubles: list[problems.Trouble]) -> store.Outcome:
        late = row.attempts > 0  # its patience has run out before (wake_waiting)
        if late:
            troubles.append(problems.Trouble("out", self.type, row.key, error, row.external_id or ""))
        return store.Outcome(
            row.key, "waiting", attempts=row.attempts, waiting_on=":".join(error.needs), doubt=row.doubt,
            due_at=time.time() + _PATIENCE, troubled=late or row.troubled,
        )  # fmt: skip


def _told(row: store.Claimed, record: Record, done: Done) -> str:
    """What the journey says of a record that the target took: its id there, and what it is."""
    return " · ".join(part for part in (done.external_id or row.external_id or "", said(record)) if part)


def _has_left(record: Record) -> bool:
    """Whether the record tells that goods have left the house."""
    return not isinstance(record, OrderStatus) or record.fulfilment in ("partly_shipped", "shipped", "delivered")


def _has_carrier(order: Order, target: Connection) -> None:
    """BadData when the order's shipping method has no carrier code: it stops here and not at the packing table."""
    if not order.carrier_code and order.lifecycle != "cancelled":
        raise BadData(
            f"The shipping method '{order.shipping_method}' has no carrier code for {target.name}",
            where=f"order {order.key} shipping_method",
            do_this="Map the method to a carrier and service code in the flow of orders; the order is then sent.",
        )


def deliver(row: Connection, type_: str, notify: Notify | None = None) -> Transfer | None:
    """Drain one type at one target, unless the connection may not be called or another worker is at it. `notify` is
    called with each (target, type) that has new work because of it: a shop hears that the ERP has its order."""
    if not usable(row):
        return None
    link = open_link(row)
    if type_ not in link.manifest.writes:
        return None
    with leases.holding(row.tenant_id, f"out-{row.pk}-{type_}") as held:
        if held is None:
            return None
        return Drain(row, type_, held, link, notify).run()


def retry(tenant: int, connection: int | None = None, type_: str = "", key: str = "") -> int:
    """Records that stopped, wait or back off become due at once. Returns how many."""
    rows = Binding.objects.filter(tenant_id=tenant, state__in=["stopped", "waiting", "due"], wanted__isnull=False)
    if connection:
        rows = rows.filter(connection_id=connection)
    if type_:
        rows = rows.filter(type=type_)
    if key:
        rows = rows.filter(key=key)
    return rows.update(state="due", due_at=time.time(), waiting_on="")


def wake_waiting() -> None:
    """Records that should wait no longer, over all tenants; part of the periodic look.

    A due time further away than any pause was written by a wrong clock. Patience is over; or what they wait for is
    there, and nobody released them: on PostgreSQL the transaction that brings a record and the one that begins to wait
    for it can pass each other unseen.
    """
    Binding.objects.filter(state="waiting", due_at__lt=time.time()).exclude(waiting_on="").update(
        state="due", due_at=time.time(), waiting_on="", attempts=F("attempts") + 1
    )
    store.bring_forward(time.time() + 1.2 * _LONGEST_PAUSE + 60)
    places: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for tenant, connection, name in store.waiting(1000):
        type_, _, key = name.partition(":")
        places[tenant, connection].append((type_, key))
    for (tenant, connection), names in places.items():
        with transaction.atomic():
            store.release_waiting(tenant, connection, list(store.ids_of(tenant, connection, names)))
