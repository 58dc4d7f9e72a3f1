"""`samklang status`, `journey`, `problems`, `runs`: what stands in the tables, for people and programs."""

from __future__ import annotations

import time
from typing import Annotated, Any

from cyclopts import Parameter
from django.db.models import Count, F, Max, Q
from rich.text import Text

from samklang.cli import finding, running
from samklang.cli.screen import Exit, moment, plain
from samklang.cli.session import Common, Session, session
from samklang.hub.models import (
    Binding,
    Brake,
    Connection,
    FeedState,
    Flow,
    Problem,
    ProblemItem,
    Step,
    Stored,
    Tenant,
    Transfer,
)
from samklang.hub.traces import number_of
from samklang.records import OrderStatus, decode
from samklang.records.money import rounded

_HEALTH = {"ok": "green", "breaker open": "yellow", "paused": "yellow", "needs person": "bold red"}
_STATES = ("due", "sending", "waiting", "stopped", "held")
_SHOWN = 10


def status(*, common: Common | None = None) -> Exit:
    """Connections, flows, what waits, brakes and problems at a glance. Exit code 4, 3 or 0, the worst first."""
    with session(common) as now:
        tenant = now.tenant
        connections, flows = _connections(tenant), _flows(tenant)
        brakes = Brake.objects.filter(tenant=tenant, released_at=None).count()
        found = Problem.objects.filter(tenant=tenant, closed_at=None).count()
        screen = now.screen
        screen.answer(
            {
                "tenant": tenant.slug, "connections": connections, "flows": flows, "brakes": brakes, "problems": found,
            }
        )  # fmt: skip
        screen.table(
            ["Connection", "Connector", "State", "Last read>", "Reason"],
            [
                (r["name"], r["connector"], Text(r["state"], _HEALTH[r["state"]]), r["last_read"], r["reason"])
                for r in connections
            ],
            title=tenant.name,
        )
        screen.table(
            ["Flow", "", *(f"{state}>" for state in ("delivered", *_STATES))],
            [
                (
                    f"{f['channel']}: {f['type']}{'' if f['enabled'] else ' (planned)'}",
                    f"{f['source']} → {f['target']}", f["delivered"], *(f[state] for state in _STATES),
                )
                for f in flows
            ],
        )  # fmt: skip
        if brakes:
            screen.say(f"{brakes} brakes are on: `samklang release` shows them.", "bold red")
        if found:
            screen.say(f"{found} problems are open: `samklang problems` shows them.", "yellow")
        if any(row["state"] == "needs person" for row in connections) or brakes:
            return Exit.PERSON
        return Exit.LOOK if found else Exit.OK


def _connections(tenant: Tenant) -> list[dict[str, Any]]:
    read = dict(
        FeedState.objects.filter(tenant=tenant)
        .values("connection")
        .annotate(at=Max("read_at"))
        .values_list("connection", "at")
    )
    found = []
    for row in Connection.objects.filter(tenant=tenant).order_by("name"):
        resting = row.open_until > time.time()
        state = row.state if row.state != Connection.State.ACTIVE else "breaker open" if resting else "ok"
        reason = row.reason or (f"called again {plain(moment(row.open_until))}" if resting else "")
        found.append(
            {
                "name": row.name, "connector": row.connector, "state": str(state), "reason": reason,
                "last_read": read.get(row.pk),
            }
        )  # fmt: skip
    return found


def _flows(tenant: Tenant) -> list[dict[str, Any]]:
    counts = {
        (row["flow"], row["state"]): row["count"]
        for row in Binding.objects.filter(tenant=tenant, flow__isnull=False).values("flow", "state").annotate(
            count=Count("key")
        )
    }  # fmt: skip
    done = dict(
        Binding.objects.filter(tenant=tenant, flow__isnull=False, state="idle", delivered=F("wanted"))
        .values("flow")
        .annotate(count=Count("key"))
        .values_list("flow", "count")
    )
    rows = Flow.objects.filter(tenant=tenant).select_related("channel", "source", "target").order_by("channel", "pk")
    return [
        {
            "channel": f.channel.code, "type": f.type, "source": f.source.name, "target": f.target.name,
            "mode": f.mode, "enabled": f.enabled, "delivered": done.get(f.pk, 0),
            **{state: counts.get((f.pk, state), 0) for state in _STATES},
        }
        for f in rows
    ]  # fmt: skip


def journey(
    order: Annotated[str, Parameter(help="Number as the buyer knows it, or channel/number.")],
    *,
    common: Common | None = None,
) -> Exit:
    """An order's way through all systems: every step with its time, its ids, its open problem and what to do."""
    with session(common) as now:
        tenant = now.tenant
        found = finding.find(tenant, order)
        record, key = found.record, found.record.key
        steps = [
            {"at": s.at, "connection": s.connection.name, "type": s.type, "what": s.what, "text": s.text}
            for s in Step.objects.filter(tenant=tenant, order=key).select_related("connection").order_by("at", "pk")
        ]
        hangs_on = Q(key=key) | Q(key__startswith=f"{key}#")
        own = hangs_on | Q(type="customer", key=record.customer.key)
        states = [
            {
                "connection": b.connection.name, "type": b.type, "id": b.external_id or "",
                "state": "master" if b.wanted is None else "delivered" if b.state == "idle" else b.state,
                "waiting_on": b.waiting_on, "attempts": b.attempts,
            }
            for b in Binding.objects.filter(own, tenant=tenant)
            .select_related("connection")
            .order_by("type", "connection")
        ]  # fmt: skip
        troubles = [
            {
                "code": i.problem.code, "connection": i.problem.system, "type": i.type, "what": i.message,
                "do_this": i.problem.do_this, "since": i.problem.first_at,
            }
            for i in ProblemItem.objects.filter(own, tenant=tenant).select_related("problem__connection")
        ]  # fmt: skip
        documents = _documents(tenant, key)
        now.screen.answer(
            {
                "order": key, "master": found.source.name, "placed_at": record.placed_at, "currency": record.currency,
                "gross": record.gross, "status": record.status, "steps": steps, "systems": states,
                "documents": documents, "problems": troubles, "trace": f"{number_of(tenant.pk, key):032x}",
            }
        )  # fmt: skip
        _journey(now, found, steps, states, documents, troubles)
        return Exit.LOOK if troubles else Exit.OK


