"""The contract suite: every check of every connector. The sandboxes are fresh for each check; real systems, which take
long to start, are shared and marked `integration`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from samklang.connectors import registry
from samklang.connectors.checks import CHECKS, Check, Finding, Stand, run_check
from samklang.connectors.checks.gold import type_errors
from samklang.sandboxes.stands import STANDS
from tests.contract.stands import REAL, running

OF_FILES = [check for check in CHECKS if check.files and check.name != "typed"]  # typed: all in one run, below
ON_STANDS = [check for check in CHECKS if check.stand]
CONNECTORS = [name for name in registry.packages() if name != "shelf"]


def _cases(names: list[str] | tuple[str, ...], checks: list[Check]) -> list[Any]:
    return [pytest.param(name, check, id=f"{name}-{check.name}") for name in names for check in checks]


def _judged(finding: Finding) -> None:
    if finding.result == "untried":
        pytest.skip(finding.said)
    assert finding.good, f"{finding.title}: {finding.said}"


@pytest.mark.parametrize(("name", "check"), _cases(CONNECTORS, OF_FILES))
def test_files(name: str, check: Check) -> None:
    _judged(run_check(check, registry.connector_class(name), None))


def test_every_connector_is_typed() -> None:
    found = type_errors([Path(str(files(registry.packages()[name]))) for name in CONNECTORS])
    assert {folder.name: errors for folder, errors in found.items() if errors} == {}


@pytest.mark.parametrize(("name", "check"), _cases(tuple(STANDS), ON_STANDS))
def test_on_the_sandbox(name: str, check: Check) -> None:
    with running(name) as stand:
        _judged(run_check(check, registry.connector_class(name), stand))


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> Iterator[dict[str, Stand]]:
    """The real systems, each started when it is first asked for."""
    with contextlib.ExitStack() as stack:

        class Started(dict[str, Stand]):
            def __missing__(self, name: str) -> Stand:
                self[name] = stack.enter_context(running(name))
                return self[name]

        yield Started()


@pytest.mark.integration
@pytest.mark.parametrize(("name", "check"), _cases(REAL, ON_STANDS))
def test_on_the_real_system(name: str, check: Check, real: dict[str, Stand]) -> None:
    _judged(run_check(check, registry.connector_class(name), real[name]))


def test_every_connector_is_tried_on_a_stand() -> None:
    assert set(CONNECTORS) == set(STANDS) | set(REAL)
