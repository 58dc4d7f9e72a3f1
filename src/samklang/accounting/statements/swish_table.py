"""Swedbank's Swish report: a table under a line that says its period, as CSV or as a workbook.

Each row is a payment that is on the bank account already. The rows are numbered, so none can be missing before the
last; rows of sums must be right. The bank gives no reference, so a payment is known by all that the row says of it.
Phone and name are masked (columns from programs of others that read these files; the money's direction from its sign).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from zoneinfo import ZoneInfo

from samklang.accounting.statements.base import Kind, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format, Numbered
from samklang.accounting.statements.swish import masked, payments
from samklang.accounting.statements.tables import FETCH_AGAIN, Row, Table, decode, header_row, split_rows
from samklang.records import InvalidRecord
from samklang.records.money import ZERO
from samklang.records.times import instant

_NAMES: Mapping[str, Sequence[str]] = {
    "row": ("Radnr", "Radnummer"),
    "booked": ("Bokfdag", "Bokföringsdag", "Bokföringsdatum"),
    "date": ("Transdag", "Transaktionsdag", "Transaktionsdatum"),
    "number": ("Mottagarnr", "Mottagarnummer"),
    "phone": ("Avsändarnr", "Avsändarnummer"),
    "name": ("Avsändarnamn",),
    "message": ("Meddelande",),
    "time": ("Tid", "Klockslag"),
    "amount": ("Belopp",),
    "order": ("Orderreferens",),
}
_NEED = ("booked", "date", "number", "message", "time", "amount")
_MARKS = (_NAMES["booked"], _NAMES["number"], _NAMES["message"], _NAMES["amount"])
_TITLE = "* Swish-rapport"
_PRIVATE = ("phone", "name")
_ZONE = ZoneInfo("Europe/Stockholm")


def _read(content: Content) -> Iterator[Statement]:
    currency = content.profile.currency or "SEK"
    numbers: dict[str, list[Row]] = {}
    for row in _payments(Table(_rows(content), _NAMES, _NEED, content.numbers), currency):
        numbers.setdefault(row.text("number"), []).append(row)
    for number, rows in numbers.items():
        lines = [line for row in rows for line in _lines(row, currency)]
        yield payments(content, "swish table", number, currency, [row.day("booked") for row in rows], lines)


def _rows(content: Content) -> Numbered:
    """The table from its header on. The text is in the bank's charset, where it is not in UTF-8."""
    if content.kind != "text":
        found = content.table(*_MARKS)
        assert found is not None  # it matched
        return found
    charsets = (content.profile.charset,) if content.profile.charset else ("utf-8", "iso-8859-1")
    rows: Numbered = list(split_rows(decode(content.data, charsets), ","))
    place = header_row(rows, _MARKS)
    if place is None:
        raise Unreadable("The report has no header with Bokfdag, Mottagarnr and Belopp.", do_this=FETCH_AGAIN)
    return rows[place:]


def _payments(table: Table, currency: str) -> Iterator[Row]:
    """The rows that are payments, each with the number that follows; rows of sums are checked and left out."""
    count, total, part = 0, ZERO, ZERO
    for row in table:
        amount = row.money("amount", currency)
        if not (row.text("booked") or row.text("number")):
            if amount not in (total, part):
                raise row.wrong("amount", f"is not the {part} of the rows above", code="AMOUNT_DIFF")
            part = ZERO
            continue
        row.need("number")
        row.need("booked")
        count += 1
        if table.has("row") and row.amount("row") != count:
            raise row.wrong("row", f"is not {count}, the number that follows: a row is missing", do_this=FETCH_AGAIN)
        total, part = total + amount, part + amount
        yield row


def _lines(row: Row, currency: str) -> Iterable[StatementLine]:
    amount = row.money("amount", currency)
    kind: Kind = "sale" if amount > 0 else "refund"
    try:
        at = instant(f"{row.day('date')}T{row.need('time')}", "time", local=_ZONE)
    except InvalidRecord:
        raise row.wrong("time", "is not a time") from None
    titles = {row.title(name) for name in _PRIVATE}
    cells = {title: masked(cell) if title in titles else cell for title, cell in row.cells.items()}
    told = "/".join(row.text(name) for name in _NAMES if name != "row")
    moves: tuple[tuple[Kind, Decimal], ...] = ((kind, amount), ("payout", -amount)) if amount else ()
    for what, value in moves:
        yield StatementLine(
            kind=what,
            amount=value,
            currency=currency,
            row=row.number,
            cells=cells,
            provider_id=sha256(told.encode()).hexdigest()[:20],
            order_ref=row.text("order"),
            at=at,
            day=row.day("booked"),
            text=row.text("message"),
        )


def _matches(content: Content) -> bool:
    if content.kind == "text":
        return content.head.startswith(_TITLE)
    return content.kind == "xlsx" and content.table(*_MARKS) is not None


FORMATS = (Format("swish table", "Swedbank's Swish report, CSV or workbook", _matches, _read),)
