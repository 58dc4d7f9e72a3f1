"""`samklang statements …`: what providers and banks say, matched with what was sold. See also cli/vouchers.py."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from django.utils.translation import gettext_noop

from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, Session, session, who
from samklang.connectors.errors import SamklangError
from samklang.hub.models import Company
from samklang.hub.setup.companies import part_of
from samklang.people.models import Member
from samklang.people.rights import Right
from samklang.reconciliation import companies, decisions, events_in, fetching, files, lists_in, looks, run, vat_numbers
from samklang.reconciliation.models import Statement

statements = App(
    name="statements", help="Settlement files, bank files and marketplace reports: in, matched, looked at."
)

ApprovedBy = Annotated[
    str,
    Parameter(help="Whose word it is, by e-mail: an accountant or owner of the tenant. Needed where it has people."),
]
OfCompany = Annotated[str, Parameter(help="Which company's books; not needed where there is only one.")]


def company_of(now: Session, code: str) -> Company:
    """The company that a command is about."""
    return companies.the_company(now.tenant, code)


def approver(now: Session, by: str) -> str:
    """Who approves: a person whose role may. Without people in the tenant it is whoever sits at this machine."""
    members = Member.objects.filter(tenant=now.tenant).select_related("user")
    if not by:
        if members.exists():
            raise WrongUse("Who approves?", "Name an accountant or an owner of the tenant with --by.")
        return who()
    found = members.filter(user__email__iexact=by).first()
    if found is None or not found.may(Right.APPROVE):
        raise WrongUse(f"{by} may not approve vouchers", "An accountant or an owner may.")
    return str(found.user.email)


def keep(now: Session, company: Company) -> run.Report | None:
    """Keep the books after something has come in, and say what became of it."""
    report = run.run(company)
    if report is None:
        now.screen.note("Another process keeps the books just now; what came in is seen by its next run.")
        return None
    if vat_numbers.ask(company):  # what VIES has answered decides on orders that waited for it
        report = run.run(company) or report
    now.screen.say(
        f"{report.matched} lines newly matched, {report.suggestions} to be confirmed, {report.vouchers} vouchers wait, "
        f"{report.problems} problems."
    )
    return report


@statements.command(name="import")
def import_(
    *paths: Path,
    provider: Annotated[str, Parameter(help="Whose files they are, where a file leaves something open.")] = "",
    company: OfCompany = "",
    common: Common | None = None,
) -> Exit:
    """Read settlement and bank files: each whole or not at all, each only once, in any order."""
    if not paths:
        raise WrongUse("No file was named", "Give one or more files.")
    with session(common) as now:
        row = company_of(now, company)
        told: list[dict[str, Any]] = []
        failed = False
        for path in paths:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise WrongUse(f"{path} cannot be read: {error.strerror}") from error
            try:
                made = files.import_file(row, path.name, data, files.Handed(who(), "cli", provider))
            except SamklangError as error:
                failed = True
                now.screen.error(error)
                told.append({"file": path.name, "refused": error.what, "code": error.code, "do_this": error.do_this})
                continue
            problems = [problem.code for problem in made.problems]
            now.note(gettext_noop("statement file handed in"), f"file {path.name}", new=len(made.new))
            told.append({"file": path.name, "new": made.new, "known": made.known, "problems": problems})
        now.screen.table(
            ["File", "New", "Known", ""],
            [
                (
                    one["file"], len(one.get("new", ())) or "", len(one.get("known", ())) or "",
                    one.get("refused") or ", ".join((*one["new"], *one["problems"])),
                )
                for one in told
            ],
        )  # fmt: skip
        report = keep(now, row)
        now.screen.answer({"files": told, "run": report._asdict() if report else None})
        return Exit.FAILED if failed else Exit.LOOK if report and report.problems else Exit.OK


@statements.command
def fetch(
    *names: str,
    company: OfCompany = "",
    common: Common | None = None,
) -> Exit:
    """Ask the connections of `statements_from` (or those that are named) for statements now. `samklang serve` does it
    each hour."""
    with session(common) as now:
        row = company_of(now, company)
        wanted = names or part_of(row).statements_from
        if not wanted:
            raise WrongUse("No connection is named", 'Set statements_from = ["…"] for the company, and apply it.')
        runs = {name: fetching.fetch(row, name, by=who()) for name in wanted}
        report = keep(now, row) if any(run and run.taken for run in runs.values()) else None
        now.screen.answer(
            {
                "fetched": [run._asdict() for run in runs.values() if run],
                "left_out": [name for name, run in runs.items() if run is None],
                "run": report._asdict() if report else None,
            }
        )  # fmt: skip
        now.screen.table(
            ["Connection", "New>", "Refused>", ""],
            [
                (name, run.taken, run.refused, run.error) if run else (name, "", "", "paused, or another process asks")
                for name, run in runs.items()
            ],
        )
        failed = any(run is None or run.error or run.refused for run in runs.values())
        return Exit.FAILED if failed else Exit.OK


@statements.command
def sources(*, company: OfCompany = "", common: Common | None = None) -> Exit:
    """Where statements come from by themselves, and how the last run went. 3 when one broke off."""
    with session(common) as now:
        rows = fetching.sources(company_of(now, company))
        now.screen.answer([row._asdict() for row in rows])
        now.screen.table(
            ["Connection", "State", "Last run", "Ended well", "New>", "Refused>", "In all>", ""],
            [
                (
                    row.name, row.state or "missing", row.ran_at or "–", row.well_at or "–", row.taken, row.refused,
                    row.total, row.error,
                )
                for row in rows
            ],
        )  # fmt: skip
        return Exit.LOOK if any(row.error for row in rows) else Exit.OK


@statements.command(name="list")
def list_(
    *,
    provider: Annotated[str, Parameter(help="Only of this provider.")] = "",
    open_: Annotated[bool, Parameter(name="--open", help="Only those with lines that have no order.")] = False,
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Statements, newest first: what was paid out, what has no order yet, whether it is booked."""
    with session(common) as now:
        rows = looks.payouts(company_of(now, company), provider=provider, open_only=open_, most=200)
        now.screen.answer([row._asdict() for row in rows])
        now.screen.table(
            ["Day", "Provider", "Reference", "Paid out>", "", "Lines>", "Open>", "Voucher", "Bank"],
            [
                (
                    row.day, row.provider, row.reference, row.payout, row.currency, row.lines, row.open, row.voucher,
                    "" if row.bank is None else row.bank,
                )
                for row in rows
            ],
        )  # fmt: skip


