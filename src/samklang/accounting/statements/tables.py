"""Rows of cells, wherever they come from: text decoded by declaration, columns found by name, numbers read strictly.

Whatever is unclear is refused with its row, column and value (`Unreadable`); nothing is repaired.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from samklang.accounting.statements.base import Unreadable
from samklang.records import InvalidRecord, money
from samklang.records.money import ZERO
from samklang.records.times import instant, zone

#: One cell: text, or a number where the file itself says that it is one (XLSX, JSON).
Cell = str | Decimal

_MINUS_AND_BLANKS = str.maketrans({"−": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " "})


class Numbers(NamedTuple):
    """How a format writes numbers. Blanks between thousands do no harm in any; other signs only where declared."""

    decimal: str = "."
    groups: str = ""

    def read(self, text: str) -> Decimal:
        """The number; ValueError for anything that is not exactly one in this notation."""
        groups = re.escape(self.groups + " ")
        plain = text.strip().translate(_MINUS_AND_BLANKS)
        found = re.fullmatch(
            rf"([+-]?)([0-9]{{1,3}}(?:([{groups}])[0-9]{{3}}(?:\3[0-9]{{3}})*)|[0-9]{{1,15}})"
            rf"(?:{re.escape(self.decimal)}([0-9]{{1,12}}))?",
            plain,
        )
        if not found:
            raise ValueError(text)
        sign, whole, group, part = found.groups()
        return Decimal(f"{sign}{whole.replace(group, '') if group else whole}.{part or '0'}") + ZERO


POINT = Numbers()
POINT_GROUPED = Numbers(".", ",")
COMMA = Numbers(",", ".")


def decode(data: bytes, charsets: Sequence[str] = ("utf-8",)) -> str:
    """The file's text: by its byte order mark, else the first of the declared charsets that fits."""
    for mark, charset in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            charsets = (charset,)
    for charset in charsets:
        try:
            text = data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\x00" in text:
            break
        return text
    raise Unreadable(
        f"The file is not text in {' or '.join(charsets)}.",
        do_this="Export the file as UTF-8, or name its charset in the profile of the import.",
    )


FETCH_AGAIN = "Fetch the whole file again; it looks cut off or changed."


def split_rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows that hold anything, each with the number of its first line. Refused when a quote is left open."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    number = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((number, cells))
            number = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"The row is not whole: {error}.", row=number, do_this=FETCH_AGAIN) from error
    return rows


_ONE_READING = re.compile(
    r"^(?:(?P<y>[0-9]{4})[/-](?P<m>[0-9]{1,2})[/-](?P<d>[0-9]{1,2})|(?P<d_>[0-9]{1,2})\.(?P<m_>[0-9]{1,2})\.(?P<y_>[0-9]{4}))"
    r"(?![0-9])"
)


def _iso_date(found: re.Match[str]) -> str:
    year, month, day = (found[name] or found[f"{name}_"] for name in "ymd")
    return f"{year}-{month:0>2}-{day:0>2}"


def plain(name: object) -> str:
    """A column's name in compare form: case, blanks, quotes and the Russian ё make no difference."""
    return " ".join(str(name).translate(_MINUS_AND_BLANKS).strip("\ufeff\"' ").casefold().replace("ё", "е").split())


def shown(cell: Cell) -> str:
    """The cell as text; a number without the zeros and exponents that a spreadsheet gives it."""
    if not isinstance(cell, Decimal):
        return cell
    text = f"{cell:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_OTHER_SIGN = (
    "Correct the number at its source; where the whole file has another sign, say so in its profile (decimal)."
)


