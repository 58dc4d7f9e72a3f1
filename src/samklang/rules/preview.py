"""What a chain does to one record, rule by rule, for a person to look at before it is switched on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from samklang.records.base import Record
from samklang.rules.engine import compile
from samklang.rules.model import Rule
from samklang.rules.outcome import Context, Ignored, RuleFailed
from samklang.rules.plugins import Plugins
from samklang.rules.text import text


class Change(msgspec.Struct, frozen=True):
    """One value that differs, by path; None where it is not there."""

    path: str
    before: str | None
    after: str | None


class Step(msgspec.Struct, frozen=True):
    """What one rule did: its changes, or that it left the record out, or that it stopped it.

    `number` counts from 1 as in the rules given. No changes and neither of the others: it did not apply, or changed
    nothing.
    """

    number: int
    rule: Rule
    changes: tuple[Change, ...] = ()
    ignored: Ignored | None = None
    failed: RuleFailed | None = None


def preview(
    rules: Iterable[Rule], record: Record, context: Context, plugins: Plugins | None = None
) -> tuple[Step, ...]:
    """The rules that concern the record, one after another, up to the one that ends its way."""
    steps: list[Step] = []
    for link in compile(rules, record.type, plugins).links:
        try:
            outcome = link(record, context)
        except RuleFailed as failure:
            return (*steps, Step(link.number, link.rule, failed=failure))
        if isinstance(outcome, Ignored):
            return (*steps, Step(link.number, link.rule, ignored=outcome))
        steps.append(Step(link.number, link.rule, changes(record, outcome)))
        record = outcome
    return tuple(steps)


def changes(before: Record, after: Record) -> tuple[Change, ...]:
    """Every single value in which the records differ, in the order of the fields."""
    if before is after:
        return ()
    old, new = dict(_leaves("", before)), dict(_leaves("", after))
    return tuple(
        Change(path, old.get(path), new.get(path)) for path in {**old, **new} if old.get(path) != new.get(path)
    )


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """(path, text) of every single value; paths are those that rules use."""
    if isinstance(value, msgspec.Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        for name, below in value.items():
            quoted = f'"{name}"' if any(mark in name for mark in ".[]") else name
            yield from _leaves(f"{path}.{quoted}" if path else quoted, below)
    elif isinstance(value, tuple | list):
        for place, below in enumerate(value):
            yield from _leaves(f"{path}[{place}]", below)
    elif value is not None:
        yield path, text(value)
