"""The Ongoing sandbox against the goods owner document, and the rules that the document does not hold."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.ongoing import OngoingSandbox
from samklang.sandboxes.ongoing.desk import ALLOCATED, COLLECTED, OPEN, PICKED, RELEASED, SENT
from tests.contract import ongoing_document
from tests.contract.openapi import Checked

NOON = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


class Caller:
    """A logged-in caller; what departs from the document is kept by `checked`."""

    def __init__(self, base: str, box: OngoingSandbox) -> None:
        self.base, self.box = base, box
        self.pool = urllib3.PoolManager()
        self.login = urllib3.make_headers(basic_auth=f"{box.user}:{box.password}")

    def __call__(self, method: str, path: str, data: Any = None, *, expect: int = 200, **query: object) -> Any:
        if method in ("GET", "DELETE") and path in ("/orders", "/articles", "/purchaseOrders", "/returnOrders"):
            query = {"goodsOwnerId": 159, **query}
        url = f"{self.base}/nordljus/api/v1{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        body = None if data is None else json.dumps(data, default=float).encode()
        answer = self.pool.request(method, url, body=body, headers=self.login, retries=False)
        assert answer.status == expect, answer.data
        return json.loads(answer.data, parse_float=Decimal)

    def order(self, number: str, *lines: tuple[str, str, int], **more: Any) -> int:
        """Put an order of (row, article, pieces); gives its id."""
        rows = [{"rowNumber": row, "articleNumber": sku, "numberOfItems": count} for row, sku, count in lines]
        body = {
            "goodsOwnerId": 159, "orderNumber": number, "deliveryDate": "2026-03-10", "consignee": {"name": "Åsa"},
            "orderLines": rows, **more,
        }  # fmt: skip
        made: int = self("PUT", "/orders", body)["orderId"]
        return made

    def control(self, action: str, expect: int = 200, **given: Any) -> Any:
        """What people do in the warehouse, over HTTP."""
        body = json.dumps(given).encode()
        answer = self.pool.request("POST", f"{self.base}/_sandbox/{action}", body=body)
        assert answer.status == expect, answer.data
        return json.loads(answer.data)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(clock: Clock) -> OngoingSandbox:
    found = OngoingSandbox(30, now=clock)
    for number in found.house.articles:
        found.count(number, 10)
    return found


@pytest.fixture
def call(box: OngoingSandbox) -> Iterator[Caller]:
    checked = Checked(box.app, ongoing_document.load())
    with serve(Faulty(checked)) as base:
        yield Caller(base, box)
    assert not checked.found, checked.found[:5]


def skus(box: OngoingSandbox) -> list[str]:
    return list(box.house.articles)


# ---------------------------------------------------------------------------------------------------- the door


def test_login_and_goods_owner(call: Caller) -> None:
    call("GET", "/orders/statuses")
    assert call("GET", "/orders", expect=400, goodsOwnerId=7)["message"].startswith("Goods owner 7")
    call.login = {}
    call("GET", "/orders/statuses", expect=401)


def test_every_list_and_single_answer_fits_the_document(call: Caller, box: OngoingSandbox) -> None:
    first, second = skus(box)[:2]
    id_ = call.order("1", ("1", first, 2), ("2", second, 1))
    box.ship_all("1", parcels=2)
    box.give_back("1", {"1": 1}, "ANG")
    box.take_back(box.announce("1", {"2": 1}, "REK"), restock=False)
    box.order_goods("PO", {first: 5})
    box.receive("PO", {first: 4})
    article = call("GET", "/articles")[0]["articleSystemId"]
    for path in (
        f"/articles/{article}", "/orders", f"/orders/{id_}", "/orders/statuses", "/purchaseOrders",
        "/purchaseOrders/246", "/purchaseOrders/statuses", "/returnOrders", "/returnOrders/statuses", "/warehouses",
    ):  # fmt: skip
        assert call("GET", path)
    for path in ("/articles/inventoryPerWarehouse", "/orders/pickability", "/transporterContracts"):
        assert call("GET", path, goodsOwnerId=159)
    assert call("GET", "/returnOrders/returnCauses", goodsOwnerId=159)["returnCauses"][0]["name"] == "Ångerrätt"


def test_lists_go_by_id_and_hold_everything_without(call: Caller, box: OngoingSandbox) -> None:
    rows = call("GET", "/articles")
    assert len(rows) == 30
    page = call("GET", "/articles", articleSystemIdFrom=rows[10]["articleSystemId"], maxArticlesToGet=5)
    assert page == rows[10:15]
    two = call("GET", "/articles", articleNumbers=[rows[0]["articleNumber"], rows[4]["articleNumber"]])
    assert two == [rows[0], rows[4]]
    call("GET", "/articles", expect=400, articleSystemIdFrom="x")


def test_times_reach_back_as_far_as_the_vendor_says(call: Caller, clock: Clock) -> None:
    def ago(**more: float) -> str:
        return (clock.at - timedelta(**more)).isoformat()

    call("GET", "/articles", stockInfoChangedFrom=ago(hours=23))
    call("GET", "/articles", expect=400, stockInfoChangedFrom=ago(hours=25))
    call("GET", "/orders", orderUpdatedTimeFrom=ago(hours=47))
    call("GET", "/orders", expect=400, orderUpdatedTimeFrom=ago(hours=49))
    call("GET", "/orders", orderStatusChangedTimeFrom=ago(days=30))
    call("GET", "/orders", expect=400, orderStatusChangedTimeFrom="2026-03-10T10:00:00")  # which zone?


# ---------------------------------------------------------------------------------------------------- orders


def test_an_order_reserves_is_picked_sent_and_fetched(call: Caller, box: OngoingSandbox) -> None:
    sku = skus(box)[0]
    id_ = call.order("1", ("1", sku, 3))

    def stock() -> tuple[Decimal, ...]:
        (row,) = call("GET", "/articles", articleNumbers=sku)
        info = row["inventoryInfo"]
        return info["numberOfItems"], info["numberOfBookedItems"], info["sellableNumberOfItems"]

    def status() -> int:
        found: int = call("GET", f"/orders/{id_}")["orderInfo"]["orderStatus"]["number"]
        return found

    assert (status(), stock()) == (OPEN, (10, 3, 7))
    call("PATCH", f"/orders/{id_}/orderStatus", {"orderStatusNumber": 300})
    box.start("1")
    assert (status(), stock()) == (ALLOCATED, (10, 3, 7))
    box.pick("1")
    assert (status(), stock()) == (PICKED, (7, 0, 7))
    box.ship("1")
    assert status() == SENT
    box.collect("1")
    assert (status(), stock()) == (COLLECTED, (7, 0, 7))


def test_an_order_is_put_again_until_the_warehouse_has_begun(call: Caller, box: OngoingSandbox) -> None:
    first, second = skus(box)[:2]
    id_ = call.order("1", ("1", first, 3))
    assert call.order("1", ("1", first, 1), ("2", second, 1)) == id_
    box.release("1")
    call.order("1", ("2", second, 2))
    assert [line.row for line in box.house.order("1").lines] == ["2"]
    box.start("1")
    body = {"goodsOwnerId": 159, "orderNumber": "1", "deliveryDate": "2026-03-10", "consignee": {"name": "X"}}
    assert "started working" in call("PUT", "/orders", body, expect=400)["message"]
    call("PATCH", f"/orders/{id_}/orderStatus", {"orderStatusNumber": 200}, expect=400)
    call("DELETE", f"/orders/{id_}", expect=400)
    box.put_back("1")
    call("DELETE", f"/orders/{id_}")
    call("DELETE", "/orders", expect=400, orderNumber="1")
    call("PUT", "/orders", body, expect=400)  # a number is used once


def test_what_an_order_must_have(call: Caller, box: OngoingSandbox) -> None:
    sku = skus(box)[0]
    good = {"goodsOwnerId": 159, "orderNumber": "1", "deliveryDate": "2026-03-10", "consignee": {"name": "X"}}
    for field in ("orderNumber", "deliveryDate", "consignee"):
        assert field in call("PUT", "/orders", {**good, field: None}, expect=400)["message"]
    row = {"rowNumber": "1", "articleNumber": sku, "numberOfItems": 1}
    call("PUT", "/orders", {**good, "orderLines": [row, row]}, expect=400)
    call("PUT", "/orders", {**good, "orderLines": [{**row, "articleNumber": "NIX"}]}, expect=400)
    call("PUT", "/orders", {**good, "transporter": {"transporterCode": "DHL"}}, expect=400)
    call("PUT", "/orders", {**good, "transporter": {"transporterCode": "PLAB", "transporterServiceCode": "P19"}})
    call("GET", "/orders/7", expect=404)


def test_pickability_goes_by_age(call: Caller, box: OngoingSandbox) -> None:
    first, second = skus(box)[:2]
    for number, lines in (
        ("1", [("1", first, 7)]), ("2", [("1", first, 7)]), ("3", [("1", first, 11), ("2", second, 1)]),
    ):  # fmt: skip
        call.order(number, *lines)
    results = call("GET", "/orders/pickability", goodsOwnerId=159)["pickabilityResults"]
    said = [[line["orderLinePickability"]["pickability"] for line in one["orderLines"]] for one in results]
    assert said == [["ByPriority"], ["NotByPriority"], ["NotOk", "Ok"]]
    assert [one["orderPickability"]["pickability"] for one in results] == ["ByPriority", "NotByPriority", "NotOk"]


def test_a_delivery_in_parts_on_a_back_order(call: Caller, box: OngoingSandbox) -> None:
    first, second = skus(box)[:2]
    box.count(second, 1)
    id_ = call.order("1", ("1", first, 1), ("2", second, 3))
    box.release("1")
    box.pick("1")
    assert box.ship("1", "back order") == "1-B"
    (rest,) = call("GET", "/orders", backOrderForOrderId=id_)
    assert rest["orderInfo"]["advanced"]["backOrderInfo"]["backOrderForOrderId"] == id_
    assert [(row["rowNumber"], row["orderedNumberOfItems"]) for row in rest["orderLines"]] == [("2", 2)]


# ---------------------------------------------------------------------------------------------------- over HTTP


def test_control_over_http_does_what_the_methods_do(call: Caller, box: OngoingSandbox) -> None:
    first, second = skus(box)[:2]
    call.order("1", ("1", first, 2))
    call.control("edit", order="1", pieces={"1": 1}, add={second: 2})
    call.control("release", order="1")
    call.control("pick", order="1", pieces={"1": 1})
    assert call.control("ship", order="1", rest="back order", parcels=2)["result"] == "1-B"
    call.control("ship-all", order="1-B")
    call.control("collect", order="1")
    call.control("give-back", order="1", pieces={"1": 1}, cause="ANG")
    row = box.house.order("1-B").lines[0].row
    number = call.control("announce", order="1-B", pieces={row: 1})["result"]
    call.control("take-back", number=number)
    call.control("return-as-inbound", order="1-B", pieces={row: 1})
    call.control("order-goods", number="PO", pieces={first: 3})
    call.control("receive", number="PO", pieces={first: 4})
    call.control("count", article=first, pieces=5, locked=2)
    call.control("name", article=first, name="Omdöpt")
    call.control("status", order="1", number=451, text="Klar att hämta")
    seen = json.loads(call.pool.request("GET", f"{call.base}/_sandbox/snapshot").data)
    assert seen["articles"][first]["articleName"] == "Omdöpt"
    assert seen["articles"][first]["inventoryInfo"]["sellableNumberOfItems"] == 3
    assert seen["orders"]["1"]["orderInfo"]["orderStatus"] == {"number": 451, "text": "Klar att hämta"}
    assert seen["purchases"]["PO"]["purchaseOrderInfo"]["purchaseOrderStatus"]["text"] == "Avvikelse"
    assert seen["returns"][number]["returnOrderLines"][0]["returnedNumberOfItems"] == 1
    call.control("fly", expect=404)
    call.control("ship", expect=400, wrong=1)
    call.control("ship", expect=400, order="1")
    call.control("take-back", expect=404, number="RMA-99")


def test_a_warehouse_of_its_own_sends_what_is_released_and_takes_in_what_comes(
    call: Caller, box: OngoingSandbox, clock: Clock
) -> None:
    """A beat is a step for every order: allocated, picked, sent, fetched; a rest goes on a back order."""
    first, second = skus(box)[:2]
    box.count(second, 1)
    call.order("1", ("1", first, 2), ("2", second, 3))
    call.order("2", ("1", first, 1))
    box.order_goods("PO", {second: 20})
    box.release("1")
    walked = []
    for _ in range(4):
        clock.at += timedelta(hours=1)
        box.beat()
        walked.append(box.house.order("1").status)
    assert walked == [ALLOCATED, PICKED, SENT, COLLECTED]
    assert box.house.order("2").status == OPEN  # nobody has released it
    box.beat(6)
    assert box.house.order("1-B").status == COLLECTED
    assert box.house.purchase("PO").lines[0].received >= 19
    assert box.beat() == 0


def test_the_clock_beats_by_itself_when_asked(box: OngoingSandbox) -> None:
    alive = OngoingSandbox(5, auto=0.01)
    try:
        sku = next(iter(alive.house.articles))
        alive.count(sku, 5)
        rows = [{"rowNumber": "1", "articleNumber": sku, "numberOfItems": 1}]
        with alive.lock:
            alive.house.put_order(
                {"orderNumber": "1", "deliveryDate": "2026-03-10", "consignee": {"name": "X"}, "orderLines": rows}
            )
            alive.house.release(alive.house.order("1"))
        until = time.monotonic() + 10
        while alive.house.order("1").status != COLLECTED and time.monotonic() < until:
            time.sleep(0.01)
        assert alive.house.order("1").status == COLLECTED
    finally:
        alive.clockwork.stop()


def test_webhooks_tell_of_every_new_status(box: OngoingSandbox) -> None:
    heard: list[dict[str, Any]] = []
    complete = threading.Event()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            if len(heard) == 3:
                complete.set()

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        box.hook(f"http://127.0.0.1:{server.server_port}/hooks?token=1")
        sku = skus(box)[0]
        box.house.put_order(
            {
                "orderNumber": "1", "deliveryDate": "2026-03-10", "consignee": {"name": "X"},
                "orderLines": [{"rowNumber": "1", "articleNumber": sku, "numberOfItems": 1}],
            }
        )  # fmt: skip
        box.release("1")
        box.start("1")
        assert complete.wait(10)
    finally:
        server.shutdown()
        server.server_close()
    assert [one["orderStatus"]["number"] for one in heard] == [OPEN, RELEASED, ALLOCATED]
    assert {(one["orderNumber"], one["goodsOwnerId"]) for one in heard} == {("1", 159)}
    with pytest.raises(ValueError, match="no web address"):
        box.hook("mailto:x")


def test_same_seed_same_warehouse(clock: Clock) -> None:
    one, two = (OngoingSandbox(40, seed=3, now=clock).snapshot() for _ in range(2))
    assert one == two
    assert one != OngoingSandbox(40, seed=4, now=clock).snapshot()
    empty = OngoingSandbox(10, stocked=False, now=clock)
    assert not any(empty.house.pieces.values())


@pytest.mark.parametrize("how", [["samklang.sandboxes"], ["samklang", "sandbox"]])
def test_it_runs_in_the_foreground(how: list[str]) -> None:
    command = [sys.executable, "-m", *how, "ongoing", "--articles", "3", "--empty", "--auto", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            said = run.stdout.readline()
        finally:
            run.terminate()
    assert "ongoing at http://127.0.0.1:" in said and "goods owner 159" in said
