"""Records to write when trying a connector: Swedish, ordinary, different for each number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from samklang.records import (
    Address,
    Axis,
    Capture,
    Charge,
    Customer,
    Inbound,
    InboundLine,
    MoneyLine,
    Order,
    OrderLine,
    OrderStatus,
    Price,
    PriceList,
    Product,
    Refund,
    Release,
    StockLevel,
    TaxTotal,
    Variant,
    Void,
    Voucher,
    VoucherLine,
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


def coffee(n: int) -> Product:
    """A simple article of reduced VAT, such as the second line of `order` has."""
    code = f"{sku(n)}-K"
    return Product(code=code, name=f"Provkaffe nr {n}", variants=(Variant(sku=code),), tax_class="reduced")


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


def to_warehouse(order: Order, carrier: str, service: str) -> Order:
    """The order as a warehouse gets it: with the codes of a carrier that it may book."""
    return msgspec.structs.replace(order, carrier_code=carrier, service_code=service)


def release(order: Order) -> Release:
    """The order may be picked."""
    return Release(order=order.key, at=order.placed_at + timedelta(hours=2), by="Åsa")


def cancelled(order: Order) -> OrderStatus:
    """The shop has cancelled the order."""
    return OrderStatus(order=order.key, raw="cancelled", lifecycle="cancelled")


def inbound(n: int) -> Inbound:
    """A purchase order of the article."""
    line = InboundLine(sku=sku(n), expected=Decimal(n % 50 + 1), line_id="1")
    return Inbound(number=f"PO-{n}", lines=(line,), supplier="Provleverantören AB")


#: What is authorised for the payments of `capture`, `refund` and `void`.
AUTHORISED = Decimal("1000.00")


def _sold(n: int) -> tuple[MoneyLine, ...]:
    """Three pieces whose price is no whole number of öre, half a kilo, freight, a gift card and rounding: 451.00."""
    return (
        MoneyLine(
            line_id="1", sku=sku(n), name="Provkopp åäö", quantity=Decimal(3), gross=Decimal("400.00"),
            tax=Decimal("80.00"), tax_percent=Decimal(25),
        ),
        MoneyLine(
            line_id="2", sku=f"{sku(n)}-K", name="Provkaffe", quantity=Decimal("0.5"), gross=Decimal("101.99"),
            tax=Decimal("10.93"), tax_percent=Decimal(12),
        ),
        MoneyLine(
            line_id="charge-0", name="PostNord MyPack", quantity=Decimal(1), gross=Decimal("49.00"),
            tax=Decimal("9.80"), tax_percent=Decimal(25), kind="shipping",
        ),
        MoneyLine(line_id="gift_card", quantity=Decimal(1), gross=Decimal("-100.00"), kind="gift_card"),
        MoneyLine(line_id="charge-1", quantity=Decimal(1), gross=Decimal("0.01"), kind="rounding"),
    )  # fmt: skip


def capture(n: int, payment_id: str) -> Capture:
    """The first shipment of an order that a gift card pays in part."""
    return Capture(
        order=f"{CHANNEL}/{100_000 + n}", number="1", amount=Decimal("451.00"), currency="SEK", payment_id=payment_id,
        lines=_sold(n), carrier_code="postnord", tracking_no=f"SE{n}PN", tracking_url=f"https://sparning.example/{n}",
    )  # fmt: skip


def refund(n: int, payment_id: str) -> Refund:
    """One of the three pieces of `capture` back."""
    line = MoneyLine(
        line_id="1", sku=sku(n), name="Provkopp åäö", quantity=Decimal(1), gross=Decimal("133.33"),
        tax=Decimal("26.67"), tax_percent=Decimal(25),
    )  # fmt: skip
    taken = capture(n, payment_id)
    return Refund(
        order=taken.order, number="R1", amount=line.gross, currency="SEK", payment_id=payment_id, lines=(line,),
        reason="Ångrat köp", capture=taken.key,
    )  # fmt: skip


def void(n: int, payment_id: str, *, whole: bool) -> Void:
    """All of the payment is let go, or (after `capture`) the rest."""
    taken = Decimal(0) if whole else capture(n, payment_id).amount
    return Void(
        order=f"{CHANNEL}/{100_000 + n}", amount=AUTHORISED - taken, currency="SEK", payment_id=payment_id, whole=whole
    )


def voucher(n: int) -> Voucher:
    """A card sale of 125.00 with 25 % VAT, booked on the provider's balance."""
    lines = (
        VoucherLine(account="1580", amount=Decimal("125.00"), role="clearing", text=f"Kortköp {n}"),
        VoucherLine(account="3001", amount=Decimal("-100.00"), role="sales"),
        VoucherLine(account="2611", amount=Decimal("-25.00"), role="output_vat"),
    )
    return Voucher(
        company="prov", series="K", date=datetime.now(UTC).date() - timedelta(days=1), text=f"Dagskassa {n} åäö",
        source="sales", key=f"sales:prov:{n}", currency="SEK", lines=lines,
    )  # fmt: skip
