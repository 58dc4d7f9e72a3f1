"""May a company's books begin? Accounts, fiscal year, fee treatments, a first payout (RD-11…RD-13, D-18…D-20, Q-22)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Literal

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.matching import Match, line_id
from samklang.accounting.problems import Problem, Refused
from samklang.accounting.statements.base import Statement

#: What every company posts to, whatever it sells.
_ALWAYS = ("rounding", "suspense", "in_transit", "receivable.invoice", "receivable.disputed", "bad_debt", "fee.bank")

_REVERSE = ("vat.rc.in", "vat.rc.out", "rc.counter")
_OF_TREATMENT = {"SE_VAT": ("vat.in",), "RC_EU": (*_REVERSE, "rc.base.eu"), "RC_NON_EU": (*_REVERSE, "rc.base.non_eu")}


class LedgerAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account as the ledger has it."""

    number: str
    active: bool = True
    vat_code: str = ""


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger says about itself: chart, the open fiscal year's days, voucher series."""

    accounts: tuple[LedgerAccount, ...]
    year: tuple[date, date]
    series: tuple[str, ...]


def roles(company: Company, providers: Iterable[str], percents: Iterable[int] = (25, 12, 6), *, on: date) -> list[str]:
    """The roles that a company with these providers and home rates will post to."""
    home = company.country.lower()
    found = [*_ALWAYS, f"bank.{company.currency}"]
    found += [f"{kind}.{home}.{percent}" for percent in percents for kind in ("sales", "vat.out")]
    if company.oss:
        found += ["sales.eu.b2c", "vat.out.oss"]
    for provider in providers:
        found.append(company.chart.receivable(provider, on))
        try:
            treatment = company.chart.fee(provider, "", on)
        except Refused:
            continue  # said by `check` as a problem of its own
        found.append(treatment.role)
        found += _OF_TREATMENT.get(treatment.treatment, ())
    return found


def check(company: Company, providers: Collection[str], ledger: Ledger, on: date) -> tuple[Problem, ...]:
    """All that would stop posting on that day: each with what to do."""
    return (*_accounts(company, providers, ledger, on), *_fees(company, providers, on), *_year(company, ledger, on))


def _accounts(company: Company, providers: Collection[str], ledger: Ledger, on: date) -> Iterator[Problem]:
    there = {account.number: account for account in ledger.accounts}
    for role in dict.fromkeys(roles(company, providers, on=on)):
        try:
            row = company.chart.account(role, on)
        except Refused as refused:
            yield refused.problem
            continue
        account = there.get(row.account)
        if account is None or not account.active:
            state = "missing" if account is None else "closed"
            yield Problem(code="ACCOUNT_MISSING", where=role, what=f"Account {row.account} {row.name} is {state}.")
        elif row.vat_code and account.vat_code and row.vat_code != account.vat_code:
            what = f"Account {row.account} leads to VAT box {account.vat_code}, {role} needs {row.vat_code}."
            yield Problem(code="VAT_DIFF", where=role, what=what)


def _fees(company: Company, providers: Collection[str], on: date) -> Iterator[Problem]:
    for provider in sorted(providers):
        if provider in ("gift_card", "invoice", "cash"):
            continue
        try:
            company.chart.fee(provider, "", on)
        except Refused as refused:
            yield refused.problem


def _year(company: Company, ledger: Ledger, on: date) -> Iterator[Problem]:
    first, last = ledger.year
    if not first <= on <= last or on < company.locked_before:
        yield Problem(code="PERIOD_LOCKED", where=str(on), what=f"{on} lies outside the ledger's open period.")
    wanted = {company.default_series, *company.series.values()} if ledger.series else set()  # some cannot list them
    for series in sorted(wanted - set(ledger.series)):
        yield Problem(
            code="ACCOUNT_MISSING",
            where=series,
            what=f"The ledger has no voucher series {series}.",
            do_this="Create the series in the ledger, or choose another in the settings.",
        )


Gate = Literal["ready", "waiting for payout", "waiting for match"]


def gates(providers: Iterable[str], statements: Iterable[Statement], matches: Iterable[Match]) -> dict[str, Gate]:
    """Provider → whether a payout is here and at least one of its lines has its order; waiting is no error (D-18)."""
    matched = {match.line for match in matches}
    state: dict[str, Gate] = dict.fromkeys(providers, "waiting for payout")
    for statement in statements:
        if state.get(statement.provider, "ready") != "ready":
            found = any(line_id(statement, line) in matched for line in statement.lines)
            state[statement.provider] = "ready" if found else "waiting for match"
    return state
