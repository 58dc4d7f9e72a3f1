"""The sides that are compared, each as the programs that do one run of the job.

A side keeps its memory in `home`, a folder of its own, from run to run. `whole` runs read everything at the source, the
others ask for what has changed since the last one.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import Program
from benchmarks.peers.environment import python_of
from benchmarks.shops import Pair

Plan = Callable[[Pair, bool, bool], list[Program]]  # shops, whole, slow → programs


class Side(NamedTuple):
    """A side that is ready to run: its folder, its programs, and the processes that live on between runs."""

    home: Path
    programs: Plan
    beside: Sequence[int] = ()


def _module(python: str, name: str, *arguments: str) -> list[str]:
    return [python, "-m", f"benchmarks.{name}", *arguments]


def _shops(shops: Pair, whole: bool) -> list[str]:
    return ["--source", shops.source, "--target", shops.target, *(["--whole"] if whole else [])]


@contextlib.contextmanager
def bare(home: Path) -> Iterator[Side]:
    """The bare loop, one page at a time where the shops answer at once."""

    def programs(shops: Pair, whole: bool, slow: bool) -> list[Program]:
        width = ["--width", "4" if slow else "1"]
        return [Program(_module(sys.executable, "bare", "--home", str(home), *_shops(shops, whole), *width), {})]

    yield Side(home, programs)


def _settings(home: Path, database: str = "") -> dict[str, str]:
    return {
        "SAMKLANG_DATA": str(home), "SAMKLANG_ALLOW_PRIVATE": "127.0.0.0/8", "SAMKLANG_DATABASE": database,
        "DJANGO_SETTINGS_MODULE": "samklang.settings",
    }  # fmt: skip


@contextlib.contextmanager
def hub(home: Path) -> Iterator[Side]:
    """The hub in one process, on SQLite."""

    def programs(shops: Pair, whole: bool, slow: bool) -> list[Program]:
        return [Program(_module(sys.executable, "hub", "embedded", *_shops(shops, whole)), _settings(home))]

    yield Side(home, programs)


@contextlib.contextmanager
def _hub_on_postgresql(home: Path, workers: int) -> Iterator[Side]:
    """The hub on a PostgreSQL of its own (durable, as it comes), with so many workers."""
    from tests.postgres import running

    with running(fsync=True) as server:
        settings = _settings(home, server.create("bench"))
        postmaster = int((server.data / "postmaster.pid").read_text().split()[0])

        def programs(shops: Pair, whole: bool, slow: bool) -> list[Program]:
            conductor = Program(_module(sys.executable, "hub", "conductor", *_shops(shops, whole)), settings)
            worker = Program(_module(sys.executable, "hub", "worker"), settings, stays=True)
            return [conductor, *[worker] * workers]

        yield Side(home, programs, [postmaster])


@contextlib.contextmanager
def _peer(home: Path, name: str, pipe: bool) -> Iterator[Side]:
    """A peer in its own environment. With `pipe`: a program that reads and one that writes; what the writer prints is
    the state for the next run."""
    python = str(python_of(name))

    def programs(shops: Pair, whole: bool, slow: bool) -> list[Program]:
        asked = ["--home", str(home), *_shops(shops, whole)]
        if not pipe:
            return [Program(_module(python, f"peers.{name}_side", *asked), {})]
        return [
            Program(_module(python, f"peers.{name}_side", "read", *asked), {}, feeds=True),
            # Line by line, as a runner sees it: a state that was told before a kill is there after it.
            Program(
                _module(python, f"peers.{name}_side", "write", *asked),
                {"PYTHONUNBUFFERED": "1"},
                output=home / "state.jsonl",
            ),
        ]

    yield Side(home, programs)


SIDES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Side]]] = {
    "bare": bare,
    "hub": hub,
    "hub-pg1": lambda home: _hub_on_postgresql(home, 1),
    "hub-pg2": lambda home: _hub_on_postgresql(home, 2),
    "dlt": lambda home: _peer(home, "dlt", pipe=False),
    "airbyte": lambda home: _peer(home, "airbyte", pipe=True),
    "singer": lambda home: _peer(home, "singer", pipe=True),
}


@contextlib.contextmanager
def opened(name: str) -> Iterator[Side]:
    """The side with a fresh folder, so with an empty memory."""
    with tempfile.TemporaryDirectory(prefix="samklang-bench-") as home, SIDES[name](Path(home)) as side:
        yield side
