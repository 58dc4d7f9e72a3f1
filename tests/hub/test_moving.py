"""A SQLite hub moves to PostgreSQL: whole and equal, or not at all, whatever moment the process is killed at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections

from samklang.connectors.contract import Tokens
from samklang.connectors.errors import BadData, Misconfigured
from samklang.hub.keeping import moving
from samklang.settings import postgresql
from tests.conftest import move_to, sqlite
from tests.hub.conftest import World, order, product, world
from tests.hub.filler import fill
from tests.postgres import Server

_ = world


@pytest.fixture
def home() -> str:
    return "sqlite"


@pytest.fixture
def new(postgres: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a database with nothing in its tables, as a try that ended early leaves it; with `bare`, without
    tables."""
    name = f"moved_{os.getpid()}_{tmp_path.name}"[:60]
    yield postgres.create(name, "template0" if request.node.get_closest_marker("bare") else "template")
    postgres.drop(name)


def move(address: str) -> list[moving.Moved]:
    return moving.move(address, lambda *_: None)


def everything() -> dict[str, list[Any]]:
    """All rows of all tables of the current database, as Django reads them."""
    return {
        model._meta.db_table: sorted(
            [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in _rows(model)], key=repr
        )
        for model in moving.tables()
    }


def _rows(model: Any) -> Any:
    return model._base_manager.values_list(*(field.attname for field in model._meta.local_concrete_fields))


@pytest.mark.bare
def test_every_table_arrives_with_every_value(database: Path, new: str) -> None:
    from samklang.hub.models import Move

    fill()
    before = everything()
    moved = move(new)
    assert {one.table: one.rows for one in moved} == {
        table: len(rows) or (table == Move._meta.db_table) for table, rows in before.items()
    }
    assert all(one.rows for one in moved)
    move_to(postgresql(new))
    after = everything()
    (row,) = after.pop("hub_move")
    assert row[-1] is True
    del before["hub_move"]
    assert after == before


def test_new_rows_get_numbers_of_their_own(world: World, new: str) -> None:
    from samklang.hub.models import Tenant

    move(new)
    move_to(postgresql(new))
    assert Tenant.objects.create(slug="second", name="Second").pk == world.tenant.pk + 1
    assert world.connection("pos").pk > world.erp_row.pk


def test_the_road_goes_on_where_it_was(world: World, new: str) -> None:
    from samklang.hub.models import Binding

    world.flow("product", "erp", "shop")
    world.flow("customer", "shop", "erp", options={"match": []})
    world.flow("order", "shop", "erp")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    for no in ("1001", "1002"):
        world.shop.put(order(no))
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    # 1002 was being sent when the old hub was killed, and had arrived.
    Binding.objects.filter(connection=world.erp_row, key="nordljus/1002").update(state="sending", token=7)
    world.erp.put(order("1002"), reference="nordljus/1002")
    move(new)
    move_to(postgresql(new))
    world.deliver("erp", "order")
    Binding.objects.filter(state="due", doubt=True).update(due_at=0)  # looked for once it must have arrived
    world.deliver("erp", "order")
    assert [key for type_, key, _ in world.erp.written if type_ == "order"] == ["nordljus/1001"]
    assert sorted(one.order_no for one in world.erp.of("order")) == ["1001", "1002"]  # type: ignore[attr-defined]
    assert not Binding.objects.filter(type="order").exclude(state="idle").exists()


@pytest.mark.bare
def test_a_database_that_holds_anything_is_refused(world: World, new: str) -> None:
    with psycopg.connect(new, autocommit=True) as other:
        other.execute("CREATE TABLE theirs (id int)")
    with pytest.raises(Misconfigured, match="holds other tables: theirs"):
        move(new)
    with psycopg.connect(new, autocommit=True) as other:
        other.execute("DROP TABLE theirs")
    move(new)
    move_to(sqlite(Path(connections["default"].settings_dict["NAME"])))
    from samklang.hub.models import Move

    Move.objects.all().delete()  # as another hub that never moved
    with pytest.raises(Misconfigured, match="holds a hub already"):
        move(new)


def test_a_database_that_somebody_uses_is_refused(world: World, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "_PATIENCE", 0.2)
    with psycopg.connect(new), pytest.raises(Misconfigured, match="in use: 1 other"):
        move(new)


@pytest.mark.parametrize("address", ["mysql://a@b/c", "nonsense", "postgresql://[a/b", "/tmp/hub.db"])
def test_what_is_no_address_of_postgresql_is_refused(world: World, address: str) -> None:
    with pytest.raises(Misconfigured, match="no address"):
        move(address)


