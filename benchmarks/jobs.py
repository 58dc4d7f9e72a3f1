"""What a job costs: wished for, taken, run (doing nothing) and finished, by one worker on PostgreSQL.

    ./run python -m benchmarks.jobs [--jobs 2000] [--waiting 100000]

Two rows: with nothing else in the table, and with so many jobs that are due later (the schedules of some ten thousand
merchants). The last column is the CPU of the worker's process alone; PostgreSQL's comes on top.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time

from tests.postgres import running

_FILL = """
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
SELECT 'default', 'samklang.engine.worker.work', -200000000 - n, n || '-3', 'read ' || n,
    jsonb_build_object('job', jsonb_build_object('task', 'read', 'connection', n, 'lane', 3)), now() + interval '1 day'
FROM generate_series(1, %s) AS n
"""


def measure(jobs: int, waiting: int) -> None:
    """One row of the table."""
    from django.db import connection

    from samklang.engine.port import Engine, Job
    from samklang.engine.queue import Queue
    from samklang.engine.worker import Worker

    queue, done, all_done = Queue(), [0], threading.Event()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs CASCADE")
        cursor.execute(_FILL, [waiting])
        cursor.execute("ANALYZE procrastinate_jobs")

    def perform(job: Job, engine: Engine) -> None:
        done[0] += 1
        if done[0] >= jobs:
            all_done.set()

    began = time.perf_counter()
    for n in range(jobs):
        queue.wake(Job("deliver", 10_000_000 + n, "order", 0))
    wished = time.perf_counter() - began
    worker = Worker(perform, places=16)
    thread = threading.Thread(target=worker.run)
    began, used = time.perf_counter(), time.process_time()
    thread.start()
    all_done.wait(600)
    taken, used = time.perf_counter() - began, time.process_time() - used
    worker.stop()
    thread.join()
    print(f"{waiting:>12,} waiting {jobs / wished:>14.0f} {done[0] / taken:>14.0f} {used / done[0] * 1000:>18.2f}")


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--waiting", type=int, default=100_000)
    options = parser.parse_args()
    with running(fsync=True) as server, tempfile.TemporaryDirectory() as folder:
        os.environ["SAMKLANG_DATABASE"] = server.create("bench")
        os.environ["SAMKLANG_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "samklang.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(f"{'':20} {'wishes/s':>14} {'jobs/s':>14} {'CPU ms per job':>18}")
        for waiting in (0, options.waiting):
            measure(options.jobs, waiting)


if __name__ == "__main__":
    main()
