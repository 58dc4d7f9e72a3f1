"""What the API must remember between calls: how fast a token calls, and what a call with a key was answered."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from samklang.hub.models import Tenant
from samklang.people.models import Token


class CallPace(models.Model):
    """When a token's allowance is whole again (v1/pace.py)."""

    token = models.OneToOneField(Token, models.CASCADE, primary_key=True)
    full_at = models.FloatField()  # epoch seconds, by the database's clock


class Once(models.Model):
    """A call that is carried out once, however often it comes (v1/once.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    token = models.ForeignKey(Token, models.CASCADE)
    key = models.CharField(max_length=100)
    asked = models.BinaryField(max_length=16)  # hash of method, path and body
    begun_at = models.FloatField()  # epoch seconds
    status = models.IntegerField(null=True)  # None: under way
    answer = models.BinaryField(default=b"")  # sealed: it may hold a secret that is shown once

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "token", "key"], name="once")]
        indexes: ClassVar = [models.Index(fields=["begun_at"], name="once_age")]
