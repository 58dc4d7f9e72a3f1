"""The sandboxes as stands: what `samklang connector check` and the contract suite try connectors on.

The stand of a system is the `STAND` of sandboxes/<name>/stand.py; here is what they share.

with open_stand("woocommerce") as stand:
    run_checks(connector_class("woocommerce"), stand)
"""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samklang.connectors.checks.stand import FaultKind, Specimen, Stand
from samklang.records import Record
from samklang.records.ids import sku_key
from samklang.sandboxes.base import Fault, Faulty, serve


class Seen(msgspec.Struct):
    """One request as it reached the system."""

    method: str
    path: str
    query: str
    body: bytes


#: Compares a request with the vendor's document; gives what departs from it.
Judge = Callable[[Seen], Sequence[str]]


class Watched:
    """ASGI wrapper that keeps every request with its body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        one = Seen(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), b"")
        self.seen.append(one)

        async def watched() -> Message:
            message = await receive()
            one.body += message.get("body", b"")
            return message

        await self.app(scope, watched, send)


class FaultyStand(Stand):
    """A stand behind `Faulty`. `maps`: fields of its answers that hold data by names of their own."""

    maps: tuple[str, ...] = ()

    def __init__(self, app: ASGIApp, judge: Judge | None = None) -> None:
        self.watched = Watched(app)
        self.faulty = Faulty(self.watched)
        self.base = ""  # known once it is served
        self._judge = judge

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve the system, so that `base` is its address."""
        with serve(self.faulty) as self.base:
            yield

    def fault(
        self, kind: FaultKind, *, after: int = 0, times: int | None = None, method: str = "", seconds: float = 1.0
    ) -> None:
        fault = Fault(kind, after=after, times=times, method=method, seconds=seconds, maps=self.maps)
        self.faulty.faults = [fault]

    def no_faults(self) -> None:
        self.faulty.faults = []

    def requests(self) -> int:
        return sum(self.faulty.counts.values())

    def complaints(self) -> Sequence[str] | None:
        if self._judge is None:
            return None
        return [said for one in self.watched.seen for said in self._judge(one)]


class StatingStand(FaultyStand):
    """A stand of a system that only gives statements: nothing can be written to it, so there is nothing to compare."""

    def held(self, type_: str) -> set[str] | None:
        return None

    def count(self, record: Record) -> int:
        return 0

    def specimen(self, type_: str, n: int) -> Specimen | None:
        return None


class Clock:
    """The system's clock: the real one, unless a stand sets it."""

    def __init__(self) -> None:
        self.at: datetime | None = None

    def seconds(self) -> float:
        """Seconds since the epoch."""
        return self.at.timestamp() if self.at else time.time()

    def instant(self) -> datetime:
        """Now in UTC."""
        return self.at or datetime.now(UTC)


def price_key(sku: str) -> str:
    """The key of an article's ordinary price in SEK."""
    return f"{sku_key(sku)}||SEK|1"


#: Systems that have a sandbox to try their connector on.
STANDS: tuple[str, ...] = tuple(sorted(file.parent.name for file in Path(__file__).parent.glob("*/stand.py")))


@contextlib.contextmanager
def open_stand(name: str, judge: Judge | None = None) -> Iterator[FaultyStand]:
    """The stand of a system with a sandbox, running; KeyError for others.

    `judge` compares each request with the vendor's document, where that is at hand.
    """
    if name not in STANDS:
        raise KeyError(name)
    stand: FaultyStand = importlib.import_module(f"{__package__}.{name}.stand").STAND(judge)
    with stand.running():
        yield stand
