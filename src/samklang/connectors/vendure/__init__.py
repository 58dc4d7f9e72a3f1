"""Vendure, a webshop: orders, customers, catalogue and stock out; catalogue, prices, stock and status in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from samklang.connectors.contract import Account, Hint, Page, Surroundings
from samklang.connectors.errors import Forbidden, Misconfigured
from samklang.connectors.kit.hooks import body_as, check_signature
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest
from samklang.connectors.vendure import shapes
from samklang.connectors.vendure.catalogue import ProductWriter
from samklang.connectors.vendure.client import Client
from samklang.connectors.vendure.read import Reader
from samklang.connectors.vendure.write import Writer

_NEEDED = {"ReadCatalog", "CreateCatalog", "UpdateCatalog", "ReadOrder", "UpdateOrder", "ReadCustomer", "ReadSettings"}


class _HookData(msgspec.Struct):
    id: str = ""
    variants: list[str] = []


class _Hook(msgspec.Struct):
    topic: str
    data: _HookData


class Vendure(System):
    """One channel of one Vendure server."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self._client = Client(settings, self.manifest, around)
        self.transport = self._client.transport
        country = str(settings.get("country") or "SE")
        zone = str(settings.get("time_zone") or "Europe/Stockholm")
        reader = self._reader = Reader(self._client, str(settings.get("channel") or ""), country, zone)
        location, captures = str(settings.get("stock_location") or ""), bool(settings.get("capture"))
        products, writer = ProductWriter(self._client, country), Writer(self._client, self.manifest, location, captures)
        self.feeds = {
            "orders": reader.orders, "customers": reader.customers, "variants": reader.variants,
            "products": reader.products,
        }  # fmt: skip
        self.writes = {
            "product": self.each(products.write), "price": writer.prices, "stock": writer.stock,
            "shipment": self.each(writer.shipment), "order_status": self.each(writer.order_status),
        }  # fmt: skip
        self.looks = {"product": writer.find_product, "shipment": writer.find_shipment}

    def check(self) -> Account:
        channel = self._client.get("activeChannel", shapes.Channel)
        wanted = self.settings.get("channel_token")
        if wanted and wanted != channel.token:  # a server with one channel gives that one, whatever token is sent
            raise Misconfigured("Vendure has no channel with this token", do_this="Correct the channel token.")
        me = self._client.get("me", shapes.Me)
        rights = {right for row in me.channels if row.code == channel.code for right in row.permissions}
        if missing := sorted(_NEEDED - rights):
            raise Forbidden(
                f"The administrator {me.identifier} lacks {', '.join(missing)}",
                do_this="Give Samklang's administrator a role with these permissions in this channel.",
            )
        warnings = [] if channel.default_tax_zone else ["The channel has no default tax zone: VAT cannot be found."]
        side = "with" if channel.prices_include_tax else "without"
        title = "the default channel" if channel.code.startswith("__default") else channel.code
        return Account(title=f"Vendure, {title}, {channel.default_currency_code} {side} VAT", warnings=tuple(warnings))

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        return self._reader.fetch(feed, external_ids)

    def register_hooks(self, address: str, secret: str) -> None:
        """Vendure's core sends none: its operator installs the plugin, with the address and a secret of their own."""
        if not self.settings.get("webhook_secret"):
            raise Misconfigured(
                "Vendure sends webhooks only with a plugin, and no secret has been agreed with it",
                do_this=f"Install the plugin that the connector's page describes with the address {address} and a "
                "secret of your choice, and give the connection the same secret.",
            )

    def hints(self, headers: Mapping[str, str], body: bytes, secret: str) -> list[Hint]:
        key = str(self.settings.get("webhook_secret") or secret)
        check_signature(headers.get("x-samklang-signature", ""), key, body, "hex")
        hook = body_as(_Hook, body)
        if hook.topic == "order":
            return [Hint("orders", hook.data.id)]
        return [Hint("variants", id_) for id_ in hook.data.variants] if hook.topic == "stock" else []
