"""plan, apply, export, history: nothing happens before consent, and what was planned is what happens."""

from __future__ import annotations

from pathlib import Path

from samklang.connectors.errors import RemoteFault
from tests.cli.conftest import Run
from tests.hub.conftest import World, order, product


def test_a_plan_counts_and_writes_nothing(world: World, cli: Run, toml: Path) -> None:
    for n in range(5):
        world.erp.put(product(f"A-{n}"))
    world.shop.put(product("A-0"))
    world.shop.put(product("A-1", "Another name"))
    world.shop.put(product("B-9"))
    said = cli("plan", str(toml), "--json")
    assert said.code == 3
    flow = next(flow for flow in said.json["flows"] if flow["type"] == "product")
    assert (flow["create"], flow["change"], flow["same"], flow["only_in_target"]) == (3, 1, 1, 1)
    assert flow["fields"] == {"name": 1}
    assert (world.shop.written, world.erp.written) == ([], [])
    text = cli("plan", str(toml), "--samples")
    assert "fields that change: name (1)" in text.out
    assert "Another name" in text.out, "samples show before and after"


def test_apply_does_what_the_plan_said_and_a_second_time_nothing(world: World, cli: Run, toml: Path) -> None:
    for n in range(5):
        world.erp.put(product(f"A-{n}"))
    world.shop.put(product("A-0"))
    said = cli("apply", str(toml), "--yes", "--json")
    assert (said.code, said.json["applied"]) == (0, True)
    assert sorted(key for _, key, _ in world.shop.written) == ["a-1", "a-2", "a-3", "a-4"], "a-0 agreed already"
    again = cli("apply", str(toml), "--yes", "--json")
    assert (again.code, again.json["applied"]) == (0, False)
    assert cli("plan", str(toml)).code == 0


def test_apply_asks_and_does_nothing_without_a_yes(world: World, cli: Run, toml: Path) -> None:
    world.erp.put(product("A-1"))
    said = cli("apply", str(toml))
    assert (said.code, world.shop.written) == (2, [])
    assert "--yes" in said.err
    from samklang.hub.models import Flow

    assert not Flow.objects.filter(enabled=True).exists()


def test_old_orders_without_a_cut_over_date_are_pointed_out(world: World, cli: Run, toml: Path) -> None:
    world.shop.put(order("1001", "A-1"))
    said = cli("plan", str(toml), "--json")
    assert any("no cut-over date (since), so 1" in note for note in said.json["notes"])


def test_a_changed_mask_is_counted_over_what_is_known_and_living_flows_stay_as_they_are(
    running: World, cli: Run, toml: Path
) -> None:
    from samklang.hub.models import Flow

    toml.write_text(
        toml.read_text()
        + """
[[rules]]
connection = "shop"
direction = "out"
type = "product"
[[rules.rules]]
when = { is = "equals", field = "name", value = "Kopp 3" }
then = { do = "set", field = "name", value = "Mugg" }
"""
    )
    written, calls = list(running.shop.written), list(running.erp.calls)
    said = cli("plan", str(toml), "--json")
    assert said.code == 3, said.err
    (flow,) = said.json["flows"]
    assert (flow["type"], flow["change"], flow["same"], flow["fields"]) == ("product", 1, 4, {"name": 1})
    assert (running.shop.written, running.erp.calls) == (written, calls), "nothing was read or written"
    from samklang.hub.models import RuleSet

    assert not RuleSet.objects.exists(), "the plan's rules were taken back"
    assert Flow.objects.filter(enabled=True).count() == 6

    assert cli("apply", str(toml), "--yes").code == 0
    assert running.shop.written[len(written) :] == [("product", "a-3", "update")]
    assert "Mugg" in [p.name for p in running.shop.of("product")]


