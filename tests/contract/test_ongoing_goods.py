"""Goods at Ongoing: articles, stock, what comes back and what comes in; lists, choices and webhooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from samklang.connectors.checks import specimens
from samklang.connectors.contract import Bad, Choice, Gone, Hint, Item
from samklang.connectors.errors import BadAnswer, BadData, ByHand, Locked, Misconfigured, Rejected
from samklang.connectors.ongoing import Ongoing, life
from samklang.connectors.ongoing import map as shapes
from samklang.connectors.ongoing.client import _refusal
from samklang.connectors.ongoing.read import instant
from samklang.connectors.ongoing.shapes import Article, Contract, OrderRow, PurchaseOrder, Shelf, Statuses
from samklang.connectors.ongoing.shapes import ArticleStock as StockRow
from samklang.connectors.transport import Answer
from samklang.records import Axis, Inbound, InboundLine, OrderStatus, Product, Return, Shipment, Variant
from samklang.sandboxes.ongoing import shapes as wire
from tests.contract import ongoing_document
from tests.contract.ongoing_house import NOON, House, line, opened, order
from tests.contract.openapi import Document


@pytest.fixture(scope="module")
def document() -> Document:
    return ongoing_document.load()


@pytest.fixture
def house(document: Document) -> Iterator[House]:
    with opened(document) as found:
        yield found


# ---------------------------------------------------------------------------------------------------- articles


def test_an_article_gets_name_numbers_ean_and_weight(house: House) -> None:
    """O-13; it comes back as it went."""
    variant = Variant(sku="0Kopp-1", gtin=("7310865004703", "7350053850019"), manufacturer_no="GB-77", weight_g=1250)
    record = Product(code="0Kopp-1", name="Kopp åäö", variants=(variant,), origin_country="SE", hs_code="69120000")
    done = house.done(record)
    assert (done.external_id, done.parts[0].external_id) == ("0Kopp-1", "0Kopp-1")
    (back,) = (r for r in house.read("articles") if r.key == "0kopp-1")
    assert back == record
    renamed = msgspec.structs.replace(record, name="Kopp blå", variants=(msgspec.structs.replace(variant, gtin=()),))
    house.done(renamed, external_id="0Kopp-1", ids={("variant", "0kopp-1"): "0Kopp-1"}, fields=frozenset({"name"}))
    (back,) = (r for r in house.read("articles") if r.key == "0kopp-1")
    assert (back.name, back.variants[0].gtin) == ("Kopp blå", variant.gtin)


def test_each_variant_is_an_article_under_its_products_number(house: House) -> None:
    record = specimens.sweater(7)
    parts = house.done(record).parts
    assert [part.external_id for part in parts] == [variant.sku for variant in record.variants]
    held = house.box.snapshot()["articles"][record.variants[2].sku]
    assert (held["articleName"], held["productCode"]) == ("Provtröja 7 Blå M", "0Troja-7")


def test_an_archived_article_stays_and_is_left_to_a_person(house: House) -> None:
    """O-16: never deleted, and never created only to be archived."""
    sku = house.numbers[0]
    gone = Product(code=sku, name="Utgången", variants=(Variant(sku=sku),), status="archived")
    before = house.box.snapshot()["articles"][sku]
    done = house.done(gone, external_id=sku, ids={("variant", sku.lower()): sku})
    assert done.by_hand == f"Remove article {sku} by hand in Ongoing, or have the warehouse do it"
    assert house.box.snapshot()["articles"][sku] == before
    new = Product(code="NY", name="Ny", variants=(Variant(sku="NY"),), status="archived")
    assert (house.done(new).by_hand, "NY" in house.box.house.articles) == ("", False)
    assert not house.sent("PUT", "DELETE")


def test_of_a_product_only_the_archived_variant_is_left_to_a_person(house: House) -> None:
    """O-16."""
    sku, other = house.numbers[:2]
    variants = (Variant(sku=sku, status="archived", options={"f": "röd"}), Variant(sku=other, options={"f": "blå"}))
    record = Product(code="P", name="Mugg", variants=variants, axes=(Axis("f", "Färg"),))
    done = house.done(record, external_id="P", ids={("variant", n.lower()): n for n in (sku, other)})
    assert sku in done.by_hand and other not in done.by_hand
    assert house.box.snapshot()["articles"][other]["articleName"] == "Mugg blå"


def test_a_service_is_no_stock_article(house: House) -> None:
    house.done(Product(code="FRAKT", name="Frakt", variants=(Variant(sku="FRAKT", track_stock=False),)))
    (back,) = (r for r in house.read("articles") if r.key == "frakt")
    assert back.variants[0].track_stock is False


def test_an_article_that_is_odd_is_read_as_far_as_it_goes(house: House) -> None:
    put = house.box.house.put_article
    put({"articleNumber": "A 1", "barCodeInfo": {"barCode": "12345"}, "isActive": False, "productCode": "A"})
    (back,) = (r for r in house.read("articles") if r.key == "a 1")
    assert (back.name, back.status, back.variants[0].gtin) == ("A 1", "archived", ())
    assert back.custom == {"lager": {"barCode": "12345", "productCode": "A"}}


def test_only_articles_that_changed_are_read_after_a_time(house: House) -> None:
    house.later(hours=1)
    house.box.name(house.numbers[3], "Nytt namn")
    found = house.read("articles", house.at - timedelta(minutes=1))
    assert [record.name for record in found] == ["Nytt namn"]


# ---------------------------------------------------------------------------------------------------- stock


def test_what_may_be_sold_is_what_ongoing_says(house: House) -> None:
    """Q-04: on hand, locked and reserved make Ongoing's own figure, below 0 too."""
    first, second = house.numbers[:2]
    house.box.count(first, 10, locked=3)
    house.done(order("1", [line("1", first, 2), line("2", second, 12)]))
    levels = {record.key: record for record in house.read("stock")}
    one, two = levels[f"{first.lower()}|1"], levels[f"{second.lower()}|1"]
    assert (one.on_hand, one.unavailable, one.reserved, one.available) == (10, 3, 2, 5)
    assert (two.on_hand, two.available) == (10, -2)
    empty = levels[f"{first.lower()}|2"]
    assert (empty.on_hand, empty.available) == (0, 0)


