"""A provider that exchanges a balance: both legs are paired, what is left of them is an exchange difference (§7.19)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.daybook import Booked
from samklang.accounting.draft import Draft
from samklang.accounting.expected import owed_by_provider
from samklang.accounting.fx import Exchange
from samklang.accounting.matching import line_id
from samklang.accounting.problems import Problem, Refused
from samklang.accounting.settlement import statement_day
from samklang.accounting.statements.base import Statement, StatementLine
from samklang.accounting.voucher import Voucher, reversal
from samklang.records.money import ZERO, rounded

_ROLE = "in_transit.conversion"


def net_conversions(statements: Iterable[Statement], vouchers: Iterable[Voucher], company: Company) -> Booked:
    """Vouchers that take both legs of each conversion out of transit. `vouchers` are the statements' own.

    Legs belong together when they name the same transaction as their parent. A leg alone is a problem (CURRENCY_DIFF).
    """
    posted = {
        ref.id: ref.amount for voucher in vouchers for line in voucher.lines if line.role == _ROLE for ref in line.refs
    }
    pairs: defaultdict[tuple[str, str], list[tuple[str, date, StatementLine]]] = defaultdict(list)
    for statement in statements:
        for line in statement.lines:
            if line.kind == "conversion" and (id_ := line_id(statement, line)) in posted:
                day = company.open_day(statement_day(statement))
                pairs[statement.provider, line.parent_id or line.provider_id].append((id_, day, line))
    made, problems = [], []
    for (provider, transaction), legs in sorted(pairs.items()):
        if len({line.currency for _, _, line in legs}) < 2:
            line = legs[0][2]
            problems.append(
                Problem(
                    code="CURRENCY_DIFF",
                    where=legs[0][0],
                    what=f"{provider} exchanged {line.amount} {line.currency}, but the other side of it is missing.",
                    amount=line.amount,
                    currency=line.currency,
                    do_this="Read the statement of the other currency for the same days.",
                )
            )
            continue
        try:
            made += _netted(provider, transaction, [(id_, day, posted[id_]) for id_, day, _ in legs], company)
        except Refused as refused:
            problems.append(refused.problem)
    return Booked(tuple(made), tuple(problems))


def _netted(provider: str, transaction: str, legs: list[tuple[str, date, Decimal]], company: Company) -> list[Voucher]:
    draft, on = Draft(company), max(day for _, day, _ in legs)
    for id_, _, amount in legs:
        draft.post(_ROLE, -amount, ("statement_line", id_), on, party=provider)
    difference = draft.balance()
    if difference == ZERO:
        return []
    draft.post("fx.gain" if difference > 0 else "fx.loss", -difference, ("statement_line", legs[0][0]), on)
    text = company.chart.text("conversion", provider=company.chart.name(provider, on), reference=transaction)
    key = f"{company.code}/conversion/{provider}/{transaction}"
    voucher = draft.voucher("revaluation", on, text, key)
    return [voucher] if voucher else []


def revalue(
    provider: str, balance: Decimal, currency: str, rate: Decimal, booked: Decimal, on: date, company: Company
) -> Voucher | None:
    """The provider's `balance` in another currency at the closing `rate`, against what is `booked` for it (§7.20)."""
    draft, ref = Draft(company), ("balance", f"{provider}/{currency}/{on}")
    difference = rounded(balance * rate, company.currency) - booked
    # No party: what the provider owes is counted at the sales' own rates, and this is taken back the next day.
    draft.post(company.chart.receivable(provider, on), difference, ref, on, currency=currency)
    draft.post("fx.gain" if difference > 0 else "fx.loss", -difference, ref, on)
    text = company.chart.text("revaluation", provider=company.chart.name(provider, on), day=on)
    return draft.voucher("revaluation", on, text, f"{company.code}/revaluation/{provider}/{currency}/{on}")


def revaluations(
    vouchers: Iterable[Voucher], company: Company, exchange: Exchange, today: date, posted: Collection[str] = ()
) -> Booked:
    """For every month that has ended: what providers owe in other currencies at the closing rate, and the next day
    back (§7.20), where the company wants it. Months that were closed before are left alone, but for what is `posted`.
    """
    if not company.revalue:
        return Booked((), ())
    moved: defaultdict[tuple[str, str], list[tuple[date, Decimal, Decimal]]] = defaultdict(list)
    for booked_by in vouchers:
        for line in booked_by.lines:
            if line.foreign is not None and owed_by_provider(line.role, line.party):
                moved[line.party, line.currency].append((booked_by.date, line.foreign, line.amount))
    made: list[Voucher] = []
    problems: dict[str, Problem] = {}
    for (provider, currency), rows in sorted(moved.items()):
        for end in _month_ends(min(day for day, _, _ in rows), today):
            balance = sum((foreign for day, foreign, _ in rows if day <= end), ZERO)
            booked = sum((amount for day, _, amount in rows if day <= end), ZERO)
            key = f"{company.code}/revaluation/{provider}/{currency}/{end}"
            if not balance or (end < company.locked_before and key not in posted):
                continue
            try:
                rate = exchange.rate(currency, end)
                voucher = revalue(provider, balance, currency, rate, booked, end, company)
            except Refused as refused:
                problems[refused.problem.where] = refused.problem
                continue
            if voucher is not None:
                made += [voucher, _taken_back(voucher, company)]
    return Booked(tuple(made), tuple(problems.values()))


def _taken_back(voucher: Voucher, company: Company) -> Voucher:
    back = reversal(voucher, voucher.date + timedelta(days=1), company.chart.text("reversal", text=voucher.text))
    return msgspec.structs.replace(back, key=f"{voucher.key}/back", source="revaluation", reverses="")


def _month_ends(first: date, today: date) -> Iterator[date]:
    day = first.replace(day=1)
    while (following := (day + timedelta(days=32)).replace(day=1)) <= today:
        yield following - timedelta(days=1)
        day = following
