"""Tables of mails. A mail is kept before it is sent, in the transaction that says that it has been told, so that none
is lost or told twice, whatever moment the process is killed (but for the one that a server took and we did not note).
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from samklang.hub.models import Problem, Tenant
from samklang.people.models import Member


class MailChoice(models.Model):
    """Which mails a member wants. Without a row it is as the role suggests (choices.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    member = models.OneToOneField(Member, models.CASCADE)
    at_once = models.BooleanField()
    nightly = models.BooleanField()
    quota = models.BooleanField(default=True)  # only owners are told


class Told(models.Model):
    """A problem that has been told of at once: each is told once, however long it lasts."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    problem = models.OneToOneField(Problem, models.CASCADE)
    at = models.DateTimeField(auto_now_add=True)


class Round(models.Model):
    """When a tenant was last told: `at_once` for quiet in between, `day` for one report each day."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True)
    at_once = models.DateTimeField(null=True)
    day = models.DateField(null=True)  # by the tenant's own calendar


class Letter(models.Model):
    """One mail to one member."""

    class Kind(models.TextChoices):
        AT_ONCE = "at once"
        NIGHTLY = "nightly"
        QUOTA = "quota"

    number = models.UUIDField(default=uuid.uuid4)  # its Message-ID: sent twice, it is the same
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False)
    member = models.ForeignKey(Member, models.CASCADE)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    at = models.DateTimeField(auto_now_add=True)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()
    due_at = models.FloatField(default=0)  # epoch seconds
    attempts = models.IntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=100, default="", blank=True)  # of the last try; given up with sent_at empty

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "due_at"], name="letter_due", condition=models.Q(sent_at=None)),
            models.Index(fields=["at"], name="letter_age"),
        ]
