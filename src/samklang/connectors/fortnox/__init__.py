"""Fortnox, the Swedish ERP: articles, stock, prices, customers and order status out; the same and orders in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from samklang.connectors.contract import Account, Choice, Ledger, Surroundings
from samklang.connectors.errors import Misconfigured
from samklang.connectors.fortnox import map as shapes
from samklang.connectors.fortnox.books import Books
from samklang.connectors.fortnox.client import Client
from samklang.connectors.fortnox.read import Reader
from samklang.connectors.fortnox.write import Writer
from samklang.connectors.kit.consent import ConsentedSystem
from samklang.connectors.registry import load_manifest


class Fortnox(ConsentedSystem):
    """One company in Fortnox."""

    manifest = load_manifest(__package__ or __name__)
    client: Client

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport
        self.reader = reader = Reader(self.client, settings, around.now)
        writer = Writer(self.client, reader, settings)
        self.books = books = Books(self.client)
        self.feeds = {
            "articles": reader.articles, "stock": reader.stock, "prices": reader.prices,
            "customers": reader.customers, "order_status": reader.order_status,
        }  # fmt: skip
        self.writes = {
            "product": self.each(writer.product), "price_list": self.each(writer.price_list), "price": writer.prices,
            "stock": writer.stock, "customer": self.each(writer.customer), "order": self.each(writer.order),
            "voucher": self.each(books.voucher),
        }  # fmt: skip
        self.looks = {
            "product": writer.find_product, "customer": writer.find_customer, "order": writer.find_order,
            "price_list": writer.find_price_list, "voucher": books.find_voucher,
        }  # fmt: skip
        self.lists = {
            "order_status": lambda: [Choice(word) for word in shapes.STATUSES], "price_list": reader.price_list_choices,
            "shipping_method": partial(reader.choices_in, "WayOfDeliveries"),
            "payment_method": partial(reader.choices_in, "TermsOfPayments"),
        }  # fmt: skip

    def check(self) -> Account:
        company = self.client.company()
        if company is None:
            raise Misconfigured("There is no Fortnox at this address")
        warning = "The warehouse module is on: stock can be read, but not written"
        return Account(title=company, warnings=(warning,) if self.client.warehouse() else ())

    def ledger(self) -> Ledger:
        return self.books.ledger()

    def upload(self, name: str, data: bytes) -> str:
        return self.books.upload(name, data)

    def attach(self, file: str, voucher: str, on: date) -> None:
        self.books.attach(file, voucher, on)
