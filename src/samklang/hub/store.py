"""The hot statements, all in one place: set-based, right on SQLite and PostgreSQL alike.

Rows are locked and written in key order (by code points: Python's `sorted`, collation.py), so that two
writers of one connection and type never deadlock. Every function belongs into a transaction that its caller opened,
unless it says otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from django.db import connection as database
from django.db.backends.utils import CursorWrapper

from samklang.connectors.contract import Item
from samklang.records import Record

#: `delivered` and `sent` of a row whose target holds something of ours and nobody knows which: an update may have been
#: taken although its answer was lost. Equal to no hash, so that the value before it is sent again, too.
UNSURE = b""

_AT_ONCE = 500  # rows of a statement on SQLite, which binds at most 32 766 values


class Known(NamedTuple):
    """What a binding knows of its own system: external id, hash last seen, sweep that saw it."""

    external_id: str | None
    seen: bytes | None
    generation: int


class Entry(NamedTuple):
    """A record on its way into the store: what was read, what is kept of it, and the hashes of what the system said and
    of what is kept, which may be later news than what was said."""

    item: Item
    record: Record
    body: bytes
    hash: bytes
    kept: bytes


class Wanted(NamedTuple):
    """A row for `want`: the record's key and content hash, and the risk that holds it ("" = none)."""

    key: str
    hash: bytes
    risk: str = ""


class Claimed(NamedTuple):
    """A binding taken for sending, with the source's record."""

    key: str
    external_id: str | None
    wanted: bytes
    delivered: bytes | None
    sent: bytes | None
    attempts: int
    doubt: bool
    troubled: bool
    flow_id: int
    body: bytes | None


class Outcome(NamedTuple):
    """What became of a claimed binding. `state` is idle, due, waiting or stopped; `parked` is idle although something
    is wanted (the flow is off)."""

    key: str
    state: str
    delivered: bytes | None = None  # None: keep what was
    sent: bytes | None = None
    seen: bytes | None = None
    external_id: str | None = None
    due_at: float = 0
    attempts: int = 0
    doubt: bool = False
    troubled: bool = False
    waiting_on: str = ""


_DUE_AT = Outcome._fields.index("due_at")

#: Work to do at or before a time (one value). The first condition is that of the partial index, for SQLite's planner.
_TO_DO = "NOT (state='idle') AND (state='sending' OR (state='due' AND due_at<=%s))"


def _marks(count: int) -> str:
    return ",".join(["%s"] * count)


def _among(column: str, values: Sequence[str]) -> tuple[str, list[Any]]:
    """The condition that a column is one of these, and what is bound to it: one array on PostgreSQL."""
    if database.vendor == "postgresql":
        return f"{column} = ANY(%s)", [list(values)]
    return f"{column} IN ({_marks(len(values))})", list(values)


def _lock(cursor: CursorWrapper, where: str, values: Sequence[Any]) -> None:
    """Lock bindings in key order before a statement whose own order is the planner's. SQLite has one writer anyway."""
    if database.features.has_select_for_update:
        cursor.execute(
            f"SELECT 1 FROM binding WHERE {where} ORDER BY type, key FOR UPDATE",
            values,
        )


def _update(assign: str, assigned: Sequence[Any], where: str, values: Sequence[Any]) -> int:
    """UPDATE bindings; returns how many."""
    with database.cursor() as cursor:
        _lock(cursor, where, values)
        cursor.execute(f"UPDATE binding SET {assign} WHERE {where}", [*assigned, *values])
        return int(cursor.rowcount)


def _as_tables(columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, list[Any]]]:
    """The rows as a table `v` to select from, and what is bound in it; `columns` gives their PostgreSQL types.

    One statement over many rows, not one for each: beginning one costs more than doing it, on PostgreSQL with five
    indexes six times as much, and on SQLite the interpreter is handed from thread to thread at each. On PostgreSQL all
    rows are in one table, on SQLite, which binds no arrays and only so many values, in several; what is the same in all
    rows of one is bound there once.
    """
    if database.vendor == "postgresql":
        arrays = ",".join(f"%s::{type_}[]" for type_ in columns.values())
        yield f"unnest({arrays}) AS v({','.join(columns)})", [list(column) for column in zip(*rows, strict=True)]
        return
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        whole = dict(zip(columns, zip(*some, strict=True), strict=True))
        once = {name: column[0] for name, column in whole.items() if column.count(column[0]) == len(some)}
        own = [name for name in columns if name not in once]
        named = [*(f"%s AS {name}" for name in once), *(f"column{n} AS {name}" for n, name in enumerate(own, 1))]
        table = f" FROM (VALUES {','.join([f'({_marks(len(own))})'] * len(some))})" if own else ""  # else it is one row
        values = chain.from_iterable(zip(*(whole[name] for name in own), strict=True))
        yield f"(SELECT {','.join(named)}{table}) AS v", [*once.values(), *values]


