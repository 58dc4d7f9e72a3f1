"""What people and programs see of the books: plain rows out of the tables, for the console, the command line, the API.

Every list is keyed and bounded: no query's cost grows with the number of rows that are not shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from django.db.models import Count, Exists, Min, OuterRef, Q, Sum

from samklang.hub.models import Company, ProblemItem, Tenant
from samklang.reconciliation import exceptions
from samklang.reconciliation.models import (
    OPEN,
    BankLine,
    Books,
    Match,
    Payment,
    PayoutMatch,
    Statement,
    StatementFile,
    StatementLine,
    Suggestion,
    Voucher,
    VoucherLine,
    VoucherRef,
)
from samklang.records.money import ZERO

PAGE = 50
_CENT = Decimal("0.01")
_DIGITS_OF_A_ROW = 18  # so that every database can hold the number


class PayoutRow(NamedTuple):
    """One statement in the list. `voucher` is the state of its voucher ("" = none yet), `bank` whether its payout has
    been found at the bank (None: it reaches no bank)."""

    pk: int
    provider: str
    reference: str
    day: date
    currency: str
    payout: Decimal
    lines: int
    open: int
    voucher: str
    bank: bool | None
    scope: str


class LineRow(NamedTuple):
    """One line of a statement with what it was matched with."""

    number: int
    line: str
    kind: str
    amount: Decimal
    currency: str
    order_ref: str
    order: str  # key of the order it belongs to
    rule: str
    by: str
    confidence: int
    looking: bool  # it should have an order and has none


class VoucherRow(NamedTuple):
    """One voucher in a list."""

    pk: int
    key: str
    date: date
    text: str
    source: str
    currency: str
    turnover: Decimal
    state: str
    number: str
    why_draft: str
    hash: str
    approved_by: str


class Problem(NamedTuple):
    """One open exception of the books."""

    code: str
    where: str
    what: str
    do_this: str
    amount: Decimal | None
    currency: str
    at: datetime
    pk: int


class Pair(NamedTuple):
    """A suggestion: a statement line and a payment that may be the same."""

    line: str
    expected: str
    why: str
    provider: str
    statement: int
    day: date
    amount: Decimal
    currency: str
    order: str
    sold_on: date
    pk: int


def amount(value: Decimal) -> Decimal:
    """An amount of a column with its two decimals (or as many as it has)."""
    plain = value.normalize()
    exponent = plain.as_tuple().exponent
    return plain if isinstance(exponent, int) and exponent < -2 else value.quantize(_CENT)


def payouts(
    company: Company,
    *,
    provider: str = "",
    search: str = "",
    open_only: bool = False,
    before: str = "",
    most: int = PAGE,
) -> list[PayoutRow]:
    """Statements, newest first. `before` is where the last page ended (day/pk)."""
    rows = Statement.objects.filter(tenant=company.tenant_id, company=company)
    rows = rows.filter(provider=provider) if provider else rows
    rows = rows.filter(reference__icontains=search) if search else rows
    rows = rows.filter(open__gt=0) if open_only else rows
    rows = _before(rows, "day", before)
    return payout_rows(company, list(rows.order_by("-day", "-pk")[:most]))


def payout_rows(company: Company, some: Sequence[Statement]) -> list[PayoutRow]:
    """Statements as lists show them."""
    states = _voucher_states(company, [f"{company.code}/settlement/{row.key}" for row in some])
    banked = _banked(company, [row.pk for row in some])
    return [
        PayoutRow(
            row.pk, row.provider, row.reference, row.day, row.currency, amount(row.payout), row.lines, row.open,
            states.get(f"{company.code}/settlement/{row.key}", ""), banked.get(row.pk), row.scope,
        )
        for row in some
    ]  # fmt: skip


def _before(rows: Any, field: str, mark: str) -> Any:
    """Rows after the mark of a page that is sorted by -field, -pk. ValueError for what is no mark."""
    if not mark:
        return rows
    on, pk = _mark(mark)
    return rows.filter(Q(**{f"{field}__lt": on}) | Q(**{field: on, "pk__lt": pk}))


def _mark(mark: str) -> tuple[date, int]:
    """The place in a list of days that a mark names. ValueError for what is none."""
    day, _, pk = mark.partition("/")
    if not pk.isdecimal() or len(pk) > _DIGITS_OF_A_ROW:
        raise ValueError(mark)
    return date.fromisoformat(day), int(pk)


def _voucher_states(company: Company, keys: Sequence[str]) -> dict[str, str]:
    """Key → state of the newest version of it: of the voucher itself, or of what has been posted in its place."""
    mine = Voucher.objects.filter(tenant=company.tenant_id, company=company)
    found = dict(mine.filter(key__in=keys).values_list("key", "state"))
    count = 2
    again = [key for key, state in found.items() if state == Voucher.State.REVERSED]
    while again:
        newer = dict(mine.filter(key__in=[f"{key}@{count}" for key in again]).values_list("key", "state"))
        again = [key for key in again if f"{key}@{count}" in newer]
        found |= {key: newer[f"{key}@{count}"] for key in again}
        count += 1
    return found


def _banked(company: Company, statements: Sequence[int]) -> dict[int, bool]:
    lines = StatementLine.objects.filter(tenant=company.tenant_id, statement__in=statements, kind="payout")
    names = dict(lines.exclude(amount=0).values_list("line", "statement_id"))
    found = PayoutMatch.objects.filter(tenant=company.tenant_id, company=company, payout__in=list(names))
    matched = {names[payout] for payout in found.values_list("payout", flat=True)}
    return {pk: pk in matched for pk in names.values()}


def statement_lines(company: Company, statement: Statement, *, after: int = 0, most: int = 200) -> list[LineRow]:
    """A statement's lines in the file's order with their matches; `after` is the last number that was shown."""
    rows = StatementLine.objects.filter(tenant=company.tenant_id, statement=statement, number__gt=after)
    some = list(rows.order_by("number")[:most])
    matches: dict[str, Match] = {}
    for match in Match.objects.filter(tenant=company.tenant_id, company=company, line__in=[row.line for row in some]):
        matches.setdefault(match.line, match)
    orders = _orders_of(company, [match.expected for match in matches.values()])
    made = []
    for row in some:
        found = matches.get(row.line)
        of_order = row.kind in ("sale", "refund", "refund_reversal", "adjustment")
        made.append(
            LineRow(
                row.number, row.line, row.kind, amount(row.amount), row.currency, row.order_ref,
                orders.get(found.expected, "") if found else "", found.rule if found else "",
                found.by if found else "", found.confidence if found else 0, of_order and found is None,
            )
        )  # fmt: skip
    return made


def _orders_of(company: Company, payments: Iterable[str]) -> dict[str, str]:
    rows = Payment.objects.filter(tenant=company.tenant_id, company=company, payment__in=list(payments))
    return dict(rows.values_list("payment", "order"))


def cells(line: StatementLine) -> dict[str, str]:
    """A statement line's own untouched cells, for whoever wants to see what the file says."""
    found: dict[str, str] = msgspec.json.decode(bytes(line.body)).get("cells", {})
    return found


