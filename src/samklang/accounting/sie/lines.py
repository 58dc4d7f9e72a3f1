"""The lines of a SIE file: charset, labels and fields (SIE 4B, 2008-09-30, chapter 5)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from samklang.accounting.statements.base import Unreadable

#: What the format calls PC8.
CHARSET = "cp437"

_CP437_SWEDISH = frozenset(b"\x84\x86\x94\x8e\x8f\x99")  # ä å ö Ä Å Ö
_LATIN1_SWEDISH = frozenset(b"\xe4\xe5\xf6\xc4\xc5\xd6")
_SUBSTITUTES = str.maketrans(
    {"–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "”": '"', "“": '"', "…": "...", "€": "EUR", "ø": "o",
     "\\": "/", "Ø": "O", "ð": "d", "þ": "th", "ł": "l", "Ł": "L", "\u00a0": " "}
)  # fmt: skip
# Programs that cut a line at a fixed width cut its last quote too, hence the end of the line in place of a quote.
_TOKEN = re.compile(r'"(?P<quoted>(?:\\"|[^"])*)(?:"|$)|(?P<brace>[{}])|(?P<plain>(?:\\"|[^\s{}"])+)')


class Row(NamedTuple):
    """One line that says something. `fields` are texts, or, for an object list {…}, a tuple of them."""

    number: int
    label: str
    fields: tuple[str | tuple[str, ...], ...]

    def text(self, place: int) -> str:
        """The field as text; empty where the line ends before it."""
        field = self.fields[place] if place < len(self.fields) else ""
        return field if isinstance(field, str) else " ".join(field)


def decode(data: bytes) -> str:
    """The file's text. Every file says PC8 and many are not: what the bytes can be decides (RECONCILIATION §6).

    UTF-8 with characters outside ASCII is UTF-8; else the bytes of Swedish letters tell cp437 from Latin-1.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        latin = not _CP437_SWEDISH & set(data) and bool(_LATIN1_SWEDISH & set(data))
        return data.decode("latin-1" if latin else CHARSET)


def encodable(text: str) -> str:
    """The text with what PC8 lacks replaced: a near character, the letter without its accent, or a question mark."""
    plain = text.translate(_SUBSTITUTES)
    return "".join(_near(character) for character in plain)


def _near(character: str) -> str:
    if unicodedata.category(character) == "Cc":
        return " "
    for choice in (character, unicodedata.normalize("NFKD", character)[:1]):
        try:
            choice.encode(CHARSET)
        except UnicodeEncodeError:
            continue
        return choice
    return "?"


def rows(text: str) -> Iterator[Row]:
    """The lines with their labels; braces alone on a line have themselves as label. Blank lines are left out.

    Unreadable for a line that begins with anything else, or whose braces do not match.
    """
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        stripped = line.strip(" \t\x1a\x00")
        if not stripped:
            continue
        if stripped in ("{", "}"):
            yield Row(number, stripped, ())
            continue
        if not stripped.startswith("#"):
            raise Unreadable("A line of a SIE file begins with # or a brace.", row=number, value=stripped)
        label, *fields = _fields(stripped, number)
        yield Row(number, str(label).upper(), tuple(fields))


def _fields(line: str, number: int) -> Iterator[str | tuple[str, ...]]:
    """Fields are split by blanks and tabs; quotes hold a field together, \\" is a quote inside, braces hold a list."""
    inside: list[str] | None = None
    for token in _TOKEN.finditer(line):
        brace = token["brace"]
        if brace == "{" and inside is None:
            inside = []
        elif brace == "}" and inside is not None:
            yield tuple(inside)
            inside = None
        elif brace:
            raise Unreadable("A brace stands where none can.", row=number, value=line)
        else:
            field = (token["quoted"] if token["quoted"] is not None else token["plain"]).replace('\\"', '"')
            if inside is None:
                yield field
            else:
                inside.append(field)
    if inside is not None:
        raise Unreadable("An object list is not closed.", row=number, value=line)
