"""`samklang migrate-to`: what the operator sees, before, during and after."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from samklang.cli.screen import Exit
from tests.cli.conftest import Run
from tests.cli.test_frame import _hub, _samklang
from tests.hub.conftest import World
from tests.postgres import Server


@pytest.fixture
def new(postgres: Server, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database."""
    name = f"cli_{os.getpid()}_{tmp_path.name}"[:60]
    yield postgres.create(name)
    postgres.drop(name)


def test_a_hub_moves_and_the_old_one_says_where_to(running: World, database: Path, new: str) -> None:
    connections.close_all()
    folder = database.parent
    before = json.loads(_samklang(folder, "status", "--json").stdout)
    moved = _samklang(folder, "migrate-to", new)
    assert moved.returncode == Exit.OK, moved.stderr
    assert f"\nSAMKLANG_DATABASE={new}\nSAMKLANG_DATA={folder}\n" in moved.stdout
    assert "hub_connection" in moved.stdout
    for command in (("status",), ("sync",), ("serve", "--port", "0"), ("migrate-to", new)):
        old = _samklang(folder, *command)
        assert old.returncode == Exit.WRONG_USE, command
        assert "This hub moved to PostgreSQL on" in old.stderr
        assert "set SAMKLANG_DATABASE" in old.stderr
    there = _samklang(folder, "status", "--json", SAMKLANG_DATABASE=new)
    assert json.loads(there.stdout) == before
    again = _samklang(folder, "migrate-to", new, SAMKLANG_DATABASE=new)
    assert "lives on PostgreSQL already" in again.stderr


def test_programs_get_counts_and_hashes(running: World, database: Path, new: str) -> None:
    connections.close_all()
    said = json.loads(
        _samklang(database.parent, "migrate-to", new.replace("postgres@", "postgres:hush@"), "--json").stdout
    )
    assert said["to"] == new
    rows = {table["table"]: table["rows"] for table in said["tables"]}
    assert (rows["hub_tenant"], rows["hub_connection"], rows["record"]) == (1, 2, 20)
    assert all(len(table["hash"]) == 32 for table in said["tables"])


def test_it_waits_for_nobody_and_refuses_while_serve_runs(tmp_path: Path, new: str) -> None:
    with _hub(tmp_path):
        said = _samklang(tmp_path, "migrate-to", new)
    assert said.returncode == Exit.WRONG_USE
    assert "`samklang serve` or another command is at work on this data folder" in said.stderr


def test_what_is_wrong_with_the_address_is_said(running: World, cli: Run) -> None:
    said = cli("migrate-to", "mysql://a/b")
    assert said.code == Exit.WRONG_USE
    assert "no address of a PostgreSQL database" in said.err
