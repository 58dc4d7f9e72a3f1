"""`samklang statements`, `vouchers`, `control`: from a file to a posted voucher without a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from samklang.accounting.sie import read_sie
from tests.accounting.statements.files import klarna, stripe
from tests.cli.conftest import Run
from tests.reconciliation.conftest import Desk, desk, home
from tests.reconciliation.test_run import day_of_sales

__all__ = ["desk"]
_ = home


@pytest.fixture
def home() -> str:  # type: ignore[no-redef]  # the command line is the same on both databases
    return "sqlite"


@pytest.fixture
def sold(desk: Desk, cli: Run) -> Desk:
    desk.flow()
    desk.sells(*day_of_sales())
    return desk


def test_from_files_to_posted_vouchers(sold: Desk, cli: Run, tmp_path: Path) -> None:
    for name, data in (("klarna.csv", klarna()), ("stripe.csv", stripe())):
        (tmp_path / name).write_bytes(data)
    said = cli("statements", "import", str(tmp_path / "klarna.csv"), str(tmp_path / "stripe.csv"), "--json")
    assert said.code == 0, said.err
    assert [one["new"] for one in said.json["files"]] == [
        ["klarna/K123456/XISA93DJ/SEK"], ["stripe/-/po_1A/SEK"],
    ]  # fmt: skip
    assert said.json["run"]["matched"] == 4
    (row, _other) = cli("statements", "list", "--json").json
    assert (row["reference"], row["voucher"], row["open"]) == ("XISA93DJ", "validated", 0)
    lines = cli("statements", "show", "XISA93DJ", "--json").json["lines"]
    assert [line["order"] for line in lines if line["kind"] == "sale"] == ["web/1001", "web/1003", "web/1006"]
    shown = cli("vouchers", "list", "--state", "validated", "--json").json
    assert len(shown) == 3
    assert cli("vouchers", "approve", "--all").code == 0
    sold.deliver()
    posted = cli("vouchers", "list", "--order", "web/1001", "--json").json
    assert {one["state"] for one in posted} == {"posted"}
    key = next(one["key"] for one in posted if one["source"] == "settlement")
    said = cli("vouchers", "show", key, "--rows")
    assert "2 649.16" in said.out and "klarna/K123456/XISA93DJ/SEK" in said.out


def test_a_file_that_is_refused_says_what_to_do_and_the_others_are_read(sold: Desk, cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a;b\n1;2\n")
    (tmp_path / "b.csv").write_bytes(klarna())
    said = cli("statements", "import", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    assert said.code == 1
    assert "The format is not known" in said.err and "What to do" in said.err
    assert "XISA93DJ" in said.out


def test_vouchers_as_a_sie_file_that_is_read_back(sold: Desk, cli: Run, tmp_path: Path) -> None:
    """D-21: a dry run is a SIE file that nobody has imported yet."""
    assert cli("vouchers", "keep-books").code == 3  # nobody has stated the sales of March yet
    assert cli("vouchers", "sie", str(tmp_path / "out.si")).code == 0
    made = read_sie((tmp_path / "out.si").read_bytes())
    assert [voucher.text for voucher in made.vouchers] == ["Dagsförsäljning 2026-03-02"]
    assert {row.state for row in sold.vouchers().values()} == {"validated"}


def test_controls_as_tables_workbook_and_document(sold: Desk, cli: Run, tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_bytes(klarna())
    cli("statements", "import", str(tmp_path / "k.csv"))
    period = ("--since", "2026-03-01", "--on", "2026-03-31")
    told = cli("control", *period, "--json").json
    clearing = {row["provider"]: (row["booked"], row["open"], row["difference"]) for row in told["clearing"]}
    assert clearing["klarna"] == ("0.00", "0", "0.00")
    assert clearing["stripe"] == ("661.00", "661.00", "0.00")
    assert {(row["country"], row["percent"]): row["difference"] for row in told["vat"]} == {
        ("DE", "19"): "0.00", ("SE", "12"): "0.00", ("SE", "25"): "0.00",
    }  # fmt: skip
    assert [row["provider"] for row in told["missing"]] == ["stripe"]
    assert [row["order"] for row in told["open"]] == ["web/1002"]
    assert told["changed"] == []
    said = cli("control", *period, "--xlsx", str(tmp_path / "c.xlsx"), "--pdf", str(tmp_path / "c.pdf"))
    assert said.code == 0
    book = openpyxl.load_workbook(tmp_path / "c.xlsx")
    assert book.sheetnames == [
        "Clearing balances",
        "VAT",
        "Missing statements",
        "Open receivables",
        "One Stop Shop",
        "Accounts",
    ]
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF-")
    wrong = cli("control", *period, "--stated", "stripe=700.00", "--json")
    assert wrong.code == 3
    assert next(r for r in wrong.json["clearing"] if r["provider"] == "stripe")["difference"] == "-39.00"


def test_a_person_decides_and_the_problem_is_none(sold: Desk, cli: Run, tmp_path: Path) -> None:
    cli("vouchers", "keep-books")
    problems: dict[str, list[str]] = sold.problems()
    where = problems["ORDER_WITHOUT_TX"][0]
    said = cli("statements", "decide", "ignore", where, "--why", "gift to the staff")
    assert said.code == 0
    assert where not in sold.problems()["ORDER_WITHOUT_TX"]
    assert cli("statements", "decide", "ignore", where, "--why", " ").code == 1


def test_only_an_accountant_or_owner_approves(sold: Desk, cli: Run) -> None:
    """D-21, X-08: where the tenant has people, one of them says so by name, and not everybody may."""
    from tests.visitor import visitor

    sold.run()
    for role in ("accountant", "operator", "consultant", "reader"):
        visitor(sold.tenant, role, f"{role}@example.se")
    assert "Who approves?" in cli("vouchers", "approve", "--all").err
    for name in ("operator", "consultant", "reader", "nobody"):
        refused = cli("vouchers", "approve", "--all", "--by", f"{name}@example.se")
        assert (refused.code != 0, "may not approve" in refused.err) == (True, True)
    assert {row.state for row in sold.vouchers().values()} == {"validated"}
    assert cli("vouchers", "approve", "--all", "--by", "Accountant@example.se").code == 0
    assert {row.approved_by for row in sold.vouchers().values()} == {"accountant@example.se"}


def test_accounts_and_fees_are_changed_from_a_day_on(sold: Desk, cli: Run) -> None:
    """Q-09, D-20: also a part of a role that has no account of its own, as a country's VAT or another provider."""
    since = ("--since", "2026-04-01", "--why", "the accountant says so")
    for role, number in (("vat.out.oss.DE", "2671"), ("receivable.psp.walley", "1590"), ("fee.psp", "6041")):
        assert cli("vouchers", "account", role, number, *since).code == 0
    assert cli("vouchers", "account", "nonsense.x", "1", *since).code == 1
    assert cli("vouchers", "fee", "adyen", "SOMEHOW", *since).code == 2
    assert cli("vouchers", "fee", "adyen", "RC_EU", *since).code == 0
    told = cli("vouchers", "accounts", "--json").json
    numbers = {row["role"]: row["account"] for row in told["accounts"]}
    assert (numbers["vat.out.oss"], numbers["vat.out.oss.DE"], numbers["receivable.psp.walley"]) == (
        "2670", "2671", "1590",
    )  # fmt: skip
    assert next(row for row in told["fees"] if row["provider"] == "adyen")["treatment"] == "RC_EU"


