"""Sets of rows larger than one statement takes, and deliveries that are woken while a read goes on."""

from __future__ import annotations

from django.db import transaction

from tests.hub.conftest import World, order, product

_MANY = 1_201  # three statements on SQLite


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
