"""Who belongs to a tenant: invited, joined, given another role, removed. Each of these is noted in the audit.

A tenant that has an owner keeps one: whoever changes or removes an owner holds the tenant's row, so that two owners
who remove each other at the same moment cannot both succeed.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from samklang.hub.models import Tenant
from samklang.people import audit
from samklang.people.audit import Actor
from samklang.people.models import Invitation, Member, Token, User, clean
from samklang.people.rights import Role
from samklang.people.tickets import digest

log = structlog.get_logger()
LASTS = timedelta(days=7)


class Refused(Exception):
    """It cannot be done; the text says why, in the reader's language."""


def invite(by: Actor, email: str, role: Role) -> tuple[Invitation, str]:
    """An invitation, and the token that only its mail holds. An earlier one for the address is void.
    Refused when the address is a member's."""
    address = clean(email)
    if Member.objects.filter(tenant=by.tenant, user__email=address).exists():
        raise Refused(_("%(email)s is a member already; change the role in the list.") % {"email": address})
    token = secrets.token_urlsafe(32)
    given = {"role": role, "hash": digest(token), "by": by.user, "expires_at": timezone.now() + LASTS}
    with transaction.atomic():
        row, _made = Invitation.objects.update_or_create(tenant=by.tenant, email=address, defaults=given)
        audit.note(by, gettext_noop("invited"), f"person {address}", role=role)
    return row, token


def address_of(token: str) -> str:
    """Where an invitation is accepted."""
    return f"{settings.PUBLIC_URL}{reverse('invitation', args=[token])}"


def mail(row: Invitation, address: str) -> bool:
    """Send an invitation, in the language of whoever invites; False when there is no server for mails, or it does not
    take this one."""
    if not settings.MAIL:
        return False
    given = {"row": row, "address": address, "role": row.get_role_display()}
    subject = _("%(who)s invites you to %(tenant)s") % {"who": row.by or "Samklang", "tenant": row.tenant.name}
    body = render_to_string("console/mails/invitation.txt", given)
    try:
        return bool(EmailMessage(" ".join(subject.split()), body, to=[row.email]).send())
    except OSError as error:  # SMTP's errors are such, too
        log.warning("an invitation could not be sent", error=type(error).__name__)
        return False


def find(token: str) -> Invitation | None:
    """The invitation of a token, as long as it may be accepted."""
    rows = Invitation.objects.select_related("tenant", "by")
    return rows.filter(hash=digest(token), expires_at__gt=timezone.now()).first()


def withdraw(by: Actor, number: int) -> None:
    """Take an invitation back; nothing when there is none of this number (any more)."""
    with transaction.atomic():
        row = Invitation.objects.filter(tenant=by.tenant, pk=number).first()
        if row is not None:
            row.delete()
            audit.note(by, gettext_noop("invitation withdrawn"), f"person {row.email}")


def accept(invitation: Invitation, user: User) -> Member:
    """Make the user a member. Refused when the address is another's, or somebody was quicker (it works once)."""
    if user.email != invitation.email:
        raise Refused(_("This invitation is for %(email)s.") % {"email": invitation.email})
    with transaction.atomic():
        if not Invitation.objects.filter(pk=invitation.pk, hash=invitation.hash).delete()[0]:
            raise Refused(_("This invitation has been used or withdrawn."))
        member, made = Member.objects.get_or_create(
            tenant=invitation.tenant, user=user, defaults={"role": invitation.role}
        )
        if made:
            audit.note(
                Actor.person(invitation.tenant, user), gettext_noop("joined"), f"person {user.email}", role=member.role
            )
    return member


def accept_anew(invitation: Invitation, name: str, password: str) -> User:
    """Make an account for whoever is invited, and the user of it a member. Refused when somebody was quicker."""
    try:
        with transaction.atomic():
            user = User.objects.make(invitation.email, password, name=name)
            accept(invitation, user)
    except IntegrityError:  # the same form, sent twice
        raise Refused(_("This invitation has been used or withdrawn.")) from None
    return user


def admit(by: Actor, user: User, role: Role) -> Member:
    """Make somebody a member, or give them another role, without an invitation: the operator's way."""
    with transaction.atomic():
        member = Member.objects.filter(tenant=by.tenant, user=user).first()
        if member is not None:
            return change(by, member.pk, role)
        member = Member.objects.create(tenant=by.tenant, user=user, role=role)
        Invitation.objects.filter(tenant=by.tenant, email=user.email).delete()
        audit.note(by, gettext_noop("added"), f"person {user.email}", role=role)
    return member


def change(by: Actor, number: int, role: Role) -> Member:
    """Give a member another role. Refused for the last owner, and when the member is gone."""
    with transaction.atomic():
        member = _held(by.tenant, number)
        if member.role != role:
            _keep_an_owner(member)
            audit.note(by, gettext_noop("role changed"), f"person {member.user.email}", before=member.role, after=role)
            member.role = role
            member.save(update_fields=["role"])
    return member


def remove(by: Actor, number: int) -> User:
    """End a membership; the tokens that the member made end with it. Refused for the last owner."""
    with transaction.atomic():
        member = _held(by.tenant, number)
        _keep_an_owner(member)
        tokens = Token.objects.filter(tenant=by.tenant, made_by=member.user)
        names = list(tokens.values_list("name", flat=True))
        tokens.delete()
        member.delete()
        audit.note(by, gettext_noop("removed"), f"person {member.user.email}", role=member.role, tokens=names)
    return member.user


def _held(tenant: Tenant, number: int) -> Member:
    """The member, with the tenant's people kept from being changed by others until the transaction ends."""
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    member = Member.objects.select_related("user", "tenant").filter(tenant=tenant, pk=number).first()
    if member is None:
        raise Refused(_("This person is no member any more."))
    return member


def _keep_an_owner(member: Member) -> None:
    others = Member.objects.filter(~Q(pk=member.pk), tenant=member.tenant, role=Role.OWNER, user__is_active=True)
    if member.role == Role.OWNER and not others.exists():
        raise Refused(_("The last owner stays: make somebody else an owner first."))
