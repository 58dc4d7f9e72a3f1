"""Secrets in files, as containers and systemd hand them over: read, never replaced by a guess, never quoted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from samklang.connectors.errors import Misconfigured
from samklang.hub import secrets
from samklang.hub.models import Connection, Tenant
from samklang.hub.setup import config
from samklang.settings import secret


def _status(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`samklang status` as a process of its own."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("SAMKLANG_")}
    given |= {"SAMKLANG_DATA": str(tmp_path / "data"), **environment}
    command = [sys.executable, "-m", "samklang", "status"]
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=60)


def test_the_file_is_read_without_the_end_of_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("abc\n")
    monkeypatch.setenv("SAMKLANG_KEY_FILE", str(tmp_path / "key"))
    assert secret("SAMKLANG_KEY") == "abc"


def test_the_variable_wins_over_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("abc\n")
    monkeypatch.setenv("SAMKLANG_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SAMKLANG_KEY", "def")
    assert secret("SAMKLANG_KEY") == "def"


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), ("\n", "is empty")], ids=["missing", "empty"])
def test_a_bad_file_never_means_no_secret(
    content: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    monkeypatch.setenv("SAMKLANG_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(ImproperlyConfigured, match=says):
        secret("SAMKLANG_KEY")
    with pytest.raises(Misconfigured, match=says):
        secrets.seal("x")


def test_without_its_address_the_hub_does_not_begin_on_sqlite(tmp_path: Path) -> None:
    ended = _status(tmp_path, SAMKLANG_DATABASE_FILE=str(tmp_path / "gone"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"SAMKLANG_DATABASE_FILE names {tmp_path / 'gone'}, which cannot be read")
    assert not (tmp_path / "data").exists()


def test_a_wrong_address_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "database").write_text("postgre://hub:hemlig@database/hub\n")
    ended = _status(tmp_path, SAMKLANG_DATABASE_FILE=str(tmp_path / "database"))
    assert ended.returncode == 2
    assert "SAMKLANG_DATABASE is no address of a PostgreSQL database" in ended.stderr
    assert "hemlig" not in ended.stderr


def test_the_key_in_a_file_is_rotated_by_a_second_line(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    file = tmp_path / "key"
    file.write_text(f"{old}\n")
    monkeypatch.setenv("SAMKLANG_KEY_FILE", str(file))
    tenant = Tenant.objects.create(slug="nordljus", name="Nordljus")
    row = Connection.objects.create(tenant=tenant, name="shop", connector="woocommerce", settings={})
    config.set_secrets(row, {"consumer_key": "ck"})

    with pytest.raises(Misconfigured, match="only you can make the new one"):
        secrets.rotate()
    file.write_text(f"{new}\n{old}\n")
    assert secrets.rotate() == 1
    file.write_text(f"{new}\n")
    row.refresh_from_db()
    assert secrets.unseal(row.secrets) == {"consumer_key": "ck"}
    assert not secrets.key_file().exists()
