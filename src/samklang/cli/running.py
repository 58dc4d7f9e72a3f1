"""The embedded engine inside one command: run these jobs and what follows from them, until nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Max

from samklang.cli.screen import Exit, Screen, Step, plain
from samklang.engine.embedded import Embedded
from samklang.engine.port import Job, deliver_job, hooks_job
from samklang.engine.work import perform
from samklang.hub.delivery import wake_waiting
from samklang.hub.links import usable
from samklang.hub.models import Binding, Connection, Hook, Tenant, Transfer
from samklang.hub.store import due_types

_HORIZON = 60.0  # a retry that is due within so many seconds is waited for
_PATIENCE = 3600.0
_OPEN = ("due", "sending", "waiting", "held", "stopped")


class Ran(NamedTuple):
    """What came of it: the transfers, what is left by type and state, defects of jobs, connections that need a
    person."""

    transfers: list[Transfer]
    left: list[dict[str, Any]]
    defects: list[str]
    needs_person: list[Connection]
    idle: bool

    @property
    def exit_code(self) -> Exit:
        """4 when a person must act on a connection or brake, 1 when something failed, else 0."""
        if self.needs_person or any(row["state"] == "held" for row in self.left):
            return Exit.PERSON
        stopped = any(row["state"] == "stopped" for row in self.left)
        failed = any(transfer.result == "failed" for transfer in self.transfers)
        return Exit.FAILED if failed or stopped or self.defects or not self.idle else Exit.OK

    def plain(self) -> dict[str, Any]:
        """For --json."""
        return {
            "transfers": [transfer_plain(transfer) for transfer in self.transfers],
            "left": self.left,
            "needs_person": [{"connection": row.name, "reason": row.reason} for row in self.needs_person],
            "defects": self.defects,
        }

    def show(self, screen: Screen) -> None:
        """A table of the transfers, and what is left."""
        rows = _summed(self.transfers)
        if rows:
            columns = "Transfer|runs>|considered>|created>|updated>|skipped>|failed tries>|Result".split("|")
            screen.table(columns, rows)
        else:
            screen.say("There was nothing to transfer.", "green")
        for row in self.left:
            what = {
                "due": "will be tried again", "sending": "being sent elsewhere", "waiting": "waiting for another",
                "held": "held by a brake: `samklang release` shows it", "stopped": "stopped: see `samklang problems`",
            }[row["state"]]  # fmt: skip
            screen.say(f"{row['connection']}: {row['count']} {row['type']} {what}", "yellow")
        for connection in self.needs_person:
            screen.say(f"{connection.name} needs a person: {connection.reason}", "bold red")
        for defect in self.defects:
            screen.say(f"A job failed by a defect in Samklang: {defect}", "bold red")


def due_jobs(tenant: Tenant) -> list[Job]:
    """Deliveries and webhooks that are waiting now."""
    jobs = []
    for row in _usable(tenant):
        jobs += [deliver_job(tenant.pk, row.pk, type_) for type_ in due_types(tenant.pk, row.pk)]
        if Hook.objects.filter(connection=row, done=False).exists():
            jobs.append(hooks_job(tenant.pk, row.pk))
    return jobs


def run(screen: Screen, tenant: Tenant, jobs: Sequence[Job]) -> Ran:
    """Run the jobs and everything they wake, with progress, until nothing is due within a minute."""
    last = Transfer.objects.filter(tenant=tenant).aggregate(last=Max("pk"))["last"] or 0
    wake_waiting()
    engine = Embedded(perform)
    engine.start()
    try:
        with screen.progress() as step:
            most: dict[tuple[str, str], int] = {}
            waited = 0.0
            # Twice: on PostgreSQL a record that begins to wait for another, and that one, can pass each other unseen.
            for again in (False, True):
                for job in due_jobs(tenant) if again else jobs:
                    engine.wake(job)
                while not (idle := engine.wait_until_idle(0.5, _HORIZON)) and waited < _PATIENCE:
                    waited += 0.5
                    _progress(tenant, last, most, step)
                wake_waiting()
    finally:
        engine.stop()
    defects = [state.error for state in engine.jobs() if state.state == "failed"]
    ended = Transfer.objects.filter(tenant=tenant, pk__gt=last).exclude(result="running")  # `serve` may be at work too
    transfers = list(ended.select_related("connection").order_by("started", "pk"))
    people = Connection.objects.filter(tenant=tenant, state=Connection.State.NEEDS_PERSON)
    return Ran(transfers, left_over(tenant), defects, list(people), idle)


def _progress(tenant: Tenant, last: int, most: dict[tuple[str, str], int], step: Step) -> None:
    for transfer in Transfer.objects.filter(tenant=tenant, pk__gt=last, direction="in").select_related("connection"):
        step(f"{transfer.connection.name}: read {transfer.what}", transfer.considered, 0)
    open_now = {
        (row["connection__name"], row["type"]): row["count"]
        for row in Binding.objects.filter(tenant=tenant, state__in=("due", "sending", "waiting"))
        .values("connection__name", "type")
        .annotate(count=Count("key"))
    }
    for place in {*most, *open_now}:
        most[place] = max(most.get(place, 0), open_now.get(place, 0))
        step(f"{place[0]}: send {place[1]}", most[place] - open_now.get(place, 0), most[place])


def left_over(tenant: Tenant) -> list[dict[str, Any]]:
    """Deliveries that are not done, counted by connection, type and state."""
    rows = (
        Binding.objects.filter(tenant=tenant, state__in=_OPEN)
        .values("connection__name", "type", "state")
        .annotate(count=Count("key"))
        .order_by("connection__name", "type", "state")
    )
    return [
        {"connection": r["connection__name"], "type": r["type"], "state": r["state"], "count": r["count"]} for r in rows
    ]


def _usable(tenant: Tenant) -> list[Connection]:
    return [row for row in Connection.objects.filter(tenant=tenant).select_related("tenant") if usable(row)]


def transfer_plain(transfer: Transfer) -> dict[str, Any]:
    """A transfer for --json."""
    return {
        "id": transfer.pk, "connection": transfer.connection.name, "direction": transfer.direction,
        "what": transfer.what, "sweep": transfer.sweep, "started": transfer.started, "seconds": transfer.seconds,
        "considered": transfer.considered, "created": transfer.created, "updated": transfer.updated,
        "skipped": transfer.skipped, "failed": transfer.failed, "result": transfer.result, "error": transfer.error,
    }  # fmt: skip


def _summed(transfers: Iterable[Transfer]) -> list[list[object]]:
    """One row per connection, direction and thing, in the order in which they began. A drain that ends and begins
    again is of no interest here; `samklang runs` shows each."""
    groups: dict[tuple[str, str, str], list[Transfer]] = {}
    for transfer in transfers:
        groups.setdefault((transfer.connection.name, transfer.direction, transfer.what), []).append(transfer)
    counts = ("considered", "created", "updated", "skipped", "failed")
    return [
        [
            _title(some[0]), len(some),
            *(sum(getattr(t, count) for t in some) for count in counts),
            f"{some[-1].error or some[-1].result}, {plain(sum(t.seconds or 0.0 for t in some))} s",
        ]
        for some in groups.values()
    ]  # fmt: skip


def show_transfers(screen: Screen, transfers: Iterable[Transfer]) -> None:
    """Transfers as a table."""
    rows = [
        (
            _when(t.started), f"{_title(t)}{' (all)' * t.sweep}", t.considered, t.created, t.updated, t.skipped,
            t.failed, f"{t.error or t.result}, {plain(t.seconds)} s",
        )
        for t in transfers
    ]  # fmt: skip
    if rows:
        screen.table("Started|Transfer|considered>|created>|updated>|skipped>|failed>|Result".split("|"), rows)


def _when(at: datetime) -> str:
    """The time alone where it was today."""
    text = plain(at)
    return text.removeprefix(f"{datetime.now().astimezone():%Y-%m-%d} ")


def _title(transfer: Transfer) -> str:
    return f"{transfer.connection.name} {'reads' if transfer.direction == 'in' else 'gets'} {transfer.what}"
