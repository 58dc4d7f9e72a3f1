"""Ozon: the monthly realisation report, the list of transactions (both JSON), and the accruals workbook.

Realisation: a row holds a sale and a return leg; total = amount + loyalty payments − Ozon's reward. Transactions and
accruals: amount = the sum of its parts (RECONCILIATION §6; field meanings: Ozon Seller API 2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from samklang.accounting.statements.base import Kind, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.documents import items, listed, mapped, pages
from samklang.accounting.statements.marketplace import fee, part, report
from samklang.accounting.statements.tables import Row, Table
from samklang.records.money import ZERO

_ZONE = ZoneInfo("Europe/Moscow")
#: What Ozon and its partners pay on top of the buyer, by field of a leg.
_LOYALTY = ("bonus", "bank_coinvestment", "stars", "pick_up_point_coinvestment", "compensation")
#: Ozon's reward: until April 2024 `commission`, since then `standard_fee`.
_REWARDS = ("standard_fee", "commission")


def _read_realisation(content: Content) -> Iterator[Statement]:
    result = _result(content)
    (head,) = items([mapped(result, "header")])
    currency = head.currency("currency_sys_name")
    lines = [line for row in items(listed(result, "rows")) for line in _row_lines(row, head.need("number"), currency)]
    if head.text("doc_amount") and head.amount("doc_amount"):
        stated = head.amount("doc_amount")
        sold = sum((line.amount for line in lines if line.kind in ("sale", "refund") and line.type == "amount"), ZERO)
        if stated not in (sold, sum((line.amount for line in lines), ZERO)):
            raise head.wrong("doc_amount", f"is not the {sold} of the rows")
    yield report(
        content,
        "ozon",
        head.need("number"),
        currency,
        lines,
        format="ozon realisation",
        account=head.text("contract_number"),
        start=head.day("start_date"),
        end=head.day("stop_date"),
        totals={name: head.amount(name) for name in ("doc_amount", "vat_amount") if head.text(name)},
    )


def _row_lines(row: Row, number: str, currency: str) -> Iterable[StatementLine]:
    for leg, sign in (("delivery_commission", 1), ("return_commission", -1)):
        values = {name: row.amount_or_zero(f"{leg}.{name}") for name in ("amount", "total", *_LOYALTY, *_REWARDS)}
        reward = next((values[name] for name in _REWARDS if values[name]), ZERO)
        loyalty = sum((values[name] for name in _LOYALTY), ZERO)
        if values["total"] != values["amount"] + loyalty - reward:
            due = values["amount"] + loyalty - reward
            raise row.wrong(f"{leg}.total", f"is not amount + loyalty − reward = {due}", code="AMOUNT_DIFF")
        kind: Kind = "sale" if sign > 0 else "refund"
        facts: dict[str, Any] = {
            "provider_id": f"{number}/{row.text('rowNumber') or row.text('row_number')}",
            "provider_order": row.text("order.posting_number"),
            "order_ref": row.text("order.posting_number"),
            "sku": row.text("item.offer_id"),
            "quantity": row.amount_or_zero(f"{leg}.quantity") or None,
            "text": row.text("item.name"),
        }
        yield from part(row, kind, sign * values["amount"], "amount", currency, **facts)
        for name in _LOYALTY:
            yield from part(row, kind, sign * values[name], name, currency, **facts)
        yield from fee(row, sign * reward, "reward", currency, **facts)


#: Kind by transaction type for an amount without parts.
_PLAIN: Mapping[str, Kind] = {"services": "fee", "compensation": "compensation"}
_CHARGES = ("sale_commission", "delivery_charge", "return_delivery_charge")


def _read_transactions(content: Content) -> Iterator[Statement]:
    """All pages of one search; a page alone does not show that it is all."""
    results = [mapped(page, "result") for page in pages(content.json)]
    found = [operation for result in results for operation in listed(result, "operations")]
    stated = results[0].get("row_count")
    if stated != len(found):
        raise Unreadable(
            f"The file has {len(found)} of {stated} transactions.",
            column="row_count",
            value=stated,
            do_this="Fetch all pages of the list.",
        )
    currency = content.profile.currency or "RUB"
    lines = [line for row in items(found) for line in _operation(row, currency)]
    yield report(content, "ozon", "", currency, lines, format="ozon transactions")


def _operation(row: Row, currency: str) -> Iterable[StatementLine]:
    at, day = row.moment("operation_date", _ZONE)
    facts: dict[str, Any] = {
        "provider_id": row.need("operation_id"),
        "provider_order": row.text("posting.posting_number"),
        "order_ref": row.text("posting.posting_number"),
        "at": at,
        "day": day,
        "text": row.text("operation_type_name"),
    }
    type_ = row.text("operation_type")
    amount, sold = row.amount("amount"), row.amount_or_zero("accruals_for_sale")
    charges = [(name, row.amount_or_zero(name)) for name in _CHARGES]
    count = 0
    while row.text(f"services.{count}.name"):
        charges.append((row.text(f"services.{count}.name"), row.amount_or_zero(f"services.{count}.price")))
        count += 1
    parts = sold + sum((charge for _, charge in charges), ZERO)
    if not sold and not any(charge for _, charge in charges):
        kind = _PLAIN.get(row.text("type"), "adjustment")
        kind = "fee_correction" if kind == "fee" and amount > 0 else kind
        yield from part(row, kind, amount, type_, currency, **facts)
        return
    if parts != amount:
        raise row.wrong("amount", f"is not the {parts} of its parts", code="AMOUNT_DIFF")
    yield from part(row, "sale" if sold > 0 else "refund", sold, type_, currency, **facts)
    for name, charge in charges:
        yield from fee(row, -charge, name, currency, **facts)


#: The accruals workbook; Ozon has renamed its columns, and adds one whenever it thinks of a new service.
_ACCRUALS: Mapping[str, Sequence[str]] = {
    "date": ("Дата начисления",),
    "type": ("Тип начисления",),
    "posting": ("Номер отправления или идентификатор услуги",),
    "sku": ("Артикул",),
    "quantity": ("Количество",),
    "sold": ("За продажу или возврат до вычета комиссий и услуг",),
    "commission": ("Вознаграждение Ozon", "Комиссия за продажу"),
    "total": ("Итого, руб.", "Итого"),
    "name": ("Название товара или услуги",),
}
_NEED = ("date", "type", "posting", "sold", "commission", "total")
_MARKS = (_ACCRUALS["type"], _ACCRUALS["sold"])


def _read_accruals(content: Content) -> Iterator[Statement]:
    rows = content.table(*_MARKS)
    assert rows is not None  # it matched
    currency = content.profile.currency or "RUB"
    lines = [line for row in Table(rows, _ACCRUALS, _NEED, content.numbers) for line in _accrual(row, currency)]
    yield report(content, "ozon", "", currency, lines, format="ozon accruals")


def _accrual(row: Row, currency: str) -> Iterable[StatementLine]:
    """Sale, Ozon's reward, and what the other columns take together (their cells say which)."""
    row.need("date")  # a row of sums has none
    at, day = row.moment("date", _ZONE)
    facts: dict[str, Any] = {
        "provider_order": row.text("posting"),
        "order_ref": row.text("posting"),
        "sku": row.text("sku"),
        "at": at,
        "day": day,
        "text": row.text("name"),
    }
    sold, commission, total = (row.amount_or_zero(name) for name in ("sold", "commission", "total"))
    yield from part(row, "sale" if sold > 0 else "refund", sold, row.text("type"), currency, **facts)
    yield from fee(row, -commission, "reward", currency, **facts)
    yield from fee(row, -(total - sold - commission), row.text("type"), currency, **facts)


def _result(content: Content) -> Mapping[str, Any]:
    if content.kind != "json":
        return {}
    document = content.json[0] if isinstance(content.json, list) and content.json else content.json
    inner = document.get("result", document) if isinstance(document, dict) else {}
    return inner if isinstance(inner, dict) else {}


def _is_realisation(content: Content) -> bool:
    return {"header", "rows"} <= _result(content).keys()


def _is_transactions(content: Content) -> bool:
    return "operations" in _result(content)


def _is_accruals(content: Content) -> bool:
    return content.kind in ("text", "xlsx") and content.table(*_MARKS) is not None


FORMATS = (
    Format("ozon realisation", "monthly report on realised goods, from the API", _is_realisation, _read_realisation),
    Format("ozon transactions", "list of transactions, all pages", _is_transactions, _read_transactions),
    Format("ozon accruals", "accruals as XLSX", _is_accruals, _read_accruals),
)
