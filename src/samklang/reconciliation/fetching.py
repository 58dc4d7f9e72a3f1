"""Statements that come by themselves: papers of the connections that a company names in `statements_from`.

A paper is first read like any file, which is harmless to repeat (files.py: equal bytes, known payouts), and then
remembered by its name. Killed in between it is fetched again, and nothing is doubled. What cannot be read is kept, is a
problem, and is tried again after a day: the provider may have mended it, or we the reader.

A run that ended well leaves its day, and the next asks from there, less the days that the connector's statements may be
listed late. Once a week, and when a person asks, everything of the last 60 days is asked for: an account that was
corrected, or a company whose books begin earlier, is then read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import F, Min
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

#: As far back as is asked for without a date to go on from: longer than any provider takes to state a sale.
_ALL = timedelta(days=60)
_SWEEP = timedelta(days=7)
_DAY = _AGAIN = timedelta(days=1)
_SCHEDULE = "schedule"
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


def fetch(company: Company, name: str, *, by: str = _SCHEDULE) -> Fetch | None:
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


def fetch_all(company: Company, *, by: str = _SCHEDULE) -> list[Fetch]:
    """All that the company names; one that fails does not stop the others."""
    found = (fetch(company, name, by=by) for name in part_of(company).statements_from)
    return [one for one in found if one is not None]


def _run(company: Company, row: Connection, by: str) -> Fetch:
    run, _ = Source.objects.get_or_create(tenant_id=company.tenant_id, company=company, connection=row)
    asked = _asked(company, run, by)
    taken = refused = 0
    error = ""
    try:
        for paper in _papers(row, asked.since):
            why = _take(company, row, paper, by)
            taken += bool(paper.data and not why)
            refused += bool(why)
    except SamklangError as failure:
        went_wrong(row, failure)
        error = str(failure)
    else:
        went_well(row)
    now = timezone.now()
    swept = {"swept_on": asked.day} if asked.sweep else {}
    well = {} if error else {"well_at": now, "read_until": asked.day, **swept}
    Source.objects.filter(pk=run.pk).update(
        ran_at=now, taken=taken, refused=refused, total=F("total") + taken, error=error, **well
    )
    return Fetch(row.name, taken, refused, error)


class _Asked(NamedTuple):
    """From when a run asks, on which day; whether that is everything."""

    since: date
    day: date
    sweep: bool


def _asked(company: Company, run: Source, by: str) -> _Asked:
    ours = accounting_company(company)
    day = today(ours)
    sweep = by != _SCHEDULE or not run.swept_on or not run.read_until or day - run.swept_on >= _SWEEP
    starts = [day - _ALL] if sweep else []
    if run.read_until:
        starts.append(run.read_until - timedelta(days=manifest(run.connection.connector).statements_lie_days))
    refused = Fetched.objects.filter(tenant=run.tenant_id, connection=run.connection_id).exclude(error="")
    oldest = refused.filter(day__gte=day - _ALL).aggregate(at=Min("day"))["at"]
    starts += [oldest] if oldest else []
    return _Asked(max(ours.begins, min(starts)), day, sweep)


def _papers(row: Connection, since: date) -> Iterator[Paper]:
    link = open_link(row)
    if not link.manifest.statements:
        raise Misconfigured(f"{row.name} gives no statements", do_this="Take it out of statements_from.")
    names = _known(row, since if link.manifest.statements_lie_days else None)
    try:
        yield from link.connector.statements(since, lambda name: name[:_LONGEST] in names)
    finally:
        link.capture.flush()


def _known(row: Connection, since: date | None) -> set[str]:
    """Names that are not asked for: all, or those of papers that can be listed since the day. None of these was
    remembered before it was there."""
    known = Fetched.objects.filter(tenant=row.tenant_id, connection=row)
    if since:
        known = known.filter(at__gte=datetime.combine(since - _DAY, time(), UTC))
    late = timezone.now() - _AGAIN
    return {name for name, error, at in known.values_list("name", "error", "at").iterator() if not error or at > late}


def _take(company: Company, row: Connection, paper: Paper, by: str) -> str:
    """Read it, then remember it; gives why it was refused."""
    why = ""
    if paper.data:
        try:
            import_file(company, paper.name, paper.data, Handed(by=by, way="fetched", connection=row))
        except SamklangError as error:
            why = str(error)
    Fetched.objects.update_or_create(
        tenant_id=row.tenant_id,
        connection=row,
        name=paper.name[:_LONGEST],
        defaults={"error": why, "day": paper.day},
    )
    return why
