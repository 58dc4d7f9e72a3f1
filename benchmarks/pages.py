"""Response times of the pages and API lists with a million records, 200,000 orders and 10,000 problems in the database.

    ./run python -m benchmarks.pages [--articles 250000] [--orders 200000] [--problems 10000] [--requests 60]
                                     [--databases sqlite,postgresql] [--at PLACE] [--only WORD]

Each database is filled twice by benchmarks/filling.py, whole and with a tenth of everything. `q` is how often a page
asks the whole one, `at 1/10` how often the other: `grows` marks a page whose count is larger with more rows (with a few
hundred orders some lists are empty, and an empty one asks less). `CPU` is what a page costs, with what PostgreSQL
spends on it; unlike the times, it is nearly the same on a busy machine. Then each address is asked `--requests` times
over HTTP, one after the other, for things drawn at random, of `samklang serve` in a process of its own. `--at` measures
a database that is filled already with exactly so much (a folder with samklang.db, or a postgresql:// address, whose
folder SAMKLANG_DATA names) and fills nothing; `--only` the pages that have a word in their names.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import urllib3

from benchmarks import stage
from benchmarks.filling import sizes
from benchmarks.numbered import Size
from benchmarks.visited import Known, Visit, visits

_SLOW = 0.3  # seconds that a page may take at p95
_PART = 10  # the smaller database has so many times fewer rows


class Place(NamedTuple):
    """A filled database: the hub's folder, its address ("" = SQLite in the folder)."""

    home: Path
    address: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the hub must know of it; the API is not slowed down, and nothing ages out meanwhile."""
        more = {"SAMKLANG_API_RATE": "10000000", "SAMKLANG_KEEP": "exchanges=400,transfers=400,problems=400"}
        return {**stage.environment(self.home, self.address), **more}


@contextlib.contextmanager
def served(place: Place) -> Iterator[str]:
    """`samklang serve` on a filled database (with a worker on PostgreSQL, so that it is ready); gives its address."""
    with contextlib.ExitStack() as stack:
        if place.address:
            stack.enter_context(stage.process("samklang", "worker", **place.environment))
        yield stack.enter_context(stage.process("samklang", "serve", "--port", "0", **place.environment)).split()[2]


def signed_in(hub: str, place: Place) -> dict[str, str]:
    """Headers of somebody who may see everything, let in by a one-time address."""
    command = [
        sys.executable,
        "-m",
        "samklang",
        "people",
        "add",
        f"{time.time()}@example.com",
        "--role",
        "owner",
        "--json",
    ]
    said = subprocess.run(command, env={**os.environ, **place.environment}, capture_output=True, check=True)
    way_in = urlsplit(json.loads(said.stdout)["address"]).path
    answer = urllib3.request("GET", f"{hub}{way_in}", redirect=False)
    return {"Cookie": "; ".join(cookie.partition(";")[0] for cookie in answer.headers.getlist("Set-Cookie"))}


def timed(hub: str, visit: Visit, headers: dict[str, str], requests: int, pool: urllib3.PoolManager) -> list[float]:
    """Seconds of each request; the first two are not counted, for what is compiled on first use is no page.
    RuntimeError when one is not answered with 200 (or the one thing found opens at once)."""
    dice, found = random.Random(1), []
    sent = {**headers, **({"HX-Request": "true"} if visit.part else {})}
    for _ in range(requests + 2):
        path = visit.asked(dice)
        began = time.perf_counter()
        answer = pool.request("GET", f"{hub}{path}", redirect=False, headers=sent)
        found.append(time.perf_counter() - began)
        if answer.status not in (200, 302):
            raise RuntimeError(f"{path} was answered with {answer.status}")
    return found[2:]


def counted(place: Place, size: Size) -> dict[str, Any]:
    """What benchmarks/counting.py says of a database."""
    command = [sys.executable, "-m", "benchmarks.counting", json.dumps(size._asdict())]
    said = subprocess.run(command, env={**os.environ, **place.environment}, capture_output=True, text=True, check=False)
    if said.returncode:
        raise RuntimeError(f"the queries could not be counted\n{said.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(said.stdout)
    return found


@contextlib.contextmanager
def filled(database: str, size: Size) -> Iterator[Place]:
    """A new database, filled in a process of its own: Django is set up for one database only."""
    with tempfile.TemporaryDirectory(prefix="samklang-bench-") as home, stage.database(database) as address:
        place = Place(Path(home), address)
        more = [f"--{name}={count}" for name, count in size._asdict().items()]
        began = time.monotonic()
        with stage.process("benchmarks.filling", *more, **place.environment) as said:
            if said != "filled":
                raise RuntimeError("the database could not be filled")
        _say(f"{database} filled with {size.orders} orders in {time.monotonic() - began:.0f} s")
        yield place


def measure(database: str, place: Place, size: Size, fewer: dict[str, Any], requests: int, only: str) -> list[str]:
    """Print a line for each page; gives the names of those that are slow or grow."""
    whole = counted(place, size)
    known, bad = Known(*whole["known"]), []
    with served(place) as hub, urllib3.PoolManager() as pool:
        person, program = signed_in(hub, place), {"Authorization": f"Bearer {whole['token']}"}
        for visit in (one for one in visits(size, known) if only in one.name):
            seconds = timed(hub, visit, program if visit.api else person, requests, pool)
            half, most = (1000 * stage.at(seconds, share) for share in (0.5, 0.95))
            count, cpu = (whole["pages"][visit.name][name] for name in ("queries", "cpu"))
            before = fewer["pages"][visit.name]["queries"] if fewer else count
            marks = ["slow"] * (most > 1000 * _SLOW) + ["grows"] * (count > before)
            bad += [f"{database} {visit.name}"] if marks else []
            small = str(before) if fewer else ""
            times = f"{half:7.0f}{most:7.0f}{1000 * cpu:7.0f}"
            print(f"{visit.name:36}{database:>12}{times}{count:5}{small:>9}  {' '.join(marks)}".rstrip())
            sys.stdout.flush()
    return bad


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes(parser)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--at", default="")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    size = Size(args.articles, args.orders, args.problems)
    print(stage.heading())
    records = 4 * size.articles
    print(f"{size.articles:,} articles ({records:,} records), {size.orders:,} orders, {size.problems:,} problems")
    print(f"{'ms':36}{'database':>12}{'p50':>7}{'p95':>7}{'CPU':>7}{'q':>5}{'at 1/10':>9}")
    bad: list[str] = []
    if args.at:
        address = args.at if "://" in args.at else ""
        place = Place(Path(os.environ["SAMKLANG_DATA"] if address else args.at), address)
        bad = measure("postgresql" if address else "sqlite", place, size, {}, args.requests, args.only)
    for database in [] if args.at else args.databases.split(","):
        with filled(database, size.part(_PART)) as place:
            fewer = counted(place, size.part(_PART))
        with filled(database, size) as place:
            bad += measure(database, place, size, fewer, args.requests, args.only)
    if bad:
        sys.exit(f"More than {1000 * _SLOW:.0f} ms at p95, or more queries with more rows: {', '.join(bad)}")


if __name__ == "__main__":
    main()
