"""Orders at Ongoing: taken, changed until they are picked, released, sent in one or more parts, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.errors import BadData, Locked, Rejected, Unsupported, Wait
from samklang.records import Address, Charge, OrderEdit, OrderStatus, Release, Shipment
from samklang.sandboxes.base import Fault
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


def cancelled(key: str) -> OrderStatus:
    return OrderStatus(order=key, lifecycle="cancelled")


# ---------------------------------------------------------------------------------------------------- taken


def test_an_order_with_goods_is_open_and_one_without_waits_for_stock(house: House) -> None:
    """O-03."""
    first, second = house.numbers[:2]
    house.box.count(second, 1)
    house.done(order("1001", [line("1", first, 2)]))
    house.done(order("1002", [line("1", first), line("2", second, 3)]))
    ready, waits = house.status("1001"), house.status("1002")
    assert (ready.raw, ready.lifecycle, ready.fulfilment) == ("200", "confirmed", "ready")
    assert (waits.raw, waits.fulfilment) == ("200 NotOk", "waiting_stock")
    assert [(one.line_id, one.ordered, one.backordered) for one in waits.lines] == [("1", 1, 0), ("2", 3, 3)]


def test_of_two_orders_for_the_same_goods_the_younger_waits(house: House) -> None:
    """O-03: Ongoing gives the older order priority, and what is received makes the younger one ready."""
    sku = house.numbers[0]
    house.done(order("1", [line("1", sku, 7)]))
    house.done(order("2", [line("1", sku, 7)]))
    assert [house.status(n).fulfilment for n in ("1", "2")] == ["ready", "waiting_stock"]
    house.box.count(sku, 14)  # the order itself is not touched by that
    house.later(hours=1)
    since = house.at - timedelta(minutes=5)
    fresh = [record for record in house.read("orders", since) if isinstance(record, OrderStatus)]
    assert [record.fulfilment for record in fresh] == ["ready", "ready"]


def test_an_order_goes_with_address_contact_carrier_and_customs_value(house: House) -> None:
    """O-12: the codes of carrier and service are those of the warehouse's register."""
    sku = house.numbers[0]
    lines = [line("a1", sku, 2), line("a2", "", kind="free_text"), line("a3", sku, kind="gift_card_mpv")]
    to = Address(
        name="Åsa Öberg", company="Öbergs AB", lines=("Storgatan 1", "Port B", "2 tr"), postcode="411 05",
        city="Göteborg", country="SE", email="asa@example.se", phone="+46701740605",
    )  # fmt: skip
    record = order("1003", lines, shipping=to, note="Ring på", charges=(freight(),))
    house.done(record)
    held = house.box.snapshot()["orders"]["1003"]
    assert [(row["rowNumber"], row["externalId"], row["orderedNumberOfItems"]) for row in held["orderLines"]] == [
        ("a1", "a1", Decimal("2.0"))
    ]
    assert held["orderLines"][0]["lineTotalCustomsValue"] == 200
    buyer = held["consignee"]
    assert (buyer["name"], buyer["address2"], buyer["address3"]) == ("Öbergs AB, Åsa Öberg", "Port B", "2 tr")
    assert buyer["invoiceAddress"]["name"] == record.billing.name
    head = held["orderInfo"]
    assert head["emailNotification"] == {"toBeNotified": True, "value": "asa@example.se"}
    assert (head["goodsOwnerOrderId"], head["orderRemark"], head["deliveryDate"]) == (
        "nordljus/1003", "Ring på", "2026-03-10"
    )  # fmt: skip
    assert (held["transporter"]["code"], held["transporter"]["serviceCode"]) == ("SBTL", "BPA")


def freight() -> Charge:
    return Charge(kind="shipping", net=Decimal(40), tax=Decimal(10), gross=Decimal(50), tax_percent=Decimal(25))


