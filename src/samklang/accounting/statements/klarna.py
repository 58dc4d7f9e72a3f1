"""Klarna and Kustom settlements: the CSV report, and the API's payout together with its transactions.

The summary's totals decide. They must follow from the rows type by type and together give the settlement amount
(RECONCILIATION §6; field names, types and signs: docs.klarna.com "Settlement reports" and the settlements API 1.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from samklang.accounting.statements.base import Kind, Mode, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format, Numbered
from samklang.accounting.statements.documents import items, listed, mapped, pages
from samklang.accounting.statements.tables import FETCH_AGAIN, Row, Table, plain
from samklang.records.money import ZERO, from_minor_units


class _Type(NamedTuple):
    """A row type: our kind, its sign in the settlement, and the total that its rows sum to."""

    kind: Kind
    sign: int
    total: str


class _Entry(NamedTuple):
    """One transaction: amounts in major units, signed or not as the file has them; VAT is that on Klarna's fee."""

    row: Row
    type: _Type
    amount: Decimal
    vat: Decimal
    percent: Decimal


_TYPES = {
    "sale": _Type("sale", 1, "sale"),
    "return": _Type("refund", -1, "return"),
    "reversal": _Type("chargeback", -1, "reversal"),
    "reversal_merchant_protection": _Type("chargeback_reversal", 1, "reversal_merchant_protection"),
    "fee": _Type("fee", -1, "fee"),
    "fee_refund": _Type("fee_correction", 1, "fee_refund"),
    "correction": _Type("fee_correction", 1, "fee_correction"),
    "commission": _Type("adjustment", 1, "commission"),
    "tax": _Type("fee_vat", -1, "tax"),
    "charge": _Type("adjustment", -1, "charge"),
    "credit": _Type("adjustment", 1, "credit"),
    "holdback": _Type("holdback", -1, "holdback"),
    "release": _Type("release", 1, "release"),
}
_MUST_HAVE_ROWS = {kind.total for kind in _TYPES.values()} - {"tax", "fee_correction", "reversal_merchant_protection"}
_MODES: Mapping[str, Mode] = {"net": "net", "gross": "gross", "gross_fee": "gross_fee", "": "net"}

_NAMES: Mapping[str, Sequence[str]] = {
    "type": ("type",),
    "detail": ("detailed_type",),
    "amount": ("amount",),
    "currency": ("currency", "posting_currency", "currency_code"),
    "order": ("order_id",),
    "short": ("short_order_id",),
    "capture": ("capture_id",),
    "refund": ("refund_id",),
    "ref1": ("merchant_reference1",),
    "ref2": ("merchant_reference2",),
    "capture_ref": ("merchant_capture_reference",),
    "refund_ref": ("merchant_refund_reference",),
    "sale_date": ("sale_date",),
    "capture_date": ("capture_date",),
    "vat": ("vat_amount", "tax_amount"),
    "vat_rate": ("vat_rate", "tax_rate"),
    "country": ("purchase_country",),
    "method": ("initial_payment_method_type",),
    "comment": ("klarna_comment",),
    "payout": ("payment_reference",),
}
#: Without these the report cannot be matched; the VAT column may be missing, because the summary has its total.
_NEED = ("type", "amount", "ref1", "order", "capture", "sale_date", "capture_date", "currency")

_TOTALS = (*(_TYPES[name].total for name in _TYPES), "repay", "deposit", "settlement", "tax_refund")
_AMOUNTS = (*_TOTALS, "opening_debt", "closing_debt")
_SUMMARY: Mapping[str, Sequence[str]] = {
    **{name: (f"total_{name}_amount", f"summary_total_{name}_amount", f"{name}_amount") for name in _TOTALS},
    "opening_debt": ("opening_debt_balance", "opening_debt_balance_amount"),
    "closing_debt": ("closing_debt_balance", "closing_debt_balance_amount"),
    "reference": ("payment_reference",),
    "currency": ("settlement_currency", "summary_settlement_currency", "currency_code", "posting_currency"),
    "date": ("payout_date",),
    "merchant": ("merchant_id",),
    "mode": ("merchant_settlement_type",),
}
_SUMMARY_NEED = ("settlement", "reference", "currency", "date")
_MARKS = (_SUMMARY["settlement"][:2],)


