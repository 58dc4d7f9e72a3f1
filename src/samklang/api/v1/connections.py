"""Connected systems: the kinds there are, how each connection is, connecting, pausing, reading now. Never a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from samklang import engine
from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.errors import NotThere, Unfit
from samklang.api.v1.shapes import Answer, struct
from samklang.connectors.contract import Manifest
from samklang.connectors.errors import Misconfigured
from samklang.connectors.registry import manifest, packages
from samklang.engine.work import reading_jobs
from samklang.hub import links, secrets
from samklang.hub.looks import systems
from samklang.hub.models import Channel, Connection
from samklang.hub.setup import config, connecting
from samklang.people import audit
from samklang.people.retold import retold
from samklang.people.rights import Right

door = Door("connections")
Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Scalar = str | int | bool | None


class ConnectorRow(Answer):
    """A kind of system that can be connected."""

    name: str
    title: str
    kind: str


class ChannelRow(Answer):
    """Where buyers order, through one connection."""

    code: str
    name: str
    connection: str
    country: str
    currency: str
    time_zone: str


class ConnectionRow(Answer):
    """A connected system. After faults it rests until `rests_until`; `needs person` says why in `reason`."""

    name: str
    connector: str
    title: str
    kind: str
    state: Literal["active", "paused", "needs person"]
    reason: str
    rests_until: datetime | None
    last_in: datetime | None
    last_out: datetime | None


class FeedRow(Answer):
    """What is read of it, how often, and when it was last; `wanted` says whether a flow takes anything out of it."""

    name: str
    types: list[str]
    seconds: int
    read_at: datetime | None
    swept_at: datetime | None
    wanted: bool


class CallsRow(Answer):
    """Calls of the last minute, how many failed, and the most that the system allows in a minute (0: it says none)."""

    minute: int
    failed: int
    most: int


class HooksRow(Answer):
    """Webhooks of the system: the last one, how many wait, why the last that could not be worked off could not."""

    last_at: datetime | None
    waiting: int
    error: str


class ConnectionLook(ConnectionRow):
    """A connected system whole. `secrets` names those that are set; none is ever shown."""

    settings: dict[str, Scalar]
    secrets: list[str]
    channels: list[ChannelRow]
    feeds: list[FeedRow]
    calls: CallsRow
    webhooks: HooksRow


class Shop(Input):
    """The channel that a new connection to a shop gets."""

    code: Annotated[str, Field(max_length=40, pattern=r"^[-a-zA-Z0-9_]*$")] = ""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "SE"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "SEK"
    time_zone: Annotated[str, Field(max_length=40)] = "Europe/Stockholm"


class ConnectionInput(Input):
    """How a system is reached. What is not named stays as it is; secrets are kept sealed and never shown again."""

    connector: Annotated[str, Field(max_length=40)]
    settings: dict[str, Scalar] = {}
    secrets: dict[str, str] = {}
    channel: Shop = Shop()


class AccountLook(Answer):
    """What the system said of itself when it was tried."""

    title: str
    version: str
    warnings: list[str]


class Connected(Answer):
    """A connection that works, and what its system said."""

    connection: ConnectionLook
    account: AccountLook


class Why(Input):
    """A reason, for whoever wonders later."""

    why: Annotated[str, Field(max_length=300)] = ""


class Reach(Input):
    """Where the system finds this hub."""

    public_url: Annotated[str, Field(min_length=1, max_length=300)]


class HookAddress(Answer):
    """Where the system's webhooks come to."""

    address: str


class SyncInput(Input):
    """Which connections to read now (none named = all); `sweep` reads everything, not only what changed."""

    connections: list[Name] = []
    sweep: bool = False


class Woken(Answer):
    """How many jobs were asked for. They run as soon as their lanes are free."""

    jobs: int


def _row(call: Call, name: str) -> Connection:
    row = Connection.objects.select_related("tenant").filter(tenant=call.tenant, name=name).first()
    if row is None:
        raise NotThere(f"There is no connection {name}")
    return row


def _plain(row: Any) -> dict[str, Any]:
    facts = manifest(row.connector) if row.connector in packages() else None
    rests = datetime.fromtimestamp(row.open_until, UTC) if row.open_until else None
    return {
        "name": row.name, "connector": row.connector, "title": facts.title if facts else row.connector,
        "kind": facts.kind if facts else "", "state": row.state, "reason": row.reason,
        "rests_until": rests if rests and rests > datetime.now(UTC) else None,
        "last_in": getattr(row, "last_in", None), "last_out": getattr(row, "last_out", None),
    }  # fmt: skip


def _channel(row: Channel) -> dict[str, Any]:
    return {
        "code": row.code, "name": row.name, "connection": row.connection.name, "country": row.country,
        "currency": row.currency, "time_zone": row.time_zone,
    }  # fmt: skip