def test_a_kit_has_what_its_parts_allow() -> None:
    row = StockRow(id=1, article_number="KIT", inventory_per_warehouse=[Shelf(1, Decimal(0), sellable=Decimal(4))])
    assert [(one.on_hand, one.available) for one in shapes.stock(row, ["1", "2"])] == [(4, 4), (0, 0)]


def test_stock_that_changed_too_long_ago_to_ask_is_read_whole(house: House) -> None:
    """The API refuses a time more than 24 hours back."""
    house.later(days=2)
    house.box.count(house.numbers[0], 4)
    near, far = house.at - timedelta(hours=1), house.at - timedelta(days=1)
    assert len(house.read("stock", near)) == 2
    assert len(house.read("stock", far)) == 60
    with pytest.raises(Rejected, match="within"):
        house.connect().client.get("articles", goodsOwnerId=159, stockInfoChangedFrom=instant(far - timedelta(hours=1)))


# ---------------------------------------------------------------------------------------------------- returns


def _sent(house: House, number: str, *pieces: int) -> None:
    lines = [line(str(n), house.numbers[n], count) for n, count in enumerate(pieces, start=1)]
    house.done(order(number, lines))
    house.box.ship_all(number)


def _returns(house: House, since: datetime | None = None) -> list[Return]:
    return [record for record in house.read("returns", since) if isinstance(record, Return)]


@pytest.mark.parametrize(("cause", "reason"), [("ANG", "regret"), ("REK", "complaint"), ("EJU", "uncollected")])
def test_an_announced_return_comes_back_for_its_reason(house: House, cause: str, reason: str) -> None:
    """O-17: goods only; stock goes up by what is for sale again."""
    _sent(house, "1", 2, 1)
    number = house.box.announce("1", {"1": 2, "2": 1}, cause)
    (coming,) = _returns(house)
    assert (coming.number, coming.state, coming.reason) == (number, "announced", reason)
    assert [(one.line_id, one.quantity) for one in coming.lines] == [("1", 2), ("2", 1)]
    house.box.take_back(number, restock=cause != "REK")
    came = house.at
    house.later(minutes=40)
    (back,) = _returns(house, came - timedelta(minutes=1))
    assert (back.number, back.state, back.received_at) == (number, "closed", came)
    assert {one.restock for one in back.lines} == {cause != "REK"}
    on_hand = house.box.house.pieces[house.box.house.article(house.numbers[1]).id, 1]
    assert on_hand == (8 if cause == "REK" else 10)
    assert house.status("1").fulfilment == "returned"


