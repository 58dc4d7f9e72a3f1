"""How often each page asks the database, what CPU it costs, and what it asks longest: pages are opened in this process.

    python -m benchmarks.counting '{"articles": …, "orders": …, "problems": …}'

Run with the environment of a filled database; prints JSON: what only the database knows, a token for the API, and for
each page its queries, CPU seconds (with those of PostgreSQL's process, which are known to a hundredth), seconds, and
its slowest statement.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import django
import psutil
from django.db.models import Count, Max, Min, QuerySet

from benchmarks.numbered import Size
from benchmarks.visited import Known, visits

_TIMES = 4  # each page is opened so often; the first is not counted: what is made once for a process is made then


def known() -> Known:
    """What only the database knows."""
    from samklang.hub.models import Company, Connection, ExchangeRow, Problem, Step
    from samklang.reconciliation.models import Statement, Voucher

    open_ = Problem.objects.filter(tenant__slug="bench", closed_at=None).annotate(n=Count("items"))
    small, large = open_.order_by("n", "pk").first(), open_.order_by("-n", "pk").first()
    assert small is not None and large is not None
    calls, steps = _some(ExchangeRow.objects.all()), _some(Step.objects.all())
    vouchers, payouts = (
        list(rows.order_by("?").values_list("pk", flat=True)[:50]) for rows in (Voucher.objects, Statement.objects)
    )
    return Known(
        Connection.objects.get(name="ledger").pk, Company.objects.get().pk, vouchers, payouts, small.pk, large.pk,
        list(calls.values_list("pk", flat=True)), list(steps.values_list("order", "pk")), time.time(),
    )  # fmt: skip


def _some(rows: QuerySet[Any]) -> QuerySet[Any]:
    """A hundred of them or so, drawn at random; some numbers are of rows that have aged out."""
    ends = rows.aggregate(first=Min("pk"), last=Max("pk"))
    dice = random.Random(1)
    return rows.filter(pk__in=[dice.randint(ends["first"], ends["last"]) for _ in range(150)])


def _cpu() -> Callable[[], float]:
    """Reads the CPU seconds of this process and of the one that PostgreSQL works for it with, if that is here."""
    from django.db import connection as database

    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            beside = psutil.Process(cursor.fetchone()[0])
        return lambda: time.process_time() + sum(beside.cpu_times()[:2])
    return time.process_time


def counted(size: Size, these: Known, times: int = _TIMES) -> tuple[str, dict[str, dict[str, Any]]]:
    """(token for the API, name of the page → its figures). RuntimeError where one is not answered with 200."""
    from django.db import connection as database
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from samklang.people import tokens
    from samklang.people.models import Member, User
    from samklang.people.rights import Right

    member = Member.objects.filter(tenant__slug="bench", role="owner").select_related("tenant", "user").first()
    if member is None:
        from samklang.hub.models import Tenant

        user = User.objects.make("bench@example.com")
        member = Member.objects.create(tenant=Tenant.objects.get(slug="bench"), user=user, role="owner")
    _, token = tokens.make(member, f"bench {time.time()}", list(Right), None)
    person, program = Client(SERVER_NAME="localhost"), Client(headers={"Authorization": f"Bearer {token}"})
    person.force_login(member.user)
    found, cpu = {}, _cpu()
    for visit in visits(size, these):
        dice, spent = random.Random(7), 0.0
        for time_ in range(times):
            path = visit.asked(dice)
            if database.vendor == "sqlite":  # as in the web process: each request opens it, and its cache is empty
                database.close()
            spent -= cpu() if time_ else 0
            began = time.perf_counter()
            with CaptureQueriesContext(database) as asked:
                answer = (program if visit.api else person).get(
                    path, headers={"HX-Request": "true"} if visit.part else {}
                )
            took = time.perf_counter() - began
            spent += cpu() if time_ else 0
            if answer.status_code not in (200, 302):
                raise RuntimeError(f"{path} was answered with {answer.status_code}")
        slowest = max(asked.captured_queries, key=lambda one: float(one["time"]), default={"time": "0", "sql": ""})
        found[visit.name] = {
            "queries": len(asked), "cpu": spent / max(1, times - 1), "seconds": took, "slowest": slowest,
        }  # fmt: skip
    return token, found


def main() -> None:
    """Print it."""
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    size = Size(**json.loads(sys.argv[1]))
    these = known()
    token, found = counted(size, these)
    sys.stdout.write(json.dumps({"known": these, "token": token, "pages": found}) + "\n")


if __name__ == "__main__":
    django.setup()
    main()
