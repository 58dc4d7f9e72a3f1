"""A hub is backed up at work, lost, restored elsewhere, and goes on: what was done since is found, not doubled."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from samklang.connectors.contract import Tokens
from samklang.connectors.errors import Misconfigured
from samklang.hub import secrets
from samklang.hub.keeping import backups
from samklang.settings import postgresql
from tests.conftest import move_to, sqlite
from tests.hub.conftest import World, order, product, stock, world
from tests.postgres import Server

_ = world

Restore = Callable[[], None]


@pytest.fixture
def lose(home: str, database: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], Restore]]:
    """Make a backup; what it gives puts a new hub out of it in the place of the lost one."""
    folder = tmp_path / "new"
    folder.mkdir()

    def of_sqlite() -> Restore:
        file = tmp_path / "hub.backup"
        backups.back_up(file)

        def restore() -> None:
            backups.restore(file, folder / "samklang.db")
            move_to(sqlite(folder / "samklang.db"))
            backups.take_over()

        return restore

    if home == "sqlite":
        yield of_sqlite
        return
    server: Server = request.getfixturevalue("postgres")
    lost = str(connections["default"].settings_dict["NAME"])

    def of_postgresql() -> Restore:
        dump = str(server.folder / f"{lost}.dump")
        server._run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", server.url(lost))

        def restore() -> None:
            address = server.create(f"{lost[:50]}_again")
            server._run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={address}", dump)
            move_to(postgresql(address))
            backups.mark_restored()

        return restore

    yield of_postgresql
    move_to(sqlite(tmp_path / "unused.db"))
    server.drop(f"{lost[:50]}_again")


def flowing(world: World) -> None:
    world.flow("product", "erp", "shop")
    world.flow("stock", "erp", "shop")
    world.flow("customer", "shop", "erp", options={"match": []})
    world.flow("order", "shop", "erp")
    world.erp.put(product("A-1"))
    world.erp.put(stock("A-1", 7), id_="s1")
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "stock")


def work(world: World) -> None:
    """One round of the road for orders."""
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")


def numbers(world: World) -> Counter[str]:
    return Counter(one.order_no for one in world.erp.of("order"))  # type: ignore[attr-defined]


def test_orders_in_flight_arrive_once_although_the_hub_went_on_after_its_backup(
    world: World, lose: Callable[[], Restore]
) -> None:
    from samklang.hub.models import Binding

    flowing(world)
    numbered, ending, busy = iter(range(1001, 100_000)), threading.Event(), threading.Event()
    placed: list[str] = []

    def sell() -> None:
        try:
            while not ending.is_set():
                for _ in range(3):
                    placed.append(str(next(numbered)))
                    world.shop.put(order(placed[-1], email=f"{placed[-1]}@example.se"))
                work(world)
                if len(placed) >= 9:
                    busy.set()
        finally:
            connections.close_all()

    seller = threading.Thread(target=sell)
    seller.start()
    assert busy.wait(30)
    # In the backup one order is due, and another was being sent.
    for no in ("500", "501"):
        world.shop.put(order(no, email=f"{no}@example.se"))
    restore = lose()
    before = len(placed)
    while len(placed) < before + 9:
        assert not ending.wait(0.05)
    ending.set()
    seller.join(30)
    work(world)
    after = numbers(world)
    assert set(after) == {*placed, "500", "501"}
    for no in ("9001", "9002"):  # nobody was there to read them
        world.shop.put(order(no, email=f"{no}@example.se"))

    restore()
    forgotten = len(placed) + 2 - Binding.objects.filter(type="order", connection=world.erp_row, state="idle").count()
    assert forgotten >= 9, "the lost hub did more than the restored one remembers"
    for _ in range(3):
        work(world)
        Binding.objects.filter(state="due", due_at__gt=0).update(due_at=0)
    assert numbers(world) == Counter([*after, "9001", "9002"])
    assert not Binding.objects.filter(type="order").exclude(state="idle").exists()


def test_due_orders_of_the_backup_that_were_delivered_since_are_found(
    world: World, lose: Callable[[], Restore]
) -> None:
    from samklang.hub.models import Binding, Step

    flowing(world)
    for no in ("1001", "1002", "1003"):
        world.shop.put(order(no))
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    Binding.objects.filter(key="nordljus/1002", connection=world.erp_row).update(state="sending", token=7)
    restore = lose()
    Binding.objects.filter(key="nordljus/1002", connection=world.erp_row).update(state="due", token=0)
    world.deliver("erp", "order")
    world.shop.put(order("1004"))
    work(world)
    assert len(world.erp.rows["order"]) == 4
    restore()
    for _ in range(2):
        work(world)
        Binding.objects.filter(state="due", due_at__gt=0).update(due_at=0)
    assert numbers(world) == Counter(["1001", "1002", "1003", "1004"])
    assert Step.objects.filter(what="matched", type="order").count() == 4


def test_articles_and_stock_that_changed_since_are_made_true(world: World, lose: Callable[[], Restore]) -> None:
    """The lost hub sent 3 pieces; the restored one knows of 7, and the ERP says 7 again: the hashes would agree."""
    flowing(world)
    restore = lose()
    world.erp.put(stock("A-1", 3), id_="s1")
    world.read("erp", "catalogue")
    world.deliver("shop", "stock")
    world.erp.put(stock("A-1", 7), id_="s1")
    restore()
    world.read("erp", "catalogue", sweep=True)
    world.deliver("shop", "product")
    world.deliver("shop", "stock")
    assert [int(one.on_hand) for one in world.shop.of("stock")] == [7]  # type: ignore[attr-defined]


def test_an_article_that_only_the_lost_hub_created_is_found_and_told_anew(
    world: World, lose: Callable[[], Restore]
) -> None:
    flowing(world)
    restore = lose()
    world.erp.put(product("B-2", "Old name"), id_="p2")
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.erp.put(product("B-2", "New name"), id_="p2")
    restore()
    world.read("erp", "catalogue")
    for _ in range(2):
        world.deliver("shop", "product")
    names = {one.code: one.name for one in world.shop.of("product")}  # type: ignore[attr-defined]
    assert (len(world.shop.of("product")), names["B-2"]) == (2, "New name")


def test_after_a_month_creates_are_not_looked_for_any_more(world: World) -> None:
    from samklang.hub.models import Restore

    assert not Restore.lately()
    backups.mark_restored()
    assert Restore.lately()
    Restore.objects.update(at=timezone.now() - timedelta(days=31))
    assert not Restore.lately()


# -------------------------------------------------------------------------------------------------- the SQLite file


@pytest.fixture
def on_sqlite(home: str) -> None:
    if home != "sqlite":
        pytest.skip("PostgreSQL has pg_dump")


@pytest.mark.usefixtures("on_sqlite")
def test_a_backup_holds_one_moment_and_no_key_unless_it_is_asked_for(world: World, tmp_path: Path) -> None:
    key = secrets.keys()[0].encode()
    backups.back_up(tmp_path / "plain")
    assert not backups.examine(tmp_path / "plain").has_key
    assert key not in (tmp_path / "plain").read_bytes()
    backups.back_up(tmp_path / "whole", with_key=True)
    assert backups.examine(tmp_path / "whole").has_key
    assert sorted(path.name for path in tmp_path.glob("*.part*")) == []
    assert {oct((tmp_path / name).stat().st_mode)[-3:] for name in ("plain", "whole")} == {"600"}


@pytest.mark.usefixtures("on_sqlite")
def test_a_backup_with_its_key_reads_its_secrets_elsewhere(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    from samklang.hub.links import DatabaseTokens

    tokens = DatabaseTokens(world.erp_row)
    tokens.save(Tokens(access="a", refresh="r", expires_at=1.0))
    backups.back_up(tmp_path / "whole", with_key=True)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.setattr(settings, "DATA", folder)
    backups.restore(tmp_path / "whole", folder / "samklang.db")
    move_to(sqlite(folder / "samklang.db"))
    backups.take_over()
    kept = DatabaseTokens(world.erp_row).load()
    assert kept is not None
    assert kept.refresh == "r"
    assert backups._TABLE not in connections["default"].introspection.table_names(), "it is a hub now"
    backups.take_over()


@pytest.mark.usefixtures("on_sqlite")
def test_another_key_in_use_is_not_overwritten(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    backups.back_up(tmp_path / "whole", with_key=True)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.setattr(settings, "DATA", folder)
    (other,) = secrets.keys()
    backups.restore(tmp_path / "whole", folder / "samklang.db")
    move_to(sqlite(folder / "samklang.db"))
    with pytest.raises(Misconfigured, match="another key"):
        backups.take_over()
    assert secrets.keys() == [other]
    assert backups._TABLE in connections["default"].introspection.table_names(), "nothing was taken over"


@pytest.mark.usefixtures("on_sqlite")
def test_what_is_no_whole_backup_is_refused(world: World, database: Path, tmp_path: Path) -> None:
    hub = tmp_path / "elsewhere.db"
    backups.back_up(tmp_path / "good")
    with pytest.raises(Misconfigured, match="is there already"):
        backups.back_up(tmp_path / "good")
    with pytest.raises(Misconfigured, match="cannot be written"):
        backups.back_up(tmp_path / "nowhere" / "hub")
    (tmp_path / "text").write_text("no database")
    (tmp_path / "cut").write_bytes((tmp_path / "good").read_bytes()[:-20_000])
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE t (x)")
    newer = sqlite3.connect(tmp_path / "newer")
    sqlite3.connect(tmp_path / "good").backup(newer)
    newer.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('hub', '9999_later', '2030-01-01')")
    newer.commit()
    newer.close()
    for name, says in [
        ("missing", "There is no file"), ("text", "no backup"), ("other", "no backup"), ("cut", "damaged|no backup"),
        ("newer", "newer release"),
    ]:  # fmt: skip
        with pytest.raises(Misconfigured, match=says):
            backups.restore(tmp_path / name, hub)
        assert not hub.exists()
    with pytest.raises(Misconfigured, match="There is a hub at"):
        backups.restore(tmp_path / "good", database)


def test_a_login_that_stands_only_in_the_journal_outlives_a_rotation_of_the_key(world: World) -> None:
    from samklang.hub.links import DatabaseTokens
    from samklang.hub.models import Connection

    tokens = DatabaseTokens(world.erp_row)
    tokens.save(Tokens(access="a", refresh="r", expires_at=1.0))
    sealed = bytes(Connection.objects.values_list("tokens", flat=True).get(pk=world.erp_row.pk))
    Connection.objects.update(tokens=b"")
    tokens._journal.write_bytes(sealed)  # as if killed between the journal and the table
    secrets.rotate()
    kept = tokens.load()
    assert kept is not None
    assert kept.refresh == "r"
