"""Wildberries' detailed realisation report: XLSX of 39, 47 or 49 columns, JSON with the old and the new field names.

Row arithmetic, on every row of a sale or return (RECONCILIATION §4): payable = realised − reward − VAT on the reward,
where the reward is made up of pick-up points, acquiring and Wildberries' own. The document type gives the sign. A
negative reward is real: Wildberries pays for its own discount (edge case 51).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from samklang.accounting.statements.base import Kind, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.documents import items, listed, mapped
from samklang.accounting.statements.marketplace import fee, part, report
from samklang.accounting.statements.tables import Row, Table, plain
from samklang.records.money import ZERO

#: Field names: finance API of 2026, statistics API v5, workbooks.
_NAMES: Mapping[str, Sequence[str]] = {
    "id": ("rrdId", "rrd_id", "№"),
    "report": ("reportId", "realizationreport_id"),
    "report_type": ("reportType", "report_type"),
    "from": ("dateFrom", "date_from"),
    "to": ("dateTo", "date_to"),
    "currency": ("currency", "currency_name"),
    "document": ("docTypeName", "doc_type_name", "Тип документа"),
    "operation": ("sellerOperName", "supplier_oper_name", "Обоснование для оплаты"),
    "reason": (
        "bonusTypeName", "bonus_type_name", "Виды логистики, штрафов и корректировок ВВ",
        "Виды логистики, штрафов и доплат", "Обоснование штрафов и доплат",
    ),
    "article": ("vendorCode", "sa_name", "Артикул поставщика", "Артикул продавца"),
    "quantity": ("quantity", "Кол-во"),
    "realised": (
        "retailAmount", "retail_amount", "Вайлдберриз реализовал Товар (Пр)", "Сумма продаж (Возвратов)",
        "Сумма продаж(Возвратов)",
    ),
    "commission": (
        "ppvzSalesCommission", "ppvz_sales_commission", "Вознаграждение с продаж до вычета услуг поверенного, без НДС",
    ),
    "pickup": (
        "ppvzReward", "ppvz_reward", "Возмещение за выдачу и возврат товаров на ПВЗ",
        "Возмещение Расходов услуг поверенного",
    ),
    "acquiring": (
        "acquiringFee", "acquiring_fee", "Возмещение издержек по эквайрингу",
        "Эквайринг/Комиссии за организацию платежей", "Эквайринг/Комиссия за организацию платежей",
        "Компенсация платежных услуг/Комиссия за интеграцию платежных сервисов",
    ),
    "reward": ("vw", "ppvz_vw", "Вознаграждение Вайлдберриз (ВВ), без НДС"),
    "vat": ("vwNds", "ppvz_vw_nds", "НДС с Вознаграждения Вайлдберриз"),
    "payable": (
        "forPay", "ppvz_for_pay", "К перечислению Продавцу за реализованный Товар", "К перечислению за товар",
    ),
    "delivery": ("deliveryService", "delivery_rub", "Услуги по доставке товара покупателю", "Стоимость логистики"),
    "penalty": ("penalty", "Общая сумма штрафов", "Штрафы"),
    "additional": (
        "additionalPayment", "additional_payment", "Корректировка Вознаграждения Вайлдберриз (ВВ)", "Доплаты",
    ),
    "storage": ("paidStorage", "storage_fee", "Хранение"),
    "acceptance": ("paidAcceptance", "acceptance", "Операции на приемке", "Платная приемка"),
    "deduction": ("deduction", "Удержания"),
    "transport": (
        "rebillLogisticCost", "rebill_logistic_cost",
        "Возмещение издержек по перевозке/по складским операциям с товаром", "Возмещение издержек по перевозке",
    ),
    "points": (
        "cashbackAmount", "cashback_amount", "Сумма удержанная за начисленные баллы программы лояльности",
        "Сумма, удержанная за начисленные баллы программы лояльности",
    ),
    "loyalty": (
        "cashbackCommissionChange", "cashback_commission_change", "Стоимость участия в программе лояльности",
    ),
    "compensated": (
        "cashbackDiscount", "cashback_discount", "Компенсация скидки по программе лояльности",
    ),
    "schedule": (
        "paymentSchedule", "payment_schedule", "Разовое изменение срока перечисления денежных средств",
    ),
    "sold": ("saleDt", "sale_dt", "Дата продажи"),
    "order": ("srid", "Srid"),
    "country": ("country", "site_country", "Страна продажи", "Страна"),
}  # fmt: skip
#: The oldest layout does not state the reward and its VAT.
_NEED = ("id", "document", "operation", "quantity", "realised", "payable", "delivery", "sold")
_MARKS = (_NAMES["operation"], _NAMES["payable"])

#: Sign by document type; service rows may have none.
_SIGNS = {"продажа": 1, "возврат": -1, "": 1}
#: Operations that are Wildberries' own payment for goods lost or damaged, not a sale to a buyer.
#: What a buyer paid with points and Wildberries pays instead: revenue like the rest of the price (RECONCILIATION §4).
_POINTS_PAID = "программе лояльности"
_COMPENSATIONS = ("компенсац", "оплата брака", "оплата потерянного", "авансовая оплата за товар без движения")
#: Other columns, each a line of its own: kind and sign.
_OTHERS: Mapping[str, tuple[Kind, int]] = {
    "delivery": ("fee", -1),
    "storage": ("fee", -1),
    "acceptance": ("fee", -1),
    "transport": ("fee", -1),
    "points": ("fee", -1),
    "loyalty": ("fee", -1),
    "penalty": ("fine", -1),
    "deduction": ("adjustment", -1),
    "additional": ("adjustment", 1),
}
#: Sums that a report's header states, and the column they are of.
_TOTALS = {
    "retailAmountSum": "realised",
    "forPaySum": "payable",
    "deliveryServiceSum": "delivery",
    "paidStorageSum": "storage",
    "paidAcceptanceSum": "acceptance",
    "deductionSum": "deduction",
    "penaltySum": "penalty",
    "additionalPaymentSum": "additional",
    "cashbackAmountSum": "points",
    "cashbackCommissionChangeSum": "loyalty",
    "cashbackDiscountSum": "compensated",
}
_BUYOUTS = ("2", "3")
_KOPEK = Decimal("0.01")
_ZONE = ZoneInfo("Europe/Moscow")


def _read_table(content: Content) -> Iterator[Statement]:
    rows = content.table(*_MARKS)
    assert rows is not None  # it matched
    table = Table(rows, _NAMES, _NEED, content.numbers)
    yield from _reports(content, list(table), {}, stated=table.has("reward"))


def _read_json(content: Content) -> Iterator[Statement]:
    """Rows of /detailed, alone or as `rows` beside the `report` that /list gives."""
    document = content.json
    header = mapped(document, "report") if isinstance(document, dict) and "report" in document else {}
    rows = listed(document, "rows") if isinstance(document, dict) else listed(document)
    yield from _reports(content, items(rows, _NAMES), header)


def _reports(
    content: Content, rows: Sequence[Row], header: Mapping[str, Any], *, stated: bool = True
) -> Iterator[Statement]:
    """A statement per report and currency; `stated` is whether the rows say what the reward is."""
    groups: dict[tuple[str, str], list[Row]] = {}
    reference = "" if all(row.text("report") for row in rows) else _reference(rows)
    for row in rows:
        currency = row.currency("currency", content.profile.currency or "RUB")
        groups.setdefault((row.text("report") or reference, currency), []).append(row)
    if header and set(groups) != {(str(header.get("reportId")), str(header.get("currency")))}:
        raise Unreadable("The rows are not those of the report beside them.", value=header.get("reportId", ""))
    for (reference, currency), group in groups.items():
        lines = [line for row in group for line in _lines(row, currency, stated=stated)]
        if header:
            _check_totals(header, group, sum((line.amount for line in lines), ZERO))
        yield report(
            content,
            "wildberries",
            reference,
            currency,
            lines,
            format="wildberries realisation",
            start=group[0].day("from") or min((line.day for line in lines if line.day), default=None),
            end=group[0].day("to") or max((line.day for line in lines if line.day), default=None),
        )


def _reference(rows: Sequence[Row]) -> str:
    """A workbook does not say which report it is; its rows' numbers, which are Wildberries' own, do."""
    numbers = sorted(int(row.amount("id")) for row in rows)
    return f"{numbers[0]}-{numbers[-1]}"


def _lines(row: Row, currency: str, *, stated: bool) -> Iterable[StatementLine]:
    at, day = row.moment("sold", _ZONE)
    facts: dict[str, Any] = {
        "provider_id": row.text("id"),
        "order_ref": row.text("order"),
        "sku": row.text("article"),
        "quantity": row.amount_or_zero("quantity") or None,
        "at": at,
        "day": day,
        "country": row.text("country"),
        "method": "buyout" if row.text("report_type") in _BUYOUTS else "",
        "text": row.text("reason"),
    }
    if row.amount_or_zero("schedule"):
        raise row.wrong("schedule", "is not known to be added or taken", do_this="Ask for its meaning to be added.")
    operation = row.text("operation")
    sign: int = row.one_of("document", _SIGNS)
    realised = row.amount_or_zero("realised")
    if realised < 0:
        sign = 1  # already signed
    shares = {name: row.amount_or_zero(name) for name in ("reward", "pickup", "acquiring")}
    vat = row.amount_or_zero("vat")
    if realised and not stated:
        shares["reward"] = realised - row.amount("payable")
    payable, rest = _check(row, realised, sum(shares.values(), ZERO), vat)
    shares[max(shares, key=lambda name: abs(shares[name]))] -= rest
    kind = _kind(operation, sign * (realised or payable))
    if realised or any(shares.values()) or vat:
        yield from part(row, kind, sign * realised, operation, currency, **facts)
        for name, share in shares.items():
            yield from fee(row, sign * share, name, currency, **facts)
        yield from part(row, "fee_vat", -sign * vat, "vat", currency, **facts)
    else:
        yield from part(row, kind, sign * payable, operation, currency, **facts)
    yield from part(row, *_compensated(row, sign, realised, payable), "loyalty", currency, **facts)
    for name, (other, direction) in _OTHERS.items():
        amount = direction * row.amount_or_zero(name)
        other = "fee_correction" if other == "fee" and amount > 0 else other
        yield from part(row, other, amount, name, currency, **facts)


def _compensated(row: Row, sign: int, realised: Decimal, payable: Decimal) -> tuple[Kind, Decimal]:
    """What is paid for points, unless the row's payable says it already. It stands in rows of its own."""
    value = row.amount_or_zero("compensated")
    if value and (realised or payable not in (ZERO, value)):
        raise row.wrong(
            "compensated",
            "stands beside another amount and may be part of it",
            do_this="Ask for its meaning to be added.",
        )
    amount = value if value < 0 else sign * value
    return ("sale" if amount > 0 else "refund"), ZERO if payable else amount


