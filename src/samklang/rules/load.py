"""Rules from plain data (JSON, TOML) and back. A mistake is named by rule, place and what is allowed there."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from samklang.records.base import record_types
from samklang.rules import kinds, model
from samklang.rules.engine import compile
from samklang.rules.model import Rule
from samklang.rules.outcome import FieldError, InvalidRules
from samklang.rules.plugins import Plugins

ACTIONS = {action.__struct_config__.tag: action for action in typing.get_args(model.Action)}
CONDITIONS = {condition.__struct_config__.tag: condition for condition in typing.get_args(model.Condition)}

_PLACE = re.compile(r"^(?P<message>.*?)(?: - at `\$\.?(?P<place>[^`]*)`)?$", re.DOTALL)
_NAME = re.compile(r"`([^`]+)`|'([^']+)'")


def load(data: Any, record_type: str | None = None, plugins: Plugins | None = None) -> tuple[Rule, ...]:
    """Rules from a list of them, or from a mapping with the list under `rules` (as a TOML file has it).

    Paths are checked against the record types that a rule's `on` names, or else against `record_type`; without either
    they are checked when a chain is compiled. Raises InvalidRules.
    """
    if isinstance(data, Mapping):
        if unknown := set(data) - {"rules"}:
            raise InvalidRules(0, ", ".join(sorted(unknown)), "is not known here; allowed is rules")
        data = data.get("rules", [])
    if not isinstance(data, list | tuple):
        raise InvalidRules(0, "", f"a list of rules is needed, and this is {type(data).__name__}")
    rules = tuple(_rule(number, item) for number, item in enumerate(data, 1))
    for type_ in record_types():
        if record_type in (None, type_):
            named = [rule if rule.on or record_type else msgspec.structs.replace(rule, enabled=False) for rule in rules]
            compile(named, type_, plugins)
    return rules


def dump(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """The rules as plain data, decimals as text and defaults left out; `load` gives the same rules back."""
    return [msgspec.json.decode(msgspec.json.encode(rule)) for rule in rules]


def _rule(number: int, item: Any) -> Rule:
    name = str(item.get("name", "")) if isinstance(item, Mapping) else ""
    try:
        rule = msgspec.convert(item, Rule)
    except msgspec.ValidationError as error:
        wrong = _explain(str(error), item)
        raise InvalidRules(number, wrong.field, wrong.reason, name) from error
    for type_ in rule.on:
        if type_ not in record_types():
            known = ", ".join(record_types())
            raise InvalidRules(number, "on", f"“{type_}” is no record type; allowed are {known}", name)
    return rule


def _explain(error: str, item: Any) -> FieldError:
    """A validation error by its place, with the values or fields that are allowed there."""
    found = _PLACE.match(error)
    assert found
    message, place = found["message"], found["place"] or ""
    parent, _, last = place.rpartition(".")
    named = _NAME.search(message)
    if last in ("do", "is") and message.startswith("Invalid value"):
        return _unknown(place, _at(item, place), ACTIONS if last == "do" else CONDITIONS)
    if "required field" in message and named:
        missing = named[1]
        known = ", ".join(map(str, {"do": ACTIONS, "is": CONDITIONS}.get(missing, ())))
        return FieldError(_join(place, missing), f"is missing; allowed are {known}" if known else "is missing")
    if "unknown field" in message and named:
        cls = _class_at(item, place)
        tag_field = cls.__struct_config__.tag_field
        fields = ", ".join([*([tag_field] if tag_field else []), *cls.__struct_encode_fields__])
        return FieldError(_join(place, named[1]), f"is not known here; allowed are {fields}")
    if "enum value" in message:
        cls = _class_at(item, parent)
        field = dict(zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True)).get(last, last)
        return _unknown(place, _at(item, place), kinds.literals(kinds.field_types(cls)[field]))
    if "got `float`" in message:
        number = _at(item, place)
        return FieldError(place, f'write the decimal as text: "{number}"')
    return FieldError(place, message)


def _unknown(place: str, given: Any, allowed: Iterable[Any]) -> FieldError:
    known = ", ".join(map(str, allowed))
    return FieldError(place, f"“{given}” is not known; allowed are {known}")


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _at(item: Any, place: str) -> Any:
    """What lies at the place in the data as it came."""
    for key, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", place):
        item = item[int(number)] if number else item[key]
    return item


def _class_at(item: Any, place: str) -> type[msgspec.Struct]:
    """The class that the mapping at the place is meant to be."""
    found = _at(item, place) if place else item
    if "do" in found and found["do"] in ACTIONS:
        return ACTIONS[found["do"]]  # type: ignore[no-any-return]  # get_args is untyped
    if "is" in found and found["is"] in CONDITIONS:
        return CONDITIONS[found["is"]]  # type: ignore[no-any-return]  # as above
    return model.Carrier if place else Rule
