"""The books of a company: how far they are, what they ask a person, what was said, what was open when they began.
Beside it: statements.py, vouchers.py, controls.py. Programs of accountants come with the rights `books` and `approve`
alone (X-08)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from ninja import Query
from pydantic import Field

from samklang.api.v1 import cursors
from samklang.api.v1.acts import Done
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.errors import NotThere
from samklang.api.v1.shapes import Amount, Answer, Page
from samklang.hub.models import Company
from samklang.hub.setup.companies import part_of
from samklang.people import audit
from samklang.people.rights import Right
from samklang.reconciliation import companies, control, decisions, lists_in, looks
from samklang.reconciliation.exceptions import settle
from samklang.reconciliation.models import Decision

door = Door("books")
Code = Annotated[str, Field(max_length=40, pattern=r"^[-a-zA-Z0-9_]+$", description="The company's code.")]
Provider = Annotated[str, Query(max_length=40, description="Only of this provider.")]
RowName = Annotated[str, Field(min_length=1, max_length=400)]
Why = Annotated[str, Field(max_length=300)]
Money = Annotated[Decimal, Field(max_digits=19, decimal_places=4)]


class BooksState(Answer):
    """How far the books are: `behind` while something has happened that no run has seen; `error` says why they stand
    still."""

    ran_at: datetime | None
    seconds: float
    behind: bool
    error: str


class CompanyRow(Answer):
    """A legal entity with books of its own; amounts without a currency of their own are in `currency`."""

    code: str
    name: str
    org_no: str
    currency: str
    books: BooksState | None


class StateCount(Answer):
    """Vouchers of a state, and their turnover."""

    state: Literal["draft", "validated", "approved", "sent", "posted", "reversed"]
    count: int
    turnover: Amount


class ExceptionCount(Answer):
    """Exceptions of a code, and the amounts at stake by currency."""

    code: str
    count: int
    amounts: dict[str, Amount]


class CompanyLook(CompanyRow):
    """A company's books at a glance."""

    vouchers: list[StateCount]
    exceptions: list[ExceptionCount]


class ExceptionRow(Answer):
    """What the books ask a person."""

    code: str
    where: str
    what: str
    do_this: str
    amount: Amount | None
    currency: str
    at: datetime


class DecisionInput(Input):
    """What only a person can say: ignore (the problem is none), straight (a bank line that is the provider `role`'s),
    lost (a dispute), write off (what stands on suspense goes to `role`), vat valid (the order's buyer has a valid VAT
    number). `day` is today where it is not named."""

    kind: Literal["ignore", "straight", "lost", "write off", "vat valid"]
    about: RowName
    why: Annotated[str, Field(min_length=1, max_length=300)]
    role: Annotated[str, Field(max_length=60)] = ""
    day: date | None = None


class DecisionRow(Answer):
    """What was said, by whom and why."""

    kind: Literal["ignore", "straight", "lost", "write off", "vat valid"]
    about: str
    role: str
    day: date
    why: str
    by: str
    at: datetime


class SeenInput(Input):
    """An exception of a file, as the list names it: a person has seen to it."""

    code: Annotated[str, Field(min_length=1, max_length=60)]
    where: RowName
    why: Why = ""


class OpeningItem(Input):
    """An order that was sold before the books began and is not paid out yet. `amount` is what the provider will state,
    `booked` what stands in the ledger for it."""

    provider: Annotated[str, Field(min_length=1, max_length=40)]
    channel: Annotated[str, Field(min_length=1, max_length=40)]
    order: Annotated[str, Field(min_length=1, max_length=60)]
    day: date
    amount: Money
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    booked: Money
    provider_id: Annotated[str, Field(max_length=60)] = ""


class OpeningInput(Input):
    """The opening list, whole."""

    items: Annotated[list[OpeningItem], Field(max_length=20_000)]


def company_of(call: Call, code: str) -> Company:
    """The tenant's company of that code, or 404."""
    row = Company.objects.filter(tenant=call.tenant, code=code).first()
    if row is None:
        raise NotThere(f"There is no company {code}")
    return row


def _plain(row: Company) -> dict[str, Any]:
    part, kept = part_of(row), looks.books(row)
    state = kept and {
        "ran_at": kept.ran_at, "seconds": kept.seconds, "behind": kept.wanted != kept.done, "error": kept.error,
    }  # fmt: skip
    return {"code": row.code, "name": part.name, "org_no": part.org_no, "currency": part.currency, "books": state}


