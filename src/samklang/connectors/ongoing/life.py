"""What becomes of an order in the warehouse: its status and lines, its edits, what was sent of it. Pure functions.

Ongoing sends an order in parts in two ways. The warehouse closes the order with what there was and makes a *back order*
of the rest, an order of its own that names the first: then each is a shipment of the first. Or the order stays open as
*partly sent* and is sent again: then a later shipment begins where picking went on after a waybill and a long pause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from samklang import records as r
from samklang.connectors.ongoing import shapes

ERROR, OPEN, RELEASED, PARTLY_SENT, SENT, CANCELLED = 150, 200, 300, 425, 450, 1000
#: What an order that cannot be picked for want of goods bears after its number: "Öppen-Restad" (O-03).
SHORT = " NotOk"
#: The statuses as they are delivered, and the "partly sent" that others have seen. An installation may renumber, rename
#: and add to them: a number that is not here says nothing until a person maps it. Nor does 150, "Error".
STATES: Mapping[int, r.Fulfilment] = {
    OPEN: "ready", RELEASED: "released", 320: "picking", 400: "picking", PARTLY_SENT: "partly_shipped",
    SENT: "shipped", 500: "shipped", 800: "returned",
}  # fmt: skip
_PAUSE = timedelta(hours=8)  # two shipments of one order lie further apart than the work on one
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Steps(NamedTuple):
    """From which status numbers on an order is locked, and gone; whether a rest that no back order holds will come."""

    locked: int = 320
    sent: int = SENT
    rest_comes: bool = True

    def gone(self, row: shapes.OrderRow) -> bool:
        """The order has left the warehouse, as far as it was picked."""
        return self.sent <= row.number < CANCELLED

    def open(self, row: shapes.OrderRow) -> bool:
        """The order may still be changed (O-05, O-06)."""
        return OPEN <= row.number < self.locked


class Family(NamedTuple):
    """An order and the back orders that were made of its rest, oldest first."""

    root: shapes.OrderRow
    rest: tuple[shapes.OrderRow, ...] = ()

    @property
    def members(self) -> tuple[shapes.OrderRow, ...]:
        return (self.root, *self.rest)


class Delivery(NamedTuple):
    """Pieces of an order that left together: line → pieces."""

    pieces: Mapping[str, Decimal]
    parcels: tuple[r.Parcel, ...]
    at: datetime | None


def short(row: shapes.OrderRow) -> bool:
    """Whether less was picked than ordered."""
    return any(line.picked < line.ordered for line in row.lines if line.should_be_picked)


# ------------------------------------------------------------------------------------------------------ status


def status(family: Family, lacking: Collection[tuple[int, str]], steps: Steps) -> r.OrderStatus:
    """Where the order stands. `lacking`: (order id, row) of lines for which there are not goods enough.

    A number that nobody knows is kept with empty axes and no lines: a person then says what it means.
    """
    root = family.root
    raw = " + ".join(str(row.number) for row in family.members)
    if all(row.number >= CANCELLED for row in family.members):
        return r.OrderStatus(order="", raw=raw, lifecycle="cancelled")
    if OPEN <= root.number < RELEASED and any(id_ == root.id for id_, _ in lacking):
        raw += SHORT
    if not family.rest and root.number not in STATES:
        return r.OrderStatus(order="", raw=raw)
    lines = tuple(_line_statuses(family, lacking, steps))
    fulfilment = _fulfilment(root, lines)
    return r.OrderStatus(order="", raw=raw, lifecycle="confirmed", fulfilment=fulfilment, lines=lines)


def _fulfilment(root: shapes.OrderRow, lines: Sequence[r.LineStatus]) -> r.Fulfilment:
    shipped, back = sum(line.shipped for line in lines), sum(line.returned for line in lines)
    said = STATES.get(root.number, "picking")
    if back or said == "returned":
        return "partly_returned" if back < shipped else "returned"
    if shipped:
        whole = all(line.shipped + line.cancelled >= line.ordered for line in lines)
        return "shipped" if whole else "partly_shipped"
    if said == "ready" and any(line.backordered for line in lines):
        return "waiting_stock"
    # Called sent while nothing was picked, or while its parcels do not count as gone yet: the goods are still here.
    return "picking" if said == "shipped" else said


def _line_statuses(family: Family, lacking: Collection[tuple[int, str]], steps: Steps) -> Iterator[r.LineStatus]:
    """The family's lines by row. What a back order holds is no longer a matter of the order that it was made of."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    names: dict[str, dict[str, str]] = {}
    for place, row in enumerate(family.members):
        later = {line.row for other in family.members[place + 1 :] for line in other.lines}
        sent: Mapping[str, Decimal] = _sum(delivery.pieces for delivery in deliveries(row, steps))
        for line in row.lines:
            if not line.should_be_picked:
                continue
            names.setdefault(line.row, {"sku": line.sku, "line_id": row.line_ids[line.row]})
            one = sums[line.row]
            left = sent.get(line.row, r.ZERO)
            rest = r.ZERO if line.row in later else max(r.ZERO, line.ordered - left)
            one["ordered"] += left + rest
            one["shipped"] += left
            one["returned"] += line.returned
            if row.number >= CANCELLED or (steps.gone(row) and not steps.rest_comes):
                one["cancelled"] += rest
            elif steps.gone(row) or (row.id, line.row) in lacking:
                one["backordered"] += rest
    for name, one in sums.items():
        yield r.LineStatus(**names[name], **one)  # type: ignore[arg-type]  # two tables of different values


