"""What connectors share: lists read to their end, a result for each record, what to ask for, who sent a webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.contract import Bad, Done, Item, Match, Want
from samklang.connectors.errors import BadAnswer, BadData, Rejected, Wait
from samklang.connectors.kit.finding import agrees, first_hits, org_no_spellings
from samklang.connectors.kit.graphql import GraphQL, Var
from samklang.connectors.kit.hooks import body_as, check_signature, check_token, signed_address
from samklang.connectors.kit.login import OAuth1, Session, base_string
from samklang.connectors.kit.paging import by_last, by_number, by_offset
from samklang.connectors.kit.rows import Broken, Name, Rows, items
from samklang.connectors.kit.shape import dotted, graphql, shared
from samklang.connectors.kit.writing import asks, batched, each, needed
from samklang.connectors.transport import Answer
from samklang.records import Customer, InvalidRecord, StockLevel


class Line:
    """A transport without a network: calls one after the other, a canned answer to every request."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer
        self.sent: list[Any] = []

    def overlap(self, calls: Iterable[Callable[[], Any]]) -> Iterator[Any]:
        for call in calls:
            yield call()

    def request(self, method: str, path: str, **how: Any) -> Answer:
        self.sent.append(how)
        return Answer(200, {}, msgspec.json.encode(self.answer), f"{method} {path}")


class Row(msgspec.Struct):
    id: int


def level(sku: str) -> Want:
    record = StockLevel(sku=sku, on_hand=Decimal(1))
    return Want(key=record.key, record=record)


# ------------------------------------------------------------------------------------------------------- paging


def numbered(rows: list[int], size: int) -> Callable[[int], tuple[list[int], int]]:
    return lambda number: (rows[number * size : (number + 1) * size], len(rows))


def test_numbered_pages_give_every_row_and_go_on_where_they_were_cut_off() -> None:
    page, line = numbered(list(range(7)), 3), Line()
    slices = list(by_number("rows", page, 3, line))  # type: ignore[arg-type]
    assert [slice_.rows for slice_ in slices] == [[0, 1, 2], [3, 4, 5], [6]]
    rest = list(by_number("rows", page, 3, line, slices[0].resume))  # type: ignore[arg-type]
    assert rest == slices[1:]


@pytest.mark.parametrize("rows", [[], [1, 2, 3]])
def test_an_empty_and_a_full_page_end_the_list(rows: list[int]) -> None:
    slices = list(by_number("rows", numbered(rows, 3), 3, Line()))  # type: ignore[arg-type]
    assert [slice_.rows for slice_ in slices] == [rows]


def test_a_numbered_list_that_stops_early_or_shrinks_is_no_complete_read() -> None:
    with pytest.raises(BadAnswer, match="2 rows of 3"):
        list(by_number("rows", lambda _: ([1, 2], 3), 3, Line()))  # type: ignore[arg-type]
    totals = iter((6, 5))
    with pytest.raises(BadAnswer, match="lost rows"):
        list(by_number("rows", lambda _: ([1, 2, 3], next(totals)), 3, Line()))  # type: ignore[arg-type]


def test_a_row_that_enters_a_numbered_list_in_the_middle_pushes_none_off_its_end() -> None:
    shelf = [1, 2, 4, 5, 6, 7]
    calls = 0

    def page(number: int) -> tuple[list[int], int]:
        nonlocal calls
        calls += 1
        if calls == 2:
            shelf.insert(2, 3)  # a row that was changed enters a list of changes at its own place
        return shelf[number * 3 : number * 3 + 3], len(shelf)

    read = [row for slice_ in by_number("rows", page, 3, Line()) for row in slice_.rows]  # type: ignore[arg-type]
    assert read == [1, 2, 4, 4, 5, 6, 7]


def test_a_list_by_key_ends_with_a_page_that_is_not_full() -> None:
    asked: list[str] = []

    def page(last: str) -> list[int]:
        asked.append(last)
        return [n for n in range(1, 8) if n > int(last or 0)][:3]

    slices = list(by_last(page, 3, lambda row: row))
    assert [slice_.rows for slice_ in slices] == [[1, 2, 3], [4, 5, 6], [7]]
    assert asked == ["", "3", "6"]
    assert [slice_.rows for slice_ in by_last(page, 3, lambda row: row, slices[0].resume)] == [[4, 5, 6], [7]]


def test_rows_that_leave_an_offset_list_hide_no_others() -> None:
    shelf = [Row(n) for n in range(1, 21)]
    calls = 0

    def page(offset: int) -> tuple[list[Row], int]:
        nonlocal calls
        calls += 1
        if calls == 2:
            del shelf[:4]  # four rows before the place of reading go: without a look back 11 to 14 were skipped
        return shelf[offset : offset + 6], len(shelf)

    read = [row.id for slice_ in by_offset("rows", page, 6, Line()) for row in slice_.rows]  # type: ignore[arg-type]
    assert read == list(range(1, 21))


