"""Regular expressions that cannot run away.

Python's engine backtracks: some expressions take years on a short text. Here an expression is measured when a rule is
compiled: an upper bound of the ways in which the engine can divide a text of n characters among its parts. Repeats
inside repeats and back-references have no useful bound and are refused. What is allowed gives the longest text on which
the bound stays within `STEPS`; longer texts are refused, not searched. Bounds are sound but rough: a field of 255
characters takes any expression with up to three open repeats.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from re import _constants as codes  # type: ignore[attr-defined]  # undocumented, the only parser of re's own syntax
from re import _parser as parser  # type: ignore[attr-defined]  # as above; a test fails if Python takes it away
from typing import Any

from samklang.rules.outcome import FieldError

#: Steps of the engine that one search may take; about a second at worst, on a text made for it.
STEPS = 200_000_000
#: Longest text that rules write or search in, in characters.
LONGEST = 1_000_000
_LONGEST_PATTERN = 500

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


class Pattern:
    """A measured expression. FieldError for one that is wrong or cannot be bounded; `longest` is in characters."""

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        if len(pattern) > _LONGEST_PATTERN:
            raise FieldError("", f"the expression is longer than {_LONGEST_PATTERN} characters")
        try:
            self._compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
            parsed = parser.parse(pattern, self._compiled.flags)
        except (re.error, OverflowError, RecursionError) as error:
            raise FieldError("", f"“{pattern}” is no regular expression: {error}") from error
        self.pattern = pattern
        self.longest = _longest(lambda length: _steps(parsed, length))

    def search(self, text: str) -> bool:
        """Whether the expression is found in the text; FieldError if the text is too long for it."""
        self._check(text)
        return self._compiled.search(text) is not None

    def replace(self, template: str, text: str) -> str:
        """The text with every find replaced; `\\1` and `\\g<name>` stand for groups. FieldError if too long."""
        self._check(text)
        room = LONGEST

        def fill(found: re.Match[str]) -> str:
            nonlocal room
            filled = found.expand(template)
            room -= len(filled)
            if room < 0:
                raise FieldError("", f"replacing “{self.pattern}” would make the text too long")
            return filled

        return self._compiled.sub(fill, text)

    def check_template(self, template: str) -> None:
        """FieldError if the replacement names a group that the expression does not have."""
        try:
            parser.parse_template(template, self._compiled)
        except (re.error, IndexError) as error:
            raise FieldError("", f"“{template}” does not fit the expression: {error}") from error

    def _check(self, text: str) -> None:
        if len(text) > self.longest:
            raise FieldError(
                "",
                f"holds {len(text)} characters, and “{self.pattern}” may only search {self.longest}",
                "Make the expression simpler (fewer * and +, begin with ^), or use contains.",
            )


def _longest(steps: Callable[[int], int]) -> int:
    """The longest text for which `steps` stays within STEPS (it grows with the length)."""
    low, high = 0, LONGEST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if steps(middle) <= STEPS else (low, middle - 1)
    if not low:
        raise FieldError("", "the expression can take too many ways through a text; make it simpler")
    return low


def _is_anchored(parsed: Any) -> bool:
    return len(parsed) > 0 and parsed[0] in ((codes.AT, codes.AT_BEGINNING), (codes.AT, codes.AT_BEGINNING_STRING))


def _steps(parsed: Any, length: int) -> int:
    """Upper bound of the places where one search can be: where it begins times the ways from there.

    Open repeats one after another share the text, so of n^k combinations only every k!-th keeps their order.
    """
    ways, opens = _ways(parsed, length)
    if not _is_anchored(parsed):
        ways, opens = ways * (length + 1), opens + 1
    return ways // math.factorial(opens)


def _ways(parsed: Any, length: int) -> tuple[int, int]:
    """(upper bound of the ways to match, how many open repeats follow each other) on a text of that length."""
    ways, opens = 1, 0
    for code, argument in parsed:
        more, also_open = _ways_of(code, argument, length)
        ways, opens = ways * more, opens + also_open
    return ways, opens


def _ways_of(code: Any, argument: Any, length: int) -> tuple[int, int]:
    if code in _REPEATS:
        _, most, body = argument
        inner, _ = _ways(body, length)
        if most == 1:
            return inner + 1, 0
        if inner > 1:
            raise FieldError("", "the expression repeats something that itself has choices, such as (a+)* or (a|b)+")
        # {5} has no choice, but its steps count for every choice before it.
        return (length + 1, 1) if most >= length else (int(most) + 1, 0)
    if code is codes.BRANCH:
        choices = [_ways(choice, length) for choice in argument[1]]
        return sum(ways for ways, _ in choices), min(opens for _, opens in choices)
    if code is codes.SUBPATTERN:
        return _ways(argument[-1], length)
    if code is codes.ATOMIC_GROUP:
        return _ways(argument, length)
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return _ways(argument[1], length)[0], 0
    if code in (codes.GROUPREF, codes.GROUPREF_EXISTS):
        raise FieldError("", "the expression refers back to a group inside itself, which cannot be bounded")
    return 1, 0
