"""`samklang backup` and `restore`: what the operator sees; a hub in a new folder goes on."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from django.db import connections

from samklang.cli.screen import Exit
from tests.cli.conftest import Run
from tests.cli.test_frame import _hub, _samklang
from tests.hub.conftest import World
from tests.postgres import Server


def test_a_backup_becomes_a_hub_in_an_empty_folder(running: World, database: Path, tmp_path: Path) -> None:
    connections.close_all()
    old, new, file = database.parent, tmp_path / "new", tmp_path / "hub.backup"
    before = json.loads(_samklang(old, "status", "--json").stdout)
    said = _samklang(old, "backup", str(file))
    assert said.returncode == Exit.OK, said.stderr
    assert "Without the key" in said.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored = _samklang(new, "restore", str(file))
    assert restored.returncode == Exit.OK, restored.stderr
    assert "Restored as it was on" in restored.stdout
    assert "The backup is without its key" in restored.stdout
    after = json.loads(_samklang(new, "status", "--json").stdout)
    assert [row["name"] for row in after["connections"]] == [row["name"] for row in before["connections"]]
    due = {(flow["type"], flow["due"]) for flow in after["flows"]}
    assert ("product", 5) in due, "articles are sent once more"
    again = _samklang(new, "restore", str(file))
    assert again.returncode == Exit.WRONG_USE
    assert "There is a hub at" in again.stderr


def test_a_backup_with_the_key_says_so_and_brings_it_along(running: World, database: Path, tmp_path: Path) -> None:
    from samklang.hub.secrets import keys

    (key,) = keys()
    connections.close_all()
    said = _samklang(database.parent, "backup", str(tmp_path / "b"), "--with-key")
    assert "who has this file can read every secret" in said.stdout
    restored = json.loads(_samklang(tmp_path / "new", "restore", str(tmp_path / "b"), "--json").stdout)
    assert restored["has_key"] is True
    assert (tmp_path / "new" / "samklang.key").read_text().split() == [key]


def test_while_serve_runs_a_backup_is_made_and_nothing_is_restored(tmp_path: Path) -> None:
    folder, file = tmp_path / "hub", tmp_path / "b"
    with _hub(folder):
        made = _samklang(folder, "backup", str(file), "--json")
        assert made.returncode == Exit.OK, made.stderr
        assert json.loads(made.stdout)["bytes"] == file.stat().st_size
        refused = _samklang(folder, "restore", str(file))
    assert refused.returncode == Exit.WRONG_USE
    assert "at work on this data folder" in refused.stderr


def test_a_snapshot_of_the_machine_was_put_back(running: World, cli: Run) -> None:
    running.shop.written.clear()
    assert cli("restore", "--json").json == {"sent_again": 15}
    assert cli("sync").code == Exit.OK
    assert len(running.shop.written) == 15


def test_what_cannot_be_meant_is_said(running: World, cli: Run, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database")
    for argv, says in (
        (("restore", str(tmp_path / "text")), "There is a hub at"),
        (("backup", str(tmp_path / "text")), "is there already"),
    ):
        said = cli(*argv)
        assert said.code == Exit.WRONG_USE, argv
        assert says in said.err


@pytest.mark.parametrize("home", ["postgresql"])
def test_on_postgresql_the_servers_own_tools_do_it_and_the_hub_is_told(
    running: World, database: Path, cli: Run, postgres: Server, home: str
) -> None:
    assert "Use pg_dump" in cli("backup", "x").err
    assert "pg_restore" in cli("restore", "x").err
    said = cli("restore", "--json")
    assert said.code == Exit.OK
    assert said.json == {"sent_again": 15}
