"""A commission agent's report → debit/credit pairs by a profile (RECONCILIATION §4, Russia).

Revenue is what the buyers paid, never what was transferred; reward, services and fines are documents of their own, set
off against what the agent owes. Which pair is posted for which figure stands in the profile, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.draft import Draft
from samklang.accounting.problems import Refused
from samklang.accounting.statements.base import Statement
from samklang.accounting.voucher import Voucher
from samklang.records.money import ZERO, rounded, settle


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A report's sums, VAT included, in the ledger's currency; each with the VAT in it.

    `realised` is what buyers paid less what they got back. `reward` and `services` (logistics, storage, acquiring …)
    are what the agent charges; a negative reward, by which it tops up its own discount, is income (edge case 51).
    `compensation` is what it pays for lost goods. `cost` is the cost of the goods sold, which the report cannot know.
    """

    realised: Decimal
    realised_vat: Decimal = ZERO
    reward: Decimal = ZERO
    reward_vat: Decimal = ZERO
    services: Decimal = ZERO
    services_vat: Decimal = ZERO
    fines: Decimal = ZERO
    compensation: Decimal = ZERO
    transferred: Decimal = ZERO
    cost: Decimal = ZERO

    def __post_init__(self) -> None:
        settle(self, *self.__struct_fields__)


def figures(
    report: Statement, vat_percent: Decimal, cost: Decimal = ZERO, rewards: frozenset[str] = frozenset()
) -> Figures:
    """The sums of an agent's report. `rewards` are the agent's own words for its reward; all other fees are services.

    `vat_percent` is contained in buyers' prices and in the agent's charges, both as it invoices them.
    """

    def total(*kinds: str, types: bool | None = None) -> Decimal:
        return sum(
            (
                line.amount
                for line in report.lines
                if line.kind in kinds and (types is None or (line.type in rewards) == types)
            ),
            ZERO,
        )

    def vat(amount: Decimal) -> Decimal:
        return rounded(amount * vat_percent / (100 + vat_percent), report.currency)

    realised = total("sale", "refund", "refund_reversal")
    reward = -total("fee", "fee_vat", "fee_correction", types=True)
    services = -total("fee", "fee_vat", "fee_correction", types=False)
    return Figures(
        realised=realised, realised_vat=vat(realised), reward=reward, reward_vat=vat(reward), services=services,
        services_vat=vat(services), fines=-total("fine"), compensation=total("compensation"),
        transferred=-total("payout"), cost=cost,
    )  # fmt: skip


def transfer(payout: Statement) -> Figures:
    """What an agent paid at once, whose sales and services stand in reports of their own: of all else that it was made
    of, only what it paid for lost goods is in no other report."""
    lost = sum((line.amount for line in payout.lines if line.kind == "compensation"), ZERO)
    return Figures(realised=ZERO, transferred=payout.payout, compensation=lost)


def book_commission(
    figures: Figures, agent: str, report: str, on: date, company: Company, dimensions: Mapping[str, str] | None = None
) -> Voucher | None:
    """The voucher of one report: every posting of the profile whose figure is not 0.

    A negative figure turns its pair round. Refused (ACCOUNT_MISSING) when a role has no account, (AMOUNT_DIFF) when a
    report of sales says that more was transferred than the agent owes by it. An agent whose sales, services and
    transfers come apart has a voucher for each; what it owes is then the balance of its account.
    """
    owed = figures.realised - figures.reward - figures.services - figures.fines + figures.compensation
    if figures.realised and figures.transferred > owed:
        raise Refused(
            "AMOUNT_DIFF",
            report,
            f"{agent} transferred {figures.transferred}, by its report it owes {owed}.",
            amount=figures.transferred - owed,
            currency=company.currency,
        )
    values = _values(figures)
    draft, ref = Draft(company, dimensions), ("report", f"{agent}/{report}")
    for row in company.chart.postings:
        amount = values[row.figure]
        draft.post(row.debit, amount, ref, on, text=row.document, party=agent)
        draft.post(row.credit, -amount, ref, on, text=row.document, party=agent)
    text = company.chart.text("commission", agent=agent, report=report)
    return draft.voucher("commission", on, text, f"{company.code}/commission/{agent}/{report}")


def _values(figures: Figures) -> Mapping[str, Decimal]:
    """Figures by the names that profiles use: the report's own, and what follows from them."""
    reward, topped_up = max(figures.reward, ZERO), max(-figures.reward, ZERO)
    reward_vat = figures.reward_vat if reward else ZERO
    return {
        "cost": figures.cost,
        "realised": figures.realised,
        "realised_vat": figures.realised_vat,
        "reward": reward,
        "reward_net": reward - reward_vat,
        "reward_vat": reward_vat,
        "reward_topped_up": topped_up,
        "services": figures.services,
        "services_net": figures.services - figures.services_vat,
        "services_vat": figures.services_vat,
        "charges": reward + figures.services,
        "charges_vat": reward_vat + figures.services_vat,
        "fines": figures.fines,
        "compensation": figures.compensation,
        "transferred": figures.transferred,
    }
