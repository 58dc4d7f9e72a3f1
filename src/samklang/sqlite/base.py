"""SQLite as Django knows it, but a statement's text is made SQLite's own once and not each time that it is said.

Django writes %s where SQLite wants ?, so for each execution it goes through the text with a regular expression. Of a
statement over 500 rows that costs half as much as carrying it out. The hub says the same few dozen again and again.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base

_KEPT = 128  # texts, as many as the sqlite3 module keeps statements that are ready; of 500 rows, 10 kB each


@lru_cache(_KEPT)
def _for_sqlite(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class _Cursor(base.SQLiteCursorWrapper):
    def convert_query(self, query: str, *, param_names: Iterable[str] | None = None) -> str:
        if param_names is None:
            return _for_sqlite(query)
        return str(super().convert_query(query, param_names=param_names))


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection; Django looks for this name."""

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=_Cursor)
