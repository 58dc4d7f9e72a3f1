"""A voucher being put together: amounts are posted to roles, equal lines are merged, rows stay findable.

The result does not depend on the order in which amounts were posted (RECONCILIATION §8.6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from samklang.accounting.company import Company
from samklang.accounting.voucher import Ref, Source, Voucher, VoucherLine
from samklang.records.money import ZERO

#: Roles whose accounts are part of the result; only these carry a channel's cost centre and project.
_RESULT = frozenset({"sales", "income", "rounding", "fee", "fx", "bad_debt"})


class _Key(NamedTuple):
    account: str
    role: str
    name: str
    text: str
    country: str
    percent: Decimal | None
    party: str
    item: str
    currency: str
    dimensions: tuple[tuple[str, str], ...]


class Draft:
    """One voucher of a company and, where it belongs to one, a channel (whose `dimensions` its result lines carry)."""

    def __init__(self, company: Company, dimensions: Mapping[str, str] | None = None) -> None:
        self._company = company
        self._dimensions = tuple(sorted((dimensions or {}).items()))
        self._refs: defaultdict[_Key, list[tuple[Ref, Decimal | None]]] = defaultdict(list)

    def post(
        self,
        role: str,
        amount: Decimal,
        ref: tuple[str, str],
        on: date,
        *,
        text: str = "",
        country: str = "",
        percent: Decimal | None = None,
        party: str = "",
        item: str = "",
        foreign: Decimal | None = None,
        currency: str = "",
    ) -> None:
        """Add an amount (debit positive) that comes from the source row `ref` (kind, id) to the role's account.

        `on` is the day whose chart counts: for a refund that of the sale. Refused (ACCOUNT_MISSING) without account.
        """
        if not amount:
            return
        row = self._company.chart.account(role, on)
        dimensions = self._dimensions if role.partition(".")[0] in _RESULT else ()
        key = _Key(row.account, role, row.name, text, country, percent, party, item, currency, dimensions)
        self._refs[key].append((Ref(*ref, amount), foreign))

    def add(self, other: Draft) -> None:
        """Take over all that was posted to another draft of the same company."""
        for key, rows in other._refs.items():
            self._refs[key].extend(rows)

    def balance(self) -> Decimal:
        """What is posted so far, debit less credit: what the last line has to take back."""
        return sum((ref.amount for rows in self._refs.values() for ref, _ in rows), ZERO)

    def voucher(self, source: Source, day: date, text: str, key: str) -> Voucher | None:
        """The finished voucher, or None when nothing was posted. Unbalanced (ValueError) is a defect of the caller."""
        lines = [line for group in self._refs.items() for line in _lines(*group)]
        if not lines:
            return None
        return Voucher(
            company=self._company.code,
            series=self._company.series_of(source),
            date=day,
            text=text,
            source=source,
            key=key,
            currency=self._company.currency,
            lines=tuple(sorted(lines, key=_place)),
        )


def _lines(key: _Key, rows: list[tuple[Ref, Decimal | None]]) -> Iterable[VoucherLine]:
    """One line for all rows; two, its debit and its credit side, where they sum to nothing: a row must be findable."""
    refs = _merged(ref for ref, _ in rows)
    sides = [refs]
    if not sum((ref.amount for ref in refs), ZERO):
        sides = [[ref for ref in refs if ref.amount > 0], [ref for ref in refs if ref.amount < 0]]
    foreign = [amount for _, amount in rows if amount is not None]
    for side in sides:
        if side:
            yield VoucherLine(
                amount=sum((ref.amount for ref in side), ZERO),
                refs=tuple(side),
                foreign=sum(foreign, ZERO) if foreign and len(sides) == 1 else None,
                **{**key._asdict(), "dimensions": dict(key.dimensions)},
            )


def _merged(refs: Iterable[Ref]) -> list[Ref]:
    """One reference per source row, in the order of their ids; a row whose shares cancel out is left out."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for ref in refs:
        sums[ref.kind, ref.id] += ref.amount
    return [Ref(kind, id_, amount) for (kind, id_), amount in sorted(sums.items()) if amount]


def _place(line: VoucherLine) -> tuple[object, ...]:
    """Debits before credits, then by account."""
    percent = line.percent if line.percent is not None else ZERO
    dimensions = tuple(line.dimensions.items())
    return (
        line.amount < 0, line.account, line.role, line.text, line.country, percent, line.party, line.item,
        line.currency, dimensions, line.amount,
    )  # fmt: skip
