"""A company to try the Fortnox connector on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Happening, MemoryTokens, Specimen
from samklang.connectors.contract import Tokens, TokenStore
from samklang.records import Customer, Order, Price, Product, Record, StockLevel, Voucher
from samklang.records.ids import sku_key
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.stands import Clock, FaultyStand, Judge, price_key


class FortnoxStand(FaultyStand):
    """A company in Fortnox with more than 500 articles and customers, and 12 orders that bear a reference."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.company = FortnoxSandbox(510, customers=510, rate=0, now=self.clock.instant)
        ledger = self.company.ledger
        articles = list(ledger.articles)
        for n, customer in zip(range(12), ledger.customers, strict=False):
            rows = [{"ArticleNumber": articles[n], "OrderedQuantity": "1"}]
            reference = f"{specimens.CHANNEL}/{n}"
            ledger.put_order({"CustomerNumber": customer, "ExternalInvoiceReference1": reference, "OrderRows": rows})
        super().__init__(self.company.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {
            "client_id": self.company.client_id, "client_secret": self.company.client_secret,
            "api_address": self.base, "login_address": self.base,
        }  # fmt: skip

    def tokens(self, *, right: bool) -> TokenStore:
        given = (
            self.company.tokens() if right else {"access_token": "dead", "refresh_token": "dead", "expires_in": 3600}
        )
        return MemoryTokens(
            Tokens(
                access=str(given["access_token"]),
                refresh=str(given["refresh_token"]),
                expires_at=time.time() + float(str(given["expires_in"])),
            )
        )

    def held(self, type_: str) -> set[str] | None:
        ledger = self.company.ledger
        if type_ == "product":
            return {sku_key(number) for number in ledger.articles}
        if type_ == "stock":
            return {f"{sku_key(number)}|" for number in ledger.articles}
        if type_ == "price":
            return {price_key(number) for number in ledger.articles}
        return None

    def count(self, record: Record) -> int:
        held = self.company.snapshot()
        if isinstance(record, Product):
            return int(all(variant.sku in held["articles"] for variant in record.variants))
        if isinstance(record, Price):
            step = "0" if record.min_qty <= 1 else str(record.min_qty)
            return int(held["prices"].get(f"A/{record.sku}/{step}") == record.amount)
        if isinstance(record, StockLevel):
            return int(held["articles"].get(record.sku, {}).get("QuantityInStock") == record.on_hand)
        if isinstance(record, Customer):
            return sum(row.get("Email") == record.email for row in held["customers"].values())
        if isinstance(record, Order):
            papers = [*held["orders"].values(), *held["invoices"].values()]
            return sum(
                row.get("ExternalInvoiceReference1") == record.key and not row.get("Cancelled") for row in papers
            )
        if isinstance(record, Voucher):
            return sum(row.get("Comments") == record.key for row in held["vouchers"].values())
        return sum(name == record.key for name in held["price_lists"].values())

    def figures(self) -> Mapping[tuple[str, str], str]:
        held = self.company.snapshot()
        prices = {
            ("price", price_key(name[2:-2])): str(amount)
            for name, amount in held["prices"].items()
            if name.startswith("A/") and name.endswith("/0")
        }
        papers = [*held["orders"].values(), *held["invoices"].values()]
        orders = {("order", row.get("ExternalInvoiceReference1", "")): str(row["Total"]) for row in papers}
        return prices | orders

    def specimen(self, type_: str, n: int) -> Specimen | None:
        article = specimens.product(n)
        found: dict[str, Specimen] = {
            "product": Specimen(record=article),
            "price": Specimen(record=specimens.price(n, tax_included=False), before=(article,)),
            "stock": Specimen(record=specimens.stock(n), before=(article,)),
            "customer": Specimen(record=specimens.customer(n)),
            "price_list": Specimen(record=specimens.price_list(n)),
            "voucher": Specimen(record=specimens.voucher(n)),
            "order": Specimen(
                record=specimens.order(n),
                before=(article, specimens.customer(n)),
                options={"document": "invoice", "book": True} if n % 2 else {},
            ),
        }
        return found.get(type_)

    def happens(self, at: datetime) -> Happening:
        number = next(iter(self.company.ledger.articles))
        self.clock.at = at
        try:
            self.company.name(number, f"Bytt namn {at:%H:%M}")
        finally:
            self.clock.at = None
        return Happening("articles", "product", sku_key(number))


STAND = FortnoxStand
