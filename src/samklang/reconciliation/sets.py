"""Writing many rows of one table at once, alike on SQLite and PostgreSQL.

A month of a shop is a hundred thousand rows; as Django's objects they would cost more than all the accounting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection as database
from django.db.models import Model, QuerySet

#: Rows, or values of a condition, in one statement.
AT_ONCE = 500


def insert(table: type[Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows that are not there, as tuples of these fields' values; other fields must have a default that is
    written here too. The caller has opened the transaction."""
    columns: list[Any] = [table._meta.get_field(name) for name in fields]
    names = ", ".join(database.ops.quote_name(column.column) for column in columns)
    place = database.ops.quote_name(table._meta.db_table)
    prepared = ([_plain(column, value) for column, value in zip(columns, row, strict=True)] for row in rows)
    if database.vendor == "postgresql":
        with database.cursor() as cursor, cursor.copy(f"COPY {place} ({names}) FROM STDIN") as copy:
            for row in prepared:
                copy.write_row(row)
        return
    marks = ", ".join(["%s"] * len(columns))
    with database.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {place} ({names}) VALUES ({marks})", list(prepared))  # noqa: S608  # names only


def _plain(column: Any, value: Any) -> Any:
    if isinstance(value, str | int | bytes) or value is None:
        return value
    return column.get_db_prep_save(value, database)


def upsert(table: type[Model], rows: Sequence[Model], unique: Sequence[str], fields: Sequence[str]) -> None:
    """Insert rows; of those that are there by the `unique` fields, the `fields` are written over."""
    table._default_manager.bulk_create(
        rows, batch_size=AT_ONCE, update_conflicts=True, unique_fields=list(unique), update_fields=list(fields)
    )


def remove(rows: QuerySet[Model], field: str, values: Sequence[object]) -> None:
    """Delete the rows whose field is one of these."""
    for start in range(0, len(values), AT_ONCE):
        rows.filter(**{f"{field}__in": values[start : start + AT_ONCE]}).delete()
