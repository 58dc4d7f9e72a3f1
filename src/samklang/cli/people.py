"""`samklang people`: who may come in, from the command line, which needs no login and so also helps the locked-out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated

from cyclopts import App, Parameter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse

from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, Session, session, who
from samklang.people import members, tickets
from samklang.people.audit import Actor
from samklang.people.models import Member, User, clean
from samklang.people.rights import Role

people = App(name="people", help="Who may open the pages, and as what.")


def address_of(token: str) -> str:
    """The one-time address of a token, as people can open it."""
    return f"{settings.PUBLIC_URL}{reverse('ticket', args=[token])}"


@people.command(name="list")
def list_(*, common: Common | None = None) -> Exit:
    """Everybody who may come in, and as what."""
    with session(common) as now:
        rows = Member.objects.filter(tenant=now.tenant).select_related("user").order_by("user__email")
        now.screen.answer(
            [{"email": row.user.email, "name": row.user.name, "role": row.role, "since": row.since} for row in rows]
        )
        now.screen.table(
            ["E-mail", "Name", "Role", "Since"], [(r.user.email, r.user.name, r.role, r.since) for r in rows]
        )
    return Exit.OK


@people.command
def add(
    email: str,
    *,
    role: Annotated[Role, Parameter(help="What they may do.")] = Role.OPERATOR,
    name: str = "",
    common: Common | None = None,
) -> Exit:
    """Let somebody in at once, or change what they are: prints a one-time address that signs them in."""
    _must_be_mail(email)
    with session(common) as now:
        user = User.objects.filter(email=clean(email)).first() or User.objects.make(email, name=name)
        with _plainly():
            members.admit(_operator(now), user, role)
        _tell(now, user)
    return Exit.OK


@people.command
def invite(
    email: str,
    *,
    role: Annotated[Role, Parameter(help="What they may do.")] = Role.OPERATOR,
    common: Common | None = None,
) -> Exit:
    """Invite somebody, by mail where SAMKLANG_MAIL is set: prints the address that accepts, good for a week."""
    _must_be_mail(email)
    with session(common) as now:
        with _plainly():
            row, token = members.invite(_operator(now), email, role)
        address = members.address_of(token)
        mailed = members.mail(row, address)
        now.screen.answer({"email": row.email, "role": row.role, "address": address, "mailed": mailed})
        now.screen.say(
            f"{row.email} is invited as {row.role}" + (", by mail:" if mailed else "; pass this address on:")
        )
        now.screen.say(address, "bold")
    return Exit.OK


@people.command
def remove(email: str, *, common: Common | None = None) -> Exit:
    """End somebody's membership, and with it the API tokens that they made."""
    with session(common) as now:
        member = Member.objects.filter(tenant=now.tenant, user__email=clean(email)).first()
        if member is None:
            raise WrongUse(f"{email} is no member of {now.tenant}", "See `samklang people list`.")
        with _plainly():
            members.remove(_operator(now), member.pk)
        now.screen.answer({"email": clean(email), "removed": True})
        now.screen.say(f"{clean(email)} is no member of {now.tenant} any more.")
    return Exit.OK


@people.command
def link(email: str, *, common: Common | None = None) -> Exit:
    """A one-time address, good for an hour, that signs this person in: for whoever is locked out."""
    with session(common) as now:
        user = User.objects.filter(email=clean(email)).first()
        if user is None:
            raise WrongUse(f"Nobody here has the address {email}", "See `samklang people list`.")
        _tell(now, user)
    return Exit.OK


def _must_be_mail(email: str) -> None:
    try:
        validate_email(clean(email))
    except ValidationError:
        raise WrongUse(f"{email!r} is no e-mail address") from None


def _operator(now: Session) -> Actor:
    return Actor(now.tenant, f"{who()}, command line")


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except members.Refused as refused:
        raise WrongUse(str(refused)) from None


def _tell(now: Session, user: User) -> None:
    address = address_of(tickets.issue(user))
    now.screen.answer({"email": user.email, "address": address})
    now.screen.say(f"{user.email} comes in once, within an hour, at")
    now.screen.say(address, "bold")
