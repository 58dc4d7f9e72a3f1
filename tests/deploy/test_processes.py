"""Every command of the deployment's files as a process, with its arguments and its environment: an empty PostgreSQL
becomes a hub, the web gets healthy and ready, two workers live, and SIGTERM ends each within its grace.

Changed are only the places: folders, the port (another may be taken), and the program, which is the one of this
environment.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.fernet import Fernet

from tests.deploy.files import DEPLOY, ROOT, compose, seconds, steps, unit
from tests.integration.processes import free_port
from tests.postgres import Server

_PATIENCE = 120.0  # seconds for anything to come about on a busy machine
_PORT = "8080"


class Part(NamedTuple):
    """One process of a deployment: what is run after the program's name, what it knows, how long it has to end."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    grace: float


def _image(name: str) -> list[str]:
    return next(step for step in steps()[-1] if step.name == name).words


def _of_compose() -> list[Part]:
    assert _image("ENTRYPOINT") == ["samklang"]
    services = compose()["services"]
    names = ["web", *["worker"] * services["worker"]["deploy"]["replicas"]]
    fixed = dict(word.split("=", 1) for step in steps()[-1] if step.name == "ENV" for word in step.words)
    del fixed["PATH"]
    return [
        Part(
            name, services[name]["command"], {**fixed, **services[name]["environment"]},
            seconds(services[name]["stop_grace_period"]),
        )
        for name in names
    ]  # fmt: skip


def _of_systemd() -> list[Part]:
    found = []
    for wanted in unit("samklang.target")["Unit"]["Wants"][0].split():
        service = unit(re.sub("@.*", "@.service", wanted))["Service"]
        (command,) = service["ExecStart"]
        program, *arguments = shlex.split(command)
        assert program == "/opt/samklang/bin/samklang"
        environment = dict(word.split("=", 1) for line in service["Environment"] for word in line.split())
        found.append(Part(wanted, arguments, environment, seconds(service["TimeoutStopSec"][0])))
    return found


class Place:
    """Where a deployment is tried: folders instead of the real ones, and a free port."""

    def __init__(self, folder: Path, address: str = "") -> None:
        self.folder, self.port = folder, free_port()
        (folder / "data").mkdir()
        (folder / "database").write_text(f"{address}\n")
        (folder / "key").write_text(f"{Fernet.generate_key().decode()}\n")

    def here(self, text: str) -> str:
        """A path or argument of the file as it is here."""
        for place in ("/run/secrets", "%d"):
            text = text.replace(place, str(self.folder))
        text = re.sub(r"^(/data|/var/lib/samklang)", str(self.folder / "data"), text)
        return text.replace(_PORT, str(self.port))

    @contextmanager
    def started(self, part: Part) -> Iterator[subprocess.Popen[bytes]]:
        """The part at work; killed at the end if it still lives."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SAMKLANG_")}
        given = {name: self.here(value) for name, value in part.environment.items()}
        command = [sys.executable, "-m", "samklang", *map(self.here, part.arguments)]
        with (self.folder / "log").open("ab") as log:
            child = subprocess.Popen(command, env={**clean, **given}, stdout=log, stderr=log, cwd=self.folder)
        try:
            yield child
        finally:
            child.kill()
            child.wait()

    def asked(self, path: str) -> tuple[int, dict[str, object]]:
        """Status and JSON of an address of the web; 0 while nobody listens."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except OSError:
            return 0, {}
        finally:
            connection.close()

    def until(self, what: Callable[[], bool], children: Sequence[subprocess.Popen[bytes]]) -> None:
        """Wait for it; fails with the log when a process ends meanwhile."""
        end = time.monotonic() + _PATIENCE
        while not what():
            ended = [child.args for child in children if child.poll() is not None]
            if ended or time.monotonic() > end:
                pytest.fail(f"ended: {ended}\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.1)

    def healthy(self) -> bool:
        """What the image's HEALTHCHECK says."""
        check = next(step for step in steps()[-1] if step.name == "HEALTHCHECK").rest.split(" CMD ")[1]
        program, *arguments = json.loads(check)
        assert program == "python"
        return subprocess.run([sys.executable, *map(self.here, arguments)], capture_output=True).returncode == 0


def _ended(child: subprocess.Popen[bytes], grace: float) -> int:
    child.send_signal(signal.SIGTERM)
    return child.wait(grace)  # TimeoutExpired: the engine would kill it now


@pytest.mark.timeout(400)
@pytest.mark.parametrize("parts", [_of_compose(), _of_systemd()], ids=["compose", "systemd"])
def test_web_and_two_workers_begin_get_ready_and_end(parts: list[Part], postgres: Server, tmp_path: Path) -> None:
    database = f"deploy_{os.getpid()}_{len(parts[0].name)}"
    place = Place(tmp_path, postgres.create(database))  # without a table: all three begin at once and one makes them

    def workers() -> int:
        rows = postgres.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '20 seconds'", database
        )
        return int(str(rows[0][0]))

    try:
        with place.started(parts[0]) as web, place.started(parts[1]) as one, place.started(parts[2]) as other:
            children = [web, one, other]
            place.until(lambda: place.asked("/health")[0] == 200, children)
            assert place.healthy()
            place.until(lambda: place.asked("/ready") == (200, {"status": "ready", "engine": True}), children)
            place.until(lambda: workers() == 2, children)
            for child, part in reversed(list(zip(children, parts, strict=True))):
                assert _ended(child, part.grace) == 0, part.name
        assert not place.healthy()
        assert not list((tmp_path / "data").glob("samklang.*b")), "nothing of it lives on SQLite"
        assert not (tmp_path / "data" / "samklang.key").exists(), "the key is the operator's"
    finally:
        postgres.drop(database)


