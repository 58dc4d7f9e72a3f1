"""Mails to people, through a real server: at once what stops orders, each morning what waits for somebody."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from samklang.connectors.errors import LoginRefused, Rejected, SamklangError, tree
from tests.conftest import HOMES
from tests.mails.conftest import Box, World, html_of, person, text_of
from tests.people.spoken import left, texts
from tests.visitor import visitor

#: What stands in a mail of the tenant and its systems.
NAMES = ("Nordljus Handel AB", "erp", "Samklang")


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def trouble(
    world: World, *keys: str, type_: str = "order", what: str = "'anna@example.se' is refused", minutes: float = 5,
    error: Callable[[str], SamklangError] = Rejected,
) -> None:  # fmt: skip
    """A problem of these records at the ERP, some minutes old."""
    from samklang.hub.models import Problem
    from samklang.hub.problems import Trouble, report

    report(world.tenant.pk, world.erp_row.pk, [Trouble("out", type_, key, error(what)) for key in keys])
    Problem.objects.update(first_at=timezone.now() - timedelta(minutes=minutes))


def work(monkeypatch: pytest.MonkeyPatch | None = None, at: datetime | None = None) -> None:
    """One round of the engine's; `at` another time than now."""
    from samklang.mails import post

    if monkeypatch and at:
        monkeypatch.setattr(timezone, "now", lambda: at)
    post.work()


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Three o'clock in Stockholm: no report comes."""
    now = datetime.now(UTC).replace(hour=2, minute=0)
    monkeypatch.setattr(timezone, "now", lambda: now)
    return now


# ------------------------------------------------------------------------------------------------ at once


def test_what_stops_orders_is_told_at_once_grouped_and_linked(world: World, box: Box, night: datetime) -> None:
    from samklang.hub.models import Problem

    person(world, "ola@nordljus.example")
    trouble(world, *(f"nordljus/{n}" for n in range(1001, 1009)))
    trouble(world, "anna@example.se", type_="customer", what="The customer is locked")
    trouble(world, "a-1", type_="product", what="The name is too long")
    work()
    (mail,) = box.mails
    assert (mail["To"], mail["Subject"]) == ("ola@nordljus.example", "Nordljus Handel AB: 2 problems stop orders")
    text = text_of(mail)
    number = Problem.objects.get(type="order").pk
    assert "The system says no to this record." in text and "SYNC-402" in text
    assert "erp · order · 8 records" in text and "erp · customer · 1 record " in text
    assert "Orders: 1001, 1002, 1003, 1004, 1005\n" in text
    assert f"https://hub.example/t/nordljus/problems/{number}\n" in text
    assert "product" not in text, "an article stops no order"
    assert f'href="https://hub.example/t/nordljus/problems/{number}"' in html_of(mail)
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].endswith("@hub.example>")


def test_nothing_of_a_buyer_is_in_a_mail_but_the_orders_number(world: World, box: Box, night: datetime) -> None:
    person(world, "ola@nordljus.example")
    trouble(world, "nordljus/1001", what="'Anna Berg', Storgatan 1, anna@example.se is refused")
    trouble(world, "anna@example.se", type_="customer", what="'anna@example.se' is no address")
    work()
    for part in (text_of(box.mails[0]), html_of(box.mails[0]), box.mails[0]["Subject"]):
        assert not re.search("anna|berg|storgatan", part, re.IGNORECASE)
    assert "1001" in text_of(box.mails[0])