def test_pieces_that_are_booked_one_after_the_other_are_one_return_told_when_it_is_whole(house: House) -> None:
    """O-17: money is paid back once for each return, so it must not grow afterwards."""
    _sent(house, "1", 3)
    house.box.give_back("1", {"1": 1}, "ANG")
    house.later(minutes=20)
    house.box.give_back("1", {"1": 1}, "ANG")
    house.later(minutes=20)
    assert _returns(house) == []
    house.later(minutes=20)
    (first,) = _returns(house)
    assert (first.number, first.lines[0].quantity, first.state) == ("1-R1", 2, "closed")
    house.later(hours=5)
    house.box.give_back("1", {"1": 1}, "REK")
    house.later(hours=1)
    again, second = _returns(house)
    assert again == first
    assert (second.number, second.reason, second.note) == ("1-R2", "complaint", "Reklamation")
    assert second.lines[0].quantity == 1
    assert house.status("1").fulfilment == "returned"


def test_what_comes_with_and_beside_a_return_order_is_counted_once(house: House) -> None:
    """O-17."""
    _sent(house, "1", 4, 2)
    number = house.box.announce("1", {"1": 2}, "ANG")
    house.box.take_back(number, {"1": 1})
    house.box.give_back("1", {"2": 1}, "FEL")
    house.later(hours=1)
    found = {one.number: one for one in _returns(house)}
    assert {name: (one.state, one.reason) for name, one in found.items()} == {
        number: ("received", "regret"), "1-R1": ("closed", "wrong"),
    }  # fmt: skip
    assert [(one.line_id, one.quantity) for one in found["1-R1"].lines] == [("2", 1)]
    house.box.take_back(number, {"1": 1})
    house.later(hours=1)
    later = {one.number: one for one in _returns(house)}
    assert later["1-R1"] == found["1-R1"]
    assert later[number].lines == found[number].lines  # a fact does not grow
    assert (later[f"{number}-2"].state, later[f"{number}-2"].lines[0].quantity) == ("closed", 1)


def test_goods_that_come_back_at_one_time_for_two_reasons_are_two_returns(house: House) -> None:
    _sent(house, "1", 1, 1)
    house.box.give_back("1", {"1": 1}, "REK")
    house.box.give_back("1", {"2": 1}, "ANG")
    house.later(hours=1)
    assert [(one.number, one.reason) for one in _returns(house)] == [("1-R1", "complaint"), ("1-R2", "regret")]


def test_an_inbound_marked_as_a_return_is_the_orders_regret(house: House) -> None:
    """O-17, as third-party warehouses do it: the order's number is its reference."""
    _sent(house, "1", 2, 3)
    number = house.box.return_as_inbound("1", {"2": 2})
    (back,) = _returns(house)
    assert (back.number, back.reason, back.state) == (number, "regret", "closed")
    assert [(one.line_id, one.quantity) for one in back.lines] == [("2", 2)]
    items = house.items("returns")
    assert items[0].parent == str(house.box.house.order("1").id)


def test_a_return_of_a_back_order_is_the_first_orders(house: House) -> None:
    sku = house.numbers[1]
    house.box.count(sku, 1)
    house.done(order("1", [line("1", sku, 2)]))
    house.box.ship_all("1")
    house.box.count(sku, 1)
    house.box.ship_all("1-B")
    house.box.give_back("1-B", {"1": 1}, "ANG")
    number = house.box.announce("1-B", {"1": 1}, "ANG")
    house.later(hours=1)
    items = [item for item in house.items("returns") if isinstance(item, Item)]
    assert {item.parent for item in items} == {str(house.box.house.order("1").id)}
    assert {item.record.key for item in items} == {"#1-B-R1", f"#{number}"}


def test_causes_of_the_merchants_own_are_told_by_a_setting(house: House) -> None:
    _sent(house, "1", 1)
    house.box.give_back("1", {"1": 1}, "FEL")
    house.later(hours=1)
    own = house.connect(return_causes="fel=complaint, X1=regret")
    (back,) = house.read("returns", connector=own)
    assert back.reason == "complaint"
    with pytest.raises(Misconfigured, match="return_causes"):
        house.connect(return_causes="FEL=oops")


# ---------------------------------------------------------------------------------------------------- inbound