def test_a_carrier_that_the_warehouse_does_not_have_is_refused_by_name(house: House) -> None:
    """O-12."""
    record = order("1004", [line("1", house.numbers[0])], service_code="XYZ")
    assert "'SBTL' and service code 'XYZ'" in house.refused(Rejected, record).what
    assert "1004" not in house.box.snapshot()["orders"]


def test_an_order_waits_for_its_articles(house: House) -> None:
    error = house.refused(Wait, order("1005", [line("1", "NIX")]))
    assert isinstance(error, Wait)
    assert error.needs == ("variant", "nix")


@pytest.mark.parametrize("ids", [("", "1"), ("1", "1"), ()])
def test_lines_that_cannot_be_told_apart_stop_the_order(house: House, ids: tuple[str, ...]) -> None:
    """O-07."""
    house.refused(BadData, order("1006", [line(id_, house.numbers[0]) for id_ in ids]))


def test_a_reference_that_is_too_long_stops_the_order(house: House) -> None:
    record = order("9" * 60, [line("1", house.numbers[0])])
    house.refused(Unsupported, record)


def test_another_shops_order_of_the_same_number_is_never_overwritten(house: House) -> None:
    """Ongoing knows one order of a number for each goods owner; the channel before it keeps two shops apart."""
    sku = house.numbers[0]
    house.done(order("1007", [line("1", sku)]))
    other = order("1007", [line("1", sku, 9)], channel="sydljus")
    error = house.refused(Rejected, other)
    assert "another order 1007" in error.what and "channel" in error.do_this
    assert house.status("1007").lines[0].ordered == 1
    house.done(other, connector=house.connect(with_channel=True))
    assert house.status("sydljus-1007").lines[0].ordered == 9


def test_an_order_goes_to_the_warehouse_of_the_setting(house: House) -> None:
    house.done(order("1008", [line("1", house.numbers[0])]), connector=house.connect(warehouse="2"))
    assert house.box.house.order("1008").warehouse == 2


def test_the_parts_of_a_bundle_are_picked_and_its_head_is_not(house: House) -> None:
    head, part, *_ = house.numbers
    house.done(order("1009", [line("1", head, kind="bundle_parent"), line("2", part, 2, kind="bundle_child")]))
    rows = house.box.snapshot()["orders"]["1009"]["orderLines"]
    assert [row["shouldBePicked"] for row in rows] == [False, True]
    house.box.ship_all("1009")
    assert [one.line_id for one in house.shipments("1009")[0].lines] == ["2"]
    assert house.status("1009").fulfilment == "shipped"


# ---------------------------------------------------------------------------------------------------- edited


def test_lines_change_come_and_go_by_their_id_though_the_article_is_the_same(house: House) -> None:
    """O-05, O-07."""
    sku, more = house.numbers[:2]
    house.done(order("1010", [line("1", sku, 2), line("2", sku, 5), line("3", more)]))
    ids = {row.row: row.id for row in house.box.house.order("1010").lines}
    house.done(order("1010", [line("2", sku, 1), line("1", sku, 2), line("4", more, 3)]))
    rows = house.box.house.order("1010").lines
    assert [(row.row, row.article.number, row.ordered) for row in rows] == [
        ("2", sku, 1),
        ("1", sku, 2),
        ("4", more, 3),
    ]
    assert [row.id for row in rows[:2]] == [ids["2"], ids["1"]]
    (edit,) = house.of("1010", OrderEdit)
    assert [(one.line_id, one.quantity) for one in edit.lines] == [("2", 1), ("1", 2), ("4", 3)]


def test_an_update_that_changes_nothing_sends_nothing(house: House) -> None:
    record = order("1011", [line("1", house.numbers[0])])
    house.done(record)
    before = len(house.sent("PUT"))
    house.done(msgspec.structs.replace(record, payment="captured", paid=record.gross))
    assert len(house.sent("PUT")) == before


