"""`samklang package`: what is agreed with a tenant, what is used of it, and the hours on its service account."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, Session, session, who
from samklang.hub.looks.rows import time_zone
from samklang.hub.setup import config
from samklang.packages import gates, hours, offer, quota, readiness, sellers, terms
from samklang.packages.models import Work
from samklang.packages.offer import Package
from samklang.people.audit import Actor
from samklang.people.models import Member

package = App(
    name="package", help="Packages: what is agreed with a tenant, used of it, and hours. Without one: nothing is gated."
)
_Hours = Annotated[str, Parameter(help="Hours, at most two decimals.")]
_Day = Annotated[str, Parameter(help="The day of it, as 2026-11-28; without: today.")]
_SHOWN = 50  # lines of a ledger


@package.command
def offered(*, common: Common | None = None) -> Exit:
    """The packages on offer (the file that SAMKLANG_PACKAGES names)."""
    with session(common) as now:
        found = list(offer.offered().values())
        now.screen.answer([msgspec.to_builtins(one) for one in found])
        now.screen.table(
            ["Code", "Name", "Orders a month>", "Includes", "From, a month>", "Bound, months>"],
            [
                (one.code, one.name, one.orders, ", ".join(_features(one)), _fee(one), one.term_months)
                for one in found
            ],
        )  # fmt: skip
    return Exit.OK


@package.command
def show(*, common: Common | None = None) -> Exit:
    """What is agreed, what is used of it this month and before, and what flows without being included."""
    with session(common) as now:
        row = terms.latest(now.tenant)
        agreed = terms.package_of(row)
        used = quota.by_month(now.tenant)
        left = hours.balance(now.tenant)
        found = readiness.check(agreed, gates.needs(config.current(now.tenant)))
        now.screen.answer(
            {
                "package": msgspec.to_builtins(agreed) if agreed else None,
                "since": row.at if row else None, "by": row.by if row else "", "contact": row.contact if row else "",
                "months": [
                    {"month": use.month, "orders": use.orders, "quota": use.quota, "percent": use.percent}
                    for use in used
                ],
                "hours": left, "lacks": [need._asdict() for need in found.lacks],
            }
        )  # fmt: skip
        if row and agreed:
            begun = row.at.astimezone(time_zone(now.tenant))
            now.screen.say(f"{agreed.name} since {begun:%Y-%m-%d}, agreed by {row.by}", "bold")
            bound = terms.bound_until(row)
            now.screen.say(f"Includes: {', '.join(_features(agreed)) or 'articles, prices, customers, orders'}")
            if bound:
                now.screen.say(f"Bound until {bound}, then {agreed.notice_months} months' notice.")
        else:
            now.screen.say("No package: everything is included, and nothing is counted against a quota.")
        now.screen.table(
            ["Month", "Orders>", "Included>", "%>"],
            [(f"{use.month:%Y-%m}", use.orders, use.quota, use.percent if use.quota else None) for use in used],
        )
        now.screen.say(f"Hours left: {left}")
        for need in found.lacks:
            now.screen.say(f"Not included, but in use: {offer.WORDS[need.feature]} ({need.where})", "yellow")
    return Exit.OK


@package.command(name="set")
def set_(
    code: Annotated[str, Parameter(help="Of a package on offer, or `none`.")],
    *,
    contact: Annotated[str, Parameter(help="The key account manager, where there is one.")] = "",
    note: str = "",
    since: Annotated[str, Parameter(help="The day from which it counts, as 2026-11-01; without: from now on.")] = "",
    common: Common | None = None,
) -> Exit:
    """Give the tenant a package, or none. What flows goes on, whatever is included."""
    with session(common) as now:
        found = offer.offered()
        if code != "none" and code not in found:
            raise WrongUse(f"There is no package {code!r}", f"On offer are: {', '.join(found)}; or none.")
        begins = _day(since) if since else None
        row = terms.agree(_operator(now), found.get(code), contact[:200], note[:300], begins)
        now.screen.answer({"package": code if row.terms else None, "since": row.at, "by": row.by})
        now.screen.say(f"{now.tenant}: {found[code].name if row.terms else 'no package'} from {begins or 'now'} on.")
    return Exit.OK


@package.command
def history(*, common: Common | None = None) -> Exit:
    """What was agreed when, and by whom."""
    with session(common) as now:
        rows = [(row, terms.package_of(row)) for row in terms.history(now.tenant)]
        now.screen.answer(
            [
                {"at": row.at, "by": row.by, "package": one.code if one else None, "note": row.note}
                for row, one in rows
            ]
        )  # fmt: skip
        now.screen.table(
            ["When", "By", "Package", "Note"],
            [(row.at, row.by, one.name if one else "–", row.note) for row, one in rows],
        )
    return Exit.OK


@package.command
def seller(
    email: Annotated[str, Parameter(help="Of a member of the tenant; without: show who may.")] = "",
    *,
    off: Annotated[bool, Parameter(help="Take it back.", negative="")] = False,
    common: Common | None = None,
) -> Exit:
    """Let a member agree on packages and write hours down in the console, for whoever runs this Samklang."""
    with session(common) as now:
        if email:
            _let(now, email, off)
        found = [str(row.member.user.email) for row in sellers.sellers(now.tenant)]
        now.screen.answer({"sellers": found})
        now.screen.say(f"May agree with {now.tenant}: {', '.join(found) or 'nobody in the console'}.")
    return Exit.OK


def _let(now: Session, email: str, off: bool) -> None:
    if off:
        sellers.forbid(_operator(now), email)
        return
    try:
        sellers.allow(_operator(now), email)
    except Member.DoesNotExist:
        what = f"{email} is no member of {now.tenant}"
        raise WrongUse(what, "Invite them first: `samklang people invite`.") from None


@package.command(name="hours")
def hours_(*, common: Common | None = None) -> Exit:
    """The service account: its newest lines, and what is left."""
    with session(common) as now:
        rows = list(hours.ledger(now.tenant)[:_SHOWN])
        left = hours.balance(now.tenant)
        now.screen.answer(
            {
                "left": left,
                "lines": [
                    {"day": r.day, "kind": r.kind, "work": r.work, "hours": r.hours, "by": r.by, "note": r.note}
                    for r in rows
                ],
            }
        )  # fmt: skip
        now.screen.table(
            ["Day", "What", "Work", "Hours>", "By", "Note"],
            [(str(r.day), r.kind, r.work, r.hours, r.by, r.note) for r in rows],
        )
        now.screen.say(f"Hours left: {left}", "bold")
    return Exit.OK


@package.command
def draw(
    amount: _Hours, work: Annotated[str, Parameter(help="What was done.")], *, day: _Day = "", note: str = "",
    common: Common | None = None,
) -> Exit:  # fmt: skip
    """Write down hours of work: delivery, installation, training, configuration, initial sync, plugin, support."""
    known = [one.value for one in Work if one.value]
    if work not in known:
        raise WrongUse(f"{work!r} is no kind of work", f"Known are: {', '.join(known)}.")
    with session(common) as now, _plainly():
        hours.draw(_operator(now), _amount(amount), Work(work), note[:300], _day(day))
        _left(now)
    return Exit.OK


@package.command
def buy(amount: _Hours, *, day: _Day = "", note: str = "", common: Common | None = None) -> Exit:
    """Put bought hours on the account."""
    with session(common) as now, _plainly():
        hours.buy(_operator(now), _amount(amount), note[:300], _day(day))
        _left(now)
    return Exit.OK


@package.command
def correct(
    amount: Annotated[str, Parameter(help="Hours to add, or to take: -1.5.", allow_leading_hyphen=True)],
    *, note: str, common: Common | None = None,
) -> Exit:  # fmt: skip
    """Add or take hours because a line was wrong; the line stays, and the note says why."""
    with session(common) as now, _plainly():
        hours.correct(_operator(now), _amount(amount), note[:300])
        _left(now)
    return Exit.OK


# ------------------------------------------------------------------------------------------------ parts of the above


def _operator(now: Session) -> Actor:
    return Actor(now.tenant, f"{who()}, command line")


def _left(now: Session) -> None:
    left = hours.balance(now.tenant)
    now.screen.answer({"left": left})
    now.screen.say(f"Hours left: {left}", "" if left >= 0 else "yellow")


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise WrongUse(f"{text!r} is no number of hours") from None
    if not amount.is_finite():
        raise WrongUse(f"{text!r} is no number of hours")
    return amount


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise WrongUse(f"{text!r} is no day", "Write it as 2026-11-28.") from None


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise WrongUse(str(error)) from None


def _features(one: Package) -> list[str]:
    return [offer.WORDS[feature] for feature in offer.FEATURES if one.includes(feature)]


def _fee(one: Package) -> str:
    return f"{one.monthly_fee} {one.currency}" if one.monthly_fee is not None else "by quotation"
