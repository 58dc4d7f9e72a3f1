"""The narrow port that every engine stands behind.

A job is only a wake-up: the work itself stands in the tables, so losing, repeating or reordering jobs changes nothing
in the end. A job that is asked for while it waits is one job; while it runs, it runs once more afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from samklang.hub.intake import PRIORITY

Task = Literal[
    "read", "sweep", "deliver", "hooks", "tick", "schedule", "plan", "post", "books", "fetch", "bulk", "mails",
    "quota", "counts",
]  # fmt: skip


class Job(msgspec.Struct, frozen=True):
    """What to do for a connection: read or sweep a feed, deliver a record type, work off webhooks. Without one: `tick`
    wakes whatever has work, `schedule` sees that feeds are read on time, `plan` sees to a tenant's plan, `post` tells a
    subscription of events, `books` keeps a company's books, `fetch` asks for its statements, `bulk` does something to
    many records, `mails` tells people, `quota` looks how many of a month's orders tenants have used,
    `counts` counts the days whose orders have changed."""

    task: Task
    connection: int = 0
    what: str = ""  # feed or record type
    lane: int = 3  # 0 orders, 1 stock, 2 prices, 3 catalogue
    tenant: int = 0  # whose it is: no tenant may take every place

    @property
    def road(self) -> str:
        """What runs one at a time: a connection's lane; where there is no connection, each thing for itself."""
        alone = f"{self.task} {self.tenant} {self.what}".rstrip()
        return f"{self.connection}-{self.lane}" if self.connection else alone


class JobState(msgspec.Struct, frozen=True):
    """A job as the engine sees it now. `every` is its schedule in seconds (0 = none)."""

    job: Job
    state: Literal["waiting", "running", "failed"]
    due_in: float = 0.0
    error: str = ""
    every: float = 0.0


#: Seconds by which a lane goes before the next less urgent one: a job of the catalogue that has waited so much longer
#: goes before an order, so no lane starves.
LANE_SECONDS = 20.0


def urgency(due: float, lane: int) -> float:
    """What jobs are ordered by, smallest first: when it was due, later for lanes that can wait. `due` in seconds."""
    return due + lane * LANE_SECONDS


def share(places: int) -> int:
    """How many of so many places one tenant may take: the rest stays free for the others."""
    return max(1, places * 3 // 4)


def deliver_job(tenant: int, connection: int, type_: str) -> Job:
    """Deliver what is due of a type at a connection."""
    return Job("deliver", connection, type_, lane_of((type_,)), tenant)


def hooks_job(tenant: int, connection: int) -> Job:
    """Work off a connection's webhooks."""
    return Job("hooks", connection, "", 0, tenant)


def books_job(tenant: int, company: int) -> Job:
    """Keep a company's books."""
    return Job("books", what=str(company), tenant=tenant)


def fetch_job(tenant: int, company: int) -> Job:
    """Ask for a company's statements where they come by themselves."""
    return Job("fetch", what=str(company), tenant=tenant)


def bulk_job(tenant: int, number: int) -> Job:
    """Go on with what is done to many records (hub/bulk.py)."""
    return Job("bulk", what=str(number), lane=1, tenant=tenant)


def plan_job(tenant: int) -> Job:
    """Compute or apply a tenant's plan: a person watches it."""
    return Job("plan", lane=1, tenant=tenant)


def post_job(tenant: int, subscription: int) -> Job:
    """Send a subscription the events that it is to be told."""
    return Job("post", 0, str(subscription), 1, tenant)


def lane_of(types: tuple[str, ...]) -> int:
    """The lane of a feed or record type: that of its most urgent type."""
    return min((PRIORITY.get(type_, 3) for type_ in types), default=3)


class Engine(Protocol):
    """Runs jobs. One job at a time per connection and lane; no lane waits for another. Jobs go by urgency, and no
    tenant takes every place."""

    def wake(self, job: Job, delay: float = 0.0) -> None:
        """Run the job soon (after `delay` seconds); the earliest of several wishes counts."""

    def every(self, seconds: float, job: Job) -> None:
        """Wake the job again and again, first at once; asked for once more, the schedule stays as it runs."""

    def jobs(self) -> list[JobState]:
        """What waits, runs, or failed last."""

    def retry(self, job: Job) -> None:
        """Run a failed job now."""

    def cancel(self, job: Job) -> bool:
        """Take a waiting job and its next turns away; False when none waits (its last turn runs, or it is unknown)."""


Perform = Callable[[Job, Engine], None]
