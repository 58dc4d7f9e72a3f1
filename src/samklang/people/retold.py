"""Sentences that hold values, in the reader's language: "Two product records have the key 'A-1'".

Errors are raised and kept in English, with their values already in them. The catalogues hold what such a sentence is
made of as a template, `Two {type} records have the key {key}`, under the context `CONTEXT` (tests/messages.py reads
them out of the code). Here a sentence is taken apart by the templates of the reader's language and put together again.
"""

from __future__ import annotations

import re
from functools import cache
from heapq import merge
from itertools import islice
from typing import NamedTuple

from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation.trans_real import translation

from samklang.people.lexicon import WORDS

#: Under which context the catalogues keep templates; a word before it would be an ordinary message.
CONTEXT = "error"
#: Longer texts are not taken apart: no sentence of ours is that long, bodies of answers are.
LONGEST = 4000
_HOLE = re.compile(r"\{(\w+)\}")
_HEAD = 4  # characters of its beginning by which a template is found
_BEGIN = re.compile(r" (?=[A-Z`])")
_BEGINNINGS = 20
#: Values that are words of ours and not somebody's data.
_OURS = frozenset({"type", "what", "why", "reason", "kind", "title", "error"})
#: What a value must look like where the text around it says little.
_WORD = re.compile(r"[^\s“”]+")
_FITS = {**dict.fromkeys(("which", "path", "rule", "channel", "connection"), _WORD), "label": re.compile(r"[^“”]*")}

#: What a record's and a rule's errors make of field and reason (records/base.py, rules/outcome.py), and what
#: msgspec says of what was sent to us; the catalogue's maker finds them here.
SHAPES = (
    pgettext_lazy("error", "{which} is '{value}': {why}"),
    pgettext_lazy("error", '{which} is "{value}": {why}'),
    pgettext_lazy("error", "Rule {rule}, {path}: {why}"),
    pgettext_lazy("error", "Rule {rule}: {why}"),
    pgettext_lazy("error", "Rule {rule} “{label}”, {path}: {why}"),
    pgettext_lazy("error", "Rule {rule} “{label}”: {why}"),
    pgettext_lazy("error", "Rules, {path}: {why}"),
    pgettext_lazy("error", "Rules: {why}"),
    pgettext_lazy("error", "Rule {rule} stopped {type} {key}: {path}: {why}"),
    pgettext_lazy("error", "Rule {rule} stopped {type} {key}: {why}"),
    pgettext_lazy("error", "Rule {rule} “{label}” stopped {type} {key}: {path}: {why}"),
    pgettext_lazy("error", "Rule {rule} “{label}” stopped {type} {key}: {why}"),
    pgettext_lazy("error", "Expected `{expected}`, got `{given}`"),
    pgettext_lazy("error", "Expected `{expected}`, got `{given}` - at `{path}`"),
    pgettext_lazy("error", "Object missing required field `{name}`"),
    pgettext_lazy("error", "Object contains unknown field `{name}`"),
    pgettext_lazy("error", "Invalid enum value {value}"),
    # where something went wrong (hub/rulesets.py, hub/setup/config.py, hub/taking.py, hub/attempt.py)
    pgettext_lazy("error", "rules in of {connection} for {type}"),
    pgettext_lazy("error", "rules out of {connection} for {type}"),
    pgettext_lazy("error", "rules in of {connection}"),
    pgettext_lazy("error", "rules out of {connection}"),
    pgettext_lazy("error", "condition on {type}"),
    pgettext_lazy("error", "{type} {key}: ids {first} and {second}"),
    # who did something, and to what (people/audit.py)
    pgettext_lazy("error", "{name}, command line"),
    pgettext_lazy("error", "rules {version}"),
    pgettext_lazy("error", "channel {channel} gone"),
    pgettext_lazy("error", "status words of {connection}"),
    pgettext_lazy("error", "back to version {version}"),
    pgettext_lazy("error", "{channel}: {type}, {system}: {what}"),
    pgettext_lazy("error", "{channel}: preset {name} with {erp}"),
    pgettext_lazy("error", "{channel}: orders to {target} from {day}"),
    pgettext_lazy("error", "{type} at {connection}"),
    pgettext_lazy("error", "{connection} in {type}: {what}"),
    pgettext_lazy("error", "{connection} out {type}: {what}"),
)
#: A flow or a table between two systems as drafts and packages name it (hub/setup/drafts.py), and what is behind it.
_FLOW = re.compile(r"(?P<channel>\S+): (?P<type>\w+) (?P<way>\S+ → \S+?)(?P<rest>: .+)?")


