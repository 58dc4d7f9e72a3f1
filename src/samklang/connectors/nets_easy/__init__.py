"""Nets Easy, now Nexi Checkout: charges, refunds and cancellations at the Payment API v1, payouts at the Reporting API.
See README.md."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from samklang.connectors.contract import Account, Hint, Page, Paper, Surroundings
from samklang.connectors.errors import Misconfigured, Rejected
from samklang.connectors.kit.hooks import body_as
from samklang.connectors.kit.system import System
from samklang.connectors.nets_easy.client import Client
from samklang.connectors.nets_easy.payouts import papers
from samklang.connectors.nets_easy.read import fetch
from samklang.connectors.nets_easy.write import Writer
from samklang.connectors.registry import load_manifest

#: No payment has this id: asking for it tries the login and nothing else.
_NO_PAYMENT = "0" * 32


class _Data(msgspec.Struct, rename="camel"):
    payment_id: str = ""


class _Hook(msgspec.Struct):
    """A webhook, as far as it is needed: the rest differs from event to event."""

    event: str
    data: _Data


class NetsEasy(System):
    """One merchant account at Nexi Checkout."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport
        self._channel = str(settings.get("order_channel") or "")
        writer = Writer(self.client)
        self.feeds = {"payments": lambda asked: iter(())}  # nothing can be listed
        self.writes = {
            "capture": self.each(writer.capture), "refund": self.each(writer.refund), "void": self.each(writer.void),
        }  # fmt: skip

    def check(self) -> Account:
        self.client.payment(_NO_PAYMENT)
        test = ("This is Nexi's test system: no money moves.",) if self.settings.get("test") else ()
        return Account(title="Nexi Checkout", warnings=test)

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        return fetch(self.client, self._channel, external_ids)

    def statements(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        return papers(self.client, self.around.now(), since, known)

    def register_hooks(self, address: str, secret: str) -> None:
        """Only who makes a payment can name its webhooks: the shop is told the address."""
        if not (self._channel and self.settings.get("webhook_token")):
            raise Misconfigured(
                "Nexi sends webhooks only where the shop has named them, and no token has been agreed with it",
                do_this=f"Have the shop name {address}?token=… in each payment's notifications.webHooks, and give the "
                "connection the same token and the channel of the orders.",
            )

    def hints(self, headers: Mapping[str, str], body: bytes, secret: str) -> list[Hint]:
        agreed = str(self.settings.get("webhook_token") or "")
        given = headers.get("x-hook-token", "")
        if not agreed or not hmac.compare_digest(given.encode(), agreed.encode()):
            raise Rejected(
                "The webhook's address lacks its token",
                do_this="Compare the address that the shop gives Nexi with the connection's token.",
            )
        hook = body_as(_Hook, body)
        known = self._channel and hook.data.payment_id and hook.event.startswith("payment.")
        return [Hint("payments", hook.data.payment_id)] if known else []
