"""Every page and list that benchmarks/pages.py measures, opened over few rows and over many: none asks the database
more often for it. The tables are filled as the benchmark fills them, so this also shows that it still can."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benchmarks.numbered import Size
from tests.conftest import move_to, sqlite

FEW, MANY = Size(articles=40, orders=12, problems=10), Size(articles=280, orders=70, problems=70)
#: A list with nothing in it asks a little less often. A page shows 50: asking once for each of them is far above it.
SOME = 8


def counts(template: Path, path: Path, size: Size) -> dict[str, int]:
    """Name of the page → how often it asks a database of this size."""
    from benchmarks import counting, filling

    shutil.copy(template, path)
    move_to(sqlite(path))
    filling.fill(size)
    _, found = counting.counted(size, counting.known(), times=1)
    return {name: figures["queries"] for name, figures in found.items()}


def test_no_page_asks_more_often_when_there_are_more_rows(
    database: Path, migrated: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["*"])
    monkeypatch.setattr(settings, "API_RATE", 1_000_000)
    few = counts(migrated, tmp_path / "few.db", FEW)
    many = counts(migrated, tmp_path / "many.db", MANY)
    assert len(many) > 90
    assert {name: (few[name], count) for name, count in many.items() if count > few[name] + SOME} == {}
    assert max(many.values()) <= 48, many  # the start page: once for each flow, thrice for its days