def _read_csv(content: Content) -> Iterator[Statement]:
    rows = content.table(*_MARKS)
    assert rows is not None  # it matched
    for summary, transactions in _blocks(rows):
        head = next(iter(Table(summary, _SUMMARY, _SUMMARY_NEED, content.numbers)), None)
        if head is None:
            raise Unreadable("The summary has no values.", row=summary[0][0], do_this=FETCH_AGAIN)
        if not transactions:
            raise Unreadable(
                "The report has a summary and no transactions.", row=head.number, do_this="Choose the report with them."
            )
        code = head.currency("currency")
        totals = {name: head.money(name, code) for name in _AMOUNTS if head.text(name)}
        entries = [
            _Entry(
                row,
                _type(row),
                row.money("amount", code),
                row.money_or_zero("vat", code),
                row.amount_or_zero("vat_rate"),
            )
            for row in Table(transactions, _NAMES, _NEED, content.numbers)
        ]
        yield _statement(content, "klarna csv", head, totals, entries)


def _blocks(rows: Numbered) -> Iterator[tuple[Numbered, Numbered]]:
    """Summary rows and transaction rows of each settlement in the file, both with their header."""
    starts = [i for i, (_, cells) in enumerate(rows) if {plain(cell) for cell in cells} & set(_MARKS[0])]
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        block = rows[start:end]
        heads = [i for i, (_, cells) in enumerate(block) if {"type", "amount"} <= {plain(cell) for cell in cells}]
        cut = heads[0] if heads else len(block)
        if cut > 2:
            raise Unreadable("The summary has several rows of values.", row=block[2][0], do_this="Export one payout.")
        yield block[:cut], block[cut:]


def _read_json(content: Content) -> Iterator[Statement]:
    for part in pages(content.json):
        yield _read_part(content, part)


def _read_part(content: Content, part: Mapping[str, Any]) -> Statement:
    """A payout with its transactions: `{"payout": …, "transactions": …}`, or the list inside the payout."""
    payout, transactions = part.get("payout", part), part.get("transactions")
    if isinstance(transactions, dict):
        _check_pages(transactions)
        transactions = transactions.get("transactions")
    if not isinstance(payout, dict) or "totals" not in payout or not isinstance(transactions, list):
        raise Unreadable(
            "A payout's totals and its transactions are not both in the file, so neither proves the other.",
            do_this="Give the payout of /payouts together with its /transactions.",
        )
    (head,) = items(
        [payout], {**_SUMMARY, **{name: [f"totals.{word}" for word in _SUMMARY[name]] for name in _AMOUNTS}}
    )
    currency = head.currency("currency")
    totals = {name: head.minor(name, currency) for name in _AMOUNTS if head.text(name)}
    entries = []
    for row in items(transactions, _NAMES):
        if row.text("payout") not in ("", head.text("reference")):
            raise row.wrong("payout", f"is not the payout {head.text('reference')}")
        vat = row.minor("vat", currency) if row.text("vat") else ZERO
        percent = row.amount_or_zero("vat_rate") / 100  # the API writes 25 % as 2500
        entries.append(_Entry(row, _type(row), row.minor("amount", currency), vat, percent))
    return _statement(content, "klarna json", head, totals, entries)


def _check_pages(page: Mapping[str, Any]) -> None:
    paging = mapped(page, "pagination") if page.get("pagination") else {}
    count, total = len(listed(page, "transactions")), paging.get("total")
    if paging.get("next") or (total is not None and total != count):
        raise Unreadable(
            f"The file has {count} of {total or 'more'} transactions.", do_this="Fetch all pages of the payout."
        )


