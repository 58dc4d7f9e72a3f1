"""Logs: what is taken out of a line, what stays, and that no event's text is put together out of data."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog

from samklang import logs
from samklang.connectors.errors import LoginRefused
from samklang.records import Customer

SOURCES = sorted((Path(__file__).parents[2] / "src" / "samklang").rglob("*.py"))
Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    """Lines of the log since the last look."""
    logs.configure(logging.DEBUG, json=True)
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    logs.configure()


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("no mail to anna.berg+x@example.se now", "no mail to *** now"),
        ("?email=anna%40example.se", "?email=***"),
        ("call +46 70 123 45 67", "call ***"),
        ("call (08) 123 456 78 or 070-1234567", "call *** or ***"),
        ("person 19850709-9805", "person ***"),
        ("postgresql://me:pass@db.local/hub", "postgresql://***@db.local/hub"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("?consumer_secret=cs_1&page=2", "?consumer_secret=***&page=2"),
        ("ck_0123456789abcdef0123456789abcdef01234567", "***"),
    ],
)  # fmt: skip
def test_what_is_somebodys_or_opens_something_is_taken_out(logged: Logged, said: str, left: str) -> None:
    structlog.get_logger().info("said", what=said)
    assert [line["what"] for line in logged()] == [left]


@pytest.mark.parametrize(
    "said",
    [
        "SYNC-301", "2026-11-24 10:41:11", "2026-11-24T10:41:11.123456+00:00", "http://127.0.0.1:8080/x",
        "192.168.100.10", "out-12-order_status", "python3.11/site-packages/django/db/utils.py",
        "12.25 s, 1234567 rows",
    ],
)  # fmt: skip
def test_what_an_operator_needs_stays(logged: Logged, said: str) -> None:
    structlog.get_logger().info("said", what=said)
    assert [line["what"] for line in logged()] == [said]


def test_values_under_telling_names_and_things_of_any_kind_are_not_shown(logged: Logged) -> None:
    buyer = Customer(name="Anna Berg", email="anna@example.se")
    structlog.get_logger().info(
        "a line", customer=buyer, thing=buyer, phone=46701234567, token=None, raw=b"Anna", records=5,
        amount=Decimal("12.50"), deep=[{"first_name": "Anna", "sku": "A-1"}, (True, 2.5)], error=ValueError("Anna"),
        refused=LoginRefused("Anna said no"),
    )  # fmt: skip
    (line,) = logged()
    assert {name: line[name] for name in line if name not in ("event", "level", "timestamp")} == {
        "customer": "***", "thing": "<Customer>", "phone": "***", "token": None, "raw": "<bytes>", "records": 5,
        "amount": "12.50", "deep": [{"first_name": "***", "sku": "A-1"}, [True, 2.5]], "error": "ValueError",
        "refused": "SYNC-301 LoginRefused",
    }  # fmt: skip


def test_an_exception_says_where_and_of_which_kind_with_all_its_causes(logged: Logged) -> None:
    try:
        try:
            Path("/nowhere/at/all").read_bytes()
        except OSError as error:
            raise ValueError("Anna Berg") from error
    except ValueError:
        structlog.get_logger().exception("it failed")
    text = logged()[0]["exception"]
    assert "test_an_exception_says_where" in text
    assert "No such file or directory: '/nowhere/at/all'" in text, "failures of the surroundings keep their message"
    assert text.endswith("ValueError")
    assert text.count("Anna Berg") == text.count('raise ValueError("Anna Berg")') == 1, "only as our source has it"


def test_libraries_are_heard_from_warnings_on_and_in_the_same_form(logged: Logged) -> None:
    library = logging.getLogger("some.library")
    library.debug("GET /?consumer_secret=abc")
    library.warning("cannot mail %s", "anna@example.se")
    logging.getLogger("django.request").warning("Not Found: /favicon.ico")
    assert [(line["logger"], line["event"], line["level"]) for line in logged()] == [
        ("some.library", "cannot mail ***", "warning")
    ]


def test_an_events_text_is_constant() -> None:
    """A name inside a sentence cannot be found and masked; beside it, as a value, it can."""
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    wrong = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=args) if level in levels:
                    if len(args) != 1 or not isinstance(args[0], ast.Constant):
                        wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []
