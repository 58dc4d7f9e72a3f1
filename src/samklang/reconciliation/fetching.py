"""Statements that come by themselves: papers of the connections that a company names in `statements_from`.

A paper is first read like any file, which is harmless to repeat (files.py: equal bytes, known payouts), and then
remembered by its name. Killed in between it is fetched again, and nothing is doubled. What cannot be read is kept, is a
problem, and is tried again after a day: the provider may have mended it, or we the reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import F
from django.utils import timezone

from samklang.connectors.contract import Paper
from samklang.connectors.errors import Misconfigured, SamklangError
from samklang.connectors.registry import manifest
from samklang.hub import leases
from samklang.hub.links import open_link, usable, went_well, went_wrong
from samklang.hub.models import Company, Connection
from samklang.hub.setup.companies import part_of
from samklang.reconciliation.companies import accounting_company, today
from samklang.reconciliation.files import Handed, import_file
from samklang.reconciliation.models import Fetched, Source

#: Days that are asked for: longer than any provider takes to state a sale, and than a hub may stand still unseen.
_DAYS = 60
_AGAIN = timedelta(days=1)
_LONGEST = 300


class Row(NamedTuple):
    """One source of a company's statements, and how its last run went. `state` is the connection's; "" = there is
    none."""

    name: str
    connector: str
    state: str
    ran_at: datetime | None
    well_at: datetime | None
    taken: int
    refused: int
    total: int
    error: str


class Fetch(NamedTuple):
    """What a run has brought: papers taken, papers refused, why it broke off."""

    name: str
    taken: int
    refused: int
    error: str = ""


def sources(company: Company) -> list[Row]:
    """The connections that the company names, in that order."""
    names = part_of(company).statements_from
    rows = {row.name: row for row in Connection.objects.filter(tenant=company.tenant_id, name__in=names)}
    runs = {run.connection_id: run for run in Source.objects.filter(tenant=company.tenant_id, company=company)}
    found = []
    for name in names:
        row = rows.get(name)
        run = (runs.get(row.pk) if row else None) or Source(error="" if row else f"There is no connection {name}")
        found.append(
            Row(
                name, row.connector if row else "", row.state if row else "", run.ran_at, run.well_at, run.taken,
                run.refused, run.total, run.error,
            )
        )  # fmt: skip
    return found


def able(company: Company) -> list[Connection]:
    """Connections of the tenant that give statements."""
    rows = Connection.objects.filter(tenant=company.tenant_id).order_by("name")
    return [row for row in rows if manifest(row.connector).statements]


def fetch(company: Company, name: str, *, by: str = "schedule") -> Fetch | None:
    """Take what a connection has; None when another process is at it, or the connection is paused. Errors of the
    system are the connection's, and stand in the answer. Misconfigured for a connection that the company does not name.
    """
    if name not in part_of(company).statements_from:
        raise Misconfigured(
            f"{name} is no source of statements of {company.code}", do_this="Name it in statements_from, and apply it."
        )
    row = Connection.objects.filter(tenant=company.tenant_id, name=name).select_related("tenant").first()
    if row is None:
        return Fetch(name, 0, 0, f"There is no connection {name}")
    if not usable(row):
        return None
    with leases.holding(row.tenant_id, f"fetch-{row.pk}") as held:
        return _run(company, row, by) if held else None


def fetch_all(company: Company, *, by: str = "schedule") -> list[Fetch]:
    """All that the company names; one that fails does not stop the others."""
    found = (fetch(company, name, by=by) for name in part_of(company).statements_from)
    return [one for one in found if one is not None]


def _run(company: Company, row: Connection, by: str) -> Fetch:
    run, _ = Source.objects.get_or_create(tenant_id=company.tenant_id, company=company, connection=row)
    taken = refused = 0
    error = ""
    try:
        for paper in _papers(company, row):
            why = _take(company, row, paper, by)
            taken += bool(paper.data and not why)
            refused += bool(why)
    except SamklangError as failure:
        went_wrong(row, failure)
        error = str(failure)
    else:
        went_well(row)
    now = timezone.now()
    well = {} if error else {"well_at": now}
    Source.objects.filter(pk=run.pk).update(
        ran_at=now, taken=taken, refused=refused, total=F("total") + taken, error=error, **well
    )
    return Fetch(row.name, taken, refused, error)


def _papers(company: Company, row: Connection) -> Iterator[Paper]:
    link = open_link(row)
    if not link.manifest.statements:
        raise Misconfigured(f"{row.name} gives no statements", do_this="Take it out of statements_from.")
    known = Fetched.objects.filter(tenant=row.tenant_id, connection=row)
    late = timezone.now() - _AGAIN
    names = {name for name, error, at in known.values_list("name", "error", "at").iterator() if not error or at > late}
    try:
        yield from link.connector.statements(_since(company), lambda name: name[:_LONGEST] in names)
    finally:
        link.capture.flush()


def _since(company: Company) -> date:
    ours = accounting_company(company)
    return max(ours.begins, today(ours) - timedelta(days=_DAYS))


def _take(company: Company, row: Connection, paper: Paper, by: str) -> str:
    """Read it, then remember it; gives why it was refused."""
    why = ""
    if paper.data:
        try:
            import_file(company, paper.name, paper.data, Handed(by=by, way="fetched", connection=row))
        except SamklangError as error:
            why = str(error)
    Fetched.objects.update_or_create(
        tenant_id=row.tenant_id, connection=row, name=paper.name[:_LONGEST], defaults={"error": why}
    )
    return why