class Row:
    """One row: `number` as in the file, `cells` untouched, values under the reader's own names."""

    def __init__(
        self,
        number: int,
        values: Mapping[str, Cell],
        cells: Mapping[str, str],
        heads: Mapping[str, str],
        numbers: Numbers,
    ) -> None:
        self.number = number
        self.cells = cells
        self._values = values
        self._heads = heads
        self._numbers = numbers

    def has(self, name: str) -> bool:
        """Whether the row has the column, be it empty."""
        return name in self._values

    def text(self, name: str) -> str:
        """The cell without surrounding blanks; empty when the column is not there."""
        return shown(self._values.get(name, "")).strip()

    def need(self, name: str) -> str:
        """The cell, refused when empty."""
        if not (text := self.text(name)):
            raise self.wrong(name, "must not be empty")
        return text

    def amount(self, name: str) -> Decimal:
        """The number in the cell, refused when there is none."""
        value = self._values.get(name, "")
        if isinstance(value, Decimal):
            return self._bounded(name, value)
        if not value.strip():
            raise self.wrong(name, "must not be empty")
        try:
            return self._bounded(name, self._numbers.read(value))
        except ValueError:
            raise self.wrong(
                name, f"is not a number with {self._numbers.decimal!r} before the decimals", do_this=_OTHER_SIGN
            ) from None

    def amount_or_zero(self, name: str) -> Decimal:
        """As `amount`, and 0 for an empty cell or a missing column."""
        return self.amount(name) if self.text(name) else ZERO

    def money(self, name: str, currency: str) -> Decimal:
        """An amount in major units that is whole in the currency's minor ones.

        Where it is not, the sign before the decimals may well be one between thousands.
        """
        value = self.amount(name)
        if money.rounded(value, currency) != value:
            raise self.wrong(name, f"has more decimals than {currency}")
        return value

    def money_or_zero(self, name: str, currency: str) -> Decimal:
        """As `money`, and 0 for an empty cell or a missing column."""
        return self.money(name, currency) if self.text(name) else ZERO

    def minor(self, name: str, currency: str) -> Decimal:
        """An amount that the file counts in whole minor units of the currency (ISO 4217)."""
        value = self.amount(name)
        if value != value.to_integral_value():
            raise self.wrong(name, "is not a whole number of minor units")
        return money.from_minor_units(int(value), currency)

    def currency(self, name: str, default: str = "") -> str:
        """The ISO 4217 code in the cell; the rouble's old RUR is RUB."""
        code = (self.text(name) or default).upper()
        code = "RUB" if code == "RUR" else code
        if code not in money.CURRENCIES:
            raise self.wrong(name, "is not a currency (ISO 4217)", code="CURRENCY_DIFF")
        return code

    def moment(self, name: str, local: ZoneInfo | None = None) -> tuple[datetime | None, date | None]:
        """The instant and the day as written; (None, None) for an empty cell. Without an offset, `local` is meant.

        Read are ISO 8601, and dates that can be read in one way only: the year first, or the day first with points.
        """
        if not (text := self.text(name)):
            return None, None
        written = _ONE_READING.sub(_iso_date, text)
        written = re.sub(r"\s+(?=[+-]\d\d:?\d\d$|UTC$|Z$)", "", written).replace("UTC", "Z")
        try:
            at = instant(written, name, local=local)
            return at, date.fromisoformat(written[:10])
        except (InvalidRecord, ValueError):
            raise self.wrong(name, "is not a date") from None

    def day(self, name: str) -> date | None:
        """The day in the cell, whatever time stands after it."""
        return self.moment(name)[1]

    def one_of(self, name: str, known: Mapping[str, Any]) -> Any:
        """What the table says about the cell's word; refused when it says nothing."""
        word = self.text(name)
        if plain(word) not in known:
            raise self.wrong(
                name, f"is not known; known are {', '.join(sorted(known))}", do_this="Ask for the word to be added."
            )
        return known[plain(word)]

    def title(self, name: str) -> str:
        """What the file calls the column."""
        return self._heads.get(name, name)

    def wrong(self, name: str, why: str, **facts: Any) -> Unreadable:
        """The refusal that names this row, the column as the file writes it, and the value."""
        column = self.title(name)
        return Unreadable(
            f"Column {column!r} {why}.", row=self.number, column=column, value=self._values.get(name, ""), **facts
        )

    def _bounded(self, name: str, value: Decimal) -> Decimal:
        try:
            return money.decimal(value)
        except InvalidRecord:
            raise self.wrong(name, "is not a possible amount") from None


_INEXACT = Decimal(10) ** 15
_SHORTENED = re.compile(r"[0-9][.,][0-9]+E\+[0-9]{2}")


