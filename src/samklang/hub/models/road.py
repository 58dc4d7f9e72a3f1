"""What the road keeps: what masters last said, what each system last accepted, how far a feed was read, and who may
work at it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from samklang.hub.models.setup import Connection, Flow, Tenant


class Stored(models.Model):
    """Desired state: what a connection last said of a record, after its rules in."""

    pk = models.CompositePrimaryKey("tenant_id", "connection_id", "type", "key")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False, db_constraint=False)
    type = models.CharField(max_length=20)
    key = models.CharField(max_length=300)
    body = models.BinaryField()
    hash = models.BinaryField(max_length=16)
    changed_at = models.FloatField()  # epoch seconds
    gone = models.BooleanField(default=False)

    class Meta:
        db_table = "record"
        indexes: ClassVar = [
            # The books read what has changed of orders since they were kept last.
            models.Index(fields=["tenant", "connection", "changed_at"], name="order_changed", condition=Q(type="order"))
        ]


class Binding(models.Model):
    """A record at one connection: its external id, what was last seen there, what is wanted and what was delivered.

    state: idle; due (work to do at due_at); sending (claimed under lease number `token`); waiting (for the record
    named in waiting_on); stopped (needs a person); held (behind a brake).
    """

    pk = models.CompositePrimaryKey("tenant_id", "connection_id", "type", "key")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False, db_constraint=False)
    type = models.CharField(max_length=20)
    key = models.CharField(max_length=300)
    external_id = models.CharField(max_length=200, null=True)  # NULLs do not clash in a unique index
    seen = models.BinaryField(max_length=16, null=True)  # content hash of what the system itself last said
    generation = models.IntegerField(default=0)  # last sweep that saw it

    flow = models.ForeignKey(Flow, models.SET_NULL, null=True, db_index=False, db_constraint=False)
    source = models.ForeignKey(
        Connection, models.SET_NULL, null=True, db_index=False, related_name="+", db_constraint=False
    )
    wanted = models.BinaryField(max_length=16, null=True)  # content hash of the source's record
    delivered = models.BinaryField(max_length=16, null=True)  # content hash of the source's record last accepted
    sent = models.BinaryField(max_length=16, null=True)  # hash of what was really sent (after rules and mask)
    state = models.CharField(max_length=8, default="idle")
    due_at = models.FloatField(default=0)
    attempts = models.IntegerField(default=0)
    doubt = models.BooleanField(default=False)  # a create may have been done without our knowing
    troubled = models.BooleanField(default=False)  # has an open problem
    waiting_on = models.CharField(max_length=340, default="", blank=True)
    risk = models.CharField(max_length=6, default="", blank=True)
    risk_at = models.FloatField(default=0)
    token = models.BigIntegerField(default=0)

    class Meta:
        db_table = "binding"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "connection", "type", "external_id"],
                name="one_external",
                condition=Q(external_id__isnull=False),
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "connection", "type", "state", "due_at", "key"],  # as they are claimed
                name="binding_open",
                condition=~Q(state="idle"),
            ),
            models.Index(
                fields=["tenant", "connection", "waiting_on"], name="binding_waiting", condition=~Q(waiting_on="")
            ),
            models.Index(fields=["tenant", "connection", "type", "risk"], name="binding_risk", condition=~Q(risk="")),
        ]


class FeedState(models.Model):
    """How far a feed has been read. `generation` numbers the sweeps; a sweep that ended sets swept_at."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE)
    feed = models.CharField(max_length=40)
    watermark = models.DateTimeField(null=True)
    generation = models.IntegerField(default=0)
    swept_at = models.DateTimeField(null=True)
    types = models.JSONField(default=list)  # record types that the last sweep gave
    read_at = models.DateTimeField(null=True)
    run = models.JSONField(default=dict)  # a run that was cut off: since, started, sweep, types, resume

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "connection", "feed"], name="one_feed_state")
        ]


class Hook(models.Model):
    """A webhook as it came, stored before it was answered."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE)
    at = models.DateTimeField(auto_now_add=True)
    headers = models.JSONField()
    body = models.BinaryField()
    done = models.BooleanField(default=False)
    error = models.TextField(default="", blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "connection", "id"], name="hook_open", condition=Q(done=False))
        ]


class Lease(models.Model):
    """Who may work a lane. `token` grows with every taking, so a late worker is known by its number; `beat` with every
    renewal, so that others see that the owner lives (hub/leases.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    name = models.CharField(max_length=100)
    token = models.BigIntegerField(default=0)
    beat = models.BigIntegerField(default=0)
    owner = models.CharField(max_length=200, default="", blank=True)  # machine and process; empty = free

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "name"], name="one_lease")]


class Pace(models.Model):
    """Calls that workers have started at a connection, so that all of them together keep its limits (hub/pace.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.OneToOneField(Connection, models.CASCADE)
    starts = models.BinaryField(default=b"")  # epoch seconds as little-endian doubles, oldest first
    held_until = models.FloatField(default=0)  # epoch seconds; the system asked for quiet
