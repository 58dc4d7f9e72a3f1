"""Intake: pages of records from a connection into the store, and what each target now lacks.

One page is one transaction: records, bindings, wanted deliveries, and how far the read has come. A run that is killed
goes on after its last page where the connector can (`Page.resume`), else begins anew; hashes make that cheap. The
watermark is taken before the read and moves only when the whole read has gone well; only then, and only after a
complete read, is anything concluded to be gone.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
from django.db import transaction
from django.utils import timezone

from samklang.connectors.contract import Bad, Feed, Gone, Item, Page
from samklang.connectors.errors import BadData, SamklangError, bad_data
from samklang.connectors.limiter import priority
from samklang.derivations.edits import differs
from samklang.hub import events, guards, leases, listing, metrics, placed, problems, store
from samklang.hub.derive import Derivations
from samklang.hub.flows import Route, routes, types_to_read, with_causes
from samklang.hub.guests import introduce
from samklang.hub.journey import TRACED, said, step
from samklang.hub.links import Link, open_link, usable, went_well, went_wrong
from samklang.hub.models import Binding, Connection, FeedState, Flow, Step, Stored, Transfer
from samklang.hub.orders import amended, amendments, on_hold, stored_orders, taken
from samklang.hub.pots import stock_pots
from samklang.hub.rulesets import Chain, chain
from samklang.records import (
    InvalidRecord,
    Order,
    OrderEdit,
    OrderStatus,
    Product,
    Record,
    StockLevel,
    content_hash,
    decode,
    encode,
    record_types,
    types_of_order,
)
from samklang.records.states import AXES, axes_of, forward
from samklang.rules import Ignored, RuleFailed

#: Lanes by cost of starving: orders first, stock, prices, then the catalogue.
PRIORITY = {
    **dict.fromkeys(sorted(types_of_order()), 0), "customer": 0, "stock": 1, "price": 2, "price_list": 2, "product": 3,
}  # fmt: skip


#: Called after a page is committed with each (target connection, type) that has new work.
Notify = Callable[[int, str], None]


class Report(NamedTuple):
    """What a read did, which (target, type) now have work, and the error that ended it."""

    transfer: Transfer
    wake: frozenset[tuple[int, str]]
    failure: SamklangError | None


class _Entry(NamedTuple):
    """A record on its way into the store: what is kept of it, and the hash of what the system said."""

    item: Item
    record: Record
    body: bytes
    hash: bytes


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
        self.tenant = row.tenant_id
        self.generation = 0
        self.sweep = False
        self.wake: set[tuple[int, str]] = set()
        self._routes: dict[str, list[Route]] = {type_: routes(row, type_) for type_ in record_types()}
        self._sources = set(Flow.objects.filter(tenant=row.tenant, source=row).values_list("type", flat=True))
        self._kept = with_causes(self._sources) | ({observe} if observe else set())
        self._failure: SamklangError | None = None
        self._chains: dict[str, Chain] = {type_: chain(row, "in", type_) for type_ in feed.types}
        self._ill = problems.open_names(self.tenant, row.pk, "in")
        self._derivations = Derivations(row)
        self._changed: dict[str, list[Record]] = {}  # of this page, by type
        self._began = timezone.now()  # moves to the moment before the first call of a read
        self._grown = 500  # new records after which the planner should know of them; then ten times as many
        self._seen_here: dict[str, str] = {}  # "type:key" of this page → external id, to find doubles
        self.transfer = Transfer(
            tenant=row.tenant, connection=row, direction="in", what=feed.name, started=timezone.now()
        )

    # ---------------------------------------------------------------------------------------------- whole runs

    def run(self, *, sweep: bool = False) -> Report:
        """Read the feed: what changed, or everything when a sweep is due. Errors end in the transfer, not as raised."""
        state, _ = FeedState.objects.get_or_create(tenant=self.row.tenant, connection=self.row, feed=self.feed.name)
        started = datetime.now(UTC)
        cut_off = state.run if state.run.get("types") == sorted(self.types) else {}
        if cut_off:
            started = datetime.fromisoformat(cut_off["started"])
            self.sweep, since = cut_off["sweep"], cut_off["since"] and datetime.fromisoformat(cut_off["since"])
            self.generation = state.generation + 1
        else:
            due = not self.types <= set(state.types)  # a flow came since: its type's older records were passed by
            due = due or state.swept_at is None or started - state.swept_at > timedelta(hours=self.feed.sweep_hours)
            self.sweep = sweep or due or self.feed.changes == "full" or state.watermark is None
            since = (
                None if self.sweep or not state.watermark
                else state.watermark - timedelta(seconds=self.feed.lies_seconds)
            )  # fmt: skip
            self.generation = state.generation + 1
        self._began = timezone.now()
        self.transfer.sweep = self.sweep
        self.transfer.save()
        began = time.monotonic()
        lane = priority.set(min(PRIORITY.get(type_, 3) for type_ in self.types) if self.types else 3)
        run = {
            "started": started.isoformat(), "sweep": self.sweep, "since": since and since.isoformat(),
            "types": sorted(self.types),
        }  # fmt: skip
        try:
            for page in self._pages(since, cut_off.get("resume", "")):
                with transaction.atomic():
                    self.take(page)
                    if page.resume:
                        FeedState.objects.filter(pk=state.pk).update(run={**run, "resume": page.resume})
                self._tell()
                if self.transfer.created >= self._grown:
                    store.analyse()
                    self._grown *= 10
                if self.watch:
                    self.watch(page)
                self.link.capture.flush(least=25)
            if self.sweep and self.feed.complete and self.transfer.considered:
                self._conclude_gone()
            with transaction.atomic():
                state.watermark, state.read_at, state.run = started, timezone.now(), {}
                state.generation = self.generation
                if self.sweep:
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
            return self.link.connector.fetch(self.feed.name, placed.orders(self.row, self.feed, self.sweep))
        return self.link.connector.read(self.feed.name, since, self.types, resume)

    def fetch(self, external_ids: Sequence[str]) -> Report:
        """Read single records by external id (after webhooks)."""
        self.transfer.what = f"{self.feed.name} (hook)"
        state = FeedState.objects.filter(tenant=self.row.tenant, connection=self.row, feed=self.feed.name).first()
        self.generation = state.generation if state else 0
        self.transfer.save()
        began = time.monotonic()
        lane = priority.set(0)
        try:
            for page in self.link.connector.fetch(self.feed.name, external_ids):
                with transaction.atomic():
                    self.take(page)
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
        self.take(page)
        return self._report()

    def _tell(self) -> None:
        if self._notify:
            for target, type_ in self.wake:
                self._notify(target, type_)
            self.wake.clear()

    def _report(self) -> Report:
        for target, type_ in {(r.flow.target, t) for t in self.feed.types for r in self._routes[t]}:
            if (
                type_ in guards.WATCHED
                and Binding.objects.filter(tenant=self.row.tenant, connection=target, type=type_, state="held").exists()
            ):
                guards.judge(target, type_)
                self.wake.add((target.pk, type_))
        wake = frozenset(self.wake)
        self._tell()
        return Report(self.transfer, wake, self._failure)

    def _end(self, began: float, result: str, error: str = "") -> None:
        self.transfer.seconds = time.monotonic() - began
        self.transfer.result, self.transfer.error = result, error
        with transaction.atomic():
            self.transfer.save()
            events.transfer_ended(self.transfer)
        self.link.capture.flush()

    # ---------------------------------------------------------------------------------------------- one page

    def take(self, page: Page) -> None:
        """Store a page. The caller has opened the transaction."""
        by_type: dict[str, list[_Entry]] = defaultdict(list)
        troubles: list[problems.Trouble] = []
        self._seen_here.clear()
        self._changed.clear()
        items = list(self._with_orders(page.items))
        orders = [item.record.key for item in items if isinstance(item, Item) and isinstance(item.record, Order)]
        self._amended = amendments(self.tenant, orders) if orders else {}
        for item in items:
            self.transfer.considered += 1
            if isinstance(item, Bad):
                troubles.append(
                    problems.Trouble("in", item.type, item.key or item.external_id, item.error, item.external_id)
                )
            else:
                try:
                    entry = self._entry(item)
                except (BadData, RuleFailed) as error:
                    failed = (
                        error if isinstance(error, SamklangError) else BadData(str(error), do_this="Correct the rule.")
                    )
                    troubles.append(problems.Trouble("in", item.record.type, item.record.key, failed, item.external_id))
                    continue
                if entry is None:
                    self.transfer.skipped += 1
                else:
                    by_type[entry.record.type].append(entry)
        self._forget_deleted([item for item in page.items if isinstance(item, Gone)])
        for type_ in record_types():
            if by_type[type_]:
                troubles += self._take_type(type_, by_type[type_])
        if self._derivations:
            self.wake |= self._derivations(self._changed)
        if troubles:
            self.transfer.failed += len(troubles)
            metrics.not_read(troubles)
            problems.report(self.tenant, self.row.pk, troubles)
            self._ill.update((t.type, name) for t in troubles for name in (t.key, t.external_id) if name)

    def _entry(self, item: Item) -> _Entry | None:
        record = item.record
        rules = self._chains.get(record.type)
        if rules:
            changed = rules(record)
            if isinstance(changed, Ignored):
                return None
            record = changed
        if isinstance(record, OrderStatus) and record.raw in self.row.status_words:
            said = axes_of(self.row.status_words[record.raw])
            record = msgspec.structs.replace(record, **{axis: said.get(axis, "") for axis in AXES})
        try:
            if isinstance(record, Order):
                record.check_totals()
                if record.key in self._amended:
                    record = amended(record, self._amended[record.key])
            body = encode(record)
        except InvalidRecord as error:
            raise bad_data(error, record.key) from error
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            raise BadData(f"The record cannot be stored: {error}", where=record.key) from error
        return _Entry(item, record, body, content_hash(body))

    def _with_orders(self, items: Iterable[Item | Bad | Gone]) -> Iterator[Item | Bad]:
        """Records that hang on an order of another system get its key; unknown orders are none of our business."""
        items = list(items)
        parents = [item.parent for item in items if isinstance(item, Item) and item.parent]
        orders = store.keys_of(self.tenant, self.row.pk, "order", list(dict.fromkeys(parents)))
        for item in items:
            if isinstance(item, Gone):
                continue
            if isinstance(item, Item) and item.parent:
                order = orders.get(item.parent)
                if order is None:
                    self.transfer.skipped += 1
                    continue
                assert item.record.of_order
                item = msgspec.structs.replace(item, record=msgspec.structs.replace(item.record, order=order))
            yield item

    def _take_type(self, type_: str, entries: list[_Entry]) -> list[problems.Trouble]:
        keyed: dict[str, _Entry] = {}
        troubles: list[problems.Trouble] = []
        if type_ == "order_edit":
            entries = self._edits(entries)
        for entry in entries:
            if isinstance(entry.record, OrderStatus) and _unknown(entry.record, self.row.status_words):
                troubles.append(problems.Trouble("in", type_, entry.record.key, _unknown_word(entry.record, self.row)))
            double = keyed.setdefault(entry.record.key, entry)
            if double.item.external_id != entry.item.external_id:
                troubles.append(self._double(entry, double.item.external_id))
        known = store.known(self.tenant, self.row.pk, type_, list(keyed))
        changed: list[_Entry] = []
        same: list[str] = []
        for key, entry in keyed.items():
            before = known.get(key)
            if (
                before
                and before.external_id
                and entry.item.external_id
                and before.external_id != entry.item.external_id
            ):
                if self.transfer.sweep and before.generation >= self.generation:
                    troubles.append(self._double(entry, before.external_id))
                    continue
                store.unbind(self.tenant, self.row.pk, type_, [before.external_id])
            if (
                before
                and before.seen == entry.hash
                and before.external_id == (entry.item.external_id or before.external_id)
            ):
                same.append(key)
            else:
                changed.append(entry)
        if self.sweep:
            store.touch(self.tenant, self.row.pk, type_, same, self.generation)
        self.transfer.skipped += len(same)
        metrics.read(type_, unchanged=len(same))
        if changed:
            self._keep(type_, changed, known)
        if self._ill:  # a row that could not be read may be known by its external id only
            names = {name for key, entry in keyed.items() for name in (key, entry.item.external_id)}
            ill = {name for trouble in troubles for name in (trouble.key, trouble.external_id)}
            well = {name for name in names if (type_, name) in self._ill} - ill
            if well:
                problems.clear(self.tenant, self.row.pk, "in", type_, well)
        return troubles

    def _double(self, entry: _Entry, first: str) -> problems.Trouble:
        error = BadData(
            f"Two {entry.record.type} records have the key '{entry.record.key}'",
            where=f"{entry.record.type} {entry.record.key}: ids {first} and {entry.item.external_id}",
            do_this="Give one of them another number at the source. Until then the first counts.",
        )
        return problems.Trouble("in", entry.record.type, entry.record.key, error, entry.item.external_id)

    def _keep(self, type_: str, changed: list[_Entry], known: dict[str, store.Known]) -> None:
        """Store changed records, bind them and their parts, and mark what targets lack."""
        tenant, here = self.tenant, self.row.pk
        if type_ == "order_status":
            changed = self._onward(changed)
        fresh = [entry for entry in changed if entry.record.key not in known]
        if fresh:  # an id that belonged to another key: the source gave the record a new number
            renamed = store.keys_of(tenant, here, type_, [e.item.external_id for e in fresh if e.item.external_id])
            if renamed:
                store.unbind(tenant, here, type_, list(renamed))
        old: dict[str, bytes] = {}
        if (type_ in guards.WATCHED or type_ in listing.SEARCHED) and len(fresh) < len(changed):
            old = store.bodies(tenant, here, type_, [entry.record.key for entry in changed])
        if type_ in self._kept:
            store.keep_records(tenant, here, type_, ((e.record.key, e.body, content_hash(e.body)) for e in changed))
        if type_ in self._sources and type_ in listing.SEARCHED:
            listing.note(tenant, here, type_, listing.beside(type_, (e.record for e in changed), old))
        store.bind(
            tenant, here, type_,
            ((e.record.key, e.item.external_id or None, e.hash, self.generation) for e in changed),
        )  # fmt: skip
        for kind in {part.type for e in changed for part in e.item.parts}:
            parts = [part for e in changed for part in e.item.parts if part.type == kind]
            self._bind_parts(kind, {part.key: part.external_id for part in parts})
        if store.waits(tenant, here):
            names = [(type_, e.record.key) for e in changed if e.item.external_id]
            names += [(part.type, part.key) for e in changed for part in e.item.parts]
            store.release_waiting(tenant, here, names)
        self.transfer.created += len(fresh)
        self.transfer.updated += len(changed) - len(fresh)
        metrics.read(type_, created=len(fresh), updated=len(changed) - len(fresh))
        if type_ in TRACED:
            steps = [(e.record.key, "read", said(e.record)) for e in changed]
            step(self.row, type_, steps, frozenset(e.record.key for e in fresh))
        if type_ == "order" and self._routes["customer"]:
            self._introduce([e.record for e in changed])
        self._changed[type_] = [entry.record for entry in changed]
        as_kept = {entry.record.key: entry.body for entry in changed}
        for route in self._routes[type_]:
            if route.pot:
                self._fill_pots(route, self._changed[type_])
            else:
                rows = [(r, as_kept[r.key], old.get(r.key)) for r in taken(route, self._changed[type_])]
                self._want(route, rows)

    def _onward(self, entries: list[_Entry]) -> list[_Entry]:
        """Statuses that lead on from what this system said before; an axis that would go back stays (O-08). News that
        is late altogether is only remembered as seen, and stands in the journey."""
        tenant, here = self.tenant, self.row.pk
        old = store.bodies(tenant, here, "order_status", [entry.record.key for entry in entries])
        onward: list[_Entry] = []
        late: list[_Entry] = []
        steps: list[tuple[str, str, str]] = []
        for entry in entries:
            before = decode("order_status", old[entry.record.key]) if entry.record.key in old else None
            if not isinstance(before, OrderStatus) or not isinstance(entry.record, OrderStatus):
                onward.append(entry)
                continue
            record, refused = forward(before, entry.record)
            if refused:
                steps.append((record.key, "late", f"{entry.record.raw}: {', '.join(refused)}"))
                record = msgspec.structs.replace(record, raw=before.raw)
            if refused and record == before:
                late.append(entry)
            else:
                onward.append(entry._replace(record=record, body=encode(record)))
        if late:
            store.bind(tenant, here, "order_status", ((e.record.key, None, e.hash, self.generation) for e in late))
        if steps:
            step(self.row, "order_status", steps)
        return onward

    def _edits(self, entries: list[_Entry]) -> list[_Entry]:
        """What somebody in the warehouse has really edited (O-05). An order that the hub has changed there since this
        read began, or is about to, shows older lines: those are no edit. The shop's own change counts then."""
        keys = [entry.record.key for entry in entries]
        orders = stored_orders(self.tenant, keys)
        known = store.known(self.tenant, self.row.pk, "order_edit", keys)
        busy = set(
            Binding.objects.filter(tenant_id=self.tenant, connection_id=self.row.pk, type="order", key__in=keys)
            .exclude(state__in=["idle", "stopped"])
            .values_list("key", flat=True)
        )
        busy.update(
            Step.objects.filter(
                tenant_id=self.tenant, order__in=keys, connection_id=self.row.pk, type="order", at__gte=self._began
            ).values_list("order", flat=True)
        )
        kept: list[_Entry] = []
        for entry in entries:
            order, edit = orders.get(entry.record.key), entry.record
            assert isinstance(edit, OrderEdit)
            if order is None or edit.key in busy or (edit.key not in known and not differs(order, edit)):
                self.transfer.skipped += 1
            else:
                kept.append(entry)
        return kept

    def _introduce(self, orders: Iterable[Record]) -> None:
        """Guests become customers, if an order of theirs flows."""
        ways = self._routes["order"]
        flowing = [order for order in orders if not ways or any(way.takes(order) for way in ways)]
        fresh = introduce(self.row, flowing, self.generation)
        for route in self._routes["customer"] if fresh else ():
            self._want(route, [(b, body, None) for b, body in fresh if route.takes(b)])

    def _want(self, route: Route, rows: Iterable[tuple[Record, bytes, bytes | None]]) -> None:
        """Mark (record, body, body before) as wanted at the route's target, dangerous changes held."""
        wanted = []
        rows = list(rows)
        kept_back = on_hold(self.tenant, [record.key for record, _, _ in rows], route.flow.type)
        for record, body, before in rows:
            danger = ""
            if record.type in guards.WATCHED and (before is not None or record.type == "order_status"):
                danger = guards.risk(decode(record.type, before) if before else None, record)
            danger = kept_back.get(record.key, danger)
            wanted.append(store.Wanted(record.key, content_hash(body), danger))
        flow = route.flow
        if wanted and store.want(self.tenant, flow.target_id, flow.type, self.row.pk, flow.pk, wanted):
            self.wake.add((flow.target_id, flow.type))

    def _fill_pots(self, route: Route, records: Iterable[Record]) -> None:
        """Stock for a target without warehouses: the sum over the chosen ones, stored as the channel's own level."""
        skus = [record.sku for record in records if isinstance(record, StockLevel)]
        pots = stock_pots(self.row, route.flow, skus)
        before = store.bodies(self.tenant, self.row.pk, "stock", [pot.key for pot in pots])
        rows = [(pot, encode(pot)) for pot in pots]
        store.keep_records(self.tenant, self.row.pk, "stock", ((p.key, b, content_hash(b)) for p, b in rows))
        self._want(route, [(p, b, before.get(p.key)) for p, b in rows])

    def _bind_parts(self, kind: str, ids: dict[str, str]) -> None:
        taken = store.keys_of(self.tenant, self.row.pk, kind, list(ids.values()))
        moved = [external_id for external_id, key in taken.items() if ids.get(key) != external_id]
        if moved:
            store.unbind(self.tenant, self.row.pk, kind, moved)
        store.bind(self.tenant, self.row.pk, kind, ((key, id_, None, self.generation) for key, id_ in ids.items()))

    # ---------------------------------------------------------------------------------------------- gone

    def _conclude_gone(self) -> None:
        """After a complete sweep: what it did not show is gone, once the system confirms it where it can be asked."""
        for type_ in self.types & self._sources:
            if type_ in TRACED:
                continue  # facts stay facts
            missing = store.unseen(self.tenant, self.row.pk, type_, self.generation)
            while missing:
                if self.feed.fetch and type_ == "product":
                    for page in self.link.connector.fetch(self.feed.name, [id_ for _, id_ in missing if id_]):
                        there = {item.record.key for item in page.items if isinstance(item, Item)}
                        with transaction.atomic():
                            self.take(page)
                            store.touch(self.tenant, self.row.pk, type_, sorted(there), self.generation)
                        missing = [(key, id_) for key, id_ in missing if key not in there]
                with transaction.atomic():
                    self._mark_gone(type_, [key for key, _ in missing])
                missing = store.unseen(self.tenant, self.row.pk, type_, self.generation)

    def _forget_deleted(self, gone: list[Gone]) -> None:
        by_type: dict[str, list[str]] = defaultdict(list)
        for item in gone:
            self.transfer.considered += 1
            by_type[item.type].append(item.external_id)
        for type_, external_ids in by_type.items():
            keys = store.keys_of(self.tenant, self.row.pk, type_, external_ids)
            if type_ in self._sources and type_ not in TRACED:
                self._mark_gone(type_, sorted(keys.values()))
            store.unbind(self.tenant, self.row.pk, type_, external_ids)

    def _mark_gone(self, type_: str, keys: Sequence[str]) -> None:
        """A record that is gone becomes, towards the targets, an archived product or a zero stock: never a delete."""
        entries: list[tuple[Record, bytes]] = []
        old = store.bodies(self.tenant, self.row.pk, type_, keys)
        for key, body in old.items():
            record = decode(type_, body)
            if isinstance(record, Product):
                record = msgspec.structs.replace(record, status="archived")
            elif isinstance(record, StockLevel):
                record = StockLevel(sku=record.sku, warehouse=record.warehouse)
            entries.append((record, encode(record)))
            assert record.key == key
        store.keep_records(self.tenant, self.row.pk, type_, ((r.key, b, content_hash(b)) for r, b in entries))
        Stored.objects.filter(tenant_id=self.tenant, connection_id=self.row.pk, type=type_, key__in=list(keys)).update(
            gone=True
        )
        for route in self._routes[type_]:
            if route.pot:
                self._fill_pots(route, [record for record, _ in entries])
            elif type_ in guards.WATCHED:
                self._want(route, [(r, b, old[r.key]) for r, b in entries if route.takes(r)])


def _unknown(status: OrderStatus, words: Mapping[str, list[str]]) -> bool:
    """A word that nobody has mapped: the connector does not know it, and the connection's own table neither."""
    says = any(getattr(status, axis) for axis in AXES) or status.documents or status.lines
    return bool(status.raw) and not says and status.raw not in words


def _unknown_word(status: OrderStatus, row: Connection) -> BadData:
    return BadData(
        f"{row.name} has an order status that is mapped to nothing: '{status.raw}'",
        where=f"order {status.order}",
        do_this="Say what it means, or that it is to be ignored, in the connection's status words.",
    )


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
