"""What a new configuration would do, found out without doing it; and then doing it.

New flows are set up switched off beside what runs (that is harmless) and compared over what both systems really hold
(setup/plan.py). Flows that run and would change are judged on the records that the hub already has, inside a
transaction that is taken back: living flows never see a configuration that nobody has consented to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from django.db import transaction
from django.utils.translation import gettext_noop

from samklang.connectors.errors import Misconfigured
from samklang.connectors.registry import manifest
from samklang.hub import store
from samklang.hub.flows import taker
from samklang.hub.models import Binding, ConfigVersion, Connection, FeedState, Flow, Stored, Tenant
from samklang.hub.pots import stock_pots
from samklang.hub.projection import masked_hash, projection
from samklang.hub.secrets import unseal
from samklang.hub.setup import config, gates, plan
from samklang.hub.setup.config import Change, Config
from samklang.hub.setup.plan import SAMPLES, FlowPlan, Progress
from samklang.records import Record, StockLevel, decode, encode, record_types
from samklang.rules import Ignored, RuleFailed

_CHUNK = 500
Name = tuple[str, str, str]
"""Channel, record type, target: what makes it the same flow."""


class Consequences(msgspec.Struct):
    """A plan: differences of configuration, and what each flow that begins or changes would do."""

    tenant: str
    changes: list[Change]
    flows: list[FlowPlan]
    begins: list[Name]
    changed: list[Name]
    read_anew: list[str]  # connections whose settings or rules in change: their feeds are read whole
    notes: list[str]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to apply."""
        return not (self.changes or self.begins)


def foresee(new: Config, step: Progress, most: int = SAMPLES) -> Consequences:
    """Plan `new`. Reads both sides of flows that would begin; raises the connector's error when that fails. At most
    `most` records of each flow and action are named; the counts are whole."""
    tenant = Tenant.objects.filter(slug=new.tenant.slug).first()
    old = config.current(tenant) if tenant else Config(tenant=new.tenant)
    _refuse_missing_secrets(new, tenant)
    compared = config.compare(old if tenant else None, new)
    changes = [change for change in compared if not _settled(change, old, tenant)]
    config.refuse_new_masters(old, new)
    if tenant:
        gates.ask(tenant, old, new)
    on = {flow.name(): flow for flow in old.flows if flow.enabled}
    wanted = {flow.name(): flow for flow in new.flows if flow.enabled}
    finished = _last_applied(tenant)
    begins = [name for name in wanted if name not in on or name not in finished]
    begins.sort(key=lambda name: record_types().index(name[1]))
    result = Consequences(new.tenant.slug, changes, [], begins, [], [], [])
    living = {name: flow for name, flow in on.items() if name in wanted and name not in begins}
    if begins:
        tenant = config.apply(_beside(old, new, on), "plan", enable=False, planned=True)
        for name in begins:
            result.flows.append(plan.plan_flow(flow_of(tenant, name), step, most))
            if name[1] == "order" and not wanted[name].since and result.flows[-1].create:
                result.notes.append(
                    f"{name[0]}: orders have no cut-over date (since), so {result.flows[-1].create} that were placed "
                    f"before would go to {name[2]} too."
                )
        gates.ask(tenant, old, new)  # once more, now that both sides have been read
    rules_out = _chains(old, "out"), _chains(new, "out")
    for name, flow in living.items():
        place = name[2], name[1]
        if flow != wanted[name] or rules_out[0].get(place) != rules_out[1].get(place):
            result.changed.append(name)
    if result.changed and tenant:
        result.flows += _rejudged(tenant, new, result.changed, most)
    result.read_anew = _read_anew(old, new, living)
    for name_ in result.read_anew:
        result.notes.append(
            f"{name_}: its settings or rules in change, so it is read whole once; brakes stop mass changes."
        )
    return result