@pytest.mark.parametrize("field", ["note", "email", "phone", "name", "line", "billing", "carrier"])
def test_whatever_the_warehouse_must_know_of_a_change_is_sent(house: House, field: str) -> None:
    """O-05."""
    to = Address(
        name="Åsa", lines=("A 1", "Port B"), postcode="411 05", city="Kil", country="SE", email="a@example.se",
        phone="1",
    )  # fmt: skip
    record = order("1011", [line("1", house.numbers[0])], shipping=to, note="Ring")
    house.done(record)
    moved: dict[str, dict[str, Any]] = {
        "email": {"email": "b@example.se"}, "phone": {"phone": "2"}, "name": {"name": "Örjan"},
        "line": {"lines": ("A 1",)},
    }  # fmt: skip
    changed = {
        "note": {"note": "Ring inte"}, "carrier": {"service_code": "BCF"},
        "billing": {"billing": msgspec.structs.replace(record.billing, city="Ystad")},
    }.get(field) or {"shipping": msgspec.structs.replace(to, **moved[field])}  # fmt: skip
    before = len(house.sent("PUT"))
    house.done(msgspec.structs.replace(record, **changed))
    assert len(house.sent("PUT")) == before + 1
    held = house.box.snapshot()["orders"]["1011"]["consignee"]
    assert held["address2"] == ("" if field == "line" else "Port B")


def test_what_the_warehouse_edits_is_read_until_the_order_is_picked(house: House) -> None:
    """O-05, O-07: a line that is added there bears no id of the shop's."""
    sku, more = house.numbers[:2]
    house.done(order("1012", [line("1", sku, 2), line("2", sku, 3)]))
    house.later(minutes=10)
    house.box.edit("1012", {"1": 0, "2": 5}, {more: 1})
    (edit,) = (r for r in house.read("orders", house.at - timedelta(minutes=1)) if isinstance(r, OrderEdit))
    assert [(one.line_id, one.sku, one.quantity) for one in edit.lines] == [("2", sku, 5), ("", more, 1)]
    assert edit.lines[1].name
    house.box.release("1012")
    assert house.of("1012", OrderEdit)
    house.box.start("1012")
    assert not house.of("1012", OrderEdit)


def test_a_line_that_ongoing_would_keep_is_found_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """O-07: that an update drops what it does not name is unconfirmed, so it is looked at."""
    sku, more = house.numbers[:2]
    house.done(order("1013", [line("1", sku), line("2", more)]))
    put, held = house.box.house.put_order, house.box.house.order("1013")

    def keeps(given: dict[str, object]) -> object:
        gone = held.lines[1]
        made = put(given)
        made.lines.append(gone)
        return made

    monkeypatch.setattr(house.box.house, "put_order", keeps)
    error = house.refused(Rejected, order("1013", [line("1", sku)]))
    assert more in error.what and "by hand" in error.do_this


def test_picking_locks_the_order(house: House) -> None:
    """O-06: an edit is refused with the reason; what changes nothing for the warehouse is no edit."""
    sku = house.numbers[0]
    record = order("1014", [line("1", sku, 2)])
    house.done(record)
    house.box.release("1014")
    house.done(order("1014", [line("1", sku, 3)]))  # released is not yet picked
    house.box.start("1014")
    error = house.refused(Locked, record)
    assert "320 Allokerad" in error.what and "put the order back" in error.do_this
    house.done(order("1014", [line("1", sku, 3)], payment="captured", carrier_code="PLAB", service_code="P19"))
    moved = msgspec.structs.replace(record.billing, lines=("Annan gata 2",))
    house.refused(Locked, order("1014", [line("1", sku, 3)], shipping=moved))
    house.box.put_back("1014")
    house.done(record)
    assert house.status("1014").lines[0].ordered == 2


def test_picking_that_begins_under_our_hands_is_a_lock_too(house: House) -> None:
    """O-06, O-21: the API refuses the change; the reason is looked up."""
    sku = house.numbers[0]
    house.done(order("1015", [line("1", sku, 2)]))
    house.box.release("1015")
    house.box.pick("1015")
    late = house.connect(locked_from=1000)  # as if it had still been open when we looked
    house.refused(Locked, order("1015", [line("1", sku, 3)]), connector=late)


