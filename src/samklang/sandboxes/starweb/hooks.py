"""Web hooks: one address for each event, unsigned, with ids in the body. A failed one is not sent again.

The document says nothing of the body; its fields are those that integrators have published.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable

import msgspec
import urllib3

from samklang.sandboxes.starweb.wire import Row, invalid, missing

EVENTS = tuple(
    f"{thing}-{event}"
    for thing, events in (
        ("product", "created updated removed"), ("order", "created completed updated deleted status-changed"),
        ("customer", "created updated deleted"), ("shop", "opened closed removed"),
    )
    for event in events.split()
)  # fmt: skip


class Hooks:
    """What is registered, and a thread that sends."""

    def __init__(self, now: Callable[[], str], shop: str) -> None:
        self._now, self._shop = now, shop
        self._ids = itertools.count(1)
        self._events = itertools.count(1)
        self.rows: dict[int, Row] = {}
        self.sent: list[Row] = []
        self._queue: queue.Queue[tuple[str, Row]] = queue.Queue()
        self._pool = urllib3.PoolManager(retries=False, timeout=5.0)
        self._thread: threading.Thread | None = None

    def add(self, data: Row) -> Row:
        """POST /web-hooks."""
        self._check(data)
        id_ = next(self._ids)
        self.rows[id_] = {"webHookId": id_, "name": "", "statusId": None, **data}
        return self.rows[id_]

    def change(self, id_: int, data: Row) -> Row:
        """PATCH /web-hooks/{id}."""
        if id_ not in self.rows:
            raise missing("The web hook")
        self._check({**self.rows[id_], **data})
        self.rows[id_].update(data)
        return self.rows[id_]

    def remove(self, id_: int) -> None:
        """DELETE /web-hooks/{id}."""
        if self.rows.pop(id_, None) is None:
            raise missing("The web hook")

    def _check(self, data: Row) -> None:
        if data.get("event") not in EVENTS:
            raise invalid("event is not supported")
        if not str(data.get("url", "")).startswith("http") or len(data["url"]) > 255:
            raise invalid("url is not valid")

    def tell(self, event: str, **ids: object) -> None:
        """Something happened: whoever registered for it is sent word."""
        told = [row["url"] for row in self.rows.values() if row["event"] == event]
        if not told:
            return
        body = {"eventId": f"e{next(self._events)}", "shopIdCode": self._shop, "eventTimeStamp": self._now(), **ids}
        for url in told:
            self._queue.put((url, {"event": event, **body}))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="starweb-hooks")
            self._thread.start()

    def _run(self) -> None:
        while True:
            url, body = self._queue.get()
            event = body.pop("event")
            status = 0
            with contextlib.suppress(urllib3.exceptions.HTTPError):  # nobody is told, as in the real shop
                headers = {"Content-Type": "application/json"}
                status = self._pool.request("POST", url, body=msgspec.json.encode(body), headers=headers).status
            self.sent.append({"event": event, "url": url, "status": status})