def test_an_unreachable_database_is_refused_without_its_password(world: World, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be reached") as caught:
        move(f"postgresql://me:hush@/hub?host={tmp_path}")
    assert "hush" not in str(caught.value)
    assert moving.without_password("postgresql://me:hush@db.example:5433/hub") == "postgresql://me@db.example:5433/hub"


def test_a_copy_that_differs_is_given_up(world: World, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger stands for whatever could spoil a value on its way."""
    from django.core.management import call_command

    def spoiled(*arguments: Any, **more: Any) -> None:
        call_command(*arguments, **more)
        with connections[moving._NEW].cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN NEW.name = upper(NEW.name); RETURN NEW; END $$"
            )
            cursor.execute("CREATE TRIGGER spoil BEFORE INSERT ON hub_tenant FOR EACH ROW EXECUTE FUNCTION spoil()")

    monkeypatch.setattr(moving, "call_command", spoiled)
    with pytest.raises(BadData, match="The copy differs") as caught:
        move(new)
    assert caught.value.where == "hub_tenant"
    assert moving.left() is None
    with psycopg.connect(new) as there:
        assert there.execute("SELECT count(*) FROM hub_tenant").fetchone() == (0,)


@pytest.mark.parametrize(("name", "says"), [("x" * 201, "too long"), ("a\x00b", "0x00")])
def test_a_value_that_postgresql_does_not_take_is_told_by_its_place(
    world: World, new: str, name: str, says: str
) -> None:
    from samklang.hub.models import Tenant

    Tenant.objects.update(name=name)
    with pytest.raises(BadData, match=says) as caught:
        move(new)
    assert caught.value.where.startswith("hub_tenant, line 1")
    assert name not in str(caught.value)
    assert moving.left() is None
    Tenant.objects.update(name="Nordljus")
    assert move(new), "the same move begins anew"


def test_logins_that_stand_only_in_the_journal_come_along(world: World, new: str) -> None:
    from samklang.hub.links import DatabaseTokens
    from samklang.hub.models import Connection

    tokens = DatabaseTokens(world.erp_row)
    tokens.save(Tokens(access="old", refresh="r1", expires_at=1.0))
    before = Connection.objects.values_list("tokens", flat=True).get(pk=world.erp_row.pk)
    tokens.save(Tokens(access="newest", refresh="r2", expires_at=2.0))
    sealed = Connection.objects.values_list("tokens", flat=True).get(pk=world.erp_row.pk)
    Connection.objects.filter(pk=world.erp_row.pk).update(tokens=before)
    tokens._journal.write_bytes(sealed)  # as if killed between the journal and the table
    move(new)
    assert not tokens._journal.exists()
    move_to(postgresql(new))
    kept = DatabaseTokens(world.erp_row).load()
    assert kept is not None
    assert kept.access == "newest"


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], env={**os.environ, "SAMKLANG_DATA": str(folder), **environment},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.fixture
def full(world: World) -> dict[str, list[Any]]:
    """A hub with rows in every table, given back to other processes; its rows."""
    fill(5)
    return kept()


def kept() -> dict[str, list[Any]]:
    """Rows that no command changes on its way: all but the move's own and the leases, which a beginning command ends.
    Gives the database back to other processes."""
    rows = {table: some for table, some in everything().items() if table not in ("hub_move", "hub_lease")}
    connections.close_all()
    return rows


@pytest.mark.parametrize("moment", ["begun", "copying", "filled", "committed"])
def test_killed_before_the_decision_the_old_hub_is_as_it_was_and_the_move_begins_anew(
    full: dict[str, list[Any]], database: Path, new: str, moment: str
) -> None:
    killed = run(database.parent, "tests.hub.mover", new, moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert moving.left() is None
    assert kept() == full
    used = run(database.parent, "samklang", "history", "--tenant", "x", SAMKLANG_DATABASE=new)
    assert used.returncode == 2, "half a hub is not used"
    assert ("has not come to its end" if moment == "committed" else "Nothing is set up") in used.stderr, used.stderr
    again = run(database.parent, "samklang", "migrate-to", new)
    assert again.returncode == 0, again.stderr
    _all_there(full, new)


def test_killed_after_the_decision_the_new_hub_is_taken_into_use(
    full: dict[str, list[Any]], database: Path, new: str, tmp_path: Path
) -> None:
    killed = run(database.parent, "tests.hub.mover", new, "decided")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert moving.left() is not None
    connections.close_all()
    old = run(database.parent, "samklang", "history")
    assert "This hub moved to PostgreSQL on" in old.stderr
    elsewhere = run(tmp_path / "other", "samklang", "history", SAMKLANG_DATABASE=new)
    assert "has not come to its end" in elsewhere.stderr
    here = run(database.parent, "samklang", "history", "--tenant", "nordljus", SAMKLANG_DATABASE=new)
    assert here.returncode == 0, here.stderr
    _all_there(full, new)


@pytest.mark.bare
def test_killed_at_any_time_it_is_one_or_the_other(full: dict[str, list[Any]], database: Path, new: str) -> None:
    for patience in (0.9, 1.3, 1.7, 2.1, 2.5):
        child = subprocess.Popen(
            [sys.executable, "-m", "samklang", "migrate-to", new],
            env={**os.environ, "SAMKLANG_DATA": str(database.parent)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        time.sleep(patience)
        child.kill()
        child.communicate()
        done = moving.left() is not None
        if not done:
            assert kept() == full
        connections.close_all()
    if not done:
        assert run(database.parent, "samklang", "migrate-to", new).returncode == 0
    assert run(database.parent, "samklang", "history", "--tenant", "nordljus", SAMKLANG_DATABASE=new).returncode == 0
    _all_there(full, new)


def _all_there(expected: dict[str, list[Any]], address: str) -> None:
    from samklang.hub.models import Move

    move_to(postgresql(address))
    assert Move.objects.get().done
    assert kept() == expected