def test_the_image_alone_is_a_whole_hub_on_sqlite(tmp_path: Path) -> None:
    fixed = dict(word.split("=", 1) for step in steps()[-1] if step.name == "ENV" for word in step.words)
    del fixed["PATH"]
    place = Place(tmp_path)
    with place.started(Part("image", _image("CMD"), fixed, 10.0)) as child:  # an engine kills after 10 s by itself
        place.until(lambda: place.asked("/ready") == (200, {"status": "ready", "engine": True}), [child])
        assert place.healthy()
        assert place.asked("/")[0] == 302, "the pages ask for a login"
        assert _ended(child, 10.0) == 0
    assert (tmp_path / "data" / "samklang.db").exists()


def _backup(place: Path, environment: Mapping[str, str], pg_dump: str) -> None:
    """The backup service's commands in turn, as systemd unescapes them; one that fails ends it."""
    for line in unit("samklang-backup.service")["Service"]["ExecStart"]:
        line = line.replace("%%", "%").replace("$$", "$").replace("/var/lib/samklang/backups", str(place))
        program, *arguments = shlex.split(line)
        command = [pg_dump if program == "pg_dump" else program, *arguments]
        subprocess.run(command, check=True, env={**os.environ, **environment}, capture_output=True)


def test_the_backup_can_be_restored_and_old_ones_go(postgres: Server, tmp_path: Path) -> None:
    count = "SELECT count(*) FROM django_migrations"
    postgres.create("samklang", "template")
    given = {"PGHOST": str(postgres.folder), "PGUSER": "postgres"}
    old = tmp_path / "2020-01-01.dump"
    old.touch()
    os.utime(old, (0, 0))
    try:
        _backup(tmp_path, given, postgres.tool("pg_dump"))
    finally:
        postgres.drop("samklang")
    (dump,) = tmp_path.iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.dump", dump.name)
    address = postgres.create("restored")
    try:
        command = [postgres.tool("pg_restore"), f"--dbname={address}", "--exit-on-error", str(dump)]
        subprocess.run(command, check=True, capture_output=True)
        assert postgres.execute(count, "restored") == postgres.execute(count, "template")
    finally:
        postgres.drop("restored")


def test_a_backup_that_fails_leaves_the_last_one_alone(postgres: Server, tmp_path: Path) -> None:
    last = tmp_path / "2020-01-01.dump"
    last.touch()
    os.utime(last, (0, 0))
    with pytest.raises(subprocess.CalledProcessError):  # there is no database `samklang`
        _backup(tmp_path, {"PGHOST": str(postgres.folder), "PGUSER": "postgres"}, postgres.tool("pg_dump"))
    assert last.exists()


def test_every_setting_that_is_named_is_one() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    named = {name for path in files for name in re.findall(r"\bSAMKLANG_[A-Z_]*[A-Z]\b", path.read_text())}
    known = re.findall(r"^\| `(SAMKLANG_\w+)`", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE)
    assert named >= {"SAMKLANG_DATABASE_FILE", "SAMKLANG_KEY_FILE", "SAMKLANG_DATA"}
    assert named <= set(known)


def test_the_proxy_shows_all_but_readiness_and_metrics() -> None:
    from samklang.hub import hooks
    from samklang.hub.keeping import uploads

    text = (DEPLOY / "Caddyfile").read_text()
    assert re.findall(r"^\s*@inside path (.*)$", text, re.MULTILINE) == ["/ready /metrics"]
    assert "handle @inside {\n\t\trespond 404" in text
    assert re.findall(r"max_size (\d+)MiB", text) == [str(hooks.LARGEST // 2**20), str(uploads.LARGEST // 2**20 + 1)]
    (command,) = unit("samklang-web.service")["Service"]["ExecStart"]
    arguments = shlex.split(command)
    host, port = (arguments[arguments.index(name) + 1] for name in ("--host", "--port"))
    assert set(re.findall(r"reverse_proxy (.*)", text)) == {f"{host}:{port}"}
