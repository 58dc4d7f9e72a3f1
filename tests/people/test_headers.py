"""What every answer carries: a policy for its content, no frames, no caches; and behind TLS cookies and HSTS."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import urllib3

from tests.people.conftest import anybody
from tests.people.routes import routes
from tests.visitor import visitor

ROUTES = routes()


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_answer_carries_a_policy_and_says_who_may_keep_it(tenant: Any, route: Any) -> None:
    client = visitor(tenant, "owner")
    for address in route.paths:
        for answer in (client.get(address.replace("victim", "nordljus")), anybody().get(address)):
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy and "*" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            if not address.startswith("/static/"):
                assert "public" not in answer.headers["Cache-Control"]


def test_pages_hold_nothing_that_the_policy_would_stop(tenant: Any) -> None:
    client = visitor(tenant, "owner")
    for address in (address for route in ROUTES for address in route.paths):
        answer = client.get(address.replace("victim", "nordljus"))
        if answer.headers.get("Content-Type", "").startswith("text/html") and not answer.streaming:
            text = answer.content.decode()
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), address


def test_the_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(tenant: Any) -> None:
    visitor(tenant, "owner", "kim@nordljus.example")
    client = anybody()
    client.post("/login", {"login": "kim@nordljus.example", "password": "correct horse battery"})
    cookie = client.cookies["samklang-session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    anonymous = anybody()
    anonymous.get("/login")
    assert (anonymous.cookies["samklang-csrf"]["httponly"], "samklang-session" in anonymous.cookies) == (True, False)


class TestBehindTLS:
    """`samklang serve` behind a proxy that speaks TLS."""

    @pytest.fixture
    def settings(self) -> Mapping[str, str]:
        return {"SAMKLANG_URL": "https://hub.example", "SAMKLANG_PROXIES": "127.0.0.1"}

    @pytest.fixture
    def hub(self, settings: Mapping[str, str], tmp_path: Path) -> Iterator[str]:
        env = {**os.environ, "SAMKLANG_DATA": str(tmp_path), **settings}
        command = [sys.executable, "-m", "samklang", "serve", "--port", "0", "--json"]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            assert child.stdout
            text = b""
            while not text.endswith(b"}\n"):
                text += child.stdout.readline()
            self.started = msgspec.json.decode(text)
            yield self.started["address"]
            child.terminate()

    def ask(self, hub: str, path: str, **headers: str) -> Any:
        sent = {"Host": "hub.example", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", **headers}
        return urllib3.request("GET", f"{hub}{path}", headers=sent, redirect=False)

    def test_cookies_travel_by_tls_only_and_browsers_are_told_to_use_nothing_else(self, hub: str) -> None:
        answer = self.ask(hub, "/login")
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        (cookie,) = answer.headers.getlist("Set-Cookie")
        assert cookie.startswith("__Host-csrf=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert self.started["setup"].startswith("https://hub.example/enter/")
        way_in = "/" + self.started["setup"].partition("hub.example/")[2]
        page = self.ask(hub, way_in)
        found = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', page.data)
        assert found
        kept = page.headers["Set-Cookie"].partition(";")[0]
        given = {
            "csrfmiddlewaretoken": found[1].decode(), "name": "Kim", "email": "kim@hub.example",
            "password": "correct horse battery", "company": "Nordljus",
        }  # fmt: skip
        sent = {"Host": "hub.example", "X-Forwarded-Proto": "https", "Cookie": kept, "Origin": "https://hub.example"}
        done = urllib3.request("POST", f"{hub}{way_in}", fields=given, headers=sent, redirect=False)
        assert done.status == 302
        session = next(one for one in done.headers.getlist("Set-Cookie") if one.startswith("__Host-session="))
        assert {"Secure", "HttpOnly", "Path=/"} <= set(session.split("; "))

    @pytest.mark.parametrize("settings", [{"SAMKLANG_URL": "https://hub.example", "SAMKLANG_PROXIES": "192.0.2.99"}])
    def test_what_another_machine_says_of_tls_is_not_believed(self, hub: str) -> None:
        assert "Strict-Transport-Security" not in self.ask(hub, "/login").headers
