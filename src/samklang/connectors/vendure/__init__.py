"""Vendure, a webshop: orders, customers, catalogue and stock out; catalogue, prices, stock and status in."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from samklang.connectors.contract import Account, Connector, Hint, Match, Page, Result, Surroundings, Want
from samklang.connectors.errors import Forbidden, Misconfigured, Rejected
from samklang.connectors.registry import load_manifest
from samklang.connectors.vendure import shapes
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


class Vendure(Connector):
    """One channel of one Vendure server."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self._client = Client(settings, self.manifest, around)
        country = str(settings.get("country") or "SE")
        zone = str(settings.get("time_zone") or "Europe/Stockholm")
        self._reader = Reader(self._client, str(settings.get("channel") or ""), country, zone)
        location, captures = str(settings.get("stock_location") or ""), bool(settings.get("capture"))
        self._writer = Writer(self._client, self.manifest, location, country, captures)

    def check(self) -> Account:
        channel = self._client.get(shapes.CHANNEL, shapes.Channel)
        wanted = self.settings.get("channel_token")
        if wanted and wanted != channel.token:  # a server with one channel gives that one, whatever token is sent
            raise Misconfigured("Vendure has no channel with this token", do_this="Correct the channel token.")
        me = self._client.get(shapes.ME, shapes.Me)
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

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        return self._reader.read(feed, since, types, resume)

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        return self._reader.fetch(feed, external_ids)

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        return [self._writer.find(type_, want, match) for want in wants]

    def write(self, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        return self._writer.write(type_, wants)

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
        expected = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-samklang-signature", ""), expected):
            raise Rejected(
                "The webhook's signature is wrong", do_this="Compare the secret in Vendure's plugin with ours."
            )
        try:
            hook = msgspec.json.decode(body, type=_Hook)
        except msgspec.DecodeError as error:
            raise Rejected(f"The webhook cannot be read: {error}") from error
        if hook.topic == "order":
            return [Hint("orders", hook.data.id)]
        if hook.topic == "stock":
            return [Hint("variants", id_) for id_ in hook.data.variants]
        return []

    def close(self) -> None:
        self._client.transport.close()
