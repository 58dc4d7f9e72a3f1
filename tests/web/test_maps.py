"""Tables between two systems: real values of both, what nobody has translated first, and what is sent then."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.test import Client

from samklang.connectors.contract import Choice
from samklang.connectors.errors import Unreachable
from samklang.sandboxes.fortnox import FortnoxSandbox
from tests.doubles.shelf import Shelf
from tests.hub.conftest import World, order, world
from tests.hub.test_shops import Mage, shop
from tests.visitor import visitor

_ = world
BASE = "/t/nordljus"
TABLE = f"{BASE}/maps/nordljus/payment_method/shop/erp"
ASKED = {
    "shop": [Choice("bacs", "Bankgiro"), Choice("Swish"), Choice("kco", "Klarna")],
    "erp": [Choice("30"), Choice("Swish")],
}


@pytest.fixture
def client(world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    from samklang.hub.setup import choices

    choices.forget()
    monkeypatch.setattr(Shelf, "manifest", msgspec.structs.replace(Shelf.manifest, choices=("payment_method",)))
    monkeypatch.setattr(Shelf, "choices", lambda self, what: list(ASKED[self.settings["box"]]), raising=False)
    world.flow("order", "shop", "erp")
    world.flow("customer", "shop", "erp")
    return visitor(world.tenant)


def _name(value: str) -> str:
    return f"v_{value.encode().hex()}"


def _wanted(world: World) -> Any:
    from samklang.hub.setup import drafts

    return drafts.shown(world.tenant).wanted


def _save(client: Client, lines: dict[str, str], page: str = "", path: str = TABLE) -> Any:
    page = page or client.get(path).content.decode()
    seen = re.findall(r'name="seen" value="([^"]*)"', page)
    return client.post(path, {"seen": seen[0], **{_name(old): new for old, new in lines.items()}})


def test_every_table_is_led_to_and_shows_both_sides_with_what_is_open_first(world: World, client: Client) -> None:
    listed = client.get(f"{BASE}/maps").content.decode()
    assert "/maps/nordljus/price_list/shop/erp" in listed and "/flows/nordljus/order/erp#id_o_statuses" in listed
    page = client.get(TABLE).content.decode()
    rows = re.findall(r'<tr( class="unmapped")?><th scope="row">([^<]+)', page)
    assert [(name.strip(), bool(open_)) for open_, name in rows] == [
        ("Bankgiro", True), ("Klarna", True), ("Swish", False)
    ]  # fmt: skip
    assert "2 values are unknown to erp" in page and "the same name there" in page
    assert client.get(f"{BASE}/maps/nordljus/warehouse/shop/erp").status_code == 404  # the target keeps one figure


def test_a_table_waits_in_the_draft_and_then_translates_what_is_sent(world: World, client: Client) -> None:
    from samklang.hub.setup import config

    first = client.get(TABLE).content.decode()
    assert _save(client, {"bacs": "30", "Swish": "", "kco": ""}).status_code == 302
    wanted = _wanted(world)
    assert [flow.options.get("maps") for flow in wanted.flows] == [{"payment_method": {"bacs": "30"}}, None]
    again = _save(client, {"bacs": "Swish"}, first)  # who saw the old one does not overwrite what is new
    assert again.status_code == 422 and "changed by somebody else" in again.content.decode()
    config.apply(wanted, "owner")
    world.shop.put(order("1", payment_method="bacs"))
    world.shop.put(order("2", payment_method="kco"))
    world.read("shop", "orders")
    for type_ in ("customer", "order"):
        world.deliver("erp", type_)
    assert {one.order_no: one.payment_method for one in world.erp.of("order")} == {"1": "30", "2": "kco"}


def test_a_system_that_does_not_answer_takes_nothing_away(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.setup import choices

    _save(client, {"bacs": "30", "kco": "Swish"})
    open_page = client.get(TABLE).content.decode()

    def silent(self: Shelf, what: str) -> list[Choice]:
        raise Unreachable("No connection could be made")

    monkeypatch.setattr(Shelf, "choices", silent, raising=False)
    choices.forget()
    page = client.get(TABLE).content.decode()
    assert "shop could not be asked for its values" in page and 'value="30"' in page
    assert _save(client, {"bacs": "30", "kco": "10", "Swish": "K"}, open_page).status_code == 302
    assert _wanted(world).flows[0].options["maps"] == {"payment_method": {"bacs": "30", "kco": "10", "Swish": "K"}}


def test_two_lists_do_not_become_one_and_a_new_flow_has_its_neighbours_table(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.connectors.errors import Misconfigured
    from samklang.hub.setup import edits, maps

    wanted = _wanted(world)
    place = ("nordljus", "price_list", "shop", "erp")
    table = maps.table(wanted, place)
    assert table is not None and table.types == ("customer",)
    maps.put(wanted, table._replace(values={"A": "X", "B": "X"}))  # two groups of customers may have one list
    monkeypatch.setattr(Shelf, "manifest", msgspec.structs.replace(Shelf.manifest, price_lists=True))
    edits.set_master(wanted, "nordljus", "price", "shop", ["erp"])
    price = edits.find_flow(wanted, ("nordljus", "price", "erp"))
    assert price is not None and price.options["maps"] == {"price_list": {"A": "X", "B": "X"}}
    both = maps.table(wanted, place)
    assert both is not None and both.types == ("customer", "price")
    with pytest.raises(Misconfigured, match="overwrite"):
        maps.put(wanted, both)


def test_a_table_in_a_file_is_checked(world: World, client: Client) -> None:
    from samklang.connectors.errors import Misconfigured
    from samklang.hub.setup import config

    _save(client, {"bacs": "30"})
    text = config.dump(_wanted(world))
    assert config.parse(text).flows[0].options["maps"] == {"payment_method": {"bacs": "30"}}
    for wrong in ("payment_metod", "warehouse"):
        with pytest.raises(Misconfigured, match="no table"):
            config.parse(text.replace("payment_method", wrong))


def test_prices_of_a_list_reach_the_customer_group_that_the_table_names(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """J-09, P-08: the ledger's list B has another name in the shop; its prices go to the group of resellers."""
    from samklang.hub.setup import choices, config, maps

    choices.forget()
    ledger = FortnoxSandbox(articles=3, rate=0)
    with shop(Mage(0), ledger) as both:
        both.erp_row.settings |= {"price_lists": "B"}
        both.erp_row.save(update_fields=["settings"])
        types = ("product", "price_list", "price")
        flows = [flow for flow in both.preset("erp rules") if flow.type in types]
        wanted = config.current(both.tenant)
        wanted.flows = [flow for flow in wanted.flows if flow.type in types]
        (table,) = maps.tables(wanted)
        lines, _ours, _theirs = maps.lines(table, both.erp_row, both.shop_row)
        assert [(line.value.code, line.open) for line in lines] == [("Återförsäljare", True)]
        maps.put(wanted, table._replace(values={"Återförsäljare": "Retailer"}))
        for flow in flows:
            flow.options = next(part.options for part in wanted.flows if part.type == flow.type)
            flow.save()
        plans = both.apply(flows)
        assert (plans["price_list"].same, plans["price_list"].create) == (1, 0)
        steps = _tiers(both)
        assert steps == {
            (number, max(1, int(pieces))) for (code, number), prices in ledger.ledger.prices.items() if code == "B"
            for pieces in prices
        }  # fmt: skip
        assert set(both.front.box.catalogue.groups.values()) == {"NOT LOGGED IN", "General", "Wholesale", "Retailer"}


def _tiers(both: Any) -> set[tuple[str, int]]:
    """(article, from how many pieces) of every price of the group of resellers."""
    return {
        (row["sku"], int(price["qty"]))
        for row in both.front.box.catalogue.rows.values() for price in row["tier_prices"]
        if price["customer_group_id"] == 3
    }  # fmt: skip
