"""Small whole files of every format, written here; tests bend them. Amounts follow E2 and E3 where they can."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import openpyxl

KLARNA_SUMMARY = {
    "total_sale_amount": "2765.00",
    "total_fee_amount": "92.67",
    "total_tax_amount": "23.17",
    "total_return_amount": "0.00",
    "total_reversal_amount": "0.00",
    "total_settlement_amount": "2649.16",
    "payment_reference": "XISA93DJ",
    "settlement_currency": "SEK",
    "payout_date": "2026-03-06T05:00:00Z",
    "merchant_id": "K123456",
    "merchant_settlement_type": "NET",
}
_SOLD = {"sale_date": "2026-03-02T09:00:00Z", "capture_date": "2026-03-02T12:00:00Z", "currency": "SEK"}
_SALES = (
    ("1001", "1250.00", "41.90", "10.48"),
    ("1003", "1190.00", "39.89", "9.97"),
    ("1006", "325.00", "10.88", "2.72"),
)
KLARNA_ROWS: list[dict[str, str]] = [
    {"merchant_reference1": order, "order_id": f"k-{order}", "capture_id": f"c-{order}", **_SOLD, **row}
    for order, sale, fee, vat in _SALES
    for row in (
        {"type": "SALE", "amount": sale},
        {
            "type": "FEE",
            "detailed_type": "PURCHASE_FEE_PERCENTAGE",
            "amount": fee,
            "vat_amount": vat,
            "vat_rate": "25.00",
        },
    )
]
KLARNA_COLUMNS = (
    "type", "detailed_type", "capture_date", "sale_date", "order_id", "capture_id", "merchant_reference1", "amount",
    "currency", "refund_id", "vat_rate", "vat_amount",
)  # fmt: skip


def csv(rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """Cells joined, every line ended."""
    return "".join(delimiter.join(str(cell) for cell in row) + "\n" for row in rows)


def table(columns: Sequence[str], rows: Iterable[Mapping[str, object]], delimiter: str = ",") -> str:
    """A header and its rows; missing cells are empty."""
    return csv([columns, *([row.get(name, "") for name in columns] for row in rows)], delimiter)


def klarna(
    rows: Sequence[Mapping[str, str]] = KLARNA_ROWS, columns: Sequence[str] = KLARNA_COLUMNS, **summary: str
) -> bytes:
    """A settlement report; `summary` replaces values of the summary ("" leaves the column out)."""
    head = {name: value for name, value in {**KLARNA_SUMMARY, **summary}.items() if value}
    return (csv([list(head), list(head.values())], ";") + "\n" + table(columns, rows, ";")).encode()


def klarna_json(rows: Sequence[Mapping[str, str]] = KLARNA_ROWS, **totals: int) -> bytes:
    """The same settlement as the API gives it: minor units, UTC, percent × 100."""
    numbers = ("amount", "vat_amount", "vat_rate")
    transactions = [
        {
            name.replace("currency", "currency_code"): round(float(value) * 100) if name in numbers else value
            for name, value in row.items()
        }
        for row in rows
    ]
    sums = {"sale_amount": 276500, "fee_amount": 9267, "tax_amount": 2317, "settlement_amount": 264916}
    payout = {
        "payment_reference": "XISA93DJ",
        "payout_date": "2026-03-06T05:00:00Z",
        "currency_code": "SEK",
        "merchant_settlement_type": "NET",
        "merchant_id": "K123456",
        "totals": {**sums, **totals},
    }
    page = {"transactions": transactions, "pagination": {"count": len(rows), "total": len(rows), "offset": 0}}
    return json.dumps({"payout": payout, "transactions": page}).encode()


STRIPE_COLUMNS = ("payout_id", "transaction_id", "type", "amount", "fee", "net", "currency", "created", "description")
STRIPE_ROWS: list[dict[str, str]] = [
    {"payout_id": "po_1A", "transaction_id": "txn_1", "type": "charge", "amount": "661.00", "fee": "13.07",
     "net": "647.93", "currency": "sek", "created": "2026-03-02T09:12:33Z", "description": "Order 1002"},
    {"payout_id": "po_1A", "transaction_id": "txn_2", "type": "payout", "amount": "-647.93", "fee": "0.00",
     "net": "-647.93", "currency": "sek", "created": "2026-03-05T00:00:00Z", "description": "STRIPE PAYOUT"},
]  # fmt: skip


def stripe(rows: Sequence[Mapping[str, str]] = STRIPE_ROWS, columns: Sequence[str] = STRIPE_COLUMNS) -> bytes:
    """Balance transactions as CSV, major units."""
    return table(columns, rows).encode()


def stripe_transaction(id_: str, amount: int, fee: int = 0, type_: str = "charge", **more: Any) -> dict[str, Any]:
    """One balance transaction as the API gives it."""
    return {
        "id": id_, "object": "balance_transaction", "type": type_, "reporting_category": type_, "currency": "sek",
        "amount": amount, "fee": fee, "net": amount - fee, "created": 1772442753, "available_on": 1772668800,
        "source": f"ch_{id_}", "exchange_rate": None, "fee_details": [], **more,
    }  # fmt: skip


def stripe_json(transactions: Sequence[Mapping[str, Any]], **payout: Any) -> bytes:
    """A payout and its balance transactions."""
    listed = {"object": "list", "has_more": False, "data": list(transactions)}
    head = {
        "object": "payout", "id": "po_1A", "currency": "sek", "automatic": True, "livemode": True,
        "arrival_date": 1772668800, "reconciliation_status": "completed", **payout,
    }  # fmt: skip
    return json.dumps({"payout": head, "balance_transactions": listed}).encode()


SHOPIFY_COLUMNS = (
    "Transaction Date", "Type", "Order", "Card Brand", "Card Source", "Payout Status", "Payout Date", "Payout ID",
    "Available On", "Amount", "Fee", "Net", "Checkout", "Payment Method Name", "Presentment Amount",
    "Presentment Currency", "Currency", "VAT",
)  # fmt: skip


def shopify_row(order: str, amount: str, fee: str, net: str, **more: str) -> dict[str, str]:
    """One transaction of payout 90001, paid on 5 March."""
    return {
        "Transaction Date": "2026-03-02 10:15:00 +0100", "Type": "charge", "Order": order, "Payout Status": "paid",
        "Payout Date": "2026-03-05", "Payout ID": "90001", "Available On": "2026-03-05", "Amount": amount, "Fee": fee,
        "Net": net, "Checkout": f"#chk{order}", "Payment Method Name": "card", "Currency": "SEK", "VAT": "0.00", **more,
    }  # fmt: skip


SHOPIFY_ROWS = [
    shopify_row("#1001", "500.00", "8.00", "492.00"),
    shopify_row("#1002", "250.00", "4.75", "245.25", VAT="0.95"),
    shopify_row("#1001", "-100.00", "0.00", "-100.00", Type="refund"),
    shopify_row("#1003", "80.00", "1.50", "78.50", **{"Payout Status": "pending", "Payout ID": ""}),
]


def shopify(rows: Sequence[Mapping[str, str]] = SHOPIFY_ROWS, columns: Sequence[str] = SHOPIFY_COLUMNS) -> bytes:
    """The transactions export."""
    return table(columns, rows).encode()


ADYEN_COLUMNS = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date",
    "TimeZone", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)",
    "Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)",
    "Scheme Fees (NC)", "Interchange (NC)", "Payment Method Variant", "Batch Number",
)  # fmt: skip


def adyen_row(type_: str, psp: str = "", **more: str) -> dict[str, str]:
    """One row of batch 12 in SEK."""
    return {
        "Company Account": "Ovning", "Merchant Account": "OvningSE", "Psp Reference": psp, "TimeZone": "CET",
        "Merchant Reference": f"order-{psp}" if psp else "", "Creation Date": "2026-03-02 09:00:00", "Type": type_,
        "Modification Reference": f"m-{psp}" if psp else type_, "Net Currency": "SEK", "Batch Number": "12", **more,
    }  # fmt: skip


ADYEN_ROWS = [
    adyen_row("Settled", "P1", **{
        "Gross Currency": "SEK", "Gross Credit (GC)": "1000.00", "Exchange Rate": "1", "Net Credit (NC)": "985.00",
        "Markup (NC)": "5.00", "Scheme Fees (NC)": "3.00", "Interchange (NC)": "7.00",
    }),
    adyen_row("Settled", "P2", **{
        "Gross Currency": "EUR", "Gross Credit (GC)": "100.00", "Exchange Rate": "11.05", "Net Credit (NC)": "1078.48",
        "Commission (NC)": "26.52",
    }),
    adyen_row("Refunded", "P3", **{
        "Gross Currency": "SEK", "Gross Debit (GC)": "200.00", "Exchange Rate": "1", "Net Debit (NC)": "200.00",
    }),
    adyen_row("Fee", **{"Net Debit (NC)": "0.48"}),
    adyen_row("MerchantPayout", **{"Net Debit (NC)": "1800.00", "Creation Date": "2026-03-04 02:00:00"}),
    adyen_row("Balancetransfer", **{"Net Debit (NC)": "63.00"}),
]  # fmt: skip


def adyen(rows: Sequence[Mapping[str, str]] = ADYEN_ROWS, columns: Sequence[str] = ADYEN_COLUMNS) -> bytes:
    """A settlement details report."""
    return table(columns, rows).encode()


PAYPAL_COLUMNS = (
    "Date", "Time", "TimeZone", "Name", "Type", "Status", "Currency", "Gross", "Fee", "Net", "Transaction ID",
    "Reference Txn ID", "Invoice Number", "Balance", "Note",
)  # fmt: skip


def paypal_row(id_: str, gross: str, fee: str, net: str, balance: str, **more: str) -> dict[str, str]:
    """One completed website payment in SEK on 25 March."""
    return {
        "Date": "25/03/2026", "Time": "07:45:51", "TimeZone": "PDT", "Type": "Website Payment", "Status": "Completed",
        "Currency": "SEK", "Gross": gross, "Fee": fee, "Net": net, "Transaction ID": id_, "Balance": balance, **more,
    }  # fmt: skip


PAYPAL_ROWS = [
    paypal_row("A1", '"1,800.00"', "-65.20", '"1,734.80"', '"1,834.80"', **{"Invoice Number": "1004"}),
    paypal_row("A2", "-300.00", "5.20", "-294.80", '"1,540.00"', Type="Payment Refund", **{"Reference Txn ID": "A1"}),
    paypal_row("A3", '"-1,500.00"', "0.00", '"-1,500.00"', "40.00", Type="General Withdrawal", Time="09:00:00"),
]


def paypal(rows: Sequence[Mapping[str, str]] = PAYPAL_ROWS, columns: Sequence[str] = PAYPAL_COLUMNS) -> bytes:
    """The activity download of an English user."""
    return table(columns, rows).encode()


STL_COLUMNS = (
    "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type", "Transaction Event Code",
    "Transaction Initiation Date", "Transaction Completion Date", "Transaction Debit or Credit",
    "Gross Transaction Amount", "Gross Transaction Currency", "Fee Debit or Credit", "Fee Amount", "Fee Currency",
    "Custom Field",
)  # fmt: skip


def stl(*rows: Sequence[object], footers: Sequence[Sequence[object]] = (), count: int | None = None) -> bytes:
    """A settlement report with one section; a row is id, event, direction, amount, currency, fee direction, fee."""
    day = "2026/03/02 10:00:00 +0100"
    body = [
        ["SB", id_, f"inv-{id_}", "", "", event, day, day, side, amount, code, fee_side, fee, code, ""]
        for id_, event, side, amount, code, fee_side, fee in rows
    ]
    return csv([
        ["RH", "2026/03/03 02:00:00 +0100", "A", "ACCOUNT1", "009"],
        ["FH", "01"],
        ["SH", "2026/03/02 00:00:00 +0100", "2026/03/02 23:59:59 +0100", "ACCOUNT1", ""],
        ["CH", *STL_COLUMNS],
        *body,
        *footers,
        ["SC", len(rows) if count is None else count],
        ["RF"],
        ["RC", len(rows)],
        ["FF", len(rows)],
    ]).encode()  # fmt: skip


STL = stl(
    ("S1", "T0006", "CR", 80000, "SEK", "DR", 2650),
    ("S2", "T1107", "DR", 10000, "SEK", "CR", 0),
    ("S3", "T0400", "DR", 50000, "SEK", "", ""),
    footers=[["SF", "SEK", 80000, 60000, 0, 2650, "CR", 1000, "CR", 18350]],
)

SWISH = csv([
    ["01", "2026-03-03", "2026-03-02", "HANDSESS"],
    ["02", "5560000000", "123456789", "HANDSESS", "1235524400", "2026-03-02", "SWH", "500.00", "SEK", "+46700000000",
     "Anna Exempel", "4469411476093487", "Order 1007", "1007", "2026-03-02T13:32:22"],
    ["02", "5560000000", "123456789", "HANDSESS", "1235524400", "2026-03-02", "SWR", "120.50", "SEK", "+46700000000",
     "Anna Exempel", "4469411476093488", "Retur", "1007", "2026-03-02T15:00:00"],
    ["03", "2"],
]).encode()  # fmt: skip


def nets(*actions: Mapping[str, Any], **more: Any) -> bytes:
    """A payout with its payment actions, as the reporting API gives it."""
    head = {
        "id": "7f1d", "reference": "NEXI 4711", "date": "2026-03-05", "currency": "SEK", "amount": 97500,
        "chargedAmount": 150000, "refundedAmount": 50000, "depositedAmount": 0, "fees": 2500, "feeTaxRate": 0,
        "feeTaxAmount": 0, "numberOfPaymentActions": len(actions), "paymentActions": list(actions), **more,
    }  # fmt: skip
    return json.dumps(head).encode()


def nets_action(id_: str, action: str, amount: int, fee: int, order: str = "1001") -> dict[str, Any]:
    """One payment action."""
    return {
        "id": id_, "paymentId": f"pay-{order}", "paymentAction": action, "paymentMethod": "Visa", "currency": "SEK",
        "timestamp": "2026-03-02T10:00:00Z", "reference": order, "amount": amount, "fee": fee,
    }  # fmt: skip


NETS = nets(nets_action("a1", "Charge", 150000, 2000), nets_action("a2", "Refund", 50000, 500))

WB_COLUMNS = (
    "№", "Артикул поставщика", "Тип документа", "Обоснование для оплаты", "Дата продажи", "Кол-во",
    "Вайлдберриз реализовал Товар (Пр)", "Вознаграждение с продаж до вычета услуг поверенного, без НДС",
    "Возмещение за выдачу и возврат товаров на ПВЗ", "Возмещение издержек по эквайрингу",
    "Вознаграждение Вайлдберриз (ВВ), без НДС", "НДС с Вознаграждения Вайлдберриз",
    "К перечислению Продавцу за реализованный Товар", "Услуги по доставке товара покупателю",
    "Общая сумма штрафов", "Хранение", "Srid",
)  # fmt: skip
WB_ROWS: list[list[Any]] = [
    [9001, "A-1", "Продажа", "Продажа", "2026-03-02", 1, 1220.0, 100.0, 10.0, 18.3, 71.7, 20.0, 1100.0, 0, 0, 0, "s1"],
    [9002, "A-1", "Возврат", "Возврат", "2026-03-03", 1, 610.0, 50.0, 5.0, 9.15, 35.85, 10.0, 550.0, 0, 0, 0, "s2"],
    [9003, "A-1", "Продажа", "Логистика", "2026-03-02", 0, 0, 0, 0, 0, 0, 0, 0, 61.0, 0, 0, "s1"],
    [9004, "A-2", "Продажа", "Продажа", "2026-03-04", 1, 500.0, -30.0, 0, 0, -30.0, -6.0, 536.0, 0, 0, 0, "s4"],
    [9005, "", "", "Штраф", "2026-03-05", 0, 0, 0, 0, 0, 0, 0, 0, 0, 250.0, 0, ""],
    [9006, "", "", "Хранение", "2026-03-05", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12.34, ""],
    [9007, "A-3", "Продажа", "Оплата потерянного товара", "2026-03-05", 1, 0, 0, 0, 0, 0, 0, 300.0, 0, 0, 0, "s7"],
]  # fmt: skip


def workbook(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook with one sheet."""
    return sheets(Sheet=[columns, *rows])


