"""What has come to its end by itself: sessions, one-time addresses, what was counted of tries to log in."""

from __future__ import annotations

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from samklang.people.models import Cached, Invitation, Ticket

_SHOWN = timedelta(days=30)  # how long an invitation that nobody accepted stands in the list


def forget() -> None:
    """Delete it; none of it can be used any more."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    Ticket.objects.filter(expires_at__lt=now).delete()
    Invitation.objects.filter(expires_at__lt=now - _SHOWN).delete()
    Cached.objects.filter(expires__lt=now).delete()
