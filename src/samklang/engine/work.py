"""What a job does: calls the hub, then wakes what follows from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from django.db.models import Max, Min

from samklang.connectors.errors import SamklangError
from samklang.engine.port import (
    Engine,
    Job,
    Task,
    books_job,
    bulk_job,
    deliver_job,
    fetch_job,
    hooks_job,
    lane_of,
    plan_job,
    post_job,
)
from samklang.engine.queue import Queue
from samklang.hub import bulk, delivery, hooks, intake, orders, store, traces
from samklang.hub.flows import outgoing, with_causes
from samklang.hub.keeping import retention
from samklang.hub.links import open_link, usable_ones, went_wrong
from samklang.hub.looks import days
from samklang.hub.models import Binding, Company, ConfigVersion, Connection, Flow, Hook, Problem, Subscription
from samklang.hub.setup import planning
from samklang.hub.telling import outbox
from samklang.mails import post as mails
from samklang.packages import watch
from samklang.people import expiry
from samklang.reconciliation import fetching
from samklang.reconciliation.work import keep_up

log = structlog.get_logger()

#: What every engine runs again and again: (seconds between, job).
KEEPING = (
    (5.0, Job("tick", lane=3)),
    (5.0, Job("schedule", lane=2)),
    (30.0, Job("mails", lane=2)),
    (60.0, Job("quota", lane=3)),
    (60.0, Job("counts", lane=3)),
)


def perform(job: Job, engine: Engine) -> None:
    """Run one job. Errors of outside systems have been dealt with by the hub; anything raised here is a defect."""
    if job.task in _ALONE:
        _ALONE[job.task](job, engine)
        return
    row = Connection.objects.select_related("tenant").filter(pk=job.connection).first()
    if row is None:
        return
    traces.name_job(row)

    def notify(target: int, type_: str) -> None:
        engine.wake(deliver_job(row.tenant_id, target, type_))

    try:
        if job.task in ("read", "sweep"):
            intake.read(row, job.what, sweep=job.task == "sweep", notify=notify)
        elif job.task == "hooks":
            hooks.work_off(row, notify)
        else:
            delivery.deliver(row, job.what, notify)
            _after_delivery(row, job, engine)
    except SamklangError as error:  # settings or secrets that cannot even make a connector
        went_wrong(row, error)
        log.warning("connection cannot be used", connection=row.name, code=error.code)
    for subscription in outbox.due_of(row.tenant_id):  # what the job has done may be an event
        engine.wake(post_job(row.tenant_id, subscription))


def post(job: Job, engine: Engine) -> None:
    """Tell a subscription of events, and come again when the next is due."""
    row = Subscription.objects.select_related("tenant").filter(tenant=job.tenant, pk=int(job.what)).first()
    if row is None:
        return
    outbox.send(row)
    at = outbox.next_due(row)
    if at is not None:
        engine.wake(job, max(0.05, at - time.time()))


def _after_delivery(row: Connection, job: Job, engine: Engine) -> None:
    for type_ in store.due_types(row.tenant_id, row.pk):
        if type_ != job.what:
            engine.wake(deliver_job(row.tenant_id, row.pk, type_))
    row.refresh_from_db()
    if row.state != Connection.State.ACTIVE:
        return
    due = Binding.objects.filter(tenant_id=row.tenant_id, connection=row, type=job.what, state="due")
    # SQLite takes a partial index only where its own condition is asked for.
    next_due = due.exclude(state="idle").aggregate(at=Min("due_at"))["at"]
    if next_due is not None:
        engine.wake(job, max(0.05, next_due - time.time(), row.open_until - time.time()))
    if job.what == "voucher":
        for company in Company.objects.filter(tenant=row.tenant_id).values_list("pk", flat=True):
            engine.wake(books_job(row.tenant_id, company))


def books(job: Job, engine: Engine) -> None:
    """Keep a company's books, and let delivery have what was approved."""
    company = Company.objects.select_related("tenant").filter(tenant=job.tenant, pk=int(job.what)).first()
    if company is None:
        return
    kept = keep_up(company)
    if kept.deliver:
        engine.wake(deliver_job(job.tenant, kept.deliver, "voucher"))


def fetch(job: Job, engine: Engine) -> None:
    """Ask for a company's statements; when some came, its books are kept at once."""
    company = Company.objects.select_related("tenant").filter(tenant=job.tenant, pk=int(job.what)).first()
    if company is not None and any(one.taken for one in fetching.fetch_all(company)):
        engine.wake(books_job(job.tenant, company.pk))


def plan(job: Job, engine: Engine) -> None:
    """Compute or apply a tenant's plan; what it has set up is read and sent at once."""
    if planning.work(job.tenant):
        engine.wake(Job("schedule", lane=2))
        tick(engine)


def many(job: Job, engine: Engine) -> None:
    """Go on with what is done to many records; what became due by it is sent at once."""
    if bulk.work(job.tenant, int(job.what)):
        engine.wake(job)
    tick(engine)


