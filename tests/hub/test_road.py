"""The road: intake, store, delivery, on boxes instead of outside systems."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from samklang.connectors.errors import LoginRefused, Rejected, RemoteFault
from samklang.records import Customer
from tests.hub.conftest import World, order, price, product, stock


def test_products_travel_page_by_page_and_only_once(world: World) -> None:
    world.flow("product", "erp", "shop")
    for n in range(10):
        world.erp.put(product(f"A-{n}"))
    read = world.read("erp", "catalogue")
    assert (read.considered, read.created, read.result) == (10, 10, "ok")
    sent = world.deliver("shop", "product")
    assert (sent.created, sent.failed) == (10, 0)
    assert sorted(p.key for p in world.shop.of("product")) == sorted(p.key for p in world.erp.of("product"))

    again = world.read("erp", "catalogue", sweep=True)
    assert (again.considered, again.skipped, again.created + again.updated) == (10, 10, 0)
    calls = len(world.shop.calls)
    world.deliver("shop", "product")
    assert len(world.shop.calls) == calls, "an unchanged sweep writes nothing"


def test_a_change_is_sent_as_an_update_with_its_id(world: World) -> None:
    world.flow("product", "erp", "shop")
    id_ = world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.erp.put(product("A-1", "Mugg"), id_)
    assert world.read("erp", "catalogue").updated == 1
    assert world.deliver("shop", "product").updated == 1
    assert [p.name for p in world.shop.of("product")] == ["Mugg"]


def test_stock_and_price_wait_for_their_article_and_are_released_by_it(world: World) -> None:
    for type_ in ("product", "price", "stock"):
        world.flow(type_, "erp", "shop")
    world.erp.put(product("A-1"))
    world.erp.put(stock("A-1", 7))
    world.erp.put(price("A-1", "125"))
    world.read("erp", "catalogue")
    world.deliver("shop", "stock")
    world.deliver("shop", "price")
    assert world.shop.of("stock") == [], "the article is not there yet"
    world.deliver("shop", "product")
    assert world.deliver("shop", "stock").created == 1
    assert world.deliver("shop", "price").created == 1
    assert [level.available for level in world.shop.of("stock")] == [7]


def test_stock_is_summed_over_chosen_warehouses_with_a_buffer(world: World) -> None:
    world.flow("product", "erp", "shop")
    world.flow("stock", "erp", "shop", options={"warehouses": ["BOR", "GBG"], "buffer": 2})
    world.erp.put(product("A-1"))
    for warehouse, pieces in (("BOR", 5), ("GBG", 4), ("OUTLET", 100)):
        world.erp.put(stock("A-1", pieces, warehouse))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "stock")
    assert [level.available for level in world.shop.of("stock")] == [7]


def test_a_guests_order_brings_its_customer(world: World) -> None:
    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.shop.put(order("1001", "A-1"))
    world.shop.put(order("1002", "A-1"))
    world.read("shop", "orders")
    world.deliver("erp", "order")
    assert world.erp.of("order") == []
    assert world.deliver("erp", "customer").created == 1
    assert world.deliver("erp", "order").created == 2


@pytest.mark.parametrize("killed", [False, True], ids=["answer lost", "killed before the answer"])
def test_a_value_that_comes_back_is_sent_again_if_the_one_between_may_have_been_taken(
    world: World, killed: bool
) -> None:
    """5, then 0 whose answer never came, then 5: the shop may hold the 0, whatever it was told before."""
    from samklang.hub.models import Binding

    for type_ in ("product", "stock"):
        world.flow(type_, "erp", "shop")
    world.erp.put(product("A"))
    world.erp.put(stock("A", 5), "s1")
    world.read("erp", "catalogue")
    for type_ in ("product", "stock"):
        world.deliver("shop", type_)

    def lose(type_: str, wants: Any) -> None:
        raise RemoteFault("the answer was lost")

    world.erp.put(stock("A", 0), "s1")
    world.read("erp", "catalogue")
    at_the_shop = Binding.objects.filter(connection=world.shop_row, type="stock")
    at_the_shop.update(state="due", risk="", due_at=0)  # the brake for going to zero was released
    if killed:
        at_the_shop.update(state="sending", token=7)
        (there,) = world.shop.rows["stock"].values()
        world.shop.put(stock("A", 0), there.id)
    else:
        world.shop.after_write = lose
        world.deliver("shop", "stock")
    assert [level.on_hand for level in world.shop.of("stock")] == [0]  # type: ignore[attr-defined]  # levels
    world.shop.after_write = None
    world.erp.put(stock("A", 5), "s1")
    world.read("erp", "catalogue")
    at_the_shop.update(due_at=0)
    world.deliver("shop", "stock")
    assert [level.on_hand for level in world.shop.of("stock")] == [5]  # type: ignore[attr-defined]  # levels


def test_a_lost_answer_makes_no_second_order(world: World) -> None:
    world.flow("order", "shop", "erp")
    world.flow("customer", "shop", "erp")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.shop.put(Customer(name="Anna Berg", email="anna@example.se"))
    world.read("shop", "customers")
    world.deliver("erp", "customer")

    def lose(type_: str, wants: object) -> None:
        if type_ == "order":
            raise RemoteFault("The connection broke off")

    world.erp.after_write = lose
    world.shop.put(order("1001", "A-1"))
    world.read("shop", "orders")
    world.deliver("erp", "order")
    assert len(world.erp.of("order")) == 1
    world.erp.after_write = None
    from samklang.hub.delivery import retry

    retry(world.tenant.pk)
    world.deliver("erp", "order")
    assert len(world.erp.of("order")) == 1
    from samklang.hub.models import Binding

    row = Binding.objects.get(tenant=world.tenant, connection=world.erp_row, type="order")
    assert (row.state, row.external_id is not None, row.wanted == row.delivered) == ("idle", True, True)


def test_an_order_that_was_left_half_made_is_finished_even_by_a_flow_that_only_creates(world: World) -> None:
    from samklang.hub.delivery import retry

    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp", mode="create")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.shop.put(order("1001", "A-1"))
    world.read("shop", "orders")
    world.deliver("erp", "customer")

    def break_off(type_: str, wants: object) -> None:
        world.erp.half_made = set(world.erp.rows["order"])
        raise RemoteFault("The connection broke off between the order and its booking")

    world.erp.after_write = break_off
    world.deliver("erp", "order")
    world.erp.after_write = None
    assert len(world.erp.half_made) == 1
    retry(world.tenant.pk)
    world.deliver("erp", "order")
    assert (len(world.erp.of("order")), world.erp.half_made) == (1, set())


def test_one_bad_record_never_stops_its_neighbours_and_the_problem_closes_itself(world: World) -> None:
    from samklang.hub.models import Problem

    world.flow("product", "erp", "shop")
    world.shop.item_error = lambda type_, want: (
        Rejected("The name is too long", where="name") if want.key == "a-1" else None
    )
    ids = [world.erp.put(product(f"A-{n}")) for n in range(3)]
    world.read("erp", "catalogue")
    report = world.deliver("shop", "product")
    assert (report.created, report.failed) == (2, 1)
    problem = Problem.objects.get(closed_at=None)
    assert (problem.what, problem.items.count()) == ("The name is too long", 1)
    world.shop.item_error = None
    world.erp.put(product("A-1", "Kort"), ids[1])
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    assert not Problem.objects.filter(closed_at=None).exists()


def test_a_broken_row_becomes_a_problem_and_the_page_passes(world: World) -> None:
    from samklang.hub.models import Problem

    world.flow("product", "erp", "shop")
    ids = [world.erp.put(product(f"A-{n}")) for n in range(3)]
    world.erp.broken = {ids[0]}
    read = world.read("erp", "catalogue")
    assert (read.created, read.failed, read.result) == (2, 1, "ok")
    assert Problem.objects.get(closed_at=None).what == "The row is broken"


def test_an_expired_login_pauses_the_connection_once_and_says_so(world: World) -> None:
    from samklang.hub.links import resume
    from samklang.hub.models import Problem

    world.flow("product", "erp", "shop")
    for n in range(25):
        world.erp.put(product(f"A-{n}"))
    world.read("erp", "catalogue")

    def refuse(type_: str, wants: object) -> None:
        raise LoginRefused

    world.shop.before_write = refuse
    world.deliver("shop", "product")
    world.shop_row.refresh_from_db()
    assert world.shop_row.state == "needs person"
    assert Problem.objects.filter(closed_at=None).count() == 1
    assert world.deliver("shop", "product") is None
    world.shop.before_write = None
    resume(world.shop_row)
    assert world.deliver("shop", "product").created == 25
    assert not Problem.objects.filter(closed_at=None).exists()


def test_only_a_complete_sweep_concludes_gone_and_gone_is_archived_not_deleted(world: World) -> None:
    world.flow("product", "erp", "shop")
    ids = [world.erp.put(product(f"A-{n}")) for n in range(8)]
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.erp.remove("product", ids[0])

    def cut(feed: str, start: int) -> None:
        if start:
            raise RemoteFault("The page was cut off")

    world.erp.before_read = cut
    assert world.read("erp", "catalogue", sweep=True).result == "failed"
    world.deliver("shop", "product")
    assert {p.status for p in world.shop.of("product")} == {"active"}
    world.erp.before_read = None
    assert world.read("erp", "catalogue", sweep=True).result == "ok"
    world.deliver("shop", "product")
    assert [p.code for p in world.shop.of("product") if p.status == "archived"] == ["A-0"]


def test_a_mass_change_stops_at_the_brake_until_a_person_releases_it(world: World) -> None:
    from samklang.hub import guards
    from samklang.hub.models import Brake, Problem

    world.flow("product", "erp", "shop")
    world.flow("stock", "erp", "shop")
    ids = {}
    for n in range(30):
        world.erp.put(product(f"A-{n}"))
        ids[n] = world.erp.put(stock(f"A-{n}", 5))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "stock")
    for n in range(29):
        world.erp.put(stock(f"A-{n}", 0), ids[n])
    world.erp.put(stock("A-29", 4), ids[29])
    world.read("erp", "catalogue")
    world.deliver("shop", "stock")
    assert sorted({int(level.available) for level in world.shop.of("stock")}) == [4, 5]
    brake = Brake.objects.get(released_at=None)
    assert (brake.risk, brake.count, brake.of) == ("zero", 29, 30)
    assert Problem.objects.get(closed_at=None).code == "SYNC-410"
    assert guards.release(brake, "anna") == 29
    world.deliver("shop", "stock")
    assert sum(int(level.available) for level in world.shop.of("stock")) == 4
    assert not Problem.objects.filter(closed_at=None).exists()


def test_a_mass_change_that_is_rejected_is_let_fall_until_the_source_says_something_new(world: World) -> None:
    from samklang.hub import guards
    from samklang.hub.models import Brake, Problem

    world.flow("product", "erp", "shop")
    world.flow("stock", "erp", "shop")
    ids = {}
    for n in range(30):
        world.erp.put(product(f"A-{n}"))
        ids[n] = world.erp.put(stock(f"A-{n}", 5))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "stock")
    for n in range(30):
        world.erp.put(stock(f"A-{n}", 0), ids[n])
    world.read("erp", "catalogue")
    assert guards.reject(Brake.objects.get(released_at=None), "anna") == 30
    assert Brake.objects.get().rejected
    assert not Problem.objects.filter(closed_at=None).exists()
    world.read("erp", "catalogue", sweep=True)
    world.deliver("shop", "stock")
    assert {int(level.available) for level in world.shop.of("stock")} == {5}, "also after everything was read again"
    world.erp.put(stock("A-3", 2), ids[3])
    world.read("erp", "catalogue")
    world.deliver("shop", "stock")
    assert sorted(int(level.available) for level in world.shop.of("stock")) == [2] + [5] * 29


def test_a_few_zeros_pass_the_brake(world: World) -> None:
    world.flow("product", "erp", "shop")
    world.flow("stock", "erp", "shop")
    world.erp.put(product("A-1"))
    id_ = world.erp.put(stock("A-1", 5))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "stock")
    world.erp.put(stock("A-1", 0), id_)
    world.read("erp", "catalogue")
    world.deliver("shop", "stock")
    assert [level.available for level in world.shop.of("stock")] == [0]


def test_two_masters_for_one_datum_are_refused(world: World) -> None:
    from samklang.connectors.errors import Misconfigured

    world.flow("product", "erp", "shop")
    with pytest.raises(Misconfigured, match="already master of product"):
        world.flow("product", "shop", "erp")


def test_the_field_mask_sends_only_its_fields(world: World) -> None:
    world.flow("product", "erp", "shop", fields=["name"])
    id_ = world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    writes = len(world.shop.written)
    world.erp.put(product("A-1", brand="Rörstrand"), id_)
    world.read("erp", "catalogue")
    report = world.deliver("shop", "product")
    assert (report.skipped, len(world.shop.written)) == (1, writes)


def test_create_only_leaves_what_exists(world: World) -> None:
    """Q-11: create only, or create and update."""
    world.flow("product", "erp", "shop", mode="create")
    id_ = world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.erp.put(product("A-1", "Mugg"), id_)
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    assert [p.name for p in world.shop.of("product")] == ["Kopp"]


def test_two_articles_with_one_sku_are_a_problem_and_the_first_counts(world: World) -> None:
    from samklang.hub.models import Problem

    world.flow("product", "erp", "shop")
    world.erp.put(product("A-1", "Första"))
    for n in range(5):
        world.erp.put(product(f"B-{n}"))
    world.erp.put(product("a-1", "Andra"))
    read = world.read("erp", "catalogue")
    assert read.failed == 1
    assert "have the key 'a-1'" in Problem.objects.get(closed_at=None).what
    world.deliver("shop", "product")
    assert "Andra" not in [p.name for p in world.shop.of("product")]


def test_a_run_that_was_cut_off_goes_on_after_its_last_page(world: World) -> None:
    world.flow("product", "erp", "shop")
    for n in range(9):
        world.erp.put(product(f"A-{n}"))

    def cut(feed: str, start: int) -> None:
        if start == 6:
            raise RemoteFault("broke off")

    world.erp.before_read = cut
    assert world.read("erp", "catalogue").result == "failed"
    world.erp.before_read = None
    world.erp.calls.clear()
    assert world.read("erp", "catalogue").result == "ok"
    assert [start for _, start in world.erp.calls] == [6], "pages that were committed are not read again"


def test_customers_match_by_number_then_organisation_then_mail_and_a_conflict_is_a_problem(world: World) -> None:
    from samklang.hub.models import Binding, Problem

    world.flow("customer", "shop", "erp")
    anna = world.erp.put(Customer(name="Anna", email="anna@example.se"))
    world.erp.put(Customer(name="Bo AB", email="bo@example.se", org_no="5560360793"))
    world.erp.put(Customer(name="C1", email="twice@example.se"))
    world.erp.put(Customer(name="C2", email="twice@example.se"))
    world.shop.put(Customer(name="Anna B", email="anna@example.se"))
    world.shop.put(Customer(name="Bo", email="bo@example.se", org_no="5560125790"))
    world.shop.put(Customer(name="C", email="twice@example.se"))
    world.read("shop", "customers")
    world.deliver("erp", "customer")
    assert (
        Binding.objects.get(connection=world.erp_row, type="customer", key="mail:anna@example.se").external_id == anna
    )
    words = sorted(problem.what for problem in Problem.objects.filter(closed_at=None))
    assert words == ["2 customer records match by email", "A customer with the same email has another org_no"]
    assert len(world.erp.of("customer")) == 4


def test_what_we_wrote_is_not_news(world: World) -> None:
    """The status that the ERP gave is written to the shop; reading the shop's own order again starts nothing."""
    world.flow("order", "shop", "erp", fields=["lifecycle"])
    world.flow("customer", "shop", "erp", mode="create")
    world.flow("order_status", "erp", "shop")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.shop.put(Customer(name="Anna", email="anna@example.se"))
    shop_order = order("1001", "A-1")
    shop_id = world.shop.put(shop_order)
    world.read("shop", "customers")
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")
    from samklang.records import OrderStatus

    erp_id = next(iter(world.erp.rows["order"]))
    world.erp.put(OrderStatus(order="", raw="sent", fulfilment="shipped"), parent=erp_id)
    world.read("erp", "statuses")
    world.deliver("shop", "order_status")
    assert [status.fulfilment for status in world.shop.of("order_status")] == ["shipped"]
    world.shop.put(msgspec.structs.replace(shop_order, status="completed"), shop_id)
    writes = list(world.erp.written)
    world.read("shop", "orders")
    world.deliver("erp", "order")
    assert world.erp.written == writes


