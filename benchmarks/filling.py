"""Fills a new database as half a year of trade would: a catalogue with prices and stock, orders with their way through
all systems, what went wrong, the books, and what else people look at.

    SAMKLANG_DATA=/tmp/filled ./run python -m benchmarks.filling --articles 2500 --orders 2000 --problems 100

Records, bindings, words to search by, heads and problems are written by the hub's own functions, page by page; what the
hub writes one by one over time (steps, calls, runs, notes) goes in as whole tables. All connections are paused, so that
nobody works on it while pages are measured. Prints `filled`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable

import django

from benchmarks.numbered import Size


def sizes(parser: argparse.ArgumentParser) -> None:
    """The options that say how much."""
    parser.add_argument(
        "--articles", type=int, default=250_000, help="each has a price and two stock levels: × 4 records"
    )
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--problems", type=int, default=10_000)


def fill(size: Size) -> None:
    """Fill the database that the settings name, which is empty and has its tables."""
    from django.db import connection as database

    from benchmarks.filled import articles, books, orders, past, troubles
    from benchmarks.filled.house import House

    if database.vendor == "sqlite":  # nobody will miss this database when the machine fails meanwhile
        with database.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.execute("PRAGMA cache_size=-1000000")
    house = House(size)
    parts: Iterable[Callable[[House], None]] = (articles.fill, orders.fill, troubles.fill, past.fill, books.fill)
    for part in parts:
        began = time.monotonic()
        part(house)
        sys.stderr.write(f"{part.__module__.rpartition('.')[2]}: {time.monotonic() - began:.0f} s\n")
    if database.vendor == "postgresql":  # as autovacuum does in the course of time; SQLite is never told
        with database.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def main() -> None:
    """Fill the database that the environment names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes(parser)
    args = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    fill(Size(args.articles, args.orders, args.problems))
    sys.stdout.write("filled\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