def purchase(number: str, *lines: tuple[str, int], **more: Any) -> Inbound:
    rows = tuple(InboundLine(sku=sku, expected=Decimal(n), line_id=f"L{i}") for i, (sku, n) in enumerate(lines))
    return Inbound(number=number, lines=rows, **more)


def test_the_initial_list_goes_in_once_however_often_it_is_sent(house: House) -> None:
    """O-14."""
    record = purchase("START", *((sku, 5) for sku in house.numbers[:20]), kind="initial")
    done = house.done(record)
    assert house.done(record).external_id == done.external_id
    assert [row.number for row in house.box.house.purchases.values()] == ["START"]
    house.box.receive("START")
    (receipt,) = house.read("inbound")
    assert (receipt.inbound, receipt.state, receipt.deviations(), len(receipt.lines)) == ("START", "closed", (), 20)


def test_what_was_received_is_told_with_its_deviations(house: House) -> None:
    """O-15: expected date and supplier go in, over- and underdelivery come out."""
    first, second, third = house.numbers[:3]
    record = purchase(
        "PO-1", (first, 10), (second, 5), (third, 1), supplier="Porslin AB", expected_on=date(2026, 4, 1), warehouse="2"
    )
    house.done(record)
    held = house.box.snapshot()["purchases"]["PO-1"]
    assert (held["purchaseOrderInfo"]["inDate"], held["supplierInfo"]) == ("2026-04-01", {"supplierName": "Porslin AB"})
    assert house.read("inbound")[0].state == "announced"
    house.later(days=1)
    house.box.receive("PO-1", {first: 4}, done=False)
    (open_,) = house.read("inbound", house.at - timedelta(minutes=1))[:1]
    assert (open_.state, open_.deviations()) == ("partly_received", ())
    house.box.receive("PO-1", {first: 8, second: 3, third: 1})
    receipt = house.read("inbound")[0]
    assert (receipt.state, receipt.received_at) == ("received", house.at)
    assert [(one.sku, one.expected, one.received) for one in receipt.deviations()] == [(first, 10, 12), (second, 5, 3)]
    on_hand = {r.key: r.on_hand for r in house.read("stock")}
    assert on_hand[f"{first.lower()}|2"] == 12


def test_a_purchase_order_changes_until_it_is_being_received(house: House) -> None:
    """O-15."""
    sku = house.numbers[0]
    house.done(purchase("PO-2", (sku, 10)))
    house.done(purchase("PO-2", (sku, 12), expected_on=date(2026, 5, 1)))
    assert house.box.snapshot()["purchases"]["PO-2"]["purchaseOrderInfo"]["inDate"] == "2026-05-01"
    house.box.receive("PO-2", {sku: 1}, done=False)
    house.done(purchase("PO-2", (sku, 12)))
    assert "begun to receive" in house.refused(Locked, purchase("PO-2", (sku, 13))).what
    house.refused(Locked, purchase("PO-2", (sku, 12), state="cancelled"))


def test_a_purchase_order_is_cancelled_and_then_expects_nothing(house: House) -> None:
    sku = house.numbers[0]
    assert house.done(purchase("PO-3", (sku, 10), state="draft")).external_id == ""
    assert house.done(purchase("PO-3", (sku, 10), state="cancelled")).external_id == ""
    house.done(purchase("PO-3", (sku, 10)))
    house.done(purchase("PO-3", (sku, 10), state="cancelled"))
    house.done(purchase("PO-3", (sku, 10), state="cancelled"))
    (receipt,) = house.read("inbound")
    assert (receipt.state, receipt.deviations()) == ("closed", ())
    house.refused(Rejected, purchase("PO-3", (sku, 10)))


def test_a_purchase_order_that_somebody_made_there_is_not_overwritten(house: House) -> None:
    house.box.order_goods("PO-4", {house.numbers[0]: 3})
    assert "somebody else made" in house.refused(Rejected, purchase("PO-4", (house.numbers[0], 9))).what
    (receipt,) = house.read("inbound")  # but what comes of it is told
    assert (receipt.inbound, receipt.lines[0].expected) == ("PO-4", 3)


def test_a_purchase_order_of_nothing_is_no_purchase_order(house: House) -> None:
    house.refused(BadData, purchase("PO-5", (house.numbers[0], 0)))


# ---------------------------------------------------------------------------------------------------- lists


