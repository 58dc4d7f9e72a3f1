"""What has come to its end by itself: sessions, one-time addresses, what was counted of tries to log in, accounts of
people who belong nowhere any more."""

from __future__ import annotations

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.utils import timezone

from samklang.people.models import Cached, Invitation, Ticket, User

_IDLE = timedelta(days=90)  # how long an account outlives its last place and its last use
_SHOWN = timedelta(days=30)  # how long an invitation that nobody accepted stands in the list


def forget() -> None:
    """Delete it; none of it can be used any more."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    Ticket.objects.filter(expires_at__lt=now).delete()
    Invitation.objects.filter(expires_at__lt=now - _SHOWN).delete()
    Cached.objects.filter(expires__lt=now).delete()
    unused = Q(last_login=None) | Q(last_login__lt=now - _IDLE)
    User.objects.filter(unused, places=None, joined_at__lt=now - _IDLE).delete()
