"""Lists of the books for working on and for keeping: what is in them. `papers` makes files of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from samklang.accounting.problems import DO_THIS
from samklang.connectors.errors import BadData
from samklang.hub.models import Company
from samklang.reconciliation import control, exceptions, looks, vat_numbers
from samklang.reconciliation.facts import sound
from samklang.reconciliation.models import Statement, Voucher
from samklang.reconciliation.sets import AT_ONCE

#: Media types of files that `papers` makes.
FILES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}

Kind = Literal["text", "date", "money", "count"]
Cell = str | date | Decimal | int | None


#: What a source row of a voucher's line is (records/voucher.py, Ref), as people say it.
_OF = {
    "payment": gettext_lazy("payment"), "statement_line": gettext_lazy("statement line"),
    "payout": gettext_lazy("payout"), "bank_line": gettext_lazy("bank line"), "z_report": gettext_lazy("day of a till"),
    "gift_card": gettext_lazy("gift card"), "invoice": gettext_lazy("invoice"),
    "opening": gettext_lazy("opening item"),
}  # fmt: skip


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


def control_sheets(company: Company, first: date, last: date, most: int | None = None) -> list[Sheet]:
    """The controls of a period: clearing balances at its end, its VAT, what is missing, what is open (at most so many
    rows of it), all accounts."""
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
                Column(_("Orders"), "money", 16), Column(_("Tills, disputes"), "money", 16),
                Column(_("Difference"), "money", 14),
            ),
            [(row.country, row.percent, row.vouchers, row.orders, row.apart, row.difference) for row in vat],
        ),
        Sheet(
            _("Missing statements"),
            _("Providers whose sales until {day} no statement has reached.").format(day=last),
            (Column(_("Provider"), width=20), Column(_("First sale"), "date", 14), Column(_("Last sale"), "date", 14)),
            [(row.provider, row.first, row.last) for row in control.missing(company, last)],
        ),
        open_sheet(company, last, most),
        *_oss(company, first, last),
        *_vat_numbers(company, first, last),
        Sheet(
            _("Accounts"),
            _("Balances of these vouchers on {day}, in {currency}; debit is positive.").format(
                day=last, currency=currency
            ),
            (*_account(), Column(_("Balance"), "money", 16)),
            [(account, name, total) for account, (name, total) in control.balances(company, last).items()],
        ),
        *_openings(company),
    ]  # fmt: skip


def _vat_numbers(company: Company, first: date, last: date) -> list[Sheet]:
    """What VIES answered in the period about buyers' VAT numbers; no sheet where nothing was asked."""
    rows = vat_numbers.answers(company, first, last)
    if not rows:
        return []
    return [
        Sheet(
            _("VAT numbers of buyers"),
            _("What VIES answered from {first} to {last}; a sale without VAT in the EU rests on it.").format(
                first=first, last=last
            ),
            (
                Column(_("Order"), width=22), Column(_("VAT number"), width=18), Column(_("Valid"), width=8),
                Column(_("Checked"), "date", 12), Column(_("Consultation number"), width=20),
            ),
            [
                (row.order, row.number, _("yes") if row.valid else _("no"), _day(row.checked_at), row.request_id)
                for row in rows
            ],
        )
    ]  # fmt: skip


def _day(at: datetime | None) -> date | None:
    return None if at is None else timezone.localtime(at).date()


def open_sheet(company: Company, on: date, most: int | None = None) -> Sheet:
    """What each order is still owed for: all, or at most so many."""
    rows = control.open_items(company, on, most=most and most + 1)
    note = _("Sold until {day} and not stated by then, one row for each payment.").format(day=on)
    if most is not None and len(rows) > most:
        note += " " + _("These are the first {count}; the files have all of them.").format(count=most)
    return Sheet(
        _("Open receivables"),
        note,
        (
            Column(_("Provider"), width=12), Column(_("Order"), width=22), Column(_("Sold"), "date", 12),
            Column(_("Amount"), "money", 13), Column(_("Currency"), width=8), Column(_("Booked"), "money", 13),
        ),
        [(row.provider, row.order, row.day, row.amount, row.currency, row.booked) for row in rows[:most]],
    )  # fmt: skip


def _openings(company: Company) -> list[Sheet]:
    """The opening list at the cut-over; no sheet where there is none."""
    items = control.openings(company)
    sheet = Sheet(
        _("Opening list"),
        _("Sold before the books began here, and not paid out by then."),
        (
            Column(_("Provider"), width=12), Column(_("Channel"), width=12), Column(_("Order"), width=16),
            Column(_("Sold"), "date", 12), Column(_("Amount"), "money", 13), Column(_("Currency"), width=8),
            Column(_("Booked"), "money", 13),
        ),
        [
            (row.provider, row.channel, row.order_no, row.day, row.amount, row.currency, row.booked)
            for row in items
        ],
    )  # fmt: skip
    return [sheet] if items else []


def voucher_sheets(voucher: Voucher) -> list[Sheet]:
    """A voucher, and the itemised list that is kept with it: each line's source rows with their shares. BadData for
    one whose rows were changed by hand, so that they are no voucher any more."""
    found, _broken = sound([voucher])
    if not found:
        raise BadData(exceptions.voucher_changed(voucher.key).what, do_this=DO_THIS["VOUCHER_CHANGED"])
    (record,) = found
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
            [
                (line.account, str(_OF.get(ref.kind, ref.kind)), ref.id, ref.amount)
                for line in record.lines
                for ref in line.refs
            ],
        ),
    ]  # fmt: skip


def payout_sheet(statement: Statement) -> Sheet:
    """All lines of a statement with the orders that they belong to."""
    rows: list[looks.LineRow] = []
    while some := looks.statement_lines(
        statement.company, statement, after=rows[-1].number if rows else 0, most=AT_ONCE
    ):
        rows += some
    return Sheet(
        f"{statement.provider} {statement.reference}",
        f"{statement.day} · {looks.amount(statement.payout)} {statement.currency}",
        (
            Column(_("No"), "count", 6), Column(_("Kind"), width=14), Column(_("Reference"), width=18),
            Column(_("Order"), width=22), Column(_("Amount"), "money", 14), Column(_("Currency"), width=8),
            Column(_("Matched by"), width=16), Column(_("Sure %"), "count", 8),
        ),
        [
            (row.number, row.kind, row.order_ref, row.order, row.amount, row.currency, row.by, row.confidence or None)
            for row in rows
        ],
    )  # fmt: skip


def _oss(company: Company, first: date, last: date) -> list[Sheet]:
    """Output VAT of the One Stop Shop; no sheet where there was none."""
    rows = control.oss(company, first, last)
    if not rows:
        return []
    return [
        Sheet(
            _("One Stop Shop"),
            _("VAT on sales to consumers in other EU countries, {first} to {last}, in the sale's currency.").format(
                first=first, last=last
            ),
            (
                Column(_("Country"), width=10), Column(_("Rate %"), "money", 10), Column(_("Currency"), width=10),
                Column(_("VAT"), "money", 16),
            ),
            [(row.country, row.percent, row.currency, row.tax) for row in rows],
        )
    ]  # fmt: skip


def _account() -> tuple[Column, Column]:
    return Column(_("Account"), width=9), Column(_("Name"), width=30)


def _currency(company: Company) -> str:
    return str(company.settings.get("currency", "SEK"))
