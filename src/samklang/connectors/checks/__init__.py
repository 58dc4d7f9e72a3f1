"""What every connector must do, as data: checks, tiers, and a grade that is computed and never claimed.

    findings = run_checks(connector_class("fortnox"), stand)     # stand None: only what can be told from the files
    grade(findings)                                              # gold, silver, bronze, or "" for less

`stand` says what a system must offer to be tried on; `bench` is the hub in small; `bronze`, `silver`, `gold` hold the
checks. The page docs/reference/grades.md explains each; `samklang connector check NAME` and the tests run them.
"""

from __future__ import annotations

import contextlib
import importlib
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from samklang.connectors.checks import bronze, gold, silver
from samklang.connectors.checks.bench import Bench, Fails
from samklang.connectors.checks.gold import Untried
from samklang.connectors.checks.stand import Happening, MemoryTokens, Specimen, Stand
from samklang.connectors.contract import Connector

__all__ = [
    "CHECKS",
    "Bench",
    "Check",
    "Finding",
    "Happening",
    "MemoryTokens",
    "Specimen",
    "Stand",
    "Tier",
    "grade",
    "run_check",
    "run_checks",
]

Tier = Literal["bronze", "silver", "gold"]
TIERS: tuple[Tier, ...] = ("bronze", "silver", "gold")
OfFiles = Callable[[type[Connector], Path, frozenset[str]], str]
OnStand = Callable[[Bench], str]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: `name` for manifests and reports, what it asks (`title`), and `why`.

    `files` looks at the connector's files, `stand` tries the connector on a stand; a check has one of them. Both give
    a comment for the report, or raise Fails or Untried. `paged` asks for feeds of several pages.
    """

    name: str
    tier: Tier
    title: str
    why: str
    files: OfFiles | None = None
    stand: OnStand | None = None
    paged: bool = False


class Finding(msgspec.Struct, frozen=True):
    """What became of one check. `exempt` passes with a comment; `untried` does not count as passed."""

    check: str
    tier: Tier
    title: str
    result: Literal["passed", "exempt", "failed", "untried"]
    said: str = ""

    @property
    def good(self) -> bool:
        """Whether it counts for the grade."""
        return self.result in ("passed", "exempt")


CHECKS: tuple[Check, ...] = (
    Check(
        name="manifest",
        tier="bronze",
        title="The manifest is complete and names only what exists",
        why="The hub, the connect form and the plan believe it; nobody reads the code to find out.",
        files=bronze.manifest,
    ),
    Check(
        name="readme",
        tier="bronze",
        title="README.md tells set-up, what is synced, limits and errors",
        why="The person who connects the system has only this page.",
        files=bronze.readme,
    ),
    Check(
        name="login",
        tier="bronze",
        title="The right login gives an account, a wrong one a plain message",
        why="A login is checked before it is saved, and most first tries are typing errors.",
        stand=bronze.login,
    ),
    Check(
        name="reads-all",
        tier="bronze",
        title="Every feed is read to its end, over several pages, each thing once",
        why="A row skipped at a page's edge is an article that never reaches the shop.",
        stand=bronze.reads_all,
        paged=True,
    ),
    Check(
        name="bound-once",
        tier="bronze",
        title="Everything keeps its id, and no id names two things",
        why="Bindings are what makes a second write an update instead of a double.",
        stand=bronze.bound_once,
    ),
    Check(
        name="written-once",
        tier="bronze",
        title="The same write twice has one effect",
        why="The hub repeats itself after every crash and every lost answer.",
        stand=bronze.written_once,
    ),
    Check(
        name="cut-off",
        tier="bronze",
        title="A page that breaks off is an error, never a short read",
        why="A short read that looks complete makes the hub believe that articles are gone.",
        stand=bronze.cut_off,
        paged=True,
    ),
    Check(
        name="slows-down",
        tier="silver",
        title="429 with Retry-After is honoured",
        why="Systems that are pushed on block the key; a long wait must not hold a worker.",
        stand=silver.slows_down,
    ),
    Check(
        name="pauses",
        tier="silver",
        title="A login that has ended pauses the connection",
        why="Thousands of failing deliveries would hide the one thing a person must do.",
        stand=silver.pauses,
    ),
    Check(
        name="killed-between",
        tier="silver",
        title="Whichever answer is lost, a record is there exactly once in the end",
        why="Orders, invoices and refunds must never be doubled, whatever moment the process is killed.",
        stand=silver.killed_between,
    ),
    Check(
        name="decimals",
        tier="silver",
        title="Money is read and written digit by digit",
        why="A total that is an öre off stops the bookkeeping.",
        stand=silver.decimals,
    ),
    Check(
        name="dst",
        tier="silver",
        title="The nights when the clock changes are read as the right instants",
        why="Twice a year a watermark in local time skips or repeats an hour of orders.",
        stand=silver.dst,
    ),
    Check(
        name="unknown-fields",
        tier="silver",
        title="Fields that nobody has heard of change nothing",
        why="Vendors add fields without a word.",
        stand=silver.unknown_fields,
    ),
    Check(
        name="error-table",
        tier="silver",
        title="README.md has a table of errors and what to do",
        why="Who looks for help has the message in front of them.",
        files=silver.error_table,
    ),
    Check(
        name="document",
        tier="gold",
        title="Every request fits the vendor's own document, where there is one",
        why="A stand-in written by us agrees with us even where both are wrong.",
        stand=gold.document,
    ),
    Check(
        name="frugal",
        tier="gold",
        title=f"A sweep costs at most {gold.PER_ITEM} requests per item, {gold.PER_SIMPLE} per simple product",
        why="At five calls a second the number of calls is the time it takes.",
        stand=gold.frugal,
    ),
    Check(
        name="small",
        tier="gold",
        title="At most 400 lines of code, or 100 for each register",
        why="A stranger shall be able to read a connector before lunch, and what one register asks for at a sitting.",
        files=gold.small,
    ),
    Check(
        name="typed",
        tier="gold",
        title="mypy --strict is content",
        why="The vendor's shapes change; types say where it hurts.",
        files=gold.typed,
    ),
)
_NAMES = frozenset(check.name for check in CHECKS)


def run_check(check: Check, connector: type[Connector], stand: Stand | None) -> Finding:
    """One check of one connector."""

    def found(result: Literal["passed", "exempt", "failed", "untried"], said: str) -> Finding:
        return Finding(check.name, check.tier, check.title, result, said)

    reason = connector.manifest.exempt.get(check.name) or (stand.cannot.get(check.name) if stand else None)
    if reason:
        return found("exempt", reason)
    try:
        if check.files:
            package = importlib.import_module(connector.__module__)
            return found("passed", check.files(connector, Path(str(package.__file__)).parent, _NAMES))
        assert check.stand
        if stand is None:
            return found("untried", "there is no stand for this system")
        bench = Bench(connector, stand)
        try:
            with stand.small_pages() if check.paged else contextlib.nullcontext():
                return found("passed", check.stand(bench))
        finally:
            bench.close()
    except Fails as failure:
        return found("failed", str(failure))
    except Untried as missing:
        return found("untried", str(missing))
    except Exception as error:  # noqa: BLE001  # a connector is foreign code; its defect is a finding, not our crash
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        return found("failed", f"{error.__class__.__name__}: {error} ({place})")


def run_checks(connector: type[Connector], stand: Stand | None = None, names: Sequence[str] = ()) -> list[Finding]:
    """All checks (or those named), in order. Without a stand only the files are looked at."""
    return [run_check(check, connector, stand) for check in CHECKS if not names or check.name in names]


def grade(findings: Sequence[Finding]) -> Tier | Literal[""]:
    """The highest tier of which every check, and every check below, is good; "" when not even bronze is."""
    reached: Tier | Literal[""] = ""
    for tier in TIERS:
        mine = [finding for finding in findings if finding.tier == tier]
        if len(mine) < sum(check.tier == tier for check in CHECKS) or not all(finding.good for finding in mine):
            break
        reached = tier
    return reached