def _documents(tenant: Tenant, key: str) -> list[dict[str, Any]]:
    found = []
    rows = Stored.objects.filter(tenant=tenant, type="order_status", key=key).select_related("connection")
    for row in rows:
        status = decode("order_status", bytes(row.body))
        assert isinstance(status, OrderStatus)
        found += [
            {"connection": row.connection.name, "kind": d.kind, "number": d.number, "state": d.state}
            for d in status.documents
        ]
    return found


def _journey(
    now: Session, found: finding.Found, steps: list[dict[str, Any]], states: list[dict[str, Any]],
    documents: list[dict[str, Any]], troubles: list[dict[str, Any]],
) -> None:  # fmt: skip
    screen, record = now.screen, found.record
    screen.say(f"Order {record.key}", "bold")
    screen.say(
        f"placed {plain(record.placed_at)} · {plain(rounded(record.gross, record.currency))} {record.currency} · "
        f"{len(record.lines)} lines · "
        f"{record.status} at {found.source.name}"
    )
    screen.table(
        ["When>", "System", "", "What", ""],
        [
            (
                f"{s['at'].astimezone():%Y-%m-%d %H:%M:%S.%f}"[:-4], s["connection"], s["type"],
                Text(s["what"], "red" if s["what"] in ("stopped", "paused") else ""), s["text"],
            )
            for s in steps
        ],
    )  # fmt: skip
    screen.table(
        ["System", "", "Its id", "Now", ""],
        [
            (s["connection"], s["type"], s["id"], s["state"], s["waiting_on"] and f"waits for {s['waiting_on']}")
            for s in states
        ],
    )
    if documents:
        screen.table(
            ["System", "Document", "Number", "State"],
            [(d["connection"], d["kind"], d["number"], d["state"]) for d in documents],
        )
    for trouble in troubles:
        screen.say(trouble["what"], "bold red")
        screen.say(f"What to do: {trouble['do_this']}")


def problems(
    *,
    all_: Annotated[bool, Parameter(name="--all", help="Also those that are over.")] = False,
    common: Common | None = None,
) -> Exit:
    """What a person must decide or mend: equal errors together, with what to do. Exit code 3 when any are open."""
    with session(common) as now:
        rows = Problem.objects.filter(tenant=now.tenant).select_related("connection").order_by("closed_at", "first_at")
        found = list(rows if all_ else rows.filter(closed_at=None))
        screen = now.screen
        items: dict[int, list[ProblemItem]] = {problem.pk: [] for problem in found}
        for item in ProblemItem.objects.filter(problem__in=found).order_by("key"):
            items[item.problem_id].append(item)
        screen.answer(
            [
                {
                    "id": p.pk, "code": p.code, "connection": p.system, "type": p.type, "what": p.what,
                    "do_this": p.do_this, "first_at": p.first_at, "last_at": p.last_at, "closed_at": p.closed_at,
                    "records": [
                        {"key": i.key, "id": i.external_id, "where": i.where, "message": i.message}
                        for i in items[p.pk]
                    ],
                }
                for p in found
            ]
        )  # fmt: skip
        if not found:
            screen.say("No problems.", "green")
        for p in found:
            over = f", over since {plain(p.closed_at)}" if p.closed_at else ""
            screen.say(f"{p.code} {p.what}", "dim" if p.closed_at else "bold red")
            screen.say(f"  {p.system} {p.type} · since {plain(p.first_at)}{over}")
            for item in items[p.pk][:_SHOWN]:
                screen.say(f"  - {item.key}{f' ({item.where})' if item.where else ''}")
            if len(items[p.pk]) > _SHOWN:
                screen.say(f"  - and {len(items[p.pk]) - _SHOWN} more (--json shows all)")
            screen.say(f"  What to do: {p.do_this}\n")
        return Exit.LOOK if any(p.closed_at is None for p in found) else Exit.OK


def runs(
    *,
    connection: Annotated[str, Parameter(help="Only of this connection.")] = "",
    limit: Annotated[int, Parameter(help="How many, the newest first.", show_default=True)] = 20,
    common: Common | None = None,
) -> None:
    """The last transfers: what was read and sent, how much of it, how long it took."""
    with session(common) as now:
        rows = Transfer.objects.filter(tenant=now.tenant).select_related("connection").order_by("-started", "-pk")
        if connection:
            rows = rows.filter(connection=now.connection(connection))
        found = list(rows[:limit])
        now.screen.answer([running.transfer_plain(transfer) for transfer in found])
        running.show_transfers(now.screen, found)
        if not found:
            now.screen.say("Nothing has been transferred yet.")
