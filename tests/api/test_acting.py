"""What a program can do about orders and problems."""

from __future__ import annotations

from typing import Any

from samklang.connectors.errors import Rejected
from samklang.people.rights import Right
from tests.api.conftest import Caller
from tests.hub.conftest import World, order

KEY = "nordljus/1001"


def stopped(world: World) -> None:
    """Order 1001, which the ERP refuses."""
    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp")
    world.erp.item_error = lambda type_, want: Rejected("The account is locked") if type_ == "order" else None
    world.shop.put(order("1001"))
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")
    world.erp.item_error = None


def state(world: World) -> str:
    from samklang.hub.models import Binding

    return str(Binding.objects.get(connection=world.erp_row, type="order", key=KEY).state)


def test_a_stopped_order_is_mended_by_a_retry(world: World, call: Caller) -> None:
    stopped(world)
    assert state(world) == "stopped"
    assert call.post(f"/orders/{KEY}/retry") == {"done": True}
    world.deliver("erp", "order")
    assert state(world) == "idle"
    assert call.post(f"/orders/{KEY}/retry") == {"done": False}
    assert call.refused("POST", "/orders/nordljus/9/retry") == (404, "SYNC-603")


def test_one_delivery_is_tried_again_given_up_or_sent_once_more(world: World, call: Caller) -> None:
    stopped(world)
    body = {"connection": "erp", "type": "order"}
    assert call.post(f"/orders/{KEY}/deliveries/retry", body) == {"done": True}
    world.deliver("erp", "order")
    assert call.post(f"/orders/{KEY}/deliveries/resend", body) == {"done": True}
    assert state(world) == "due"
    assert call.post(f"/orders/{KEY}/deliveries/skip", {**body, "reason": "by hand"}) == {"done": True}
    assert state(world) == "idle"
    assert call.refused("POST", f"/orders/{KEY}/deliveries/retry", {**body, "key": "nordljus/2"}) == (422, "SYNC-604")
    assert call.refused("POST", f"/orders/{KEY}/deliveries/retry", {**body, "connection": "x"}) == (404, "SYNC-603")


def test_an_order_is_held_and_let_go(world: World, call: Caller) -> None:
    stopped(world)
    call.post(f"/orders/{KEY}/hold", {"reason": "fraud?"})
    journey = call.get(f"/orders/{KEY}/journey")
    assert journey["hold"]["reason"] == "fraud?" and journey["hold"]["by"] == "token test"
    call.post(f"/orders/{KEY}/let-go")
    assert call.get(f"/orders/{KEY}/journey")["hold"] is None


def test_an_order_of_a_channel_without_a_release_flow_is_not_released(world: World, call: Caller) -> None:
    """O-04"""
    stopped(world)
    answer = call("POST", f"/orders/{KEY}/release")
    assert answer.status_code == 409 and answer.json()["detail"] == "No flow releases orders of this channel"


def test_an_address_is_corrected_for_all_targets_until_picking(world: World, call: Caller) -> None:
    """O-06"""
    from samklang.records import OrderStatus

    stopped(world)
    body = {"name": "Anna Berg", "lines": ["Nygatan 2"], "postcode": "111 22", "city": "Stockholm", "country": "SE"}
    assert call("PUT", f"/orders/{KEY}/address", body).json() == {"done": True}
    assert call.get(f"/orders/{KEY}/journey")["order"]["shipping"]["city"] == "Stockholm"
    assert call.refused("PUT", f"/orders/{KEY}/address", {**body, "country": "Sverige"}) == (422, "SYNC-604")
    world.deliver("erp", "order")
    world.flow("order_status", "erp", "shop")
    world.erp.put(OrderStatus(order="", fulfilment="picking"), parent=next(iter(world.erp.rows["order"])))
    world.read("erp", "statuses")
    assert call.refused("PUT", f"/orders/{KEY}/address", body) == (409, "SYNC-405")


def work(world: World, number: int) -> None:
    from samklang.hub import bulk

    while bulk.work(world.tenant.pk, number):
        pass


