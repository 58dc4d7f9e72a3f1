"""BgMax: payments to a bankgiro number, as Bankgirot's manual of November 2019 has them.

Lines of 80 fixed columns in ISO 8859-1; trimmed lines do, tabs in place of blanks do not, unless they stand behind all
fields. Every section ends with the deposit that its payments sum to (deposit = Σ payments − Σ deductions), the file
with the counts of all records. Files that were put together are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from samklang.accounting.bank.base import BankDetail, BankLine, BankStatement
from samklang.accounting.statements.base import Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.tables import FETCH_AGAIN, decode
from samklang.records.money import CURRENCIES, ZERO, from_minor_units

#: First and last column of each field (from 1), by record type.
_FIELDS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "01": {"layout": (3, 22), "version": (23, 24), "written": (25, 44), "test": (45, 45)},
    "05": {"bankgiro": (3, 12), "plusgiro": (13, 22), "currency": (23, 25)},
    "20": {
        "sender": (3, 12), "reference": (13, 37), "amount": (38, 55), "code": (56, 56), "channel": (57, 57),
        "serial": (58, 69), "image": (70, 70), "deduction": (71, 71),
    },
    "25": {"text": (3, 52)},
    "26": {"name": (3, 37), "more": (38, 72)},
    "15": {
        "account": (3, 37), "date": (38, 45), "serial": (46, 50), "amount": (51, 68), "currency": (69, 71),
        "count": (72, 79), "type": (80, 80),
    },
    "70": {"payments": (3, 10), "deductions": (11, 18), "references": (19, 26), "deposits": (27, 34)},
}  # fmt: skip
_SAME_LAYOUT = {"21": "20", "22": "20", "23": "20"}
#: Reference code 2 is a reference whose check digit the bank has proved (OCR).
_PROVED = "2"
_ZONE = ZoneInfo("Europe/Stockholm")
#: Not all that Python calls a line's end: ISO 8859-1 has some of them inside texts.
_LINE_END = re.compile(r"\r\n|\r|\n")


class _Record(NamedTuple):
    """One line: its type and its fields, cut at their columns."""

    row: int
    type: str
    fields: Mapping[str, str]

    def number(self, name: str) -> int:
        text = self.fields[name]
        if not text.isascii() or not text.isdigit():
            raise self.wrong(name, "is not a number")
        return int(text)

    def wrong(self, name: str, why: str) -> Unreadable:
        first, last = _FIELDS[_SAME_LAYOUT.get(self.type, self.type)][name]
        return Unreadable(
            f"Field {name} (columns {first} to {last}) of record {self.type} {why}.",
            row=self.row,
            column=name,
            value=self.fields[name],
            do_this=FETCH_AGAIN,
        )


def _read(content: Content) -> Iterator[BankStatement]:
    charsets = (content.profile.charset,) if content.profile.charset else ("utf-8", "iso-8859-1")
    text = decode(content.data, charsets).removeprefix("\ufeff")
    lines = enumerate(_LINE_END.split(text), 1)
    for records in _files([_record(row, line) for row, line in lines if line.strip(" \x1a\x00")]):
        start, end = records[0], records[-1]
        _check_counts(records, end)
        for section in _sections(records[1:-1]):
            yield _statement(content, start, section)


def _files(records: Sequence[_Record]) -> Iterator[Sequence[_Record]]:
    """The records of each file from its opening record 01 to its closing record 70."""
    first = 0
    for place, record in enumerate(records):
        if (record.type == "01") != (place == first):
            raise Unreadable(
                "The closing record 70 is missing before it." if record.type == "01" else "No opening record 01.",
                row=record.row,
                value=record.type,
                do_this=FETCH_AGAIN,
            )
        if record.type == "70":
            yield records[first : place + 1]
            first = place + 1
    if first < len(records):
        raise Unreadable("The closing record 70 is missing.", row=records[-1].row, do_this=FETCH_AGAIN)


def _record(row: int, line: str) -> _Record:
    """The line's fields; unknown types have none and are passed over."""
    type_ = line[:2]
    layout = _FIELDS.get(_SAME_LAYOUT.get(type_, type_), {})
    if "\t" in line[: max((last for _, last in layout.values()), default=0)]:
        raise Unreadable(
            f"Record {type_} has a tab, so its fields are not in their columns.",
            row=row,
            column=str(line.index("\t") + 1),
            value=line.strip(),
            do_this="Get the file from the bank as it was; an editor has changed it.",
        )
    if len(line) > 80 and line[80:].strip():
        raise Unreadable(f"The line has {len(line)} columns, not 80.", row=row, value=line[80:], do_this=FETCH_AGAIN)
    padded = line.ljust(80)
    return _Record(row, type_, {name: padded[first - 1 : last].strip() for name, (first, last) in layout.items()})