def _upsert(
    table: str, fixed: dict[str, Any], columns: dict[str, str], rows: Iterable[Sequence[Any]], then: str
) -> int:
    """INSERT … ON CONFLICT (tenant, connection, type, key) DO UPDATE `then`; returns how many rows were written.

    `fixed` are columns with one value for all, `columns` the others with their PostgreSQL types; each of `rows` begins
    with its key.
    """
    last = {row[0]: row for row in rows}  # a key comes once: one statement may touch a row only once
    conflict = f"(tenant_id, connection_id, type, key) DO UPDATE {then}"
    return insert(table, fixed, columns, [last[key] for key in sorted(last)], conflict)


def insert(
    table: str, fixed: dict[str, Any], columns: dict[str, str], rows: Sequence[Sequence[Any]], conflict: str
) -> int:
    """INSERT … ON CONFLICT `conflict`; returns how many rows were written. `fixed` and `columns` as in `_upsert`; the
    order of the rows is that of their keys in the table."""
    written = 0
    if rows:
        with database.cursor() as cursor:
            for given, values in _as_tables(columns, rows):
                cursor.execute(
                    f"INSERT INTO {table} ({','.join([*fixed, *columns])})"
                    f" SELECT {_marks(len(fixed))},{','.join(f'v.{name}' for name in columns)}"
                    f" FROM {given} WHERE true ON CONFLICT {conflict}",
                    [*fixed.values(), *values],
                )
                written += cursor.rowcount
    return written


#: What a new binding holds where nothing else is said.
_FRESH = {
    "state": "idle", "due_at": 0.0, "attempts": 0, "doubt": False, "troubled": False, "waiting_on": "", "risk": "",
    "risk_at": 0.0, "generation": 0, "token": 0,
}  # fmt: skip


def _place(tenant: int, connection: int, type_: str) -> dict[str, Any]:
    return {"tenant_id": tenant, "connection_id": connection, "type": type_}


def _bytes(value: bytes | memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)


def analyse() -> None:
    """Tell PostgreSQL's planner how large the tables have become; outside of any transaction. SQLite needs no telling.

    Until it knows, it takes all records of a connection for one and reads them all for every page. Autovacuum would
    tell it after a minute.
    """
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("ANALYZE binding, record")


def lock_records(tenant: int, connection: int, type_: str, keys: Iterable[str]) -> None:
    """Lock stored records in key order: what is derived from them is derived by one transaction at a time."""
    if database.features.has_select_for_update:
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM record WHERE tenant_id=%s AND connection_id=%s AND type=%s AND key = ANY(%s)"
                " ORDER BY key FOR UPDATE",
                [tenant, connection, type_, sorted(keys)],
            )


def known(tenant: int, connection: int, type_: str, keys: Sequence[str]) -> dict[str, Known]:
    """Bindings of these keys."""
    if not keys:
        return {}
    with database.cursor() as cursor:
        these, values = _among("key", keys)
        cursor.execute(
            f"SELECT key, external_id, seen, generation FROM binding"
            f" WHERE tenant_id=%s AND connection_id=%s AND type=%s AND {these}",
            [tenant, connection, type_, *values],
        )
        return {row[0]: Known(row[1], _bytes(row[2]), row[3]) for row in cursor.fetchall()}


def keys_of(tenant: int, connection: int, type_: str, external_ids: Sequence[str]) -> dict[str, str]:
    """External id → key."""
    if not external_ids:
        return {}
    with database.cursor() as cursor:
        these, values = _among("external_id", external_ids)
        cursor.execute(
            f"SELECT external_id, key FROM binding WHERE tenant_id=%s AND connection_id=%s AND type=%s AND {these}",
            [tenant, connection, type_, *values],
        )
        return dict(cursor.fetchall())


