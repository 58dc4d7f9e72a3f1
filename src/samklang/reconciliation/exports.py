"""Vouchers for a ledger that takes files: approved ones become a SIE 4I file, each voucher in one file only.

A file has a running number, and its vouchers running numbers in their series and fiscal year, so that a missing file
is a gap that a ledger and a person see. What was written is kept and can be had again, byte for byte. A file is left at
the connection that the company names (`files_to`), or fetched by a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from samklang.accounting.sie import write_sie
from samklang.accounting.statements.base import file_hash
from samklang.connectors.errors import BadData, Misconfigured, SamklangError
from samklang.hub.links import open_link, usable, went_well, went_wrong
from samklang.hub.models import Company, Connection
from samklang.hub.setup.companies import CompanyPart, part_of
from samklang.reconciliation import handover, kept
from samklang.reconciliation.companies import accounting_company, shops, today
from samklang.reconciliation.facts import changed, records
from samklang.reconciliation.models import Books, Export, Exported, Voucher
from samklang.reconciliation.sets import AT_ONCE


class Gap(NamedTuple):
    """A number that no file has: it was in one that this database does not know."""

    series: str
    year: date
    number: int


def takes_files(company: Company) -> bool:
    """Whether the company's ledger takes files."""
    return part_of(company).ledger == "file"


def export(company: Company, *, by: str) -> Export | None:
    """Every approved voucher that is in no file yet, as the next file; None when there is none.

    BadData when the company's ledger takes no files. Two that ask at once get one file.
    """
    part = part_of(company)
    if part.ledger != "file":
        raise BadData(
            f"The ledger of {company.code} takes no files", do_this='Set ledger = "file" for the company, and apply it.'
        )
    with transaction.atomic():
        Books.objects.get_or_create(tenant_id=company.tenant_id, company=company)
        Books.objects.select_for_update().get(company=company)
        rows = _waiting(company)
        if not rows:
            return None
        made = _written(company, part, rows, by)
        _post(company, part, made, rows)
    return made


def keep_up(company: Company) -> None:
    """Export what was approved and leave what was not left yet, where the company names a place for its files."""
    part = part_of(company)
    if part.ledger != "file" or not part.files_to:
        return
    export(company, by="samklang")
    leave(company, part.files_to)


def leave(company: Company, place: str) -> int:
    """Leave every file that was not left yet at the connection, oldest first, each once whatever happens; gives how
    many. The first that cannot be left says why, and stops those behind it."""
    waiting = Export.objects.filter(tenant=company.tenant_id, company=company, left_at=None).order_by("number")
    count = 0
    for one in waiting:
        row = Connection.objects.filter(tenant=company.tenant_id, name=place).select_related("tenant").first()
        try:
            _leave(row, place, one)
        except SamklangError as error:
            if row is not None:
                went_wrong(row, error)
            Export.objects.filter(pk=one.pk).update(error=str(error))
            break
        if not one.left_at:
            break
        count += 1
    return count


def _leave(row: Connection | None, place: str, one: Export) -> None:
    if row is None:
        raise Misconfigured(
            f"There is no connection {place}", do_this="Connect it, or correct files_to of the company."
        )
    if not usable(row):
        return
    link = open_link(row)
    if not link.manifest.files:
        raise Misconfigured(f"{place} takes no files", do_this="Name a connection of file transport in files_to.")
    try:
        link.connector.leave(one.name, content(one))
    finally:
        link.capture.flush()
    went_well(row)
    one.place, one.left_at, one.error = place, timezone.now(), ""
    one.save(update_fields=["place", "left_at", "error"])


def content(one: Export) -> bytes:
    """The file's bytes, as they were written."""
    return kept.unseal(bytes(one.body))


def files(company: Company, most: int = 50) -> list[Export]:
    """The company's files, newest first; without their bytes."""
    rows = Export.objects.filter(tenant=company.tenant_id, company=company).order_by("-number").defer("body")
    return list(rows[:most])


