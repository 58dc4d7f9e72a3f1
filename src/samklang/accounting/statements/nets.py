"""Nets Easy / Nexi Checkout: a payout with its payment actions, from the reporting API.

amount = charged − refunded + deposited − fees, which follows from the fields' meanings and is not confirmed by the
vendor; a payout that does not follow it is refused, not bent. Refunds may come with or without a minus: their type
gives the sign, the header's totals prove it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from samklang.accounting.statements.base import Kind, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.documents import items, listed, pages
from samklang.accounting.statements.tables import Row
from samklang.records.money import ZERO

#: Kind, sign and the header's total, by payment action.
_ACTIONS: Mapping[str, tuple[Kind, int, str]] = {
    "charge": ("sale", 1, "chargedAmount"),
    "charged": ("sale", 1, "chargedAmount"),
    "refund": ("refund", -1, "refundedAmount"),
    "refunded": ("refund", -1, "refundedAmount"),
    "deposit": ("adjustment", 1, "depositedAmount"),
    "deposited": ("adjustment", 1, "depositedAmount"),
}
_TOTALS = ("amount", "chargedAmount", "refundedAmount", "depositedAmount", "fees", "feeTaxAmount")


def _read(content: Content) -> Iterator[Statement]:
    """Payouts in the file; the pages of one payout are put together."""
    payouts: dict[str, tuple[Mapping[str, Any], list[Any]]] = {}
    for page in pages(content.json):
        if "paymentActions" not in page:
            raise Unreadable(
                "The payout's payment actions are not in the file.", do_this="Fetch /report/v1/payouts/{id} for each."
            )
        payouts.setdefault(str(page.get("id")), (page, []))[1].extend(listed(page, "paymentActions"))
    for page, actions in payouts.values():
        yield _statement(content, page, actions)


def _statement(content: Content, page: Mapping[str, Any], actions: Sequence[Any]) -> Statement:
    (head,) = items([{key: value for key, value in page.items() if key != "paymentActions"}])
    currency = head.currency("currency")
    if head.amount("numberOfPaymentActions") != len(actions):
        raise head.wrong(
            "numberOfPaymentActions", f"is not the {len(actions)} in the file", do_this="Fetch all pages of the payout."
        )
    totals = {name: head.minor(name, currency) if head.text(name) else ZERO for name in _TOTALS}
    rows = items(actions)
    lines = [line for row in rows for line in _lines(row, currency)]
    _check(rows, currency, totals)
    lines += _header_fees(lines, totals, head, currency)
    if totals["amount"] > 0:
        lines.append(_line(head, "payout", -totals["amount"], currency, provider_id=head.text("id")))
    days = [line.day for line in lines if line.day and line.kind != "payout"]
    return Statement(
        provider="nets",
        format="nets payout",
        reference=head.need("reference"),
        currency=currency,
        file_hash=content.hash,
        account=content.profile.account,
        paid_on=head.day("date"),
        start=min(days, default=None),
        end=max(days, default=None),
        closing=min(totals["amount"], ZERO),
        totals=totals,
        lines=tuple(lines),
    )


def _lines(row: Row, currency: str) -> Iterable[StatementLine]:
    kind, sign, _ = row.one_of("paymentAction", _ACTIONS)
    if row.currency("currency", currency) != currency:
        raise row.wrong("currency", f"is not the payout's {currency}", code="CURRENCY_DIFF")
    yield _line(row, kind, sign * abs(row.minor("amount", currency)), currency)
    if row.text("fee") and (fee := row.minor("fee", currency)):
        yield _line(row, "fee" if fee > 0 else "fee_correction", -fee, currency)


def _line(row: Row, kind: Kind, amount: Decimal, currency: str, **more: Any) -> StatementLine:
    at, day = row.moment("timestamp")
    facts: dict[str, Any] = {"provider_id": row.text("id"), "at": at, "day": day or row.day("date"), **more}
    return StatementLine(
        kind=kind,
        amount=amount,
        currency=currency,
        row=row.number,
        cells=row.cells,
        capture_id=row.text("id") if kind == "sale" else "",
        refund_id=row.text("id") if kind == "refund" else "",
        provider_order=row.text("paymentId"),
        order_ref=row.text("reference") if kind != "payout" else "",
        order_ref2=row.text("invoiceNumber"),
        type=row.text("paymentAction") or kind,
        method=row.text("paymentMethod"),
        **facts,
    )


def _check(rows: Sequence[Row], currency: str, totals: Mapping[str, Decimal]) -> None:
    """The actions of each sort sum to the header's total of that sort."""
    sums = dict.fromkeys(("chargedAmount", "refundedAmount", "depositedAmount"), ZERO)
    for row in rows:
        sums[row.one_of("paymentAction", _ACTIONS)[2]] += abs(row.minor("amount", currency))
    for name, value in sums.items():
        if value != abs(totals[name]):
            raise Unreadable(
                f"The actions of {name} sum to {value}, the payout says {totals[name]}.",
                column=name,
                value=totals[name],
                amount=value - abs(totals[name]),
                currency=currency,
            )


def _header_fees(
    lines: Sequence[StatementLine], totals: Mapping[str, Decimal], head: Row, currency: str
) -> Iterable[StatementLine]:
    """Fees of no action, such as a monthly fee (edge case 12), and VAT where a fee carries any."""
    itemised = -sum((line.amount for line in lines if line.kind in ("fee", "fee_correction")), ZERO)
    if rest := abs(totals["fees"]) - itemised:
        yield _line(head, "fee" if rest > 0 else "fee_correction", -rest, currency, provider_id=head.text("id"))
    if totals["feeTaxAmount"]:
        yield _line(head, "fee_vat", -abs(totals["feeTaxAmount"]), currency, provider_id=head.text("id"))


def _matches(content: Content) -> bool:
    if content.kind != "json":
        return False
    document = content.json
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and bool(first.keys() & {"paymentActions", "numberOfPayouts", "chargedAmount"})


FORMATS = (Format("nets payout", "payout with its payment actions, from the reporting API", _matches, _read),)
