"""`samklang order …`: what a person does with single orders. `samklang inbound …`: goods on their way in."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from django.utils.translation import gettext_noop

from samklang.cli import finding
from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, Session, session, who
from samklang.hub import inbound as arriving
from samklang.hub import orders
from samklang.records import Address

order = App(name="order", help="Release, hold, let go, correct, skip or send again single orders.")
inbound = App(name="inbound", help="Goods on their way into a warehouse: announce them, see what was received.")


def _keys(now: Session, numbers: tuple[str, ...]) -> list[str]:
    if not numbers:
        raise WrongUse("No order was named", "Give one or more order numbers.")
    return [finding.find(now.tenant, number).record.key for number in numbers]


@order.command
def release(*numbers: str, common: Common | None = None) -> Exit:
    """Let these orders be picked."""
    with session(common) as now:
        answers = orders.release(now.tenant.pk, _keys(now, numbers), who())
        for answer in answers:
            if answer.done:
                now.note(gettext_noop("order released"), f"order {answer.key}")
        now.screen.answer([answer._asdict() for answer in answers])
        now.screen.table(
            ["Order", "Released", ""], [(answer.key, "yes" if answer.done else "no", answer.why) for answer in answers]
        )
        return Exit.OK if all(answer.done for answer in answers) else Exit.LOOK


@order.command
def hold(
    number: str, *, why: Annotated[str, Parameter(help="Shown with the order.")], common: Common | None = None
) -> None:
    """Keep an order from the other systems until it is let go."""
    with session(common) as now:
        (key,) = _keys(now, (number,))
        orders.hold(now.tenant.pk, key, why, who())
        now.note(gettext_noop("order held"), f"order {key}", why=why)
        now.screen.answer({"order": key, "held": why})
        now.screen.say(f"{key} is on hold. `samklang order let-go {number}` sends it on its way again.")


@order.command
def let_go(number: str, *, common: Common | None = None) -> None:
    """End a hold; also that of an order whose 'sent' waits for its payment."""
    with session(common) as now:
        (key,) = _keys(now, (number,))
        count = orders.let_go(now.tenant.pk, key, who())
        now.note(gettext_noop("order let go"), f"order {key}")
        now.screen.answer({"order": key, "due": count})
        now.screen.say(f"{key} goes on: {count} deliveries are due.")


@order.command
def skip(
    number: str,
    *,
    connection: Annotated[str, Parameter(help="The system that is to be left as it is.")],
    type_: Annotated[str, Parameter(name="--type", help="Record type.", show_default=True)] = "order",
    why: Annotated[str, Parameter(help="Shown in the journey.")],
    common: Common | None = None,
) -> Exit:
    """Give up a delivery that stopped: the system is left as it is, and the next change goes there again."""
    with session(common) as now:
        (key,) = _keys(now, (number,))
        done = orders.skip(now.tenant.pk, now.connection(connection).pk, type_, key, why, who())
        if done:
            now.note(gettext_noop("delivery skipped"), f"order {key}", connection=connection, type=type_, why=why)
        now.screen.answer({"order": key, "skipped": done})
        now.screen.say("Skipped." if done else "Nothing of it stops, waits or is held there.")
        return Exit.OK if done else Exit.LOOK


@order.command
def resend(
    number: str,
    *,
    connection: Annotated[str, Parameter(help="The system that lost or spoilt it.")],
    type_: Annotated[str, Parameter(name="--type", help="Record type.", show_default=True)] = "order",
    common: Common | None = None,
) -> Exit:
    """Send an order again although the system took it; it never gets a second one."""
    with session(common) as now:
        (key,) = _keys(now, (number,))
        done = orders.resend(now.tenant.pk, now.connection(connection).pk, type_, key, who())
        if done:
            now.note(gettext_noop("sent again"), f"order {key}", connection=connection, type=type_)
        now.screen.answer({"order": key, "due": done})
        now.screen.say("It is due again." if done else "That system does not have it, or it is on its way.")
        return Exit.OK if done else Exit.LOOK


@order.command
def address(
    number: str,
    *,
    name: str,
    line: Annotated[tuple[str, ...], Parameter(help="Street; may be given several times.")],
    postcode: str,
    city: str,
    country: Annotated[str, Parameter(help="Two letters.", show_default=True)] = "SE",
    billing: Annotated[bool, Parameter(help="The invoice address instead of the delivery address.")] = False,
    common: Common | None = None,
) -> None:
    """Correct an order's address on its way to the other systems. The shop's own order stays as it is."""
    with session(common) as now:
        found = finding.find(now.tenant, number).record
        before = found.billing if billing else found.shipping
        right = Address(
            name=name, lines=line, postcode=postcode, city=city, country=country, phone=before.phone,
            email=before.email, company=before.company,
        )  # fmt: skip
        orders.amend(now.tenant.pk, found.key, who(), **{"billing" if billing else "shipping": right})
        now.note(gettext_noop("address corrected"), f"order {found.key}")
        now.screen.answer({"order": found.key})
        now.screen.say(f"{found.key} goes to the new address.")


@inbound.command
def start(source: str, warehouse: str, *, common: Common | None = None) -> None:
    """Announce everything that a system has in stock to a warehouse that begins; once."""
    with session(common) as now:
        made = arriving.announce_all(now.connection(source), now.connection(warehouse))
        if made:
            now.note(gettext_noop("goods announced"), f"connection {warehouse}", source=source, lists=len(made))
        pieces = sum(len(one.lines) for one in made)
        now.screen.answer({"announced": [one.number for one in made], "articles": pieces})
        now.screen.say(
            f"{pieces} articles are announced to {warehouse} in {len(made)} lists." if made
            else "All of it was announced before."
        )  # fmt: skip


@inbound.command(name="list")
def list_(
    *, deviations: Annotated[bool, Parameter(help="Only what came otherwise than announced.")] = False,
    common: Common | None = None,
) -> Exit:  # fmt: skip
    """What was announced and what was received of it."""
    with session(common) as now:
        found = [one for one in arriving.arrivals(now.tenant.pk) if one.deviations or not deviations]
        now.screen.answer(
            [
                {
                    "number": one.inbound.number, "kind": one.inbound.kind, "supplier": one.inbound.supplier,
                    "expected_on": one.inbound.expected_on,
                    "state": one.receipt.state if one.receipt else one.inbound.state,
                    "deviations": [
                        {"sku": line.sku, "expected": str(line.expected), "received": str(line.received)}
                        for line in one.deviations
                    ],
                }
                for one in found
            ]
        )  # fmt: skip
        now.screen.table(
            ["Number", "Kind", "Expected>", "Lines>", "State", "Deviations>"],
            [
                (
                    one.inbound.number, one.inbound.kind, one.inbound.expected_on or "", len(one.inbound.lines),
                    one.receipt.state if one.receipt else one.inbound.state, len(one.deviations) or "",
                )
                for one in found
            ],
        )  # fmt: skip
        return Exit.LOOK if any(one.deviations for one in found) else Exit.OK
