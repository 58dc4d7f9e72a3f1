"""A warehouse that works by itself: at each beat every order, purchase order and return goes one step on."""

from __future__ import annotations

import random
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

from samklang.sandboxes.ongoing.desk import ALLOCATED, PARTLY_SENT, PICKED, RELEASED, SENT, Order
from samklang.sandboxes.ongoing.gate import ARRIVED, INBOUND, NOTIFIED, Purchase

if TYPE_CHECKING:
    from samklang.sandboxes.ongoing import OngoingSandbox


class Clockwork:
    """Released orders are picked, sent and fetched; what can be sent only in part goes in part and the rest on a back
    order; inbound goods arrive, now and then with a piece too few. `every` is the seconds of a beat."""

    def __init__(self, sandbox: OngoingSandbox, every: float, seed: int = 1) -> None:
        self.every = every
        self._sandbox = sandbox
        self._dice = random.Random(seed)  # noqa: S311  # which delivery is short, no secret
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="warehouse")

    def start(self) -> None:
        """Work until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Go home."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(self.every):
            self.beat()

    def beat(self) -> int:
        """One step for everything that waits for one; gives how many steps were made."""
        house = self._sandbox.house
        with self._sandbox.lock:
            orders, inbound = list(house.orders.values()), list(house.purchases.values())
            return sum([*(self._order(order) for order in orders), *(self._inbound(order) for order in inbound)])

    def _order(self, order: Order) -> bool:
        house = self._sandbox.house
        if order.status == RELEASED and self._some(order):
            house.start(order)
        elif order.status in (ALLOCATED, PARTLY_SENT) and self._some(order):
            house.pick(order)
        elif order.status == PICKED:
            house.ship(order, "back order", 1 + (sum(line.picked for line in order.lines) > 5))
        elif order.status == SENT:
            house.collect(order)
        else:
            return False
        return True

    def _some(self, order: Order) -> bool:
        """Whether anything of it lies on the shelf, and is not wanted by an older order."""
        said = self._sandbox.house.pickability()
        return any(said[line.id] in ("Ok", "ByPriority") for line in order.lines)

    def _inbound(self, order: Purchase) -> bool:
        house = self._sandbox.house
        if order.status == NOTIFIED:
            order.status, order.status_at = ARRIVED, house.now()
        elif order.status in (ARRIVED, INBOUND):
            pieces = {line.article.number: line.advised - line.received for line in order.lines}
            if self._dice.random() < 0.25:
                short = self._dice.choice(sorted(pieces))
                pieces[short] = max(Decimal(0), pieces[short] - 1)
            house.receive(order, pieces)
        else:
            return False
        return True
