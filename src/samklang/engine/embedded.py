"""The embedded engine: threads in one process, one per connection and lane that has work, up to so many places.
Nothing is stored here; after a restart the first tick finds all work in the tables."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import structlog
from django.db import close_old_connections, connections

from samklang.engine.port import Job, JobState, Perform, share, urgency
from samklang.engine.watch import watched

log = structlog.get_logger()


class Embedded:
    """Runs jobs until `stop`. `perform` is engine.work.perform, or a test's own."""

    def __init__(self, perform: Perform, clock: Callable[[], float] = time.monotonic, places: int = 64) -> None:
        self._perform = perform
        self._places = places
        self._clock = clock
        self._due: dict[Job, float] = {}
        self._running: set[Job] = set()
        self._again: dict[Job, float] = {}
        self._failed: dict[Job, str] = {}
        self._schedule: dict[Job, float] = {}
        self._busy: set[str] = set()
        self._change = threading.Condition()
        self._stopping = False
        self._boss: threading.Thread | None = None

    # -------------------------------------------------------------------------------------------------- the port

    def wake(self, job: Job, delay: float = 0.0) -> None:
        with self._change:
            at = self._clock() + max(0.0, delay)
            wishes = self._again if job in self._running else self._due
            wishes[job] = min(at, wishes.get(job, at))
            self._change.notify_all()

    def every(self, seconds: float, job: Job) -> None:
        with self._change:
            if self._schedule.get(job) == seconds:
                return
            self._schedule[job] = seconds
        self.wake(job)

    def jobs(self) -> list[JobState]:
        with self._change:
            now = self._clock()
            every = self._schedule
            found = [JobState(job, "running", every=every.get(job, 0.0)) for job in self._running]
            found += [
                JobState(job, "waiting", max(0.0, at - now), every=every.get(job, 0.0)) for job, at in self._due.items()
            ]
            return found + [JobState(job, "failed", error=error) for job, error in self._failed.items()]

    def retry(self, job: Job) -> None:
        with self._change:
            self._failed.pop(job, None)
        self.wake(job)

    def cancel(self, job: Job) -> bool:
        with self._change:
            every, due = self._schedule.pop(job, None), self._due.pop(job, None)
            return every is not None or due is not None

    # -------------------------------------------------------------------------------------------------- running

    def start(self) -> None:
        """Begin to run jobs."""
        self._boss = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._boss.start()

    def stop(self, patience: float = 30.0) -> bool:
        """Begin no more jobs and wait for those that run; False when some did not end in time (nothing is lost)."""
        end = self._clock() + patience
        with self._change:
            self._stopping = True
            self._change.notify_all()
            while self._running and self._clock() < end:
                self._change.wait(end - self._clock())
            idle = not self._running
        if self._boss:
            self._boss.join(timeout=1)
        return idle

    @property
    def alive(self) -> bool:
        """Whether jobs are being started."""
        return self._boss is not None and self._boss.is_alive()

    def wait_until_idle(self, patience: float = 600.0, horizon: float = 0.0) -> bool:
        """Wait until nothing runs and nothing is due within `horizon` seconds, schedules not counted."""
        end = self._clock() + patience
        with self._change:
            while self._clock() < end:
                now = self._clock()
                soon = any(at - now <= horizon for job, at in self._due.items() if job not in self._schedule)
                if not self._running and not soon and not self._again:
                    return True
                self._change.wait(min(0.2, end - now))
        return False

    def _loop(self) -> None:
        with self._change:
            while not self._stopping:
                now = self._clock()
                ready = [job for job, at in self._due.items() if at <= now and self._free(job)]
                for job in sorted(ready, key=lambda job: urgency(self._due[job], job.lane)):
                    if not (self._free(job) and self._has_place(job)):
                        continue
                    late = now - self._due.pop(job)
                    self._running.add(job)
                    self._busy.add(job.road)
                    threading.Thread(target=self._run, args=(job, late), name=f"lane-{job.road}", daemon=True).start()
                # The end of any job wakes us too; so only what is due later needs a time.
                waits = [at - now for at in self._due.values() if at > now]
                self._change.wait(max(0.0, min(waits, default=60.0)))

    def _free(self, job: Job) -> bool:
        """Whether nothing runs on the job's road."""
        return job.road not in self._busy

    def _has_place(self, job: Job) -> bool:
        """Whether there is a place, and the tenant has not taken its share."""
        taken = Counter(running.tenant for running in self._running)
        return len(self._running) < self._places and (not job.tenant or taken[job.tenant] < share(self._places))

    def _run(self, job: Job, late: float) -> None:
        error = ""
        try:
            close_old_connections()
            with watched(job, late):
                self._perform(job, self)
        except Exception as failure:  # a defect in one job must not stop the others; it is logged whole
            error = f"{failure.__class__.__name__}: {failure}"
            log.exception("job failed", task=job.task, connection=job.connection, what=job.what)
        finally:
            connections.close_all()
            with self._change:
                self._running.discard(job)
                self._busy.discard(job.road)
                self._failed.pop(job, None)
                if error:
                    self._failed[job] = error
                now = self._clock()
                wishes = [self._again.pop(job)] if job in self._again else []
                if job in self._schedule:
                    wishes.append(now + self._schedule[job])
                if wishes:
                    self._due[job] = min([*wishes, self._due.get(job, wishes[0])])
                self._change.notify_all()
