"""Yandex Market: payments of a payment order (united netting), goods realisation, order statistics with commissions.

Reports come as JSON (one list per sheet), CSV or XLSX of one sheet; columns by the vendor's names for all three, those
of a workbook in Russian or English.
Netting: the transactions of a payment order sum to its amount. Realisation: price × count. Statistics are an account's
moves over any period and no statement of a payout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from samklang.accounting.statements.base import Kind, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.documents import items, listed, mapped, pages
from samklang.accounting.statements.marketplace import fee, part, report
from samklang.accounting.statements.tables import Row, Table, plain
from samklang.records.money import ZERO

_ZONE = ZoneInfo("Europe/Moscow")


def _roubles(*titles: str) -> tuple[str, ...]:
    """A Russian title of a sum, with and without its currency, as years and places differ."""
    return tuple(f"{title}{currency}" for title in titles for currency in ("", ", ₽", ", руб."))


_NETTING: Mapping[str, Sequence[str]] = {
    "account": ("businessId", "BUSINESS_ID", "Business account ID", "ID бизнес-аккаунта"),
    "date": ("transactionDate", "TRANSACTION_DATE", "Transaction date", "Дата транзакции"),
    "id": ("transactionId", "TRANSACTION_ID", "Transaction ID", "ID транзакции"),
    "order": ("orderId", "ORDER_ID", "Order number", "Номер заказа"),
    "shop_order": ("shopOrderId", "SHOP_ORDER_ID", "Your order number", "Ваш номер заказа"),
    "sku": ("shopSku", "SHOP_SKU", "Your SKU", "Ваш SKU"),
    "name": (
        "offerOrServiceName", "OFFER_OR_SERVICE_NAME",
        "Название товара (к начислению) или услуги (к удержанию)", "Название товара",
    ),
    "count": ("count", "COUNT", "Quantity", "Количество"),
    "amount": ("transactionSum", "TRANSACTION_SUM", "Transaction amount", *_roubles("Сумма транзакции")),
    "type": ("transactionType", "TRANSACTION_TYPE", "Transaction type", "Тип транзакции"),
    "source": ("transactionSource", "TRANSACTION_SOURCE", "Transaction source", "Источник транзакции"),
    "paid_on": ("bankOrderDate", "BANK_ORDER_DATE", "Payment order date", "Дата платёжного поручения"),
    "payment": ("bankOrderId", "BANK_ORDER_ID", "Payment order number", "Номер платёжного поручения"),
    "paid": (
        "bankSum", "BANK_SUM", "Payment order amount", "Payment order amount or the amount withheld for services",
        *_roubles("Сумма платёжного поручения или удерживаемая за услуги сумма", "Сумма платёжного поручения"),
    ),
}  # fmt: skip
_NETTING_NEED = ("date", "id", "order", "amount", "type", "paid_on", "payment", "paid")
_NETTING_MARKS = (_NETTING["amount"], _NETTING["payment"])
#: Kind by a word in the transaction's type or source; the sign is in the amount.
_NETTING_KINDS: Sequence[tuple[tuple[str, ...], Kind]] = (
    (("возврат", "refund", "return"), "refund"),
    (("компенсац", "compensation"), "compensation"),
    (("удержан", "retention", "withh", "услуг", "service"), "fee"),
    (("начислен", "accrual", "payment", "платеж"), "sale"),
)


def _read_netting(content: Content) -> Iterator[Statement]:
    payments: dict[str, list[Row]] = {}
    for row in _rows(content, _NETTING, _NETTING_NEED, _NETTING_MARKS, "transaction_date"):
        payments.setdefault(row.text("payment"), []).append(row)
    currency = content.profile.currency or "RUB"
    waiting = payments.pop("", [])
    for payment, rows in payments.items():
        lines = [line for row in rows for line in _netting_line(row, currency)]
        moved = sum((line.amount for line in lines), ZERO)
        stated = rows[0].amount("paid")
        wrong = next((row for row in rows if row.amount("paid") != stated), None)
        if wrong or moved != stated:
            raise (wrong or rows[0]).wrong("paid", f"is not the {moved} of payment order {payment}'s transactions")
        first = rows[0]
        paid_on = first.day("paid_on")
        lines += part(first, "payout", -stated, "payment order", currency, provider_id=payment, day=paid_on)
        yield Statement(
            provider="yandex_market",
            format="yandex netting",
            reference=payment,
            currency=currency,
            file_hash=content.hash,
            account=first.text("account") or content.profile.account,
            paid_on=paid_on,
            start=min((day for row in rows if (day := row.day("date"))), default=None),
            end=max((day for row in rows if (day := row.day("date"))), default=None),
            totals={"bankSum": stated},
            lines=tuple(lines),
        )
    if waiting:
        pending = tuple(line for row in waiting for line in _netting_line(row, currency))
        yield report(content, "yandex_market", "", currency, [], format="yandex netting", pending=pending)


def _netting_line(row: Row, currency: str) -> Iterable[StatementLine]:
    at, day = row.moment("date", _ZONE)
    words = plain(f"{row.text('type')} {row.text('source')}")
    kind: Kind = next((kind for marks, kind in _NETTING_KINDS if any(mark in words for mark in marks)), "adjustment")
    amount = row.amount("amount")
    if (kind == "sale" and amount < 0) or (kind == "refund" and amount > 0):
        kind = "adjustment"
    return part(
        row,
        "fee_correction" if kind == "fee" and amount > 0 else kind,
        amount,
        row.text("type"),
        currency,
        provider_id=row.text("id"),
        provider_order=row.text("order"),
        order_ref=row.text("shop_order") or row.text("order"),
        sku=row.text("sku"),
        quantity=row.amount_or_zero("count") or None,
        at=at,
        day=day,
        text=row.text("name"),
    )


def _goods(sheet: str, words: tuple[str, str], *date_names: str) -> Mapping[str, Sequence[str]]:
    """The columns of a sheet; `words` are the Russian ones for what was delivered or returned, and for such pieces."""
    upper = {"delivered": "DELIVERED", "returned": "RETURNED"}[sheet]
    total = {"delivered": "deliveredPriceSum", "returned": "returnPriceSum"}[sheet]
    columns = {"delivered": "DELIVERED_PRICE_SUM", "returned": "RETURN_PRICE_SUM"}[sheet]
    return {
        "order": ("orderId", "ORDER_ID", "Order number", "Номер заказа"),
        "shop_order": ("yourOrderId", "YOUR_ORDER_ID", "Your order number", "Ваш номер заказа"),
        "sku": ("yourSku", "YOUR_SKU", "Your SKU", "shopSku", "SHOP_SKU", "Ваш SKU"),
        "name": ("offerName", "OFFER_NAME", "Product name", "Название товара"),
        "count": (f"{sheet}Count", f"{upper}_COUNT", f"{sheet.capitalize()}, items", f"{words[0]}, шт."),
        "date": date_names,
        "vat": ("vat", "VAT", "VAT rate", "Ставка НДС"),
        "price": (
            "priceWithVatAndAllDiscounts", "PRICE_WITH_VAT_AND_ALL_DISCOUNTS",
            "Price with VAT, including all discounts per piece.",
            *_roubles("Цена с НДС с учётом всех скидок за шт."), "Цена с НДС с учётом всех скидок, руб. за шт.",
        ),
        "amount": (
            f"{total}WithVatAndDiscounts", f"{columns}_WITH_VAT_AND_DISCOUNTS",
            f"The cost of all {sheet} pieces with VAT, including all discounts",
            *_roubles(f"Стоимость всех {words[1]} штук с НДС с учётом всех скидок"),
        ),
    }  # fmt: skip


_SHEETS: Mapping[str, tuple[Mapping[str, Sequence[str]], Kind, int]] = {
    "delivered": (
        _goods(
            "delivered",
            ("Доставлено", "доставленных"),
            "deliveryDate",
            "DELIVERY_DATE",
            "Product delivery date",
            "Дата доставки товара",
        ),
        "sale",
        1,
    ),
    "returned": (
        _goods(
            "returned",
            ("Возвращено", "возвращённых"),
            "returnWarehouseOrScAcceptDate",
            "RETURN_WAREHOUSE_OR_SC_ACCEPT_DATE",
            "Return acceptance date by the warehouse or sorting center",
            "Дата приёма возврата складом или сортировочным центром",
        ),
        "refund",
        -1,
    ),
}
#: How the row of sums begins that stands last in a workbook.
_SUMS = ("итого", "total")
_GOODS_NEED = ("order", "count", "date", "price", "amount")


def _read_realisation(content: Content) -> Iterator[Statement]:
    """Delivered and returned goods; what is only on its way or was not bought moves no money."""
    currency = content.profile.currency or "RUB"
    lines: list[StatementLine] = []
    for sheet, (names, kind, sign) in _SHEETS.items():
        total = ZERO
        for row in _rows(content, names, _GOODS_NEED, (names["amount"],), sheet, optional=True):
            if plain(row.text("order")).startswith(_SUMS):
                if row.amount("amount") != total:
                    raise row.wrong("amount", f"is not the {total} of the rows above", code="AMOUNT_DIFF")
                continue
            count, price, amount = row.amount("count"), row.amount("price"), row.amount("amount")
            if count * price != amount:
                raise row.wrong("amount", f"is not count × price = {count * price}", code="AMOUNT_DIFF")
            total += amount
            at, day = row.moment("date", _ZONE)
            lines += part(
                row,
                kind,
                sign * amount,
                sheet,
                currency,
                provider_order=row.text("order"),
                order_ref=row.text("shop_order") or row.text("order"),
                sku=row.text("sku"),
                quantity=count,
                at=at,
                day=day,
                text=row.text("name"),
            )
    days = sorted({line.day for line in lines if line.day})
    if not days:
        return
    yield report(content, "yandex_market", f"{days[-1]:%Y-%m}", currency, lines, format="yandex realisation")


#: Kind and sign of a payment in the order statistics.
_PAYMENTS: Mapping[str, tuple[Kind, int]] = {"payment": ("sale", 1), "refund": ("refund", -1)}


def _read_statistics(content: Content) -> Iterator[Statement]:
    found = [order for page in pages(content.json) for order in listed(page, "result", "orders")]
    orders = [order for order in map(mapped, found) if not order.get("fake")]
    currencies: dict[str, list[StatementLine]] = {}
    for row, order in zip(items(orders), orders, strict=True):
        currency = row.currency("currency", content.profile.currency or "RUB")
        currencies.setdefault(currency, []).extend(_order_lines(row, order, currency))
    for currency, lines in currencies.items():
        yield report(content, "yandex_market", "", currency, lines, format="yandex order statistics")


def _order_lines(row: Row, order: Mapping[str, Any], currency: str) -> Iterable[StatementLine]:
    common: dict[str, Any] = {
        "provider_order": row.need("id"),
        "order_ref": row.text("partnerOrderId") or row.text("id"),
    }
    for place, payment in enumerate(_parts(order, "payments")):
        kind, sign = row.one_of(f"payments.{place}.type", _PAYMENTS)
        at, day = row.moment(f"payments.{place}.date", _ZONE)
        amount = sign * row.amount(f"payments.{place}.total")
        source, key = str(payment.get("source") or ""), str(payment.get("id") or "")
        yield from part(row, kind, amount, source, currency, **common, provider_id=key, at=at, day=day)
    at, day = row.moment("statusUpdateDate", _ZONE)
    for place, commission in enumerate(_parts(order, "commissions")):
        taken: Decimal = row.amount(f"commissions.{place}.actual")
        key = f"{row.text('id')}/{commission.get('type')}"
        yield from fee(row, taken, str(commission.get("type")), currency, **common, provider_id=key, at=at, day=day)


def _parts(order: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [mapped(part) for part in listed(order, name)] if order.get(name) else []


def _rows(
    content: Content,
    names: Mapping[str, Sequence[str]],
    need: Sequence[str],
    marks: Sequence[Sequence[str]],
    sheet: str,
    *,
    optional: bool = False,
) -> Iterable[Row]:
    """The rows of a sheet: a list in JSON, under its name or alone; else the table that shows its marks."""
    if content.kind == "json":
        document = content.json
        if isinstance(document, dict):
            document = document.get(sheet, [])
        return items(document, names)
    table = content.table(*marks)
    if table is None:
        if optional:
            return []
        raise Unreadable(f"The file has no sheet {sheet}.")
    return Table(table, names, need, content.numbers)


def _has(content: Content, marks: Sequence[Sequence[str]], sheet: str) -> bool:
    if content.kind == "json":
        rows = content.json.get(sheet) if isinstance(content.json, dict) else content.json
        first = rows[0] if isinstance(rows, list) and rows else None
        return isinstance(first, dict) and all(first.keys() & set(mark) for mark in marks)
    return content.kind in ("text", "xlsx") and content.table(*marks) is not None


def _is_netting(content: Content) -> bool:
    return _has(content, _NETTING_MARKS, "transaction_date")


def _is_realisation(content: Content) -> bool:
    return any(_has(content, (names["amount"],), sheet) for sheet, (names, _, _) in _SHEETS.items())


def _is_statistics(content: Content) -> bool:
    if content.kind != "json":
        return False
    first = content.json[0] if isinstance(content.json, list) and content.json else content.json
    result = first.get("result") if isinstance(first, dict) else None
    return isinstance(result, dict) and isinstance(result.get("orders"), list)


FORMATS = (
    Format("yandex netting", "payments report (united netting), sheet of transactions", _is_netting, _read_netting),
    Format("yandex realisation", "report on realised goods", _is_realisation, _read_realisation),
    Format("yandex order statistics", "orders with payments and commissions", _is_statistics, _read_statistics),
)
