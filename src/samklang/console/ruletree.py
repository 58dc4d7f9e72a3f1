"""Rules and conditions as forms: from plain data to fields, and back from what was sent. Every kind of condition and
action that rules/model.py knows has its form here, read off its class; nothing is listed twice.

A field's name is its place in the rule: `then.field`, `when.of.0.value`. Tables are rows with a key and a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from samklang.records.base import Value, record_class
from samklang.rules import kinds, model
from samklang.rules.load import ACTIONS, CONDITIONS
from samklang.rules.text import text

InputKind = Literal["text", "area", "path", "rows", "flag", "choice", "table", "carriers", "condition"]

CONDITION_WORDS: dict[str, str | Promise] = {
    "equals": _("is"), "not_equals": _("is not"), "in": _("is one of"), "contains": _("contains"),
    "starts_with": _("begins with"), "matches": _("matches the expression"), "greater": _("is above"),
    "less": _("is below"), "empty": _("is empty"), "not_empty": _("is not empty"),
    "all": _("all of these hold"), "any": _("any of these holds"), "not": _("this does not hold"),
}  # fmt: skip
ACTION_WORDS: dict[str, str | Promise] = {
    "set": _("set a field"), "clear": _("empty a field"), "copy": _("copy a field to another"),
    "replace": _("search and replace"), "map": _("translate by a table"), "merge": _("join fields"),
    "strip_html": _("clean HTML"), "adjust_price": _("change a price"), "replace_sku": _("replace article numbers"),
    "set_address": _("set an address"), "map_carrier": _("choose the carrier"), "filter": _("keep only some rows"),
    "add_row": _("add a row"), "ignore": _("leave the record out"), "fail": _("stop the record and tell"),
    "plugin": _("let a plugin change it"),
}  # fmt: skip
_LABELS: dict[str, str | Promise] = {
    "field": _("Field"), "value": _("Value"), "values": _("Values"), "ignore_case": _("Whatever its letters' case"),
    "from": _("From"), "to": _("To"), "find": _("Find"), "with": _("Put instead"), "regex": _("It is an expression"),
    "rows": _("Rows"), "keep": _("Keep those where"), "table": _("Table"), "otherwise": _("What the table lacks"),
    "default": _("Becomes"), "fields": _("Fields"), "into": _("Into"), "separator": _("Between them"),
    "percent": _("Per cent"), "add": _("Then add"), "round_to": _("Then round to a multiple of"),
    "rounding": _("Rounding"), "add_after": _("Then add"), "address": _("Address"), "others": _("Other fields of it"),
    "reason": _("Reason"), "message": _("Message"), "do_this": _("What to do"), "name": _("Plugin"),
    "options": _("Its options"), "of": _("Conditions"),
}  # fmt: skip
_CHOICES: dict[str, str | Promise] = {
    "keep": _("is kept"), "default": _("becomes another value"), "fail": _("stops the record"),
    "half_up": _("to the nearest"), "up": _("up"), "down": _("down"), "clear": _("are emptied"),
}  # fmt: skip
_PATHS = frozenset({"field", "from", "to", "rows", "into", "address"})


class Input(NamedTuple):
    """One field of a form. `rows`: those of a table, each with the names and values of its cells."""

    name: str
    label: str | Promise
    kind: InputKind
    value: Any = ""
    choices: tuple[tuple[str, str | Promise], ...] = ()
    rows: tuple[tuple[tuple[str, str], ...], ...] = ()
    inner: Node | None = None
    wrong: bool = False

    @property
    def id(self) -> str:
        """For its label."""
        return "r-" + self.name.replace(".", "-")


class Node(NamedTuple):
    """A condition or an action: where it stands, its kind, its fields, and the conditions inside."""

    name: str
    kind: str
    kinds: tuple[tuple[str, str | Promise], ...]
    inputs: tuple[Input, ...] = ()
    inner: tuple[Node, ...] = ()
    grows: bool = False
    tag: str = "is"

    @property
    def id(self) -> str:
        """For its label."""
        return "r-" + self.name.replace(".", "-")


# ------------------------------------------------------------------------------------------------ data → form


def condition_node(data: Mapping[str, Any] | None, name: str, wrong: str = "") -> Node | None:
    """The form of a condition; None for none."""
    if not data:
        return None
    kind = data.get("is", "equals")
    cls = CONDITIONS.get(kind, model.Equals)
    options = tuple((one, CONDITION_WORDS.get(one, one)) for one in sorted(CONDITIONS, key=_place(CONDITION_WORDS)))
    if kind in ("all", "any"):
        inner = tuple(
            node for n, one in enumerate(data.get("of") or ()) if (node := condition_node(one, f"{name}.of.{n}", wrong))
        )
        return Node(name, kind, options, inner=inner, grows=True)
    if kind == "not":
        inside = condition_node(data.get("of") or {"is": "equals"}, f"{name}.of", wrong)
        return Node(name, kind, options, inner=(inside,) if inside else ())
    return Node(name, kind, options, tuple(_inputs(cls, data, name, wrong)))


def action_node(data: Mapping[str, Any], name: str, wrong: str = "") -> Node:
    """The form of an action."""
    kind = data.get("do", "set")
    cls = ACTIONS.get(kind, model.Set)
    options = tuple((one, ACTION_WORDS.get(one, one)) for one in sorted(ACTIONS, key=_place(ACTION_WORDS)))
    return Node(name, kind, options, tuple(_inputs(cls, data, name, wrong)), tag="do")


def _place(words: Mapping[str, Any]) -> Any:
    order = list(words)
    return lambda kind: order.index(kind) if kind in order else len(order)


def _inputs(cls: type[msgspec.Struct], data: Mapping[str, Any], name: str, wrong: str) -> Iterator[Input]:
    for field, type_, default in _fields(cls):
        place = f"{name}.{field}"
        value = data.get(field, default)
        kind, choices = _kind(field, type_)
        rows: tuple[tuple[tuple[str, str], ...], ...] = ()
        inner = None
        if kind in ("table", "carriers"):
            rows = tuple(_rows(place, kind, value))
            value = ""
        elif kind == "condition":
            inner = condition_node(value or {"is": "not_empty"}, place, wrong)
            value = ""
        elif kind == "rows":
            value = "\n".join(text(one) for one in value or ())
        elif kind == "flag":
            value = bool(value)
        else:
            value = _shown(value)
        is_wrong = bool(wrong) and (place.endswith(wrong) or (kind == "path" and value == wrong))
        yield Input(place, _LABELS.get(field, field), kind, value, choices, rows, inner, is_wrong)


def _fields(cls: type[msgspec.Struct]) -> Iterator[tuple[str, Any, Any]]:
    """(name in the data, type, default) of each field of a class."""
    types = kinds.field_types(cls)
    for field in msgspec.structs.fields(cls):
        default = None if field.default is msgspec.NODEFAULT else field.default
        yield field.encode_name, types[field.name], default


def _kind(field: str, type_: Any) -> tuple[InputKind, tuple[tuple[str, str | Promise], ...]]:
    if literals := kinds.literals(type_):
        return "choice", tuple((str(one), _CHOICES.get(str(one), str(one))) for one in literals)
    if type_ is bool:
        return "flag", ()
    if type_ == Value:
        return "area", ()
    if entry := kinds.entry_type(type_):
        return ("carriers" if entry is model.Carrier else "table"), ()
    if model.Equals in kinds.alternatives(type_):
        return "condition", ()
    if kinds.row_type(type_) is not None:
        return "rows", ()
    if field in _PATHS:
        return "path", ()
    return (
        "area" if field in ("message", "do_this", "reason") or (field == "value" and type_ == Value) else "text"
    ), ()


def _rows(place: str, kind: str, value: Any) -> Iterator[tuple[tuple[str, str], ...]]:
    """Rows of a table as (name, value) of their cells; one empty row at the end to type into."""
    items = list(value.items()) if isinstance(value, Mapping) else []
    for number, (key, one) in enumerate([*items, ("", {} if kind == "carriers" else "")]):
        here = f"{place}.{number}"
        if kind == "carriers":
            yield (
                (f"{here}.k", text(key)),
                (f"{here}.carrier", one.get("carrier", "")),
                (f"{here}.service", one.get("service", "")),
            )
        else:
            yield (f"{here}.k", text(key)), (f"{here}.v", _shown(one))


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return msgspec.json.encode(value).decode()
    return text(value)


# ------------------------------------------------------------------------------------------------ form → data


def sent(post: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What was sent under a prefix, as nested data; lists are mappings of numbers until `_tidy`."""
    tree: dict[str, Any] = {}
    for name in post:
        parts = str(name).split(".")
        if parts[0] != prefix or len(parts) < 2:
            continue
        here = tree
        for part in parts[1:-1]:
            below = here.setdefault(part, {})
            if not isinstance(below, dict):
                break
            here = below
        else:
            here[parts[-1]] = str(post[name])
    return tree