def _statement(
    content: Content, form: str, head: Row, totals: Mapping[str, Decimal], entries: Sequence[_Entry]
) -> Statement:
    currency = head.currency("currency")
    head.need("settlement")
    mode: Mode = head.one_of("mode", _MODES)
    _, paid_on = head.moment("date")
    totals = _unsigned(totals)
    _check_debt(head, totals)
    signs = _signs(entries, totals)
    lines = [
        _line(entry, entry.type.kind, sign * entry.amount, currency) for entry, sign in zip(entries, signs, strict=True)
    ]
    lines += _vat_lines(entries, totals, head, currency)
    if totals.get("fee_correction") and not any(entry.type.total == "fee_correction" for entry in entries):
        lines.append(_summary_line("fee_correction", totals["fee_correction"], currency, head))
    opening, closing = -totals.get("repay", ZERO), -totals.get("deposit", ZERO)
    settlement = totals["settlement"]
    if totals.get("tax_refund") and opening + _net(lines, mode) != settlement + closing:
        lines.append(_summary_line("fee_vat", totals["tax_refund"], currency, head))
    if settlement > 0:
        lines.append(_summary_line("payout", -settlement, currency, head))
    else:
        closing += settlement  # nothing is paid; the debt stays until a later settlement takes it (edge case 7)
    days = [line.day for line in lines if line.day]
    return Statement(
        provider="klarna",
        format=form,
        reference=head.need("reference"),
        currency=currency,
        file_hash=content.hash,
        account=head.text("merchant") or content.profile.account,
        mode=mode,
        paid_on=paid_on,
        start=min(days, default=None),
        end=max(days, default=None),
        opening=opening,
        closing=closing,
        totals=totals,
        lines=tuple(lines),
    )


def _type(row: Row) -> _Type:
    kind: _Type = row.one_of("type", _TYPES)
    return kind


