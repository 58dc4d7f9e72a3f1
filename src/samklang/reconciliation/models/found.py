"""What was found: what providers owe for, and what it was matched with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from samklang.hub.models import Company, Tenant
from samklang.reconciliation.models.fields import money


class Payment(models.Model):
    """One amount that a provider owes or has back: a booked capture or refund (expected.Expected), as last derived."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    payment = models.CharField(max_length=400)
    order = models.CharField(max_length=300)
    channel = models.CharField(max_length=40)
    provider = models.CharField(max_length=40)
    provider_id = models.CharField(max_length=200, default="", blank=True)
    day = models.DateField()
    amount = money()
    currency = models.CharField(max_length=3)
    booked = money()
    model = models.CharField(max_length=8)
    left = money()  # what no statement has stated yet, in `currency`

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "payment"], name="one_payment")]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "order"], name="payment_order"),
            models.Index(fields=["tenant", "company", "provider", "day"], name="payment_open", condition=~Q(left=0)),
        ]


class Match(models.Model):
    """A statement line is what was expected (matching.Match). Who or what matched, and how sure it is, stays."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    line = models.CharField(max_length=400)
    expected = models.CharField(max_length=400)
    amount = models.CharField(max_length=30)
    rule = models.CharField(max_length=10)
    confidence = models.IntegerField()
    by = models.CharField(max_length=150)
    why = models.CharField(max_length=300, default="", blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "company", "line", "expected"], name="one_match")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "company", "expected"], name="match_expected")]


class PayoutMatch(models.Model):
    """A payout reached the bank in this line (payouts.PayoutMatch)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    payout = models.CharField(max_length=400)
    bank_line = models.CharField(max_length=400)
    amount = models.CharField(max_length=30)
    kept = models.CharField(max_length=30, default="0")
    converted = models.BooleanField(default=False)
    rule = models.CharField(max_length=10)
    confidence = models.IntegerField()
    by = models.CharField(max_length=150)
    why = models.CharField(max_length=300, default="", blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "company", "payout", "bank_line"], name="one_payout_match")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "company", "bank_line"], name="payout_match_line")]


class Suggestion(models.Model):
    """A pair that a person may confirm; never done by itself."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    line = models.CharField(max_length=400)
    expected = models.CharField(max_length=400)
    why = models.CharField(max_length=300)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "company", "line", "expected"], name="one_suggestion")
        ]
