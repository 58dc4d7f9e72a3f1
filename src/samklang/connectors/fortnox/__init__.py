"""Fortnox, the Swedish ERP: articles, stock, prices, customers and order status out; the same and orders in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from samklang.connectors.contract import Account, Connector, Match, Page, Result, Surroundings, Want
from samklang.connectors.errors import Misconfigured
from samklang.connectors.fortnox.client import Client
from samklang.connectors.fortnox.read import Reader
from samklang.connectors.fortnox.write import Writer
from samklang.connectors.registry import load_manifest


class Fortnox(Connector):
    """One company in Fortnox."""

    manifest = load_manifest(__package__ or __name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.reader = Reader(self.client, settings, around.now)
        self.writer = Writer(self.client, self.reader, settings)

    def check(self) -> Account:
        company = self.client.company()
        if company is None:
            raise Misconfigured("There is no Fortnox at this address")
        warning = "The warehouse module is on: stock can be read, but not written"
        return Account(title=company, warnings=(warning,) if self.client.warehouse() else ())

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        if feed == "stock":
            return self.reader.stock()
        if feed == "prices":
            return self.reader.prices(types)
        feeds = {
            "articles": self.reader.articles, "customers": self.reader.customers,
            "order_status": self.reader.order_status,
        }  # fmt: skip
        return feeds[feed](since)

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        return self.writer.find(type_, wants, match)

    def write(self, type_: str, wants: Sequence[Want]) -> list[Result]:
        return self.writer.write(type_, wants)

    def login_page(self, redirect_uri: str, state: str) -> str:
        return self.client.login_page(redirect_uri, state)

    def log_in(self, code: str, redirect_uri: str) -> None:
        self.client.oauth.exchange(code, redirect_uri)

    def close(self) -> None:
        self.client.close()
