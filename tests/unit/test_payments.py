"""What payment connectors share: minor units, keys that stay, lines that add up to the öre."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from samklang.connectors.checks import specimens
from samklang.connectors.contract import Want
from samklang.connectors.kit.payments import idempotency_key, rows, short
from samklang.records import Capture, InvalidRecord, MoneyLine, Refund


def taken(*lines: tuple[str, str], amount: str, currency: str = "SEK") -> Capture:
    """A capture of (pieces, money) lines."""
    return Capture(
        order="butik/1", number="1", amount=Decimal(amount), currency=currency, payment_id="p1",
        lines=tuple(
            MoneyLine(line_id=str(n), sku=f"S-{n}", name="Kopp", quantity=Decimal(pieces), gross=Decimal(gross))
            for n, (pieces, gross) in enumerate(lines)
        ),
    )  # fmt: skip


def want(record: Capture | Refund, reference: str = "butik/1#1") -> Want:
    return Want(key=record.key, record=record, reference=reference)


def test_the_key_stays_when_the_amount_changes_and_differs_for_all_else() -> None:
    """J-13: the same shipment twice is one capture, whatever was corrected between."""
    one, other = taken(amount="100"), taken(amount="90")
    key = idempotency_key(want(one), "p1")
    assert uuid.UUID(key).version == 5
    assert idempotency_key(want(other), "p1") == key
    back = Refund(order="butik/1", number="1", amount=Decimal(100), currency="SEK", payment_id="p1")
    different = {
        key, idempotency_key(want(back), "p1"), idempotency_key(want(one), "p2"),
        idempotency_key(want(one, "butik/1#2"), "p1"),
    }  # fmt: skip
    assert len(different) == 4


def test_a_long_reference_is_cut_and_stays_its_own() -> None:
    assert short("butik/1#1", 20) == "butik/1#1"
    one, two = short("x" * 300 + "1", 255), short("x" * 300 + "2", 255)
    assert len(one) == len(two) == 255 and one != two


def test_lines_carry_gift_card_vat_and_weight() -> None:
    found = rows(specimens.capture(7, "p1"))
    assert sum(row.gross for row in found) == 45100
    assert [(row.kind, row.gross, row.tax, row.rate) for row in found] == [
        ("goods", 40000, 8000, 2500), ("goods", 10199, 1093, 1200), ("shipping", 4900, 980, 2500),
        ("gift_card", -10000, 0, 0), ("rounding", 1, 0, 0),
    ]  # fmt: skip
    assert found[3].name == "Presentkort"
    assert [row.priced(row.gross) for row in found] == [
        (3, 13334, 2), (1, 10199, 0), (1, 4900, 0), (1, -10000, 0), (1, 1, 0)
    ]  # fmt: skip


def test_what_rounding_leaves_over_is_a_line_of_its_own() -> None:
    found = rows(taken(("1", "33.335"), ("1", "66.665"), amount="100"))
    assert [row.gross for row in found] == [3334, 6667, -1]
    assert (found[-1].name, found[-1].kind) == ("Öresavrundning", "rounding")
    assert rows(taken(amount="100")) == []


def test_lines_that_do_not_add_up_are_an_error_not_a_rounding() -> None:
    with pytest.raises(InvalidRecord, match="does not add up to 100"):
        rows(taken(("1", "80"), amount="100"))


@pytest.mark.parametrize(("currency", "minor"), [("SEK", 10050), ("JPY", 101), ("KWD", 100500)])
def test_minor_units_are_the_currencys(currency: str, minor: int) -> None:
    assert rows(taken(("1", "100.5"), amount="100.5", currency=currency))[0].gross == minor


@given(
    some.lists(
        some.tuples(
            some.integers(1, 30), some.decimals("-500", "5000", places=3, allow_nan=False, allow_infinity=False)
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_the_sum_is_the_amount_to_the_ore_and_prices_multiply(pairs: list[tuple[int, Decimal]]) -> None:
    total = sum((gross for _, gross in pairs), Decimal(0)).quantize(Decimal("0.01"))
    if total <= 0:
        return
    found = rows(taken(*((str(pieces), str(gross)) for pieces, gross in pairs), amount=str(total)))
    assert sum(row.gross for row in found) == int(total * 100)
    for row in found:
        pieces, price, discount = row.priced(row.gross)
        assert pieces * price - discount == row.gross
        assert discount >= 0
