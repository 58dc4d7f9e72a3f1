"""Who did what, when: every page, command and API call that changes something says so here.

    audit.note(request, gettext_noop("order released"), "order nordljus/1001")

The note is written in the caller's transaction: what is rolled back was not done.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from samklang.hub.models import Tenant
from samklang.people.access import PageRequest
from samklang.people.models import Note, Token, User

_LONGEST = Note._meta.get_field("about").max_length or 0


class Actor(NamedTuple):
    """Somebody who does something in a tenant: a person, a program with a token, or the command line."""

    tenant: Tenant
    name: str
    user: User | None = None

    @classmethod
    def person(cls, tenant: Tenant, user: User) -> Actor:
        """A member."""
        return cls(tenant, user.email, user)

    @classmethod
    def program(cls, token: Token) -> Actor:
        """Whoever calls the API with this token."""
        return cls(token.tenant, f"token {token.name}", token.made_by)


def note(by: PageRequest | Actor, what: str, about: str = "", **details: Any) -> Note:
    """Write down that `by` did `what` (English, marked with gettext_noop) to the thing `about`. `details` is anything
    JSON can hold: old and new values, counts; never a secret or a buyer's data."""
    actor = by if isinstance(by, Actor) else Actor.person(by.tenant, by.user)
    return Note.objects.create(
        tenant=actor.tenant, user=actor.user, actor=actor.name[:200], what=what, about=about[:_LONGEST], details=details
    )


def notes(
    tenant: Tenant, user: int | None = None, about: str | Collection[str] = "", before: int | None = None,
    since: datetime | None = None,
) -> QuerySet[Note]:  # fmt: skip
    """What was done in the tenant, the newest first: by a user, to a thing whose name begins so (or in one of several
    ways), below a number."""
    found = Note.objects.filter(tenant=tenant).order_by("-id")
    if user is not None:
        found = found.filter(user=user)
    if about:
        ways = [about] if isinstance(about, str) else about
        found = found.filter(reduce(or_, (Q(about__startswith=way) for way in ways)))
    if before is not None:
        found = found.filter(pk__lt=before)
    if since is not None:
        found = found.filter(at__gte=since)
    return found
