"""Ongoing WMS: the goods owner's REST API of a third-party warehouse. README.md says what is synced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from samklang.connectors.contract import Account, Hint, Page, Surroundings
from samklang.connectors.errors import ByHand, Misconfigured, Rejected
from samklang.connectors.kit.hooks import body_as, check_token, signed_address
from samklang.connectors.kit.system import System
from samklang.connectors.ongoing import life
from samklang.connectors.ongoing.client import Client
from samklang.connectors.ongoing.read import Reader
from samklang.connectors.ongoing.write import Writer
from samklang.connectors.registry import load_manifest


class Ongoing(System):
    """One goods owner in one installation of Ongoing WMS."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport
        self._reader = reader = Reader(self.client, settings, around.now)
        writer = Writer(self.client, reader.steps, settings)
        self.feeds = {
            "orders": reader.orders, "stock": reader.stock, "articles": reader.articles, "inbound": reader.inbound,
            "returns": reader.returns,
        }  # fmt: skip
        self.writes = {
            "product": self.each(writer.product), "order": self.each(writer.order),
            "release": self.each(writer.release), "order_status": self.each(writer.status),
            "inbound": self.each(writer.inbound),
        }  # fmt: skip
        self.lists = {"order_status": reader.statuses, "carrier": reader.carriers, "warehouse": reader.warehouses}

    def check(self) -> Account:
        statuses = [choice for choice in self._reader.statuses() if not choice.code.endswith(life.SHORT)]
        try:
            contracts = self._reader.carriers()
        except Rejected as no:
            raise Misconfigured(
                f"Ongoing refuses goods owner {self.client.owner}: {no.what}",
                do_this="Ask the warehouse for the id of your goods owner.",
            ) from no
        names = ", ".join(place.name for place in self._reader.warehouses())
        known = {*life.STATES, life.ERROR, life.CANCELLED}
        strange = [f"{one.code} {one.name}" for one in statuses if int(one.code) not in known]
        warnings = [f"Say what these statuses mean (status words): {', '.join(strange)}"] if strange else []
        if not contracts:
            warnings.append("There is no transporter: have the warehouse add transport agreements.")
        return Account(title=f"{names} (goods owner {self.client.owner})", warnings=tuple(warnings))

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        yield from self._reader.fetch(external_ids)

    def register_hooks(self, address: str, secret: str) -> None:
        raise ByHand(
            "Only the warehouse can make webhooks, under Settings › Webhooks in Ongoing",
            do_this=f"Have it add webhooks for orders to {signed_address(address, secret)}",
        )

    def hints(self, headers: Mapping[str, str], body: bytes, secret: str) -> list[Hint]:
        check_token(headers, secret)
        said = body_as(dict[str, Any], body)
        if said.get("goodsOwnerId") not in (None, self.client.owner):
            return []  # an installation's webhook may tell of all its goods owners
        if said.get("orderId"):
            return [Hint("orders", str(said["orderId"]))]
        names = (("purchaseOrder", "inbound"), ("purchaseOrderId", "inbound"), ("article", "stock"))
        return [Hint(feed, "") for name, feed in names if said.get(name)][:1]
