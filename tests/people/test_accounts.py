"""Accounts: nobody finds out who has one, tries are counted, a second factor counts, sessions can be ended."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.test import Client

from tests.conftest import HOMES
from tests.people.conftest import anybody
from tests.visitor import visitor

EMAIL, PASSWORD = "kim@nordljus.example", "correct horse battery"


@pytest.fixture
def kim(tenant: Any) -> Client:
    return visitor(tenant, "owner", EMAIL)


def enter(client: Client, password: str = PASSWORD, email: str = EMAIL) -> Any:
    return client.post("/login", {"login": email, "password": password})


def said(answer: Any) -> str:
    """The page without what differs each time (CSRF tokens) and without what was typed."""
    return re.sub(r"[A-Za-z0-9]{64}|[\w.]+@[\w.]+", "", answer.content.decode())


def code(secret: str, later: int = 0) -> str:
    """What an authenticator app shows."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later)))


def with_second_factor(client: Client) -> tuple[str, list[str]]:
    """Switch it on; gives the app's key and the recovery codes."""
    assert "/account/again" in client.get("/account/second").headers["Location"], "asks for the password once more"
    client.post("/account/again?next=/account/second", {"password": PASSWORD})
    secret = re.search(r'id="key">(\w+)<', client.get("/account/second").content.decode())
    assert secret
    answer = client.post("/account/second", {"code": code(secret[1])}, follow=True)
    codes = re.findall(r"<code>(\d{8})</code>", answer.content.decode())
    assert len(codes) == 10
    return secret[1], codes


# ------------------------------------------------------------------------------------------- who has an account


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(kim: Client) -> None:
    wrong, unknown = enter(anybody(), "wrong"), enter(anybody(), "wrong", "nobody@nordljus.example")
    assert (wrong.status_code, unknown.status_code) == (200, 200)
    assert said(wrong) == said(unknown)


def test_a_forgotten_password_is_answered_alike_and_mailed_to_whom_it_belongs_only(kim: Client, mails: Any) -> None:
    known = anybody().post("/forgot", {"email": EMAIL}, follow=True)
    unknown = anybody().post("/forgot", {"email": "nobody@nordljus.example"}, follow=True)
    assert said(known) == said(unknown)
    (mail,) = mails
    assert mail.to == [EMAIL]
    assert mail.subject == "Samklang: A new password"


