"""The reference pages know every error code and every check, and nothing that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from samklang.api import reference
from samklang.api.v1 import errors as of_the_api
from samklang.api.v1.openapi import document
from samklang.connectors.checks import CHECKS
from samklang.connectors.errors import SamklangError, tree
from samklang.connectors.registers import PAGE, page, registers
from samklang.connectors.registry import manifest, packages

assert of_the_api.__doc__, "the API's own errors are part of the tree once they are known"
PAGES = Path(__file__).parents[2] / "docs" / "reference"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (PAGES / "errors.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| SYNC-")
]


@pytest.mark.parametrize("error", tree(), ids=lambda error: error.code)
def test_every_code_is_explained(error: type[SamklangError]) -> None:
    rows = [row for row in ROWS if row[0] == error.code]
    assert len(rows) == 1, f"docs/reference/errors.md has {len(rows)} rows for {error.code} ({error.__name__})"
    ((_, seen, means, do_this),) = rows
    assert seen == (error.__doc__ or "").split("\n")[0]
    assert len(means) > 20
    assert do_this.endswith(".")


def test_codes_are_unique_and_no_old_one_is_explained() -> None:
    codes = [error.code for error in tree()]
    assert len(set(codes)) == len(codes)
    assert [row[0] for row in ROWS] == sorted(codes)


@pytest.mark.parametrize("error", tree(), ids=lambda error: error.code)
def test_every_error_says_what_to_do(error: type[SamklangError]) -> None:
    assert error.do.endswith(".")


def test_every_check_is_explained_in_its_tier() -> None:
    text = (PAGES / "grades.md").read_text(encoding="utf-8")
    chapters = {words.split(":")[0].lower(): words for words in re.split(r"^## ", text, flags=re.MULTILINE)}
    for tier in ("bronze", "silver", "gold"):
        explained = re.findall(r"^\| `([\w-]+)` \| (.+) \| (.+) \|$", chapters[tier], flags=re.MULTILINE)
        assert explained == [(check.name, check.title, check.why) for check in CHECKS if check.tier == tier]


def _ours() -> list[str]:
    return sorted(name for name, package in packages().items() if package.startswith("samklang."))


def test_the_page_of_data_registers_is_current() -> None:
    """J-20."""
    assert PAGE.read_text(encoding="utf-8") == page(_ours()), "run: ./run python -m samklang.connectors.registers"


def test_a_register_says_what_the_manifest_says() -> None:
    found = registers(manifest("woocommerce"))
    assert (found["order"].reads, found["order"].writes, found["order"].seconds) == (True, False, 60)
    assert (found["shipment"].writes, found["shipment"].updates) == (True, False)
    assert "return" not in found or found["return"].reads


def test_the_pages_of_the_api_are_current() -> None:
    do_this = "run: ./run python -m samklang.api.reference"
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(document()), do_this
    assert reference.DOCUMENT.read_text(encoding="utf-8") == reference.compact(document()), do_this


def test_the_document_of_the_api_is_openapi() -> None:
    from openapi_spec_validator import validate

    validate(json.loads(reference.DOCUMENT.read_text(encoding="utf-8")))
