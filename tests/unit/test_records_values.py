"""Compare keys, GTIN, VAT rates by day, instants on the nights when clocks change, and what a product must be."""

# ruff: noqa: DTZ001  # hypothesis wants the bounds of st.datetimes without a zone

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.records import Address, Axis, Customer, InvalidRecord, Order, OrderLine, Price, Product, Variant
from samklang.records.ids import gtin, gtin_key, is_unusual_sku, org_no_key, sku, sku_key
from samklang.records.times import business_date, instant, zone
from samklang.records.vat import RATES, rates

STOCKHOLM = ZoneInfo("Europe/Stockholm")


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
def test_sku_key_is_the_same_for_every_spelling(text: str) -> None:
    key = sku_key(text)
    assert sku_key(f"  {text}\u00a0") == key
    assert sku_key(unicodedata.normalize("NFD", text)) == key
    assert sku_key(text.replace(" ", "   ")) == key


@given(st.text("ABCXYZabcxyz0123456789._/-ÅÄÖåäö ", min_size=1, max_size=20))
def test_sku_key_ignores_case_and_is_its_own_key(text: str) -> None:
    assert sku_key(text.upper()) == sku_key(text.lower()) == sku_key(sku_key(text))


def test_sku_by_example() -> None:
    assert sku_key(" AB-1 ") == "ab-1"
    assert sku_key("0012") != sku_key("12"), "leading zeros are part of the number"
    assert sku_key("Röd  Mugg") == "röd mugg"
    assert sku("AB 1 ") == "AB 1 ", "kept byte for byte"
    assert is_unusual_sku("röd")
    assert not is_unusual_sku("A-1/b.2_c")


@pytest.mark.parametrize("wrong", ["", "   ", None, 12, "x" * 65, "a\nb", "a\x00"])
def test_impossible_skus_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidRecord) as caught:
        sku(wrong, "variants.sku")
    assert caught.value.field == "variants.sku"


def _with_check_digit(body: str) -> str:
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return body + str(-total % 10)


@given(st.sampled_from([7, 11, 12, 13]).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)))
def test_gtin_takes_the_right_check_digit_and_no_other(body: str) -> None:
    right = _with_check_digit(body)
    assert gtin(right) == right
    for other in range(1, 10):
        with pytest.raises(InvalidRecord):
            gtin(body + str((int(right[-1]) + other) % 10))


@pytest.mark.parametrize("wrong", ["", "abc", "7350053850010", "123456789", "73500538500199"])
def test_what_is_no_gtin(wrong: str) -> None:
    with pytest.raises(InvalidRecord, match="not a GTIN"):
        gtin(wrong)


def test_gtin_keys() -> None:
    assert gtin_key("036000291452") == gtin_key("0036000291452") == "00036000291452", "UPC and EAN of one article"
    for restricted in ("2012345000005", "0212345000006", "0412345000004", "29123450"):
        assert gtin_key(restricted) is None
    assert gtin_key(_with_check_digit("0123456")) is None, "8 digits from 0 are a company's own"
    assert gtin_key("73513537") == "00000073513537"


def test_organisation_numbers_of_12_and_10_digits_are_one() -> None:
    assert org_no_key("16556036-0793") == org_no_key("556036-0793") == "5560360793"
    assert org_no_key("NO 914 778 271 MVA", "NO") == "NO914778271MVA"


@pytest.mark.parametrize(
    ("country", "tax_class", "day", "percent"),
    [
        ("SE", "food", "2026-03-31", "12"),
        ("SE", "food", "2026-04-01", "6"),
        ("SE", "food", "2027-12-31", "6"),
        ("SE", "food", "2028-01-01", "12"),
        ("SE", "reduced", "2026-04-01", "12"),
        ("RU", "standard", "2025-12-31", "20"),
        ("RU", "standard", "2026-01-01", "22"),
        ("FI", "standard", "2024-08-31", "24"),
        ("FI", "standard", "2024-09-01", "25.5"),
        ("XX", "zero", "2026-01-01", "0"),
    ],
)
def test_vat_rate_of_a_day(country: str, tax_class: str, day: str, percent: str) -> None:
    assert rates.percent(country, tax_class, date.fromisoformat(day)) == Decimal(percent)


@given(st.sampled_from(RATES), st.dates(date(1990, 1, 1), date(2035, 1, 1)))
def test_a_class_found_by_its_rate_has_that_rate(row: object, day: date) -> None:
    country, tax_class = getattr(row, "country"), getattr(row, "tax_class")  # noqa: B009  # row is opaque to hypothesis
    percent = rates.percent(country, tax_class, day)
    assert rates.percent(country, rates.tax_class(country, percent, day), day) == percent


def test_every_class_has_exactly_one_rate_on_every_day_that_something_changes() -> None:
    days = {row.since for row in RATES} | {row.since - timedelta(days=1) for row in RATES if row.since.year > 1990}
    for day in days:
        for country, tax_class in {(row.country, row.tax_class) for row in RATES}:
            found = [
                row
                for row in RATES
                if (row.country, row.tax_class) == (country, tax_class) and row.since <= day < row.until
            ]
            assert len(found) == 1, (country, tax_class, day)


