"""Canonical bytes and content hash: equal content gives equal bytes, different content different ones."""

# ruff: noqa: DTZ001  # hypothesis wants the bounds of st.datetimes without a zone

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.records import (
    Address,
    Axis,
    Capture,
    Charge,
    Customer,
    Discount,
    EditLine,
    Inbound,
    InboundLine,
    InvalidRecord,
    MoneyLine,
    Order,
    OrderEdit,
    OrderLine,
    OrderStatus,
    Parcel,
    Price,
    PriceList,
    Product,
    Receipt,
    Record,
    Refund,
    Release,
    Return,
    ReturnLine,
    Shipment,
    StockLevel,
    TaxTotal,
    Variant,
    Void,
    Voucher,
    VoucherLine,
    content_hash,
    decode,
    encode,
    record_class,
    record_types,
)
from samklang.records.order import Document, ShipmentLine

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=12)
amounts = st.decimals("-1000000000", "1000000000", places=4)
offsets = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
instants = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30), timezones=offsets)
values = st.recursive(
    texts | st.integers(-(2**53), 2**53) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=4,
)
custom = st.dictionaries(names, st.dictionaries(names, values, max_size=3), max_size=2)

addresses = st.builds(
    Address,
    name=texts,
    lines=st.lists(texts, max_size=3).map(tuple),
    postcode=texts,
    country=st.sampled_from(["", "SE", "NO"]),
)
customers = st.builds(
    Customer, name=texts, customer_no=texts, billing=addresses, shipping=st.none() | addresses, custom=custom
)
products = st.builds(
    Product,
    code=names,
    name=texts,
    axes=st.just((Axis("size", "Size"),)),
    variants=st.lists(
        st.builds(Variant, sku=names, weight_g=st.none() | st.integers(0, 10**6), cost=st.none() | amounts),
        min_size=1,
        max_size=1,
    ).map(tuple),
    tax_class=st.sampled_from(["standard", "food", "".join(("stan", "dard"))]),
    names=st.dictionaries(names, texts, max_size=2),
    attributes=st.dictionaries(names, values, max_size=3),
    custom=custom,
)
lines = st.builds(
    OrderLine,
    line_id=names,
    quantity=st.decimals("0.0001", "1000", places=4),
    unit_price=amounts,
    net=amounts,
    tax=amounts,
    gross=amounts,
    tax_percent=st.sampled_from([Decimal("25"), Decimal("25.00"), Decimal("25.5")]),
    discount=amounts,
    kind=st.sampled_from(["goods", "service", "free_text"]),
)
orders = st.builds(
    Order,
    channel=names,
    order_no=names,
    placed_at=instants,
    currency=st.sampled_from(["SEK", "JPY", "BHD"]),
    customer=customers,
    lines=st.lists(lines, max_size=3).map(tuple),
    net=amounts,
    tax=amounts,
    gross=amounts,
    prices_include_tax=st.booleans(),
    billing=addresses,
    charges=st.lists(
        st.builds(Charge, kind=st.sampled_from(["shipping", "fee"]), net=amounts, tax=amounts, gross=amounts),
        max_size=2,
    ).map(tuple),
    discounts=st.lists(st.builds(Discount, amount=amounts, code=texts), max_size=1).map(tuple),
    taxes=st.lists(st.builds(TaxTotal, amounts, amounts, amounts), max_size=2).map(tuple),
    custom=custom,
)
positive = st.decimals("0.0001", "1000000", places=4)
movement: dict[str, Any] = {
    "order": names, "number": names, "currency": st.sampled_from(["SEK", "JPY"]), "payment_id": names,
    "lines": st.lists(
        st.builds(MoneyLine, line_id=names, quantity=amounts, gross=amounts, kind=st.sampled_from(["goods", "fee"])),
        max_size=2,
    ).map(tuple),
}  # fmt: skip
inbound_lines = st.lists(st.builds(InboundLine, sku=names, expected=positive, received=positive), max_size=3).map(tuple)
warehouse = st.one_of(
    st.builds(Capture, amount=positive, final=st.booleans(), **movement),
    st.builds(Refund, amount=positive, reason=texts, **movement),
    st.builds(Void, order=names, amount=amounts, currency=st.just("SEK"), payment_id=names),
    st.builds(
        OrderEdit, order=names, lines=st.lists(st.builds(EditLine, sku=names, quantity=amounts), max_size=3).map(tuple)
    ),
    st.builds(Release, order=names, at=instants, by=texts),
    st.builds(
        Return,
        order=names,
        number=names,
        reason=st.sampled_from(["regret", "complaint", "uncollected", ""]),
        lines=st.lists(st.builds(ReturnLine, sku=names, quantity=positive, restock=st.booleans()), max_size=2).map(
            tuple
        ),
        received_at=st.none() | instants,
    ),
    st.builds(Inbound, number=names, lines=inbound_lines, expected_on=st.none() | st.dates()),
    st.builds(Receipt, inbound=names, lines=inbound_lines, state=st.sampled_from(["announced", "closed"])),
)
vouchers = st.builds(
    lambda cents, **more: Voucher(
        lines=tuple(
            VoucherLine(account=account, role="r", amount=Decimal(sign * cents) / 100)
            for account, sign in (("1930", 1), ("3001", -1))
        ),
        **more,
    ),
    cents=st.integers(1, 10**9),
    company=names,
    series=texts,
    date=st.dates(date(1990, 1, 1), date(2099, 1, 1)),
    text=texts,
    source=st.sampled_from(["sales", "settlement"]),
    key=names,
    currency=st.just("SEK"),
    custom=custom,
)
records: st.SearchStrategy[Record] = st.one_of(
    warehouse,
    vouchers,
    customers,
    products,
    orders,
    st.builds(PriceList, name=names, currency=st.just("SEK"), customer_groups=st.lists(texts, max_size=2).map(tuple)),
    st.builds(
        Price,
        sku=names,
        currency=st.just("SEK"),
        amount=st.decimals(0, 10**9, places=6),
        tax_included=st.booleans(),
        valid_from=st.none() | st.dates(date(1990, 1, 1), date(2099, 1, 1)),
        compare_at=st.none() | amounts,
        min_qty=st.integers(1, 10**6),
    ),
    st.builds(StockLevel, sku=names, warehouse=texts, on_hand=amounts, reserved=amounts),
    st.builds(
        OrderStatus,
        order=names,
        raw=texts,
        documents=st.lists(st.builds(Document, kind=st.just("invoice"), number=names), max_size=2).map(tuple),
    ),
    st.builds(
        Shipment,
        order=names,
        number=names,
        shipped_at=st.none() | instants,
        lines=st.lists(st.builds(ShipmentLine, quantity=amounts, sku=names), max_size=2).map(tuple),
        parcels=st.lists(st.builds(Parcel, tracking_no=texts), max_size=2).map(tuple),
    ),
)


