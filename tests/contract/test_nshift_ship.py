"""The nShift Ship connector against the sandbox; addresses and verbs are checked against the vendor's document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samklang.connectors.contract import Bad, Choice, Done, Gone, Item
from samklang.connectors.errors import BadAnswer, BadData, Locked, LoginRefused, Misconfigured, Rejected, RemoteFault
from samklang.connectors.nshift_ship import NshiftShip
from samklang.connectors.nshift_ship.map import tag_of
from samklang.records import Shipment
from samklang.sandboxes.base import Fault
from samklang.sandboxes.nshift_ship import ACTOR, CLIENT_ID, CLIENT_SECRET, LOGIN, NshiftShipSandbox
from tests.contract import carriers, nshift_ship_document
from tests.contract.carriers import KEY, Desk, order, refused

BOX = {"carrier": "39", "service": "1032"}
TAG = tag_of(ACTOR, KEY)


@pytest.fixture
def desk() -> Iterator[Desk[NshiftShipSandbox]]:
    settings = {"actor": ACTOR, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "weight_g": 1500}
    with carriers.at(NshiftShip, NshiftShipSandbox(), settings, nshift_ship_document.load()) as it:
        it.settings = {**it.settings, "login_address": f"{it.settings['address']}{LOGIN}"}
        it.connector.close()
        it.connector = it.connect()
        yield it


def shipments(desk: Desk[NshiftShipSandbox], *tags: str) -> list[Item | Bad | Gone]:
    return [item for page in desk.connector.fetch("shipments", tags or (TAG,)) for item in page.items]


def test_the_login_is_judged_and_an_ended_one_renewed(desk: Desk[NshiftShipSandbox]) -> None:
    assert desk.connector.check().title == "nShift Ship, actor 63"
    desk.sandbox.expire()
    desk.connector.check()
    with pytest.raises(LoginRefused):
        desk.connect(client_secret="another").check()
    with pytest.raises(Misconfigured):
        desk.connect(actor="anna@example.se")


def test_products_and_their_services_are_those_of_the_actor(desk: Desk[NshiftShipSandbox]) -> None:
    """O-12"""
    found = desk.connector.choices("carrier")
    assert found[:2] == [
        Choice("39/1032", "PostNord Sverige: MyPack Collect"),
        Choice("39/1032+142002", "PostNord Sverige: MyPack Collect + SMS"),
    ]
    assert Choice("12/2757", "DB Schenker: Parcel") in found


def test_an_order_becomes_one_shipment_under_our_tag_with_a_line_for_each_parcel(desk: Desk[NshiftShipSandbox]) -> None:
    """O-11"""
    desk.connector = desk.connect(services="142003", printer_station="PACK-1")
    told = {"frakt": {"weight_g": 2751, "parcels": 2}}
    assert desk.write(order("39", "1032+142002", custom=told)) == Done(external_id=TAG)
    (one,) = desk.sandbox.under(KEY)
    assert (one.tag, one.body["ProdConceptID"], one.body["Services"]) == (TAG, 1032, [142002, 142003])
    assert one.body["OrderNo"] == "100001"
    assert one.body["Addresses"] == [{
        "Kind": 1, "Name1": "Åsa Prov-1", "Street1": "Provgatan 1", "PostCode": "411 05", "City": "Göteborg",
        "CountryCode": "SE", "Phone": "+46701234567", "Mobile": "+46701234567", "Email": "asa.prov1@example.se",
    }]  # fmt: skip
    assert [line["PkgWeight"] for line in one.body["Lines"]] == [1376, 1375]
    sent = [exchange.sent for exchange in desk.exchanges if exchange.method == "POST" and b"ShpTag" in exchange.sent]
    assert len(sent) == 1 and b'"WorkstationID":"PACK-1"' in sent[0]


def test_the_place_that_the_buyer_chose_goes_along_if_it_is_one(desk: Desk[NshiftShipSandbox]) -> None:
    """O-11"""
    wrong = desk.write(order(**BOX, custom={"frakt": {"drop_point": "9"}}))
    assert "drop_point" in refused(wrong, BadData) and "8044 Coop Majorna" in wrong.do_this  # type: ignore[union-attr]  # it is an error
    assert desk.sandbox.under(KEY) == []
    desk.write(order(**BOX, custom={"frakt": {"drop_point": "8044"}}))
    (one,) = desk.sandbox.under(KEY)
    assert one.body["Addresses"][1]["Kind"] == 10 and one.body["Addresses"][1]["CustNo"] == "8044"


def test_without_a_product_or_a_postal_code_nothing_is_booked(desk: Desk[NshiftShipSandbox]) -> None:
    """O-12"""
    assert "service_code" in refused(desk.write(order("39", "")), BadData)
    assert "service_code" in refused(desk.write(order("39", "1032+SMS")), BadData)
    assert "postcode" in refused(desk.write(carriers.nowhere(order(**BOX))), BadData)
    assert desk.sandbox.shipments == {}


@pytest.mark.parametrize("old_manner", [False, True], ids=["by-status", "by-message"])
def test_refusals_and_what_is_not_there_are_understood_in_both_manners(
    desk: Desk[NshiftShipSandbox], old_manner: bool
) -> None:
    desk.sandbox.old_manner = old_manner
    assert desk.find(order(**BOX)) == []
    desk.connector = desk.connect(weight_g=0)
    assert "Weight is required" in refused(desk.write(order(**BOX)), Rejected)
    desk.connector = desk.connect()
    desk.write(order(**BOX))
    desk.sandbox.transmit(KEY)
    result = desk.write(order(**BOX, lifecycle="cancelled"))
    assert isinstance(result, Done) and "has been transmitted" in result.by_hand
    desk.sandbox.remove(KEY)
    assert desk.write(order(**BOX, lifecycle="cancelled")) == Done(external_id=TAG)


def test_the_same_order_is_never_booked_twice(desk: Desk[NshiftShipSandbox]) -> None:
    """O-11"""
    desk.write(order(**BOX))
    desk.external_id = ""  # as if the answer had never come
    assert desk.write(order(**BOX, payment="captured", note="Ring på")) == Done(external_id=TAG)
    desk.external_id = ""
    desk.faulty.faults = [Fault("lost", times=1, method="POST", path="/shipments")]
    other = order(**BOX, order_no="100002")
    result = desk.write(other)
    assert isinstance(result, RemoteFault) and result.maybe_applied
    assert [match.by for match in desk.find(other)] == ["reference"]
    assert len(desk.sandbox.shipments) == 2


def test_a_server_that_keeps_no_tags_of_ours_is_noticed_at_once(desk: Desk[NshiftShipSandbox]) -> None:
    desk.sandbox.own_tags = True
    result = desk.write(order(**BOX))
    assert isinstance(result, Done) and "a tag of its own" in result.by_hand
    (one,) = desk.sandbox.under(KEY)
    assert result.external_id == one.tag
    assert desk.write(order(**BOX)) == Done(external_id=one.tag)


def test_a_changed_street_after_the_booking_stops_for_a_person(desk: Desk[NshiftShipSandbox]) -> None:
    desk.write(order(**BOX))
    said = refused(desk.write(carriers.moved(order(**BOX))), Locked)
    assert "after consignment 401" in said
    assert len(desk.sandbox.under(KEY)) == 1


def test_what_a_person_deleted_is_not_booked_again(desk: Desk[NshiftShipSandbox]) -> None:
    desk.write(order(**BOX))
    desk.sandbox.remove(KEY)
    assert "no longer in nShift Ship" in refused(desk.write(order(**BOX)), Rejected)
    assert shipments(desk) == [Gone(type="shipment", external_id=TAG)]


def test_parcel_numbers_come_back_with_addresses_to_follow_them(desk: Desk[NshiftShipSandbox]) -> None:
    """O-11, D-15"""
    desk.connector = desk.connect(tracking="39=https://tracking.postnord.com/se/?id={parcel}")
    desk.write(order(**BOX))
    (item,) = shipments(desk)
    assert isinstance(item, Item) and item.parent == item.external_id == TAG
    record, (one,) = item.record, desk.sandbox.under(KEY)
    assert isinstance(record, Shipment) and (record.state, record.number) == ("packed", one.number)
    assert (record.carrier_code, record.service_code) == ("39", "1032")
    assert [(p.tracking_no, p.tracking_url) for p in record.parcels] == [
        (one.parcels[0], f"https://tracking.postnord.com/se/?id={one.parcels[0]}")
    ]
    one.parcels = [""]  # booked, and not yet numbered
    assert shipments(desk) == []


def test_a_shipment_of_another_shape_stops_neither_its_neighbours_nor_a_person(desk: Desk[NshiftShipSandbox]) -> None:
    desk.write(order(**BOX))
    other = desk.sandbox.book("annan/1")
    desk.sandbox.under(KEY)[0].body["References"] = "none"
    bad, good = shipments(desk, TAG, other)
    assert isinstance(bad, Bad) and bad.external_id == TAG and isinstance(good, Item)
    assert isinstance(desk.write(order(**BOX)), BadAnswer)