def test_an_order_whose_answer_was_lost_is_known_before_it_is_called_locked(house: House) -> None:
    """O-06: the hub must bind it first, or it would never hear of the lock."""
    sku = house.numbers[0]
    house.done(order("1016", [line("1", sku, 2)]))
    house.box.ship_all("1016")
    error = house.refused(Rejected, order("1016", [line("1", sku, 3)]), new=True)
    assert isinstance(error, Rejected)
    assert error.existing == str(house.box.house.order("1016").id)
    assert house.done(order("1016", [line("1", sku, 2)]), new=True).external_id == error.existing


def test_an_order_is_there_once_whichever_answer_is_lost(house: House) -> None:
    house.faulty.faults = [Fault("lost", method="PUT", times=3)]
    record = order("1017", [line("1", house.numbers[0])])
    result = house.write(record, new=True)
    house.faulty.faults = []
    assert getattr(result, "maybe_applied", False)
    house.done(record, new=True)
    assert [row.number for row in house.box.house.orders.values()] == ["1017"]


# ---------------------------------------------------------------------------------------------------- released


def test_a_release_goes_to_picking_once_and_is_seen(house: House) -> None:
    """O-04."""
    house.done(order("1020", [line("1", house.numbers[0])]))
    release = Release(order="nordljus/1020", at=NOON)
    house.done(release)
    house.done(release)
    assert house.status("1020").fulfilment == "released"
    assert len(house.sent("PATCH")) == 1
    house.box.start("1020")
    house.done(release)  # further on already
    assert house.status("1020").fulfilment == "picking"


def test_the_warehouse_may_release_by_itself(house: House) -> None:
    """O-04, the other way."""
    house.done(order("1021", [line("1", house.numbers[0])]))
    house.later(hours=1)
    house.box.release("1021")
    (status,) = (r for r in house.read("orders", house.at - timedelta(minutes=2)) if isinstance(r, OrderStatus))
    assert (status.raw, status.fulfilment) == ("300", "released")


def test_an_order_in_error_or_cancelled_is_not_released(house: House) -> None:
    house.done(order("1022", [line("1", house.numbers[0])]))
    house.box.status("1022", 150)
    assert "150 Fel" in house.refused(Rejected, Release(order="nordljus/1022", at=NOON)).what
    house.box.status("1022", 1000)
    house.refused(Rejected, Release(order="nordljus/1022", at=NOON))


def test_a_release_whose_answer_was_lost_is_no_fault(house: House) -> None:
    house.done(order("1023", [line("1", house.numbers[0])]))
    house.faulty.faults = [Fault("lost", method="PATCH", times=1)]
    house.done(Release(order="nordljus/1023", at=NOON))
    house.box.start("1023")
    house.refused(Wait, Release(order="nordljus/1024", at=NOON))


# ---------------------------------------------------------------------------------------------------- cancelled


def test_a_cancellation_goes_through_until_picking_begins(house: House) -> None:
    """O-05, O-06."""
    house.done(order("1030", [line("1", house.numbers[0])]))
    house.faulty.faults = [Fault("lost", method="DELETE", times=1)]  # then the second DELETE is refused
    house.done(cancelled("nordljus/1030"))
    house.done(cancelled("nordljus/1030"))
    status = house.status("1030")
    assert (status.raw, status.lifecycle, status.fulfilment) == ("1000", "cancelled", "")
    house.done(order("1031", [line("1", house.numbers[0])]))
    house.box.release("1031")
    house.box.start("1031")
    error = house.refused(Locked, cancelled("nordljus/1031"))
    assert "320" in error.what
    late = house.connect(locked_from=1000)
    house.refused(Locked, cancelled("nordljus/1031"), connector=late)


def test_the_order_itself_may_say_that_it_is_cancelled(house: House) -> None:
    record = order("1032", [line("1", house.numbers[0])])
    gone = msgspec.structs.replace(record, lifecycle="cancelled")
    assert house.done(gone, new=True).external_id == ""  # it never came here
    house.done(record)
    house.done(gone)
    assert house.status("1032").lifecycle == "cancelled"
    assert "takes a number only once" in house.refused(Rejected, record).do_this


