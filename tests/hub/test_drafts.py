"""Drafts: edits wait, several people edit at once, and what cannot be is refused in plain words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from samklang.connectors.errors import Misconfigured
from tests.cli.conftest import ERP_RULES
from tests.hub.conftest import World


def _set(name: tuple[str, str, str], **values: Any) -> Any:
    from samklang.hub.setup import edits
    from samklang.hub.setup.config import Config

    def change(config: Config) -> None:
        flow = edits.find_flow(config, name)
        assert flow is not None
        edits.put_flow(config, msgspec.structs.replace(flow, **values))

    return change


def _preset(name: Any) -> Any:
    from samklang.hub.setup import edits

    return lambda config: edits.use_preset(config, "nordljus", "erp", name)


def _flows(of: Any) -> set[tuple[str, str, str]]:
    return {(flow.type, flow.source, flow.target) for flow in of.flows}


@pytest.mark.parametrize("name", ["shop rules", "erp rules", "combo"])
def test_a_preset_makes_the_flows_of_its_template_and_nothing_is_live(world: World, name: str) -> None:
    """J-01, J-02, J-03, Q-12."""
    from samklang.hub import flows
    from samklang.hub.models import Flow
    from samklang.hub.setup import drafts, edits

    shown = drafts.edit(world.tenant, "anna", name, _preset(name))
    assert _flows(shown.wanted) == {line for line in flows.PRESETS[name] if line[0] not in flows.WHERE_KNOWN}
    found = edits.preset_of(shown.wanted, "nordljus")
    assert found is not None and (found.use, found.erp) == (name, "erp")
    assert not Flow.objects.exists()
    assert {change.kind for change in shown.changes} == {"flow"}


def test_another_preset_keeps_the_settings_of_flows_that_stay(world: World) -> None:
    from samklang.hub.setup import drafts, edits

    drafts.edit(world.tenant, "anna", "preset", _preset("erp rules"))
    order, price = ("nordljus", "order", "erp"), ("nordljus", "price", "shop")
    drafts.edit(world.tenant, "anna", "order", _set(order, options={"statuses": ["paid"]}))
    drafts.edit(world.tenant, "anna", "price", _set(price, fields=["amount"]))
    shown = drafts.edit(world.tenant, "anna", "preset", _preset("shop rules"))
    assert edits.find_flow(shown.wanted, order).options == {"statuses": ["paid"]}  # type: ignore[union-attr]
    assert edits.find_flow(shown.wanted, price) is None, "its master is another one now"


def test_two_masters_are_refused_in_a_plain_sentence(world: World) -> None:
    """Q-01."""
    from samklang.hub.setup import drafts, edits
    from samklang.hub.setup.config import FlowPart

    third = FlowPart(channel="nordljus", type="product", source="shop", target="third")
    world.connection("third")
    drafts.edit(world.tenant, "anna", "preset", _preset("erp rules"))
    with pytest.raises(Misconfigured, match="erp is already master of product in nordljus; there can be only one"):
        drafts.edit(world.tenant, "bo", "second master", lambda config: edits.put_flow(config, third))
    assert len(drafts.shown(world.tenant).wanted.flows) == 6


def test_a_master_can_send_to_several_systems_and_none_means_none(world: World) -> None:
    from samklang.hub.setup import drafts, edits

    world.connection("third")
    drafts.edit(
        world.tenant,
        "anna",
        "x",
        lambda config: edits.set_master(config, "nordljus", "product", "erp", ["shop", "third"]),
    )
    assert _flows(drafts.shown(world.tenant).wanted) == {("product", "erp", "shop"), ("product", "erp", "third")}
    shown = drafts.edit(
        world.tenant, "anna", "x", lambda config: edits.set_master(config, "nordljus", "product", "", ["shop"])
    )
    assert (shown.draft, shown.wanted.flows) == (None, []), "back where it was: there is no draft any more"


def test_edits_of_different_things_by_two_people_are_both_kept(world: World) -> None:
    from samklang.hub.setup import drafts, edits

    drafts.edit(world.tenant, "anna", "preset", _preset("erp rules"))
    drafts.edit(world.tenant, "anna", "mode", _set(("nordljus", "product", "shop"), mode="create"))
    drafts.edit(world.tenant, "bo", "fields", _set(("nordljus", "price", "shop"), fields=["amount"]))
    shown = drafts.shown(world.tenant)
    assert edits.find_flow(shown.wanted, ("nordljus", "product", "shop")).mode == "create"  # type: ignore[union-attr]
    assert edits.find_flow(shown.wanted, ("nordljus", "price", "shop")).fields == ["amount"]  # type: ignore[union-attr]
    assert shown.draft is not None
    assert [(one["by"], one["what"]) for one in shown.draft.edits] == [
        ("anna", "preset"), ("anna", "mode"), ("bo", "fields"),
    ]  # fmt: skip


def test_an_edit_of_what_somebody_else_changed_meanwhile_is_refused(world: World) -> None:
    from samklang.hub.setup import drafts, edits

    name = ("nordljus", "product", "shop")
    shown = drafts.edit(world.tenant, "anna", "preset", _preset("erp rules"))
    seen = drafts.mark(edits.find_flow(shown.wanted, name))
    drafts.edit(world.tenant, "anna", "mode", _set(name, mode="create"))

    def late(config: Any) -> None:
        drafts.unchanged(edits.find_flow(config, name), seen, "This flow")
        _set(name, mode="update")(config)

    with pytest.raises(Misconfigured, match="This flow was changed by somebody else in the meantime"):
        drafts.edit(world.tenant, "bo", "mode", late)
    assert edits.find_flow(drafts.shown(world.tenant).wanted, name).mode == "create"  # type: ignore[union-attr]


def test_what_is_applied_elsewhere_meanwhile_is_not_undone_by_the_draft(world: World) -> None:
    from samklang.hub.setup import config, drafts

    drafts.edit(world.tenant, "anna", "preset", _preset("erp rules"))
    world.connection("third")
    now = config.current(world.tenant)
    now.channels["ny"] = config.ChannelPart(connection="third")
    config.apply(now, "bo")
    shown = drafts.shown(world.tenant)
    assert set(shown.wanted.channels) == {"nordljus", "ny"}
    assert len(shown.wanted.flows) == 6
    assert {change.kind for change in shown.changes} == {"flow"}


def test_a_whole_file_becomes_the_draft_but_not_that_of_another_tenant(world: World) -> None:
    from samklang.hub.setup import config, drafts

    shown = drafts.replace(world.tenant, "anna", "samklang.toml", config.parse(ERP_RULES))
    assert len(shown.wanted.flows) == 6
    with pytest.raises(Misconfigured, match="configuration of other, not of nordljus"):
        wrong = config.parse(ERP_RULES.replace('slug = "nordljus"', 'slug = "other"'))
        drafts.replace(world.tenant, "anna", "samklang.toml", wrong)
    drafts.drop(world.tenant)
    assert drafts.shown(world.tenant).draft is None


def test_rules_of_a_place_are_put_in_and_taken_away(world: World) -> None:
    from samklang.hub.setup import drafts, edits
    from samklang.hub.setup.config import RulesPart

    def put(*rules: dict[str, Any]) -> Any:
        part = RulesPart(connection="shop", direction="out", type="product", rules=list(rules))
        return drafts.edit(world.tenant, "anna", "rules", lambda config: edits.put_chain(config, part))

    rule = {"then": {"do": "set", "field": "name", "value": "x"}}
    assert put(rule).wanted.rules[0].rules == [rule]
    with pytest.raises(Misconfigured, match="nam"):
        put({"then": {"do": "set", "field": "nam", "value": "x"}})
    assert put().wanted.rules == []


def test_a_preset_carries_price_lists_where_both_systems_have_them(migrated: object) -> None:
    """P-08, P-09: Magento's customer groups get Fortnox's lists; WooCommerce has one price, and nobody is told off."""
    from samklang.hub.setup import config

    def types(shop: str) -> list[str]:
        told = config.parse(
            f"""
            tenant = {{ slug = "a", name = "A" }}
            connections = {{ shop = {{ connector = "{shop}" }}, erp = {{ connector = "fortnox" }} }}
            channels = {{ a = {{ connection = "shop" }} }}
            presets = [{{ channel = "a", use = "erp rules", erp = "erp" }}]
            """
        )
        return [flow.type for flow in told.flows]

    assert set(types("magento")) - set(types("woocommerce")) == {"price_list"}