#: What is no connection's business, by task.
_ALONE: dict[Task, Callable[[Job, Engine], None]] = {
    "plan": plan,
    "tick": lambda _, engine: tick(engine),
    "schedule": lambda _, engine: schedule(engine),
    "post": post,
    "books": books,
    "fetch": fetch,
    "bulk": many,
    "mails": lambda *_: mails.work(),
    "quota": lambda *_: watch.work(),
    "counts": lambda *_: days.keep_all(_COUNTING),
}

_HOUR, _MINUTE = 3600.0, 60.0
_BOOKS = 60.0  # seconds between two looks at a company's books
_FETCH = _HOUR  # between two times that its statements are asked for
_COUNTING = 5.0  # seconds of a minute that may go into counting days
_TIDYING = 2.0  # seconds of a tick that may go into deleting what is too old
#: Which version of the configuration an engine of this process was last given, and when.
_scheduled: WeakKeyDictionary[Engine, tuple[int | None, float]] = WeakKeyDictionary()
_tidied = -_HOUR  # when this process last deleted all that was too old


def tick(engine: Engine) -> None:
    """Look at the tables and wake whatever has work: what a restart, another process or a lost wake-up left."""
    global _tidied
    if time.monotonic() - _tidied > _HOUR and _tidy(engine):
        _tidied = time.monotonic()
    delivery.wake_waiting()
    orders.release_due(datetime.now(UTC))
    tenants = dict(usable_ones().values_list("pk", "tenant_id"))
    for tenant, connection, type_ in store.due_everywhere():
        if connection in tenants:
            engine.wake(deliver_job(tenant, connection, type_))
    for connection in Hook.objects.filter(done=False).values_list("connection_id", flat=True).distinct():
        if connection in tenants:
            engine.wake(hooks_job(tenants[connection], connection))
    for tenant in planning.at_work():
        engine.wake(plan_job(tenant))
    for tenant, subscription in outbox.due():
        engine.wake(post_job(tenant, subscription))
    for tenant, number in bulk.running():
        engine.wake(bulk_job(tenant, number))


def _tidy(engine: Engine) -> bool:
    """Delete what is too old (SAMKLANG_KEEP); False when the next tick must go on with it."""
    if isinstance(engine, Queue):  # the embedded engine keeps no jobs
        engine.forget_old_failures(settings.KEEP["jobs"])
    expiry.forget()
    return retention.age_out(_TIDYING)


def schedule(engine: Engine) -> None:
    """Read feeds that flows want on time: looked after when the configuration has changed, else each minute."""
    version = ConfigVersion.objects.aggregate(newest=Max("pk"))["newest"]
    before, at = _scheduled.get(engine, (None, -_MINUTE))
    if before == version and time.monotonic() - at < _MINUTE:
        return
    wanted = {job: seconds for seconds, job in read_jobs()}
    companies = list(Company.objects.all())
    wanted |= {books_job(row.tenant_id, row.pk): _BOOKS for row in companies}
    wanted |= {fetch_job(row.tenant_id, row.pk): _FETCH for row in companies if row.settings.get("statements_from")}
    there = {state.job: state.every for state in engine.jobs() if state.every}
    for job, seconds in wanted.items():
        if there.get(job) != seconds:
            engine.every(seconds, job)
    for job in there:
        if job not in wanted and job.task in ("read", "books", "fetch"):
            engine.cancel(job)
    _scheduled[engine] = (version, time.monotonic())


def read_jobs(tenant: int | None = None) -> list[tuple[float, Job]]:
    """(seconds between, job) for every feed whose records an enabled flow wants."""
    found: list[tuple[float, Job]] = []
    rows = Connection.objects.select_related("tenant").filter(state=Connection.State.ACTIVE)
    for row in rows.filter(tenant_id=tenant) if tenant else rows:
        try:
            manifest = open_link(row).manifest
        except SamklangError as error:
            went_wrong(row, error)
            continue
        flowing = with_causes(outgoing(row, enabled=True))
        feeding = Flow.objects.filter(target=row, enabled=True, type__in=["order", "stock", "price"]).exists()
        found += [
            (feed.every_seconds, Job("read", row.pk, feed.name, lane_of(feed.types), row.tenant_id))
            for feed in manifest.feeds
            if feed.changes != "hooks" and (flowing & set(feed.types) or (feeding and "product" in feed.types))
        ]
    return found


def jobs_of_problem(problem: Problem) -> list[Job]:
    """What mends a problem beside sending again: its connection read whole, where records of it could not be read."""
    if problem.connection_id is None or not problem.items.filter(direction="in").exists():
        return []
    return [
        Job("sweep", job.connection, job.what, job.lane, job.tenant)
        for _, job in read_jobs(problem.tenant_id)
        if job.connection == problem.connection_id
    ]


def reading_jobs(tenant: int, names: Iterable[str] | None = None, sweep: bool = False) -> list[Job]:
    """Reads of all feeds whose records a flow wants; only of the named connections, when names are given."""
    chosen = None if names is None else set(Connection.objects.filter(tenant=tenant, name__in=names).values_list("pk"))
    task: Task = "sweep" if sweep else "read"
    return [
        Job(task, job.connection, job.what, job.lane, job.tenant)
        for _, job in read_jobs(tenant)
        if chosen is None or (job.connection,) in chosen
    ]
