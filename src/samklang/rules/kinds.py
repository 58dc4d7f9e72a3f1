"""The types of fields, read off the record classes: which are rows, which parts, which values are allowed."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Union

import msgspec

from samklang.records.base import Value

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The types of a union, or the type alone."""
    return typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)


def part_type(kind: Any) -> type[msgspec.Struct] | None:
    """The class when the type is a record or a part of one (or none of it), else None."""
    for choice in alternatives(kind):
        if isinstance(choice, type) and issubclass(choice, msgspec.Struct):
            return choice
    return None


def entry_type(kind: Any) -> Any:
    """The type of an entry when the type is a mapping, else None; inside custom data it is Value."""
    return _argument(kind, (Mapping, dict), 1)


def row_type(kind: Any) -> Any:
    """The type of one row when the type is rows, else None; inside custom data it is Value."""
    return _argument(kind, (tuple, list), 0)


def _argument(kind: Any, containers: tuple[Any, ...], place: int) -> Any:
    for choice in alternatives(kind):
        if (typing.get_origin(choice) or choice) in containers:
            arguments = typing.get_args(choice)
            found = arguments[place] if arguments else Any
            return Value if found is Any else found
    return None


def literals(kind: Any) -> tuple[Any, ...]:
    """The allowed values when the type is a fixed list of them, else nothing."""
    choices = (choice for choice in alternatives(kind) if typing.get_origin(choice) is Literal)
    return tuple(value for choice in choices for value in typing.get_args(choice))


@cache
def field_types(cls: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The fields of a record or part with their types, `custom` last."""
    hints = typing.get_type_hints(cls)
    return {name: hints[name] for name in sorted(cls.__struct_fields__, key=lambda name: name == "custom")}


def title(cls: type[msgspec.Struct]) -> str:
    """What a person calls the class: the record type, or the part's name in small letters (order line)."""
    return str(getattr(cls, "type", _WORD.sub(" ", cls.__name__).lower()))
