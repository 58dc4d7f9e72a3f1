"""What the books ask a person, as the hub's problems: grouped, with amount and remedy, closed when it is well again.

Four kinds are kept apart. `derived` problems are what a run finds; the next run says which of them still are;
`checked` ones likewise of the nightly check. `handed` ones come with a file, and stay until the file is read well or a
person has seen them. `unattached` is an itemised list that cannot hang on its voucher, until it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Literal

from samklang.accounting.problems import Problem
from samklang.connectors.errors import SamklangError, Unreconciled
from samklang.hub import problems
from samklang.hub.models import Company, ProblemItem

#: `direction` and `type` of the hub's problem items.
DIRECTION = "acc"
Kind = Literal["derived", "checked", "handed", "unattached"]
_TYPES: dict[Kind, str] = {
    "derived": "books", "checked": "books check", "handed": "statement file", "unattached": "itemised list",
}  # fmt: skip
_LONGEST = 300

#: No problem for a person: the payout is there already, nothing is to be done.
HARMLESS = frozenset({"DUPLICATE_STATEMENT"})


def as_error(problem: Problem) -> Unreconciled:
    """The problem as the hub shows it."""
    return Unreconciled(problem.code, problem.what, where=problem.where, do_this=problem.do_this)


def voucher_changed(key: str) -> Problem:
    """The rows of this voucher are no longer what was derived and approved."""
    return Problem(code="VOUCHER_CHANGED", where=key, what=f"{key} is no longer what was approved.")


def replace(company: Company, found: Iterable[Problem], kind: Kind = "derived") -> int:
    """These are what a run (or check) has found now; the others of earlier ones are gone. Gives how many there are."""
    kept = {_key(company, problem.code, problem.where): problem for problem in found if problem.code not in HARMLESS}
    _report(company, kind, kept)
    there = ProblemItem.objects.filter(
        tenant=company.tenant_id, connection=None, direction=DIRECTION, type=_TYPES[kind],
        key__startswith=f"{company.code}/",
    )  # fmt: skip
    gone = [key for key in there.values_list("key", flat=True) if key not in kept]
    problems.clear(company.tenant_id, None, DIRECTION, _TYPES[kind], gone)
    return len(kept)


def add(company: Company, found: Iterable[Problem]) -> None:
    """Problems that came with a file."""
    _report(company, "handed", {_key(company, problem.code, problem.where): problem for problem in found})


def add_error(company: Company, where: str, error: SamklangError) -> None:
    """A file that nobody waits for was refused."""
    trouble = problems.Trouble(DIRECTION, _TYPES["handed"], _key(company, "file", where), error)
    problems.report(company.tenant_id, None, [trouble])


def settle(company: Company, code: str, where: str) -> None:
    """A person has seen to it, or the file has been read after all."""
    problems.clear(company.tenant_id, None, DIRECTION, _TYPES["handed"], [_key(company, code, where)])


def add_unattached(company: Company, voucher: str, error: SamklangError) -> None:
    """The itemised list of a voucher cannot hang on it."""
    trouble = problems.Trouble(DIRECTION, _TYPES["unattached"], _key(company, "list", voucher), error)
    problems.report(company.tenant_id, None, [trouble])


def settle_unattached(company: Company, voucher: str) -> None:
    """It hangs there now."""
    problems.clear(company.tenant_id, None, DIRECTION, _TYPES["unattached"], [_key(company, "list", voucher)])


def _report(company: Company, kind: Kind, found: dict[str, Problem]) -> None:
    problems.report(
        company.tenant_id,
        None,
        [
            problems.Trouble(
                DIRECTION, _TYPES[kind], key, as_error(problem), amount=problem.amount or None,
                currency=problem.currency,
            )
            for key, problem in found.items()
        ],
    )  # fmt: skip


def _key(company: Company, code: str, where: str) -> str:
    """Names the row that a problem is about; a long name ends in its hash."""
    key = f"{company.code}/{code}/{where}"
    return key if len(key) <= _LONGEST else f"{key[:235]}/{sha256(key.encode()).hexdigest()}"
