"""Every operation of the API, called by schemathesis as an owner, with what its schema allows and with what it does
not: never a 5xx, and every answer as the document says.

A few cases for each operation, always the same ones. Before a release, and after a change of what many operations
share, more of them, on either database:
SAMKLANG_TEST_EXAMPLES=200 SAMKLANG_TEST_HOME=postgresql ./run test tests/api/test_schema.py
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.transport.wsgi import WSGI_TRANSPORT
from werkzeug.test import Client

from samklang.api.v1 import DOORS
from tests.api.conftest import Caller
from tests.conftest import sqlite
from tests.people.routes import VALUES
from tests.people.test_walk import victim

_ = victim  # the fixture
EXAMPLES = int(os.environ.get("SAMKLANG_TEST_EXAMPLES", "4"))
TAGS = [door.router.tags[0] for door in DOORS if door.router.tags]
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
#: Every other case asks for something that is there; else nearly all would be answered with 404.
THERE: dict[str, Any] = {name: values[0] for name, values in VALUES.items()}


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The database to try it on."""
    if os.environ.get("SAMKLANG_TEST_HOME") == "postgresql":
        from samklang.settings import postgresql

        return postgresql(request.getfixturevalue("postgres").create("schema", "template"))
    file = tmp_path_factory.mktemp("schema") / "samklang.db"
    file.write_bytes(migrated.read_bytes())
    return sqlite(file)


@cache
def operations() -> dict[str, list[Any]]:
    """Operations by the heading that they stand under."""
    from samklang.api.v1.openapi import document

    found: dict[str, list[Any]] = {tag: [] for tag in TAGS}
    plain = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})  # the token is ours
    for one in schemathesis.openapi.from_dict(document(), config=plain).get_all_operations():
        found[one.ok().tags[0]].append(one.ok())
    return found


@pytest.fixture(scope="module")
def asked(victim: Any) -> Iterator[Callable[[Case], None]]:
    """Makes a call, judges the answer, and leaves the tenant as it was."""
    before = django_settings.API_RATE, django_settings.API_BURST
    django_settings.API_RATE = django_settings.API_BURST = 1_000_000_000
    ends = (signals.request_started, signals.request_finished)
    for signal in ends:  # a transaction is open around every call
        signal.disconnect(close_old_connections)
    headers = {"Authorization": f"Bearer {Caller(victim).text}"}
    client = Client(WSGIHandler())

    def ask(case: Case) -> None:
        with transaction.atomic():
            answer = client.open(**WSGI_TRANSPORT.serialize_case(case, headers=headers))
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)  # type: ignore[arg-type]

    yield ask
    django_settings.API_RATE, django_settings.API_BURST = before
    for signal in ends:
        signal.connect(close_old_connections)


def test_every_operation_stands_under_a_heading() -> None:
    assert sum(map(len, operations().values())) > 100 and all(operations().values())


@pytest.mark.parametrize("tag", TAGS)
def test_whatever_is_sent_the_answer_is_as_the_document_says(tag: str, asked: Callable[[Case], None]) -> None:
    for operation in operations()[tag]:
        for mode in GenerationMode:
            try_out(operation.as_strategy(generation_mode=mode), asked)


def try_out(strategy: Any, ask: Callable[[Case], None]) -> None:
    """Draw cases and ask each."""
    count = 0

    def run(case: Case) -> None:
        nonlocal count
        count += 1
        case.path_parameters["tenant"] = THERE["tenant"]
        for name in case.path_parameters:
            if count % 2:
                case.path_parameters[name] = THERE.get(name, case.path_parameters[name])
        ask(case)

    drawn = settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    drawn(given(strategy)(run))()
