"""sync, retry, release, pause; status, journey, problems, runs: what they do, print and exit with."""

from __future__ import annotations

import pytest

from samklang.connectors.errors import LoginRefused, Rejected
from samklang.hub.traces import number_of
from samklang.records import Customer, OrderStatus
from tests.cli.conftest import Run
from tests.hub.conftest import World, order, product, stock


def _buy(world: World, no: str = "1001", mail: str = "anna@example.se") -> str:
    world.shop.put(Customer(name="Anna Berg", email=mail))
    return world.shop.put(order(no, "A-1", email=mail))


def test_sync_takes_an_order_over_and_its_journey_is_told(running: World, cli: Run) -> None:
    _buy(running)
    said = cli("sync", "--json")
    assert said.code == 0, said.err
    assert {(t["connection"], t["direction"], t["what"]) for t in said.json["transfers"]} >= {
        ("shop", "in", "orders"),
        ("erp", "out", "order"),
    }
    erp_id = next(iter(running.erp.rows["order"]))
    running.erp.put(OrderStatus(order="", raw="sent", fulfilment="shipped"), parent=erp_id)
    assert cli("sync").code == 0
    told = cli("journey", "1001", "--json")
    assert told.code == 0
    assert (told.json["order"], told.json["master"], told.json["gross"]) == ("nordljus/1001", "shop", "125")
    assert told.json["trace"] == f"{number_of(running.tenant.pk, 'nordljus/1001'):032x}"
    assert [(s["connection"], s["type"], s["what"]) for s in told.json["steps"]] == [
        ("shop", "order", "read"),
        ("erp", "order", "created"),
        ("erp", "order_status", "read"),  # that the ERP has it, told to the shop at once (P-07)
        ("shop", "order_status", "created"),
        ("erp", "order_status", "read"),
        ("shop", "order_status", "updated"),
    ]
    ids = {(s["connection"], s["type"]): s["id"] for s in told.json["systems"]}
    assert ids["erp", "order"] == erp_id
    text = cli("journey", "nordljus/1001")
    assert erp_id in text.out
    assert "anna" not in text.out.lower(), "a journey needs no personal data"
    assert cli("journey", "4711").code == 2


def test_an_order_that_stops_is_a_problem_until_it_is_mended_and_tried_again(running: World, cli: Run) -> None:
    running.erp.item_error = lambda type_, want: (
        Rejected("The postcode is wrong", where="billing.postcode", do_this="Correct the postcode in the shop.")
        if type_ == "customer" and not getattr(running, "mended", False)
        else None
    )
    _buy(running)
    assert cli("sync").code == 1
    said = cli("problems", "--json")
    assert said.code == 3
    (problem,) = [p for p in said.json if p["code"] == "SYNC-402"]
    assert (problem["what"], problem["do_this"], len(problem["records"])) == (
        "The postcode is wrong", "Correct the postcode in the shop.", 1,
    )  # fmt: skip
    assert "What to do: Correct the postcode" in cli("problems").out
    told = cli("journey", "1001")
    assert told.code == 3
    assert "Correct the postcode" in told.out
    assert cli("status").code == 3
    running.mended = True  # type: ignore[attr-defined]  # a switch for the trap above
    said = cli("retry", "1001", "--json")
    assert said.code == 0, said.out
    assert len(running.erp.of("order")) == 1
    assert cli("problems").code == 0
    assert [p["closed_at"] is not None for p in cli("problems", "--all", "--json").json] == [True]


def test_a_brake_is_listed_and_released(running: World, cli: Run) -> None:
    for n in range(5, 30):
        running.erp.put(product(f"A-{n}"))
        running.erp.put(stock(f"A-{n}", 7))
    assert cli("sync").code == 0
    for id_, row in list(running.erp.rows["stock"].items()):
        running.erp.put(stock(row.record.sku, 0), id_)  # type: ignore[attr-defined]  # rows of stock hold stock levels
    assert cli("sync").code == 4
    assert cli("status").code == 4
    said = cli("release", "--json")
    assert (said.code, said.json[0]["count"], said.json[0]["released"]) == (4, 30, 0)
    assert "30 of 30 stock go to zero stock" in cli("release").out
    assert cli("release", "999").code == 2
    said = cli("release", str(said.json[0]["brake"]), "--json")
    assert (said.code, said.json[0]["released"]) == (0, 30)
    assert cli("sync").code == 0
    assert {int(level.available) for level in running.shop.of("stock")} == {0}  # type: ignore[attr-defined]


def test_a_refused_login_ends_in_4_and_resume_goes_on(running: World, cli: Run) -> None:
    def refuse(type_: str, wants: object) -> None:
        raise LoginRefused

    running.shop.before_write = refuse
    running.erp.put(product("A-9"))
    said = cli("sync")
    assert said.code == 4
    assert "shop needs a person" in said.out
    assert "needs person" in cli("status").out
    running.shop.before_write = None
    assert cli("resume", "shop").code == 0
    assert cli("sync").code == 0
    assert len(running.shop.of("product")) == 6


def test_a_paused_connection_is_left_alone(running: World, cli: Run) -> None:
    assert cli("pause", "erp", "--why", "stock-taking").code == 0
    running.erp.put(product("A-9"))
    calls = len(running.erp.calls)
    assert cli("sync").code == 0
    assert len(running.erp.calls) == calls
    assert "stock-taking" in cli("status").out
    assert cli("pause", "nobody").code == 2
    cli("resume", "erp")
    cli("sync", "--connection", "erp")
    assert len(running.shop.of("product")) == 6


def test_runs_lists_the_newest_first(running: World, cli: Run) -> None:
    cli("sync", "--sweep")
    said = cli("runs", "--json", "--limit", "3").json
    assert len(said) == 3
    assert said[0]["started"] >= said[1]["started"] >= said[2]["started"]
    assert all(run["sweep"] for run in said if run["direction"] == "in")
    assert "erp reads catalogue (all)" in cli("runs", "--connection", "erp").out


def test_text_of_other_systems_cannot_drive_the_terminal(running: World, cli: Run) -> None:
    running.erp.item_error = lambda type_, want: Rejected("\x1b[2J[bold]no[/bold] \x07")
    _buy(running)
    cli("sync")
    out = cli("problems").out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[bold]no[/bold]" in out, "shown as it came, not as markup"


def test_what_is_done_at_the_command_line_is_noted(running: World, cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.people import audit

    monkeypatch.setenv("USER", "kim")
    cli("pause", "shop", "--why", "stocktaking")
    cli("resume", "shop")
    cli("retry", "--connection", "erp", "--no-transfer")
    told = [(note.actor, note.what, note.about) for note in audit.notes(running.tenant)]
    assert told[:3] == [
        ("kim, command line", "tried again", "connection erp"), ("kim, command line", "resumed", "connection shop"),
        ("kim, command line", "paused", "connection shop"),
    ]  # fmt: skip
    assert told[-1][1:] == ("configuration applied", "configuration")
