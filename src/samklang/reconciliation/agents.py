"""Reports of marketplaces that sell as our commission agents → vouchers, as the company's settings say (agents)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from samklang.accounting.commission import book_commission, figures, transfer
from samklang.accounting.company import Company as Accounting
from samklang.accounting.problems import Problem, Refused
from samklang.accounting.settlement import statement_day, statement_id
from samklang.accounting.statements.base import Statement
from samklang.accounting.voucher import Voucher
from samklang.hub.setup.companies import CompanyPart


class Reported(NamedTuple):
    """Vouchers of agents' reports, and the reports that could not be booked."""

    vouchers: tuple[Voucher, ...]
    problems: tuple[Problem, ...]


def book_reports(statements: Iterable[Statement], part: CompanyPart, company: Accounting) -> Reported:
    """One voucher per report and per transfer of an agent that the settings name; those of others are only kept."""
    vouchers: list[Voucher] = []
    problems: list[Problem] = []
    for report in statements:
        agent = part.agents.get(report.provider)
        if report.scope == "account" or agent is None or report.test:
            continue
        try:
            day = statement_day(report)
            if day < company.begins:
                continue
            if report.currency != company.currency:
                raise Refused(
                    "CURRENCY_DIFF",
                    statement_id(report),
                    f"The report is in {report.currency}, the books are in {company.currency}.",
                    currency=report.currency,
                )
            channel = company.channels.get(agent.channel)
            whole = report.scope == "report"
            rewards = frozenset(agent.rewards)
            found = figures(report, agent.vat_percent, rewards=rewards) if whole else transfer(report)
            name = company.chart.name(report.provider, day)
            dimensions = channel.dimensions if channel else None
            voucher = book_commission(found, name, report.reference, company.open_day(day), company, dimensions)
        except Refused as refused:
            problems.append(refused.problem)
        else:
            vouchers += [voucher] if voucher is not None else []
    return Reported(tuple(vouchers), tuple(problems))
