"""Connecting, drafting, planning and going back, by the API alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from samklang.connectors.contract import Choice
from samklang.connectors.errors import LoginRefused
from samklang.hub.setup import choices
from tests.api.conftest import Caller
from tests.doubles.shelf import Shelf
from tests.hub.conftest import World, product

SECRET = "very-secret-indeed"


def test_connectors_and_connections_are_shown_without_secrets(world: World, call: Caller) -> None:
    from samklang.hub.setup import config

    config.set_secrets(world.shop_row, {"key": SECRET, "hook_secret": SECRET})
    names = [row["name"] for row in call.get("/connectors")]
    assert {"woocommerce", "fortnox", "shelf"} <= set(names)
    facts = call.get("/connectors/woocommerce")
    assert facts["kind"] == "shop" and [one["name"] for one in facts["settings"] if one["kind"] == "secret"]
    rows = call.get("/connections")
    assert [(row["name"], row["state"]) for row in rows] == [("erp", "active"), ("shop", "active")]
    whole = call("GET", "/connections/shop")
    assert whole.json()["settings"] == {"box": "shop"} and SECRET not in whole.content.decode()
    assert (
        [row["code"] for row in whole.json()["channels"]] == ["nordljus"] == [c["code"] for c in call.get("/channels")]
    )
    assert call.refused("GET", "/connectors/nothing") == call.refused("GET", "/connections/x") == (404, "SYNC-603")


def test_a_connection_is_tried_and_only_saved_when_it_answers(
    world: World, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.models import Connection

    good = Shelf.check
    monkeypatch.setattr(Shelf, "check", lambda self: (_ for _ in ()).throw(LoginRefused("The key is wrong")))
    body = {"connector": "shelf", "settings": {"box": "third"}}
    assert call.refused("PUT", "/connections/third", body) == (424, "SYNC-301")
    assert not Connection.objects.filter(name="third").exists()
    monkeypatch.setattr(Shelf, "check", good)
    made = call("PUT", "/connections/third", body).json()
    assert made["account"]["title"] == "Box third" and made["connection"]["settings"] == {"box": "third"}
    answer = call("PUT", "/connections/third", {"connector": "shelf", "settings": {"box": "x", "nonsense": 1}}).json()
    assert answer["errors"] == [{"where": "body.settings.nonsense", "what": "There is no such setting."}]
    assert call.refused("PUT", "/connections/shop", {"connector": "fortnox"}) == (422, "SYNC-303")
    assert call.post("/connections/third/check")["title"] == "Box third"
    assert call.refused("POST", "/connections/third/webhooks", {"public_url": "https://x.example"})[0] == 422


def test_pausing_and_resuming(world: World, call: Caller) -> None:
    paused = call.post("/connections/erp/pause", {"why": "stocktaking"})
    assert (paused["state"], paused["reason"]) == ("paused", "stocktaking")
    assert call.post("/connections/erp/resume")["state"] == "active"


def test_sync_wakes_the_reading(world: World, call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang import engine
    from samklang.engine.embedded import Embedded

    world.flow("product", "erp", "shop")
    idle = Embedded(lambda job, engine: None)
    monkeypatch.setattr(engine, "current", idle)
    assert call.post("/sync", {"sweep": True}) == {"jobs": 1}
    assert [(state.job.task, state.job.connection) for state in idle.jobs()] == [("sweep", world.erp_row.pk)]
    assert call.post("/sync", {"connections": ["shop"]}) == {"jobs": 0}
    assert call.refused("POST", "/sync", {"connections": ["nothing"]}) == (404, "SYNC-603")


def test_from_preset_to_plan_to_applied_and_back(world: World, call: Caller) -> None:
    """P-01 in the API: nothing takes effect before its plan is applied (X-04); going back is a plan too (X-06)."""
    from samklang.hub.models import Flow
    from samklang.hub.setup import config, planning

    config.write_version(world.tenant, "test", "begin")
    world.erp.put(product("A-1"))
    used = call.post("/draft/presets", {"channel": "nordljus", "erp": "erp", "preset": "erp rules"})
    assert ["nordljus", "product", "shop"] in used["flows"]
    draft = call("GET", "/draft")
    assert draft.json()["edited"] and draft.headers["ETag"] == f'"{draft.json()["etag"]}"'
    assert not Flow.objects.filter(enabled=True).exists()

    made = call("POST", "/plans")
    assert made.status_code == 202 and made.json()["state"] == "reading"
    number = made.json()["id"]
    assert call.get(f"/plans/{number}") == call.get("/plans/latest")
    planning.work(world.tenant.pk)
    ready = call.get(f"/plans/{number}")
    assert ready["state"] == "ready" and ready["outdated"] == ""
    assert next(flow["create"] for flow in ready["result"]["flows"] if flow["type"] == "product") == 1
    lines = call.get(f"/plans/{number}/lines?action=create&limit=1")
    assert [(line["key"], line["action"]) for line in lines["items"]] == [("a-1", "create")]
    assert call("POST", f"/plans/{number}/apply", {"why": "go"}).json()["state"] == "applying"
    planning.work(world.tenant.pk)
    assert call.get("/plans/latest")["state"] == "applied"
    assert Flow.objects.filter(type="product", enabled=True).exists()
    assert call.refused("POST", f"/plans/{number}/apply", {}) == (422, "SYNC-303")
    assert call.refused("DELETE", f"/plans/{number}") == (409, "SYNC-605")

    now = call.get("/configuration")
    history = call.get("/configuration/versions?limit=1")
    assert history["items"][0]["number"] == now["version"] and history["next"]
    first = call.get(f"/configuration/versions/{call.get('/configuration/versions')['items'][-1]['number']}")
    assert first["why"] == "begin" and "[tenant]" in first["toml"] and first["changes"][0]["what"] == "add"
    back = call.post(f"/configuration/versions/{first['number']}/draft")
    assert {"what": "remove", "kind": "flow", "name": "product → shop (nordljus)"}.items() <= back["changes"][0].items()
    assert call.refused("DELETE", "/draft") == (428, "SYNC-607")
    assert call("DELETE", "/draft", If_Match=f'"{back["etag"]}"').status_code == 204
    assert not call.get("/draft")["edited"]


def test_two_who_edit_one_flow_do_not_overwrite_each_other(world: World, call: Caller) -> None:
    path, body = "/draft/flows/nordljus/product/shop", {"source": "erp", "mode": "create"}
    made = call("PUT", path, body).json()
    assert made["flow"]["mode"] == "create" if "mode" in made["flow"] else False
    assert call.get("/draft/flows") == [made]
    assert call.refused("PUT", path, {**body, "mode": "both"}) == (428, "SYNC-607")
    changed = call("PUT", path, {**body, "mode": "update"}, If_Match=f'"{made["etag"]}"').json()
    assert call.refused("PUT", path, {**body, "mode": "both"}, If_Match=f'"{made["etag"]}"') == (412, "SYNC-606")
    assert call.refused("DELETE", path, If_Match='"nonsense"') == (412, "SYNC-606")
    assert call("DELETE", path, If_Match=f'"{changed["etag"]}"').status_code == 204
    assert call.refused("DELETE", path, If_Match="*") == (404, "SYNC-603")


def test_two_masters_are_refused_with_a_plain_sentence(world: World, call: Caller) -> None:
    """Q-01"""
    assert call("PUT", "/draft/masters/nordljus/product", {"master": "erp", "targets": ["shop"]}).status_code == 200
    answer = call("PUT", "/draft/masters/nordljus/product", {"master": "erp", "targets": ["erp"]})
    assert answer.status_code == 422 and "cannot be its target" in answer.json()["detail"]
    assert call.refused("PUT", "/draft/masters/nordljus/product", {"master": "erp", "targets": ["nobody"]})[0] == 422
    answer = call("PUT", "/draft/flows/nordljus/product/erp", {"source": "shop"})
    assert answer.status_code == 422 and answer.json()["code"] == "SYNC-303"


def test_rules_are_judged_when_they_are_sent(world: World, call: Caller) -> None:
    rule = {"then": {"do": "set", "field": "name", "value": "Kopp"}}
    made = call("PUT", "/draft/rules/shop/out/product", {"rules": [rule]}).json()
    assert call.get("/draft/rules") == [made]
    answer = call("PUT", "/draft/rules/shop/out/product", {"rules": [{"then": {"do": "explode"}}]}, If_Match="*")
    assert answer.status_code == 422, answer.content
    assert call("PUT", "/draft/rules/shop/out/product", {"rules": []}, If_Match="*").status_code == 200
    assert call.get("/draft/rules") == []


def test_rules_are_tried_on_a_record_before_they_are_meant(world: World, call: Caller) -> None:
    """X-06: before and after, rule by rule; nothing is stored or sent."""
    from samklang.hub.models import RuleSet

    at = "/rules/shop/out/product"
    assert call.refused("POST", f"{at}/try", {}) == (404, "SYNC-603"), "no record has passed here yet"
    world.flow("product", "erp", "shop")
    for key, name in (("A-1", "Kopp"), ("A-2", "Fat")):
        world.erp.put(product(key, name, brand="Rörstrand"))
    world.read("erp", "catalogue")
    assert call.get(f"{at}/records") == ["a-2", "a-1"] and call.get(f"{at}/records?q=A-1") == ["a-1"]
    rule = {"then": {"do": "set", "field": "name", "value": "{brand} {name}"}}
    only_cups = {"when": {"field": "name", "is": "contains", "value": "Fat"}, "then": {"do": "ignore", "reason": "no"}}
    tried = call.post(f"{at}/try", {"rules": [rule], "key": "a-1"})
    assert (tried["before"]["name"], tried["after"]["name"]) == ("Kopp", "Rörstrand Kopp")
    (step,) = tried["steps"]
    assert step["changes"] == [{"path": "name", "before": "Kopp", "after": "Rörstrand Kopp"}]
    assert step["sentence"] == "Set name to “{brand} {name}”."
    wrong = call("POST", f"{at}/try", {"rules": [rule, {"then": {"do": "set", "field": "nonsense", "value": 1}}]})
    assert wrong.status_code == 422 and wrong.json()["where"].startswith("body.rules[1]"), wrong.json()
    assert not RuleSet.objects.exists() and not call.get("/draft")["edited"]

    etag = call.get("/draft/rules/shop/out/product")["etag"]
    made = call("PUT", "/draft/rules/shop/out/product", {"rules": [rule, only_cups]}, If_Match=f'"{etag}"').json()
    assert call.get("/draft/rules/shop/out/product") == made and len(made["sentences"]) == 2
    left = call.post(f"{at}/try", {"key": "a-2"})
    assert left["after"] is None and left["steps"][-1]["left_out"] == "no", "the draft's own chain"
    assert call.get("/rules") == [], "nothing runs before its plan is applied"
    condition = {"connection": "erp", "type": "product", "when": {"field": "name", "is": "contains", "value": "Kopp"}}
    assert call.post("/conditions/try", condition) == {"takes": 1, "of": 2, "examples": ["a-1"]}
    assert call.refused("POST", "/conditions/try", {**condition, "when": {"is": "odd"}})[0] == 422


def test_tables_between_systems_are_read_with_real_values_and_drafted(
    world: World, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"shop": [Choice("bacs", "Bankgiro"), Choice("Swish")], "erp": [Choice("30"), Choice("Swish")]}
    choices.forget()
    monkeypatch.setattr(Shelf, "manifest", msgspec.structs.replace(Shelf.manifest, choices=("payment_method",)))
    monkeypatch.setattr(Shelf, "choices", lambda self, what: list(asked[self.settings["box"]]), raising=False)
    world.flow("order", "shop", "erp")
    found = call.get("/connections/shop/values/payment_method")
    assert [one["code"] for one in found["values"]] == ["bacs", "Swish"] and found["error"] == ""
    assert call.refused("GET", "/connections/nobody/values/payment_method") == (404, "SYNC-603")
    assert call.refused("GET", "/connections/shop/values/nonsense") == (422, "SYNC-604")
    path = "/draft/tables/nordljus/payment_method/shop/erp"
    whole = call.get(path)
    assert [(line["value"]["code"], line["same"], line["open"]) for line in whole["lines"]] == [
        ("bacs", False, True), ("Swish", True, False)
    ]  # fmt: skip
    assert ("payment_method", "shop", "erp") in [
        (one["what"], one["source"], one["target"]) for one in call.get("/draft/tables")
    ]
    body = {"values": {"bacs": "30"}}
    assert call.refused("PUT", path, body) == (428, "SYNC-607")
    put = call("PUT", path, body, If_Match=f'"{whole["etag"]}"').json()
    assert put["values"] == {"bacs": "30"} == call.get(path)["values"]
    assert call.refused("PUT", path, body, If_Match=f'"{whole["etag"]}"') == (412, "SYNC-606")
    assert call.refused("GET", "/draft/tables/nordljus/payment_method/erp/shop") == (404, "SYNC-603")

    words = "/draft/connections/shop/status-words"
    said = call("PUT", words, {"words": {"wc-lost": ["ignore"]}}, If_Match="*")
    assert said.json()["words"] == {"wc-lost": ["ignore"]} == call.get(words)["words"]
    assert call.refused("PUT", words, {"words": {"odd": ["nonsense"]}}, If_Match="*")[0] == 422
    assert call.refused("GET", "/draft/connections/nobody/status-words") == (404, "SYNC-603")


def test_a_whole_configuration_can_be_drafted(world: World, call: Caller) -> None:
    toml = call.get("/configuration")["toml"]
    etag = call.get("/draft")["etag"]
    assert call.refused("PUT", "/draft", {}) == (422, "SYNC-604")
    assert call.refused("PUT", "/draft", {"toml": "nonsense"}, If_Match="*") == (422, "SYNC-303")
    draft = call("PUT", "/draft", {"toml": toml + '[channels.two]\nconnection = "shop"\n'}, If_Match=f'"{etag}"').json()
    assert [change["name"] for change in draft["changes"]] == ["two"]
    sent = call("PUT", "/draft", {"configuration": draft["configuration"]}, If_Match="*").json()
    assert sent["configuration"] == draft["configuration"]
    assert call("DELETE", "/draft/channels/two").status_code == 204
    body = {"connection": "shop", "country": "FI", "currency": "EUR", "time_zone": "Europe/Helsinki"}
    assert call("PUT", "/draft/channels/fi", body).json()["configuration"]["channels"]["fi"]["country"] == "FI"


def test_what_is_known_already_is_not_sent_again(world: World, call: Caller) -> None:
    first = call("GET", "/connections")
    assert call("GET", "/connections", If_None_Match=first.headers["ETag"]).status_code == 304


def test_brakes_are_released_and_rejected(world: World, call: Caller) -> None:
    """X-04"""
    from decimal import Decimal

    from samklang.records import StockLevel

    def brake() -> Any:
        return call.get("/brakes")[0]

    world.flow("product", "erp", "shop")
    world.flow("stock", "erp", "shop")
    for n in range(30):
        world.erp.put(product(f"A-{n}"), id_=f"p{n}")
        world.erp.put(StockLevel(sku=f"A-{n}", on_hand=Decimal(5)), id_=f"s{n}")
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "stock")
    for n in range(30):
        world.erp.put(StockLevel(sku=f"A-{n}", on_hand=Decimal(0)), id_=f"s{n}")
    world.read("erp", "catalogue")
    assert (brake()["count"], brake()["of"], brake()["says"]) == (30, 30, "go to zero stock")
    number = brake()["id"]
    assert call.post(f"/brakes/{number}/reject") == {"count": 30}
    assert call.get("/brakes") == []
    assert call.refused("POST", f"/brakes/{number}/release") == (404, "SYNC-603")
