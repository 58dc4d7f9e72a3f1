"""Intake: pages of records from a connection into the store, and what each target now lacks.

One page is one transaction: records, bindings, wanted deliveries, and how far the read has come. (Of a catalogue that
comes quickly, several pages together: `_together`.) A run that is killed goes on after its last page where the
connector can (`Page.resume`), else begins anew; hashes make that cheap. The watermark is taken before the read and
moves only when the whole read has gone well; only then, and only after a complete read, is anything concluded to be
gone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from samklang.connectors.contract import Feed, Item, Page
from samklang.connectors.errors import SamklangError
from samklang.connectors.limiter import priority
from samklang.hub import events, guards, leases, placed, store
from samklang.hub.flows import types_to_read
from samklang.hub.journey import TRACED
from samklang.hub.links import Link, open_link, usable, went_well, went_wrong
from samklang.hub.models import Connection, FeedState, Transfer
from samklang.hub.taking import Taker
from samklang.records import types_of_order

#: Lanes by cost of starving: orders first, stock, prices, then the catalogue.
PRIORITY = {
    **dict.fromkeys(sorted(types_of_order()), 0), "customer": 0, "stock": 1, "price": 2, "price_list": 2, "product": 3,
}  # fmt: skip
_URGENT = 1  # of PRIORITY: woken after every page
_OFTEN = 0.5  # seconds between two wake-ups for what is less urgent, while a read goes on
_MANY = 400  # items of pages that are taken together
_QUICK = 0.05  # seconds in which a page came that may wait for the next one

#: Called after a page is committed with each (target connection, type) that has new work.
Notify = Callable[[int, str], None]


class Report(NamedTuple):
    """What a read did, which (target, type) now have work, and the error that ended it."""

    transfer: Transfer
    wake: frozenset[tuple[int, str]]
    failure: SamklangError | None


class Intake:
    """One read of one feed. `observe` names a type whose records are kept although the connection is not their master
    (the plan compares them); `watch` is told of every page."""

    def __init__(
        self,
        row: Connection,
        feed: Feed,
        *,
        link: Link | None = None,
        notify: Notify | None = None,
        observe: str = "",
    ) -> None:
        self.row = row
        self.watch: Callable[[Page], None] | None = None
        self._notify = notify
        self.link = link or open_link(row)
        self.feed = feed
        self.types = types_to_read(row, feed.types) | ({observe} if observe else frozenset())
        self.transfer = Transfer(
            tenant=row.tenant, connection=row, direction="in", what=feed.name, started=timezone.now()
        )
        self._taker = Taker(row, feed.types, self.transfer, observe)
        self._failure: SamklangError | None = None
        self._told = float("-inf")  # when targets were woken last, by time.monotonic
        self._grown = 500  # new records after which the planner should know of them; then ten times as many

    # ---------------------------------------------------------------------------------------------- whole runs

    def run(self, *, sweep: bool = False) -> Report:
        """Read the feed: what changed, or everything when a sweep is due. Errors end in the transfer, not as raised."""
        state, _ = FeedState.objects.get_or_create(tenant=self.row.tenant, connection=self.row, feed=self.feed.name)
        started = datetime.now(UTC)
        cut_off = state.run if state.run.get("types") == sorted(self.types) else {}
        if cut_off:
            started = datetime.fromisoformat(cut_off["started"])
            sweep, since = cut_off["sweep"], cut_off["since"] and datetime.fromisoformat(cut_off["since"])
        else:
            due = not self.types <= set(state.types)  # a flow came since: its type's older records were passed by
            due = due or state.swept_at is None or started - state.swept_at > timedelta(hours=self.feed.sweep_hours)
            sweep = sweep or due or self.feed.changes == "full" or state.watermark is None
            since = (
                None if sweep or not state.watermark else state.watermark - timedelta(seconds=self.feed.lies_seconds)
            )
        taker = self._taker
        taker.generation, taker.sweep, taker.began = state.generation + 1, sweep, timezone.now()
        self.transfer.sweep = sweep
        self.transfer.save()
        began = time.monotonic()
        lane = priority.set(min(PRIORITY.get(type_, 3) for type_ in self.types) if self.types else 3)
        run = {
            "started": started.isoformat(), "sweep": sweep, "since": since and since.isoformat(),
            "types": sorted(self.types),
        }  # fmt: skip
        try:
            pages = self._pages(since, cut_off.get("resume", ""))
            for page in pages if priority.get() == 0 else _together(pages):
                with transaction.atomic():
                    self._taker.take(page)
                    if page.resume:
                        _keep_place(state, {**run, "resume": page.resume})
                self._tell(sparing=True)
                if self.transfer.created >= self._grown:
                    store.analyse()
                    self._grown *= 10
                if self.watch:
                    self.watch(page)
                self.link.capture.flush(least=25)
            if sweep and self.feed.complete and self.transfer.considered:
                self._conclude_gone()
            with transaction.atomic():
                state.watermark, state.read_at, state.run = started, timezone.now(), {}
                state.generation = taker.generation
                if sweep:
                    state.swept_at, state.types = started, sorted(self.types)
                state.save()
            went_well(self.row)
            self._end(began, "ok")
        except SamklangError as error:
            self._failure = error
            went_wrong(self.row, error)
            self._end(began, "failed", str(error))
        except Exception as error:  # a defect: the run must not look as if it were still going
            self._end(began, "failed", f"{error.__class__.__name__}: {error}")
            raise
        finally:
            priority.reset(lane)
        return self._report()

    def _pages(self, since: datetime | None, resume: str) -> Iterator[Page]:
        if self.feed.changes == "bound":
            return self.link.connector.fetch(self.feed.name, placed.orders(self.row, self.feed, self._taker.sweep))
        return self.link.connector.read(self.feed.name, since, self.types, resume)

    def fetch(self, external_ids: Sequence[str]) -> Report:
        """Read single records by external id (after webhooks)."""
        self.transfer.what = f"{self.feed.name} (hook)"
        state = FeedState.objects.filter(tenant=self.row.tenant, connection=self.row, feed=self.feed.name).first()
        self._taker.generation = state.generation if state else 0
        self.transfer.save()
        began = time.monotonic()
        lane = priority.set(0)
        try:
            for page in self.link.connector.fetch(self.feed.name, external_ids):
                with transaction.atomic():
                    self._taker.take(page)
            went_well(self.row)
            self._end(began, "ok")
        except SamklangError as error:
            self._failure = error
            went_wrong(self.row, error)
            self._end(began, "failed", str(error))
        finally:
            priority.reset(lane)
        return self._report()

    def hear(self, page: Page) -> Report:
        """Take records that were told in passing, not by a read; in the caller's transaction."""
        self._taker.take(page)
        return self._report()

    def _tell(self, *, sparing: bool = False) -> None:
        """Wake the targets that have new work. `sparing`, while the read goes on: what can wait only now and then, for
        a delivery that begins for every page costs more than what it sends."""
        if not self._notify:
            return
        now = time.monotonic()
        all_ = not sparing or now - self._told > _OFTEN
        told = {(target, type_) for target, type_ in self._taker.wake if all_ or PRIORITY.get(type_, 3) <= _URGENT}
        for target, type_ in told:
            self._notify(target, type_)
        self._taker.wake -= told
        if all_ and told:
            self._told = now

    def _report(self) -> Report:
        for target, type_ in {(r.flow.target, t) for t in self.feed.types for r in self._taker.routes[t]}:
            if type_ in guards.WATCHED and guards.holds(target, type_):
                guards.judge(target, type_)
                self._taker.wake.add((target.pk, type_))
        wake = frozenset(self._taker.wake)
        self._tell()
        return Report(self.transfer, wake, self._failure)

    def _end(self, began: float, result: str, error: str = "") -> None:
        self.transfer.seconds = time.monotonic() - began
        self.transfer.result, self.transfer.error = result, error
        with transaction.atomic():
            self.transfer.save()
            events.transfer_ended(self.transfer)
        self.link.capture.flush()

    # ---------------------------------------------------------------------------------------------- gone

    def _conclude_gone(self) -> None:
        """After a complete sweep: what it did not show is gone, once the system confirms it where it can be asked."""
        for type_ in self.types & self._taker.sources:
            if type_ in TRACED:
                continue  # facts stay facts
            missing = store.unseen(self.row.tenant_id, self.row.pk, type_, self._taker.generation)
            while missing:
                if self.feed.fetch and type_ == "product":
                    for page in self.link.connector.fetch(self.feed.name, [id_ for _, id_ in missing if id_]):
                        there = {item.record.key for item in page.items if isinstance(item, Item)}
                        with transaction.atomic():
                            self._taker.take(page)
                            store.touch(self.row.tenant_id, self.row.pk, type_, sorted(there), self._taker.generation)
                        missing = [(key, id_) for key, id_ in missing if key not in there]
                with transaction.atomic():
                    self._taker.mark_gone(type_, [key for key, _ in missing])
                missing = store.unseen(self.row.tenant_id, self.row.pk, type_, self._taker.generation)


