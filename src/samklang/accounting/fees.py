"""A provider's fees: taxed as the chart's row for provider, legal entity, fee type and day says (RECONCILIATION §2).

Swedish VAT is the provider's own total, never recomputed (edge case 14). Reverse charge is computed once per voucher,
not per transaction, so that it is rounded once (edge case 16).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from samklang.accounting.chart import FeeRow
from samklang.accounting.company import Company
from samklang.accounting.draft import Draft
from samklang.accounting.problems import Refused
from samklang.accounting.statements.base import StatementLine
from samklang.records.money import ZERO, rounded
from samklang.records.vat import rates

FEE_KINDS = frozenset({"fee", "fee_vat", "fee_correction", "fine"})
_BASES = {"RC_EU": "rc.base.eu", "RC_NON_EU": "rc.base.non_eu"}


def post_fees(
    draft: Draft,
    lines: Iterable[tuple[str, StatementLine]],
    to_ledger: Callable[[Decimal], Decimal],
    *,
    provider: str,
    statement: str,
    day: date,
    company: Company,
) -> None:
    """Post all fee lines of a statement, given with their ids. Fees are costs: a statement's −1 is a debit of 1.

    Refused (FEE_TREATMENT_UNDECIDED) until the treatment is chosen; (VAT_DIFF) when the statement charges VAT that the
    treatment has no place for, or lacks it.
    """
    bases: defaultdict[FeeRow, Decimal] = defaultdict(lambda: ZERO)
    vat, count = ZERO, 0
    for id_, line in lines:
        amount, ref = -to_ledger(line.amount), ("statement_line", id_)
        if line.kind == "fee_vat":
            vat += amount
            draft.post("vat.in", amount, ref, day)
            continue
        row = company.chart.fee(provider, line.type, day)
        bases[row] += amount
        count += 1
        draft.post(row.role, amount, ref, day, party=provider)
    percent = rates.percent(company.country, "standard", day)
    _check_vat(vat, bases, percent, count, statement, company)
    for treatment, base_role in _BASES.items():
        base = sum((amount for row, amount in bases.items() if row.treatment == treatment), ZERO)
        tax = rounded(base * percent / 100, company.currency)
        ref = ("payout", statement)
        draft.post("vat.rc.in", tax, ref, day)
        draft.post("vat.rc.out", -tax, ref, day, percent=percent)
        draft.post(base_role, base, ref, day)
        draft.post("rc.counter", -base, ref, day)


def _check_vat(
    vat: Decimal, bases: dict[FeeRow, Decimal], percent: Decimal, count: int, statement: str, company: Company
) -> None:
    """The stated VAT is about what the rate gives; each line may have been rounded by itself."""
    taxed = sum((amount for row, amount in bases.items() if row.treatment == "SE_VAT"), ZERO)
    difference = vat - taxed * percent / 100
    if abs(difference) > Decimal("0.01") * (count + 1):
        raise Refused(
            "VAT_DIFF",
            statement,
            f"The statement charges {vat} VAT on fees of {taxed} that the settings say carry {percent} %.",
            amount=rounded(difference, company.currency),
            currency=company.currency,
            do_this="Compare with the provider's invoice and correct the fee's treatment in the settings.",
        )
