"""What every engine behind the port does: these tests run on the embedded one and on Procrastinate's queue."""

from __future__ import annotations

import time

from prometheus_client import REGISTRY

from samklang.engine.port import Job, share
from tests.engine.conftest import Rig, until


def test_a_job_that_waits_is_one_job_and_the_earliest_wish_counts(rig: Rig) -> None:
    job = Job("deliver", 1, "order", 0)
    rig.engine.wake(job, delay=60)
    rig.engine.wake(job, delay=30)
    assert rig.states("waiting") == [job]
    rig.engine.wake(job, delay=90)
    (state,) = rig.engine.jobs()
    assert 25 < state.due_in <= 30
    rig.engine.wake(job)
    until(lambda: rig.ran == [job])
    until(lambda: not rig.engine.jobs())


def test_a_job_is_counted_and_how_late_it_began(rig: Rig) -> None:
    def told(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    counts = (
        ("samklang_jobs_total", {"task": "sweep", "result": "ok"}),
        ("samklang_job_lag_seconds_count", {"lane": "2"}),
    )
    before = [told(name, **labels) for name, labels in counts]
    job = Job("sweep", 1, "prices", 2)
    rig.engine.wake(job)
    until(lambda: rig.ran == [job] and not rig.engine.jobs())
    assert [told(name, **labels) for name, labels in counts] == [count + 1 for count in before]


def test_a_job_asked_for_while_it_runs_runs_once_more(rig: Rig) -> None:
    slow = Job("deliver", 1, "slow", 0)
    rig.engine.wake(slow)
    until(lambda: rig.ran)
    for _ in range(5):
        rig.engine.wake(slow)
    rig.gate.set()
    until(lambda: not rig.engine.jobs())
    assert rig.ran == [slow, slow]


def test_a_slow_lane_delays_no_other_lane_and_no_other_connection(rig: Rig) -> None:
    catalogue = Job("read", 1, "slow", 3)
    rig.engine.wake(catalogue)
    until(lambda: rig.ran)
    others = [Job("deliver", 1, "order", 0), Job("read", 2, "catalogue", 3)]
    for job in others:
        rig.engine.wake(job)
    until(lambda: set(others) < set(rig.ran) and rig.states("running") == [catalogue])


def test_one_job_at_a_time_per_connection_and_lane(rig: Rig) -> None:
    rig.engine.wake(Job("read", 1, "slow", 3))
    for n in range(20):
        rig.engine.wake(Job("read", 1, f"other {n}", 3))
    until(lambda: rig.ran)
    rig.gate.set()
    until(lambda: not rig.engine.jobs())
    assert len(rig.ran) == 21
    assert rig.most == {(1, 3): 1}


def test_what_is_due_later_does_not_bar_its_lane(rig: Rig) -> None:
    rig.engine.wake(Job("read", 1, "later", 0), delay=60)
    now = Job("deliver", 1, "order", 0)
    rig.engine.wake(now)
    until(lambda: rig.ran == [now])


def test_a_defect_is_kept_and_can_be_retried(rig: Rig) -> None:
    broken, fine = Job("read", 1, "broken", 3), Job("read", 2, "fine", 3)
    rig.engine.wake(broken)
    rig.engine.wake(fine)
    until(lambda: rig.states("failed") and fine in rig.ran)
    failed = [state for state in rig.engine.jobs() if state.state == "failed"]
    assert [(state.job, state.error) for state in failed] == [(broken, "ValueError: a defect")]
    rig.engine.retry(broken)
    until(lambda: rig.ran.count(broken) == 2 and rig.states("failed") == [broken])


def test_a_waiting_job_can_be_cancelled_and_a_running_one_not(rig: Rig) -> None:
    later = Job("read", 1, "later", 3)
    rig.engine.wake(later, delay=60)
    assert rig.engine.cancel(later)
    assert not rig.engine.cancel(later)
    slow = Job("read", 1, "slow", 3)
    rig.engine.wake(slow)
    until(lambda: rig.ran)
    assert not rig.engine.cancel(slow)
    assert rig.ran == [slow]


def test_a_schedule_comes_again_until_it_is_cancelled(rig: Rig) -> None:
    job = Job("tick", 0, "", 0)
    rig.engine.every(0.05, job)
    until(lambda: len(rig.ran) >= 3)
    until(lambda: rig.engine.cancel(job))
    until(lambda: not rig.engine.jobs())
    count = len(rig.ran)
    time.sleep(0.3)
    assert len(rig.ran) == count


def test_a_schedule_asked_for_again_stays_as_it_runs(rig: Rig) -> None:
    job = Job("read", 1, "orders", 0)
    rig.engine.every(60, job)
    until(lambda: rig.ran == [job] and rig.states("waiting") == [job])
    rig.engine.every(60, job)
    time.sleep(0.2)
    assert rig.ran == [job]
    assert [state.every for state in rig.engine.jobs()] == [60]
    rig.engine.wake(job)
    until(lambda: len(rig.ran) == 2 and [state.every for state in rig.engine.jobs()] == [60])


def test_a_defect_does_not_end_a_schedule(rig: Rig) -> None:
    rig.engine.every(0.05, Job("read", 1, "broken", 0))
    until(lambda: len(rig.ran) >= 3)


def test_urgent_lanes_go_first_and_no_lane_starves(rig: Rig) -> None:
    rig.gate.clear()
    gatekeepers = [Job("read", n, "slow", 3) for n in range(1, 9)]  # all eight places
    for job in gatekeepers:
        rig.engine.wake(job)
    until(lambda: len(rig.ran) == 8)
    for connection, lane in ((11, 3), (12, 2), (13, 0)):
        rig.engine.wake(Job("deliver", connection, "work", lane))
    rig.gate.set()
    until(lambda: len(rig.ran) == 11)
    assert [job.lane for job in rig.ran[8:]] == [0, 2, 3]


def test_one_tenant_among_fifty_cannot_take_every_place(rig: Rig) -> None:
    noisy = [Job("deliver", n, "slow", 0, tenant=1) for n in range(1, 31)]
    for job in noisy:
        rig.engine.wake(job)
    until(lambda: len(rig.ran) == share(8))
    others = [Job("deliver", 100 + n, "order", 3, tenant=n) for n in range(2, 51)]
    for job in others:
        rig.engine.wake(job)
    until(lambda: set(others) <= set(rig.ran))
    assert len([job for job in rig.ran if job.tenant == 1]) == share(8), "and it got no more than its share meanwhile"
    rig.gate.set()
    until(lambda: set(noisy) <= set(rig.ran), 60)
