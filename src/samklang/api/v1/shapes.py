"""What answers are made of. Envelopes are pydantic's, as django-ninja has them; what the hub already has as msgspec
structs (records, configuration, plans) is written by msgspec, with the JSON Schema that msgspec derives from them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec
from django.http import HttpRequest
from ninja import Schema
from ninja.renderers import BaseRenderer
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import core_schema

from samklang.api.v1.errors import Unfit

S = TypeVar("S")
T = TypeVar("T")

_REF = "#/components/schemas/{name}"
_MARK = "x-struct"


class Struct:
    """Marks a field whose value is a msgspec struct (of one of these types), or JSON of it that is there already
    (`msgspec.Raw`)."""

    known: ClassVar[dict[str, Any]] = {}

    def __init__(self, *types: Any) -> None:
        self._names = [type_.__name__ for type_ in types]
        for name, type_ in zip(self._names, types, strict=True):
            assert Struct.known.setdefault(name, type_) is type_, f"two structs of one name: {name}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {_MARK: self._names}  # a $ref that pydantic has not made itself, it refuses


def struct(*types: Any) -> Any:
    """The annotation of a field that holds a struct of one of these types."""
    return Annotated[Any, Struct(*types)]


def with_structs(schema: dict[str, Any]) -> None:
    """Put the structs' own schemas into an OpenAPI document, and references in place of the marks."""
    _, components = msgspec.json.schema_components(list(Struct.known.values()), ref_template=_REF)
    twice = set(components) & set(schema["components"]["schemas"])
    assert not twice, f"two schemas of one name: {twice}"
    schema["components"]["schemas"] |= components
    _refer(schema)


def _refer(part: Any) -> None:
    if isinstance(part, dict):
        if _MARK in part:
            refs = [{"$ref": _REF.format(name=name)} for name in part.pop(_MARK)]
            part.update(refs[0] if len(refs) == 1 else {"anyOf": refs})
        for value in part.values():
            _refer(value)
    elif isinstance(part, list):
        for value in part:
            _refer(value)


class Renderer(BaseRenderer):
    """JSON by msgspec: decimals as text, times in ISO 8601 with their zone."""

    media_type = "application/json"
    _encoder = msgspec.json.Encoder(decimal_format="string")

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return self._encoder.encode(data)


#: An amount that is answered: digits as they are kept, never a binary fraction.
Amount = Annotated[Decimal, WithJsonSchema({"type": "string", "format": "decimal"}, mode="serialization")]


class Answer(Schema):
    """Something that is answered."""


class AtTarget(Answer):
    """How a record stands at a target: idle is delivered; due, sending and waiting are on their way; stopped and held
    need a person."""

    connection: str
    state: str
    external_id: str
    waiting_on: str


class Page(Answer, Generic[T]):
    """Some of a list. `next` is the cursor of the page after this one; without it there is none."""

    items: list[T]
    next: str | None = None


class Counted(Page[T], Generic[T]):
    """A page of a list that is counted: `total` is right up to 10,000; 10,001 means that there are more."""

    total: int


class Looked(Counted[T], Generic[T]):
    """A page of a list of what has happened. Where a filter names something that is in no index, a page looks through a
    stretch of the newest rows and `until` says how far back it has come: `total` is of that stretch, and `next` goes
    on, also from a page without items."""

    until: datetime | None = None


def at(seconds: float) -> datetime:
    """Epoch seconds as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def convert(value: Any, type_: type[S], where: str = "body") -> S:
    """What was sent as a struct. Unfit when it is none, with the place that does not fit."""
    try:
        return msgspec.convert(value, type_, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        what, _, place = str(error).partition(" - at `$")
        raise Unfit(what, where=f"{where}{place.rstrip('`')}") from error