def the_file(company: Company, number: int) -> Export:
    """The file of that number. BadData when there is none."""
    found = Export.objects.filter(tenant=company.tenant_id, company=company, number=number).first()
    if found is None:
        raise BadData(f"There is no file {number}", do_this="`samklang vouchers export` lists them.")
    return found


def gaps(company: Company) -> list[Gap]:
    """Numbers of vouchers that are in no file, below the highest of their series and year."""
    found: list[Gap] = []
    mine = Exported.objects.filter(tenant=company.tenant_id, company=company)
    for series, year, highest in mine.values_list("series", "year").annotate(highest=Max("number")).order_by():
        there = set(mine.filter(series=series, year=year).values_list("number", flat=True))
        found += [Gap(series, year, number) for number in range(1, highest + 1) if number not in there]
    return sorted(found)


# ---------------------------------------------------------------------------------------------------- one file


def _waiting(company: Company) -> list[Voucher]:
    """Approved vouchers in the order of their days. One that another ledger was asked to take stays with that one, and
    one that was changed by hand since its approval is in no file: the check of the books names it."""
    approved = Voucher.objects.filter(tenant=company.tenant_id, company=company, state=Voucher.State.APPROVED)
    rows = list(approved.select_related("company").order_by("date", "key"))
    not_these: set[str] = set()
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        not_these |= handover.let_go(company, [row.key for row in some]) | set(changed(some))
    return [row for row in rows if row.key not in not_these]


def _written(company: Company, part: CompanyPart, rows: Sequence[Voucher], by: str) -> Export:
    mine = {"tenant_id": company.tenant_id, "company_id": company.pk}
    number = (Export.objects.filter(**mine).aggregate(last=Max("number"))["last"] or 0) + 1
    ours = accounting_company(company, part)
    numbered = list(_numbered(company, part, rows))
    numbers = {row.key: str(each) for row, _, each in numbered}
    data = write_sie(records(rows), ours, today(ours), sign=by, numbers=numbers)
    made = Export.objects.create(
        **mine, number=number, name=f"{company.code}-{number:05}.si", hash=file_hash(data), body=kept.seal(data),
        by=by[:150], vouchers=len(rows), first=rows[0].date, last=rows[-1].date,
    )  # fmt: skip
    Exported.objects.bulk_create(
        [
            Exported(**mine, export=made, voucher=row, series=row.series, year=year, number=each)
            for row, year, each in numbered
        ],
        batch_size=AT_ONCE,
    )
    for row, year, each in numbered:
        row.number = f"{row.series} {each}/{year.year}"
    return made


def _numbered(company: Company, part: CompanyPart, rows: Iterable[Voucher]) -> Iterator[tuple[Voucher, date, int]]:
    """Each voucher with its fiscal year and its number in the series of that year."""
    last: Counter[tuple[str, date]] = Counter()
    mine = Exported.objects.filter(tenant=company.tenant_id, company=company)
    for series, year, highest in mine.values_list("series", "year").annotate(highest=Max("number")).order_by():
        last[series, year] = highest
    for row in rows:
        year = _year(part, row.date)
        last[row.series, year] += 1
        yield row, year, last[row.series, year]


def _year(part: CompanyPart, day: date) -> date:
    """The first day of the fiscal year; of the calendar year where the settings name none."""
    return next((year.first for year in part.years if year.first <= day <= year.last), day.replace(month=1, day=1))


def _post(company: Company, part: CompanyPart, made: Export, rows: Sequence[Voucher]) -> None:
    """The vouchers count as posted from now on: what is in a file is the ledger's."""
    for row in rows:
        row.state, row.posted_at = Voucher.State.POSTED, made.at
    Voucher.objects.bulk_update(rows, ["state", "posted_at", "number"], batch_size=AT_ONCE)
    shop = next((shop.connection for shop in shops(company, part)), None)
    handover.settle(company, rows, place=shop, ledger=made.name)
