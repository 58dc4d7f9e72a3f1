"""The closing table: what the shop and the ERP hold, side by side, counted to the öre."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

_ORE = Decimal("0.01")


class Line(NamedTuple):
    """One thing compared: what each side says, and the first differences."""

    what: str
    shop: str
    erp: str
    differences: list[str]


def compare(shop: Any, erp: Any, channel: str) -> list[Line]:
    """Lines of the table, from the two systems' own snapshots; the hub is not asked."""
    articles, products = erp["articles"], shop["products"]
    names = {number: row["Description"] for number, row in articles.items()}
    return [
        _line(
            "articles", {sku: row["name"] for sku, row in products.items()}, names, str(len(products)), str(len(names))
        ),
        _prices(products, articles, erp["prices"]),
        _stock(products, articles),
        *_orders(shop["orders"], erp["orders"], channel),
    ]


def _line(what: str, ours: dict[str, Any], theirs: dict[str, Any], shop: str, erp: str) -> Line:
    wrong = [
        f"{key}: {ours.get(key, 'missing')} ≠ {theirs.get(key, 'missing')}"
        for key in sorted({*ours, *theirs})
        if ours.get(key) != theirs.get(key)
    ]
    return Line(what, shop, erp, wrong)


def _prices(products: Any, articles: Any, prices: Any) -> Line:
    """The shop's prices include VAT, the ledger's do not; both as a buyer sees them, in whole öre."""
    ours = {sku: Decimal(row["price"] or 0).quantize(_ORE, ROUND_HALF_UP) for sku, row in products.items()}
    theirs = {
        number: (_decimal(prices[f"A/{number}/0"]) * (100 + _decimal(row["VAT"])) / 100).quantize(_ORE, ROUND_HALF_UP)
        for number, row in articles.items()
    }
    return _line("prices incl. VAT", ours, theirs, _money(ours.values()), _money(theirs.values()))


def _stock(products: Any, articles: Any) -> Line:
    ours = {sku: int(row["stock"] or 0) for sku, row in products.items()}
    theirs = {number: max(0, int(_decimal(row["DisposableQuantity"]))) for number, row in articles.items()}
    return _line("pieces in stock", ours, theirs, f"{sum(ours.values())}", f"{sum(theirs.values())}")


def _orders(sold: Any, taken: Any, channel: str) -> list[Line]:
    found: dict[str, list[Any]] = {}
    for row in taken.values():
        found.setdefault(row["ExternalInvoiceReference1"].removeprefix(f"{channel}/"), []).append(row)
    once = {number: len(rows) for number, rows in found.items()}
    ours = {number: Decimal(row["total"]) for number, row in sold.items()}
    theirs = {number: _decimal(rows[0]["Total"]).quantize(_ORE) for number, rows in found.items()}
    states = {number: row["status"] for number, row in sold.items()}
    ledger = {number: _status(rows[0]) for number, rows in found.items()}
    shown = [
        ", ".join(f"{list(of.values()).count(word)} {word}" for word in dict.fromkeys(sorted(of.values())))
        for of in (states, ledger)
    ]
    return [
        _line("orders, each once", dict.fromkeys(sold, 1), once, str(len(sold)), str(sum(once.values()))),
        _line("order totals", ours, theirs, _money(ours.values()), _money(theirs.values())),
        _line("order status", states, ledger, shown[0], shown[1]),
    ]


def _status(row: Any) -> str:
    """The ledger's state in the shop's words."""
    if row["Cancelled"]:
        return "cancelled"
    return "completed" if str(row["InvoiceReference"] or "0") != "0" else "processing"


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _money(values: Any) -> str:
    return f"{sum(values, Decimal(0)):,.2f}".replace(",", " ")
