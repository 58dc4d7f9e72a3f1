"""What only a person can say, and the vouchers that follow from it.

ignore      the problem about this row is none (a free order that will never be paid out)
vat valid   the buyer of this order has a valid VAT number, by another proof than VIES' answer to us
straight    this bank line moves the provider's balance by itself: it debits us, or a payout came back (E4d)
lost        the dispute of this statement line is lost; its VAT is relieved now (E8b)
write off   what stands on suspense for this statement line goes to that role, for that reason
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from samklang.accounting.books import Books as Derived
from samklang.accounting.company import Company as Accounting
from samklang.accounting.decisions import Dispute, lose_dispute, suspended, write_off
from samklang.accounting.fx import Exchange
from samklang.accounting.matching import line_id, normal
from samklang.accounting.problems import Problem, Refused
from samklang.accounting.settlement import statement_day
from samklang.accounting.statements.base import Statement, StatementLine
from samklang.accounting.transit import straight
from samklang.accounting.voucher import Voucher, standing
from samklang.connectors.errors import BadData
from samklang.hub.models import Company
from samklang.reconciliation.companies import accounting_company, wake
from samklang.reconciliation.facts import Loaded
from samklang.reconciliation.models import BankLine, Decision, Match, Payment, PayoutMatch
from samklang.reconciliation.models import StatementLine as LineRow
from samklang.records import Order
from samklang.records.times import business_date


class Decided(NamedTuple):
    """Vouchers of decisions, and those that could not be made."""

    vouchers: tuple[Voucher, ...]
    problems: tuple[Problem, ...]


def decide(
    company: Company, kind: str, about: str, *, by: str, why: str, role: str = "", day: date | None = None
) -> None:
    """Write a decision down; the same again changes its reason only. BadData without a reason, or when it cannot be."""
    if not why.strip():
        raise BadData("A decision needs a reason", do_this="Say why; it is kept with the books.")
    if kind == Decision.Kind.WRITE_OFF:
        try:
            accounting_company(company).chart.account(role, day or timezone.localdate())
        except Refused as refused:
            raise BadData(refused.problem.what, do_this="Choose a role of the chart of accounts.") from refused
    if kind == Decision.Kind.STRAIGHT and not role:
        raise BadData("Nobody is named", do_this="Say which provider the bank line is of.")
    with transaction.atomic():
        Decision.objects.update_or_create(
            tenant_id=company.tenant_id, company=company, kind=kind, about=about,
            defaults={"role": role, "day": day or timezone.localdate(), "why": why.strip()[:300], "by": by[:150]},
        )  # fmt: skip
        wake(company)


def confirm(company: Company, line: str, expected: str, *, by: str, why: str = "") -> None:
    """A person says that a statement line is this payment. BadData when one of them is not there, is used, or when the
    amounts differ."""
    tenant = company.tenant_id
    rows = LineRow.objects.filter(tenant=tenant, line=line, statement__company=company)
    found, wanted = rows.first(), Payment.objects.filter(tenant=tenant, company=company, payment=expected).first()
    if found is None or wanted is None:
        raise BadData("The line or the payment is no longer there", do_this="Look at the page again.")
    if Match.objects.filter(tenant=tenant, company=company, line=line).exists() or not wanted.left:
        raise BadData("One of the two is matched already", do_this="Look at the page again.")
    if found.currency == wanted.currency and found.amount != wanted.left:
        raise BadData(
            f"The line is {found.amount:.2f} {found.currency}, the payment {wanted.left:.2f}",
            do_this="Correct the order in the shop; its payment must be what was paid.",
        )
    with transaction.atomic():
        Match.objects.create(
            tenant_id=tenant, company=company, line=line, expected=expected, amount=f"{wanted.left.normalize():f}",
            rule="person", confidence=100, by=by[:150], why=why[:300],
        )  # fmt: skip
        wake(company)


def confirm_payout(company: Company, payout: str, bank_line: str, *, by: str, why: str = "") -> None:
    """A person says that a payout is this bank line. BadData when one of them is not there or used, or when the bank
    brought more than was paid out."""
    tenant = company.tenant_id
    line = LineRow.objects.filter(tenant=tenant, line=payout, kind="payout", statement__company=company).first()
    row = BankLine.objects.filter(tenant=tenant, company=company, row=bank_line).first()
    if line is None or row is None:
        raise BadData("The payout or the bank line is no longer there", do_this="Look at the page again.")
    used = PayoutMatch.objects.filter(tenant=tenant, company=company)
    if used.filter(payout=payout).exists() or used.filter(bank_line=bank_line).exists():
        raise BadData("One of the two is matched already", do_this="Look at the page again.")
    paid, converted = -line.amount, line.currency != row.currency
    kept = paid - row.amount if not converted else paid - paid
    if kept < 0 or (not converted and row.amount <= 0 < paid):
        raise BadData(
            f"{paid:.2f} was paid out, the bank has {row.amount:.2f}", do_this="Choose the line that the payout is."
        )
    with transaction.atomic():
        PayoutMatch.objects.create(
            tenant_id=tenant, company=company, payout=payout, bank_line=bank_line, amount=f"{paid.normalize():f}",
            kept=f"{kept.normalize():f}", converted=converted, rule="person", confidence=100, by=by[:150],
            why=why[:300],
        )  # fmt: skip
        wake(company)


def unmatch(company: Company, line: str, *, by: str) -> int:
    """Take a person's own matches of a line back; those that rules made stand. Gives how many."""
    _ = by
    with transaction.atomic():
        count, _parts = Match.objects.filter(
            tenant=company.tenant_id, company=company, line=line, rule="person"
        ).delete()
        wake(company)
    return count


