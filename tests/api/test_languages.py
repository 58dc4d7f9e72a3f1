"""Refusals come in the language that the program asks for, else in that of whoever made its token; what programs read
of them (code, place, type) is the same in every language."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from samklang.people.rights import Right
from samklang.rules.load import ACTIONS, CONDITIONS
from tests.api.conftest import Caller
from tests.hub.conftest import World
from tests.people.spoken import left

#: Calls that are refused, each in a way of its own: (method, address, body, headers).
REFUSED: tuple[tuple[str, str, Any, dict[str, str]], ...] = (
    ("GET", "/orders/se/404/journey", None, {}),
    ("GET", "/nothing", None, {}),
    ("PATCH", "/orders", None, {}),
    ("GET", "/orders?limit=9999", None, {}),
    ("GET", "/orders?limit=many", None, {}),
    ("GET", "/orders?cursor=%2B%2B", None, {}),
    ("GET", "/orders?colour=red", None, {}),
    ("POST", "/orders/se/404/hold", {"reason": 7}, {}),
    ("POST", "/orders/se/404/hold", {"reason": "x", "how": "hard"}, {}),
    ("POST", "/orders/se/404/hold", "no JSON", {}),
    ("POST", "/orders/se/404/hold", {"reason": "x"}, {"Idempotency_Key": "å"}),
    ("POST", "/webhooks", {"name": "", "url": "ftp://x", "types": ["so"]}, {}),
    ("POST", "/webhooks", {}, {}),
    ("PUT", "/draft", {"configuration": {"connections": 3}}, {"If_Match": "*"}),
    ("PUT", "/draft", {"toml": "connections = 3"}, {"If_Match": "*"}),
    ("PUT", "/draft", {"toml": "="}, {}),
    ("POST", "/conditions/try", {"connection": "shop", "type": "product", "when": {"is": "odd"}}, {}),
    ("POST", "/rules/shop/in/product/try", {"rules": [{"then": {"do": "jump"}}]}, {}),
    ("POST", "/people/invitations", {"email": "kim", "role": "king"}, {}),
)
#: What stands in them of what was sent, and words that no language of ours changes.
NAMES = {
    "body", "jump", "hard", "colour", "Value", "toml", "configuration", "Idempotency-Key", "king", "If-Match", "object",
    "Invalid statement (at line 1, column 1)", *ACTIONS, *CONDITIONS,
}  # fmt: skip


@pytest.fixture
def home() -> str:
    """No refusal asks the database for its words."""
    return "sqlite"


def words(body: dict[str, Any]) -> list[str]:
    """What people read of a problem."""
    return [body["title"], body["detail"], body["do_this"], *(fault["what"] for fault in body["errors"])]


@pytest.mark.parametrize("language", ["sv", "ru"])
def test_no_refusal_is_left_in_english(world: World, call: Caller, language: str) -> None:
    found, seen = [], set()
    for method, path, body, headers in REFUSED:
        english = call(method, path, body, Accept_Language="en", **headers)
        told = call(method, path, body, Accept_Language=f"{language};q=0.9, en;q=0.5", **headers)
        assert 400 <= told.status_code < 500, (path, told.content)
        assert told.headers["Content-Language"] == language
        assert "Accept-Language" in told.headers["Vary"]
        ours, theirs = told.json(), english.json()
        found += left(words(ours), language, NAMES)
        seen.add(ours["code"])
        for name in ("type", "code", "status", "where"):
            assert ours[name] == theirs[name], path
        assert ours["title"] != theirs["title"]
    assert found == [], "\n".join(found)
    assert len(seen) > 3


def test_without_a_wish_it_is_the_language_of_the_tokens_maker(world: World, call: Caller) -> None:
    call.token.made_by.language = "ru"
    call.token.made_by.save()
    assert call("GET", "/orders/se/404/journey").json()["detail"] == "Заказа se/404 нет"
    assert call("GET", "/orders/se/404/journey", Accept_Language="*").json()["detail"] == "Заказа se/404 нет"
    assert (
        call("GET", "/orders/se/404/journey", Accept_Language="de, en").json()["detail"] == "There is no order se/404"
    )


def test_a_missing_right_is_named_in_words(world: World) -> None:
    answer = Caller(world.tenant, [Right.SEE])("GET", "/webhooks", Accept_Language="sv")
    assert answer.json()["detail"] == "Nyckeln saknar rättigheten 'configure': ändra anslutningar, flöden och regler"


def test_who_has_no_token_is_refused_in_the_language_of_the_request(world: World) -> None:
    answer = Client(headers={"Accept-Language": "sv"}).get("/api/v1/t/nordljus/orders")
    assert answer.json()["title"] == "Nyckeln saknas, är okänd, återkallad eller har gått ut."
