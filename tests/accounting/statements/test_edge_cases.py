"""The edge cases of RECONCILIATION §7 that files decide; each test carries its number."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from samklang.accounting.statements.base import Profile, Statement, StatementLine, Unreadable
from samklang.accounting.statements.reading import read_statement

from . import files
from .files import adyen_row, klarna, klarna_json, paypal_row, shopify_row, stripe_transaction


def one(data: bytes, profile: Profile | None = None) -> Statement:
    (made,) = read_statement(data, profile=profile)
    assert isinstance(made, Statement)
    return made


def lines(made: Statement, *kinds: str) -> list[StatementLine]:
    return [line for line in made.lines if line.kind in kinds]


def refused(data: bytes, profile: Profile | None = None) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_statement(data, profile=profile)
    return caught.value


SALE = {"type": "SALE", "order_id": "k-9", "merchant_reference1": "2001", "currency": "SEK"}


def sold(amount: str, day: str, **more: str) -> dict[str, str]:
    return {**SALE, "amount": amount, "sale_date": f"{day}T08:00:00Z", "capture_date": f"{day}T12:00:00Z", **more}


def settled(*rows: dict[str, str], **totals: str) -> bytes:
    """A Klarna report of these rows; only the totals named are not 0."""
    none = {"total_sale_amount": "0.00", "total_fee_amount": "0.00", "total_tax_amount": "0.00"}
    return klarna(list(rows), **{**none, "total_settlement_amount": "0.00", **totals})


def test_1_2_several_captures_of_one_order_are_sales_of_their_own() -> None:
    made = one(
        settled(
            sold("1800.00", "2026-03-30", capture_id="c-1"),
            sold("1000.00", "2026-04-02", capture_id="c-2"),
            total_sale_amount="2800.00",
            total_settlement_amount="2800.00",
        )
    )
    first, second = lines(made, "sale")
    assert (first.order_ref, second.order_ref) == ("2001", "2001")
    assert made.line_key(first) != made.line_key(second)
    assert (first.provider_id, second.provider_id) == ("c-1", "c-2")


def test_3_a_refund_has_no_capture_id_and_is_known_by_its_refund_id() -> None:
    made = one(
        settled(
            sold("900.00", "2026-04-03", capture_id="c-1"),
            sold("250.00", "2026-04-03", type="RETURN", refund_id="r-1"),
            total_sale_amount="900.00",
            total_return_amount="250.00",
            total_settlement_amount="650.00",
        )
    )
    (refund,) = lines(made, "refund")
    assert (refund.capture_id, refund.refund_id, refund.provider_id, refund.amount) == ("", "r-1", "r-1", -250)


def test_4_45_days_of_sales_and_of_the_payout_are_kept_apart() -> None:
    made = one(files.WHOLE["klarna csv"])
    assert {line.day for line in lines(made, "sale")} == {date(2026, 3, 2)}
    assert (made.paid_on, made.start, made.end) == (date(2026, 3, 6), date(2026, 3, 2), date(2026, 3, 6))


def test_6_7_refunds_beyond_sales_pay_nothing_and_carry_a_debt() -> None:
    made = one(
        settled(
            sold("900.00", "2026-04-03", capture_id="c-1"),
            sold("1250.00", "2026-04-03", type="RETURN", refund_id="r-1"),
            sold("27.00", "2026-04-03", type="FEE", capture_id="c-1", vat_amount="6.75"),
            total_sale_amount="900.00",
            total_return_amount="1250.00",
            total_fee_amount="27.00",
            total_tax_amount="6.75",
            total_settlement_amount="-383.75",
        )
    )
    assert (made.payout, made.opening, made.closing) == (0, 0, Decimal("-383.75"))
    later = one(
        settled(
            sold("1000.00", "2026-04-09", capture_id="c-3"),
            total_sale_amount="1000.00",
            total_repay_amount="383.75",
            total_settlement_amount="616.25",
            opening_debt_balance="383.75",
            closing_debt_balance="0.00",
        )
    )
    assert (later.opening, later.closing, later.payout) == (Decimal("-383.75"), 0, Decimal("616.25"))


def test_7_a_debt_that_klarna_states_as_deposit_is_the_same_debt() -> None:
    made = one(
        settled(
            sold("100.00", "2026-04-03", type="RETURN", refund_id="r-1"),
            total_return_amount="100.00",
            total_deposit_amount="100.00",
            opening_debt_balance="0.00",
            closing_debt_balance="100.00",
        )
    )
    assert (made.payout, made.closing) == (0, -100)
    wrong = refused(settled(sold("1.00", "2026-04-03"), total_sale_amount="1.00", total_settlement_amount="1.00",
                            opening_debt_balance="5.00", closing_debt_balance="4.00"))  # fmt: skip
    assert wrong.column == "closing_debt_balance"


def test_8_a_payout_of_nothing_is_a_statement_without_bank_line() -> None:
    made = one(
        settled(
            sold("100.00", "2026-04-03", capture_id="c-1"),
            sold("100.00", "2026-04-03", type="RETURN", refund_id="r-1"),
            total_sale_amount="100.00",
            total_return_amount="100.00",
        )
    )
    assert (made.payout, made.closing, len(made.lines)) == (0, 0, 2)


@pytest.mark.parametrize(
    ("type_", "amount", "kind"),
    [("charge", 100, "sale"), ("refund", -100, "refund"), ("refund_failure", 100, "refund_reversal"),
     ("payment_failure_refund", 100, "refund_reversal"), ("dispute", -100, "chargeback"),
     ("dispute_reversal", 100, "chargeback_reversal"), ("reserved_funds", -100, "holdback"),
     ("reserved_funds", 100, "release"), ("topup", 100, "adjustment"), ("climate_order_purchase", -100, "adjustment")],
)  # fmt: skip
def test_9_the_type_says_what_it_is_and_a_failed_refund_comes_back(type_: str, amount: int, kind: str) -> None:
    data = files.stripe_json([stripe_transaction("t1", amount, 0, type_)], amount=amount)
    (line, _) = one(data).lines
    assert (line.kind, line.amount) == (kind, Decimal(amount) / 100)


def test_12_13_fees_without_order_and_fees_given_back_are_no_sales() -> None:
    made = one(
        files.adyen([
            adyen_row("Settled", "P1", **{"Gross Currency": "SEK", "Gross Credit (GC)": "100.00", "Exchange Rate": "1",
                                          "Net Credit (NC)": "100.00"}),
            adyen_row("Fee", **{"Net Debit (NC)": "30.00", "Modification Reference": "Transaction Fees March 2026"}),
            adyen_row("Fee", **{"Net Credit (NC)": "12.50", "Modification Reference": "Correction February"}),
            adyen_row("MerchantPayout", **{"Net Debit (NC)": "82.50"}),
        ])
    )  # fmt: skip
    fee, correction = lines(made, "fee", "fee_correction")
    assert (fee.kind, fee.order_ref, fee.text) == ("fee", "", "Transaction Fees March 2026")
    assert (correction.kind, correction.amount) == ("fee_correction", Decimal("12.50"))


def test_13_klarnas_fee_correction_that_only_the_summary_has_is_a_line() -> None:
    made = one(
        settled(sold("0.00", "2026-03-20"), total_fee_correction_amount="15.63", total_settlement_amount="15.63")
    )
    assert [(line.kind, line.amount, line.row) for line in lines(made, "fee_correction")] == [
        ("fee_correction", Decimal("15.63"), 2)
    ]


def test_14_the_providers_total_of_fee_vat_wins_and_the_largest_fee_takes_the_rest() -> None:
    rows = [dict(row) for row in files.KLARNA_ROWS]
    rows[1]["vat_amount"] = "10.47"
    made = one(klarna(rows))
    assert made.total("fee_vat") == Decimal("-23.17")
    assert [line.amount for line in lines(made, "fee_vat")] == [Decimal("-10.48"), Decimal("-9.97"), Decimal("-2.72")]
    rows[1]["vat_amount"] = "10.40"
    assert refused(klarna(rows)).problem.code == "VAT_DIFF"


def test_14_without_the_vat_column_the_summarys_tax_is_one_line() -> None:
    columns = [name for name in files.KLARNA_COLUMNS if not name.startswith("vat")]
    made = one(klarna(columns=columns))
    assert [(line.amount, line.row) for line in lines(made, "fee_vat")] == [(Decimal("-23.17"), 2)]


def test_15_fees_on_an_invoice_stand_beside_a_gross_settlement() -> None:
    made = one(klarna(merchant_settlement_type="GROSS", total_settlement_amount="2765.00"))
    assert (made.mode, made.payout, made.total("fee")) == ("gross", 2765, Decimal("-92.67"))
    assert refused(klarna(total_settlement_amount="2765.00")).problem.amount == Decimal("-115.84")


def test_18_three_amounts_are_kept_when_currencies_differ() -> None:
    made = one(files.WHOLE["adyen settlement details"])
    euros = next(line for line in lines(made, "sale") if line.presented)
    assert (euros.presented, euros.presented_currency, euros.rate) == (100, "EUR", Decimal("11.05"))
    assert (euros.amount, euros.currency) == (1105, "SEK")
    euro = {"Gross Currency": "EUR", "Gross Credit (GC)": "100.00", "Exchange Rate": "11.05"}
    row = adyen_row("Settled", "P9", **euro, **{"Net Credit (NC)": "1050.00", "Commission (NC)": "26.52"})
    assert refused(files.adyen([row])).problem.code == "AMOUNT_DIFF"


def test_19_both_legs_of_a_conversion_name_the_transaction_they_are_for() -> None:
    rows = [
        paypal_row("W1", "-100.00", "0.00", "-100.00", "-100.00", Type="General Withdrawal", Status="Pending"),
        paypal_row("C1", "100.00", "0.00", "100.00", "0.00", Type="General Currency Conversion",
                   **{"Reference Txn ID": "W1"}),
        paypal_row("C2", "-9.00", "0.00", "-9.00", "1.00", Type="General Currency Conversion", Currency="EUR",
                   **{"Reference Txn ID": "W1"}),
    ]  # fmt: skip
    sek, eur = read_statement(files.paypal(rows))
    assert isinstance(sek, Statement) and isinstance(eur, Statement)
    assert [(line.kind, line.parent_id) for line in (*sek.lines, *eur.lines)] == [("conversion", "W1")] * 2
    assert [line.provider_id for line in sek.pending] == ["W1"]
    assert (eur.opening, eur.closing) == (10, 1)


def test_24_money_held_back_and_released_is_not_missing() -> None:
    made = one(
        settled(
            sold("10000.00", "2026-03-10", capture_id="c-1"),
            sold("250.00", "2026-03-10", type="FEE", capture_id="c-1", vat_amount="62.50"),
            sold("1000.00", "2026-03-10", type="HOLDBACK", detailed_type="ROLLING_RESERVE"),
            total_sale_amount="10000.00",
            total_fee_amount="250.00",
            total_tax_amount="62.50",
            total_holdback_amount="1000.00",
            total_settlement_amount="8687.50",
        )
    )
    assert (made.payout, made.total("holdback")) == (Decimal("8687.50"), -1000)
    back = one(settled(sold("1000.00", "2026-04-13", type="RELEASE"), total_release_amount="1000.00",
                       total_settlement_amount="1000.00"))  # fmt: skip
    assert (back.payout, back.total("release")) == (1000, 1000)


def test_27_a_test_payout_is_marked() -> None:
    data = files.stripe_json([stripe_transaction("t1", 100)], amount=100, livemode=False)
    assert one(data).test
    assert not one(files.WHOLE["stripe json"]).test


def test_28_equal_rows_stay_two_and_have_keys_of_their_own() -> None:
    twice = shopify_row("#1", "10.00", "0.00", "10.00")
    made = one(files.shopify([twice, twice]))
    first, second = lines(made, "sale")
    assert made.payout == 20
    assert made.line_key(first) != made.line_key(second)
    assert {first.sequence, second.sequence} == {0, 1}


def test_28_numbers_of_alike_rows_follow_their_content_and_not_their_order() -> None:
    fees = [sold(amount, "2026-03-02", type="FEE", capture_id="c-1") for amount in ("5.00", "3.00")]
    totals = {"total_fee_amount": "8.00", "total_settlement_amount": "-8.00"}
    there, back = one(settled(*fees, **totals)), one(settled(*reversed(fees), **totals))
    assert {there.line_key(line): line.amount for line in there.lines} == {
        back.line_key(line): line.amount for line in back.lines
    }


def test_31_a_quote_that_is_left_open_is_refused() -> None:
    caught = refused(files.WHOLE["stripe csv"].replace(b"STRIPE PAYOUT", b'"STRIPE PAYOUT'))
    assert (caught.row, caught.problem.code) == (3, "STATEMENT_UNBALANCED")


def test_29_the_same_payout_from_portal_and_api_is_the_same_statement() -> None:
    portal, api = one(files.WHOLE["klarna csv"]), one(files.WHOLE["klarna json"])
    assert portal.key == api.key and portal.file_hash != api.file_hash
    assert {portal.line_key(line) for line in portal.lines} == {api.line_key(line) for line in api.lines}
    assert [line.vat_percent for line in portal.lines] == [line.vat_percent for line in api.lines]


def test_30_lines_of_overlapping_exports_have_the_same_keys() -> None:
    early, late = one(files.paypal(files.PAYPAL_ROWS[:2])), one(files.paypal(files.PAYPAL_ROWS[1:]))
    assert early.scope == late.scope == "account"
    keys = [{made.line_key(line) for line in made.lines} for made in (early, late)]
    both = {one(files.paypal()).line_key(line) for line in one(files.paypal()).lines}
    assert keys[0] | keys[1] == both and len(keys[0] & keys[1]) == 2


def test_one_file_with_many_payouts_is_the_same_as_many_files() -> None:
    other = [shopify_row("#9", "70.00", "0.00", "70.00", **{"Payout ID": "90002"})]
    together = read_statement(files.shopify([*files.SHOPIFY_ROWS, *other]))
    apart = (*read_statement(files.shopify()), *read_statement(files.shopify(other)))
    for made in (together, apart):
        assert {(s.key, *(s.line_key(line) for line in s.lines)) for s in made if isinstance(s, Statement)} == {
            (s.key, *(s.line_key(line) for line in s.lines)) for s in together if isinstance(s, Statement)
        }


def test_31_a_row_missing_from_the_middle_is_noticed() -> None:
    for name, (rows, make) in {
        "klarna": (files.KLARNA_ROWS, klarna),
        "stripe": (files.STRIPE_ROWS, files.stripe),
        "adyen": (files.ADYEN_ROWS, files.adyen),
        "paypal": (files.PAYPAL_ROWS, files.paypal),
    }.items():
        caught = refused(make([rows[0], *rows[2:]]))  # type: ignore[operator]
        assert caught.problem.code == "STATEMENT_UNBALANCED", name
        assert caught.problem.do_this


def test_32_a_changed_layout_is_refused_with_the_columns_it_lacks() -> None:
    columns = [name for name in files.KLARNA_COLUMNS if name not in ("capture_id", "sale_date")]
    caught = refused(klarna(columns=columns))
    assert "capture_id, sale_date" in str(caught) and caught.row == 4
    assert "layout" in caught.problem.do_this
    twice = refused(files.stripe(columns=[*files.STRIPE_COLUMNS, "net"]))
    assert twice.column == "net" and "twice" in str(twice)


@pytest.mark.parametrize(
    "amount", ["1250,00", "1.250,00", "12 50.00", "1e3", "1250.00 kr", "NaN", "", "--5", "1,250.00"]
)
def test_33_a_number_in_another_notation_is_refused_with_its_place(amount: str) -> None:
    rows = [{**files.KLARNA_ROWS[0], "amount": amount}, *files.KLARNA_ROWS[1:]]
    caught = refused(klarna(rows))
    assert (caught.row, caught.column, caught.value) == (5, "amount", amount)


@pytest.mark.parametrize("amount", ["1250.00", " 1250.00 ", "1\u00a0250.00", "1\u202f250.00", "+1250.0", "1250"])
def test_33_blanks_between_thousands_and_plus_signs_do_no_harm(amount: str) -> None:
    assert one(klarna([{**files.KLARNA_ROWS[0], "amount": amount}, *files.KLARNA_ROWS[1:]])).payout == Decimal(
        "2649.16"
    )


def test_33_minus_signs_of_any_kind_and_negative_zero() -> None:
    rows = [{**row, "Amount": row["Amount"].replace("-", "−"), "Fee": "−0.00" if row["Fee"] == "0.00" else row["Fee"]}
            for row in files.SHOPIFY_ROWS]  # fmt: skip
    assert [made.key for made in read_statement(files.shopify(rows))] == [
        made.key for made in read_statement(files.shopify())
    ]


SWEDISH = """Datum,Tid,Tidszon,Namn,Typ,Status,Valuta,Brutto,Avgift,Netto,Transaktions-id,Referens-txn-id,Saldo
2026-03-25,07:45:51,CET,Anna,Webbplatsbetalning,Slutförd,SEK,"1 800,00","-65,20","1 734,80",A1,,"1 734,80"
2026-03-25,09:45:51,CET,,Allmänt uttag,Slutförd,SEK,"−1.500,00","0,00","−1.500,00",A2,,"234,80"
"""


def test_33_the_exports_language_decides_its_numbers() -> None:
    made = one(SWEDISH.encode())
    assert (made.total("sale"), made.total("fee"), made.payout) == (1800, Decimal("-65.20"), 1500)
    point = refused(SWEDISH.replace("-65,20", "-65.20").encode())
    assert (point.row, point.column, point.value) == (2, "Avgift", "-65.20")
    assert one(SWEDISH.replace(",20", ".20").replace(",80", ".80").replace(",00", ".00").replace("−1.500", "−1500")
               .encode(), Profile(decimal=".")).payout == 1500  # fmt: skip


def test_33_another_charset_is_refused_unless_it_is_declared() -> None:
    data = SWEDISH.encode("cp1252", "replace").replace(b"?1", b"-1")
    assert "UTF-8" in refused(data).problem.do_this
    assert one(data, Profile(charset="cp1252")).payout == 1500


@pytest.mark.parametrize(("code", "count", "amount"), [("jpy", 5000, "5000"), ("sek", 5000, "50"), ("kwd", 5000, "5")])
def test_34_minor_units_follow_the_currency(code: str, count: int, amount: str) -> None:
    data = files.stripe_json([stripe_transaction("t1", count, currency=code)], amount=count, currency=code)
    assert one(data).payout == Decimal(amount)


def test_34_paypals_settlement_report_counts_in_minor_units_too() -> None:
    made = read_statement(
        files.stl(("S1", "T0006", "CR", 10000, "SEK", "DR", 100), ("S2", "T0006", "CR", 10000, "JPY", "", ""))
    )
    assert [(s.currency, s.closing) for s in made if isinstance(s, Statement)] == [("JPY", 10000), ("SEK", 99)]


def test_35_order_numbers_are_kept_as_the_provider_has_them() -> None:
    made = one(files.shopify(files.SHOPIFY_ROWS[:1]))
    assert lines(made, "sale")[0].order_ref == "#1001"


def test_45_midnight_is_the_providers_and_the_instant_is_utc() -> None:
    row = paypal_row("A1", "10.00", "0.00", "10.00", "10.00", Time="23:30:00", TimeZone="PST", Date="31/12/2026")
    (line,) = one(files.paypal([row])).lines
    assert (line.day, line.at) == (date(2026, 12, 31), datetime(2027, 1, 1, 7, 30, tzinfo=UTC))
    (sale, *_) = one(files.WHOLE["adyen settlement details"]).lines
    assert sale.at == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    summer = paypal_row("A1", "10.00", "0.00", "10.00", "10.00", Time="01:30:00", TimeZone="PDT", Date="01/11/2026")
    (line,) = one(files.paypal([summer]), Profile(day_first=True)).lines
    assert line.at == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


def test_45_whether_the_day_or_the_month_comes_first_is_never_guessed() -> None:
    row = paypal_row("A1", "10.00", "0.00", "10.00", "10.00", Date="03/04/2026")
    assert "day_first" in refused(files.paypal([row])).problem.do_this
    assert one(files.paypal([row]), Profile(day_first=True)).start == date(2026, 4, 3)
    american = [row, paypal_row("A2", "5.00", "0.00", "5.00", "15.00", Date="03/25/2026")]
    assert one(files.paypal(american)).start == date(2026, 3, 4)


def test_47_a_chargeback_is_a_kind_of_its_own() -> None:
    lost = {"Gross Currency": "SEK", "Gross Debit (GC)": "625.00", "Exchange Rate": "1", "Net Debit (NC)": "775.00"}
    made = one(
        files.adyen(
            [
                adyen_row("Chargeback", "P1", **lost, **{"Markup (NC)": "150.00"}),
                adyen_row("Balancetransfer", **{"Net Credit (NC)": "775.00"}),
            ]
        )
    )
    assert [(line.kind, line.amount) for line in made.lines] == [("chargeback", -625), ("fee", -150)]
    assert (made.opening, made.closing, made.payout) == (775, 0, 0)


def test_50_51_a_marketplace_reports_the_buyers_full_price_and_what_it_takes() -> None:
    made = one(files.WHOLE["wildberries realisation"])
    assert (made.scope, made.total("sale"), made.total("refund")) == ("report", 1720, -610)
    rewarded = [line for line in made.lines if line.type == "reward" and line.order_ref == "s4"]
    assert [(line.kind, line.amount) for line in rewarded] == [("fee_correction", 30)]  # a negative reward is real
    assert [(line.kind, line.amount) for line in lines(made, "fine", "compensation")] == [
        ("fine", -250),
        ("compensation", 300),
    ]
    assert made.closing == Decimal("1062.66")


def test_51_two_reports_of_two_countries_are_two_statements() -> None:
    def row(id_: int, report: int, currency: str) -> dict[str, Any]:
        return {
            "rrdId": id_, "reportId": report, "reportType": 2, "currency": currency, "docTypeName": "Продажа",
            "sellerOperName": "Продажа", "retailAmount": "100.00", "vw": "10.00", "vwNds": "2.00", "forPay": "88.00",
            "deliveryService": "0", "saleDt": "2026-03-03T00:00:00Z", "quantity": 1, "srid": f"s{id_}",
        }  # fmt: skip

    made = read_statement(json.dumps([row(1, 500, "RUB"), row(2, 501, "KZT"), row(3, 500, "RUB")]).encode())
    assert [(s.reference, s.currency, s.closing) for s in made if isinstance(s, Statement)] == [
        ("500", "RUB", 176),
        ("501", "KZT", 88),
    ]
    assert isinstance(made[0], Statement) and made[0].lines[0].method == "buyout"


def test_51_the_api_and_the_workbook_name_the_same_rows_alike() -> None:
    names = ("rrd_id", "sa_name", "doc_type_name", "supplier_oper_name", "sale_dt", "quantity", "retail_amount",
             "ppvz_sales_commission", "ppvz_reward", "acquiring_fee", "ppvz_vw", "ppvz_vw_nds", "ppvz_for_pay",
             "delivery_rub", "penalty", "storage_fee", "srid")  # fmt: skip
    rows = [{**dict(zip(names, row, strict=True)), "realizationreport_id": 500} for row in files.WB_ROWS]
    api, book = one(json.dumps(rows).encode()), one(files.WHOLE["wildberries realisation"])
    assert {api.line_key(line) for line in api.lines} == {book.line_key(line) for line in book.lines}
    assert api.closing == book.closing


def test_klarna_rows_with_and_without_a_minus_mean_the_same() -> None:
    signed = [{**row, "amount": f"-{row['amount']}"} if row["type"] == "FEE" else row for row in files.KLARNA_ROWS]
    assert [line.amount for line in one(klarna(signed)).lines] == [line.amount for line in one(klarna()).lines]


def test_klarna_summary_may_write_what_it_deducts_with_a_minus() -> None:
    signed = [{**row, "amount": f"-{row['amount']}"} if row["type"] == "FEE" else row for row in files.KLARNA_ROWS]
    made = one(klarna(signed, total_fee_amount="-92.67", total_tax_amount="-23.17"))
    assert [line.amount for line in made.lines] == [line.amount for line in one(klarna()).lines]


def test_33_a_merchant_whose_exports_have_decimal_commas_says_so() -> None:
    commas = files.stripe().decode().replace(",", ";").replace(".", ",").encode()
    assert refused(commas).column == "amount"
    assert one(commas, Profile(decimal=",")).payout == Decimal("647.93")


def test_klarna_json_needs_all_pages() -> None:
    document = json.loads(klarna_json())
    document["transactions"]["pagination"]["total"] = 7
    assert "6 of 7" in str(refused(json.dumps(document).encode()))


def test_every_refusal_names_the_row_the_column_the_value_and_what_to_do() -> None:
    rows = [dict(row) for row in files.STRIPE_ROWS]
    rows[0]["net"] = "647.39"
    caught = refused(files.stripe(rows))
    assert (caught.row, caught.column, caught.value, caught.problem.code) == (2, "net", "647.39", "AMOUNT_DIFF")
    assert caught.problem.where == "row 2, column 'net', value '647.39'" and caught.problem.do_this


def test_cells_are_kept_untouched() -> None:
    made = one(files.WHOLE["stripe csv"])
    assert made.lines[0].cells == files.STRIPE_ROWS[0]
    assert {line.row for line in made.lines} == {2, 3}


def test_swish_masks_who_paid() -> None:
    made = one(files.SWISH)
    assert not any("Anna" in cell or "4670" in cell for line in made.lines for cell in line.cells.values())
    assert made.lines[0].provider_id == "4469411476093487"
    assert made.total("payout") == -made.total("sale", "refund")
