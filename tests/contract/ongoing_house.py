"""An Ongoing warehouse on the network with a connector to it; every request and answer is held against the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Bad, Done, Exchange, Gone, Item, Result, Surroundings, Want
from samklang.connectors.errors import SamklangError
from samklang.connectors.ongoing import Ongoing
from samklang.records import Order, OrderLine, OrderStatus, Record, Release, Shipment
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.ongoing import OngoingSandbox
from tests.contract.openapi import Checked, Document

NOON = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)


class House:
    """Both sides share a clock (`at`)."""

    def __init__(self, document: Document | None) -> None:
        self.at = NOON
        self.box = OngoingSandbox(30, now=lambda: self.at)
        self.checked = Checked(self.box.app, document) if document else None
        self.faulty = Faulty(self.checked or self.box.app)
        self.exchanges: list[Exchange] = []
        self.base = ""
        self.numbers = [row.number for row in self.box.house.articles.values()]
        for number in self.numbers:
            self.box.count(number, 10)

    def connect(self, **more: object) -> Ongoing:
        """A connector with these settings besides the usual ones."""
        given = {one.name: one.default for one in Ongoing.manifest.settings if one.default is not None}
        box = self.box
        usual = {
            "address": f"{self.base}/{box.system}", "user": box.user, "password": box.password,
            "goods_owner": box.goods_owner, "connection": "lager",
        }  # fmt: skip
        around = Surroundings(
            capture=self.exchanges.append, tokens=MemoryTokens(), now=lambda: self.at.timestamp(),
            allow_private=lambda _: True, sleep=lambda _: None,
        )  # fmt: skip
        return Ongoing({**given, **usual, **more}, around)

    def later(self, **more: float) -> None:
        """Time goes by."""
        self.at += timedelta(**more)

    # ------------------------------------------------------------------------------------------------ reading

    def items(self, feed: str, since: datetime | None = None, connector: Ongoing | None = None) -> list[Any]:
        """All items of a feed."""
        types = frozenset(next(one.types for one in Ongoing.manifest.feeds if one.name == feed))
        with closing(connector or self.connect()) as system:
            return [item for page in system.read(feed, since, types) for item in page.items]

    def read(self, feed: str, since: datetime | None = None, connector: Ongoing | None = None) -> list[Any]:
        """The records of a feed, none of which may be bad."""
        found = self.items(feed, since, connector)
        assert not [item for item in found if isinstance(item, Bad | Gone)]
        return [item.record for item in found]

    def of(self, number: str, kind: type[Any], connector: Ongoing | None = None) -> list[Any]:
        """Records of this kind that hang on the order with this number."""
        parent = str(self.box.house.order(number).id)
        found = self.items("orders", connector=connector)
        return [i.record for i in found if isinstance(i, Item) and i.parent == parent and isinstance(i.record, kind)]

    def status(self, number: str, connector: Ongoing | None = None) -> OrderStatus:
        """What is read of the order's status."""
        (found,) = self.of(number, OrderStatus, connector)
        assert isinstance(found, OrderStatus)
        return found

    def shipments(self, number: str, connector: Ongoing | None = None) -> list[Shipment]:
        """What is read of its shipments."""
        return self.of(number, Shipment, connector)

    # ------------------------------------------------------------------------------------------------ writing

    def ids(self, record: Record) -> dict[tuple[str, str], str]:
        """What the hub would know of the things that the record needs."""
        numbers = {("variant", number.lower()): number for number in self.box.house.articles}
        orders = {
            ("order", str(row.data.get("goodsOwnerOrderId"))): str(row.id) for row in self.box.house.orders.values()
        }
        return {name: (numbers | orders)[name] for name in record.needs() if name in numbers | orders}

    def write(self, record: Record, external_id: str = "", connector: Ongoing | None = None, **more: Any) -> Result:
        """One write; an order that has been bound is given its id."""
        bound = external_id or self.ids(Release(order=record.key, at=NOON)).get(("order", record.key), "")
        want = Want(
            key=record.key, record=record, reference=record.key, external_id="" if more.pop("new", False) else bound,
            **{"ids": self.ids(record), **more},
        )  # fmt: skip
        with closing(connector or self.connect()) as system:
            (result,) = system.write(record.type, [want])
        return result

    def done(self, record: Record, **more: Any) -> Done:
        """One write that is taken."""
        result = self.write(record, **more)
        assert isinstance(result, Done), result
        return result

    def refused(self, kind: type[SamklangError], record: Record, **more: Any) -> SamklangError:
        """One write that is refused in this way."""
        result = self.write(record, **more)
        assert isinstance(result, kind), result
        return result

    def sent(self, *methods: str) -> list[Exchange]:
        """Calls of these methods so far."""
        return [one for one in self.exchanges if one.method in methods]


@contextmanager
def opened(document: Document | None) -> Iterator[House]:
    """A house on the network. Fails at the end when anything departed from the document."""
    house = House(document)
    with serve(house.faulty) as house.base:
        yield house
    assert not house.checked or not house.checked.found, house.checked.found[:5]


def line(line_id: str, sku: str, pieces: int = 1, **more: Any) -> OrderLine:
    """A line of so many pieces at 125 kr with VAT."""
    gross = Decimal(125) * pieces
    return OrderLine(
        line_id=line_id, sku=sku, name=f"Vara {sku}", quantity=Decimal(pieces), unit_price=Decimal(125),
        net=gross * 4 / 5, tax=gross / 5, gross=gross, tax_percent=Decimal(25), **more,
    )  # fmt: skip


def order(number: str, lines: Sequence[OrderLine], **more: Any) -> Order:
    """An order of these lines with a carrier."""
    usual = specimens.to_warehouse(specimens.order(1), "SBTL", "BPA")
    gross = sum((one.gross for one in lines), Decimal(0))
    changed = {
        "order_no": number, "channel": "nordljus", "lines": tuple(lines), "charges": (), "taxes": (), "gross": gross,
        "net": gross * 4 / 5, "tax": gross / 5, "placed_at": NOON,
    }  # fmt: skip
    return msgspec.structs.replace(usual, **{**changed, **more})