def _check(row: Row, realised: Decimal, reward: Decimal, vat: Decimal) -> tuple[Decimal, Decimal]:
    """What is payable for the goods, and by how much its parts miss it: a kopek, as each of them is rounded.

    Rows that only compensate have no realised amount and no reward.
    """
    payable = row.amount_or_zero("payable")
    if not (realised or reward or vat):
        return payable, ZERO
    if row.text("commission") and abs(row.amount("commission") - reward) > _KOPEK:
        raise row.wrong("commission", f"is not the sum of its parts {reward}", code="AMOUNT_DIFF")
    rest = payable - (realised - reward - vat)
    if abs(rest) > _KOPEK:
        raise row.wrong("payable", f"is not realised − reward − VAT = {realised - reward - vat}", code="AMOUNT_DIFF")
    return payable, rest


def _kind(operation: str, amount: Decimal) -> Kind:
    words = plain(operation)
    if any(mark in words for mark in _COMPENSATIONS) and _POINTS_PAID not in words:
        return "compensation"
    return "sale" if amount > 0 else "refund"


def _check_totals(header: Mapping[str, Any], rows: Sequence[Row], owed: Decimal) -> None:
    (stated,) = items([header])
    if stated.text("bankPaymentSum") and stated.amount("bankPaymentSum") != owed:
        raise stated.wrong("bankPaymentSum", f"is not the {owed} of the rows")
    for name, column in _TOTALS.items():
        if not stated.text(name):
            continue
        signed = column in ("realised", "payable")
        total = sum(
            (row.amount_or_zero(column) * (row.one_of("document", _SIGNS) if signed else 1) for row in rows), ZERO
        )
        paid = sum((row.amount_or_zero("compensated") for row in rows), ZERO) if column == "realised" else ZERO
        if stated.amount(name) not in (total, total + paid):  # what was sold, with or without what points paid
            raise stated.wrong(name, f"is not the {total} of the rows")


def _is_table(content: Content) -> bool:
    return content.kind in ("text", "xlsx") and content.table(*_MARKS) is not None


def _is_json(content: Content) -> bool:
    if content.kind != "json":
        return False
    rows = content.json.get("rows") if isinstance(content.json, dict) else content.json
    first = rows[0] if isinstance(rows, list) and rows else None
    return isinstance(first, dict) and bool(first.keys() & {"rrdId", "rrd_id"})


FORMATS = (
    Format("wildberries realisation", "detailed report as XLSX", _is_table, _read_table),
    Format("wildberries realisation json", "detailed report from the API, old or new names", _is_json, _read_json),
)
