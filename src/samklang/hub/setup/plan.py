"""The plan: what switching a flow on would do to its target, in numbers, before anything is done.

The source is read into the store (which sends nothing while the flow is off), the target is read for what it holds,
and both are compared field by field, after rules and mask. What already agrees is remembered as delivered, so that
applying the plan sends only differences. Articles are compared SKU by SKU, whatever way each system groups them.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from django.db import transaction
from django.utils.translation import gettext_noop

from samklang.connectors.contract import Feed, Page, Write, status_word
from samklang.connectors.errors import Unreachable
from samklang.connectors.registry import manifest
from samklang.hub import guests, store
from samklang.hub.flows import BY_CHANNEL, DERIVED, routes
from samklang.hub.guests import introduce
from samklang.hub.intake import Intake, reading
from samklang.hub.links import open_link
from samklang.hub.models import Binding, Connection, Flow, Stored
from samklang.hub.orders import taken
from samklang.hub.projection import projection
from samklang.hub.store import Wanted
from samklang.hub.touched import touch_orders
from samklang.records import Customer, OrderStatus, Product, Record, StockLevel, content_hash, decode, encode
from samklang.records.ids import email_key, sku_key
from samklang.rules import Ignored, RuleFailed

Progress = Callable[[str, int, int], None]  # what is being read, rows so far, rows in all (0 = unknown)
_CHUNK = 500
_PATIENCE = 600  # seconds that a read of another process is waited for
SAMPLES = 20  # records of each flow and action that a plan names, unless it is asked for more


class Sample(msgspec.Struct, frozen=True):
    """One record of the plan: what would happen to it, and to which fields (field → before, after)."""

    key: str
    title: str
    action: str  # create, change, blocked
    fields: Mapping[str, tuple[str, str]] = {}
    harm: bool = False  # it would be archived, or go to zero stock
    mails: bool = False  # its buyer would get a mail
    reason: str = ""  # why it is blocked


class FlowPlan(msgspec.Struct):
    """What one flow would do to its target."""

    channel: str
    type: str
    source: str
    target: str
    create: int = 0
    change: int = 0
    same: int = 0
    archive: int = 0  # of the changes: records that would be archived or go to zero stock
    left_out: int = 0  # the flow does not take them (filter, cut-over date, rules)
    only_in_target: int = 0  # the target has them, the source does not; they stay as they are
    mails: int = 0  # mails to buyers that the target would send
    fields: dict[str, int] = {}  # field → how many records change in it
    blocked: dict[str, int] = {}  # reason → how many records would fail
    samples: list[Sample] = []
    note: str = ""


def plan_flow(flow: Flow, progress: Progress | None = None, most: int = SAMPLES) -> FlowPlan:
    """Read both sides and compare. Raises the connector's error when a side cannot be read. At most `most` records of
    each action are named."""
    say: Progress = progress or (lambda what, done, total: None)
    for type_ in (flow.type, *DERIVED.get(flow.type, ())):
        _read(flow.source, type_, say)
    target_type = flow.type if flow.type not in ("order_status",) else ""
    readable = bool(target_type) and manifest(flow.target.connector).feed_for(target_type) is not None
    facts = flow.type in ("order", "customer", "voucher")
    if readable and not facts:
        _observe(flow, say)
    plan = FlowPlan(
        channel=flow.channel.code, type=flow.type, source=flow.source.name, target=flow.target.name,
        fields={}, blocked={}, samples=[],
    )  # fmt: skip
    if not readable and not facts and flow.type != "order_status":
        plan.note = gettext_noop("The target cannot be read for this, so everything counts as new")
    to_warehouse = flow.type == "order" and manifest(flow.target.connector).kind == "wms"
    if to_warehouse and flow.source_id != flow.channel.connection_id:  # O-02
        plan.note = gettext_noop("Orders reach the warehouse by another system: each must be approved there by hand")
    if flow.type == "customer":
        _meet(flow, say)
        plan.note = gettext_noop("Customers are looked up one by one when they are sent; those that exist are kept")
    counted = Counter[str]()
    for records in _stored(flow):
        _compare(flow, records, plan, counted, most)
    plan.fields = dict(counted.most_common())
    if readable and not facts:
        theirs = Stored.objects.filter(tenant=flow.tenant, connection=flow.target, type=flow.type, gone=False).count()
        plan.only_in_target = max(0, theirs - plan.same - plan.change) if flow.type != "product" else _orphans(flow)
    return plan


def _meet(flow: Flow, say: Progress) -> None:
    """Guests whose orders flow, or will, are customers too."""
    for orders in Flow.objects.filter(tenant=flow.tenant, source=flow.source, type="order").select_related(
        "channel", "target", "source"
    ):
        _read(flow.source, "order", say)
        way = next(route for route in routes(flow.source, "order", also=orders) if route.flow.pk == orders.pk)
        for records in _stored(orders):
            with transaction.atomic():
                introduce(flow.source, taken(way, records))


def _read(row: Connection, type_: str, say: Progress) -> None:
    """Bring the store up to date with the source."""
    link = open_link(row)
    feed = link.manifest.feed_for(type_)
    if feed is None:
        return  # set_flow has checked that what it is made of can be read
    intake = Intake(row, feed, link=link)
    intake.watch = lambda page: say(f"{row.name}: {feed.name}", intake.transfer.considered, page.total)
    with _alone(row, feed, say):
        report = intake.run()
    if report.transfer.result != "ok":
        raise report.failure or RuntimeError(report.transfer.error)


def _observe(flow: Flow, say: Progress) -> None:
    """Read what the target holds: ids are bound, its records are kept as what it last said."""
    link = open_link(flow.target)
    feed = link.manifest.feed_for(flow.type)
    assert feed is not None
    intake = Intake(flow.target, feed, link=link, observe=flow.type)

    def watch(page: Page) -> None:
        say(f"{flow.target.name}: {feed.name}", intake.transfer.considered, page.total)

    intake.watch = watch
    with _alone(flow.target, feed, say):
        report = intake.run(sweep=True)
    if report.transfer.result != "ok":
        raise report.failure or RuntimeError(report.transfer.error)


@contextlib.contextmanager
def _alone(row: Connection, feed: Feed, say: Progress) -> Iterator[None]:
    """Nobody else reads the feed meanwhile; a read that is under way is waited for. Unreachable when it takes long."""
    for _ in range(_PATIENCE):
        with reading(row, feed) as held:
            if held:
                yield
                return
        say(f"{row.name}: {feed.name} (waits for a read that is under way)", 0, 0)
        time.sleep(1.0)
    raise Unreachable(
        f"{feed.name} of {row.name} is being read by another process", do_this="Plan again when it is done."
    )


def _stored(flow: Flow) -> Iterator[list[Record]]:
    """The source's records of the flow's type in chunks; stock as the pots that the channel is told."""
    from samklang.hub.pots import stock_pots

    last = ""
    pots = routes(flow.source, flow.type, also=flow)[-1].pot if flow.type == "stock" else False
    while True:
        rows = list(
            Stored.objects.filter(tenant=flow.tenant, connection=flow.source, type=flow.type, key__gt=last)
            .order_by("key")
            .values_list("key", "body")[:_CHUNK]
        )
        if not rows:
            return
        last = rows[-1][0]
        records = [decode(flow.type, bytes(body)) for _, body in rows]
        if pots:
            levels = [r for r in records if isinstance(r, StockLevel) and not r.warehouse.startswith("@")]
            skus = {sku_key(level.sku): level.sku for level in levels}
            first = {sku: sku for sku in skus.values()}
            # an article's levels may straddle two chunks; the pot is the same both times, count it with the first
            fresh = [sku for sku in first if not _straddles(flow, sku, rows[0][0])]
            made = stock_pots(flow.source, flow, fresh)
            with transaction.atomic():
                bodies = [(pot.key, body, content_hash(body)) for pot in made for body in [encode(pot)]]
                store.keep_records(flow.tenant_id, flow.source_id, "stock", bodies)
            yield list(made)
        else:
            yield records


def _straddles(flow: Flow, sku: str, first_key: str) -> bool:
    prefix = f"{sku_key(sku)}|"
    return (
        first_key.startswith(prefix)
        and Stored.objects.filter(
            tenant=flow.tenant, connection=flow.source, type="stock", key__gte=prefix, key__lt=first_key
        )
        .exclude(key__startswith=f"{prefix}@")
        .exists()
    )


def _compare(flow: Flow, records: list[Record], plan: FlowPlan, counted: Counter[str], most: int) -> None:
    """Sort records into create, change and same; remember what agrees as delivered."""
    tenant, target = flow.tenant_id, flow.target_id
    takes = routes(flow.source, flow.type, also=flow)
    route = next(route for route in takes if route.flow.pk == flow.pk)
    project = projection(flow)
    facts = manifest(flow.target.connector)
    how, flat, mails = facts.writes[flow.type], facts.axes == 0, mailer(flow)
    ready: list[tuple[Record, Record]] = []
    mine = records if route.pot else taken(route, records)
    plan.left_out += len(records) - len(mine)
    for record in mine:
        try:
            changed = project(record)
        except RuleFailed as error:
            block_one(plan, record, error.reason, most)
            continue
        if isinstance(changed, Ignored):
            plan.left_out += 1
            continue
        ready.append((record, changed))
    theirs = _theirs(flow, [changed for _, changed in ready])
    accepted = store.delivered(tenant, target, flow.type, [record.key for record, _ in ready])
    agree: list[tuple[Record, Record]] = []
    for record, changed in ready:
        reason = _obstacle(flow, changed)
        if reason:
            block_one(plan, changed, reason, most)
            continue
        there = theirs.get(changed.key)
        differing = _differences(changed, there, how, flow.fields, flat) if there is not None else None
        if differing and accepted.get(record.key) == content_hash(encode(record)):
            # The target took exactly this. A field that it does not state now is one that its lists never tell.
            differing = {field: pair for field, pair in differing.items() if pair[0]}
        if isinstance(changed, OrderStatus):
            word = status_word(changed, flow.options, how.status_map)
            differing = {"status": ("?", word)} if word else {}
        if differing is None and flow.mode == "update":
            plan.left_out += 1
        elif differing is None:
            plan.create += 1
            count_one(plan, changed, "create", {}, most, mails(changed))
        elif differing and flow.mode != "create":
            plan.change += 1
            counted.update(list(differing))
            count_one(plan, changed, "change", differing, most, mails(changed))
        else:
            plan.same += 1
            agree.append((record, changed))
    if agree and flow.type not in BY_CHANNEL:
        _agreed(tenant, target, flow, agree)


def mailer(flow: Flow) -> Callable[[Record], bool]:
    """Whether the target would mail the buyer when it gets a record of the flow."""
    how = manifest(flow.target.connector).writes[flow.type]

    def mails(record: Record) -> bool:
        return isinstance(record, OrderStatus) and status_word(record, flow.options, how.status_map) in how.mails

    return mails


def _harmful(record: Record) -> bool:
    if isinstance(record, Product):
        return record.status == "archived"
    return isinstance(record, StockLevel) and record.available <= 0


def _obstacle(flow: Flow, record: Record) -> str:
    """Why the target could not take the record at all, as far as its manifest tells."""
    facts = manifest(flow.target.connector)
    if isinstance(record, Product) and facts.axes and len(record.axes) > facts.axes:
        return f"{facts.title} takes at most {facts.axes} variant axes"
    return ""


def _theirs(flow: Flow, records: list[Record]) -> dict[str, dict[str, Any]]:
    """What the target says of these records: our key → comparable fields."""
    place = (flow.tenant_id, flow.target_id, flow.type)
    if flow.type == "product":
        products = [record for record in records if isinstance(record, Product)]
        keys = {key for p in products for key in (p.key, *(variant.key for variant in p.variants))}
        found: dict[str, dict[str, Any]] = {}
        keys_list = sorted(keys)
        for start in range(0, len(keys_list), _CHUNK):
            for body in store.bodies(*place, keys_list[start : start + _CHUNK]).values():
                found |= _by_sku(decode("product", body))
        return {
            p.key: {v.key: found[v.key] for v in p.variants if v.key in found}
            for p in products
            if any(v.key in found for v in p.variants)
        }
    if flow.type == "stock":
        by_sku = {sku_key(r.sku): r.key for r in records if isinstance(r, StockLevel)}
        bodies = store.bodies(*place, [f"{sku}|" for sku in by_sku])
        return {by_sku[key.split("|")[0]]: _plain(decode("stock", body)) for key, body in bodies.items()}
    bodies = store.bodies(*place, [record.key for record in records])
    found = {key: _plain(decode(flow.type, body)) for key, body in bodies.items()}
    if flow.type == "order":
        bound = store.ids_of(flow.tenant_id, flow.target_id, [("order", record.key) for record in records])
        found |= {key: {} for _, key in bound}
    return found


def _plain(record: Record) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(encode(record))
    if isinstance(record, StockLevel):
        return {"available": str(max(record.available, 0))}
    if isinstance(record, Customer) and record.email:
        plain["email"] = email_key(record.email)
    return {key: value for key, value in plain.items() if key not in ("type", "custom")}


def _by_sku(record: Record, flat: bool = False) -> dict[str, dict[str, Any]]:
    """A product as one row per SKU, so that systems with and without variants can be compared. `flat`: the target
    knows no variants, so each has a name of its own."""
    assert isinstance(record, Product)
    titles = {variant.key: record.title(variant) for variant in record.variants} if flat else {}
    plain = _plain(record)
    variants = plain.pop("variants")
    for field in ("code", "axes"):
        plain.pop(field, None)
    return {
        sku_key(variant["sku"]): {
            **plain,
            **({"name": titles[sku_key(variant["sku"])]} if titles else {}),
            **{f"variants.{k}": v for k, v in variant.items() if k != "sku"},
        }
        for variant in variants
    }


def _differences(
    record: Record, there: Mapping[str, Any], how: Write, mask: list[str], flat: bool
) -> dict[str, tuple[str, str]]:
    """Field → (theirs, ours) for fields that the target can hold and the flow may write."""
    if isinstance(record, Product):
        found: dict[str, tuple[str, str]] = {}
        for sku, ours in _by_sku(record, flat).items():
            if sku not in there:
                found["variants"] = ("", f"+ {sku}")
                continue
            found |= _fields(ours, there[sku], how, mask)
        return found
    return _fields(_plain(record), there, how, mask)


def _fields(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], how: Write, mask: list[str]
) -> dict[str, tuple[str, str]]:
    able, may = set(how.fields), set(mask)
    found = {}
    for field in sorted({*ours, *theirs}):
        head = field.split(".")[0]
        if "*" not in able and field not in able and head not in able:
            continue
        if may and field not in may and head not in may:
            continue
        if ours.get(field) != theirs.get(field):
            found[field] = (short(theirs.get(field)), short(ours.get(field)))
    return found


def short(value: Any) -> str:
    """A value as a plan shows it."""
    text = "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "…"


def count_one(
    plan: FlowPlan, record: Record, action: str, fields: Mapping[str, tuple[str, str]], most: int, mails: bool
) -> None:
    """Count what a change would do besides, and name its record while fewer than `most` are."""
    harm = action == "change" and _harmful(record)
    plan.archive += harm
    plan.mails += mails
    if getattr(plan, action) <= most:
        plan.samples.append(Sample(record.key, title(record), action, dict(fields), harm, mails))


def block_one(plan: FlowPlan, record: Record, reason: str, most: int) -> None:
    """A record that the target cannot take, or that a rule stops."""
    plan.blocked[reason] = plan.blocked.get(reason, 0) + 1
    if sum(plan.blocked.values()) <= most:
        plan.samples.append(Sample(record.key, title(record), "blocked", reason=reason))


def title(record: Record) -> str:
    """What a person calls a record."""
    return str(getattr(record, "name", "") or getattr(record, "order_no", "") or record.key)


def _agreed(tenant: int, target: int, flow: Flow, pairs: list[tuple[Record, Record]]) -> None:
    """These records are at the target as they should be: remember them as delivered. Only a truth is written down."""
    project = projection(flow)
    with transaction.atomic():
        if flow.type in ("order", "order_status"):
            touch_orders(tenant, [r.key for r, _ in pairs])
        store.agree(
            tenant, target, flow.type, flow.source_id, flow.pk,
            [(r.key, content_hash(encode(r)), project.hash(changed, content_hash(encode(r)))) for r, changed in pairs],
        )  # fmt: skip


def _orphans(flow: Flow) -> int:
    """Variants that the target has and the source does not."""
    ours = Binding.objects.filter(tenant=flow.tenant, connection=flow.source, type="variant").values("key")
    theirs = Binding.objects.filter(
        tenant=flow.tenant, connection=flow.target, type="variant", external_id__isnull=False
    )
    return theirs.exclude(key__in=ours).count()


def switch_on(flow: Flow) -> int:
    """Apply: the flow is enabled and everything it takes becomes wanted; what agrees is not sent. Returns how many
    records are now due. The plan's consent covers this set, so brakes do not hold it."""
    with transaction.atomic():
        flow.enabled = True
        flow.save(update_fields=["enabled"])
    due = 0
    for records in _stored(flow):
        route = next(r for r in routes(flow.source, flow.type, also=flow) if r.flow.pk == flow.pk)
        mine = records if route.pot else taken(route, records)
        rows = [Wanted(r.key, content_hash(encode(r))) for r in mine]
        if flow.type == "order":
            guests.send(flow.source, mine)
        with transaction.atomic():
            due += store.want(flow.tenant_id, flow.target_id, flow.type, flow.source_id, flow.pk, rows)
    return due


def resend(flow: Flow) -> int:
    """After a change of rules, mask or options: all of the flow is judged anew, what stopped too; only real differences
    are sent."""
    with transaction.atomic():
        return Binding.objects.filter(
            tenant=flow.tenant,
            connection=flow.target,
            type=flow.type,
            flow=flow,
            state__in=["idle", "stopped"],
            wanted__isnull=False,
        ).update(state="due", due_at=time.time())