def test_six_per_cent_in_sweden_is_the_lasting_class() -> None:
    assert rates.tax_class("SE", Decimal(6), date(2026, 5, 1)) == "low"
    assert rates.tax_class("SE", Decimal("0.00"), date(2026, 5, 1)) == "zero"


def test_unknown_rates_are_refused() -> None:
    with pytest.raises(InvalidRecord, match="no VAT rate in SE"):
        rates.percent("SE", "luxury", date(2026, 1, 1))
    with pytest.raises(InvalidRecord, match="is no VAT rate"):
        rates.tax_class("SE", Decimal(24), date(2026, 1, 1))


def test_the_night_that_repeats_an_hour() -> None:
    """2026-10-25 02:00–03:00 happens twice in Stockholm: the first, summer one is meant."""
    assert instant("2026-10-25T02:30:00", "at", local=STOCKHOLM) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert instant("2026-10-25T02:30:00+01:00", "at") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert instant("2026-10-25T03:00:00", "at", local=STOCKHOLM) == datetime(2026, 10, 25, 2, 0, tzinfo=UTC)


def test_the_night_that_skips_an_hour() -> None:
    """2026-03-29 02:00–03:00 does not happen in Stockholm: 02:30 is read as half an hour after the change."""
    read = instant("2026-03-29T02:30:00", "at", local=STOCKHOLM)
    assert read == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert read.astimezone(STOCKHOLM).hour == 3


@given(st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30), timezones=st.just(STOCKHOLM)))
def test_every_instant_survives_local_text_with_offset(at: datetime) -> None:
    assert instant(at.isoformat(), "at") == at.astimezone(UTC)


@given(st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30)))
def test_local_text_always_gives_one_instant_within_the_zone(at: datetime) -> None:
    read = instant(at.isoformat(), "at", local=STOCKHOLM)
    assert abs(read.replace(tzinfo=None) - at) <= timedelta(hours=2)
    assert read.tzinfo is UTC


def test_the_business_day_is_the_shops() -> None:
    late = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    assert business_date(late, "Europe/Stockholm") == date(2026, 7, 1)
    assert business_date(late, "UTC") == date(2026, 6, 30)


@pytest.mark.parametrize(
    "wrong",
    ["", "yesterday", "2026-02-30", "2026-13-01T00:00:00", "0001-01-01", "1970-01-01", "9999-12-31T23:59:59-12:00", 5],
)
def test_impossible_times_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidRecord):
        instant(wrong, "placed_at")


def test_unknown_zone() -> None:
    with pytest.raises(InvalidRecord, match="not a time zone"):
        zone("Europe/Visby")


def test_a_product_has_variants_that_differ() -> None:
    axes = (Axis("size", "Size"),)

    def product(*variants: Variant) -> Product:
        return Product(code="P", name="Shirt", axes=axes, variants=variants)

    small = Variant(sku="P-S", options={"size": "S"})
    assert product(small, Variant(sku="P-M", options={"size": "M"})).key == "p"
    with pytest.raises(InvalidRecord, match="is empty"):
        product()
    with pytest.raises(InvalidRecord, match="on two variants"):
        product(small, Variant(sku="p-s", options={"size": "M"}))
    with pytest.raises(InvalidRecord, match="no axis"):
        product(small, Variant(sku="P-R", options={"colour": "Red"}))
    with pytest.raises(InvalidRecord, match="same choices"):
        product(small, Variant(sku="P-S2", options={"size": "S"}))


def test_customers_are_known_by_their_strongest_name() -> None:
    known = {"name": "Åsa", "email": " Asa@Example.SE ", "billing": Address(postcode="123 45", country="SE")}
    assert Customer(**known, customer_no="7", org_no="556036-0793").key == "no:7"
    assert Customer(**known, org_no="16556036-0793").key == "org:5560360793"
    assert Customer(**known).key == "mail:asa@example.se"
    assert Customer(name=" ÅSA ", billing=Address(postcode="123 45")).key == "name:åsa|12345"


@pytest.mark.parametrize("country", ["se", "SWE", "S1", " "])
def test_country_codes(country: str) -> None:
    with pytest.raises(InvalidRecord, match="country code"):
        Address(country=country)


def test_what_a_record_waits_for() -> None:
    price = Price(sku="A ", currency="SEK", amount=Decimal(1), tax_included=True, price_list=" B2B ")
    assert price.key == "a|B2B|SEK|1"
    assert price.needs() == (("variant", "a"), ("price_list", "B2B"))
    line = OrderLine(
        line_id="1",
        sku="A",
        quantity=Decimal(1),
        unit_price=Decimal(1),
        net=Decimal(1),
        tax=Decimal(0),
        gross=Decimal(1),
        tax_percent=Decimal(0),
    )
    order = Order(
        channel="shop",
        order_no=" 1001 ",
        placed_at=datetime(2026, 1, 1, tzinfo=UTC),
        currency="SEK",
        customer=Customer(name="Åsa", customer_no="7"),
        lines=(line, line),
        net=Decimal(2),
        tax=Decimal(0),
        gross=Decimal(2),
        prices_include_tax=True,
    )
    assert order.key == "shop/1001"
    assert order.needs() == (("customer", "no:7"), ("variant", "a"))
