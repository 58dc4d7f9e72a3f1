"""The bank's Swish report (Handelsbanken's layout): record types 01, 02 and 03, no header row.

Swish has no payouts: every payment is on the bank account at once, so each row is a sale (or refund) and its own
payout. Comma comes with a decimal point, semicolon with a decimal comma. Phone and name are masked, they are nobody's
business here (RECONCILIATION §6; layout from public notes, to be confirmed with a bank's file).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from samklang.accounting.statements.base import Kind, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.tables import COMMA, FETCH_AGAIN, POINT, Row, decode, split_rows

#: Kind and sign by type. What we pay out by Swish to a person is no sale and no refund.
_KINDS: Mapping[str, tuple[Kind, int]] = {
    "swh": ("sale", 1),
    "swr": ("refund", -1),
    "swt": ("refund_reversal", 1),
    "swu": ("adjustment", -1),
    "swz": ("adjustment", 1),
}
_FIELDS = (
    "record", "org_no", "account", "bic", "number", "date", "type", "amount", "currency", "phone", "name", "reference",
    "message", "order", "timestamp", "booked", "instruction", "end_to_end",
)  # fmt: skip
_PRIVATE = ("phone", "name")
_SHORTEST = 15
_ZONE = ZoneInfo("Europe/Stockholm")


def _read(content: Content) -> Iterator[Statement]:
    delimiter = ";" if ";" in content.head else ","
    charsets = (content.profile.charset,) if content.profile.charset else ("utf-8", "iso-8859-1")
    records = split_rows(decode(content.data, charsets).removeprefix("\ufeff"), delimiter)
    rows = [row for number, cells in records if (row := _row(number, cells, delimiter)) is not None]
    _check_end(records, len(rows))
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.need("number"), row.currency("currency")), []).append(row)
    for (number, currency), group in groups.items():
        days = [row.day("booked") or row.day("date") for row in group]
        lines = [line for row in group for line in _lines(row, currency)]
        yield payments(content, "swish report", number, currency, days, lines)


def payments(
    content: Content, form: str, number: str, currency: str, days: Sequence[date | None], lines: Sequence[StatementLine]
) -> Statement:
    """What one number has received and given on these days; all of it has reached the bank."""
    known = [day for day in days if day]
    return Statement(
        provider="swish",
        format=form,
        reference="",
        currency=currency,
        file_hash=content.hash,
        account=number,
        scope="account",
        start=min(known, default=None),
        end=max(known, default=None),
        lines=tuple(lines),
    )


def _row(number: int, cells: Sequence[str], delimiter: str) -> Row | None:
    """A payment's row with phone and name masked, or None for another record type."""
    if cells[0].strip() != "02":
        return None
    if not _SHORTEST <= len(cells) <= len(_FIELDS):
        raise Unreadable(
            f"The row has {len(cells)} fields, not {_SHORTEST} to {len(_FIELDS)}.", row=number, do_this=FETCH_AGAIN
        )
    values = dict(zip(_FIELDS, cells, strict=False))
    shown = {name: masked(value) if name in _PRIVATE else value for name, value in values.items()}
    return Row(number, shown, shown, {}, COMMA if delimiter == ";" else POINT)


def masked(text: str) -> str:
    """As many stars as there are letters and digits: who paid is nobody's business here."""
    return re.sub(r"\w", "*", text)


def _check_end(records: Sequence[tuple[int, Sequence[str]]], payments: int) -> None:
    number, last = records[-1]
    if last[0].strip() != "03":
        raise Unreadable("The closing record 03 is missing.", row=number, do_this=FETCH_AGAIN)
    stated = last[1].strip() if len(last) > 1 else ""
    if stated.lstrip("0") != str(payments or ""):
        raise Unreadable(
            f"The file has {payments} payments, its closing record says {stated or 'nothing'}.",
            row=number,
            column="number of 02 records",
            value=stated,
            do_this=FETCH_AGAIN,
        )


def _lines(row: Row, currency: str) -> Iterable[StatementLine]:
    kind, sign = row.one_of("type", _KINDS)
    amount = sign * abs(row.money("amount", currency))
    row.need("timestamp")  # a comma inside a name or message has moved the cells of a row that has none there
    at, _ = row.moment("timestamp", _ZONE)
    moves: tuple[tuple[Kind, Decimal], ...] = ((kind, amount), ("payout", -amount))
    for what, value in moves:
        yield StatementLine(
            kind=what,
            amount=value,
            currency=currency,
            row=row.number,
            cells=row.cells,
            provider_id=row.need("reference"),
            order_ref=row.text("order"),
            type=row.text("type"),
            at=at,
            day=row.day("booked") or row.day("date"),
            text=row.text("message"),
        )


def _matches(content: Content) -> bool:
    return content.kind == "text" and re.match(r'"?01"?\s*[,;]', content.head) is not None


FORMATS = (Format("swish report", "the bank's Swish report, records 01 to 03", _matches, _read),)
