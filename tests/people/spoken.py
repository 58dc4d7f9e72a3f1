"""What is left in English on a page that should speak another language.

A word counts as English when our own English texts use it and neither the language's texts nor the names of things do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from html.parser import HTMLParser

from django.utils.translation import trans_real

from tests.messages import catalogues, read

#: What is read: words of Latin letters, as sentences have them; codes, keys and addresses are none.
_WORD = re.compile(r"(?<![\w.@/#:_-])[A-Za-z][a-z']*[a-z](?![\w@/#_[-]|\.\w|:\w)")
#: Elements whose text is somebody's data or a program's.
_DATA = frozenset({"script", "style", "code", "pre", "textarea", "kbd"})
_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "use", "rect", "path", "circle", "line"})
_READ_ALOUD = ("title", "aria-label", "placeholder", "alt", "aria-description", "aria-roledescription")
#: The smallest words of English, which our texts may not have had yet.
_SMALL = frozenset(
    "the is are was were be been has have had of and or not to from with this that these those it its which who what "
    "when where why how you your we our they their there here cannot must should would could may can will no "
    "yes".split()
)


class _Reader(HTMLParser):
    """Every stretch of text that people see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._data = 0
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        coded = {"mono", "code"} & set((given.get("class") or "").split())
        foreign = tag in _DATA or bool(coded) or given.get("translate") == "no" or ("lang" in given and tag != "html")
        if tag not in _VOID:
            self._open.append((tag, foreign))
            self._data += foreign
        if not self._data:
            self.texts += [text for name in _READ_ALOUD if (text := given.get(name))]
            if tag == "input" and given.get("type") in ("submit", "button") and (text := given.get("value")):
                self.texts.append(text)

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, foreign = self._open.pop()
            self._data -= foreign
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._data and data.strip():
            self.texts.append(" ".join(data.split()))


def texts(html: str) -> list[str]:
    """What people see or hear of a page, stretch by stretch."""
    reader = _Reader()
    reader.feed(html)
    return reader.texts


def _words(text: str) -> Iterator[str]:
    return (one[0].lower() for one in _WORD.finditer(re.sub(r"\{\w+\}|%\(\w+\)[sd]", " ", text)))


@cache
def english(language: str) -> frozenset[str]:
    """Words of our English texts that the language's texts do without."""
    catalogue = read(catalogues()[language].read_text(encoding="utf-8"))  # of all messages: tests/unit/test_messages.py
    ours = {word for one in catalogue for word in _words(f"{one.id} {one.plural}")} | _SMALL
    theirs = {word for one, said in catalogue.items() if one.id for text in said for word in _words(text)}
    djangos = trans_real.translation(language)._catalog.items()  # type: ignore[attr-defined]  # as people/retold.py
    theirs |= {word for _, text in djangos for word in _words(str(text))}  # such as what is wrong with a password
    return frozenset(ours - theirs)


def left(said: Iterable[str], language: str, names: Collection[str] = ()) -> list[str]:
    """Those of some texts with a word of English in them; `names` are somebody's data, or words that are
    nobody's language."""
    strange = english(language)
    mine = re.compile(
        "|".join(rf"(?<![\w.]){re.escape(name)}(?!\w)" for name in sorted(names, key=len, reverse=True)) or "(?!)"
    )
    return [text for text in said if strange.intersection(_words(mine.sub("·", text)))]
