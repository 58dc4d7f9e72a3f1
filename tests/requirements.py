"""docs/requirements.md: each requirement of the users' documents with the tests that prove it.

A test proves a requirement when its docstring names the id. Pages of docs/ that name an id count for requirements that
are about people and not about software. `./run python -m tests.requirements` writes the page; it needs the requirements
themselves, which lie beside the project (SAMKLANG_SPECS).
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import SPECS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "requirements.md"
SOURCE = SPECS / "domain" / "REQUIREMENTS.md"
_ID = re.compile(r"\b(?:RD|[DQPJORX])-\d\d\b")
_RANGE = re.compile(r"\b((RD|[DQPJORX])-)(\d\d)…(?:\1)?(\d\d)\b")


class Requirement(NamedTuple):
    """One row of the users' requirements."""

    id: str
    text: str


def requirements(source: Path = SOURCE) -> list[Requirement]:
    """The rows of the tables, in their order."""
    found = []
    for line in source.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if len(cells) > 3 and _ID.fullmatch(cells[0]):
            found.append(Requirement(cells[0], cells[2]))
    return found


def named(text: str) -> set[str]:
    """The ids in a text; `O-04…O-06` names three."""
    ids = set(_ID.findall(text))
    for head, _, first, last in _RANGE.findall(text):
        ids |= {f"{head}{n:02}" for n in range(int(first), int(last) + 1)}
    return ids


def proofs() -> dict[str, list[str]]:
    """Id → tests that name it, as `file::test`."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        where = path.relative_to(ROOT / "tests").as_posix()
        for name, text in _docstrings(path):
            for id_ in named(text):
                found[id_].append(f"{where}::{name}")
    return found


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
            yield node.name, text


def pages() -> dict[str, list[str]]:
    """Id → pages of docs/ that name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "docs").rglob("*.md")):
        if path != PAGE:
            for id_ in named(path.read_text(encoding="utf-8")):
                found[id_].append(path.relative_to(ROOT / "docs").as_posix())
    return found


def page() -> str:
    """The whole page."""
    tests, docs = proofs(), pages()
    rows, proved = [], 0
    for id_, text in requirements():
        state = "tested" if id_ in tests else "documented" if id_ in docs else "open"
        proved += state == "tested"
        names = [f"`{name}`" for name in tests.get(id_, ())[:3]]
        more = len(tests.get(id_, ())) - 3
        where = "<br>".join([*names, *([f"and {more} more"] if more > 0 else [])])
        where = where or ", ".join(f"[{name}]({name})" for name in docs.get(id_, ())[:2])
        rows.append(f"| {id_} | {text} | {where} | {state} |")
    return "\n".join(
        [
            "# Requirements and what proves them", "",
            "Made by `./run python -m tests.requirements` out of the tests' docstrings; do not edit. *tested*: a test",
            "names the requirement. *documented*: it is about people, and a page says how. *open*: not built yet.", "",
            f"{proved} of {len(rows)} are tested.", "", "| id | requirement | proved by | state |", "|---|---|---|---|",
            *rows, "",
        ]
    )  # fmt: skip


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {page().splitlines()[5]}\n")
