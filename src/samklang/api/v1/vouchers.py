"""Vouchers, their approval, and the files of a ledger that takes files."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from ninja import Query
from pydantic import Field

from samklang.api.v1 import cursors
from samklang.api.v1.books import Code, company_of, listed
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, Input, file
from samklang.api.v1.errors import NotThere, Unfit
from samklang.api.v1.shapes import Amount, Answer, Page
from samklang.api.v1.webhooks import Count, Number
from samklang.people import audit
from samklang.people.rights import Right
from samklang.reconciliation import attaching, exports, handover, looks, reports
from samklang.reconciliation.companies import ledger_flow
from samklang.reconciliation.models import Export, Voucher
from samklang.reconciliation.vouchers import Seen
from samklang.reconciliation.vouchers import approve as approve_seen

door = Door("vouchers")
State = Literal["draft", "validated", "approved", "sent", "posted", "reversed"]
Day = Annotated[date, Query(description="The last day of the period; today where it is not named.")]
FirstDay = Annotated[date, Query(description="The first day; the month's where it is not named.")]
_BYTES = "application/octet-stream"


class VoucherRow(Answer):
    """A voucher. `hash` is what an approval must name; `number` is the ledger's; `why_draft` says what must be decided
    before it may be approved."""

    id: int
    key: str
    date: date
    text: str
    source: str
    currency: str
    turnover: Amount
    state: State
    number: str
    why_draft: str
    hash: str
    approved_by: str


class VoucherLineRow(Answer):
    """An amount on an account; debit is positive. `rows` counts the source rows that it is made of."""

    number: int
    account: str
    name: str
    amount: Amount
    role: str
    text: str
    country: str
    percent: str
    foreign: str
    currency: str
    rows: int


class VoucherLook(VoucherRow):
    """A voucher whole. `ledger` is the connection that approved vouchers go to ("" = none); `list_at` is when its
    itemised list was hung on it there, `list_error` why it could not be."""

    series: str
    reverses: str
    made_at: datetime
    approved_at: datetime | None
    posted_at: datetime | None
    ledger: str
    list_at: datetime | None
    list_error: str
    lines: list[VoucherLineRow]


class SourceRow(Answer):
    """A source row of a line, and its share of the line's amount."""

    kind: str
    row: str
    amount: Amount


class LedgerFileRow(Answer):
    """A file of vouchers. `left_at` is when it was left at the connection `place` ("" = a person fetches it)."""

    number: int
    name: str
    at: datetime
    by: str
    vouchers: int
    first: date
    last: date
    place: str
    left_at: datetime | None
    error: str


class NumberGap(Answer):
    """A number of a series and fiscal year that no file has."""

    series: str
    year: date
    number: int


class LedgerFiles(Answer):
    """All files of a company, and the gaps in their numbers."""

    files: list[LedgerFileRow]
    gaps: list[NumberGap]


class LedgerFileMade(Answer):
    """The new file; null where no approved voucher waited for one."""

    number: int | None
    vouchers: int


class SeenVoucher(Input):
    """A voucher as it was seen."""

    id: Number
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class ApprovalInput(Input):
    """Vouchers to approve, each just as it was seen."""

    vouchers: Annotated[list[SeenVoucher], Field(min_length=1, max_length=1000)]


def _find(call: Call, company: str, number: int) -> Voucher:
    rows = Voucher.objects.select_related("company").filter(tenant=call.tenant, company__code=company)
    row = rows.filter(pk=number).first()
    if row is None:
        raise NotThere(f"There is no voucher {number}")
    return row


