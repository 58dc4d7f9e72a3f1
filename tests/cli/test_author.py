"""connector new writes what lints and runs; connector check grades what is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


def _quiet(*command: str, cwd: Path, **env: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_a_new_connector_of_its_own_lints_runs_and_is_gold(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = cli("connector", "new", "acme_trade", "--title", "Acme Trade AB", "--kind", "erp", "--json")
    assert said.code == 0, said.err
    root = tmp_path / "samklang-acme_trade"
    assert len(said.json["files"]) == 9
    _quiet("ruff", "check", ".", cwd=root)
    _quiet("ruff", "format", "--check", ".", cwd=root)
    _quiet("pytest", "-q", "-p", "no:cacheprovider", cwd=root)
    monkeypatch.syspath_prepend(str(root))
    from samklang.connectors import registry

    registry.packages()["acme_trade"] = "samklang_connectors.acme_trade"
    try:
        graded = cli("connector", "check", "acme_trade", "--json")
    finally:
        del registry.packages()["acme_trade"]
    results = {one["check"]: one["result"] for one in graded.json["checks"]}
    assert (graded.code, results["manifest"], results["readme"]) == (0, "passed", "passed")
    assert results["reads-all"] == "untried", "its stand is its author's: only its own tests have it"
    again = cli("connector", "new", "acme_trade")
    assert again.code == 2
    assert "is there already" in again.err


def test_a_new_connector_in_a_checkout_goes_among_the_others_and_lints(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    monkeypatch.chdir(tmp_path)
    assert cli("connector", "new", "a_system_with_a_long_name").code == 0
    assert (tmp_path / "tests" / "contract" / "test_a_system_with_a_long_name.py").exists()
    written = ("src/samklang/connectors/a_system_with_a_long_name", "tests")
    _quiet("ruff", "check", *written, cwd=tmp_path)
    _quiet("ruff", "format", "--check", *written, cwd=tmp_path)


def test_names_that_cannot_be_are_refused(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("Acme", "9lives", "class", "a-b", "fortnox", "x" * 31):
        assert cli("connector", "new", name).code == 2, name
    assert cli("connector", "new", "acme", "--title", 'A"B').code == 2
    assert list(tmp_path.iterdir()) == [tmp_path / "samklang.db"]


def test_check_tries_a_connector_on_its_stand_in(cli: Run) -> None:
    said = cli("connector", "check", "fortnox", "--check", "login", "--check", "manifest", "--json")
    assert said.code == 0, said.out
    assert [(one["check"], one["result"]) for one in said.json["checks"]] == [
        ("manifest", "passed"),
        ("login", "passed"),
    ]
    assert cli("connector", "check", "nothing").code == 2
    assert cli("connector", "check", "fortnox", "--check", "nothing").code == 2


def test_a_failing_check_is_exit_code_1(cli: Run) -> None:
    said = cli("connector", "check", "locked", "--check", "readme")
    assert said.code == 1
    assert "README.md lacks a chapter" in said.out
