"""Goods that come back, as Ongoing tells them in three places (O-17). Pure functions.

A *return order* was announced. Goods may also come back unannounced and are then booked on the order's own lines. And a
warehouse may receive them as a purchase order that is marked as a return, with the order's number as its reference.

A return is a fact with a number of its own, for money may be paid back on it once. So pieces that are booked one after
the other are one return, which is told only when half an hour has passed since the last of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple, cast, get_args

from samklang import records as r
from samklang.connectors.errors import Misconfigured
from samklang.connectors.ongoing import shapes

QUIET = timedelta(minutes=30)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_INBOUND_DONE = 400  # Deflection, Received
Reason = Literal["regret", "complaint", "uncollected", "wrong", ""]

#: Names of causes as warehouses call them. The list of causes is the goods owner's own: the setting `return_causes`
#: says what others mean.
_REASONS: Mapping[str, Reason] = {
    "ånger": "regret", "ångerrätt": "regret", "ångerköp": "regret", "ångrat köp": "regret", "regret": "regret",
    "reklamation": "complaint", "complaint": "complaint", "ej uthämtad": "uncollected", "outlöst": "uncollected",
    "ej uthämtat": "uncollected", "uncollected": "uncollected", "not collected": "uncollected",
    "fel vara": "wrong", "felleverans": "wrong", "wrong item": "wrong",
}  # fmt: skip


class Causes:
    """What a cause means: by the setting (`code=reason`, with commas), else by its name."""

    def __init__(self, text: str) -> None:
        """Misconfigured names a reason that is none."""
        self._own: dict[str, Reason] = {}
        for part in text.split(","):
            code, _, reason = (word.strip().casefold() for word in part.partition("="))
            if code and reason not in get_args(Reason):
                what = f"{part.strip()!r}: a reason is one of regret, complaint, uncollected, wrong"
                raise Misconfigured(f"The setting return_causes is wrong: {what}")
            self._own |= {code: cast(Reason, reason)} if code else {}

    def __call__(self, cause: shapes.Named | None) -> Reason:
        words = [(word or "").strip().casefold() for word in (cause and cause.code, cause and cause.name)]
        known = (table[word] for table in (self._own, _REASONS) for word in words if word in table)
        return next(known, "")


class _Back(NamedTuple):
    """Pieces that came back at one moment."""

    at: datetime
    row: str
    sku: str
    pieces: Decimal
    cause: shapes.Named | None
    restock: bool = True
    said: str = ""


def announced(row: shapes.ReturnOrder, causes: Causes, now: datetime) -> Iterator[r.Return]:
    """A return order: what is expected, then what came, a further return for what came later or for another reason."""
    back = [
        _Back(
            item.return_time or _LONG_AGO, line.row, line.sku, item.pieces, item.return_cause or line.return_cause,
            not item.removed, item.return_comment or "",
        )
        for line in row.lines
        for item in line.returned_article_items or ()
    ]  # fmt: skip
    parts = _batches(back, causes, now)
    if not parts:
        yield r.Return(
            order="", number=row.head.number, note=row.head.comment or "",
            reason=next((found for line in row.lines if (found := causes(line.return_cause))), ""),
            lines=tuple(
                r.ReturnLine(quantity=line.announced, sku=r.sku(line.sku, "articleNumber"), line_id=line.row)
                for line in row.lines if line.announced > 0
            ),
        )  # fmt: skip
    whole = sum((one.pieces for one in back), r.ZERO) >= sum((line.announced for line in row.lines), r.ZERO)
    for place, part in enumerate(parts):
        done = whole and place == len(parts) - 1
        yield _return(row.head.number if not place else f"{row.head.number}-{place + 1}", part, causes, done=done)


def unannounced(
    row: shapes.OrderRow, orders: Iterable[shapes.ReturnOrder], causes: Causes, now: datetime
) -> Iterator[r.Return]:
    """What came back on the order's own lines beyond its return orders."""
    covered: dict[str, Decimal] = defaultdict(Decimal)
    times: set[datetime | None] = set()
    for order in orders:
        for line in order.lines:
            for item in line.returned_article_items or ():
                covered[line.row] += item.pieces
                times.add(item.return_time)
    back = []
    for own in row.lines:
        items = [item for item in own.items if item.is_returned]
        for one in sorted(items, key=lambda one: (one.return_date not in times, one.return_date or _LONG_AGO)):
            taken = min(one.pieces, covered[own.row])
            covered[own.row] -= taken
            if left := one.pieces - taken:
                back.append(_Back(one.return_date or _LONG_AGO, own.row, own.sku, left, one.return_cause))
    for place, part in enumerate(_batches(back, causes, now), start=1):
        yield _return(f"{row.head.order_number}-R{place}", part, causes, done=True)


def inbound(row: shapes.PurchaseOrder, order: shapes.OrderRow) -> r.Return:
    """Goods of this order that the warehouse takes in as a delivery marked as a return: the buyer regretted (O-17)."""
    came = row.head.status.number >= _INBOUND_DONE
    rows: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for line in order.lines:
        rows[r.sku_key(line.sku)].append((line.row, line.picked))
    found = []
    for back in row.lines:
        left = back.received if came else back.advised
        for name, sold in rows.get(r.sku_key(back.sku), [("", left)]):
            if pieces := min(left, sold):
                found.append(r.ReturnLine(quantity=pieces, sku=r.sku(back.sku, "articleNumber"), line_id=name))
                left -= pieces
        if left > 0:  # more than was sold: a line that names no line of the order
            found.append(r.ReturnLine(quantity=left, sku=r.sku(back.sku, "articleNumber")))
    times = [item.in_date for line in row.lines for item in line.article_items or () if item.in_date]
    return r.Return(
        order="", number=row.head.number, reason="regret", state="closed" if came else "announced",
        lines=tuple(found), received_at=max(times, default=None) if came else None,
    )  # fmt: skip


def _batches(back: Sequence[_Back], causes: Causes, now: datetime) -> list[list[_Back]]:
    """What came back at one time for one reason, as far as it is surely complete."""
    groups: list[list[_Back]] = []
    for one in sorted(back, key=lambda one: one.at):
        if not groups or one.at - groups[-1][-1].at > QUIET:
            groups.append([])
        groups[-1].append(one)
    done = [group for group in groups if now - group[-1].at >= QUIET]
    found = []
    for group in done:
        by_reason: dict[str, list[_Back]] = defaultdict(list)
        for one in group:
            by_reason[causes(one.cause)].append(one)
        found += [by_reason[reason] for reason in sorted(by_reason)]
    return found


def _return(number: str, part: Sequence[_Back], causes: Causes, *, done: bool) -> r.Return:
    pieces: dict[tuple[str, str, bool], Decimal] = defaultdict(Decimal)
    for one in part:
        pieces[one.row, one.sku, one.restock] += one.pieces
    words = [text for one in part for text in (one.cause and one.cause.name, one.said) if text]
    last = part[-1].at
    return r.Return(
        order="", number=number, reason=causes(part[0].cause), state="closed" if done else "received",
        lines=tuple(
            r.ReturnLine(quantity=n, sku=r.sku(code, "articleNumber"), line_id=row, restock=restock)
            for (row, code, restock), n in pieces.items()
        ),
        received_at=last if last != _LONG_AGO else None, note=", ".join(dict.fromkeys(words)),
    )  # fmt: skip