def sheets(**named: Sequence[Sequence[object]]) -> bytes:
    """A workbook with these sheets."""
    book = openpyxl.Workbook(write_only=True)
    for name, rows in named.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def ozon_leg(amount: float, quantity: int, bonus: float, reward: float) -> dict[str, Any]:
    """The sale or return leg of a row of the realisation report."""
    return {
        "price_per_instance": amount / quantity if quantity else 0, "quantity": quantity, "amount": amount,
        "bonus": bonus, "bank_coinvestment": 0, "stars": 0, "standard_fee": reward,
        "total": round(amount + bonus - reward, 2),
    }  # fmt: skip


def ozon(*rows: Mapping[str, Any], **header: Any) -> bytes:
    """A monthly realisation report."""
    head = {
        "number": "77001", "doc_date": "2026-04-05", "start_date": "2026-03-01", "stop_date": "2026-03-31",
        "contract_number": "ИР-1/26", "currency_sys_name": "RUB", **header,
    }  # fmt: skip
    return json.dumps({"result": {"header": head, "rows": list(rows)}}).encode()


OZON = ozon(
    {
        "rowNumber": 1, "item": {"offer_id": "A-1", "name": "Поднос"}, "seller_price_per_instance": 610,
        "delivery_commission": ozon_leg(1220, 2, 30.5, 122.05), "return_commission": ozon_leg(610, 1, 15.25, 61.03),
    }
)  # fmt: skip