def test_an_offset_list_that_gives_less_than_it_says_is_no_complete_read() -> None:
    def page(offset: int) -> tuple[list[Row], int]:
        return [Row(1), Row(2)][offset:], 5

    with pytest.raises(BadAnswer, match="says 5"):
        list(by_offset("rows", page, 6, Line()))  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------------- rows


def test_a_row_of_a_wrong_shape_leaves_its_neighbours_alone() -> None:
    rows = Rows(Row)
    assert rows(b'[{"id":1},{"id":2}]') == [Row(1), Row(2)]
    first, wrong, nonsense = rows(b'[{"id":1},{"id":"x"},7]')
    assert first == Row(1)
    assert isinstance(wrong, Broken) and wrong.id == "x" and isinstance(nonsense, Broken) and nonsense.id == ""
    for body in (b'{"id":1}', b"<html>"):
        with pytest.raises(BadAnswer):
            rows(body)


def test_a_row_that_is_no_record_is_one_problem_whatever_of_it_could_be_made() -> None:
    def make(row: Row) -> Iterator[Item]:
        yield Item(record=StockLevel(sku=str(row.id)))
        if row.id == 2:
            raise InvalidRecord("sku", row.id, "is odd", "Make it even.")

    found = items(
        "stock", [Row(1), Row(2), Broken(3, "no id")], make, lambda row: Name(str(row.id), f"no {row.id}", "k")
    )
    assert [type(one) for one in found] == [Item, Bad, Bad]
    bad = found[1]
    assert isinstance(bad, Bad) and (bad.external_id, bad.key, bad.type) == ("2", "k", "stock")
    assert "no 2" in bad.error.where and bad.error.do_this == "Make it even."


# ------------------------------------------------------------------------------------------------------ writing


def test_each_record_has_the_result_of_its_own() -> None:
    def write(want: Want, record: StockLevel) -> Done:
        if record.sku == "bad":
            raise InvalidRecord("sku", "bad", "is bad", "Mend it.")
        if record.sku == "no":
            raise Rejected("no")
        return Done(external_id=record.sku)

    wants = [level("a"), level("bad"), level("no"), level("b")]
    a, bad, no, b = each(write, wants, Line())  # type: ignore[arg-type]
    assert (a, b) == (Done(external_id="a"), Done(external_id="b"))
    assert isinstance(bad, BadData) and isinstance(no, Rejected)


def test_a_batch_goes_out_without_those_that_cannot_be_sent() -> None:
    sent: list[list[str]] = []

    def body(want: Want, record: StockLevel) -> str:
        if record.sku == "new":
            raise Wait("variant", "new")
        return record.sku

    def send(good: list[tuple[Want, str]]) -> list[Done]:
        sent.append([body for _, body in good])
        return [Done(external_id=body) for _, body in good]

    first, second, third = batched(body, send, [level("a"), level("new"), level("b")])
    assert (first, third) == (Done(external_id="a"), Done(external_id="b"))
    assert isinstance(second, Wait) and second.needs == ("variant", "new")
    batched(body, send, [level("new")])
    assert sent == [["a", "b"]], "nothing is sent for nothing"


def test_what_a_record_needs_is_waited_for() -> None:
    assert needed({("variant", "a"): "7"}, "variant", "a") == "7"
    with pytest.raises(Wait):
        needed({}, "variant", "a")


def test_a_create_is_about_every_field_and_an_update_about_its_own() -> None:
    want = level("a")
    assert asks(want, "name")
    some = msgspec.structs.replace(want, fields=frozenset({"name", "axes"}))
    assert asks(some, "variants", "axes") and not asks(some, "status")


# ------------------------------------------------------------------------------------------------------ finding


def test_our_reference_is_looked_for_before_the_fields_and_the_first_hit_ends_the_search() -> None:
    asked: list[str] = []

    def look(want: Want, record: object, by: str) -> list[Match]:
        asked.append(by)
        return [Match(external_id="1", by=by)] if by == "org_no" else []

    assert first_hits([level("a")], ("org_no", "email"), look, Line()) == [[Match(external_id="1", by="org_no")]]  # type: ignore[arg-type]
    assert asked == ["reference", "org_no"]


def test_customers_are_compared_in_compare_form_and_nothing_equals_nothing() -> None:
    wanted = Customer(name="A", org_no="556677-8899", email="A@x.se", customer_no="7")
    assert agrees("org_no", wanted, [None, "16556677-8899", "5566778899"])
    assert agrees("email", wanted, ["b@x.se", " a@X.se"])
    assert not agrees("customer_no", wanted, ["70", "", None])
    assert not agrees("email", Customer(name="A"), ["", None])
    assert org_no_spellings("5566778899") == ("556677-8899", "5566778899")
    assert org_no_spellings("DK12345678")[0] == "DK12345678"


