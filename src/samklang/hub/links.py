"""Live connections: the connector instance with its settings, secrets, token store and capture of exchanges.

Instances are kept per process and connection, so that one limiter and one pool of sockets serve all lanes; a change of
settings makes a new one.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet

from samklang.connectors.contract import Account, Connector, Exchange, Manifest, Surroundings, Tokens
from samklang.connectors.errors import Misconfigured, Pause, Retry, SamklangError, Unreachable
from samklang.connectors.registry import connector_class
from samklang.hub import events, metrics, secrets, traces
from samklang.hub.models import Channel, Connection, ExchangeRow
from samklang.hub.pace import SharedPace, given_back
from samklang.hub.problems import Trouble, clear, report
from samklang.records import types_of_order

_BREAK_AFTER = 5  # technical faults in a row
_LONGEST_BREAK = 600.0

#: Record types whose exchanges are kept with their bodies; of the others only failures keep bodies.
FACTS = types_of_order() | {"customer"}


class Link(NamedTuple):
    """A connection ready for use."""

    row: Connection
    connector: Connector
    manifest: Manifest
    capture: Recorder


class Recorder:
    """Collects exchanges; `flush` stores them. Bodies of successful reads are not kept: the records are."""

    def __init__(self, row: Connection) -> None:
        self._place = (row.tenant_id, row.pk)
        self._connector = row.connector
        self._rows: list[ExchangeRow] = []
        self._lock = threading.Lock()
        self.count = 0

    def __call__(self, exchange: Exchange) -> None:
        self.count += 1
        failed = bool(exchange.error) or exchange.status >= 400
        keep_bodies = failed or exchange.method != "GET"
        row = ExchangeRow(
            tenant_id=self._place[0],
            connection_id=self._place[1],
            at=exchange.at,
            method=exchange.method,
            url=exchange.url,
            status=exchange.status,
            seconds=exchange.seconds,
            sent=exchange.sent if keep_bodies else b"",
            got=exchange.got if keep_bodies else b"",
            error=exchange.error,
            about=exchange.about[0] if len(exchange.about) == 1 else "",
        )
        metrics.called(self._connector, exchange)
        traces.call(self._connector, exchange)
        with self._lock:
            self._rows.append(row)

    def flush(self, least: int = 1) -> None:
        """Store what was collected, if it is at least so much."""
        with self._lock:
            if len(self._rows) < least:
                return
            rows, self._rows = self._rows, []
        if rows:
            ExchangeRow.objects.bulk_create(rows, batch_size=100)


class DatabaseTokens:
    """A connection's OAuth tokens, encrypted. A new pair first reaches a journal file (fsync), then the database, so
    that neither a crash between the answer and the commit nor a locked database loses it.

    The journal is written and brought into the database only by who holds `exclusive`; others just read both.
    """

    def __init__(self, connection: Connection) -> None:
        self._id = connection.pk
        self._journal = settings.DATA / "tokens" / f"{connection.pk}.sealed"

    def load(self) -> Tokens | None:
        left = self._left()
        with given_back():
            row = Connection.objects.values_list("tokens", flat=True).get(pk=self._id)
        kept = [secrets.unseal(sealed) for sealed in (left, row) if sealed]
        if not kept:
            return None
        newest = max(kept, key=lambda one: float(one.get("saved", 0)))
        return Tokens(access=newest["access"], refresh=newest["refresh"], expires_at=newest["expires_at"])

    def save(self, tokens: Tokens) -> None:
        sealed = secrets.seal({**msgspec.structs.asdict(tokens), "saved": time.time()})
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._journal.with_suffix(".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._journal)
        _sync_folder(self._journal.parent)
        with contextlib.suppress(OperationalError):  # the journal is durable; it reaches the table by the next holder
            self._commit(sealed)

    def _left(self) -> bytes:
        """What the journal holds; empty when all is in the table."""
        try:
            return self._journal.read_bytes()
        except FileNotFoundError:
            return b""

    def _commit(self, sealed: bytes) -> None:
        with given_back():
            Connection.objects.filter(pk=self._id).update(tokens=sealed)
            transaction.on_commit(lambda: self._journal.unlink(missing_ok=True))

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """One refresh at a time over all threads and processes (a lease in the database).

        Unreachable after a minute: a lease of a process that died ends by then.
        """
        from samklang.hub.leases import holding

        with given_back():
            tenant = Connection.objects.values_list("tenant_id", flat=True).get(pk=self._id)
        for _ in range(700):
            with given_back(), holding(tenant, f"tokens-{self._id}") as held:
                if held:
                    self._settle()
                    yield
                    return
            time.sleep(0.1)
        raise Unreachable("Another process has been renewing the login for a minute")

    def _settle(self) -> None:
        """Bring what a crash left in the journal into the table, unless a later login stands there."""
        left = self._left()
        if left:
            tokens = self.load()
            journalled = secrets.unseal(left)
            if tokens and tokens.access == journalled["access"]:
                self._commit(left)
            else:
                self._journal.unlink(missing_ok=True)


def settle_journals() -> None:
    """Bring into the table every login that stands in a journal only. Misconfigured when the key does not fit."""
    for journal in sorted((settings.DATA / "tokens").glob("*.sealed")):
        row = Connection.objects.filter(pk=journal.stem).first()
        if row:
            with DatabaseTokens(row).exclusive():
                pass


def _sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def allow_private(address: str) -> bool:
    """Whether the operator allows connections to this private address (SAMKLANG_ALLOW_PRIVATE)."""
    ip = ipaddress.ip_address(address.split("%")[0])
    return any(ip in ipaddress.ip_network(network, strict=False) for network in settings.ALLOW_PRIVATE)


def without_connection() -> Surroundings:
    """For calls that are no connection's: there is no login, and nothing of them is kept."""
    return Surroundings(capture=_forget, tokens=_NoTokens(), now=time.time, allow_private=allow_private)


