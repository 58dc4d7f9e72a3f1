"""Lists as files: XLSX for working on, PDF for keeping. Import it where one is made: its libraries load slowly."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from django.utils import timezone
from fpdf import FPDF
from fpdf.enums import TableCellFillMode, TableHeadingsDisplay
from fpdf.fonts import FontFace
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from samklang.hub.models import Company
from samklang.hub.setup.companies import part_of
from samklang.reconciliation.models import Voucher
from samklang.reconciliation.reports import Cell, Kind, Sheet, control_sheets, voucher_sheets

_FONTS = Path(__file__).parent / "fonts"
_XLSX = {"money": "#,##0.00", "date": "yyyy-mm-dd", "count": "#,##0", "text": "General"}
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
    heading = part_of(company).name
    body = to_xlsx(sheets) if kind == "xlsx" else to_pdf(heading, sheets, timezone.localtime())
    return File(f"control-{company.code}-{last}.{kind}", body, sum(len(sheet.rows) for sheet in sheets))


def voucher_file(voucher: Voucher) -> File:
    """A voucher and its itemised list as a PDF, under a name that no other voucher has."""
    sheets = voucher_sheets(voucher)
    body = to_pdf(part_of(voucher.company).name, sheets, timezone.localtime())
    number = re.sub(r"[^A-Za-z0-9]+", "-", voucher.number).strip("-")
    name = f"{number or voucher.series} {voucher.date} {bytes(voucher.hash).hex()[:8]}.pdf"
    return File(name, body, sum(len(sheet.rows) for sheet in sheets))


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
    pdf.set_font("DejaVu", "B", 13)
    pdf.multi_cell(0, 7, sheet.title, new_x="LMARGIN", new_y="NEXT")
    if sheet.note:
        pdf.set_font("DejaVu", "", 8)
        pdf.multi_cell(0, 4.5, sheet.note, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)
    pdf.set_font("DejaVu", "", 7.5)
    numbers = ["RIGHT" if column.kind in ("money", "count") else "LEFT" for column in sheet.columns]
    with pdf.table(
        col_widths=tuple(column.width for column in sheet.columns),
        text_align=tuple(numbers),
        headings_style=FontFace(emphasis="BOLD", fill_color=(236, 239, 243)),
        cell_fill_color=(248, 249, 251),
        cell_fill_mode=TableCellFillMode.EVEN_ROWS,
        borders_layout="HORIZONTAL_LINES",
        repeat_headings=TableHeadingsDisplay.ON_TOP_OF_EVERY_PAGE,
        line_height=4.6,
    ) as table:
        table.row([column.name for column in sheet.columns])
        for row in sheet.rows:
            table.row([_text(value, column.kind) for column, value in zip(sheet.columns, row, strict=True)])
    pdf.ln(4)


def _text(value: Cell, kind: Kind) -> str:
    if value is None:
        return ""
    if kind == "money" and isinstance(value, Decimal):
        return f"{value:,.2f}".replace(",", "\u00a0").replace(".", ",")
    if kind == "count" and isinstance(value, int):
        return f"{value:,}".replace(",", "\u00a0")
    return str(value)
