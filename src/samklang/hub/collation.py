"""Texts are compared by code points in every database, as SQLite does it and Python's `sorted`.

Parts of a key are found as a range ('order#' to 'order$'), lists go on after the last key, pages of two systems are
merged by key. A PostgreSQL database that sorts as people do (the default of most installations) would pass over rows:
to it 'a#1' does not lie between 'a#' and 'a$'.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.apps import apps
from django.db import connections

#: Text columns of these tables that are not compared by code points, in a database whose own order is another one.
_OTHERS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_collation o ON o.oid = a.attcollation
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)
  AND a.attnum > 0 AND NOT a.attisdropped AND o.collname NOT IN ('C', 'POSIX')
  AND (SELECT datcollate FROM pg_database WHERE datname = current_database()) NOT IN ('C', 'POSIX')
ORDER BY c.relname, a.attnum
"""


def by_code_points(using: str = "default", **_: Any) -> None:
    """Let the columns of the hub's tables be so; called after migrations. A table that changes is locked, and its
    indexes are built anew, two or three seconds for a million rows: that happens once. With that the planner loses what
    it knew of the columns, and autovacuum would not tell it, for no row has changed."""
    database = connections[using]
    if database.vendor != "postgresql":
        return
    ours = [model._meta.db_table for model in apps.get_app_config("hub").get_models()]
    columns: dict[str, list[str]] = defaultdict(list)
    quote = database.ops.quote_name
    with database.cursor() as cursor:
        cursor.execute(_OTHERS, [ours])
        for table, column, kind in cursor.fetchall():
            columns[table].append(f'ALTER COLUMN {quote(column)} TYPE {kind} COLLATE "C"')
        for table, changes in columns.items():
            cursor.execute(f"ALTER TABLE {quote(table)} {', '.join(changes)}")
            cursor.execute(f"ANALYZE {quote(table)}")
