"""PostgreSQL crashes and comes back in the middle of the work: nothing is lost, nothing is done twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from samklang.settings import postgresql
from tests.conftest import _home, migrate, move_to, sqlite
from tests.engine.test_deaths import Desk, everything_once, hand, orders
from tests.postgres import Server, running


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated: Path) -> Iterator[Server]:
    """A server of this test alone, for it is stopped."""
    from django.conf import settings

    with running() as server:
        address = server.create("hub")
        monkeypatch.setattr(settings, "DATA", tmp_path)
        monkeypatch.setenv("SAMKLANG_DATABASE", address)
        move_to(postgresql(address))
        migrate()
        yield server
        move_to(sqlite(_home / "template.db"))


def test_the_database_crashes_again_and_again(server: Server, tmp_path: Path) -> None:
    from django.db import connections

    desk = Desk(tmp_path / "unused")
    with hand(tmp_path / "unused"), hand(tmp_path / "unused"):
        for n in range(5):
            desk.want(orders(20, 20 * n))
            connections.close_all()
            time.sleep(0.3)
            server.stop()
            time.sleep(0.5)
            server.start()
        everything_once(desk, 100, 90)


def test_every_connection_is_cut(server: Server, tmp_path: Path) -> None:
    from django.db import connections

    desk = Desk(tmp_path / "unused")
    with hand(tmp_path / "unused"), hand(tmp_path / "unused"):
        for n in range(10):
            desk.want(orders(10, 10 * n))
            connections.close_all()  # ours are cut too; the next use makes new ones
            time.sleep(0.2)
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='hub'")
        everything_once(desk, 100, 90)
