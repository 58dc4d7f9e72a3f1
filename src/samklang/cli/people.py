"""`samklang people`: who may come in, from the command line, which needs no login and so also helps the locked-out."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse

from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, Session, session
from samklang.people import tickets
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
    """Let somebody in, or change what they are: prints a one-time address that signs them in."""
    try:
        validate_email(clean(email))
    except ValidationError:
        raise WrongUse(f"{email!r} is no e-mail address") from None
    with session(common) as now:
        user = User.objects.filter(email=clean(email)).first() or User.objects.make(email, name=name)
        Member.objects.update_or_create(tenant=now.tenant, user=user, defaults={"role": role})
        _tell(now, user)
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


def _tell(now: Session, user: User) -> None:
    address = address_of(tickets.issue(user))
    now.screen.answer({"email": user.email, "address": address})
    now.screen.say(f"{user.email} comes in once, within an hour, at")
    now.screen.say(address, "bold")
