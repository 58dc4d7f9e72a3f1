"""Moving the hub from SQLite to PostgreSQL, with everything in it.

    old database (SQLite)                new database (PostgreSQL)
    move row, done = no
    write lock ───────────────────┐
                                  │      tables made, empty
                                  │      ┌ one transaction: emptied, filled, read back, compared
                                  │      └ its move row came along: done = no, so nobody uses it
    done = yes, lock given back ──┘      (this commit decides)
                                         done = yes

Killed before the decision, the old hub is as it was, and what may stand in the new database is known as its copy by the
number of the move. Killed after it, the next command in the old data folder takes the new database into use (`arrive`).

Procrastinate's jobs are not moved: they are wake-ups, the work itself stands in our tables.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, GenericIPAddressField, JSONField, Model
from django.utils import timezone
from psycopg.types.json import Jsonb

from samklang.connectors.errors import BadData, Misconfigured
from samklang.hub.links import settle_journals
from samklang.hub.models import Move
from samklang.settings import postgresql

#: Number of the advisory lock on PostgreSQL under which tables are made and filled: "SAMK".
MIGRATING = 0x53414D4B

_NEW = "new"  # Django's name for the database that is moved to
_CHUNK = 5000  # rows taken from SQLite at a time
_PATIENCE = 5.0  # seconds for the connections of a move that was killed to go
_MADE_BY_MIGRATE = frozenset({"contenttypes", "auth"})  # apps whose rows stand in a new database too

#: Told the table, how many of its rows are done, and how many there are.
Step = Callable[[str, int, int], None]

_plain = msgspec.msgpack.Encoder(order="deterministic")  # objects of JSON in one order: jsonb keeps another


class Moved(NamedTuple):
    """A table that was moved: the hash is the same on both sides, over all columns of all rows."""

    table: str
    rows: int
    hash: str
    seconds: float


class Fingerprint:
    """Count and hash of rows in any order: the sum of the rows' BLAKE2b hashes, 128 bits."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """Count a row of values as Python has them (times with their zone, objects for JSON)."""
        self.rows += 1
        self._sum += int.from_bytes(hashlib.blake2b(_plain.encode(row), digest_size=16).digest(), "big")

    @property
    def hash(self) -> str:
        """32 hex digits."""
        return f"{self._sum % 2**128:032x}"


def tables() -> list[type[Model]]:
    """Every table that Django keeps, those that others refer to first."""
    managed = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    refers = {
        model: {field.related_model for field in model._meta.local_concrete_fields if field.related_model} - {model}
        for model in managed
    }
    return [model for model in TopologicalSorter(refers).static_order() if model in refers]


def move(address: str, step: Step) -> list[Moved]:
    """Copy this hub into the PostgreSQL database at a postgresql:// address, compare, and leave this one.

    The caller sees to it that no other process works on the hub. Raises Misconfigured when the address cannot be used
    or the database there holds anything but an earlier try of this same move; BadData when PostgreSQL does not take a
    value, or has another one afterwards. Then nothing has changed.
    """
    settle_journals()
    row, _ = Move.objects.get_or_create(
        done=False, defaults={"number": uuid.uuid4(), "begun_at": timezone.now(), "to": without_password(address)}
    )
    Move.objects.filter(pk=row.pk).update(begun_at=timezone.now(), to=without_password(address))
    with _reaching(address) as new:
        _lock(new)
        with transaction.atomic():  # SQLite's write lock, from here to the decision
            _must_be_free(new, row.number)
            call_command("migrate", database=_NEW, verbosity=0, interactive=False)
            with transaction.atomic(using=_NEW):
                moved = _fill(new, step)
            Move.objects.filter(pk=row.pk).update(done=True)
        arrived(row.number, using=_NEW)
    return moved


def arrived(number: uuid.UUID, using: str = "default") -> None:
    """The old database has been left for good: the new one may be used."""
    Move.objects.using(using).filter(number=number).update(done=True)


def left() -> Move | None:
    """The move by which this SQLite hub was left, if it was."""
    database = connections["default"]
    if Move._meta.db_table not in database.introspection.table_names():
        return None
    return Move.objects.filter(done=True).first()


