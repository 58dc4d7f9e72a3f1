"""One run of a company's books: derive everything from the facts, compare with what stands, write the difference.

All of a run is one transaction. Run twice, killed, or run with the facts in another order, it ends the same. What is
approved is as if the ledger had it: a run never changes it, but may add its reversal and what is right instead.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
import structlog
from django.db import transaction
from django.utils import timezone

from samklang.accounting.books import Books as Derived
from samklang.accounting.books import keep_books
from samklang.accounting.company import Company as Accounting
from samklang.accounting.control import suspense, vat_of_days
from samklang.accounting.lists import gaps
from samklang.accounting.matching import Match as LineMatch
from samklang.accounting.matching import line_id
from samklang.accounting.posting import outstanding
from samklang.accounting.settlement import statement_day, statement_id
from samklang.accounting.voucher import base_key
from samklang.connectors.errors import SamklangError
from samklang.hub import leases
from samklang.hub.events import Happening, tell
from samklang.hub.journey import step
from samklang.hub.models import Company, Stored
from samklang.hub.setup.companies import part_of
from samklang.reconciliation import exceptions, vat_numbers
from samklang.reconciliation.agents import book_reports
from samklang.reconciliation.companies import accounting_company, exchange, refuse_both_models, shops, today
from samklang.reconciliation.decisions import follow, ignored
from samklang.reconciliation.facts import Loaded, load
from samklang.reconciliation.models import Books, Match, Payment, PayoutMatch, Statement, Suggestion
from samklang.reconciliation.sets import AT_ONCE, insert, remove, upsert
from samklang.reconciliation.totals import keep_vat
from samklang.reconciliation.vouchers import Vouchers
from samklang.records.money import ZERO

log = structlog.get_logger()
#: Statement lines that should have an order.
_OF_ORDERS = frozenset({"sale", "refund", "refund_reversal", "adjustment"})


class Report(NamedTuple):
    """What a run found: vouchers that wait for approval, new matches, suggestions, open problems, seconds it took."""

    vouchers: int
    matched: int
    suggestions: int
    problems: int
    seconds: float


def run(company: Company) -> Report | None:
    """Keep the company's books; None when another process is at it. Raises Misconfigured when its settings cannot be.

    An error is remembered with the books, so that a page can say why they stand still.
    """
    with leases.holding(company.tenant_id, f"books-{company.pk}") as held:
        if held is None:
            return None
        books, _ = Books.objects.get_or_create(tenant_id=company.tenant_id, company=company)
        began, wanted, until = time.monotonic(), books.wanted, time.time() - _LATE
        try:
            with transaction.atomic():
                report = _Run(company).run()
                Books.objects.filter(pk=books.pk).update(
                    done=wanted, read_until=until, ran_at=timezone.now(), seconds=time.monotonic() - began, error=""
                )
        except SamklangError as error:
            Books.objects.filter(pk=books.pk).update(error=str(error), ran_at=timezone.now())
            raise
    took = time.monotonic() - began
    log.info("books kept", company=company.code, vouchers=report.vouchers, problems=report.problems, seconds=took)
    return report._replace(seconds=took)


#: Seconds that a transaction which stored an order may take to commit: so far back the next run looks again.
_LATE = 120.0


def due(company: Company) -> bool:
    """Whether something has happened since the last good run that the books must know."""
    books = Books.objects.filter(tenant=company.tenant_id, company=company).first()
    if books is None or books.wanted != books.done:
        return True
    connections = {shop.connection_id for shop in shops(company, part_of(company))}
    changed = Stored.objects.filter(tenant=company.tenant_id, connection__in=connections, type="order")
    return changed.filter(changed_at__gt=max(books.read_until, 0)).exists()


class _Run:
    """One run inside its transaction."""

    def __init__(self, company: Company) -> None:
        self.row = company
        self.mine = {"tenant_id": company.tenant_id, "company_id": company.pk}
        self.part = part_of(company)
        refuse_both_models(company, self.part)
        self.company: Accounting = accounting_company(company, self.part)
        self.exchange = exchange(company, self.company.currency)
        self.today = today(self.company)

    def run(self) -> Report:
        loaded = load(self.row, self.part)
        facts = loaded.facts
        others = [made for made in facts.statements if made.provider not in self.part.agents]  # an agent's own buyers
        derived = keep_books(msgspec.structs.replace(facts, statements=others), self.company, self.exchange, self.today)
        decided = follow(loaded, derived, self.company, self.exchange)
        reported = book_reports(facts.statements, self.part, self.company)
        vouchers = (*derived.vouchers, *decided.vouchers, *reported.vouchers)
        orders = {order.key for order in facts.orders}
        to_post = outstanding(vouchers, facts.posted, orders, self.today, self.company, derived.refused)
        # What is booked beside a voucher that nobody can read waits until somebody has mended it.
        unread = {base_key(key) for key in loaded.broken}
        to_post = tuple(voucher for voucher in to_post if base_key(voucher.key) not in unread)
        vat_numbers.wait_for(self.row, facts.orders, derived.refused)
        self._keep_payments(derived)
        keep_vat(self.row, vat_of_days(derived.movements, self.exchange))
        matched = self._keep_matches(loaded, derived)
        self._keep_suggestions(derived)
        self._keep_statements(derived)
        Vouchers(self.row, self.part).keep(to_post, {voucher.key: voucher.date for voucher in vouchers})
        more = (
            *decided.problems, *reported.problems, *gaps(derived.statements), *suspense(facts.posted, self.today),
            *map(exceptions.voucher_changed, loaded.broken),
        )  # fmt: skip
        problems = ignored(loaded.decisions, (*derived.problems, *more))
        count = exceptions.replace(self.row, problems)
        return Report(len(to_post), matched, len(derived.suggestions), count, 0.0)

    def _keep_payments(self, derived: Derived) -> None:
        """What providers owe, as it is now."""
        stated: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        for match in derived.matches:
            stated[match.expected] += match.amount
        fields = (
            "payment", "order", "channel", "provider", "provider_id", "day", "amount", "currency", "booked", "model",
            "left",
        )  # fmt: skip
        there = {row[0]: row for row in Payment.objects.filter(**self.mine).values_list(*fields).iterator()}
        changed, fresh = [], []
        for row in derived.expected:
            new = (
                row.id, row.order, row.channel, row.provider, row.provider_id, row.day, row.amount, row.currency,
                row.booked, row.model, row.amount - stated[row.id],
            )  # fmt: skip
            before = there.pop(row.id, None)
            if before is None:
                fresh.append((*self.mine.values(), *new))
            elif before != new:
                changed.append(Payment(**self.mine, **dict(zip(fields, new, strict=True))))
        insert(Payment, ("tenant", "company", *fields), fresh)
        upsert(Payment, changed, ("tenant", "company", "payment"), fields[1:])
        remove(Payment.objects.filter(**self.mine), "payment", list(there))

    def _keep_matches(self, loaded: Loaded, derived: Derived) -> int:
        """The new ones; gives how many there are. Those whose payment is no more go."""
        known = {(match.line, match.expected) for match in loaded.facts.matches}
        for line, expected in known - {(match.line, match.expected) for match in derived.matches}:
            Match.objects.filter(**self.mine, line=line, expected=expected).delete()
        fresh = [match for match in derived.matches if (match.line, match.expected) not in known]
        now = timezone.now()
        insert(
            Match,
            ("tenant", "company", "line", "expected", "amount", "rule", "confidence", "by", "why", "at"),
            (
                (
                    *self.mine.values(), match.line, match.expected, f"{match.amount:f}", match.rule, match.confidence,
                    match.by, "", now,
                )
                for match in fresh
            ),
        )  # fmt: skip
        self._write_steps(derived, fresh)
        paid = {(match.payout, match.bank_line) for match in loaded.facts.payout_matches}
        PayoutMatch.objects.bulk_create(
            (
                PayoutMatch(
                    **self.mine, payout=match.payout, bank_line=match.bank_line, amount=f"{match.amount:f}",
                    kept=f"{match.kept:f}", converted=match.converted, rule=match.rule, confidence=match.confidence,
                    by=match.by,
                )
                for match in derived.payout_matches
                if (match.payout, match.bank_line) not in paid
            ),
            batch_size=AT_ONCE,
        )  # fmt: skip
        return len(fresh)

    def _write_steps(self, derived: Derived, fresh: Sequence[LineMatch]) -> None:
        """That an order was paid out is a step of its journey."""
        of = {line_id(made, line): made for made in derived.statements for line in made.lines}
        channels = {shop.code: shop.connection for shop in shops(self.row, self.part)}
        steps: defaultdict[str, dict[tuple[str, str], None]] = defaultdict(dict)
        for match in fresh:
            channel, made = match.expected.partition("/")[0], of.get(match.line)
            if made is not None and channel in channels and "#" in match.expected:
                name = self.company.chart.name(made.provider, statement_day(made))
                text = f"{name} {made.reference}, {statement_day(made)}"
                steps[channel][match.expected.partition("#")[0], text] = None
        for channel, some in steps.items():
            step(channels[channel], "payout", [(order, "matched", text) for order, text in some])

    def _keep_suggestions(self, derived: Derived) -> None:
        now = {(one.line, one.expected): one.why for one in derived.suggestions}
        there = set(Suggestion.objects.filter(**self.mine).values_list("line", "expected"))
        for line, expected in there - set(now):
            Suggestion.objects.filter(**self.mine, line=line, expected=expected).delete()
        Suggestion.objects.bulk_create(
            (
                Suggestion(**self.mine, line=line, expected=expected, why=why[:300])
                for (line, expected), why in now.items()
                if (line, expected) not in there
            ),
            batch_size=AT_ONCE,
        )

    def _keep_statements(self, derived: Derived) -> None:
        """How many lines of each statement still look for their order; tells of those whose last one has found it."""
        matched = {match.line for match in derived.matches}
        open_ = {}
        for made in derived.statements:
            day = self.company.chart.provider(made.provider, statement_day(made))
            missing = sum(
                line.kind in _OF_ORDERS and line_id(made, line) not in matched
                for line in made.lines
                if not day.orderless
            )
            open_[statement_id(made)] = missing
        changed, whole, now = [], [], timezone.now()
        fields = ("id", "key", "open", "reconciled_at", "provider", "reference", "day")
        for row in Statement.objects.filter(**self.mine).only(*fields):
            if row.key not in open_ or (row.open, row.reconciled_at is not None) == (
                open_[row.key],
                not open_[row.key],
            ):
                continue
            row.open = open_[row.key]
            row.reconciled_at = None if row.open else now
            whole += [] if row.open else [row]
            changed.append(row)
        Statement.objects.bulk_update(changed, ["open", "reconciled_at"], batch_size=AT_ONCE)
        tell(
            self.row.tenant_id,
            [
                Happening(
                    "payout.reconciled", row.key,
                    {
                        "company": self.row.code, "statement": row.pk, "provider": row.provider,
                        "reference": row.reference, "day": row.day.isoformat(),
                    },
                )
                for row in whole
            ],
        )  # fmt: skip
