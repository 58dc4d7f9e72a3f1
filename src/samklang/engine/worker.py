"""A worker process: takes jobs from PostgreSQL with Procrastinate and runs them in threads.

Procrastinate gives the locks, the waiting without polling and the heartbeats. What it leaves to its user is here: jobs
of workers that died are taken back, a worker that lost its database begins anew, and no tenant takes every place.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psycopg
import structlog
from django.db import DatabaseError, close_old_connections, connections
from procrastinate import App, JobContext
from procrastinate import exceptions as trouble
from procrastinate.contrib.django import app as django_app
from procrastinate.jobs import Status

from samklang.engine.port import Job, Perform, share
from samklang.engine.queue import NEXT, TASK, Queue
from samklang.engine.watch import watched

log = structlog.get_logger()

_HEARTBEAT = 5.0  # seconds between signs of life; a worker without one for four times as long counts as dead
_PUT_BACK = 1.0  # seconds that a job waits whose tenant has taken its share
_ANEW = 1.0  # seconds before a worker that lost its database begins anew


class Worker:
    """Runs jobs in `places` threads until `stop`. `schedule` are jobs that must come again and again."""

    def __init__(
        self,
        perform: Perform,
        *,
        places: int = 16,
        schedule: Iterable[tuple[float, Job]] = (),
        patience: float = 30.0,
        heartbeat: float = _HEARTBEAT,
    ) -> None:
        self._perform = perform
        self._places = places
        self._schedule = tuple(schedule)
        self._patience = patience
        self._heartbeat, self._dead = heartbeat, 4 * heartbeat
        self._queue = Queue()
        self._taken: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._telling: set[asyncio.Future[None]] = set()
        self._stop_now: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()  # set once jobs are being taken

    def run(self) -> bool:
        """Work until `stop`; jobs that run then are waited for (`patience` seconds). False when some still run."""
        threads = ThreadPoolExecutor(self._places, thread_name_prefix="job")
        try:
            asyncio.run(self._run(threads))
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            return not self._taken.total()

    def stop(self) -> None:
        """Take no more jobs. May be called from any thread or a signal handler."""
        self._stopping.set()
        if self._loop and self._stop_now:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stop_now.set)

    # ------------------------------------------------------------------------------------------- the process

    async def _run(self, threads: ThreadPoolExecutor) -> None:
        self._loop, self._stop_now = asyncio.get_running_loop(), asyncio.Event()
        while not self._stopping.is_set():
            try:
                await self._work(threads)
            except (trouble.ConnectorException, psycopg.Error, DatabaseError) as error:
                log.warning("the database is not there", error=str(error.__cause__ or error))
            if not self._stopping.is_set():
                await asyncio.sleep(_ANEW)

    async def _work(self, threads: ThreadPoolExecutor) -> None:
        """One life of Procrastinate's worker: until we stop, or the database is lost."""
        assert self._stop_now is not None
        connector = django_app.connector.get_worker_connector()  # type: ignore[attr-defined]  # Django's only
        with django_app.replace_connector(connector) as app:
            async with app.open_async():
                worker = asyncio.create_task(
                    app.run_worker_async(
                        concurrency=self._places,
                        fetch_job_polling_interval=1.0,
                        update_heartbeat_interval=self._heartbeat,
                        stalled_worker_timeout=self._dead,
                        shutdown_graceful_timeout=self._patience,
                        delete_jobs="successful",
                        install_signal_handlers=False,
                        additional_context={"worker": self, "threads": threads},
                    )
                )
                keeper = asyncio.create_task(self._look_after(app, threads))
                stop = asyncio.create_task(self._stop_now.wait())
                self.ready.set()
                try:
                    await asyncio.wait({worker, keeper, stop}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (keeper, stop, worker):
                        task.cancel()
                    ended = await asyncio.gather(worker, keeper, stop, return_exceptions=True)
                for result in ended:
                    if isinstance(result, Exception):
                        raise result

    async def _look_after(self, app: App, threads: ThreadPoolExecutor) -> None:
        """See that the schedules run, and take back what dead workers have left."""
        loop = asyncio.get_running_loop()
        while True:
            for seconds, job in self._schedule:
                await loop.run_in_executor(threads, self._alone, self._queue.every, seconds, job)
            for left in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._dead):
                job = msgspec.convert(left.task_kwargs["job"], Job)
                log.warning("a worker died", task=job.task, connection=job.connection, what=job.what)
                await loop.run_in_executor(threads, self._alone, self._queue.put, job, 0.0)
                assert left.id is not None
                with contextlib.suppress(trouble.ConnectorException):  # another worker was quicker
                    await app.job_manager.finish_job_by_id_async(left.id, Status.ABORTED, delete_job=True)
            await asyncio.sleep(self._heartbeat)

    @staticmethod
    def _alone(call: object, *values: object) -> None:
        """Use the database in a thread that keeps no connection afterwards."""
        try:
            call(*values)  # type: ignore[operator]
        finally:
            connections.close_all()

    def tell(self, app: App, lane: str | None) -> None:
        """Let whoever has a place take the next job of a lane; else it would be found by the next look only."""
        task = asyncio.ensure_future(app.connector.execute_query_async(NEXT, lane=lane))
        self._telling.add(task)
        task.add_done_callback(self._told)

    def _told(self, task: asyncio.Future[None]) -> None:
        self._telling.discard(task)
        if not task.cancelled() and task.exception():
            log.warning("a waiting job is found by the next look", error=str(task.exception()))

    # ------------------------------------------------------------------------------------------- one job

    def do(self, row: int, job: Job, every: float, due: float) -> None:
        """Run a job, due at `due` (epoch seconds), in this thread. Its next turn is put down first, so that no death of
        ours can lose it."""
        try:
            close_old_connections()
            if every:
                self._queue.put(job, every, every)
            if not self._enter(job.tenant):
                self._queue.put(job, _PUT_BACK)
                return
            try:
                with watched(job, time.time() - due):
                    self._perform(job, self._queue)
            finally:
                with self._lock:
                    self._taken[job.tenant] -= 1
            self._queue.forget_failures(job)
        except Exception as failure:  # Procrastinate marks the row; the error is kept with it
            connections.close_all()
            log.exception("job failed", task=job.task, connection=job.connection, what=job.what)
            self._queue.note_failure(row, f"{failure.__class__.__name__}: {failure}")
            raise
        finally:
            connections.close_all()

    def _enter(self, tenant: int) -> bool:
        """Take a place for the tenant, unless it has its share."""
        with self._lock:
            if tenant and self._taken[tenant] >= share(self._places):
                return False
            self._taken[tenant] += 1
            return True


@django_app.task(name=TASK, pass_context=True)
async def work(context: JobContext, job: dict[str, object], every: float = 0.0, error: str = "") -> None:
    """What Procrastinate calls for a row. `error` is what went wrong the last time, if anything did."""
    worker: Worker = context.additional_context["worker"]
    threads: ThreadPoolExecutor = context.additional_context["threads"]
    assert context.job.id is not None and context.job.scheduled_at is not None
    due = context.job.scheduled_at.timestamp()
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    assert running is not None
    # Once the row is finished, its lane is free: only then is there anything to tell.
    running.add_done_callback(lambda _: worker.tell(context.app, context.job.lock))
    await loop.run_in_executor(threads, worker.do, context.job.id, msgspec.convert(job, Job), every, due)
