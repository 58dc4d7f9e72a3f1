"""Orders in the warehouse: taken, reserved, released, picked (locked), sent in one or more parts, returned, cancelled.

What the vendor's document leaves open is played like this: goods are booked off the shelf when they are picked, what
may be sold is less by what open orders still want, an older order has priority over a younger one, and a line that an
update does not name is dropped.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from samklang.sandboxes.ongoing.shelves import ZERO, Article, Refused, Row, Shelves

ERROR, OPEN, RELEASED, ALLOCATED, PICKED, PARTLY_SENT, SENT, COLLECTED, RETURNED, CANCELLED = (
    150, 200, 300, 320, 400, 425, 450, 500, 800, 1000,
)  # fmt: skip
STATUSES = {
    ERROR: "Fel", OPEN: "Öppen", RELEASED: "Frisläppt", ALLOCATED: "Allokerad", PICKED: "Plockad",
    PARTLY_SENT: "Delskickad", SENT: "Skickad", COLLECTED: "Hämtad", RETURNED: "Returnerad", CANCELLED: "Makulerad",
}  # fmt: skip
#: Transporter, its name, services: what may be booked for the goods owner.
CONTRACTS = (
    ("SBTL", "DB Schenker", (("BPA", "DB SCHENKERparcel"), ("BCF", "DB SCHENKERsystem"))),
    ("PLAB", "PostNord Sweden AB", (("P19", "PostNord MyPack Collect"), ("P18", "PostNord Parcel"))),
    ("BUDBEE", "Budbee", (("HOME", "Budbee Home"),)),
)  # fmt: skip
CAUSES = {"ANG": "Ångerrätt", "REK": "Reklamation", "EJU": "Ej uthämtad", "FEL": "Fel vara"}


class Picked(msgspec.Struct, kw_only=True):
    """Pieces that were taken for a line, and where they are."""

    id: int
    pieces: Decimal
    at: datetime
    parcel: int | None = None
    back: datetime | None = None  # when they came back
    cause: str = ""
    announced: bool = False  # on a return order
    removed: bool = False  # came back and went to waste


class Line(msgspec.Struct, kw_only=True):
    """A line; `data` is what came with it."""

    id: int
    row: str
    article: Article
    ordered: Decimal
    data: Row
    items: list[Picked] = []

    @property
    def picked(self) -> Decimal:
        return sum((item.pieces for item in self.items), ZERO)

    @property
    def returned(self) -> Decimal:
        return sum((item.pieces for item in self.items if item.back), ZERO)

    @property
    def wants(self) -> Decimal:
        """Pieces still to be picked."""
        return max(ZERO, self.ordered - self.picked) if self.data.get("shouldBePicked", True) else ZERO


class Order(msgspec.Struct, kw_only=True):
    """An order. `data` is its head as it was sent."""

    id: int
    number: str
    data: Row
    status: int
    warehouse: int
    created: datetime
    updated: datetime
    status_at: datetime
    lines: list[Line] = []
    picked_at: datetime | None = None
    returned_at: datetime | None = None
    shipped_at: datetime | None = None
    parcels: list[Row] = []
    tracking: list[Row] = []
    back_order_for: int | None = None

    @property
    def begun(self) -> bool:
        """The warehouse works on it, or has."""
        return self.status >= ALLOCATED or any(line.items for line in self.lines)

    @property
    def finished(self) -> bool:
        return self.status >= SENT


class Desk(Shelves):
    """The orders. `first_status` is what new ones from the API get; `told` hears of every change of a status."""

    def __init__(self, now: Callable[[], datetime], first_status: int = OPEN) -> None:
        super().__init__(now)
        self.first_status = first_status
        self.statuses = dict(STATUSES)
        self.orders: dict[int, Order] = {}
        self.by_number: dict[str, Order] = {}
        self.told: Callable[[Order], None] = lambda order: None
        self._order_ids, self._line_ids, self._item_ids = (itertools.count(n) for n in (50161, 48838, 59289))
        self._parcel_ids, self._numbers = itertools.count(207), itertools.count(1)

    # ------------------------------------------------------------------------------------------------ by the API

    def order(self, name: int | str) -> Order:
        """An order by id or number; Refused with 404 when there is none."""
        found = self.orders.get(name) if isinstance(name, int) else self.by_number.get(name)
        if found is None:
            raise Refused(f"Could not find order {name}.", 404)
        return found

    def put_order(self, given: Row) -> Order:
        """Create or change by number, until the warehouse has begun."""
        number = str(given.get("orderNumber") or "").strip()
        for field in ("orderNumber", "deliveryDate", "consignee"):
            if not given.get(field):
                raise Refused(f"The {field} field is required.")
        self._check_transporter(given.get("transporter") or {})
        rows = given.get("orderLines") or []
        if len({row.get("rowNumber") for row in rows}) != len(rows):
            raise Refused("Row numbers must be unique.")
        articles = [self.article(str(row.get("articleNumber") or "")) for row in rows]
        now, order = self.now(), self.by_number.get(number)
        if order is not None and (order.begun or order.status == CANCELLED):
            raise Refused(f"Order {number} cannot be updated, since the warehouse has started working on it.")
        if order is None:
            order = Order(
                id=next(self._order_ids), number=number, data={}, status=self.first_status, created=now, updated=now,
                status_at=now, warehouse=int(given.get("warehouseId") or 1),
            )  # fmt: skip
            self.orders[order.id] = self.by_number[number] = order
        order.data = {name: value for name, value in given.items() if name != "orderLines"}
        known = {line.row: line for line in order.lines}
        lines = []
        for row, article in zip(rows, articles, strict=True):
            line = known.get(str(row["rowNumber"])) or self._line(str(row["rowNumber"]), article)
            line.article, line.data = article, row
            line.ordered = Decimal(row.get("numberOfItems") or 0)
            lines.append(line)
        order.lines = lines
        self._touched(order, order.lines)
        if order.created == now:
            self.told(order)
        return order

    def _line(self, row: str, article: Article) -> Line:
        return Line(id=next(self._line_ids), row=row, article=article, ordered=ZERO, data={})

    def _check_transporter(self, given: Row) -> None:
        code, service = given.get("transporterCode") or "", given.get("transporterServiceCode") or ""
        if not code and not service:
            return
        services = next((services for known, _, services in CONTRACTS if known == code), None)
        if services is None or (service and service not in {one for one, _ in services}):
            raise Refused(f"Could not find transporter contract with code '{code}' and service code '{service}'.")

    def set_status(self, order: Order, number: int) -> None:
        """A status set by the API: only while the warehouse has not begun."""
        if number not in self.statuses:
            raise Refused(f"There is no order status {number}.")
        if order.begun or number >= ALLOCATED or order.status == CANCELLED:
            raise Refused(f"The status of order {order.number} cannot be changed to {number}.")
        self._to(order, number)

    def cancel(self, order: Order) -> None:
        """Only before the warehouse has begun; a second time is refused too."""
        if order.begun:
            raise Refused(f"Order {order.number} cannot be cancelled, since the warehouse has started working on it.")
        self._to(order, CANCELLED)

    # ------------------------------------------------------------------------------------------------ by the people

    def release(self, order: Order) -> None:
        """Into the picking queue."""
        self.set_status(order, RELEASED)

    def start(self, order: Order) -> None:
        """Somebody takes the pick list: from now on the order is locked."""
        if order.status != RELEASED:
            raise Refused(f"Order {order.number} is not released.")
        self._to(order, ALLOCATED)

    def put_back(self, order: Order) -> None:
        """The warehouse lets go of an order again; what was picked goes back to the shelf."""
        for line in order.lines:
            if line.picked:
                self.move(line.article, order.warehouse, line.picked)
            line.items = []
        self._to(order, OPEN)

    def pick(self, order: Order, pieces: Mapping[str, Decimal] | None = None) -> None:
        """Take pieces from the shelf, by row (None = all that there are); picked whole, the order is ready to go."""
        if order.status == RELEASED:
            self.start(order)
        if order.status not in (ALLOCATED, PARTLY_SENT):
            raise Refused(f"Order {order.number} is not to be picked.")
        now = self.now()
        for line in order.lines:
            held = self.pieces[line.article.id, order.warehouse] - self.locked[line.article.id, order.warehouse]
            asked = min(line.wants, held) if pieces is None else Decimal(pieces.get(line.row, 0))
            if asked > line.wants:
                raise Refused(f"Row {line.row} wants only {line.wants}.")
            if asked > 0:
                self.move(line.article, order.warehouse, -asked)
                line.items.append(Picked(id=next(self._item_ids), pieces=asked, at=now))
                order.picked_at = now
        if not any(line.items for line in order.lines):
            raise Refused(f"There is nothing on the shelf for order {order.number}.")
        if order.status == ALLOCATED:
            self._to(order, PICKED)

    def ship(
        self, order: Order, rest: Literal["same", "back order", "dropped"] = "same", parcels: int = 1
    ) -> Order | None:
        """What is picked leaves in parcels under one waybill. A rest stays on the order, which is then partly sent,
        goes on a back order (which is given), or is dropped."""
        fresh = [item for line in order.lines for item in line.items if item.parcel is None]
        if not fresh or not PICKED <= order.status < SENT:
            raise Refused(f"Nothing of order {order.number} is picked.")
        now, n = self.now(), next(self._numbers)
        bill = {"waybill": f"SE{700000 + n}", "trackingUrl": f"https://sparning.example/SE{700000 + n}", "created": now}
        boxes: list[Row] = [
            {"id": next(self._parcel_ids), "parcelNumber": f"0037350{n:08d}{place:05d}", "isReturnParcel": False}
            for place in range(1, max(1, parcels) + 1)
        ]
        for place, item in enumerate(fresh):
            item.parcel = boxes[place % len(boxes)]["id"]
        order.parcels, order.tracking = [*order.parcels, *boxes], [*order.tracking, bill]
        wanting = [line for line in order.lines if line.wants]
        if wanting and rest == "same":
            self._to(order, PARTLY_SENT)
            return None
        order.shipped_at = now
        self._to(order, SENT)
        return self._back_order(order, wanting) if wanting and rest == "back order" else None

    def _back_order(self, order: Order, wanting: Iterable[Line]) -> Order:
        now = self.now()
        made = Order(
            id=next(self._order_ids), number=f"{order.number}-B", data=order.data, status=RELEASED, created=now,
            updated=now, status_at=now, warehouse=order.warehouse, back_order_for=order.id,
        )  # fmt: skip
        for line in wanting:
            rest = self._line(line.row, line.article)
            rest.ordered, rest.data = line.wants, line.data
            made.lines.append(rest)
        self.orders[made.id] = self.by_number[made.number] = made
        self.told(made)
        return made

    def collect(self, order: Order) -> None:
        """The transporter has fetched it."""
        if order.status != SENT:
            raise Refused(f"Order {order.number} is not sent.")
        self._to(order, COLLECTED)

    def give_back(
        self, order: Order, pieces: Mapping[str, Decimal], cause: str = "", *, restock: bool = True,
        announced: bool = False,
    ) -> None:  # fmt: skip
        """Goods of the order are back, by row; the buyer said why."""
        now = self.now()
        for line in order.lines:
            left = Decimal(pieces.get(line.row, 0))
            for item in [item for item in line.items if item.back is None and item.parcel]:
                if left <= 0:
                    break
                if item.pieces > left:
                    rest = msgspec.structs.replace(item, id=next(self._item_ids), pieces=item.pieces - left)
                    item.pieces = left
                    line.items.append(rest)
                item.back, item.cause, item.removed, item.announced = now, cause, not restock, announced
                left -= item.pieces
                if restock:
                    self.move(line.article, order.warehouse, item.pieces)
            if left > 0:
                raise Refused(f"Row {line.row} has not sent so many.")
        order.returned_at = order.updated = now

    def edit(
        self, order: Order, pieces: Mapping[str, Decimal] | None = None, add: Mapping[str, Decimal] | None = None
    ) -> None:
        """Somebody changes an open order here: rows to another number of pieces (0 = gone), articles that are added."""
        if order.begun or order.status == CANCELLED:
            raise Refused(f"Order {order.number} is locked.")
        touched = list(order.lines)
        for row, count in (pieces or {}).items():
            line = next((one for one in order.lines if one.row == row), None)
            if line is None:
                raise Refused(f"Order {order.number} has no row {row}.")
            line.ordered = Decimal(count)
        order.lines = [line for line in order.lines if line.ordered > 0]
        for number, count in (add or {}).items():
            line = self._line(f"N{next(self._numbers)}", self.article(number))
            line.ordered = Decimal(count)
            order.lines.append(line)
        self._touched(order, [*touched, *order.lines])

    def _touched(self, order: Order, lines: Iterable[Line]) -> None:
        """The order was changed, and with it what may be sold of its articles."""
        order.updated = self.now()
        for line in lines:
            line.article.moved = order.updated

    def _to(self, order: Order, status: int) -> None:
        if order.status != status:
            order.status, order.status_at = status, self.now()
            self._touched(order, order.lines)
            self.told(order)

    # ------------------------------------------------------------------------------------------------ figures

    def wanted(self) -> dict[tuple[int, int], Decimal]:
        """(article, warehouse) → pieces that unfinished orders still want."""
        found: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
        for order in self.orders.values():
            for line in order.lines if not order.finished else ():
                found[line.article.id, order.warehouse] += line.wants
        return found

    def pickability(self) -> dict[int, str]:
        """Line id → whether there is enough for it, of all unfinished orders, the oldest first."""
        total, used = self.wanted(), defaultdict(Decimal)  # type: ignore[var-annotated]
        found: dict[int, str] = {}
        for order in self.orders.values():
            for line in order.lines if not order.finished else ():
                place = (line.article.id, order.warehouse)
                held = self.pieces[place] - self.locked[place]
                used[place] += line.wants
                if not line.wants:
                    found[line.id] = "NothingToAllocate"
                elif line.wants > held:
                    found[line.id] = "NotOk"
                elif total[place] <= held:
                    found[line.id] = "Ok"
                else:
                    found[line.id] = "ByPriority" if used[place] <= held else "NotByPriority"
        return found

    def pickable(self, order: Order) -> bool:
        """Whether all of the order can be picked now."""
        said = self.pickability()
        return all(said[line.id] in ("Ok", "ByPriority", "NothingToAllocate") for line in order.lines)
