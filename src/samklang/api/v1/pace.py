"""How fast a token may call: so many calls a minute in the long run, and a burst of them at once (GCRA).

One number per token says when its allowance is whole again; every call moves it on by what a call costs. On PostgreSQL
it stands in the database, where one statement judges and counts over all processes, by the database's clock. On SQLite
one process serves the web (`samklang serve` sees to it) and remembers it by itself: a read must not wait for a writer.
"""

from __future__ import annotations

import math
import threading
import time
from typing import NamedTuple

from django.conf import settings
from django.db import connection

_MOST_TOKENS = 10_000  # remembered at a time
_ROUNDED = 0.01  # of a call: seconds since 1970 have few digits left behind the point


class Allowance(NamedTuple):
    """Whether a call may go on; how many more may follow at once; seconds until the next one may, or until all may."""

    granted: bool
    left: int
    wait: float


_full: dict[int, float] = {}
_lock = threading.Lock()

#: When the allowance is whole again, as it stands: what is further away was written by a wrong clock.
_BEFORE = "CASE WHEN p.full_at BETWEEN now AND now + %(whole)s + 1 THEN p.full_at ELSE now END"
_STATEMENT = f"""
WITH clock AS (SELECT extract(epoch FROM clock_timestamp())::float AS now),
stood AS (SELECT {_BEFORE} AS full_at FROM clock LEFT JOIN api_callpace p ON token_id = %(token)s),
counted AS (
    INSERT INTO api_callpace AS p (token_id, full_at) SELECT %(token)s, now + %(cost)s FROM clock
    ON CONFLICT (token_id) DO UPDATE SET full_at = %(cost)s + (SELECT {_BEFORE} FROM clock)
    WHERE %(cost)s + (SELECT {_BEFORE} FROM clock) <= (SELECT now + %(whole)s FROM clock)
    RETURNING full_at
)
SELECT now, (SELECT full_at FROM counted), (SELECT full_at FROM stood) FROM clock
"""  # noqa: S608  # constants only


def ask(token: int) -> Allowance:
    """Count a call of the token, if it may be made."""
    cost = 60.0 / settings.API_RATE
    whole = cost * settings.API_BURST
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_STATEMENT, {"token": token, "cost": cost, "whole": whole})
            now, counted, before = cursor.fetchone()
        return _judged(now, counted, before, cost, whole)
    with _lock:
        now = time.monotonic()
        if len(_full) > _MOST_TOKENS:
            for other in [other for other, full in _full.items() if full <= now]:
                del _full[other]
        before = _full.get(token, now)
        counted = max(before, now) + cost
        if counted > now + whole:
            return _judged(now, None, before, cost, whole)
        _full[token] = counted
        return _judged(now, counted, before, cost, whole)


def _judged(now: float, counted: float | None, before: float, cost: float, whole: float) -> Allowance:
    if counted is None:
        return Allowance(False, 0, max(0.0, before + cost - now - whole))
    return Allowance(True, math.floor((now + whole - counted) / cost + _ROUNDED), counted - now)


def forget() -> None:
    """All tokens have their whole allowance again (tests)."""
    _full.clear()
