"""A till's Z-report: one voucher, without orders (RECONCILIATION §3, E11a)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.daybook import Booked
from samklang.accounting.draft import Draft
from samklang.accounting.problems import Refused
from samklang.accounting.treatment import rate_name
from samklang.accounting.voucher import Voucher
from samklang.records import TaxTotal
from samklang.records.money import ZERO, settle


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """What a till took by one means of payment: `cash`, `terminal`, `gift_card`, or a provider's name."""

    provider: str
    amount: Decimal

    def __post_init__(self) -> None:
        settle(self, "amount")


class ZReport(msgspec.Struct, frozen=True, kw_only=True):
    """A till's closing, with takings and VAT per rate as it states them, in the ledger's currency.

    `counted` is the cash that was really there; None when nobody counted.
    """

    channel: str
    register: str
    number: str
    day: date
    takings: tuple[Taking, ...]
    taxes: tuple[TaxTotal, ...]
    gift_cards_sold: Decimal = ZERO
    counted: Decimal | None = None

    @property
    def name(self) -> str:
        """What names it in references and keys."""
        return f"{self.channel}/{self.register}/{self.number}"


def book_z_reports(reports: Iterable[ZReport], company: Company, posted: Collection[str] = ()) -> Booked:
    """One voucher per report; one that does not add up is a problem, its neighbours are booked. `posted` are keys of
    vouchers that the ledger has: their period may be closed by now."""
    vouchers, problems = [], []
    for report in sorted(reports, key=lambda report: (report.day, report.channel, report.register, report.number)):
        try:
            if _key(report, company) not in posted:
                company.check_open(report.day, report.name)
            voucher = book_z_report(report, company)
        except Refused as refused:
            problems.append(refused.problem)
        else:
            vouchers.extend([voucher] if voucher else [])
    return Booked(tuple(vouchers), tuple(problems))


def _key(report: ZReport, company: Company) -> str:
    return f"{company.code}/pos/{report.name}"


def book_z_report(report: ZReport, company: Company) -> Voucher | None:
    """The report's voucher; a cash difference has a line of its own.

    Refused: AMOUNT_DIFF when takings and sales differ by more than the tolerance (up to it: rounding).
    """
    where = report.name
    draft, ref, day = Draft(company, company.channels[report.channel].dimensions), ("z_report", where), report.day
    country = company.country
    for taking in report.takings:
        role = company.chart.receivable(taking.provider, day)
        draft.post(role, taking.amount, ref, day, party=taking.provider)
    for total in report.taxes:
        name = f"{country.lower()}.{rate_name(total.percent)}"
        draft.post(f"sales.{name}", -total.base, ref, day, country=country)
        draft.post(f"vat.out.{name}", -total.tax, ref, day, country=country, percent=total.percent)
    draft.post("liability.giftcard", -report.gift_cards_sold, ref, day)
    difference = draft.balance()
    if abs(difference) > company.tolerance:
        raise Refused(
            "AMOUNT_DIFF",
            where,
            f"The till took {difference} more than it sold.",
            amount=difference,
            currency=company.currency,
            do_this="Compare the Z-report with the till's receipts.",
        )
    draft.post("rounding", -difference, ref, day)
    if report.counted is not None:
        cash = sum((taking.amount for taking in report.takings if taking.provider == "cash"), ZERO)
        draft.post(company.chart.receivable("cash", day), report.counted - cash, ref, day, party="cash")
        draft.post("income.cash_difference", cash - report.counted, ref, day)
    text = company.chart.text("pos", register=report.register, number=report.number)
    return draft.voucher("pos", day, text, _key(report, company))