def test_other_news_of_the_shop_is_no_matter_of_the_warehouse(house: House) -> None:
    house.done(order("1033", [line("1", house.numbers[0])]))
    house.done(OrderStatus(order="nordljus/1033", lifecycle="confirmed", payment="captured"))
    assert house.status("1033").raw == "200"


def test_an_order_that_was_removed_there_is_said_to_be_gone(house: House) -> None:
    assert "no longer" in house.refused(Rejected, order("1034", [line("1", house.numbers[0])]), external_id="77").what


# ---------------------------------------------------------------------------------------------------- sent


def test_a_shipment_tells_its_pieces_parcels_and_carrier(house: House) -> None:
    """O-11."""
    first, second = house.numbers[:2]
    house.done(order("1040", [line("1", first, 2), line("2", second)]))
    house.box.ship_all("1040", parcels=2)
    (sent,) = house.shipments("1040")
    held = house.box.snapshot()["orders"]["1040"]
    assert [(one.line_id, one.sku, one.quantity) for one in sent.lines] == [("1", first, 2), ("2", second, 1)]
    assert [one.tracking_no for one in sent.parcels] == [one["parcelNumber"] for one in held["parcels"]]
    assert sent.parcels[0].tracking_url == held["tracking"][0]["trackingUrl"]
    assert (sent.state, sent.carrier_code, sent.service_code) == ("handed_over", "SBTL", "BPA")
    assert (sent.shipped_at, sent.warehouse) == (NOON, "1")
    status = house.status("1040")
    assert (status.raw, status.fulfilment) == ("450", "shipped")
    assert [one.shipped for one in status.lines] == [2, 1]
    house.box.collect("1040")
    assert house.shipments("1040") == [sent]
    assert (house.status("1040").raw, house.status("1040").fulfilment) == ("500", "shipped")


def test_the_rest_of_a_delivery_on_a_back_order_is_a_shipment_of_the_first(house: House) -> None:
    """O-09, O-11: the order is partly sent until the back order has gone too."""
    first, second = house.numbers[:2]
    house.box.count(second, 1)
    house.done(order("1041", [line("1", first, 2), line("2", second, 3)]))
    house.box.ship_all("1041")
    status = house.status("1041")
    assert (status.raw, status.fulfilment) == ("450 + 300", "partly_shipped")
    assert [(one.line_id, one.ordered, one.shipped) for one in status.lines] == [("1", 2, 2), ("2", 3, 1)]
    (sent,) = house.shipments("1041")
    house.later(days=3)
    house.box.count(second, 2)
    house.box.ship_all("1041-B")
    since = house.at - timedelta(minutes=5)
    fresh = house.items("orders", since)
    assert {item.parent for item in fresh} == {str(house.box.house.order("1041").id)}
    both = [item.record for item in fresh if isinstance(item.record, Shipment)]
    assert both[0] == sent
    assert [(one.line_id, one.quantity) for one in both[1].lines] == [("2", 2)]
    assert both[1].parcels[0].tracking_no != sent.parcels[0].tracking_no
    status = house.status("1041")
    assert (status.raw, status.fulfilment) == ("450 + 450", "shipped")
    assert [(one.ordered, one.shipped) for one in status.lines] == [(2, 2), (3, 3)]


