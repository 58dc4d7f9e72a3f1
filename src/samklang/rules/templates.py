"""Templates: text in which `{path}` stands for a field. No format language, no code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from samklang.rules.outcome import Context, FieldError
from samklang.rules.paths import Path
from samklang.rules.text import text

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

#: What a template may name beside the record's own fields.
CONTEXT_NAMES: Mapping[str, Callable[[Context], str]] = {
    "today": lambda context: context.today.isoformat(),
    "now": lambda context: context.now.isoformat(),
    "connection": lambda context: context.connection,
    "direction": lambda context: context.direction,
}

Render = Callable[[msgspec.Struct, Context], str]


def is_template(template: str) -> bool:
    """Whether the text holds anything to fill in."""
    return "{" in template or "}" in template


def compile_template(template: str, cls: type[msgspec.Struct]) -> Render:
    """A function that fills the template in. `{{` and `}}` are braces; FieldError for unknown fields or lone braces."""
    pieces: list[str | Render] = []
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        pieces.append(template[end : found.start()])
        end = found.end()
        mark = found.group()
        if mark in ("{{", "}}"):
            pieces.append(mark[0])
        elif found.group(1) is None:
            raise FieldError("", f"“{template}” holds a lone {mark}; write {mark * 2} for the character itself")
        else:
            pieces.append(_field(found.group(1), cls))
    pieces.append(template[end:])
    if all(isinstance(piece, str) for piece in pieces):
        constant = "".join(piece for piece in pieces if isinstance(piece, str))
        return lambda part, context: constant
    return lambda part, context: "".join(piece if isinstance(piece, str) else piece(part, context) for piece in pieces)


def _field(name: str, cls: type[msgspec.Struct]) -> Render:
    if name in CONTEXT_NAMES and name not in cls.__struct_fields__:
        of_context = CONTEXT_NAMES[name]
        return lambda part, context: of_context(context)
    read = Path(cls, name).read
    return lambda part, context: ", ".join(filled for value in read(part) if (filled := text(value)))


def compile_value(value: Any, cls: type[msgspec.Struct]) -> Callable[[msgspec.Struct, Context], Any]:
    """A function that gives the value with every text in it filled in (lists and mappings too)."""
    if isinstance(value, str):
        return compile_template(value, cls)
    if isinstance(value, list):
        items = [compile_value(item, cls) for item in value]
        return lambda part, context: [item(part, context) for item in items]
    if isinstance(value, Mapping):
        named = {name: compile_value(item, cls) for name, item in value.items()}
        return lambda part, context: {name: item(part, context) for name, item in named.items()}
    return lambda part, context: value
