"""The limiter: no window ever holds more starts than the vendor allows, whoever waits, and the urgent go first."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.connectors.limiter import Limiter, priority


class Clock:
    """A clock that only moves when the limiter waits, or when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limiter_on(clock: Clock, calls: int, window: float, concurrent: int = 4) -> Limiter:
    limiter = Limiter(calls, window, concurrent, clock)

    def wait(seconds: float | None = None) -> bool:
        assert seconds is not None, "waits for somebody who will never come"
        clock.now += seconds
        return True

    limiter._changed.wait = wait  # time passes by waiting
    return limiter


@given(
    calls=st.integers(1, 8),
    window=st.floats(0.1, 10),
    pauses=st.lists(st.floats(0, 3), min_size=30, max_size=60),
)
def test_no_window_holds_more_starts_than_allowed(calls: int, window: float, pauses: list[float]) -> None:
    clock = Clock()
    limiter = limiter_on(clock, calls, window)
    starts = []
    for pause in pauses:
        clock.now += pause if pause > 1 else 0
        with limiter.turn():
            starts.append(clock.now)
    for n, start in enumerate(starts):
        assert sum(start <= other <= start + window for other in starts[n:]) <= calls


def test_calls_go_at_once_while_the_window_has_room() -> None:
    clock = Clock()
    limiter = limiter_on(clock, 25, 5.0)
    for _ in range(25):
        with limiter.turn():
            pass
    assert clock.now == 1000
    assert limiter.waited == 0
    with limiter.turn():
        pass
    assert 1005 < clock.now < 1005.2
    assert limiter.waited == pytest.approx(5.1)


def test_without_a_limit_nobody_waits() -> None:
    clock = Clock()
    limiter = limiter_on(clock, 0, 1.0)
    for _ in range(1000):
        with limiter.turn():
            pass
    assert clock.now == 1000


def test_a_pause_holds_the_next_call_back_and_the_longest_counts() -> None:
    clock = Clock()
    limiter = limiter_on(clock, 0, 1.0)
    limiter.pause(7)
    limiter.pause(2)
    with limiter.turn():
        assert clock.now == 1007
    with limiter.turn():
        assert clock.now == 1007


def test_threads_together_keep_the_window() -> None:
    class Kept(deque[float]):
        """Starts, none forgotten."""

        def append(self, value: float) -> None:
            starts.append(value)
            super().append(value)

    starts: list[float] = []
    limiter = Limiter(5, 0.05, 3)
    limiter._starts = Kept(maxlen=5)
    running, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        for _ in range(8):
            with limiter.turn():
                with lock:
                    running += 1
                    most = max(most, running)
                time.sleep(0.001)
                with lock:
                    running -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(starts) == 40
    assert starts == sorted(starts)
    assert all(later - earlier > 0.05 for earlier, later in zip(starts, starts[5:], strict=False))
    assert most <= 3


@contextlib.contextmanager
def queue(limiter: Limiter, urgency: list[int], served: list[int]) -> Iterator[None]:
    """Threads that wait in line, one per urgency, in this order; `served` gets the urgencies as their turn comes."""
    threads = []
    for urgent in urgency:

        def run(urgent: int = urgent) -> None:
            priority.set(urgent)
            with limiter.turn():
                served.append(urgent)

        threads.append(threading.Thread(target=copy_context().run, args=(run,)))
        threads[-1].start()
        _until(lambda: len(limiter._queue) == len(threads))
    yield
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_orders_overtake_the_catalogue() -> None:
    served: list[int] = []
    limiter = Limiter(0, 1.0, 1)
    turn = limiter.turn()
    turn.__enter__()
    with queue(limiter, [3, 3, 2, 0, 1, 0], served):
        turn.__exit__(None, None, None)
    assert served == [0, 0, 1, 2, 3, 3]


def test_who_gives_up_waiting_leaves_the_line() -> None:
    limiter = limiter_on(Clock(), 1, 1.0)
    with limiter.turn():
        pass

    def interrupted(_seconds: float | None = None) -> bool:
        raise KeyboardInterrupt

    waiting, limiter._changed.wait = limiter._changed.wait, interrupted
    with pytest.raises(KeyboardInterrupt), limiter.turn():
        pass
    limiter._changed.wait = waiting
    assert limiter._queue == []
    with limiter.turn():
        pass


def test_a_call_that_fails_gives_its_place_back() -> None:
    limiter = Limiter(0, 1.0, 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), limiter.turn():
            raise ValueError("no")
    with limiter.turn():
        assert limiter._running == 1
    assert limiter._running == 0
