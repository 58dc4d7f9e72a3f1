"""One connected system as a page or the API shows it: how it is, what was read and written last, how much of its limits
is in use. Plain values of one tenant; never a secret."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from samklang.connectors.contract import Manifest
from samklang.connectors.registry import manifest, packages
from samklang.hub import secrets
from samklang.hub.models import Channel, Connection, ExchangeRow, FeedState, Flow, Hook, Tenant, Transfer


class Answered(NamedTuple):
    """A setting as it is: its name for people, and its value ("" = not set). Of a secret only whether there is one."""

    title: str
    value: Any
    secret: bool
    kept: bool


class FeedLook(NamedTuple):
    """A feed: what it gives, how often it is looked at, when it was last read and last read whole; `wanted` says
    whether any flow takes something out of it."""

    name: str
    types: tuple[str, ...]
    seconds: int
    read_at: datetime | None
    swept_at: datetime | None
    wanted: bool


class Calls(NamedTuple):
    """Calls in the last minute, how many of them failed, and the most that the system allows in a minute (0 = it does
    not say)."""

    minute: int
    failed: int
    most: int

    @property
    def percent(self) -> int:
        """How much of the limit is in use."""
        return min(100, round(100 * self.minute / self.most)) if self.most else 0


class Hooks(NamedTuple):
    """Webhooks: when the last one came, how many wait, and why the last one that could not be worked off could not."""

    last_at: datetime | None
    waiting: int
    error: str


class Look(NamedTuple):
    """Everything about one connection. `facts` is None when its connector is not installed."""

    row: Connection
    facts: Manifest | None
    answers: list[Answered]
    feeds: list[FeedLook]
    transfers: list[Transfer]
    calls: Calls
    hooks: Hooks
    channels: list[Channel]


def connections(tenant: Tenant) -> list[Connection]:
    """The tenant's connections with `last_in` and `last_out`: when something was last read and written well."""
    done = Transfer.objects.filter(tenant=tenant, connection=OuterRef("pk"), result="ok").order_by("-started")
    return list(
        Connection.objects.filter(tenant=tenant)
        .annotate(
            last_in=Subquery(done.filter(direction="in").values("started")[:1]),
            last_out=Subquery(done.filter(direction="out").values("started")[:1]),
        )
        .order_by("name")
    )


def look(row: Connection) -> Look:
    """Everything about a connection."""
    facts = manifest(row.connector) if row.connector in packages() else None
    return Look(
        row, facts, _answers(row, facts) if facts else [], _feeds(row, facts) if facts else [],
        list(
            Transfer.objects.filter(tenant=row.tenant, connection=row).select_related("connection")
            .order_by("-started")[:12]
        ),
        calls(row, facts), heard(row), list(Channel.objects.filter(connection=row).order_by("code")),
    )  # fmt: skip


def calls(row: Connection, facts: Manifest | None) -> Calls:
    """How much of the system's limits is in use."""
    minute = ExchangeRow.objects.filter(
        tenant=row.tenant, connection=row, at__gt=timezone.now() - timedelta(minutes=1)
    ).values_list("status", flat=True)
    limits = facts.limits if facts else None
    most = round(limits.calls * 60 / limits.per_seconds) if limits and limits.calls else 0
    statuses = list(minute[:10_000])
    return Calls(len(statuses), sum(not 200 <= status < 400 for status in statuses), most)


def heard(row: Connection) -> Hooks:
    """What came by webhook."""
    hooks = Hook.objects.filter(tenant=row.tenant, connection=row)
    last = hooks.order_by("-pk").first()
    open_ = hooks.filter(done=False)
    error = open_.exclude(error="").order_by("-pk").values_list("error", flat=True).first()
    return Hooks(last.at if last else None, open_.count(), error or "")


def _answers(row: Connection, facts: Manifest) -> list[Answered]:
    kept = secrets.unseal(row.secrets)
    found = []
    for setting in facts.settings:
        if setting.kind == "secret":
            found.append(Answered(setting.title, "", True, bool(kept.get(setting.name))))
        else:
            value = row.settings.get(setting.name, setting.default)
            found.append(Answered(setting.title, "" if value is None else value, False, value not in (None, "")))
    return found


def _feeds(row: Connection, facts: Manifest) -> list[FeedLook]:
    states = {state.feed: state for state in FeedState.objects.filter(tenant=row.tenant, connection=row)}
    flowing = set(Flow.objects.filter(tenant=row.tenant, source=row, enabled=True).values_list("type", flat=True))
    return [
        FeedLook(
            feed.name, feed.types, feed.every_seconds, states[feed.name].read_at if feed.name in states else None,
            states[feed.name].swept_at if feed.name in states else None, bool(flowing & set(feed.types)),
        )
        for feed in facts.feeds
    ]  # fmt: skip
