"""What the ledger allows: its chart, years, series and closed period, as it last said them, and who is judged by it."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from django.utils import timezone

from samklang.accounting import readiness
from samklang.accounting.problems import Problem
from samklang.accounting.readiness import Gate, gates
from samklang.accounting.voucher import Voucher as VoucherRecord
from samklang.connectors.contract import Ledger
from samklang.connectors.errors import SamklangError
from samklang.hub.links import open_link, usable, went_well, went_wrong
from samklang.hub.models import Company
from samklang.hub.setup.companies import CompanyPart, part_of
from samklang.reconciliation.companies import accounting_company, ledger_flow
from samklang.reconciliation.models import LedgerState, Match, Payment, Statement

_FRESH = timedelta(hours=6)


class Judge:
    """Says why the ledger would not take a voucher."""

    def __init__(self, ledger: Ledger) -> None:
        self._accounts = {row.number: row for row in ledger.accounts}
        self._ledger = ledger

    def refusal(self, record: VoucherRecord) -> str:
        """The first reason; "" when there is none."""
        ledger, day = self._ledger, record.date
        for line in record.lines:
            row = self._accounts.get(line.account)
            if row is None or not row.active:
                state = "is not in the ledger" if row is None else "is out of use in the ledger"
                return f"Account {line.account} {line.name} {state}: create it there, or give {line.role} another."
        if ledger.years and not any(first <= day <= last for first, last in ledger.years):
            return f"{day} lies in no fiscal year of the ledger: create the year there."
        if ledger.locked_until is not None and day <= ledger.locked_until:
            return f"The ledger is closed until {ledger.locked_until}: open the period, or move locked_before."
        if ledger.series and record.series not in ledger.series:
            return f"The ledger has no voucher series {record.series}: create it there, or name another."
        return ""


def judge_of(company: Company, part: CompanyPart) -> Judge | None:
    """The judge by what the company's ledger last said; None where it says nothing."""
    state = _state(company, part)
    return Judge(msgspec.json.decode(bytes(state.body), type=Ledger)) if state else None


def refresh(company: Company, *, force: bool = False) -> bool:
    """Ask the ledger what it allows, if it can say and was not asked lately; True when something has changed.

    Errors are the connection's, as those of any other call.
    """
    flow = ledger_flow(company)
    if flow is None or not usable(flow.target):
        return False
    before = LedgerState.objects.filter(tenant=company.tenant_id, connection=flow.target).first()
    if before is not None and not force and before.at > timezone.now() - _FRESH:
        return False
    try:
        link = open_link(flow.target)
        if not link.manifest.ledger:
            return False
        found = link.connector.ledger()
    except SamklangError as error:
        went_wrong(flow.target, error)
        return False
    went_well(flow.target)
    link.capture.flush()
    body = msgspec.json.encode(found)
    LedgerState.objects.update_or_create(
        tenant_id=company.tenant_id, connection=flow.target, defaults={"at": timezone.now(), "body": body}
    )
    return before is None or bytes(before.body) != body


def ready(company: Company, on: date) -> tuple[list[Problem], dict[str, Gate]]:
    """All that would stop posting on that day, and for each provider whether it has a payout with a matched order
    (RD-11…RD-13, D-18…D-20, Q-22). Waiting for a payout is no error."""
    part = part_of(company)
    ours = accounting_company(company, part)
    providers = set(
        Payment.objects.filter(tenant=company.tenant_id, company=company).values_list("provider", flat=True).distinct()
    ) | set(
        Statement.objects.filter(tenant=company.tenant_id, company=company)
        .values_list("provider", flat=True)
        .distinct()
    )
    state = _state(company, part)
    problems: list[Problem] = []
    if state is not None:
        said = msgspec.json.decode(bytes(state.body), type=Ledger)
        accounts = tuple(
            readiness.LedgerAccount(number=row.number, active=row.active, vat_code=row.vat_box) for row in said.accounts
        )
        year = next((year for year in said.years if year[0] <= on <= year[1]), (date.min, date.min))
        ledger = readiness.Ledger(accounts=accounts, year=year, series=said.series)
        problems = list(readiness.check(ours, providers, ledger, on))
    return problems, _gates(company, sorted(providers))


def _gates(company: Company, providers: list[str]) -> dict[str, Gate]:
    found = gates(providers, (), ())
    for provider in providers:
        rows = Statement.objects.filter(tenant=company.tenant_id, company=company, provider=provider)
        if rows.exists():
            matched = Match.objects.filter(tenant=company.tenant_id, company=company, line__startswith=f"{provider}/")
            found[provider] = "ready" if matched.exists() else "waiting for match"
    return found


def _state(company: Company, part: CompanyPart) -> LedgerState | None:
    flow = ledger_flow(company, part)
    return LedgerState.objects.filter(tenant=company.tenant_id, connection=flow.target).first() if flow else None
