"""Every address that there is, walked by everybody who has no business there: nothing of a tenant leaks, in status or
body, and nothing changes. Addresses come out of the URL resolver: a new one that does not say who may open it fails.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from samklang.connectors import registry
from samklang.people.access import Access
from samklang.people.rights import ALLOWS, Role
from tests.accounting.statements.files import klarna
from tests.browser.configured import configure
from tests.browser.merchant import ARTICLES, BUYERS, Merchant
from tests.conftest import move_to, sqlite
from tests.people.routes import VALUES, Route, _walk, routes
from tests.people.spoken import left, texts
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales
from tests.visitor import visitor

ROUTES = routes()
OURS = [route for route in ROUTES if route.access and route.access.who == "member"]
METHODS = ("GET", "POST")
#: What stands on the victim's pages and nowhere else.
MARKS = (
    "Hemliga", "victim.example", "nordljus-se", "lager-boras", "Storgatan", "kund10", "XISA93DJ",
    *(name for name, _, _ in BUYERS), *(name for _, name, _ in ARTICLES),
)  # fmt: skip
#: What is written down of those who only read: that they took something with them.
TAKEN_AWAY = {"took a list as a file", "vouchers downloaded"}


@pytest.fixture(scope="module")
def place(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The database of the victim, as Django's settings."""
    file = tmp_path_factory.mktemp("place") / "samklang.db"
    file.write_bytes(migrated.read_bytes())
    return sqlite(file)


