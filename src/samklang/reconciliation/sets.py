"""Writing many rows of one table in few statements, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Model, QuerySet

#: Rows in one statement.
AT_ONCE = 500


def upsert(table: type[Model], rows: Sequence[Model], unique: Sequence[str], fields: Sequence[str]) -> None:
    """Insert rows; of those that are there by the `unique` fields, the `fields` are written over."""
    table._default_manager.bulk_create(
        rows, batch_size=AT_ONCE, update_conflicts=True, unique_fields=list(unique), update_fields=list(fields)
    )


def remove(rows: QuerySet[Model], field: str, values: Sequence[object]) -> None:
    """Delete the rows whose field is one of these."""
    for start in range(0, len(values), AT_ONCE):
        rows.filter(**{f"{field}__in": values[start : start + AT_ONCE]}).delete()
