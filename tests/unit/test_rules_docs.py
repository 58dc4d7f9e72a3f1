"""docs/how-to/rules.md holds a loading example of every condition and action."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samklang.rules import describe, dump, load
from samklang.rules.describe import PHRASES
from samklang.rules.load import ACTIONS, CONDITIONS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "rules.md"
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _tags(data: Any, key: str) -> Iterator[str]:
    if isinstance(data, dict):
        if isinstance(data.get(key), str):
            yield data[key]
        for below in data.values():
            yield from _tags(below, key)
    elif isinstance(data, list):
        for below in data:
            yield from _tags(below, key)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads_goes_back_unchanged_and_is_a_sentence(example: str) -> None:
    data = tomllib.loads(example)
    rules = load(data)
    assert rules
    assert dump(rules) == data["rules"]
    assert load(dump(rules)) == rules
    for rule in rules:
        assert rule.on, "name the record type, so that the paths of the example are checked"
        sentence = describe(rule)
        assert sentence.endswith(".")
        assert "{}" not in sentence


@pytest.mark.parametrize(("key", "known"), [("do", ACTIONS), ("is", CONDITIONS)])
def test_everything_has_an_example(key: str, known: dict[str, type]) -> None:
    shown = {tag for example in EXAMPLES for tag in _tags(tomllib.loads(example), key)}
    assert shown == set(known)


@pytest.mark.parametrize("name", [*ACTIONS, *CONDITIONS])
def test_everything_is_introduced_by_name(name: str) -> None:
    assert f"**{name}**" in PAGE.read_text(encoding="utf-8")


def test_a_translation_needs_only_the_phrases() -> None:
    """Every phrase can be replaced: with marked phrases, no English word is left outside the marks."""
    marked = {key: f"⟦{phrase}⟧" for key, phrase in PHRASES.items()}
    for example in EXAMPLES:
        for rule in load(tomllib.loads(example)):
            assert describe(rule, marked).startswith("⟦")
            assert describe(rule, {}) == describe(rule)
