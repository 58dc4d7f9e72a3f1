"""The embedded engine: wake-ups coalesce, lanes do not wait for each other, a defect in one job stops nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from samklang.engine.embedded import Embedded
from samklang.engine.port import Engine, Job


@pytest.fixture
def ran() -> list[Job]:
    return []


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


@pytest.fixture
def engine(ran: list[Job], gate: threading.Event) -> Iterator[Embedded]:
    def perform(job: Job, engine: Engine) -> None:
        ran.append(job)
        if job.what == "slow":
            gate.wait(10)
        if job.what == "broken":
            raise ValueError("a defect")

    engine = Embedded(perform)
    engine.start()
    yield engine
    gate.set()
    assert engine.stop(10)


def test_a_job_asked_for_while_it_runs_runs_once_more(engine: Embedded, ran: list[Job], gate: threading.Event) -> None:
    slow = Job("deliver", 1, "slow", 0)
    engine.wake(slow)
    while not ran:
        pass
    for _ in range(5):
        engine.wake(slow)
    gate.set()
    assert engine.wait_until_idle(10)
    assert ran == [slow, slow]


def test_a_slow_lane_delays_no_other_lane_and_no_other_connection(
    engine: Embedded, ran: list[Job], gate: threading.Event
) -> None:
    catalogue = Job("read", 1, "slow", 3)
    engine.wake(catalogue)
    others = [Job("deliver", 1, "order", 0), Job("read", 2, "catalogue", 3)]
    for job in others:
        engine.wake(job)
    while len(ran) < 3 or len(running := [s.job for s in engine.jobs() if s.state == "running"]) > 1:
        pass
    assert set(others) < set(ran)
    assert running == [catalogue]


def test_one_job_at_a_time_per_connection_and_lane(engine: Embedded, ran: list[Job], gate: threading.Event) -> None:
    engine.wake(Job("read", 1, "slow", 3))
    engine.wake(Job("read", 1, "other", 3))
    while not ran:
        pass
    assert [state.state for state in engine.jobs()].count("running") == 1
    gate.set()
    assert engine.wait_until_idle(10)
    assert len(ran) == 2


def test_a_defect_is_kept_and_can_be_retried(engine: Embedded, ran: list[Job]) -> None:
    broken = Job("read", 1, "broken", 3)
    engine.wake(broken)
    engine.wake(Job("read", 2, "fine", 3))
    assert engine.wait_until_idle(10)
    failed = [state for state in engine.jobs() if state.state == "failed"]
    assert [(state.job, state.error) for state in failed] == [(broken, "ValueError: a defect")]
    engine.retry(broken)
    assert engine.wait_until_idle(10)
    assert ran.count(broken) == 2


def test_a_waiting_job_can_be_cancelled_and_a_running_one_not(
    engine: Embedded, ran: list[Job], gate: threading.Event
) -> None:
    later = Job("read", 1, "later", 3)
    engine.wake(later, delay=60)
    assert engine.cancel(later)
    slow = Job("read", 1, "slow", 3)
    engine.wake(slow)
    while not ran:
        pass
    assert not engine.cancel(slow)


def test_a_schedule_comes_again(engine: Embedded, ran: list[Job]) -> None:
    engine.every(0.01, Job("tick", 0, "", 0))
    while len(ran) < 3:
        pass
