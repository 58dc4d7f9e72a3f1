"""Flows, their settings, channels and status words by hand: everything goes into the draft, nothing takes effect."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from samklang.connectors.contract import Choice
from tests.doubles.shelf import Shelf
from tests.hub.conftest import World, order, world
from tests.visitor import visitor

_ = world
BASE = "/t/nordljus"
HX = {"HX-Request": "true"}


@pytest.fixture
def client(world: World) -> Client:
    from samklang.hub.setup import choices

    choices.forget()
    return visitor(world.tenant)


def _wanted(world: World) -> Any:
    from samklang.hub.setup import drafts

    return drafts.shown(world.tenant).wanted


def _flow(world: World, type_: str, target: str) -> Any:
    from samklang.hub.setup import edits

    return edits.find_flow(_wanted(world), ("nordljus", type_, target))


def _preset(client: Client, name: str = "erp rules") -> str:
    answer = client.post(f"{BASE}/flows/nordljus/preset", {"preset": name, "erp": "erp"}, headers=HX)
    assert answer.status_code == 200
    return answer.content.decode()


def _cell(client: Client, type_: str, system: str, state: str) -> str:
    given = {"type": type_, "system": system, "state": state}
    return client.post(f"{BASE}/flows/nordljus/cell", given, headers=HX).content.decode()


def _form(text: str) -> dict[str, Any]:
    """What a browser would send of the only form on the page: checked boxes, chosen options, typed text."""
    found: dict[str, Any] = {}
    form = text.split('<form class="card form')[1].split("</form>")[0]
    for tag in re.findall(r"<input[^>]*>", form):
        at = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if at.get("type") in ("checkbox", "radio"):
            if " checked" in tag:
                found.setdefault(at["name"], []).append(at.get("value", "on"))
        elif "name" in at:
            found[at["name"]] = at.get("value", "")
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'<option value="([^"]*)" selected', inside)
        found[name] = chosen or re.findall(r'<option value="([^"]*)"', inside)[:1]
    for name, inside in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        found[name] = inside
    return found


def test_a_preset_and_a_cell_are_edits_that_wait(world: World, client: Client) -> None:
    """J-02, Q-12: the template sets who is master; single cells are changed after it."""
    from samklang.hub.models import Flow

    # both boxes are shops: the one that is not the channel's own takes the ERP's place
    text = _preset(client)
    assert "6 edits wait" in text
    assert _flow(world, "product", "shop").source == "erp"
    text = _cell(client, "price", "shop", "nothing")
    assert _flow(world, "price", "shop") is None and "5 edits wait" in text
    text = _cell(client, "price", "shop", "master")
    assert _flow(world, "price", "erp").source == "shop"
    _cell(client, "price", "shop", "nothing")
    assert not [flow for flow in _wanted(world).flows if flow.type == "price"]
    assert not Flow.objects.exists()


def test_a_new_master_of_what_flows_is_two_steps_and_said_so(world: World, client: Client) -> None:
    world.flow("product", "erp", "shop")
    text = _cell(client, "product", "shop", "master")
    assert "would get another master" in text and "First take its flows away" in text
    assert _flow(world, "product", "shop").source == "erp"


def test_whoever_may_only_see_sees_the_picture_and_cannot_change_it(world: World, client: Client) -> None:
    _preset(client)
    reader = visitor(world.tenant, "reader")
    text = reader.get(f"{BASE}/flows").content.decode()
    assert "Masters of nordljus" in text and "Let it be the master" not in text
    assert reader.post(f"{BASE}/flows/nordljus/cell", {"type": "price"}).status_code == 403
    assert reader.post(f"{BASE}/draft/drop").status_code == 403


def test_the_draft_can_be_dropped(world: World, client: Client) -> None:
    _preset(client)
    client.post(f"{BASE}/draft/drop")
    assert _wanted(world).flows == []


def test_the_form_of_a_flow_keeps_what_is_there_and_changes_what_is_answered(world: World, client: Client) -> None:
    """Q-05, Q-06, Q-07, Q-11, J-10."""
    _preset(client)
    world.shop.put(order("1001", "A-1", status="paid", shipping_method="Hem"))
    world.flow("order", "shop", "erp")
    world.read("shop", "orders")
    path = f"{BASE}/flows/nordljus/order/erp"
    text = client.get(path).content.decode()
    assert ">paid</" in text.replace("\n", "").replace(" <", "<") or 'value="paid"' in text, "a status that was seen"
    given = _form(text)
    before = _flow(world, "order", "erp")
    assert client.post(path, given).status_code == 302
    assert _flow(world, "order", "erp") == before, "an unchanged form changes nothing"
    given |= {"mode": "create", "o_statuses": ["paid"], "since": "2026-12-01T00:00"}
    given["seen"] = _form(client.get(path).content.decode())["seen"]
    assert client.post(path, given).status_code == 302
    after = _flow(world, "order", "erp")
    assert (after.mode, after.options) == ("create", {"statuses": ["paid"]})
    assert after.since.isoformat() == "2026-12-01T00:00:00+01:00", "midnight in the channel's zone"


def test_a_flow_that_somebody_else_has_changed_meanwhile_is_not_overwritten(world: World, client: Client) -> None:
    _preset(client)
    path = f"{BASE}/flows/nordljus/product/shop"
    mine = _form(client.get(path).content.decode())
    theirs = {**mine, "mode": "create"}
    assert visitor(world.tenant, "consultant").post(path, theirs).status_code == 302
    answer = client.post(path, {**mine, "mode": "update"})
    assert answer.status_code == 422
    assert "This flow was changed by somebody else in the meantime" in answer.content.decode()
    assert _flow(world, "product", "shop").mode == "create"


def test_each_event_sets_a_real_status_and_mails_are_marked(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q-08, Q-13, J-11, J-12."""
    monkeypatch.setattr(Shelf, "manifest", _manifest(choices=("order_status",)), raising=True)
    monkeypatch.setattr(
        Shelf, "choices", lambda self, what: [Choice("completed", "Completed"), Choice("odd", "Odd one")], raising=False
    )
    _preset(client)
    path = f"{BASE}/flows/nordljus/order_status/shop"
    text = client.get(path).content.decode()
    assert "Completed (completed) (mails the buyer)" in text
    assert "as usual: completed" in text
    assert "Statuses there that nothing sets: Odd one." in text
    given = _form(text) | {"e_invoiced": "odd", "e_shipped": "-"}
    client.post(path, given)
    assert _flow(world, "order_status", "shop").options == {"status_map": {"invoiced": "odd", "shipped": ""}}
    again = _form(client.get(path).content.decode())
    assert (again["e_invoiced"], again["e_shipped"]) == (["odd"], ["-"])


