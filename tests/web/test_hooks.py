"""Webhooks in: stored before they are answered, refused when the signature is wrong; health and readiness."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

BODY = b'{"id":7}'


@pytest.fixture
def row(database: Path) -> Any:
    from samklang.hub.models import Connection, Tenant
    from samklang.hub.setup import config

    tenant = Tenant.objects.create(slug="main", name="Nordljus")
    row = Connection.objects.create(
        tenant=tenant, name="shop", connector="woocommerce", settings={"url": "https://shop.example"}
    )
    config.set_secrets(row, {"consumer_key": "ck", "consumer_secret": "cs"})
    return row


def _headers(row: Any, body: bytes) -> dict[str, str]:
    from samklang.hub.hooks import hook_secret

    signature = base64.b64encode(hmac.new(hook_secret(row).encode(), body, hashlib.sha256).digest()).decode()
    return {
        "X-WC-Webhook-Signature": signature,
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Resource": "order",
        "X-WC-Webhook-Event": "updated",
    }


def _post(body: bytes, headers: dict[str, str], path: str = "/hooks/main/shop") -> int:
    client = Client(headers=headers)
    return client.post(path, data=body, content_type="application/json").status_code


def test_a_signed_webhook_is_stored_and_answered_with_exactly_200(row: Any) -> None:
    from samklang.hub.models import Hook

    assert _post(BODY, _headers(row, BODY)) == 200
    hook = Hook.objects.get()
    assert (bytes(hook.body), hook.done) == (BODY, False)
    assert "authorization" not in hook.headers


def test_a_wrong_signature_is_refused_becomes_a_problem_and_stores_nothing(row: Any) -> None:
    from samklang.hub.models import Hook, Problem

    assert _post(BODY + b" ", _headers(row, BODY)) == 401
    assert _post(BODY, {}) == 401
    assert Hook.objects.count() == 0
    assert Problem.objects.filter(closed_at=None).count() == 1


def test_a_system_that_signs_nothing_is_known_by_the_token_in_its_address(row: Any) -> None:
    from samklang.connectors.kit.hooks import signed_address
    from samklang.hub.hooks import hook_secret
    from samklang.hub.models import Connection, Hook
    from samklang.hub.setup import config

    shop = Connection.objects.create(
        tenant=row.tenant, name="butik", connector="starweb", settings={"url": "https://b.example", "client_id": "c"}
    )
    config.set_secrets(shop, {"client_secret": "s"})
    address = signed_address("/hooks/main/butik", hook_secret(shop))
    assert _post(b'{"orderId": 101}', {}, address) == 200
    assert _post(b'{"orderId": 101}', {}, "/hooks/main/butik") == 401
    assert _post(b'{"orderId": 101}', {}, "/hooks/main/butik?token=guess") == 401
    assert Hook.objects.count() == 1


def test_unknown_addresses_say_nothing(row: Any) -> None:
    from samklang.hub.models import Connection

    Connection.objects.create(tenant=row.tenant, name="till", connector="tryton", settings={})
    assert _post(BODY, {}, "/hooks/main/till") == 404, "its system sends none"
    assert _post(BODY, {}, "/hooks/main/nothing") == 404
    assert _post(BODY, {}, "/hooks/other/shop") == 404
    assert Client().get("/hooks/main/shop").status_code == 405


def test_a_webhook_that_is_too_large_is_refused(row: Any) -> None:
    from samklang.hub.hooks import LARGEST
    from samklang.hub.models import Hook

    body = b" " * (LARGEST + 1)
    assert _post(body, _headers(row, body)) == 413
    assert Hook.objects.count() == 0


def test_the_ping_that_a_shop_sends_at_creation_is_answered_and_not_kept(row: Any) -> None:
    from samklang.hub.models import Hook

    answer = Client().post("/hooks/main/shop", data="webhook_id=5", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert Hook.objects.count() == 0


def test_the_engine_of_this_process_is_woken(row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang import engine
    from samklang.engine.embedded import Embedded
    from samklang.engine.port import hooks_job

    idle = Embedded(lambda job, engine: None)
    monkeypatch.setattr(engine, "current", idle)
    _post(BODY, _headers(row, BODY))
    assert [state.job for state in idle.jobs()] == [hooks_job(row.tenant_id, row.pk)]


def test_health_and_readiness(database: Path) -> None:
    assert Client().get("/health").json() == {"status": "ok"}
    assert Client().get("/ready").json() == {"status": "ready", "engine": False}


def test_the_console_answers_only_known_host_names_and_only_when_it_is_on(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Client().get("/", SERVER_NAME="evil.example").status_code == 400
    assert Client().get("/health", SERVER_NAME="evil.example").status_code == 200
    monkeypatch.setattr(settings, "SAMKLANG_CONSOLE", False)
    assert Client().get("/", SERVER_NAME="localhost").status_code == 404
