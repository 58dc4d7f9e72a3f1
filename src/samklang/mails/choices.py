"""Who gets which mail: as the role suggests until the member says otherwise, and an address in every mail that ends
them without a login."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.urls import reverse

from samklang.hub.models import Tenant
from samklang.mails.models import Letter, MailChoice
from samklang.people.models import Member
from samklang.people.rights import Right, Role

_SALT = "samklang.mails.stop"
Kind = Letter.Kind
_CHOICE = {Kind.AT_ONCE: "at_once", Kind.NIGHTLY: "nightly", Kind.QUOTA: "quota"}


class Wanted(NamedTuple):
    """Which mails a member gets."""

    at_once: bool
    nightly: bool
    quota: bool = False


def wanted(member: Member, choice: MailChoice | None) -> Wanted:
    """The member's choice; else who may operate is told of problems, an owner of used orders too, the others of
    nothing. Who may not see problems is never told."""
    if not member.may(Right.SEE):
        return Wanted(False, False)
    owns = member.role == Role.OWNER
    if choice is not None:
        return Wanted(choice.at_once, choice.nightly, owns and choice.quota)
    operates = member.may(Right.OPERATE)
    return Wanted(operates, operates, owns)


def of(member: Member) -> Wanted:
    """Which mails this member gets."""
    return wanted(member, MailChoice.objects.filter(member=member).first())


def choose(member: Member, at_once: bool, nightly: bool, quota: bool | None = None) -> None:
    """Keep what the member wants; None: as it was."""
    values = {"tenant_id": member.tenant_id, "at_once": at_once, "nightly": nightly}
    MailChoice.objects.update_or_create(member=member, defaults=values if quota is None else {**values, "quota": quota})


def readers(tenant: Tenant, kind: Kind) -> list[Member]:
    """Members who get mails of this kind."""
    members = Member.objects.filter(tenant=tenant, user__is_active=True).select_related("user", "tenant", "mailchoice")
    found = []
    for member in members.order_by("pk"):
        wants = wanted(member, getattr(member, "mailchoice", None))
        if getattr(wants, _CHOICE[kind]):
            found.append(member)
    return found


def stop_address(member: Member, kind: Kind) -> str:
    """An address that ends mails of this kind to the member, for whoever has the mail."""
    token = signing.dumps([member.pk, kind.value], salt=_SALT, compress=True)
    return f"{settings.PUBLIC_URL}{reverse('mails-stop', args=[token])}"


def asked(token: str) -> tuple[Member, Kind] | None:
    """Whose mails of which kind an address ends; None when it is not one of ours, or the member is gone."""
    try:
        number, kind = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return None
    member = Member.objects.select_related("user", "tenant").filter(pk=number).first()
    return (member, Kind(kind)) if member else None


def stop(member: Member, kind: Kind) -> None:
    """End mails of this kind to the member."""
    now = of(member)
    choose(member, **{**now._asdict(), "quota": None, _CHOICE[kind]: False})
