"""`samklang connector list | new | check`: for those who write connectors."""

from __future__ import annotations

import contextlib
import keyword
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.text import Text

from samklang.cli.screen import Exit, Screen, WrongUse
from samklang.cli.session import Common
from samklang.connectors.checks import CHECKS, Finding, Stand, grade, run_check
from samklang.connectors.registry import connector_class, manifest, packages
from samklang.sandboxes.stands import STANDS, open_stand

connector = App(name="connector", help="The connectors that there are, and tools for writing one.")

_FILES = ("manifest.toml", "__init__.py", "client.py", "map.py", "read.py", "write.py", "README.md")
_STYLE = {"passed": "green", "exempt": "green", "failed": "bold red", "untried": "yellow"}
_TREE = Path("src/samklang/connectors")
Kind = Literal["shop", "erp", "wms", "carrier", "marketplace", "payment", "pos"]


@connector.command(name="list")
def list_(*, common: Common | None = None) -> None:
    """List the connectors: what each reads and writes, and what it was checked against."""
    screen = Screen((common or Common()).json)
    facts = [manifest(name) for name in packages()]
    screen.answer(
        [
            {
                "name": m.name, "title": m.title, "kind": m.kind, "auth": m.auth, "webhooks": m.hooks,
                "reads": sorted({type_ for feed in m.feeds for type_ in feed.types}), "writes": sorted(m.writes),
                "checked_against": m.checked_against, "package": packages()[m.name],
            }
            for m in facts
        ]
    )  # fmt: skip
    screen.table(
        ["Name", "System", "Kind", "Login", "Reads", "Writes", "Checked against"],
        [
            (
                m.name, m.title, m.kind, m.auth, ", ".join(sorted({t for feed in m.feeds for t in feed.types})),
                ", ".join(sorted(m.writes)), ", ".join(m.checked_against),
            )
            for m in facts
        ],
    )  # fmt: skip


@connector.command
def new(
    name: Annotated[str, Parameter(help="Small letters, digits and underscores, such as acme.")],
    *,
    title: Annotated[str, Parameter(help="As people call the system (default: NAME).")] = "",
    kind: Annotated[Kind, Parameter(show_default=True)] = "shop",
    into: Annotated[
        Path | None, Parameter(help="Folder for a package of its own (default in a checkout: none).")
    ] = None,
    common: Common | None = None,
) -> None:
    """Write a new connector: a worked example with its tests and its page, to be changed piece by piece.

    In a checkout of Samklang it goes among the others; else it becomes a package of its own with an entry point. Its
    tests run and its grade is gold from the start; keep them so while you put the real system in.
    """
    screen = Screen((common or Common()).json)
    if not name.isidentifier() or name != name.lower() or keyword.iskeyword(name):
        raise WrongUse(f"{name!r} is no good name for a connector", "Use small letters, digits and underscores.")
    if name in packages():
        raise WrongUse(f"There is a connector {name!r} already", "Choose another name.")
    if len(title) > 40 or len(name) > 30 or not title.isprintable() or set(title) & set('"\\'):
        raise WrongUse("The name or title is too long, or holds signs that cannot stand in code")
    inside = into is None and _TREE.is_dir()
    root = Path() if inside else into or Path(f"samklang-{name}")
    folder = _TREE / name if inside else root / "samklang_connectors" / name
    test = (Path("tests/contract") if inside else root / "tests") / f"test_{name}.py"
    words = {
        "@name@": name, "@Title@": title or name.replace("_", " ").capitalize(), "@kind@": kind,
        "@Class@": "".join(part.capitalize() for part in name.split("_")),
        "@package@": f"samklang.connectors.{name}" if inside else f"samklang_connectors.{name}",
    }  # fmt: skip
    wanted = {folder / file: file for file in _FILES} | {test: "test.py"}
    if not inside:
        wanted[root / "pyproject.toml"] = "pyproject.toml"
    there = [str(path) for path in wanted if path.exists()]
    if there:
        raise WrongUse(f"{there[0]} is there already", "Nothing was written.")
    for path, template in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(template, words))
    screen.answer({"name": name, "files": [str(path) for path in wanted]})
    for path in wanted:
        screen.say(f"wrote {path}")
    how = f"./run test {test}" if inside else f"cd {root} && pip install -e . && pytest"
    screen.say(f"\nIts tests run: {how}", "bold")
    screen.say(f"Its grade: samklang connector check {name}")
    if inside:
        screen.say(
            f"When it has a sandbox, add src/samklang/sandboxes/{name}/stand.py: then `check` tries it there too."
        )
    screen.say("How to go on: docs/connectors.md")


def _filled(template: str, words: dict[str, str]) -> str:
    text = (files("samklang.cli") / "templates" / f"{template}.txt").read_text()
    for mark, word in words.items():
        text = text.replace(mark, word)
    return _one_block(text) if template.endswith(".py") else text


def _one_block(text: str) -> str:
    """The connector's own imports stand among Samklang's, in the order that the linter wants."""
    lines = text.split("\n")
    ours = [n for n, line in enumerate(lines) if line.startswith(("from samklang.", "from samklang_connectors."))]
    if not ours:
        return text
    first, last = ours[0], ours[-1]
    block = [line for line in lines[first : last + 1] if line]
    # A plain module (`from x import map`) sorts with its path, as ruff does it.
    return "\n".join([*lines[:first], *sorted(block, key=lambda line: line.split()[1]), *lines[last + 1 :]])


@connector.command
def check(
    name: str,
    *,
    only: Annotated[list[str] | None, Parameter(name="--check", help="Only this check; may be repeated.")] = None,
    common: Common | None = None,
) -> Exit:
    """Try a connector on its stand-in, check by check, and print its grade. Exit code 1 when a check fails.

    A connector without a stand-in in Samklang is judged by its files only; its own tests run the same checks on the
    stand that its author wrote.
    """
    screen = Screen((common or Common()).json)
    if name not in packages():
        raise WrongUse(f"There is no connector {name!r}", f"Known are: {', '.join(packages())}.")
    unknown = set(only or ()) - {one.name for one in CHECKS}
    if unknown:
        raise WrongUse(f"There is no check {min(unknown)!r}", f"Checks: {', '.join(one.name for one in CHECKS)}.")
    chosen = [one for one in CHECKS if not only or one.name in only]
    cls = connector_class(name)
    findings: list[Finding] = []
    with screen.progress() as step:
        for number, one in enumerate(chosen):
            step(f"{name}: checks", number, len(chosen))
            with contextlib.ExitStack() as stack:
                stand: Stand | None = stack.enter_context(open_stand(name)) if one.stand and name in STANDS else None
                findings.append(run_check(one, cls, stand))
    reached = grade(findings) if not only else ""
    screen.answer({"name": name, "grade": reached, "checks": findings})
    screen.table(
        ["Grade", "Check", "", "Result", ""],
        [(f.tier, f.check, f.title, Text(f.result, _STYLE[f.result]), f.said) for f in findings],
    )
    if not only:
        screen.say(f"{name}: {reached or 'no grade yet'}", "bold")
    return Exit.FAILED if any(f.result == "failed" for f in findings) else Exit.OK
