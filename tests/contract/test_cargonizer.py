"""The Cargonizer connector against the sandbox; every request is checked against the names in the vendor's examples."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samklang.connectors.cargonizer import Cargonizer
from samklang.connectors.contract import Choice, Done, Gone
from samklang.connectors.errors import BadAnswer, BadData, Locked, LoginRefused, Rejected, RemoteFault
from samklang.connectors.kit import xml
from samklang.records import Shipment
from samklang.sandboxes.base import Fault
from samklang.sandboxes.cargonizer import KEY as API_KEY
from samklang.sandboxes.cargonizer import SENDER, CargonizerSandbox
from tests.contract import cargonizer_document, carriers
from tests.contract.carriers import KEY, Desk, order, refused

SETTINGS = {"key": API_KEY, "sender": SENDER, "weight_g": 1500}
BOX = {"carrier": "102", "service": "mypack"}


@pytest.fixture(params=[True, False], ids=["pages", "no-pages"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk[CargonizerSandbox]]:
    """Whether the list of consignments has pages is not documented: both must do."""
    sandbox = CargonizerSandbox(paged=request.param)
    with carriers.at(Cargonizer, sandbox, SETTINGS, cargonizer_document.load()) as it:
        yield it


def body(desk: Desk[CargonizerSandbox]) -> xml.Element:
    (one,) = desk.sandbox.under(KEY)
    found = xml.parse(one.body).find("consignment")
    assert found is not None
    return found


def test_key_and_sender_belong_together_and_the_sandbox_says_so(desk: Desk[CargonizerSandbox]) -> None:
    assert desk.connector.check().title == "Cargonizer, sender 1001"
    assert desk.connect(sandbox=True).check().warnings
    with pytest.raises(LoginRefused):
        desk.connect(sender="1002").check()


def test_products_are_those_of_the_senders_agreements(desk: Desk[CargonizerSandbox]) -> None:
    """O-12"""
    assert desk.connector.choices("carrier")[0] == Choice("102/mypack", "PostNord: MyPack Collect")


def test_an_order_becomes_one_consignment_with_an_item_for_each_parcel(desk: Desk[CargonizerSandbox]) -> None:
    """O-11"""
    told = {"frakt": {"weight_g": 2751, "parcels": 2}}
    assert desk.write(order(**BOX, custom=told)) == Done(external_id=KEY)
    made = body(desk)
    assert made.get("transport_agreement") == "102" and made.get("print") == "false"
    assert xml.text(made, "product") == "mypack" and xml.text(made, "references/consignor") == KEY
    to = made.find("parts/consignee")
    assert to is not None
    assert [(one.tag, one.text) for one in to] == [
        ("name", "Åsa Prov-1"), ("address1", "Provgatan 1"), ("country", "SE"), ("postcode", "411 05"),
        ("city", "Göteborg"), ("email", "asa.prov1@example.se"), ("mobile", "+46701234567"),
    ]  # fmt: skip
    assert [item.get("weight") for item in made.iterfind("items/item")] == ["1.376", "1.375"]


def test_what_xml_cannot_hold_is_left_out_of_an_address(desk: Desk[CargonizerSandbox]) -> None:
    record = order(**BOX)
    desk.write(carriers.moved(record, "Stor\x0cgatan 9 <B & C>"))
    assert xml.text(body(desk), "parts/consignee/address1") == "Storgatan 9 <B & C>"


def test_without_an_agreement_nothing_is_booked(desk: Desk[CargonizerSandbox]) -> None:
    """O-12"""
    assert "no transport agreement" in refused(desk.write(order("PLAB", "P19")), BadData)
    said = refused(desk.write(order("102", "bring_servicepakke")), Rejected)
    assert said == "Cargonizer: Product is not part of the transport agreement"
    assert desk.sandbox.under(KEY) == []


def test_cargonizers_own_words_are_passed_on(desk: Desk[CargonizerSandbox]) -> None:
    desk.connector = desk.connect(weight_g=0)
    assert "weight must be greater" in refused(desk.write(order(**BOX)), Rejected)


def test_the_same_order_is_never_booked_twice(desk: Desk[CargonizerSandbox]) -> None:
    """O-11"""
    desk.write(order(**BOX))
    desk.external_id = ""  # as if the answer had never come
    assert desk.write(order(**BOX, payment="captured")) == Done(external_id=KEY)
    assert len(desk.sandbox.under(KEY)) == 1


def test_an_answer_that_is_lost_is_found_again_by_our_reference(desk: Desk[CargonizerSandbox]) -> None:
    desk.faulty.faults = [Fault("lost", times=1, method="POST")]
    result = desk.write(order(**BOX))
    assert isinstance(result, RemoteFault) and result.maybe_applied
    assert [match.external_id for match in desk.find(order(**BOX))] == [KEY]


def test_the_search_finds_parts_of_references_but_only_whole_ones_count(desk: Desk[CargonizerSandbox]) -> None:
    for n in range(40):  # more than a page of them
        desk.sandbox.book(f"{KEY}{n}")
    assert desk.find(order(**BOX)) == []
    desk.write(order(**BOX))
    assert len(desk.sandbox.under(KEY)) == 1


def test_a_change_after_the_booking_stops_for_a_person(desk: Desk[CargonizerSandbox]) -> None:
    desk.write(order(**BOX))
    assert "after consignment 4017073" in refused(desk.write(carriers.moved(order(**BOX))), Locked)


def test_what_a_person_booked_is_left_alone(desk: Desk[CargonizerSandbox]) -> None:
    desk.sandbox.book(KEY)
    assert desk.write(carriers.moved(order(**BOX))) == Done(external_id=KEY)
    assert len(desk.sandbox.under(KEY)) == 1


def test_what_a_person_removed_is_not_booked_again(desk: Desk[CargonizerSandbox]) -> None:
    desk.write(order(**BOX))
    desk.sandbox.remove(KEY)
    assert "no longer in Cargonizer" in refused(desk.write(order(**BOX)), Rejected)
    assert desk.sandbox.under(KEY) == []


def test_a_cancelled_order_is_a_task_until_a_person_has_removed_it(desk: Desk[CargonizerSandbox]) -> None:
    """O-11"""
    desk.write(order(**BOX))
    result = desk.write(order(**BOX, lifecycle="cancelled"))
    assert isinstance(result, Done) and "by hand in Cargonizer" in result.by_hand
    desk.sandbox.remove(KEY)
    assert desk.write(order(**BOX, lifecycle="cancelled")) == Done(external_id=KEY)


def test_parcel_numbers_come_back_with_the_carriers_address(desk: Desk[CargonizerSandbox]) -> None:
    """O-11, D-15"""
    desk.write(order(**BOX, custom={"frakt": {"parcels": 2}}))
    (item,) = desk.shipments()
    assert item.parent == KEY and isinstance(item.record, Shipment)
    assert item.record.state == "packed"
    first, second = item.record.parcels
    assert first.tracking_no.startswith("37073") and first.tracking_no != second.tracking_no
    assert first.tracking_url == second.tracking_url == f"https://sporing.example/{item.record.number}"


def test_every_consignment_is_read_and_what_was_removed_is_gone(desk: Desk[CargonizerSandbox]) -> None:
    for n in range(70):
        desk.sandbox.book(f"butik/{n}")
    desk.sandbox.remove("butik/3")
    pages = list(desk.connector.read("shipments", None, frozenset({"shipment"})))
    found = [item for page in pages for item in page.items]
    assert len(found) == 70 and sum(isinstance(item, Gone) for item in found) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"<html><body>Gateway",
        b'<!DOCTYPE x [<!ENTITY a "b">]><consignments>&a;</consignments>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><consignments/>',
        b"",
    ],
)
def test_what_is_no_plain_xml_is_a_bad_answer(answer: bytes) -> None:
    with pytest.raises(BadAnswer):
        xml.parse(answer)


def test_entities_that_grow_are_not_grown() -> None:
    layers = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    with pytest.raises(BadAnswer):
        xml.parse(f'<!DOCTYPE x [<!ENTITY a0 "ha">{layers}]><x>&a8;</x>'.encode())
