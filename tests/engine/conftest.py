"""Both engines behind the one port, for the same tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samklang.engine.port import Engine, Job
from tests.conftest import HOMES


class Rig:
    """An engine that runs jobs of ours: a job whose `what` is "slow" waits for `gate`, one that is "broken" fails."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ran: list[Job] = []
        self.gate = threading.Event()
        self.most: dict[tuple[int, int], int] = {}  # most jobs at once, by connection and lane
        self._now: dict[tuple[int, int], int] = {}
        self._lock = threading.Lock()

    def perform(self, job: Job, engine: Engine) -> None:
        lane = job.connection, job.lane
        with self._lock:
            self.ran.append(job)
            self._now[lane] = self._now.get(lane, 0) + 1
            self.most[lane] = max(self.most.get(lane, 0), self._now[lane])
        try:
            if job.what == "slow" and not self.gate.wait(30):
                raise TimeoutError("the gate stayed shut")
            if job.what == "broken":
                raise ValueError("a defect")
        finally:
            with self._lock:
                self._now[lane] -= 1

    def states(self, state: str) -> list[Job]:
        return [found.job for found in self.engine.jobs() if found.state == state]


def until(what: Callable[[], object], patience: float = 20.0) -> None:
    """Wait until it is true; fails when it does not become so."""
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def rig(home: str, database: Path) -> Iterator[Rig]:
    """A running engine: embedded on SQLite, Procrastinate's queue with a worker on PostgreSQL."""
    from samklang.engine.embedded import Embedded
    from samklang.engine.queue import Queue
    from samklang.engine.worker import Worker

    rig: Rig
    if home == "sqlite":
        embedded = Embedded(lambda job, engine: rig.perform(job, engine), places=8)
        rig = Rig(embedded)
        embedded.start()
        yield rig
        rig.gate.set()
        assert embedded.stop()
        return
    worker = Worker(lambda job, engine: rig.perform(job, engine), places=8)
    rig = Rig(Queue())
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert worker.ready.wait(20)
    yield rig
    rig.gate.set()
    worker.stop()
    thread.join(30)
    assert not thread.is_alive()
