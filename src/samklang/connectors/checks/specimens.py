"""Records to write when trying a connector: Swedish, ordinary, different for each number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from samklang.records import (
    Address,
    Axis,
    Charge,
    Customer,
    Order,
    OrderLine,
    Price,
    PriceList,
    Product,
    StockLevel,
    TaxTotal,
    Variant,
)

CHANNEL = "provbutik"
_AMOUNTS = ("199.90", "0.01", "12345.67", "89.00", "1000.10")


def sku(n: int) -> str:
    """The article number of specimen n: with a leading zero and both cases, which must come back byte for byte."""
    return f"0Prov-{n}"


def product(n: int) -> Product:
    """A simple article."""
    code = sku(n)
    return Product(code=code, name=f"Provkopp åäö nr {n}", variants=(Variant(sku=code),))


def sweater(n: int) -> Product:
    """An article with two axes and three variants."""
    code = f"0Troja-{n}"
    choices = (("Röd", "S"), ("Röd", "M"), ("Blå", "M"))
    variants = tuple(
        Variant(sku=f"{code}-{i}", options={"color": color, "size": size}) for i, (color, size) in enumerate(choices)
    )
    return Product(
        code=code, name=f"Provtröja {n}", variants=variants, axes=(Axis("color", "Färg"), Axis("size", "Storlek"))
    )


def price(n: int, tax_included: bool = True) -> Price:
    """Its price in SEK."""
    amount = Decimal(_AMOUNTS[n % len(_AMOUNTS)])
    return Price(sku=sku(n), currency="SEK", amount=amount, tax_included=tax_included, tax_percent=Decimal(25))


def price_list(n: int) -> PriceList:
    """A price list with a short code."""
    return PriceList(name=f"Provlista {n}", currency="SEK", code=f"P{n}")


def stock(n: int) -> StockLevel:
    """Its stock."""
    return StockLevel(sku=sku(n), on_hand=Decimal(n % 50 + 1))


def customer(n: int) -> Customer:
    """A person in Sweden."""
    address = Address(
        name=f"Åsa Prov-{n}", lines=(f"Provgatan {n}",), postcode="411 05", city="Göteborg", country="SE",
        email=f"asa.prov{n}@example.se", phone="+46701234567",
    )  # fmt: skip
    return Customer(name=address.name, email=address.email, phone=address.phone, billing=address, shipping=address)


def order(n: int, first: str = "", second: str = "") -> Order:
    """Two articles with 25 and 12 % VAT and freight, paid; `first` and `second` are article numbers."""
    buyer = customer(n)
    yesterday = datetime.now(UTC).replace(hour=8, minute=15, second=30, microsecond=0) - timedelta(days=1)
    lines = (
        OrderLine(
            line_id="1", sku=first or sku(n), name="Provkopp", quantity=Decimal(2), unit_price=Decimal("199.90"),
            net=Decimal("319.84"), tax=Decimal("79.96"), gross=Decimal("399.80"), tax_percent=Decimal(25),
        ),
        OrderLine(
            line_id="2", sku=second or first or sku(n), name="Provkaffe", quantity=Decimal(1),
            unit_price=Decimal("89.00"), net=Decimal("79.46"), tax=Decimal("9.54"), gross=Decimal("89.00"),
            tax_percent=Decimal(12),
        ),
    )  # fmt: skip
    freight = Charge(
        kind="shipping", name="PostNord MyPack", net=Decimal("39.20"), tax=Decimal("9.80"), gross=Decimal("49.00"),
        tax_percent=Decimal(25),
    )  # fmt: skip
    return Order(
        channel=CHANNEL, order_no=str(100_000 + n), placed_at=yesterday + timedelta(minutes=n % 600), currency="SEK",
        customer=buyer, lines=lines, charges=(freight,), net=Decimal("438.50"), tax=Decimal("99.30"),
        gross=Decimal("537.80"), prices_include_tax=True, billing=buyer.billing, shipping=buyer.billing,
        taxes=(
            TaxTotal(Decimal(25), Decimal("359.04"), Decimal("89.76")),
            TaxTotal(Decimal(12), Decimal("79.46"), Decimal("9.54")),
        ),
        paid=Decimal("537.80"), lifecycle="confirmed", payment="captured", payment_method="swish",
        shipping_method="PostNord MyPack", time_zone="Europe/Stockholm",
    )  # fmt: skip
