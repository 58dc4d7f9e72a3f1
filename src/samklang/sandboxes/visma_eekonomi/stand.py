"""A company to try the eEkonomi connector on."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Happening, MemoryTokens, Specimen
from samklang.connectors.contract import Tokens, TokenStore
from samklang.records import Customer, Order, Price, Product, Record, StockLevel, Voucher
from samklang.records.ids import sku_key
from samklang.sandboxes.stands import Clock, FaultyStand, Judge, price_key
from samklang.sandboxes.visma_eekonomi import VismaSandbox


class VismaStand(FaultyStand):
    """A company with more than two pages of articles and customers, and 12 orders that bear a reference."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.company = VismaSandbox(230, customers=230, now=self.clock.instant)
        ledger = self.company.ledger
        customers, articles = itertools.cycle(list(ledger.customers)), itertools.cycle(list(ledger.articles))
        for n, customer, article in zip(range(105), customers, articles, strict=False):
            row = {
                "LineNumber": 1, "ArticleId": article, "IsTextRow": False, "Quantity": Decimal(1), "IsWorkCost": False,
                "UnitPrice": Decimal(100), "EligibleForReverseChargeOnVat": False,
            }  # fmt: skip
            ledger.put_order(
                {
                    "CustomerId": customer, "CurrencyCode": "SEK", "EuThirdParty": False, "OrderDate": "2026-11-02",
                    "Status": 2, "RotReducedInvoicingType": 0, "ReverseChargeOnConstructionServices": False,
                    "BuyersOrderReference": f"{specimens.CHANNEL}/{n}", "Rows": [row],
                }
            )  # fmt: skip
        by_percent = {row["VatRatePercent"]: id_ for id_, row in ledger.codings.items()}
        for number, percent in (("FRAKT", 25), ("AVRUNDNING", 0)):
            free: dict[str, Any] = {"IsActive": True, "Number": number, "Name": number.title(), "NetPrice": Decimal(0)}
            free |= {"CodingId": by_percent[Decimal(percent)], "UnitId": next(iter(ledger.units))}
            ledger.put_article(free | {"GrossPrice": Decimal(0)})
        super().__init__(self.company.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {
            "client_id": self.company.client_id, "client_secret": self.company.client_secret, "price_lists": True,
            "freight_article": "FRAKT", "fee_article": "FRAKT", "rounding_article": "AVRUNDNING",
            "api_address": self.base, "login_address": self.base,
        }  # fmt: skip

    def tokens(self, *, right: bool) -> TokenStore:
        dead = {"access_token": "dead", "refresh_token": "dead", "expires_in": 3600}
        given = self.company.tokens() if right else dead
        return MemoryTokens(
            Tokens(
                access=str(given["access_token"]),
                refresh=str(given["refresh_token"]),
                expires_at=time.time() + float(str(given["expires_in"])),
            )
        )

    def held(self, type_: str) -> set[str] | None:
        rows = self.company.ledger.articles.values()
        if type_ == "product":
            return {sku_key(row["Number"]) for row in rows}
        if type_ == "stock":
            return {f"{sku_key(row['Number'])}|" for row in rows}
        return None

    def count(self, record: Record) -> int:
        ledger = self.company.ledger
        rows = ledger.articles.values()
        if isinstance(record, Product):
            numbers = [row["Number"] for row in rows]
            times = [numbers.count(variant.sku) for variant in record.variants]
            return max(times) if all(times) else 0
        if isinstance(record, Price):
            return sum(row["Number"] == record.sku and row.get("NetPrice") == record.amount for row in rows)
        if isinstance(record, StockLevel):
            return sum(row["Number"] == record.sku and row["StockBalance"] == record.on_hand for row in rows)
        if isinstance(record, Customer):
            return sum(row.get("EmailAddress") == record.email for row in ledger.customers.values())
        if isinstance(record, Voucher):
            return sum(f"[{record.key}]" in row["VoucherText"] for row in ledger.vouchers.values())
        assert isinstance(record, Order)
        papers = [*ledger.orders.values(), *ledger.drafts.values(), *ledger.invoices.values()]
        mine = [row for row in papers if row.get("BuyersOrderReference") == record.key]
        # An invoice that was to be booked counts when it is; its draft is not there any more then.
        return len(mine) if len(mine) > 1 else sum("InvoiceNumber" in row or "Status" in row for row in mine)

    def figures(self) -> Mapping[tuple[str, str], str]:
        ledger = self.company.ledger
        names = {row["Id"]: row["Number"] for row in ledger.articles.values()}
        prices = {
            ("price", price_key(row["Number"])): str(row.get("NetPrice") or 0) for row in ledger.articles.values()
        }
        prices |= {
            ("price", f"{sku_key(names[row['ArticleId']])}|Återförsäljare|SEK|1"): str(row["NetPrice"])
            for row in ledger.price_rows
        }
        orders = {("order", row["BuyersOrderReference"]): row["TotalAmount"] for row in ledger.invoices.values()}
        for row in ledger.orders.values():
            orders["order", row["BuyersOrderReference"]] = row["Amount"] + (
                0 if row["IncludesVat"] else row["VatAmount"]
            )
        return prices | {name: str(amount) for name, amount in orders.items()}

    def specimen(self, type_: str, n: int) -> Specimen | None:
        article, coffee = specimens.product(n), specimens.coffee(n)
        found: dict[str, Specimen] = {
            "product": Specimen(record=specimens.sweater(n) if n % 2 else article),
            "price": Specimen(record=specimens.price(n, tax_included=False), before=(article,)),
            "stock": Specimen(record=specimens.stock(n), before=(article,)),
            "customer": Specimen(record=specimens.customer(n)),
            "order": Specimen(
                record=specimens.order(n, specimens.sku(n), coffee.code),
                before=(article, coffee, specimens.customer(n)),
                options={"document": "invoice", "book": True} if n % 2 else {},
            ),
            "voucher": Specimen(record=specimens.voucher(n)),
        }
        return found.get(type_)

    def happens(self, at: datetime) -> Happening:
        id_, row = next(iter(self.company.ledger.articles.items()))
        self.clock.at = at
        try:
            self.company.name(id_, f"Bytt namn {at:%H:%M}")
        finally:
            self.clock.at = None
        return Happening("articles", "product", sku_key(row["Number"]))


STAND = VismaStand
