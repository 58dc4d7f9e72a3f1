"""JSON documents as the readers see them: numbers as decimals, and objects as rows like those of a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from samklang.accounting.statements.base import Unreadable
from samklang.accounting.statements.tables import FETCH_AGAIN, POINT, Cell, Row, shown


def parse_json(text: str) -> Any:
    """The document with all numbers as decimals. A file of one JSON object per line gives a list."""
    if found := _no_text(text):
        raise Unreadable("The document writes what is no character.", value=found, do_this="Ask who made the file.")
    try:
        return _json(text)
    except (ValueError, RecursionError) as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
            return [_json_line(number, line) for number, line in enumerate(lines, 1)]
        raise Unreadable(
            f"The file is not complete JSON: {error}.", row=getattr(error, "lineno", 0), do_this=FETCH_AGAIN
        ) from error


_ESCAPED_PAIR = re.compile(r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_NO_CHARACTER = re.compile(r"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")


def _no_text(text: str) -> str:
    """An escape for NUL, or for half of a pair of surrogates: neither is a character that can be kept."""
    found = _NO_CHARACTER.search(_ESCAPED_PAIR.sub("", text)) if "\\u" in text else None
    return found[0] if found else ""


def _json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)


def _json_line(number: int, line: str) -> Any:
    try:
        return _json(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"The line is not complete JSON: {error}.", row=number, do_this=FETCH_AGAIN) from error


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def listed(document: Any, *path: str) -> list[Any]:
    """The list at this place of a JSON document, refused when there is none."""
    found = _at(document, path)
    if not isinstance(found, list):
        raise Unreadable("The document has no list there.", column=".".join(path), value=found or "")
    return found


def mapped(document: Any, *path: str) -> Mapping[str, Any]:
    """The object at this place of a JSON document, refused when there is none."""
    found = _at(document, path)
    if not isinstance(found, dict):
        raise Unreadable("The document has no object there.", column=".".join(path), value=found or "")
    return found


def _at(document: Any, path: Sequence[str]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def pages(document: Any) -> list[Mapping[str, Any]]:
    """A document alone, or a list of the pages of one answer."""
    return [mapped(page) for page in (document if isinstance(document, list) else [document])]


def items(rows: Sequence[Any], names: Mapping[str, Sequence[str]] | None = None) -> list[Row]:
    """JSON objects as rows, nested fields under dotted names. `names` gives old and new field names one name."""
    result = []
    for number, item in enumerate(rows, 1):
        if not isinstance(item, dict):
            raise Unreadable("The element is not an object.", row=number, value=item)
        flat = dict(_flat(item))
        values = dict(flat)
        for name, known in (names or {}).items():
            if found := next((word for word in known if word in flat), None):
                values[name] = flat[found]
        result.append(Row(number, values, {key: shown(value) for key, value in flat.items()}, {}, POINT))
    return result


def _flat(item: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Cell]]:
    for key, value in item.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        elif isinstance(value, list):
            yield from _flat({str(i): part for i, part in enumerate(value)}, f"{before}{key}.")
        elif isinstance(value, bool):
            yield f"{before}{key}", str(value).lower()
        else:
            yield f"{before}{key}", value if isinstance(value, Decimal) else "" if value is None else str(value)
