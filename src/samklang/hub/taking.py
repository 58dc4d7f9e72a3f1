"""One page of records into the store: what is new, changed, doubled or gone, what hangs on it, and what each target now
lacks. The caller opens the transaction, so a page is kept whole or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from django.utils import timezone

from samklang.connectors.contract import Bad, Gone, Item, Page
from samklang.connectors.errors import BadData, SamklangError, bad_data
from samklang.hub import guards, listing, metrics, news, problems, store
from samklang.hub.derive import Derivations
from samklang.hub.flows import Route, outgoing, routes_by_type, with_causes
from samklang.hub.guests import introduce
from samklang.hub.journey import TRACED, said, step
from samklang.hub.models import Connection, Flow, Stored, Transfer
from samklang.hub.orders import amended, amendments, on_hold, taken
from samklang.hub.pots import stock_pots
from samklang.hub.rulesets import Chain, chain
from samklang.hub.store import Entry
from samklang.records import (
    InvalidRecord,
    Order,
    Product,
    Record,
    StockLevel,
    content_hash,
    decode,
    encode,
    record_types,
)
from samklang.rules import Ignored, RuleFailed


class Taker:
    """Takes the pages of one read of a connection, whose `transfer` counts what became of them.

    `generation` and `sweep` are those of the read, `began` is the moment before its first call; `wake` gathers the
    (target connection, type) that have new work, until somebody tells them.
    """

    def __init__(self, row: Connection, types: Iterable[str], transfer: Transfer, observe: str = "") -> None:
        self.row = row
        self.tenant = row.tenant_id
        self.transfer = transfer
        self.generation = 0
        self.sweep = False
        self.began: datetime = timezone.now()
        self.wake: set[tuple[int, str]] = set()
        self.routes = routes_by_type(row)
        self.sources = set(Flow.objects.filter(tenant=row.tenant, source=row).values_list("type", flat=True))
        self._kept = with_causes(outgoing(row)) | ({observe} if observe else set())
        self._chains: dict[str, Chain] = {type_: chain(row, "in", type_) for type_ in types}
        self._ill = problems.open_names(self.tenant, row.pk, "in")
        self._derivations = Derivations(row)
        self._changed: dict[str, list[Record]] = {}  # of this page, by type

    def take(self, page: Page) -> None:
        """Store a page. The caller has opened the transaction."""
        by_type: dict[str, list[Entry]] = defaultdict(list)
        troubles: list[problems.Trouble] = []
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

    def _entry(self, item: Item) -> Entry | None:
        record = item.record
        rules = self._chains.get(record.type)
        if rules:
            changed = rules(record)
            if isinstance(changed, Ignored):
                return None
            record = changed
        record = news.in_our_words(self.row, record)
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
        said = content_hash(body)
        return Entry(item, record, body, said, said)

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

    def _take_type(self, type_: str, entries: list[Entry]) -> list[problems.Trouble]:
        keyed: dict[str, Entry] = {}
        troubles: list[problems.Trouble] = []
        if type_ == "order_edit":
            told, entries = len(entries), news.edited(self.row, entries, self.began)
            self.transfer.skipped += told - len(entries)
        for entry in entries:
            unknown = news.unknown_word(self.row, entry.record)
            if unknown:
                troubles.append(problems.Trouble("in", type_, entry.record.key, unknown))
            double = keyed.setdefault(entry.record.key, entry)
            if double.item.external_id != entry.item.external_id:
                troubles.append(self._double(entry, double.item.external_id))
        known = store.known(self.tenant, self.row.pk, type_, list(keyed))
        changed: list[Entry] = []
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

    def _double(self, entry: Entry, first: str) -> problems.Trouble:
        error = BadData(
            f"Two {entry.record.type} records have the key '{entry.record.key}'",
            where=f"{entry.record.type} {entry.record.key}: ids {first} and {entry.item.external_id}",
            do_this="Give one of them another number at the source. Until then the first counts.",
        )
        return problems.Trouble("in", entry.record.type, entry.record.key, error, entry.item.external_id)

    def _keep(self, type_: str, changed: list[Entry], known: dict[str, store.Known]) -> None:
        """Store changed records, bind them and their parts, and mark what targets lack."""
        tenant, here = self.tenant, self.row.pk
        if type_ == "order_status":
            changed = news.onward(self.row, changed, self.generation)
        fresh = [entry for entry in changed if entry.record.key not in known]
        if fresh:  # an id that belonged to another key: the source gave the record a new number
            renamed = store.keys_of(tenant, here, type_, [e.item.external_id for e in fresh if e.item.external_id])
            if renamed:
                store.unbind(tenant, here, type_, list(renamed))
        old: dict[str, bytes] = {}
        if (type_ in guards.WATCHED or type_ in listing.SEARCHED) and len(fresh) < len(changed):
            old = store.bodies(tenant, here, type_, [entry.record.key for entry in changed])
        if type_ in self._kept:
            store.keep_records(tenant, here, type_, ((e.record.key, e.body, e.kept) for e in changed))
        if type_ in self.sources and type_ in listing.SEARCHED:
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
        if type_ == "order" and self.routes["customer"]:
            self._introduce([e.record for e in changed])
        self._changed[type_] = [entry.record for entry in changed]
        as_kept = {entry.record.key: entry.kept for entry in changed}
        for route in self.routes[type_]:
            if route.pot:
                self._fill_pots(route, self._changed[type_])
            else:
                rows = [(r, as_kept[r.key], old.get(r.key)) for r in taken(route, self._changed[type_])]
                self._want(route, rows)

    def _introduce(self, orders: Iterable[Record]) -> None:
        """Guests become customers, if an order of theirs flows."""
        ways = self.routes["order"]
        flowing = [order for order in orders if not ways or any(way.takes(order) for way in ways)]
        fresh = introduce(self.row, flowing, self.generation)
        for route in self.routes["customer"] if fresh else ():
            self._want(route, [(b, content_hash(body), None) for b, body in fresh if route.takes(b)])

    def _want(self, route: Route, rows: Iterable[tuple[Record, bytes, bytes | None]]) -> None:
        """Mark (record, content hash, body before) as wanted at the route's target, dangerous changes held."""
        wanted = []
        rows = list(rows)
        kept_back = on_hold(self.tenant, [record.key for record, _, _ in rows], route.flow.type)
        for record, hash_, before in rows:
            danger = ""
            if record.type in guards.WATCHED and (before is not None or record.type == "order_status"):
                danger = guards.risk(decode(record.type, before) if before else None, record)
            danger = kept_back.get(record.key, danger)
            wanted.append(store.Wanted(record.key, hash_, danger))
        flow = route.flow
        if wanted and store.want(self.tenant, flow.target_id, flow.type, self.row.pk, flow.pk, wanted):
            self.wake.add((flow.target_id, flow.type))

    def _fill_pots(self, route: Route, records: Iterable[Record]) -> None:
        """Stock for a target without warehouses: the sum over the chosen ones, stored as the channel's own level."""
        skus = [record.sku for record in records if isinstance(record, StockLevel)]
        pots = stock_pots(self.row, route.flow, skus)
        before = store.bodies(self.tenant, self.row.pk, "stock", [pot.key for pot in pots])
        rows = [(pot, body := encode(pot), content_hash(body)) for pot in pots]
        store.keep_records(self.tenant, self.row.pk, "stock", ((pot.key, body, hash_) for pot, body, hash_ in rows))
        self._want(route, [(pot, hash_, before.get(pot.key)) for pot, _, hash_ in rows])

    def _bind_parts(self, kind: str, ids: dict[str, str]) -> None:
        taken = store.keys_of(self.tenant, self.row.pk, kind, list(ids.values()))
        moved = [external_id for external_id, key in taken.items() if ids.get(key) != external_id]
        if moved:
            store.unbind(self.tenant, self.row.pk, kind, moved)
        store.bind(self.tenant, self.row.pk, kind, ((key, id_, None, self.generation) for key, id_ in ids.items()))

    def _forget_deleted(self, gone: list[Gone]) -> None:
        by_type: dict[str, list[str]] = defaultdict(list)
        for item in gone:
            self.transfer.considered += 1
            by_type[item.type].append(item.external_id)
        for type_, external_ids in by_type.items():
            keys = store.keys_of(self.tenant, self.row.pk, type_, external_ids)
            if type_ in self.sources and type_ not in TRACED:
                self.mark_gone(type_, sorted(keys.values()))
            store.unbind(self.tenant, self.row.pk, type_, external_ids)

    def mark_gone(self, type_: str, keys: Sequence[str]) -> None:
        """A record that is gone becomes, towards the targets, an archived product or a zero stock: never a delete."""
        entries: list[tuple[Record, bytes, bytes]] = []
        old = store.bodies(self.tenant, self.row.pk, type_, keys)
        for key, body in old.items():
            record = decode(type_, body)
            if isinstance(record, Product):
                record = msgspec.structs.replace(record, status="archived")
            elif isinstance(record, StockLevel):
                record = StockLevel(sku=record.sku, warehouse=record.warehouse)
            changed = encode(record)
            entries.append((record, changed, content_hash(changed)))
            assert record.key == key
        store.keep_records(self.tenant, self.row.pk, type_, ((r.key, b, hash_) for r, b, hash_ in entries))
        Stored.objects.filter(tenant_id=self.tenant, connection_id=self.row.pk, type=type_, key__in=list(keys)).update(
            gone=True
        )
        for route in self.routes[type_]:
            if route.pot:
                self._fill_pots(route, [record for record, _, _ in entries])
            elif type_ in guards.WATCHED:
                self._want(route, [(r, hash_, old[r.key]) for r, _, hash_ in entries if route.takes(r)])
