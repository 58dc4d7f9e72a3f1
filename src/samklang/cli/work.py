"""`samklang sync`, `retry`, `release`, `pause`, `resume`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from django.utils.translation import gettext_noop

from samklang.cli import finding, running
from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, session, who
from samklang.engine.work import reading_jobs
from samklang.hub import delivery, guards, links
from samklang.hub.models import Brake, Connection
from samklang.hub.setup import connecting


def sync(
    *,
    sweep: Annotated[bool, Parameter(help="Read everything and compare, not only what changed.")] = False,
    connection: Annotated[str, Parameter(help="Read only from this connection.")] = "",
    common: Common | None = None,
) -> Exit:
    """Read what changed, deliver what is due, and end. `samklang serve` does the same all the time."""
    with session(common) as now:
        tenant = now.tenant
        names = [now.connection(connection).name] if connection else None
        jobs = reading_jobs(tenant.pk, names, sweep) + running.due_jobs(tenant)
        ran = running.run(now.screen, tenant, jobs)
        now.screen.answer(ran.plain())
        ran.show(now.screen)
        return ran.exit_code


def retry(
    order: Annotated[str, Parameter(help="Number of one order; its customer is tried again too.")] = "",
    *,
    connection: Annotated[str, Parameter(help="Everything that stopped at this connection.")] = "",
    type_: Annotated[str, Parameter(name="--type", help="Everything of this record type that stopped.")] = "",
    transfer: Annotated[
        bool, Parameter(help="Send it at once (else `sync` or `serve` does).", negative="--no-transfer")
    ] = True,
    common: Common | None = None,
) -> Exit:
    """Try again what stopped, waits or backs off: one order, a connection, a type, or everything."""
    with session(common) as now:
        tenant = now.tenant
        target = now.connection(connection).pk if connection else None
        if order:
            found = finding.find(tenant, order)
            keys = [("", found.record.key), ("customer", found.record.customer.key)]
            count = sum(delivery.retry(tenant.pk, target, kind, key) for kind, key in keys)
        else:
            count = delivery.retry(tenant.pk, target, type_)
        about = f"order {found.record.key}" if order else f"connection {connection}" if connection else ""
        now.note(gettext_noop("tried again"), about, count=count, type=type_)
        if not transfer:
            now.screen.answer({"due": count})
            now.screen.say(f"{count} records are due again.")
            return Exit.OK
        ran = running.run(now.screen, tenant, running.due_jobs(tenant))
        now.screen.answer({"due": count, **ran.plain()})
        now.screen.say(f"{count} records were due again.")
        ran.show(now.screen)
        return ran.exit_code


def release(
    brake: Annotated[int, Parameter(help="Number of the brake.")] = 0,
    *,
    all_: Annotated[bool, Parameter(name="--all", help="Release every brake.")] = False,
    reject: Annotated[bool, Parameter(help="Let the changes fall instead: the target keeps what it has.")] = False,
    common: Common | None = None,
) -> Exit:
    """Release a brake, so that the mass change behind it goes out. Without a number: list the brakes (4 if any)."""
    with session(common) as now:
        screen = now.screen
        on = list(Brake.objects.filter(tenant=now.tenant, released_at=None).select_related("connection").order_by("pk"))
        chosen = on if all_ else [one for one in on if one.pk == brake]
        if brake and not chosen:
            raise WrongUse(f"There is no brake {brake} that is on", "`samklang release` lists them.")
        freed = [
            {
                "brake": one.pk, "connection": one.connection.name, "type": one.type, "risk": one.risk,
                "count": one.count, "of": one.of, "at": one.at,
                "released": guards.release(one, who()) if one in chosen and not reject else 0,
                "rejected": guards.reject(one, who()) if one in chosen and reject else 0,
            }
            for one in on
        ]  # fmt: skip
        for row in freed:
            if row["released"] or row["rejected"]:
                what = gettext_noop("brake released") if row["released"] else gettext_noop("brake rejected")
                now.note(
                    what, f"connection {row['connection']}", type=row["type"], risk=row["risk"], count=row["count"]
                )
        screen.answer(freed)
        if not on:
            screen.say("No brake is on.", "green")
        for row in freed:
            if row["released"]:
                screen.say(f"Released: {row['released']} {row['type']} go out to {row['connection']}.", "bold")
            if row["rejected"]:
                screen.say(
                    f"Rejected: {row['rejected']} {row['type']} stay as they are in {row['connection']}.", "bold"
                )
        if on and not chosen:
            screen.table(
                ["Brake>", "Target", "What would happen", "Since>"],
                [(b.pk, b.connection.name, f"{b.count} of {b.of} {b.type} {guards.WORDS[b.risk]}", b.at) for b in on],
            )
            screen.say("`samklang release NUMBER` lets one go, if the change is meant; with --reject it is let fall.")
        return Exit.PERSON if on and not chosen else Exit.OK


def pause(
    connection: str,
    *,
    why: Annotated[str, Parameter(help="Shown in `status`.")] = "",
    common: Common | None = None,
) -> None:
    """Stop reading from and writing to a connection; what is due waits."""
    with session(common) as now:
        row = now.connection(connection)
        connecting.pause(row, why or f"Paused by {who()}")
        now.note(gettext_noop("paused"), f"connection {row.name}", why=why)
        now.screen.answer({"connection": row.name, "state": row.state, "reason": row.reason})
        now.screen.say(f"{row.name} is paused. `samklang resume {row.name}` goes on.")


def resume(connection: str, *, common: Common | None = None) -> None:
    """Use a connection again that was paused, by a person or by an error that a person has mended."""
    with session(common) as now:
        row = now.connection(connection)
        links.resume(row)
        now.note(gettext_noop("resumed"), f"connection {row.name}")
        now.screen.answer({"connection": row.name, "state": Connection.State.ACTIVE.value, "reason": ""})
        now.screen.say(f"{row.name} is in use again.", "green")
