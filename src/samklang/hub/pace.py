"""One system's limits over many workers: the calls that were started stand in the database (PostgreSQL; on SQLite one
process does the work, and its own limiter is enough)."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator

from django.db import connection as database
from django.db import transaction

from samklang.hub.models import Pace


class SharedPace:
    """What `connectors.limiter.Limiter` asks before a call when other processes call the same system."""

    def __init__(self, tenant: int, connection: int) -> None:
        self._place = (tenant, connection)

    def start(self, calls: int, window: float) -> float:
        """0 when a call may start now, and counts it; else the seconds until one may."""
        with given_back(), transaction.atomic():
            row, _ = Pace.objects.select_for_update().get_or_create(
                tenant_id=self._place[0], connection_id=self._place[1]
            )
            now = _now()
            starts = [at for (at,) in struct.iter_unpack("<d", bytes(row.starts)) if now - window < at <= now]
            wait = row.held_until - now if row.held_until <= now + _LONGEST else 0.0
            if calls and len(starts) >= calls:
                wait = max(wait, starts[-calls] + window - now)
            if wait > 0:
                return wait
            row.starts = struct.pack(f"<{len(starts) + 1}d", *starts, now) if calls else b""
            row.save(update_fields=["starts"])
            return 0.0

    def pause(self, seconds: float) -> None:
        """The system asked for quiet: nobody calls it for so long."""
        with given_back(), transaction.atomic():
            row, _ = Pace.objects.select_for_update().get_or_create(
                tenant_id=self._place[0], connection_id=self._place[1]
            )
            row.held_until = max(row.held_until, _now() + min(seconds, _LONGEST))
            row.save(update_fields=["held_until"])


_LONGEST = 3600.0  # seconds; what is further away was written by a wrong clock


def _now() -> float:
    """The database's clock, the same for all workers."""
    with database.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float")
        return float(cursor.fetchone()[0])


@contextlib.contextmanager
def given_back() -> Iterator[None]:
    """For code that runs in a connector's threads: the database connection it used goes back to the pool at once, for
    nobody ends those threads' connections."""
    inside = database.in_atomic_block
    try:
        yield
    finally:
        if not inside:
            database.close()
