"""The sentences that a module tells through errors, read out of its code: what tests/messages.py translates."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from samklang.people.retold import CONTEXT

#: What such a call may be told by name, and lists that sentences are put into.
_SAID = ("what", "do_this", "why", "by_hand", "error", "reason")
_LISTS = frozenset({"warnings", "notes"})
#: What is done to a text before it is told without changing its words.
_TRIMS = frozenset({"strip", "rstrip", "lstrip", "replace"})
_HOLED = re.compile(r"\{\w+\}")


class Message(NamedTuple):
    """A text as the code has it."""

    id: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> str:
        """As a .mo file names it."""
        return (f"{self.context}\x04" if self.context else "") + self.id + (f"\0{self.plural}" if self.plural else "")


def in_told(source: str, errors: Collection[str], tables: bool = True) -> Iterator[Message]:
    """What a module tells through errors (calls of one of `errors`, and whatever takes `do_this`): fixed sentences, and
    those that hold values as templates with a named hole for each (samklang/people/retold.py). `tables`: a table of
    the module that holds sentences is told, too."""
    module = ast.parse(source)
    constants = _given(one for one in module.body if isinstance(one, ast.Assign | ast.AnnAssign))
    for part in module.body:
        named = constants if isinstance(part, ast.Assign | ast.AnnAssign) else constants | _functions(part)
        for node in ast.walk(part):
            for one in _sayings(node, errors):
                for text in _leaves(one, named):
                    yield from _told(text, named)
        if tables and isinstance(part, ast.Assign | ast.AnnAssign) and part.value is not None:
            yield from _table(part.value)


def _sayings(node: ast.AST, errors: Collection[str]) -> Iterator[ast.expr]:
    """What a piece of code tells people: what an error is given, what is put into a list of warnings, and the sentence
    that a function gives back (`return f"{title} takes no files"`)."""
    if isinstance(node, ast.Call):
        given = {one.arg: one.value for one in node.keywords if one.arg in _SAID}
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
        into = getattr(getattr(node.func, "value", None), "id", getattr(getattr(node.func, "value", None), "attr", ""))
        if name in errors or "do_this" in given or (name == "append" and into in _LISTS):
            yield from (*node.args, *given.values())
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.JoinedStr | ast.Constant):
        yield from [node.value] if _is_prose(node.value) else ()
    elif isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") in _SAID:
        yield node.value  # self.do_this = error.do_this or "Correct …"


def _table(value: ast.expr) -> Iterator[Message]:
    """Sentences of a table: {code: (what, advice)}."""
    if isinstance(value, ast.Dict | ast.Tuple | ast.List):
        for node in ast.walk(value):
            if isinstance(node, ast.Constant) and _is_prose(node) and not _HOLED.search(str(node.value)):
                yield Message(str(node.value))


def _is_prose(node: ast.expr) -> bool:
    """A sentence that begins like one."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in parts)
    words = re.findall(r"(?<![\w.])[a-z][a-z']+(?![\w])", text)
    return len(words) > 2 and bool(re.match(r"[A-Z{]", text)) and not re.search(r"[<>=]|\\|/v\d|\bFROM\b", text)


#: What names are given in a stretch of code.
_Named = Mapping[str, list[ast.expr]]


def _given(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _functions(part: ast.AST) -> dict[str, list[ast.expr]]:
    """The names within a function or class. One that is an argument too, or is set in another way, may be anything: it
    is then its own value."""
    arguments = {one.arg for one in ast.walk(part) if isinstance(one, ast.arg)}
    given = _given(ast.walk(part))
    times = Counter(one.id for one in ast.walk(part) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
    for name in times.keys() | arguments:
        if name in arguments or len(given.get(name, ())) < times[name]:
            given.setdefault(name, []).append(ast.Name(name, ast.Load()))
    return given


def _leaves(node: ast.expr, named: _Named) -> Iterator[ast.expr]:
    """The texts that an expression may be: either branch, what a name was given, what is then trimmed."""
    if isinstance(node, ast.IfExp):
        yield from (leaf for branch in (node.body, node.orelse) for leaf in _leaves(branch, named))
    elif isinstance(node, ast.BoolOp):
        yield from (leaf for branch in node.values for leaf in _leaves(branch, named))
    elif isinstance(node, ast.Name) and node.id in named:
        yield from (leaf for value in named[node.id] for leaf in _leaves(value, {}))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TRIMS:
        yield from _leaves(node.func.value, {})
    else:
        yield node


def _told(node: ast.expr, named: _Named) -> Iterator[Message]:
    """The sentences that an expression may be; none for what holds hardly a word, such as a code or a record's key."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_sentence(node.value):
        yield Message(node.value)
    elif isinstance(node, ast.JoinedStr):
        for parts in product(*(_parts(part, named) for part in node.values)):
            text, literal, names = "", "", list[str]()
            for part in (one for several in parts for one in several):
                if isinstance(part, str):
                    text, literal = text + part, literal + part
                else:
                    names.append(_hole(part, names))
                    text, literal = f"{text}{{{names[-1]}}}", f"{literal} "
            if _is_sentence(literal):
                yield Message(text, context=CONTEXT if names else "")


def _parts(part: ast.expr, named: _Named) -> list[list[str | ast.expr]]:
    """What a piece of an f-string may be: its text; each text that its value may be, or else a hole."""
    if isinstance(part, ast.Constant):
        return [[str(part.value)]]
    value = part.value if isinstance(part, ast.FormattedValue) else part
    found: list[list[str | ast.expr]] = []
    for leaf in _leaves(value, named):
        if isinstance(leaf, ast.JoinedStr):
            found.append([one for piece in leaf.values for one in _parts(piece, {})[0]])
        elif isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
            found.append([leaf.value])
        else:
            return [[value]]
    return found


def _is_sentence(text: str) -> bool:
    """Two words at least, as people write them; or the one word before what is wrong with a field: "Column 'VAT' …"."""
    words = re.findall(r"(?<![\w.])[A-Za-z][a-z']+(?![\w])", text)
    return (" " in text.strip() and len(words) > 1) or words == ["Column"]


def _hole(value: ast.expr, taken: Collection[str]) -> str:
    """What a hole is called: as the value is in the code, numbered from the second of that name."""
    name = getattr(value, "attr", None) or getattr(value, "id", "") or "value"
    name = name.strip("_").lower()
    return next(one for n in range(1, len(taken) + 2) if (one := name if n == 1 else f"{name}{n}") not in taken)
