"""Wrong rules are refused with the rule's number, the place, and what is allowed; expressions cannot run away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.rules import InvalidRules, compile, dump, load
from samklang.rules.outcome import FieldError
from samklang.rules.patterns import Pattern

IGNORE = {"do": "ignore"}


def refused(*rules: Any, record_type: str | None = None) -> InvalidRules:
    with pytest.raises(InvalidRules) as caught:
        load(list(rules), record_type)
    return caught.value


@pytest.mark.parametrize(
    ("rule", "field", "allowed"),
    [
        ({"then": {"do": "sett"}}, "then.do", "set, clear, copy"),
        ({"then": {}}, "then.do", "set, clear, copy"),
        ({}, "then", "missing"),
        ({"then": IGNORE, "wehn": 1}, "wehn", "then, when, on, each, name, enabled"),
        ({"then": {"do": "copy", "from": "a", "into": "b"}}, "then.into", "do, from, to"),
        ({"then": {"do": "copy", "from": "a"}}, "then.to", "missing"),
        ({"then": {"do": "map", "field": "a", "table": {}, "otherwise": "?"}}, "then.otherwise", "keep, default"),
        ({"then": IGNORE, "when": {"is": "same"}}, "when.is", "equals, not_equals, in"),
        ({"then": IGNORE, "when": {"is": "any", "of": [{"is": "not", "of": {"is": "x"}}]}},
         "when.of[0].of.is", "equals"),
        ({"then": IGNORE, "when": {"is": "empty", "field": "a", "value": 1}}, "when.value", "is, field"),
        ({"then": IGNORE, "when": {"is": "equals", "field": "a", "value": 1.5}}, "when.value", 'as text: "1.5"'),
        ({"then": {"do": "map_carrier", "table": {"x": {"carier": "y"}}}},
         "then.table[...].carier", "carrier, service"),
        ({"then": IGNORE, "on": ["products"]}, "on", "product, price_list"),
        (5, "", "object"),
    ],
)  # fmt: skip
def test_shape(rule: Any, field: str, allowed: str) -> None:
    error = refused({"then": IGNORE}, rule)
    assert (error.rule, error.field) == (2, field)
    assert allowed in error.reason


@pytest.mark.parametrize(
    ("type_", "then", "field", "allowed"),
    [
        ("product", {"do": "set", "field": "nme", "value": ""}, "nme", "has no field “nme”; it has code, name"),
        ("product", {"do": "set", "field": "variants.sku", "value": ""}, "variants.sku", "write [] for every row"),
        ("product", {"do": "set", "field": "name.x", "value": ""}, "name.x", "single one"),
        ("product", {"do": "set", "field": "name[]", "value": ""}, "name[]", "needs rows"),
        ("product", {"do": "set", "field": "variants[sku].unit", "value": ""}, "variants[sku].unit", "[field=value]"),
        ("product", {"do": "set", "field": "variants[x=1].unit", "value": ""}, "x", "variant has no field “x”"),
        ("product", {"do": "set", "field": "variants[", "value": ""}, "variants[", "is no path"),
        ("product", {"do": "set", "field": "", "value": ""}, "", "name a field"),
        ("product", {"do": "set", "field": "[0]", "value": ""}, "[0]", "is no path"),
        ("product", {"do": "set", "field": "key", "value": "x"}, "key", "computed"),
        ("product", {"do": "set", "field": "status", "value": "off"}, "status", "draft, active, archived"),
        ("product", {"do": "set", "field": "variants[].weight_g", "value": "x"}, "variants[].weight_g", "cannot be"),
        ("product", {"do": "set", "field": "name", "value": "{brandd}"}, "brandd", "brand"),
        ("product", {"do": "set", "field": "name", "value": "a } b"}, "", "lone }"),
        ("product", {"do": "set", "field": "name", "value": "{name.__class__}"}, "name.__class__", "single one"),
        ("product", {"do": "clear", "field": "name"}, "name", "must always have it"),
        ("product", {"do": "clear", "field": "variants[]"}, "variants[]", "names rows"),
        ("product", {"do": "replace", "field": "images", "find": "x"}, "images", "write images[]"),
        ("product", {"do": "replace", "field": "name", "find": ""}, "find", "is empty"),
        ("product", {"do": "replace", "field": "name", "find": "(", "regex": True}, "", "no regular expression"),
        ("product", {"do": "replace", "field": "name", "find": "a", "with": r"\1", "regex": True}, "", "does not fit"),
        ("product", {"do": "filter", "rows": "images", "keep": {"is": "all", "of": []}}, "images", "variants, axes"),
        ("product", {"do": "add_row", "rows": "axes", "values": {"code": "x"}}, "axes", "also needs name"),
        ("product", {"do": "add_row", "rows": "axes", "values": {"x": "x"}}, "x", "it has code, name"),
        ("product", {"do": "adjust_price"}, "amount", "no field"),
        ("product", {"do": "adjust_price", "field": "name"}, "name", "not an amount"),
        ("price", {"do": "adjust_price", "round_to": "0"}, "round_to", "above 0"),
        ("customer", {"do": "replace_sku", "table": {}}, "replace_sku", "no SKU"),
        ("price", {"do": "replace_sku", "table": {"a": " "}}, "table", "empty"),
        ("order", {"do": "set_address", "address": "customer", "values": {}}, "customer", "not an address"),
        ("order", {"do": "set_address", "address": "billing", "values": {"zip": ""}}, "zip", "postcode"),
        ("price", {"do": "map_carrier", "table": {}}, "shipping_method", "no field"),
        ("price", {"do": "map", "field": "valid_to", "table": {"x": "soon"}}, "valid_to", "cannot be “soon”"),
        ("order", {"do": "fail", "message": "x", "field": "x"}, "x", "no field"),
    ],
)  # fmt: skip
def test_paths_and_values(type_: str, then: dict[str, Any], field: str, allowed: str) -> None:
    error = refused({"then": IGNORE}, {"then": then, "name": "N"}, record_type=type_)
    assert (error.rule, error.field, error.name) == (2, field, "N")
    assert allowed in error.reason
    assert str(error).startswith("Rule 2 “N”")


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"is": "greater", "field": "amount", "value": "much"}, "is a number"),
        ({"is": "equals", "field": "amount", "value": "much"}, "is a number"),
        ({"is": "less", "field": "valid_to", "value": "soon"}, "is a date"),
        ({"is": "less", "field": "valid_to", "value": "2026-04-01T00:00:00"}, "no time zone"),
        ({"is": "matches", "field": "sku", "value": "(a+)+b"}, "has choices"),
    ],
)
def test_conditions_that_make_no_sense(condition: dict[str, Any], reason: str) -> None:
    assert reason in refused({"then": IGNORE, "when": condition}, record_type="price").reason


def test_conditions_on_parts_name_their_fields() -> None:
    for field, choice in (("billing", "billing.city"), ("lines", "lines[].sku")):
        error = refused({"then": IGNORE, "when": {"is": "equals", "field": field, "value": "x"}}, record_type="order")
        assert choice in error.reason
    lifecycle = {"is": "equals", "field": "lifecycle", "value": "done"}
    assert "placed" in refused({"then": IGNORE, "when": lifecycle}, record_type="order").reason


def test_each() -> None:
    assert "each needs rows" in refused({"then": IGNORE, "each": "note"}, record_type="order").reason
    error = refused({"then": IGNORE, "each": "lines[]"}, record_type="order")
    assert "whole records" in error.reason
    wrong = {"then": {"do": "set", "field": "x", "value": ""}, "each": "lines[]"}
    assert refused(wrong, record_type="order").field == "lines[].x"


def test_paths_are_checked_by_on_even_without_a_record_type() -> None:
    rule = {"then": {"do": "clear", "field": "brand"}, "on": ["product", "price"]}
    assert "price has no field “brand”" in refused(rule).reason
    loose = load([{"then": {"do": "clear", "field": "brand"}}])
    with pytest.raises(InvalidRules, match="Rule 1, brand: price has no field"):
        compile(loose, "price")


def test_the_list_may_stand_under_rules_and_nowhere_else() -> None:
    assert load({"rules": [{"then": IGNORE}]}) == load([{"then": IGNORE}])
    assert load({}) == load([]) == ()
    with pytest.raises(InvalidRules, match="allowed is rules"):
        load({"rule": []})
    with pytest.raises(InvalidRules, match="a list of rules"):
        load("x")


def test_decimals_come_back_as_text() -> None:
    data = [{"then": {"do": "adjust_price", "percent": "12.50", "round_to": "0.05"}}]
    assert dump(load(data)) == data


@pytest.mark.parametrize(
    "evil",
    [
        r"(a+)*b",
        r"(a|a)*b",
        r"(a?){30}a{30}",
        r"(.*)*",
        r"(?:x{1,50}){1,50}",
        r"(.)\1",
        r"((a*)b)*c",
        "a" * 501,
        "a?" * 40 + "a" * 40,
        r"(?:(?=(a+))a)*b",
        r"(\w+\s?)*$",
        "[a-z",
    ],
)
def test_expressions_that_could_run_away_are_refused(evil: str) -> None:
    with pytest.raises(FieldError):
        Pattern(evil)


@pytest.mark.parametrize(
    ("usual", "at_least"),
    [(r"^\d{3} ?\d{2}$", 1_000_000), (r"\s+", 10_000), ("colou?r|gr[ae]y", 100_000), (r"^(.+?)\s+(\d+.*)$", 255)],
)
def test_usual_expressions_have_room(usual: str, at_least: int) -> None:
    assert Pattern(usual).longest >= at_least


_atoms = st.sampled_from(["a", "b", ".", "[ab]", r"\w", "(?:ab)", "a|b", "(?:a|ab)"])
_parts = st.tuples(_atoms, st.sampled_from(["", "*", "+", "?", "{2,30}", "*?", "{3}"])).map("".join)


@settings(deadline=None)  # seconds on a machine that has other work: what is measured is steps
@given(st.lists(_parts, min_size=1, max_size=5).map("".join))
def test_what_is_allowed_ends_on_the_worst_text_it_allows(pattern: str) -> None:
    """The guard of this test is the run's own time limit: an expression that runs away never ends."""
    try:
        measured = Pattern(pattern)
    except FieldError:
        return
    measured.search("a" * (min(measured.longest, 300) - 1) + "!")
