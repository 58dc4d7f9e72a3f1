"""The page of requirements is as the tests are."""

from __future__ import annotations

import pytest

from tests import requirements


@pytest.mark.skipif(not requirements.SOURCE.exists(), reason="the users' requirements are not beside the project")
def test_the_page_is_what_the_tests_say() -> None:
    assert requirements.PAGE.read_text(encoding="utf-8") == requirements.page(), (
        "run: ./run python -m tests.requirements"
    )


@pytest.mark.skipif(not requirements.SOURCE.exists(), reason="the users' requirements are not beside the project")
def test_what_comes_after_the_order_is_proved_line_by_line() -> None:
    """Issue 4 names these: each has a test, or a page where it is about people."""
    ids = {f"O-{n:02}" for n in range(1, 25)} | {f"J-{n:02}" for n in range(9, 14)}
    ids |= {f"P-{n:02}" for n in range(4, 10)} | {f"Q-{n:02}" for n in range(5, 18)}
    proved = set(requirements.proofs()) | set(requirements.pages())
    assert sorted(ids - proved) == []


def test_ids_are_found_singly_and_in_ranges() -> None:
    assert requirements.named("O-04…O-06, J-13 and RD-08") == {"O-04", "O-05", "O-06", "J-13", "RD-08"}
