"""What the tests of all transport systems share: orders to a carrier, and a connector to write them with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import msgspec

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Done, Exchange, Item, Match, Surroundings, Want
from samklang.connectors.errors import SamklangError
from samklang.connectors.kit.system import System
from samklang.records import Address, Order
from samklang.sandboxes.base import Faulty, serve
from tests.contract.openapi import Checked

KEY = "provbutik/100001"
S = TypeVar("S")


def order(carrier: str = "PLAB", service: str = "P19", **more: Any) -> Order:
    """Order 100001 for this carrier; `more` replaces fields."""
    return msgspec.structs.replace(specimens.to_warehouse(specimens.order(1), carrier, service), **more)


def moved(record: Order, street: str = "Storgatan 9") -> Order:
    """The same order to another street."""
    to = msgspec.structs.replace(record.shipping, lines=(street,))
    return msgspec.structs.replace(record, shipping=to)


def nowhere(record: Order) -> Order:
    """The same order without a postal code."""
    to = Address(name="Åsa", lines=("Provgatan 1",), city="Göteborg", country="SE")
    return msgspec.structs.replace(record, shipping=to)


class Desk(Generic[S]):
    """A stand-in on the network and a connector to it. `external_id` is what the hub has bound order 100001 to."""

    def __init__(
        self, cls: type[System], sandbox: S, settings: Mapping[str, Any], faulty: Faulty | None = None
    ) -> None:
        self.sandbox, self.faulty, self.settings = sandbox, faulty or Faulty(_nothing), settings
        self.exchanges: list[Exchange] = []
        self._cls = cls
        self.connector = self.connect()
        self.external_id = ""

    def connect(self, **more: object) -> System:
        facts = self._cls.manifest.settings
        given = {setting.name: setting.default for setting in facts if setting.default is not None}
        around = Surroundings(
            capture=self.exchanges.append,
            tokens=MemoryTokens(),
            now=time.time,
            allow_private=lambda _: True,
            sleep=lambda _: None,
        )
        return self._cls({**given, "connection": "frakt", **self.settings, **more}, around)

    def want(self, record: Order) -> Want:
        return Want(key=record.key, record=record, reference=record.key, external_id=self.external_id)

    def write(self, record: Order) -> Done | SamklangError:
        try:
            (result,) = self.connector.write("order", [self.want(record)])
        except SamklangError as error:
            return error
        if isinstance(result, Done):
            self.external_id = result.external_id
        return result

    def find(self, record: Order) -> list[Match]:
        (found,) = self.connector.find("order", [self.want(record)], ())
        return found

    def shipments(self) -> list[Item]:
        """What the feed gives, without what is gone."""
        pages = self.connector.read("shipments", None, frozenset({"shipment"}))
        return [item for page in pages for item in page.items if isinstance(item, Item)]


async def _nothing(*_: object) -> None:
    raise RuntimeError("there is no network here")


@contextmanager
def at(cls: type[System], sandbox: Any, settings: Mapping[str, Any], document: Any) -> Iterator[Desk[Any]]:
    """A desk; every request and answer is checked against the vendor's document. A setting `address` is put behind the
    stand-in's own."""
    checked = Checked(sandbox.app, document)
    faulty = Faulty(checked)
    with serve(faulty) as base:
        desk = Desk[Any](cls, sandbox, {**settings, "address": base + str(settings.get("address", ""))}, faulty)
        yield desk
        desk.connector.close()
    assert checked.found == []


def refused(result: object, kind: type[SamklangError]) -> str:
    """What the error says; it must tell where, and what to do."""
    assert isinstance(result, kind), result
    assert len(result.do_this) > 20 and result.where
    return result.what
