"""A SIE 4 file → what it says: company, chart, dimensions, vouchers. All or nothing, nothing repaired.

Refused: a voucher that does not sum to zero, a checksum that is wrong, a number or date that is none, a file that ends
inside a voucher. Passed over, as the format says: unknown labels, further fields, #BTRANS, and #RTRANS, which is
repeated as #TRANS. Tolerated: any of three charsets, ISO dates, missing braces and object lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from samklang.accounting.sie.checksum import checksum
from samklang.accounting.sie.lines import Row, decode, rows
from samklang.accounting.statements.base import Unreadable
from samklang.records.money import ZERO

_HUNDREDTH = Decimal("0.01")
#: Noughts beyond the second decimal change nothing; thirteen digits are more than any voucher has.
_AMOUNT = re.compile(r"-?(?:[0-9]{1,13}(?:\.[0-9]{0,2}0*)?|\.[0-9]{1,2}0*)")
_DATE = re.compile(r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}")


class SieLine(msgspec.Struct, frozen=True, kw_only=True):
    """One #TRANS; debit is positive. `objects` maps dimension number to object."""

    account: str
    amount: Decimal
    objects: Mapping[str, str] = {}
    day: date | None = None
    text: str = ""
    quantity: str = ""
    sign: str = ""


class SieVoucher(msgspec.Struct, frozen=True, kw_only=True):
    """One #VER; series and number are empty where the receiving program is to number it."""

    series: str
    number: str
    day: date
    text: str = ""
    registered: date | None = None
    sign: str = ""
    lines: tuple[SieLine, ...] = ()


class SieFile(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is 1, 2, 3 or 4 (#SIETYP). `imported` is the flag that a program sets when it has read the file.

    `accounts` maps number to name, `dimensions` number to name, `objects` (dimension, object) to name.
    """

    company: str = ""
    org_no: str = ""
    program: str = ""
    currency: str = "SEK"
    kind: str = ""
    imported: bool = False
    accounts: Mapping[str, str] = {}
    dimensions: Mapping[str, str] = {}
    objects: Mapping[tuple[str, str], str] = {}
    vouchers: tuple[SieVoucher, ...] = ()


def read_sie(data: bytes) -> SieFile:
    """The file's content. Unreadable names row and value of what is wrong."""
    found = list(rows(decode(data)))
    labels = {row.label for row in found}
    if missing := {"#FLAGGA", "#FNAMN"} - labels:
        raise Unreadable(f"This is no SIE file, or only its beginning: {' and '.join(sorted(missing))} is not in it.")
    _check_sum(found)
    first = {row.label: row for row in reversed(found)}

    def text(label: str) -> str:
        return first[label].text(0) if label in first else ""

    return SieFile(
        company=text("#FNAMN"),
        org_no=text("#ORGNR"),
        program=text("#PROGRAM"),
        currency=text("#VALUTA") or "SEK",
        kind=text("#SIETYP") or "1",
        imported=text("#FLAGGA") == "1",
        accounts={row.text(0): row.text(1) for row in found if row.label == "#KONTO"},
        dimensions={row.text(0): row.text(1) for row in found if row.label in ("#DIM", "#UNDERDIM")},
        objects={(row.text(0), row.text(1)): row.text(2) for row in found if row.label == "#OBJEKT"},
        vouchers=tuple(_vouchers(found)),
    )


def _check_sum(found: Sequence[Row]) -> None:
    places = [place for place, row in enumerate(found) if row.label == "#KSUMMA"]
    if not places:
        return
    if len(places) != 2 or not found[places[1]].fields:
        raise Unreadable("The file begins a checksum (#KSUMMA) and does not end it: it is cut off.")
    stated, computed = found[places[1]].text(0), checksum(found[places[0] + 1 : places[1]])
    if stated != str(computed):
        row = found[places[1]].number
        raise Unreadable(f"The checksum is {stated}, the content gives {computed}.", row=row, value=stated)


def _vouchers(found: Sequence[Row]) -> list[SieVoucher]:
    """Vouchers with the #TRANS that follow them, inside braces or (in the wild) without."""
    made: list[SieVoucher] = []
    head: Row | None = None
    lines: list[SieLine] = []
    inside = False
    for row in [*found, Row(0, "", ())]:
        if row.label == "{":
            if head is None or inside:
                raise Unreadable("A brace opens where no voucher begins.", row=row.number)
            inside = True
        elif row.label == "#TRANS":
            if head is None:
                raise Unreadable("A #TRANS belongs to no voucher.", row=row.number)
            lines.append(_line(row))
        elif row.label == "}":
            if not inside:
                raise Unreadable("A brace closes where none is open.", row=row.number)
            inside = False
        elif inside and row.label in ("#VER", ""):
            raise Unreadable("The file ends, or a voucher begins, inside a voucher.", row=row.number)
        elif not inside and row.label not in ("#BTRANS", "#RTRANS"):
            if head is not None:
                made.append(_voucher(head, lines))
            head, lines = (row if row.label == "#VER" else None), []
    return made


def _voucher(row: Row, lines: list[SieLine]) -> SieVoucher:
    if difference := sum((line.amount for line in lines), ZERO):
        raise Unreadable(
            f"Voucher {row.text(0)} {row.text(1)} differs by {difference}.".replace("  ", " "),
            row=row.number,
            value=row.text(3) or row.text(2),
            amount=difference,
            do_this="Let the program that made the file export it again; a voucher is never repaired here.",
        )
    day = _day(row, 2)
    if day is None:
        raise Unreadable("A voucher has no date.", row=row.number)
    return SieVoucher(
        series=row.text(0), number=row.text(1), day=day, text=row.text(3), registered=_day(row, 4), sign=row.text(5),
        lines=tuple(lines),
    )  # fmt: skip


def _line(row: Row) -> SieLine:
    objects: dict[str, str] = {}
    fields = list(row.fields)
    if len(fields) > 1 and isinstance(fields[1], tuple):
        named = fields.pop(1)
        if len(named) % 2:
            raise Unreadable("An object list has a dimension without object.", row=row.number, value=" ".join(named))
        objects = dict(zip(named[::2], named[1::2], strict=True))
    plain = Row(row.number, row.label, tuple(fields))
    if not fields or isinstance(fields[0], tuple) or not fields[0].strip():
        raise Unreadable("A #TRANS names no account.", row=row.number, value=" ".join(map(str, row.fields)))
    return SieLine(
        account=plain.text(0), amount=_amount(plain), objects=objects, day=_day(plain, 2), text=plain.text(3),
        quantity=plain.text(4), sign=plain.text(5),
    )  # fmt: skip


def _amount(row: Row) -> Decimal:
    text = row.text(1)
    if not _AMOUNT.fullmatch(text):
        raise Unreadable("An amount has a decimal point and at most two decimals.", row=row.number, value=text)
    return Decimal(text).quantize(_HUNDREDTH)


def _day(row: Row, place: int) -> date | None:
    text = row.text(place).strip()
    if not text:
        return None
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable("A date is written YYYYMMDD.", row=row.number, value=text) from None