class Template(NamedTuple):
    """A sentence with holes: n names, and n + 1 texts around them."""

    texts: tuple[str, ...]
    names: tuple[str, ...]
    translated: str

    @classmethod
    def of(cls, message: str, translated: str) -> Template:
        """Out of a message and its translation."""
        parts = _HOLE.split(message)
        return cls(tuple(parts[::2]), tuple(parts[1::2]), translated)

    @property
    def weight(self) -> int:
        """How much of it is literal."""
        return sum(map(len, self.texts))

    def values(self, said: str) -> dict[str, str] | None:
        """What stands in the holes of `said`, each value as short as can be; None where it is another sentence. Every
        text is looked for once from left to right, so the time is linear in the length of `said`."""
        first, *between, last = self.texts
        at, end, found = len(first), len(said) - len(last), []
        if at > end or not said.startswith(first) or not said.endswith(last):
            return None
        for text in between:
            there = said.find(text, at, end)
            if there < 0:
                return None
            found.append(said[at:there])
            at = there + len(text)
        values = dict(zip(self.names, [*found, said[at:end]], strict=True))
        return values if all(fits.fullmatch(values[name]) for name, fits in _FITS.items() if name in values) else None

    def filled(self, values: dict[str, str]) -> str:
        """The translation with the values in its holes; braces within a value are only braces."""
        return _HOLE.sub(lambda hole: values[hole[1]], self.translated)


def _most_literal_first(one: Template) -> tuple[int, tuple[str, ...]]:
    return -one.weight, one.texts


@cache
def _templates(language: str) -> dict[str, list[Template]]:
    """The templates of a language by their first characters ("" = those that begin with a value), most literal first.

    Django has no public way to list a catalogue; its own JavaScriptCatalog reads it as we do.
    """
    before, found = f"{CONTEXT}\x04", dict[str, list[Template]]()
    for key, translated in translation(language)._catalog.items():  # type: ignore[attr-defined]  # not public
        if isinstance(key, str) and key.startswith(before):
            one = Template.of(key.removeprefix(before), translated)
            found.setdefault(one.texts[0][:_HEAD] if len(one.texts[0]) >= _HEAD else "", []).append(one)
    for bucket in found.values():
        bucket.sort(key=_most_literal_first)
    return found


def retold(text: str) -> str:
    """A sentence of ours in the reader's language: a fixed one, one with values, or either with the advice that a
    record's journey keeps behind it; else as it is."""
    whole = gettext(text) if text else ""
    if whole != text or not text or len(text) > LONGEST:
        return whole
    return _advised(text) or _sentence(text) or text


def _sentence(text: str) -> str:
    """A sentence translated, with or without its full stop; "" where it is none of ours."""
    whole = gettext(text)
    told = whole if whole != text else _matched(text)
    if told or not text.endswith("."):
        return told
    return f"{told}." if (told := _sentence(text[:-1])) else ""


def _matched(text: str) -> str:
    """A sentence with values, translated; "" where it is none of ours."""
    templates = _templates(get_language() or "en")
    for one in merge(templates.get(text[:_HEAD], ()), templates.get("", ()), key=_most_literal_first):
        values = one.values(text)
        if values is not None:
            return one.filled({name: _value(name, value) for name, value in values.items()})
    return ""


def _advised(text: str) -> str:
    """What happened and, after it, what to do: "There is no file x Choose another." Both are sentences of ours, or at
    least the advice is a fixed one; else "". Looks at the first few places where a sentence can begin."""
    if not text.endswith("."):
        return ""
    for begin in islice(_BEGIN.finditer(text), _BEGINNINGS):
        what, advice = text[: begin.start()], text[begin.end() :]
        fixed = gettext(advice)
        if fixed != advice:
            return f"{_sentence(what) or what} {fixed}"
        if (told := _matched(advice)) and (said := _sentence(what)):
            return f"{said} {told}"
    return ""


def _value(name: str, value: str) -> str:
    """A value as it stands in the translation: names of record types, of their fields and reasons of ours are
    translated too (they are shorter than the sentence that they stand in, so this ends)."""
    if name == "which":
        return field(value)
    if name.rstrip("0123456789") not in _OURS:
        return value
    return gettext(value.replace("_", " ")) if value.isidentifier() else retold(value)


def field(path: str) -> str:
    """A record's field in words: lines.quantity → lines › quantity; as it is where a part of it has no words."""
    parts = [WORDS.get(part.removesuffix("[]")) for part in path.split(".")]
    return path if None in parts else " › ".join(map(str, parts))


def _word(name: str) -> str:
    return str(WORDS.get(name, name.replace("_", " ")))


def place(text: str) -> str:
    """Where something went wrong (`where` of an error), its words of ours in the reader's language: the type before a
    key and the field behind it, "order 1001 shipping_method"."""
    several = text.split(", ")
    if len(several) > 1 and all(_FLOW.fullmatch(one) for one in several):
        return ", ".join(map(place, several))
    flow = _FLOW.fullmatch(text)
    if flow:
        rest_ = retold(flow["rest"].removeprefix(": ")) if flow["rest"] else ""
        return f"{flow['channel']}: {_word(flow['type'])} {flow['way']}" + (f": {rest_}" if rest_ else "")
    told = _matched(text)
    if told:
        return told
    first, *rest = text.split(" ")
    words = [str(WORDS.get(first, first)), *rest] if rest else [first]
    if (rest or "." in text) and not words[-1].startswith("/"):
        words[-1] = field(words[-1])
    return " ".join(words)
