"""The hub's tables. Every table carries the tenant first, so that data can later be spread by tenant.

Configuration: Tenant, Connection, Channel, Company, Master, Flow, RuleSet, ConfigVersion; what it may become:
Draft, PlanRun with its PlanLines.
The road: Stored (what masters last said), Binding (record ↔ external id, wanted and delivered), FeedState (how far a
feed was read), Hook (webhooks, stored before answered), Lease (one drainer per lane), Pace (limits over all workers).
What a person decided of one order: Hold, Amendment; of many at once: Bulk.
Found again by people: OrderHead (orders by day, channel and state), Term (any record by number, name or address).
What people read: Transfer, ExchangeRow, Problem with ProblemItem and ProblemNote, Brake, Step (journey).
What other programs are told: Subscription, Event, Message (hub/events.py, telling/outbox.py).
What became of the database as a whole: Move, Restore (no tenant: they concern all).

The tables that grow with the traffic have no foreign keys in the database: each row would cost a look-up and a lock per
key, all on the same few parents. Django removes their rows when a tenant or connection goes.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


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
                fields=["tenant", "connection", "type", "state", "due_at"],
                name="binding_open",
                condition=~Q(state="idle"),
            ),
            models.Index(
                fields=["tenant", "connection", "waiting_on"], name="binding_waiting", condition=~Q(waiting_on="")
            ),
            models.Index(fields=["tenant", "connection", "type", "risk"], name="binding_risk", condition=~Q(risk="")),
        ]


class OrderHead(models.Model):
    """What lists of orders are sorted and filtered by, out of the order and what systems say of it (hub/listing.py)."""

    pk = models.CompositePrimaryKey("tenant_id", "key")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    key = models.CharField(max_length=300)
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False, db_constraint=False)  # the master
    channel = models.CharField(max_length=40)
    placed_at = models.FloatField()  # epoch seconds
    lifecycle = models.CharField(max_length=20, default="", blank=True)
    fulfilment = models.CharField(max_length=20, default="", blank=True)
    payment = models.CharField(max_length=20, default="", blank=True)
    transferred_at = models.FloatField(null=True)  # when a target first took it from us: what packages count

    class Meta:
        db_table = "order_head"
        indexes: ClassVar = [
            models.Index(fields=["tenant", "placed_at", "key", "channel"], name="order_placed"),  # counted out of it
            models.Index(fields=["tenant", "channel", "placed_at", "key"], name="order_channel"),
            models.Index(fields=["tenant", "lifecycle", "placed_at", "key"], name="order_lifecycle"),
            models.Index(fields=["tenant", "fulfilment", "placed_at", "key"], name="order_fulfilment"),
            models.Index(fields=["tenant", "payment", "placed_at", "key"], name="order_payment"),
            models.Index(
                fields=["tenant", "transferred_at"], name="order_transferred", condition=Q(transferred_at__isnull=False)
            ),
        ]


class Term(models.Model):
    """A word by which a person finds a record: a number, a name, an e-mail address (hub/listing.py)."""

    pk = models.CompositePrimaryKey("tenant_id", "type", "term", "key")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    type = models.CharField(max_length=20)
    term = models.CharField(max_length=60)
    key = models.CharField(max_length=300)

    class Meta:
        db_table = "term"


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


class Transfer(models.Model):
    """One run: a read of a feed or a drain of deliveries, with its counts."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False)
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    direction = models.CharField(max_length=3)
    what = models.CharField(max_length=40)  # feed or record type
    sweep = models.BooleanField(default=False)
    started = models.DateTimeField()
    seconds = models.FloatField(null=True)
    considered = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    updated = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    result = models.CharField(max_length=10, default="running")  # running, ok, failed
    error = models.TextField(default="", blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "connection", "-started"], name="transfer_recent"),
            # As the list is turned over: all, those of a connection, those that moved something (or failed to).
            models.Index(fields=["tenant", "id"], name="transfer_all"),
            models.Index(fields=["tenant", "connection", "id"], name="transfer_of"),
            models.Index(
                fields=["tenant", "id"],
                name="transfer_moved",
                condition=Q(created__gt=0) | Q(updated__gt=0) | Q(failed__gt=0),
            ),
            models.Index(fields=["tenant", "started"], name="transfer_failed", condition=Q(failed__gt=0)),
        ]


_FAILED = Q(status__lt=200) | Q(status__gte=400)  # 0 = no answer