def _whole(call: Call, name: str) -> dict[str, Any]:
    row = next((row for row in systems.connections(call.tenant) if row.name == name), None)
    if row is None:
        raise NotThere(f"There is no connection {name}")
    look = systems.look(row)
    kept = secrets.unseal(row.secrets)
    hidden = [one.name for one in look.facts.settings if one.kind == "secret"] if look.facts else []
    return {
        **_plain(row), "settings": row.settings, "secrets": [name for name in hidden if kept.get(name)],
        "channels": [_channel(channel) for channel in look.channels],
        "feeds": [feed._asdict() for feed in look.feeds], "calls": look.calls._asdict(),
        "webhooks": look.hooks._asdict(),
    }  # fmt: skip


@door.get("/connectors", Right.SEE, list[ConnectorRow])
def connectors(call: Call) -> Any:
    """Kinds of systems that can be connected."""
    facts = [manifest(name) for name in packages()]
    return [{"name": one.name, "title": one.title, "kind": one.kind} for one in facts]


@door.get("/connectors/{name}", Right.SEE, struct(Manifest))
def connector(call: Call, name: str) -> Any:
    """What a kind of system can do: its settings, what is read and written, its limits, what it cannot."""
    if name not in packages():
        raise NotThere(f"There is no connector {name}")
    return manifest(name)


@door.get("/channels", Right.SEE, list[ChannelRow])
def channels(call: Call) -> Any:
    """Where buyers order."""
    rows = Channel.objects.filter(tenant=call.tenant).select_related("connection").order_by("code")
    return [_channel(row) for row in rows]


@door.get("/connections", Right.SEE, list[ConnectionRow])
def connections(call: Call) -> Any:
    """All connected systems and how they are."""
    return [_plain(row) for row in systems.connections(call.tenant)]


@door.get("/connections/{name}", Right.SEE, ConnectionLook)
def connection(call: Call, name: Name) -> Any:
    """One connected system."""
    return _whole(call, name)


@door.put("/connections/{name}", Right.CONFIGURE, Connected)
def connect(call: Call, name: Name, payload: ConnectionInput) -> Any:
    """Connect a system, or change how it is reached. It is tried first, and only saved when it answers.

    A system with a login page (OAuth 2) is connected in the console, where a person can approve it.
    """
    row = connecting.find_or_new(call.tenant, name, payload.connector)
    row.tenant = call.tenant
    unknown = sorted({*payload.settings, *payload.secrets} - {one.name for one in manifest(row.connector).settings})
    found = connecting.answers(row, {**payload.settings, **payload.secrets})
    wrong = found.wrong | {name: Misconfigured("There is no such setting") for name in unknown}
    if wrong:
        raise Unfit("", tuple((f"body.settings.{name}", one.told) for name, one in wrong.items()))
    tokens = connecting.stored_tokens(row)
    account = connecting.check(row, found, tokens)
    shop = payload.channel
    part = config.ChannelPart(
        connection=name, country=shop.country, currency=shop.currency, time_zone=shop.time_zone
    )  # fmt: skip
    connecting.save(row, found, tokens, call.actor.name, channel=part, code=shop.code)
    audit.note(call.actor, gettext_noop("connected"), f"connection {name}", connector=row.connector)
    said = {"title": account.title, "version": account.version, "warnings": [retold(one) for one in account.warnings]}
    return {"connection": _whole(call, name), "account": said}


@door.post("/connections/{name}/check", Right.OPERATE, AccountLook)
def connection_check(call: Call, name: Name) -> Any:
    """Ask the system whether the login still works. A login that does not pauses the connection, as a read would."""
    account = links.check(_row(call, name))
    return {"title": account.title, "version": account.version, "warnings": [retold(one) for one in account.warnings]}


@door.post("/connections/{name}/pause", Right.OPERATE, ConnectionRow)
def connection_pause(call: Call, name: Name, payload: Why) -> Any:
    """Stop reading from and writing to a system. What is due waits; none of it is lost."""
    row = _row(call, name)
    connecting.pause(row, payload.why or f"Paused by {call.actor.name}")
    audit.note(call.actor, gettext_noop("paused"), f"connection {name}", why=payload.why)
    return _plain(row)


@door.post("/connections/{name}/resume", Right.OPERATE, ConnectionRow)
def connection_resume(call: Call, name: Name) -> Any:
    """Use a system again."""
    row = _row(call, name)
    links.resume(row)
    audit.note(call.actor, gettext_noop("resumed"), f"connection {name}")
    row.refresh_from_db()
    return _plain(row)


@door.post("/connections/{name}/webhooks", Right.CONFIGURE, HookAddress)
def connection_hooks(call: Call, name: Name, payload: Reach) -> Any:
    """Have the system send its webhooks to this hub. Repeating it changes nothing."""
    address = connecting.register_hooks(_row(call, name), payload.public_url)
    audit.note(call.actor, gettext_noop("registered webhooks"), f"connection {name}", address=address)
    return {"address": address}


@door.post("/sync", Right.OPERATE, Woken, status=202)
def sync(call: Call, payload: SyncInput) -> Any:
    """Read what changed now instead of at the next turn; what comes of it is delivered as always."""
    names = [_row(call, name).name for name in payload.connections]
    jobs = reading_jobs(call.tenant.pk, names or None, payload.sweep)
    if engine.current is not None:
        for job in jobs:
            engine.current.wake(job)
    return {"jobs": len(jobs)}
