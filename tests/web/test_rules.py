"""Chains of rules by hand: sentences, forms, a preview on a real record; everything goes into the draft."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.hub.conftest import World, product, world
from tests.visitor import visitor

_ = world
PATH = "/t/nordljus/rules/shop/out/product"
HX = {"HX-Request": "true"}
RULE = {"r.then.do": "set", "r.then.field": "name", "r.then.value": "{brand} {name}"}


@pytest.fixture
def client(world: World) -> Client:
    world.flow("product", "erp", "shop")
    world.erp.put(product("A-1", "Kopp", brand="Rörstrand"))
    world.erp.put(product("A-2", "Fat"))
    world.read("erp", "catalogue")
    return visitor(world.tenant)


def _rules(world: World) -> list[dict[str, Any]]:
    from samklang.hub.setup import drafts, edits

    part = edits.find_chain(drafts.shown(world.tenant).wanted, "shop", "out", "product")
    return part.rules if part else []


def _seen(client: Client, path: str = f"{PATH}/0") -> str:
    found = re.search(r'name="seen" value="([^"]*)"', client.get(path).content.decode())
    assert found
    return found[1]


def _save(client: Client, number: int, **more: str) -> Any:
    seen = _seen(client, f"{PATH}/{number}")
    return client.post(f"{PATH}/{number}", {**RULE, **more, "seen": seen})


def test_a_rule_is_made_read_as_a_sentence_and_waits_in_the_draft(world: World, client: Client) -> None:
    from samklang.hub.models import RuleSet

    assert _save(client, 0).status_code == 302
    assert _rules(world) == [{"then": {"do": "set", "field": "name", "value": "{brand} {name}"}}]
    assert "Set name to “{brand} {name}”." in client.get(PATH).content.decode()
    assert not RuleSet.objects.exists()
    assert "Set name to" in client.get("/t/nordljus/rules").content.decode()


def test_the_preview_shows_what_each_rule_does_to_a_real_record(world: World, client: Client) -> None:
    _save(client, 0)
    text = client.post(f"{PATH}/1", {**RULE, "r.then.value": "{name}!", "try": "1", "key": "a-1"}, headers=HX)
    shown = text.content.decode()
    assert "<del>Kopp</del> <ins>Rörstrand Kopp</ins>" in shown
    assert "<del>Rörstrand Kopp</del> <ins>Rörstrand Kopp!</ins>" in shown, "the second sees what the first made"
    assert len(_rules(world)) == 1, "nothing was saved"
    left = {"r.then.do": "ignore", "r.then.reason": "not here", "try": "1", "key": "a-2"}
    assert "leaves it out" in client.post(f"{PATH}/0", left, headers=HX).content.decode()
    stop = {"r.then.do": "fail", "r.then.message": "no brand", "try": "1"}
    assert "stops it" in client.post(f"{PATH}/0", stop, headers=HX).content.decode()


def test_a_preview_on_the_way_in_plays_on_the_record_as_the_system_says_it(world: World, client: Client) -> None:
    """The record that the hub keeps has been through the rules that run; the preview asks the system for it."""
    from samklang.hub.models import RuleSet

    rule = {"then": {"do": "replace", "field": "name", "find": "Kopp", "with": "Mugg"}}
    RuleSet.objects.create(tenant=world.tenant, connection=world.erp_row, direction="in", type="product", rules=[rule])
    world.read("erp", "catalogue", sweep=True)
    text = client.get("/t/nordljus/rules/erp/in/product?key=a-1", headers=HX).content.decode()
    assert "<del>Kopp</del> <ins>Mugg</ins>" in text


def test_a_mistake_is_told_in_place_and_nothing_typed_is_lost(world: World, client: Client) -> None:
    answer = _save(
        client, 0, **{"r.then.field": "nam", "r.when.is": "equals", "r.when.field": "brand", "r.when.value": "X"}
    )
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "product has no field “nam”" in text
    assert 'value="nam" list="paths" aria-invalid="true"' in text and 'value="brand"' in text
    assert _rules(world) == []


def test_conditions_come_and_go_without_saving(world: World, client: Client) -> None:
    text = client.post(f"{PATH}/0", {**RULE, "act": "add when"}, headers=HX).content.decode()
    assert 'name="r.when.field"' in text
    asked = {**RULE, "r.when.is": "equals", "r.when.field": "brand", "r.when.value": "X"}
    text = client.post(f"{PATH}/0", {**asked, "act": "add when"}, headers=HX).content.decode()
    assert 'name="r.when.of.0.field" value="brand"' in text and 'name="r.when.of.1.field"' in text
    text = client.post(f"{PATH}/0", {**asked, "act": "remove when"}, headers=HX).content.decode()
    assert "r.when" not in text
    assert _rules(world) == []


def test_rules_are_moved_switched_off_and_taken_out(world: World, client: Client) -> None:
    for number, value in enumerate("abc"):
        _save(client, number, **{"r.then.value": value})

    def act(wish: str) -> None:
        client.post(f"{PATH}/arrange", {"act": wish, "seen": _seen(client, PATH)}, headers=HX)

    def values() -> str:
        return "".join(rule["then"]["value"] for rule in _rules(world))

    act("down 0")
    assert values() == "bac"
    act("up 2")
    assert values() == "bca"
    act("toggle 1")
    assert _rules(world)[1]["enabled"] is False
    assert "(switched off)" in client.get(PATH).content.decode()
    act("toggle 1")
    assert "enabled" not in _rules(world)[1]
    act("remove 0")
    assert values() == "ca"
    act("remove 9")
    act("nonsense 0")
    assert values() == "ca"


def test_a_chain_that_somebody_else_has_changed_meanwhile_is_not_overwritten(world: World, client: Client) -> None:
    seen = _seen(client)
    _save(visitor(world.tenant, "consultant"), 0)
    answer = client.post(f"{PATH}/0", {**RULE, "r.then.value": "mine", "seen": seen})
    assert answer.status_code == 422
    assert "was changed by somebody else in the meantime" in answer.content.decode()
    assert "mine" in answer.content.decode(), "what was typed is still there"
    assert _rules(world)[0]["then"]["value"] == "{brand} {name}"


def test_whoever_may_only_see_reads_the_sentences(world: World, client: Client) -> None:
    _save(client, 0)
    reader = visitor(world.tenant, "reader")
    text = reader.get(PATH).content.decode()
    assert "Set name to" in text and "Edit rule" not in text
    assert reader.get(f"{PATH}/0").status_code == 403
    assert reader.post(f"{PATH}/arrange", {"act": "remove 0"}).status_code == 403
