"""The configuration as a readable file: samklang.toml, without secrets.

The database holds the configuration and its history; the file is its export and import. `compare` says what an import
would change, `apply` does it in one transaction and writes a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, cast

import msgspec
import tomli_w
from django.db import transaction
from django.db.models import Max, ProtectedError
from django.utils.translation import gettext_noop

from samklang.connectors.errors import Misconfigured
from samklang.connectors.registry import manifest, packages
from samklang.hub import events
from samklang.hub.flows import WHERE_KNOWN, Line, can_be_read, can_be_written, refuse, remove_flow, set_flow
from samklang.hub.flows import preset as preset_flows
from samklang.hub.models import Channel, Company, ConfigVersion, Connection, Flow, RuleSet, Tenant
from samklang.hub.rulesets import Direction, condition
from samklang.hub.secrets import seal, unseal
from samklang.hub.setup import companies
from samklang.hub.setup.companies import CompanyPart
from samklang.hub.setup.options import check_maps
from samklang.records.states import axes_of
from samklang.rules import InvalidRules, load

Mode = Literal["create", "update", "both"]


class TenantPart(msgspec.Struct, forbid_unknown_fields=True):
    """[tenant]"""

    slug: str
    name: str


class ConnectionPart(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """[connections.NAME]: connector and its settings; secrets are entered with `samklang connect`."""

    connector: str
    settings: dict[str, Any] = {}
    status_words: dict[str, list[str]] = {}  # the system's status word → states of an order, or "ignore"


class ChannelPart(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """[channels.CODE]: a shop, with the zone and currency its orders are in."""

    connection: str
    name: str = ""
    country: str = "SE"
    currency: str = "SEK"
    time_zone: str = "Europe/Stockholm"
    dimension: str = ""


class FlowPart(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename={"source": "from", "target": "to"}
):
    """[[flows]]: records of a type from their master to a target."""

    channel: str
    type: str
    source: str
    target: str
    mode: Mode = "both"
    fields: list[str] = []
    when: dict[str, Any] | None = None
    options: dict[str, Any] = {}
    since: datetime | None = None
    enabled: bool = True

    def name(self) -> tuple[str, str, str]:
        """What makes it the same flow."""
        return self.channel, self.type, self.target


class PresetPart(msgspec.Struct, forbid_unknown_fields=True):
    """[[presets]]: shorthand for several flows between a channel's shop and an ERP; a [[flows]] entry wins over it."""

    channel: str
    use: Literal["shop rules", "erp rules", "combo", "till"]
    erp: str


class RulesPart(msgspec.Struct, forbid_unknown_fields=True):
    """[[rules]]: a chain on the way in or out of a connection for one record type."""

    connection: str
    direction: Literal["in", "out"]
    type: str
    rules: list[dict[str, Any]]