@given(records)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    body = encode(record)
    back = decode(record.type, body)
    assert back == record
    assert back.key == record.key
    assert encode(back) == body
    assert content_hash(encode(back)) == content_hash(body)


def test_the_round_trip_covers_every_record_type() -> None:
    covered = {"customer", "product", "order", "price_list", "price", "stock", "order_status", "shipment"}
    covered |= {"capture", "refund", "void", "order_edit", "release", "return", "inbound", "receipt", "voucher"}
    assert set(record_types()) == covered, "add the new record type to the strategies above"


def test_types_stand_in_the_order_in_which_they_need_each_other() -> None:
    order = record_types().index
    assert order("product") < order("price") < order("order") < order("order_status")
    assert order("price_list") < order("price")
    assert order("customer") < order("order") < order("shipment")


def _respelt(data: Any) -> Any:
    """The same JSON content spelt otherwise: mappings the other way round, decimals with more zeros."""
    if isinstance(data, dict):
        return {key: _respelt(data[key]) for key in reversed(data)}
    if isinstance(data, list):
        return [_respelt(item) for item in data]
    return data


@given(records)
def test_hash_does_not_depend_on_the_order_of_mappings(record: Record) -> None:
    body = encode(record)
    other = json.dumps(_respelt(json.loads(body)), ensure_ascii=True).encode()
    assert encode(decode(record.type, other)) == body


@pytest.mark.parametrize("spelling", ["10", "10.0", "10.000000", "1E+1", "+10", "0010.00", " 10 "])
def test_hash_does_not_depend_on_how_a_decimal_is_written(spelling: str) -> None:
    def level(text: str) -> bytes:
        return encode(StockLevel(sku="A", on_hand=Decimal(text)))

    assert level(spelling) == level("10")
    assert level(spelling) != level("10.000001")


@pytest.mark.parametrize("spelling", ["0", "0.00", "-0", "-0.000", "0E+3"])
def test_zero_has_one_spelling_and_is_left_out_where_it_is_the_default(spelling: str) -> None:
    assert encode(StockLevel(sku="A", on_hand=Decimal(spelling))) == encode(StockLevel(sku="A"))


def test_stating_a_default_changes_nothing() -> None:
    """A default that arrives as a new object (read from a file) must hash like one that nobody stated."""
    unit, tax_class = (msgspec.json.decode(text, type=str) for text in ('"C62"', '"standard"'))
    plain = Product(code="A", name="Mug", variants=(Variant(sku="A"),))
    assert encode(
        Product(code="A", name="Mug", tax_class=tax_class, variants=(Variant(sku="A", unit=unit),))
    ) == encode(plain)
    customer = Customer(name="Åsa")
    assert encode(Customer(name="Åsa", billing=Address(), custom={})) == encode(customer)
    assert encode(Customer(name="Åsa", shipping=Address())) != encode(customer), "empty and unknown are two things"


def test_equal_instants_hash_alike_whatever_their_offset() -> None:
    utc = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    stockholm = utc.astimezone(timezone(timedelta(hours=2)))
    one, other = (Shipment(order="s/1", number="1", shipped_at=at) for at in (utc, stockholm))
    assert encode(one) == encode(other)
    assert decode("shipment", encode(other)).key == "s/1#1"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="no time zone"):
        Shipment(order="s/1", number="1", shipped_at=datetime(2026, 1, 1))  # no zone: that is the fault


@given(records, st.sampled_from(["a_field_of_tomorrow", "x"]))
def test_fields_of_a_newer_release_are_ignored(record: Record, field: str) -> None:
    data = json.loads(encode(record)) | {field: {"new": [1]}}
    assert decode(record.type, json.dumps(data).encode()) == record


def test_unknown_record_type_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no record type 'car'.*product.*order"):
        record_class("car")


@given(amounts, amounts)
def test_different_amounts_hash_differently(one: Decimal, other: Decimal) -> None:
    hashes = {content_hash(encode(StockLevel(sku="A", on_hand=amount))) for amount in (one, other)}
    assert len(hashes) == (1 if one == other else 2)