NETTING_COLUMNS = (
    "BUSINESS_ID", "TRANSACTION_DATE", "TRANSACTION_ID", "ORDER_ID", "SHOP_ORDER_ID", "SHOP_SKU", "COUNT",
    "TRANSACTION_SUM", "TRANSACTION_TYPE", "TRANSACTION_SOURCE", "BANK_ORDER_DATE", "BANK_ORDER_ID", "BANK_SUM",
)  # fmt: skip
NETTING = table(NETTING_COLUMNS, [
    dict(zip(NETTING_COLUMNS, cells, strict=True)) for cells in (
        ("77", "2026-03-02", "t1", "501", "A501", "A-1", "1", "1000.00", "Начисление", "Платёж покупателя",
         "2026-03-10", "8800", "850.00"),
        ("77", "2026-03-03", "t2", "502", "", "A-2", "1", "-100.00", "Возврат", "Возврат платежа покупателя",
         "2026-03-10", "8800", "850.00"),
        ("77", "2026-03-04", "t3", "", "", "", "", "-50.00", "Удержание", "Размещение товаров",
         "2026-03-10", "8800", "850.00"),
    )
]).encode()  # fmt: skip


def _balance(value: str, withheld: str) -> dict[str, Any]:
    row = {name: {"currency_code": "SEK", "value": amount} for name, amount in (
        ("total_balance", value), ("withheld_balance", withheld),
    )}  # fmt: skip
    return {"balances": [{"currency": "SEK", **row}]}