def test_a_connector_that_fails_on_one_record_takes_the_others(world: World) -> None:
    from samklang.connectors.errors import BadData, Stop
    from samklang.hub.models import Binding

    world.flow("product", "erp", "shop")
    ids = [world.erp.put(product(f"A-{n}")) for n in range(5)]
    world.read("erp", "catalogue")
    world.deliver("shop", "product")

    def fail(type_: str, wants: Any) -> None:
        if any(want.key == "a-3" for want in wants):
            raise failure

    world.shop.before_write = fail
    failures: tuple[Exception, ...] = (BadData("no"), KeyError("a defect"))
    for number, failure in enumerate(failures):
        for n, id_ in enumerate(ids):
            world.erp.put(product(f"A-{n}", f"Mugg {number}"), id_)
        world.read("erp", "catalogue")
        report = world.deliver("shop", "product")
        assert (report.updated, report.failed) == (4, 1)
        state = Binding.objects.get(connection=world.shop_row, type="product", key="a-3").state
        assert state == ("stopped" if isinstance(failure, Stop) else "due")


def test_what_waits_too_long_becomes_a_problem_that_names_what_is_missing(world: World) -> None:
    from django.utils import timezone

    from samklang.hub import delivery
    from samklang.hub.models import Binding, Problem

    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp")
    world.shop.put(Customer(name="Anna Berg", email="anna@example.se"))
    world.shop.put(order("1001", "MISSING"))
    world.read("shop", "customers")
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")
    assert not Problem.objects.exists(), "waiting is no problem at first"
    Binding.objects.filter(type="order", state="waiting").update(due_at=timezone.now().timestamp() - 1)
    delivery.wake_waiting()
    world.deliver("erp", "order")
    assert Problem.objects.get(closed_at=None).what == "variant missing must exist first"
    world.erp.put(product("MISSING"))
    world.read("erp", "catalogue")
    assert world.deliver("erp", "order").created == 1
    assert not Problem.objects.filter(closed_at=None).exists()


