"""A database that release 0.1.0 wrote comes to the newest shape, and the road goes on where that release was stopped.

`hub_0_1_0.json` is what that release itself had in its tables when it was killed: table → columns and rows, bytes as
hex:… or text:…, as SQLite holds them. Its ERP had just taken order 1002, its catalogue was two pages into a sweep.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, connections, models
from django.db.migrations.loader import MigrationLoader

from samklang.cli.session import database
from samklang.connectors import registry
from samklang.engine import work
from samklang.engine.embedded import Embedded
from samklang.engine.port import deliver_job, hooks_job
from samklang.hub import guards, leases
from samklang.settings import postgresql
from tests.conftest import HOMES, _home, move_to, sqlite
from tests.doubles.shelf import boxes
from tests.hub.conftest import World, order, product, stock
from tests.postgres import Server

WRITTEN: dict[str, dict[str, list[Any]]] = json.loads((Path(__file__).parent / "hub_0_1_0.json").read_text())


class Found(World):
    """The world of the rows: what that release left, and what the two systems hold."""

    def __init__(self) -> None:
        from samklang.hub.models import Channel, Connection, Lease, Tenant

        self.tenant = Tenant.objects.get()
        self.shop_row = Connection.objects.get(name="shop")
        self.erp_row = Connection.objects.get(name="erp")
        self.channel = Channel.objects.get()
        for n in range(1, 10):
            self.erp.put(product(f"A-{n}", "Nytt namn" if n == 8 else "Kopp"), id_=f"p{n}")
        for n in (1, 2):
            self.erp.put(stock(f"A-{n}", 7), id_=f"s{n}")
        self.erp.put(order("1001"), id_="o3", reference="nordljus/1001")
        self.erp.put(order("1002"), id_="o4", reference="nordljus/1002")  # arrived, and nobody was told
        self.erp.ids = iter(range(10, 1000))  # type: ignore[assignment]
        self.shop.ids = iter(range(100, 1000))  # type: ignore[assignment]
        # PostgreSQL: the dead owner is another machine's for all we know, and must have been silent for a while. For
        # a short one, and only here: who holds a lease stops sending when two thirds of that pass without renewal.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(leases, "LENGTH", 0.05)
            while dead := Lease.objects.exclude(owner="").first():
                with leases.holding(self.tenant.pk, dead.name):
                    time.sleep(0.02)


class Shelf(NamedTuple):
    """Databases to take copies of: as 0.1.0 left it, and after the first start of this release."""

    old: str
    grown: str


@pytest.fixture(scope="module", params=HOMES)
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Both, made once: names of template databases, or files of SQLite."""
    folder = tmp_path_factory.mktemp("shelf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "LENGTH", 0.05)
        made = Shelf(*(_made(request, folder / name, patch) for name in ("old", "grown")))
    yield made
    move_to(sqlite(_home / "template.db"))


def _made(request: pytest.FixtureRequest, folder: Path, patch: pytest.MonkeyPatch) -> str:
    from django.conf import settings

    folder.mkdir()
    patch.setattr(settings, "DATA", folder)
    place = str(folder / "samklang.db")
    if request.param == "sqlite":
        move_to(sqlite(Path(place)))
    else:
        server: Server = request.getfixturevalue("postgres")
        place = f"{folder.name}_{os.getpid()}"
        move_to(postgresql(server.create(place)))
    _write()
    if folder.name == "grown":
        with database():
            pass
    move_to(sqlite(_home / "template.db"))
    return place


@pytest.fixture
def take(
    shelf: Shelf, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Moves to a copy of one of them."""
    from django.conf import settings

    from samklang.hub.links import forget_links

    monkeypatch.setattr(settings, "DATA", tmp_path)
    registry.packages()["shelf"] = "tests.doubles.shelf"
    boxes.clear()

    def move(place: str) -> None:
        if place.endswith(".db"):
            shutil.copy(place, tmp_path / "samklang.db")
            move_to(sqlite(tmp_path / "samklang.db"))
        else:
            server: Server = request.getfixturevalue("postgres")
            name = f"taken_{os.getpid()}_{tmp_path.name}"[:60]
            request.addfinalizer(lambda: server.drop(name))
            move_to(postgresql(server.create(name, place)))

    yield move
    forget_links()
    boxes.clear()
    move_to(sqlite(_home / "template.db"))


@pytest.fixture
def old(shelf: Shelf, take: Callable[[str], None]) -> None:
    """The database as 0.1.0 left it."""
    take(shelf.old)


@pytest.fixture
def grown(shelf: Shelf, take: Callable[[str], None]) -> None:
    """The same after the first start of this release."""
    take(shelf.grown)


def _write() -> None:
    """Make the tables of 0.1.0 and put its rows in."""
    call_command("migrate", "hub", "0001_first", verbosity=0)
    tables = {model._meta.db_table: model for model in _models_of_0_1_0()}
    assert set(tables) == set(WRITTEN)
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table, written in WRITTEN.items():
            flags = {
                field.column for field in tables[table]._meta.local_concrete_fields
                if isinstance(field, models.BooleanField)
            }  # fmt: skip
            quoted = [connection.ops.quote_name(name) for name in written["columns"]]
            cursor.executemany(
                f"INSERT INTO {table} ({','.join(quoted)}) VALUES ({','.join(['%s'] * len(quoted))})",
                [
                    [
                        bool(value) if name in flags else _value(value)
                        for name, value in zip(written["columns"], row, strict=True)
                    ]
                    for row in written["rows"]
                ],
            )
        for statement in connection.ops.sequence_reset_sql(no_style(), list(tables.values())):
            cursor.execute(statement)
    connections.close_all()


def _models_of_0_1_0() -> list[type[models.Model]]:
    apps = MigrationLoader(None).project_state(("hub", "0001_first")).apps
    return list(apps.get_app_config("hub").get_models())


def _value(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("hex:"):
        return bytes.fromhex(value[4:])
    return value[5:].encode() if isinstance(value, str) and value.startswith("text:") else value


def test_every_row_is_still_there(old: None) -> None:
    with database(), connection.cursor() as cursor:
        for table, written in WRITTEN.items():
            names = [name for name in written["columns"] if name not in ("until", "owner")]  # leases have no end now
            cursor.execute(f"SELECT {','.join(map(connection.ops.quote_name, names))} FROM {table}")
            places = [written["columns"].index(name) for name in names]
            expected = [[row[place] for place in places] for row in written["rows"]]
            assert Counter(map(_comparable, cursor.fetchall())) == Counter(map(_comparable, expected)), table


def _comparable(row: Any) -> tuple[Any, ...]:
    """A row alike from both databases and from the file: numbers for truth, objects for JSON, text for times."""
    plain = []
    for value in row:
        value = _value(value)
        if isinstance(value, memoryview | bytes):
            value = bytes(value).hex()
        elif isinstance(value, bool):
            value = int(value)
        elif isinstance(value, str) and value[:2] in ('{"', "{}", '["', "[]"):
            value = json.dumps(json.loads(value), sort_keys=True)
        elif hasattr(value, "isoformat"):
            value = value.replace(tzinfo=None).isoformat(" ")
        plain.append(value)
    return tuple(plain)


def test_a_second_start_changes_nothing(old: None) -> None:
    with database():
        pass
    with database(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations WHERE app='hub'")
        (applied,) = cursor.fetchone()
    assert applied == sum(app == "hub" for app, _ in MigrationLoader(None).disk_migrations)


def test_the_first_tick_finds_all_that_was_left(grown: None) -> None:
    with database():
        world = Found()
        idle = Embedded(lambda job, engine: None)
        work.tick(idle)
        assert {state.job for state in idle.jobs()} == {
            deliver_job(world.tenant.pk, world.erp_row.pk, "order"),
            deliver_job(world.tenant.pk, world.erp_row.pk, "customer"),
            hooks_job(world.tenant.pk, world.shop_row.pk),
        }


def test_due_orders_go_once_and_the_one_that_was_being_sent_is_looked_for(grown: None) -> None:
    from samklang.hub.models import Binding, Step

    with database():
        world = Found()
        end = time.monotonic() + 20
        while Binding.objects.filter(type__in=["order", "customer"], state__in=["due", "sending", "waiting"]).exists():
            assert time.monotonic() < end
            world.deliver("erp", "customer")
            world.deliver("erp", "order")
            Binding.objects.filter(state="due").update(due_at=0)
        assert sorted(world.erp.written) == [
            ("customer", "mail:1004@example.se", "create"), ("order", "nordljus/1003", "create"),
            ("order", "nordljus/1004", "create"),
        ]  # fmt: skip
        found = Counter(one.order_no for one in world.erp.of("order"))  # type: ignore[attr-defined]
        assert found == Counter(["1001", "1002", "1003", "1004"])
        assert Step.objects.filter(order="nordljus/1002", what="matched", text="o4").count() == 1
        stopped = Binding.objects.get(connection=world.erp_row, state="stopped")
        assert (stopped.key, stopped.troubled) == ("nordljus/1005", True)


def test_the_sweep_that_was_cut_off_goes_on_after_its_last_page(grown: None) -> None:
    from samklang.hub.models import FeedState

    with database():
        world = Found()
        assert world.read("erp", "catalogue").result == "ok"
        assert [start for feed, start in world.erp.calls if feed == "catalogue"] == [6, 9]
        state = FeedState.objects.get(feed="catalogue")
        assert (state.run, state.generation) == ({}, 2)
        world.deliver("shop", "product")
        assert world.shop.written == [("product", "a-8", "update"), ("product", "a-9", "create")]


def test_what_a_brake_held_is_released(grown: None) -> None:
    from samklang.hub.models import Brake

    with database():
        world = Found()
        assert guards.release(Brake.objects.get(), "kim") == 1
        world.deliver("shop", "stock")
        assert world.shop.written == [("stock", "a-2|@nordljus", "create")]


def test_problems_and_journeys_can_be_read(grown: None, capsys: pytest.CaptureFixture[str]) -> None:
    from samklang.cli import run

    assert run(["problems", "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert [problem["records"][0]["key"] for problem in said if problem["records"]] == ["nordljus/1005", "brake:zero"]
    assert run(["journey", "1001", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["order"] == "nordljus/1001"
