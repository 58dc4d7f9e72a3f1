"""What other programs are told of (hub/events.py, hub/telling)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from samklang.hub.models.setup import Tenant


class Subscription(models.Model):
    """Where a tenant wants to be told of events: one address, signed with its own secret (telling/outbox.py)."""

    class State(models.TextChoices):
        ACTIVE = "active"
        OFF = "off"  # by a person
        GIVEN_UP = "given up"  # nobody has answered for long

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    name = models.CharField(max_length=80)
    url = models.URLField(max_length=500)
    types = models.JSONField(default=list)  # of events; empty = all
    secrets = models.BinaryField(default=b"")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    reason = models.TextField(default="", blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    failing_since = models.FloatField(null=True)  # epoch seconds of the first failure after the last success
    faults = models.IntegerField(default=0)  # in a row
    open_until = models.FloatField(default=0)  # breaker: nothing is sent before this time

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "name"], name="subscription_name")]

    def __str__(self) -> str:
        return self.name

    def hears(self, type_: str) -> bool:
        """Whether it wants events of a type."""
        return not self.types or type_ in self.types


class Event(models.Model):
    """Something that happened, written with it (hub/events.py). Only kept where the tenant has subscribed to it."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    number = models.UUIDField(default=uuid.uuid4)  # the receiver's `webhook-id`: told twice, it is the same
    at = models.DateTimeField(auto_now_add=True)
    type = models.CharField(max_length=40)
    about = models.CharField(max_length=300)
    data = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "id"], name="event_recent")]

    def __str__(self) -> str:
        return f"{self.type} {self.about}"


class Message(models.Model):
    """An event on its way to one subscription."""

    class State(models.TextChoices):
        DUE = "due"
        DONE = "done"
        FAILED = "failed"  # given up after the last try; can be replayed

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    subscription = models.ForeignKey(Subscription, models.CASCADE, db_index=False, db_constraint=False)
    event = models.ForeignKey(Event, models.CASCADE, db_constraint=False)
    state = models.CharField(max_length=6, choices=State.choices, default=State.DUE)
    due_at = models.FloatField(default=0)
    attempts = models.IntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    status = models.IntegerField(default=0)  # of the last answer; 0 = none
    error = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "subscription", "event"], name="one_message")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "subscription", "due_at", "id"], name="message_due", condition=Q(state="due")
            )
        ]
