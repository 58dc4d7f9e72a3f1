"""Sets of rows: larger than one statement takes, found by their keys; and what wakes their delivery."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.hub.conftest import World, order, price, product

_MANY = 1_201  # three statements on SQLite
#: A plan that goes through all bindings of a type at a connection.
_ALL_OF_A_TYPE = re.compile(
    r"SCAN b(inding)?\b|\(tenant_id=\? AND connection_id=\? AND type=\?( AND external_id>\?)?\)"
)


def test_a_set_of_any_size_is_wanted_claimed_and_finished_whole(world: World) -> None:
    from samklang.hub import store
    from samklang.hub.models import Binding

    flow = world.flow("product", "erp", "shop")
    place = (world.tenant.pk, world.shop_row.pk, "product")
    keys = [f"a-{n:04}" for n in range(_MANY)]
    wanted = [store.Wanted(key, key.encode()) for key in reversed(keys)]
    with transaction.atomic():
        assert store.want(*place, world.erp_row.pk, flow.pk, wanted) == _MANY
        assert store.want(*place, world.erp_row.pk, flow.pk, wanted) == 0
        rows = store.claim(*place, _MANY, 7)
    assert [row.key for row in rows] == keys
    done = [store.Outcome(row.key, "idle", delivered=row.wanted, external_id=f"id {row.key}") for row in rows]
    with transaction.atomic():
        assert store.finish(*place, 6, done) == 0  # another's lease
        assert store.finish(*place, 7, [*done, store.Outcome("unknown", "idle")]) == _MANY
    held = Binding.objects.filter(tenant=world.tenant, connection=world.shop_row, type="product", state="idle")
    assert {(b.key, b.external_id, bytes(b.delivered)) for b in held} == {(k, f"id {k}", k.encode()) for k in keys}


def test_a_catalogue_wakes_its_target_now_and_then_and_orders_for_every_page(world: World) -> None:
    """Six pages each: the first is told at once, the rest by the end of a read that takes no time."""
    from samklang.hub.intake import read

    world.flow("product", "erp", "shop")
    world.flow("order", "shop", "erp")
    for n in range(6 * world.erp.page):
        world.erp.put(product(f"K{n}"))
        world.shop.put(order(f"{n}", f"K{n}"))
    told: list[tuple[int, str]] = []
    for name, feed in (("erp", "catalogue"), ("shop", "orders")):
        read(world.row(name), feed, notify=lambda target, type_: told.append((target, type_)))
    assert told.count((world.shop_row.pk, "product")) == 2
    assert told.count((world.erp_row.pk, "order")) == 6


@pytest.mark.parametrize("home", ["sqlite"])  # PostgreSQL plans by what is in the tables
def test_no_statement_of_a_read_of_changes_or_of_a_delivery_goes_through_a_whole_type(world: World, home: str) -> None:
    from samklang.engine.embedded import Embedded
    from samklang.engine.port import deliver_job
    from samklang.engine.work import perform

    for type_ in ("product", "price"):
        world.flow(type_, "erp", "shop")
    world.erp.put(product("K1"))
    world.erp.put(price("K1", "100"))
    world.read("erp", "catalogue")  # the first is a sweep, which may
    world.erp.put(product("K2"))
    world.erp.put(price("K2", "100"))
    engine = Embedded(perform)
    with CaptureQueriesContext(connection) as said:
        assert world.read("erp", "catalogue").created == 2
        for type_ in ("product", "price"):
            perform(deliver_job(world.tenant.pk, world.shop_row.pk, type_), engine)
    assert {type_ for type_, _, _ in world.shop.written} == {"product", "price"}
    plans: dict[str, str] = {}
    with connection.cursor() as cursor:
        for query in said.captured_queries:
            if re.search(r"(FROM|UPDATE) \W?binding\b", query["sql"]):
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}".replace("%", "%%"), [])
                plans[query["sql"]] = "; ".join(row[3] for row in cursor.fetchall())
    assert len(plans) > 10
    assert {sql: plan for sql, plan in plans.items() if _ALL_OF_A_TYPE.search(plan)} == {}


def test_pages_that_come_quickly_are_taken_together_the_first_alone_and_an_error_after_them() -> None:
    from samklang.connectors.contract import Gone, Page
    from samklang.hub.intake import _together

    def pages(count: int) -> Iterator[Page]:
        for n in range(count):
            yield Page([Gone(type="product", external_id=str(n * 150 + k)) for k in range(150)], 0, str(n))
        raise ConnectionError

    taken = []
    with pytest.raises(ConnectionError):
        for page in _together(pages(6)):
            taken.append((len(page.items), page.resume))
    assert taken == [(150, "0"), (450, "3"), (300, "5")]


def test_a_page_of_a_slow_system_does_not_wait_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.connectors.contract import Gone, Page
    from samklang.hub import intake

    monkeypatch.setattr(intake, "_QUICK", -1.0)
    one = Page([Gone(type="product", external_id="1")])
    assert list(intake._together(iter([one, one, Page([])]))) == [one, one, Page([])]
