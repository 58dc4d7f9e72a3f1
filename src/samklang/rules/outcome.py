"""What rules are given and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

from samklang.records.base import Record, Value


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when a chain runs. `now` is UTC, `today` the day in the shop; a plugin finds its `options` here."""

    connection: str
    direction: Literal["in", "out"]
    now: datetime
    today: date
    options: Mapping[str, Value] = {}


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A rule took the record out of the flow. `rule` counts from 1; the engine fills `rule` and `name` in."""

    reason: str = ""
    rule: int = 0
    name: str = ""


Outcome = Record | Ignored


class FieldError(ValueError):
    """A field that is not there or cannot hold a value; becomes InvalidRules or RuleFailed, which know the rule."""

    def __init__(self, field: str, reason: str, do_this: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason
        self.do_this = do_this


class InvalidRules(ValueError):
    """Rules that cannot be used. `rule` counts from 1 (0: the whole), `field` is the place in the rule or the path."""

    def __init__(self, rule: int, field: str, reason: str, name: str = "") -> None:
        where = ", ".join(part for part in (_title(rule, name), field) if part)
        super().__init__(f"{where}: {reason}")
        self.rule = rule
        self.field = field
        self.reason = reason
        self.name = name


class RuleFailed(Exception):
    """A rule stopped a record: a person must mend the record or the rule. Neighbouring records go on.

    Attributes: `rule` (from 1), `name` of the rule, `record` ("order shop/1001"), `field`, `reason`, `do_this`.
    """

    def __init__(self, rule: int, name: str, record: Record, error: FieldError) -> None:
        self.rule = rule
        self.name = name
        self.record = f"{record.type} {record.key}"
        self.field = error.field
        self.reason = error.reason
        self.do_this = error.do_this or "Correct the record at the source, or change the rule."
        super().__init__(f"{_title(rule, name)} stopped {self.record}: {error}")


def _title(rule: int, name: str) -> str:
    if not rule:
        return "Rules"
    return f"Rule {rule} “{name}”" if name else f"Rule {rule}"
