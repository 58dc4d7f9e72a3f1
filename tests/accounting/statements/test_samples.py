"""Files from others: each reads, or is refused for the reason that the document gives (RECONCILIATION §6)."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.statements.base import Statement, Unreadable
from samklang.accounting.statements.reading import read_statement
from tests.conftest import SPECS

KINDS = ("adyen", "bgmax", "camt", "klarna", "ozon", "paypal", "stripe", "wb", "yandex")


def sample(path: str) -> bytes:
    """The bytes of a file from others, read in place."""
    file = SPECS / path
    if not file.exists():
        pytest.skip(f"{path} of the collected files is not here (SAMKLANG_SPECS)")
    return file.read_bytes()


#: What is refused: a word of the reason, and the code.
REFUSED = {
    "samples/bgmax/fabhed__exempelfil_ocr_checksiffra_langd.txt": ("row 17, column '13'.*has a tab", "UNBALANCED"),
    "samples/bgmax/fabhed__expected.json": ("format is not known", "UNBALANCED"),
    "samples/camt/genkgo__camt053.v2.all-balance-types.xml": ("closing balance is 4.04", "UNBALANCED"),
    "samples/camt/genkgo__camt053.v2.five.decimals.xml": ("closing balance is 27.05", "UNBALANCED"),
    "samples/camt/genkgo__camt053.v2.minimal.json": ("format is not known", "UNBALANCED"),
    "samples/camt/genkgo__camt053.v2.minimal.xml": ("balance in SEK, its account is in EUR", "CURRENCY_DIFF"),
    "samples/camt/genkgo__camt053.v2.with-party-ids.xml": ("balance in SEK, its account is in EUR", "CURRENCY_DIFF"),
    "samples/camt/genkgo__camt053.v2.wrong.xml": ("holds no statement", "UNBALANCED"),
    "samples/camt/oca__test-camt053.xml": ("closing balance is 15121.12", "UNBALANCED"),
    "samples/klarna/SettlementsGetAllPayoutsResponse.json": ("not both in the file", "UNBALANCED"),
    "samples/klarna/SettlementsGetPayoutResponse.json": ("not both in the file", "UNBALANCED"),
    "samples/klarna/SettlementsGetSummaryOfPayoutsResponse.json": ("not both in the file", "UNBALANCED"),
    "samples/klarna/SettlementsGetTransactionsResponse.json": ("not both in the file", "UNBALANCED"),
    "samples/ozon/diphantxm__finance_1.json": ("'string'.*not a currency", "CURRENCY_DIFF"),
    "samples/ozon/diphantxm__finance_2.json": ("format is not known", "UNBALANCED"),
    "samples/ozon/diphantxm__finance_3.json": ("1 of 355 transactions", "UNBALANCED"),
    "samples/stripe/stripe_openapi_fixtures_extract.json": ("a row is missing or changed", "UNBALANCED"),
    "specs/bgmax/bgmax_exempelfil_ocr.txt": ("has a tab", "UNBALANCED"),
    "specs/iso20022/sample_camt053.v2.minimal.xml": ("balance in SEK", "CURRENCY_DIFF"),
    "specs/iso20022/sample_camt053.v8.xml": ("balance in SEK", "CURRENCY_DIFF"),
}
#: What reads: the number of statements.
READS = {
    "samples/adyen/oca__settlement_detail_report_batch_238.csv": 1,
    "samples/camt/genkgo__camt053.v2.multi.statement.xml": 2,
    "samples/camt/genkgo__camt054.v2.xml": 1,
    "samples/camt/oca__test-camt053-no-ntry.xml": 1,
    "samples/paypal/oca__activity_en.csv": 3,
    "samples/paypal/oca__empty_activity.csv": 0,
    "samples/stripe/navfa__period-reconciliation.jsonl": 2,
    "samples/stripe/navfa__single-payout.csv": 1,
    "samples/wb/salacoste__detail_report_v2.xlsx": 1,
    "samples/yandex/order_stats.json": 1,
    "specs/bgmax/multipayment.txt": 1,
    "specs/iso20022/sample_camt053.v2.multi.statement.xml": 2,
    "specs/iso20022/sample_camt054.v2.with-account-name.xml": 1,
}


@pytest.mark.parametrize("path", REFUSED)
def test_is_refused_for_the_documents_reason(path: str) -> None:
    reason, code = REFUSED[path]
    with pytest.raises(Unreadable, match=f"(?s){reason}") as caught:
        read_statement(sample(path), path)
    assert caught.value.problem.code.endswith(code)
    assert caught.value.problem.do_this


@pytest.mark.parametrize("path", READS)
def test_reads_whole(path: str) -> None:
    assert len(read_statement(sample(path), path)) == READS[path]


def collected() -> list[str]:
    """Every file of these kinds in the collection."""
    files = [
        path for kind in KINDS if (SPECS / "samples" / kind).exists() for path in (SPECS / "samples" / kind).iterdir()
    ]
    files += [*(SPECS / "specs/iso20022").glob("*.xml"), *(SPECS / "specs/bgmax").glob("*.txt")]
    return sorted(str(path.relative_to(SPECS)) for path in files)


def test_no_collected_file_is_lost() -> None:
    if not SPECS.exists():
        pytest.skip("the collected files are not here (SAMKLANG_SPECS)")
    assert (REFUSED.keys() | READS.keys()) - set(collected()) == set()


def test_a_file_that_comes_to_the_collection_is_read_or_refused_in_words() -> None:
    """Whoever adds one judges it above; until then it may at least not break anything."""
    for path in sorted(set(collected()) - REFUSED.keys() - READS.keys()):
        try:
            read_statement(sample(path), path)
        except Unreadable as caught:
            assert caught.problem.what and caught.problem.do_this, path


def one(path: str) -> Statement:
    (made,) = read_statement(sample(path), Path(path).name)
    assert isinstance(made, Statement)
    return made


def test_adyen_batch_238_carries_its_balance_on_and_pays_nothing() -> None:
    made = one("samples/adyen/oca__settlement_detail_report_batch_238.csv")
    assert (made.opening, made.closing, made.payout) == (Decimal("454331.99"), Decimal("454331.90"), 0)
    assert [(line.kind, line.amount, line.row) for line in made.lines] == [("fee", Decimal("-0.09"), 3)]


def test_paypal_activity_is_one_chain_of_balances_per_currency() -> None:
    usd, eur, aud = read_statement(sample("samples/paypal/oca__activity_en.csv"))
    assert isinstance(usd, Statement) and isinstance(eur, Statement) and isinstance(aud, Statement)
    assert (usd.opening, usd.closing, aud.closing) == (0, Decimal("1.90"), 0)
    assert {line.kind for line in eur.lines} == {"conversion"}
    assert {line.kind for line in eur.pending} == {"payout"} and len(eur.pending) == 14
    assert eur.closing + sum(line.amount for line in eur.pending) == Decimal("43.34")  # the file's last balance
    hold, release = (next(line for line in usd.lines if line.kind == kind) for kind in ("holdback", "release"))
    assert hold.parent_id == release.parent_id == "TID36" and hold.amount == -release.amount


def test_stripe_payout_has_its_fee_of_no_charge() -> None:
    made = one("samples/stripe/navfa__single-payout.csv")
    assert (made.reference, made.payout, made.total("fee")) == ("po_1N2xR3yT4zA", Decimal("448.91"), Decimal("-16.08"))


def test_wildberries_workbook_adds_up_to_what_is_payable() -> None:
    path = "samples/wb/salacoste__detail_report_v2.xlsx"
    made = one(path)
    sheet = openpyxl.load_workbook(io.BytesIO(sample(path))).worksheets[0]
    header, *rows = sheet.iter_rows(values_only=True)
    payable, delivery, realised = (
        sum(Decimal(str(row[header.index(name)])) for row in rows)
        for name in (
            "К перечислению Продавцу за реализованный Товар",
            "Услуги по доставке товара покупателю",
            "Вайлдберриз реализовал Товар (Пр)",
        )
    )
    assert (made.closing, made.total("sale")) == (payable - delivery, realised)


def test_bgmax_deposit_holds_its_payments() -> None:
    (made,) = read_statement(sample("specs/bgmax/multipayment.txt"))
    assert isinstance(made, BankStatement)
    (line,) = made.lines
    assert (made.account, line.amount, line.booked_on.isoformat()) == ("9912346", 700, "2009-06-03")
    assert [detail.amount for detail in line.details] == [100, 200, 300, 100]
    assert line.details[3].party == "Larssons Delikatesser"