@statements.command
def show(
    reference: Annotated[str, Parameter(help="The payout's reference.")],
    *,
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """One statement: every line with the order that it belongs to."""
    with session(common) as now:
        row = company_of(now, company)
        found = list(Statement.objects.filter(tenant=now.tenant, company=row, reference=reference)[:2])
        if len(found) != 1:
            raise WrongUse(f"{len(found) or 'No'} statements are called {reference}", "`samklang statements list`")
        lines = looks.statement_lines(row, found[0], most=100_000)
        now.screen.answer({"statement": found[0].key, "lines": [line._asdict() for line in lines]})
        now.screen.table(
            ["No>", "Kind", "Reference", "Amount>", "", "Order", "Matched by"],
            [
                (
                    line.number, line.kind, line.order_ref, line.amount, line.currency, line.order,
                    _matched(line),
                )
                for line in lines
            ],
            title=found[0].key,
        )  # fmt: skip


@statements.command
def suggestions(*, company: OfCompany = "", common: Common | None = None) -> Exit:
    """Pairs that may belong together; `samklang statements confirm` says that one does."""
    with session(common) as now:
        found = looks.pairs(company_of(now, company))
        now.screen.answer([pair._asdict() for pair in found])
        now.screen.table(
            ["Line", "Payment", "Amount>", "", "Why"],
            [(pair.line, pair.expected, pair.amount, pair.currency, pair.why) for pair in found],
        )
        return Exit.LOOK if found else Exit.OK


@statements.command
def confirm(
    line: Annotated[str, Parameter(help="The statement line, as `suggestions` or a problem names it.")],
    payment: Annotated[str, Parameter(help="The payment of an order.")],
    *,
    why: Annotated[str, Parameter(help="Kept with the match.")] = "",
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Say that a statement line is this payment."""
    with session(common) as now:
        row = company_of(now, company)
        decisions.confirm(row, line, payment, by=who(), why=why)
        now.note(gettext_noop("match confirmed"), f"statement line {line}", payment=payment, why=why)
        report = keep(now, row)
        now.screen.answer({"line": line, "payment": payment, "run": report._asdict() if report else None})


@statements.command
def decide(
    kind: Annotated[str, Parameter(help="ignore, straight, lost, write off or vat valid.")],
    about: Annotated[str, Parameter(help="The row, as a problem names it.")],
    *,
    why: Annotated[str, Parameter(help="Kept with the books.")],
    role: Annotated[str, Parameter(help="straight: the provider; write off: the role of the account.")] = "",
    day: Annotated[str, Parameter(help="Day of the decision (default: today).")] = "",
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Say what only a person can: a problem is none, a bank line the provider's, a dispute lost, a rest written off."""
    with session(common) as now:
        row = company_of(now, company)
        on = a_day(day) if day else None
        decisions.decide(row, kind, about, by=who(), why=why, role=role, day=on)
        now.note(gettext_noop("decision of the books"), f"{kind} {about}", why=why)
        report = keep(now, row)
        now.screen.answer({"kind": kind, "about": about, "run": report._asdict() if report else None})


@statements.command
def rates(
    path: Annotated[Path, Parameter(help="The ECB's eurofxref-hist.csv, or columns currency, day, rate.")],
    *,
    since: Annotated[str, Parameter(help="First day to keep.", show_default=True)] = "2020-01-01",
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Read exchange rates towards the company's currency."""
    with session(common) as now:
        row = company_of(now, company)
        home = str(row.settings.get("currency", "SEK"))
        count = lists_in.take_rates(now.tenant, home, _read(path), since=a_day(since))
        now.note(gettext_noop("exchange rates read"), f"file {path.name}", count=count)
        companies.wake(row)
        now.screen.answer({"rates": count})
        now.screen.say(f"{count} rates towards {home} are kept.")


@statements.command
def openings(
    path: Annotated[Path, Parameter(help="CSV: provider, channel, order, day, amount, currency, booked, id.")],
    *,
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Read what was sold before the books began and is not paid out yet; replaces the list."""
    with session(common) as now:
        row = company_of(now, company)
        count = lists_in.take_openings(row, _read(path))
        now.note(gettext_noop("opening list read"), f"file {path.name}", count=count)
        report = keep(now, row)
        now.screen.answer({"items": count, "run": report._asdict() if report else None})
        now.screen.say(f"{count} items stand on the opening list.")


@statements.command
def tills(
    path: Annotated[Path, Parameter(help="CSV: channel, register, number, day, taken NAME, net RATE, vat RATE.")],
    *,
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Read tills' Z-reports: one voucher each."""
    with session(common) as now:
        row = company_of(now, company)
        count = events_in.take_tills(row, _read(path))
        now.note(gettext_noop("Z-reports read"), f"file {path.name}", count=count)
        report = keep(now, row)
        now.screen.answer({"reports": count, "run": report._asdict() if report else None})
        now.screen.say(f"{count} Z-reports are kept.")


@statements.command
def gift_cards(
    path: Annotated[Path, Parameter(help="CSV: number, day, rest.")],
    *,
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Read multi-purpose gift cards that have expired: what was left on them is income of the day."""
    with session(common) as now:
        row = company_of(now, company)
        count = events_in.take_gift_cards(row, _read(path))
        now.note(gettext_noop("expired gift cards read"), f"file {path.name}", count=count)
        report = keep(now, row)
        now.screen.answer({"cards": count, "run": report._asdict() if report else None})
        now.screen.say(f"{count} expired gift cards are kept.")


def _matched(line: looks.LineRow) -> str:
    return f"{line.rule} ({line.confidence} %)" if line.rule else "looks for its order" if line.looking else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}") from error


def a_day(text: str) -> date:
    """A day as it was typed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"{text} is no date", "Write it as 2026-12-31.") from None
