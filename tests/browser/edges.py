"""Data at the edges: names of 80 characters, amounts of nine digits, an order with 60 lines and 40 steps, a map of 40
systems, and a tenant without anything yet. For pictures (tests/browser/screens.py --edges)."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from samklang.records import Address, Order, Price, Product, StockLevel, Variant

_NAME = "Stiftelsen Västernorrlands Länsmuseums Hemslöjds- och Konsthantverksbutik i Härnösand"
_ARTICLE = "Trädgårdsmöbelgrupp Österlen av FSC-märkt akacia, bord 240 cm med åtta stapelbara karmstolar, grå"
_SKU = "TRADGARD-OSTERLEN-240-8-GRA-FSC-2026-EXTRA"
_ORDER = "SE-2026-0000012345"


def edges(merchant: Any) -> dict[str, str]:
    """Put them in; gives the addresses of what to look at, by name."""
    from samklang.hub.models import Connection

    _article(merchant)
    key = _order(merchant)
    _steps(merchant, key)
    for n in range(37):
        name = f"{'butik' if n % 2 else 'lager'}-{n:02}-{'vasternorrland-harnosand' if n % 5 == 0 else 'se'}"
        connector = "webshop" if n % 2 else ("depot" if n % 4 else "ledger")
        Connection.objects.create(
            tenant=merchant.tenant, name=name, connector=connector, settings={"box": f"{merchant.slug}-{name}"}
        )
    return {
        "edge-start": "", "edge-orders": "orders", "edge-journey": f"orders/{key}?all=1", "edge-products": "products",
        "edge-product": f"products/{_SKU.lower()}", "edge-stock": "stock", "edge-customers": "customers",
        "edge-search": "search?q=stiftelsen", "edge-connections": "connections", "edge-flows": "flows",
        "edge-statistics": "statistics", "edge-problems": "problems",
    }  # fmt: skip


def _article(merchant: Any) -> None:
    merchant.box(merchant.erp).put(Product(code=_SKU, name=_ARTICLE, variants=(Variant(sku=_SKU),)))
    merchant.box(merchant.erp).put(Price(sku=_SKU, currency="SEK", amount=Decimal("1234567.50"), tax_included=True))
    merchant.box(merchant.wms).put(StockLevel(sku=_SKU, on_hand=Decimal(1234567), reserved=Decimal(12345)))
    merchant.box(merchant.wms).put(Product(code=_SKU, name=_ARTICLE, variants=(Variant(sku=_SKU),)))
    merchant.read(merchant.erp, "catalogue")
    merchant.read(merchant.wms, "catalogue")
    merchant.deliver(merchant.shop, "product", "price", "stock")


def _order(merchant: Any) -> str:
    """60 lines, a buyer with a long name, an amount of nine digits."""
    from django.utils import timezone

    at = timezone.now() - timedelta(minutes=2)
    small: Order = merchant.order(1, at.astimezone(UTC), _SKU)
    line = small.lines[0]
    each = Decimal("12345678.75")
    lines = tuple(
        msgspec.structs.replace(
            line, line_id=str(n), name=_ARTICLE, quantity=Decimal(1), unit_price=each, net=each * 4 / 5, tax=each / 5,
            gross=each,
        )
        for n in range(1, 61)
    )  # fmt: skip
    where = Address(
        name=_NAME, lines=("Murbergsstigen 12, Österlånggatan och Västerlånggatan",), postcode="871 45",
        city="Härnösands kommun, Säbrå", country="SE",
    )  # fmt: skip
    buyer = msgspec.structs.replace(
        small.customer, name=_NAME, email="inkop.konsthantverk@stiftelsen-vasternorrlands-lansmuseum.example",
        billing=where,
    )  # fmt: skip
    charge = small.charges[0]
    sums = {
        field: sum((getattr(one, field) for one in (*lines, charge)), Decimal(0)) for field in ("net", "tax", "gross")
    }
    order = msgspec.structs.replace(
        small, order_no=_ORDER, customer=buyer, lines=lines, billing=where, shipping=where,
        note="Leverera till lastkajen på baksidan; ring vaktmästaren en timme före. " * 3, **sums,
    )  # fmt: skip
    merchant.box(merchant.shop).put(order, id_="99001")
    merchant.read(merchant.shop, "orders")
    merchant.deliver(merchant.erp, "customer", "order")
    merchant.deliver(merchant.wms, "order")
    return f"se/{_ORDER}"


def _steps(merchant: Any, key: str) -> None:
    """As many more steps as make 40: the warehouse says something new of it again and again."""
    from samklang.hub.models import Step

    last = Step.objects.filter(tenant=merchant.tenant, order=key).latest("at")
    Step.objects.bulk_create(
        Step(
            tenant=merchant.tenant, connection=merchant.wms, order=key, type="order_status",
            what=("read", "retry", "updated", "stopped")[n % 4], at=last.at + timedelta(seconds=n),
            text="The carrier has refused the booking: the parcel is heavier than 31.5 kg" if n % 4 == 3 else "",
        )
        for n in range(36)
    )  # fmt: skip


def nothing_yet(merchant: Any) -> dict[str, str]:
    """A tenant of the same owner with nothing in it; gives the addresses of its pages, from the site's root."""
    from samklang.hub.models import Tenant
    from tests.visitor import visitor

    tenant = Tenant.objects.create(slug="ny", name="Ny Handel i Härnösand och Sundsvall Aktiebolag")
    visitor(tenant, email=f"owner@{merchant.slug}.example")
    return {
        f"empty-{path.replace('/', '-') or 'start'}": f"t/ny/{path}"
        for path in (
            "", "orders", "products", "stock", "customers", "problems", "books", "connections", "flows", "rules",
            "maps", "channels", "plan", "brakes", "history", "transfers", "calls", "statistics", "people", "tokens",
            "webhooks", "audit", "search?q=anna",
        )
    }  # fmt: skip
