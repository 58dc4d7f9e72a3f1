"""Every address of the API, walked with tokens that have no business there: nothing of a tenant leaks, nothing changes.

The addresses come out of the URL resolver, and what each asks for out of what it declares: none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from samklang.people.rights import Right
from tests.api.conftest import Caller
from tests.people.test_walk import ROUTES, everything, leaks, place, victim

_ = place, victim  # the fixtures
OURS = [route for route in ROUTES if route.access and route.access.who == "token"]
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


def walked() -> Iterator[tuple[Any, str, str]]:
    """Every address with every method."""
    for route in OURS:
        for address in route.paths:
            for method in METHODS:
                yield route.access, method, address


def ask(client: Client, method: str, address: str) -> HttpResponse:
    answer = client.generic(method, address, b"{}", content_type="application/json")
    assert answer.status_code < 500, f"{method} {address}: {answer.content!r}"
    assert leaks(answer, address) == [] or answer.status_code < 300, f"{method} {address}"  # type: ignore[arg-type]
    return answer  # type: ignore[return-value]


def unhurried(call: Caller) -> Client:
    """Its client, with its whole allowance."""
    from samklang.api.v1 import pace

    pace.forget()
    return call.client


def test_there_is_something_to_walk() -> None:
    assert len(OURS) > 5
    assert all(route.access and (route.access.get or route.access.post) for route in OURS)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer samklang_nonsense"}])
def test_without_a_token_every_address_says_so(victim: Any, headers: dict[str, str]) -> None:
    before, client = everything(victim), Client(headers=headers)
    for _access, method, address in walked():
        assert ask(client, method, address).status_code in (401, 405), f"{method} {address}"
    assert everything(victim) == before


def test_for_another_tenants_token_nothing_is_there(victim: Any) -> None:
    from samklang.hub.models import Tenant

    other, _ = Tenant.objects.get_or_create(slug="other", defaults={"name": "Annan AB"})
    call = Caller(other)
    before = everything(victim)
    for access, method, address in walked():
        answer = ask(unhurried(call), method, address)
        expected = (404, 405) if "/t/" in address else (200, 404, 405)
        assert answer.status_code in expected, f"{method} {address}"
        assert leaks(answer, address) == [], address  # type: ignore[arg-type]
        assert access
    assert everything(victim) == before


@pytest.mark.parametrize("right", Right)
def test_a_token_of_one_right_is_refused_whatever_asks_for_another(victim: Any, right: Right) -> None:
    call = Caller(victim, [right])
    call("GET", "/webhooks")  # its first use is written down
    before = everything(victim)
    for access, method, address in walked():
        asked = access.get if method == "GET" else access.post
        if asked == right:
            continue
        answer = ask(unhurried(call), method, address)
        assert answer.status_code in (403, 404, 405), f"{method} {address}"
        assert leaks(answer, address) == [], address  # type: ignore[arg-type]
    assert everything(victim) == before
