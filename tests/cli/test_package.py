"""`samklang package`: agreed on, looked at and drawn from at the command line."""

from __future__ import annotations

from tests.cli.conftest import Run
from tests.hub.conftest import World


def test_from_the_offer_to_an_agreement_and_its_history(world: World, cli: Run) -> None:
    """P-01, P-11: who agreed on what, and when."""
    codes = [one["code"] for one in cli("package", "offered", "--json").json]
    assert codes == ["100", "200", "400", "800", "premium"]
    assert cli("package", "show", "--json").json["package"] is None
    assert cli("package", "set", "300").code == 2
    assert cli("package", "set", "100", "--note", "first").code == 0
    assert cli("package", "set", "premium", "--contact", "Kim Berg").code == 0
    found = cli("package", "show", "--json").json
    assert (found["package"]["name"], found["contact"], found["hours"]) == ("Premium", "Kim Berg", "4.00")
    assert "Bound until" in cli("package", "show").out
    assert cli("package", "set", "none").code == 0
    rows = cli("package", "history", "--json").json
    assert [(row["package"], row["note"]) for row in rows] == [(None, ""), ("premium", ""), ("100", "first")]
    assert all(row["by"].endswith("command line") for row in rows)


def test_what_flows_without_being_included_is_named(world: World, cli: Run) -> None:
    """RD-25."""
    world.flow("stock", "erp", "shop")
    cli("package", "set", "100")
    assert cli("package", "show", "--json").json["lacks"] == [
        {"feature": "stock", "where": "nordljus: stock erp → shop"}
    ]
    assert "Not included, but in use: stock levels" in cli("package", "show").out


def test_hours_are_drawn_bought_and_corrected(world: World, cli: Run) -> None:
    """P-12, P-13."""
    cli("package", "set", "100")
    assert cli("package", "draw", "1,5", "training", "--day", "2026-11-03", "--json").json == {"left": "2.50"}
    assert cli("package", "buy", "10").code == 0
    assert cli("package", "correct", "-0.5", "--note", "typed twice").code == 0
    found = cli("package", "hours", "--json").json
    assert found["left"] == "12.00" and [line["kind"] for line in found["lines"]] == [
        "correction", "pack", "draw", "start"
    ]  # fmt: skip
    for wrong in (("draw", "1", "sleep"), ("draw", "much", "training"), ("draw", "-1", "training"), ("buy", "0"),
                  ("draw", "1", "training", "--day", "yesterday"), ("buy", "nan")):  # fmt: skip
        assert cli("package", *wrong).code == 2, wrong


def test_who_may_agree_in_the_console_is_said_here(world: World, cli: Run) -> None:
    from tests.visitor import visitor

    visitor(world.tenant, "consultant", "kim@agency.example")
    assert cli("package", "seller", "Kim@agency.example", "--json").json == {"sellers": ["kim@agency.example"]}
    assert cli("package", "seller", "--json").json == {"sellers": ["kim@agency.example"]}
    assert cli("package", "seller", "nobody@agency.example").code == 2
    assert cli("package", "seller", "kim@agency.example", "--off", "--json").json == {"sellers": []}