def test_an_order_that_is_sent_again_has_a_shipment_for_each_delivery(house: House) -> None:
    """O-09, O-11: the first shipment does not change when the second comes."""
    first, second = house.numbers[:2]
    house.box.count(second, 0)
    house.done(order("1042", [line("1", first, 2), line("2", second, 3)]))
    house.box.release("1042")
    house.box.pick("1042")
    assert house.shipments("1042") == []
    house.box.ship("1042")
    status = house.status("1042")
    assert (status.raw, status.fulfilment) == ("425", "partly_shipped")
    assert [one.shipped for one in status.lines] == [2, 0]
    (sent,) = house.shipments("1042")
    house.later(days=1)
    house.box.count(second, 3)
    house.box.pick("1042")
    assert house.shipments("1042") == [sent]  # what no waybill covers is still in the house
    house.box.ship("1042", parcels=2)
    one, two = house.shipments("1042")
    assert one == sent
    assert ([(x.line_id, x.quantity) for x in two.lines], len(two.parcels)) == ([("2", 3)], 2)
    assert house.status("1042").fulfilment == "shipped"


def test_a_pause_in_picking_alone_makes_no_second_shipment(house: House) -> None:
    first, second = house.numbers[:2]
    house.done(order("1043", [line("1", first, 2), line("2", second, 3)]))
    house.box.release("1043")
    house.box.pick("1043", {"1": 2})
    house.later(hours=14)
    house.box.house.order("1043").status = 320  # the next morning
    house.box.pick("1043")
    house.box.ship("1043")
    assert len(house.shipments("1043")) == 1


@pytest.mark.parametrize(("rest", "fulfilment"), [("comes later", "partly_shipped"), ("is cancelled", "shipped")])
def test_a_rest_that_nobody_holds_comes_later_or_never(house: House, rest: str, fulfilment: str) -> None:
    house.box.count(house.numbers[0], 1)
    house.done(order("1044", [line("1", house.numbers[0], 3)]))
    house.box.release("1044")
    house.box.pick("1044")
    house.box.ship("1044", "dropped")
    status = house.status("1044", house.connect(rest=rest))
    assert status.fulfilment == fulfilment
    left = status.lines[0].cancelled if rest == "is cancelled" else status.lines[0].backordered
    assert (status.lines[0].ordered, status.lines[0].shipped, left) == (3, 1, 2)


def test_parcels_may_count_as_gone_only_when_they_are_fetched(house: House) -> None:
    later = house.connect(sent_from=500)
    house.done(order("1045", [line("1", house.numbers[0])]))
    house.box.ship_all("1045")
    assert (house.status("1045", later).fulfilment, house.shipments("1045", house.connect(sent_from=500))) == (
        "picking", [],
    )  # fmt: skip
    house.box.collect("1045")
    assert house.status("1045", house.connect(sent_from=500)).fulfilment == "shipped"


def test_a_status_of_the_installations_own_is_kept_and_says_nothing(house: House) -> None:
    """O-19: without axes and lines the hub asks a person."""
    house.done(order("1046", [line("1", house.numbers[0], 99)]))
    house.box.status("1046", 451, "Klar att hämta")
    assert house.status("1046") == OrderStatus(order="", raw="451")
    house.box.status("1046", 210, "Öppen B2B")
    assert house.status("1046") == OrderStatus(order="", raw="210 NotOk")


def test_sent_with_nothing_picked_is_not_believed(house: House) -> None:
    house.done(order("1047", [line("1", house.numbers[0])]))
    house.box.status("1047", 450)
    assert (house.status("1047").fulfilment, house.shipments("1047")) == ("picking", [])


def test_stock_is_less_after_a_partial_delivery(house: House) -> None:
    """O-09: the order reserves, the delivery takes."""
    sku = house.numbers[0]
    house.done(order("1048", [line("1", sku, 4)]))
    house.later(hours=1)
    assert _stock(house, sku) == (10, 4, 6)
    house.box.release("1048")
    house.box.pick("1048", {"1": 3})
    house.box.ship("1048")
    (level,) = (r for r in house.read("stock", house.at - timedelta(minutes=1)) if r.key == f"{sku.lower()}|1")
    assert (level.on_hand, level.reserved, level.available) == (7, 1, 6)


def _stock(house: House, sku: str) -> tuple[Decimal, Decimal, Decimal]:
    (level,) = (r for r in house.read("stock") if r.key == f"{sku.lower()}|1")
    return level.on_hand, level.reserved, level.available
