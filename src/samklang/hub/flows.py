"""The flow matrix: per channel and record type exactly one master, flows from it to targets, presets, and which
records a flow takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from samklang.connectors.errors import Misconfigured
from samklang.connectors.registry import manifest
from samklang.hub.models import Channel, Company, Connection, Flow, Master
from samklang.hub.rulesets import condition
from samklang.records import Order, Record, Voucher, record_types, types_of_order

#: What a preset makes: (record type, from, to), for the shop of a channel and its ERP (J-01, J-02, J-03).
PRESETS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "shop rules": (
        ("product", "shop", "erp"),
        ("price_list", "shop", "erp"),
        ("price", "shop", "erp"),
        ("customer", "shop", "erp"),
        ("order", "shop", "erp"),
    ),
    "erp rules": (
        ("product", "erp", "shop"),
        ("price_list", "erp", "shop"),
        ("price", "erp", "shop"),
        ("stock", "erp", "shop"),
        ("customer", "shop", "erp"),
        ("order", "shop", "erp"),
        ("order_status", "erp", "shop"),
    ),
    # A till sells out of the shared stock, so the ERP must rule (J-18); its sales are orders that count the stock down.
    "till": (
        ("product", "erp", "shop"),
        ("price_list", "erp", "shop"),
        ("price", "erp", "shop"),
        ("stock", "erp", "shop"),
        ("order", "shop", "erp"),
    ),
    "combo": (
        ("product", "shop", "erp"),
        ("price_list", "erp", "shop"),
        ("price", "erp", "shop"),
        ("stock", "erp", "shop"),
        ("customer", "shop", "erp"),
        ("order", "shop", "erp"),
        ("order_status", "erp", "shop"),
    ),
}

#: Left out of a preset without a word where one of the two has no such thing: many a shop has one price (P-09).
WHERE_KNOWN = frozenset({"price_list"})

_OF_ORDER = types_of_order()
End = TypeVar("End")  # a connection, or its name

#: Types whose records belong to one channel each; several channels may send them to one target.
BY_CHANNEL = types_of_order() | {"customer", "voucher"}

#: Types that the hub makes itself, and out of what: their flow's source is the connection whose records cause them.
#: `capture` out of what was sent, `void` out of a cancellation, `release` out of the shop's status or by a person …
DERIVED: Mapping[str, tuple[str, ...]] = {
    "capture": ("shipment", "order_status"),
    "void": ("order_status", "order"),
    "refund": ("return",),
    "release": ("order",),
    "inbound": ("stock",),
    "voucher": ("order",),
}


class Line(NamedTuple):
    """A line of the matrix: what flows from where to where, by names."""

    channel: str
    type: str
    source: str
    target: str


def refuse(line: Line, others: Iterable[Line], connectors: Mapping[str, str]) -> None:
    """Raise Misconfigured when a line breaks the matrix: another connection is master of the type in the channel, the
    target is its master, another channel's master already writes the type at the target, or a connector cannot do its
    part. `connectors` names each connection's connector."""
    channel, type_, source, target = line
    where = f"{channel}.{type_}"
    if type_ not in record_types():
        raise Misconfigured(f"There is no record type {type_!r}", do_this=f"Use one of: {', '.join(record_types())}")
    if source == target:
        raise Misconfigured(f"{source} cannot be both source and target of {type_}", where=where)
    if not can_be_read(connectors[source], type_):
        raise Misconfigured(f"{manifest(connectors[source]).title} cannot be read for {type_}", where=source)
    if not can_be_written(connectors[target], type_):
        raise Misconfigured(f"{manifest(connectors[target]).title} cannot be written {type_}", where=target)
    for other in others:
        if other.type != type_:
            continue
        if other.channel == channel and other.source != source:
            raise Misconfigured(
                f"{other.source} is already master of {type_} in {channel}; there can be only one", where=where,
                do_this=f"Remove the flows of {type_} from {other.source} first, or keep it as master.",
            )  # fmt: skip
        if other.channel == channel and target == other.source:
            raise Misconfigured(f"{target} is master of {type_} in {channel} and cannot be its target", where=where)
        if type_ not in BY_CHANNEL and other.target == target and other.source != source:
            raise Misconfigured(
                f"{other.source} already writes {type_} to {target}; two masters would fight over it", where=where
            )


def can_be_read(connector: str, type_: str) -> bool:
    """Whether records of a type come out of a connector: read from it, or made by the hub out of what is read."""
    return any(map(manifest(connector).feed_for, (type_, *DERIVED.get(type_, ()))))


def can_be_written(connector: str, type_: str) -> bool:
    """Whether a connector takes records of a type."""
    return type_ in manifest(connector).writes


def set_flow(
    channel: Channel,
    type_: str,
    source: Connection,
    target: Connection,
    *,
    mode: str = "both",
    fields: Iterable[str] = (),
    **more: Any,
) -> Flow:
    """Create or change a flow and make its source the master, or raise Misconfigured as `refuse` does."""
    with transaction.atomic():
        there = Flow.objects.filter(tenant=channel.tenant, type=type_).exclude(channel=channel, target=target)
        others = there.values_list("channel__code", "type", "source__name", "target__name")
        line = Line(channel.code, type_, source.name, target.name)
        connectors = {row.name: row.connector for row in (source, target)}
        refuse(line, map(Line._make, others), connectors)
        try:
            with transaction.atomic():
                master, _ = Master.objects.get_or_create(
                    tenant=channel.tenant, channel=channel, type=type_, defaults={"connection": source}
                )
        except IntegrityError:  # somebody else named a master in this moment
            master = Master.objects.get(tenant=channel.tenant, channel=channel, type=type_)
        if master.connection_id != source.pk:
            refuse(line, [line._replace(source=master.connection.name, target="")], connectors)
        flow, _ = Flow.objects.update_or_create(
            tenant=channel.tenant,
            channel=channel,
            type=type_,
            target=target,
            defaults={"source": source, "mode": mode, "fields": list(fields), **more},
        )
    return flow


