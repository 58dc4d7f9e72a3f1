"""Model B: the invoices that a statement's sales and refunds close (RECONCILIATION §1, E7b).

An order on invoice stands on the receivables' sub-ledger. When the provider states its payment, the amount moves to the
provider's clearing account, from which the statement's own voucher takes it like any other sale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from samklang.accounting.company import Company
from samklang.accounting.daybook import Booked
from samklang.accounting.draft import Draft
from samklang.accounting.expected import Expected
from samklang.accounting.matching import line_id
from samklang.accounting.problems import Problem, Refused
from samklang.accounting.settlement import Found, statement_day, statement_id
from samklang.accounting.statements.base import Statement
from samklang.accounting.voucher import Voucher


def close_invoices(
    statements: Iterable[Statement],
    known: Found,
    company: Company,
    open_amounts: Mapping[str, Decimal] | None = None,
) -> Booked:
    """Vouchers that close the invoices which the (booked) statements pay, one line per invoice.

    `open_amounts` is what the ledger itself says is open, by order key: it may have rounded the invoice. Up to the
    company's tolerance that is a rounding (edge case 41); above it the invoice stays open and is a problem.
    """
    vouchers: list[Voucher] = []
    problems: list[Problem] = []
    for statement in sorted(statements, key=statement_id):
        drafts = []
        for line in statement.lines:
            id_ = line_id(statement, line)
            for match in known.matches.get(id_, ()):
                wanted = known.wanted.get(match.expected)
                if wanted is None or wanted.model != "invoice":
                    continue
                paid = known.shares[id_, wanted.id]
                still_open = (open_amounts or {}).get(wanted.order, paid)
                try:
                    drafts.append(_closing(statement, id_, wanted, paid, still_open, company))
                except Refused as refused:
                    problems.append(refused.problem)
        vouchers += _vouchers(statement, drafts, company)
    return Booked(tuple(vouchers), tuple(problems))


def _closing(
    statement: Statement, id_: str, wanted: Expected, paid: Decimal, still_open: Decimal, company: Company
) -> Draft:
    day = statement_day(statement)
    if abs(still_open - paid) > company.tolerance:
        raise Refused(
            "AMOUNT_DIFF",
            wanted.order,
            f"{paid} {company.currency} was paid, {still_open} is open on the invoice.",
            amount=still_open - paid,
            currency=company.currency,
        )
    draft, ref = Draft(company), ("statement_line", id_)
    party = statement.provider
    draft.post(company.chart.receivable(party, day), paid, ref, day, party=party)
    draft.post("receivable.invoice", -still_open, ref, day, party=party, item=wanted.order)
    draft.post("rounding", still_open - paid, ref, day)
    return draft


def _vouchers(statement: Statement, drafts: list[Draft], company: Company, part: str = "") -> list[Voucher]:
    """One voucher, halved until each half fits the ledger's row limit (edge case 48)."""
    whole = Draft(company)
    for draft in drafts:
        whole.add(draft)
    text = company.chart.text(
        "invoice_payment",
        provider=company.chart.name(statement.provider, statement_day(statement)),
        reference=statement.reference,
    )
    key = f"{company.code}/invoice_payment/{statement_id(statement)}{part}"
    voucher = whole.voucher("invoice_payment", company.open_day(statement_day(statement)), text, key)
    if voucher is None:
        return []
    if len(voucher.lines) <= company.row_limit or len(drafts) == 1:
        return [voucher]
    half = len(drafts) // 2
    return [
        *_vouchers(statement, drafts[:half], company, f"{part}/1"),
        *_vouchers(statement, drafts[half:], company, f"{part}/2"),
    ]
