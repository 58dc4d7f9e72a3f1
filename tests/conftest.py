"""What all tests share: a fresh database per test, copied from one that was migrated once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_home = Path(tempfile.mkdtemp(prefix="samklang-tests-"))
os.environ["SAMKLANG_DATA"] = str(_home)
os.environ.setdefault("SAMKLANG_ALLOW_PRIVATE", "127.0.0.0/8")
os.environ["DJANGO_SETTINGS_MODULE"] = "samklang.settings"

import django  # noqa: E402  # settings first

django.setup()

SPECS = Path(os.environ.get("SAMKLANG_SPECS", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def migrated() -> Iterator[Path]:
    """A database file with all migrations applied."""
    from django.core.management import call_command
    from django.db import connections

    template = _home / "template.db"
    connections.databases["default"]["NAME"] = template
    call_command("migrate", verbosity=0)
    connections.close_all()
    yield template
    shutil.rmtree(_home, ignore_errors=True)


@pytest.fixture
def database(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty hub of its own for one test: database file and data folder."""
    from django.conf import settings
    from django.db import connections

    from samklang.hub.links import forget_links

    path = tmp_path / "samklang.db"
    shutil.copy(migrated, path)
    monkeypatch.setattr(settings, "DATA", tmp_path)
    connections.close_all()
    connections.databases["default"]["NAME"] = path
    for alias in connections:
        connections[alias].settings_dict["NAME"] = path
    yield path
    forget_links()
    connections.close_all()