class Table:
    """Rows under a header row, whose columns are found by name.

    `heads` maps the reader's name of a column to the names it is known to have had, in any language, the best first;
    `need` are the ones that must be there. Refused: a needed column that is missing (the merchant changed the layout,
    edge case 32), one that is there twice, no rows, a row with more or fewer cells than the header.
    """

    def __init__(
        self,
        rows: Sequence[tuple[int, Sequence[Cell]]],
        heads: Mapping[str, Sequence[str]],
        need: Collection[str],
        numbers: Numbers = POINT,
        *,
        may_be_empty: bool = False,
    ) -> None:
        self._header_row, header = rows[0]
        widths = {len(cells) for _, cells in rows[1:]}
        # Empty cells behind the last column are a habit of some exports, and then in every row. In one row alone they
        # come from a sign inside a text, which has moved all that stands behind it.
        self._widest = max(widths) if len(widths) == 1 and len(rows) > 2 else len(header)
        self.titles = _trimmed([str(cell).strip("\ufeff ") for cell in header])
        self._rows = rows[1:]
        self._numbers = numbers
        places: dict[str, int] = {}
        names = [plain(title) for title in self.titles]
        for name, known in heads.items():
            found = next((several for word in known if (several := _all(names, plain(word)))), [])
            if len(found) > 1:
                raise Unreadable("The column is there twice.", row=self._header_row, column=self.titles[found[0]])
            if found:
                places[name] = found[0]
        if missing := [heads[name][0] for name in need if name not in places]:
            raise Unreadable(
                f"Columns are missing: {', '.join(missing)}.",
                row=self._header_row,
                do_this="Add the columns to the report's layout at the provider and export it again.",
            )
        if not self._rows and not may_be_empty:
            raise Unreadable("The header has no rows under it.", row=self._header_row, do_this=FETCH_AGAIN)
        self._places = places
        self._shown = {name: self.titles[place] for name, place in places.items()}

    def has(self, name: str) -> bool:
        """Whether the file has the column."""
        return name in self._places

    def __iter__(self) -> Iterator[Row]:
        for number, cells in self._rows:
            full = _trimmed(cells, len(self.titles))
            if len(full) != len(self.titles) or len(cells) > max(self._widest, len(self.titles)):
                raise Unreadable(
                    f"The row has {len(cells)} cells, the header {len(self.titles)}.",
                    row=number,
                    do_this=FETCH_AGAIN,
                )
            values = {name: full[place] for name, place in self._places.items()}
            texts = {title: shown(cell) for title, cell in zip(self.titles, full, strict=True)}
            row = Row(number, values, texts, self._shown, self._numbers)
            if rounded := next((name for name, cell in values.items() if _is_rounded(cell)), ""):
                raise row.wrong(
                    rounded,
                    "was shortened by a spreadsheet program, so its last digits are lost",
                    do_this="Hand in the file as it was downloaded, without opening it in a spreadsheet program.",
                )
            yield row


def _is_rounded(cell: Cell) -> bool:
    """Whether a long number has gone through a spreadsheet, which keeps 15 digits and writes 1.40769E+11."""
    if isinstance(cell, Decimal):
        return cell == cell.to_integral_value() and abs(cell) >= _INEXACT
    return "E+" in cell and _SHORTENED.fullmatch(cell.strip()) is not None


def _all(names: Sequence[str], wanted: str) -> list[int]:
    return [place for place, name in enumerate(names) if name == wanted]


def _trimmed(cells: Sequence[Any], width: int = 0) -> list[Any]:
    """The cells without empty ones at the end, as spreadsheets add them beyond the last column."""
    end = len(cells)
    while end > width and not str(cells[end - 1]).strip():
        end -= 1
    return list(cells[:end])


def header_row(rows: Iterable[tuple[int, Sequence[Cell]]], marks: Collection[Collection[str]]) -> int | None:
    """Place of the first row that has one of the names of each mark; only the first 40 rows may be a header."""
    for place, (_, cells) in enumerate(rows):
        if place == 40:
            return None
        names = {plain(cell) for cell in cells}
        if all(any(plain(word) in names for word in mark) for mark in marks):
            return place
    return None


def local_zone(name: str, default: str = "UTC") -> ZoneInfo:
    """The zone that the profile names, else the format's own."""
    return zone(name or default)
