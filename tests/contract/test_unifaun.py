"""The nShift Delivery connector against the sandbox; bookings and answers are checked against the vendor's schemas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samklang.connectors.contract import Choice, Done, Gone
from samklang.connectors.errors import BadData, Locked, LoginRefused, Misconfigured, Rejected, RemoteFault
from samklang.connectors.unifaun import Unifaun
from samklang.records import Shipment
from samklang.sandboxes.base import Fault
from samklang.sandboxes.unifaun import BASE, KEY_ID, KEY_SECRET, UnifaunSandbox
from tests.contract import carriers, unifaun_document
from tests.contract.carriers import KEY, Desk, order, refused

SETTINGS = {"key_id": KEY_ID, "key_secret": KEY_SECRET, "address": BASE, "weight_g": 1500}


@pytest.fixture
def desk() -> Iterator[Desk[UnifaunSandbox]]:
    with carriers.at(Unifaun, UnifaunSandbox(), SETTINGS, unifaun_document.load()) as it:
        yield it


@pytest.fixture
def at_once(desk: Desk[UnifaunSandbox]) -> Desk[UnifaunSandbox]:
    desk.connector = desk.connect(booking="at once")
    return desk


def test_a_wrong_key_is_noticed_and_a_test_account_says_so(desk: Desk[UnifaunSandbox]) -> None:
    assert desk.connector.check().title == "nShift Delivery"
    assert desk.connect(test=True).check().warnings
    with pytest.raises(LoginRefused):
        desk.connect(key_secret="another").check()


def test_carriers_and_services_are_those_of_the_account(desk: Desk[UnifaunSandbox]) -> None:
    """O-12"""
    assert Choice("PLAB/P19", "PostNord Sverige: MyPack Collect") in desk.connector.choices("carrier")
    assert Choice("SBTL/BPA", "DB Schenker: DB SCHENKERparcel") in desk.connector.choices("carrier")


def test_an_order_becomes_one_consignment_with_receiver_parcels_and_our_reference(desk: Desk[UnifaunSandbox]) -> None:
    """O-11"""
    told = {"frakt": {"weight_g": 2750, "parcels": 2}}
    result = desk.write(order(custom=told))
    assert result == Done(external_id=KEY)
    (one,) = desk.sandbox.drafts.values()
    assert one.body["orderNo"] == KEY and one.body["senderReference"] == "100001"
    assert one.body["service"] == {"id": "P19"} and one.body["sender"] == {"quickId": "1"}
    assert one.body["receiver"] == {
        "name": "Åsa Prov-1", "address1": "Provgatan 1", "zipcode": "411 05", "city": "Göteborg", "country": "SE",
        "phone": "+46701234567", "mobile": "+46701234567", "email": "asa.prov1@example.se",
    }  # fmt: skip
    (parcel,) = one.body["parcels"]
    assert (parcel["copies"], parcel["weight"], parcel["contents"]) == (2, 2.75, "Provkopp")


def test_the_buyers_phone_and_mail_go_with_the_services_that_tell_the_buyer(desk: Desk[UnifaunSandbox]) -> None:
    """J-12"""
    desk.connector = desk.connect(addons="NOTSMS, NOTEMAIL, COD9")
    desk.write(order())
    (one,) = desk.sandbox.drafts.values()
    assert one.body["service"]["addons"] == [
        {"id": "NOTSMS", "misc": "+46701234567"}, {"id": "NOTEMAIL", "misc": "asa.prov1@example.se"}, {"id": "COD9"},
    ]  # fmt: skip


def test_one_code_may_hold_both_carrier_and_service(desk: Desk[UnifaunSandbox]) -> None:
    """O-12"""
    desk.write(order("SBTL/BPA", ""))
    assert next(iter(desk.sandbox.drafts.values())).body["service"] == {"id": "BPA"}


def test_without_a_service_or_a_postal_code_nothing_is_booked(desk: Desk[UnifaunSandbox]) -> None:
    """O-12"""
    assert "service_code" in refused(desk.write(order("PLAB", "")), BadData)
    assert "postcode" in refused(desk.write(carriers.nowhere(order())), BadData)
    assert desk.sandbox.under(KEY) == []


def test_a_weight_that_is_none_is_refused(desk: Desk[UnifaunSandbox]) -> None:
    assert "weight_g" in refused(desk.write(order(custom={"frakt": {"weight_g": "tung"}})), BadData)


def test_what_waits_for_its_label_follows_the_order(desk: Desk[UnifaunSandbox]) -> None:
    desk.write(order())
    assert desk.write(carriers.moved(order())) == Done(external_id=KEY)
    (one,) = desk.sandbox.under(KEY)
    assert one.body["receiver"]["address1"] == "Storgatan 9"


def test_what_waits_and_lacks_something_is_a_task_for_a_person(desk: Desk[UnifaunSandbox]) -> None:
    desk.connector = desk.connect(weight_g=0)
    result = desk.write(order())
    assert isinstance(result, Done) and "Complete the consignment of order 100001" in result.by_hand


def test_a_printed_label_that_still_fits_is_left_alone(at_once: Desk[UnifaunSandbox]) -> None:
    at_once.write(order())
    assert at_once.write(order(payment="captured", note="Ring på")) == Done(external_id=KEY)
    assert len(at_once.sandbox.shipments) == 1


def test_a_changed_street_after_the_label_stops_for_a_person(at_once: Desk[UnifaunSandbox]) -> None:
    at_once.write(order())
    said = refused(at_once.write(carriers.moved(order())), Locked)
    assert "after consignment 43816" in said
    assert len(at_once.sandbox.under(KEY)) == 1


def test_what_somebody_booked_by_hand_is_compared_by_what_nshift_tells(at_once: Desk[UnifaunSandbox]) -> None:
    """The book-by-hand consignment bears no mark of ours: name, postal code, town, country and service decide."""
    at_once.sandbox.book(KEY)  # to Åsa Öberg, not to Åsa Prov-1
    refused(at_once.write(order()), Locked)
    assert len(at_once.sandbox.under(KEY)) == 1


def test_the_same_order_is_never_booked_twice(at_once: Desk[UnifaunSandbox]) -> None:
    """O-11"""
    at_once.write(order())
    at_once.external_id = ""  # as if the answer had never come
    assert at_once.write(order()) == Done(external_id=KEY)
    assert len(at_once.sandbox.under(KEY)) == 1


@pytest.mark.parametrize("booking", ["at once", "when printed"])
def test_an_answer_that_is_lost_is_found_again_by_our_reference(desk: Desk[UnifaunSandbox], booking: str) -> None:
    desk.connector = desk.connect(booking=booking)
    desk.faulty.faults = [Fault("lost", times=1, method="POST")]
    result = desk.write(order())
    assert isinstance(result, RemoteFault) and result.maybe_applied
    assert [match.external_id for match in desk.find(order())] == [KEY]
    assert len(desk.sandbox.under(KEY)) == 1


def test_a_reference_that_only_begins_alike_is_another_order(at_once: Desk[UnifaunSandbox]) -> None:
    at_once.sandbox.book(f"{KEY}7")
    assert at_once.find(order()) == []
    at_once.write(order())
    assert len(at_once.sandbox.under(KEY)) == 1


def test_what_a_person_removed_is_not_booked_again(desk: Desk[UnifaunSandbox]) -> None:
    desk.write(order())
    desk.sandbox.drafts.clear()
    assert "no longer in nShift" in refused(desk.write(carriers.moved(order())), Rejected)
    assert desk.sandbox.under(KEY) == []


@pytest.mark.parametrize("booking", ["at once", "when printed"])
def test_a_cancelled_order_cancels_its_consignment(desk: Desk[UnifaunSandbox], booking: str) -> None:
    """O-11"""
    desk.connector = desk.connect(booking=booking)
    desk.write(order())
    for _ in range(2):
        assert desk.write(order(lifecycle="cancelled")) == Done(external_id=KEY)
        assert desk.sandbox.under(KEY) == []


def test_what_the_carrier_has_already_is_stopped_by_hand(at_once: Desk[UnifaunSandbox]) -> None:
    at_once.write(order())
    at_once.sandbox.hand_over(KEY)
    result = at_once.write(order(lifecycle="cancelled"))
    assert isinstance(result, Done)
    assert "by hand in nShift" in result.by_hand and "sent to the carrier" in result.by_hand


def test_an_order_that_was_cancelled_before_it_came_is_not_booked(desk: Desk[UnifaunSandbox]) -> None:
    assert desk.write(order(lifecycle="cancelled")) == Done()


def test_nshifts_own_words_are_passed_on(at_once: Desk[UnifaunSandbox]) -> None:
    at_once.connector = at_once.connect(booking="at once", weight_g=0)
    assert "Weight is required (ParcelGroup_Weight)" in refused(at_once.write(order()), Rejected)


def test_parcel_numbers_come_back_with_addresses_to_follow_them(desk: Desk[UnifaunSandbox]) -> None:
    """O-11, D-15"""
    desk.write(order())
    assert desk.shipments() == []  # a draft is no shipment
    id_ = desk.sandbox.print(KEY, parcels=2)
    (item,) = desk.shipments()
    record = item.record
    assert item.parent == KEY and item.external_id == id_ and isinstance(record, Shipment)
    assert record.state == "packed" and record.shipped_at is None
    assert (record.carrier_code, record.service_code) == ("PLAB", "P19")
    first, second = record.parcels
    assert first.tracking_no != second.tracking_no
    assert first.tracking_url == f"https://tracking.postnord.com/se/?id={first.tracking_no}"


def test_a_printed_label_has_left_where_the_setting_says_so(at_once: Desk[UnifaunSandbox]) -> None:
    at_once.write(order())
    at_once.connector = at_once.connect(booked_is_sent=True)
    (item,) = at_once.shipments()
    assert isinstance(item.record, Shipment)
    assert item.record.state == "handed_over" and item.record.shipped_at is not None


def test_a_parcel_booked_by_hand_under_the_order_number_is_the_orders(desk: Desk[UnifaunSandbox]) -> None:
    """O-11"""
    desk.write(order())
    desk.sandbox.book(KEY, "BPA")
    (item,) = desk.shipments()
    assert item.parent == KEY
    assert isinstance(item.record, Shipment) and item.record.carrier_code == "SBTL"


def test_what_was_cancelled_is_gone(at_once: Desk[UnifaunSandbox]) -> None:
    at_once.write(order())
    (before,) = at_once.shipments()
    at_once.write(order(lifecycle="cancelled"))
    (page,) = at_once.connector.read("shipments", None, frozenset({"shipment"}))
    assert page.items == [Gone(type="shipment", external_id=before.external_id)]


def test_a_tracking_setting_that_is_no_address_is_noticed(desk: Desk[UnifaunSandbox]) -> None:
    with pytest.raises(Misconfigured):
        desk.connect(tracking="PLAB=postnord.se")
