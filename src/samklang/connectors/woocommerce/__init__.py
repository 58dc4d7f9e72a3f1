"""WooCommerce: the shop's REST API wc/v3. See README.md for what is synced and manifest.toml for the facts."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from samklang.connectors.contract import (
    Account,
    Connector,
    Hint,
    Match,
    Page,
    Result,
    Surroundings,
    Want,
)  # fmt: skip
from samklang.connectors.errors import BadData, Forbidden, Rejected, Unsupported
from samklang.connectors.registry import load_manifest
from samklang.connectors.woocommerce.client import Shop
from samklang.connectors.woocommerce.map import Mapper
from samklang.connectors.woocommerce.read import Reader
from samklang.connectors.woocommerce.write import Writer

_TOPICS = (
    "order.created", "order.updated", "order.deleted", "product.created", "product.updated", "product.deleted",
    "customer.created", "customer.updated",
)  # fmt: skip
_FEED_OF = {"order": "orders", "product": "catalogue", "customer": "customers"}


class WooCommerce(Connector):
    """One WooCommerce shop."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self._shop = Shop(settings, self.manifest, around)

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

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        yield from self._reader()[1].pages(feed, since, types, resume)

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        yield from self._reader()[1].fetch(feed, external_ids)

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        if type_ != "product":  # a shipment's note is looked for when it is written
            return [[] for _ in wants]
        return self._writer().find(wants)

    def write(self, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        writer = self._writer()
        match type_:
            case "product":
                return writer.products(wants)
            case "stock" | "price":
                return writer.figures(wants)
            case "order_status":
                return writer.one_by_one(writer.status, wants)
            case "shipment":
                return writer.one_by_one(writer.shipment, wants)
        raise Unsupported(f"WooCommerce does not take {type_}")

    def register_hooks(self, address: str, secret: str) -> None:
        rows: list[dict[str, Any]] = []
        while True:
            some = self._shop.call("GET", "/webhooks", {"per_page": 100, "offset": len(rows)}).json()
            rows += some
            if len(some) < 100:
                break
        ours = {row["topic"]: row for row in rows if row["delivery_url"] == address}
        for topic in _TOPICS:
            body = {"name": f"Samklang {topic}", "topic": topic, "delivery_url": address, "secret": secret}
            known = ours.get(topic)
            if known is None:
                self._shop.call("POST", "/webhooks", None, body)
            else:  # the secret is never told, so it is written again; a disabled webhook is switched on
                active = {} if known["status"] == "active" else {"status": "active"}
                self._shop.call("PUT", f"/webhooks/{known['id']}", None, {"secret": secret, **active}, idempotent=True)

    def hints(self, headers: Mapping[str, str], body: bytes, secret: str) -> list[Hint]:
        if "x-wc-webhook-signature" not in headers and body.startswith(b"webhook_id="):
            return []  # the ping at registration, which is never signed (observed)
        signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(signature.encode(), headers.get("x-wc-webhook-signature", "").encode()):
            raise Rejected("The webhook's signature is wrong", do_this="Register the webhooks again at the connection.")
        feed = _FEED_OF.get(headers.get("x-wc-webhook-resource", ""))
        try:
            row = msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise BadData(f"The webhook's body is no JSON: {error}") from error
        if feed is None or not isinstance(row, dict):
            return []
        id_ = row.get("parent_id") if row.get("type") == "variation" else row.get("id")
        return [Hint(feed, str(id_ or ""))]

    def close(self) -> None:
        self._shop.transport.close()

    def _reader(self) -> tuple[Mapper, Reader]:
        mapper = Mapper(self.settings, self._shop.facts())
        return mapper, Reader(self._shop, mapper)

    def _writer(self) -> Writer:
        mapper, reader = self._reader()
        words = self.manifest.writes["order_status"].status_map
        return Writer(self._shop, mapper, reader, str(self.settings["connection"]), words)