def _forget(exchange: Exchange) -> None:
    """An exchange that belongs to nobody."""


class _NoTokens:
    """Where there is no login, there is nothing to renew: asking for it is a defect of the caller."""

    def load(self) -> Any:
        return None

    def save(self, tokens: Any) -> None:
        raise NotImplementedError("a call without a connection has no tokens to keep")

    def exclusive(self) -> Any:
        raise NotImplementedError("a call without a connection has no tokens to renew")


_live: dict[int, tuple[str, Link]] = {}
_lock = threading.Lock()


def open_link(row: Connection) -> Link:
    """The link of a connection; made anew when its settings or secrets changed."""
    full = {**row.settings, **secrets.unseal(row.secrets), "connection": row.name}
    channels = list(Channel.objects.filter(connection=row).order_by("id").values_list("code", flat=True))
    full.setdefault("channel", channels[0] if channels else row.name)
    stamp = repr((row.connector, sorted(full.items(), key=str)))
    with _lock:
        kept = _live.get(row.pk)
        if kept and kept[0] == stamp:
            return Link(row, kept[1].connector, kept[1].manifest, kept[1].capture)
        link = make_link(row, full)
        _live[row.pk] = (stamp, link)
    if kept:
        kept[1].connector.close()
    return link


def check(row: Connection) -> Account:
    """Ask the system whether the login still works. One that does not pauses the connection, as a read would.

    Raises what the system raised (connectors/errors.py).
    """
    link = open_link(row)
    try:
        return link.connector.check()
    except Pause as error:
        went_wrong(row, error)
        raise
    finally:
        link.capture.flush()


def make_link(row: Connection, full: dict[str, Any]) -> Link:
    """A connector instance with the hub's surroundings; Misconfigured when a required setting is missing."""
    try:
        cls = connector_class(row.connector)
    except KeyError as error:
        raise Misconfigured(str(error.args[0])) from None
    for setting in cls.manifest.settings:
        if setting.name not in full and setting.default is not None:
            full[setting.name] = setting.default
        if setting.required and full.get(setting.name) in (None, ""):
            raise Misconfigured(f"{setting.title} is missing", where=f"{row.name}.{setting.name}")
    pace = SharedPace(row.tenant_id, row.pk) if connection.vendor == "postgresql" else None
    capture = Recorder(row)
    around = Surroundings(
        capture=capture, tokens=DatabaseTokens(row), now=time.time, allow_private=allow_private, pace=pace
    )
    return Link(row, cls(full, around), cls.manifest, capture)


def forget_links() -> None:
    """Close every live link (tests, shutdown)."""
    with _lock:
        links, kept = [link for _, link in _live.values()], _live
        kept.clear()
    for link in links:
        link.connector.close()


# ------------------------------------------------------------------------------------------- health of a connection


def usable(row: Connection) -> bool:
    """Whether the connection may be called now: active, and its breaker closed."""
    now = time.time()
    return row.state == Connection.State.ACTIVE and not now < row.open_until <= now + _LONGEST_BREAK


def usable_ones() -> QuerySet[Connection]:
    """All connections that may be called now. A breaker open for longer than any lasts was set by a wrong clock."""
    now = time.time()
    resting = Q(open_until__gt=now, open_until__lte=now + _LONGEST_BREAK)
    return Connection.objects.filter(~resting, state=Connection.State.ACTIVE)


def went_well(row: Connection) -> None:
    """A call went well: forget earlier faults and close the connection's own problem."""
    if row.faults or row.open_until:
        Connection.objects.filter(pk=row.pk).update(faults=0, open_until=0)
        row.faults, row.open_until = 0, 0.0
        clear(row.tenant_id, row.pk, "io", "", [row.name])


def went_wrong(row: Connection, error: SamklangError) -> None:
    """What a failed call means for the whole connection: pause once and say so, or count towards the breaker.

    The breaker opens after five technical faults in a row for 10 s, then twice as long each time up to ten minutes.
    """
    with transaction.atomic():
        now = Connection.objects.select_for_update().get(pk=row.pk)
        if isinstance(error, Pause):
            if now.state == Connection.State.ACTIVE:
                now.state, now.reason = Connection.State.NEEDS_PERSON, str(error)
                now.save(update_fields=["state", "reason"])
                tell("connection.paused", row, error.code)
                report(row.tenant_id, row.pk, [Trouble("io", "", row.name, error)])
        elif isinstance(error, Retry):
            now.faults += 1
            if now.faults >= _BREAK_AFTER:
                length = min(_LONGEST_BREAK, 10.0 * 2 ** ((now.faults - _BREAK_AFTER) // 2))
                now.open_until = time.time() + length
                report(row.tenant_id, row.pk, [Trouble("io", "", row.name, error)])
            now.save(update_fields=["faults", "open_until"])
    row.state, row.reason, row.faults, row.open_until = now.state, now.reason, now.faults, now.open_until


def resume(row: Connection) -> None:
    """A person says that the connection may be used again."""
    with transaction.atomic():
        before = Connection.objects.select_for_update().values_list("state", flat=True).get(pk=row.pk)
        Connection.objects.filter(pk=row.pk).update(state=Connection.State.ACTIVE, reason="", faults=0, open_until=0)
        if before != Connection.State.ACTIVE:
            tell("connection.resumed", row)
        clear(row.tenant_id, row.pk, "io", "", [row.name])


def tell(what: str, row: Connection, code: str = "") -> None:
    """An event about the connection as a whole."""
    data = {"connection": row.name, "connector": row.connector, "code": code}
    events.tell(row.tenant_id, [events.Happening(what, row.name, data)])