class Config(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The whole of a tenant's configuration."""

    tenant: TenantPart
    connections: dict[str, ConnectionPart] = {}
    channels: dict[str, ChannelPart] = {}
    companies: dict[str, CompanyPart] = {}
    presets: list[PresetPart] = []
    flows: list[FlowPart] = []
    rules: list[RulesPart] = []


class Change(msgspec.Struct, frozen=True):
    """One difference between the file and the database."""

    what: Literal["add", "change", "remove"]
    kind: Literal["tenant", "connection", "channel", "company", "flow", "rules"]
    name: str
    fields: tuple[str, ...] = ()


def parse(text: str) -> Config:
    """Read samklang.toml. Misconfigured names the place and what is wrong."""
    try:
        config = msgspec.toml.decode(text, type=Config)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        reason = str(error)
        raise Misconfigured(
            f"samklang.toml cannot be used: {reason}", do_this="Correct the file and run it again."
        ) from error
    given = {flow.name() for flow in config.flows}
    for part in config.presets:
        channel = _known(config.channels, part.channel, "channel")
        for type_, source, target, more in preset_flows(part.use, channel.connection, part.erp):
            flow = FlowPart(channel=part.channel, type=type_, source=source, target=target, **more)
            known = type_ not in WHERE_KNOWN or _able(config, flow)
            if flow.name() not in given and known:
                config.flows.append(flow)
    config.presets = []
    check(config)
    return config


def _known(things: Mapping[str, Any], name: str, kind: str) -> Any:
    if name not in things:
        raise Misconfigured(f"There is no {kind} {name!r}", do_this=f"Known are: {', '.join(things) or 'none'}.")
    return things[name]


def _able(config: Config, flow: FlowPart) -> bool:
    """Whether its two ends can do what a flow asks; ends that are not there are for `check` to name."""
    ends = [config.connections.get(name) for name in (flow.source, flow.target)]
    source, target = (end.connector if end and end.connector in packages() else "" for end in ends)
    return bool(source and target) and can_be_read(source, flow.type) and can_be_written(target, flow.type)


def check(config: Config) -> None:
    """Whether a configuration can be at all: its names, its settings, its matrix, its rules. Raises Misconfigured."""
    for name, part in config.connections.items():
        _known(packages(), part.connector, "connector")
        facts = manifest(part.connector)
        known = {setting.name for setting in facts.settings if setting.kind != "secret"}
        for word, states in part.status_words.items():
            try:
                axes_of(states)
            except ValueError as error:
                raise Misconfigured(f"Status word {word!r} of connection {name}: {error}") from error
        for key in part.settings:
            if key not in known:
                secret = any(setting.name == key for setting in facts.settings)
                what = "is a secret and" if secret else "is no setting and"
                raise Misconfigured(
                    f"{key} of connection {name} {what} cannot stand here",
                    do_this=f"Enter secrets with `samklang connect`. Settings: {', '.join(sorted(known)) or 'none'}.",
                )
    for code, channel in config.channels.items():
        _known(config.connections, channel.connection, f"connection (channel {code})")
    companies.check(config.companies, config.channels, config.connections)
    connectors = {name: part.connector for name, part in config.connections.items()}
    lines: list[Line] = []
    for flow in config.flows:
        _known(config.channels, flow.channel, "channel")
        for end in (flow.source, flow.target):
            _known(config.connections, end, "connection")
        line = Line(flow.channel, flow.type, flow.source, flow.target)
        refuse(line, lines, connectors)
        lines.append(line)
        if flow.when:
            condition(flow.when, flow.type)
        check_maps(flow.type, flow.options)
    for chain in config.rules:
        _known(config.connections, chain.connection, "connection")
        try:
            load(chain.rules, chain.type)
        except InvalidRules as error:
            raise Misconfigured(str(error), where=f"rules {chain.direction} of {chain.connection}") from error


def refuse_new_masters(old: Config, new: Config) -> None:
    """Raise Misconfigured where a type that flows would get another master: what it has delivered is judged by the old
    one, so that is two steps."""
    masters = {(flow.channel, flow.type): flow.source for flow in old.flows if flow.enabled}
    for flow in new.flows:
        now = masters.get((flow.channel, flow.type), flow.source)
        if flow.enabled and now != flow.source:
            raise Misconfigured(
                f"{flow.type} in {flow.channel} would get another master: {flow.source} instead of {now}",
                where=f"{flow.channel}.{flow.type}",
                do_this="First take its flows away and apply that; then name the new master and apply again.",
            )


def current(tenant: Tenant) -> Config:
    """The configuration in the database."""
    connections = Connection.objects.filter(tenant=tenant).order_by("name")
    flows = Flow.objects.filter(tenant=tenant, planned=False).select_related("channel", "source", "target")
    return Config(
        tenant=TenantPart(slug=tenant.slug, name=tenant.name),
        connections={
            row.name: ConnectionPart(
                connector=row.connector, settings=row.settings, status_words=row.status_words
            )
            for row in connections
        },
        channels={
            row.code: ChannelPart(
                connection=row.connection.name, name=row.name, country=row.country, currency=row.currency,
                time_zone=row.time_zone, dimension=row.dimension,
            )
            for row in Channel.objects.filter(tenant=tenant).select_related("connection").order_by("code")
        },
        companies={
            row.code: companies.part_of(row) for row in Company.objects.filter(tenant=tenant).order_by("code")
        },
        flows=[
            FlowPart(
                channel=row.channel.code, type=row.type, source=row.source.name, target=row.target.name,
                mode=cast("Mode", row.mode),
                fields=list(row.fields), when=row.when, options=row.options, since=row.since, enabled=row.enabled,
            )
            for row in flows.order_by("channel__code", "id")
        ],
        rules=[
            RulesPart(
                connection=row.connection.name, direction=cast("Direction", row.direction), type=row.type,
                rules=row.rules,
            )
            for row in RuleSet.objects.filter(tenant=tenant).select_related("connection").order_by("id")
            if row.rules
        ],
    )  # fmt: skip


def dump(config: Config) -> str:
    """samklang.toml text."""
    return tomli_w.dumps(
        _without_none(msgspec.to_builtins(config, builtin_types=(datetime, date))), multiline_strings=True
    )


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value


def compare(old: Config | None, new: Config) -> list[Change]:
    """What an import of `new` would add, change and remove."""
    changes: list[Change] = []

    def look(kind: Any, before: Mapping[Any, Any], after: Mapping[Any, Any], name: Any = str) -> None:
        for key in [*after, *(key for key in before if key not in after)]:
            if key not in before:
                changes.append(Change("add", kind, name(key)))
            elif key not in after:
                changes.append(Change("remove", kind, name(key)))
            else:
                fields = [f for f in before[key].__struct_fields__ if getattr(before[key], f) != getattr(after[key], f)]
                if fields:
                    changes.append(Change("change", kind, name(key), tuple(fields)))

    def flow_name(key: tuple[str, str, str]) -> str:
        return f"{key[1]} → {key[2]} ({key[0]})"

    old = old or Config(tenant=new.tenant)
    if old.tenant != new.tenant:
        changes.append(Change("change", "tenant", new.tenant.slug, ("name",)))
    look("connection", old.connections, new.connections)
    look("channel", old.channels, new.channels)
    look("company", old.companies, new.companies)
    look("flow", {f.name(): f for f in old.flows}, {f.name(): f for f in new.flows}, flow_name)
    chains = [{(r.connection, r.direction, r.type): r for r in config.rules} for config in (old, new)]
    look("rules", chains[0], chains[1], " ".join)
    return changes


def changes_of(version: ConfigVersion, older: ConfigVersion | None) -> list[Change]:
    """What a version changed of the one before; nothing where it cannot be read any more (a connector is gone)."""
    try:
        return compare(parse(older.text) if older else None, parse(version.text))
    except Misconfigured:
        return []


def apply(new: Config, by: str, why: str = "", *, enable: bool = True, planned: bool = False) -> Tenant:
    """Make the database say what the file says, in one transaction, and write a version.

    With `enable` false, flows are set up but stay off (the plan reads through them); with `planned` those that are new
    are marked as no part of the configuration yet. A connection that still has
    bindings is not removed, only paused: history stays. Raises Misconfigured and changes nothing when a flow breaks the
    matrix.
    """
    with transaction.atomic():
        tenant, _ = Tenant.objects.update_or_create(slug=new.tenant.slug, defaults={"name": new.tenant.name})
        for name, part in new.connections.items():
            Connection.objects.update_or_create(
                tenant=tenant, name=name,
                defaults={
                    "connector": part.connector, "settings": part.settings, "status_words": part.status_words,
                },
            )  # fmt: skip
        rows = {row.name: row for row in Connection.objects.filter(tenant=tenant)}
        for code, channel in new.channels.items():
            Channel.objects.update_or_create(
                tenant=tenant, code=code,
                defaults={
                    "connection": rows[channel.connection], "name": channel.name, "country": channel.country,
                    "currency": channel.currency, "time_zone": channel.time_zone, "dimension": channel.dimension,
                },
            )  # fmt: skip
        for code, company in new.companies.items():
            Company.objects.update_or_create(
                tenant=tenant, code=code, defaults={"settings": companies.settings_of(company)}
            )
        try:
            Company.objects.filter(tenant=tenant).exclude(code__in=new.companies).delete()
        except ProtectedError as error:
            raise Misconfigured(
                "A company that has books cannot be removed",
                where="companies", do_this="Leave it in the file; take its channels away if it sells no more.",
            ) from error  # fmt: skip
        channels = {row.code: row for row in Channel.objects.filter(tenant=tenant).select_related("connection")}
        wanted = {flow.name(): flow.source for flow in new.flows}
        before: dict[tuple[str, str, str], Flow] = {}
        for flow in Flow.objects.filter(tenant=tenant).select_related("channel", "target", "source"):
            key = (flow.channel.code, flow.type, flow.target.name)
            if wanted.get(key) != flow.source.name:
                remove_flow(flow)
            else:
                before[key] = flow
        for line in new.flows:
            was = before.get(line.name())
            on = line.enabled if enable else was is not None and was.enabled and line.enabled
            set_flow(
                channels[line.channel], line.type, rows[line.source], rows[line.target], mode=line.mode,
                fields=line.fields, when=line.when, options=line.options, since=line.since, enabled=on,
                planned=planned and (was is None or was.planned),
            )  # fmt: skip
        RuleSet.objects.filter(tenant=tenant).delete()
        for chain in new.rules:
            RuleSet.objects.create(
                tenant=tenant, connection=rows[chain.connection], direction=chain.direction, type=chain.type,
                rules=chain.rules,
            )  # fmt: skip
        for row in rows.values():
            if row.name not in new.connections:
                row.state, row.reason = Connection.State.PAUSED, gettext_noop("Removed from the configuration")
                row.save(update_fields=["state", "reason"])
        if enable:
            write_version(tenant, by, why)
    return tenant


def write_version(tenant: Tenant, by: str, why: str = "") -> ConfigVersion:
    """Remember the configuration as it now is."""
    last = ConfigVersion.objects.filter(tenant=tenant).aggregate(n=Max("number"))["n"] or 0
    text = dump(current(tenant))
    with transaction.atomic():
        version = ConfigVersion.objects.create(tenant=tenant, number=last + 1, by=by, why=why, text=text)
        happening = events.Happening("configuration.changed", str(version.number), {"version": version.number})
        events.tell(tenant.pk, [happening])
    return version


def set_secrets(row: Connection, values: Mapping[str, str]) -> None:
    """Store secrets of a connection beside those it has, encrypted."""
    kept = unseal(row.secrets)
    kept.update(values)
    row.secrets = seal(kept)
    row.save(update_fields=["secrets"])