def arrive(old: Path) -> None:
    """See that this PostgreSQL database may be used. A copy whose move was killed in its last step is taken into use
    when the SQLite file `old` says that it was left for it; else Misconfigured."""
    for row in Move.objects.filter(done=False):
        if not _was_left(old, row.number):
            raise Misconfigured(
                "The move into this database has not come to its end",
                do_this="Run `samklang migrate-to` on the old data folder again; until then the hub there is the one.",
            )
        arrived(row.number)


def _was_left(old: Path, number: uuid.UUID) -> bool:
    if not old.exists():
        return False
    with contextlib.closing(sqlite3.connect(f"{old.as_uri()}?mode=ro", uri=True)) as database:
        found = database.execute(
            f"SELECT done FROM {Move._meta.db_table} WHERE number=?",  # noqa: S608  # a constant
            [number.hex],
        ).fetchone()
    return bool(found and found[0])


def without_password(address: str) -> str:
    """The address, fit for showing and keeping. Misconfigured where it is none of PostgreSQL."""
    parts = _parts(address)
    user = f"{parts['USER']}@" if parts["USER"] else ""
    port = f":{parts['PORT']}" if parts["PORT"] else ""
    host, folder = ("", f"?host={parts['HOST']}") if parts["HOST"].startswith("/") else (parts["HOST"], "")
    return f"postgresql://{user}{host}{port}/{parts['NAME']}{folder}"


def _parts(address: str) -> dict[str, Any]:
    try:
        if not address.startswith(("postgresql://", "postgres://")):
            raise psycopg.ProgrammingError
        parts = postgresql(address)
    except psycopg.ProgrammingError:
        raise Misconfigured(
            "This is no address of a PostgreSQL database", do_this="Write postgresql://user@host/name."
        ) from None
    return {**parts, "OPTIONS": {name: value for name, value in parts["OPTIONS"].items() if name != "pool"}}


# ------------------------------------------------------------------------------------------------- the new database


@contextlib.contextmanager
def _reaching(address: str) -> Iterator[BaseDatabaseWrapper]:
    """The database at the address, under the name `_NEW`."""
    connections.databases[_NEW] = connections.configure_settings(
        {"default": settings.DATABASES["default"], _NEW: _parts(address)}
    )[_NEW]
    new = connections[_NEW]
    try:
        try:
            new.ensure_connection()
        except DatabaseError as error:
            raise Misconfigured(
                f"The database cannot be reached: {error}".strip(), do_this="Check the address and that it runs."
            ) from error
        yield new
    finally:
        new.close()
        del connections[_NEW], connections.databases[_NEW]


def _lock(new: BaseDatabaseWrapper) -> None:
    """Be alone on the database while connected: commands that begin now wait (cli/session.py), who is there already is
    refused here. Misconfigured when somebody is."""
    with new.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        until = time.monotonic() + _PATIENCE
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            (others,) = cursor.fetchone()
            if not others:
                return
            if time.monotonic() > until:
                raise Misconfigured(
                    f"The database is in use: {others} other connections",
                    do_this="End the workers and tools that are connected to it, then run this again.",
                )
            time.sleep(0.1)


def _must_be_free(new: BaseDatabaseWrapper, number: uuid.UUID) -> None:
    """Misconfigured when the database holds anything, but for an earlier try of this move: its move row has the number
    and is not done, so nothing can have been done there since."""
    there = set(new.introspection.table_names())
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} | {"django_migrations"}
    foreign = sorted(there - known)
    if foreign:
        raise Misconfigured(
            f"The database holds other tables: {', '.join(foreign[:5])}", do_this="Make one for Samklang alone."
        )
    if Move._meta.db_table in there and Move.objects.using(_NEW).filter(number=number, done=False).exists():
        return
    for model in tables():
        table, born = model._meta.db_table, model._meta.app_label in _MADE_BY_MIGRATE
        if table in there and not born and _any(new, table):
            raise Misconfigured(
                f"The database holds a hub already (table {table})", do_this="Make an empty one: nothing was changed."
            )