def ignored(decisions: Iterable[Decision], problems: Iterable[Problem]) -> list[Problem]:
    """The problems that nobody has called none."""
    settled = {one.about for one in decisions if one.kind in (Decision.Kind.IGNORE, Decision.Kind.STRAIGHT)}
    return [problem for problem in problems if problem.where not in settled]


def follow(loaded: Loaded, derived: Derived, company: Accounting, exchange: Exchange) -> Decided:
    """The vouchers of the decisions, over what the facts have become."""
    facts, rows = loaded.facts, loaded.by_hand
    vouchers: list[Voucher] = []
    problems: list[Problem] = []
    waiting = suspended(standing(facts.posted))
    done = {voucher.key for voucher in facts.posted}
    disputes = dict(_disputes(derived.statements))
    orders = _named_orders(facts.orders, company)
    for one in loaded.decisions:
        try:
            voucher = None
            if one.kind == Decision.Kind.STRAIGHT and one.about in rows:
                voucher = straight(rows[one.about], one.role, company, exchange)
            elif one.kind == Decision.Kind.WRITE_OFF and one.about in waiting:
                provider = one.about.partition("/")[0]
                voucher = write_off(one.about, provider, waiting[one.about], one.role, one.why, one.day, company)
                voucher = None if voucher is not None and voucher.key in done else voucher
            elif one.kind == Decision.Kind.LOST and one.about in disputes:
                voucher = _lost(one, *disputes[one.about], orders, company, exchange)
        except Refused as refused:
            problems.append(refused.problem)
        else:
            vouchers += [voucher] if voucher is not None else []
    return Decided(tuple(vouchers), tuple(problems))


def _named_orders(orders: Sequence[Order], company: Accounting) -> Mapping[str, Order]:
    """Orders by their payments' ids, and by the number that the provider knows; not by one that two shops use (edge
    case 35)."""
    by_number: dict[str, list[Order]] = {}
    for order in orders:
        channel = company.channels.get(order.channel)
        number = normal((channel.order_prefix if channel else "") + order.order_no.lstrip("# "))
        by_number.setdefault(number, []).append(order)
    found = {number: some[0] for number, some in by_number.items() if len(some) == 1}
    return found | {payment.provider_id: order for order in orders for payment in order.payments if payment.provider_id}


def _disputes(statements: Iterable[Statement]) -> Iterator[tuple[str, tuple[Statement, StatementLine]]]:
    for statement in statements:
        for line in statement.lines:
            if line.kind == "chargeback":
                yield line_id(statement, line), (statement, line)


def _lost(
    decision: Decision,
    statement: Statement,
    line: StatementLine,
    orders: Mapping[str, Order],
    company: Accounting,
    exchange: Exchange,
) -> Voucher | None:
    named = (normal(line.order_ref), line.parent_id, line.capture_id)  # `orders` are by number and by payment
    order = next((orders[name] for name in named if name and name in orders), None)
    if order is None:
        raise Refused(
            "TX_WITHOUT_ORDER",
            decision.about,
            f"The dispute names order {line.order_ref or 'none'}, which is not here.",
            amount=line.amount,
            currency=line.currency,
        )
    day = statement_day(statement)
    disputed = exchange.to_ledger(-line.amount, statement.currency, day)
    amount = -line.amount if line.presented is None else -line.presented
    zone = company.channel(order).time_zone
    sold = min((business_date(p.at, zone) for p in order.payments if p.kind == "capture"), default=day)
    dispute = Dispute(decision.about, statement.provider, sold)
    return lose_dispute(order, amount, disputed, dispute, decision.day, company)
