"""Everybody reads in their own language: the browser's, until one chooses; then the chosen one, in every browser."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.people.conftest import anybody
from tests.visitor import visitor


def language(answer: Any) -> str:
    found = re.search(r'<html lang="(\w+)"', answer.content.decode())
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("asked", "answered"), [("sv-SE,sv;q=0.9,en;q=0.5", "sv"), ("ru", "ru"), ("de,fr;q=0.8", "en"), ("", "en")]
)
def test_before_the_login_the_browser_is_asked(tenant: Any, asked: str, answered: str) -> None:
    answer = anybody(headers={"Accept-Language": asked} if asked else {}).get("/login")
    assert (language(answer), answer.headers["Content-Language"]) == (answered, answered)


def test_one_may_choose_before_the_login(tenant: Any) -> None:
    client = anybody(headers={"Accept-Language": "sv"})
    assert client.post("/language", {"language": "ru", "next": "/login"}).headers["Location"] == "/login"
    assert language(client.get("/login")) == "ru"
    client.post("/language", {"language": "xx"})
    assert language(client.get("/login")) == "ru"


def test_it_leads_to_no_other_site(tenant: Any) -> None:
    for bad in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert anybody().post("/language", {"language": "sv", "next": bad}).headers["Location"] == "/"


def test_what_one_has_chosen_counts_in_every_browser(tenant: Any) -> None:
    kim = visitor(tenant, "owner", "kim@nordljus.example")
    kim.post("/account", {"name": "Kim", "language": "sv"})
    other = anybody(headers={"Accept-Language": "ru"})
    other.post("/login", {"login": "kim@nordljus.example", "password": "correct horse battery"})
    for address in ("/t/nordljus/", "/account", "/t/nordljus/orders/nowhere/1"):
        assert language(other.get(address)) == "sv", address
    wrong = other.post("/t/nordljus/people/invite", {"email": "", "role": "owner"})
    assert "Detta fält måste fyllas i." in wrong.content.decode()


def test_the_refusal_is_in_ones_language_too(tenant: Any) -> None:
    kim = visitor(tenant, "reader", "kim@nordljus.example")
    kim.post("/account", {"name": "Kim", "language": "ru"})
    answer = kim.get("/t/nordljus/people")
    assert (answer.status_code, language(answer)) == (403, "ru")


def test_a_tenants_time_zone_ends_with_its_page(tenant: Any) -> None:
    from django.utils import timezone

    from samklang.hub.models import Channel, Connection

    shop = Connection.objects.create(tenant=tenant, name="shop", connector="woocommerce")
    Channel.objects.create(tenant=tenant, code="se", connection=shop, time_zone="Europe/Stockholm")
    visitor(tenant, "owner").get("/t/nordljus/people")
    assert timezone.get_current_timezone_name() == "Europe/Stockholm"
    anybody().get("/login")
    assert timezone.get_current_timezone_name() == "UTC"
