"""WooCommerce: the shop's REST API wc/v3. See README.md for what is synced and manifest.toml for the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from samklang.connectors.contract import Account, Hint, Match, Page, Surroundings, Want
from samklang.connectors.errors import Forbidden
from samklang.connectors.kit.hooks import body_as, check_signature
from samklang.connectors.kit.rows import Rows, readable
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest
from samklang.connectors.woocommerce import shapes
from samklang.connectors.woocommerce.client import Shop
from samklang.connectors.woocommerce.read import FEEDS, Reader
from samklang.connectors.woocommerce.write import Writer

_TOPICS = (
    "order.created", "order.updated", "order.deleted", "product.created", "product.updated", "product.deleted",
    "customer.created", "customer.updated",
)  # fmt: skip
_HOOKS = Rows(shapes.HookRow)
_FEED_OF = {"order": "orders", "product": "catalogue", "customer": "customers"}


class WooCommerce(System):
    """One WooCommerce shop."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self._shop = shop = Shop(settings, self.manifest, around)
        self.transport = shop.transport
        self._reader = reader = Reader(shop, settings)
        words = self.manifest.writes["order_status"].status_map
        self._writer = writer = Writer(shop, reader, str(settings["connection"]), words)
        self.feeds = {feed: partial(reader.pages, feed) for feed in FEEDS}
        self.writes = {
            "product": writer.products, "stock": writer.figures, "price": writer.figures,
            "order_status": self.each(writer.status), "shipment": self.each(writer.shipment),
        }  # fmt: skip
        self.lists = {
            "order_status": reader.statuses, "payment_method": reader.gateways, "shipping_method": reader.shipping,
        }  # fmt: skip

    def check(self) -> Account:
        self._shop.call("GET", "/products", {"per_page": 1, "_fields": "id"})
        warnings = []
        try:
            self._shop.call("POST", "/products/batch", None, {"update": []})  # an empty batch asks for the right only
        except Forbidden:
            warnings.append("The key may only read: nothing can be written to this shop.")
        facts = self._shop.facts()
        if not facts.percents:
            warnings.append("The shop has no VAT rates for its country, so articles' VAT is unknown.")
        if not self._shop.transport.base.startswith("https://"):
            warnings.append("The shop is not on https: anyone on the way can read the key.")
        status = self._shop.call("GET", "/system_status", {"_fields": "environment"}).json()["environment"]
        version = str(status.get("version", ""))
        if version.partition(".")[0] in ("2", "3", "4", "5"):
            warnings.append("WooCommerce before 6 cannot list what changed; update it.")
        return Account(title=str(status.get("site_url", "")), version=version, warnings=tuple(warnings))

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        return self._reader.fetch(feed, external_ids)

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        if type_ != "product":  # a shipment's note is looked for when it is written
            return [[] for _ in wants]
        return self._writer.find(wants)

    def register_hooks(self, address: str, secret: str) -> None:
        rows = self._shop.short("/webhooks", _HOOKS, {})
        ours = {row.topic: row for row in readable(rows) if row.delivery_url == address}
        for topic in _TOPICS:
            body = {"name": f"Samklang {topic}", "topic": topic, "delivery_url": address, "secret": secret}
            known = ours.get(topic)
            if known is None:
                self._shop.call("POST", "/webhooks", None, body)
            else:  # the secret is never told, so it is written again; a disabled webhook is switched on
                active = {} if known.status == "active" else {"status": "active"}
                self._shop.call("PUT", f"/webhooks/{known.id}", None, {"secret": secret, **active}, idempotent=True)

    def hints(self, headers: Mapping[str, str], body: bytes, secret: str) -> list[Hint]:
        if "x-wc-webhook-signature" not in headers and body.startswith(b"webhook_id="):
            return []  # the ping at registration, which is never signed (observed)
        check_signature(headers.get("x-wc-webhook-signature", ""), secret, body, "base64")
        feed = _FEED_OF.get(headers.get("x-wc-webhook-resource", ""))
        row = body_as(dict[str, Any], body)
        if feed is None:
            return []
        id_ = row.get("parent_id") if row.get("type") == "variation" else row.get("id")
        return [Hint(feed, str(id_ or ""))]