def vouchers(
    company: Company,
    *,
    states: Sequence[str] = (),
    source: str = "",
    search: str = "",
    order: str = "",
    before: str = "",
    most: int = PAGE,
) -> list[VoucherRow]:
    """Vouchers, newest first; `order` is the key of an order that they book."""
    rows = Voucher.objects.filter(tenant=company.tenant_id, company=company)
    rows = rows.filter(state__in=states) if states else rows
    rows = rows.filter(source=source) if source else rows
    rows = rows.filter(Q(text__icontains=search) | Q(number__icontains=search)) if search else rows
    rows = rows.filter(pk__in=vouchers_of(company, order)) if order else rows
    rows = _before(rows, "date", before)
    return [voucher_row(row) for row in rows.order_by("-date", "-pk")[:most]]


def voucher_row(row: Voucher) -> VoucherRow:
    """A voucher as lists show it."""
    return VoucherRow(
        row.pk, row.key, row.date, row.text, row.source, row.currency, amount(row.turnover), row.state, row.number,
        row.why_draft, bytes(row.hash).hex(), row.approved_by,
    )  # fmt: skip


def vouchers_of(company: Company, order: str) -> set[int]:
    """Vouchers that book an order: its sales and refunds, and the statements that pay it."""
    payments = list(
        Payment.objects.filter(tenant=company.tenant_id, company=company, order=order).values_list("payment", flat=True)
    )
    lines = Match.objects.filter(tenant=company.tenant_id, company=company, expected__in=payments)
    names = [*payments, *lines.values_list("line", flat=True)]
    rows = VoucherRef.objects.filter(tenant=company.tenant_id, row__in=names, voucher__company=company)
    return set(rows.values_list("voucher_id", flat=True))