def carry_out(new: Config, found: Consequences, by: str, why: str, step: Progress) -> Tenant:
    """Change the configuration as it was planned. May be done again after it was cut off: the version is written last,
    and a process that dies before is noticed by the next plan, which then begins the same flows again."""
    before = Tenant.objects.filter(slug=new.tenant.slug).first()
    if before:
        gates.ask(before, config.current(before), new)
    tenant = config.apply(new, by, why, enable=False)
    names = [*found.begins, *found.changed]
    for number, name in enumerate(names):
        step(gettext_noop("switching on"), number, len(names))
        flow = flow_of(tenant, name)
        plan.switch_on(flow)
        if name in found.changed:
            plan.resend(flow)
    for row in Connection.objects.filter(tenant=tenant, name__in=found.read_anew):
        FeedState.objects.filter(connection=row).update(swept_at=None)
    config.write_version(tenant, by, why)
    return tenant


def flow_of(tenant: Tenant, name: Name) -> Flow:
    """The flow of that name as it stands in the database."""
    return Flow.objects.select_related("channel", "source", "target", "tenant").get(
        tenant=tenant, channel__code=name[0], type=name[1], target__name=name[2]
    )


def _refuse_missing_secrets(new: Config, tenant: Tenant | None) -> None:
    rows = {row.name: row for row in Connection.objects.filter(tenant=tenant)} if tenant else {}
    for name, part in new.connections.items():
        needed = [s for s in manifest(part.connector).settings if s.kind == "secret" and s.required]
        kept = unseal(rows[name].secrets) if name in rows else {}
        if any(not kept.get(setting.name) for setting in needed):
            raise Misconfigured(
                f"{name} has never been connected, so its secrets are missing",
                where=f"connections.{name}", do_this=f"Run `samklang connect {name} {part.connector}` first.",
            )  # fmt: skip


def _settled(change: Change, old: Config, tenant: Tenant | None) -> bool:
    """A removal that is no news: channels without flows, connections that were removed already (they are kept for
    their history)."""
    if change.what != "remove":
        return False
    if change.kind == "channel":
        return all(flow.channel != change.name for flow in old.flows if flow.enabled)
    paused = Connection.objects.filter(tenant=tenant, name=change.name, state=Connection.State.PAUSED)
    return change.kind == "connection" and paused.exists()


def _last_applied(tenant: Tenant | None) -> set[Name]:
    """Flows that were on when something was last applied to its end. A flow that is on and not among them was being
    switched on when the process died: it begins again."""
    version = ConfigVersion.objects.filter(tenant=tenant).order_by("-number").first() if tenant else None
    return {flow.name() for flow in config.parse(version.text).flows if flow.enabled} if version else set()


