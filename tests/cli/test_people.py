"""`samklang people`: who may come in, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.cli.conftest import Run


@pytest.fixture
def tenant(database: Path) -> Any:
    from samklang.hub.models import Tenant

    return Tenant.objects.create(slug="nordljus", name="Nordljus Handel AB")


def _path(address: str) -> str:
    return urlsplit(address).path


def test_somebody_is_added_and_comes_in_by_the_address_that_is_printed(tenant: Any, cli: Run) -> None:
    said = cli("people", "add", "Kim@Nordljus.example", "--role", "owner", "--name", "Kim", "--json")
    assert said.code == 0
    client = Client(SERVER_NAME="localhost")
    assert client.get(_path(said.json["address"])).status_code == 302
    assert client.get("/t/nordljus/people").status_code == 200
    (row,) = cli("people", "list", "--json").json
    assert (row["email"], row["name"], row["role"]) == ("kim@nordljus.example", "Kim", "owner")


def test_adding_again_changes_the_role_and_the_last_owner_stays(tenant: Any, cli: Run) -> None:
    cli("people", "add", "kim@nordljus.example", "--role", "owner")
    assert cli("people", "add", "robin@nordljus.example", "--role", "reader").code == 0
    assert cli("people", "add", "robin@nordljus.example", "--role", "operator").code == 0
    assert [row["role"] for row in cli("people", "list", "--json").json] == ["owner", "operator"]
    for argv in (("add", "kim@nordljus.example", "--role", "reader"), ("remove", "kim@nordljus.example")):
        said = cli("people", *argv)
        assert said.code == 2
        assert "The last owner stays" in said.err
    assert cli("people", "remove", "robin@nordljus.example").code == 0
    assert len(cli("people", "list", "--json").json) == 1


def test_the_locked_out_come_in_by_a_link(tenant: Any, cli: Run) -> None:
    cli("people", "add", "kim@nordljus.example", "--role", "owner")
    said = cli("people", "link", "kim@nordljus.example", "--json")
    client = Client(SERVER_NAME="localhost")
    assert client.get(_path(said.json["address"]), follow=True).status_code == 200
    assert cli("people", "link", "nobody@nordljus.example").code == 2
    assert cli("people", "add", "no address").code == 2
    assert cli("people", "remove", "nobody@nordljus.example").code == 2


def test_somebody_is_invited_and_the_address_is_printed(tenant: Any, cli: Run) -> None:
    said = cli("people", "invite", "kim@nordljus.example", "--role", "accountant", "--json")
    assert (said.json["role"], said.json["mailed"]) == ("accountant", False)
    text = Client(SERVER_NAME="localhost").get(_path(said.json["address"])).content.decode()
    assert "Join Nordljus Handel AB" in text and "Accountant" in text


def test_what_the_operator_does_is_noted(tenant: Any, cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.people import audit

    monkeypatch.setenv("USER", "root")
    cli("people", "add", "kim@nordljus.example", "--role", "owner")
    (note,) = audit.notes(tenant)
    assert (note.actor, note.what, note.about) == ("root, command line", "added", "person kim@nordljus.example")