def voucher_lines(voucher: Voucher) -> list[VoucherLine]:
    """A voucher's lines."""
    rows = VoucherLine.objects.filter(tenant=voucher.tenant_id, voucher=voucher)
    return list(rows.order_by("number"))


def refs(voucher: Voucher, line: int, *, after: int = 0, most: int = 200) -> list[VoucherRef]:
    """The source rows of a line, with their shares."""
    rows = VoucherRef.objects.filter(tenant=voucher.tenant_id, voucher=voucher, line=line, pk__gt=after)
    return list(rows.order_by("pk")[:most])


def ref_counts(voucher: Voucher) -> dict[int, int]:
    """Line number → how many source rows it has."""
    rows = VoucherRef.objects.filter(tenant=voucher.tenant_id, voucher=voucher).values("line")
    return dict(rows.annotate(count=Count("pk")).values_list("line", "count"))


def voucher_counts(company: Company) -> dict[str, tuple[int, Decimal]]:
    """State → how many vouchers, and their turnover."""
    rows = Voucher.objects.filter(tenant=company.tenant_id, company=company).values("state")
    found = rows.annotate(count=Count("pk"), sum=Sum("turnover")).values_list("state", "count", "sum")
    return {state: (count, amount(Decimal(total or 0))) for state, count, total in found}


def pairs(company: Company, most: int = 200, *, after: int = 0) -> list[Pair]:
    """Suggestions that wait for a person's word; `after` is the last that was shown."""
    line = StatementLine.objects.filter(tenant=company.tenant_id, line=OuterRef("line"), statement__company=company)
    payment = Payment.objects.filter(tenant=company.tenant_id, company=company, payment=OuterRef("expected"))
    found = Suggestion.objects.filter(Exists(line), Exists(payment), tenant=company.tenant_id, company=company)
    rows = list(found.filter(pk__gt=after).order_by("pk")[:most])
    lines = {
        row.line: row
        for row in StatementLine.objects.filter(
            tenant=company.tenant_id, line__in=[one.line for one in rows], statement__company=company
        ).select_related("statement")
    }
    payments = {
        row.payment: row
        for row in Payment.objects.filter(
            tenant=company.tenant_id, company=company, payment__in=[one.expected for one in rows]
        )
    }
    return [
        Pair(
            one.line, one.expected, one.why, lines[one.line].statement.provider, lines[one.line].statement_id,
            lines[one.line].statement.day, amount(lines[one.line].amount), lines[one.line].currency,
            payments[one.expected].order, payments[one.expected].day, one.pk,
        )
        for one in rows
    ]  # fmt: skip


