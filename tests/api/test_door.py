"""The door of the API: token, tenant, right and pace are judged before anything is answered."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from samklang.people.rights import Right
from tests.api.conftest import Caller
from tests.conftest import HOMES
from tests.hub.conftest import World
from tests.hub.receiver import Receiver

URL = "https://127.0.0.1/told"


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    """The database counts and locks: both."""
    return str(request.param)


def test_without_a_token_nothing_is_answered(world: World) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}, {"Authorization": ""}):
        answer = Client(headers=headers).get("/api/v1/t/nordljus/webhooks")
        assert (answer.status_code, answer.json()["code"]) == (401, "SYNC-601")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_of_the_console_is_no_token(world: World) -> None:
    """A page that a member visits cannot call the API for him."""
    from tests.visitor import visitor

    assert visitor(world.tenant).get("/api/v1/t/nordljus/webhooks").status_code == 401


def test_another_tenants_address_is_not_there(world: World, call: Caller) -> None:
    from samklang.hub.models import Tenant

    other = Caller(Tenant.objects.create(slug="other", name="Annan AB"))
    for slug in ("nordljus", "nobody"):
        answer = other.client.get(f"/api/v1/t/{slug}/webhooks")
        assert (answer.status_code, answer.json()["code"]) == (404, "SYNC-603")


def test_a_token_may_do_what_its_scopes_say_as_long_as_its_maker_may(world: World) -> None:
    from samklang.people.models import Member

    reader = Caller(world.tenant, [Right.SEE])
    assert reader.refused("GET", "/webhooks") == (403, "SYNC-602")
    owner = Caller(world.tenant, [Right.CONFIGURE])
    assert owner.get("/webhooks") == []
    Member.objects.filter(user=owner.token.made_by).update(role="reader")
    assert owner.refused("GET", "/webhooks") == (403, "SYNC-602")
    Member.objects.filter(user=owner.token.made_by).delete()
    assert owner("GET", "/webhooks").status_code == 401


def test_an_expired_token_is_none(world: World, call: Caller) -> None:
    from samklang.people.models import Token

    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert call("GET", "/webhooks").status_code == 401


# ------------------------------------------------------------------------------------------------ pace


def test_a_token_that_calls_too_often_is_told_how_long_to_wait(
    world: World, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "API_BURST", 3)
    left = [call("GET", "/webhooks").headers["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    answer = call("GET", "/webhooks")
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, "SYNC-608", "1")
    assert Caller(world.tenant).get("/webhooks") == [], "another token is another's"


def test_the_allowance_comes_back_with_time_and_is_never_more_than_whole(
    world: World, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.api.models import CallPace
    from samklang.api.v1 import pace

    monkeypatch.setattr(settings, "API_BURST", 2)
    assert [pace.ask(call.token.pk).granted for _ in range(3)] == [True, True, False]
    cost = 60 / settings.API_RATE
    for seconds, granted in ((cost, [True, False]), (1000, [True, True, False])):
        CallPace.objects.filter(token=call.token.pk).update(full_at=_earlier(call.token.pk, seconds))
        pace._full.update({token: full - seconds for token, full in pace._full.items()})
        assert [pace.ask(call.token.pk).granted for _ in granted] == granted


def _earlier(token: int, seconds: float) -> float:
    from samklang.api.models import CallPace

    row = CallPace.objects.filter(token=token).first()
    return row.full_at - seconds if row else 0.0


def test_a_clock_that_ran_ahead_does_not_shut_a_token_out(
    world: World, call: Caller, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.api.models import CallPace
    from samklang.api.v1 import pace

    monkeypatch.setattr(settings, "API_BURST", 2)
    if home == "sqlite":
        pytest.skip("one process, whose clock cannot run back (monotonic)")
    pace.ask(call.token.pk)
    CallPace.objects.update(full_at=9e9)
    assert [pace.ask(call.token.pk).granted for _ in range(3)] == [True, True, False]


def test_many_processes_count_together(world: World, call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connections

    from samklang.api.v1 import pace

    monkeypatch.setattr(settings, "API_BURST", 10)
    monkeypatch.setattr(settings, "API_RATE", 1)
    granted = []

    def ask() -> None:
        try:
            granted.extend(pace.ask(call.token.pk).granted for _ in range(5))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(granted), sum(granted)) == (30, 10)


# ------------------------------------------------------------------------------------------------ once


def test_a_call_with_a_key_is_carried_out_once(world: World, call: Caller) -> None:
    from samklang.api.models import Once
    from samklang.hub.models import Subscription

    body = {"name": "bokning", "url": URL}
    first = call("POST", "/webhooks", body, Idempotency_Key="a-1")
    again = call("POST", "/webhooks", body, Idempotency_Key="a-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json() and again.headers["Idempotency-Replayed"] == "true"
    assert Subscription.objects.count() == 1
    assert first.json()["secret"].encode() not in bytes(Once.objects.get().answer), "kept sealed"
    assert call.refused("POST", "/webhooks", {"name": "b", "url": URL}, Idempotency_Key="a-1") == (422, "SYNC-604")
    assert (
        Caller(world.tenant)("POST", "/webhooks", {"name": "b", "url": URL}, Idempotency_Key="a-1").status_code == 201
    )


def test_what_failed_may_be_sent_again_under_its_key(world: World, call: Caller) -> None:
    assert call.refused("POST", "/webhooks", {"name": "a"}, Idempotency_Key="a-1") == (422, "SYNC-604")
    assert call("POST", "/webhooks", {"name": "a", "url": URL}, Idempotency_Key="a-1").status_code == 201


def test_the_same_call_side_by_side_is_refused_until_the_first_has_ended_or_died(world: World, call: Caller) -> None:
    from samklang.api.models import Once

    call("POST", "/webhooks", {"name": "a", "url": URL}, Idempotency_Key="a-1")
    Once.objects.update(status=None)
    assert call.refused("POST", "/webhooks", {"name": "a", "url": URL}, Idempotency_Key="a-1") == (409, "SYNC-605")
    Once.objects.update(begun_at=1.0 + timezone.now().timestamp() - 200)
    call.client.delete("/api/v1/t/nordljus/webhooks/1")
    assert call("POST", "/webhooks", {"name": "a", "url": URL}, Idempotency_Key="a-1").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 101, "å"])
def test_a_key_that_is_none_is_refused(world: World, call: Caller, key: str) -> None:
    assert call.refused("POST", "/webhooks", {"name": "a", "url": URL}, Idempotency_Key=key) == (422, "SYNC-604")


def test_old_keys_are_forgotten(world: World, call: Caller) -> None:
    from samklang.api.models import Once

    call("POST", "/webhooks", {"name": "a", "url": URL}, Idempotency_Key="a-1")
    Once.objects.update(begun_at=1.0)
    call("POST", "/webhooks", {"name": "b", "url": URL}, Idempotency_Key="b-1")
    assert [row.key for row in Once.objects.all()] == ["b-1"]


# ------------------------------------------------------------------------------------------------ errors


def test_every_refusal_is_problem_details_with_a_code(world: World, call: Caller) -> None:
    assert call.refused("GET", "/nothing/here") == (404, "SYNC-603")
    assert call.refused("GET", "/orders/two%0Alines/journey") == (404, "SYNC-603")
    assert call.refused("PATCH", "/webhooks") == (405, "SYNC-609")
    assert call.refused("POST", "/webhooks", b"{") == (400, "SYNC-600")
    assert call.refused("GET", "/webhooks/7") == (404, "SYNC-603")
    assert call.refused("GET", "/webhooks/seven") == (422, "SYNC-604")
    answer = call("GET", "/orders?limit=2&sate=open")
    assert (answer.status_code, answer.json()["where"]) == (422, "query.sate"), "no typing error is passed over"
    answer = call("POST", "/webhooks", {"name": "a", "url": URL, "typo": 1})
    assert answer.json()["errors"] == [{"where": "body.typo", "what": "Extra inputs are not permitted"}]
    answer = call("POST", "/webhooks", {"name": "a", "url": "https://10.0.0.1/"}).json()
    assert (answer["code"], answer["where"]) == ("SYNC-303", "url") and "SAMKLANG_ALLOW_PRIVATE" in answer["do_this"]


def test_a_defect_of_ours_is_told_without_its_insides(
    world: World, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.telling import outbox

    def fail(row: Any) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(outbox, "test", fail)
    number = call.post("/webhooks", {"name": "a", "url": URL})["id"]
    answer = call("POST", f"/webhooks/{number}/test")
    assert answer.status_code == 500 and answer.headers["Content-Type"] == "application/problem+json"
    assert b"secret" not in answer.content


def test_other_sites_pages_may_not_call_it(world: World, call: Caller) -> None:
    """CORS is off."""
    answer = call("GET", "/webhooks", Origin="https://evil.example")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert call("OPTIONS", "/webhooks", Origin="https://evil.example").status_code == 405


# ------------------------------------------------------------------------------------------------ webhooks


def test_a_webhooks_whole_life(world: World, call: Caller) -> None:
    from samklang.people.models import Note

    receiver = Receiver()
    try:
        assert "order.created" in [row["type"] for row in call.get("/event-types")]
        made = call.post("/webhooks", {"name": "bokning", "url": receiver.url, "types": ["order.created"]})
        assert made.pop("secret").startswith("whsec_")
        path = f"/webhooks/{made['id']}"
        assert call.get("/webhooks") == [made] and call.get(path) == made
        told = call.post(f"{path}/test")
        assert (told["state"], told["status"], receiver.types) == ("done", 204, ["webhook.test"])
        assert call.post(f"{path}/secret")["secret"].startswith("whsec_")
        change = {"name": "bokning 2", "url": receiver.url, "on": False}
        assert call("PUT", path, change).json() == {**made, "name": "bokning 2", "types": [], "state": "off"}
        listed = call.get(f"{path}/messages?limit=1")
        assert [row["id"] for row in listed["items"]] == [told["id"]] and listed["next"] is None
        call.post(f"{path}/messages/{told['id']}/resend")
        assert call.get(f"{path}/messages?state=due")["items"][0]["id"] == told["id"]
        assert call.post(f"{path}/replay", {"since": "2026-01-01T00:00:00Z"}) == {"count": 0}
        assert call("DELETE", path).status_code == 204
        assert call.refused("GET", path) == (404, "SYNC-603")
    finally:
        receiver.close()
    done = [(note.actor, note.what) for note in Note.objects.order_by("pk")]
    assert ("token test", "made a webhook") in done and ("token test", "removed a webhook") in done


def test_pages_of_messages_go_on_where_they_ended(world: World, call: Caller) -> None:
    from samklang.hub.events import Happening, tell

    number = call.post("/webhooks", {"name": "a", "url": URL})["id"]
    tell(world.tenant.pk, [Happening("order.created", f"nordljus/{n}", {}) for n in range(5)])
    seen: list[str] = []
    cursor = ""
    while True:
        page = call.get(f"/webhooks/{number}/messages?limit=2&cursor={cursor}")
        seen += [row["about"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == [f"nordljus/{n}" for n in (4, 3, 2, 1, 0)]
    assert call.refused("GET", f"/webhooks/{number}/messages?cursor=nonsense") == (422, "SYNC-604")
    assert call.refused("GET", f"/webhooks/{number}/messages?limit=0") == (422, "SYNC-604")