# -------------------------------------------------------------------------------------------- shapes and GraphQL


class Country(msgspec.Struct):
    code: str


class Stamp(msgspec.Struct, tag_field="__class__", tag="date"):
    year: int


class Party(msgspec.Struct, rename={"name": "fullName", "country": "country."}):
    name: str
    country: Country | None = None
    rows: list[Row] = []
    since: Stamp | None = None


def test_what_is_asked_for_is_what_the_structs_hold() -> None:
    assert dotted(Party) == ("fullName", "country.code", "rows.id", "since")
    assert graphql(list[Country]) == "code"


def test_fields_that_are_called_alike_are_carried_over_and_null_leaves_the_default() -> None:
    assert shared(Party(name="A"), "name", "country") == {"name": "A"}


def test_a_query_is_written_from_the_answers_struct() -> None:
    line = Line({"data": {"result": {"code": "SE"}}})
    graph = GraphQL(line, "/graphql", lambda error, where: Rejected(error.message, remote=error.extensions.code))  # type: ignore[arg-type]
    assert graph.query("country", Country, id=Var("ID!", 7)) == Country("SE")
    assert graph.mutate("update", Country, "code") == Country("SE")
    query, mutation = (how["json"] for how in line.sent)
    assert query == {"query": "query($id: ID!) { result: country(id: $id) { code } }", "variables": {"id": 7}}
    assert mutation["query"] == "mutation { result: update { code } }"
    assert [how["idempotent"] for how in line.sent] == [True, False]
    line.answer = {"data": None, "errors": [{"message": "no", "extensions": {"code": "TAKEN"}}]}
    with pytest.raises(Rejected) as refused:
        graph.query("country", Country)
    assert refused.value.remote == "TAKEN"
    line.answer = {"data": {"result": None}}
    assert graph.query("country", Country) is None


# ------------------------------------------------------------------------------------------- logins and webhooks


def test_a_session_is_renewed_by_the_first_who_finds_it_refused() -> None:
    tokens = iter("abc")
    session = Session(lambda: next(tokens), "Session", {"channel": "x"})
    used = session.headers()
    assert used == {"channel": "x", "Authorization": "Session a"}
    assert session.renew(used) and session.renew(used), "the second takes the first one's session"
    assert session.headers()["Authorization"] == "Session b"


def test_where_nothing_is_signed_only_who_knows_the_address_is_believed() -> None:
    address = signed_address("https://samklang.example/hooks/t/shop", "secret")
    token = address.partition("?token=")[2]
    assert len(token) == 32
    assert "secret" not in address
    check_token({"x-hook-token": token}, "secret")
    for wrong in ({}, {"x-hook-token": token[:-1] + "å"}):
        with pytest.raises(Rejected):
            check_token(wrong, "secret")


@pytest.mark.parametrize("form", ["hex", "base64"])
def test_only_a_webhook_with_the_right_signature_is_believed(form: Any) -> None:
    digest = hmac.new(b"secret", b"{}", hashlib.sha256).digest()
    given = digest.hex() if form == "hex" else base64.b64encode(digest).decode()
    check_signature(given, "secret", b"{}", form)
    for wrong in (given[:-2], "", "å"):
        with pytest.raises(Rejected):
            check_signature(wrong, "secret", b"{}", form)
    with pytest.raises(BadData):
        body_as(Row, b"[]")
    assert body_as(Row, b'{"id":1}') == Row(1)


# ------------------------------------------------------------------------------------------------------- OAuth 1.0a


def test_what_is_signed_is_the_example_of_rfc_5849() -> None:
    url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
    given = {
        "oauth_consumer_key": "9djdj82h48djs9d2", "oauth_token": "kkk9d7dh3k39sjv7",
        "oauth_signature_method": "HMAC-SHA1", "oauth_timestamp": "137131201", "oauth_nonce": "7d8f3e4a",
    }  # fmt: skip
    form = [("c2", ""), ("a3", "2 q")]
    assert base_string("post", url, [*given.items(), *form]) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%"
        "3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_"
        "timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_every_request_is_signed_anew_and_no_secret_travels() -> None:
    login = OAuth1("ck", "consumer&secret", "token", "token-secret", lambda: 1_700_000_000.0)
    first, second = (login.sign("GET", "https://shop.example/rest/V1/orders?a[0]=å b")["Authorization"] for _ in "12")
    assert first != second
    assert first.startswith("OAuth oauth_consumer_key=")
    assert 'oauth_timestamp="1700000000"' in first
    assert "secret" not in first