def _unsigned(totals: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """The totals as amounts. A summary that writes what it deducts with a minus does so for all that it deducts."""
    deducted = [kind.total for kind in _TYPES.values() if kind.sign < 0] + ["repay"]
    stated = [totals[name] for name in deducted if totals.get(name)]
    if not stated or max(stated) > 0:
        return totals
    return {name: -value if name in deducted else value for name, value in totals.items()}


def _signs(entries: Sequence[_Entry], totals: Mapping[str, Decimal]) -> list[int]:
    """The sign to give each row's amount. Some reports write returns and fees with a minus, some without.

    Which of the two a file does follows from its totals, for the whole file; refused when neither gives them.
    """
    for signed in (False, True):
        sums: dict[str, Decimal] = {}
        for entry in entries:
            amount = entry.type.sign * entry.amount if signed else entry.amount
            sums[entry.type.total] = sums.get(entry.type.total, ZERO) + amount
        sums["reversal"] = _reversals(sums, totals)
        wrong = [name for name, value in totals.items() if name in sums and sums[name] != value]
        wrong += [name for name in sums if name not in totals and sums[name] and name != "reversal_merchant_protection"]
        wrong += [name for name, value in totals.items() if value and name not in sums and name in _MUST_HAVE_ROWS]
        if not wrong:
            return [1 if signed else entry.type.sign for entry in entries]
    name = wrong[0]
    raise Unreadable(
        f"The rows of {name} sum to {sums.get(name, ZERO)}, the summary says {totals.get(name, ZERO)}.",
        column=f"total_{name}_amount",
        value=totals.get(name, ""),
        amount=sums.get(name, ZERO) - totals.get(name, ZERO),
        do_this=FETCH_AGAIN,
    )


def _reversals(sums: Mapping[str, Decimal], totals: Mapping[str, Decimal]) -> Decimal:
    """Reversals as the summary counts them: less what merchant protection gave back, unless that has its own total."""
    gone, protected = sums.get("reversal", ZERO), sums.get("reversal_merchant_protection", ZERO)
    netted = "reversal_merchant_protection" not in totals and totals.get("reversal", ZERO) == gone - protected
    return gone - protected if netted else gone


def _vat_lines(
    entries: Sequence[_Entry], totals: Mapping[str, Decimal], head: Row, currency: str
) -> Iterable[StatementLine]:
    """VAT on the fees: per row where the file has it, the summary's total in any case (edge case 14)."""
    if any(entry.type.total == "tax" for entry in entries):
        return []  # the file has rows of its own for it
    total = totals.get("tax", ZERO)
    rows = [(entry, abs(entry.vat)) for entry in entries if entry.type.kind == "fee" and entry.vat]
    if not rows:
        return [_summary_line("fee_vat", -total, currency, head)] if total else []
    rest = total - sum((vat for _, vat in rows), ZERO)
    if abs(rest) * 2 > from_minor_units(len(rows), currency):  # each row is rounded by half a minor unit at most
        raise Unreadable(
            f"The VAT of the fee rows differs by {rest} from the summary's {total}.",
            code="VAT_DIFF",
            column="total_tax_amount",
            value=total,
            amount=rest,
            currency=currency,
        )
    largest = max(range(len(rows)), key=lambda i: rows[i][1])
    return [
        _line(entry, "fee_vat", -(vat + rest) if i == largest else -vat, currency)
        for i, (entry, vat) in enumerate(rows)
    ]


def _line(entry: _Entry, kind: Kind, amount: Decimal, currency: str) -> StatementLine:
    row = entry.row
    if row.currency("currency", currency) != currency:
        raise row.wrong("currency", f"is not the settlement's {currency}", code="CURRENCY_DIFF")
    captured, captured_on = row.moment("capture_date")
    sold, sold_on = row.moment("sale_date")
    return StatementLine(
        kind=kind,
        amount=amount,
        currency=currency,
        row=row.number,
        cells=row.cells,
        provider_id=row.text("capture") if kind == "sale" else row.text("refund") or row.text("capture"),
        capture_id=row.text("capture"),
        refund_id=row.text("refund"),
        provider_order=row.text("order"),
        order_ref=row.text("ref1"),
        order_ref2=row.text("ref2") or row.text("capture_ref") or row.text("refund_ref"),
        type=row.text("detail") or row.text("type"),
        at=captured or sold,
        day=captured_on or sold_on,
        vat_percent=entry.percent or None,
        country=row.text("country"),
        method=row.text("method"),
        text=row.text("comment"),
    )


def _summary_line(kind: Kind, amount: Decimal, currency: str, head: Row) -> StatementLine:
    at, day = head.moment("date")
    return StatementLine(kind=kind, amount=amount, currency=currency, row=head.number, cells=head.cells, at=at, day=day)


def _net(lines: Iterable[StatementLine], mode: Mode) -> Decimal:
    invoiced = ("fee", "fee_vat", "fee_correction") if mode == "gross" else ()
    return sum((line.amount for line in lines if line.kind not in invoiced), ZERO)


def _check_debt(head: Row, totals: Mapping[str, Decimal]) -> None:
    """Closing debt = opening debt − repaid + added, where the summary states both."""
    if "opening_debt" not in totals or "closing_debt" not in totals:
        return
    expected = totals["opening_debt"] - totals.get("repay", ZERO) + totals.get("deposit", ZERO)
    if expected != totals["closing_debt"]:
        raise head.wrong("closing_debt", f"should be {expected}, from the opening debt, repayment and deposit")


def _is_csv(content: Content) -> bool:
    return content.table(*_MARKS) is not None


def _is_json(content: Content) -> bool:
    if content.kind != "json":
        return False
    first = content.json[0] if isinstance(content.json, list) and content.json else content.json
    if not isinstance(first, dict):
        return False
    parts = [first, first.get("payout"), *(first.get(name) for name in ("payouts", "transactions"))]
    parts += [part[0] for part in parts if isinstance(part, list) and part]
    return any((isinstance(part, dict) and "payment_reference" in part) or _is_summary(part) for part in parts)


def _is_summary(part: object) -> bool:
    return isinstance(part, dict) and "summary_total_settlement_amount" in part


FORMATS = (
    Format("klarna csv", "settlement report, summary and transactions", _is_csv, _read_csv),
    Format("klarna json", "payout with its transactions, from the settlements API", _is_json, _read_json),
)
