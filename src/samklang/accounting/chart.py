"""Which account a role means, and how a provider's fee is taxed: data per company, valid from a day to a day.

Code posts to roles (`receivable.psp.klarna`, `vat.out.oss.DE.19`); the chart turns them into accounts. A role without
an account of its own takes its family's: `vat.out.oss.DE.19` is looked for, then `vat.out.oss.DE`, then `vat.out.oss`.
The rows come from a profile (profiles/*.toml); a company's own rows follow them, and the last row that fits wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from samklang.accounting.problems import Refused

Treatment = Literal["SE_VAT", "RC_EU", "RC_NON_EU", "EXEMPT", "NEEDS_DECISION"]


class AccountRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A role's account from one day up to, not including, another. `vat_code`: what the ledger's account must carry."""

    role: str
    account: str
    name: str = ""
    vat_code: str = ""
    since: date = date.min
    until: date = date.max


class FeeRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a provider's fee is taxed and where it goes. Empty `entity` (legal entity) or `fee` (type) means any.

    `SE_VAT`: the provider charges Swedish VAT. `RC_EU`, `RC_NON_EU`: the buyer accounts for it. `EXEMPT`: no VAT.
    """

    provider: str
    treatment: Treatment
    entity: str = ""
    fee: str = ""
    role: str = "fee.psp"
    since: date = date.min
    until: date = date.max


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is particular about one provider.

    `name`: how vouchers' texts call it. `receivable`: role of its clearing account. `entity`: the legal entity whose
    fee rows count. `orderless`: its sales have no orders (card terminal, pay link). `payout`: where a payout is posted
    before its bank line is known. `bank_names`: how the bank's text names it (empty: as it is called here).
    `pays_within`: days after which a sale that is in no statement is a problem.
    """

    provider: str
    name: str = ""
    receivable: str = ""
    entity: str = ""
    orderless: bool = False
    payout: Literal["bank", "in_transit"] = "bank"
    bank_names: tuple[str, ...] = ()
    pays_within: int = 14
    since: date = date.min
    until: date = date.max


class PostingRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One debit/credit pair of a commissioner's report: both roles, the figure that is posted, the document's name."""

    debit: str
    credit: str
    figure: str
    document: str


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A country's defaults as its file holds them. `texts` are voucher texts by name, with {fields} to fill in."""

    texts: Mapping[str, str] = {}
    accounts: tuple[AccountRow, ...] = ()
    fees: tuple[FeeRow, ...] = ()
    providers: tuple[ProviderRow, ...] = ()
    postings: tuple[PostingRow, ...] = ()
    oss_threshold: Decimal | None = None  # of sales into other EU countries, a year, in the country's currency


@cache
def profile(name: str) -> Profile:
    """A profile that comes with Samklang: `se_bas` or `ru_commission`."""
    return msgspec.toml.decode(
        resources.files("samklang.accounting").joinpath("profiles", f"{name}.toml").read_bytes(), type=Profile
    )


class Chart:
    """A company's roles, fee treatments and providers: a profile and the company's own rows after it."""

    def __init__(
        self,
        base: Profile,
        accounts: Iterable[AccountRow] = (),
        fees: Iterable[FeeRow] = (),
        providers: Iterable[ProviderRow] = (),
    ) -> None:
        self.postings = base.postings
        self.oss_threshold = base.oss_threshold
        self.fees = (*base.fees, *fees)
        self._texts = base.texts
        self._accounts: dict[str, list[AccountRow]] = {}
        for row in (*base.accounts, *accounts):
            self._accounts.setdefault(row.role, []).insert(0, row)
        self._providers: dict[str, list[ProviderRow]] = {}
        for provider in (*base.providers, *providers):
            self._providers.setdefault(provider.provider, []).insert(0, provider)

    def account(self, role: str, on: date) -> AccountRow:
        """The account of the role on that day. Refused (ACCOUNT_MISSING) when neither it nor its family has one."""
        family = role
        while True:
            for row in self._accounts.get(family, ()):
                if row.since <= on < row.until:
                    return row
            if "." not in family:
                raise Refused("ACCOUNT_MISSING", role, f"The role {role} has no account on {on}.")
            family = family.rpartition(".")[0]

    def fee(self, provider: str, fee: str, on: date) -> FeeRow:
        """How this type of fee is taxed that day. Refused (FEE_TREATMENT_UNDECIDED) until somebody has decided."""
        entity = self.provider(provider, on).entity
        for row in reversed(self.fees):
            if (row.provider, row.since <= on < row.until) != (provider, True):
                continue
            if row.entity in ("", entity) and row.fee in ("", fee):
                if row.treatment == "NEEDS_DECISION":
                    break
                return row
        raise Refused(
            "FEE_TREATMENT_UNDECIDED", provider, f"How {provider} charges VAT on {fee or 'its fees'} is not decided."
        )

    def provider(self, name: str, on: date) -> ProviderRow:
        """What is particular about a provider on that day; an unknown one has nothing particular."""
        for row in self._providers.get(name, ()):
            if row.since <= on < row.until:
                return row
        return ProviderRow(provider=name)

    def name(self, provider: str, on: date) -> str:
        """The provider as texts call it."""
        return self.provider(provider, on).name or provider.replace("_", " ").title()

    def receivable(self, provider: str, on: date) -> str:
        """Role of the provider's clearing account."""
        return self.provider(provider, on).receivable or f"receivable.psp.{provider}"

    def providers(self, on: date) -> tuple[ProviderRow, ...]:
        """The providers that the chart knows on that day, by name."""
        return tuple(self.provider(name, on) for name in sorted(self._providers))

    def rows(self, on: date) -> tuple[AccountRow, ...]:
        """Every account in use on that day, by account number: the chart as a ledger lists it."""
        found = {row.account: row for rows in self._accounts.values() for row in rows if row.since <= on < row.until}
        return tuple(found[account] for account in sorted(found))

    def fees_on(self, on: date) -> tuple[FeeRow, ...]:
        """The rules of fees that decide on that day: of those for the same fee, the last."""
        found = {(row.provider, row.entity, row.fee): row for row in self.fees if row.since <= on < row.until}
        return tuple(found[name] for name in sorted(found))

    def text(self, name: str, **fields: object) -> str:
        """A voucher's text in the company's language."""
        return self._texts[name].format(**fields)
