"""Backups of a SQLite hub, and what a restored hub must know (for PostgreSQL there is pg_dump: docs/how-to/backup.md).

A backup is one SQLite file: all tables as they were at one moment, and a table `backup` that says when and by which
release it was made, and holds the key for secrets if the operator wants it in. The file knows by itself what it is, so
however it came into the data folder, the first command there takes it over (cli/session.py).

What the lost hub did after its backup, a restored one does not know:
- Whatever it would create, may exist: for a month everything is looked for by our reference first (hub/delivery.py).
  That is also right for what is read only now, such as an order that came between backup and loss.
- Targets may hold newer articles, prices and stock than it remembers having sent: all are sent once more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from samklang import __version__
from samklang.connectors.errors import Misconfigured
from samklang.hub import secrets
from samklang.hub.links import settle_journals
from samklang.hub.models import Binding, Lease, Restore

_TABLE = "backup"
_LEVELS = frozenset({"product", "price_list", "price", "stock"})  # what may be sent again at no harm


class Backup(NamedTuple):
    """What a backup says of itself."""

    made_at: datetime
    version: str
    has_key: bool


def back_up(file: Path, *, with_key: bool = False) -> Backup:
    """Write this SQLite hub into a file while others work on it; they wait for nothing. Misconfigured when the file is
    there already, or cannot be written.

    Logins that stand in the tokens' journal only are brought into the tables first, so the journal is not needed.
    """
    if file.exists():
        raise Misconfigured(f"{file} is there already", do_this="Name a file that is not.")
    settle_journals()
    made = Backup(datetime.now(UTC), __version__, with_key)
    key = "\n".join(secrets.keys()) if with_key else ""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    try:
        part.touch(mode=0o600)  # also where the caller's umask would let others read
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(part)])
        with _opened(part) as copy:
            copy.execute(f"CREATE TABLE {_TABLE} (made_at TEXT, version TEXT, key TEXT)")
            copy.execute(f"INSERT INTO {_TABLE} VALUES (?, ?, ?)", [made.made_at.isoformat(), made.version, key])  # noqa: S608
    except (OSError, sqlite3.Error) as error:
        raise Misconfigured(f"{file} cannot be written: {error}", do_this="Check the folder and its space.") from error
    _make_durable(part, file)
    return made


def restore(file: Path, database: Path) -> Backup:
    """Put a backup in place of a SQLite hub that is not there; the next session takes it over.

    Misconfigured when there is a hub already, or the file is no whole backup that this release can read.
    """
    if database.exists():
        raise Misconfigured(
            f"There is a hub at {database}", do_this="Name an empty folder (SAMKLANG_DATA), or move the old hub away."
        )
    made = examine(file)
    part = database.with_name(f"{database.name}.part")
    shutil.copyfile(file, part)
    part.chmod(0o600)
    _make_durable(part, database)
    return made


def examine(file: Path) -> Backup:
    """What a file says of itself. Misconfigured when it is no whole backup, or of a newer release."""
    if not file.is_file():
        raise Misconfigured(f"There is no file {file}", do_this="Name a file that `samklang backup` wrote.")
    try:
        with _opened(file) as copy:
            made_at, version, key = copy.execute(f"SELECT made_at, version, key FROM {_TABLE}").fetchone()  # noqa: S608
            whole = copy.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            applied = {name for (name,) in copy.execute("SELECT name FROM django_migrations WHERE app='hub'")}
    except (sqlite3.Error, TypeError) as error:
        raise Misconfigured(f"{file} is no backup of Samklang", do_this="Name a file that `backup` wrote.") from error
    if not whole:
        raise Misconfigured(f"{file} is damaged", do_this="Use another backup: this one has lost pages.")
    known = {name for app, name in MigrationLoader(None).disk_migrations if app == "hub"}
    if applied - known:
        raise Misconfigured(f"{file} was made by a newer release ({version})", do_this="Install that release first.")
    return Backup(datetime.fromisoformat(made_at), version, bool(key))


def take_over() -> None:
    """Make a restored SQLite database a hub again, if this is one; its key goes to the key file. Safe to be killed:
    the table that says what it is goes last. Misconfigured when another key is in use."""
    if connection.vendor != "sqlite" or _TABLE not in connection.introspection.table_names():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT key FROM {_TABLE}")  # noqa: S608  # a constant
        (key,) = cursor.fetchone()
        if key:
            secrets.adopt(key.split())
        mark_restored()
        cursor.execute(f"DROP TABLE {_TABLE}")


def mark_restored() -> int:
    """Tell a hub that it came out of a backup; returns how many records are sent once more."""
    with transaction.atomic():
        Restore.objects.create(at=timezone.now())
        Lease.objects.exclude(owner="").update(owner="")  # who held them worked on the lost hub
        delivered = Binding.objects.filter(type__in=_LEVELS, state="idle", flow__isnull=False, delivered__isnull=False)
        return delivered.update(state="due", due_at=time.time(), delivered=None, sent=None)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        yield database


def _make_durable(part: Path, file: Path) -> None:
    """Give the written file its name, so that after a power cut it is there whole or not at all."""
    _sync(part)
    part.replace(file)
    _sync(file.absolute().parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
