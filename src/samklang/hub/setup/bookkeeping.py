"""Changes of a company's settings that need no plan, because nothing outside follows from them: its accounts, how fees
are taxed, where statements come from. Each is a version of the configuration; rows are added and never changed, so what
was true for earlier vouchers stays in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec
from django.db import transaction

from samklang.accounting.chart import AccountRow, FeeRow, profile
from samklang.connectors.errors import BadData
from samklang.hub.models import Channel, Company, Connection
from samklang.hub.setup import companies
from samklang.hub.setup.companies import CompanyPart
from samklang.hub.setup.config import write_version

_ROLE = re.compile(r"[a-z_]+(\.\w+)+")
Edit = Callable[[CompanyPart], CompanyPart]


def change(company: Company, edit: Edit, *, by: str, why: str) -> bool:
    """Change the settings, and write a version; False when that changes nothing. Raises Misconfigured for what cannot
    be, BadData for a row that is refused."""
    with transaction.atomic():
        rows = list(Company.objects.select_for_update().filter(tenant=company.tenant_id).order_by("code"))
        parts = {row.code: companies.part_of(row) for row in rows}
        row = next(row for row in rows if row.pk == company.pk)
        before, after = parts[row.code], edit(parts[row.code])
        if after == before:
            return False
        channels = dict.fromkeys(Channel.objects.filter(tenant=row.tenant_id).values_list("code", flat=True))
        names = set(Connection.objects.filter(tenant=row.tenant_id).values_list("name", flat=True))
        companies.check({**parts, row.code: after}, channels, names)
        row.settings = companies.settings_of(after)
        row.save(update_fields=["settings"])
        write_version(row.tenant, by, why)
    return True


def roles(part: CompanyPart) -> list[str]:
    """The roles that have an account, by name."""
    return sorted({row.role for row in (*profile(part.profile).accounts, *part.accounts)})


def families(part: CompanyPart) -> list[str]:
    """What roles begin with, so that a part of one may have an account of its own: receivable.psp, vat.out.oss."""
    return sorted({role.rpartition(".")[0] for role in roles(part) if role.count(".") > 1} - set(roles(part)))


def _may_be(role: str, known: Sequence[str]) -> bool:
    """Whether it is one of the roles, or a part of a family of theirs (a country's, a rate's, a provider's own)."""
    family = role.partition(".")[0]
    return role in known or (bool(_ROLE.fullmatch(role)) and family in {one.partition(".")[0] for one in known})


def with_account(new: AccountRow) -> Edit:
    """From its day on, the role has that account."""

    def edit(part: CompanyPart) -> CompanyPart:
        if not _may_be(new.role, roles(part)):
            raise BadData(f"There is no role {new.role}", where="role", do_this="Choose one of the list.")
        _open(part, new)
        old = [row for row in (*profile(part.profile).accounts, *part.accounts) if row.role == new.role]
        code = new.vat_code or next((row.vat_code for row in reversed(old) if row.vat_code), "")
        name = new.name or next((row.name for row in reversed(old) if row.account == new.account), "")
        row = msgspec.structs.replace(new, vat_code=code, name=name)
        there = part.accounts[-1:] == (row,)
        return part if there else msgspec.structs.replace(part, accounts=(*part.accounts, row))

    return edit


def with_fee(new: FeeRow) -> Edit:
    """From its day on, the provider's fee is taxed so."""

    def edit(part: CompanyPart) -> CompanyPart:
        _open(part, new)
        there = part.fees[-1:] == (new,)
        return part if there else msgspec.structs.replace(part, fees=(*part.fees, new))

    return edit


def with_sources(names: Sequence[str]) -> Edit:
    """Statements come by themselves from these connections."""
    return lambda part: msgspec.structs.replace(part, statements_from=tuple(dict.fromkeys(names)))


def _open(part: CompanyPart, row: AccountRow | FeeRow) -> None:
    if row.since < part.locked_before:
        raise BadData(
            f"The books are closed before {part.locked_before}",
            where="since",
            do_this="Choose that day or a later one.",
        )