def test_a_wider_filter_sends_what_was_left_out_before(running: World, cli: Run, toml: Path) -> None:
    narrow = toml.read_text() + (
        '\n[[flows]]\nchannel = "nordljus"\ntype = "product"\nfrom = "erp"\nto = "shop"\n'
        'when = { is = "contains", field = "name", value = "Kopp" }\n'
    )
    wide = toml.read_text()
    toml.write_text(narrow)
    assert cli("apply", str(toml), "--yes").code == 0
    running.erp.put(product("A-9", "New"))
    assert cli("sync").code == 0
    assert "New" not in [p.name for p in running.shop.of("product")]
    toml.write_text(wide)
    assert next(f for f in cli("plan", str(toml), "--json").json["flows"])["create"] == 1
    assert cli("apply", str(toml), "--yes").code == 0
    assert "New" in [p.name for p in running.shop.of("product")]


def test_history_and_the_way_back(running: World, cli: Run, toml: Path) -> None:
    toml.write_text(toml.read_text().replace('use = "erp rules"', 'use = "shop rules"'))
    said = cli("plan", str(toml))
    assert said.code == 2
    assert "another master" in said.err, "a change of masters is two steps"
    toml.write_text(toml.read_text().split("[[presets]]")[0])
    assert cli("apply", str(toml), "--yes", "--why", "stop all").code == 0
    from samklang.hub.models import Flow

    assert not Flow.objects.filter(enabled=True).exists()
    versions = cli("history", "--json").json
    assert [v["number"] for v in versions] == [2, 1]
    assert versions[0]["why"] == "stop all"
    assert cli("apply", "--version", "1", "--yes").code == 0
    assert Flow.objects.filter(enabled=True).count() == 6
    assert cli("apply", "--version", "9", "--yes").code == 2


def test_export_is_a_file_that_plans_to_nothing(running: World, cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "exported.toml"
    path.write_text(cli("export").out)
    said = cli("plan", str(path))
    assert said.code == 0, said.out
    assert cli("export", "--json").json["toml"] == path.read_text()


def test_an_apply_that_died_half_way_is_begun_again(world: World, cli: Run, toml: Path) -> None:
    """Killed after the flows were switched on and before everything was wanted: no version was written."""
    from samklang.hub.models import Flow
    from samklang.hub.setup import plan

    for n in range(3):
        world.erp.put(product(f"A-{n}"))
    switch_on = plan.switch_on

    def die(flow: Flow) -> int:
        flow.enabled = True
        flow.save()
        raise KeyboardInterrupt

    plan.switch_on = die
    try:
        assert cli("apply", str(toml), "--yes").code == 130
    finally:
        plan.switch_on = switch_on
    assert world.shop.written == []
    assert cli("apply", str(toml), "--yes").code == 0
    assert len(world.shop.of("product")) == 3


def test_a_flow_added_later_carries_what_was_there_before(running: World, cli: Run, toml: Path) -> None:
    """The catalogue's watermark stands at now; a new flow out of the same feed must still get everything."""
    text = toml.read_text()
    toml.write_text(text.split("[[presets]]")[0] + _flow("product"))
    assert cli("apply", str(toml), "--yes").code == 0
    from samklang.hub.models import Stored

    Stored.objects.filter(type="price").delete()
    running.shop.rows["price"].clear()
    from samklang.hub.models import Binding

    Binding.objects.filter(type="price").delete()
    toml.write_text(toml.read_text() + _flow("price"))
    assert cli("apply", str(toml), "--yes").code == 0
    assert len(running.shop.of("price")) == 5


def _flow(type_: str) -> str:
    return f'[[flows]]\nchannel = "nordljus"\ntype = "{type_}"\nfrom = "erp"\nto = "shop"\n'


def test_a_system_that_fails_ends_the_plan_with_1_and_says_what_to_do(world: World, cli: Run, toml: Path) -> None:
    def fail(feed: str, start: int) -> None:
        raise RemoteFault("The system answered 500")

    world.erp.put(product("A-1"))
    world.erp.before_read = fail
    said = cli("plan", str(toml))
    assert said.code == 1
    assert "SYNC-103 The system answered 500" in said.err
    assert "What to do:" in said.err


def test_a_file_that_is_wrong_names_the_place(cli: Run, toml: Path) -> None:
    toml.write_text(toml.read_text().replace("[[presets]]", "[[presents]]"))
    said = cli("plan", str(toml))
    assert said.code == 2
    assert "presents" in said.err
    missing = cli("plan", "nowhere.toml")
    assert (missing.code, "nowhere.toml" in missing.err) == (2, True)
