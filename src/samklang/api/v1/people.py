"""Who belongs to the tenant, who is invited, which tokens there are. Tokens are made in the console, where a person
sees the text of one once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.errors import Clash, NotAllowed, NotThere
from samklang.api.v1.shapes import Answer
from samklang.api.v1.webhooks import Number
from samklang.people import audit, members
from samklang.people.models import Invitation, Member, Token
from samklang.people.rights import ALLOWS, Right, Role

door = Door("people")
RoleName = Literal["owner", "operator", "accountant", "consultant", "reader"]


class MemberRow(Answer):
    """Somebody who belongs to the tenant."""

    id: int
    email: str
    name: str
    role: RoleName


class InvitationRow(Answer):
    """An invitation that nobody has accepted yet. It is worth nothing after `expires_at`."""

    id: int
    email: str
    role: RoleName
    expires_at: datetime


class Invited(InvitationRow):
    """A new invitation. `address` is to be passed on where no mail could be sent ("" = it is on its way)."""

    address: str


class InviteInput(Input):
    """Whom to invite, and as what."""

    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    role: RoleName


class RoleInput(Input):
    """What somebody is from now on."""

    role: RoleName


class TokenRow(Answer):
    """A token of the API, without its text. It may never do more than whoever made it."""

    id: int
    name: str
    rights: list[Right]
    made_by: str
    made_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


@contextmanager
def _judged() -> Iterator[None]:
    """What the rules of membership refuse is said to the caller."""
    try:
        yield
    except members.Refused as refused:
        raise Clash(str(refused)) from refused


def _member(row: Member) -> dict[str, Any]:
    return {"id": row.pk, "email": row.user.email, "name": row.user.name, "role": row.role}


def _given(call: Call, role: str) -> Role:
    """The role, if the token has every right of it: what a token may not do itself, it can give nobody."""
    if missing := sorted(ALLOWS[role] - call.known.rights):
        raise NotAllowed(f"The token lacks rights of the role {role}: {', '.join(missing)}")
    return Role(role)


def _known(call: Call, number: int) -> None:
    if not Member.objects.filter(tenant=call.tenant, pk=number).exists():
        raise NotThere(f"There is no member {number}")


@door.get("/members", Right.PEOPLE, list[MemberRow])
def members_list(call: Call) -> Any:
    """Who belongs to the tenant, by e-mail address."""
    rows = Member.objects.filter(tenant=call.tenant).select_related("user").order_by("user__email")
    return [_member(row) for row in rows]


@door.put("/members/{number}/role", Right.PEOPLE, MemberRow)
def member_role(call: Call, number: Number, payload: RoleInput) -> Any:
    """Give a member another role, of which the token must have every right. The last owner stays one (409)."""
    _known(call, number)
    with _judged():
        return _member(members.change(call.actor, number, _given(call, payload.role)))


@door.delete("/members/{number}", Right.PEOPLE)
def member_remove(call: Call, number: Number) -> Any:
    """End a membership; tokens that the member made end with it. The last owner stays (409)."""
    _known(call, number)
    with _judged():
        members.remove(call.actor, number)


@door.get("/invitations", Right.PEOPLE, list[InvitationRow])
def invitations(call: Call) -> Any:
    """Invitations that nobody has accepted yet, by e-mail address."""
    return list(Invitation.objects.filter(tenant=call.tenant).order_by("email"))


@door.post("/invitations", Right.PEOPLE, Invited, status=201)
def invite(call: Call, payload: InviteInput) -> Any:
    """Invite somebody by mail, as something of which the token has every right.

    It works once, for a week; an earlier one for the address is void.
    """
    with _judged():
        row, token = members.invite(call.actor, payload.email, _given(call, payload.role))
    address = members.address_of(token)
    return {**InvitationRow.model_validate(row).model_dump(), "address": "" if members.mail(row, address) else address}


@door.delete("/invitations/{number}", Right.PEOPLE)
def invitation_withdraw(call: Call, number: Number) -> Any:
    """Take an invitation back."""
    if not Invitation.objects.filter(tenant=call.tenant, pk=number).exists():
        raise NotThere(f"There is no invitation {number}")
    members.withdraw(call.actor, number)


@door.get("/tokens", Right.PEOPLE, list[TokenRow])
def tokens(call: Call) -> Any:
    """All tokens of the tenant by name, this one too."""
    rows = Token.objects.filter(tenant=call.tenant).select_related("made_by").order_by("name", "pk")
    return [
        {
            "id": row.pk, "name": row.name, "rights": row.scopes, "made_by": row.made_by.email, "made_at": row.made_at,
            "used_at": row.used_at, "expires_at": row.expires_at,
        }
        for row in rows
    ]  # fmt: skip


@door.delete("/tokens/{number}", Right.PEOPLE)
def token_revoke(call: Call, number: Number) -> Any:
    """Make a token worthless."""
    row = Token.objects.filter(tenant=call.tenant, pk=number).first()
    if row is None:
        raise NotThere(f"There is no token {number}")
    row.delete()
    audit.note(call.actor, gettext_noop("token revoked"), f"token {row.name}")
