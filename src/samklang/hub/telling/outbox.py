"""Webhooks out: events that were written with their facts (events.py) go to whoever has subscribed, until they arrive.

Sent as https://www.standardwebhooks.com asks for: the headers `webhook-id` (the same however often it is told),
`webhook-timestamp` (of this try) and `webhook-signature` (HMAC-SHA256 over the two and the body; `v1,` and base64). A
receiver has ten seconds to answer 2xx. What it does not take comes again, ever later, for some three days; a receiver
that has taken nothing for so long is given up with a problem, and told again when a person switches it on.

Addresses are judged like those of connections: transport.py calls nothing in our own network unless it is allowed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import time
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from samklang.connectors.contract import Limits
from samklang.connectors.errors import SamklangError, Superseded
from samklang.connectors.transport import Transport, may_send
from samklang.hub import leases
from samklang.hub.links import without_connection
from samklang.hub.models import Event, Message, Subscription
from samklang.hub.telling import subscriptions

#: Seconds before a message is tried again, after each failure. After the last one it is left, and can be replayed.
PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 57_600, 86_400)
GIVE_UP = 3 * 86_400.0  # seconds without one success after which a receiver is given up
_TIMEOUT = 10.0
_SLICE = 20.0  # seconds after which a drain steps back, so that others have their turn
_AT_ONCE = 8  # calls side by side
_BREAK_AFTER, _LONGEST_BREAK = 3, 600.0  # rounds in which nothing was taken; seconds


# ------------------------------------------------------------------------------------------------ what is sent


def body_of(event: Event, tenant: str) -> bytes:
    """What a receiver reads: the same bytes at every try."""
    at = event.at.isoformat().replace("+00:00", "Z")
    return msgspec.json.encode({"type": event.type, "timestamp": at, "data": {"tenant": tenant, **event.data}})


def signatures(keys: Iterable[bytes], number: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature, or two while a new secret takes over."""
    content = f"{number}.{timestamp}.".encode() + body
    digests = [hmac.new(key, content, hashlib.sha256).digest() for key in keys]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


class _Answer(NamedTuple):
    """How a try ended. `status` 0: no answer."""

    status: int = 0
    error: str = ""
    wait: float = 0.0  # seconds that the receiver asks us to wait
    not_sent: bool = False  # another worker has taken over

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


class _Post:
    """Calls to one receiver."""

    def __init__(self, row: Subscription, tenant: str) -> None:
        self._row, self._tenant = row, tenant
        parts = urlsplit(row.url)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # What the receiver says is its own business; of a try its message keeps status and time.
        around = without_connection()
        limits = Limits(concurrent=_AT_ONCE, max_answer_mb=1)
        self._transport = Transport(f"{parts.scheme}://{parts.netloc}", limits, around, timeout=_TIMEOUT)

    def all(self, messages: Iterable[Message]) -> list[_Answer]:
        """Send them side by side; one answer for each."""
        return list(self._transport.overlap(partial(self.one, message) for message in messages))

    def one(self, message: Message) -> _Answer:
        """Send one, once."""
        event, now = message.event, int(time.time())
        number, body = f"evt_{event.number.hex}", body_of(event, self._tenant)
        headers = {
            "webhook-id": number,
            "webhook-timestamp": str(now),
            "webhook-signature": signatures(subscriptions.keys(self._row, now), number, now, body),
        }
        try:
            answer = self._transport.request("POST", self._path, json=body, headers=headers, expect=_JUDGED_HERE)
        except Superseded:
            return _Answer(not_sent=True)
        except SamklangError as error:
            return _Answer(error=error.what)
        wait = answer.headers.get("retry-after", "")
        said = "" if answer.status < 300 else f"The receiver answered {answer.status}"
        return _Answer(answer.status, said, min(float(wait), 3600.0) if wait.isdecimal() else 0.0)

    def close(self) -> None:
        self._transport.close()


_JUDGED_HERE = tuple(range(300, 600))  # statuses that the transport leaves to us


# ------------------------------------------------------------------------------------------------ sending


def due() -> list[tuple[int, int]]:
    """(tenant, subscription) with something to send now, over all tenants."""
    return _due(Message.objects.all())


def due_of(tenant: int) -> list[int]:
    """Subscriptions of a tenant with something to send now."""
    return [pk for _, pk in _due(Message.objects.filter(tenant_id=tenant))]


def _due(messages: Any) -> list[tuple[int, int]]:
    waiting = messages.filter(state=Message.State.DUE, due_at__lte=time.time()).values_list("subscription", flat=True)
    return list(_usable_ones().filter(pk__in=waiting.distinct()).values_list("tenant_id", "pk"))


def next_due(row: Subscription) -> float | None:
    """When there is something to send to it next (epoch seconds)."""
    if row.state != Subscription.State.ACTIVE:
        return None
    waiting = Message.objects.filter(tenant_id=row.tenant_id, subscription=row, state=Message.State.DUE)
    first: float | None = waiting.aggregate(at=Min("due_at"))["at"]
    return None if first is None else max(first, row.open_until)