def _check_counts(records: Sequence[_Record], end: _Record) -> None:
    counted = {"payments": ("20",), "deductions": ("21",), "references": ("22", "23"), "deposits": ("15",)}
    for name, types in counted.items():
        count = sum(record.type in types for record in records)
        if end.number(name) != count:
            raise end.wrong(name, f"says {end.number(name)}, but the file has {count} such records")


def _sections(records: Sequence[_Record]) -> Iterator[list[_Record]]:
    """The records from an opening record 05 to its deposit 15."""
    section: list[_Record] = []
    for record in records:
        if (record.type == "05") != (not section):
            raise Unreadable("A section is not closed by its deposit.", row=record.row, do_this=FETCH_AGAIN)
        section.append(record)
        if record.type == "15":
            yield section
            section = []
    if section:
        raise Unreadable("The last section is not closed by its deposit.", row=section[-1].row, do_this=FETCH_AGAIN)


def _statement(content: Content, start: _Record, section: Sequence[_Record]) -> BankStatement:
    head, deposit = section[0], section[-1]
    currency = head.fields["currency"]
    if currency not in CURRENCIES or deposit.fields["currency"] != currency:
        raise deposit.wrong("currency", f"is not the section's {currency!r}")
    details = tuple(_details(section[1:-1], currency))
    total = from_minor_units(deposit.number("amount"), currency)
    paid = sum((detail.amount for detail in details if detail.amount), ZERO)
    if paid != total:
        raise Unreadable(
            f"The payments sum to {paid}, the deposit is {total} {currency}.",
            row=deposit.row,
            column="amount",
            value=deposit.fields["amount"],
            amount=paid - total,
            currency=currency,
            do_this=FETCH_AGAIN,
        )
    payments = sum(record.type in ("20", "21") for record in section)
    if deposit.number("count") != payments:
        raise deposit.wrong("count", f"is not the {payments} payments of the section")
    paid_on = _date(deposit)
    line = BankLine(
        amount=total,
        currency=currency,
        booked_on=paid_on,
        row=deposit.row,
        reference=deposit.fields["serial"],
        code=deposit.fields["type"],
        text=" ".join(dict.fromkeys(word for detail in details for word in (detail.reference, detail.text) if word)),
        details=details,
        cells=deposit.fields,
    )
    account = head.fields["bankgiro"].lstrip("0")
    return BankStatement(
        format="bgmax",
        kind="notice",
        account=account or head.fields["plusgiro"].lstrip("0"),
        currency=currency,
        reference=f"{deposit.fields['date']}/{deposit.fields['serial']}",
        file_hash=content.hash,
        number=deposit.fields["serial"],
        start=paid_on,
        end=paid_on,
        created=_written(start),
        lines=(line,),
        test=start.fields["test"] == "T",
    )


def _details(records: Sequence[_Record], currency: str) -> Iterator[BankDetail]:
    """Payments and deductions, each with the extra references, texts and names that follow it."""
    groups: list[list[_Record]] = []
    for record in records:
        if record.type in ("20", "21"):
            groups.append([record])
        elif groups:
            groups[-1].append(record)
        elif record.type in ("22", "23"):
            raise Unreadable("An extra reference stands before any payment.", row=record.row, do_this=FETCH_AGAIN)
    for payment, *others in groups:
        amount = from_minor_units(payment.number("amount"), currency)
        extra = [record.fields["reference"] for record in others if record.type in ("22", "23")]
        yield BankDetail(
            amount=amount if payment.type == "20" else -amount,
            currency=currency,
            reference=payment.fields["reference"],
            references=tuple(reference for reference in extra if reference),
            text=" ".join(record.fields["text"] for record in others if record.type == "25"),
            bank_id=payment.fields["serial"],
            party=next((record.fields["name"] for record in others if record.type == "26"), ""),
            party_account=payment.fields["sender"].lstrip("0"),
            reason=payment.fields["deduction"],
            ocr=payment.fields["code"] == _PROVED,
            row=payment.row,
        )


def _date(deposit: _Record) -> date:
    try:
        return datetime.strptime(deposit.fields["date"], "%Y%m%d").replace(tzinfo=_ZONE).date()
    except ValueError:
        raise deposit.wrong("date", "is not a date") from None


def _written(start: _Record) -> datetime:
    try:
        written = datetime.strptime(start.fields["written"][:14], "%Y%m%d%H%M%S")  # noqa: DTZ007  # Swedish time
    except ValueError:
        raise start.wrong("written", "is not a time") from None
    return written.replace(tzinfo=_ZONE)


def _matches(content: Content) -> bool:
    return content.kind == "text" and content.head.startswith("01BGMAX")


FORMATS = (Format("bgmax", "Bankgirot's incoming payments", _matches, _read),)
