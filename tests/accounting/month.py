"""A month of a shop with what is true about it, computed beside the orders and not by Samklang.

Four providers, three currencies, five countries; several captures, refunds (also in the next payout), chargebacks,
fees, payouts every week to one bank account. `truth` is counted up while the facts are made.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from samklang.accounting.bank.base import BankLine, BankStatement
from samklang.accounting.books import Facts
from samklang.accounting.chart import FeeRow
from samklang.accounting.fx import Exchange, FxRate
from samklang.accounting.statements.base import Statement, StatementLine
from samklang.records import Order, PaidPart, PaymentTransaction

from .shop import at, chart, line, order

FIRST, DAYS = date(2026, 3, 1), 31
CENT = Decimal("0.01")
CHART = chart(
    fees=[
        FeeRow(provider="stripe", treatment="RC_EU"),
        FeeRow(provider="paypal", treatment="EXEMPT"),
        FeeRow(provider="nets", treatment="SE_VAT"),
    ]
)
#: Provider → fee in per cent, VAT on it.
PROVIDERS = {"klarna": ("2.99", True), "stripe": ("1.50", False), "paypal": ("3.40", False), "nets": ("1.20", True)}
#: Country → rates charged, currency.
COUNTRIES = {
    "SE": (("25", "12", "6"), "SEK"), "DE": (("19", "7"), "EUR"), "FI": (("25.5",), "EUR"), "DK": (("25",), "SEK"),
    "NO": (("0",), "NOK"),
}  # fmt: skip
RATE = {"SEK": Decimal(1), "EUR": Decimal("11.20"), "NOK": Decimal("0.97")}
PAID_AT = {"SEK": Decimal(1), "EUR": Decimal("11.05"), "NOK": Decimal("0.98")}  # the providers' own rates
EXCHANGE = Exchange(
    "SEK", [FxRate(code, FIRST + timedelta(days=7 * n), RATE[code]) for code in ("EUR", "NOK") for n in range(6)]
)


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


class Truth:
    """What must come out."""

    def __init__(self) -> None:
        self.vat: defaultdict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)  # in the order's currency
        self.owed: defaultdict[str, Decimal] = defaultdict(Decimal)  # per provider, at the sales' values
        self.bank = Decimal(0)
        self.disputed = Decimal(0)
        self.lines = 0


class Month:
    """`Month(count, seed)`: facts and truth for about `count` orders."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.dice = Random(seed)
        self.truth = Truth()
        self._rows: defaultdict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
        orders = tuple(self._order(number) for number in range(1, count + 1))
        statements = [self._statement(provider, week) for provider, week in sorted(self._rows)]
        bank = [
            BankLine(
                amount=made.payout,
                currency="SEK",
                booked_on=made.paid_on or FIRST,
                row=n,
                text=f"{made.provider} {made.reference}",
            )
            for n, made in enumerate(statements)
        ]
        account = BankStatement(
            format="test",
            kind="statement",
            account="SE1",
            currency="SEK",
            reference="2026-03",
            file_hash="b",
            lines=tuple(bank),
        )
        self.facts = Facts(orders=orders, statements=statements, bank=[account])

    def _order(self, number: int) -> Order:
        dice = self.dice
        country = dice.choice(list(COUNTRIES))
        rates, currency = COUNTRIES[country]
        provider = dice.choice(list(PROVIDERS))
        lines = [
            line(str(Decimal(dice.randrange(500, 200_000)) / 100), dice.choice(rates), line_id=str(n))
            for n in range(dice.randrange(1, 4))
        ]
        day = dice.randrange(DAYS)
        captures = [lines[:1], lines[1:]] if len(lines) > 1 and dice.random() < 0.1 else [lines]
        payments = [
            self._pay("capture", number, n, provider, currency, country, taken, day + 3 * n)
            for n, taken in enumerate(captures)
        ]
        if dice.random() < 0.08:
            payments.append(
                self._pay("refund", number, 9, provider, currency, country, [dice.choice(captures[0])], day + 9)
            )
        elif dice.random() < 0.01 and currency == "SEK":
            self._dispute(number, provider, lines[0].gross, day + 9)
        return order(str(number), lines, *payments, country=country, currency=currency)

    def _pay(
        self, kind: Any, number: int, n: int, provider: str, currency: str, country: str, lines: list[Any], day: int
    ) -> PaymentTransaction:
        sign = 1 if kind == "capture" else -1
        amount = sum((part.gross for part in lines), Decimal(0))
        id_, truth = f"{provider}-{number}-{n}", self.truth
        for part in lines:
            if part.tax_percent:
                truth.vat[country, part.tax_percent] += sign * part.tax
        booked = cents(sign * amount * RATE[currency])
        truth.owed[provider] += booked
        row = {
            "kind": "sale" if sign > 0 else "refund",
            "id": id_,
            "order": str(number),
            "amount": cents(sign * amount * PAID_AT[currency]),
        }
        if currency != "SEK":
            row |= {"presented": sign * amount, "presented_currency": currency, "rate": PAID_AT[currency]}
        week = (day + 2) // 7
        if week < 5:  # later ones are still owed when the month is over
            truth.owed[provider] -= booked
            self._rows[provider, week].append(row)
        return PaymentTransaction(
            kind=kind, provider=provider, amount=amount, at=at(str(FIRST + timedelta(days=day))), provider_id=id_,
            parts=tuple(PaidPart(line_id=part.line_id, gross=part.gross) for part in lines),
        )  # fmt: skip

    def _dispute(self, number: int, provider: str, amount: Decimal, day: int) -> None:
        if (week := (day + 2) // 7) < 5:
            self.truth.disputed += amount
            self._rows[provider, week].append(
                {"kind": "chargeback", "id": f"d{number}", "order": str(number), "amount": -amount}
            )

    def _statement(self, provider: str, week: int) -> Statement:
        percent, taxed = PROVIDERS[provider]
        lines, vat = [], Decimal(0)
        for number, row in enumerate(self._rows[provider, week], 1):
            common = {"currency": "SEK", "row": number, "provider_id": row.pop("id"), "order_ref": row.pop("order")}
            lines.append(StatementLine(**row, **common))
            if row["kind"] == "sale":
                fee = cents(row["amount"] * Decimal(percent) / 100)
                lines.append(StatementLine(kind="fee", amount=-fee, **common))
                vat += cents(fee / 4) if taxed else Decimal(0)
        if vat:
            lines.append(StatementLine(kind="fee_vat", amount=-vat, currency="SEK", row=0))
        payout = sum((part.amount for part in lines), Decimal(0))
        lines.append(StatementLine(kind="payout", amount=-payout, currency="SEK", row=0))
        self.truth.bank += payout
        self.truth.lines += len(lines)
        day = FIRST + timedelta(days=7 * week + 8)
        return Statement(
            provider=provider, format="test", reference=f"{provider}-w{week:02}", currency="SEK", paid_on=day,
            file_hash=f"{provider}{week}", lines=tuple(lines),
        )  # fmt: skip