def test_a_system_that_keeps_failing_rests_and_comes_back_by_itself(world: World) -> None:
    from samklang.hub.models import Connection, Problem

    world.flow("product", "erp", "shop")
    for n in range(60):
        world.erp.put(product(f"A-{n}"))
    world.read("erp", "catalogue")

    def down(type_: str, wants: Any) -> None:
        raise RemoteFault("The system answered 502")

    world.shop.before_write = down
    world.deliver("shop", "product")
    row = Connection.objects.get(name="shop")
    assert row.faults >= 5 and row.open_until > 0
    assert "502" in Problem.objects.get(closed_at=None).what
    calls = len(world.shop.calls)
    assert world.deliver("shop", "product") is None, "it is left in peace"
    assert len(world.shop.calls) == calls
    world.shop.before_write = None
    Connection.objects.update(open_until=1.0)  # the rest is over
    from samklang.hub.delivery import retry

    retry(world.tenant.pk)
    assert world.deliver("shop", "product").created == 60
    assert not Problem.objects.filter(closed_at=None).exists()
    assert Connection.objects.get(name="shop").faults == 0


def test_a_problem_leads_to_the_call_that_shows_it(world: World) -> None:
    from django.utils import timezone

    from samklang.hub.models import ExchangeRow, ProblemItem
    from samklang.hub.problems import exchange_of

    world.flow("product", "erp", "shop")
    world.erp.put(product("A-1"))
    world.shop.item_error = lambda type_, want: Rejected("no")
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    item = ProblemItem.objects.get()
    assert exchange_of(item) is None
    for about, status in (("a-1", 400), ("a-2", 200), ("", 500)):
        ExchangeRow.objects.create(
            tenant=world.tenant, connection=world.shop_row, at=timezone.now(), method="POST", url="/", status=status,
            seconds=0.1, about=about,
        )  # fmt: skip
    found = exchange_of(item)
    assert found is not None and found.about == "a-1"


def test_what_changes_again_keeps_its_place_in_the_queue(world: World) -> None:
    from samklang.hub.models import Binding

    world.flow("product", "erp", "shop")
    world.erp.put(product("A"))
    world.read("erp", "catalogue")
    first = Binding.objects.get(connection=world.shop_row, type="product", key="a").due_at
    world.erp.put(product("A", "Kopp, ny"), world.erp.rows["product"].popitem()[0])
    world.read("erp", "catalogue")
    again = Binding.objects.get(connection=world.shop_row, type="product", key="a")
    assert (again.state, again.due_at) == ("due", first)
    Binding.objects.update(due_at=first + 3600)  # backing off after failures: news is tried at once
    world.erp.put(product("A", "Kopp, nyast"), world.erp.rows["product"].popitem()[0])
    world.read("erp", "catalogue")
    assert Binding.objects.get(connection=world.shop_row, type="product", key="a").due_at < first + 3600