def _manifest(**more: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(Shelf.manifest, **more)


def test_brakes_and_stock_are_set_for_one_flow(world: World, client: Client) -> None:
    """Q-04."""
    _preset(client)
    path = f"{BASE}/flows/nordljus/stock/shop"
    given = _form(client.get(path).content.decode())
    given |= {"o_figure": "on_hand", "o_buffer": "2,5", "b_zero_most": "10"}
    client.post(path, given)
    assert _flow(world, "stock", "shop").options == {
        "figure": "on_hand", "buffer": "2.5", "brakes": {"zero": [10, 20, 10]},
    }  # fmt: skip
    given["seen"] = _form(client.get(path).content.decode())["seen"]
    answer = client.post(path, {**given, "o_buffer": "many"})
    assert answer.status_code == 422
    assert "is no number of pieces" in answer.content.decode()


def test_a_condition_is_put_together_and_counted(world: World, client: Client) -> None:
    world.flow("order", "shop", "erp")
    for number in range(3):
        world.shop.put(order(f"100{number}", "A-1", note="gift" if number else ""))
    world.read("shop", "orders")
    path = f"{BASE}/flows/nordljus/order/erp/when"
    text = client.post(path, {"act": "add when"}, headers=HX).content.decode()
    assert 'name="r.when.is"' in text
    asked = {"r.when.is": "contains", "r.when.field": "note", "r.when.value": "gift"}
    text = client.post(path, {**asked, "act": "kind"}, headers=HX).content.decode()
    assert "2 of the newest 3 records" in text and "Note contains “gift”" in text
    answer = client.post(path, {**asked, "r.when.field": "nonsense", "seen": _seen(client, path)}, headers=HX)
    assert answer.status_code == 422
    client.post(path, {**asked, "seen": _seen(client, path)})
    assert _flow(world, "order", "erp").when == {"is": "contains", "field": "note", "value": "gift"}


def _seen(client: Client, path: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', client.get(path).content.decode())
    assert found
    return found[1]


def test_channels_are_added_changed_and_taken_away_with_their_flows(world: World, client: Client) -> None:
    """P-08, Q-15: several shops to one ERP, each with its country and result unit."""
    answers = {"code": "norge", "connection": "shop", "country": "no", "currency": "nok", "dimension": "K2"}
    answers |= {"time_zone": "Europe/Oslo", "name": "Norge"}
    assert client.post(f"{BASE}/channels/new", answers).status_code == 302
    part = _wanted(world).channels["norge"]
    assert (part.country, part.currency, part.dimension) == ("NO", "NOK", "K2")
    assert "There is a channel norge already" in client.post(f"{BASE}/channels/new", answers).content.decode()
    path = f"{BASE}/channels/norge/edit"
    assert "no such time zone" in client.post(path, {**answers, "time_zone": "Moon"}).content.decode()
    client.post(path, {**answers, "name": "Norge AS", "seen": _seen(client, path)})
    assert _wanted(world).channels["norge"].name == "Norge AS"
    client.post(f"{BASE}/channels/norge/gone")
    assert "norge" not in _wanted(world).channels


def test_what_a_systems_status_words_mean_is_said_word_by_word(world: World, client: Client) -> None:
    world.flow("order", "shop", "erp")
    world.shop.put(order("1001", "A-1", status="on its way"))
    world.read("shop", "orders")
    path = f"{BASE}/connections/shop/words"
    text = client.get(path).content.decode()
    assert "on its way" in text
    word = b"on its way".hex()
    client.post(path, {f"w_{word}_fulfilment": "shipped", "seen": _seen(client, path)})
    assert _wanted(world).connections["shop"].status_words == {"on its way": ["fulfilment:shipped"]}
    client.post(path, {f"i_{word}": "on", "seen": _seen(client, path)})
    assert _wanted(world).connections["shop"].status_words == {"on its way": ["ignore"]}
    client.post(path, {"seen": _seen(client, path)})
    assert _wanted(world).connections["shop"].status_words == {}


@pytest.mark.parametrize(
    "path", ["flows/nowhere/product/shop", "channels/nowhere/edit", "connections/nobody/words", "rules/shop/up/product"]
)
def test_what_is_not_there_is_not_found(world: World, client: Client, path: str) -> None:
    assert client.get(f"{BASE}/{path}").status_code == 404


def test_every_field_that_a_flow_may_write_has_words_for_people() -> None:
    from samklang.connectors import registry
    from samklang.people.lexicon import WORDS

    named = {
        field for name in registry.packages() for how in registry.manifest(name).writes.values() for field in how.fields
    }
    assert named - {"*", "custom"} <= WORDS.keys()


def test_what_does_not_flow_is_folded_until_it_is_asked_for(client: Client) -> None:
    """Rows of the picture and ways without rules; an edit that is made with everything shown shows everything again."""
    _preset(client)
    page = client.get(f"{BASE}/flows").content.decode()
    assert "Change order at erp" in page and "Change capture at" not in page
    assert re.search(r"\d+ more kinds of records, which do not flow", page) and "whole=1" in page
    assert "Change capture at" in client.get(f"{BASE}/flows?whole=1").content.decode()
    given = {"type": "price_list", "system": "erp", "state": "master"}
    shown = client.post(f"{BASE}/flows/nordljus/cell", {**given, "whole": "1"}, headers=HX).content.decode()
    assert "Change capture at" in shown and "Only what flows" in shown
    rules = client.get(f"{BASE}/rules").content.decode()
    assert '<details class="fold" open><summary>' in rules and "ways without rules" in rules, "none yet: all is open"


def test_many_systems_are_filtered_by_kind_and_those_without_a_flow_are_folded(world: World, client: Client) -> None:
    from samklang.hub.models import Connection

    def selected() -> str:
        page = client.get(f"{BASE}/transfers").content.decode()
        return page.split('name="connection"')[1].split("</select>")[0]

    world.flow("stock", "erp", "shop")
    assert "<optgroup" not in selected() and "<option>erp</option>" in selected()
    Connection.objects.bulk_create(
        Connection(tenant=world.tenant, name=f"more-{n}", connector="shelf") for n in range(12)
    )
    assert selected().count("<optgroup") >= 1 and "<option>more-11</option>" in selected()
    page = client.get(f"{BASE}/connections").content.decode()
    assert re.search(r"1\d connections that no flow uses", page)
    assert page.index("/connections/erp") < page.index("that no flow uses") < page.index("/connections/more-3")
