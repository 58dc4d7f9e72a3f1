"""Makes a tenant with one article into one with many: what the hub remembers of the first is copied to the others.

Run as a process of its own with the hub's environment, after a first sync of shops (benchmarks/shelf.py) with one
article; prints `copied`. A first sync of a million is another benchmark's business (benchmarks/catalogue.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

import django


def _copied(values: list[Any], body: bytes, articles: int) -> Iterator[tuple[Any, ...]]:
    """The row of article 0 for all others: their numbers, ids and hashes in place of its own."""
    from samklang.records import content_hash

    hash_ = content_hash(body)
    own: dict[int, Callable[[int, bytes], Any]] = {}
    for place in range(len(values)):
        if values[place] == hash_:
            own[place] = lambda n, said: content_hash(said)
        elif values[place] == body:
            own[place] = lambda n, said: said
        elif values[place] == "kopp-0000000":
            own[place] = lambda n, said: f"kopp-{n:07}"
        elif values[place] == "10":
            own[place] = lambda n, said: str(n + 10)
    row = list(values)
    for n in range(1, articles):
        said = body.replace(b"0000000", b"%07d" % n).replace(b"Kopp nr 0,", b"Kopp nr %d," % n)
        for place, made in own.items():
            row[place] = made(n, said)
        yield tuple(row)


def main() -> None:
    """Copy in the database that the environment names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, required=True)
    args = parser.parse_args()
    django.setup()
    from django.db import connection as database
    from django.db import transaction

    from benchmarks.filled.house import put
    from samklang.hub.models import Binding, Stored

    (body,) = (bytes(one) for one in Stored.objects.values_list("body", flat=True))
    with transaction.atomic():
        for model in (Stored, Binding):
            table = model._meta.db_table
            columns = ", ".join(str(field.column) for field in model._meta.concrete_fields if not field.primary_key)
            with database.cursor() as cursor:
                cursor.execute(f"SELECT {columns} FROM {table}")
                rows = [[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor.fetchall()]
            for row in rows:
                put(table, columns, _copied(row, body, args.articles))
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
    sys.stdout.write("copied\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