class ExchangeRow(models.Model):
    """One request and answer, secrets removed."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False, db_constraint=False)
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    url = models.TextField()
    status = models.IntegerField()
    seconds = models.FloatField()
    sent = models.BinaryField(default=b"")
    got = models.BinaryField(default=b"")
    error = models.TextField(default="", blank=True)
    about = models.CharField(max_length=300, default="", blank=True)  # record key, or "" for many

    class Meta:
        db_table = "exchange"
        indexes: ClassVar = [
            models.Index(fields=["tenant", "connection", "-at"], name="exchange_recent"),
            models.Index(fields=["tenant", "about", "id"], name="exchange_about", condition=~Q(about="")),
            # As the list is turned over: all, those of a connection, and of either those that failed.
            models.Index(fields=["tenant", "id"], name="exchange_all"),
            models.Index(fields=["tenant", "connection", "id"], name="exchange_of"),
            models.Index(fields=["tenant", "id"], name="exchange_failed", condition=_FAILED),
            models.Index(fields=["tenant", "connection", "id"], name="exchange_failed_of", condition=_FAILED),
        ]

    @property
    def sent_text(self) -> str:
        """What was sent, as text."""
        return bytes(self.sent).decode("utf-8", "replace")

    @property
    def got_text(self) -> str:
        """What was answered, as text."""
        return bytes(self.got).decode("utf-8", "replace")


class Problem(models.Model):
    """Equal errors together: what happened, where, and what to do. Open until its last item is gone. Without a
    connection it is the hub's own: a webhook that nobody takes, a payout that matches nothing."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE, null=True)
    fingerprint = models.CharField(max_length=64)
    code = models.CharField(max_length=24)
    type = models.CharField(max_length=20, default="", blank=True)
    what = models.TextField()
    do_this = models.TextField(default="", blank=True)
    first_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField(auto_now=True)
    closed_at = models.DateTimeField(null=True)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "fingerprint"], name="one_open", condition=Q(closed_at__isnull=True)
            )
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "closed_at", "id"], name="problem_closed")]

    def __str__(self) -> str:
        return f"{self.code} {self.what}"

    @property
    def system(self) -> str:
        """Name of the connection, "" where it is the hub's own problem."""
        return self.connection.name if self.connection else ""


class ProblemItem(models.Model):
    """One record that has the problem."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    problem = models.ForeignKey(Problem, models.CASCADE, related_name="items")
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, db_index=False)
    direction = models.CharField(max_length=3)
    type = models.CharField(max_length=20)
    key = models.CharField(max_length=300)
    external_id = models.CharField(max_length=200, default="", blank=True)
    message = models.TextField()
    where = models.CharField(max_length=300, default="", blank=True)
    amount = models.DecimalField(max_digits=19, decimal_places=4, null=True)  # what is at stake, where it is money
    currency = models.CharField(max_length=3, default="", blank=True)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "connection", "direction", "type", "key"], name="one_item"),
            models.UniqueConstraint(
                fields=["tenant", "direction", "type", "key"], name="one_own_item", condition=Q(connection__isnull=True)
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "key"], name="item_key")]


class ProblemNote(models.Model):
    """What somebody said about a problem."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    problem = models.ForeignKey(Problem, models.CASCADE, related_name="notes")
    by = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    text = models.TextField()


class Bulk(models.Model):
    """Something done to many records at a person's word, slice by slice (hub/bulk.py). `keys` are the records, or none
    where `problem` names them; `place` is how far it has come: an index into the keys, or the last item's number."""

    class State(models.TextChoices):
        RUNNING = "running"  # or waiting for its turn
        DONE = "done"
        ENDED = "ended"  # by a person, before it was done

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    kind = models.CharField(max_length=20)
    keys = models.JSONField(default=list)
    problem = models.ForeignKey(Problem, models.CASCADE, null=True)
    reason = models.CharField(max_length=300, default="", blank=True)
    by = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    total = models.IntegerField()
    place = models.BigIntegerField(default=0)
    done = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    answers = models.JSONField(default=list)  # [key, why] of the first that were refused

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "id"], name="bulk_running", condition=Q(state="running"))]


class Brake(models.Model):
    """A mass change that a person must release or reject. Held bindings carry its risk."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE)  # the target
    type = models.CharField(max_length=20)
    risk = models.CharField(max_length=6)
    count = models.IntegerField()
    of = models.IntegerField()
    at = models.DateTimeField(auto_now_add=True)
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=100, default="", blank=True)
    rejected = models.BooleanField(default=False)  # the changes behind it were let fall instead

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "connection", "type", "risk"], name="one_brake", condition=Q(released_at__isnull=True)
            )
        ]


class Step(models.Model):
    """One step of an order's way: what happened at which connection. The journey page only reads these."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False)
    order = models.CharField(max_length=300)
    at = models.DateTimeField()
    connection = models.ForeignKey(Connection, models.CASCADE, db_constraint=False)
    type = models.CharField(max_length=20)
    what = models.CharField(max_length=20)  # read, created, updated, unchanged, waits, retry, stopped, matched
    text = models.TextField(default="", blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "order", "at"], name="step_order")]


class Hold(models.Model):
    """A person keeps an order from the other systems (hub/orders.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    order = models.CharField(max_length=300)
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=200)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "order"], name="one_hold")]


class Amendment(models.Model):
    """What a person corrected of an order on its way to the other systems: canonical field → value. The shop's own
    order stays as it is."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    order = models.CharField(max_length=300)
    fields = models.JSONField(default=dict)
    by = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "order"], name="one_amendment")]


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


class Move(models.Model):
    """A move of the whole hub to another database (keeping/moving.py). The row is written before anything is copied and
    comes along with the copy; `done` is set first in the old database, which is left with it, then in the new one,
    which is used only from then on."""

    number = models.UUIDField(unique=True)
    begun_at = models.DateTimeField()
    to = models.TextField()  # address without its password
    done = models.BooleanField(default=False)


class Restore(models.Model):
    """The database came out of a backup: what was done after that was made is not in it (keeping/backups.py)."""

    at = models.DateTimeField()

    @classmethod
    def lately(cls) -> bool:
        """Whether creates must be looked for first, because a lost hub may have done them: for a month, as a connection
        may be paused meanwhile."""
        return cls.objects.filter(at__gt=timezone.now() - timedelta(days=30)).exists()