def _chains(of: Config, direction: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    return {(part.connection, part.type): part.rules for part in of.rules if part.direction == direction}


def _beside(old: Config, new: Config, on: dict[Name, config.FlowPart]) -> Config:
    """The old configuration with what is new added to it; nothing that lives changes."""
    used = {flow.source for flow in on.values()} | {flow.target for flow in on.values()}
    chains = {(part.connection, part.direction, part.type): part for part in [*new.rules, *old.rules]}
    for part in new.rules:
        lives = any(
            flow.type == part.type and part.connection == (flow.source if part.direction == "in" else flow.target)
            for flow in on.values()
        )
        if not lives:
            chains[part.connection, part.direction, part.type] = part
    return Config(
        tenant=new.tenant,
        connections=new.connections
        | {name: part for name, part in old.connections.items() if name in used or name not in new.connections},
        channels=new.channels | old.channels,
        flows=[*on.values(), *(flow for flow in new.flows if flow.name() not in on and flow.enabled)],
        rules=list(chains.values()),
    )


def _read_anew(old: Config, new: Config, living: dict[Name, config.FlowPart]) -> list[str]:
    found = set()
    rules = _chains(old, "in"), _chains(new, "in")
    for flow in living.values():
        place = flow.source, flow.type
        if rules[0].get(place) != rules[1].get(place):
            found.add(flow.source)
        if old.connections[flow.source] != new.connections[flow.source]:
            found.add(flow.source)
    return sorted(found)


# ------------------------------------------------------------------------------------------- flows that already run


def _rejudged(tenant: Tenant, new: Config, names: list[Name], most: int) -> list[FlowPlan]:
    before = [(flow, projection(flow)) for flow in (flow_of(tenant, name) for name in names)]
    with transaction.atomic():
        config.apply(new, "plan", enable=False)
        found = [
            _judge(old, project, flow_of(tenant, name), most)
            for name, (old, project) in zip(names, before, strict=True)
        ]
        transaction.set_rollback(True)
    return found


def _judge(old: Flow, old_project: Any, flow: Flow, most: int) -> FlowPlan:
    """Send-or-not as delivery will decide it: by the hash of what is really sent."""
    result = FlowPlan(
        channel=flow.channel.code, type=flow.type, source=flow.source.name, target=flow.target.name,
        note=gettext_noop("Already on: counted over what the hub knows; nothing was read"),
    )  # fmt: skip
    result.fields, result.blocked, result.samples = {}, {}, []
    takes, project, mails = taker(flow), projection(flow), plan.mailer(flow)
    counted = Counter[str]()
    for pairs in _records(flow):
        keys = [now.key for _, now in pairs]
        rows = {
            row.key: row
            for row in Binding.objects.filter(tenant=flow.tenant, connection=flow.target, type=flow.type, key__in=keys)
        }
        for was, now in pairs:
            row = rows.get(now.key)
            try:
                changed = project(now) if takes(now) else Ignored(reason="the flow no longer takes it")
            except RuleFailed as failure:
                plan.block_one(result, now, failure.reason, most)
                continue
            there = row is not None and (row.external_id is not None or row.delivered is not None)
            if isinstance(changed, Ignored) or (flow.mode == "update" and not there):
                result.left_out += 1
            elif row is None or not there:
                result.create += 1
                plan.count_one(result, changed, "create", {}, most, mails(changed))
            elif flow.mode == "create" or (row.sent and masked_hash(changed, flow.fields) == bytes(row.sent)):
                result.same += 1
            else:
                fields = _differences(old_project, was, changed)
                result.change += 1
                counted.update(list(fields))
                plan.count_one(result, changed, "change", fields, most, mails(changed))
    result.fields = dict(counted.most_common())
    return result


def _records(flow: Flow) -> Iterator[list[tuple[Record, Record]]]:
    """(record as stored, record as the flow would now send it) in chunks; stock for one pot is summed anew."""
    last = ""
    pot = flow.type == "stock" and not manifest(flow.target.connector).warehouses
    place = (flow.tenant_id, flow.source_id, flow.type)
    while True:
        rows = list(
            Stored.objects.filter(tenant=flow.tenant, connection=flow.source, type=flow.type, key__gt=last, gone=False)
            .order_by("key")
            .values_list("key", "body")[:_CHUNK]
        )
        if not rows:
            return
        last = rows[-1][0]
        records = [decode(flow.type, bytes(body)) for _, body in rows]
        if not pot:
            yield [(record, record) for record in records]
            continue
        own = [r for r in records if isinstance(r, StockLevel) and r.warehouse == f"@{flow.channel.code}"]
        pots = stock_pots(flow.source, flow, [level.sku for level in own])
        stored = {key: decode("stock", body) for key, body in store.bodies(*place, [p.key for p in pots]).items()}
        yield [(stored.get(one.key, one), one) for one in pots]


def _differences(old_project: Any, was: Record, changed: Record) -> dict[str, tuple[str, str]]:
    try:
        before = old_project(was)
    except RuleFailed:
        before = Ignored()
    theirs = {} if isinstance(before, Ignored) else msgspec.json.decode(encode(before))
    ours = msgspec.json.decode(encode(changed))
    return {
        field: (plan.short(theirs.get(field)), plan.short(ours.get(field)))
        for field in sorted({*ours, *theirs} - {"type"})
        if ours.get(field) != theirs.get(field)
    }
