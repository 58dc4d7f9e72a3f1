"""What of a configuration a package includes: judged where something is switched on, told in a plain sentence."""

from __future__ import annotations

from typing import Any

import pytest

from samklang.connectors.errors import Misconfigured, NotInPackage
from samklang.packages import gates, offer, readiness
from samklang.packages.gates import Need
from samklang.records import Axis, Variant
from tests.hub.conftest import product
from tests.packages.conftest import World, agree


def _config(*flows: tuple[str, str, str, str], rules: Any = ()) -> Any:
    from samklang.hub.setup.config import Config, FlowPart, RulesPart, TenantPart

    parts = [FlowPart(channel=channel, type=type_, source=source, target=to) for channel, type_, source, to in flows]
    chains = [RulesPart(connection="erp", direction="out", type="order", rules=list(rules))] if rules else []
    return Config(tenant=TenantPart(slug="nordljus", name="Nordljus"), flows=parts, rules=chains)


def _lacks(code: str, new: Any, old: Any = None) -> list[Need]:
    return gates.missing(offer.offered()[code], gates.needs(new, old))


def _flow(type_: str, source: str = "erp", to: str = "shop", channel: str = "nordljus") -> Any:
    return _config((channel, type_, source, to))


PLUGIN = {"then": {"do": "plugin", "name": "round_weights"}}


@pytest.mark.parametrize("mode", ["create", "both"])
@pytest.mark.parametrize("ends", [("shop", "erp"), ("erp", "shop")])
def test_the_smallest_package_carries_articles_prices_customers_and_orders_in_either_direction(
    ends: tuple[str, str], mode: str
) -> None:
    """P-02, P-16: one direction for each datum, whichever the customer chooses; create, or create and update."""
    config = _config(*(("nordljus", type_, *ends) for type_ in ("product", "price", "customer", "order")))
    for flow in config.flows:
        flow.mode = mode
    assert _lacks("100", config) == []
    assert offer.offered()["100"].orders == 100


def test_one_datum_has_one_direction_whatever_the_package(world: World) -> None:
    """P-16."""
    from samklang.hub.setup import drafts, edits
    from samklang.hub.setup.config import FlowPart

    agree(world, "100")
    there, back = (FlowPart(channel="nordljus", type="product", source=a, target=b) for a, b in
                   (("shop", "erp"), ("erp", "shop")))  # fmt: skip
    drafts.edit(world.tenant, "anna", "there", lambda config: edits.put_flow(config, there))
    with pytest.raises(Misconfigured, match="already master of product"):
        drafts.edit(world.tenant, "anna", "back", lambda config: edits.put_flow(config, back))


@pytest.mark.parametrize(
    ("code", "type_", "feature"),
    [
        ("100", "stock", "stock"), ("100", "order_status", "status"), ("100", "shipment", "status"),
        ("100", "capture", "status"), ("100", "price_list", "price lists"), ("200", "price_list", "price lists"),
        ("200", "stock", None), ("200", "order_status", None), ("400", "price_list", None), ("premium", "refund", None),
        ("100", "voucher", None),
    ],
)  # fmt: skip
def test_each_package_includes_its_types_of_record(code: str, type_: str, feature: str | None) -> None:
    """P-02, P-04, P-08, P-09: the gate says what the package lacks, the matrix what a shop cannot hold."""
    found = _lacks(code, _flow(type_))
    assert [need.feature for need in found] == ([feature] if feature else [])


def test_several_shops_come_with_the_package_that_has_them() -> None:
    """P-08."""
    two = _config(("nordljus", "order", "shop", "erp"), ("finland", "order", "shop2", "erp"))
    assert _lacks("200", two) == [Need("several shops", "finland")]
    assert _lacks("200", two, _flow("order", "shop", "erp")) == [Need("several shops", "finland")]
    assert _lacks("200", two, two) == [] == _lacks("400", two)


def test_plugins_come_with_the_largest_packages_however_deep_a_rule_names_one() -> None:
    """P-10."""
    deep = {"each": "lines", "rules": [PLUGIN]}
    for rule in (PLUGIN, deep):
        assert _lacks("400", _config(rules=[rule])) == [Need("plugins", "round_weights")]
        assert _lacks("800", _config(rules=[rule])) == []
    assert _lacks("400", _config(rules=[PLUGIN, deep]), _config(rules=[PLUGIN])) == [], "it runs already"


def test_a_draft_refuses_what_is_not_included_and_says_what_to_do(world: World) -> None:
    """P-02, P-04: the sentence names the package and what to do."""
    from samklang.hub.setup import drafts, edits

    agree(world, "100")
    with pytest.raises(NotInPackage) as refused:
        drafts.edit(world.tenant, "anna", "x", lambda c: edits.use_preset(c, "nordljus", "erp", "erp rules"))
    assert refused.value.what == "The package Paket 100 does not include stock levels"
    assert refused.value.where == "nordljus: stock erp → shop"
    assert "take the package Paket 200" in refused.value.do_this
    assert drafts.shown(world.tenant).draft is None
    agree(world, "200")
    assert drafts.edit(world.tenant, "anna", "x", lambda c: edits.use_preset(c, "nordljus", "erp", "erp rules")).draft


