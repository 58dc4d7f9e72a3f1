"""Connecting by hand: checked before it is saved, nothing typed is lost, no secret is shown, and the way over another
system's login page belongs to one session."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from samklang.connectors import registry
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from tests.cli.locked import RIGHT, hooked
from tests.hub.conftest import World, world
from tests.visitor import visitor

_ = world
BASE = "/t/nordljus"
ANSWERS = {"name": "box", "box": "a", "api_key": RIGHT, "pieces": "7", "country": "se", "currency": "sek"}
ANSWERS |= {"time_zone": "Europe/Stockholm", "channel": "ny"}


@pytest.fixture
def locked(world: World) -> Iterator[World]:
    registry.packages()["locked"] = "tests.cli.locked"
    yield world
    del registry.packages()["locked"]


def _connection(name: str = "box") -> Any:
    from samklang.hub.models import Connection

    return Connection.objects.filter(name=name).first()


def _typed(text: str) -> str:
    found = re.search(r'name="typed" value="([^"]*)"', text)
    assert found
    return found[1]


def test_the_catalogue_shows_what_each_system_can_do(locked: World) -> None:
    """J-20."""
    text = visitor(locked.tenant).get(f"{BASE}/connect").content.decode()
    assert "WooCommerce" in text and "Fortnox" in text and "Opening without its key." in text
    assert f'href="{BASE}/connect/locked"' in text


def test_a_connectors_own_texts_come_in_the_readers_language(world: World) -> None:
    """Labels, helps, answers and what it cannot do stand in its manifest, in English."""
    client = visitor(world.tenant)
    for language, page, texts in (
        ("sv", "woocommerce", ("Butikens adress", "Snygga permalänkar måste vara på.", "Flera lager: kärnan har")),
        ("ru", "unifaun", ("при печати", "Код упаковки")),
        ("en", "unifaun", ("when printed", "Package code")),
    ):
        text = client.get(f"{BASE}/connect/{page}", headers={"accept-language": language}).content.decode()
        assert all(one in text for one in texts), (language, [one for one in texts if one not in text])


def test_a_wrong_key_is_told_in_place_and_only_the_right_one_is_saved(locked: World) -> None:
    client = visitor(locked.tenant)
    answer = client.post(f"{BASE}/connect/locked", {**ANSWERS, "api_key": "wrong"}, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "The box does not open" in text and "Nothing was saved" in text
    assert 'value="a"' in text and 'value="7"' in text, "what was typed is still there"
    assert "kept; type only to replace it" in text and "wrong" not in re.sub(r'class="[^"]*"', "", text)
    assert _connection() is None
    answer = client.post(f"{BASE}/connect/locked", ANSWERS, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == f"{BASE}/connections/box"
    row = _connection()
    assert (row.settings, row.state) == ({"box": "a", "pieces": 7}, "active")
    from samklang.hub.models import Channel, ConfigVersion

    channel = Channel.objects.get(connection=row)
    assert (channel.code, channel.country, channel.currency) == ("ny", "SE", "SEK")
    assert ConfigVersion.objects.get().by == "owner@nordljus.example"


def test_secrets_that_were_typed_need_not_be_typed_again_after_another_mistake(locked: World) -> None:
    client = visitor(locked.tenant)
    answer = client.post(f"{BASE}/connect/locked", {**ANSWERS, "channel": "nordljus"})
    assert "Channel nordljus belongs to shop" in answer.content.decode()
    again = {**ANSWERS, "api_key": "", "typed": _typed(answer.content.decode())}
    assert client.post(f"{BASE}/connect/locked", again).status_code == 302
    from samklang.hub.secrets import unseal

    assert unseal(_connection().secrets)["api_key"] == RIGHT


def test_what_was_typed_in_another_session_or_tenant_is_not_found(locked: World) -> None:
    from samklang.hub.models import Tenant

    mine = visitor(locked.tenant)
    typed = _typed(mine.post(f"{BASE}/connect/locked", {**ANSWERS, "channel": "nordljus"}).content.decode())
    other = visitor(Tenant.objects.create(slug="other", name="Other"), email="bo@other.example")
    answer = other.post("/t/other/connect/locked", {**ANSWERS, "api_key": "", "typed": typed})
    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "My Box", "slug"),
        ("name", "a_b", "Use small letters, digits and hyphens"),
        ("name", "", "required"),
        ("box", "", "required"),
        ("pieces", "many", "whole number"),
        ("time_zone", "Mars/Olympus", "no such time zone"),
    ],
)
def test_a_wrong_answer_is_told_beside_its_field(locked: World, field: str, value: str, says: str) -> None:
    text = visitor(locked.tenant).post(f"{BASE}/connect/locked", {**ANSWERS, field: value}).content.decode()
    place = text.split(f'id="id_{field}"')[1].split("</div>")[0]
    assert says in place
    assert _connection() is None


def test_no_page_shows_a_secret(locked: World) -> None:
    client = visitor(locked.tenant)
    client.post(f"{BASE}/connect/locked", ANSWERS)
    for path in ("connections", "connections/box", "connections/box/settings", "connect/locked"):
        answer = client.get(f"{BASE}/{path}")
        assert answer.status_code == 200, path
        assert RIGHT not in answer.content.decode()


def test_settings_are_changed_without_typing_the_secret_again(locked: World) -> None:
    from samklang.hub.models import Connection

    client = visitor(locked.tenant)
    client.post(f"{BASE}/connect/locked", ANSWERS)
    Connection.objects.filter(name="box").update(state="needs person", reason="login")
    assert client.post(f"{BASE}/connections/box/settings", {"box": "b", "pieces": "5"}).status_code == 302
    row = _connection()
    assert (row.settings, row.state) == ({"box": "b"}, "active")


def test_private_addresses_are_refused_unless_the_operator_allows_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ALLOW_PRIVATE", ())
    answers = {
        "name": "butik", "url": "http://127.0.0.1:9", "consumer_key": "ck_x", "consumer_secret": "cs_x",
        "login": "header", "time_zone": "Europe/Stockholm", "country": "SE", "currency": "SEK",
    }  # fmt: skip
    text = visitor(world.tenant).post(f"{BASE}/connect/woocommerce", answers).content.decode()
    assert "SAMKLANG_ALLOW_PRIVATE" in text
    assert _connection("butik") is None


def test_pausing_needs_no_right_to_configure_and_says_why(locked: World) -> None:
    client = visitor(locked.tenant, "operator")
    client.post(f"{BASE}/connections/shop/pause", {"why": "stock-taking"})
    assert (_connection("shop").state, _connection("shop").reason) == ("paused", "stock-taking")
    assert "stock-taking" in client.get(f"{BASE}/connections").content.decode()
    client.post(f"{BASE}/connections/shop/resume")
    assert _connection("shop").state == "active"
    assert client.get(f"{BASE}/connect").status_code == 403
    assert visitor(locked.tenant, "reader").post(f"{BASE}/connections/shop/pause").status_code == 403


def test_a_dead_login_that_a_check_finds_pauses_the_connection(locked: World) -> None:
    from samklang.hub.models import Problem
    from samklang.hub.setup import config

    client = visitor(locked.tenant)
    client.post(f"{BASE}/connect/locked", ANSWERS)
    answer = client.post(f"{BASE}/connections/box/check", follow=True)
    assert "The login works: Box a" in answer.content.decode()
    config.set_secrets(_connection(), {"api_key": "revoked"})
    answer = client.post(f"{BASE}/connections/box/check", follow=True)
    assert "The box does not open" in answer.content.decode()
    assert _connection().state == "needs person"
    assert Problem.objects.get(closed_at=None).code == "SYNC-301"


def test_webhooks_are_registered_where_the_system_reaches_us(locked: World) -> None:
    hooked.clear()
    client = visitor(locked.tenant)
    client.post(f"{BASE}/connect/locked", ANSWERS)
    assert "none came yet" in client.get(f"{BASE}/connections/box").content.decode()
    client.post(f"{BASE}/connections/box/hooks", {"public_url": "https://hub.example/"})
    assert hooked == ["https://hub.example/hooks/nordljus/box"]
    answer = client.post(f"{BASE}/connections/box/hooks", {"public_url": "not an address"})
    assert answer.status_code == 422


# ------------------------------------------------------------------------------------------------ login pages


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _approve(text: str) -> str:
    """Go to the login page that a page leads to; gives the address that it sends the browser to."""
    found = re.search(r'class="button main" href="(http[^"]+)"', text)
    assert found
    try:
        urllib.request.build_opener(_NoRedirect).open(found[1].replace("&amp;", "&"))
    except urllib.error.HTTPError as answer:
        return str(answer.headers["Location"])
    raise AssertionError("the login page sent nobody back")


@pytest.fixture
def ledger() -> Iterator[tuple[FortnoxSandbox, str]]:
    one = FortnoxSandbox(articles=3)
    with serve(Faulty(one.app)) as address:
        yield one, address


def _fortnox(client: Client, address: str, path: str = "connect/fortnox", **more: str) -> str:
    answers = {
        "name": "ledger", "client_id": "sandbox", "client_secret": FortnoxSandbox.client_secret,
        "api_address": address, "login_address": address, "rounding_account": "3740", "status_days": "90", **more,
    }  # fmt: skip
    return client.post(f"{BASE}/{path}", answers).content.decode()


def test_a_login_page_leads_there_and_back_and_only_then_is_anything_saved(
    world: World, ledger: tuple[FortnoxSandbox, str]
) -> None:
    from samklang.hub.secrets import unseal

    client = visitor(world.tenant)
    text = _fortnox(client, ledger[1])
    assert "One step left: approve Samklang at Fortnox" in text
    assert _connection("ledger") is None
    back = urlsplit(_approve(text))
    assert back.path == "/login-back"
    answer = client.get(f"{back.path}?{back.query}")
    assert answer.headers["Location"] == f"{BASE}/connections/ledger"
    assert unseal(_connection("ledger").tokens)["access"]
    again = client.get(f"{back.path}?{back.query}", follow=True)
    assert "begun too long ago" in again.content.decode(), "an answer is taken once"


def test_the_answer_to_somebody_elses_login_is_not_taken(world: World, ledger: tuple[FortnoxSandbox, str]) -> None:
    """The state of a login belongs to the session that began it."""
    back = urlsplit(_approve(_fortnox(visitor(world.tenant), ledger[1])))
    other = visitor(world.tenant, "consultant")
    answer = other.get(f"{back.path}?{back.query}", follow=True)
    assert "in another browser" in answer.content.decode()
    assert _connection("ledger") is None


def test_a_refused_approval_goes_back_to_the_form_with_everything_typed(
    world: World, ledger: tuple[FortnoxSandbox, str]
) -> None:
    client = visitor(world.tenant)
    back = urlsplit(_approve(_fortnox(client, ledger[1])))
    state = re.search(r"state=([^&]+)", back.query)
    assert state
    answer = client.get(f"/login-back?error=access_denied&state={state[1]}", follow=True)
    text = answer.content.decode()
    assert "The login was not approved: access_denied" in text
    assert ledger[1] in text and "kept; type only to replace it" in text
    assert _connection("ledger") is None


def test_a_dead_login_is_made_anew_and_a_living_one_is_kept(world: World, ledger: tuple[FortnoxSandbox, str]) -> None:
    client = visitor(world.tenant)
    back = urlsplit(_approve(_fortnox(client, ledger[1])))
    client.get(f"{back.path}?{back.query}")
    path = "connections/ledger/settings"
    _fortnox(client, ledger[1], path, client_secret="", status_days="30")
    assert _connection("ledger").settings["status_days"] == 30
    ledger[0].login._access.clear()
    ledger[0].login._refresh.clear()
    text = _fortnox(client, ledger[1], path, client_secret="")
    assert "One step left" in text
    back = urlsplit(_approve(text))
    assert client.get(f"{back.path}?{back.query}").headers["Location"] == f"{BASE}/connections/ledger"
