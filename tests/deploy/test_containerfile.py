"""The Containerfile without a container engine: its context holds what it copies and nothing else, its build commands
are run in a folder of their own, and what they make works."""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import ROOT, steps

BUILD, FINAL = steps()
IGNORE = [
    line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.strip() and not line.startswith("#")
]


def _sent(path: str) -> bool:
    """Whether the context holds this file of the project: the last pattern that fits it or a folder above decides."""
    parts = Path(path).parts
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    sent = True
    for pattern in IGNORE:
        plain = pattern.removeprefix("!").removeprefix("**/")
        tries = [*above, *parts] if "**/" in pattern else above
        if any(fnmatch.fnmatchcase(one, plain) for one in tries):
            sent = pattern.startswith("!")
    return sent


def _copied() -> list[str]:
    return [word for step in BUILD if step.name == "COPY" for word in step.words[:-1]]


@pytest.mark.parametrize("source", _copied())
def test_what_is_copied_is_there_and_sent(source: str) -> None:
    assert (ROOT / source).exists()
    assert _sent(source)


def test_nothing_else_is_sent() -> None:
    assert {path.name for path in ROOT.iterdir() if _sent(path.name)} == set(_copied())
    for path in ("deploy/secrets/key", ".venv/bin/python", ".git/config", "var/samklang.key", "tests/conftest.py"):
        assert not _sent(path)
    assert not _sent("src/samklang/__pycache__/settings.cpython-311.pyc")


def test_it_runs_without_rights_and_without_a_shell() -> None:
    assert next(step for step in FINAL if step.name == "USER").rest == "10001:10001"
    assert FINAL.index(next(step for step in FINAL if step.name == "USER")) > max(
        place for place, step in enumerate(FINAL) if step.name in ("RUN", "COPY")
    )
    for name in ("ENTRYPOINT", "CMD"):
        assert next(step for step in FINAL if step.name == name).rest.startswith("[")
    assert " CMD [" in next(step for step in FINAL if step.name == "HEALTHCHECK").rest


def test_both_stages_have_the_same_python() -> None:
    assert BUILD[0].rest == f"{FINAL[0].rest} AS build"


@pytest.mark.integration
def test_the_build_commands_make_an_installation_that_works(tmp_path: Path) -> None:
    """As written, but for the folder they install into. `pip install uv` stands aside: the environment has uv."""
    context, target = tmp_path / "build", tmp_path / "opt"
    context.mkdir()
    given = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "UV_PYTHON": sys.executable}
    done = []
    for step in BUILD:
        if step.name == "COPY":
            *sources, to = step.words
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, context / to, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, context / to)
        elif step.name == "RUN" and not step.rest.startswith("pip install"):
            command = step.rest.replace("/opt/samklang", str(target))
            ended = subprocess.run(command, shell=True, cwd=context, env=given, capture_output=True, text=True)
            assert ended.returncode == 0, f"{command}\n{ended.stderr[-3000:]}"
            done.append(command)
    assert len(done) == 4
    clean = {"PATH": f"{target}/bin", "SAMKLANG_DATA": str(tmp_path / "data"), "HOME": str(tmp_path)}
    program = [str(target / "bin" / "samklang")]
    status = subprocess.run([*program, "connector", "list"], env=clean, capture_output=True, text=True)
    assert (status.returncode, status.stderr) == (0, "")
    assert "woocommerce" in status.stdout
    check = subprocess.run(["uv", "pip", "check", "--python", str(target)], env=given, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"\ninstalled: {size / 2**20:.0f} MB")
