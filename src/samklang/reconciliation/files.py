"""Statements and bank files into the tables: a file is taken whole or not at all, and the same thing is never twice.

A file is known by its bytes, a payout by its provider, account, reference and currency. What is read again is passed
over; other content under a known payout is a problem (STATEMENT_CHANGED), and what was read first stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec
from django.db import IntegrityError, transaction

from samklang.accounting.bank.base import BankStatement as BankStatementRow
from samklang.accounting.intake import accept, daily, remember
from samklang.accounting.matching import line_id
from samklang.accounting.payouts import bank_rows, provider_of
from samklang.accounting.problems import Problem, Refused
from samklang.accounting.settlement import statement_day, statement_id
from samklang.accounting.statements.base import Profile, file_hash
from samklang.accounting.statements.base import Statement as StatementRow
from samklang.accounting.statements.reading import read_statement
from samklang.connectors.errors import BadData, SamklangError
from samklang.hub.keeping import uploads
from samklang.hub.models import Company, Connection
from samklang.hub.setup.companies import CompanyPart, part_of
from samklang.reconciliation import exceptions, kept
from samklang.reconciliation.companies import accounting_company, wake
from samklang.reconciliation.models import BankLine, BankStatement, Statement, StatementFile, StatementLine
from samklang.reconciliation.sets import insert

Way = Literal["cli", "console", "api", "folder", "fetched"]
Read = Sequence[StatementRow | BankStatementRow]

#: What a statement may be, by its bytes.
KINDS: tuple[uploads.Kind, ...] = ("xlsx", "xml", "json", "text")
#: Ways on which nobody waits for the answer: a refused file becomes a problem.
_UNWATCHED = ("folder", "fetched")
_BATCH = 500
_encode = msgspec.json.Encoder(decimal_format="string").encode


class Handed(NamedTuple):
    """How a file came: by whom, on which way. `provider` says whose it is where the file leaves things open."""

    by: str
    way: Way
    provider: str = ""
    connection: Connection | None = None


class Imported(NamedTuple):
    """What became of a file: `new` are names of statements that were not known, `known` those that were."""

    file: StatementFile
    new: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    lines: int = 0


def import_file(company: Company, name: str, data: bytes, handed: Handed) -> Imported:
    """Take a file.

    Raises SamklangError when it cannot be read or is not this company's. Then it is kept as refused, with the reason,
    and may be handed in again once the reason is gone; what is no statement by its first look (empty, packed, a
    picture) is not kept. Where nobody waits for the answer, both become a problem.
    """
    try:
        upload = uploads.checked(name, data, KINDS)
    except SamklangError as error:
        if handed.way in _UNWATCHED:
            with transaction.atomic():
                exceptions.add_error(company, uploads.plain_name(name), error)
        raise
    taker = _Taker(company, upload, handed)
    try:
        return taker.take()
    except IntegrityError:  # another process has taken the same file or payout in this moment
        return taker.take()
    except SamklangError as error:
        taker.refuse(error)
        raise


def statement_rows(statements: Iterable[Statement]) -> list[StatementRow]:
    """Statements with their lines, as they were read; each proves its balance again."""
    heads = list(statements)
    lines: dict[int, list[bytes]] = {row.pk: [] for row in heads}
    for start in range(0, len(heads), _BATCH):
        some = [row.pk for row in heads[start : start + _BATCH]]
        found = StatementLine.objects.filter(statement__in=some).order_by("statement_id", "number")
        for statement, body in found.values_list("statement_id", "body").iterator(chunk_size=5000):
            lines[statement].append(bytes(body))
    return [_whole(bytes(row.head), lines[row.pk]) for row in heads]


def _whole(head: bytes, lines: Sequence[bytes]) -> StatementRow:
    return msgspec.json.decode(head[:-1] + b',"lines":[' + b",".join(lines) + b"]}", type=StatementRow)


class _Taker:
    """One file on its way into the tables."""

    def __init__(self, company: Company, upload: uploads.Upload, handed: Handed) -> None:
        self.company = company
        self.tenant = company.tenant_id
        self.upload = upload
        self.handed = handed
        self.hash = file_hash(upload.body)

    def take(self) -> Imported:
        seen = StatementFile.objects.filter(tenant=self.tenant, hash=self.hash).select_related("company").first()
        if seen is not None and seen.company_id != self.company.pk:
            raise BadData(f"The file was handed in for {seen.company.code}", do_this="Hand it in for one company only.")
        if seen is not None and seen.state == StatementFile.State.TAKEN:
            return Imported(seen, known=_names(seen))
        try:
            part = part_of(self.company)
            made = self._read(part)
            self._check_owner(made, part)
            with transaction.atomic():
                return self._keep(made)
        except Refused as refused:
            raise exceptions.as_error(refused.problem) from refused

    def refuse(self, error: SamklangError) -> None:
        """Keep the file with the reason, unless that file has been taken."""
        with transaction.atomic():
            if not StatementFile.objects.filter(
                tenant=self.tenant, hash=self.hash, state=StatementFile.State.TAKEN
            ).exists():
                self._file(StatementFile.State.REFUSED, str(error))
            if self.handed.way in _UNWATCHED:
                exceptions.add_error(self.company, self.upload.name, error)

    def _read(self, part: CompanyPart) -> Read:
        provider = self.handed.provider
        made = read_statement(self.upload.body, self.upload.name, part.files.get(provider, Profile()))
        if not made:
            raise BadData("The file holds no statement", do_this="Export a period in which something happened.")
        others = {_owner(one) for one in made} - {provider}
        if provider and others:
            what = f"The file is from {', '.join(sorted(others))}, not from {provider}"
            raise BadData(what, do_this="Say nothing about the provider, or name the one that the file is from.")
        return made

    def _check_owner(self, made: Read, part: CompanyPart) -> None:
        """An account at a provider that the settings give to this company, or to nobody."""
        for one in made:
            own = part.accounts_at.get(_owner(one), ())
            if own and one.account not in own:
                raise BadData(
                    f"The account {one.account or 'without number'} at {_owner(one)} is none of {self.company.code}'s",
                    do_this=f"Hand the file in for the company that it belongs to; here there are {', '.join(own)}.",
                )

    def _keep(self, made: Read) -> Imported:
        file = self._file(StatementFile.State.TAKEN, "")
        new: list[str] = []
        known: list[str] = []
        problems: list[Problem] = []
        lines = 0
        for one in [day for made_one in made if isinstance(made_one, StatementRow) for day in daily(made_one)]:
            id_ = statement_id(one)
            there = Statement.objects.filter(tenant=self.tenant, company=self.company, key=id_).first()
            if there is None:
                self._keep_statement(file, one, id_)
                new.append(id_)
                lines += len(one.lines)
            elif (changed := _changed(there, one)) is None:
                known.append(id_)
            else:
                problems.append(changed)
        for bank in (one for one in made if isinstance(one, BankStatementRow)):
            count = self._keep_bank(file, bank)
            lines += count
            (new if count or not bank.lines else known).append(_bank_name(bank.account, bank.reference))
        exceptions.add(self.company, problems)
        exceptions.settle(self.company, "file", self.upload.name)
        wake(self.company)
        return Imported(file, tuple(new), tuple(known), tuple(problems), lines)

    def _file(self, state: str, error: str) -> StatementFile:
        row, _ = StatementFile.objects.update_or_create(
            tenant_id=self.tenant,
            hash=self.hash,
            defaults={
                "company": self.company, "name": self.upload.name, "size": len(self.upload.body),
                "by": self.handed.by[:150], "way": self.handed.way, "connection": self.handed.connection,
                "state": state, "error": error, "body": kept.seal(self.upload.body),
            },
        )  # fmt: skip
        return row

    def _keep_statement(self, file: StatementFile, made: StatementRow, id_: str) -> None:
        head = {name: getattr(made, name) for name in made.__struct_fields__ if name != "lines"}
        row = Statement.objects.create(
            tenant_id=self.tenant, company=self.company, file=file, key=id_, provider=made.provider,
            account=made.account[:80], reference=made.reference[:120], currency=made.currency, format=made.format,
            scope=made.scope, day=statement_day(made), payout=made.payout, opening=made.opening, closing=made.closing,
            lines=len(made.lines), head=_encode(head),
        )  # fmt: skip
        insert(
            StatementLine,
            ("tenant", "statement", "number", "line", "kind", "amount", "currency", "order_ref", "body"),
            (
                (
                    self.tenant, row.pk, number, line_id(made, line), line.kind, line.amount, line.currency,
                    line.order_ref[:120], _encode(line),
                )
                for number, line in enumerate(made.lines, 1)
            ),
        )  # fmt: skip

    def _keep_bank(self, file: StatementFile, made: BankStatementRow) -> int:
        """Keep what is new of it; gives how many lines that were."""
        last = max((line.booked_on for line in made.lines), default=None)
        head = BankStatement.objects.create(
            tenant_id=self.tenant, company=self.company, file=file, kind=made.kind, format=made.format,
            account=made.account[:80], currency=made.currency, reference=made.reference[:120], number=made.number[:40],
            opening=made.opening, closing=made.closing, day=made.end or last, lines=len(made.lines),
        )  # fmt: skip
        rows = {row.id: row for row in bank_rows([made])}
        mine = BankLine.objects.filter(tenant=self.tenant, company=self.company)
        names = list(rows)
        for start in range(0, len(names), _BATCH):
            for known in mine.filter(row__in=names[start : start + _BATCH]).values_list("row", flat=True):
                del rows[known]
        ours = accounting_company(self.company)
        BankLine.objects.bulk_create(
            (
                BankLine(
                    tenant_id=self.tenant, company=self.company, statement=head, row=row.id,
                    booked_on=row.line.booked_on, amount=row.line.amount, currency=row.line.currency,
                    text=row.line.text, provider=provider_of(row.line, ours), body=_encode(row.line),
                )
                for row in rows.values()
            ),
            batch_size=_BATCH,
        )  # fmt: skip
        return len(rows)


def _owner(one: StatementRow | BankStatementRow) -> str:
    return one.provider if isinstance(one, StatementRow) else "bank"


def _changed(there: Statement, now: StatementRow) -> Problem | None:
    """STATEMENT_CHANGED, unless the statement says what it said."""
    (before,) = statement_rows([there])
    found = accept([now], {there.key: remember(before)}).problems
    return next((problem for problem in found if problem.code == "STATEMENT_CHANGED"), None)


def _bank_name(account: str, reference: str) -> str:
    return f"{account} {reference}".strip()


def _names(file: StatementFile) -> tuple[str, ...]:
    """Names of what was first read in this file."""
    bank = BankStatement.objects.filter(file=file).values_list("account", "reference")
    return (*Statement.objects.filter(file=file).values_list("key", flat=True), *(_bank_name(*one) for one in bank))
