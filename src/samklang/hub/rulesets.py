"""Compiled rule chains of a connection: what the database holds as data, as one function per type and direction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from samklang.connectors.errors import Misconfigured
from samklang.hub.models import Connection, RuleSet
from samklang.records import Record
from samklang.records.times import business_date
from samklang.rules import Context, Ignored, InvalidRules, compile, load

Chain = Callable[[Record], "Record | Ignored"] | None
Direction = Literal["in", "out"]


def context(connection: str, direction: Direction, time_zone: str = "Europe/Stockholm") -> Context:
    """Where and when a chain runs that is used now."""
    now = datetime.now(UTC)
    return Context(connection=connection, direction=direction, now=now, today=business_date(now, time_zone))


def chain(row: Connection, direction: Direction, type_: str) -> Chain:
    """The chain, or None where there are no rules (which then cost nothing). Misconfigured names a wrong rule."""
    found = RuleSet.objects.filter(tenant=row.tenant, connection=row, direction=direction, type=type_).first()
    if found is None or not found.rules:
        return None
    try:
        rules = compile(load(found.rules, type_), type_)
    except InvalidRules as error:
        raise Misconfigured(str(error), where=f"rules {direction} of {row.name} for {type_}") from error
    here = context(row.name, direction)
    return lambda record: rules(record, here)


def condition(data: Any, type_: str) -> Callable[[Record], bool]:
    """A condition as a predicate on records of the type. Misconfigured when it is not well formed."""
    rule = [{"when": data, "then": {"do": "ignore"}}]
    try:
        rules = compile(load(rule, type_), type_)
    except InvalidRules as error:
        raise Misconfigured(str(error), where=f"condition on {type_}") from error
    here = context("", "out")
    return lambda record: isinstance(rules(record, here), Ignored)