def test_a_sweep_reads_the_last_days_and_older_orders_only_while_they_are_here(house: House) -> None:
    _sent(house, "old-sent", 1)
    house.done(order("old-open", [line("1", house.numbers[0])]))
    house.later(days=120)
    house.done(order("new", [line("1", house.numbers[0])]))
    found = {item.parent for item in house.items("orders") if isinstance(item.record, OrderStatus)}
    assert found == {str(house.box.house.order(number).id) for number in ("old-open", "new")}


def test_a_list_is_read_on_until_nothing_comes_though_fewer_rows_come_than_were_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(7):
        house.done(order(str(n), [line("1", house.numbers[n])]))
    orders = house.box.house.orders
    monkeypatch.setattr("samklang.sandboxes.ongoing.web.Query.number", _capped(3))
    assert len({item.parent for item in house.items("orders")}) == len(orders) == 7
    assert len(house.read("articles")) == 30


def _capped(most: int) -> Any:
    from samklang.sandboxes.ongoing.web import Query

    usual = Query.number
    return lambda self, name, default: (
        min(most, usual(self, name, default)) if name.startswith("max") else usual(self, name, default)
    )


def test_a_list_that_is_not_in_the_order_of_ids_is_never_taken_for_whole(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.box.house, "articles", dict(reversed(house.box.house.articles.items())))
    with pytest.raises(BadAnswer, match="order of its ids"):
        house.items("articles")


def test_a_read_that_was_cut_off_goes_on_where_it_was(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samklang.connectors.ongoing.client._PAGED", {
        name: (first, most, 2) for name, (first, most, _) in _paged().items()
    })  # fmt: skip
    for n in range(5):
        house.done(order(str(n), [line("1", house.numbers[n])]))
    types = frozenset({"order_status"})
    connector = house.connect()
    pages = [page for page in connector.read("orders", None, types) if page.items]
    rest = [page for page in connector.read("orders", None, types, pages[0].resume) if page.items]
    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert rest == pages[1:]


def _paged() -> dict[str, tuple[str, str, int]]:
    from samklang.connectors.ongoing import client

    return client._PAGED


def test_a_row_that_is_broken_stops_no_neighbour(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        house.done(order(str(n), [line("1", house.numbers[n])]))
    usual = wire.order

    def odd(box: Any, row: Any) -> Any:
        found = usual(box, row)
        if row.number == "1":
            found["orderInfo"]["orderStatus"] = {"number": None, "text": "?"}
        return found

    monkeypatch.setattr(wire, "order", odd)
    found = house.items("orders")
    (bad,) = (item for item in found if isinstance(item, Bad))
    assert bad.external_id == str(house.box.house.order("1").id)
    assert len([item for item in found if isinstance(item, Item) and isinstance(item.record, OrderStatus)]) == 2
    assert house.checked is not None
    house.checked.found.clear()  # the document knows that a number is one


def test_a_read_after_a_long_pause_asks_no_further_back_than_the_api_lets_it(house: House) -> None:
    """`orderUpdatedTimeFrom` goes back two days; a status that changed before that is still found."""
    _sent(house, "1", 1)
    sent = house.at
    house.later(days=10)
    assert _statuses(house, sent - timedelta(minutes=5)) == ["450"]
    assert _statuses(house, sent + timedelta(minutes=5)) == []


def _statuses(house: House, since: datetime) -> list[str]:
    return sorted({row.raw for row in house.read("orders", since) if isinstance(row, OrderStatus)})


def test_calls_never_overlap(house: House) -> None:
    """The vendor runs a goods owner's writes one after the other, and asks for the same of all calls."""
    assert Ongoing.manifest.limits.concurrent == 1
    assert {how.width for how in Ongoing.manifest.writes.values()} == {1}
    house.items("orders")
    ends = [one.at + timedelta(seconds=one.seconds) for one in house.exchanges]
    assert all(
        end <= after.at + timedelta(milliseconds=5) for end, after in zip(ends, house.exchanges[1:], strict=False)
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "The request is invalid.", "modelState": {"order.orderLines[0]": ["Too many."]}}', "Too many."),
        (b'{"title": "Bad request", "errors": {"orderNumber": ["Is needed."]}}', "Bad request orderNumber"),
        (b"<html>no</html>", "answered 400"),
        (b'"Nej"', "Nej"),
    ],
)
def test_a_refusal_says_what_the_system_said(body: bytes, said: str) -> None:
    """The shape of refusals is unconfirmed, so whatever comes is told."""
    error = _refusal(Answer(400, {}, body, "PUT /orders"))
    assert isinstance(error, Rejected) and said in error.what


