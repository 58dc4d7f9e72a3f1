"""Our backend for SQLite."""

from __future__ import annotations

from pathlib import Path


def test_a_statement_means_what_it_does_in_django_however_often_it_is_said(tmp_path: Path) -> None:
    from samklang.sqlite.base import DatabaseWrapper

    base = {"ENGINE": "samklang.sqlite", "NAME": tmp_path / "db", "OPTIONS": {}, "TIME_ZONE": None, "CONN_MAX_AGE": 0}
    more = {"AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "CONN_HEALTH_CHECKS": False, "TEST": {}}
    database = DatabaseWrapper({**base, **more})
    try:
        for said in ("50 %", "50 per cent"):
            with database.cursor() as cursor:
                cursor.execute("SELECT %s LIKE '%%\\%%' ESCAPE '\\', %s", [said, 1])
                assert cursor.fetchone() == (said == "50 %", 1)
                cursor.execute("SELECT %(one)s || %(one)s", {"one": said})
                assert cursor.fetchone() == (said + said,)
    finally:
        database.close()
