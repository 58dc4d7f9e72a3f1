"""What to ask a system for, derived from the structs that its answer is decoded into: neither can be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec


def dotted(type_: type[msgspec.Struct]) -> tuple[str, ...]:
    """The names of a struct's fields, those of a struct inside it as outer.inner."""
    found: list[str] = []
    for name, inner in _fields(type_):
        found += [f"{name.rstrip('.')}.{deeper}" for deeper in dotted(inner)] if inner else [name]
    return tuple(found)


def graphql(type_: Any) -> str:
    """A GraphQL selection of the fields of a struct, or of the struct in a type such as `list[Row]`."""
    row = _struct(type_)
    assert row is not None
    return " ".join(f"{name} {{ {graphql(inner)} }}" if inner else name for name, inner in _fields(row))


@cache
def _fields(type_: type[msgspec.Struct]) -> list[tuple[str, type[msgspec.Struct] | None]]:
    return [(field.encode_name, _struct(field.type)) for field in msgspec.structs.fields(type_)]


def _struct(hint: Any) -> type[msgspec.Struct] | None:
    """The struct in a type such as `list[Row] | None`. One with a tag is a value in disguise, such as a typed date."""
    if parts := get_args(hint):
        return next((found for part in parts if (found := _struct(part))), None)
    is_row = isinstance(hint, type) and issubclass(hint, msgspec.Struct) and hint.__struct_config__.tag is None
    return hint if is_row else None


def shared(source: msgspec.Struct, *names: str) -> dict[str, Any]:
    """The values of these fields, which are called alike on both sides; None is left out, so the default stands."""
    return {name: value for name in names if (value := getattr(source, name)) is not None}


def filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """What of a body says something: an empty text, list or None would clear what the system has."""
    return {name: value for name, value in values.items() if value}
