"""What shops and warehouses do alike: what is made if missing, bodies by field, pieces on rows, the state of money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from samklang.connectors.errors import Rejected, RemoteFault, there
from samklang.connectors.kit.articles import article
from samklang.connectors.kit.kept import Kept
from samklang.connectors.kit.ledgers import delivered, invoiced, taken_back
from samklang.connectors.kit.paging import chunks
from samklang.connectors.kit.paid import payment_state
from samklang.connectors.kit.sent import Waiting, laid
from samklang.connectors.kit.shape import filled
from samklang.connectors.kit.sold import Channel
from samklang.connectors.kit.writing import asked
from samklang.records import (
    Address,
    Axis,
    Charge,
    Customer,
    InvalidRecord,
    OrderLine,
    Price,
    Product,
    Shipment,
    ShipmentLine,
    Variant,
    amounts,
    percent,
)

D = Decimal


# ------------------------------------------------------------------------------------------------ what is missing


class Names:
    """A list at a system, which counts how often it is asked for."""

    def __init__(self, *names: str) -> None:
        self.names, self.asked = list(names), 0
        self.kept = Kept(lambda: 0.0)

    def list(self) -> list[str]:
        self.asked += 1
        return list(self.names)

    def wanted(self, name: str) -> str:
        def make() -> str:
            self.names.append(name)
            return f"made {name}"

        return self.kept.made("names", self.list, lambda rows: name if name in rows else None, make)


def test_what_is_there_is_not_made_and_not_asked_for_twice() -> None:
    names = Names("red")
    assert [names.wanted("red"), names.wanted("red")] == ["red", "red"]
    assert names.asked == 1


def test_what_somebody_else_has_made_meanwhile_is_found() -> None:
    names = Names("red")
    names.wanted("red")
    names.names.append("blue")
    assert names.wanted("blue") == "blue"
    assert names.asked == 2


def test_what_is_missing_is_made_once_without_asking_twice_for_what_was_just_told() -> None:
    names = Names()
    assert names.wanted("red") == "made red"
    assert names.asked == 1
    assert names.wanted("red") == "red"
    assert names.names == ["red"]


# ------------------------------------------------------------------------------------------------ bodies


def test_a_body_has_the_parts_that_the_write_is_about() -> None:
    def dear() -> dict[str, Any]:
        raise AssertionError("made though nobody asked for it")

    parts = {"name title": {"a": 1}, "status": {"b": 2}, "brand": dear}
    assert asked(frozenset({"title", "status"}), parts) == {"a": 1, "b": 2}
    assert asked(frozenset(), parts) == {}
    assert asked(None, {"name": {"a": 1}, "brand": lambda: {"c": 3}}) == {"a": 1, "c": 3}


def test_what_says_nothing_is_left_out() -> None:
    assert filled({"a": "", "b": None, "c": [], "d": {}, "e": "x", "f": ["y"]}) == {"e": "x", "f": ["y"]}


def test_chunks_are_whole_and_in_order() -> None:
    assert list(chunks("abcde", 2)) == ["ab", "cd", "e"]
    assert list(chunks([], 2)) == []


# ------------------------------------------------------------------------------------------------ what was sent

ROWS = [Waiting("1", ["A", "a-red"], D(2)), Waiting("2", ["a"], D(3)), Waiting("3", ["B"], D(1))]


def sent(*lines: ShipmentLine) -> Shipment:
    return Shipment(order="web/1", number="S1", lines=lines)


def test_pieces_of_an_article_go_on_its_rows_in_turn() -> None:
    assert laid(sent(ShipmentLine(quantity=D(4), sku="A")), ROWS) == {"1": D(2), "2": D(2)}


def test_a_line_that_names_its_row_goes_there_and_others_take_what_is_left() -> None:
    lines = ShipmentLine(quantity=D(2), sku="a", line_id="2"), ShipmentLine(quantity=D(3), sku="A", line_id="gone")
    assert laid(sent(*lines), ROWS) == {"2": D(3), "1": D(2)}


@pytest.mark.parametrize("line", [
    ShipmentLine(quantity=D(2), sku="B"), ShipmentLine(quantity=D(1), sku="C"),
    ShipmentLine(quantity=D(3), sku="A", line_id="1"),
])  # fmt: skip
def test_more_than_waits_is_refused(line: ShipmentLine) -> None:
    with pytest.raises(Rejected, match="than waits in the order"):
        laid(sent(line), ROWS)


# ------------------------------------------------------------------------------------------------ money


@pytest.mark.parametrize(("total", "paid", "refunded", "how", "state"), [
    (100, 0, 0, {}, "pending"), (100, 0, 0, {"authorised": True}, "authorised"),
    (100, 0, 0, {"voided": True}, "voided"),
    (0, 0, 0, {}, "not_required"), (100, 40, 0, {}, "partly_captured"), (100, 100, 0, {"authorised": True}, "captured"),
    (100, 100, 40, {}, "partly_refunded"), (100, 100, 100, {"voided": True}, "refunded"),
])  # fmt: skip
def test_the_state_of_money_follows_its_sums(
    total: int, paid: int, refunded: int, how: dict[str, bool], state: str
) -> None:
    ways = {"authorised": False, "voided": False, **how}
    assert payment_state(D(total), D(paid), D(refunded), **ways) == state


def test_a_price_is_lowered_only_from_a_higher_one() -> None:
    price = Price(sku="A", currency="SEK", amount=D(80), tax_included=False, compare_at=D(100), tax_percent=D(25))
    assert price.lowered_from is not None
    assert price.lowered_from.on_side(True) == 125
    same = Price(sku="A", currency="SEK", amount=D(80), tax_included=False, compare_at=D(80))
    assert same.lowered_from is None


def test_a_rate_out_of_net_and_vat() -> None:
    assert (percent(D("39.20"), D("9.80")), percent(D(0), D(0))) == (D("25.0"), D(0))


def test_choices_of_an_axis_stand_once_in_the_variants_order() -> None:
    chosen = [{"colour": "red", "size": "M"}, {"colour": "red", "size": "S"}, {"colour": "blue"}]
    variants = tuple(Variant(sku=str(n), options=options) for n, options in enumerate(chosen))
    axes = Axis("colour", "Colour"), Axis("size", "Size")
    product = Product(code="P", name="P", variants=variants, axes=axes)
    assert [product.choices(axis) for axis in axes] == [["red", "blue"], ["M", "S"]]


# ------------------------------------------------------------------------------------------------ ledgers


def test_what_is_no_gtin_and_what_unit_nobody_knows_goes_along() -> None:
    made = article(
        "A 1", " Pall ", "erp", field="Number", codes=["7310865004703", None, "abc", "7310865004703"],
        code_field="Barcode", unit="Pall", rest={"Group": "", "Shelf": "7"}, variant={"cost": D(5)}, status="archived",
    )  # fmt: skip
    (variant,) = made.variants
    assert (made.key, made.name, made.status) == ("a 1", "Pall", "archived")
    assert (variant.gtin, variant.unit, variant.cost) == (("7310865004703",), "C62", D(5))
    assert made.custom == {"erp": {"Shelf": "7", "Barcode": "abc", "Unit": "Pall"}}
    with pytest.raises(InvalidRecord, match="Number"):
        article("", "Pall", "erp", field="Number", codes=[], code_field="Barcode")


def test_an_article_with_nothing_odd_carries_nothing_along() -> None:
    made = article("A", "A", "erp", field="Number", codes=[""], code_field="EAN", unit="KG")
    assert (made.custom, made.variants[0].unit) == ({}, "KGM")


@pytest.mark.parametrize(("rows", "word"), [
    ([], "none"), ([(D(2), D(0)), (D(0), D(5))], "none"), ([(D(2), D(2)), (D(1), D(0))], "partly_shipped"),
    ([(D(2), D(2)), (D(1), D(3))], "shipped"),
])  # fmt: skip
def test_an_order_is_delivered_when_every_row_is(rows: list[tuple[Decimal, Decimal]], word: str) -> None:
    assert delivered(rows) == word


@pytest.mark.parametrize(("left", "credit", "booked", "states", "payment"), [
    (D(0), None, True, ["paid"], "captured"), (D(40), None, True, ["booked"], "partly_captured"),
    (D(100), None, True, ["booked"], ""), (None, None, True, ["booked"], ""), (D(0), None, False, ["draft"], ""),
    (D(0), "7", True, ["booked", "open"], ""),
])  # fmt: skip
def test_an_invoice_says_what_was_paid_unless_a_credit_has_settled_it(
    left: Decimal | None, credit: str | None, booked: bool, states: list[str], payment: str
) -> None:
    documents, paid = invoiced("5", D(100), left, credit, booked=booked)
    assert ([one.state for one in documents], paid) == (states, payment)


def test_a_document_that_cannot_be_removed_is_named_so_that_it_is_found() -> None:
    def fail() -> None:
        raise RemoteFault("no")

    assert taken_back(Rejected("wrong"), lambda: None, "7").existing == ""
    refused = taken_back(Rejected("wrong"), fail, "7")
    assert refused.existing == "7" and isinstance(refused.__cause__, RemoteFault)


def test_lines_of_an_address_fit_into_the_fields_that_there_are() -> None:
    lines = [Address(lines=lines).lines_in(2) for lines in ((), ("a",), ("a", "b"), ("a", "b", "", "c"))]
    assert lines == [("", ""), ("a", ""), ("a", "b"), ("a", "b, c")]
    assert Address(lines=("a", "b", "c", "d")).lines_in(3) == ("a", "b", "c, d")


def test_what_is_not_there_is_the_error_that_says_so() -> None:
    assert there(0, Rejected("gone")) == 0
    with pytest.raises(Rejected, match="gone"):
        there(None, Rejected("gone"))


# ------------------------------------------------------------------------------------------------ orders


def test_an_order_of_a_channel_sums_vat_by_rate_and_keeps_what_has_no_place() -> None:
    def part(net: str, gross: str, percent: int) -> dict[str, Any]:
        return {"tax_percent": D(percent), **amounts(D(net), D(gross))}

    channel = Channel("web", "shop", "Europe/Stockholm")
    lines = [OrderLine(line_id="1", quantity=D(1), unit_price=D(125), **part("100", "125", 25))]
    charges = [Charge(kind="shipping", **part("40", "50", 25)), Charge(kind="fee", **part("0", "0", 12))]
    rest = {
        "order_no": " 7 ", "placed_at": datetime(2026, 1, 1, tzinfo=UTC), "currency": "SEK",
        "customer": Customer(name="A"), "prices_include_tax": True,
    }  # fmt: skip
    order = channel.order(lines, charges, D(175), D(35), own={"note": "x"}, **rest)
    assert (order.key, order.time_zone, order.custom) == (
        channel.key(" 7 "),
        "Europe/Stockholm",
        {"shop": {"note": "x"}},
    )
    assert (order.net, order.tax, order.gross) == (D(140), D(35), D(175))
    assert [(tax.percent, tax.base, tax.tax) for tax in order.taxes] == [(D(25), D(140), D(35))]
    stated = channel.order(lines, charges, D(175), D(35), taxes=(), **rest)
    assert (stated.taxes, stated.custom) == ((), {})
