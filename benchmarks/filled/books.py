"""The books of half a year: a statement for each day and shop, what was found for its lines, and the vouchers.

In the shapes that a run of the books writes (reconciliation/run.py), which would take an hour for so many orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from benchmarks.filled.house import House
from benchmarks.numbered import SHOPS, channel, order_key, order_no
from samklang.accounting.bank.base import BankLine as Booked
from samklang.accounting.statements.base import Kind
from samklang.accounting.statements.base import Statement as Whole
from samklang.accounting.statements.base import StatementLine as Said
from samklang.hub.models import Company
from samklang.reconciliation.models import (
    BankLine,
    BankStatement,
    Books,
    LinesOfDay,
    Match,
    Payment,
    PayoutMatch,
    Statement,
    StatementFile,
    StatementLine,
    Suggestion,
    VatOfDay,
    Voucher,
    VoucherLine,
    VoucherRef,
)
from samklang.reconciliation.sets import insert
from samklang.reconciliation.totals import keep_lines

_SOLD, _FEE = Decimal(198), Decimal(-6)
_OPEN = 500  # one line in so many looks for its order
_APPROVED = 10  # days after which vouchers are in the ledger
#: Account, role, party, and the line's share of what was sold.
_ACCOUNTS = (
    ("1580", "clearing.klarna", "klarna", Decimal(1)), ("3001", "sales.se.25", "", Decimal("-0.8")),
    ("2611", "vat.out.se.25", "", Decimal("-0.2")),
)  # fmt: skip


def fill(house: House) -> None:
    """One company that has both shops."""
    settings = {
        "name": "Bench AB", "org_no": "556334-3689", "channels": {code: {} for code in SHOPS},
        "fees": [{"provider": "klarna", "treatment": "SE_VAT"}],
    }  # fmt: skip
    company = Company.objects.create(tenant=house.tenant, code="ab", settings=settings)
    file = StatementFile.objects.create(
        tenant=house.tenant, company=company, hash="bench", name="bench.csv", size=1, body=b"", by="bench", way="cli"
    )
    bank = BankStatement.objects.create(
        tenant=house.tenant, company=company, file=file, kind="statement", format="camt", account="SE1", currency="SEK",
        lines=1,
    )  # fmt: skip
    sent = [n for n in range(house.size.orders) if house.age(n) > 1]
    for day, numbers in groupby(sent, key=lambda n: datetime.fromtimestamp(house.at(n), UTC).date()):
        with transaction.atomic():
            today = list(numbers)
            for code in SHOPS:
                _Day(house, company, file, bank, day, code, [n for n in today if channel(n) == code]).fill()
    with transaction.atomic():
        keep_lines(company, set(Voucher.objects.values_list("date", flat=True)))
        VatOfDay.objects.bulk_create(
            VatOfDay(
                tenant=house.tenant, company=company, day=row.about, country="SE", percent="25", amount=-row.amount
            )
            for row in LinesOfDay.objects.filter(percent="25")
        )  # fmt: skip
    Books.objects.create(tenant=house.tenant, company=company, ran_at=timezone.now(), seconds=5, read_until=house.now)


class _Day:
    """What was sold in one shop on one day: its statement, payout, vouchers."""

    def __init__(
        self, house: House, company: Company, file: StatementFile, bank: BankStatement, day: date, code: str,
        orders: Sequence[int],
    ) -> None:  # fmt: skip
        self.house, self.company, self.file, self.bank = house, company, file, bank
        self.day, self.code, self.orders = day, code, orders
        self.mine = (house.tenant.pk, company.pk)
        self.reference = f"{code.upper()}{day:%y%m%d}"

    def fill(self) -> None:
        """All of it; nothing where nothing was sold."""
        if not self.orders:
            return
        total = len(self.orders) * (_SOLD + _FEE)
        open_ = [n for n in self.orders if n % _OPEN == 7]
        statement = Statement.objects.create(
            tenant=self.house.tenant, company=self.company, file=self.file, key=f"klarna/{self.reference}",
            provider="klarna", reference=self.reference, currency="SEK", format="klarna", scope="payout",
            day=self.day + timedelta(days=3), payout=total, opening=0, closing=0, lines=2 * len(self.orders) + 1,
            open=len(open_), head=self._head(),
        )  # fmt: skip
        insert(
            StatementLine,
            ("tenant", "statement", "number", "line", "kind", "amount", "currency", "order_ref", "body"),
            self._lines(statement.pk, total),
        )
        insert(
            Payment,
            ("tenant", "company", "payment", "order", "channel", "provider", "provider_id", "day", "amount", "currency",
             "booked", "model", "left"),
            (
                (*self.mine, self._payment(n), order_key(n), self.code, "klarna", f"kl-{n}", self.day, _SOLD, "SEK",
                 _SOLD, "day", _SOLD if n in open_ else Decimal(0))
                for n in self.orders
            ),
        )  # fmt: skip
        now = timezone.now()
        insert(
            Match,
            ("tenant", "company", "line", "expected", "amount", "rule", "confidence", "by", "why", "at"),
            (
                (*self.mine, self._line(n), self._payment(n), f"{_SOLD:f}", "id", 100, "rule", "", now)
                for n in self.orders
                if n not in open_
            ),
        )  # fmt: skip
        for n in open_[:1]:
            Suggestion.objects.create(
                tenant=self.house.tenant, company=self.company, line=self._line(n), expected=self._payment(n), why="sum"
            )
        self._paid(total)
        self._voucher("sales", f"{self.code}/{self.day}", "payment", [self._payment(n) for n in self.orders])
        self._voucher("settlement", f"klarna/{self.reference}", "statement_line", [self._line(n) for n in self.orders])

    def _payment(self, n: int) -> str:
        return f"{order_key(n)}#kl-{n}"

    def _line(self, n: int) -> str:
        return f"klarna/{self.reference}/{order_no(n)}"

    def _lines(self, statement: int, total: Decimal) -> Iterator[tuple[Any, ...]]:
        kinds: tuple[tuple[Kind, Decimal, str], ...] = (("sale", _SOLD, ""), ("fee", _FEE, "/fee"))
        number = 0
        for n in self.orders:
            for kind, amount, end in kinds:
                number += 1
                yield self._row(statement, f"{self._line(n)}{end}", self._said(kind, amount, number, order_no(n)))
        yield self._row(statement, f"klarna/{self.reference}/payout", self._said("payout", -total, number + 1, ""))

    def _said(self, kind: Kind, amount: Decimal, number: int, order: str) -> Said:
        return Said(kind=kind, amount=amount, currency="SEK", row=number, order_ref=order, cells={"order": order})

    def _row(self, statement: int, name: str, said: Said) -> tuple[Any, ...]:
        body = msgspec.json.encode(said)
        return self.mine[0], statement, said.row, name, said.kind, said.amount, "SEK", said.order_ref, body

    def _head(self) -> bytes:
        """The statement without its lines."""
        whole = msgspec.to_builtins(
            Whole(
                provider="klarna", format="klarna", reference=self.reference, currency="SEK", file_hash="bench",
                lines=(), paid_on=self.day + timedelta(days=3),
            )
        )  # fmt: skip
        del whole["lines"]
        return msgspec.json.encode(whole)

    def _paid(self, total: Decimal) -> None:
        """The payout at the bank."""
        said = Booked(amount=total, currency="SEK", booked_on=self.day + timedelta(days=4), row=1, text=self.reference)
        row = BankLine.objects.create(
            tenant=self.house.tenant, company=self.company, statement=self.bank, row=f"SE1/{self.reference}",
            booked_on=self.day + timedelta(days=4), amount=total, currency="SEK", text=f"Klarna {self.reference}",
            provider="klarna", body=msgspec.json.encode(said),
        )  # fmt: skip
        if self.day.day % 20:
            PayoutMatch.objects.create(
                tenant=self.house.tenant, company=self.company, payout=f"klarna/{self.reference}/payout",
                bank_line=row.row, amount=str(total), rule="reference", confidence=100, by="rule",
            )  # fmt: skip

    def _voucher(self, source: str, about: str, kind: str, rows: Sequence[str]) -> None:
        """A voucher whose every line rests on all rows; in the ledger once it is some days old."""
        made = Voucher.objects.create(
            tenant=self.house.tenant, company=self.company, key=f"ab/{source}/{about}", series="I", date=self.day,
            about=self.day, text=f"{source} {about}", source=source, currency="SEK", turnover=_SOLD * len(rows),
            line_count=len(_ACCOUNTS), hash=b"0123456789abcdef", state=Voucher.State.VALIDATED,
        )  # fmt: skip
        VoucherLine.objects.bulk_create(
            VoucherLine(
                tenant=self.house.tenant, voucher=made, number=number, account=account, name=role, role=role,
                amount=share * _SOLD * len(rows), party=party, country="SE", percent="25" if "vat" in role else "",
            )
            for number, (account, role, party, share) in enumerate(_ACCOUNTS, 1)
        )  # fmt: skip
        insert(
            VoucherRef,
            ("tenant", "voucher", "line", "kind", "row", "amount"),
            (
                (self.mine[0], made.pk, number, kind, row, f"{share * _SOLD:f}")
                for number, (*_, share) in enumerate(_ACCOUNTS, 1)
                for row in rows
            ),
        )  # fmt: skip
        if self.day < datetime.fromtimestamp(self.house.now, UTC).date() - timedelta(days=_APPROVED):
            Voucher.objects.filter(pk=made.pk).update(
                state=Voucher.State.POSTED, number=f"I{made.pk}", posted_at=timezone.now(), approved_by="bench"
            )