def paypal_detail(id_: str, code: str, value: str, fee: str, status: str = "S") -> dict[str, Any]:
    """A transaction of the search API."""
    return {"transaction_info": {
        "transaction_id": id_, "transaction_event_code": code, "transaction_status": status, "invoice_id": "1004",
        "transaction_initiation_date": "2026-03-02T10:00:00+0100", "paypal_reference_id": "",
        "transaction_updated_date": "2026-03-02T10:00:00+0100",
        "transaction_amount": {"currency_code": "SEK", "value": value},
        "fee_amount": {"currency_code": "SEK", "value": fee},
    }}  # fmt: skip


#: A day on which 800 came and 100 of them were withheld.
PAYPAL_DAY = json.dumps({
    "day": "2026-03-02", "opening": _balance("10.00", "0.00"), "closing": _balance("783.50", "100.00"),
    "transactions": {"account_number": "ACC", "transaction_details": [
        paypal_detail("A", "T0006", "800.00", "-26.50"), paypal_detail("H", "T1503", "-100.00", "0.00"),
        paypal_detail("W", "T0400", "-500.00", "0.00", "P"),
    ]},
}).encode()  # fmt: skip

#: Every format once, with the sum of its lines and what it pays out.
WHOLE: Mapping[str, bytes] = {
    "klarna csv": klarna(),
    "klarna json": klarna_json(),
    "stripe csv": stripe(),
    "stripe json": stripe_json(
        [stripe_transaction("t1", 66100, 1307), stripe_transaction("t2", -64793, 0, "payout", source="po_1A")],
        amount=64793,
    ),
    "shopify csv": shopify(),
    "adyen settlement details": adyen(),
    "paypal activity": paypal(),
    "paypal stl": STL,
    "paypal day": PAYPAL_DAY,
    "swish report": SWISH,
    "nets payout": NETS,
    "wildberries realisation": workbook(WB_COLUMNS, WB_ROWS),
    "ozon realisation": OZON,
    "yandex netting": NETTING,
}
