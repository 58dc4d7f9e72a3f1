"""`samklang vouchers …` and `samklang control`: what is to be booked, approved and posted, and the totals that must
agree."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from django.utils import timezone
from django.utils.translation import gettext_noop

from samklang.accounting.sie import write_sie
from samklang.cli.books import ApprovedBy, OfCompany, a_day, approver, company_of, keep
from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, Session, session, who
from samklang.hub.models import Company
from samklang.reconciliation import check, exports, handover, looks, reports
from samklang.reconciliation import control as controls
from samklang.reconciliation.companies import accounting_company, ledger_flow, today
from samklang.reconciliation.facts import records
from samklang.reconciliation.models import OPEN, Books, Export, Voucher
from samklang.reconciliation.vouchers import Seen
from samklang.reconciliation.vouchers import approve as approve_seen

vouchers = App(name="vouchers", help="What is to be booked: looked at, approved, handed to the ledger.")


@vouchers.command
def keep_books(*, company: OfCompany = "", common: Common | None = None) -> Exit:
    """Derive the vouchers anew from orders, statements and decisions. `samklang serve` does it by itself."""
    with session(common) as now:
        report = keep(now, company_of(now, company))
        now.screen.answer(report._asdict() if report else None)
        return Exit.LOOK if report and report.problems else Exit.OK


@vouchers.command(name="list")
def list_(
    *,
    state: Annotated[str, Parameter(help="draft, validated, approved, sent, posted or reversed.")] = "",
    order: Annotated[str, Parameter(help="Only those that book this order (channel/number).")] = "",
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Vouchers, newest first."""
    with session(common) as now:
        row = company_of(now, company)
        found = looks.vouchers(row, states=[state] if state else (), order=order, most=500)
        now.screen.answer([one._asdict() for one in found])
        now.screen.table(
            ["Date", "Text", "Turnover>", "", "State", "Number", "Key"],
            [
                (one.date, one.text, one.turnover, one.currency, one.state, one.number, one.key) for one in found
            ],
        )  # fmt: skip
        counts = looks.voucher_counts(row)
        now.screen.say(", ".join(f"{count} {name}" for name, (count, _) in sorted(counts.items())) or "None yet.")