@pytest.fixture(scope="module")
def victim(place: dict[str, Any], migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A tenant with everything in it, and somebody for each role."""
    from samklang.hub.links import forget_links
    from samklang.people import audit, members, tokens
    from samklang.people.models import Member

    before, settings.DATA = settings.DATA, tmp_path_factory.mktemp("walk")
    move_to(place)
    tenant = Merchant(orders=14, slug="victim", name="Hemliga Handel AB").tenant
    registry.packages()["shelf"] = "tests.doubles.shelf"
    desk = Desk(tenant)
    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    for role in Role:
        visitor(tenant, role)
    owner = Member.objects.select_related("user").get(tenant=tenant, role="owner")
    by = audit.Actor.person(tenant, owner.user)
    members.invite(by, "new@victim.example", Role.READER)
    tokens.make(owner, "Hemliga nyckeln", ["see"], None)  # type: ignore[list-item]
    yield tenant
    forget_links()
    move_to(sqlite(migrated))
    settings.DATA = before


@pytest.fixture
def stranger(victim: Any) -> Client:
    """The owner of another tenant."""
    from samklang.hub.models import Tenant

    other, _ = Tenant.objects.get_or_create(slug="other", defaults={"name": "Annan AB"})
    return visitor(other, "owner", "sam@other.example")


def anybody(**more: Any) -> Client:
    return Client(SERVER_NAME="localhost", **more)


def everything(tenant: Any) -> dict[str, str]:
    """All that is kept of the tenant, table by table."""
    found = {}
    for model in apps.get_models():
        if any(field.name == "tenant" for field in model._meta.fields):
            rows = sorted(map(str, model._base_manager.filter(tenant=tenant).values_list()))
            found[model._meta.label] = f"{len(rows)} {hashlib.blake2b(repr(rows).encode()).hexdigest()[:12]}"
    return found


def ask(client: Client, method: str, address: str) -> HttpResponse:
    """GET or POST, without following."""
    return client.get(address) if method == "GET" else client.post(address)  # type: ignore[return-value]


def leaks(answer: HttpResponse, address: str) -> list[str]:
    """Marks of the victim in an answer, head or body, apart from what was asked for itself."""
    body = b"".join(answer) if answer.streaming else answer.content
    text = f"{dict(answer.headers)} {body.decode(errors='replace')}".replace(address, "").replace(quote(address), "")
    return [mark for mark in MARKS if mark in text]


# -------------------------------------------------------------------------------------------- what routes declare


def test_the_marks_are_what_pages_show(victim: Any) -> None:
    client = visitor(victim, "owner")
    marked = [address for _, address in walked() if leaks(client.get(address), address)]  # type: ignore[arg-type]
    assert len(marked) > 10, "else nothing here could fail"
    journey = client.get("/t/victim/orders/se/10499").content.decode()
    assert {"Hemliga", "lager-boras", BUYERS[10499 % len(BUYERS)][0]} <= {mark for mark in MARKS if mark in journey}


def undeclared(found: list[Route]) -> list[str]:
    """Routes that do not say who may open them, or let everybody in without a reason."""
    return [
        str(route) for route in found
        if route.access is None or (route.access.who == "everybody" and len(route.access.why) < 15)
    ]  # fmt: skip


def test_every_route_says_who_may_open_it() -> None:
    assert len(ROUTES) > 40
    assert undeclared(ROUTES) == []


def test_every_parameter_has_a_value_of_something_that_is_there() -> None:
    missing = {name for route in ROUTES for _, _, name in route.parameters} - VALUES.keys()
    assert missing == set(), "give the walk a value for each: VALUES in tests/people/routes.py"


def test_a_new_route_that_does_not_say_so_is_found() -> None:
    def forgotten(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert undeclared(list(_walk([path("t/<slug:tenant>/new", forgotten)], ""))) == ["/t/<slug:tenant>/new"]
    forgotten.access = Access(who="everybody")  # type: ignore[attr-defined]
    assert undeclared(list(_walk([path("new", forgotten)], ""))) == ["/new"]


def test_whatever_lies_under_a_tenant_is_for_its_members() -> None:
    for route in ROUTES:
        assert route.access
        if route.route.startswith("t/"):
            assert route.access.who == "member", route
            assert route.access.get or route.access.post, route
        else:
            assert route.access.who != "member", route


def test_what_changes_something_asks_for_no_less_than_seeing_it() -> None:
    from samklang.people.rights import Right

    for route in OURS:
        assert route.access
        assert route.access.post is not Right.SEE, f"{route}: whoever only looks could change something"


def test_only_what_is_known_by_a_signature_or_a_token_does_without_csrf() -> None:
    exempt = [str(route) for route in ROUTES if getattr(route.view, "csrf_exempt", False)]
    assert sorted(one for one in exempt if not one.startswith("/api/")) == [
        "/hooks/<slug:tenant>/<slug:connection_name>", "/mails/stop/<str:token>",
    ]  # fmt: skip


# -------------------------------------------------------------------------------------------- in whose language

#: What the victim's systems are called, hold and answer; the names of people are their roles'.
NAMES = (
    "Open the cost centre in Fortnox, or change the flow's result unit, then retry.",
    "The name is too long for the shop", "Shorten it in the ledger, then retry.", "Klarna Bank AB", "Shelf", "Box",
    "ready", "picking", "rounding", "suspense", "bank", "drift", "shop", "The first flows",
    "A rule for Budbee", "note", "Frakt som egen text", *Role,
)  # fmt: skip
_CLOSED = re.compile(r"The cost centre 'WEB' of order [\w/]+ is closed|(?<=then\.do: ).*(?:tillåtna är|допустимы) .*")
#: Pages of no reader: pieces of the console for those who make it; files; the way out.
_NOT_READ = ("/api/", "/style", "/hooks/", "/metrics", "/logout")


@pytest.fixture
def configured(victim: Any) -> Iterator[set[str]]:
    """The victim with something on the pages of the configuring side too, until the test ends. Every address."""
    with transaction.atomic():
        more = configure(SimpleNamespace(tenant=victim)).values()
        addresses = {one for route in ROUTES for one in route.paths} | {f"/t/victim/{one}" for one in more}
        yield {one for one in addresses if not one.startswith(_NOT_READ)}
        transaction.set_rollback(True)


@pytest.mark.parametrize("language", ["sv", "ru"])
def test_no_page_is_left_in_english(victim: Any, configured: set[str], language: str) -> None:
    client = visitor(victim, "owner")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    names = {*NAMES, *(registry.manifest(name).title for name in registry.packages())}
    found: dict[str, str] = {}
    pages = 0
    methods = METHODS if language == "sv" else METHODS[:1]  # what a form says is the same sentences in every language
    for address, method in itertools.product(sorted(configured), methods):
        with transaction.atomic():
            answer = ask(client, method, address)
            if not answer.streaming and answer.headers.get("Content-Type", "").startswith("text/html"):
                pages += 1
                said = [_CLOSED.sub("·", text) for text in texts(answer.content.decode())]
                found |= dict.fromkeys(left(said, language, names), f"{method} {address}")
            transaction.set_rollback(True)
    assert pages > 100
    assert not found, "\n".join(f"{text!r}: {where}" for text, where in found.items())


# -------------------------------------------------------------------------------------------- who is kept out


@pytest.mark.parametrize("method", METHODS)
def test_signed_out_nothing_is_shown(victim: Any, method: str) -> None:
    before, client = everything(victim), anybody()
    for route in ROUTES:
        for address in route.paths:
            answer = ask(client, method, address)
            assert answer.status_code < 500, address
            assert leaks(answer, address) == [], address
            assert route.access
            if route.access.who in ("member", "signed in"):
                assert answer.status_code == 302, address
                assert answer.headers["Location"].startswith("/login"), address
    assert everything(victim) == before


@pytest.mark.parametrize("method", METHODS)
def test_for_the_owner_of_another_tenant_nothing_is_there(victim: Any, stranger: Client, method: str) -> None:
    before = everything(victim)
    for route in ROUTES:
        if str(route) == "/logout":
            continue
        for address in route.paths:
            answer = ask(stranger, method, address)
            assert answer.status_code < 500, address
            assert leaks(answer, address) == [], address
            if route.access and route.access.who == "member":
                assert answer.status_code == 404, address
    assert everything(victim) == before


@pytest.mark.parametrize("role", Role)
def test_a_role_reads_what_its_rights_allow_and_changes_nothing_by_it(victim: Any, role: Role) -> None:
    from samklang.people.models import Note

    before, client = everything(victim), visitor(victim, role)
    newest = Note.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    for route, address in walked():
        assert route.access
        answer = client.get(address)
        if route.access.get is None:
            assert answer.status_code == 405, address
        elif route.access.get in ALLOWS[role]:
            assert answer.status_code in (200, 302, 404), address
        else:
            assert answer.status_code == 403, address
            assert set(leaks(answer, address)) <= {"Hemliga", "victim.example"}, f"{address}: more than the menu shows"  # type: ignore[arg-type]
    notes = Note.objects.filter(tenant=victim, pk__gt=newest)
    assert set(notes.values_list("what", flat=True)) <= TAKEN_AWAY
    notes.delete()
    assert everything(victim) == before


@pytest.mark.parametrize("role", Role)
def test_a_role_posts_what_its_rights_allow_and_nothing_else(victim: Any, role: Role) -> None:
    before, client = everything(victim), visitor(victim, role)
    for route, address in walked():
        assert route.access
        if route.access.post in ALLOWS[role]:
            with transaction.atomic():  # it may do what it is for; the next address finds the tenant as it was
                assert client.post(address).status_code < 500, address
                transaction.set_rollback(True)
        else:
            answer = client.post(address)
            assert answer.status_code == (403 if route.access.post else 405), address
    assert everything(victim) == before


def test_a_form_from_another_site_changes_nothing(victim: Any) -> None:
    before = everything(victim)
    client = visitor(victim, "owner")
    client.handler.enforce_csrf_checks = True
    for route in ROUTES:
        if getattr(route.view, "csrf_exempt", False):
            continue
        for address in route.paths:
            answer = client.post(address, HTTP_ORIGIN="https://evil.example")
            assert answer.status_code == 403, address
            assert leaks(answer, address) == [], address
    assert everything(victim) == before


def walked() -> Iterator[tuple[Route, str]]:
    """Every address of a tenant's pages."""
    return itertools.chain.from_iterable(((route, address) for address in route.paths) for route in OURS)
