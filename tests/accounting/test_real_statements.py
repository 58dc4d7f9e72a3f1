"""Providers' real files, read and booked: every line once, balanced, all unknown sales on suspense."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from samklang.accounting.chart import AccountRow, FeeRow
from samklang.accounting.intake import accept
from samklang.accounting.matching import line_id
from samklang.accounting.settlement import settlement_key, statement_id
from samklang.accounting.statements.base import Statement
from samklang.accounting.statements.reading import read_statement
from tests.conftest import SPECS

from .cases import books
from .shop import chart, company, exchange

SAMPLES = {
    "adyen/oca__settlement_detail_report_batch_238.csv": 1,
    "stripe/navfa__single-payout.csv": 1,
    "stripe/navfa__period-reconciliation.jsonl": 2,
    "paypal/oca__activity_en.csv": 40,
}
FIRM = company(
    chart=chart([FeeRow(provider=name, treatment="EXEMPT") for name in ("adyen", "stripe", "paypal")],
                accounts=[AccountRow(role="receivable.psp", account="1580")]),
    policies={"TX_WITHOUT_ORDER": "suspense"},
)  # fmt: skip
RATES = exchange(
    *(
        (code, f"{year}-{month:02}-{day:02}", "10")
        for code in ("USD", "EUR", "AUD")
        for year in range(2014, 2027)
        for month in range(1, 13)
        for day in (1, 8, 15, 22, 28)
    )
)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_file_becomes_balanced_vouchers_with_every_line_once(name: str) -> None:
    path: Path = SPECS / "samples" / name
    if not path.exists():
        pytest.skip("the sample files are not here (SAMKLANG_SPECS)")
    statements = [made for made in read_statement(path.read_bytes(), path.name) if isinstance(made, Statement)]
    kept = books([], statements, firm=FIRM, rates=RATES, today=date(2026, 4, 30))
    settled = [voucher for voucher in kept.vouchers if voucher.source == "settlement"]
    assert len(settled) >= SAMPLES[name]
    assert {problem.code for problem in kept.problems} <= {"TX_WITHOUT_ORDER", "CURRENCY_DIFF"}
    booked = Counter(
        id_
        for voucher in settled
        for id_ in {ref.id for part in voucher.lines for ref in part.refs if ref.kind == "statement_line"}
    )
    keys = {voucher.key for voucher in settled}
    wanted = {
        line_id(day, part)
        for day in accept(statements, {}).statements
        if settlement_key(FIRM, statement_id(day)) in keys
        for part in day.lines
        if part.amount
    }
    assert set(booked) == wanted
    assert set(booked.values()) <= {1}
