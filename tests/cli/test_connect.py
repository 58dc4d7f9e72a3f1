"""connect: ask, check, save, in this order; secrets are never printed, never in arguments, never stored in clear."""

from __future__ import annotations

import io
import os
import sqlite3
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.ongoing import OngoingSandbox
from tests.cli.conftest import Run
from tests.cli.locked import RIGHT, hooked

KEY = "SAMKLANG_SECRET_BOX_API_KEY"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, RIGHT)


def test_the_login_is_checked_before_anything_is_saved(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "wrong")
    said = cli("connect", "box", "locked", "--set", "box=a")
    assert said.code == 4
    assert "SYNC-301 The box does not open" in said.err
    from samklang.hub.models import Connection, Tenant

    assert not Connection.objects.exists()
    assert not Tenant.objects.exists()


@pytest.mark.usefixtures("key")
def test_connect_saves_makes_a_channel_and_registers_webhooks(cli: Run) -> None:
    """Q-10: what the system says of itself is checked before it is saved, and its warnings are shown."""
    hooked.clear()
    said = cli(
        "connect", "box", "locked", "--set", "box=a", "--set", "pieces=7", "--channel", "nordljus", "--json",
        "--company", "Nordljus AB", "--public-url", "https://hub.example/",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.json["account"] == "Box a"
    assert said.json["channel"] == "nordljus"
    assert said.json["warnings"] == ["It creaks"]
    assert hooked == ["https://hub.example/hooks/main/box"]
    from samklang.hub.models import Connection

    row = Connection.objects.get()
    assert (row.settings, row.state) == ({"box": "a", "pieces": 7}, "active")
    assert [v["why"] for v in cli("history", "--json").json] == ["connected box"]


def test_webhooks_that_only_a_person_can_make_are_a_note_and_no_failure(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = OngoingSandbox(1)
    monkeypatch.setenv("SAMKLANG_SECRET_WMS_PASSWORD", box.password)
    with serve(box.app) as base:
        settings = {"address": f"{base}/{box.system}", "user": box.user, "goods_owner": box.goods_owner}
        flags = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        said = cli("connect", "wms", "ongoing", *flags, "--public-url", "https://hub.example/", "--json")
    assert said.code == 0, said.err
    assert said.json["webhooks"] == ""
    assert "https://hub.example/hooks/main/wms?token=" in said.json["by_hand"]


class _Keyboard(io.StringIO):
    """A person at a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_person_is_asked_and_the_secret_is_not_shown(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Keyboard("a\n\n"))
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream=None: RIGHT)
    said = cli("connect", "box", "locked")
    assert said.code == 0, said.err
    assert "Pieces (5)" in said.err, "the default is offered"
    assert RIGHT not in said.out + said.err
    from samklang.hub.models import Connection

    assert Connection.objects.get().settings == {"box": "a"}
    monkeypatch.setattr("sys.stdin", _Keyboard(""))
    said = cli("connect", "other", "locked")
    assert said.code == 2
    assert "The input ended" in said.err


@pytest.mark.usefixtures("key")
def test_connecting_again_keeps_what_is_not_given_and_resumes(cli: Run) -> None:
    cli("connect", "box", "locked", "--set", "box=a", "--set", "pieces=7")
    from samklang.hub.models import Connection
    from samklang.hub.secrets import unseal

    Connection.objects.update(state="needs person", reason="login")
    os.environ.pop(KEY)
    said = cli("connect", "box", "--set", "pieces=9")
    assert said.code == 0, said.err
    row = Connection.objects.get()
    assert (row.settings, row.state) == ({"box": "a", "pieces": 9}, "active")
    assert unseal(row.secrets)["api_key"] == RIGHT


def test_a_missing_setting_or_secret_is_named_with_the_way_to_give_it(cli: Run) -> None:
    said = cli("connect", "box", "locked")
    assert said.code == 2
    assert "--set box=…" in said.err
    said = cli("connect", "box", "locked", "--set", "box=a")
    assert said.code == 2
    assert KEY in said.err
    assert cli("connect", "box", "locked", "--set", "bux=a").code == 2
    assert cli("connect", "box", "locked", "--set", "box=a", "--set", "pieces=many").code == 2
    assert cli("connect", "Box!", "locked").code == 2
    assert cli("connect", "box", "nothing").code == 2


def test_a_secret_as_an_argument_is_refused_and_not_repeated(cli: Run) -> None:
    said = cli("connect", "box", "locked", "--set", "box=a", "--set", f"api_key={RIGHT}")
    assert said.code == 2
    assert RIGHT not in said.err + said.out
    assert "must not stand on the command line" in said.err


def test_no_command_prints_or_stores_a_secret_in_clear(cli: Run, database: Path, tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"# of the box\napi_key = {RIGHT}\n")
    (tmp_path / "samklang.toml").unlink(missing_ok=True)
    said = [
        cli("connect", "box", "locked", "--set", "box=a", "--secret-file", str(file), *more)
        for more in ((), ("--json",))
    ]
    assert [one.code for one in said] == [0, 0]
    file.unlink()
    toml = tmp_path / "samklang.toml"
    toml.write_text(cli("export").out)
    commands: list[tuple[str, ...]] = [
        ("plan", str(toml)), ("apply", str(toml), "--yes"), ("sync",), ("status",), ("problems", "--all"), ("runs",),
        ("history",), ("export",), ("connector", "list"), ("key", "rotate"), ("pause", "box"), ("resume", "box"),
        ("release",), ("retry",), ("apply", "--version", "1", "--yes"), ("journey", "1"),
    ]  # fmt: skip
    said += [cli(*command, *more) for command in commands for more in ((), ("--json",))]
    for one in said:
        assert RIGHT not in one.out + one.err
    from django.db import connections

    connections.close_all()
    with sqlite3.connect(database) as copy:
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert RIGHT.encode() not in path.read_bytes(), f"{path.name} holds the secret in clear"


def test_a_rotated_key_opens_what_it_must_and_the_old_one_nothing(cli: Run, key: None, tmp_path: Path) -> None:
    cli("connect", "box", "locked", "--set", "box=a")
    old = (tmp_path / "samklang.key").read_text()
    said = cli("key", "rotate", "--json")
    assert (said.code, said.json["connections"]) == (0, 1)
    new = (tmp_path / "samklang.key").read_text()
    assert new != old
    os.environ.pop(KEY)
    assert cli("connect", "box").code == 0, "the stored secret opens the box still"
    (tmp_path / "samklang.key").write_text(old)
    said = cli("connect", "box")
    assert said.code == 2
    assert "cannot be read with this key" in said.err
    assert oct((tmp_path / "samklang.key").stat().st_mode & 0o077) == "0o0"


class _Browser:
    """stderr of a command; whoever reads an address in it goes there, as a person would."""

    def __init__(self, approve: bool = True) -> None:
        self.text = io.StringIO()
        self.approve = approve
        self.seen: list[str] = []

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if line.startswith("http"):
                if not self.approve:
                    line = line.replace("client_id=sandbox", "client_id=other")
                thread = threading.Thread(target=self._go, args=(line,), daemon=True)
                thread.start()
        return self.text.write(text)

    def _go(self, address: str) -> None:
        with urllib.request.urlopen(address) as answer:
            self.seen.append(answer.read().decode())

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


def test_oauth_prints_the_consent_address_and_takes_the_code(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.sandboxes.fortnox import FortnoxSandbox

    monkeypatch.setenv("SAMKLANG_SECRET_ERP_CLIENT_SECRET", FortnoxSandbox.client_secret)
    ledger = FortnoxSandbox(articles=3)
    browser = _Browser()
    with serve(Faulty(ledger.app)) as address:
        monkeypatch.setattr("sys.stderr", browser)
        argv = _fortnox(address)
        assert cli(*argv).code == 0, browser.text.getvalue()
        assert "You can close this page" in browser.seen[0]
        from samklang.hub.models import Connection
        from samklang.hub.secrets import unseal

        sealed = bytes(Connection.objects.get().tokens)
        tokens = unseal(sealed)
        assert tokens["refresh"].encode() not in sealed
        browser.seen.clear()
        assert cli("connect", "erp").code == 0
        assert browser.seen == [], "a login that works is not asked for again"
        _forget(ledger)
        assert cli("connect", "erp", "--redirect", "http://localhost:0/").code == 0
        assert browser.seen, "a dead login is"


def _fortnox(address: str, **more: Any) -> list[str]:
    settings = [f"client_id={more.get('client', 'sandbox')}", f"api_address={address}", f"login_address={address}"]
    return ["connect", "erp", "fortnox", "--redirect", "http://localhost:0/"] + [
        word for setting in settings for word in ("--set", setting)
    ]


def _forget(ledger: Any) -> None:
    ledger.login._access.clear()
    ledger.login._refresh.clear()


def test_a_login_that_nobody_approves_ends(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.sandboxes.fortnox import FortnoxSandbox

    monkeypatch.setenv("SAMKLANG_SECRET_ERP_CLIENT_SECRET", "x")
    with serve(Faulty(FortnoxSandbox(articles=3).app)) as address:
        said = cli(*_fortnox(address), "--patience", "0.2")
    assert said.code == 4
    assert "Nobody approved" in said.err
    from samklang.hub.models import Connection

    assert not Connection.objects.exists()
