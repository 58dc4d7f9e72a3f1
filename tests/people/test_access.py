"""Who may open what: members by their role, nobody else; and an address tells nothing to those who may not know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from samklang.people.rights import ALLOWS, Right, Role
from tests.people.conftest import anybody
from tests.visitor import visitor


def test_signed_out_every_page_leads_to_the_login_and_back_whether_it_exists_or_not(tenant: Any) -> None:
    for slug in ("nordljus", "nobody"):
        answer = anybody().get(f"/t/{slug}/orders?q=1")
        assert answer.headers["Location"] == f"/login?next=/t/{slug}/orders%3Fq%3D1"


def test_a_part_of_a_page_sends_the_whole_page_to_the_login(tenant: Any) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/t/nordljus/orders?q=1"}
    answer = Client(SERVER_NAME="localhost", headers=headers).get("/t/nordljus/")
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/t/nordljus/orders%3Fq%3D1"


def test_a_tenant_that_is_not_mine_is_not_found_like_one_that_is_not_there(tenant: Any) -> None:
    from samklang.hub.models import Tenant

    other = visitor(Tenant.objects.create(slug="other", name="Annan AB"))
    mine = other.get("/t/nordljus/orders")
    none = other.get("/t/nobody/orders")
    assert (mine.status_code, none.status_code) == (404, 404)
    said = [re.sub(rb"nordljus|nobody|[A-Za-z0-9]{64}", b"", answer.content) for answer in (mine, none)]  # CSRF tokens
    assert said[0] == said[1]


@pytest.mark.parametrize("role", Role)
def test_a_page_opens_for_roles_with_its_right_and_tells_the_others_whom_to_ask(tenant: Any, role: Role) -> None:
    visitor(tenant, "owner", "kim@nordljus.example")
    answer = visitor(tenant, role).get("/t/nordljus/orders")
    if Right.SEE in ALLOWS[role]:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 403
        text = answer.content.decode()
        assert "see orders, products and problems" in text
        assert "An owner can change your role: owner" in text


def test_an_accountant_sees_vouchers_and_reconciliation_and_nothing_else(tenant: Any) -> None:
    """X-08"""
    assert ALLOWS[Role.ACCOUNTANT] == {Right.BOOKS, Right.APPROVE}
    page = visitor(tenant, "accountant").get("/", follow=True)
    assert page.status_code == 200
    assert "/t/nordljus/orders" not in page.content.decode(), "the menu shows only what may be opened"


def test_the_root_leads_to_the_only_tenant_and_else_lets_one_choose(tenant: Any) -> None:
    from samklang.hub.models import Problem, Tenant

    client = visitor(tenant, "consultant", "kim@byra.example")
    assert client.get("/").headers["Location"] == "/t/nordljus/"
    other = Tenant.objects.create(slug="other", name="Annan AB")
    visitor(other, "accountant", "kim@byra.example")
    Tenant.objects.create(slug="third", name="Tredje AB")
    for place in (tenant, other):
        Problem.objects.create(tenant=place, fingerprint="x", code="SYNC-1", what="x")
    text = client.get("/").content.decode()
    assert "Nordljus Handel AB" in text and "Annan AB" in text and "Tredje AB" not in text
    assert text.count("1 problem") == 1, "an accountant is not told of problems"


def test_after_the_login_one_is_where_one_wanted_to_be_but_never_on_another_site(tenant: Any) -> None:
    visitor(tenant, "reader", "kim@nordljus.example")
    given = {"login": "Kim@Nordljus.example", "password": "correct horse battery"}
    for wanted, reached in (("/t/nordljus/orders", "/t/nordljus/orders"), ("https://evil.example/", "/")):
        answer = anybody().post(f"/login?next={wanted}", given)
        assert answer.headers["Location"] == reached
    assert anybody().post("/login", {**given, "password": "wrong"}).status_code == 200


class TestTheFirstVisit:
    def test_makes_the_first_owner_and_the_first_tenant_once(self, database: Path) -> None:
        from samklang.hub.models import Tenant
        from samklang.people import tickets
        from samklang.people.models import Member

        token = tickets.first_visit()
        client = anybody()
        given = {
            "name": "Kim", "email": "Kim@Nordljus.example", "password": "correct horse battery",
            "company": "Nordljus Handel AB",
        }  # fmt: skip
        assert client.get(f"/enter/{token}").status_code == 200
        weak = client.post(f"/enter/{token}", {**given, "password": "short"})
        assert "too short" in weak.content.decode()
        assert client.post(f"/enter/{token}", given).headers["Location"] == "/"
        assert client.get("/").headers["Location"] == "/t/nordljus-handel-ab/"
        assert client.get("/t/nordljus-handel-ab/").status_code == 200
        member = Member.objects.select_related("user").get()
        assert (member.role, member.user.email) == ("owner", "kim@nordljus.example")
        assert Tenant.objects.get().name == "Nordljus Handel AB"
        assert anybody().get(f"/enter/{token}").status_code == 404
        assert tickets.first_visit() == ""

    def test_is_void_once_somebody_is_here(self, tenant: Any) -> None:
        from samklang.people import tickets

        token = tickets.first_visit()
        visitor(tenant)
        assert anybody().get(f"/enter/{token}").status_code == 404


def test_a_one_time_address_lets_its_user_in_once(tenant: Any) -> None:
    from samklang.people import tickets
    from samklang.people.models import User

    visitor(tenant, "owner", "kim@nordljus.example")
    token = tickets.issue(User.objects.get())
    client = anybody()
    assert client.head(f"/enter/{token}").status_code == 404, "a look at it does not use it up"
    assert client.get(f"/enter/{token}").headers["Location"] == "/"
    assert client.get("/t/nordljus/orders").status_code == 200
    assert anybody().get(f"/enter/{token}").status_code == 404


def test_a_one_time_address_ages_and_only_its_hash_is_kept(tenant: Any) -> None:
    from datetime import timedelta

    from samklang.people import tickets
    from samklang.people.models import Ticket, User

    visitor(tenant)
    token = tickets.issue(User.objects.get(), timedelta(seconds=-1))
    assert token not in str(list(Ticket.objects.values()))
    assert anybody().get(f"/enter/{token}").status_code == 404


def test_all_processes_sign_with_a_key_made_of_the_hubs_own(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.fernet import Fernet
    from django.conf import settings

    monkeypatch.setenv("SAMKLANG_KEY", key := Fernet.generate_key().decode())
    one = str(settings.SECRET_KEY)
    assert len(one) == 64 and key not in one
    monkeypatch.setenv("SAMKLANG_KEY", Fernet.generate_key().decode())
    assert str(settings.SECRET_KEY) != one
