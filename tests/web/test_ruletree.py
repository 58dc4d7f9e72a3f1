"""Rules as forms: what the how-to shows comes out of its form as it went in; buttons add and take away."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from samklang.console import phrases, ruletree
from samklang.console.ruletree import Input, Node
from samklang.rules import load
from samklang.rules.describe import PHRASES
from samklang.rules.load import ACTIONS, CONDITIONS
from samklang.rules.text import text

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = [
    rule for block in PAGE.split("```toml\n")[1:] for rule in tomllib.loads(block.split("```")[0]).get("rules", [])
]  # fmt: skip


def _fields(node: Node) -> Iterator[tuple[str, str]]:
    """(name, value) of every field of a form, as a browser sends it."""
    yield f"{node.name}.{node.tag}", node.kind
    for one in node.inputs:
        yield from _input(one)
    for inner in node.inner:
        yield from _fields(inner)


def _input(one: Input) -> Iterator[tuple[str, str]]:
    if one.inner is not None:
        yield from _fields(one.inner)
    elif one.kind == "flag":
        if one.value:
            yield one.name, "on"
    elif one.kind in ("table", "carriers"):
        for row in one.rows:
            yield from row
    else:
        yield one.name, str(one.value).replace("\n", "\r\n")


def _sent(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule after its form was opened and sent."""
    when = ruletree.condition_node(rule.get("when"), "r.when")
    post = dict(_fields(ruletree.action_node(rule["then"], "r.then")))
    tree = ruletree.sent({**post, **(dict(_fields(when)) if when else {})}, "r")
    found = {**rule, "then": ruletree.action_data(tree["then"])}
    return {**found, "when": ruletree.condition_data(tree["when"])} if when else found


def _texts(value: Any) -> Any:
    """Scalars as text: a form sends nothing else, and rules take text for all."""
    if isinstance(value, dict):
        return {key: _texts(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(one) for one in value]
    return text(value)


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule["then"]["do"])
def test_a_rule_comes_out_of_its_form_as_it_went_in(rule: dict[str, Any]) -> None:
    after = load([_sent(rule)])[0]
    assert _texts(msgspec.to_builtins(after)) == _texts(msgspec.to_builtins(load([rule])[0]))


def test_every_action_and_condition_is_tried_and_has_words() -> None:
    assert {rule["then"]["do"] for rule in EXAMPLES} == set(ACTIONS) == set(ruletree.ACTION_WORDS)
    assert set(ruletree.CONDITION_WORDS) == set(CONDITIONS)
    assert set(phrases.TO_TRANSLATE) == {phrase for phrase in PHRASES.values() if phrase.strip()}


def test_conditions_are_added_and_taken_away() -> None:
    data: dict[str, Any] = {"then": {"do": "ignore"}}
    ruletree.act(data, "add when")
    assert data["when"] == {"is": "equals"}
    ruletree.act(data, "add when")
    assert data["when"] == {"is": "all", "of": [{"is": "equals"}, {"is": "equals"}]}
    ruletree.act(data, "add when.of")
    ruletree.act(data, "remove when.of.0")
    assert len(data["when"]["of"]) == 2
    ruletree.act(data, "remove when.of.7")
    ruletree.act(data, "remove nothing.of.7")
    ruletree.act(data, "remove when")
    assert data == {"then": {"do": "ignore"}}


@pytest.mark.parametrize("name", ["r.then.do.x", "r.", "r.when.of.x.is", "r.when", "r.then.table.0"])
def test_a_form_that_nobody_made_does_no_harm(name: str) -> None:
    tree = ruletree.sent({"r.then.do": "map", name: "y", "r.when.is": "all"}, "r")
    when = tree.get("when")
    ruletree.condition_data(when if isinstance(when, dict) else {})
    ruletree.action_data(tree["then"] if isinstance(tree.get("then"), dict) else {})


def test_paths_name_fields_of_parts_and_rows() -> None:
    found = ruletree.paths("order")
    assert {"billing.city", "lines[].sku", "note", "custom"} <= set(found)
    assert "lines[]" in ruletree.rows_of("order")
