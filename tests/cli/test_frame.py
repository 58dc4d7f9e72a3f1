"""The frame: exit codes, streams, help, the data folder, dead processes, the reference page."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.hub.conftest import World


def _env(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "SAMKLANG_DATA": str(folder), "PYTHONUNBUFFERED": "1", **more}


def _samklang(folder: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "samklang", *argv]
    return subprocess.run(command, env=_env(folder, **more), capture_output=True, text=True, timeout=120)


def test_wrong_use_ends_in_2_and_says_so_on_stderr(cli: Run) -> None:
    for argv in (("nonsense",), ("journey",), ("status", "--nonsense"), ("release", "x"), ("status",)):
        said = cli(*argv)
        assert (said.code, said.out) == (2, ""), argv
        assert "What to do:" in said.err
    error = json.loads(cli("status", "--json").err)["error"]
    assert sorted(error) == ["code", "do_this", "what", "where"]


def test_a_fresh_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    said = _samklang(folder, "status")
    assert said.returncode == 2
    assert "Begin with `samklang connect`" in said.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in folder.iterdir())


def test_output_that_is_piped_has_no_colours_and_is_not_cut_off(tmp_path: Path) -> None:
    said = _samklang(tmp_path, "connector", "list")
    assert said.returncode == 0
    assert "\x1b" not in said.stdout
    assert "woocommerce" in said.stdout
    assert "…" not in said.stdout
    names = [one["name"] for one in json.loads(_samklang(tmp_path, "connector", "list", "--json").stdout)]
    assert names == sorted(names)
    assert {"fortnox", "woocommerce"} <= set(names)


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m samklang connector list --json | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=_env(tmp_path), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[", "")


def test_two_processes_may_make_the_database_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "samklang", "history"]
    both = [subprocess.Popen(command, env=_env(tmp_path / "new"), stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in both]
    assert all("Nothing is set up here yet" in error for error in errors), errors


def test_the_lease_of_a_dead_process_is_ended_at_once_and_a_living_ones_is_kept(world: World, cli: Run) -> None:
    from django.conf import settings

    from samklang.cli.session import database
    from samklang.hub.models import Lease

    Lease.objects.create(tenant=world.tenant, name="out-1-product", token=7, owner="another machine 1-a")
    with database():
        assert not Lease.objects.get().owner, "no other process lives, so nobody can hold it"
        assert Lease.objects.get().token == 7, "the number only grows"
        Lease.objects.update(owner="another machine 1-a")
        said = _samklang(Path(settings.DATA), "status", "--json")
        assert json.loads(said.stdout)["tenant"] == "nordljus"
        assert Lease.objects.get().owner


@contextlib.contextmanager
def _hub(folder: Path, *argv: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`samklang serve`, and what it said when it was ready."""
    command = [sys.executable, "-m", "samklang", "serve", "--port", "0", "--json", *argv]
    hub = subprocess.Popen(command, env=_env(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert hub.stdout
    assert hub.stderr
    try:
        text = ""
        while not text.rstrip().endswith("}"):
            line = hub.stdout.readline()
            assert line, hub.stderr.read()
            text += line
        yield hub, json.loads(text)
    finally:
        hub.kill()
        hub.communicate()


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_serve_answers_refuses_a_second_one_and_ends_in_peace(tmp_path: Path) -> None:
    with _hub(tmp_path) as (hub, started):
        assert "/enter/" in started["setup"], "nobody is here yet"
        port = int(started["address"].rsplit(":", 1)[1])
        assert _status(port, "/health") == 200
        assert _status(port, "/ready") == 200
        second = _samklang(tmp_path, "serve", "--port", "0")
        assert second.returncode == 2
        assert "already runs" in second.stderr
        hub.send_signal(signal.SIGTERM)
        assert hub.wait(60) == 0


def test_off_this_machine_the_pages_are_behind_the_login_and_answer_to_known_names_only(tmp_path: Path) -> None:
    with _hub(tmp_path, "--host", "0.0.0.0") as (_, started):
        port = int(started["address"].rsplit(":", 1)[1])
        assert _status(port, "/health") == 200
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/t/main/orders") as answer:
            assert answer.url.endswith("/login?next=/t/main/orders")
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(asked)


def test_a_port_that_is_taken_is_said(cli: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = cli("serve", "--port", str(taken.getsockname()[1]))
    assert said.code == 2
    assert "cannot be listened on" in said.err


def test_the_reference_page_is_what_the_commands_say() -> None:
    from samklang.cli.reference import PAGE, page

    assert PAGE.read_text() == page(), "run: ./run python -m samklang.cli.reference"


def test_every_command_has_json_and_a_sentence() -> None:
    from samklang.cli.app import app

    for command in app.resolved_commands():
        if command.startswith("-"):
            continue
        assert app[command].help or app[command].default_command.__doc__, command


def test_a_narrow_terminal_loses_no_column(world: World, cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    world.flow("order_status", "erp", "shop")
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("status").out.splitlines()
    assert max(map(len, lines)) <= 80
    heading = next(line for line in lines if "delivered" in line)
    assert heading.split() == ["Flow", "delivered", "due", "sending", "waiting", "stopped", "held"]
