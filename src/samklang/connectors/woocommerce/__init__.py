"""WooCommerce: the shop's REST API wc/v3. See README.md for what is synced and manifest.toml for the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from samklang.connectors.contract import Account, Choice, ChoiceKind, Hint, Match, Page, Surroundings, Want
from samklang.connectors.errors import Forbidden
from samklang.connectors.kit.hooks import body_as, check_signature
from samklang.connectors.kit.rows import Rows
from samklang.connectors.kit.system import Asked, System
from samklang.connectors.registry import load_manifest
from samklang.connectors.woocommerce.client import Shop
from samklang.connectors.woocommerce.map import Mapper
from samklang.connectors.woocommerce.read import FEEDS, Reader, choices
from samklang.connectors.woocommerce.rows import HookRow
from samklang.connectors.woocommerce.write import Writer

_TOPICS = (
    "order.created", "order.updated", "order.deleted", "product.created", "product.updated", "product.deleted",
    "customer.created", "customer.updated",
)  # fmt: skip
_HOOKS = Rows(HookRow)
_FEED_OF = {"order": "orders", "product": "catalogue", "customer": "customers"}


class WooCommerce(System):
    """One WooCommerce shop."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self._shop = Shop(settings, self.manifest, around)
        self.transport = self._shop.transport
        self.feeds = {feed: partial(self._feed, feed) for feed in FEEDS}
        self.writes = {
            "product": lambda wants: self._writer().products(wants),
            "stock": lambda wants: self._writer().figures(wants),
            "price": lambda wants: self._writer().figures(wants),
            "order_status": lambda wants: (writer := self._writer()).single(writer.status, wants),
            "shipment": lambda wants: (writer := self._writer()).single(writer.shipment, wants),
        }

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
        yield from self._reader().fetch(feed, external_ids)

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        if type_ != "product":  # a shipment's note is looked for when it is written
            return [[] for _ in wants]
        return self._writer().find(wants)

    def choices(self, what: ChoiceKind) -> list[Choice]:
        return choices(self._shop, what) if what in self.manifest.choices else super().choices(what)

    def register_hooks(self, address: str, secret: str) -> None:
        rows = self._shop.short("/webhooks", _HOOKS, {})
        ours = {row.topic: row for row in rows if isinstance(row, HookRow) and row.delivery_url == address}
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

    def _mapper(self) -> Mapper:
        return Mapper(self.settings, self._shop.facts())

    def _reader(self) -> Reader:
        return Reader(self._shop, self._mapper())

    def _feed(self, feed: str, asked: Asked) -> Iterator[Page]:
        yield from self._reader().pages(feed, asked)

    def _writer(self) -> Writer:
        words = self.manifest.writes["order_status"].status_map
        return Writer(self._shop, self._mapper(), str(self.settings["connection"]), words)