def listed(rows: list[Any], limit: int, field: str = "day") -> dict[str, Any]:
    """A page out of rows of looks.py that are sorted by a day."""
    page = cursors.cut(rows, limit, lambda row: f"{getattr(row, field)}/{row.pk}")
    return {**page, "items": [{**row._asdict(), "id": row.pk} for row in page["items"]]}


# ------------------------------------------------------------------------------------------------ companies


@door.get("/companies", Right.BOOKS, list[CompanyRow])
def companies_list(call: Call) -> Any:
    """Companies that keep books here, and how far these are."""
    return [_plain(row) for row in companies.companies(call.tenant)]


@door.get("/companies/{company}", Right.BOOKS, CompanyLook)
def company(call: Call, company: Code) -> Any:
    """A company's books at a glance: vouchers by state, exceptions by code with their amounts."""
    row = company_of(call, company)
    counts, sums = looks.voucher_counts(row), looks.problem_sums(row)
    return {
        **_plain(row),
        "vouchers": [{"state": name, "count": n, "turnover": total} for name, (n, total) in sorted(counts.items())],
        "exceptions": [{"code": code, "count": n, "amounts": found} for code, (n, found) in sums.items()],
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ exceptions


@door.get("/companies/{company}/exceptions", Right.BOOKS, Page[ExceptionRow])
def exceptions(call: Call, company: Code, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """What the books ask a person, by code: with its amount, and what to do."""
    after = cursors.read(cursor, tuple[str, cursors.Place]) or ("", 0)
    found = looks.problems(company_of(call, company), limit + 1, after=after)
    page = cursors.cut(found, limit, lambda one: (one.code, one.pk))
    return {**page, "items": [one._asdict() for one in page["items"]]}


@door.post("/companies/{company}/exceptions/seen", Right.APPROVE, Done)
def exception_seen(call: Call, company: Code, payload: SeenInput) -> Any:
    """Say that a person has seen to an exception that came with a file; those of a run go when it is well."""
    row = company_of(call, company)
    settle(row, payload.code, payload.where)
    about = f"{payload.code} {payload.where}"
    audit.note(call.actor, gettext_noop("problem of a file seen"), about, why=payload.why)
    return {"done": True}


@door.get("/companies/{company}/decisions", Right.BOOKS, Page[DecisionRow])
def decisions_list(call: Call, company: Code, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """What persons have said of rows, the newest first."""
    rows = Decision.objects.filter(tenant=call.tenant, company=company_of(call, company)).order_by("-pk")
    if before := cursors.row(cursor):
        rows = rows.filter(pk__lt=before)
    return cursors.cut(list(rows[: limit + 1]), limit, lambda row: row.pk)


@door.post("/companies/{company}/decisions", Right.APPROVE, Done)
def decision_make(call: Call, company: Code, payload: DecisionInput) -> Any:
    """Say what only a person can. The same again changes its reason."""
    row = company_of(call, company)
    decisions.decide(
        row, payload.kind, payload.about, by=call.actor.name, why=payload.why, role=payload.role, day=payload.day
    )
    audit.note(call.actor, gettext_noop("decision of the books"), f"{payload.kind} {payload.about}", why=payload.why)
    return {"done": True}


# ------------------------------------------------------------------------------------------------ the opening list


def _openings(company: Company) -> list[dict[str, Any]]:
    fields = ("provider", "channel", "day", "amount", "currency", "booked", "provider_id")
    return [
        {"order": one.order_no, **{name: getattr(one, name) for name in fields}} for one in control.openings(company)
    ]


@door.get("/companies/{company}/openings", Right.BOOKS, list[OpeningItem])
def openings(call: Call, company: Code) -> Any:
    """What was sold before the books began here and was not paid out by then."""
    return _openings(company_of(call, company))


@door.put("/companies/{company}/openings", Right.APPROVE, list[OpeningItem])
def openings_replace(call: Call, company: Code, payload: OpeningInput) -> Any:
    """Let this be the opening list."""
    row = company_of(call, company)
    items = [
        lists_in.opening(number, one.provider, one.channel, one.order, **one.model_dump(exclude={
            "provider", "channel", "order"
        }))
        for number, one in enumerate(payload.items, 1)
    ]  # fmt: skip
    lists_in.keep_openings(row, items)
    audit.note(call.actor, gettext_noop("opening list read"), f"company {row.code}", count=len(items))
    return _openings(row)
