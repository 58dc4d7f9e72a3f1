"""Metrics are shown to this machine or to whoever has the operator's token; readiness says why nothing would happen."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from samklang import engine
from samklang.engine.embedded import Embedded
from tests.conftest import HOMES

TOKEN = "a-token-of-the-operator"


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", TOKEN)


def test_this_machine_is_shown_the_process_and_the_hub(database: Path) -> None:
    answer = Client(SERVER_NAME="localhost").get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.content.decode()
    assert "samklang_database_up 1.0" in text
    assert "# TYPE samklang_jobs_total counter" in text
    assert "process_resident_memory_bytes" in text


def test_prometheus_own_format_is_spoken_where_it_is_asked_for(database: Path) -> None:
    answer = Client(SERVER_NAME="localhost").get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


@pytest.mark.parametrize("address", ["192.0.2.7", "10.1.2.3", "2001:db8::7", ""])
def test_another_machine_is_refused_without_a_token(database: Path, address: str) -> None:
    answer = Client(SERVER_NAME="localhost", REMOTE_ADDR=address).get("/metrics")
    assert answer.status_code == 403
    assert b"SAMKLANG_METRICS_TOKEN" in answer.content


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_on_this_machine_is_not_this_machine(database: Path, header: str) -> None:
    assert Client(SERVER_NAME="localhost", headers={header: "192.0.2.7"}).get("/metrics").status_code == 403


def test_a_page_in_a_browser_cannot_ask_by_a_name_of_its_own(database: Path) -> None:
    assert Client(SERVER_NAME="evil.example").get("/metrics").status_code == 400


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer nå"])
def test_with_a_token_set_nothing_else_opens(database: Path, token: None, given: str) -> None:
    answer = Client(SERVER_NAME="localhost", headers={"Authorization": given} if given else {}).get("/metrics")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.content == b""


def test_with_the_token_any_machine_may_ask_by_any_name_even_where_the_pages_are_off(
    database: Path, token: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SAMKLANG_CONSOLE", False)
    client = Client(SERVER_NAME="hub.example", REMOTE_ADDR="192.0.2.7", headers={"Authorization": f"Bearer {TOKEN}"})
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert TOKEN not in answer.content.decode()


def test_an_engine_that_has_stopped_is_not_ready(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = Embedded(lambda job, engine: None)
    monkeypatch.setattr(engine, "current", embedded)
    embedded.start()
    assert Client().get("/ready").json() == {"status": "ready", "engine": True}
    assert embedded.stop()
    answer = Client().get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "no engine", "reason": "the engine of this process has stopped"}


class TestOnPostgreSQL:
    """Where workers are processes of their own."""

    @pytest.fixture
    def home(self) -> str:
        return HOMES[1]

    def test_without_a_living_worker_it_is_not_ready(self, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from django.db import connection

        from samklang.engine.queue import Queue

        def heartbeat(ago: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s::interval)", [ago]
                )

        monkeypatch.setattr(engine, "current", Queue())
        heartbeat("61 seconds")
        answer = Client().get("/ready")
        assert answer.status_code == 503
        assert answer.json()["reason"] == "no worker has given a sign of life for 60 seconds"
        heartbeat("5 seconds")
        assert Client().get("/ready").json() == {"status": "ready", "engine": True}
