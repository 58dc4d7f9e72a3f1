"""The engine's port on PostgreSQL: jobs stand in Procrastinate's table, any number of workers take them from there.

A job's `lock` (connection and lane) lets one run at a time; its `queueing_lock` (the job itself) lets one more wait.
Procrastinate's own `defer` refuses a job that waits already; the port wants the earliest of several wishes, so a wish
is one upsert on its table. Due times are the database's clock plus a delay: no worker's clock matters.

The order is one number, the priority: when the job is due, later by its lane (`port.urgency`). It also keeps a job that
is due in an hour from barring its lane's way, which Procrastinate's lock would do if it were merely older.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from django.db import connection as database
from django.db import transaction

from samklang.engine.port import LANE_SECONDS, Job, JobState

TASK = "samklang.engine.worker.work"

#: Seconds since 2026 in quarters, smaller for what is due later: fits PostgreSQL's integer until 2043.
_PRIORITY = "-(4 * (extract(epoch FROM now()) - 1767225600 + %(delay)s + %(later)s))::int"

_WISH = f"""
WITH wish AS (
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
    VALUES ('default', '{TASK}', {_PRIORITY}, %(lock)s, %(name)s, %(args)s::jsonb,
            now() + %(delay)s * interval '1 second')
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO UPDATE SET
        priority = GREATEST(procrastinate_jobs.priority, excluded.priority),
        scheduled_at = LEAST(procrastinate_jobs.scheduled_at, excluded.scheduled_at),
        args = procrastinate_jobs.args || excluded.args
    WHERE procrastinate_jobs.scheduled_at > GREATEST(excluded.scheduled_at, now())
        OR NOT procrastinate_jobs.args @> excluded.args
    RETURNING id
)
SELECT pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', id)::text) FROM wish
"""  # noqa: S608  # constants only

NEXT = """
SELECT pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', id)::text)
FROM procrastinate_jobs WHERE lock = %(lane)s AND status = 'todo' AND scheduled_at <= now() LIMIT 1
"""

_STATES: dict[str, Literal["waiting", "running", "failed"]] = {
    "todo": "waiting", "doing": "running", "failed": "failed",
}  # fmt: skip


class Queue:
    """The port as every process on PostgreSQL sees it; the jobs themselves are run by `worker.Worker`."""

    def wake(self, job: Job, delay: float = 0.0) -> None:
        self.put(job, delay)

    def every(self, seconds: float, job: Job) -> None:
        scheduled = self._execute(
            "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock=%s AND status IN ('todo', 'doing')"
            " AND (args->>'every')::float = %s",
            [name(job), seconds],
        )
        if not scheduled:
            self.put(job, 0.0, seconds)

    def put(self, job: Job, delay: float, every: float = 0.0) -> None:
        """Let the job wait for its time; where it waits already, the earlier time and the newer schedule count."""
        args = {"job": msgspec.to_builtins(job), **({"every": every} if every else {})}
        self._execute(
            _WISH,
            {
                "delay": max(0.0, delay),
                "later": job.lane * LANE_SECONDS,
                "lock": job.road,
                "name": name(job),
                "args": msgspec.json.encode(args).decode(),
            },
        )

    def jobs(self) -> list[JobState]:
        rows = self._execute(
            "SELECT status, args::text, GREATEST(0, extract(epoch FROM scheduled_at - now()))::float"
            " FROM procrastinate_jobs WHERE task_name=%s AND status IN ('todo', 'doing', 'failed')",
            [TASK],
        )
        found = []
        for status, text, due_in in rows:
            args = msgspec.json.decode(text)
            found.append(
                JobState(
                    msgspec.convert(args["job"], Job), _STATES[status], due_in if status == "todo" else 0.0,
                    args.get("error", ""), args.get("every", 0.0),
                )
            )  # fmt: skip
        return found

    def retry(self, job: Job) -> None:
        self.forget_failures(job)
        self.put(job, 0.0)

    def cancel(self, job: Job) -> bool:
        # A running one keeps no schedule: its next turn is the waiting row that goes here.
        taken = self._execute(
            "DELETE FROM procrastinate_jobs WHERE queueing_lock=%s AND status='todo' RETURNING id", [name(job)]
        )
        return bool(taken)

    # ------------------------------------------------------------------------------------------- for the worker

    def forget_failures(self, job: Job) -> None:
        """The job has gone well, or is tried anew."""
        self._execute("DELETE FROM procrastinate_jobs WHERE queueing_lock=%s AND status='failed'", [name(job)])

    def forget_old_failures(self, days: int) -> None:
        """Failed jobs that were due longer ago than so many days have been seen by now, or never will be."""
        self._execute(
            "DELETE FROM procrastinate_jobs WHERE task_name=%s AND status='failed'"
            " AND scheduled_at < now() - %s * interval '1 day'",
            [TASK, days],
        )

    def note_failure(self, row: int, error: str) -> None:
        """Keep what went wrong with a running job's row."""
        self._execute(
            "UPDATE procrastinate_jobs SET args = args || jsonb_build_object('error', %s::text) WHERE id=%s",
            [error, row],
        )

    @staticmethod
    def _execute(statement: str, values: Sequence[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


def name(job: Job) -> str:
    """The job as text: what may wait once."""
    return f"{job.task} {job.connection} {job.lane} {job.tenant} {job.what}"