def test_without_a_package_nothing_is_gated(world: World) -> None:
    from samklang.hub.setup import drafts, edits

    for step in ("never", "ended"):
        if step == "ended":
            agree(world, "100")
            agree(world, "")
        shown = drafts.edit(world.tenant, "anna", "x", lambda c: edits.use_preset(c, "nordljus", "erp", "combo"))
        assert shown.draft
        drafts.drop(world.tenant)


def test_articles_with_variants_are_found_when_the_plan_has_read_them(world: World) -> None:
    """P-02: simple articles."""
    from samklang.hub.setup import config, consequences, edits

    agree(world, "100")
    world.erp.put(product("A-1"))
    wanted = config.current(world.tenant)
    edits.set_master(wanted, "nordljus", "product", "erp", ["shop"])
    assert consequences.foresee(wanted, lambda *_: None).flows[0].create == 1
    sizes = tuple(Variant(sku=f"B-{size}", options={"size": size}) for size in "SM")
    world.erp.put(product("B-1", variants=sizes, axes=(Axis("size", "Size"),)))
    with pytest.raises(NotInPackage, match="Paket 100 does not include articles with variants") as refused:
        consequences.foresee(wanted, lambda *_: None)
    assert "b-1" in refused.value.where
    agree(world, "200")
    assert consequences.foresee(wanted, lambda *_: None).flows[0].create == 2


def test_what_was_planned_before_a_smaller_package_is_not_switched_on_and_what_flows_goes_on(world: World) -> None:
    """P-04, P-15: the gate stands where a flow begins, and only there."""
    from samklang.hub.setup import config, consequences, edits

    wanted = config.current(world.tenant)
    edits.set_master(wanted, "nordljus", "stock", "erp", ["shop"])
    found = consequences.foresee(wanted, lambda *_: None)
    agree(world, "100")
    with pytest.raises(NotInPackage):
        consequences.carry_out(wanted, found, "anna", "", lambda *_: None)
    agree(world, "200")
    consequences.carry_out(wanted, found, "anna", "", lambda *_: None)
    agree(world, "100")
    now = config.current(world.tenant)
    assert [flow.type for flow in now.flows if flow.enabled] == ["stock"]
    edits.set_master(now, "nordljus", "order", "shop", ["erp"])
    assert consequences.foresee(now, lambda *_: None).begins == [("nordljus", "order", "erp")]


# ------------------------------------------------------------------------------------------------ readiness


def test_readiness_passes_warns_and_blocks() -> None:
    """RD-25."""
    small, chosen = offer.offered()["100"], gates.needs(_flow("order", "shop", "erp"))
    assert readiness.check(small, chosen, 100).level == "pass"
    assert readiness.check(None, [Need("stock", "x")], 10**6).level == "pass", "without a package all is included"
    warned = readiness.check(small, chosen, 101)
    assert warned.level == "warn"
    assert warned.what == "101 orders a month are expected, the package Paket 100 includes 100"
    blocked = readiness.check(small, gates.needs(_flow("stock")), 101)
    assert blocked.level == "block"
    assert blocked.lacks == (Need("stock", "nordljus: stock erp → shop"),)
    assert "Paket 200" in blocked.do_this and "stock levels" in blocked.what


def test_premium_has_no_quota_and_what_goes_with_it() -> None:
    """P-11."""
    premium = offer.offered()["premium"]
    assert premium.orders is None and premium.monthly_fee is None, "by quotation"
    assert premium.term_months == 12
    assert premium.services == ("key account manager", "takes part in project groups")
    assert premium.features == frozenset(offer.FEATURES)
    assert readiness.check(premium, [], 10**6).level == "pass"


def test_packages_are_data_and_what_was_agreed_stays(world: World, tmp_path: Any, monkeypatch: Any) -> None:
    """P-14."""
    from django.conf import settings

    from samklang.packages import terms

    row = agree(world, "100")
    agreed = terms.current(world.tenant)
    assert agreed and (agreed.start_fee, agreed.monthly_fee, agreed.currency) == (2200, 195, "SEK")
    assert (agreed.term_months, agreed.notice_months) == (3, 1)
    bound = terms.bound_until(row)
    assert bound and 89 <= (bound - row.at.date()).days <= 92
    ours = tmp_path / "ours.toml"
    ours.write_text('[[packages]]\ncode = "100"\nname = "Start"\norders = 50\nfeatures = ["stock"]\n')
    monkeypatch.setattr(settings, "PACKAGES", str(ours))
    assert [one.name for one in offer.offered().values()] == ["Start"]
    assert terms.current(world.tenant) == agreed
    for wrong in ('[[packages]]\ncode = "1"\nname = "x"\nfeatures = ["moon"]\n', "orders = 0", "="):
        ours.write_text(wrong)
        with pytest.raises(Misconfigured, match="The packages cannot be read"):
            offer.offered()
