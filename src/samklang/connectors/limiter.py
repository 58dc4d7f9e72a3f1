"""One limiter per connection: a sliding window of calls, a number at once, and who goes first when there is a queue."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol

#: Order of lanes when calls queue at one connection: 0 orders, 1 stock, 2 prices, 3 catalogue.
priority: ContextVar[int] = ContextVar("priority", default=2)


class Pace(Protocol):
    """Keeps the limits together with other processes that call the same system."""

    def start(self, calls: int, window: float) -> float:
        """0 when a call may start now, which is then counted; else the seconds until one may."""

    def pause(self, seconds: float) -> None:
        """No call starts for so long, in any process."""


class Limiter:
    """At most `calls` starts in any window of `per_seconds` (0 = no limit) and `concurrent` at once.

    Waiting calls go by priority, then in turn. `pause` holds everybody back (Retry-After of a 429).
    """

    def __init__(
        self,
        calls: int,
        per_seconds: float,
        concurrent: int,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        self._calls = calls
        # A hair longer than the vendor's window: its clock and the network's jitter are not ours.
        self._window = per_seconds * 1.02
        self._concurrent = max(1, concurrent)
        self._clock = clock
        self._pace = pace
        self._starts: deque[float] = deque(maxlen=calls or 1)
        self._running = 0
        self._not_before = 0.0
        self._queue: list[tuple[int, int]] = []
        self._turns = itertools.count()
        self._changed = threading.Condition()
        self.waited = 0.0  # seconds spent waiting, for reports

    def pause(self, seconds: float) -> None:
        """No call starts for so long."""
        if self._pace:
            self._pace.pause(seconds)
        with self._changed:
            self._not_before = max(self._not_before, self._clock() + seconds)
            self._changed.notify_all()

    def _free_in(self) -> float:
        now = self._clock()
        wait = self._not_before - now
        if self._calls and len(self._starts) == self._calls:
            wait = max(wait, self._starts[0] + self._window - now)
        return wait

    @contextlib.contextmanager
    def turn(self) -> Iterator[float]:
        """Wait for a place, hold it while the call runs; gives the seconds waited."""
        ticket = (priority.get(), next(self._turns))
        with self._changed:
            heapq.heappush(self._queue, ticket)
            began = self._clock()
            try:
                while True:
                    if self._queue[0] == ticket and self._running < self._concurrent:
                        wait = self._free_in()
                        if wait <= 0 and self._pace and self._calls:
                            wait = self._pace.start(self._calls, self._window)
                        if wait <= 0:
                            break
                        self._changed.wait(wait)
                    else:
                        self._changed.wait()
            except BaseException:
                self._queue.remove(ticket)
                heapq.heapify(self._queue)
                self._changed.notify_all()
                raise
            heapq.heappop(self._queue)
            now = self._clock()
            waited = now - began
            self.waited += waited
            self._starts.append(now)
            self._running += 1
            self._changed.notify_all()
        try:
            yield waited
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
