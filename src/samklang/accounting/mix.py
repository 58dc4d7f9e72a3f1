"""An order as accounting sees it: its lines and charges by treatment, with the VAT that the shop stated.

Captures and refunds take from the mix. Whatever is taken, in however many pieces, the VAT of the pieces sums to the VAT
of the whole, because each piece is the difference between two rounded running totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.problems import Refused
from samklang.accounting.treatment import Treatment, treatment
from samklang.records import Charge, Order, OrderLine
from samklang.records.money import ZERO, rounded, split
from samklang.records.payment import PaidPart


class Row(msgspec.Struct):
    """One line of the order, or the share of a charge that one rate has. Amounts are in the order's currency."""

    line_id: str
    treatment: Treatment
    text: str  # sales class: empty for goods, else the kind of charge
    tax: Decimal
    gross: Decimal
    taken: Decimal = ZERO  # gross captured less refunded so far

    def take(self, gross: Decimal, currency: str) -> Decimal:
        """Move the row's running total by `gross` (negative: give back) and return the VAT of that step."""
        before, self.taken = self._tax_of(self.taken, currency), self.taken + gross
        return self._tax_of(self.taken, currency) - before

    def _tax_of(self, gross: Decimal, currency: str) -> Decimal:
        return rounded(self.tax * gross / self.gross, currency) if self.gross else ZERO


class Portion(msgspec.Struct, frozen=True):
    """What one capture or refund moves of one row, in the order's currency."""

    treatment: Treatment
    text: str
    gross: Decimal
    tax: Decimal


class Mix:
    """The rows of one order, and how much of each has been captured. Refused (VAT_DIFF) when its VAT is impossible."""

    def __init__(self, order: Order, company: Company) -> None:
        self._order = order
        self._tolerance = company.tolerance
        lines = [_line_row(order, line, company) for line in order.lines if line.gross]
        charges = [row for charge in order.charges for row in _charge_rows(order, charge, company)]
        self.rows = [*lines, *charges]
        for row in self.rows:
            if row.tax and not row.treatment.vat:
                raise Refused(
                    "VAT_DIFF",
                    order.key,
                    f"{row.tax} VAT on line {row.line_id!r}, where none can be ({row.treatment.sales}).",
                    amount=row.tax,
                    currency=order.currency,
                )
        self._follow_stated_vat()

    @property
    def left(self) -> Decimal:
        """Gross that has not been captured."""
        return sum((row.gross - row.taken for row in self.rows), ZERO)

    @property
    def taken(self) -> Decimal:
        """Gross that has been captured and not refunded."""
        return sum((row.taken for row in self.rows), ZERO)

    def take(self, amount: Decimal, parts: Sequence[PaidPart] = ()) -> tuple[Portion, ...]:
        """Capture `amount`: from the named parts, else from every row in proportion to what it has left."""
        return self._move(amount, parts, [row.gross - row.taken for row in self.rows], 1)

    def give_back(self, amount: Decimal, parts: Sequence[PaidPart] = ()) -> tuple[Portion, ...]:
        """Refund `amount`, at the rates, countries and roles of the sale (negative portions)."""
        return self._move(amount, parts, [row.taken for row in self.rows], -1)

    def _move(
        self, amount: Decimal, parts: Sequence[PaidPart], weights: list[Decimal], sign: int
    ) -> tuple[Portion, ...]:
        currency = self._order.currency
        shares = self._named(amount, parts, weights) if parts else split(amount, weights, currency)
        return tuple(
            Portion(row.treatment, row.text, sign * share, row.take(sign * share, currency))
            for row, share in zip(self.rows, shares, strict=True)
            if share
        )

    def _named(self, amount: Decimal, parts: Iterable[PaidPart], weights: list[Decimal]) -> list[Decimal]:
        """The share of each row when the transaction says which lines it is for."""
        shares = [ZERO] * len(self.rows)
        for part in parts:
            places = [i for i, row in enumerate(self.rows) if row.line_id == part.line_id]
            if not places:
                raise self._differs(part.gross, f"A transaction names line {part.line_id!r}, which the order lacks.")
            divided = split(part.gross, [weights[i] for i in places], self._order.currency)
            for i, share in zip(places, divided, strict=True):
                shares[i] += share
        if sum(shares, ZERO) != amount:
            raise self._differs(amount - sum(shares, ZERO), f"A transaction of {amount} names lines for another sum.")
        return shares

    def _follow_stated_vat(self) -> None:
        """The VAT per rate that the shop states for the whole order wins over the sum of its lines (edge case 40)."""
        for total in self._order.taxes:
            rows = [row for row in self.rows if row.treatment.percent == total.percent and row.treatment.vat]
            not_ours = [line for line in self._order.lines if _is_deemed(line) and line.tax_percent == total.percent]
            difference = total.tax - sum((row.tax for row in rows), ZERO) - sum((line.tax for line in not_ours), ZERO)
            if not difference:
                continue
            if not rows or abs(difference) > self._tolerance:
                raise Refused(
                    "VAT_DIFF",
                    self._order.key,
                    f"The order states {total.tax} VAT at {total.percent} %, its lines differ by {difference}.",
                    amount=difference,
                    currency=self._order.currency,
                )
            max(rows, key=lambda row: abs(row.gross)).tax += difference

    def _differs(self, amount: Decimal, what: str) -> Refused:
        return Refused("AMOUNT_DIFF", self._order.key, what, amount=amount, currency=self._order.currency)