def _any(new: BaseDatabaseWrapper, table: str) -> bool:
    """Whether the table has a row; its columns may be those of another release."""
    with new.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {new.ops.quote_name(table)} LIMIT 1")  # noqa: S608  # a name of Django's
        return cursor.fetchone() is not None


# ------------------------------------------------------------------------------------------------------- the copy


def _fill(new: BaseDatabaseWrapper, step: Step) -> list[Moved]:
    """Copy and compare every table. In the caller's transaction: tables emptied in it are filled without being logged
    row by row and need no vacuum afterwards (FREEZE), and nobody sees them before it is committed."""
    models = tables()
    with new.cursor() as cursor:
        names = ", ".join(new.ops.quote_name(model._meta.db_table) for model in models)
        cursor.execute(f"TRUNCATE {names}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a row without its parent is refused with its table
        moved = [_copy(cursor, model, step) for model in models]
        for statement in new.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
        cursor.execute(f"ANALYZE {names}")  # the planner must know from the first query on
    return moved


def _copy(cursor: Any, model: type[Model], step: Step) -> Moved:
    """One table, by COPY in binary form, which takes every value in its column's own type."""
    table = model._meta.db_table
    began = time.monotonic()
    fields = model._meta.local_concrete_fields
    quote = connections[_NEW].ops.quote_name
    names = [str(field.column) for field in fields]
    types = _types(cursor, table, names)
    columns = ", ".join(map(quote, names))
    rows = model._base_manager.order_by("pk").values_list(*(field.attname for field in fields))
    total = rows.count()
    special = {place: wrap for place, field in enumerate(fields) for kind, wrap in _WRAPS if isinstance(field, kind)}
    read, written = Fingerprint(), Fingerprint()
    step(table, 0, total)
    try:
        with cursor.copy(f"COPY {quote(table)} ({columns}) FROM STDIN (FORMAT BINARY, FREEZE)") as copy:
            copy.set_types(types)
            for row in rows.iterator(chunk_size=_CHUNK):
                read.add(row)
                copy.write_row(_wrapped(row, special) if special else row)
                if read.rows % _CHUNK == 0:
                    step(table, read.rows, total)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        # The context ends in the value, which may be somebody's name: only table, line and column are told.
        where = (error.diag.context or f"COPY {table}, line {read.rows}").partition(":")[0].removeprefix("COPY ")
        raise BadData(
            f"PostgreSQL does not take a value: {error.diag.message_primary or error}", where=where,
            do_this="Mend or delete that row in SQLite (lines are counted in the order of the key); nothing was moved.",
        ) from None  # fmt: skip
    with cursor.copy(f"COPY {quote(table)} ({columns}) TO STDOUT (FORMAT BINARY)") as copy:
        copy.set_types(types)
        for row in copy.rows():
            written.add(tuple(map(_as_read, row)) if special else row)
    if (read.rows, read.hash) != (written.rows, written.hash):
        raise BadData(
            f"The copy differs: {read.rows} rows were read, {written.rows} arrived", where=table,
            do_this="Report this; nothing was moved, and the hub goes on where it is.",
        )  # fmt: skip
    step(table, total, total)
    return Moved(table, written.rows, written.hash, time.monotonic() - began)


def _types(cursor: Any, table: str, columns: Iterable[str]) -> list[int]:
    """PostgreSQL's numbers for the types of columns."""
    cursor.execute(
        "SELECT attname, atttypid::int FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", [f'"{table}"']
    )
    known = dict(cursor.fetchall())
    return [known[column] for column in columns]


#: Values that PostgreSQL takes in a type of their own.
_WRAPS: tuple[tuple[type[Field[Any, Any]], Callable[[Any], Any]], ...] = (
    (JSONField, Jsonb),
    (GenericIPAddressField, ipaddress.ip_address),
)


def _wrapped(row: tuple[Any, ...], special: dict[int, Callable[[Any], Any]]) -> tuple[Any, ...]:
    """The row with values of special types as such (NULL stays NULL)."""
    return tuple(special[n](value) if n in special and value is not None else value for n, value in enumerate(row))


def _as_read(value: Any) -> Any:
    """An address as SQLite has it: text."""
    return str(value) if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address) else value
