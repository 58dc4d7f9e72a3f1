"""Webhooks out: who is told of events, what was told, tests and replays."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from samklang.api.v1 import cursors
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.errors import NotThere
from samklang.api.v1.shapes import Answer, Page
from samklang.hub.events import TYPES
from samklang.hub.models import Message, Subscription
from samklang.hub.telling import outbox, subscriptions
from samklang.people import audit
from samklang.people.rights import Right

door = Door("webhooks")
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^\S(.*\S)?$")]
Url = Annotated[str, Field(min_length=1, max_length=500)]


class EventType(Answer):
    """A type of event that can be told."""

    type: str
    says: str


class Webhook(Answer):
    """An address that is told of events. `state` is active, off (by a person) or given up (nobody answered)."""

    id: int
    name: str
    url: str
    types: list[str]
    state: Literal["active", "off", "given up"]
    reason: str
    made_at: datetime


class WebhookMade(Webhook):
    """A webhook with its secret, which is not shown again."""

    secret: str


class WebhookInput(Input):
    """What a webhook is to be. No `types` = all."""

    name: Name
    url: Url
    types: list[str] = []


class WebhookChange(WebhookInput):
    """What a webhook is to be from now on; `on` also brings one back that was given up."""

    on: bool = True


class Secret(Answer):
    """A new secret; for a day the one before it signs too."""

    secret: str


class MessageRow(Answer):
    """An event on its way to a webhook. `status` is that of the last answer (0 = none)."""

    id: int
    event: str
    type: str
    about: str
    at: datetime
    state: Literal["due", "done", "failed"]
    attempts: int
    tried_at: datetime | None
    status: int
    error: str


class ReplayInput(Input):
    """Which events to tell again: those of a span of time, or only what failed of them."""

    since: datetime
    until: datetime | None = None
    only_failed: bool = False


class Count(Answer):
    """How many it were."""

    count: int


def _row(call: Call, number: int) -> Subscription:
    row = Subscription.objects.select_related("tenant").filter(tenant=call.tenant, pk=number).first()
    if row is None:
        raise NotThere(f"There is no webhook {number}")
    return row


def _plain(message: Message) -> dict[str, Any]:
    event = message.event
    return {
        "id": message.pk, "event": f"evt_{event.number.hex}", "type": event.type, "about": event.about, "at": event.at,
        "state": message.state, "attempts": message.attempts, "tried_at": message.tried_at, "status": message.status,
        "error": message.error,
    }  # fmt: skip


@door.get("/event-types", Right.CONFIGURE, list[EventType])
def event_types(call: Call) -> Any:
    """Types of events that webhooks can be told of."""
    return [{"type": type_, "says": says} for type_, says in TYPES.items()]


@door.get("/webhooks", Right.CONFIGURE, list[Webhook])
def webhooks(call: Call) -> Any:
    """All webhooks of the tenant."""
    return list(Subscription.objects.filter(tenant=call.tenant).order_by("name"))


@door.post("/webhooks", Right.CONFIGURE, WebhookMade, status=201)
def webhook_make(call: Call, payload: WebhookInput) -> Any:
    """Be told of events at an address.

    The address is judged like that of a connection: https, and none in our own network unless the operator allows it.
    """
    row, secret = subscriptions.subscribe(call.tenant, payload.name, payload.url, payload.types)
    audit.note(call.actor, gettext_noop("made a webhook"), f"webhook {row.name}", url=row.url, types=row.types)
    return {**Webhook.model_validate(row).model_dump(), "secret": secret}


@door.get("/webhooks/{number}", Right.CONFIGURE, Webhook)
def webhook(call: Call, number: Number) -> Any:
    """One webhook."""
    return _row(call, number)


@door.put("/webhooks/{number}", Right.CONFIGURE, Webhook)
def webhook_change(call: Call, number: Number, payload: WebhookChange) -> Any:
    """Change a webhook, switch it off, or on again. What waits goes to its new address."""
    row = _row(call, number)
    subscriptions.change(row, payload.name, payload.url, payload.types, payload.on)
    now = {"url": row.url, "types": row.types, "on": payload.on}
    audit.note(call.actor, gettext_noop("changed a webhook"), f"webhook {row.name}", **now)
    return row


@door.delete("/webhooks/{number}", Right.CONFIGURE)
def webhook_remove(call: Call, number: Number) -> Any:
    """Remove a webhook with what was to be told to it."""
    row = _row(call, number)
    subscriptions.remove(row)
    audit.note(call.actor, gettext_noop("removed a webhook"), f"webhook {row.name}")


@door.post("/webhooks/{number}/secret", Right.CONFIGURE, Secret)
def webhook_rotate(call: Call, number: Number) -> Any:
    """Get a new secret; for a day the one before it signs too."""
    row = _row(call, number)
    secret = subscriptions.rotate(row)
    audit.note(call.actor, gettext_noop("made a new secret"), f"webhook {row.name}")
    return {"secret": secret}


@door.post("/webhooks/{number}/test", Right.CONFIGURE, MessageRow)
def webhook_test(call: Call, number: Number) -> Any:
    """Send one event of type `webhook.test` at once and tell how it went."""
    return _plain(outbox.test(_row(call, number)))


@door.post("/webhooks/{number}/replay", Right.CONFIGURE, Count)
def webhook_replay(call: Call, number: Number, payload: ReplayInput) -> Any:
    """Send events of a span of time again, also those that this webhook missed; or only what failed.

    Receivers know them by their `webhook-id`, which is what it was. Events are kept for a month (SAMKLANG_KEEP).
    """
    row = _row(call, number)
    count = outbox.replay(row, payload.since, payload.until, payload.only_failed)
    audit.note(call.actor, gettext_noop("replayed events"), f"webhook {row.name}", count=count)
    return {"count": count}


@door.get("/webhooks/{number}/messages", Right.CONFIGURE, Page[MessageRow])
def messages(
    call: Call, number: Number, state: Literal["", "due", "done", "failed"] = "", limit: Limit = 50, cursor: Cursor = ""
) -> Any:
    """What was and is to be told to a webhook, the newest event first."""
    rows = Message.objects.filter(tenant=call.tenant, subscription=_row(call, number)).select_related("event")
    if state:
        rows = rows.filter(state=state)
    before = cursors.read(cursor, int)
    if before is not None:
        rows = rows.filter(event__lt=before)
    page = cursors.cut(list(rows.order_by("-event_id")[: limit + 1]), limit, lambda row: row.event_id)
    return {**page, "items": [_plain(row) for row in page["items"]]}


@door.post("/webhooks/{number}/messages/{message}/resend", Right.CONFIGURE)
def message_resend(call: Call, number: Number, message: Number) -> Any:
    """Send one message again, whatever became of it."""
    if not outbox.resend(_row(call, number), message):
        raise NotThere(f"There is no message {message}")
