"""What all tests share: a fresh database per test, copied from one that was migrated once.

A test that asks for `database` gets SQLite; with `home` parametrised it runs on PostgreSQL too (see tests/hub).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_home = Path(tempfile.mkdtemp(prefix="samklang-tests-"))
os.environ["SAMKLANG_DATA"] = str(_home)
os.environ.pop("SAMKLANG_DATABASE", None)
os.environ.setdefault("SAMKLANG_ALLOW_PRIVATE", "127.0.0.0/8")
os.environ["SAMKLANG_VIES"] = ""  # nobody outside is asked; tests of it have a register of their own
os.environ["DJANGO_SETTINGS_MODULE"] = "samklang.settings"

import django  # noqa: E402  # settings first

django.setup()

from django.conf import settings as _settings  # noqa: E402

_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a safe one takes half a second

from tests.postgres import Server, in_memory, running  # noqa: E402

SPECS = Path(os.environ.get("SAMKLANG_SPECS", Path(__file__).parents[2] / "shared"))
HOMES = ("sqlite", "postgresql")


#: Files that take longest, the longest first: begun last, one of them would keep a core busy while the others idle.
_LONG = (
    "cli/test_demo.py", "crash/test_orders.py", "crash/test_workers.py", "engine/test_deaths.py", "web/test_flood.py",
    "integration/test_vendure_tryton.py", "hub/test_moving.py", "cli/test_move.py", "browser/test_quick_start.py",
    "deploy/test_processes.py", "upgrade/test_from_0_1_0.py", "engine/test_lost_database.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first."""
    order = {str(Path(__file__).parent / name): n for n, name in enumerate(_LONG)}
    items.sort(key=lambda item: order.get(str(item.path), len(order)))


def move_to(database: dict[str, Any]) -> None:
    """Let Django use this database from now on, in every thread."""
    from django.db import connections

    current = connections["default"]
    connections.close_all()
    if current.vendor == "postgresql":
        current.close_pool()  # type: ignore[attr-defined]
    del connections["default"]
    connections.databases["default"] = connections.configure_settings({"default": database})["default"]


def sqlite(path: Path) -> dict[str, Any]:
    """Django's settings for a SQLite file."""
    from samklang import settings

    return {**settings._SQLITE, "NAME": path}


def migrate() -> None:
    """Bring the current database to its newest shape."""
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    connections.close_all()


@pytest.fixture(scope="session")
def kept(request: pytest.FixtureRequest) -> Path:
    """Where empty databases are kept from run to run: a folder named by what their shape follows from."""
    from django.apps import apps

    shape = hashlib.sha256(django.__version__.encode())
    for app in sorted(apps.get_app_configs(), key=lambda app: app.name):
        for file in sorted(Path(app.path, "migrations").rglob("*.*")):
            if file.suffix in (".py", ".sql"):
                shape.update(file.read_bytes())
    cache: pytest.Cache = request.config.cache  # type: ignore[attr-defined]  # set by pytest's own plug-in
    return cache.mkdir("migrated") / shape.hexdigest()[:16]


def keep(made: Path, place: Path) -> None:
    """Put a file where other runs find it: whole or not at all, however many do it at once."""
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.copy(made, half)
    half.rename(place)


@pytest.fixture(scope="session")
def migrated(kept: Path) -> Iterator[Path]:
    """A database file with all migrations applied."""
    template, before = _home / "template.db", kept / "template.db"
    if before.exists():
        shutil.copy(before, template)
        move_to(sqlite(template))
    else:
        move_to(sqlite(template))
        migrate()
        keep(template, before)
    yield template
    shutil.rmtree(_home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(kept: Path) -> Iterator[Server]:
    """A PostgreSQL server whose database `template` has all migrations applied."""
    from samklang.settings import postgresql

    with running(place=in_memory()) as server:
        address, before = server.create("template"), kept / "template.sql"
        if before.exists():
            server.restore(before, address)
        else:
            move_to(postgresql(address))
            migrate()
            move_to(sqlite(_home / "template.db"))
            dump = _home / "template.sql"
            server.dump(dump, address)
            keep(dump, before)
        yield server


@pytest.fixture
def home() -> str:
    """Where the hub of a test lives."""
    return "sqlite"


@pytest.fixture
def database(
    home: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An empty hub of its own for one test, in a data folder of its own. Gives the path of the SQLite file (which is
    not there when the hub lives on PostgreSQL; `SAMKLANG_DATABASE` then names its database for other processes)."""
    from django.conf import settings

    from samklang.hub.links import forget_links
    from samklang.settings import postgresql

    path = tmp_path / "samklang.db"
    monkeypatch.setattr(settings, "DATA", tmp_path)
    with contextlib.ExitStack() as stack:
        if home == "sqlite":
            shutil.copy(request.getfixturevalue("migrated"), path)
            move_to(sqlite(path))
        else:
            server: Server = request.getfixturevalue("postgres")
            name = f"test_{os.getpid()}_{tmp_path.name}"[:60]
            address = server.create(name, "template")
            stack.callback(server.drop, name)
            monkeypatch.setenv("SAMKLANG_DATABASE", address)
            move_to(postgresql(address))
        yield path
        forget_links()
        move_to(sqlite(_home / "template.db"))
