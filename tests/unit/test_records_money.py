"""Decimals, rounding, largest-remainder split, and the check of an order's stated totals."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.records import Charge, Customer, InvalidRecord, Order, OrderLine, Price, StockLevel
from samklang.records.money import canonical, currency, decimal, from_minor_units, minor_units, rounded, split

currencies = st.sampled_from(["SEK", "JPY", "BHD", "EUR"])
amounts = st.decimals("-999999999", "999999999", places=6)


@given(amounts, st.lists(st.decimals(0, 10**6, places=4), min_size=1, max_size=12), currencies)
def test_parts_are_whole_minor_units_and_sum_to_the_amount(amount: Decimal, weights: list[Decimal], code: str) -> None:
    parts = split(amount, weights, code)
    assert len(parts) == len(weights)
    assert sum(parts) == rounded(amount, code)
    assert all(part == rounded(part, code) for part in parts)


@given(amounts, st.lists(st.decimals(-1000, 1000, places=2), min_size=1, max_size=8), currencies)
def test_split_sums_even_when_weights_have_both_signs(amount: Decimal, weights: list[Decimal], code: str) -> None:
    assert sum(split(amount, weights, code)) == rounded(amount, code)


@given(amounts, st.lists(st.decimals("0.01", 1000, places=2), min_size=1, max_size=8))
def test_no_part_is_more_than_one_minor_unit_from_its_share(amount: Decimal, weights: list[Decimal]) -> None:
    total = rounded(amount, "SEK")
    for part, weight in zip(split(amount, weights, "SEK"), weights, strict=True):
        assert abs(part - total * weight / sum(weights)) <= Decimal("0.01")


def test_split_by_example() -> None:
    third = split(Decimal("100"), [Decimal(1)] * 3, "SEK")
    assert third == (Decimal("33.34"), Decimal("33.33"), Decimal("33.33"))
    assert split(Decimal("-0.01"), [Decimal(1), Decimal(9)], "SEK") == (Decimal(0), Decimal("-0.01"))
    assert split(Decimal("49"), [Decimal(500), Decimal(112)], "JPY") == (Decimal(40), Decimal(9))
    assert split(Decimal("5"), [Decimal(0), Decimal(0)], "SEK") == (Decimal("2.5"), Decimal("2.5"))
    assert split(Decimal(0), [], "SEK") == ()
    with pytest.raises(ValueError, match="nothing to split"):
        split(Decimal(1), [], "SEK")


@given(amounts, currencies)
def test_minor_units_and_back(amount: Decimal, code: str) -> None:
    assert from_minor_units(minor_units(amount, code), code) == rounded(amount, code)


@pytest.mark.parametrize(
    ("amount", "code", "expected"),
    [("0.005", "SEK", "0.01"), ("-0.005", "SEK", "-0.01"), ("0.5", "JPY", "1"), ("1.0005", "BHD", "1.001")],
)
def test_halves_go_away_from_zero(amount: str, code: str, expected: str) -> None:
    assert rounded(Decimal(amount), code) == Decimal(expected)


@given(st.decimals("-1e14", "1e14", places=6))
def test_canonical_is_the_same_number_in_plain_digits(value: Decimal) -> None:
    assert canonical(value) == value
    assert "E" not in str(decimal(value))
    assert str(canonical(value)) == str(canonical(canonical(value)))


@pytest.mark.parametrize(
    "absurd", ["NaN", "Infinity", "-Infinity", "1e15", "-1E+999", "", "  ", "12,50", "kr 5", "1.2.3"]
)
def test_what_is_no_possible_amount_is_refused(absurd: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        decimal(absurd, "lines.net")
    assert caught.value.field == "lines.net"
    assert caught.value.do_this


@pytest.mark.parametrize("wrong", [1.5, True, None, [], {}])
def test_floats_and_other_things_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidRecord, match="not a decimal number"):
        decimal(wrong)


def test_seventh_decimal_is_rounded_half_up() -> None:
    assert decimal("0.0000005") == Decimal("0.000001")
    assert decimal("-0.00000049") == 0


@pytest.mark.parametrize("code", ["", "SE", "KRONOR", "XXX", None, 752])
def test_only_iso_currencies(code: object) -> None:
    with pytest.raises(InvalidRecord, match="not a currency"):
        currency(code)
    assert currency("sek") == "SEK"


def test_negative_price_is_refused_and_negative_stock_is_not() -> None:
    with pytest.raises(InvalidRecord, match="is negative"):
        Price(sku="A", currency="SEK", amount=Decimal("-0.01"), tax_included=True)
    level = StockLevel(sku="A", on_hand=Decimal(-3), reserved=Decimal(2), unavailable=Decimal(1), incoming=Decimal(99))
    assert level.available == -6


def _line(number: int, net: str, tax: str, gross: str, quantity: str = "1") -> OrderLine:
    return OrderLine(
        line_id=str(number),
        quantity=Decimal(quantity),
        unit_price=Decimal(gross),
        net=Decimal(net),
        tax=Decimal(tax),
        gross=Decimal(gross),
        tax_percent=Decimal(25),
    )


def _order(net: str, tax: str, gross: str, *lines: OrderLine, charges: tuple[Charge, ...] = ()) -> Order:
    return Order(
        channel="shop",
        order_no="1",
        placed_at=datetime(2026, 1, 1, tzinfo=UTC),
        currency="SEK",
        customer=Customer(name="Åsa"),
        lines=lines,
        charges=charges,
        net=Decimal(net),
        tax=Decimal(tax),
        gross=Decimal(gross),
        prices_include_tax=True,
    )


def test_totals_may_differ_by_one_minor_unit_per_line() -> None:
    lines = [_line(number, "3.33", "0.83", "4.16") for number in range(3)]
    _order("10.00", "2.50", "12.50", *lines).check_totals()
    _order("10.02", "2.47", "12.49", *lines).check_totals()
    with pytest.raises(InvalidRecord, match=r"totals\.net"):
        _order("10.03", "2.46", "12.49", *lines).check_totals()


def test_charges_count_and_net_plus_vat_must_be_gross() -> None:
    freight = Charge(kind="shipping", net=Decimal(40), tax=Decimal(10), gross=Decimal(50))
    _order("120", "30", "150", _line(1, "80", "20", "100"), charges=(freight,)).check_totals()
    with pytest.raises(InvalidRecord, match=r"totals\.gross"):
        _order("120", "30", "100", _line(1, "80", "20", "100"), charges=(freight,)).check_totals()
    with pytest.raises(InvalidRecord, match=r"totals\.gross.*differ"):
        _order("80", "20", "101", _line(1, "80", "20", "101")).check_totals()


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_an_order_line_of_nothing_is_refused(quantity: str) -> None:
    with pytest.raises(InvalidRecord, match="not above 0"):
        _line(1, "1", "0", "1", quantity)