#: How a preset sets a type's flow. An ERP's customers are its own once they exist; of an order that the ERP already
#: has only a cancellation goes there (edits before picking belong to the warehouse flow).
_MANNERS: dict[str, dict[str, Any]] = {
    "customer": {"mode": "create"}, "order": {"fields": ["lifecycle"]}, "voucher": {"mode": "create"},
}  # fmt: skip


def manners(type_: str) -> dict[str, Any]:
    """Mode and mask that a preset gives a flow of this type."""
    return dict(_MANNERS.get(type_, {}))


def preset(name: str, shop: End, erp: End) -> list[tuple[str, End, End, dict[str, Any]]]:
    """(record type, source, target, mode and mask) of each flow that a preset makes between a shop and an ERP."""
    ends = {"shop": shop, "erp": erp}
    return [(type_, ends[source], ends[target], manners(type_)) for type_, source, target in PRESETS[name]]


def use_preset(name: str, channel: Channel, erp: Connection) -> list[Flow]:
    """The flows of a preset between the channel's shop and an ERP, switched off until the plan is applied."""
    return [
        set_flow(channel, type_, source, target, **more)
        for type_, source, target, more in preset(name, channel.connection, erp)
        if type_ not in WHERE_KNOWN
        or (can_be_read(source.connector, type_) and can_be_written(target.connector, type_))
    ]


def remove_flow(flow: Flow) -> None:
    """Take a flow away; the master's chair becomes free when it was the last of its type in the channel."""
    with transaction.atomic():
        channel, type_ = flow.channel, flow.type
        flow.delete()
        if not Flow.objects.filter(tenant=channel.tenant, channel=channel, type=type_).exists():
            Master.objects.filter(tenant=channel.tenant, channel=channel, type=type_).delete()


class Route(NamedTuple):
    """An enabled flow, ready to judge records. `pot`: the target has no warehouses, so it gets stock summed up."""

    flow: Flow
    takes: Callable[[Record], bool]
    pot: bool = False


def routes(source: Connection, type_: str, *, also: Flow | None = None) -> list[Route]:
    """Enabled flows of a type out of a connection (and `also` one that is only planned)."""
    found = list(_enabled(source).filter(type=type_))
    if also is not None and also.pk not in {flow.pk for flow in found}:
        found.append(also)
    return [_route(flow) for flow in found]


def routes_by_type(source: Connection) -> dict[str, list[Route]]:
    """Enabled flows out of a connection for every record type, asked for at once."""
    found: dict[str, list[Route]] = {type_: [] for type_ in record_types()}
    for flow in _enabled(source):
        found.setdefault(flow.type, []).append(_route(flow))
    return found


def _enabled(source: Connection) -> QuerySet[Flow]:
    flows = Flow.objects.filter(tenant=source.tenant, source=source, enabled=True)
    return flows.select_related("channel", "target", "source")


def _route(flow: Flow) -> Route:
    return Route(flow, taker(flow), flow.type == "stock" and not manifest(flow.target.connector).warehouses)


def taker(flow: Flow) -> Callable[[Record], bool]:
    """Whether the flow takes a record: its channel, its cut-over date, its trigger statuses, its condition.

    Options: `statuses` = the shop's words that let an order through (J-10); empty = all.
    """
    code, since = flow.channel.code, flow.since
    statuses = frozenset(flow.options.get("statuses") or ())
    holds = condition(flow.when, flow.type) if flow.when else None
    type_ = flow.type
    company = company_of(flow.tenant_id, code) if type_ == "voucher" else ""

    def takes(record: Record) -> bool:
        if isinstance(record, Voucher):
            return record.company == company and (holds is None or holds(record))
        if isinstance(record, Order):
            if record.channel != code or (since and record.placed_at < since):
                return False
            if statuses and record.status not in statuses:
                return False
        elif type_ in _OF_ORDER and not record.key.startswith(code + "/"):
            return False
        return holds is None or holds(record)

    return takes


def types_to_read(row: Connection, feed_types: Iterable[str]) -> frozenset[str]:
    """Which of a feed's types are worth reading: those that flow out of here, and articles (with their stock and
    price left out) where orders flow in, because their ids must be known."""
    out = with_causes(outgoing(row))
    if Flow.objects.filter(tenant=row.tenant, target=row, type__in=["order", "stock", "price"]).exists():
        out.add("product")
    return frozenset(feed_types) & out


def outgoing(row: Connection, **only: Any) -> set[str]:
    """The types that flow out of a connection (of flows with `only`); vouchers too where they become files."""
    types = set(Flow.objects.filter(tenant=row.tenant_id, source=row, **only).values_list("type", flat=True))
    channels = set(Channel.objects.filter(tenant=row.tenant_id, connection=row).values_list("code", flat=True))
    companies = Company.objects.filter(tenant=row.tenant_id).values_list("settings", flat=True)
    in_files = any(one.get("ledger") == "file" and channels & set(one.get("channels", ())) for one in companies)
    return types | ({"voucher"} if in_files else set())


def with_causes(types: Iterable[str]) -> set[str]:
    """The types, and those out of which the hub makes them."""
    found = set(types)
    return found | {cause for type_ in found for cause in DERIVED.get(type_, ())}


def company_of(tenant: int, channel: str) -> str:
    """Code of the company that a channel belongs to; "" where its books are nobody's business."""
    rows = Company.objects.filter(tenant_id=tenant).values_list("code", "settings")
    return next((code for code, settings in rows if channel in settings.get("channels", ())), "")
