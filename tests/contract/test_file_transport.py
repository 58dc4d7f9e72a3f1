"""The file transport against a real SFTP server on loopback, and against folders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydifact.segmentcollection import Interchange

from samklang.connectors.contract import Bad, Done
from samklang.connectors.errors import (
    BadData,
    Locked,
    LoginRefused,
    Misconfigured,
    Rejected,
    RemoteFault,
    Retry,
    Unreachable,
)
from samklang.connectors.file_transport import FileTransport
from samklang.connectors.kit import xml
from samklang.records import Shipment
from samklang.sandboxes.base import Fault
from samklang.sandboxes.file_transport import PASSWORD, USER, FileSandbox
from tests.contract.carriers import KEY, Desk, moved, nowhere, order, refused

BOX = {"carrier": "SCH", "service": "PARCEL"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk[FileSandbox]]:
    box = FileSandbox(tmp_path)
    with box.serve() as port:
        it = Desk(FileTransport, box, {
            "host": "127.0.0.1", "port": port, "host_key": box.host_key, "user": USER, "password": PASSWORD,
            "system": "TDXlog",
        })  # fmt: skip
        yield it
        it.connector.close()


def only(desk: Desk[FileSandbox]) -> str:
    (data,) = desk.sandbox.left().values()
    return data.decode()


# ------------------------------------------------------------------------------------------------------ the server


def test_a_wrong_password_is_refused_and_a_missing_folder_named(desk: Desk[FileSandbox]) -> None:
    assert desk.connector.check().title == "TDXlog: 127.0.0.1"
    with pytest.raises(LoginRefused):
        desk.connect(password="another").check()
    with pytest.raises(Misconfigured, match="no folder ut"):
        desk.connect(out="ut").check()


def test_a_server_with_another_host_key_is_not_talked_to(desk: Desk[FileSandbox]) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(Misconfigured, match="another host key"):
        desk.connect(host_key=other).check()
    assert desk.sandbox.steps == 0
    with pytest.raises(Misconfigured, match="host key"):
        desk.connect(host_key="")


def test_an_address_inside_our_network_is_called_only_if_it_may_be(desk: Desk[FileSandbox]) -> None:
    connector = desk.connect()
    connector.around.allow_private = lambda _: False
    with pytest.raises(Misconfigured, match="inside our own network"):
        connector.check()


def test_a_server_that_is_not_there_is_unreachable(desk: Desk[FileSandbox]) -> None:
    with pytest.raises(Unreachable):
        desk.connect(port=9).check()


def test_what_goes_over_the_wire_is_an_exchange_without_the_password(desk: Desk[FileSandbox]) -> None:
    desk.write(order(**BOX))
    assert {one.method for one in desk.exchanges} == {"LIST", "PUT", "MOVE"}
    assert not any(PASSWORD in str(one) for one in desk.exchanges)


# ------------------------------------------------------------------------------------------------------ orders out


def test_an_order_is_a_csv_of_the_agreed_columns_and_character_set(desk: Desk[FileSandbox]) -> None:
    """O-11"""
    columns = "Order=reference; Namn=name; Postnr=postcode; Ort=city; Vikt=weight_kg"
    desk.connector = desk.connect(columns=columns, charset="cp850", delimiter="tab")
    told = {"frakt": {"weight_g": 2750}}
    assert desk.write(order(**BOX, custom=told)) == Done(external_id=KEY)
    (data,) = desk.sandbox.left().values()
    assert data == (f"Order\tNamn\tPostnr\tOrt\tVikt\r\n{KEY}\tÅsa Prov-1\t411 05\tGöteborg\t2.75\r\n".encode("cp850"))


def test_a_character_that_has_no_place_is_named(desk: Desk[FileSandbox]) -> None:
    desk.connector = desk.connect(charset="cp850")
    assert "'ł' " in refused(desk.write(moved(order(**BOX), "Ulica Złota 1")), BadData).replace(":", " ")
    assert desk.sandbox.left() == {}


def test_an_order_is_xml_by_the_template_with_its_values_made_harmless(desk: Desk[FileSandbox]) -> None:
    template = '<?xml version="1.0"?><Order no="{reference}"><Street>{address1}</Street></Order>'
    desk.connector = desk.connect(format_out="xml", template=template)
    desk.write(moved(order(**BOX), 'Stor & "Liten" </Street>'))
    root = xml.parse(only(desk).encode())
    assert root.get("no") == KEY and xml.text(root, "Street") == 'Stor & "Liten" </Street>'


@pytest.mark.parametrize("template", ["<a>{nobody}</a>", "<a>{name}", "{name.__class__} <a/>"])
def test_a_template_that_is_wrong_pauses_instead_of_sending(desk: Desk[FileSandbox], template: str) -> None:
    desk.connector = desk.connect(format_out="xml", template=template)
    assert isinstance(desk.write(order(**BOX)), Misconfigured)
    assert desk.sandbox.left() == {}


def test_an_order_is_an_iftmin_that_an_edifact_reader_reads(desk: Desk[FileSandbox]) -> None:
    desk.connector = desk.connect(format_out="iftmin", edi_sender="SAMK", edi_receiver="TDX", weight_g=1500)
    desk.write(moved(order(**BOX), "Stora 'Torget' 1+2: port?"))
    whole: Any = Interchange.from_str(only(desk))
    (message,) = whole.get_messages()
    rows = {(str(row.tag), str(row.elements[0])): row.elements for row in message.segments}
    assert message.identifier[:2] == ["IFTMIN", "D"]
    assert rows["BGM", "610"][1] == KEY
    assert rows["NAD", "CN"][3:] == ["Åsa Prov-1", "Stora 'Torget' 1+2: port?", "Göteborg", "", "411 05", "SE"]
    assert rows["MEA", "WT"][2] == ["KGM", "1.5"] and rows["TDT", "20"][4] == "SCH"


def test_without_a_postal_code_nothing_is_left(desk: Desk[FileSandbox]) -> None:
    assert "postcode" in refused(desk.write(nowhere(order(**BOX))), BadData)
    assert desk.sandbox.left() == {}


# ------------------------------------------------------------------------------------------------------ once


def test_an_order_whose_file_was_fetched_is_not_left_again(desk: Desk[FileSandbox]) -> None:
    """O-11"""
    desk.write(order(**BOX))
    assert len(desk.sandbox.fetch()) == 1
    assert [match.by for match in desk.find(order(**BOX))] == ["reference"]
    desk.external_id = ""  # as if the answer had never come
    assert desk.write(order(**BOX, payment="captured")) == Done(external_id=KEY)
    assert desk.sandbox.left() == {}


@pytest.mark.parametrize("fetched", [True, False])
@pytest.mark.parametrize("kind", ["cut", "lost"])
def test_whichever_step_breaks_off_the_file_is_left_exactly_once(
    desk: Desk[FileSandbox], kind: Any, *, fetched: bool
) -> None:
    """O-11: the other system may fetch the file at any moment in between."""
    for step in range(20):
        desk.external_id = ""
        record = order(**BOX, order_no=f"{step}")
        desk.sandbox.play(Fault(kind, after=step, times=1))
        before = desk.sandbox.steps
        result = desk.write(record)
        if desk.sandbox.steps - before <= step:
            break  # the write has no such step
        assert isinstance(result, RemoteFault) and result.maybe_applied
        desk.sandbox.play(None)
        taken = desk.sandbox.fetch() if fetched else {}
        if not any(match.by == "reference" for match in desk.find(record)):
            assert desk.write(record) == Done(external_id=record.key)
        found = [*taken, *desk.sandbox.fetch()]
        assert len(found) == 1, f"step {step}"
    assert step > 5


def test_a_change_after_the_file_was_left_stops_for_a_person(desk: Desk[FileSandbox]) -> None:
    desk.write(order(**BOX))
    refused(desk.write(moved(order(**BOX))), Locked)
    assert len(desk.sandbox.left()) == 1


def test_a_kept_file_that_is_gone_is_not_sent_again(desk: Desk[FileSandbox]) -> None:
    desk.write(order(**BOX))
    for file in (desk.sandbox.home / "kept").iterdir():
        file.unlink()
    refused(desk.write(order(**BOX)), Rejected)


def test_a_cancelled_order_is_taken_back_while_nobody_has_fetched_it(desk: Desk[FileSandbox]) -> None:
    """O-11"""
    desk.write(order(**BOX))
    for _ in range(2):
        assert desk.write(order(**BOX, lifecycle="cancelled")) == Done(external_id=KEY)
        assert desk.sandbox.left() == {}


def test_a_cancelled_order_whose_file_was_fetched_is_a_task(desk: Desk[FileSandbox]) -> None:
    """O-11"""
    desk.write(order(**BOX))
    desk.sandbox.fetch()
    result = desk.write(order(**BOX, lifecycle="cancelled"))
    assert isinstance(result, Done) and "by hand in TDXlog" in result.by_hand


# ------------------------------------------------------------------------------------------------------ parcels in


def test_files_of_csv_give_parcels_and_the_newest_state(desk: Desk[FileSandbox]) -> None:
    """O-11, D-15"""
    desk.connector = desk.connect(
        in_columns="Order=reference;Sändning=number;Kolli=parcel;Status=state", charset="iso-8859-1", carrier="SCH",
        states="20=in_transit;21=delivered;X=ignore", tracking="SCH=https://sok.example/{parcel}",
    )  # fmt: skip
    head = "Order;Sändning;Kolli;Status;Annat\r\n"
    desk.sandbox.answer("b.csv", (head + f"{KEY};S1;K1;20;å\r\n{KEY};S1;K2;20;\r\n").encode("iso-8859-1"))
    desk.sandbox.answer("a.csv", (head + f"{KEY};S1;;21;\r\n{KEY};S1;;X;\r\n{KEY};S1;;77;\r\n").encode("iso-8859-1"))
    desk.sandbox.answer("c.csv.part", b"half")
    (item,) = desk.shipments()
    record = item.record
    assert item.parent == KEY and isinstance(record, Shipment)
    assert (record.number, record.state, record.carrier_code) == ("S1", "delivered", "SCH")
    assert [(one.tracking_no, one.tracking_url) for one in record.parcels] == [
        ("K1", "https://sok.example/K1"), ("K2", "https://sok.example/K2"),
    ]  # fmt: skip


def test_an_iftsta_gives_parcels_by_consignment(desk: Desk[FileSandbox]) -> None:
    desk.connector = desk.connect(format_in="iftsta", states="21=delivered")
    body = f"BGM+77+4711+9'CNI+1+S1'RFF+CU:{KEY}'STS+1+21'GIN+BN+373:374'CNI+2+S2'RFF+ON:butik/2'STS+1+13'"
    desk.sandbox.answer(
        "s.edi", f"UNB+UNOY:3+TDX+SAMK+261128:0900+1'UNH+1+IFTSTA:D:04A:UN'{body}UNT+9+1'UNZ+1+1'".encode()
    )
    first, second = desk.shipments()
    assert isinstance(first.record, Shipment) and isinstance(second.record, Shipment)
    assert (first.parent, first.record.number, first.record.state) == (KEY, "S1", "delivered")
    assert [one.tracking_no for one in first.record.parcels] == ["373", "374"]
    assert (second.parent, second.record.number, second.record.state) == ("butik/2", "S2", "packed")


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("csv", b"helt;annat\r\n1;2\r\n"),
        ("csv", b"reference;number;parcel\r\n;S1;P1\r\n"),
        ("csv", b"reference;number\r\n\xff\xfe;1\r\n"),
        ("iftsta", b"UNB+UNOY:3+TDX+SAMK+261128:0900+1'UNH+1+IFTSTA:D:04A:UN'CNI+1+S1'"),
        ("iftsta", b"UNB+UNOY:3+TDX+SAMK+261128:0900+1'UNH+1+IFTMIN:D:04A:UN'BGM+1'UNT+3+1'UNZ+1+1'"),
        ("iftsta", b""),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_and_its_neighbours_pass(
    desk: Desk[FileSandbox], form: str, data: bytes
) -> None:
    desk.connector = desk.connect(format_in=form)
    good = {
        "csv": f"reference;number;parcel;state;tracking_url\r\n{KEY};S1;P1;;\r\n",
        "iftsta": f"UNB+UNOY:3+TDX+SAMK+261128:0900+1'UNH+1+IFTSTA:D:04A:UN'CNI+1+S1'RFF+CU:{KEY}'UNT+4+1'UNZ+1+1'",
    }
    desk.sandbox.answer("bad", data)
    desk.sandbox.answer("good", good[form].encode())
    (page,) = desk.connector.read("shipments", None, frozenset({"shipment"}))
    bad = [one for one in page.items if isinstance(one, Bad)]
    assert [one.external_id for one in bad] == ["bad"] and "bad cannot be read" in bad[0].error.what
    assert len(desk.shipments()) == 1


def test_a_connection_that_breaks_off_is_never_a_short_read(desk: Desk[FileSandbox]) -> None:
    for n in range(3):
        desk.sandbox.answer(f"{n}.csv", f"reference;number;parcel;state;tracking_url\r\nb/{n};S{n};;;\r\n".encode())
    for step in range(4):  # the listing, and each file
        desk.sandbox.play(Fault("cut", after=step, times=1))
        with pytest.raises(Retry):
            desk.shipments()
    desk.sandbox.play(None)
    assert len(desk.shipments()) == 3


def test_old_files_are_not_read_again(desk: Desk[FileSandbox]) -> None:
    desk.sandbox.answer("old.csv", f"reference;number\r\n{KEY};S1\r\n".encode())
    desk.connector = desk.connect(days=1, in_columns="reference=reference;number=number")
    desk.connector.around.now = lambda: time.time() + 3 * 86_400
    desk.connector = FileTransport(desk.connector.settings, desk.connector.around)
    assert desk.shipments() == []


@pytest.mark.parametrize("wrong", [{"columns": "Namn=namn"}, {"states": "21=framme"}, {"in_columns": "reference"}])
def test_a_table_in_the_settings_that_is_wrong_is_noticed(desk: Desk[FileSandbox], wrong: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        desk.connect(**wrong)


# ------------------------------------------------------------------------------------------------------ folders


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk[FileSandbox]:
    home = tmp_path / "ksd"
    home.mkdir()
    (home / ".samklang").write_text("hemligt\n", encoding="utf-8")
    monkeypatch.setenv("SAMKLANG_FILES", str(tmp_path))
    return Desk(FileTransport, FileSandbox(home), {"place": "folder", "path": "ksd", "word": "hemligt"})


def test_a_folder_works_like_a_server(shelf: Desk[FileSandbox]) -> None:
    assert shelf.connector.check().title
    assert shelf.write(order(**BOX)) == Done(external_id=KEY)
    shelf.sandbox.fetch()
    shelf.external_id = ""
    assert shelf.write(order(**BOX)) == Done(external_id=KEY)
    assert shelf.sandbox.left() == {}
    shelf.sandbox.answer("s.csv", f"reference;number;parcel;state;tracking_url\r\n{KEY};S1;P1;;\r\n".encode())
    assert len(shelf.shipments()) == 1


def test_a_folder_must_prove_whose_it_is(shelf: Desk[FileSandbox], tmp_path: Path) -> None:
    """Another tenant who guesses the folder's name gets nothing out of it."""
    for word in ("", "fel"):
        with pytest.raises(LoginRefused):
            shelf.connect(word=word)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LoginRefused):
        shelf.connect(path="empty", word="")


@pytest.mark.parametrize("path", ["..", "/etc", "ksd/../..", "", "link"])
def test_a_folder_outside_those_for_files_is_refused(shelf: Desk[FileSandbox], tmp_path: Path, path: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(Misconfigured):
        shelf.connect(path=path)


def test_folders_need_the_operators_word(shelf: Desk[FileSandbox], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAMKLANG_FILES")
    with pytest.raises(Misconfigured, match="not allowed"):
        shelf.connect()


def test_links_out_of_the_folder_are_not_followed(shelf: Desk[FileSandbox], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"reference;number;parcel;state;tracking_url\r\n{KEY};S1;;;\r\n", encoding="utf-8")
    (tmp_path / "ksd" / "in" / "a.csv").symlink_to(secret)
    assert shelf.shipments() == []
    with pytest.raises(Misconfigured):
        shelf.connect(**{"in": "../.."}).check()
