"""Gold: exact, frugal, small, typed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from samklang.connectors.checks.bench import Bench, Fails, items
from samklang.connectors.contract import Connector
from samklang.records import Product

PER_ITEM, PER_SIMPLE, FIXED = 0.06, 0.02, 6
_MOST_LINES, _PER_REGISTER = 400, 100  # so four registers are at home in the 400


class Untried(Exception):
    """This cannot be tried here; says what is missing."""


def document(bench: Bench) -> str:
    """Every request of reading and of writing twice fits the vendor's machine-readable document."""
    if not any(one.startswith("vendor document") for one in bench.manifest.checked_against):
        return f"no vendor document; checked against {', '.join(bench.manifest.checked_against)}"
    for feed in bench.manifest.feeds:
        bench.read(feed.name)
    for _, how, specimen in bench.specimens():
        bench.settle(specimen.record)
        if how.update:
            bench.settle(specimen.record)
    complaints = bench.stand.complaints()
    if complaints is None:
        raise Untried("the vendor's document is not at hand (SAMKLANG_SPECS)")
    if complaints:
        raise Fails(f"{len(complaints)} requests depart from it: {'; '.join(dict.fromkeys(complaints[:5]))}")
    whole = "vendor document" in bench.manifest.checked_against
    return f"{bench.stand.requests()} requests fit{'' if whole else '; the document has their paths only'}"


def frugal(bench: Bench) -> str:
    """A sweep of everything: requests per item, and per simple product; a variable parent may cost one of its own.

    A few requests at the start of each feed (settings, login) are not counted.
    """
    requests = count = 0
    said = ""
    for feed in bench.manifest.feeds:
        if not feed.listed:
            continue  # there is no list: each thing is asked for by its id
        bench.read(feed.name)  # login and settings are known now
        before = bench.stand.requests()
        found = list(items(bench.read(feed.name)))
        calls = bench.stand.requests() - before
        products = [item.record for item in found if isinstance(item.record, Product)]
        parents = sum(len(product.variants) > 1 for product in products)
        if products:
            simple = len(products) - parents
            per = max(0, calls - parents - FIXED) / max(1, simple)
            said = f"{per:.3f} per simple product ({simple}, and {parents} with variants)"
            if per > PER_SIMPLE:
                raise Fails(f"{feed.name}: {calls} requests for {said}; at most {PER_SIMPLE}")
        requests += max(0, calls - parents - FIXED)
        count += len(found)
    per_item = requests / max(1, count)
    if per_item > PER_ITEM:
        raise Fails(f"{per_item:.3f} requests per item ({requests} for {count}); at most {PER_ITEM}")
    return f"{per_item:.3f} requests per item of {count}; {said or 'no products'}" if count else "lists nothing"


def small(cls: type[Connector], folder: Path, _known: frozenset[str]) -> str:
    """Lines of code by what is carried (`Manifest.registers`); blank lines, comments and docstrings are free."""
    counts = {path.name: code_lines(path) for path in sorted(folder.glob("*.py"))}
    total, registers = sum(counts.values()), cls.manifest.registers
    most = max(_MOST_LINES, _PER_REGISTER * registers)
    listed = ", ".join(f"{name} {n}" for name, n in counts.items())
    said = f"{total} lines of code for {registers} registers, at most {most} ({listed})"
    if total > most:
        raise Fails(said)
    return said


def code_lines(path: Path) -> int:
    """Lines that hold code."""
    text = path.read_text(encoding="utf-8")
    docs: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docs.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and n not in docs
        for n, line in enumerate(text.splitlines(), 1)
    )


def typed(_cls: type[Connector], folder: Path, _known: frozenset[str]) -> str:
    """mypy --strict finds nothing in the folder."""
    if errors := type_errors([folder])[folder]:
        raise Fails("; ".join(errors[:3]))
    return "mypy --strict is content"


def type_errors(folders: Sequence[Path]) -> dict[Path, list[str]]:
    """What mypy --strict says of each folder, in one run; Untried where mypy is not there or does not run."""
    if importlib.util.find_spec("mypy") is None:
        raise Untried("mypy is not installed")
    config = next((up / "pyproject.toml" for up in folders[0].parents if (up / "pyproject.toml").exists()), None)
    home = config.parent if config else folders[0]
    more = ["--config-file", str(config)] if config else []
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *more, *map(str, folders)],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in run.stdout.splitlines() if ": error:" in line]
    if run.returncode not in (0, 1) or (run.returncode and not errors):
        raise Untried(f"mypy did not run: {(run.stderr or run.stdout).strip()[-200:]}")
    places = [(home / line.partition(":")[0]).resolve() for line in errors]
    return {
        folder: [line for place, line in zip(places, errors, strict=True) if place.is_relative_to(folder.resolve())]
        for folder in folders
    }