def test_each_problem_is_told_once_and_then_there_is_quiet(
    world: World, box: Box, night: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(world, "ola@nordljus.example")
    trouble(world, "nordljus/1001")
    work()
    work()
    trouble(world, "nordljus/1002", what="Another one")
    work()
    assert len(box.mails) == 1, "a quarter of an hour"
    work(monkeypatch, night + timedelta(minutes=16))
    assert len(box.mails) == 2
    assert "1002" in text_of(box.mails[1]) and "1001" not in text_of(box.mails[1])


def test_what_mends_itself_within_a_minute_is_not_told(
    world: World, box: Box, night: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.problems import clear

    person(world, "ola@nordljus.example")
    trouble(world, "nordljus/1001", minutes=0.5)
    work()
    clear(world.tenant.pk, world.erp_row.pk, "out", "order", ["nordljus/1001"])
    work(monkeypatch, night + timedelta(minutes=2))
    assert box.mails == []


def test_a_system_that_refuses_us_stops_orders_where_they_pass_it(world: World, box: Box, night: datetime) -> None:
    person(world, "ola@nordljus.example")
    trouble(world, "erp", type_="", what="no", error=LoginRefused)
    work()
    assert box.mails == [], "no order passes it"
    world.flow("order", "shop", "erp")
    work()
    assert "The system no longer accepts our login." in text_of(box.mails[0])


# ------------------------------------------------------------------------------------------------ each morning


def morning(day: int = 10, hour: int = 6) -> datetime:
    """So many o'clock in Stockholm, in winter."""
    return datetime(2027, 1, day, hour - 1, 5, tzinfo=UTC)


def test_the_report_comes_once_each_morning_by_the_tenants_clock(
    world: World, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.setup import connecting

    person(world, "ola@nordljus.example")
    trouble(world, "a-1", "a-2", type_="product", what="The name is too long")
    connecting.pause(world.shop_row, "stocktaking")
    work(monkeypatch, morning(hour=5))
    assert box.mails == []
    for _ in range(3):
        work(monkeypatch, morning())
    (mail,) = box.mails
    assert mail["Subject"] == "Nordljus Handel AB: 1 problem is open"
    text = text_of(mail)
    assert "Open problems: 1" in text and "Systems that are not in use: shop" in text
    assert "erp · product · 2 records" in text and "Jan. 10, 2027" in text
    work(monkeypatch, morning(day=11))
    assert len(box.mails) == 2


def test_when_all_is_well_there_is_no_report(world: World, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    person(world, "ola@nordljus.example")
    work(monkeypatch, morning())
    assert box.mails == []


# ------------------------------------------------------------------------------------------------ who, in which words


def test_who_may_operate_gets_them_until_he_says_otherwise(world: World, box: Box, night: datetime) -> None:
    """An accountant sees vouchers only (X-08), so no mail names an order to him."""
    from samklang.mails import choices

    for role in ("owner", "operator", "consultant", "reader", "accountant"):
        person(world, f"{role}@nordljus.example", role)
    choices.choose(person(world, "curious@nordljus.example", "reader"), at_once=True, nightly=False)
    choices.choose(person(world, "busy@nordljus.example"), at_once=False, nightly=True)
    choices.choose(person(world, "books@nordljus.example", "accountant"), at_once=True, nightly=True)
    gone = person(world, "gone@nordljus.example")
    gone.user.is_active = False
    gone.user.save()
    trouble(world, "nordljus/1001")
    work()
    assert sorted(mail["To"].partition("@")[0] for mail in box.mails) == ["consultant", "curious", "operator", "owner"]


def test_another_tenants_people_are_told_nothing(world: World, box: Box, night: datetime) -> None:
    from samklang.hub.models import Tenant
    from samklang.people.models import Member

    other = person(world, "sam@other.example")
    Member.objects.filter(pk=other.pk).update(tenant=Tenant.objects.create(slug="other", name="Annan AB"))
    trouble(world, "nordljus/1001")
    work()
    assert box.mails == []


@pytest.mark.parametrize("language", ["sv", "ru"])
def test_dates_are_in_the_readers_language(
    world: World, box: Box, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(world, "ola@nordljus.example", language=language)
    trouble(world, "a-1", type_="product")
    work(monkeypatch, morning())
    assert {"sv": "10 januari 2027", "ru": "10 января 2027"}[language] in text_of(box.mails[0])
    assert f'lang="{language}"' in html_of(box.mails[0])


@pytest.mark.parametrize("language", ["sv", "ru"])
def test_no_mail_is_left_in_english(world: World, night: datetime, language: str) -> None:
    from samklang.hub.models import Problem
    from samklang.mails import letters

    member = person(world, "ola@nordljus.example", language=language)
    for kind in tree():
        try:
            error = kind("x")
        except TypeError:  # these say more of themselves
            continue
        trouble(world, f"nordljus/{kind.code}", error=lambda what, made=error: made)
    for told in (letters.tell(Problem.objects.all()), letters.report(world.tenant, timezone.now())):
        for kind in letters.Kind:
            letter = letters.write(member, kind, told, timezone.get_current_timezone(), day=night.date())
            said = [letter.subject, *letter.text.splitlines(), *texts(letter.html)]
            assert len(said) > 20
            assert left(said, language, NAMES) == []


def test_every_code_has_its_sentence() -> None:
    from samklang.mails.words import TITLES

    ours = {error.code: (error.__doc__ or "").split("\n")[0] for error in tree() if not error.code.startswith("SYNC-6")}
    assert {code: str(title) for code, title in TITLES.items()} == ours


# ------------------------------------------------------------------------------------------------ sending


def hurry() -> None:
    from samklang.mails.models import Letter

    Letter.objects.filter(sent_at=None).update(due_at=0)


def test_a_server_that_is_down_is_tried_again_and_becomes_a_problem_that_ends(
    world: World, box: Box, night: datetime
) -> None:
    from samklang.hub.models import Problem
    from samklang.mails.models import Letter

    person(world, "ola@nordljus.example")
    person(world, "kim@nordljus.example")
    trouble(world, "nordljus/1001")
    box.down = "451 later"
    for _ in range(3):
        work()
        hurry()
    assert [letter.attempts for letter in Letter.objects.all()] == [3, 3]
    problem = Problem.objects.get(type="mail", closed_at=None)
    assert "does not take our mails" in problem.what and "SAMKLANG_MAIL" in problem.do_this
    box.down = ""
    work()
    assert len(box.mails) == 2 and not Problem.objects.filter(type="mail", closed_at=None).exists()
    work()
    assert len(box.mails) == 2


def test_one_address_that_is_refused_keeps_no_other_waiting(world: World, box: Box, night: datetime) -> None:
    from samklang.mails.models import Letter

    person(world, "bad@nordljus.example")
    person(world, "ola@nordljus.example")
    box.refuse["bad@nordljus.example"] = "550 nobody here"
    trouble(world, "nordljus/1001")
    work()
    assert [mail["To"] for mail in box.mails] == ["ola@nordljus.example"]
    late = Letter.objects.get(sent_at=None)
    assert (late.attempts, late.error) == (1, "SMTPRecipientsRefused") and late.due_at > time.time() + 30


def test_killed_between_writing_and_sending_nothing_is_lost_or_told_twice(
    world: World, box: Box, night: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.mails import post

    person(world, "ola@nordljus.example")
    trouble(world, "nordljus/1001")
    send = post._send

    def die(tenant: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(post, "_send", die)
    with pytest.raises(KeyboardInterrupt):
        work()
    monkeypatch.setattr(post, "_send", send)
    work()
    work()
    assert len(box.mails) == 1


def test_old_mails_are_forgotten_and_stale_ones_not_sent(
    world: World, box: Box, night: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.mails.models import Letter

    person(world, "ola@nordljus.example")
    trouble(world, "nordljus/1001")
    box.down = "451 later"
    work()
    box.down = ""
    work(monkeypatch, night + timedelta(days=2, minutes=1))
    assert Letter.objects.filter(kind="at once").count() == 0
    assert all("stop" not in mail["Subject"] for mail in box.mails)


def test_without_a_server_nothing_is_written(world: World, night: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.mails.models import Letter, Told

    monkeypatch.setattr(settings, "MAIL", "")
    person(world, "ola@nordljus.example")
    trouble(world, "nordljus/1001")
    work()
    assert not Letter.objects.exists() and not Told.objects.exists()


def test_the_engine_asks_for_it_each_half_minute() -> None:
    from samklang.engine.work import _ALONE, KEEPING

    assert [seconds for seconds, job in KEEPING if job.task == "mails"] == [30.0]
    assert "mails" in _ALONE


# ------------------------------------------------------------------------------------------------ choosing


def stop_of(mail: Any) -> str:
    address = str(mail["List-Unsubscribe"]).strip(" <>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address.startswith("https://hub.example/mails/stop/")
    return address.removeprefix("https://hub.example")


def test_a_mail_program_ends_them_by_one_post_and_a_look_ends_nothing(world: World, box: Box, night: datetime) -> None:
    from samklang.mails import choices

    member = person(world, "ola@nordljus.example")
    trouble(world, "nordljus/1001")
    work()
    address = stop_of(box.mails[0])
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    shown = client.get(address)
    assert shown.status_code == 200 and "No more mails about what stops orders?" in shown.content.decode()
    assert choices.of(member)[:2] == (True, True)
    done = client.post(address, {"List-Unsubscribe": "One-Click"})
    assert "You get no more mails about what stops orders." in done.content.decode()
    assert choices.of(member)[:2] == (False, True)
    assert client.get(address[:-2] + "xx").status_code == 404
    member.delete()
    assert client.get(address).status_code == 404


def test_one_chooses_for_each_company(world: World) -> None:
    from samklang.hub.models import Tenant
    from samklang.mails import choices
    from samklang.people.models import Member

    client = visitor(world.tenant, "owner", "kim@byra.example")
    visitor(Tenant.objects.create(slug="other", name="Annan AB"), "reader", "kim@byra.example")
    visitor(Tenant.objects.create(slug="books", name="Böcker AB"), "accountant", "kim@byra.example")
    page = client.get("/account/mails").content.decode()
    assert "Nordljus Handel AB" in page and "Annan AB" in page and "Böcker AB" not in page
    mine, theirs = Member.objects.filter(user__email="kim@byra.example").order_by("pk")[:2]
    assert client.post("/account/mails", {f"{mine.pk}-nightly": "on", f"{theirs.pk}-at_once": "on"}).status_code == 302
    assert choices.of(mine)[:2] == (False, True) and choices.of(theirs)[:2] == (True, False)
    assert 'href="/account/mails"' in client.get("/account").content.decode()
