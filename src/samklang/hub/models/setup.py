"""What a person sets up, and what a configuration may become (hub/setup)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Tenant(models.Model):
    """One merchant's closed space."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.slug


class Connection(models.Model):
    """One configured instance of a connector. Secrets lie encrypted beside the settings."""

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"  # by a person
        NEEDS_PERSON = "needs person"  # login refused, right missing, settings wrong

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    name = models.SlugField(max_length=40)
    connector = models.CharField(max_length=40)
    settings = models.JSONField(default=dict)
    secrets = models.BinaryField(default=b"")
    tokens = models.BinaryField(default=b"")
    status_words = models.JSONField(default=dict)  # the system's own status word → states (records/states.py axes_of)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    reason = models.TextField(default="", blank=True)
    faults = models.IntegerField(default=0)  # technical faults in a row
    open_until = models.FloatField(default=0)  # breaker: no calls before this time (epoch seconds)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "name"], name="connection_name")]

    def __str__(self) -> str:
        return self.name


class Channel(models.Model):
    """Where buyers order: a shop, or one of the shops behind one connection."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=200, default="")
    connection = models.ForeignKey(Connection, models.CASCADE)
    country = models.CharField(max_length=2, default="SE")
    currency = models.CharField(max_length=3, default="SEK")
    time_zone = models.CharField(max_length=40, default="Europe/Stockholm")
    dimension = models.CharField(max_length=40, default="", blank=True)  # result unit in the ERP

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "code"], name="channel_code")]

    def __str__(self) -> str:
        return self.code


class Company(models.Model):
    """A legal entity with books of its own. `settings` is a CompanyPart (setup/companies.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    code = models.SlugField(max_length=40)
    settings = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "code"], name="company_code")]

    def __str__(self) -> str:
        return self.code


class Master(models.Model):
    """Which connection rules a record type in a channel: exactly one, the database sees to it."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    channel = models.ForeignKey(Channel, models.CASCADE)
    type = models.CharField(max_length=20)
    connection = models.ForeignKey(Connection, models.CASCADE)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "channel", "type"], name="one_master")]

    def __str__(self) -> str:
        return f"{self.channel} {self.type}"


class Flow(models.Model):
    """Records of a type from their master to a target, for one channel."""

    class Mode(models.TextChoices):
        CREATE = "create"
        UPDATE = "update"
        BOTH = "both"

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    channel = models.ForeignKey(Channel, models.CASCADE)
    type = models.CharField(max_length=20)
    source = models.ForeignKey(Connection, models.CASCADE, related_name="flows_out")
    target = models.ForeignKey(Connection, models.CASCADE, related_name="flows_in")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.BOTH)
    fields = models.JSONField(default=list)  # canonical fields that may be written; empty = all
    when = models.JSONField(default=None, null=True)  # condition (rules/model.py): which records flow
    options = models.JSONField(default=dict)
    since = models.DateTimeField(null=True)  # cut-over: orders placed before are not sent
    enabled = models.BooleanField(default=False)
    planned = models.BooleanField(default=False)  # set up by a plan, off, and no part of the configuration yet

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "channel", "type", "target"], name="one_flow")
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.type} {self.source} → {self.target}"


class RuleSet(models.Model):
    """Rules on the way in or out of a connection for one record type."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE)
    direction = models.CharField(max_length=3, choices=[("in", "in"), ("out", "out")])
    type = models.CharField(max_length=20)
    rules = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "connection", "direction", "type"], name="one_rule_set")
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.direction} {self.type}"


class ConfigVersion(models.Model):
    """The configuration after each change, as samklang.toml text without secrets; the history to roll back to."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    number = models.IntegerField()
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=100)
    why = models.CharField(max_length=300, default="", blank=True)
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "number"], name="config_number")]

    def __str__(self) -> str:
        return f"{self.tenant} {self.number}"


class Draft(models.Model):
    """Edits of a tenant's configuration that nobody has applied yet (setup/drafts.py). Both texts are samklang.toml."""

    tenant = models.OneToOneField(Tenant, models.CASCADE)
    base = models.TextField()  # the configuration that the edits were made on
    text = models.TextField()  # what it would become
    number = models.IntegerField(default=0)  # grows with every edit
    edits = models.JSONField(default=list)  # [{by, at, what}], the newest last
    at = models.DateTimeField(auto_now=True)


class PlanRun(models.Model):
    """A plan that the engine computes, and applies when a person says so (setup/planning.py)."""

    class State(models.TextChoices):
        READING = "reading"  # being computed, or waiting for its turn
        READY = "ready"
        APPLYING = "applying"
        APPLIED = "applied"
        FAILED = "failed"
        DROPPED = "dropped"  # another one was asked for, or a person stopped it

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    text = models.TextField()  # the configuration that is planned
    base = models.TextField()  # the configuration that there was
    state = models.CharField(max_length=10, choices=State.choices, default=State.READING)
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=100)
    counted_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    applied_by = models.CharField(max_length=100, default="", blank=True)
    why = models.CharField(max_length=300, default="", blank=True)
    progress = models.JSONField(default=dict)  # what, done, total (0 = unknown)
    result = models.JSONField(default=dict)  # Consequences, without samples
    error = models.JSONField(default=dict)  # code, what, where, do_this

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant"], name="one_plan_at_work", condition=Q(state__in=["reading", "ready", "applying"])
            )
        ]


class PlanLine(models.Model):
    """One record that a plan would create or change, or cannot. `flow` counts the plan's flows from 0."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False)
    plan = models.ForeignKey(PlanRun, models.CASCADE, db_index=False, db_constraint=False)
    flow = models.IntegerField()
    action = models.CharField(max_length=8)  # create, change, blocked
    key = models.CharField(max_length=300)
    title = models.TextField()
    fields = models.JSONField(default=dict)  # field → [before, after]
    harm = models.BooleanField(default=False)
    mails = models.BooleanField(default=False)
    reason = models.TextField(default="", blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "plan", "flow", "id"], name="plan_line")]