def open_payments(
    company: Company, *, provider: str = "", search: str = "", after: str = "", most: int = PAGE
) -> list[Payment]:
    """What providers have not stated yet, oldest first. `after` is where the last page ended (day/pk)."""
    rows = Payment.objects.filter(tenant=company.tenant_id, company=company).exclude(left=0)
    rows = rows.filter(provider=provider) if provider else rows
    rows = rows.filter(order__icontains=search) if search else rows
    if after:
        day, pk = _mark(after)
        rows = rows.filter(Q(day__gt=day) | Q(day=day, pk__gt=pk))
    return list(rows.order_by("day", "pk")[:most])


def loose_bank_lines(company: Company, most: int = PAGE, *, before: str = "") -> list[BankLine]:
    """Bank lines that name a provider and belong to no payout, newest first. `before`: see `payouts`."""
    rows = BankLine.objects.filter(tenant=company.tenant_id, company=company).exclude(provider="")
    used = PayoutMatch.objects.filter(tenant=company.tenant_id, company=company).values("bank_line")
    rows = _before(rows.exclude(row__in=used), "booked_on", before)
    return list(rows.order_by("-booked_on", "-pk")[:most])


def problems(company: Company, most: int = 500, *, after: tuple[str, int] = ("", 0)) -> list[Problem]:
    """The open exceptions of the books by code; `after` is code and row of the last that was shown."""
    rows = ProblemItem.objects.filter(
        tenant=company.tenant_id, connection=None, direction=exceptions.DIRECTION, key__startswith=f"{company.code}/"
    )
    code, pk = after
    rows = rows.filter(Q(problem__code__gt=code) | Q(problem__code=code, pk__gt=pk)) if code else rows
    some = rows.select_related("problem").order_by("problem__code", "pk")[:most]
    return [
        Problem(
            item.problem.code, item.where, _said(item), item.problem.do_this,
            None if item.amount is None else amount(item.amount), item.currency, item.at, item.pk,
        )
        for item in some
    ]  # fmt: skip


def _said(item: ProblemItem) -> str:
    """The item's own words without code and place, which stand beside it."""
    return item.message.removeprefix(f"{item.problem.code} ").partition(" [")[0]


def problem_sums(company: Company) -> dict[str, tuple[int, dict[str, Decimal]]]:
    """Code → how many, and the amounts at stake by currency."""
    rows = ProblemItem.objects.filter(
        tenant=company.tenant_id, connection=None, direction=exceptions.DIRECTION, key__startswith=f"{company.code}/"
    )
    counts: dict[str, int] = defaultdict(int)
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    found = rows.values("problem__code", "currency").annotate(count=Count("pk"), sum=Sum("amount"))
    for code, currency, count, total in found.values_list("problem__code", "currency", "count", "sum"):
        counts[code] += count
        if total:
            sums[code][currency] += amount(Decimal(total))
    return {code: (counts[code], dict(sums[code])) for code in sorted(counts)}


def files(company: Company, most: int = PAGE) -> list[StatementFile]:
    """Files that were handed in, newest first, without their content."""
    rows = StatementFile.objects.filter(tenant=company.tenant_id, company=company)
    return list(rows.defer("body").order_by("-at", "-pk")[:most])


def books(company: Company) -> Books | None:
    """How far the company's books are."""
    return Books.objects.filter(tenant=company.tenant_id, company=company).first()


def waiting(company: Company) -> int:
    """How many vouchers wait for a person."""
    return Voucher.objects.filter(tenant=company.tenant_id, company=company, state__in=OPEN).count()


def to_approve(tenant: Tenant) -> list[tuple[Company, int, date]]:
    """Companies with vouchers that only need to be approved: how many, and the day of the oldest."""
    rows = Voucher.objects.filter(tenant=tenant, state=Voucher.State.VALIDATED).order_by()
    counted = rows.values_list("company").annotate(n=Count("pk"), first=Min("date"))
    found = {company: (count, first) for company, count, first in counted}
    companies = Company.objects.filter(tenant=tenant, pk__in=found).order_by("code") if found else []
    return [(company, *found[company.pk]) for company in companies]
