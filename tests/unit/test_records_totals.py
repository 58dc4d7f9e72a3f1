"""An order's money as the rows of a document: nothing is lost, whatever way a system counts VAT."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from samklang.records import Charge, Customer, InvalidRecord, Order, OrderLine, TaxTotal
from samklang.records.money import ZERO, rounded
from samklang.records.totals import amounts, document_rows, priced_rows, tax_totals
from samklang.records.units import grams

ORE = Decimal("0.01")


def order(lines: Sequence[OrderLine], charges: Sequence[Charge] = (), **more: object) -> Order:
    sold = (*lines, *charges)
    sums = {name: sum((getattr(part, name) for part in sold), ZERO) for name in ("net", "tax", "gross")}
    return Order(
        channel="shop", order_no="1", placed_at=datetime(2026, 5, 1, tzinfo=UTC), currency="SEK",
        customer=Customer(name="A"), lines=tuple(lines), charges=tuple(charges), prices_include_tax=True,
        **{**sums, **more},
    )  # type: ignore[arg-type]  # fmt: skip


def line(quantity: int, gross: Decimal, percent: int, sku: str = "A") -> OrderLine:
    net = rounded(gross / (1 + Decimal(percent) / 100), "SEK")
    return OrderLine(
        line_id=sku, sku=sku, quantity=Decimal(quantity), unit_price=gross / quantity, tax_percent=Decimal(percent),
        **amounts(net, gross),
    )  # fmt: skip


def by_document(nets: Sequence[Decimal], percent: Decimal) -> Decimal:
    return (sum(nets, ZERO) * percent / 100).quantize(ORE, ROUND_HALF_UP)


def test_lines_and_charges_are_rows_on_the_side_that_is_asked_for() -> None:
    freight = Charge(kind="shipping", name="Frakt", tax_percent=Decimal(25), **amounts(Decimal(40), Decimal(50)))
    one = order([line(2, Decimal(250), 25)], [freight])
    with_tax, without = document_rows(one, True), document_rows(one, False)
    assert [(row.kind, row.sku, row.total) for row in with_tax] == [("line", "A", 250), ("shipping", "", 50)]
    assert [row.total for row in without] == [200, 40]
    assert (with_tax[1].quantity, with_tax[1].unit_price, without[1].unit_price) == (1, 50, 40)


def test_an_order_whose_totals_disagree_has_no_rows() -> None:
    with pytest.raises(InvalidRecord):
        document_rows(order([line(1, Decimal(250), 25)], gross=Decimal(300)), True)


def test_tax_is_summed_by_rate_in_the_order_of_the_rates() -> None:
    rows = [
        (Decimal(25), Decimal(100), Decimal(25)),
        (Decimal(6), Decimal(10), ORE),
        (Decimal(25), Decimal(4), Decimal(1)),
    ]
    assert tax_totals(rows) == (
        TaxTotal(Decimal(25), Decimal(104), Decimal(26)),
        TaxTotal(Decimal(6), Decimal(10), ORE),
    )
    assert tax_totals([]) == ()


@given(
    some.lists(
        some.tuples(some.integers(1, 9), some.integers(1, 500_00), some.sampled_from((25, 12, 6, 0))),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_a_system_that_counts_vat_itself_gets_to_the_buyers_total(parts: list[tuple[int, int, int]]) -> None:
    lines = [line(q, q * Decimal(n) / 100, percent, f"S{i}") for i, (q, n, percent) in enumerate(parts)]
    one = order(lines)
    rows, left = priced_rows(one, 4, by_document)
    counted = ZERO
    for percent in {row.percent for row in rows}:
        nets = [row.quantity * row.unit_price for row in rows if row.percent == percent]
        counted += by_document(nets, percent) + sum((net.quantize(ORE) for net in nets), ZERO)
    assert counted + left == one.gross
    moved = sum(int(150 / percent) + 1 for percent in {percent for *_, percent in parts} if percent)
    assert abs(left) <= ORE * (len(lines) + moved), "rounding is öre, not money"
    assert all(row.unit_price == row.unit_price.quantize(Decimal("0.0001")) for row in rows)


def test_a_row_is_moved_so_that_the_stated_vat_comes_out() -> None:
    # Two lines of 0.60 with VAT 0.12 each; counted on the document's 0.96 the VAT is 0.24. The shop says 0.23.
    pair = [line(1, Decimal("0.60"), 25, sku) for sku in "AB"]
    stated = TaxTotal(Decimal(25), Decimal("0.92"), Decimal("0.23"))
    rows, _ = priced_rows(order(pair, taxes=(stated,)), 4, by_document)
    assert by_document([row.unit_price for row in rows], Decimal(25)) == Decimal("0.23")
    assert [row.unit_price for row in rows].count(Decimal("0.48")) == 1, "only one of them"


@pytest.mark.parametrize(
    ("weight", "unit", "expected"),
    [("1.5", "kg", 1500), ("1", "lbs", 454), ("2", "Ounce", 57), ("0.4", "Gram", 0), ("1", "m", None)],
)
def test_weights_are_whole_grams(weight: str, unit: str, expected: int | None) -> None:
    assert grams(Decimal(weight), unit) == expected
