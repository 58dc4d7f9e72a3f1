"""Ongoing WMS as a sandbox: a warehouse in memory behind the addresses of its goods owner REST API.

`OngoingSandbox(articles=200).app` is the ASGI application, its API below /nordljus/api/v1. What people do in the
warehouse is a method here, and POST /_sandbox/<method> with its arguments as JSON for other processes: release, start,
pick, ship, ship-all, collect, put-back, edit, give-back, announce, take-back, return-as-inbound, order-goods, receive,
count, name, status, hook, beat; GET /_sandbox/snapshot.

    shelves   articles and pieces              desk     orders: taken, released, picked, sent, returned
    gate      purchase orders, return orders   shapes   the API's objects        web   addresses, filters, login
    clockwork a warehouse that works by itself hooks    webhooks
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.sandboxes import swedish
from samklang.sandboxes.acts import Acts, answer
from samklang.sandboxes.ongoing import shapes
from samklang.sandboxes.ongoing.clockwork import Clockwork
from samklang.sandboxes.ongoing.desk import OPEN, Order
from samklang.sandboxes.ongoing.gate import Warehouse
from samklang.sandboxes.ongoing.hooks import Hooks
from samklang.sandboxes.ongoing.shelves import Refused
from samklang.sandboxes.ongoing.web import PASSWORD, SYSTEM, USER, Web

__all__ = ["PASSWORD", "SYSTEM", "USER", "OngoingSandbox", "Refused"]

Pieces = Mapping[str, int | str | Decimal]


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


class OngoingSandbox(Acts):
    """The warehouse of goods owner 159.

    `articles` and `seed` choose the Swedish articles (0 = none), which are the same as other sandboxes' of that seed;
    `stocked` puts pieces on the shelves. `first_status` is that of new orders from the API. `auto` = seconds of a beat,
    at which the warehouse works by itself. `now` is the clock of every stamp.
    """

    user, password, system = USER, PASSWORD, SYSTEM
    goods_owner = shapes.OWNER_ID

    def __init__(
        self, articles: int = 200, seed: int = 1, *, stocked: bool = True, first_status: int = OPEN,
        auto: float | None = None, now: Callable[[], datetime] = utc_now,
    ) -> None:  # fmt: skip
        self.house = Warehouse(now, first_status)
        self.house.fill(swedish.families(seed), articles, stocked=stocked)
        self.lock = threading.RLock()
        self.hooks = Hooks(SYSTEM)
        self.house.told = lambda order: self.hooks.order(order.id, order.number, order.status, shapes.at(now()))
        self.clockwork = Clockwork(self, auto or 1.0, seed)
        if auto:
            self.clockwork.start()
        self.app = Starlette(
            routes=[
                Route("/_sandbox/snapshot", self._snapshot, methods=["GET"]),
                Route("/_sandbox/{action}", self.act, methods=["POST"]),
                *Web(self.house, self.lock).routes(),
            ]
        )

    # ------------------------------------------------------------------------------------------------ orders by hand

    def _order(self, name: str) -> Order:
        return self.house.order(name)

    def release(self, order: str) -> None:
        """Put the order, by number, into the picking queue."""
        with self.lock:
            self.house.release(self._order(order))

    def start(self, order: str) -> None:
        """Begin to pick: the order is locked."""
        with self.lock:
            self.house.start(self._order(order))

    def put_back(self, order: str) -> None:
        """Let go of the order again."""
        with self.lock:
            self.house.put_back(self._order(order))

    def pick(self, order: str, pieces: Pieces | None = None) -> None:
        """Pick by row (None = all that there is)."""
        with self.lock:
            self.house.pick(self._order(order), _decimals(pieces))

    def ship(self, order: str, rest: Literal["same", "back order", "dropped"] = "same", parcels: int = 1) -> str | None:
        """Send what is picked; gives the number of the back order, where one is made."""
        with self.lock:
            made = self.house.ship(self._order(order), rest, parcels)
            return made.number if made else None

    def ship_all(self, order: str, parcels: int = 1) -> None:
        """Release, pick and send the whole order, from wherever it stands."""
        with self.lock:
            one = self._order(order)
            if one.status == OPEN:
                self.house.release(one)
            if any(line.wants for line in one.lines):
                self.house.pick(one)
            self.house.ship(one, "back order", parcels)

    def collect(self, order: str) -> None:
        """The transporter fetches it."""
        with self.lock:
            self.house.collect(self._order(order))

    def edit(self, order: str, pieces: Pieces | None = None, add: Pieces | None = None) -> None:
        """Change an open order here: rows to other numbers of pieces (0 = gone), articles to add."""
        with self.lock:
            self.house.edit(self._order(order), _decimals(pieces), _decimals(add))

    def status(self, order: str, number: int, text: str = "") -> None:
        """Set a status of the installation's own; `text` adds it to the list."""
        with self.lock:
            if text:
                self.house.statuses[number] = text
            one = self._order(order)
            one.status, one.status_at, one.updated = number, self.house.now(), self.house.now()

    # ------------------------------------------------------------------------------------------------ goods by hand

    def give_back(self, order: str, pieces: Pieces, cause: str = "", restock: bool = True) -> None:
        """Goods come back unannounced."""
        with self.lock:
            self.house.give_back(self._order(order), _decimals(pieces) or {}, cause, restock=restock)

    def announce(self, order: str, pieces: Pieces, cause: str = "ANG") -> str:
        """A return is announced; gives its number."""
        with self.lock:
            return self.house.announce(self._order(order), _decimals(pieces) or {}, cause).number

    def take_back(self, number: str, pieces: Pieces | None = None, restock: bool = True) -> None:
        """An announced return arrives, in whole or in part."""
        with self.lock:
            coming = next((one for one in self.house.returns.values() if one.number == number), None)
            if coming is None:
                raise Refused(f"There is no return {number}.", 404)
            self.house.take_back(coming, _decimals(pieces), restock=restock)

    def return_as_inbound(self, order: str, pieces: Pieces) -> str:
        """A return that is received like a delivery; gives the number of its purchase order."""
        with self.lock:
            return self.house.return_as_inbound(self._order(order), _decimals(pieces) or {}).number

    def order_goods(self, number: str, pieces: Pieces) -> None:
        """The merchant types a purchase order into Ongoing: article number → pieces."""
        rows = [
            {"rowNumber": str(place), "articleNumber": name, "numberOfItems": Decimal(count)}
            for place, (name, count) in enumerate(pieces.items(), start=1)
        ]
        with self.lock:
            self.house.put_purchase({"purchaseOrderNumber": number, "purchaseOrderLines": rows})

    def receive(self, number: str, pieces: Pieces | None = None, done: bool = True) -> None:
        """Count in a purchase order, by article number (None = exactly what is missing)."""
        with self.lock:
            self.house.receive(self.house.purchase(number), _decimals(pieces), done=done)

    def count(self, article: str, pieces: int | str | Decimal, warehouse: int = 1, locked: int = 0) -> None:
        """Count the shelf: so many, of which `locked` may not be sold."""
        with self.lock:
            one = self.house.article(article)
            self.house.move(one, warehouse, Decimal(pieces) - self.house.pieces[one.id, warehouse])
            self.house.locked[one.id, warehouse] = Decimal(locked)

    def name(self, article: str, name: str) -> None:
        """Rename an article."""
        with self.lock:
            self.house.put_article({"articleNumber": self.house.article(article).number, "articleName": name})

    # ------------------------------------------------------------------------------------------------ the rest

    def hook(self, address: str) -> None:
        """Tell this address of every new status."""
        self.hooks.add(address)

    def beat(self, times: int = 1) -> int:
        """Let the warehouse work for so many beats; gives how many steps it made."""
        return sum(self.clockwork.beat() for _ in range(times))

    def snapshot(self) -> dict[str, Any]:
        """What the warehouse holds, for comparing: articles, orders and purchase orders by number."""
        house = self.house
        with self.lock:
            wanted = house.wanted()
            return {
                "articles": {
                    row.number: {**shapes.article(house, row, wanted), "data": row.data}
                    for row in house.articles.values()
                },
                "orders": {row.number: shapes.order(house, row) for row in house.orders.values()},
                "purchases": {row.number: shapes.purchase(house, row) for row in house.purchases.values()},
                "returns": {row.number: shapes.coming_back(house, row) for row in house.returns.values()},
            }

    actions = (
        "release", "start", "put_back", "pick", "ship", "ship_all", "collect", "edit", "status", "give_back",
        "announce", "take_back", "return_as_inbound", "order_goods", "receive", "count", "name", "hook", "beat",
    )  # fmt: skip

    def refused(self, wrong: Exception) -> Response | None:
        return answer({"error": wrong.message}, wrong.status) if isinstance(wrong, Refused) else None

    async def _snapshot(self, _request: Request) -> Response:
        return answer(self.snapshot())


def _decimals(pieces: Pieces | None) -> dict[str, Decimal] | None:
    return None if pieces is None else {name: Decimal(count) for name, count in pieces.items()}
