"""Everything that the console shows, asked of the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from samklang.people.rights import Right
from tests.api.conftest import Caller
from tests.api.house import merchant, reader
from tests.browser.merchant import BUYERS, Merchant

_ = merchant, reader


def walk(call: Caller, path: str) -> list[Any]:
    """Every item of a list, page by page."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = call.get(f"{path}{'&' if '?' in path else '?'}limit=7&cursor={cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = page["next"]


def test_orders_are_walked_the_newest_first_each_once(reader: Caller) -> None:
    rows = walk(reader, "/orders")
    placed = [row["order"]["placed_at"] for row in rows]
    assert len(rows) == len({row["key"] for row in rows}) == reader.get("/orders?limit=1")["total"] >= 30
    assert placed == sorted(placed, reverse=True)
    assert isinstance(rows[0]["order"]["gross"], str), "amounts are text"
    assert {"connection", "state", "external_id", "waiting_on"} == set(rows[0]["targets"][0])


def test_orders_are_filtered_as_in_the_console(reader: Caller) -> None:
    rows = walk(reader, "/orders")
    number = rows[0]["order"]["order_no"]
    assert [row["order"]["order_no"] for row in walk(reader, f"/orders?q={number}")] == [number]
    channel = rows[0]["order"]["channel"]
    assert all(row["order"]["channel"] == channel for row in walk(reader, f"/orders?channel={channel}"))
    shipped = walk(reader, "/orders?stand=fulfilment:shipped")
    assert shipped and all(row["fulfilment"] == "shipped" for row in shipped)
    stopped = walk(reader, "/orders?delivery=stopped")
    assert 0 < len(stopped) < len(rows)
    since = rows[4]["order"]["placed_at"]
    assert len(walk(reader, f"/orders?since={quote(since)}")) == 5
    assert reader.refused("GET", "/orders?stand=nonsense:x") == (422, "SYNC-604")
    assert reader.refused("GET", "/orders?since=yesterday") == (422, "SYNC-604")
    assert reader.refused("GET", "/orders?cursor=InJ1YmJpc2gi") == (422, "SYNC-604")


def test_a_journey_tells_stations_standings_steps_and_problems(reader: Caller) -> None:
    """X-03"""
    key = walk(reader, "/orders?stand=fulfilment:shipped")[0]["key"]
    found = reader.get(f"/orders/{key}/journey")
    assert found["order"]["order_no"] == key.partition("/")[2]
    assert {"shop", "erp"} <= {station["kind"] for station in found["stations"]}
    assert found["steps"] == sorted(found["steps"], key=lambda step: (step["at"], step["id"]))
    assert all(standing["may"] in (["resend"], ["retry", "skip"], ["skip"], []) for standing in found["standings"])
    stopped = walk(reader, "/orders?delivery=stopped")[0]["key"]
    assert reader.get(f"/orders/{stopped}/journey")["problems"][0]["code"].startswith("SYNC-")
    assert reader.refused("GET", "/orders/se/nothing/journey") == (404, "SYNC-603")


def test_articles_stock_and_customers(reader: Caller) -> None:
    products = walk(reader, "/products")
    assert [row["key"] for row in products] == sorted(row["key"] for row in products)
    whole = reader.get(f"/products/{products[0]['key']}")
    assert whole["product"] == products[0]["product"] and whole["fields"] and whole["numbers"]
    levels = walk(reader, "/stock")
    assert levels and {"sku", "on_hand"} <= set(levels[0]["level"])
    assert [row["key"] for row in walk(reader, "/products?q=Ullpläd")] == ["plad-1"]
    people = walk(reader, "/customers")
    assert {row["customer"]["name"] for row in people} & {name for name, _, _ in BUYERS}
    one = reader.get(f"/customers/{quote(people[0]['key'])}")
    assert one["customer"] == people[0]["customer"] and one["orders"]
    assert reader.refused("GET", "/products/nothing") == reader.refused("GET", "/customers/nobody") == (404, "SYNC-603")


def test_records_of_any_type(reader: Caller) -> None:
    prices = walk(reader, "/records/price")
    assert prices and prices[0]["record"]["type"] == "price" and prices[0]["master"]
    assert reader.get(f"/records/price/{quote(prices[0]['key'])}")[0]["record"] == prices[0]["record"]
    order = walk(reader, "/records/order_status")[0]["record"]["order"]
    assert [row["key"] for row in walk(reader, f"/records/order_status?begin={quote(order)}")] == [order]
    assert reader.refused("GET", "/records/nonsense") == (404, "SYNC-603")
    assert reader.refused("GET", "/records/price/nothing") == (404, "SYNC-603")


def test_problems_with_records_calls_assignee_and_comments(merchant: Merchant, reader: Caller) -> None:
    rows = walk(reader, "/problems")
    assert rows and {row["code"] for row in rows}
    number = next(row["id"] for row in rows if row["records"] and row["connection"])
    whole = reader.get(f"/problems/{number}")
    assert whole["items"] and whole["items"][0]["key"]
    assert walk(reader, f"/problems?q={whole['code']}&connection={whole['connection']}")
    email = reader.token.made_by.email
    assert reader("PUT", f"/problems/{number}/assignee", {"email": email}).json()["assignee"] == email
    assert number in [row["id"] for row in walk(reader, f"/problems?assignee={email}")]
    assert reader("PUT", f"/problems/{number}/assignee", {}).json()["assignee"] == ""
    assert reader.refused("PUT", f"/problems/{number}/assignee", {"email": "x@y.se"}) == (422, "SYNC-604")
    reader.post(f"/problems/{number}/comments", {"text": "asked the supplier"})
    assert [note["text"] for note in reader.get(f"/problems/{number}")["notes"]] == ["asked the supplier"]
    assert reader.refused("POST", f"/problems/{number}/comments", {"text": "  "}) == (422, "SYNC-604")
    assert walk(reader, "/problems?state=closed") is not None


def test_transfers_and_calls(merchant: Merchant, reader: Caller) -> None:
    rows = walk(reader, "/transfers?direction=out&moved=true")
    assert rows and all(row["direction"] == "out" for row in rows)
    assert reader.get(f"/transfers/{rows[0]['id']}") == rows[0]
    assert reader.refused("GET", "/transfers/999999") == (404, "SYNC-603")
    assert isinstance(walk(reader, "/exchanges?failed=true"), list)


def test_a_buyers_data_in_calls_are_hidden_from_who_may_only_look(merchant: Merchant, reader: Caller) -> None:
    from django.utils import timezone

    from samklang.hub.models import Connection, ExchangeRow

    row = ExchangeRow.objects.create(
        tenant=merchant.tenant, connection=Connection.objects.filter(tenant=merchant.tenant)[0], at=timezone.now(),
        method="POST", url="https://erp.example/customers?email=anna@example.se", status=400, seconds=0.1,
        sent=b'{"Email": "anna@example.se", "Qty": 3}', got=b"{}", about="se/1",
    )  # fmt: skip
    looker = Caller(merchant.tenant, [Right.SEE])
    shown = looker.get(f"/exchanges/{row.pk}")
    assert shown["masked"] and "anna" not in str(shown) and '"Qty": 3' in shown["sent"]
    assert "anna@example.se" in reader.get(f"/exchanges/{row.pk}")["sent"]
    listed = walk(looker, "/exchanges?about=se/1")
    assert [one["id"] for one in listed] == [row.pk] and "anna" not in str(listed)


def test_the_overview_and_statistics(reader: Caller) -> None:
    """O-23"""
    found = reader.get("/overview")
    assert found["problems"] > 0 and {"health", "connection"} <= set(found["systems"][0])
    figures = reader.get("/statistics?days=30")
    assert len(figures["orders"]) == 30 and sum(sum(day["counts"].values()) for day in figures["orders"]) >= 30
    assert figures["agreement"] and {"agrees", "placed", "taken"} <= set(figures["agreement"][0])
    assert reader.refused("GET", "/statistics?days=1000") == (422, "SYNC-604")


def test_the_audit_is_for_those_who_manage_people(merchant: Merchant, reader: Caller) -> None:
    key = walk(reader, "/orders")[0]["key"]
    reader.post(f"/orders/{key}/hold", {"reason": "asks for another colour"})
    note = walk(reader, "/audit?about=order ")[0]
    assert (note["what"], note["about"], note["actor"]) == ("order held", f"order {key}", "token test")
    reader.post(f"/orders/{key}/let-go")
    assert Caller(merchant.tenant, [Right.SEE]).refused("GET", "/audit") == (403, "SYNC-602")


@pytest.mark.parametrize("path", ["/orders", "/products", "/stock", "/customers", "/records/price", "/problems"])
def test_no_lists_query_count_grows_with_its_rows(merchant: Merchant, reader: Caller, path: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for limit in (2, 20):
        with CaptureQueriesContext(connection) as queries:
            reader.get(f"{path}?limit={limit}")
        counts.append(len(queries))
    assert counts[0] == counts[1], f"{path}: {counts}"
