"""Lists of the books as files: XLSX for working on, PDF for keeping. What is in them, `control` and `looks` say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import TableCellFillMode, TableHeadingsDisplay
from fpdf.fonts import FontFace
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from samklang.hub.models import Company
from samklang.reconciliation import control, looks
from samklang.reconciliation.facts import records
from samklang.reconciliation.models import Voucher

Kind = Literal["text", "date", "money", "count"]
Cell = str | date | Decimal | int | None

_FONTS = Path(__file__).parent / "fonts"
_XLSX = {"money": "#,##0.00", "date": "yyyy-mm-dd", "count": "#,##0", "text": "General"}
#: What a spreadsheet would take for a formula at the beginning of a text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Column(NamedTuple):
    """One column; `width` is its share of the page."""

    name: str
    kind: Kind = "text"
    width: int = 10


class Sheet(NamedTuple):
    """One list: its title, what stands under it, columns and rows."""

    title: str
    note: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


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


# ---------------------------------------------------------------------------------------------------- the lists


def control_sheets(company: Company, first: date, last: date) -> list[Sheet]:
    """The controls of a period: clearing balances at its end, its VAT, what is missing, what is open, all accounts."""
    currency = _currency(company)
    vat = control.vat(company, first, last)
    clearing = control.clearing(company, last)
    return [
        Sheet(
            _("Clearing balances"),
            _("What providers owe on {day}, in {currency}. Booked must be open plus carried.").format(
                day=last, currency=currency
            ),
            (
                Column(_("Provider"), width=16), Column(_("Booked"), "money", 14), Column(_("Open sales"), "money", 14),
                Column(_("Carried"), "money", 14), Column(_("Difference"), "money", 14),
            ),
            [(row.provider, row.booked, row.open, row.carried, row.difference) for row in clearing],
        ),
        Sheet(
            _("VAT"),
            _("Output VAT on sales, {first} to {last}, in {currency}.").format(
                first=first, last=last, currency=currency
            ),
            (
                Column(_("Country"), width=10), Column(_("Rate %"), "money", 10), Column(_("Vouchers"), "money", 16),
                Column(_("Orders"), "money", 16), Column(_("Difference"), "money", 14),
            ),
            [(row.country, row.percent, row.vouchers, row.orders, row.difference) for row in vat],
        ),
        Sheet(
            _("Missing statements"),
            _("Providers whose sales until {day} no statement has reached.").format(day=last),
            (Column(_("Provider"), width=20), Column(_("First sale"), "date", 14), Column(_("Last sale"), "date", 14)),
            [(row.provider, row.first, row.last) for row in control.missing(company, last)],
        ),
        open_sheet(company, last),
        Sheet(
            _("Accounts"),
            _("Balances of these vouchers on {day}, in {currency}; debit is positive.").format(
                day=last, currency=currency
            ),
            (*_account(), Column(_("Balance"), "money", 16)),
            [(account, name, total) for account, (name, total) in control.balances(company, last).items()],
        ),
    ]  # fmt: skip


def open_sheet(company: Company, on: date) -> Sheet:
    """What each order is still owed for."""
    return Sheet(
        _("Open receivables"),
        _("Sold until {day} and not stated by then, one row for each payment.").format(day=on),
        (
            Column(_("Provider"), width=12), Column(_("Order"), width=22), Column(_("Sold"), "date", 12),
            Column(_("Amount"), "money", 13), Column(_("Currency"), width=8), Column(_("Booked"), "money", 13),
        ),
        [
            (row.provider, row.order, row.day, row.amount, row.currency, row.booked)
            for row in control.open_items(company, on)
        ],
    )  # fmt: skip


def opening_sheet(company: Company) -> Sheet:
    """The opening list at the cut-over."""
    return Sheet(
        _("Opening list"),
        _("Sold before the books began here, and not paid out by then."),
        (
            Column(_("Provider"), width=12), Column(_("Channel"), width=12), Column(_("Order"), width=16),
            Column(_("Sold"), "date", 12), Column(_("Amount"), "money", 13), Column(_("Currency"), width=8),
            Column(_("Booked"), "money", 13),
        ),
        [
            (row.provider, row.channel, row.order_no, row.day, row.amount, row.currency, row.booked)
            for row in control.openings(company)
        ],
    )  # fmt: skip


def voucher_sheets(voucher: Voucher) -> list[Sheet]:
    """A voucher, and the itemised list that is kept with it: each line's source rows with their shares."""
    (record,) = records([voucher])
    return [
        Sheet(
            f"{voucher.number or voucher.series} {voucher.text}",
            f"{voucher.date} · {voucher.get_state_display()} · {voucher.key}",
            (
                *_account(), Column(_("Text"), width=24), Column(_("Debit"), "money", 14),
                Column(_("Credit"), "money", 14),
            ),
            [
                (
                    line.account, line.name, line.text, line.amount if line.amount > 0 else None,
                    -line.amount if line.amount < 0 else None,
                )
                for line in record.lines
            ],
        ),
        Sheet(
            _("Itemised list"),
            _("The rows that the lines come from, with their shares."),
            (
                Column(_("Account"), width=9), Column(_("Of"), width=14), Column(_("Row"), width=50),
                Column(_("Share"), "money", 14),
            ),
            [(line.account, ref.kind, ref.id, ref.amount) for line in record.lines for ref in line.refs],
        ),
    ]  # fmt: skip


def payout_sheet(rows: Iterable[looks.LineRow], title: str) -> Sheet:
    """A statement's lines with the orders that they belong to."""
    return Sheet(
        title,
        "",
        (
            Column(_("No"), "count", 6), Column(_("Kind"), width=14), Column(_("Reference"), width=18),
            Column(_("Order"), width=22), Column(_("Amount"), "money", 14), Column(_("Currency"), width=8),
            Column(_("Matched by"), width=16),
        ),
        [(row.number, row.kind, row.order_ref, row.order, row.amount, row.currency, row.by) for row in rows],
    )  # fmt: skip


def _account() -> tuple[Column, Column]:
    return Column(_("Account"), width=9), Column(_("Name"), width=30)


def _currency(company: Company) -> str:
    return str(company.settings.get("currency", "SEK"))
