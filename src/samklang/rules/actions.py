"""Actions on any field of a record or row, compiled to functions: (part, context) → part, or Ignored.

Actions that know what a field means in trade (prices, SKUs, addresses, carriers) stand in `trade`.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping
from functools import singledispatch
from html import unescape
from typing import Any

import msgspec
import nh3

from samklang.records.base import Record
from samklang.rules import kinds, model
from samklang.rules.conditions import PartClass, compile_condition
from samklang.rules.outcome import Context, FieldError, Ignored
from samklang.rules.paths import Path
from samklang.rules.patterns import LONGEST, Pattern
from samklang.rules.plugins import Plugins
from samklang.rules.steps import CLEAR
from samklang.rules.templates import compile_template, compile_value, is_template
from samklang.rules.text import text

Act = Callable[[Any, Context], Any]


@singledispatch
def compile_action(action: Any, cls: PartClass, plugins: Plugins) -> Act:
    """The action as a function for records (or rows) of the class; FieldError for what the class does not have."""
    raise TypeError(f"no action: {action!r}")


@compile_action.register
def _set(action: model.Set, cls: PartClass, plugins: Plugins) -> Act:
    path = Path(cls, action.field).writable()
    fill = compile_value(action.value, cls)
    if not _has_template(action.value):
        # A fixed value is converted once, and a wrong one is found when the rule is written, not when it runs.
        fixed = path.convert(fill(None, None))  # type: ignore[arg-type]  # without templates neither is looked at
        return lambda part, context: path.change(part, lambda old: fixed)
    return lambda part, context: path.change(part, lambda old: fill(part, context))


@compile_action.register
def _clear(action: model.Clear, cls: PartClass, plugins: Plugins) -> Act:
    path = Path(cls, action.field).clearable()
    return lambda part, context: path.change(part, lambda old: CLEAR)


@compile_action.register
def _copy(action: model.Copy, cls: PartClass, plugins: Plugins) -> Act:
    source, target = Path(cls, action.from_), Path(cls, action.to).writable()
    takes = {typing.get_origin(kind) or kind for kind in kinds.alternatives(target.type)}

    def act(part: Any, context: Context) -> Any:
        values = source.read(part)
        if not values or values == [None]:
            return part
        value = values[0] if len(values) == 1 else values
        if str in takes and type(value) not in takes:
            value = text(value)
        return target.change(part, lambda old: value)

    return act


@compile_action.register
def _replace(action: model.Replace, cls: PartClass, plugins: Plugins) -> Act:
    path = text_path(cls, action.field)
    if not action.find:
        raise FieldError("find", "is empty; write what to look for")
    if action.regex or action.ignore_case:
        pattern = Pattern(action.find if action.regex else re.escape(action.find), ignore_case=action.ignore_case)
        template = action.with_ if action.regex else action.with_.replace("\\", "\\\\")
        pattern.check_template(template)

        def replaced(old: str) -> str:
            try:
                return pattern.replace(template, old)
            except FieldError as error:
                raise FieldError(action.field, error.reason, error.do_this) from error

    else:
        growth = len(action.with_) - len(action.find)

        def replaced(old: str) -> str:
            if growth > 0 and len(old) + growth * old.count(action.find) > LONGEST:
                raise FieldError(action.field, f"replacing “{action.find}” would make the text too long")
            return old.replace(action.find, action.with_)

    return lambda part, context: path.change(part, lambda old: replaced(old) if isinstance(old, str) else old)


@compile_action.register
def _filter(action: model.Filter, cls: PartClass, plugins: Plugins) -> Act:
    path, row = rows_path(cls, action.rows)
    keep = compile_condition(action.keep, row)
    return lambda part, context: path.change(part, lambda rows: tuple(one for one in rows if keep(one, context)))


@compile_action.register
def _add_row(action: model.AddRow, cls: PartClass, plugins: Plugins) -> Act:
    path, row = rows_path(cls, action.rows)
    check_names(action.values, row)
    needed = [field.name for field in msgspec.structs.fields(row) if field.required and field.name not in action.values]
    if needed:
        kind, fields = kinds.title(row), ", ".join(needed)
        raise FieldError(action.rows, f"a new {kind} also needs {fields}")
    fill = compile_value(action.values, cls)
    if not _has_template(action.values):
        path.convert([fill(None, None)])  # type: ignore[arg-type]  # without templates neither is looked at
    return lambda part, context: path.change(part, lambda rows: (*rows, *path.convert([fill(part, context)])))


@compile_action.register
def _map(action: model.Map, cls: PartClass, plugins: Plugins) -> Act:
    path = Path(cls, action.field).writable()
    fold = str.casefold if action.ignore_case else str
    table = {fold(old): path.convert(new) for old, new in action.table.items()}
    default = path.convert(action.default) if action.otherwise == "default" else None

    def mapped(old: Any) -> Any:
        found = fold(text(old))
        if found in table:
            return table[found]
        if action.otherwise == "fail":
            value, known = text(old), ", ".join(action.table)
            reason = f"“{value}” is not in the table ({known})"
            raise FieldError(action.field, reason, "Add it to the rule's table, or correct it at the source.")
        return default if action.otherwise == "default" else old

    return lambda part, context: path.change(part, mapped)


@compile_action.register
def _strip_html(action: model.StripHtml, cls: PartClass, plugins: Plugins) -> Act:
    path = text_path(cls, action.field)
    keep = set(action.keep)

    def stripped(old: Any) -> Any:
        if not isinstance(old, str) or ("<" not in old and "&" not in old):
            return old
        return nh3.clean(old, tags=keep) if keep else plain_text(old)

    return lambda part, context: path.change(part, stripped)


@compile_action.register
def _merge(action: model.Merge, cls: PartClass, plugins: Plugins) -> Act:
    target = text_path(cls, action.into)
    sources = [Path(cls, field) for field in action.fields]

    def act(part: Any, context: Context) -> Any:
        pieces = [piece for source in sources for value in source.read(part) if (piece := text(value).strip())]
        merged = [
            piece
            for place, piece in enumerate(pieces)
            if not any(_stands_in(piece, other) for other in pieces[:place])
            and not any(_stands_in(piece, other) and piece != other for other in pieces[place + 1 :])
        ]
        return target.change(part, lambda old: action.separator.join(merged))

    return act


@compile_action.register
def _ignore(action: model.Ignore, cls: PartClass, plugins: Plugins) -> Act:
    need_record(cls, "ignore")
    fill = compile_template(action.reason, cls)
    return lambda part, context: Ignored(reason=fill(part, context))


@compile_action.register
def _fail(action: model.Fail, cls: PartClass, plugins: Plugins) -> Act:
    fill, do_this = compile_template(action.message, cls), compile_template(action.do_this, cls)
    if action.field:
        Path(cls, action.field)

    def act(part: Any, context: Context) -> Any:
        raise FieldError(action.field, fill(part, context), do_this(part, context))

    return act


@compile_action.register
def _plugin(action: model.Plugin, cls: PartClass, plugins: Plugins) -> Act:
    need_record(cls, "plugin")
    transform = plugins.transform(action.name)
    return lambda part, context: transform(part, msgspec.structs.replace(context, options=action.options))


def text_path(cls: PartClass, field: str) -> Path:
    """A path that can be written and holds text; FieldError otherwise."""
    path = Path(cls, field).writable()
    if str not in kinds.alternatives(path.type):
        row = kinds.row_type(path.type)
        raise FieldError(field, f"is not text; write {field}[] for every one" if row is str else "is not text")
    return path


def rows_path(cls: PartClass, field: str) -> tuple[Path, PartClass]:
    """A path to rows that have fields, and the class of a row; FieldError names the record's rows."""
    path = Path(cls, field).writable()
    row = kinds.part_type(kinds.row_type(path.type))
    if row is None:
        rows = [name for name, kind in kinds.field_types(cls).items() if kinds.part_type(kinds.row_type(kind))]
        kind, fields = kinds.title(cls), ", ".join(rows)
        raise FieldError(field, f"is not rows; {kind} has {fields}" if rows else f"is not rows; {kind} has none")
    return path, row