def condition_data(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A condition as plain data, out of what was sent."""
    kind = str(tree.get("is", ""))
    if kind not in CONDITIONS:
        return {}
    if kind in ("all", "any"):
        inner = [condition_data(one) for one in _numbered(tree.get("of"))]
        return {"is": kind, "of": [one for one in inner if one]}
    if kind == "not":
        below = tree.get("of")
        return {"is": kind, "of": condition_data(below if isinstance(below, dict) else {}) or {"is": "equals"}}
    return {"is": kind, **_values(CONDITIONS[kind], tree)}


def action_data(tree: Mapping[str, Any]) -> dict[str, Any]:
    """An action as plain data."""
    kind = str(tree.get("do", ""))
    if kind not in ACTIONS:
        return {}
    return {"do": kind, **_values(ACTIONS[kind], tree)}


def _values(cls: type[msgspec.Struct], tree: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, type_, default in _fields(cls):
        kind, _choices = _kind(field, type_)
        given = tree.get(field)
        value: Any
        if kind in ("table", "carriers"):
            value = _table(kind, given, kinds.entry_type(type_))
        elif kind == "condition":
            value = condition_data(given if isinstance(given, dict) else {})
        elif kind == "flag":
            value = given is not None
        elif kind == "rows":
            value = [line.strip() for line in str(given or "").splitlines() if line.strip()]
        else:
            value = _typed(str(given or ""), type_)
        if _is_default(value, default):
            continue
        found[field] = value
    return found


def _typed(given: str, type_: Any) -> Any:
    """Text as typed; JSON where a list or a part is typed for a field that may hold one. Line ends as in a file."""
    given = given.replace("\r\n", "\n")
    if Decimal in kinds.alternatives(type_):
        return given.strip().replace(",", ".")
    if dict[str, Any] in kinds.alternatives(type_) and re.match(r"\s*[\[{]\s*[\"\[{\]}\d]", given):
        try:
            return msgspec.json.decode(given)
        except msgspec.DecodeError:
            return given
    return given


def _is_default(value: Any, default: Any) -> bool:
    if isinstance(default, Decimal):
        return value in ("", text(default))
    if default is None:
        return value in (None, "")
    usual = list(default) if isinstance(default, tuple) else default
    return bool(value == usual)


def _table(kind: str, given: Any, entry: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in _numbered(given):
        key = str(row.get("k", "")).strip()
        if not key:
            continue
        if kind == "carriers":
            service = str(row.get("service", "")).strip()
            found[key] = {"carrier": str(row.get("carrier", "")).strip(), **({"service": service} if service else {})}
        else:
            found[key] = _typed(str(row.get("v", "")), entry)
    return found


def _numbered(given: Any) -> list[dict[str, Any]]:
    """Rows in the order of their numbers."""
    if not isinstance(given, dict):
        return []
    numbered = sorted((int(key), one) for key, one in given.items() if str(key).isdigit() and isinstance(one, dict))
    return [one for _number, one in numbered]


# ------------------------------------------------------------------------------------------------ adding, taking away


def act(data: dict[str, Any], wish: str) -> None:
    """Carry out what a button of the form asked for, in place: `add when`, `remove when.of.1`, `row then.table`."""
    verb, _blank, place = wish.partition(" ")
    parts = place.split(".")
    here: Any = data
    for part in parts[:-1]:
        here = here[int(part)] if isinstance(here, list) else here.get(part)
        if here is None:
            return
    last = parts[-1]
    if verb == "add":
        if last == "of":
            here.setdefault("of", []).append({"is": "equals"})
        else:
            there = here.get(last)
            here[last] = {"is": "all", "of": [there, {"is": "equals"}]} if there else {"is": "equals"}
    elif verb == "remove":
        if isinstance(here, list) and last.isdigit() and int(last) < len(here):
            del here[int(last)]
        elif isinstance(here, dict):
            here.pop(last, None)


def paths(type_: str, each: str = "") -> list[str]:
    """Fields that can be named, for a list to choose from: those of the record and of its parts and rows."""
    return sorted(dict.fromkeys(_paths(record_class(type_), "", 0)))


def _paths(cls: type[msgspec.Struct], before: str, depth: int) -> Iterator[str]:
    for name, type_ in kinds.field_types(cls).items():
        place = f"{before}.{name}" if before else name
        row = kinds.row_type(type_)
        if row is not None:
            yield f"{place}[]"
            part = kinds.part_type(row)
            if part and depth < 2:
                yield from _paths(part, f"{place}[]", depth + 1)
        elif kinds.entry_type(type_) is not None:
            yield place
        else:
            part = kinds.part_type(type_)
            yield place
            if part and depth < 2:
                yield from _paths(part, place, depth + 1)


def rows_of(type_: str) -> list[str]:
    """Rows of a record that a rule can work on one by one."""
    return [
        f"{name}[]" for name, kind in kinds.field_types(record_class(type_)).items()
        if (row := kinds.row_type(kind)) is not None and kinds.part_type(row)
    ]  # fmt: skip
