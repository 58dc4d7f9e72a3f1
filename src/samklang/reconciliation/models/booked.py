"""What is booked: vouchers with their lines and the rows behind them, the files they went out in, and their sums."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from samklang.hub.models import Company, Connection, Tenant
from samklang.reconciliation.models.fields import money


class Voucher(models.Model):
    """What is to be booked, or is. `about` is the day of what it books, which a correction keeps from its original.

    A draft is derived anew with every run; from approval on it stays as it is.
    """

    class State(models.TextChoices):
        DRAFT = "draft"  # something in it must be decided first, or a check has failed
        VALIDATED = "validated"  # may be approved
        APPROVED = "approved"  # by a person; on its way
        SENT = "sent"  # the ledger has been asked
        POSTED = "posted"
        REVERSED = "reversed"  # posted, and taken back by another

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    key = models.CharField(max_length=290)
    series = models.CharField(max_length=10)
    date = models.DateField()
    about = models.DateField()
    text = models.CharField(max_length=300)
    source = models.CharField(max_length=16)
    currency = models.CharField(max_length=3)
    turnover = money()
    line_count = models.IntegerField()
    reverses = models.CharField(max_length=290, default="", blank=True)
    hash = models.BinaryField(max_length=16)
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    why_draft = models.TextField(default="", blank=True)
    number = models.CharField(max_length=80, default="", blank=True)  # the ledger's
    made_at = models.DateTimeField(auto_now_add=True)
    approved_by = models.CharField(max_length=150, default="", blank=True)
    approved_at = models.DateTimeField(null=True)
    posted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "key"], name="one_voucher")]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "company", "state", "date"], name="voucher_state"),
            models.Index(fields=["tenant", "company", "-date", "-id"], name="voucher_recent"),
            models.Index(fields=["tenant", "company", "about"], name="voucher_about"),
        ]

    def __str__(self) -> str:
        return self.key


#: Vouchers that a run may still change or drop; all others are as if the ledger had them.
OPEN = (Voucher.State.DRAFT, Voucher.State.VALIDATED)


class VoucherLine(models.Model):
    """Amount on one account; debit is positive."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False)
    voucher = models.ForeignKey(Voucher, models.CASCADE)
    number = models.IntegerField()
    account = models.CharField(max_length=20)
    name = models.CharField(max_length=200, default="", blank=True)
    role = models.CharField(max_length=60)
    amount = money()
    text = models.CharField(max_length=300, default="", blank=True)
    country = models.CharField(max_length=6, default="", blank=True)
    percent = models.CharField(max_length=10, default="", blank=True)
    party = models.CharField(max_length=40, default="", blank=True)
    item = models.CharField(max_length=300, default="", blank=True)
    foreign = models.CharField(max_length=30, default="", blank=True)
    currency = models.CharField(max_length=3, default="", blank=True)
    dimensions = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "voucher", "number"], name="one_voucher_line")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "role"], name="voucher_role")]


class VoucherRef(models.Model):
    """One source row of a voucher line, and its share of the line's amount."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False)
    voucher = models.ForeignKey(Voucher, models.CASCADE)
    line = models.IntegerField()  # number of the line
    kind = models.CharField(max_length=16)
    row = models.CharField(max_length=400)
    amount = models.CharField(max_length=30)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "voucher", "line"], name="ref_voucher"),
            models.Index(fields=["tenant", "row"], name="ref_row"),
        ]


class Attachment(models.Model):
    """The itemised list of a voucher as a file that hangs on it in the ledger, or is to (attaching.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    voucher = models.OneToOneField(Voucher, models.PROTECT)
    connection = models.ForeignKey(Connection, models.CASCADE)
    file = models.CharField(max_length=100, default="", blank=True)  # the ledger's id of it
    at = models.DateTimeField(null=True)  # since when it hangs there
    tried_at = models.DateTimeField(null=True)  # when it last could not
    error = models.TextField(default="", blank=True)  # why

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "connection"], name="attachment_to_come", condition=models.Q(at=None))
        ]


class Export(models.Model):
    """A file of vouchers for a ledger that takes files (exports.py): its bytes as they were written, packed and
    encrypted. Its number is one more than that of the file before."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    number = models.IntegerField()
    name = models.CharField(max_length=120)
    hash = models.CharField(max_length=64)  # SHA-256
    body = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=150)
    vouchers = models.IntegerField()
    first = models.DateField()  # days of the vouchers
    last = models.DateField()
    place = models.CharField(max_length=40, default="", blank=True)  # name of the connection that has it
    left_at = models.DateTimeField(null=True)
    error = models.TextField(default="", blank=True)  # why it could not be left yet

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "number"], name="one_export")]

    def __str__(self) -> str:
        return self.name


class Exported(models.Model):
    """A voucher in a file, under its number in the series and the fiscal year (its first day): in one file only."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    export = models.ForeignKey(Export, models.PROTECT)
    voucher = models.OneToOneField(Voucher, models.PROTECT)
    series = models.CharField(max_length=10)
    year = models.DateField()
    number = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "company", "series", "year", "number"], name="one_number")
        ]


class VatOfDay(models.Model):
    """Output VAT of a day's captures and refunds, in the ledger's currency: what the last run has derived of the
    orders, for the vouchers to be compared with (control.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    day = models.DateField()
    country = models.CharField(max_length=6)
    percent = models.CharField(max_length=10)
    amount = money()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "company", "day", "country", "percent"], name="one_vat_of_day")
        ]


class LinesOfDay(models.Model):
    """The voucher lines of one `date` and `about` that are alike in all but their amounts, added up."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.PROTECT)
    date = models.DateField()
    about = models.DateField()
    account = models.CharField(max_length=20)
    role = models.CharField(max_length=60)
    party = models.CharField(max_length=40, default="", blank=True)
    country = models.CharField(max_length=6, default="", blank=True)
    percent = models.CharField(max_length=10, default="", blank=True)
    name = models.CharField(max_length=200, default="", blank=True)  # the account's
    amount = money()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "company", "date", "about", "account", "role", "party", "country", "percent"],
                name="one_lines_of_day",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "company", "about"], name="lines_about")]
