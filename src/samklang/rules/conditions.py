"""Conditions compiled to predicates: (record or row, context) → bool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import singledispatch
from typing import Any

import msgspec

from samklang.rules import kinds, model
from samklang.rules.outcome import Context, FieldError
from samklang.rules.paths import Path
from samklang.rules.patterns import Pattern
from samklang.rules.text import text

Predicate = Callable[[Any, Context], bool]
Values = Callable[[Any], list[Any]]
PartClass = type[msgspec.Struct]


@singledispatch
def compile_condition(condition: Any, cls: PartClass) -> Predicate:
    """The condition as a function for records (or rows) of the class; FieldError for unknown fields and values."""
    raise TypeError(f"no condition: {condition!r}")


@compile_condition.register
def _equals(condition: model.Equals, cls: PartClass) -> Predicate:
    return _has_one_of(cls, condition.field, (condition.value,), condition.ignore_case)


@compile_condition.register
def _not_equals(condition: model.NotEquals, cls: PartClass) -> Predicate:
    equals = _has_one_of(cls, condition.field, (condition.value,), condition.ignore_case)
    return lambda part, context: not equals(part, context)


@compile_condition.register
def _one_of(condition: model.OneOf, cls: PartClass) -> Predicate:
    return _has_one_of(cls, condition.field, condition.values, condition.ignore_case)


@compile_condition.register
def _contains(condition: model.Contains, cls: PartClass) -> Predicate:
    _, values = _values(cls, condition.field)
    fold = _fold(condition.ignore_case)
    wanted = fold(condition.value)
    return lambda part, context: any(wanted in fold(text(value)) for value in values(part))


@compile_condition.register
def _starts_with(condition: model.StartsWith, cls: PartClass) -> Predicate:
    _, values = _values(cls, condition.field)
    fold = _fold(condition.ignore_case)
    wanted = fold(condition.value)
    return lambda part, context: any(fold(text(value)).startswith(wanted) for value in values(part))


@compile_condition.register
def _matches(condition: model.Matches, cls: PartClass) -> Predicate:
    _, values = _values(cls, condition.field)
    pattern = Pattern(condition.value, ignore_case=condition.ignore_case)

    def test(part: Any, context: Context) -> bool:
        try:
            return any(pattern.search(text(value)) for value in values(part))
        except FieldError as error:
            raise FieldError(condition.field, error.reason, error.do_this) from error

    return test


@compile_condition.register
def _greater(condition: model.Greater, cls: PartClass) -> Predicate:
    comparable, values = _ordered(cls, condition.field, condition.value)
    return lambda part, context: any(value > limit for value, limit in comparable(values(part), context))


@compile_condition.register
def _less(condition: model.Less, cls: PartClass) -> Predicate:
    comparable, values = _ordered(cls, condition.field, condition.value)
    return lambda part, context: any(value < limit for value, limit in comparable(values(part), context))


@compile_condition.register
def _empty(condition: model.Empty, cls: PartClass) -> Predicate:
    read = Path(cls, condition.field).read
    return lambda part, context: all(_is_empty(value) for value in read(part))


@compile_condition.register
def _not_empty(condition: model.NotEmpty, cls: PartClass) -> Predicate:
    read = Path(cls, condition.field).read
    return lambda part, context: not all(_is_empty(value) for value in read(part))


@compile_condition.register
def _all(condition: model.All, cls: PartClass) -> Predicate:
    tests = [compile_condition(inner, cls) for inner in condition.of]
    return lambda part, context: all(test(part, context) for test in tests)


@compile_condition.register
def _any(condition: model.AnyOf, cls: PartClass) -> Predicate:
    tests = [compile_condition(inner, cls) for inner in condition.of]
    return lambda part, context: any(test(part, context) for test in tests)


@compile_condition.register
def _not(condition: model.Not, cls: PartClass) -> Predicate:
    test = compile_condition(condition.of, cls)
    return lambda part, context: not test(part, context)


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, msgspec.Struct):
        return all(_is_empty(getattr(value, field)) for field in value.__struct_fields__)
    return value is None or (isinstance(value, tuple | list | Mapping) and not value)


def _values(cls: PartClass, field: str) -> tuple[Path, Values]:
    """The path and its values, rows of plain values (categories, images) one by one; a part cannot be compared."""
    path = Path(cls, field)
    row = kinds.row_type(path.type)
    if kinds.part_type(path.type) or (row is not None and kinds.part_type(row)):
        below = kinds.part_type(path.type) or kinds.part_type(row)
        dot = "." if kinds.part_type(path.type) else "[]."
        choices = ", ".join(f"{field}{dot}{name}" for name in kinds.field_types(below)) if below else ""
        raise FieldError(field, f"is more than one value; name one of {choices}")
    if row is None:
        return path, path.read
    return path, lambda part: [
        item for value in path.read(part) for item in (value if isinstance(value, tuple | list) else (value,))
    ]


def _fold(ignore_case: bool) -> Callable[[str], str]:
    return str.casefold if ignore_case else str


def _has_one_of(cls: PartClass, field: str, wanted: tuple[model.Scalar, ...], ignore_case: bool) -> Predicate:
    path, values = _values(cls, field)
    choices = kinds.alternatives(path.type)
    if date in choices or datetime in choices:
        limits = [_moment(field, item) for item in wanted]
        return lambda part, context: any(
            value is not None and _day(value, limit(context)) == limit(context)
            for value in values(part)
            for limit in limits
        )
    if allowed := kinds.literals(path.type):
        for item in wanted:
            if item not in allowed and item != "":
                choose = ", ".join(str(one) for one in allowed if one)
                raise FieldError(field, f"is never “{item}”; allowed are {choose}")
    if str not in choices and bool not in choices and not allowed and (Decimal in choices or int in choices):
        numbers = frozenset(_number_of_rule(field, item) for item in wanted)
        return lambda part, context: any(value in numbers for value in values(part))
    fold = _fold(ignore_case)
    texts = frozenset(fold(text(item)) for item in wanted)
    return lambda part, context: any(fold(text(value)) in texts for value in values(part))


def _ordered(cls: PartClass, field: str, wanted: str | int) -> tuple[Callable[..., list[tuple[Any, Any]]], Values]:
    """A function from values to (value, limit) pairs that can be compared; what cannot is left out."""
    path, values = _values(cls, field)
    choices = kinds.alternatives(path.type)
    if date in choices or datetime in choices:
        limit = _moment(field, wanted)
        return lambda found, context: [
            (_day(value, limit(context)), limit(context)) for value in found if value is not None
        ], values
    number = _number_of_rule(field, wanted)
    return lambda found, context: [(value, number) for value in map(_number, found) if value is not None], values


def _number(value: Any) -> Decimal | None:
    """The value as a number, None if it is none (free data may hold anything)."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _number_of_rule(field: str, value: model.Scalar) -> Decimal:
    number = _number(value)
    if number is None:
        raise FieldError(field, f"is a number and cannot be compared with “{value}”")
    return number


def _moment(field: str, value: model.Scalar) -> Callable[[Context], date]:
    """The rule's date or instant, `today` being the context's."""
    if value == "today":
        return lambda context: context.today
    try:
        moment = msgspec.convert(value, date if isinstance(value, str) and len(value) <= 10 else datetime)
    except msgspec.ValidationError as error:
        reason = f"is a date and cannot be compared with “{value}”; write 2026-04-01 or today"
        raise FieldError(field, reason) from error
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise FieldError(field, f"“{value}” has no time zone; write 2026-04-01T12:00:00Z")
    return lambda context: moment


def _day(value: date, limit: date) -> date:
    """The value in the limit's kind: instants count by their UTC day where the rule names a day."""
    return value.date() if isinstance(value, datetime) and not isinstance(limit, datetime) else value
