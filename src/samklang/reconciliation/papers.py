"""Lists as files: XLSX for working on, PDF for keeping. Import it where one is made: its libraries load slowly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from django.utils import timezone
from fpdf import FPDF
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from samklang.hub.models import Company
from samklang.hub.setup.companies import part_of
from samklang.reconciliation.models import Statement, Voucher
from samklang.reconciliation.reports import Cell, Kind, Sheet, control_sheets, payout_sheet, voucher_sheets

_FONTS = Path(__file__).parent / "fonts"
_XLSX = {"money": "#,##0.00", "date": "yyyy-mm-dd", "count": "#,##0", "text": "General"}
_LINE = 4.6  # mm
_HEAD, _STRIPE = (236, 239, 243), (248, 249, 251)  # colours of a PDF's headings and every second row
#: What a spreadsheet would take for a formula at the beginning of a text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class File(NamedTuple):
    """A list as a file, and how many rows it has."""

    name: str
    body: bytes
    rows: int


def control_file(company: Company, first: date, last: date, kind: str) -> File:
    """The controls of a period as `kind` of reports.FILES; times in it are of the active zone."""
    sheets = control_sheets(company, first, last)
    body = _made(company, sheets, kind)
    return File(f"control-{company.code}-{last}.{kind}", body, sum(len(sheet.rows) for sheet in sheets))


def voucher_file(voucher: Voucher, kind: str = "pdf") -> File:
    """A voucher and its itemised list as `kind` of reports.FILES, under a name that no other voucher has."""
    sheets = voucher_sheets(voucher)
    body = _made(voucher.company, sheets, kind)
    number = re.sub(r"[^A-Za-z0-9]+", "-", voucher.number).strip("-")
    name = f"{number or voucher.series} {voucher.date} {bytes(voucher.hash).hex()[:8]}.{kind}"
    return File(name, body, sum(len(sheet.rows) for sheet in sheets))


def statement_file(statement: Statement, kind: str) -> File:
    """A statement's lines with the orders that they belong to, as `kind` of reports.FILES."""
    sheet = payout_sheet(statement)
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{statement.provider} {statement.reference}").strip("-")
    return File(f"{name} {statement.day}.{kind}", _made(statement.company, [sheet], kind), len(sheet.rows))


def _made(company: Company, sheets: list[Sheet], kind: str) -> bytes:
    return to_xlsx(sheets) if kind == "xlsx" else to_pdf(part_of(company).name, sheets, timezone.localtime())


