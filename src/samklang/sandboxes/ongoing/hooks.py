"""Webhooks as the warehouse sets them up: told of every new status, from a thread of their own, and not tried again."""

from __future__ import annotations

import itertools
import queue
import threading
from urllib.parse import urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from samklang.sandboxes.ongoing.shapes import OWNER
from samklang.sandboxes.ongoing.shelves import Row


class Hooks:
    """Addresses that hear of order events."""

    def __init__(self, system: str) -> None:
        self.addresses: list[str] = []
        self.failures = 0
        self._system = system
        self._ids = itertools.count(1)
        self._waiting: queue.SimpleQueue[tuple[str, Row]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(5), retries=False)

    def add(self, address: str) -> None:
        """Tell this address from now on."""
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError(f"{address!r} is no web address")
        self.addresses.append(address)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="ongoing-hooks")
            self._thread.start()

    def order(self, id_: int, number: str, status: int, now: object) -> None:
        """An order has a new status."""
        for address in self.addresses:
            event = next(self._ids)
            body = {
                "webhookOrdersId": 1, "webhookEventId": event, "system": self._system, "timestamp": now,
                "orderId": id_, "orderNumber": number, "goodsOwnerId": OWNER["id"], "goodsOwnerName": OWNER["name"],
                "path": f"/api/v1/orders/{id_}", "orderStatus": {"number": status}, "currentShipmentId": None,
                "webhookTemplate": "OrderStatusChanged", "byUser": {"userId": 1}, "byComputer": {"computerId": 1},
            }  # fmt: skip
            self._waiting.put((address, body))

    def _run(self) -> None:
        while True:
            address, body = self._waiting.get()
            headers = {"Content-Type": "application/json"}
            try:
                said = self._pool.request("POST", address, body=msgspec.json.encode(body), headers=headers)
                self.failures += said.status >= 400
            except HTTPError:
                self.failures += 1
