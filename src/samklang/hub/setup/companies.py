"""A tenant's legal entities as configuration: who they are, and what they have decided about their books.

    [companies.nordljus]                      [companies.nordljus.channels.nordljus]
    name = "Nordljus Handel AB"               model = "day"
    org_no = "556677-8899"                    methods = { kco = "klarna" }
    begins = 2026-01-01
                                              [[companies.nordljus.fees]]
    [[companies.nordljus.accounts]]           provider = "klarna"
    role = "receivable.psp.klarna"            treatment = "SE_VAT"
    account = "1686"                          since = 2026-01-01

Rows of accounts, fees and providers follow those of the profile, and the last one that fits a day wins: what was true
before a change stays in the file. What the settings mean for vouchers is accounting/company.py's business.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from samklang.accounting.chart import AccountRow, FeeRow, ProviderRow, profile
from samklang.accounting.company import Model
from samklang.accounting.problems import Code, Policy
from samklang.accounting.statements.base import Profile
from samklang.accounting.voucher import Source
from samklang.connectors.errors import Misconfigured
from samklang.hub.models import Company
from samklang.records.money import ZERO


class YearPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[companies.CODE.years]]: a fiscal year, first and last day."""

    first: date
    last: date


class AgentPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """[companies.CODE.agents.PROVIDER]: a marketplace that sells as our commission agent, whose reports are booked.

    `vat_percent` is contained in buyers' prices and in the agent's charges; `rewards` are its own words for its reward.
    """

    vat_percent: Decimal
    rewards: tuple[str, ...] = ()
    channel: str = ""


class BooksPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """[companies.CODE.channels.CHANNEL]: how a shop's orders are booked (accounting/company.py, Channel).

    `models` chooses the model by payment provider. `methods` says which provider a payment method of the shop is.
    """

    model: Model = "day"
    models: Mapping[str, Model] = {}
    methods: Mapping[str, str] = {}
    dimensions: Mapping[str, str] = {}
    defer_until_delivery: bool = False
    order_prefix: str = ""


class CompanyPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """[companies.CODE]: a legal entity. `begins` is the cut-over: what was sold before stands in the ledger already.

    `locked_before`: nothing is dated before it. `ledger`: approved vouchers go by the flow of vouchers, or as SIE
    files, left at the connection `files_to` or fetched by a person. From the connections `statements_from` statements
    come by themselves. `files` says, by provider, what its files leave open (docs/statements.md); `accounts_at` which
    of our accounts at a provider are this company's, where several have one.
    """

    name: str
    org_no: str = ""
    vat_no: str = ""
    country: str = "SE"
    currency: str = "SEK"
    profile: Literal["se_bas", "ru_commission"] = "se_bas"
    begins: date = date.min
    locked_before: date = date.min
    years: tuple[YearPart, ...] = ()
    registrations: tuple[str, ...] = ()
    oss: bool = False
    keeps_invoices: bool = False
    revalue: bool = False
    ledger: Literal["flow", "file"] = "flow"
    files_to: str = ""
    statements_from: tuple[str, ...] = ()
    tolerance: Decimal = Decimal("0.50")
    bank_tolerance: Decimal = ZERO
    row_limit: int = 1000
    series: Mapping[Source, str] = {}
    default_series: str = "I"
    policies: Mapping[Code, Policy] = {}
    channels: Mapping[str, BooksPart] = {}
    accounts: tuple[AccountRow, ...] = ()
    fees: tuple[FeeRow, ...] = ()
    providers: tuple[ProviderRow, ...] = ()
    files: Mapping[str, Profile] = {}
    accounts_at: Mapping[str, tuple[str, ...]] = {}
    agents: Mapping[str, AgentPart] = {}


def part_of(row: Company) -> CompanyPart:
    """The company's settings as they stand in the database."""
    return msgspec.convert(row.settings, CompanyPart)


def settings_of(part: CompanyPart) -> Any:
    """The settings as the database keeps them."""
    return msgspec.to_builtins(part)


def check(companies: Mapping[str, CompanyPart], channels: Mapping[str, Any], connections: Collection[str] = ()) -> None:
    """Raises Misconfigured for a channel that is not there or belongs to two companies, and for what cannot be."""
    owners: dict[str, str] = {}
    givers: dict[str, str] = {}
    for code, part in companies.items():
        where = f"companies.{code}"
        for channel in part.channels:
            if channel not in channels:
                raise Misconfigured(
                    f"There is no channel {channel!r}",
                    where=where, do_this=f"Known are: {', '.join(channels) or 'none'}.",
                )  # fmt: skip
            if owners.setdefault(channel, code) != code:
                raise Misconfigured(f"The channel {channel} belongs to {owners[channel]} already", where=where)
        for agent in part.agents.values():
            if agent.channel and agent.channel not in part.channels:
                raise Misconfigured(f"{agent.channel} is no channel of this company", where=where)
        for name in part.statements_from:
            if name not in connections:
                raise Misconfigured(f"There is no connection {name!r}", where=where)
            if givers.setdefault(name, code) != code:
                raise Misconfigured(f"The statements of {name} go to {givers[name]} already", where=where)
        if part.files_to and part.files_to not in connections:
            raise Misconfigured(f"There is no connection {part.files_to!r}", where=where)
        if part.ledger == "file" and part.keeps_invoices:
            raise Misconfigured(
                "A ledger that takes files keeps no invoices", where=where, do_this="Take keeps_invoices away."
            )
        if part.files_to and part.ledger != "file":
            raise Misconfigured('files_to is for ledger = "file"', where=where)
        known = {row.role.partition(".")[0] for row in (*profile(part.profile).accounts, *part.accounts)}
        for row in part.fees:
            if row.role.partition(".")[0] not in known:
                raise Misconfigured(f"The fee of {row.provider} goes to {row.role}, which is no role", where=where)
        for year in part.years:
            if year.last < year.first:
                raise Misconfigured(f"A fiscal year ends before it begins: {year.first} to {year.last}", where=where)
