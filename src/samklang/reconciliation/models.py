"""The tables of the books. Every one carries the tenant first, then the company.

What came in: StatementFile (as it was handed in, encrypted), Statement with its StatementLines, BankStatement with its
BankLines, Opening, Rate, Decision (what a person said).
What was found: Payment (what a provider owes for), Match, PayoutMatch, Suggestion.
What is booked: Voucher with its VoucherLines and VoucherRefs. Once posted it is never changed: triggers in the database
see to it (migrations/0002_sealed.py). Export with Exported: the files for a ledger that takes files.
What is added up of it: VatOfDay, LinesOfDay (totals.py).
How far it is: Books (the last run), LedgerState (what the ledger allows), Source and Fetched (statements that come by
themselves).

`body` columns hold the pure structs of accounting/ as JSON; the other columns are for finding and showing them.
Amounts have four decimals; what counts is the body's.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from samklang.hub.models import Company, Connection, Tenant


def _money(**more: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=19, decimal_places=4, **more)


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
    payout = _money()
    opening = _money()
    closing = _money()
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
    amount = _money()
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
    opening = _money(null=True)
    closing = _money(null=True)
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
    amount = _money()
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
    amount = _money()
    currency = models.CharField(max_length=3)
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "item"], name="one_opening")]


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
    amount = _money()
    currency = models.CharField(max_length=3)
    booked = _money()
    model = models.CharField(max_length=8)
    left = _money()  # what no statement has stated yet, in `currency`

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
    turnover = _money()
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
    amount = _money()
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
    amount = _money()

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
    amount = _money()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "company", "date", "about", "account", "role", "party", "country", "percent"],
                name="one_lines_of_day",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "company", "about"], name="lines_about")]


class Books(models.Model):
    """How far a company's books are: what the last run has seen, and how it ended; what the last check has found."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.OneToOneField(Company, models.PROTECT)
    wanted = models.BigIntegerField(default=0)  # grows when something has happened that the books must know
    done = models.BigIntegerField(default=0)  # what `wanted` was when the last good run began
    read_until = models.FloatField(default=0)  # epoch seconds: orders changed before were seen
    ran_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0)
    error = models.TextField(default="", blank=True)
    checked_at = models.DateTimeField(null=True)
    checked = models.IntegerField(default=0)  # vouchers that were compared with what was approved
    changed = models.JSONField(default=list)  # keys of those that are something else now
    differing = models.IntegerField(default=0)  # kept figures that are not what they are derived to be


class LedgerState(models.Model):
    """What the ledger last said of itself (connectors/contract.py, Ledger): drafts are judged by it."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.OneToOneField(Connection, models.CASCADE)
    at = models.DateTimeField()
    body = models.BinaryField()


class Source(models.Model):
    """How the statements of a company come from a connection by themselves: its last run (fetching.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE)
    ran_at = models.DateTimeField(null=True)
    well_at = models.DateTimeField(null=True)  # the last run that ended well
    taken = models.IntegerField(default=0)  # papers of the last run
    refused = models.IntegerField(default=0)
    total = models.IntegerField(default=0)  # of all runs
    error = models.TextField(default="", blank=True)  # why the last run broke off
    read_until = models.DateField(null=True)  # the day of the last run that ended well: the next goes on from there
    swept_on = models.DateField(null=True)  # the day of the last run that asked for everything

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "connection"], name="one_source")]


class Fetched(models.Model):
    """A paper that a connection has given, so that it is not asked for again; `error` is why it was refused.

    `day` is the one by which it is listed, where the connection tells: one that was refused is asked for from there.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE)
    name = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now=True)
    error = models.TextField(default="", blank=True)
    day = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "connection", "name"], name="one_fetched")]