def test_times_go_out_with_their_offset(house: House) -> None:
    house.items("articles", NOON)
    query = dict(parse_qsl(urlsplit(house.exchanges[-1].url).query))
    assert query["articleDataLastUpdatedFrom"] == "2026-03-10T11:00:00.000+00:00"
    assert "%2B00%3A00" in house.exchanges[-1].url


# ---------------------------------------------------------------------------------------------------- the connection


def test_the_connection_names_the_warehouse_and_warns_of_statuses_that_mean_nothing(house: House) -> None:
    """RD-07, O-19."""
    account = house.connect().check()
    assert (account.title, account.warnings) == ("Göteborg, Borås (goods owner 159)", ())
    house.box.house.statuses[451] = "Klar att hämta"
    (warning,) = house.connect().check().warnings
    assert warning.endswith("451 Klar att hämta")


def test_a_goods_owner_that_is_not_ours_is_said_so(house: House) -> None:
    with pytest.raises(Misconfigured, match="goods owner 7"):
        house.connect(goods_owner=7).check()


def test_statuses_carriers_and_warehouses_are_read_from_the_installation(house: House) -> None:
    """RD-07, RD-08: what the pages map is what this installation has."""
    connector = house.connect()
    statuses = connector.choices("order_status")
    assert Choice("450", "Skickad") in statuses
    assert [one.code for one in statuses[:4]] == ["150", "200", "200 NotOk", "300"]
    assert Choice("SBTL/BPA", "DB Schenker · DB SCHENKERparcel") in connector.choices("carrier")
    assert connector.choices("warehouse") == [Choice("1", "Göteborg"), Choice("2", "Borås")]
    assert {*Ongoing.manifest.choices} == {"order_status", "carrier", "warehouse"}


def test_only_the_warehouse_can_make_a_webhook_and_its_address_is_its_key(house: House) -> None:
    connector = house.connect()
    with pytest.raises(ByHand) as told:
        connector.register_hooks("https://hub.example/hooks/a/lager", "hemlig")
    address = told.value.do_this.rpartition(" ")[2]
    token = dict(parse_qsl(urlsplit(address).query))["token"]
    body = b'{"orderId": 50161, "orderNumber": "1", "goodsOwnerId": 159, "orderStatus": {"number": 450}}'
    assert connector.hints({"x-hook-token": token}, body, "hemlig") == [Hint("orders", "50161")]
    assert connector.hints({"x-hook-token": token}, body.replace(b"159", b"160"), "hemlig") == []
    stock = b'{"goodsOwnerId": 159, "article": {"articleNumber": "1"}, "transaction": {}}'
    assert connector.hints({"x-hook-token": token}, stock, "hemlig") == [Hint("stock", "")]
    goods = b'{"goodsOwnerId": 159, "purchaseOrderId": 7}'
    assert connector.hints({"x-hook-token": token}, goods, "hemlig") == [Hint("inbound", "")]
    with pytest.raises(Rejected):
        connector.hints({}, body, "hemlig")


def test_what_a_webhook_names_is_read_by_its_id(house: House) -> None:
    _sent(house, "1", 1)
    id_ = str(house.box.house.order("1").id)
    ((*found, gone),) = (page.items for page in house.connect().fetch("orders", [id_, "7"]))
    assert [type(item.record) for item in found if isinstance(item, Item)] == [OrderStatus, Shipment]
    assert gone == Gone(type="order", external_id="7")


# ---------------------------------------------------------------------------------------------------- the vendor's own


