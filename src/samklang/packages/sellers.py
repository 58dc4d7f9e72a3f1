"""Who of a tenant's members works for whoever runs the hub, and may agree on packages and write hours down in the
console. Nobody in a tenant can make themselves one: it is said at the command line (docs/decisions/031)."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from samklang.hub.models import Tenant
from samklang.packages.models import Seller
from samklang.people import audit
from samklang.people.audit import Actor
from samklang.people.models import Member, clean


def sellers(tenant: Tenant) -> QuerySet[Seller]:
    """Those of a tenant, by their addresses."""
    return Seller.objects.filter(tenant=tenant).select_related("member__user").order_by("member__user__email")


def is_seller(member: Member) -> bool:
    """Whether the member may agree on packages here."""
    return Seller.objects.filter(tenant=member.tenant_id, member=member).exists()


def allow(actor: Actor, email: str) -> None:
    """Let a member agree. Member.DoesNotExist where nobody of that address is one."""
    member = Member.objects.select_related("user").get(tenant=actor.tenant, user__email=clean(email))
    with transaction.atomic():
        _row, made = Seller.objects.get_or_create(member=member, defaults={"tenant": actor.tenant})
        if made:
            audit.note(actor, gettext_noop("may agree on packages"), f"person {member.user.email}")


def forbid(actor: Actor, email: str) -> None:
    """Take it back; nothing happens where it was not given."""
    with transaction.atomic():
        gone, _ = Seller.objects.filter(tenant=actor.tenant, member__user__email=clean(email)).delete()
        if gone:
            audit.note(actor, gettext_noop("may no longer agree on packages"), f"person {clean(email)}")