def send(row: Subscription) -> int:
    """Send what is due, for about twenty seconds. Returns how many were taken. Nothing while another worker is at it.

    A worker that dies between the answer and the commit sends once more, under the same `webhook-id`.
    """
    taken = 0
    with leases.holding(row.tenant_id, f"post-{row.pk}") as held:
        if held is None:
            return 0
        until = time.monotonic() + _SLICE
        token = may_send.set(lambda: held.valid)
        post = _Post(row, row.tenant.slug)
        try:
            while time.monotonic() < until and held.valid and _is_on(row):
                messages = _next(row)
                if not messages:
                    break
                answers = post.all(messages)
                with transaction.atomic():
                    if not held.renew():
                        break
                    taken += _settle(row, messages, answers)
        finally:
            post.close()
            may_send.reset(token)
    return taken


def _is_on(row: Subscription) -> bool:
    """Whether it may be sent to now: on, not taken away meanwhile, and its breaker closed."""
    return _usable_ones().filter(pk=row.pk).exists()


def _usable_ones() -> QuerySet[Subscription]:
    """All that may be sent to now. A breaker open for longer than any lasts was set by a wrong clock."""
    now = time.time()
    resting = Q(open_until__gt=now, open_until__lte=now + _LONGEST_BREAK)
    return Subscription.objects.filter(~resting, state=Subscription.State.ACTIVE)


def _next(row: Subscription) -> list[Message]:
    waiting = Message.objects.filter(
        tenant_id=row.tenant_id, subscription=row, state=Message.State.DUE, due_at__lte=time.time()
    )
    return list(waiting.select_related("event").order_by("due_at", "id")[: _AT_ONCE * 4])


def _settle(row: Subscription, messages: list[Message], answers: list[_Answer]) -> int:
    """Write down what became of the messages, and of the receiver."""
    now, done = time.time(), 0
    tried = []
    for message, answer in zip(messages, answers, strict=True):
        if answer.not_sent:
            continue
        _note(message, answer)
        tried.append(message)
        if answer.taken:
            message.state, done = Message.State.DONE, done + 1
        elif message.attempts > len(PAUSES):
            message.state = Message.State.FAILED
        else:
            pause = PAUSES[message.attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311  # jitter
            message.due_at = now + max(pause, answer.wait)
    Message.objects.bulk_update(tried, ["state", "due_at", "attempts", "tried_at", "status", "error"])
    if done:
        _went_well(row)
    elif tried:
        _went_wrong(row, tried[-1], gone=any(answer.status == 410 for answer in answers))
    return done


def _note(message: Message, answer: _Answer) -> None:
    message.attempts += 1
    message.tried_at, message.status, message.error = timezone.now(), answer.status, answer.error[:300]


def _went_well(row: Subscription) -> None:
    if row.faults or row.failing_since is not None:
        row.failing_since, row.faults, row.open_until = None, 0, 0.0
        row.save(update_fields=["failing_since", "faults", "open_until"])


def _went_wrong(row: Subscription, last: Message, gone: bool) -> None:
    """A round in which nothing was taken: rest ever longer; after three days, or where it says that it is gone, give
    the receiver up and say so."""
    now = time.time()
    since = row.failing_since if row.failing_since is not None and row.failing_since <= now else now
    if gone or now - since > GIVE_UP:
        silent = f"Nothing was taken for three days: {last.error}"
        subscriptions.give_up(row, "The receiver says that it is gone (410)" if gone else silent)
        return
    row.failing_since, row.faults = since, row.faults + 1
    if row.faults >= _BREAK_AFTER:
        row.open_until = now + min(_LONGEST_BREAK, 10.0 * 2 ** min(row.faults - _BREAK_AFTER, 10))
    row.save(update_fields=["failing_since", "faults", "open_until"])


# ------------------------------------------------------------------------------------------------ by hand


def test(row: Subscription) -> Message:
    """Send one event of type `webhook.test` at once and tell how it went; it is not tried again."""
    with transaction.atomic():
        event = Event.objects.create(tenant=row.tenant, type="webhook.test", about=row.name, data={"webhook": row.name})
        message = Message.objects.create(
            tenant=row.tenant, subscription=row, event=event, state=Message.State.FAILED, error=gettext_noop("not sent")
        )
    post = _Post(row, row.tenant.slug)
    try:
        answer = post.one(message)
    finally:
        post.close()
    _note(message, answer)
    message.state = Message.State.DONE if answer.taken else Message.State.FAILED
    message.save()
    return message


def resend(row: Subscription, message: int) -> bool:
    """Send one message again, whatever became of it; False when there is none."""
    return bool(_anew(Message.objects.filter(tenant=row.tenant, subscription=row, pk=message)))


def replay(row: Subscription, since: datetime, until: datetime | None = None, only_failed: bool = False) -> int:
    """Send events of a span of time again, also those that this subscription missed; or only what failed. Returns how
    many. Their `webhook-id` is what it was."""
    span = Q(at__gte=since) if until is None else Q(at__gte=since, at__lt=until)
    events = Event.objects.filter(span, tenant=row.tenant).exclude(type="webhook.test")
    if row.types:
        events = events.filter(type__in=row.types)
    mine = Message.objects.filter(tenant=row.tenant, subscription=row, event__in=events)
    with transaction.atomic():
        if only_failed:
            return _anew(mine.filter(state=Message.State.FAILED))
        missed = events.exclude(pk__in=mine.values("event")).values_list("pk", flat=True)
        fresh = [Message(tenant=row.tenant, subscription=row, event_id=pk, due_at=time.time()) for pk in missed]
        count = _anew(mine)
        Message.objects.bulk_create(fresh, batch_size=1000, ignore_conflicts=True)
        return count + len(fresh)


def _anew(messages: Any) -> int:
    return int(messages.update(state=Message.State.DUE, due_at=time.time(), attempts=0))