def test_rates_and_openings_come_as_lists(sold: Desk, cli: Run, tmp_path: Path) -> None:
    from decimal import Decimal

    from samklang.reconciliation.models import Payment, Rate

    (tmp_path / "rates.csv").write_text(
        "Date,USD,SEK,NOK,\n2026-03-02,1.0800,11.2000,11.5000,\n2026-03-01,N/A,N/A,N/A,\n"
    )
    assert cli("statements", "rates", str(tmp_path / "rates.csv"), "--since", "2026-01-01").code == 0
    assert {row.currency: Decimal(row.rate) for row in Rate.objects.all()} == {
        "EUR": Decimal("11.2000"), "USD": Decimal("10.370370370370"), "NOK": Decimal("0.973913043478"),
    }  # fmt: skip
    (tmp_path / "open.csv").write_text(
        "provider;channel;order;day;amount;currency;booked;id\nklarna;web;900;2025-12-30;250.00;SEK;250.00;c-900\n"
    )
    (tmp_path / "tills.csv").write_text(
        "channel,register,number,day,taken cash,net 25,vat 25\nweb,1,1,2026-03-02,5,4,1\n"
    )
    assert json.loads(cli("statements", "tills", str(tmp_path / "tills.csv"), "--json").out)["reports"] == 1
    (tmp_path / "cards.csv").write_text("number,day,rest\ng1,2026-03-02,5\n")
    assert json.loads(cli("statements", "gift-cards", str(tmp_path / "cards.csv"), "--json").out)["cards"] == 1
    said: Any = cli("statements", "openings", str(tmp_path / "open.csv"), "--json")
    assert json.loads(said.out)["items"] == 1
    assert Payment.objects.get(provider_id="c-900").left == 250
