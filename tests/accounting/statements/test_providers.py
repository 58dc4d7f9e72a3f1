"""What is particular to one provider's files and not an edge case of the document."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from samklang.accounting.statements.base import Profile, Statement, Unreadable
from samklang.accounting.statements.reading import read_statement

from . import files
from .files import stripe_transaction
from .test_edge_cases import one, refused


def test_stripe_itemised_report_groups_by_payout_and_leaves_the_rest_to_the_account() -> None:
    columns = ("balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net",
               "reporting_category", "automatic_payout_id", "automatic_payout_effective_at_utc",
               "payment_metadata[order_id]", "customer_facing_amount", "customer_facing_currency")  # fmt: skip
    rows = [
        ("txn_1", "2026-03-02 09:00:00", "2026-03-04 00:00:00", "sek", "661.00", "13.07", "647.93", "charge", "po_1",
         "2026-03-05 00:00:00", "1002", "59.00", "eur"),
        ("txn_2", "2026-03-09 09:00:00", "2026-03-11 00:00:00", "sek", "100.00", "3.00", "97.00", "charge", "", "",
         "1009", "", ""),
    ]  # fmt: skip
    data = files.table(columns, [dict(zip(columns, row, strict=True)) for row in rows]).encode("utf-8-sig")
    payout, account = read_statement(data)
    assert isinstance(payout, Statement) and isinstance(account, Statement)
    assert (payout.reference, payout.payout, payout.paid_on) == ("po_1", Decimal("647.93"), date(2026, 3, 5))
    assert (payout.lines[0].order_ref, payout.lines[0].presented_currency) == ("1002", "EUR")
    assert (account.scope, account.payout, account.closing) == ("account", 0, 97)


def test_stripe_vat_on_fees_is_a_line_of_its_own() -> None:
    details = [{"type": "stripe_fee", "amount": 1000}, {"type": "tax", "amount": 250}]
    data = files.stripe_json([stripe_transaction("t1", 66100, 1250, fee_details=details)], amount=64850)
    assert [(line.kind, line.amount) for line in one(data).lines] == [
        ("sale", 661), ("fee", -10), ("fee_vat", Decimal("-2.50")), ("payout", Decimal("-648.50")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "payout",
    [{"reconciliation_status": "in_progress"}, {"automatic": False, "reconciliation_status": "not_applicable"}],
)
def test_stripe_payout_without_contents_is_refused(payout: dict[str, object]) -> None:
    data = files.stripe_json([stripe_transaction("t1", 100)], amount=100, **payout)
    assert "not itemised" in str(refused(data))


def test_stripe_pages_are_not_half_a_payout() -> None:
    document = json.loads(files.stripe_json([stripe_transaction("t1", 100)], amount=100))
    document["balance_transactions"]["has_more"] = True
    assert "has_more" in str(refused(json.dumps(document).encode()))
    without = files.stripe(files.STRIPE_ROWS[:1])
    assert "The row of payout po_1A itself is missing" in str(refused(without))


def test_shopify_vat_is_part_of_the_fee_or_on_top_of_it_as_the_net_says() -> None:
    inside = files.shopify([files.shopify_row("#1", "250.00", "4.75", "245.25", VAT="0.95")])
    on_top = files.shopify([files.shopify_row("#1", "250.00", "3.80", "245.25", VAT="0.95")])
    for data in (inside, on_top):
        made = one(data)
        assert (made.total("fee"), made.total("fee_vat"), made.payout) == (
            Decimal("-3.80"), Decimal("-0.95"), Decimal("245.25"),
        )  # fmt: skip


def test_shopify_row_whose_net_is_neither_is_refused() -> None:
    caught = refused(files.shopify([files.shopify_row("#1", "250.00", "4.75", "245.00", VAT="0.95")]))
    assert (caught.column, caught.problem.code) == ("Net", "AMOUNT_DIFF")


@pytest.mark.parametrize("status", ["scheduled", "pending", "failed", "canceled"])
def test_shopify_payouts_that_did_not_leave_are_no_money(status: str) -> None:
    row = files.shopify_row("#1", "80.00", "1.50", "78.50", **{"Payout Status": status})
    made = one(files.shopify([row]))
    assert (made.lines, made.payout, len(made.pending)) == ((), 0, 2)


def test_shopify_file_that_has_the_payouts_own_row_must_agree_with_it() -> None:
    rows = [
        files.shopify_row("#1", "80.00", "0.00", "80.00"),
        files.shopify_row("", "-80.00", "0.00", "-80.00", Type="payout"),
    ]
    made = one(files.shopify(rows))
    assert (made.payout, len(made.lines)) == (80, 2)
    rows[1] |= {"Amount": "-79.00", "Net": "-79.00"}
    assert refused(files.shopify(rows)).problem.amount == 1


def test_shopify_negative_payout_is_withdrawn_from_the_bank() -> None:
    made = one(files.shopify([files.shopify_row("#1", "-80.00", "0.00", "-80.00", Type="refund")]))
    assert (made.payout, made.closing) == (-80, 0)


def test_paypal_settlement_report_proves_its_sums_and_counts() -> None:
    made = one(files.STL)
    assert (made.account, made.opening, made.closing, made.payout) == ("ACCOUNT1", 10, Decimal("183.50"), 500)
    assert [(line.kind, line.amount) for line in made.lines] == [
        ("sale", 800), ("fee", Decimal("-26.50")), ("refund", -100), ("payout", -500),
    ]  # fmt: skip
    text = files.STL.decode()
    assert "footer says 801" in str(refused(text.replace("SF,SEK,80000", "SF,SEK,80100").encode()))
    assert "18350" in text and refused(text.replace(",CR,18350", ",CR,18351").encode())
    assert "count (SC) says 4" in str(refused(text.replace("SC,3", "SC,4").encode()))
    assert "(FF) is missing" in str(refused(text.replace("FF,3\n", "").encode()))
    assert "must not have a sign" in str(refused(text.replace("CR,80000,SEK,DR", "CR,-80000,SEK,DR").encode()))


def test_paypal_api_needs_all_pages_and_leaves_out_what_is_pending() -> None:
    detail = files.paypal_detail
    found = [detail("A", "T0006", "800.00", "-26.50"), detail("B", "T1107", "-100.00", "3.10"),
             detail("C", "T1201", "-50.00", "0.00"), detail("D", "T0400", "-500.00", "0.00", "P")]  # fmt: skip
    page = {"transaction_details": found, "account_number": "ACC", "total_items": 4, "total_pages": 1, "page": 1}
    made = one(json.dumps(page).encode())
    assert [(line.kind, line.amount) for line in made.lines] == [
        ("sale", 800), ("fee", Decimal("-26.50")), ("refund", -100), ("fee_correction", Decimal("3.10")),
        ("chargeback", -50),
    ]  # fmt: skip
    assert [line.kind for line in made.pending] == ["payout"]
    assert "4 transactions on 1 pages, PayPal says 9" in str(refused(json.dumps({**page, "total_items": 9}).encode()))


def test_a_day_of_paypal_leads_from_balance_to_balance_and_is_the_account_s_day() -> None:
    made = one(files.PAYPAL_DAY)
    assert (made.opening, made.closing, made.start, made.end) == (10, Decimal("683.50"), *[date(2026, 3, 2)] * 2)
    assert [line.kind for line in made.lines] == ["sale", "fee", "holdback"]
    assert [line.kind for line in made.pending] == ["payout"]
    later = one(files.PAYPAL_DAY.replace(b'"day": "2026-03-02"', b'"day": "2026-03-01"'))
    assert {line.day for line in later.lines} == {date(2026, 3, 1)}, "whatever zone the times are written in"
    gone = refused(files.PAYPAL_DAY.replace(b"783.50", b"783.60"))
    assert gone.problem.amount == Decimal("-0.10")
    assert refused(files.PAYPAL_DAY.replace(b"2026-03-02", b"2026-13-02", 1)).column == "day"


def test_paypal_holds_and_fees_that_come_back_are_no_refunds() -> None:
    details = [
        files.paypal_detail("A", "T1105", "100.00", "0.00"), files.paypal_detail("B", "T1108", "3.10", "0.00"),
        files.paypal_detail("C", "T1101", "500.00", "0.00"),
    ]  # fmt: skip
    made = one(json.dumps({"transaction_details": details}).encode())
    assert [line.kind for line in made.lines] == ["release", "fee_correction", "payout"]


def test_paypal_rows_that_do_not_add_up_are_refused() -> None:
    row = files.paypal_row("A1", "10.00", "-1.00", "9.50", "9.50")
    assert refused(files.paypal([row])).column == "Net"


def test_nets_payout_proves_its_totals_and_takes_either_sign_of_refunds() -> None:
    made = one(files.NETS)
    assert (made.reference, made.payout, made.total("refund"), made.total("fee")) == ("NEXI 4711", 975, -500, -25)
    signed = files.nets(files.nets_action("a1", "Charge", 150000, 2000), files.nets_action("a2", "Refund", -50000, 500))
    assert [line.amount for line in one(signed).lines] == [line.amount for line in made.lines]
    assert refused(files.nets(files.nets_action("a1", "Charge", 150000, 2000))).column == "refundedAmount"
    wrong = files.nets(*json.loads(files.NETS)["paymentActions"], numberOfPaymentActions=3)
    assert refused(wrong).column == "numberOfPaymentActions"
    assert refused(files.nets(*json.loads(files.NETS)["paymentActions"], amount=97400)).problem.amount == 1
    assert "not in the file" in str(refused(b'{"numberOfPayouts": 1, "payouts": []}'))


def test_nets_monthly_fee_of_no_action_is_a_line() -> None:
    made = one(files.nets(*json.loads(files.NETS)["paymentActions"], fees=12500, amount=87500))
    assert [line.amount for line in made.lines if line.kind == "fee"] == [-20, -5, -100]


def test_swish_report_in_semicolons_has_decimal_commas() -> None:
    text = files.SWISH.decode().replace(",", ";").replace("500.00", "500,00").replace("120.50", "120,50")
    assert [line.amount for line in one(text.encode()).lines] == [line.amount for line in one(files.SWISH).lines]
    assert refused(text.replace("500,00", "500.00").encode()).column == "amount"
    assert "closing record says 3" in str(refused(files.SWISH.replace(b"03,2", b"03,3")))
    latin = files.SWISH.decode().replace("Anna", "Åsa").encode("iso-8859-1")
    assert one(latin).payout == one(files.SWISH).payout


def test_swish_payouts_to_persons_are_no_sales() -> None:
    made = one(files.SWISH.replace(b"SWR", b"SWU"))
    assert [line.kind for line in made.lines] == ["sale", "payout", "adjustment", "payout"]
    unknown = refused(files.SWISH.replace(b"SWR", b"SWX"))
    assert (unknown.column, unknown.value) == ("type", "SWX")


def test_ozon_realisation_adds_up_row_by_row() -> None:
    made = one(files.OZON)
    assert (made.reference, made.start, made.end) == ("77001", date(2026, 3, 1), date(2026, 3, 31))
    assert (made.total("sale"), made.total("refund"), made.closing) == (
        Decimal("1250.50"), Decimal("-625.25"), Decimal("564.23"),
    )  # fmt: skip
    row = json.loads(files.OZON)["result"]["rows"][0]
    row["delivery_commission"]["total"] += 1
    assert refused(files.ozon(row)).column == "delivery_commission.total"
    assert refused(files.ozon(json.loads(files.OZON)["result"]["rows"][0], doc_amount=1)).column == "doc_amount"


def test_ozon_transactions_split_into_their_parts() -> None:
    operation = {
        "operation_id": 1, "operation_type": "AgentDelivered", "operation_date": "2026-03-02 00:00:00",
        "operation_type_name": "Доставка покупателю", "accruals_for_sale": 1000, "sale_commission": -100,
        "delivery_charge": 0, "return_delivery_charge": 0, "amount": 830.5, "type": "orders",
        "posting": {"posting_number": "05-1"}, "services": [{"name": "Logistic", "price": -69.5}],
    }  # fmt: skip
    made = one(json.dumps({"result": {"operations": [operation], "page_count": 1, "row_count": 1}}).encode())
    assert [(line.kind, line.amount, line.type) for line in made.lines] == [
        ("sale", 1000, "AgentDelivered"), ("fee", -100, "sale_commission"),
        ("fee", Decimal("-69.5"), "Logistic"),
    ]  # fmt: skip
    wrong = {**operation, "amount": 830}
    assert refused(json.dumps({"result": {"operations": [wrong], "row_count": 1}}).encode()).column == "amount"


@pytest.mark.parametrize("name", ["Комиссия за продажу", "Вознаграждение Ozon"])
def test_ozon_accruals_know_old_and_new_column_names(name: str) -> None:
    columns = ("Дата начисления", "Тип начисления", "Номер отправления или идентификатор услуги", "Артикул",
               "За продажу или возврат до вычета комиссий и услуг", name, "Логистика", "Последняя миля",
               "Итого")  # fmt: skip
    made = one(
        files.workbook(columns, [["2026-03-02", "Доставка покупателю", "05-1", "A-1", 1000, -100, -60, -9.5, 830.5]])
    )
    assert [(line.kind, line.amount) for line in made.lines] == [
        ("sale", 1000), ("fee", -100), ("fee", Decimal("-69.5")),
    ]  # fmt: skip


def test_wildberries_report_is_checked_against_its_header() -> None:
    row = {
        "rrdId": 1, "reportId": 500, "currency": "RUB", "docTypeName": "Продажа", "sellerOperName": "Продажа",
        "retailAmount": "100.00", "vw": "10.00", "vwNds": "2.00", "forPay": "88.00", "deliveryService": "0",
        "saleDt": "2026-03-03", "quantity": 1,
    }  # fmt: skip
    header = {"reportId": 500, "currency": "RUB", "retailAmountSum": "100.00", "forPaySum": "88.00"}
    assert one(json.dumps({"report": header, "rows": [row]}).encode()).closing == 88
    wrong = json.dumps({"report": {**header, "forPaySum": "99.00"}, "rows": [row]}).encode()
    assert refused(wrong).column == "forPaySum"
    assert refused(json.dumps([{**row, "forPay": "87.00"}]).encode()).problem.code == "AMOUNT_DIFF"
    assert one(json.dumps([{**row, "forPay": "88.01"}]).encode()).closing == Decimal("88.01")


def test_wildberries_returns_may_come_with_a_minus_of_their_own() -> None:
    unsigned = {
        "rrdId": 1, "reportId": 500, "currency": "RUB", "docTypeName": "Возврат", "sellerOperName": "Возврат",
        "retailAmount": "100.00", "vw": "10.00", "vwNds": "2.00", "forPay": "88.00", "deliveryService": "0",
        "saleDt": "2026-03-03", "quantity": 1,
    }  # fmt: skip
    amounts = ("retailAmount", "vw", "vwNds", "forPay")
    signed = {name: f"-{value}" if name in amounts else value for name, value in unsigned.items()}
    plain, minus = (one(json.dumps([row]).encode()) for row in (unsigned, signed))
    assert [(line.kind, line.amount) for line in plain.lines] == [
        ("refund", -100),
        ("fee_correction", 10),
        ("fee_vat", 2),
    ]
    assert [(line.kind, line.amount) for line in minus.lines] == [(line.kind, line.amount) for line in plain.lines]


def test_wildberries_loyalty_programme_reduces_what_is_paid() -> None:
    row = {
        "rrdId": 1, "reportId": 500, "currency": "RUB", "docTypeName": "Продажа", "sellerOperName": "Продажа",
        "retailAmount": "100.00", "vw": "10.00", "vwNds": "2.00", "forPay": "88.00", "deliveryService": "0",
        "saleDt": "2026-03-03", "quantity": 1, "cashbackAmount": "2.00", "cashbackCommissionChange": "0.20",
    }  # fmt: skip
    header = {"reportId": 500, "currency": "RUB", "bankPaymentSum": "85.80"}
    assert one(json.dumps({"report": header, "rows": [row]}).encode()).closing == Decimal("85.80")
    wrong = json.dumps({"report": {**header, "bankPaymentSum": "88.00"}, "rows": [row]}).encode()
    assert refused(wrong).column == "bankPaymentSum"


def test_wildberries_layout_without_reward_takes_what_is_missing_for_it() -> None:
    columns = ("№", "Тип документа", "Обоснование для оплаты", "Дата продажи", "Кол-во", "Сумма продаж (Возвратов)",
               "К перечислению за товар", "Стоимость логистики")  # fmt: skip
    rows = [
        [1, "Продажа", "Продажа", "2021-03-02", 1, 100, 88, 0],
        [2, "Возврат", "Возврат", "2021-03-03", 1, 50, 44, 0],
        [3, "Продажа", "Логистика", "2021-03-03", 0, 0, 0, 30],
    ]
    made = one(files.workbook(columns, rows))
    assert [(line.kind, line.amount) for line in made.lines] == [
        ("sale", 100), ("fee", -12), ("refund", -50), ("fee_correction", 6), ("fee", -30),
    ]  # fmt: skip


def test_yandex_netting_sums_to_the_payment_order() -> None:
    made = one(files.NETTING)
    assert (made.reference, made.payout, made.paid_on) == ("8800", 850, date(2026, 3, 10))
    assert refused(files.NETTING.replace(b"-50.00", b"-51.00")).column == "BANK_SUM"
    waiting = files.NETTING.replace(b"2026-03-10,8800,850.00", b",,")
    assert [len(one(waiting).lines), len(one(waiting).pending)] == [0, 3]


def test_yandex_realisation_counts_delivered_and_returned_goods() -> None:
    def goods(sheet: str, total: str, day: str, count: int) -> dict[str, object]:
        return {
            "orderId": 501, "yourOrderId": "A501", "yourSku": "A-1", f"{sheet}Count": count, day: "2026-03-09",
            "priceWithVatAndAllDiscounts": 122.5, f"{total}WithVatAndDiscounts": 122.5 * count,
        }  # fmt: skip

    document = {
        "delivered": [goods("delivered", "deliveredPriceSum", "deliveryDate", 2)],
        "returned": [goods("returned", "returnPriceSum", "returnWarehouseOrScAcceptDate", 1)],
    }
    made = one(json.dumps(document).encode())
    assert (made.reference, made.total("sale"), made.total("refund")) == ("2026-03", 245, Decimal("-122.5"))
    document["delivered"][0]["deliveredPriceSumWithVatAndDiscounts"] = 244
    with pytest.raises(Unreadable, match="count × price"):
        read_statement(json.dumps(document).encode())


def test_the_profile_gives_the_account_where_the_file_has_none() -> None:
    assert one(files.WHOLE["stripe csv"], Profile(account="acct_1")).key == ("stripe", "acct_1", "po_1A", "SEK")