def to_xlsx(sheets: Iterable[Sheet]) -> bytes:
    """A workbook with a sheet for each list, written row by row."""
    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.title[:31])
        page.freeze_panes = "A2"
        for number, column in enumerate(sheet.columns):
            page.column_dimensions[chr(ord("A") + number)].width = max(10, column.width)
        heads = []
        for column in sheet.columns:
            cell = WriteOnlyCell(page, column.name)
            cell.font = Font(bold=True)
            heads.append(cell)
        page.append(heads)
        for row in sheet.rows:
            cells = []
            for column, value in zip(sheet.columns, row, strict=True):
                cell = WriteOnlyCell(page, _plain(value))  # type: ignore[arg-type]  # decimals are taken as they are
                cell.number_format = _XLSX[column.kind]
                cells.append(cell)
            page.append(cells)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _plain(value: Cell) -> Cell:
    """Texts come from shops and buyers: none of them may become a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def to_pdf(heading: str, sheets: Iterable[Sheet], made: datetime) -> bytes:
    """A document on A4, with page numbers and the moment it was made."""
    pdf = _Paper(heading, f"{made:%Y-%m-%d %H:%M}")
    pdf.add_page()
    for sheet in sheets:
        _list(pdf, sheet)
    return bytes(pdf.output())


class _Paper(FPDF):
    """A4 with a heading and a footer."""

    def __init__(self, heading: str, made: str) -> None:
        super().__init__(format="A4")
        self._heading, self._made = heading, made
        self.add_font("DejaVu", "", _FONTS / "DejaVuSans.ttf")
        self.add_font("DejaVu", "B", _FONTS / "DejaVuSans-Bold.ttf")
        self.set_margins(14, 14, 14)
        self.set_auto_page_break(True, 18)
        self.alias_nb_pages()
        self.set_title(heading)
        self.set_draw_color(208, 213, 221)
        self.set_line_width(0.1)

    def header(self) -> None:
        self.set_font("DejaVu", "B", 9)
        self.set_text_color(90)
        self.cell(0, 6, self._heading, new_x="LMARGIN", new_y="NEXT")
        self.set_text_color(0)
        self.ln(2)

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("DejaVu", "", 7)
        self.set_text_color(120)
        self.cell(0, 5, f"Samklang · {self._made}", align="L")
        self.cell(0, 5, f"{self.page_no()}/{{nb}}", align="R")
        self.set_text_color(0)


def _list(pdf: FPDF, sheet: Sheet) -> None:
    """A list over as many pages as it takes, its headings on each. Drawn by hand: fpdf's own tables take nine times as
    long, and a day's voucher may have 30,000 rows behind it."""
    pdf.set_font("DejaVu", "B", 13)
    pdf.multi_cell(0, 7, sheet.title, new_x="LMARGIN", new_y="NEXT")
    if sheet.note:
        pdf.set_font("DejaVu", "", 8)
        pdf.multi_cell(0, 4.5, sheet.note, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)
    unit = pdf.epw / sum(column.width for column in sheet.columns)
    widths = [column.width * unit for column in sheet.columns]
    _heads(pdf, sheet, widths)
    for number, row in enumerate(sheet.rows):
        texts = [_text(value, column.kind) for column, value in zip(sheet.columns, row, strict=True)]
        lines = [_fitted(pdf, text, width) for text, width in zip(texts, widths, strict=True)]
        height = _LINE * max(map(len, lines))
        if pdf.will_page_break(height):
            pdf.add_page()
            _heads(pdf, sheet, widths)
        _row(pdf, sheet, widths, lines, height, _STRIPE if number % 2 else None)
    pdf.ln(4)


def _heads(pdf: FPDF, sheet: Sheet, widths: Sequence[float]) -> None:
    pdf.set_font("DejaVu", "B", 7.5)
    lines = [_fitted(pdf, column.name, width) for column, width in zip(sheet.columns, widths, strict=True)]
    _row(pdf, sheet, widths, lines, _LINE * max(map(len, lines)), _HEAD)
    pdf.set_font("DejaVu", "", 7.5)


def _row(
    pdf: FPDF, sheet: Sheet, widths: Sequence[float], cells: Sequence[list[str]], height: float,
    colour: tuple[int, int, int] | None,
) -> None:  # fmt: skip
    """A row at the place where the pen is; each cell is given as its lines."""
    x, y = pdf.l_margin, pdf.y
    if colour:
        pdf.set_fill_color(*colour)
        pdf.rect(x, y, pdf.epw, height, style="F")
    for column, width, lines in zip(sheet.columns, widths, cells, strict=True):
        for number, line in enumerate(lines):
            pdf.set_xy(x, y + number * _LINE)
            pdf.cell(width, _LINE, line, align="R" if column.kind in ("money", "count") else "L")
        x += width
    pdf.line(pdf.l_margin, y + height, pdf.l_margin + pdf.epw, y + height)
    pdf.set_xy(pdf.l_margin, y + height)


def _fitted(pdf: FPDF, text: str, width: float) -> list[str]:
    """The text in lines that fit into the cell; nearly always one."""
    if "\n" not in text and pdf.get_string_width(text) <= width - 2 * pdf.c_margin:
        return [text]
    lines = pdf.multi_cell(width, _LINE, text, dry_run=True, output="LINES")
    assert isinstance(lines, list), "for this output"
    return [str(line) for line in lines] or [""]


def _text(value: Cell, kind: Kind) -> str:
    if value is None:
        return ""
    if kind == "money" and isinstance(value, Decimal):
        return f"{value:,.2f}".replace(",", "\u00a0").replace(".", ",")
    if kind == "count" and isinstance(value, int):
        return f"{value:,}".replace(",", "\u00a0")
    return str(value)