@vouchers.command
def show(
    key: Annotated[str, Parameter(help="Its key, or the ledger's number.")],
    *,
    rows: Annotated[bool, Parameter(help="Also every source row with its share.")] = False,
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """One voucher, line by line."""
    with session(common) as now:
        head = _find(now, company_of(now, company), key)
        lines = looks.voucher_lines(head)
        told: list[dict[str, Any]] = []
        for line in lines:
            told.append({"account": line.account, "name": line.name, "amount": line.amount, "role": line.role})
            if rows:
                found = looks.refs(head, line.number, most=100_000)
                told[-1]["rows"] = [{"of": ref.kind, "row": ref.row, "share": ref.amount} for ref in found]
        now.screen.answer({**looks.voucher_row(head)._asdict(), "lines": told})
        print_voucher(now, head)
        for one in told if rows else ():
            now.screen.table(
                ["Of", "Row", "Share>"],
                [(row["of"], row["row"], row["share"]) for row in one["rows"]],
                title=f"{one['account']} {one['name']}",
            )


def print_voucher(now: Session, head: Voucher) -> None:
    """A voucher as accountants write it."""
    lines = looks.voucher_lines(head)
    cell = looks.amount
    now.screen.table(
        ["Account", "Name", "Debit>", "Credit>"],
        [
            (
                line.account, line.name, cell(line.amount) if line.amount > 0 else "",
                cell(-line.amount) if line.amount < 0 else "",
            )
            for line in lines
        ],
        title=f"{head.date} {head.number or head.series} {head.text} ({head.state})",
    )  # fmt: skip


@vouchers.command
def approve(
    *keys: str,
    all_: Annotated[bool, Parameter(name="--all", help="Everything that may be approved.")] = False,
    by: ApprovedBy = "",
    company: OfCompany = "",
    common: Common | None = None,
) -> Exit:
    """Approve vouchers: they go to the ledger, and never change again."""
    if bool(keys) == all_:
        raise WrongUse("Which vouchers?", "Name them by key, or say --all.")
    with session(common) as now:
        row, person = company_of(now, company), approver(now, by)
        wanted = Voucher.objects.filter(tenant=now.tenant, company=row, state=Voucher.State.VALIDATED)
        found = {one.key: one for one in (wanted if all_ else wanted.filter(key__in=keys))}
        if missing := [key for key in keys if key not in found]:
            raise WrongUse(f"{missing[0]} is not there, or may not be approved", "`samklang vouchers list`")
        count = approve_seen(row, [Seen(one.pk, bytes(one.hash).hex()) for one in found.values()], by=person)
        for key in found:
            now.note(gettext_noop("voucher approved"), f"voucher {key}", approver=person)
        flow = ledger_flow(row)
        now.screen.answer({"approved": sorted(found), "ledger": flow.target.name if flow else None})
        where = f"go to {flow.target.name}" if flow else "wait until a flow of vouchers to a ledger is switched on"
        if exports.takes_files(row):
            where = "go into the next file for the ledger (`samklang vouchers export`)"
        now.screen.say(f"{count} vouchers are approved and {where}.")
        return Exit.OK


@vouchers.command
def withdraw(key: str, *, by: ApprovedBy = "", company: OfCompany = "", common: Common | None = None) -> None:
    """Take an approval back while the ledger has not been asked."""
    with session(common) as now:
        row, person = company_of(now, company), approver(now, by)
        handover.withdraw(row, _find(now, row, key).pk, by=person)
        now.note(gettext_noop("approval withdrawn"), f"voucher {key}", approver=person)
        now.screen.answer({"withdrawn": key})
        now.screen.say("It is a draft again.")


@vouchers.command
def sie(
    out: Annotated[Path, Parameter(help="Where to write it.")],
    *,
    state: Annotated[str, Parameter(help="Only those of this state (default: all that are not posted yet).")] = "",
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Write vouchers as a SIE 4I file, to look at or to read into a ledger by hand. Nothing is marked as posted."""
    with session(common) as now:
        row = company_of(now, company)
        states = [state] if state else [*OPEN, Voucher.State.APPROVED]
        heads = Voucher.objects.filter(tenant=now.tenant, company=row, state__in=states).select_related("company")
        ours = accounting_company(row)
        data = write_sie(records(heads.order_by("date", "pk")), ours, today(ours), sign=who())
        try:
            out.write_bytes(data)
        except OSError as error:
            raise WrongUse(f"{out} cannot be written: {error.strerror}") from error
        now.screen.answer({"file": str(out), "vouchers": heads.count()})
        now.screen.say(f"{heads.count()} vouchers are in {out}.")


@vouchers.command
def export(
    *,
    sie: Annotated[Path | None, Parameter(help="File or folder to write what is new to.")] = None,
    again: Annotated[int, Parameter(help="Write this file once more, as it was, instead of a new one.")] = 0,
    company: OfCompany = "",
    common: Common | None = None,
) -> Exit:
    """Hand approved vouchers to a ledger that takes files: as SIE 4I, each voucher in one file. Without --sie: list
    them; 3 when a number is missing."""
    with session(common) as now:
        row = company_of(now, company)
        if sie is None:
            return _list_exports(now, row)
        made = exports.the_file(row, again) if again else exports.export(row, by=who())
        if made is None:
            now.screen.answer({"export": None, "files": [_file_told(one) for one in exports.files(row)]})
            now.screen.say("Nothing is new: every approved voucher is in a file already. `--again NUMBER` writes one.")
            return Exit.OK
        path = sie / made.name if sie.is_dir() else sie
        try:
            path.write_bytes(exports.content(made))
        except OSError as error:
            raise WrongUse(
                f"{path} cannot be written: {error.strerror}",
                f"The vouchers are in file {made.number} now; write it elsewhere with --again {made.number}.",
            ) from error
        if not again:
            now.note(gettext_noop("vouchers exported"), f"file {made.name}", vouchers=made.vouchers)
        now.screen.answer({"export": made.number, "file": str(path), "vouchers": made.vouchers, "hash": made.hash})
        now.screen.say(f"{made.vouchers} vouchers are in {path}, which is file {made.number}.")
        return Exit.OK


def _file_told(one: Export) -> dict[str, Any]:
    fields = ("number", "name", "at", "by", "vouchers", "first", "last", "place", "left_at", "error")
    return {name: getattr(one, name) for name in fields}


def _list_exports(now: Session, row: Company) -> Exit:
    rows, missing = exports.files(row), exports.gaps(row)
    waiting = looks.voucher_counts(row).get(Voucher.State.APPROVED, (0, None))[0]
    now.screen.answer(
        {
            "files": [_file_told(one) for one in rows], "gaps": [one._asdict() for one in missing], "waiting": waiting,
        }
    )  # fmt: skip
    now.screen.table(
        ["No>", "File", "Made", "By", "Vouchers>", "From", "To", "Left at", ""],
        [
            (
                one.number, one.name, one.at, one.by, one.vouchers, one.first, one.last, one.place or "–", one.error,
            )
            for one in rows
        ],
    )  # fmt: skip
    for gap in missing:
        now.screen.say(f"{gap.series} {gap.number}/{gap.year.year} is in no file: a file is missing here.", "bold red")
    now.screen.say(f"{waiting} approved vouchers are in no file yet.")
    return Exit.LOOK if missing else Exit.OK


def control(
    *,
    on: Annotated[str, Parameter(help="Last day of the period (default: today).")] = "",
    since: Annotated[str, Parameter(help="First day of it (default: the month's).")] = "",
    stated: Annotated[
        tuple[str, ...], Parameter(help="What a provider says that it owes, as provider=amount; several times.")
    ] = (),
    xlsx: Annotated[Path | None, Parameter(help="Also write the lists as a workbook.")] = None,
    pdf: Annotated[Path | None, Parameter(help="Also write them as a document.")] = None,
    anew: Annotated[
        bool, Parameter(help="First derive everything anew and compare it with what is kept, as is done every night.")
    ] = False,
    mend: Annotated[bool, Parameter(help="With --anew: keep what was derived where it differs.")] = False,
    company: OfCompany = "",
    common: Common | None = None,
) -> Exit:
    """The totals that must agree: clearing balances, VAT, missing statements, open receivables. 3 when they do not."""
    with session(common) as now:
        row = company_of(now, company)
        if anew:
            _check(now, row, mend)
        last = a_day(on) if on else today(accounting_company(row))
        first = a_day(since) if since else controls.month(last)[0]
        balances = controls.clearing(row, last, dict(_pair(text) for text in stated))
        vat = controls.vat(row, first, last)
        missing = controls.missing(row, last)
        sheets = reports.control_sheets(row, first, last)
        books = looks.books(row) or Books()
        _write(sheets, _heading(row), xlsx, pdf)
        now.screen.answer(
            {
                "first": first, "last": last, "clearing": [_told(one) for one in balances],
                "vat": [_told(one) for one in vat], "missing": [one._asdict() for one in missing],
                "ran_at": books.ran_at, "checked_at": books.checked_at, "differing": books.differing,
                "changed": books.changed,
                "open": [one._asdict() for one in controls.open_items(row, last)],
            }
        )  # fmt: skip
        for sheet in sheets[:3]:
            now.screen.table(
                [c.name + (">" if c.kind in ("money", "count") else "") for c in sheet.columns], list(sheet.rows),
                title=f"{sheet.title}: {sheet.note}",
            )  # fmt: skip
        for key in books.changed:
            now.screen.say(f"{key} is no longer what was approved: somebody has changed the database.", "bold red")
        if books.differing:
            now.screen.say(f"{books.differing} kept sums were not what they are derived to be.", "bold red")
        if books.checked_at:
            now.screen.say(f"Derived anew and compared {books.checked_at:%Y-%m-%d %H:%M} UTC.")
        wrong = any(abs(one.difference) > 1 for one in balances) or any(abs(one.difference) > 1 for one in vat)
        return Exit.LOOK if wrong or books.changed or books.differing else Exit.OK


def _check(now: Session, row: Company, mend: bool) -> None:
    """Derive anew and compare; what a run must see first is kept first."""
    found = check.check(row, mend=mend)
    if found is None:
        keep(now, row)
        found = check.check(row, mend=mend)
    if found is None:
        raise WrongUse("The books cannot be checked now", "Another process is at them, or they stand still: try again.")
    if mend:
        now.note(gettext_noop("books' sums derived anew"), f"company {row.code}", differing=found.differing)
        now.screen.say(f"{found.differing} sums differed, and are kept as they were derived.")
        keep(now, row)
        check.check(row)


def _write(sheets: list[reports.Sheet], heading: str, xlsx: Path | None, pdf: Path | None) -> None:
    if xlsx is None and pdf is None:
        return
    from samklang.reconciliation import papers  # takes a while to load, and few commands need it

    if xlsx is not None:
        xlsx.write_bytes(papers.to_xlsx(sheets))
    if pdf is not None:
        pdf.write_bytes(papers.to_pdf(heading, sheets, timezone.localtime()))


def _told(one: controls.Clearing | controls.Vat) -> dict[str, Any]:
    return {**one._asdict(), "difference": one.difference}


def _heading(row: Company) -> str:
    return str(row.settings.get("name", row.code))


def _find(now: Session, company: Company, key: str) -> Voucher:
    rows = Voucher.objects.filter(tenant=now.tenant, company=company)
    found = rows.filter(key=key).first() or rows.filter(number=key).first()
    if found is None:
        raise WrongUse(f"There is no voucher {key}", "`samklang vouchers list` names them.")
    return found


def _pair(text: str) -> tuple[str, Decimal]:
    provider, _, amount = text.partition("=")
    try:
        return provider, Decimal(amount)
    except InvalidOperation:
        raise WrongUse(f"{text} is not PROVIDER=AMOUNT", "For example klarna=1234.50.") from None
