"""How a call is read: JSON strictly (no NaN, no half characters), and nowhere the character that no database keeps."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from samklang.api.v1.errors import Unfit

_NUL = "\x00"


class Strictly(Parser):
    """ninja's parser of bodies, forms and queries."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body as plain data; raises what ninja answers with 400."""
        body = request.body
        data = msgspec.json.decode(body)
        if b"\\u0000" in body:
            without_nul(data)
        return data

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """A query, a form or its files. Unfit for a NUL."""
        found: dict[str, Any] = super().parse_querydict(data, list_fields, request)
        without_nul(found)
        return found


def without_nul(data: Any) -> None:
    """Unfit when a text in the data holds a NUL: PostgreSQL keeps none."""
    if isinstance(data, str):
        if _NUL in data:
            raise Unfit("A text holds the character NUL")
    elif isinstance(data, dict):
        for name, value in data.items():
            without_nul(name)
            without_nul(value)
    elif isinstance(data, list):
        for value in data:
            without_nul(value)