def test_many_orders_at_once_with_progress(world: World, call: Caller) -> None:
    stopped(world)
    made = call("POST", "/bulk", {"act": "hold", "keys": [KEY, "nordljus/nothing"], "reason": "stocktaking"})
    assert made.status_code == 202 and (made.json()["state"], made.json()["total"]) == ("running", 2)
    work(world, made.json()["id"])
    done = call.get(f"/bulk/{made.json()['id']}")
    assert (done["state"], done["done"], done["refused"]) == ("done", 1, 1)
    assert done["refusals"][0]["key"] == "nordljus/nothing"
    another = call.post("/bulk", {"act": "let go", "keys": [KEY]})["id"]
    assert call("DELETE", f"/bulk/{another}").status_code == 204
    assert call.get(f"/bulk/{another}")["state"] == "ended"
    assert call.refused("POST", "/bulk", {"act": "hold", "keys": []}) == (422, "SYNC-604")
    assert call.refused("GET", "/bulk/999") == (404, "SYNC-603")


def test_a_problem_is_tried_again_or_given_up_as_a_whole(world: World, call: Caller) -> None:
    stopped(world)
    number = call.get("/problems")["items"][0]["id"]
    made = call("POST", f"/problems/{number}/retry")
    assert made.status_code == 202
    work(world, made.json()["id"])
    assert state(world) == "due"
    world.erp.item_error = lambda type_, want: Rejected("The account is locked") if type_ == "order" else None
    world.deliver("erp", "order")
    number = call.get("/problems")["items"][0]["id"]
    made = call("POST", f"/problems/{number}/give-up", {"reason": "by hand"})
    work(world, made.json()["id"])
    assert state(world) == "idle" and call.get("/problems")["items"] == []


def test_what_could_not_be_read_is_read_again_whole(world: World, call: Caller, monkeypatch: Any) -> None:
    from samklang import engine
    from samklang.engine.embedded import Embedded
    from tests.hub.conftest import product

    world.flow("product", "erp", "shop")
    world.erp.broken.add(world.erp.put(product("A-1")))
    world.read("erp", "catalogue")
    idle = Embedded(lambda job, engine: None)
    monkeypatch.setattr(engine, "current", idle)
    number = call.get("/problems")["items"][0]["id"]
    call.post(f"/problems/{number}/retry")
    assert ("sweep", "catalogue") in {(state.job.task, state.job.what) for state in idle.jobs()}


def test_people_are_invited_changed_and_removed(world: World, call: Caller) -> None:
    """X-08: what a token may not do itself, it can give nobody; an owner stays."""
    (owner,) = call.get("/members")
    assert (owner["email"], owner["role"]) == ("owner@nordljus.example", "owner")
    made = call.post("/invitations", {"email": "Kim@Example.com", "role": "accountant"})
    assert "/invitation/" in made["address"], "no mails are sent here"
    (open_,) = call.get("/invitations")
    assert (open_["email"], open_["role"]) == ("kim@example.com", "accountant") and "address" not in open_
    assert call("DELETE", f"/invitations/{open_['id']}").status_code == 204
    assert call.refused("DELETE", f"/invitations/{open_['id']}") == (404, "SYNC-603")
    at = f"/members/{owner['id']}"
    assert call.refused("PUT", f"{at}/role", {"role": "reader"}) == (409, "SYNC-605")
    assert call.refused("DELETE", at) == (409, "SYNC-605")
    assert call.refused("DELETE", "/members/999") == (404, "SYNC-603")

    clerk = Caller(world.tenant, [Right.PEOPLE, Right.SEE])
    assert clerk.refused("POST", "/invitations", {"email": "x@example.com", "role": "owner"}) == (403, "SYNC-602")
    assert clerk.post("/invitations", {"email": "x@example.com", "role": "reader"})["role"] == "reader"
    kim = Caller(world.tenant, [Right.SEE], "reader")
    (row,) = [row for row in call.get("/members") if row["role"] == "reader"]
    assert call("PUT", f"/members/{row['id']}/role", {"role": "operator"}).json()["role"] == "operator"
    assert [one["made_by"] for one in call.get("/tokens")].count("reader@nordljus.example") == 1
    assert not any("samklang_" in str(one) for one in call.get("/tokens"))
    (number,) = [one["id"] for one in call.get("/tokens") if one["made_by"] == "reader@nordljus.example"]
    assert call("DELETE", f"/tokens/{number}").status_code == 204 and kim("GET", "/orders").status_code == 401
    assert call("DELETE", f"/members/{row['id']}").status_code == 204