def _together(pages: Iterator[Page]) -> Iterator[Page]:
    """Pages joined to some hundred items, for a transaction and its dozen statements cost as much for few as for many.

    Only while they come quickly: what a slow system gave is not kept waiting for its next page. The first goes alone,
    so that targets have something to do, and an error comes after all that was read before it.
    """
    most, held = 1, Page([])
    try:
        began = time.monotonic()
        for page in pages:
            quick = time.monotonic() - began < _QUICK
            held = Page([*held.items, *page.items], page.total, page.resume) if held.items else page
            if not quick or len(held.items) >= most:
                yield held
                most, held = _MANY, Page([])
            began = time.monotonic()
    except Exception:  # of any kind: what was read before it is kept first, then it goes on its way
        if held.items:
            yield held
        raise
    if held.items:
        yield held


def _keep_place(state: FeedState, run: dict[str, object]) -> None:
    """Write down how far a read has come: once a page, so without the ORM, which costs more than what it sends."""
    with database.cursor() as cursor:
        cursor.execute("UPDATE hub_feedstate SET run=%s WHERE id=%s", [json.dumps(run), state.pk])


def read(row: Connection, feed_name: str, *, sweep: bool = False, notify: Notify | None = None) -> Report | None:
    """Read a feed of a connection, unless it is paused, its breaker is open, nothing wants its records, or another
    process is reading it."""
    if not usable(row):
        return None
    link = open_link(row)
    feed = next(feed for feed in link.manifest.feeds if feed.name == feed_name)
    intake = Intake(row, feed, link=link, notify=notify)
    if not intake.types:
        return None
    with reading(row, feed) as held:
        return intake.run(sweep=sweep) if held else None


def reading(row: Connection, feed: Feed) -> AbstractContextManager[leases.Held | None]:
    """The lease of whoever reads a feed: gives None while another does."""
    return leases.holding(row.tenant_id, f"in-{row.pk}-{feed.name}")
