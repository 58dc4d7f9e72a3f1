"""Visma eEkonomi, now Spiris Bokföring & Fakturering: articles, stock, prices, customers and status out; the same,
orders, invoices and vouchers in. See README.md and manifest.toml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from samklang.connectors.contract import Account, Choice, Ledger, Surroundings
from samklang.connectors.errors import Misconfigured
from samklang.connectors.kit.consent import ConsentedSystem
from samklang.connectors.registry import load_manifest
from samklang.connectors.visma_eekonomi.books import Books
from samklang.connectors.visma_eekonomi.client import Client
from samklang.connectors.visma_eekonomi.read import Reader
from samklang.connectors.visma_eekonomi.write import Writer

_VARIANTS = {1: "Standard", 2: "Fakturering", 3: "Bokföring", 4: "Solo", 5: "Pro"}


class VismaEEkonomi(ConsentedSystem):
    """One company in eEkonomi."""

    manifest = load_manifest(__package__ or __name__)
    client: Client

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport
        reader = Reader(self.client, settings, around.now)
        writer, self.books = Writer(self.client, reader, settings), Books(self.client)
        self.feeds = {
            "articles": reader.articles, "stock": reader.stock, "prices": reader.prices,
            "customers": reader.customers, "order_status": reader.order_status,
        }  # fmt: skip
        self.writes = {
            "product": writer.products, "price": writer.prices, "stock": self.each(writer.stock),
            "customer": writer.customers, "order": writer.orders, "voucher": self.books.vouchers,
        }  # fmt: skip
        self.looks = {
            "product": writer.find_product, "customer": writer.find_customer, "order": writer.find_order,
            "voucher": self.books.find_voucher,
        }  # fmt: skip
        self.lists = {"account": self._accounts}

    def check(self) -> Account:
        company = self.client.company()
        if company is None:
            raise Misconfigured("There is no eEkonomi at this address")
        warnings = []
        if company.domestic_currency_rounding:
            warnings.append("Invoices are rounded to whole kronor (öresavrundning): orders with öre will be refused.")
        if not self.settings.get("freight_article"):
            warnings.append("No article is chosen for freight: orders with freight will be refused.")
        version = _VARIANTS.get(company.product_variant or 0, "")
        return Account(title=company.name, version=version, warnings=tuple(warnings))

    def _accounts(self) -> list[Choice]:
        return [Choice(row.number, row.name) for row in self.ledger().accounts if row.active]

    def ledger(self) -> Ledger:
        return self.books.ledger()

    def upload(self, name: str, data: bytes) -> str:
        return self.books.upload(name, data)

    def attach(self, file: str, voucher: str, on: date) -> None:
        self.books.attach(file, voucher, on)