def _sum(parts: Iterable[Mapping[str, Decimal]]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        for name, pieces in part.items():
            found[name] += pieces
    return found


def edit(row: shapes.OrderRow) -> r.OrderEdit:
    """The open order's lines as they are now; one that was added there has no line of the shop's."""
    lines = (
        r.EditLine(
            quantity=line.ordered, sku=r.sku(line.sku, "articleNumber"), line_id=row.line_ids[line.row],
            name=(line.article and line.article.article_name) or "",
        )
        for line in row.lines
    )  # fmt: skip
    return r.OrderEdit(order="", lines=tuple(lines))


# ------------------------------------------------------------------------------------------------------ shipments


def shipments(row: shapes.OrderRow, steps: Steps) -> Iterator[r.Shipment]:
    """What has left of this order, each delivery with its parcels (O-11)."""
    by, ids = row.transporter, row.line_ids
    codes = {line.row: line.sku for line in row.lines}
    for place, one in enumerate(deliveries(row, steps), start=1):
        lines = (r.ShipmentLine(quantity=n, line_id=ids[name], sku=codes[name]) for name, n in one.pieces.items() if n)
        yield r.Shipment(
            order="", number=f"{row.id}-{place}", state="handed_over", lines=tuple(lines), parcels=one.parcels,
            carrier_code=(by and by.code) or "", service_code=(by and by.service_code) or "", shipped_at=one.at,
            warehouse=str(row.head.warehouse.id) if row.head.warehouse else "",
        )  # fmt: skip


def deliveries(row: shapes.OrderRow, steps: Steps) -> list[Delivery]:
    """The deliveries of one order so far. While it is partly sent, pieces that no waybill covers are still here."""
    gone = steps.gone(row)
    if not gone and row.number != PARTLY_SENT:
        return []
    bills = sorted((bill.created, bill) for bill in row.tracking or () if bill.created)
    groups = _groups(row, [at for at, _ in bills])
    if not gone:
        groups = [group for group in groups if bills and _when(group[-1][1]) <= bills[-1][0]]
    elif not groups:  # what was picked is not told piece by piece
        pieces = {line.row: line.picked for line in row.lines if line.should_be_picked and line.picked}
        return [Delivery(pieces, _parcels(row, row.tracking or ()), row.head.shipped_time)] if pieces else []
    if len(groups) == 1:
        ends = [at for at, _ in bills if at >= _when(groups[0][-1][1])]
        at = row.head.shipped_time or (ends[0] if ends else None)
        return [Delivery(_pieces(groups[0]), _parcels(row, row.tracking or ()), at)]
    of_parcel = {item.parcel.id: n for n, group in enumerate(groups) for _, item in group if item.parcel}
    found = []
    for n, group in enumerate(groups):
        last = n == len(groups) - 1
        booked = [(at, bill) for at, bill in bills if at >= _when(group[-1][1])][: None if last else 1]
        others = {parcel.id for parcel in row.parcels or () if of_parcel.get(parcel.id, len(groups) - 1) != n}
        at = booked[0][0] if booked else row.head.shipped_time
        found.append(Delivery(_pieces(group), _parcels(row, [bill for _, bill in booked], others), at))
    return found


def _pieces(group: Sequence[tuple[shapes.Line, shapes.PickedItem]]) -> Mapping[str, Decimal]:
    return _sum({line.row: item.pieces} for line, item in group)


def _when(item: shapes.PickedItem) -> datetime:
    return item.packed_time or item.picked_time or _LONG_AGO


def _groups(row: shapes.OrderRow, booked: Sequence[datetime]) -> list[list[tuple[shapes.Line, shapes.PickedItem]]]:
    """Picked pieces in the order of picking; a new group begins after a waybill and a long pause."""
    picked = ((line, item) for line in row.lines if line.should_be_picked for item in line.items)
    groups: list[list[tuple[shapes.Line, shapes.PickedItem]]] = []
    for line, item in sorted(picked, key=lambda pair: _when(pair[1])):
        before, now = _when(groups[-1][-1][1]) if groups else _LONG_AGO, _when(item)
        if not groups or (now - before >= _PAUSE and any(before <= at < now for at in booked)):
            groups.append([])
        groups[-1].append((line, item))
    return groups


def _parcels(
    row: shapes.OrderRow, bills: Iterable[shapes.Waybill], others: Collection[int] = ()
) -> tuple[r.Parcel, ...]:
    """The order's parcels but `others` and returns; without any, the waybills stand for one each."""
    bills = list(bills)
    address = next((bill.tracking_url for bill in bills if bill.tracking_url), None) or ""
    found = [parcel for parcel in row.parcels or () if not parcel.is_return_parcel and parcel.id not in others]
    if found:
        return tuple(_parcel(one, address) for one in found)
    numbers = [bill.waybill for bill in bills if bill.waybill] or [row.head.way_bill or ""]
    return tuple(r.Parcel(tracking_no=number, tracking_url=address) for number in numbers if number)


def _parcel(row: shapes.ParcelRow, address: str) -> r.Parcel:
    weight = row.advanced and row.advanced.weight
    own = (row.tracking and row.tracking.tracking_url) or ""
    return r.Parcel(
        tracking_no=row.parcel_number or "", tracking_url=own or address,
        weight_g=r.grams(weight, "kg") if weight else None,
    )  # fmt: skip
