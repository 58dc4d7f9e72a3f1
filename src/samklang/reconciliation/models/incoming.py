"""What came in: files of providers and banks with what stands in them, and what people said."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from samklang.hub.models import Company, Connection, Tenant
from samklang.reconciliation.models.fields import money


class StatementFile(models.Model):
    """A file as it was handed in, packed and encrypted (files.raw gives it back). Equal bytes are one file."""

    class State(models.TextChoices):
        TAKEN = "taken"
        REFUSED = "refused"  # nothing of it was kept; the reason stands in `error`

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    hash = models.CharField(max_length=64)  # SHA-256
    name = models.CharField(max_length=120)
    size = models.IntegerField()
    body = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=150)
    way = models.CharField(max_length=10)  # cli, console, api, folder, fetched
    connection = models.ForeignKey(Connection, models.SET_NULL, null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.TAKEN)
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "hash"], name="one_file")]
        indexes: ClassVar = [models.Index(fields=["tenant", "-at"], name="file_recent")]

    def __str__(self) -> str:
        return self.name


class Statement(models.Model):
    """What a provider says about one payout, or about one day of our account there."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    file = models.ForeignKey(StatementFile, models.PROTECT)
    key = models.CharField(max_length=300)  # settlement.statement_id: provider, account, payout reference, currency
    provider = models.CharField(max_length=40)
    account = models.CharField(max_length=80, default="", blank=True)
    reference = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    format = models.CharField(max_length=60)
    scope = models.CharField(max_length=10)  # payout, account, report
    day = models.DateField()
    payout = money()
    opening = money()
    closing = money()
    lines = models.IntegerField()
    open = models.IntegerField(default=0)  # lines that should have an order and have none
    reconciled_at = models.DateTimeField(null=True)  # when a run first found that every line has its order
    head = models.BinaryField()  # the Statement without its lines
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "key"], name="one_statement")]
        indexes: ClassVar = [models.Index(fields=["tenant", "company", "-day", "-id"], name="statement_recent")]

    def __str__(self) -> str:
        return self.key


class StatementLine(models.Model):
    """One movement of our balance at the provider. `line` names it in references (matching.line_id)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False)
    statement = models.ForeignKey(Statement, models.CASCADE)
    number = models.IntegerField()
    line = models.CharField(max_length=400)
    kind = models.CharField(max_length=24)
    amount = money()
    currency = models.CharField(max_length=3)
    order_ref = models.CharField(max_length=120, default="", blank=True)
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "statement", "number"], name="one_line")]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "line"], name="line_name"),
            models.Index(fields=["tenant", "order_ref"], name="line_order", condition=~Q(order_ref="")),
        ]


class BankStatement(models.Model):
    """One statement of a bank account, or a notice that only repeats what stands in one."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    file = models.ForeignKey(StatementFile, models.PROTECT)
    kind = models.CharField(max_length=10)  # statement, notice
    format = models.CharField(max_length=60)
    account = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=120, default="", blank=True)
    number = models.CharField(max_length=40, default="", blank=True)
    opening = money(null=True)
    closing = money(null=True)
    day = models.DateField(null=True)  # the last that it covers
    lines = models.IntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "company", "-day", "-id"], name="bank_recent")]

    def __str__(self) -> str:
        return f"{self.account} {self.reference}"


class BankLine(models.Model):
    """One booked line of the account, once in whatever files it came. `row` names it (payouts.bank_rows)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False)
    company = models.ForeignKey(Company, models.PROTECT)
    statement = models.ForeignKey(BankStatement, models.CASCADE)
    row = models.CharField(max_length=400)
    booked_on = models.DateField()
    amount = money()
    currency = models.CharField(max_length=3)
    text = models.TextField(default="", blank=True)
    provider = models.CharField(max_length=40, default="", blank=True)  # whom the text names (payouts.provider_of)
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "row"], name="one_bank_line")]
        indexes: ClassVar = [models.Index(fields=["tenant", "company", "-booked_on", "-id"], name="bank_line_recent")]


class Opening(models.Model):
    """One order that was sold before the books began and is not paid out yet (edge case 52)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    item = models.CharField(max_length=200)
    provider = models.CharField(max_length=40)
    day = models.DateField()
    amount = money()
    currency = models.CharField(max_length=3)
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "item"], name="one_opening")]


class Happened(models.Model):
    """What no system tells and a list has brought (events_in.py): a till's Z-report, a gift card that has expired."""

    class Kind(models.TextChoices):
        TILL = "till"
        GIFT_CARD = "gift card"

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=200)
    day = models.DateField()
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "company", "kind", "name"], name="one_happened")
        ]

    def __str__(self) -> str:
        return self.name


class Rate(models.Model):
    """What one unit of `currency` was worth in `home` on a day."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    home = models.CharField(max_length=3)
    currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.CharField(max_length=30)  # digits as they were published
    source = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "home", "currency", "day"], name="one_rate")]


class Decision(models.Model):
    """What only a person can say about a row (decisions.py says what each kind means). `about` names the row."""

    class Kind(models.TextChoices):
        IGNORE = "ignore"  # the problem about it is none
        VAT_VALID = "vat valid"  # an order's buyer has a valid VAT number
        STRAIGHT = "straight"  # a bank line that moves the provider's balance by itself
        LOST = "lost"  # a dispute
        WRITE_OFF = "write off"  # what stands on suspense

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    about = models.CharField(max_length=400)
    role = models.CharField(max_length=60, default="", blank=True)  # straight: the provider; write off: the role
    day = models.DateField()
    why = models.CharField(max_length=300)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "company", "kind", "about"], name="one_decision")
        ]


class VatNumber(models.Model):
    """What VIES has answered about the VAT number of an order's buyer (vat_numbers.py): asked once for each order, and
    again while nobody can say. `valid` is empty until somebody has said."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    order = models.CharField(max_length=300)
    number = models.CharField(max_length=40)
    valid = models.BooleanField(null=True)
    checked_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=80, default="", blank=True)  # VIES' consultation number
    tries = models.IntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    error = models.TextField(default="", blank=True)  # why the last try gave no answer

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "order"], name="one_vat_number")]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "company", "next_at"], name="vat_number_due", condition=Q(valid=None))
        ]

    def __str__(self) -> str:
        return self.number