def check_names(values: Mapping[str, Any], cls: PartClass) -> None:
    """FieldError if a key names no field of the part."""
    for name in values:
        if name not in cls.__struct_fields__:
            kind, fields = kinds.title(cls), ", ".join(kinds.field_types(cls))
            raise FieldError(name, f"{kind} has no field “{name}”; it has {fields}")


def need_record(cls: PartClass, action: str) -> None:
    """FieldError where an action on whole records stands in a rule on rows."""
    if not issubclass(cls, Record):
        raise FieldError("each", f"{action} works on whole records; leave each out, or use filter to take rows out")


_LINE_END = re.compile(r"(?i)<br[ /]{0,2}>|</(?:p|div|li|tr|h[1-6]|ul|ol)>")
_BLANKS = re.compile(r"[ \t\u00a0]+")


def plain_text(html: str) -> str:
    """The text of HTML, one line per paragraph, item or break; scripts and styles go with their content."""
    stripped = unescape(nh3.clean(_LINE_END.sub(lambda found: found.group() + "\n", html), tags=set()))
    lines = (_BLANKS.sub(" ", line).strip() for line in stripped.splitlines())
    return "\n".join(line for line in lines if line)


def _stands_in(piece: str, other: str) -> bool:
    """Whether the words stand in the other text, as whole words and whatever their case."""
    return f" {_words(piece)} " in f" {_words(other)} "


def _words(some: str) -> str:
    return " ".join(re.findall(r"\w+", some.casefold()))


def _has_template(value: Any) -> bool:
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, list | tuple):
        return any(_has_template(item) for item in value)
    if isinstance(value, Mapping):
        return any(_has_template(item) for item in value.values())
    return False
