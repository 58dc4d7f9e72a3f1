"""The narrow port that every engine stands behind.

A job is only a wake-up: the work itself stands in the tables, so losing, repeating or reordering jobs changes nothing
in the end. A job that is asked for while it waits is one job; while it runs, it runs once more afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from samklang.hub.intake import PRIORITY

Task = Literal["read", "sweep", "deliver", "hooks", "tick"]


class Job(msgspec.Struct, frozen=True):
    """What to do for a connection: read or sweep a feed, deliver a record type, work off webhooks; `tick` looks after
    everything (connection 0)."""

    task: Task
    connection: int = 0
    what: str = ""  # feed or record type
    lane: int = 3  # 0 orders, 1 stock, 2 prices, 3 catalogue


class JobState(msgspec.Struct, frozen=True):
    """A job as the engine sees it now."""

    job: Job
    state: Literal["waiting", "running", "failed"]
    due_in: float = 0.0
    error: str = ""


def lane_of(types: tuple[str, ...]) -> int:
    """The lane of a feed or record type: that of its most urgent type."""
    return min((PRIORITY.get(type_, 3) for type_ in types), default=3)


class Engine(Protocol):
    """Runs jobs. One job at a time per connection and lane; no lane waits for another."""

    def wake(self, job: Job, delay: float = 0.0) -> None:
        """Run the job soon (after `delay` seconds); the earliest of several wishes counts."""

    def every(self, seconds: float, job: Job) -> None:
        """Wake the job again and again, first at once."""

    def jobs(self) -> list[JobState]:
        """What waits, runs, or failed last."""

    def retry(self, job: Job) -> None:
        """Run a failed job now."""

    def cancel(self, job: Job) -> bool:
        """Take a waiting job away; False when it is running or unknown."""


Perform = Callable[[Job, Engine], None]
