"""What people do on the reading pages: each act does what it says, says what it refused, and is written down."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from asgiref.sync import async_to_sync

from samklang.connectors.errors import Rejected
from samklang.console import export
from samklang.hub.looks.masking import masked
from tests.hub.conftest import World, order, product, world
from tests.visitor import visitor

_ = world  # the fixture
HERE = "/t/nordljus"


@pytest.fixture
def busy(world: World) -> World:
    """One order at the ERP, one that it refuses."""
    for type_ in ("customer", "order"):
        world.flow(type_, "shop", "erp")
    world.flow("product", "erp", "shop")
    world.erp.put(product("A-1", "Kopp"))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.erp.item_error = lambda type_, want: Rejected("Closed", where="Month") if want.key == "nordljus/2" else None
    for n in (1, 2):
        world.shop.put(order(str(n), "A-1", email="=cmd@example.se" if n == 1 else "anna@example.se"))
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")
    return world


def state(key: str) -> str:
    from samklang.hub.models import Binding

    return str(Binding.objects.get(connection__name="erp", type="order", key=key).state)


def post(path: str, role: str = "operator", **data: Any) -> str:
    """Post as somebody with this role and read the page that it leads to, as text."""
    answer = visitor(role=role).post(f"{HERE}/{path}", data, follow=True)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", answer.content.decode())


def notes() -> list[tuple[str, str, str]]:
    from samklang.people.models import Note

    return list(Note.objects.order_by("pk").values_list("actor", "what", "about"))


def test_an_order_is_held_let_go_and_tried_again(busy: World) -> None:
    text = post("orders/nordljus/2/act/hold", reason="Fraud?")
    assert "operator@nordljus.example holds this order: Fraud?" in text
    assert state("nordljus/2") == "held"
    post("orders/nordljus/2/act/let-go")
    assert state("nordljus/2") == "due"
    busy.deliver("erp", "order")
    assert state("nordljus/2") == "stopped"
    assert "It is tried again now." in post("orders/nordljus/2/act/retry")
    assert state("nordljus/2") == "due"
    assert "There was nothing to try again." in post("orders/nordljus/1/act/retry")
    who = "operator@nordljus.example"
    assert notes() == [
        (who, "order held", "order nordljus/2"), (who, "order let go", "order nordljus/2"),
        (who, "order tried again", "order nordljus/2"),
    ]  # fmt: skip


def test_one_delivery_is_skipped_or_sent_once_more(busy: World) -> None:
    at = {"connection": "erp", "type": "order"}
    assert "Done." in post("orders/nordljus/2/at/skip", **at, record="nordljus/2", reason="Test order")
    assert state("nordljus/2") == "idle"
    assert "it has changed in the meantime" in post("orders/nordljus/2/at/skip", **at, record="nordljus/2")
    assert "Done." in post("orders/nordljus/1/at/resend", **at, record="nordljus/1")
    assert state("nordljus/1") == "due"
    assert [what for _, what, _ in notes()] == ["delivery given up", "sent once more"]
    client = visitor(role="operator")
    for wrong in ({"connection": "nobody"}, {"record": "nordljus/1"}, {"record": "other/9"}):
        sent = {**at, "record": "nordljus/2", **wrong}
        assert client.post(f"{HERE}/orders/nordljus/2/at/retry", sent).status_code == 404, wrong


def test_an_address_is_corrected_and_a_wrong_one_comes_back_with_what_was_typed(busy: World) -> None:
    from samklang.hub.models import Amendment

    given = {
        "name": "Grannen Nilsson", "company": "", "lines": "Storgatan 1\nport B", "postcode": "621 57", "city": "Visby",
        "country": "Sverige", "phone": "",
    }  # fmt: skip
    answer = visitor(role="operator").post(f"{HERE}/orders/nordljus/2/address", given)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "This is no country code" in text and "Grannen Nilsson" in text
    assert "The address is corrected" in post("orders/nordljus/2/address", **{**given, "country": "SE"})
    assert Amendment.objects.get().fields["shipping"]["lines"] == ["Storgatan 1", "port B"]


def test_many_orders_are_done_together_those_ticked_or_all_that_the_list_shows(busy: World) -> None:
    from samklang.hub import bulk
    from samklang.hub.models import Bulk, Hold

    assert "Under way" in post("orders/act", act="hold", key=["nordljus/1"], reason="Stocktaking")
    post("orders/act?delivery=stopped", act="hold", all="1")
    first, second = Bulk.objects.order_by("pk")
    assert (first.keys, second.keys) == (["nordljus/1"], ["nordljus/2"])
    for made in (first, second):
        bulk.work(made.tenant_id, made.pk)
    assert Hold.objects.count() == 2
    page = visitor().get(f"{HERE}/bulk/{first.pk}").content.decode()
    assert "1 of 1 done" in re.sub(r"\s+", " ", page)
    assert "There is nothing to do it to" in post("orders/act", act="retry")
    assert visitor().post(f"{HERE}/orders/act", {"act": "delete", "key": "nordljus/1"}).status_code == 404


def test_a_problem_is_assigned_spoken_of_and_mended(busy: World) -> None:
    from samklang.hub import bulk
    from samklang.hub.models import Bulk, Problem
    from samklang.people.models import User

    number = Problem.objects.get().pk
    visitor(role="reader")
    someone = User.objects.get(email="reader@nordljus.example")
    assert "Saved." in post(f"problems/{number}/assign", assignee=str(someone.pk))
    assert "I called them" in post(f"problems/{number}/comment", text="I called them")
    assert "A comment needs some words" in post(f"problems/{number}/comment", text=" ")
    mine = visitor(role="reader").get(f"{HERE}/problems?view=mine").content.decode()
    assert f"/problems/{number}" in mine
    stranger = User.objects.make("x@other.example")
    answer = visitor(role="operator").post(f"{HERE}/problems/{number}/assign", {"assignee": str(stranger.pk)})
    assert answer.status_code == 404, "nobody from outside looks after our problems"
    busy.erp.item_error = None
    post(f"problems/{number}/mend")
    made = Bulk.objects.get()
    bulk.work(made.tenant_id, made.pk)
    busy.deliver("erp", "order")
    page = visitor().get(f"{HERE}/problems/{number}").content.decode()
    assert "Every record is well again" in page
    assert "There is nothing to do it to" in post(f"problems/{number}/mend")


def test_the_start_page_refreshes_only_what_has_changed(busy: World) -> None:
    client = visitor()
    headers = {"HX-Request": "true"}
    first = client.get(f"{HERE}/", headers=headers)
    assert b"<html" not in first.content
    mark = re.search(rb'name="was" value="(\w+)"', first.content)
    assert mark
    same = client.get(f"{HERE}/", {"was": mark[1].decode()}, headers=headers)
    assert (same.status_code, same.content) == (204, b"")
    busy.shop.put(order("3"))
    busy.read("shop", "orders")
    assert client.get(f"{HERE}/", {"was": mark[1].decode()}, headers=headers).status_code == 200


def test_search_opens_the_one_order_or_article_that_it_names(busy: World) -> None:
    client = visitor()
    assert client.get(f"{HERE}/search?q=a-1").headers["Location"] == f"{HERE}/products/a-1"
    assert "Nothing begins with" in client.get(f"{HERE}/search?q=zzz").content.decode()
    assert "Anna Berg" in client.get(f"{HERE}/search?q=anna").content.decode()


# ------------------------------------------------------------------------------------------------ files


def test_lists_become_files_that_say_what_the_list_says(busy: World) -> None:
    answer = visitor().get(f"{HERE}/export/orders.csv?q=anna")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="orders-')
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert rows[0][:3] == ["Order", "Channel", "Placed"]
    assert {row[0]: row[4] for row in rows[1:]} == {"1": "'=cmd@example.se", "2": "anna@example.se"}
    book = openpyxl.load_workbook(io.BytesIO(b"".join(visitor().get(f"{HERE}/export/orders.xlsx"))))
    table = list(book.active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert table[0][0] == "Order"
    assert table[1][2] == datetime(2026, 11, 1, 1, 0), "a time, in the channel's zone"  # noqa: DTZ001
    assert table[1][8] == 125
    for what, first in (("products", "A-1"), ("customers", "Anna Berg"), ("stock", None)):
        told = b"".join(visitor().get(f"{HERE}/export/{what}.csv")).decode("utf-8-sig")
        assert (first is None) or first in told, what
    assert visitor().get(f"{HERE}/export/orders.pdf").status_code == 404


async def _cut_off(answer: Any) -> None:
    """A reader who goes away after the first piece."""
    pieces = aiter(answer)
    await anext(pieces)
    await pieces.aclose()


def test_who_takes_a_list_is_written_down_with_its_rows(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.people.models import Note

    b"".join(visitor(role="reader").get(f"{HERE}/export/orders.csv?q=anna@example.se&stand=lifecycle:placed"))
    b"".join(visitor().get(f"{HERE}/export/stock.xlsx"))
    monkeypatch.setattr(export, "_AT_ONCE", 1)
    answer = visitor().get(f"{HERE}/export/orders.csv")
    async_to_sync(_cut_off)(answer)
    notes = Note.objects.filter(what="took a list as a file").order_by("pk")
    assert [(note.actor.split("@")[0], note.about, note.details) for note in notes] == [
        ("reader", "orders.csv", {"filters": "q: …, stand: lifecycle:placed", "rows": 1}),
        ("owner", "stock.xlsx", {"filters": "", "rows": 0}),
        ("owner", "orders.csv", {"filters": "", "rows": 0, "broken off": True}),
    ]


def test_a_file_is_written_while_it_is_read(tmp_path: Path) -> None:
    taken = 0

    def rows() -> Any:
        nonlocal taken
        for n in range(60_000):
            taken += 1
            yield [f"order {n}", n, Decimal("149.50"), None, datetime(2026, 11, 21, 13, 2, tzinfo=UTC)]

    for kind in (export.csv_file, export.xlsx_file):
        taken = 0
        parts = kind(["Order", "N", "Sum", "Nothing", "At"], rows())
        first = next(parts)
        assert 0 < taken < 50_000, "the first part leaves long before the last row is read"
        path = tmp_path / "file.xlsx"
        with path.open("wb") as file:
            file.write(first)
            largest = max(file.write(part) for part in parts)
        assert taken == 60_000
        assert largest < 5_000_000
    book = openpyxl.load_workbook(path, read_only=True)
    last = next(iter(book.active.iter_rows(min_row=60_001, values_only=True)))  # type: ignore[union-attr]
    assert last[:4] == ("order 59999", 59_999, 149.5, None)


def test_a_cell_cannot_break_a_file() -> None:
    nasty = ["<b>&amp;\x00\x0b", "=1+1", "a\nb", '"quoted"', "🏷"]
    book = openpyxl.load_workbook(io.BytesIO(b"".join(export.xlsx_file(["A", "B", "C", "D", "E"], [nasty]))))
    row = next(book.active.iter_rows(min_row=2, values_only=True))  # type: ignore[union-attr]
    assert row == ("<b>&amp;", "=1+1", "a\nb", '"quoted"', "🏷")
    assert next(book.active.iter_rows(min_row=2))[1].data_type == "s", "text, no formula"  # type: ignore[union-attr]
    text = b"".join(export.csv_file(["A", "B", "C", "D", "E"], [nasty])).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text)))[1][1:] == ["'=1+1", "a\nb", '"quoted"', "🏷"]


# ------------------------------------------------------------------------------------------------ calls


SAID = (
    '{"billing": {"first_name": "Anna", "address_1": "Storgatan 7", "email": "anna@example.se"},'
    ' "phone": "070-174 06 05", "note": "Ring \\"först\\"", "total": "149.00", "number": "10482"}'
)


def test_buyers_data_are_hidden_from_those_who_do_not_work_with_orders() -> None:
    hidden = masked(SAID, may_see=False)
    for secret in ("Anna", "Storgatan", "anna@example.se", "174 06", "först"):
        assert secret not in hidden
    assert "149.00" in hidden and "10482" in hidden, "what is nobody's stays"
    assert masked(SAID, may_see=True) == SAID
    assert masked("<Name>Anna Berg</Name><Total>9</Total>", False) == "<Name>•••</Name><Total>9</Total>"
    assert masked("city=Visby&total=9", False) == "city=•••&total=9"
    assert masked("https://x.example/customers?email=anna%40example.se", False).endswith("?email=•••")
    assert masked("https://x.example/find?q=anna@example.se", False) == "https://x.example/find?q=•••"


def test_calls_are_listed_filtered_and_masked_by_role(busy: World) -> None:
    from django.utils import timezone

    from samklang.hub.models import ExchangeRow

    call = {"tenant": busy.tenant, "connection": busy.erp_row, "at": timezone.now(), "seconds": 0.1, "method": "POST"}
    good = ExchangeRow.objects.create(**call, url="https://erp.example/orders", status=201, sent=SAID.encode())
    ExchangeRow.objects.create(**call, url="https://erp.example/articles", status=500, about="a-1")

    def listed(query: str) -> list[str]:
        text = visitor().get(f"{HERE}/calls{query}").content.decode()
        return re.findall(r"erp\.example/(\w+)", text)

    assert listed("") == ["articles", "orders"]
    assert listed("?failed=1") == listed("?about=a-1") == ["articles"]
    assert listed("?q=/orders") == ["orders"]
    assert listed("?connection=shop") == []
    body = {role: visitor(role=role).get(f"{HERE}/calls/{good.pk}").content.decode() for role in ("operator", "reader")}
    assert "Storgatan" in body["operator"]
    assert "Storgatan" not in body["reader"] and "Buyers' data are hidden" in body["reader"].replace("&#x27;", "'")
