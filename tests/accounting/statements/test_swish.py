"""Swish reports of two banks: what proves them, and what is left out of what they say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from . import files
from .test_edge_cases import lines, one, refused

HEADER = ("Radnr", "Clnr", "Kontonr", "Bokfdag", "Transdag", "Valutadag", "Mottagarnr", "Mottagarnamn", "Avsändarnr",
          "Avsändarnamn", "Meddelande", "Tid", "Belopp", "Orderreferens")  # fmt: skip
ROWS = (
    ("1", "8327", "7644370", "2026-03-03", "2026-03-02", "2026-03-03", "1235524400", "Övningsbutiken", "+46700000000",
     "Åsa Exempel", "Order 1007", "13:32", "500.00", "1007"),
    ("2", "8327", "7644370", "2026-03-03", "2026-03-02", "2026-03-03", "1235524400", "Övningsbutiken", "+46700000000",
     "Åsa Exempel", "Retur", "15:00:10", "-120.50", ""),
)  # fmt: skip
TITLE = "* Swish-rapport Avser 2026-03-02 - 2026-03-03 Skapad 2026-03-04 12:39 CET"


def report(*rows: tuple[str, ...], charset: str = "iso-8859-1") -> bytes:
    return (f"{TITLE}\r\n" + files.csv([HEADER, *rows]).replace("\n", "\r\n")).encode(charset)


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-8"])
def test_swedbanks_report_is_a_payment_per_row_and_says_not_who_paid(charset: str) -> None:
    made = one(report(*ROWS, charset=charset))
    assert (made.format, made.account, made.payout, made.closing) == ("swish table", "1235524400", Decimal("379.5"), 0)
    assert [(line.kind, line.amount, line.order_ref) for line in lines(made, "sale", "refund")] == [
        ("sale", 500, "1007"), ("refund", Decimal("-120.5"), ""),
    ]  # fmt: skip
    at = lines(made, "sale")[0].at
    assert at and at.isoformat() == "2026-03-02T12:32:00+00:00"
    assert not any("sa" in cell.split() or "4670" in cell for line in made.lines for cell in line.cells.values())


def test_swedbanks_rows_are_counted_and_known_again_by_what_they_say() -> None:
    assert "a row is missing" in str(refused(report(ROWS[1])))
    whole, later = one(report(*ROWS)), one(report(("1", *ROWS[1][1:])))
    keys = {whole.line_key(line) for line in whole.lines}
    assert {later.line_key(line) for line in later.lines} < keys, "whatever export they come in"
    twice = one(report(ROWS[0], ("2", *ROWS[0][1:])))
    assert len({twice.line_key(line) for line in twice.lines}) == 4, "two equal payments stay two"


def test_swedbanks_workbook_ends_with_a_sum_that_must_be_right() -> None:
    columns = [name.replace("Bokfdag", "Bokföringsdatum").replace("nr", "nummer") for name in HEADER]
    rows = [[*row[:12], float(row[12]), row[13]] for row in ROWS]

    def book(total: float) -> bytes:
        return files.workbook(["Clearingnummer: 8327"], [[], columns, *rows, [*[""] * 12, total]])

    assert one(book(379.5)).payout == Decimal("379.5")
    assert refused(book(380)).column == "Belopp"


def test_a_comma_that_moves_the_cells_of_handelsbankens_report_is_refused() -> None:
    moved = files.SWISH.replace(b"Anna Exempel", b"Exempel, Anna", 1)
    assert (refused(moved).column, refused(moved).row) == ("timestamp", 2)


def test_two_sheets_of_payments_are_not_read_as_one() -> None:
    """Swedbank gives every account a sheet; a book of the first alone would miss the money of the others."""
    first, second = ([[*HEADER], [*row[:12], float(row[12]), row[13]]] for row in (ROWS[0], ("1", *ROWS[1][1:])))
    said = refused(files.sheets(One=first, Two=second)).problem
    assert "One, Two" in said.what and "each sheet" in said.do_this
    assert one(files.sheets(One=first, Two=[[*HEADER]])).payout == 500, "an empty one holds no money"
