"""One-time addresses: the first visit, and the way in for somebody who is locked out. The operator hands them out."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from samklang.people.models import Ticket, User

_LASTS = timedelta(hours=1)


def digest(token: str) -> str:
    """What is kept of a token: it is random and long, so a plain hash cannot be turned round."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue(user: User | None, lasts: timedelta = _LASTS) -> str:
    """A token that lets `user` in once (None: makes the first owner), for so long."""
    now = timezone.now()
    Ticket.objects.filter(expires_at__lt=now).delete()
    token = secrets.token_urlsafe(32)
    Ticket.objects.create(hash=digest(token), user=user, expires_at=now + lasts)
    return token


def first_visit() -> str:
    """A token for the setup page, or "" when somebody is here already."""
    return "" if User.objects.exists() else issue(None, timedelta(days=1))


def find(token: str) -> Ticket | None:
    """The ticket of a token that may still be used. That of the first visit is void once there is a user."""
    ticket = Ticket.objects.select_related("user").filter(hash=digest(token), expires_at__gt=timezone.now()).first()
    if ticket is None or (ticket.user is None and User.objects.exists()):
        return None
    return ticket


def use(ticket: Ticket) -> bool:
    """Use it up. False when somebody else was quicker: of two, one deletes the row."""
    return bool(Ticket.objects.filter(pk=ticket.pk).delete()[0])