def test_the_vendors_examples_are_read(document: Document) -> None:
    def example(words: str) -> bytes:
        return msgspec.json.encode(ongoing_document.example(words))

    row = msgspec.json.decode(example("Order_Get_an_order__GET"), type=OrderRow)
    (sent,) = life.shipments(row, life.Steps())
    assert [one.tracking_no for one in sent.parcels] == ["00376546546"]  # the other is a return parcel
    assert (sent.carrier_code, sent.service_code, sent.lines[0].quantity) == ("PLAB", "P18", 2)
    assert life.status(life.Family(row), (), life.Steps()).fulfilment == "shipped"
    goods = msgspec.json.decode(example("Purchase_order_Get_a_purchase_order"), type=PurchaseOrder)
    assert [(one.sku, one.received) for one in shapes.receipt(goods).deviations()] == [("CK5", 7)]
    article = msgspec.json.decode(example("Article_Get_an_article"), type=Article)
    assert (shapes.product(article, "x").name, shapes.product(article, "x").variants[0].weight_g) == (
        "Article name 1", 1500,
    )  # fmt: skip
    assert msgspec.json.decode(example("Transporter_contracts"), type=list[Contract])[0].code == "SBTL"
    words = msgspec.json.decode(example("Get_all_possible_order_statuses"), type=Statuses).order_statuses or []
    known = {*life.STATES, life.CANCELLED, life.ERROR}
    assert {one.number for one in words} <= known


def test_the_check_against_the_document_can_fail(document: Document) -> None:
    path = "/nordljus/api/v1/orders"
    good = {"goodsOwnerId": 159, "orderNumber": "1", "deliveryDate": "2026-03-10", "consignee": {"name": "X"}}
    document.check_request("PUT", path, (), msgspec.json.encode(good))
    for wrong in ({**good, "colour": 1}, {**good, "goodsOwnerId": "159"}, {"orderNumber": "1"}):
        with pytest.raises(AssertionError):
            document.check_request("PUT", path, (), msgspec.json.encode(wrong))
    with pytest.raises(AssertionError):
        document.check_request("GET", path, [("orderIdFrom", "1")], b"")  # no goods owner
    with pytest.raises(AssertionError):
        document.check_request("GET", path, [("goodsOwnerId", "159"), ("page", "1")], b"")


# ---------------------------------------------------------------------------------------------------- all at once

_WORDS = ("same", "same", "back order", "dropped", "pick", "return", "goods", "collect")
_STEPS = some.lists(some.tuples(some.sampled_from(_WORDS), some.integers(0, 3)), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_what_shipments_tell_adds_up_to_what_the_status_says(document: Document, steps: list[tuple[str, int]]) -> None:
    """O-09: whatever the warehouse does, no piece is told twice or lost, and what was told of a shipment stays."""
    house = House(document)
    first, second = house.numbers[:2]
    house.box.count(first, 2)
    house.box.count(second, 1)
    desk = house.box.house
    desk.put_order(
        {
            "orderNumber": "1", "deliveryDate": "2026-03-10", "consignee": {"name": "X"},
            "orderLines": [
                {"rowNumber": "1", "externalId": "1", "articleNumber": first, "numberOfItems": 3},
                {"rowNumber": "2", "externalId": "2", "articleNumber": second, "numberOfItems": 2},
            ],
        }
    )  # fmt: skip
    house.box.release("1")
    told: dict[str, Any] = {}
    for word, n in steps:
        _do(house, word, n)
        rows = [msgspec.json.decode(_json(wire.order(desk, row)), type=OrderRow) for row in desk.orders.values()]
        family = life.Family(rows[0], tuple(rows[1:]))
        status = life.status(family, (), life.Steps())
        sent: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            for shipment in life.shipments(row, life.Steps()):
                assert told.setdefault(shipment.number, shipment.lines) == shipment.lines
                for one in shipment.lines:
                    sent[one.line_id] += one.quantity
        for one in status.lines:
            assert one.ordered == {"1": 3, "2": 2}[one.line_id]
            assert one.shipped == sent[one.line_id]
            assert one.shipped + one.backordered + one.cancelled <= one.ordered


def _json(row: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(row)


def _do(house: House, word: str, n: int) -> None:
    """One thing that happens, nine hours after the last: two deliveries of one order lie further apart than eight."""
    from samklang.sandboxes.ongoing import Refused

    box, orders = house.box, list(house.box.house.orders.values())
    number = orders[n % len(orders)].number
    house.later(hours=9)

    def send() -> None:
        box.count(house.numbers[n % 2], 1)
        box.pick(number)
        box.ship(number, word)  # type: ignore[arg-type]  # one of its words

    actions: dict[str, Any] = {
        "pick": lambda: box.pick(number), "collect": lambda: box.collect(number),
        "return": lambda: box.give_back(number, {str(n % 2 + 1): 1}, "ANG"),
        "goods": lambda: box.count(house.numbers[n % 2], n),
    }  # fmt: skip
    try:
        actions.get(word, send)()
    except Refused:
        return
