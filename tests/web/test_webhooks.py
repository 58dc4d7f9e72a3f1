"""Webhooks out on their page: made, tried, paused, given a new secret, removed; for whoever may configure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import resolve

from tests.hub.receiver import Receiver
from tests.visitor import visitor

BASE = "/t/nordljus/webhooks"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def _row() -> Any:
    from samklang.hub.models import Subscription

    return Subscription.objects.get()


def _audited() -> list[str]:
    from samklang.people.models import Note

    return [entry.what for entry in Note.objects.order_by("pk")]


def test_a_webhook_is_made_tried_paused_and_removed(database: object, receiver: Receiver) -> None:
    owner = visitor()
    page = owner.post(BASE, {"name": "Lager", "url": receiver.url, "types": ["order.created"]}).content.decode()
    (secret,) = re.findall(r'<pre class="code" id="secret">(whsec_[^<]+)</pre>', page)
    assert secret not in owner.get(BASE).content.decode(), "it is shown once"
    one = f"{BASE}/{_row().pk}"

    answer = owner.post(f"{one}/test", follow=True).content.decode()
    assert "Lager took it: 204" in answer and '<span class="pill ok">204</span>' in answer
    (told,) = receiver.told
    assert told.event["type"] == "webhook.test" and told.signed_with(secret)
    receiver.status = 500
    assert "Lager did not take it" in owner.post(f"{one}/test", follow=True).content.decode()

    owner.post(f"{one}/pause")
    assert (_row().state, _row().types) == ("off", ["order.created"])
    changed = {"name": "Lagret", "url": receiver.url, "types": ["order.created", "order.held"]}
    assert owner.post(one, changed).status_code == 302
    assert (_row().name, _row().state) == ("Lagret", "off"), "a change does not switch it on"
    owner.post(f"{one}/resume")
    assert _row().state == "active"
    fresh = re.findall(r"whsec_[^<]+", owner.post(f"{one}/secret").content.decode())
    assert len(fresh) == 1 and fresh != [secret]
    page = owner.get(one).content.decode()
    assert page.count("webhook.test") >= 2 and "whsec_" not in page
    owner.post(f"{one}/remove")
    assert "Nobody is told yet" in owner.get(BASE).content.decode()
    assert _audited() == [
        "made a webhook", "changed a webhook", "changed a webhook", "changed a webhook", "made a new secret",
        "removed a webhook",
    ]  # fmt: skip


def test_what_cannot_be_told_is_said_beside_the_answer(database: object) -> None:
    owner = visitor()
    page = owner.post(BASE, {"name": "X", "url": "ftp://example.com"})
    assert page.status_code == 422 and "This is no address that can be told" in page.content.decode()
    assert owner.post(f"{BASE}/1/test").status_code == 404


def test_who_may_configure_sees_them_here_as_over_the_api(database: object) -> None:
    """A consultant connects systems; telling one is part of it. The page and the API ask for the same right."""
    for role in ("operator", "accountant", "reader"):
        assert visitor(role=role).get(BASE).status_code == 403
    assert visitor(role="consultant").get(BASE).status_code == 200
    page, api = (resolve(address).func.access for address in (BASE, f"/api/v1{BASE}"))  # type: ignore[attr-defined]  # ours
    assert (page.get, page.post) == (api.get, api.post)