def _line_row(order: Order, line: OrderLine, company: Company) -> Row:
    found = treatment(order, line, line.tax_percent, company)
    if _is_deemed(line):
        # The marketplace keeps the buyer's VAT and owes it; what is sold to the marketplace is the net (edge case 50).
        return Row(line.line_id, found, "", ZERO, line.net)
    return Row(line.line_id, found, "", line.tax, line.gross)


def _charge_rows(order: Order, charge: Charge, company: Company) -> list[Row]:
    """A charge with a rate of its own is one row; one without follows the goods, split by their net values (§2)."""
    if not charge.gross:
        return []
    text = charge.kind
    if charge.tax_percent or not charge.tax:
        return [_row(order, charge, charge.tax_percent, charge.tax, charge.gross, company)]
    nets: dict[Decimal, Decimal] = {}
    for line in order.lines:
        if _is_goods(line):
            nets[line.tax_percent] = nets.get(line.tax_percent, ZERO) + line.net
    grosses = split(charge.gross, list(nets.values()), order.currency)
    taxes = [
        rounded(gross * percent / (100 + percent), order.currency) for percent, gross in zip(nets, grosses, strict=True)
    ]
    rest = charge.tax - sum(taxes, ZERO)
    if abs(rest) > company.tolerance:
        raise Refused(
            "VAT_DIFF",
            order.key,
            f"The VAT of {charge.tax} on {text} does not follow from the goods' rates.",
            amount=rest,
            currency=order.currency,
        )
    taxes[max(range(len(taxes)), key=lambda i: grosses[i])] += rest
    return [
        _row(order, charge, percent, tax, gross, company)
        for percent, tax, gross in zip(nets, taxes, grosses, strict=True)
        if gross
    ]


def _row(order: Order, charge: Charge, percent: Decimal, tax: Decimal, gross: Decimal, company: Company) -> Row:
    """Domestic freight has a sales account of its own; abroad it stands with the goods, whose account says where."""
    found = treatment(order, charge, percent, company)
    if charge.kind == "rounding" and not tax:
        found = Treatment("rounding", "", "", percent)
    elif charge.kind == "shipping" and found.vat.startswith(f"vat.out.{company.country.lower()}."):
        found = found._replace(sales="sales.freight")
    return Row(charge.charge_id or charge.kind, found, charge.kind, tax, gross)


def _is_deemed(line: OrderLine) -> bool:
    return line.tax_scheme == "deemed_supplier"


def _is_goods(line: OrderLine) -> bool:
    return line.kind not in ("gift_card_mpv", "gift_card_spv") and line.gross > 0
