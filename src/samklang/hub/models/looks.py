"""What people look at (hub/looks, hub/listing.py), and what they decided of one order or of many."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from samklang.hub.models.setup import Connection, Tenant


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


class OrdersOfDay(models.Model):
    """What statistics say of the orders placed on one day, by channel (hub/looks/days.py). Counted by the clock of
    `zone`, and for the order flows that `flows` names; under others, or once a quarter of it is touched, the row says
    nothing.
    """

    pk = models.CompositePrimaryKey("tenant_id", "day")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    day = models.DateField()
    zone = models.CharField(max_length=40)
    flows = models.TextField(default="", blank=True)
    counts = models.JSONField(default=dict)  # channel → [placed, sent, told, {target: taken}]
    at = models.FloatField()  # epoch seconds: when it was counted

    class Meta:
        db_table = "orders_of_day"


class Touched(models.Model):
    """Something of an order placed in this quarter of an hour has changed since its day was counted (hub/touched.py).
    Only ever inserted, and deleted by who counts."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    quarter = models.BigIntegerField()  # epoch seconds / 900: midnight of every zone lies between two

    class Meta:
        db_table = "orders_touched"
        indexes: ClassVar = [models.Index(fields=["tenant", "quarter"], name="touched_quarter")]


class Term(models.Model):
    """A word by which a person finds a record: a number, a name, an e-mail address (hub/listing.py)."""

    pk = models.CompositePrimaryKey("tenant_id", "type", "term", "key")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, db_constraint=False)
    type = models.CharField(max_length=20)
    term = models.CharField(max_length=60)
    key = models.CharField(max_length=300)

    class Meta:
        db_table = "term"


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
