"""Orders of both shops: buyers, the ledger and the warehouse that took them, parcels, captures, and every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection as database

from benchmarks.filled.house import House, Told, moment, pages, put
from benchmarks.numbered import (
    article_name,
    article_no,
    channel,
    email,
    invoice_no,
    name,
    order_key,
    order_no,
    tracking_no,
)
from samklang.hub.models import Connection
from samklang.hub.orders import channel_of
from samklang.records import (
    Address,
    Capture,
    Charge,
    Customer,
    Document,
    Order,
    OrderLine,
    OrderStatus,
    Parcel,
    Shipment,
)

_CITIES = (("Visby", "621 57"), ("Umeå", "903 25"), ("Malmö", "211 34"), ("Kiruna", "981 31"), ("Lund", "222 22"))
_CANCELLED = 47  # every so many-th
#: Days after which an order stands so in the warehouse.
_PICKED, _SENT, _THERE = 0.5, 1.0, 3.0
#: The hop that is a step: seconds after the order was placed, where, type, what.
_TAKEN = ((20, "shop", "order", "read"), (40, "erp", "order", "created"), (45, "wms", "order", "created"))
_MOVED = ((3600, "wms", "order_status", "read"), (3610, "shop", "order_status", "updated"))
_LEFT = (
    (80_000, "wms", "order_status", "read"), (80_000, "wms", "shipment", "read"),
    (80_010, "shop", "order_status", "updated"), (80_020, "pay", "capture", "created"),
)  # fmt: skip


def fill(house: House) -> None:
    """All of them, the oldest first."""
    known: set[int] = set()
    for page in pages(range(house.size.orders)):
        sold = {n: order(house, n) for n in page}
        for code, shop in house.shops.items():
            _sold(house, shop, {n: one for n, one in sold.items() if one.channel == code}, known)
        _moved(house, {n: one for n, one in sold.items() if house.age(n) > _PICKED and n % _CANCELLED})
        put("hub_step", "tenant_id, order, at, connection_id, type, what, text", _steps(house, page))
        put(
            "exchange", "tenant_id, connection_id, at, method, url, status, seconds, sent, got, error, about",
            _calls(house, page),
        )  # fmt: skip
    _aged()


def order(house: House, n: int) -> Order:
    """The n-th order as the shop tells it."""
    lines = tuple(
        OrderLine(
            line_id=str(place), sku=article_no(article), name=article_name(article), quantity=Decimal(1 + article % 2),
            unit_price=Decimal(149), net=Decimal("119.2") * (1 + article % 2), tax=Decimal("29.8") * (1 + article % 2),
            gross=Decimal(149) * (1 + article % 2), tax_percent=Decimal(25),
        )
        for place, article in enumerate(house.size.sold_in(n), 1)
    )  # fmt: skip
    freight = Charge(
        kind="shipping", name="Hem", net=Decimal("39.2"), tax=Decimal("9.8"), gross=Decimal(49), tax_percent=Decimal(25)
    )
    parts: tuple[OrderLine | Charge, ...] = (*lines, freight)
    person = buyer(house, n)
    sent = house.age(n) > _SENT
    return Order(
        channel=channel(n), order_no=order_no(n), placed_at=datetime.fromtimestamp(house.at(n), UTC),
        currency="SEK" if channel(n) == "se" else "EUR", customer=person, lines=lines, charges=(freight,),
        net=sum((part.net for part in parts), Decimal()), tax=sum((part.tax for part in parts), Decimal()),
        gross=sum((part.gross for part in parts), Decimal()), prices_include_tax=True, billing=person.billing,
        shipping=person.billing, status="processing", transaction_id=f"kl-{n}",
        lifecycle="confirmed" if n % _CANCELLED else "cancelled", payment="captured" if sent else "authorised",
        payment_method="klarna", shipping_method="Hem",
    )  # fmt: skip


def buyer(house: House, n: int) -> Customer:
    """Who placed the n-th order."""
    number = house.size.buyer(n)
    city, postcode = _CITIES[number % 5]
    place = Address(
        name=name(number), lines=(f"Storgatan {number % 90 + 1}",), postcode=postcode, city=city, country="SE"
    )
    return Customer(name=name(number), email=email(number), phone=f"070-{number:07}", billing=place)


def _sold(house: House, shop: Connection, page: Mapping[int, Order], known: set[int]) -> None:
    fresh = {number: one.customer for n, one in page.items() if (number := house.size.buyer(n)) not in known}
    known.update(fresh)
    people = [Told(one, str(number + 100)) for number, one in fresh.items()]
    house.tells(shop, "customer", people)
    house.holds(house.erp, "customer", people, lambda one: f"{int(one.external_id) + 10_000}")
    sold = [Told(one, str(n + 10_000)) for n, one in page.items()]
    house.tells(shop, "order", sold)
    house.holds(house.erp, "order", sold, lambda one: str(int(one.external_id) + 100_000))
    house.holds(house.wms, "order", sold, lambda one: str(int(one.external_id) + 700_000))


def _moved(house: House, page: Mapping[int, Order]) -> None:
    """What the warehouse told of orders, what the shops heard of it, and what was captured."""
    statuses = [Told(_status(house, n), "") for n in page]
    house.tells(house.wms, "order_status", statuses)
    sent = {n: one for n, one in page.items() if house.age(n) > _SENT}
    parcels = [Told(_shipment(house, n), str(n + 400_000)) for n in sent]
    house.tells(house.wms, "shipment", parcels)
    captures = [Told(_capture(n, one), "") for n, one in sent.items()]
    house.tells(house.wms, "capture", captures, listed=False)
    house.holds(house.pay, "capture", captures, lambda one: f"cap-{one.record.key}")
    for code, shop in house.shops.items():
        for type_, told in (("order_status", statuses), ("shipment", parcels)):
            house.holds(shop, type_, [one for one in told if channel_of(one.record.key) == code], lambda _: "")


def _status(house: House, n: int) -> OrderStatus:
    age = house.age(n)
    papers = (Document(kind="invoice", number=invoice_no(n), state="booked"),)
    if age > _THERE:
        return OrderStatus(order=order_key(n), raw="450", lifecycle="closed", fulfilment="delivered", documents=papers)
    if age > _SENT:
        return OrderStatus(order=order_key(n), raw="400", fulfilment="shipped", documents=papers)
    return OrderStatus(order=order_key(n), raw="320", fulfilment="picking")


def _shipment(house: House, n: int) -> Shipment:
    at = datetime.fromtimestamp(house.at(n) + 80_000, UTC)
    return Shipment(
        order=order_key(n), number=f"S{n}", state="handed_over", shipped_at=at, carrier_code="postnord",
        parcels=(Parcel(tracking_no=tracking_no(n)),),
    )  # fmt: skip


def _capture(n: int, sold: Order) -> Capture:
    return Capture(
        order=sold.key, number=f"S{n}", amount=sold.gross, currency=sold.currency, payment_id=sold.transaction_id
    )


def _way(house: House, n: int) -> Iterator[tuple[float, Connection, str, str]]:
    places = {"shop": house.shops[channel(n)], "erp": house.erp, "wms": house.wms, "pay": house.pay}
    hops: tuple[tuple[int, str, str, str], ...] = _TAKEN
    if n % _CANCELLED:
        hops += _MOVED if house.age(n) > _PICKED else ()
        hops += _LEFT if house.age(n) > _SENT else ()
    for later, place, type_, what in hops:
        yield house.at(n) + later, places[place], type_, what


def _steps(house: House, page: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    for n in page:
        for at, place, type_, what in _way(house, n):
            yield house.tenant.pk, order_key(n), moment(at), place.pk, type_, what, ""


#: Where a call of a step goes.
_ADDRESSES = {
    ("order", "ledger"): ("POST", "https://api.fortnox.se/3/orders"),
    ("order", "warehouse"): ("PUT", "https://api.ongoingsystems.se/bench/api/v1/orders"),
    ("order_status", "shop-se"): ("PUT", "https://se.bench.example/wp-json/wc/v3/orders/{n}"),
    ("order_status", "shop-fi"): ("PUT", "https://fi.bench.example/wp-json/wc/v3/orders/{n}"),
    ("capture", "payments"): ("POST", "https://api.klarna.com/ordermanagement/v1/orders/kl-{n}/captures"),
}
_SENT_BODY = b'{"Order": {"ExternalInvoiceReference1": "shop", "Rows": [' + b"1, " * 200 + b"1]}}"
_GOT_BODY = b'{"Order": {"DocumentNumber": "1", "Rows": [' + b"1, " * 200 + b"1]}}"


def _calls(house: House, page: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """The call behind each writing step; some fail at first."""
    for n in page:
        for at, place, type_, what in _way(house, n):
            address = _ADDRESSES.get((type_, place.name))
            if address is None or what == "read":
                continue
            method, url = address
            tries = [(503, "")] if n % 200 == 3 else [(0, "Connection reset")] if n % 500 == 4 else []
            for wait, (status, error) in enumerate([*tries, (200, "")]):
                yield (
                    house.tenant.pk, place.pk, moment(at + 60 * (wait - len(tries))), method, url.format(n=n), status,
                    0.2 + n % 7 / 10, _SENT_BODY, b"" if error else _GOT_BODY, error, order_key(n),
                )  # fmt: skip


def _aged() -> None:
    """Orders and what hangs on them were stored when they came, not now."""
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE record SET changed_at=(SELECT h.placed_at FROM order_head h WHERE h.tenant_id=record.tenant_id"
            " AND h.key=record.key) WHERE type IN ('order', 'order_status')"
        )
