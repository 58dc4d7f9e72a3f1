"""A chain of rules compiled for one record type, and run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from samklang.records.base import InvalidRecord, Record, record_class
from samklang.rules import kinds
from samklang.rules import trade as _trade  # registers its actions  # noqa: F401
from samklang.rules.actions import Act, compile_action
from samklang.rules.conditions import PartClass, Predicate, compile_condition
from samklang.rules.model import Rule
from samklang.rules.outcome import Context, FieldError, Ignored, InvalidRules, Outcome, RuleFailed
from samklang.rules.paths import Path
from samklang.rules.plugins import Plugins, installed


class Link(msgspec.Struct, frozen=True):
    """One rule of a chain, compiled. `number` counts all rules given, from 1, switched off or not."""

    number: int
    rule: Rule
    when: Predicate | None
    act: Act

    def __call__(self, record: Record, context: Context) -> Outcome:
        """The record after this rule; RuleFailed names rule and field."""
        try:
            if self.when is not None and not self.when(record, context):
                return record
            outcome: Outcome = self.act(record, context)
        except FieldError as error:
            raise RuleFailed(self.number, self.rule.name, record, error) from error
        if isinstance(outcome, Ignored):
            return Ignored(reason=outcome.reason, rule=self.number, name=self.rule.name)
        return outcome


class Chain:
    """Compiled rules of one record type: call it with a record and a context. False when it has nothing to do."""

    def __init__(self, links: Iterable[Link]) -> None:
        self.links = tuple(links)

    def __bool__(self) -> bool:
        return bool(self.links)

    def __call__(self, record: Record, context: Context) -> Outcome:
        """The record after all rules (the very same one if none changed it), or Ignored; may raise RuleFailed."""
        for link in self.links:
            outcome = link(record, context)
            if isinstance(outcome, Ignored):
                return outcome
            record = outcome
        return record


def compile(rules: Iterable[Rule], record_type: str, plugins: Plugins | None = None) -> Chain:
    """The rules that concern the record type, ready to run many times.

    Raises InvalidRules, which names rule, field and what is allowed, and KeyError for an unknown record type.
    """
    cls = record_class(record_type)
    plugins = plugins or installed()
    links = []
    for number, rule in enumerate(rules, 1):
        if rule.enabled and (not rule.on or record_type in rule.on):
            try:
                when, act = _compiled(rule, cls, plugins)
            except (FieldError, InvalidRecord) as error:
                raise InvalidRules(number, error.field, error.reason, rule.name) from error
            links.append(Link(number, rule, when, act))
    return Chain(links)


def apply(rules: Iterable[Rule], record: Record, context: Context, plugins: Plugins | None = None) -> Outcome:
    """Compile and run once, for a single record; for many, compile once."""
    return compile(rules, record.type, plugins)(record, context)


def _compiled(rule: Rule, cls: PartClass, plugins: Plugins) -> tuple[Predicate | None, Act]:
    """Condition and action of the rule; with `each`, one action that goes through the rows."""
    if not rule.each:
        return compile_condition(rule.when, cls) if rule.when else None, compile_action(rule.then, cls, plugins)
    path = Path(cls, rule.each).writable()
    row = kinds.part_type(path.type)
    if row is None or row is cls:
        raise FieldError(rule.each, "each needs rows that have fields, such as lines[] or variants[]")
    try:
        when = compile_condition(rule.when, row) if rule.when else None
        act = compile_action(rule.then, row, plugins)
    except FieldError as error:
        raise _below(rule.each, error) from error

    def act_on_row(one: Any, context: Context) -> Any:
        try:
            return act(one, context) if when is None or when(one, context) else one
        except FieldError as error:
            raise _below(rule.each, error) from error

    return None, lambda record, context: path.change(record, lambda one: act_on_row(one, context))


def _below(each: str, error: FieldError) -> FieldError:
    """The error with the row's field named from the record."""
    return FieldError(f"{each}.{error.field}" if error.field else each, error.reason, error.do_this)
