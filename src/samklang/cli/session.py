"""What every command on the hub needs first: the data folder, the database in its newest shape, the tenant.

Processes on one data folder share a lock file. Whoever gets it alone knows that no other process lives, so a lease
that is still there belongs to a dead one and is ended at once instead of being waited for.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from samklang import logs
from samklang.cli.screen import Screen, WrongUse, plain
from samklang.hub.keeping import backups, moving
from samklang.hub.links import forget_links
from samklang.hub.models import Connection, Lease, Tenant
from samklang.people import audit

_PATIENCE = 10.0  # seconds to wait for another process that may be about to end
_LONGEST = 600.0  # and for one that is bringing the database up to date


@Parameter(name="*")
@dataclass
class Common:
    """What every command takes."""

    json: Annotated[bool, Parameter(help="Print one JSON document for programs.")] = False
    tenant: Annotated[str, Parameter(help="Which tenant; not needed where there is only one.")] = ""


class Session:
    """One command at work: its screen and its tenant."""

    def __init__(self, screen: Screen, wanted: str = "") -> None:
        self.screen = screen
        self.wanted = wanted

    @property
    def tenant(self) -> Tenant:
        """The tenant that was named, or the only one."""
        found = self.maybe_tenant()
        if found is None:
            raise WrongUse("Nothing is set up here yet", "Begin with `samklang connect`, or try `samklang demo`.")
        return found

    def maybe_tenant(self) -> Tenant | None:
        """The tenant, or None when there is none at all yet."""
        found = list(Tenant.objects.order_by("slug"))
        named = [tenant for tenant in found if tenant.slug == self.wanted]
        if self.wanted and found and not named:
            known = ", ".join(tenant.slug for tenant in found)
            raise WrongUse(f"There is no tenant {self.wanted!r}", f"Known are: {known}.")
        if not self.wanted and len(found) > 1:
            raise WrongUse("There is more than one tenant", f"Add --tenant: {', '.join(t.slug for t in found)}.")
        return (named or found)[0] if found else None

    def note(self, what: str, about: str, tenant: Tenant | None = None, **details: object) -> None:
        """Write into the audit what was done at the command line, like `audit.note`; in the session's tenant unless
        another is named."""
        audit.note(audit.Actor(tenant or self.tenant, f"{who()}, command line"), what, about, **details)

    def connection(self, name: str) -> Connection:
        """The connection of that name."""
        rows = {row.name: row for row in Connection.objects.filter(tenant=self.tenant).select_related("tenant")}
        if name not in rows:
            raise WrongUse(f"There is no connection {name!r}", f"Known are: {', '.join(sorted(rows)) or 'none'}.")
        return rows[name]


@contextlib.contextmanager
def session(common: Common | None, *, alone: bool = False) -> Iterator[Session]:
    """Everything ready for a command; given back at its end. With `alone` no other process works on the folder."""
    common = common or Common()
    screen = Screen(common.json)
    quiet_logs()
    with database(alone=alone):
        yield Session(screen, common.tenant)


@contextlib.contextmanager
def database(*, alone: bool = False) -> Iterator[None]:
    """The data folder and the database in its newest shape, held under the shared lock (`alone`: the whole lock)."""
    with data_folder() as lock:
        _settle(lock)
        if alone:
            take_alone(lock)
        try:
            yield
        finally:
            forget_links()
            connections.close_all()


@contextlib.contextmanager
def data_folder() -> Iterator[int]:
    """The data folder, made if need be; gives the open lock file."""
    os.umask(0o077)  # customers' addresses lie here: for the owner's eyes only
    folder = Path(settings.DATA)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "samklang.lock").open("w") as lock:
        yield lock.fileno()


def take_alone(lock: int) -> None:
    """Hold the whole lock. WrongUse when another process has part of it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WrongUse(
            "`samklang serve` or another command is at work on this data folder", "End it, then run this again."
        ) from None


def _settle(lock: int) -> None:
    """Take the lock: alone for a moment if nobody else lives (then tidy up), shared for the rest."""
    if connection.vendor == "postgresql":
        _migrate_alone()
        _share(lock, time.monotonic() + _PATIENCE)
        moving.arrive(Path(settings.DATA) / "samklang.db")
        return
    began = time.monotonic()
    until = began + _PATIENCE
    while True:
        alone = _took(lock, fcntl.LOCK_EX)
        _refuse_if_left()
        executor = MigrationExecutor(connection)
        old = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if old and alone:
            call_command("migrate", verbosity=0, interactive=False)
        if alone:
            backups.take_over()
            Lease.objects.exclude(owner="").update(owner="")
        if alone or not old:
            # Not atomic, and need not be: we hold no lease before the shared lock is ours.
            _share(lock, until)
            _refuse_if_left()
            return
        if _took(lock, fcntl.LOCK_SH):
            fcntl.flock(lock, fcntl.LOCK_UN)
        else:  # somebody has it alone, and is bringing it up to date
            until = min(time.monotonic() + _PATIENCE, began + _LONGEST)
        if time.monotonic() > until:
            raise WrongUse(
                "The database must be brought up to date, but another samklang process uses it",
                "End it (`samklang serve`?), then run this again.",
            )
        time.sleep(0.1)


def _took(lock: int, kind: int) -> bool:
    """Take the lock in this kind, if nobody's is in the way."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _share(lock: int, until: float) -> None:
    """Hold the lock with others, as soon as nobody has the whole of it."""
    while not _took(lock, fcntl.LOCK_SH):
        if time.monotonic() > until:
            raise WrongUse(
                "Another command has the data folder for itself (`samklang migrate-to`?)", "Wait until it has ended."
            )
        time.sleep(0.1)


def _refuse_if_left() -> None:
    """A hub that moved away is never used again: two hubs would do everything twice."""
    move = moving.left()
    if move:
        raise WrongUse(
            f"This hub moved to PostgreSQL on {plain(move.begun_at)}: set SAMKLANG_DATABASE",
            f"It is at {move.to}; this data folder stays in use beside it, for its key.",
        )


def _migrate_alone() -> None:
    """Bring PostgreSQL to its newest shape, where processes of other machines may be about to do the same."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [moving.MIGRATING])
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", verbosity=0, interactive=False)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [moving.MIGRATING])
    except OperationalError as error:
        raise WrongUse(
            f"The database cannot be used: {error}".strip(), "Check SAMKLANG_DATABASE and that the server runs."
        ) from error


def who() -> str:
    """Who is written down as the author of a change."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "command line"


def quiet_logs() -> None:
    """Log lines go to stderr, warnings and worse only."""
    logs.configure(logging.WARNING, json=False)
