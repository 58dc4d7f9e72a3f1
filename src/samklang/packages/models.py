"""Tables of packages: what was agreed when, by whom; who may agree in the
console; the hours of a service account; who was warned of what."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from samklang.hub.models import Tenant
from samklang.people.models import Member


class Agreement(models.Model):
    """A package from a moment on; the newest counts. `terms` are the package as it was offered then (offer.Package), so
    what was agreed stays when the offer changes; None: no package any more."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False)
    at = models.DateTimeField(default=timezone.now)  # from when on it counts
    by = models.CharField(max_length=200)
    terms = models.JSONField(null=True)
    contact = models.CharField(max_length=200, default="", blank=True)  # a key account manager, where there is one
    note = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "-id"], name="agreement_newest")]

    def __str__(self) -> str:
        return f"{self.tenant} {self.at:%Y-%m-%d}"


class Seller(models.Model):
    """A member who works for whoever runs the hub: agrees with this tenant on packages in the console, and writes hours
    down. Made at the command line only (packages/sellers.py); gone with the place in the tenant."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False)
    member = models.OneToOneField(Member, models.CASCADE)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant"], name="seller_tenant")]

    def __str__(self) -> str:
        return str(self.member)


class Kind(models.TextChoices):
    """Where a line of the service account comes from."""

    START = "start", _("start package")
    PACK = "pack", _("hours bought")
    DRAW = "draw", _("work done")
    CORRECTION = "correction", _("correction")


class Work(models.TextChoices):
    """What hours are drawn for."""

    NONE = "", ""
    DELIVERY = "delivery", _("delivery project")
    INSTALLATION = "installation", _("installation")
    TRAINING = "training", _("training")
    CONFIGURATION = "configuration", _("configuration")
    SYNC = "initial sync", _("first transfer of articles")
    PLUGIN = "plugin", _("plugin")
    SUPPORT = "support", _("qualified support")


class Hours(models.Model):
    """A line of the service account: hours that came (above 0) or were worked (below). Lines are only ever added."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False)
    at = models.DateTimeField(auto_now_add=True)
    day = models.DateField()  # on which it was done or bought
    kind = models.CharField(max_length=10, choices=Kind.choices)
    work = models.CharField(max_length=20, choices=Work.choices, default=Work.NONE, blank=True)
    hours = models.DecimalField(max_digits=8, decimal_places=2)
    by = models.CharField(max_length=200)
    note = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant"], name="one_start", condition=Q(kind="start"))
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "-id"], name="hours_newest")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.hours}"


class Warned(models.Model):
    """A tenant's owners are told once that so many percent of a month's orders are used; `mailed` once letters are
    written (mails/quota.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False)
    month = models.DateField()  # its first day
    quota = models.IntegerField()  # orders a month, as agreed then: a larger package begins anew
    level = models.IntegerField()  # percent
    orders = models.IntegerField()
    at = models.DateTimeField(auto_now_add=True)
    mailed = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "month", "quota", "level"], name="one_warning")
        ]
        indexes: ClassVar = [models.Index(fields=["at"], name="warned_untold", condition=Q(mailed=False))]
