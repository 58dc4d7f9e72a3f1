"""The steps of a path: a field, an entry of a mapping, a row, several rows. Each reads and writes one level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from samklang.rules.kinds import title
from samklang.rules.outcome import FieldError


class _Clear:
    """Written in place of a value: give the field its default, take the mapping's entry out."""


CLEAR = _Clear()

#: The rest of the path: the old value on the next level → the new one (the very same object when nothing differs).
Rest = Callable[[Any], Any]


# `path` is the whole path as it was written, for messages.


@dataclass(frozen=True)
class Field:
    """A field of a record or part. A part that is missing is made when something is written into it."""

    path: str
    cls: type[msgspec.Struct]
    name: str

    def read(self, part: Any) -> list[Any]:
        return [] if part is None else [getattr(part, self.name)]

    def write(self, part: Any, rest: Rest) -> Any:
        target = part
        if part is None:
            try:
                target = self.cls()
            except TypeError as error:
                kind = title(self.cls)
                raise FieldError(self.path, f"the record has no {kind} to write into") from error
        old = getattr(target, self.name)
        new = rest(old)
        if new is CLEAR:
            new = self.default()
        unchanged = new is old or (type(new) is type(old) and new == old)
        return part if unchanged else msgspec.structs.replace(target, **{self.name: new})

    def default(self) -> Any:
        """The field's empty form; FieldError when it must always hold something."""
        info = next(info for info in msgspec.structs.fields(self.cls) if info.name == self.name)
        if info.default is not msgspec.NODEFAULT:
            return info.default
        if info.default_factory is not msgspec.NODEFAULT:
            return info.default_factory()
        kind = title(self.cls)
        raise FieldError(self.path, f"a {kind} must always have it")


@dataclass(frozen=True)
class Computed:
    """A value that the record works out itself, such as what is available of a stock level. Read only."""

    path: str
    name: str

    def read(self, part: Any) -> list[Any]:
        return [] if part is None else [getattr(part, self.name)]

    def write(self, part: Any, rest: Rest) -> Any:
        raise FieldError(self.path, "is computed and cannot be written")


@dataclass(frozen=True)
class Entry:
    """An entry of a mapping (attributes, custom, options)."""

    path: str
    name: str

    def read(self, entries: Any) -> list[Any]:
        return [entries[self.name]] if isinstance(entries, Mapping) and self.name in entries else []

    def write(self, entries: Any, rest: Rest) -> Any:
        if entries is not None and not isinstance(entries, Mapping):
            raise FieldError(self.path, f"what is above it holds “{str(entries)[:80]}” and cannot have entries")
        old = entries.get(self.name) if entries else None
        new = rest(old)
        if new is CLEAR:
            return {key: entry for key, entry in entries.items() if key != self.name} if entries else entries
        return entries if new is old else {**(entries or {}), self.name: new}


@dataclass(frozen=True)
class Row:
    """One row by its place, from 0."""

    path: str
    place: int

    def read(self, rows: Any) -> list[Any]:
        return [rows[self.place]] if isinstance(rows, tuple | list) and self.place < len(rows) else []

    def write(self, rows: Any, rest: Rest) -> Any:
        if not self.read(rows):
            raise FieldError(self.path, f"there is no row {self.place} (the first is 0)")
        old = rows[self.place]
        new = rest(old)
        return rows if new is old else type(rows)((*rows[: self.place], new, *rows[self.place + 1 :]))


@dataclass(frozen=True)
class Rows:
    """Every row, or those that `fits` lets through."""

    fits: Callable[[Any], bool] | None = field(default=None)

    def read(self, rows: Any) -> list[Any]:
        if not isinstance(rows, tuple | list):
            return []
        return [row for row in rows if self.fits is None or self.fits(row)]

    def write(self, rows: Any, rest: Rest) -> Any:
        if not isinstance(rows, tuple | list):
            return rows
        new = [rest(row) if self.fits is None or self.fits(row) else row for row in rows]
        return rows if all(a is b for a, b in zip(new, rows, strict=True)) else type(rows)(new)


Step = Field | Computed | Entry | Row | Rows
