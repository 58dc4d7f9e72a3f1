"""Invited, joined, given another role, removed: by owners only, once, and never the last owner."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.conftest import HOMES
from tests.people.conftest import anybody
from tests.visitor import visitor

KIM, ROBIN = "kim@nordljus.example", "robin@byra.example"
NEW = {"name": "Robin", "password": "battery staple correct"}


@pytest.fixture
def kim(tenant: Any) -> Client:
    return visitor(tenant, "owner", KIM)


def invited(client: Client, email: str = ROBIN, role: str = "operator") -> str:
    """Invite somebody where no mails are sent; gives the path that accepts."""
    answer = client.post("/t/nordljus/people/invite", {"email": email, "role": role})
    found = re.search(r"http://localhost:8080(/invitation/\S+)</pre>", answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def number(email: str) -> int:
    from samklang.people.models import Member

    return Member.objects.get(user__email=email, tenant__slug="nordljus").pk


def test_an_invitation_goes_by_mail_and_only_its_hash_is_kept(kim: Client, mails: Any) -> None:
    from samklang.people.models import Invitation

    answer = kim.post("/t/nordljus/people/invite", {"email": "Robin@Byra.example", "role": "consultant"}, follow=True)
    assert "An invitation is on its way to robin@byra.example" in answer.content.decode()
    (mail,) = mails
    assert (mail.to, mail.subject) == ([ROBIN], "owner invites you to Nordljus Handel AB")
    (path,) = re.findall(r"http://localhost:8080/invitation/(\S+)", mail.body)
    assert path not in str(list(Invitation.objects.values()))
    assert path not in answer.content.decode(), "whoever invites cannot accept"


def test_a_name_cannot_put_lines_into_the_mails_head(kim: Client, mails: Any, tenant: Any) -> None:
    tenant.name = "Nordljus\nBcc: all@world.example"
    tenant.save()
    kim.post("/t/nordljus/people/invite", {"email": ROBIN, "role": "reader"})
    assert mails[0].recipients() == [ROBIN]
    assert "\n" not in mails[0].subject


def test_a_server_of_mails_that_is_down_leaves_the_address_to_pass_on(
    kim: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "MAIL", "smtp://mail.example")
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
    monkeypatch.setattr(settings, "EMAIL_HOST", "127.0.0.1")
    monkeypatch.setattr(settings, "EMAIL_PORT", 1)
    assert anybody().get(invited(kim)).status_code == 200


def test_somebody_new_joins_with_a_name_and_a_password_once(kim: Client) -> None:
    path = invited(kim, role="consultant")
    client = anybody()
    page = client.get(path).content.decode()
    assert "Join Nordljus Handel AB" in page and ROBIN in page and "Consultant" in page
    assert "too short" in client.post(path, {**NEW, "password": "short"}).content.decode()
    assert client.post(path, NEW).headers["Location"] == "/"
    assert client.get("/").headers["Location"] == "/t/nordljus/"
    assert client.get("/t/nordljus/orders").status_code == 200
    assert client.get("/t/nordljus/people").status_code == 403
    again = anybody().get(path)
    assert again.status_code == 404
    assert "opens nothing any more" in again.content.decode()
    assert ROBIN in kim.get("/t/nordljus/people").content.decode()


def test_somebody_known_signs_in_to_join_and_nobody_else_can(kim: Client) -> None:
    from samklang.hub.models import Tenant

    robin = visitor(Tenant.objects.create(slug="byra", name="Byrå AB"), "owner", ROBIN)
    path = invited(kim)
    stranger = anybody()
    assert "Sign in with it to join" in stranger.get(path).content.decode()
    assert stranger.post(path, NEW).status_code == 200, "knowing the address makes no new account"
    assert "you are signed in as" in kim.get(path).content.decode()
    assert kim.post(path).status_code == 200
    assert robin.get("/t/nordljus/").status_code == 404
    assert robin.post(path).headers["Location"] == "/t/nordljus/"
    page = robin.get("/").content.decode()
    assert "Nordljus Handel AB" in page and "Byrå AB" in page


def test_an_invitation_ages_is_withdrawn_and_is_replaced_by_the_next(kim: Client) -> None:
    from samklang.people.models import Invitation

    first, second = invited(kim), invited(kim, role="reader")
    assert anybody().get(first).status_code == 404
    assert "Read-only" in anybody().get(second).content.decode()
    kim.post(f"/t/nordljus/people/invited/{Invitation.objects.get().pk}/withdraw")
    assert anybody().get(second).status_code == 404
    third = invited(kim)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert anybody().post(third, NEW).status_code == 404


def test_a_member_is_not_invited_again(kim: Client) -> None:
    answer = kim.post("/t/nordljus/people/invite", {"email": KIM.upper(), "role": "reader"})
    assert "is a member already" in answer.content.decode()


def test_a_role_counts_from_the_next_page_on(kim: Client, tenant: Any) -> None:
    robin = visitor(tenant, "operator", ROBIN)
    assert robin.get("/t/nordljus/orders").status_code == 200
    kim.post(f"/t/nordljus/people/{number(ROBIN)}", {"role": "accountant"})
    assert robin.get("/t/nordljus/orders").status_code == 403
    kim.post(f"/t/nordljus/people/{number(ROBIN)}", {"role": "king"})
    assert robin.get("/t/nordljus/orders").status_code == 403


def test_whoever_is_removed_sees_nothing_any_more_and_their_tokens_stop(kim: Client, tenant: Any) -> None:
    from samklang.people import tokens
    from samklang.people.models import Member
    from samklang.people.rights import Right

    robin = visitor(tenant, "owner", ROBIN)
    _, text = tokens.make(Member.objects.get(user__email=ROBIN), "nightly", [Right.SEE], None)
    path = f"/t/nordljus/people/{number(ROBIN)}/remove"
    assert "nightly" in kim.get(path).content.decode()
    assert kim.post(path).headers["Location"] == "/t/nordljus/people"
    assert robin.get("/t/nordljus/orders").status_code == 404
    assert tokens.find(text) is None
    visitor(tenant, "owner", ROBIN)
    assert tokens.find(text) is None, "nor when they come back"


def test_the_last_owner_stays(kim: Client, tenant: Any) -> None:
    path = f"/t/nordljus/people/{number(KIM)}"
    for answer in (kim.post(path, {"role": "reader"}, follow=True), kim.post(f"{path}/remove", follow=True)):
        assert "The last owner stays" in answer.content.decode()
    visitor(tenant, "owner", ROBIN)
    assert kim.post(f"{path}/remove").headers["Location"] == "/"
    assert kim.get("/t/nordljus/").status_code == 404


def test_people_of_another_tenant_cannot_be_touched(kim: Client) -> None:
    from samklang.hub.models import Tenant
    from samklang.people.models import Invitation, Member

    other = Tenant.objects.create(slug="other", name="Annan AB")
    theirs = visitor(other, "owner", "sam@other.example")
    visitor(other, "reader", "alex@other.example")
    theirs.post("/t/other/people/invite", {"email": "new@other.example", "role": "reader"})
    alex = Member.objects.get(user__email="alex@other.example")
    kim.post(f"/t/nordljus/people/{alex.pk}", {"role": "owner"})
    kim.post(f"/t/nordljus/people/{alex.pk}/remove")
    kim.post(f"/t/nordljus/people/invited/{Invitation.objects.get().pk}/withdraw")
    alex.refresh_from_db()
    assert alex.role == "reader"
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("home", HOMES)
def test_two_owners_who_remove_each_other_leave_one(kim: Client, tenant: Any) -> None:
    import threading

    from django.db import connections

    from samklang.people import members
    from samklang.people.audit import Actor
    from samklang.people.models import Member

    visitor(tenant, "owner", ROBIN)
    numbers = [number(KIM), number(ROBIN)]
    refused = []

    def remove(one: int) -> None:
        try:
            members.remove(Actor(tenant, "test"), one)
        except members.Refused:
            refused.append(one)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=remove, args=[one]) for one in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), Member.objects.count()) == (1, 1)


def test_what_owners_do_with_people_is_noted(kim: Client, tenant: Any) -> None:
    path = invited(kim)
    anybody().post(path, NEW)
    kim.post(f"/t/nordljus/people/{number(ROBIN)}", {"role": "reader"})
    kim.post(f"/t/nordljus/people/{number(ROBIN)}/remove")
    page = kim.get("/t/nordljus/audit", {"about": f"person {ROBIN}"}).content.decode()
    for what in ("invited", "joined", "signed in", "role changed", "removed"):
        assert f'<th scope="row">{what}</th>' in page, what
    assert "before: Operator; after: Read-only" in page, "roles have their names"


class TestTokensAndAudit:
    def test_a_token_is_shown_once_opens_and_is_revoked(self, kim: Client) -> None:
        from samklang.people import tokens
        from samklang.people.models import Token
        from samklang.people.rights import Right

        given = {"name": "nightly <b>", "scopes": ["see", "books"], "days": "30"}
        answer = kim.post("/t/nordljus/tokens", given)
        assert answer.headers["Cache-Control"] == "no-store"
        text = re.findall(r'id="token">(\S+)</pre>', answer.content.decode())[0]
        found = tokens.find(text)
        assert found and found.rights == {Right.SEE, Right.BOOKS}
        page = kim.get("/t/nordljus/tokens").content.decode()
        assert text not in page and "nightly &lt;b&gt;" in page
        kim.post(f"/t/nordljus/tokens/{Token.objects.get().pk}/revoke")
        assert tokens.find(text) is None
        told = kim.get("/t/nordljus/audit", {"about": "token"}).content.decode()
        assert "token made" in told and "token revoked" in told

    def test_nothing_but_known_rights_and_times_is_taken(self, kim: Client) -> None:
        from samklang.people.models import Token

        for given in (
            {"name": "x", "scopes": ["king"], "days": "30"}, {"name": "x", "scopes": ["see"], "days": "9999"},
            {"name": "", "scopes": ["see"], "days": "30"}, {"name": "x", "days": "30"},
        ):  # fmt: skip
            assert kim.post("/t/nordljus/tokens", given).status_code == 422
        assert not Token.objects.exists()

    def test_the_audit_is_turned_over_page_by_page_and_filtered(self, kim: Client, tenant: Any) -> None:
        from samklang.people import audit
        from samklang.people.models import User

        robin = audit.Actor.person(tenant, User.objects.make(ROBIN))
        for n in range(150):
            audit.note(robin, "order released", f"order nordljus/{1000 + n}")
        page = kim.get("/t/nordljus/audit").content.decode()
        assert "nordljus/1149" in page and "nordljus/1049<" not in page
        (older,) = re.findall(r'href="(\?[^"]*before=[^"]+)"', page)
        assert "nordljus/1049<" in kim.get("/t/nordljus/audit" + older.replace("&amp;", "&")).content.decode()
        assert "nordljus/1007" in kim.get("/t/nordljus/audit?about=order nordljus/1007").content.decode()
        assert "order released" not in kim.get("/t/nordljus/audit?about=person").content.decode()
        assert kim.get("/t/nordljus/audit?before=x").status_code == 404


@pytest.mark.parametrize("path", ["people", "tokens", "audit"])
def test_no_page_asks_more_of_the_database_the_more_rows_there_are(kim: Client, tenant: Any, path: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from samklang.people import audit, members, tokens
    from samklang.people.models import Member
    from samklang.people.rights import Right, Role

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert kim.get(f"/t/nordljus/{path}").status_code == 200
        return len(queries)

    def more(count: int) -> None:
        for _ in range(count):
            n = Member.objects.count()
            visitor(tenant, "reader", f"{n}@nordljus.example")
            member = Member.objects.select_related("tenant", "user").get(user__email=f"{n}@nordljus.example")
            members.invite(audit.Actor.person(tenant, member.user), f"new{n}@nordljus.example", Role.READER)
            tokens.make(member, f"token {n}", [Right.SEE], None)

    more(2)
    few = asked()
    more(10)
    assert asked() == few
