"""requirements.runtime.lock is what the wheel needs: all of it, nothing else, in the versions that are tested."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^([\w.-]+==\S+(?: ; .*?)?) \\$", re.MULTILINE)


def _locked(name: str) -> dict[str, Requirement]:
    found = [Requirement(line) for line in LINE.findall((ROOT / name).read_text())]
    return {canonicalize_name(one.name): one for one in found}


def _needed() -> set[str]:
    """Every package that samklang needs here, by what the installed packages say themselves."""
    waiting = [("samklang", "")]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        for one in map(Requirement, distribution(name).requires or []):
            if not one.marker or one.marker.evaluate({"extra": extra}):
                new = {(canonicalize_name(one.name), wanted) for wanted in ("", *one.extras)} - seen
                seen |= new
                waiting.extend(new)
    return {name for name, _ in seen} - {"samklang"}


def test_it_holds_exactly_what_the_wheel_needs() -> None:
    here = {
        name for name, one in _locked("requirements.runtime.lock").items() if not one.marker or one.marker.evaluate()
    }
    assert here == _needed()


def test_its_versions_are_those_that_are_tested() -> None:
    tested = _locked("requirements.lock")
    differ = [name for name, one in _locked("requirements.runtime.lock").items() if one != tested.get(name)]
    assert differ == []


def test_every_package_has_its_hashes() -> None:
    for block in re.split(r"\n(?=\w)", (ROOT / "requirements.runtime.lock").read_text()):
        assert "--hash=sha256:" in block, block.splitlines()[0]
