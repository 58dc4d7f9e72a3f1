"""From orders and files in the tables to vouchers in the tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.accounting.shop import assert_golden, freight, line, order, paid
from tests.accounting.statements.files import klarna, stripe
from tests.reconciliation.conftest import Desk


def day_of_sales() -> list[Any]:
    """Orders that Klarna and Stripe pay out in the worked examples E2 and E3."""
    return [
        order("1001", [line("1250")], paid("klarna", "1250", "2026-03-02", "c-1001")),
        order(
            "1002", [line("500"), line("112", "12")], paid("stripe", "661", "2026-03-02", "txn_1"),
            charges=[freight("49", tax="8.89")],
        ),
        order("1003", [line("1190", "19")], paid("klarna", "1190", "2026-03-02", "c-1003"), country="DE"),
        order("1006", [line("325")], paid("klarna", "325", "2026-03-02", "c-1006")),
    ]  # fmt: skip


def test_a_payout_becomes_the_worked_voucher(desk: Desk) -> None:
    """E2, E3: the library's vouchers, to the öre, out of the tables. D-20."""
    desk.flow()
    desk.sells(*day_of_sales())
    imported = desk.takes(klarna(), "klarna.csv")
    assert imported.new == ("klarna/K123456/XISA93DJ/SEK",)
    desk.takes(stripe(), "stripe.csv")
    report = desk.run()
    assert report.matched == 4
    assert desk.problems() == {}
    settled = {voucher.text: voucher for voucher in desk.records() if voucher.source == "settlement"}
    assert_golden(settled["Klarna utbetalning XISA93DJ"], "E2")
    assert_golden(settled["Stripe utbetalning po_1A"], "E3")
    assert {row.state for row in desk.vouchers().values()} == {"validated"}


def test_a_second_run_changes_nothing(desk: Desk) -> None:
    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    before = {key: (row.pk, bytes(row.hash)) for key, row in desk.vouchers().items()}
    desk.run()
    assert {key: (row.pk, bytes(row.hash)) for key, row in desk.vouchers().items()} == before


def test_a_voucher_comes_back_from_the_tables_as_it_was(desk: Desk) -> None:
    from samklang.records import content_hash, encode

    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    rows = desk.vouchers()
    for voucher in desk.records():
        assert content_hash(encode(voucher)) == bytes(rows[voucher.key].hash)


def test_what_the_facts_no_longer_give_is_no_draft_any_more(desk: Desk) -> None:
    desk.flow()
    first, *rest = day_of_sales()
    desk.sells(first, *rest)
    desk.run()
    assert [row.turnover for row in desk.vouchers().values()] == [Decimal("3426")]
    import msgspec

    desk.sells(msgspec.structs.replace(first, payments=()))
    desk.run()
    assert [row.turnover for row in desk.vouchers().values()] == [Decimal("2176")]


def test_lines_without_an_order_are_a_problem_with_amount_and_remedy(desk: Desk) -> None:
    """TX_WITHOUT_ORDER: the statement waits; with the order it is booked and the problem closes by itself."""
    from samklang.hub.models import Problem, ProblemItem

    desk.flow()
    first, *rest = day_of_sales()
    desk.sells(*rest)
    desk.takes(klarna())
    desk.takes(stripe())
    desk.run()
    assert set(desk.problems()) == {"TX_WITHOUT_ORDER"}
    item = ProblemItem.objects.get(where__contains="c-1001")
    assert (item.amount, item.currency) == (Decimal("1250"), "SEK")
    assert "match it by hand" in item.problem.do_this
    assert not [key for key in desk.vouchers() if "settlement/klarna" in key]
    desk.sells(first)
    desk.run()
    assert desk.problems() == {}
    assert not Problem.objects.filter(closed_at=None).exists()
    assert [key for key in desk.vouchers() if "settlement/klarna" in key]


@pytest.mark.parametrize("treatment", ["NEEDS_DECISION", "SE_VAT"])
def test_undecided_fees_block_the_statement_alone(desk: Desk, treatment: str) -> None:
    """Q-22: until the accountant has chosen, the provider's statement waits; sales are booked."""
    desk.company = desk.settings(fees=[{"provider": "klarna", "treatment": treatment, "entity": "Klarna Bank AB"}])
    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    booked = any("settlement" in key for key in desk.vouchers())
    assert booked == (treatment == "SE_VAT")
    assert ("FEE_TREATMENT_UNDECIDED" in desk.problems()) == (treatment == "NEEDS_DECISION")
    assert any("sales" in key for key in desk.vouchers())