def _whole(row: Voucher) -> dict[str, Any]:
    counts, flow, attached = looks.ref_counts(row), ledger_flow(row.company), attaching.state(row)
    lines = [
        {
            "number": one.number, "account": one.account, "name": one.name, "amount": looks.amount(one.amount),
            "role": one.role, "text": one.text, "country": one.country, "percent": one.percent,
            "foreign": one.foreign, "currency": one.currency, "rows": counts.get(one.number, 0),
        }
        for one in looks.voucher_lines(row)
    ]  # fmt: skip
    return {
        **looks.voucher_row(row)._asdict(), "id": row.pk, "series": row.series, "reverses": row.reverses,
        "made_at": row.made_at, "approved_at": row.approved_at, "posted_at": row.posted_at,
        "ledger": flow.target.name if flow else "", "list_at": attached.at if attached else None,
        "list_error": attached.error if attached else "", "lines": lines,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ vouchers


@door.get("/companies/{company}/vouchers", Right.BOOKS, Page[VoucherRow])
def vouchers(
    call: Call,
    company: Code,
    q: Annotated[str, Query(max_length=80, description="A part of the text or the ledger's number.")] = "",
    state: Annotated[Literal["", State], Query(description="Only of this state.")] = "",
    source: Annotated[str, Query(max_length=16, description="What it books: sales, settlement …")] = "",
    order: Annotated[str, Query(max_length=300, description="Key of an order that it books.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """Vouchers, the newest first."""
    with cursors.judged():
        found = looks.vouchers(
            company_of(call, company), states=[state] if state else (), source=source, search=q.strip(), order=order,
            before=cursors.text(cursor), most=limit + 1,
        )  # fmt: skip
    return listed(found, limit, "date")


@door.get("/companies/{company}/vouchers/{number}", Right.BOOKS, VoucherLook)
def voucher(call: Call, company: Code, number: Number) -> Any:
    """One voucher, line by line."""
    return _whole(_find(call, company, number))


@door.download("/companies/{company}/vouchers/{number}/file/{kind}", Right.BOOKS, *reports.FILES.values())
def voucher_file(call: Call, company: Code, number: Number, kind: Literal["xlsx", "pdf"]) -> Any:
    """One voucher with its itemised list, as a workbook or a document."""
    from samklang.reconciliation import papers  # takes a while to load, and few calls need it

    made = papers.voucher_file(_find(call, company, number), kind)
    audit.note(call.actor, gettext_noop("took a list as a file"), made.name, rows=made.rows)
    return file(made.name, made.body, reports.FILES[kind])


@door.get("/companies/{company}/vouchers/{number}/lines/{line}/rows", Right.BOOKS, Page[SourceRow])
def voucher_rows(
    call: Call, company: Code, number: Number, line: Annotated[int, Field(ge=1, le=100_000)], limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:  # fmt: skip
    """The source rows of a voucher's line (payments, statement lines, fees), with their shares."""
    found = looks.refs(_find(call, company, number), line, after=cursors.row(cursor), most=limit + 1)
    page = cursors.cut(found, limit, lambda row: row.pk)
    return {**page, "items": [{"kind": row.kind, "row": row.row, "amount": row.amount} for row in page["items"]]}


@door.post("/companies/{company}/approvals", Right.APPROVE, Count)
def vouchers_approve(call: Call, company: Code, payload: ApprovalInput) -> Any:
    """Approve vouchers: they go to the ledger and never change again.

    Each is named with its `hash`: when one has changed since, or may not be approved, none of them is.
    """
    row = company_of(call, company)
    numbers = [one.id for one in payload.vouchers]
    if len(set(numbers)) != len(numbers):
        raise Unfit("A voucher is named twice", where="body.vouchers")
    count = approve_seen(row, [Seen(one.id, one.hash) for one in payload.vouchers], by=call.actor.name)
    named = Voucher.objects.filter(tenant=call.tenant, company=row, pk__in=numbers)
    for key in named.values_list("key", flat=True):
        audit.note(call.actor, gettext_noop("voucher approved"), f"voucher {key}")
    return {"count": count}


@door.post("/companies/{company}/vouchers/{number}/withdraw", Right.APPROVE, VoucherLook)
def voucher_withdraw(call: Call, company: Code, number: Number) -> Any:
    """Take an approval back while the ledger has not been asked: the voucher is a draft again."""
    row = _find(call, company, number)
    handover.withdraw(row.company, row.pk, by=call.actor.name)
    audit.note(call.actor, gettext_noop("approval withdrawn"), f"voucher {row.key}")
    return _whole(_find(call, company, number))


# ------------------------------------------------------------------------------------------------ a ledger of files


@door.get("/companies/{company}/ledger-files", Right.BOOKS, LedgerFiles)
def ledger_files(call: Call, company: Code) -> Any:
    """Files of vouchers (SIE 4I), for a company whose ledger takes files, and numbers that no file has."""
    row = company_of(call, company)
    return {
        "files": exports.files(row), "gaps": [one._asdict() for one in exports.gaps(row)],
    }  # fmt: skip


@door.post("/companies/{company}/ledger-files", Right.APPROVE, LedgerFileMade)
def ledger_file_make(call: Call, company: Code) -> Any:
    """Put every approved voucher that is in no file yet into the next one; null where there is none."""
    made = exports.export(company_of(call, company), by=call.actor.name)
    if made is None:
        return {"number": None, "vouchers": 0}
    audit.note(call.actor, gettext_noop("vouchers exported"), f"file {made.name}", vouchers=made.vouchers)
    return {"number": made.number, "vouchers": made.vouchers}


@door.download("/companies/{company}/ledger-files/{number}", Right.BOOKS, _BYTES)
def ledger_file(call: Call, company: Code, number: Number) -> Any:
    """One file, byte for byte as it was written."""
    row = company_of(call, company)
    if not Export.objects.filter(tenant=call.tenant, company=row, number=number).exists():
        raise NotThere(f"There is no file {number}")
    made = exports.the_file(row, number)
    audit.note(call.actor, gettext_noop("vouchers downloaded"), f"file {made.name}")
    return file(made.name, exports.content(made), _BYTES)
