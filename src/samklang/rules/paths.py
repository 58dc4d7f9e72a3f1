"""Fields of frozen records by path: reading them, and writing them into a new record.

    name                        a field                        billing.city              a field of a part
    attributes.color            an entry of a mapping          custom.shop."note.1"      quotes for dots and brackets
    variants[].weight_g         that field of every row        images[0]                 the first row
    lines[sku=ABC].name         of the rows whose field has that value (SKUs by compare form)

Writing replaces only what lies on the path; everything else is shared with the old record. A value is converted to the
field's type (text "12.50" becomes a decimal), and every part on the way checks itself again.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from samklang.records.base import InvalidRecord
from samklang.records.ids import sku_key
from samklang.rules import kinds
from samklang.rules.outcome import FieldError
from samklang.rules.steps import CLEAR, Computed, Entry, Field, Row, Rows, Step
from samklang.rules.text import text as as_text

_TOKEN = re.compile(r'(?:^|\.)(?:"(?P<quoted>[^"]*)"|(?P<name>[^.\[\]"]+))|\[(?P<inside>(?:"[^"]*"|[^\]"])*)\]')

Part = TypeVar("Part", bound=msgspec.Struct)


class Path:
    """A path compiled for one class of record or part; FieldError at once for what is not there, naming what is.

    `type` is the Python type of what lies at the end (records.base.Value inside custom data).
    """

    def __init__(self, cls: type[msgspec.Struct], text: str) -> None:
        self.text = text
        self.type: Any = cls
        self._steps: list[Step] = []
        for token in _tokens(text):
            named = token["inside"] is None
            step = self._named(token["quoted"], token["name"]) if named else self._rows(token["inside"])
            self._steps.append(step)

    def read(self, part: msgspec.Struct) -> list[Any]:
        """Every value that the path leads to; none where something on the way is missing."""
        values: list[Any] = [part]
        for step in self._steps:
            values = [found for value in values for found in step.read(value)]
        return values

    def change(self, part: Part, change: Callable[[Any], Any]) -> Part:
        """A new part in which each value on the path is what `change` makes of it; the same part if nothing differs.

        `change` gets None for a missing entry and may return CLEAR. FieldError when a value does not fit.
        """
        try:
            written: Part = self._write(part, 0, change)
        except InvalidRecord as error:
            raise FieldError(self.text, str(error), error.do_this) from error
        return written

    def writable(self) -> Path:
        """The same path; FieldError if it can only be read."""
        if any(isinstance(step, Computed) for step in self._steps):
            raise FieldError(self.text, "is computed and cannot be written")
        return self

    def clearable(self) -> Path:
        """The same path; FieldError if what it names has no empty form."""
        last = self.writable()._steps[-1]
        if isinstance(last, Row | Rows):
            raise FieldError(self.text, "names rows; take rows out with filter, or name a field of theirs")
        if isinstance(last, Field):
            last.default()
        return self

    def convert(self, value: Any) -> Any:
        """The value as the field's type; FieldError if it cannot be one."""
        if isinstance(value, str) and str in kinds.alternatives(self.type):
            return value
        try:
            return msgspec.convert(value, self.type, strict=False)
        except msgspec.ValidationError as error:
            if isinstance(error.__cause__, InvalidRecord):
                raise FieldError(self.text, str(error.__cause__), error.__cause__.do_this) from error
            allowed = [str(choice) or "(empty)" for choice in kinds.literals(self.type)]
            given, known, reason = as_text(value)[:80], ", ".join(allowed), str(error)
            why = f"cannot be “{given}”; allowed are {known}" if allowed else f"cannot be “{given}”: {reason}"
            raise FieldError(self.text, why) from error

    def _write(self, value: Any, number: int, change: Callable[[Any], Any]) -> Any:
        if number < len(self._steps):
            return self._steps[number].write(value, lambda below: self._write(below, number + 1, change))
        new = change(value)
        if new is value or new is CLEAR:
            return new
        new = self.convert(new)
        return value if type(new) is type(value) and new == value else new

    def _named(self, quoted: str | None, bare: str | None) -> Step:
        text = self.text
        name = quoted if quoted is not None else (bare or "").strip()
        if cls := kinds.part_type(self.type):
            fields = kinds.field_types(cls)
            if name in fields:
                self.type = fields[name]
                return Field(text, cls, name)
            computed = getattr(cls, name, None)
            if isinstance(computed, property):
                self.type = typing.get_type_hints(computed.fget)["return"]
                return Computed(text, name)
            kind, known = kinds.title(cls), ", ".join(fields)
            raise FieldError(text, f"{kind} has no field “{name}”; it has {known}")
        entry = kinds.entry_type(self.type)
        if entry is not None:
            self.type = entry
            return Entry(text, name)
        if kinds.row_type(self.type) is not None:
            raise FieldError(text, f"“{name}” is a field of rows; write [] for every row or [field=value] before it")
        raise FieldError(text, f"the value before “{name}” is a single one and has no fields")

    def _rows(self, inside: str) -> Step:
        row = kinds.row_type(self.type)
        if row is None:
            raise FieldError(self.text, f"[{inside}] needs rows, and what stands before it has none")
        self.type = row
        if not inside:
            return Rows()
        if inside.isdigit():
            return Row(self.text, int(inside))
        name, equals, wanted = inside.partition("=")
        cls = kinds.part_type(row)
        if not equals or cls is None:
            raise FieldError(self.text, f"[{inside}] should be [], a number, or [field=value] where rows have fields")
        return Rows(_row_test(Path(cls, name), wanted.strip().strip('"'), by_sku=name.strip() == "sku"))


def _tokens(text: str) -> list[re.Match[str]]:
    tokens: list[re.Match[str]] = []
    end = 0
    while end < len(text):
        token = _TOKEN.match(text, end)
        if token is None or (not tokens and token["inside"] is not None):
            raise FieldError(text, f"is no path (from “{text[end:]}” on); a path looks like lines[].name")
        tokens.append(token)
        end = token.end()
    if not tokens:
        raise FieldError(text, "name a field")
    return tokens


def _row_test(path: Path, wanted: str, *, by_sku: bool) -> Callable[[Any], bool]:
    if by_sku:
        key = sku_key(wanted)
        return lambda row: any(sku_key(value) == key for value in path.read(row))
    return lambda row: any(as_text(value) == wanted for value in path.read(row))