def ids_of(tenant: int, connection: int, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(type, key) → external id, for those that are bound."""
    found: dict[tuple[str, str], str] = {}
    for type_ in dict.fromkeys(type_ for type_, _ in names):
        keys = list(dict.fromkeys(key for t, key in names if t == type_))
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            with database.cursor() as cursor:
                these, values = _among("key", some)
                # Asked for IS NOT NULL, SQLite would go by that and read every id of the connection.
                cursor.execute(
                    f"SELECT key, external_id FROM binding WHERE tenant_id=%s AND connection_id=%s AND type=%s"
                    f" AND {these}",
                    [tenant, connection, type_, *values],
                )
                rows = cursor.fetchall()
                found.update(((type_, key), external_id) for key, external_id in rows if external_id is not None)
    return found


def bodies(tenant: int, connection: int, type_: str, keys: Sequence[str]) -> dict[str, bytes]:
    """Canonical bytes of stored records."""
    if not keys:
        return {}
    with database.cursor() as cursor:
        these, values = _among("key", keys)
        cursor.execute(
            f"SELECT key, body FROM record WHERE tenant_id=%s AND connection_id=%s AND type=%s AND {these}",
            [tenant, connection, type_, *values],
        )
        return {key: bytes(body) for key, body in cursor.fetchall()}


def keep_records(tenant: int, connection: int, type_: str, rows: Iterable[tuple[str, bytes, bytes]]) -> None:
    """Upsert (key, body, hash)."""
    _upsert(
        "record",
        {**_place(tenant, connection, type_), "changed_at": time.time(), "gone": False},
        {"key": "text", "body": "bytea", "hash": "bytea"},
        rows,
        "SET body=excluded.body, hash=excluded.hash, changed_at=excluded.changed_at, gone=excluded.gone",
    )


def bind(tenant: int, connection: int, type_: str, rows: Iterable[tuple[str, str | None, bytes | None, int]]) -> None:
    """Upsert (key, external id, hash seen, sweep). An id or hash of None leaves what is there."""
    fresh = {name: value for name, value in _FRESH.items() if name != "generation"}
    _upsert(
        "binding",
        {**_place(tenant, connection, type_), **fresh},
        {"key": "text", "external_id": "text", "seen": "bytea", "generation": "int"},
        rows,
        "SET external_id=COALESCE(excluded.external_id, binding.external_id),"
        " seen=COALESCE(excluded.seen, binding.seen), generation=excluded.generation",
    )


def unbind(tenant: int, connection: int, type_: str, external_ids: Sequence[str]) -> None:
    """Forget these external ids: the system gave them to another record, or the record is gone there."""
    if external_ids:
        these, values = _among("external_id", external_ids)
        _update(
            "external_id=NULL, seen=NULL", [],
            f"tenant_id=%s AND connection_id=%s AND type=%s AND {these}",
            [tenant, connection, type_, *values],
        )  # fmt: skip


def touch(tenant: int, connection: int, type_: str, keys: Sequence[str], generation: int) -> None:
    """The sweep has seen these unchanged records."""
    if keys:
        these, values = _among("key", keys)
        _update(
            "generation=%s", [generation],
            f"tenant_id=%s AND connection_id=%s AND type=%s AND {these}",
            [tenant, connection, type_, *values],
        )  # fmt: skip


def want(tenant: int, target: int, type_: str, source: int, flow: int, rows: Iterable[Wanted]) -> int:
    """Mark what the target shall hold. Only a difference makes work; returns how many rows now differ or changed.

    A row that is being sent stays with its sender, who finds on finishing that more is wanted.
    """
    now = time.time()
    fresh = {name: value for name, value in _FRESH.items() if name not in ("state", "risk", "risk_at")}
    return _upsert(
        "binding",
        {**_place(tenant, target, type_), "source_id": source, "flow_id": flow, **fresh, "due_at": now},
        {"key": "text", "wanted": "bytea", "risk": "text", "state": "text", "risk_at": "float8"},
        ((*row, "held" if row.risk else "due", now if row.risk else 0.0) for row in rows),
        "SET source_id=excluded.source_id, flow_id=excluded.flow_id, wanted=excluded.wanted, attempts=0,"
        " waiting_on='', risk=excluded.risk, risk_at=excluded.risk_at,"
        # What waits its turn keeps its place, or what changes often would never be sent to a slow system.
        " due_at=CASE WHEN binding.state='due' AND binding.due_at < excluded.due_at THEN binding.due_at"
        " ELSE excluded.due_at END,"
        " state=CASE WHEN binding.state='sending' THEN 'sending'"
        " WHEN binding.delivered IS NOT DISTINCT FROM excluded.wanted THEN 'idle' ELSE excluded.state END"
        " WHERE binding.wanted IS DISTINCT FROM excluded.wanted"
        " OR binding.source_id IS DISTINCT FROM excluded.source_id"
        " OR (binding.state='idle' AND binding.delivered IS DISTINCT FROM excluded.wanted)",
    )


def agree(
    tenant: int, target: int, type_: str, source: int, flow: int, rows: Iterable[tuple[str, bytes, bytes]]
) -> None:
    """The target was seen to hold these (key, hash of the source's record, hash as it would be sent): nothing to do."""
    _upsert(
        "binding",
        {**_place(tenant, target, type_), "source_id": source, "flow_id": flow, **_FRESH},
        {"key": "text", "wanted": "bytea", "delivered": "bytea", "sent": "bytea"},
        ((key, hash_, hash_, sent) for key, hash_, sent in rows),
        "SET source_id=excluded.source_id, flow_id=excluded.flow_id, wanted=excluded.wanted,"
        " delivered=excluded.delivered, sent=excluded.sent, state='idle' WHERE binding.state IN ('idle', 'due')",
    )


def delivered(tenant: int, target: int, type_: str, keys: Sequence[str]) -> dict[str, bytes]:
    """Key → content hash of the source's record that the target last accepted."""
    if not keys:
        return {}
    with database.cursor() as cursor:
        these, values = _among("key", keys)
        cursor.execute(
            f"SELECT key, delivered FROM binding WHERE tenant_id=%s AND connection_id=%s AND type=%s"
            f" AND delivered IS NOT NULL AND {these}",
            [tenant, target, type_, *values],
        )
        return {key: bytes(hash_) for key, hash_ in cursor.fetchall()}


def claim(tenant: int, target: int, type_: str, limit: int, token: int) -> list[Claimed]:
    """Take due work under a lease number, oldest first, with the records to send.

    Rows that another writer has locked right now are passed by; the next claim finds them.
    """
    passing = " FOR UPDATE OF b SKIP LOCKED" if database.features.has_select_for_update else ""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT b.key, b.external_id, b.wanted, b.delivered, b.sent, b.attempts, b.doubt, b.troubled, b.flow_id,"
            " r.body FROM binding b LEFT JOIN record r ON r.tenant_id=b.tenant_id AND r.connection_id=b.source_id"
            " AND r.type=b.type AND r.key=b.key"
            " WHERE b.tenant_id=%s AND b.connection_id=%s AND b.type=%s AND NOT (b.state='idle') AND b.state='due'"
            " AND b.due_at<=%s"
            f" ORDER BY b.due_at, b.key LIMIT %s{passing}",
            [tenant, target, type_, time.time(), limit],
        )
        rows = [
            Claimed(key, external_id, bytes(wanted), _bytes(delivered), _bytes(sent), attempts, bool(doubt),
                    bool(troubled), flow, _bytes(body))
            for key, external_id, wanted, delivered, sent, attempts, doubt, troubled, flow, body in cursor.fetchall()
        ]  # fmt: skip
        if rows:
            these, values = _among("key", sorted(row.key for row in rows))
            cursor.execute(
                f"UPDATE binding SET state='sending', token=%s WHERE tenant_id=%s AND connection_id=%s AND type=%s"
                f" AND {these}",
                [token, tenant, target, type_, *values],
            )
    return rows


def finish(tenant: int, target: int, type_: str, token: int, rows: Iterable[Outcome]) -> int:
    """Write down results of claimed rows; a row that a later lease has taken over is left alone.

    `idle` becomes due again when more was wanted while the row was being sent. Returns how many rows were ours. (A row
    carries a token only while it is being sent; asking for its state too would lure PostgreSQL to the wrong index.)
    """
    now = time.time()
    columns = {
        "key": "text", "state": "text", "delivered": "bytea", "sent": "bytea", "seen": "bytea", "external_id": "text",
        "due_at": "float8", "attempts": "int", "doubt": "bool", "troubled": "bool", "waiting_on": "text",
    }  # fmt: skip
    last = {row.key: row for row in rows}
    done = [(*(row := last[key])[:_DUE_AT], row.due_at or now, *row[_DUE_AT + 1 :]) for key in sorted(last)]
    if not done:
        return 0
    statement = (
        "UPDATE binding AS b SET external_id=COALESCE(v.external_id, b.external_id),"
        " delivered=COALESCE(v.delivered, b.delivered), sent=COALESCE(v.sent, b.sent),"
        " seen=COALESCE(v.seen, b.seen), attempts=v.attempts, doubt=v.doubt,"
        " troubled=v.troubled, waiting_on=v.waiting_on, due_at=v.due_at, token=0,"
        " state=CASE WHEN v.state='idle'"
        " AND b.wanted IS DISTINCT FROM COALESCE(v.delivered, b.delivered)"
        " THEN 'due' WHEN v.state='parked' THEN 'idle' ELSE v.state END"
    )
    mine = "WHERE b.tenant_id=%s AND b.connection_id=%s AND b.type=%s AND b.token=%s AND b.key=v.key"
    ours = 0
    with database.cursor() as cursor:
        these, keys = _among("key", sorted(last))
        _lock(cursor, f"tenant_id=%s AND connection_id=%s AND type=%s AND {these}", [tenant, target, type_, *keys])
        for given, values in _as_tables(columns, done):
            cursor.execute(f"{statement} FROM {given} {mine}", [*values, tenant, target, type_, token])
            ours += cursor.rowcount
    return ours


def recover(tenant: int, target: int, type_: str, token: int, settle: float) -> int:
    """Rows that an earlier lease left in `sending`: due again, a create among them is in doubt, and of an update nobody
    knows whether it was taken. A create is looked for after `settle` seconds: what was on its way then has arrived or
    never will."""
    return _update(
        "state='due', token=0, doubt=CASE WHEN external_id IS NULL THEN %s ELSE doubt END,"
        " due_at=CASE WHEN external_id IS NULL THEN %s ELSE due_at END,"
        " delivered=CASE WHEN delivered IS NOT NULL THEN %s END, sent=CASE WHEN sent IS NOT NULL THEN %s END",
        [True, time.time() + settle, UNSURE, UNSURE],
        "tenant_id=%s AND connection_id=%s AND type=%s AND NOT (state='idle') AND state='sending' AND token<>%s",
        [tenant, target, type_, token],
    )


def release_waiting(tenant: int, connection: int, names: Sequence[tuple[str, str]]) -> None:
    """Records that waited for these at this connection become due."""
    if not names:
        return
    for start in range(0, len(names), 500):
        some = [f"{type_}:{key}" for type_, key in names[start : start + 500]]
        these, values = _among("waiting_on", some)
        _update(
            "state='due', due_at=%s, waiting_on=''", [time.time()],
            "tenant_id=%s AND connection_id=%s AND NOT (waiting_on='') AND state='waiting'"
            f" AND {these}",
            [tenant, connection, *values],
        )  # fmt: skip


def waits(tenant: int, connection: int) -> bool:
    """Whether anything waits at this connection (so that unbinding work is only done when it matters)."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM binding WHERE tenant_id=%s AND connection_id=%s AND NOT (waiting_on='') LIMIT 1",
            [tenant, connection],
        )
        return cursor.fetchone() is not None


def due_types(tenant: int, target: int) -> list[str]:
    """Record types of a connection with work due now, or left in sending by somebody."""
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT type FROM binding WHERE tenant_id=%s AND connection_id=%s AND {_TO_DO}",
            [tenant, target, time.time()],
        )
        return [row[0] for row in cursor.fetchall()]


def due_everywhere() -> list[tuple[int, int, str]]:
    """(tenant, connection, type) with work to do, over all tenants: for the periodic look, never on the hot path."""
    with database.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT tenant_id, connection_id, type FROM binding WHERE {_TO_DO}", [time.time()])
        return [(tenant, connection, type_) for tenant, connection, type_ in cursor.fetchall()]


def bring_forward(latest: float) -> int:
    """Work that is due later than any pause lasts is due now: the clock was wrong when it was written."""
    return _update(
        "due_at=%s", [time.time()], "NOT (state='idle') AND state='due' AND due_at>%s", [latest]
    )  # fmt: skip


def waiting(most: int) -> list[tuple[int, int, str]]:
    """(tenant, connection, "type:key" waited for) of the records that began to wait last, over all tenants."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, connection_id, waiting_on FROM binding WHERE NOT (waiting_on='') AND state='waiting'"
            " ORDER BY due_at DESC LIMIT %s",
            [most],
        )
        return list(dict.fromkeys(cursor.fetchall()))


def unseen(tenant: int, connection: int, type_: str, generation: int, limit: int = 1000) -> list[tuple[str, str]]:
    """(key, external id) of records that an earlier sweep saw and this one did not, and that are not gone already."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT b.key, COALESCE(b.external_id, '') FROM binding b JOIN record r ON r.tenant_id=b.tenant_id"
            " AND r.connection_id=b.connection_id AND r.type=b.type AND r.key=b.key"
            " WHERE b.tenant_id=%s AND b.connection_id=%s AND b.type=%s AND b.generation<%s AND r.gone=%s"
            " ORDER BY b.key LIMIT %s",
            [tenant, connection, type_, generation, False, limit],
        )
        return [(key, external_id) for key, external_id in cursor.fetchall()]
