"""What providers and banks say: statements, the files that they came in, and which of their lines is which payment."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from ninja import File, Form, Query
from ninja.files import UploadedFile

from samklang.api.v1 import cursors
from samklang.api.v1.acts import Done, Reason
from samklang.api.v1.books import Code, RowName, company_of, listed
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, Input, file
from samklang.api.v1.errors import NotThere
from samklang.api.v1.shapes import Amount, Answer, Page
from samklang.api.v1.webhooks import Number
from samklang.hub.keeping import uploads
from samklang.people import audit
from samklang.people.rights import Right
from samklang.reconciliation import decisions, files, looks, reports
from samklang.reconciliation.models import Match, Statement, StatementFile, Voucher

door = Door("statements")
Provider = Annotated[str, Query(max_length=40, description="Only of this provider.")]


class StatementRow(Answer):
    """What a provider says of one payout or one day. `open` lines look for their order; `voucher` is the state of its
    voucher ("" = none yet); `bank`: whether its payout was found at the bank (null: it reaches none)."""

    id: int
    provider: str
    reference: str
    day: date
    currency: str
    payout: Amount
    lines: int
    open: int
    voucher: str
    bank: bool | None
    scope: str


class StatementLook(StatementRow):
    """A statement whole, but for its lines; `vouchers` are the numbers of those that book it, the newest first.
    `reconciled_at` is when its last line found its order (null: one is still looking, or no run has seen it)."""

    key: str
    account: str
    format: str
    opening: Amount
    closing: Amount
    file: str
    at: datetime
    reconciled_at: datetime | None
    vouchers: list[int]


class StatementLineRow(Answer):
    """A line of a statement and the order that it was matched with; `looking`: it should have one and has none."""

    number: int
    line: str
    kind: str
    amount: Amount
    currency: str
    order_ref: str
    order: str
    rule: str
    by: str
    confidence: int
    looking: bool


class FileRow(Answer):
    """A file that was handed in, and why where it was refused."""

    id: int
    name: str
    size: int
    at: datetime
    by: str
    way: str
    state: Literal["taken", "refused"]
    error: str


class FileProblem(Answer):
    """What is odd about a file that was taken."""

    code: str
    where: str
    what: str
    do_this: str


class Imported(Answer):
    """What became of a file: names of statements that are new, and of those that were known."""

    file: FileRow
    new: list[str]
    known: list[str]
    problems: list[FileProblem]
    lines: int


class SuggestionRow(Answer):
    """A line and a payment that may be the same; a person may confirm it."""

    line: str
    expected: str
    why: str
    provider: str
    statement: int
    day: date
    amount: Amount
    currency: str
    order: str
    sold_on: date


class PaymentRow(Answer):
    """What a provider owes for an order, or has back; `left` of it is in no statement yet."""

    payment: str
    order: str
    channel: str
    provider: str
    day: date
    amount: Amount
    left: Amount
    currency: str
    booked: Amount


class BankLineRow(Answer):
    """A line of the bank account that names a provider and belongs to no payout."""

    row: str
    booked_on: date
    amount: Amount
    currency: str
    text: str
    provider: str


class MatchInput(Input):
    """A statement line (`line`) is this payment (`expected`)."""

    line: RowName
    expected: RowName
    why: Reason = ""


class PayoutMatchInput(Input):
    """A payout (a statement's line) reached the bank in this line."""

    payout: RowName
    bank_line: RowName
    why: Reason = ""


def _file(row: StatementFile) -> dict[str, Any]:
    fields = ("name", "size", "at", "by", "way", "state", "error")
    return {"id": row.pk, **{name: getattr(row, name) for name in fields}}


# ------------------------------------------------------------------------------------------------ statements


@door.get("/companies/{company}/statements", Right.BOOKS, Page[StatementRow])
def statements(
    call: Call,
    company: Code,
    q: Annotated[str, Query(max_length=80, description="A part of the payout's reference.")] = "",
    provider: Provider = "",
    lines: Annotated[Literal["", "open"], Query(description="`open`: only with lines that have no order.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """Payouts and account statements, the newest first."""
    with cursors.judged():
        found = looks.payouts(
            company_of(call, company), provider=provider, search=q.strip(), open_only=bool(lines),
            before=cursors.text(cursor), most=limit + 1,
        )  # fmt: skip
    return listed(found, limit)


@door.post("/companies/{company}/statements", Right.APPROVE, Imported)
def statement_import(
    call: Call, company: Code, file: Annotated[UploadedFile, File()],
    provider: Annotated[str, Form(max_length=40, description="Whose file it is, where it leaves that open.")] = "",
) -> Any:  # fmt: skip
    """Hand in a settlement file, a bank file or a marketplace's report (multipart/form-data).

    It is taken whole or not at all, and only once, however often it comes. The books follow in a moment.
    """
    row = company_of(call, company)
    taken = uploads.take(file, files.KINDS)
    made = files.import_file(row, taken.name, taken.body, files.Handed(call.actor.name, "api", provider))
    audit.note(call.actor, gettext_noop("statement handed in"), f"company {row.code}", file=taken.name)
    return {
        "file": _file(made.file), "new": made.new, "known": made.known, "lines": made.lines,
        "problems": [
            {"code": one.code, "where": one.where, "what": one.what, "do_this": one.do_this} for one in made.problems
        ],
    }  # fmt: skip


def _statement(call: Call, company: str, number: int) -> Statement:
    rows = Statement.objects.select_related("company", "file").defer("file__body")
    row = rows.filter(tenant=call.tenant, company__code=company, pk=number).first()
    if row is None:
        raise NotThere(f"There is no statement {number}")
    return row


@door.get("/companies/{company}/statements/{number}", Right.BOOKS, StatementLook)
def statement(call: Call, company: Code, number: Number) -> Any:
    """One statement, and the vouchers that book it."""
    row = _statement(call, company, number)
    (shown,) = looks.payout_rows(row.company, [row])
    key = f"{row.company.code}/settlement/{row.key}"
    made = Voucher.objects.filter(tenant=call.tenant, company=row.company, key__startswith=key).order_by("-pk")
    return {
        **shown._asdict(), "id": row.pk, "key": row.key, "account": row.account, "format": row.format,
        "opening": looks.amount(row.opening), "closing": looks.amount(row.closing), "file": row.file.name,
        "at": row.at, "reconciled_at": row.reconciled_at,
        "vouchers": [pk for pk, name in made.values_list("pk", "key") if name == key or name.startswith(f"{key}@")],
    }  # fmt: skip


@door.download("/companies/{company}/statements/{number}/file/{kind}", Right.BOOKS, *reports.FILES.values())
def statement_file(call: Call, company: Code, number: Number, kind: Literal["xlsx", "pdf"]) -> Any:
    """One statement line by line, as a workbook or a document."""
    from samklang.reconciliation import papers  # takes a while to load, and few calls need it

    made = papers.statement_file(_statement(call, company, number), kind)
    audit.note(call.actor, gettext_noop("took a list as a file"), made.name, rows=made.rows)
    return file(made.name, made.body, reports.FILES[kind])


@door.get("/companies/{company}/statements/{number}/lines", Right.BOOKS, Page[StatementLineRow])
def statement_lines(call: Call, company: Code, number: Number, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """A statement's lines in the file's order, with what they were matched with."""
    row = _statement(call, company, number)
    after = cursors.row(cursor)
    found = looks.statement_lines(row.company, row, after=after, most=limit + 1)
    page = cursors.cut(found, limit, lambda line: line.number)
    return {**page, "items": [line._asdict() for line in page["items"]]}


@door.get("/companies/{company}/files", Right.BOOKS, Page[FileRow])
def statement_files(call: Call, company: Code, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """Files that were handed in, the newest first, also those that were refused."""
    rows = StatementFile.objects.filter(tenant=call.tenant, company=company_of(call, company)).defer("body")
    if before := cursors.row(cursor):
        rows = rows.filter(pk__lt=before)
    page = cursors.cut(list(rows.order_by("-pk")[: limit + 1]), limit, lambda row: row.pk)
    return {**page, "items": [_file(row) for row in page["items"]]}


# ------------------------------------------------------------------------------------------------ matching


@door.get("/companies/{company}/suggestions", Right.BOOKS, Page[SuggestionRow])
def suggestions(call: Call, company: Code, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """Pairs that may belong together and wait for a person's word."""
    found = looks.pairs(company_of(call, company), limit + 1, after=cursors.row(cursor))
    page = cursors.cut(found, limit, lambda pair: pair.pk)
    return {**page, "items": [pair._asdict() for pair in page["items"]]}


@door.get("/companies/{company}/open-payments", Right.BOOKS, Page[PaymentRow])
def open_payments(
    call: Call,
    company: Code,
    q: Annotated[str, Query(max_length=80, description="A part of the order's key.")] = "",
    provider: Provider = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """What providers have not stated yet, the oldest first."""
    with cursors.judged():
        found = looks.open_payments(
            company_of(call, company), provider=provider, search=q.strip(), after=cursors.text(cursor), most=limit + 1
        )
    page = cursors.cut(found, limit, lambda row: f"{row.day}/{row.pk}")
    plain = [
        {
            "payment": row.payment, "order": row.order, "channel": row.channel, "provider": row.provider,
            "day": row.day, "amount": looks.amount(row.amount), "left": looks.amount(row.left),
            "currency": row.currency, "booked": looks.amount(row.booked),
        }
        for row in page["items"]
    ]  # fmt: skip
    return {**page, "items": plain}


@door.get("/companies/{company}/bank-lines", Right.BOOKS, Page[BankLineRow])
def loose_bank_lines(call: Call, company: Code, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """Bank lines that name a provider and belong to no payout, the newest first."""
    with cursors.judged():
        found = looks.loose_bank_lines(company_of(call, company), limit + 1, before=cursors.text(cursor))
    page = cursors.cut(found, limit, lambda row: f"{row.booked_on}/{row.pk}")
    plain = [
        {
            "row": row.row, "booked_on": row.booked_on, "amount": looks.amount(row.amount), "currency": row.currency,
            "text": row.text, "provider": row.provider,
        }
        for row in page["items"]
    ]  # fmt: skip
    return {**page, "items": plain}


@door.post("/companies/{company}/matches", Right.APPROVE, Done)
def match_confirm(call: Call, company: Code, payload: MatchInput) -> Any:
    """Say that a statement line is a payment. The books follow in a moment."""
    row = company_of(call, company)
    decisions.confirm(row, payload.line, payload.expected, by=call.actor.name, why=payload.why)
    audit.note(call.actor, gettext_noop("match confirmed"), f"line {payload.line}", payment=payload.expected)
    return {"done": True}


@door.delete("/companies/{company}/matches", Right.APPROVE)
def match_undo(call: Call, company: Code, line: Annotated[str, Query(min_length=1, max_length=400)]) -> Any:
    """Take back what a person said of a statement line; what rules matched stands."""
    row = company_of(call, company)
    if not Match.objects.filter(tenant=call.tenant, company=row, line=line, rule="person").exists():
        raise NotThere("No person has matched this line")
    decisions.unmatch(row, line, by=call.actor.name)
    audit.note(call.actor, gettext_noop("match taken back"), f"line {line}")


@door.post("/companies/{company}/payout-matches", Right.APPROVE, Done)
def payout_match_confirm(call: Call, company: Code, payload: PayoutMatchInput) -> Any:
    """Say that a payout is a line of the bank account."""
    row = company_of(call, company)
    decisions.confirm_payout(row, payload.payout, payload.bank_line, by=call.actor.name, why=payload.why)
    audit.note(call.actor, gettext_noop("match confirmed"), f"line {payload.payout}", bank_line=payload.bank_line)
    return {"done": True}