def test_an_unknown_address_costs_the_time_of_a_password_too(kim: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth import hashers

    made: list[str] = []
    make = hashers.make_password
    monkeypatch.setattr("django.contrib.auth.base_user.make_password", lambda raw: made.append(raw) or make(raw))
    enter(anybody(), "a try", "nobody@nordljus.example")
    assert made == ["a try"]


def test_nobody_signs_up(tenant: Any) -> None:
    assert anybody().get("/signup").status_code == 404
    assert "signup" not in anybody().get("/login").content.decode()


# ------------------------------------------------------------------------------------------------- throttling


@pytest.mark.parametrize("home", HOMES)
def test_after_some_wrong_passwords_the_right_one_has_to_wait_in_every_process(kim: Client) -> None:
    from samklang.people.models import Cached

    for _ in range(5):
        enter(anybody(), "wrong")
    late = enter(anybody())
    assert late.status_code == 200
    assert "Too many failed login attempts" in late.content.decode()
    assert Cached.objects.exists(), "counted where all processes see it"
    assert enter(anybody(), email="nobody@nordljus.example").status_code == 200


def test_one_machine_cannot_try_many_addresses(kim: Client) -> None:
    answers = [enter(anybody(), "wrong", f"{n}@nordljus.example") for n in range(12)]
    assert "Too many failed login attempts" in answers[-1].content.decode()
    elsewhere = Client(SERVER_NAME="localhost", REMOTE_ADDR="192.0.2.7")
    assert enter(elsewhere).status_code == 302


def test_many_mails_for_a_new_password_are_refused(kim: Client, mails: Any) -> None:
    codes = [anybody().post("/forgot", {"email": EMAIL}).status_code for _ in range(8)]
    assert codes[-1] == 429
    assert len(mails) <= 5


# ------------------------------------------------------------------------------------------------- passwords


def test_a_forgotten_password_is_chosen_anew_once_and_ends_all_sessions(kim: Client, mails: Any) -> None:
    from django.conf import settings

    anybody().post("/forgot", {"email": EMAIL})
    (address,) = re.findall(r"http\S+/forgot/\S+", mails[0].body)
    assert address.startswith(settings.PUBLIC_URL)
    client = anybody()
    form = client.get(address.removeprefix(settings.PUBLIC_URL))
    assert form.headers["Location"].endswith("/set-password"), "the key leaves the address before anything is shown"
    path = form.headers["Location"]
    assert "too short" in client.post(path, {"password1": "short", "password2": "short"}).content.decode()
    chosen = {"password1": "battery staple correct", "password2": "battery staple correct"}
    assert client.post(path, chosen).headers["Location"] == "/forgot/done"
    assert kim.get("/t/nordljus/").status_code == 302, "who was signed in with the old one is not any more"
    assert enter(anybody(), chosen["password1"]).status_code == 302
    again = anybody().get(address.removeprefix(settings.PUBLIC_URL))
    assert "has been used, or is too old" in again.content.decode()
    assert mails[1].to == [EMAIL], "the owner is told"


def test_without_a_server_for_mails_the_page_says_what_to_do(kim: Client) -> None:
    assert "samklang people link" in anybody().get("/forgot").content.decode()


def test_a_password_is_changed_with_the_old_one_and_other_sessions_end(kim: Client) -> None:
    other = anybody()
    enter(other)
    new = {"password1": "battery staple correct", "password2": "battery staple correct"}
    assert kim.post("/account/password", {"oldpassword": "wrong", **new}).status_code == 200
    assert kim.post("/account/password", {"oldpassword": PASSWORD, **new}).headers["Location"] == "/account"
    assert kim.get("/t/nordljus/").status_code == 200
    assert other.get("/t/nordljus/").status_code == 302


def test_whoever_came_by_a_one_time_address_chooses_a_password(tenant: Any) -> None:
    from samklang.people import tickets
    from samklang.people.models import Member, User

    user = User.objects.make(EMAIL)
    Member.objects.create(tenant=tenant, user=user, role="owner")
    client = anybody()
    client.get(f"/enter/{tickets.issue(user)}")
    assert "You have no password yet" in client.get("/account").content.decode()
    new = {"password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/account/password/first", new).headers["Location"] == "/account"
    assert enter(anybody()).status_code == 302


# --------------------------------------------------------------------------------------------- the second factor


def test_with_a_second_factor_the_password_alone_opens_nothing(kim: Client) -> None:
    secret, _ = with_second_factor(kim)
    client = anybody()
    assert enter(client).headers["Location"] == "/login/second"
    assert client.get("/t/nordljus/").status_code == 302
    assert client.get("/account").status_code == 302
    assert client.post("/login/second", {"code": "000000"}).status_code == 200
    assert client.post("/login/second", {"code": code(secret, 1)}).headers["Location"] == "/"
    assert client.get("/t/nordljus/").status_code == 200


def test_a_code_opens_once(kim: Client) -> None:
    secret, _ = with_second_factor(kim)
    shown = code(secret, 1)
    for client, status in ((anybody(), 302), (anybody(), 200)):
        enter(client)
        assert client.post("/login/second", {"code": shown}).status_code == status


def test_codes_cannot_be_tried_without_end(kim: Client) -> None:
    with_second_factor(kim)
    client = anybody()
    enter(client)
    answers = [client.post("/login/second", {"code": f"{n:06}"}) for n in range(12)]
    assert "Too many failed login attempts" in answers[-1].content.decode()


def test_a_recovery_code_opens_once_and_is_never_shown_again(kim: Client) -> None:
    _, codes = with_second_factor(kim)
    page = kim.get("/account/codes").content.decode()
    assert codes[0] not in page and "10 codes are left" in page
    for client, status in ((anybody(), 302), (anybody(), 200)):
        enter(client)
        assert client.post("/login/second", {"code": codes[0]}).status_code == status
    assert "9 codes are left" in kim.get("/account/codes").content.decode()


def test_switching_it_off_asks_for_proof(kim: Client) -> None:
    from samklang.people.models import User

    with_second_factor(kim)
    client = anybody()
    client.force_login(User.objects.get())
    answer = client.post("/account/second/off")
    assert "/account/again" in answer.headers["Location"]
    assert kim.post("/account/second/off").headers["Location"] == "/account"
    assert enter(anybody()).headers["Location"] == "/"


@pytest.mark.parametrize("home", HOMES)
def test_its_key_lies_encrypted_and_follows_the_hubs_key(kim: Client) -> None:
    from allauth.mfa.models import Authenticator

    from samklang.hub import secrets

    secret, codes = with_second_factor(kim)
    before = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in before
    secrets.rotate()
    assert str(list(Authenticator.objects.values_list("data", flat=True))) != before
    for given in (code(secret, 1), codes[3]):
        client = anybody()
        enter(client)
        assert client.post("/login/second", {"code": given}).headers["Location"] == "/"


# ------------------------------------------------------------------------------------------------- sessions


@pytest.mark.parametrize("home", HOMES)
def test_one_sees_where_one_is_signed_in_and_ends_it_elsewhere(tenant: Any) -> None:
    visitor(tenant, "owner", EMAIL)
    here = anybody(headers={"User-Agent": "Firefox at home"})
    there = anybody(headers={"User-Agent": "Chrome at work"})
    enter(here)
    enter(there)
    page = here.get("/account/sessions").content.decode()
    assert "Firefox at home" in page and "Chrome at work" in page
    here.post("/account/sessions")
    assert here.get("/t/nordljus/").status_code == 200
    assert there.get("/t/nordljus/").status_code == 302
    assert "Chrome at work" not in here.get("/account/sessions").content.decode()


def test_signing_out_ends_the_session_and_needs_a_post(kim: Client) -> None:
    assert kim.get("/logout").status_code == 405
    cookie = kim.cookies["samklang-session"].value
    kim.post("/logout")
    kim.cookies["samklang-session"] = cookie
    assert kim.get("/t/nordljus/").status_code == 302


def test_an_account_that_is_switched_off_opens_nothing(kim: Client) -> None:
    from samklang.people.models import User

    User.objects.update(is_active=False)
    assert kim.get("/t/nordljus/").status_code == 302
    assert enter(anybody()).headers["Location"] == "/login/off"


@pytest.mark.parametrize("home", HOMES)
def test_what_has_come_to_its_end_is_forgotten(kim: Client) -> None:
    from datetime import timedelta

    from allauth.usersessions.models import UserSession
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from samklang.people import expiry
    from samklang.people.models import Cached

    enter(anybody())
    enter(anybody(), "wrong")
    expiry.forget()
    assert (Session.objects.count(), UserSession.objects.count()) == (2, 1)
    assert Cached.objects.exists()
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    Cached.objects.update(expires=timezone.now() - timedelta(seconds=1))
    expiry.forget()
    assert not (Session.objects.exists() or UserSession.objects.exists() or Cached.objects.exists())


def test_an_account_that_belongs_nowhere_is_deleted_after_a_while(kim: Client) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from samklang.people import expiry
    from samklang.people.models import Member, User

    for n, (days, place) in enumerate(((91, False), (89, False), (91, True))):
        user = User.objects.make(f"{n}@nordljus.example")
        User.objects.filter(pk=user.pk).update(joined_at=timezone.now() - timedelta(days=days))
        if place:
            Member.objects.create(tenant=Member.objects.get(user__email=EMAIL).tenant, user=user, role="reader")
    expiry.forget()
    left = User.objects.order_by("email").values_list("email", flat=True)
    assert list(left) == ["1@nordljus.example", "2@nordljus.example", EMAIL]


# ------------------------------------------------------------------------------------------------- the audit


def test_what_people_do_with_their_accounts_is_noted(kim: Client, tenant: Any) -> None:
    from samklang.people import audit

    enter(anybody())
    enter(anybody(), "wrong")
    with_second_factor(kim)
    told = [(note.actor, note.what) for note in audit.notes(tenant)]
    assert (EMAIL, "signed in") in told
    assert (EMAIL, "second factor switched on") in told
    assert sum(what == "signed in" for _, what in told) == 1


def test_names_and_languages_are_ones_own(kim: Client) -> None:
    assert kim.post("/account", {"name": "Kim Å", "language": "xx"}).status_code == 200
    assert kim.post("/account", {"name": "Kim Å", "language": "sv"}).headers["Location"] == "/account"
    assert "Kim Å" in kim.get("/t/nordljus/people").content.decode()


def test_secrets_of_accounts_are_in_no_log(kim: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        secret, codes = with_second_factor(kim)
        enter(anybody(), "a wrong password")
    for word in (PASSWORD, "a wrong password", secret, codes[0]):
        assert word not in caplog.text


def test_a_mail_goes_to_a_real_server_behind_the_answers_back(kim: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Message
    from django.conf import settings
    from structlog.testing import capture_logs

    from samklang.demo.stage import free_port
    from samklang.people import accounts
    from samklang.settings import mail

    class Box(Message):
        got: ClassVar[list[Any]] = []

        def handle_message(self, message: Any) -> None:
            self.got.append(message)

    port = free_port()
    controller = Controller(Box(), hostname="127.0.0.1", port=port)
    controller.start()
    for name, value in mail(f"smtp+plain://127.0.0.1:{port}").items():
        monkeypatch.setattr(settings, name, value)
    anybody().post("/forgot", {"email": EMAIL})
    accounts.mails_are_out()
    controller.stop()
    (message,) = Box.got
    assert (message["To"], message["Subject"]) == (EMAIL, "Samklang: A new password")
    assert message["From"] == settings.DEFAULT_FROM_EMAIL
    with capture_logs() as told:
        assert anybody().post("/forgot", {"email": EMAIL}).status_code == 302, "a server that is down spoils nothing"
        accounts.mails_are_out()
    assert [line["event"] for line in told] == ["a mail could not be sent"]
    assert EMAIL not in str(told)
