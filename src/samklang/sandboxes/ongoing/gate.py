"""Goods on their way in: purchase orders with deviations, returns that were announced, returns as an inbound."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from samklang.sandboxes.ongoing.desk import CAUSES, OPEN, Desk, Line, Order
from samklang.sandboxes.ongoing.shelves import ZERO, Article, Refused, Row

NOTIFIED, ARRIVED, INBOUND, DEVIATES, RECEIVED, INBOUND_CANCELLED = 100, 200, 300, 400, 500, 900
INBOUND_STATUSES = {
    NOTIFIED: "Aviserad", ARRIVED: "Ankomstyta", INBOUND: "Inleverans", DEVIATES: "Avvikelse", RECEIVED: "Mottagen",
    INBOUND_CANCELLED: "Makulerad",
}  # fmt: skip
RETURN_STATUSES = {100: "Aviserad", 500: "Returnerad"}


class Expected(msgspec.Struct, kw_only=True):
    """A line of a purchase order."""

    id: int
    row: str
    article: Article
    advised: Decimal
    data: Row
    received: Decimal = ZERO
    at: datetime | None = None


class Purchase(msgspec.Struct, kw_only=True):
    """A purchase order, whoever made it."""

    id: int
    number: str
    data: Row
    status: int
    created: datetime
    status_at: datetime
    received_at: datetime | None = None
    lines: list[Expected] = []

    @property
    def begun(self) -> bool:
        return self.status >= INBOUND or any(line.received for line in self.lines)


class ComingBack(msgspec.Struct, kw_only=True):
    """A return order: row → pieces that the buyer said would come."""

    id: int
    number: str
    order: Order
    lines: dict[str, Decimal]
    cause: str
    created: datetime
    comment: str = ""

    def line(self, row: str) -> Line:
        return next(line for line in self.order.lines if line.row == row)


class Warehouse(Desk):
    """The whole warehouse of one goods owner."""

    def __init__(self, now: Callable[[], datetime], first_status: int = OPEN) -> None:
        super().__init__(now, first_status)
        self.purchases: dict[int, Purchase] = {}
        self.by_purchase: dict[str, Purchase] = {}
        self.returns: dict[int, ComingBack] = {}
        self._purchase_ids, self._expected_ids, self._return_ids = (itertools.count(n) for n in (246, 555, 31))
        self._return_numbers = itertools.count(1)

    # ------------------------------------------------------------------------------------------------ purchase orders

    def purchase(self, name: int | str) -> Purchase:
        """By id or number; Refused with 404 when there is none."""
        found = self.purchases.get(name) if isinstance(name, int) else self.by_purchase.get(name)
        if found is None:
            raise Refused(f"Could not find purchase order {name}.", 404)
        return found

    def put_purchase(self, given: Row) -> Purchase:
        """Create or change by number, until the warehouse has begun to receive."""
        number = str(given.get("purchaseOrderNumber") or "").strip()
        if not number:
            raise Refused("The purchaseOrderNumber field is required.")
        rows = given.get("purchaseOrderLines") or []
        articles = [self.article(str(row.get("articleNumber") or "")) for row in rows]
        now, order = self.now(), self.by_purchase.get(number)
        if order is not None and (order.begun or order.status == INBOUND_CANCELLED):
            raise Refused(f"Purchase order {number} cannot be updated, since the warehouse has started working on it.")
        if order is None:
            order = Purchase(
                id=next(self._purchase_ids), number=number, data={}, status=NOTIFIED, created=now, status_at=now
            )
            self.purchases[order.id] = self.by_purchase[number] = order
        order.data = {name: value for name, value in given.items() if name != "purchaseOrderLines"}
        order.status_at = now
        known = {line.row: line for line in order.lines}
        order.lines = [
            Expected(
                id=known[str(row["rowNumber"])].id if str(row["rowNumber"]) in known else next(self._expected_ids),
                row=str(row["rowNumber"]), article=article, advised=Decimal(row.get("numberOfItems") or 0), data=row,
            )
            for row, article in zip(rows, articles, strict=True)
        ]  # fmt: skip
        return order

    def cancel_purchase(self, order: Purchase) -> None:
        """Only before the warehouse has begun to receive it."""
        if order.begun:
            raise Refused(f"Purchase order {order.number} cannot be cancelled: goods have been received.")
        order.status, order.status_at = INBOUND_CANCELLED, self.now()

    def receive(self, order: Purchase, pieces: Mapping[str, Decimal] | None = None, *, done: bool = True) -> None:
        """Goods are counted in, by article number (None = all that is missing); `done` closes it, deviating or not."""
        if order.status in (DEVIATES, RECEIVED, INBOUND_CANCELLED):
            raise Refused(f"Purchase order {order.number} is closed.")
        now, warehouse = self.now(), int(order.data.get("warehouseId") or 1)
        for line in order.lines:
            missing = max(ZERO, line.advised - line.received)
            came = missing if pieces is None else Decimal(pieces.get(line.article.number, 0))
            if came:
                line.received, line.at = line.received + came, now
                self.move(line.article, warehouse, came)
        exact = all(line.received == line.advised for line in order.lines)
        order.status = INBOUND if not done else RECEIVED if exact else DEVIATES
        order.received_at = order.status_at = now

    # ------------------------------------------------------------------------------------------------ returns

    def announce(self, order: Order, pieces: Mapping[str, Decimal], cause: str, comment: str = "") -> ComingBack:
        """A buyer says what will come back, by row."""
        if cause and cause not in CAUSES:
            raise Refused(f"There is no return cause {cause}.")
        rows = {row: Decimal(count) for row, count in pieces.items()}
        made = ComingBack(
            id=next(self._return_ids), number=f"RMA-{next(self._return_numbers)}", order=order, lines=rows, cause=cause,
            created=self.now(), comment=comment,
        )  # fmt: skip
        self.returns[made.id] = made
        return made

    def take_back(
        self, coming: ComingBack, pieces: Mapping[str, Decimal] | None = None, *, restock: bool = True
    ) -> None:
        """What was announced is here (None = all of it)."""
        self.give_back(coming.order, pieces or coming.lines, coming.cause, restock=restock, announced=True)

    def return_as_inbound(self, order: Order, pieces: Mapping[str, Decimal]) -> Purchase:
        """A regret as 3PLs do it: an inbound marked as a return, with the order's number as its reference."""
        rows = [
            {"rowNumber": line.row, "articleNumber": line.article.number, "numberOfItems": Decimal(pieces[line.row])}
            for line in order.lines
            if line.row in pieces
        ]
        made = self.put_purchase(
            {
                "purchaseOrderNumber": f"RET-{next(self._return_numbers)}", "referenceNumber": order.number,
                "advanced": {"purchaseOrderIsReturnType": True}, "purchaseOrderLines": rows,
            }
        )  # fmt: skip
        self.receive(made)
        return made
