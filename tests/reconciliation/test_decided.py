"""What an accountant decides on the pages: problems, disputes, bank lines, accounts, fees, sources of statements."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from samklang import engine
from samklang.accounting.company import Channel
from samklang.connectors.contract import Paper
from samklang.engine.port import fetch_job
from tests.accounting.bank import files as bank
from tests.accounting.cases import sold
from tests.accounting.shop import company
from tests.accounting.statements.files import STRIPE_ROWS, klarna, stripe
from tests.doubles.imap import PASSWORD, USER, MailServer
from tests.doubles.shelf import boxes
from tests.reconciliation.conftest import Desk, desk
from tests.reconciliation.test_run import day_of_sales
from tests.visitor import visitor

__all__ = ["desk"]


@pytest.fixture
def home() -> str:  # pages ask both databases the same; the books behind them are tried on both elsewhere
    return "sqlite"


@pytest.fixture
def at(desk: Desk) -> str:
    desk.flow()
    return f"/t/{desk.tenant.slug}/books/{desk.company.pk}"


@pytest.fixture
def accountant(desk: Desk) -> Any:
    return visitor(desk.tenant, "accountant")


def said(answer: Any) -> str:
    """The page's text."""
    return re.sub(r"\s+", " ", answer.content.decode())


def decide(accountant: Any, at: str, kind: str, about: str, other: str = "", why: str = "Because", **more: str) -> str:
    given = {"kind": kind, "about": about, "other": other, "why": why, **more}
    return said(accountant.post(f"{at}/decide", given, follow=True))


def test_a_bank_line_that_the_provider_took_is_booked_straight(desk: Desk, accountant: Any, at: str) -> None:
    """E4d: it debits what it is owed."""
    line = bank.entry("383.75", "KLARNA BANK debit", side="DBIT")
    desk.takes(bank.camt(bank.statement(line, closing="-283.75")))
    desk.run()
    ((row,),) = desk.problems().values()
    assert "It moves the balance at" in said(accountant.get(f"{at}/matching"))
    assert "Nobody is named" in decide(accountant, at, "straight", row)
    decide(accountant, at, "straight", row, "klarna")
    desk.run()
    assert desk.problems() == {}
    (voucher,) = desk.records()
    assert {part.account: part.amount for part in voucher.lines} == {"1581": 383.75, "1930": -383.75}


def test_a_payout_is_told_its_bank_line(desk: Desk, accountant: Any, at: str) -> None:
    from samklang.reconciliation.models import PayoutMatch

    desk.sells(*[one for one in day_of_sales() if one.order_no != "1002"])
    desk.takes(klarna())
    desk.takes(bank.camt(bank.statement(bank.entry("2644.16", "Klarna something"), closing="2744.16")))
    desk.run()
    problems = desk.problems()
    assert set(problems) == {"BANK_WITHOUT_PAYOUT", "PAYOUT_WITHOUT_BANK"}
    (payout,), (row,) = problems["PAYOUT_WITHOUT_BANK"], problems["BANK_WITHOUT_PAYOUT"]
    assert row in said(accountant.get(f"{at}/matching"))
    decide(accountant, at, "payout", payout, row, why="The bank has kept 5 kr")
    match = PayoutMatch.objects.get()
    assert (match.rule, match.kept, match.why) == ("person", "5", "The bank has kept 5 kr")
    assert match.by.startswith("accountant")
    desk.run()
    assert desk.problems() == {}
    assert "matched already" in decide(accountant, at, "payout", payout, row)


def test_a_lost_dispute_relieves_its_vat_and_only_then(desk: Desk, accountant: Any, at: str) -> None:
    """E8b."""
    from samklang.reconciliation.control import vat
    from samklang.reconciliation.models import Statement, StatementLine

    desk.sells(*day_of_sales())
    rows = [
        STRIPE_ROWS[0],
        {**STRIPE_ROWS[0], "transaction_id": "txn_d", "type": "adjustment", "amount": "-661.00", "fee": "0.00",
         "net": "-661.00", "description": "Chargeback", "reporting_category": "dispute", "charge_id": "txn_1"},
        {**STRIPE_ROWS[1], "amount": "13.07", "net": "13.07"},
    ]  # fmt: skip
    desk.takes(stripe(rows, (*STRIPE_ROWS[0], "reporting_category", "charge_id")))
    desk.run()
    line = StatementLine.objects.get(kind="chargeback")
    page = f"/t/{desk.tenant.slug}/books/payouts/{Statement.objects.get().pk}"
    assert "The dispute is lost" in said(accountant.get(page))
    assert "Payouts" in decide(accountant, at, "lost", line.line, on="payout", why="The buyer won")
    desk.run()
    (voucher,) = [one for one in desk.records() if one.source == "dispute"]
    amounts: Counter[str] = Counter()
    for part in voucher.lines:
        amounts[part.account] += part.amount  # type: ignore[assignment]  # a Counter adds Decimals as well
    assert (amounts["1516"], amounts["2611"], amounts["2621"]) == (-661, Decimal("107.84"), Decimal("13.05"))
    relieved = vat(desk.company, date(2026, 1, 1), date(2026, 12, 31))
    assert sum(one.apart for one in relieved) == -Decimal("120.89")
    assert {one.difference for one in relieved} == {0}, "what is relieved is no difference between orders and vouchers"


def test_35_a_dispute_of_an_order_number_that_two_shops_use_names_none() -> None:
    from samklang.reconciliation.decisions import _named_orders

    firm = company(channels=[Channel(code="web"), Channel(code="outlet")])
    twins = [sold("1001", "100"), sold("1001", "70", channel="outlet"), sold("1002", "5")]
    assert sorted(_named_orders(twins, firm)) == ["1002", "klarna-1001", "klarna-1002"]
    firm = company(channels=[Channel(code="web"), Channel(code="outlet", order_prefix="OUT-")])
    assert _named_orders(twins, firm)["out-1001"].channel == "outlet"


def test_a_problem_that_is_none_is_called_so_with_a_reason(desk: Desk, accountant: Any, at: str) -> None:
    desk.company = desk.settings(providers=[{"provider": "klarna", "pays_within": 1, "entity": "Klarna Bank AB"}])
    desk.sells(*day_of_sales())
    desk.run()
    about = desk.problems()["ORDER_WITHOUT_TX"]
    assert "needs a reason" in decide(accountant, at, "ignore", about[0], why=" ")
    for row in about:
        decide(accountant, at, "ignore", row, why="Given away")
    desk.run()
    assert "ORDER_WITHOUT_TX" not in desk.problems()
    assert "Choose what you decide" in decide(accountant, at, "whatever", about[0])


def test_what_never_finds_its_order_is_written_off(desk: Desk, accountant: Any, at: str) -> None:
    """E12: from suspense to the role that the accountant names."""
    desk.company = desk.settings(policies={"TX_WITHOUT_ORDER": "suspense"})
    _first, *rest = day_of_sales()
    desk.sells(*rest)
    desk.takes(klarna())
    desk.run()
    desk.approve()
    desk.deliver()
    desk.run()
    (row,) = desk.problems()["SUSPENSE_NOT_EMPTY"]
    assert "It goes to the role" in said(accountant.get(f"{at}/matching"))
    decide(accountant, at, "write off", row, "income.giftcard", why="Klarna cannot say what it is")
    desk.run()
    (voucher,) = [one for one in desk.records() if one.source == "suspense"]
    assert {part.account: part.amount for part in voucher.lines} == {"2999": 1250, "3990": -1250}


def test_a_persons_match_can_be_taken_back(desk: Desk, accountant: Any, at: str) -> None:
    from samklang.reconciliation.models import Match, Payment, Statement, StatementLine

    _first, *rest = day_of_sales()
    desk.sells(*rest)
    desk.takes(klarna())
    desk.run()
    line = StatementLine.objects.get(line__contains="c-1003", kind="sale")
    Match.objects.filter(line=line.line).update(rule="person", by="anna")
    page = f"/t/{desk.tenant.slug}/books/payouts/{Statement.objects.get().pk}"
    assert "Not the same after all" in said(accountant.get(page))
    decide(accountant, at, "unmatch", line.line, on="payout")
    assert not Match.objects.filter(line=line.line).exists() and Payment.objects.exists()


def test_a_changed_statement_is_seen(desk: Desk, accountant: Any, at: str) -> None:
    desk.takes(klarna())
    desk.takes(klarna().replace(b"1003", b"1004"), "again.csv")
    (row,) = desk.problems()["STATEMENT_CHANGED"]
    assert "the first one stays" in said(accountant.get(f"{at}/matching"))
    decide(accountant, at, "seen", row, "STATEMENT_CHANGED", why="Compared")
    assert desk.problems() == {}


def test_a_fee_is_decided_and_a_role_gets_another_account_from_a_day_on(desk: Desk, accountant: Any, at: str) -> None:
    """Q-22; what was true before stays."""
    from samklang.hub.models import ConfigVersion
    from samklang.hub.setup.companies import part_of

    desk.company = desk.settings(fees=[])
    fee = {
        "which": "fee", "fee-provider": "stripe", "fee-treatment": "RC_EU", "fee-since": "2026-01-01",
        "fee-why": "Their invoice of January",
    }  # fmt: skip
    page = said(accountant.post(f"{at}/accounts", fee, follow=True))
    assert "It counts from that day on" in page and "RC_EU" in page
    account = {
        "which": "account", "account-role": "receivable.psp.klarna", "account-account": "1686",
        "account-since": "2026-03-01", "account-why": "BAS 2026",
    }  # fmt: skip
    assert "1686" in said(accountant.post(f"{at}/accounts", account, follow=True))
    desk.company.refresh_from_db()
    part = part_of(desk.company)
    assert [(row.treatment, row.since) for row in part.fees] == [("RC_EU", date(2026, 1, 1))]
    assert [(row.account, row.since) for row in part.accounts] == [("1686", date(2026, 3, 1))]
    versions = list(ConfigVersion.objects.order_by("number"))
    assert [version.why for version in versions] == [
        "stripe  → RC_EU: Their invoice of January", "receivable.psp.klarna → 1686: BAS 2026",
    ]  # fmt: skip
    assert 'account = "1686"' in versions[-1].text
    desk.sells(*day_of_sales())
    desk.run()
    (voucher,) = desk.records()
    assert "1686" in {line.account for line in voucher.lines}


def test_settings_of_a_closed_period_or_without_a_reason_are_refused(desk: Desk, accountant: Any, at: str) -> None:
    from samklang.hub.models import ConfigVersion

    desk.company = desk.settings(locked_before="2026-02-01")
    fee = {"which": "fee", "fee-provider": "stripe", "fee-treatment": "RC_EU", "fee-since": "2026-01-01"}
    answer = accountant.post(f"{at}/accounts", {**fee, "fee-why": "x"})
    assert answer.status_code == 422 and "closed before 2026-02-01" in said(answer)
    assert accountant.post(f"{at}/accounts", {**fee, "fee-since": "2026-02-01"}).status_code == 422, "no reason"
    role = {"which": "account", "account-role": "no.role", "account-account": "19", "account-since": "2026-03-01"}
    assert accountant.post(f"{at}/accounts", {**role, "account-why": "x"}).status_code == 422
    assert not ConfigVersion.objects.exists()
    assert visitor(desk.tenant, "consultant").post(f"{at}/accounts", fee).status_code == 403


def test_where_statements_come_from_is_chosen_and_asked(
    desk: Desk, accountant: Any, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.setup.companies import part_of

    assert "No statements come by themselves" in said(accountant.get(at.rpartition("/")[0]))
    assert "Where statements come from" in said(accountant.get(f"{at}/sources"))
    page = said(accountant.post(f"{at}/sources", {"name": ["ledger", "unknown"]}, follow=True))
    assert "asked now, and then each hour" in page
    desk.company.refresh_from_db()
    assert part_of(desk.company).statements_from == ("ledger",)
    boxes["ledger"].papers = [Paper("k.csv", klarna())]
    assert "1 new statement file" in said(accountant.post(f"{at}/fetch", {"name": "ledger"}, follow=True))
    assert "no source of statements" in said(accountant.post(f"{at}/fetch", {"name": "shop"}, follow=True))
    woken: list[Any] = []
    monkeypatch.setattr(engine, "current", SimpleNamespace(wake=woken.append))
    assert "look again in a moment" in said(accountant.post(f"{at}/fetch", {"name": "ledger"}, follow=True))
    assert woken == [fetch_job(desk.tenant.pk, desk.company.pk)], "nobody waits for a slow system"
    assert "ledger" in said(accountant.get(at.rpartition("/")[0]))


def test_lists_are_handed_in_on_the_page(desk: Desk, accountant: Any, at: str) -> None:
    from samklang.reconciliation.models import Happened, Opening, Rate

    def hand_in(kind: str, text: str) -> str:
        file = SimpleUploadedFile(f"{kind}.csv", text.encode())
        return said(accountant.post(f"{at}/lists/{kind}", {"file": file}, follow=True))

    head = "provider,channel,order,day,amount,currency,booked,id\n"
    assert "1 row is kept" in hand_in("openings", head + "klarna,web,900,2025-12-30,100.00,SEK,100.00,c-900\n")
    assert "The list (1 row)" in hand_in("rates", "currency,day,rate\nEUR,2026-03-02,11.20\n")
    assert (Opening.objects.get().provider, Rate.objects.get().rate) == ("klarna", "11.20")
    assert "1 row is kept" in hand_in(
        "tills", "channel,register,number,day,taken cash,net 25,vat 25\nweb,1,1,2026-03-02,5,4,1\n"
    )
    assert "1 row is kept" in hand_in("gift-cards", "number,day,rest\ng1,2026-03-02,5\n")
    assert Happened.objects.count() == 2
    assert "no column" in hand_in("openings", "provider,order\nklarna,1\n")
    assert "no rates towards" in hand_in("rates", "a,b\n1,2\n")
    assert "Choose the files first" in said(accountant.post(f"{at}/lists/rates", follow=True))
    assert accountant.post(f"{at}/lists/other", {"file": SimpleUploadedFile("a.csv", b"a")}).status_code == 404


def test_an_approval_is_taken_back_until_the_ledger_has_been_asked(desk: Desk, accountant: Any, at: str) -> None:
    desk.sells(*day_of_sales())
    desk.run()
    desk.approve()
    (row,) = desk.vouchers().values()
    page = f"{at.rpartition('/')[0]}/vouchers/{row.pk}"
    assert "Withdraw the approval" in said(accountant.get(page))
    assert "It is a draft again" in said(accountant.post(f"{page}/withdraw", follow=True))
    assert [one.state for one in desk.vouchers().values()] == ["validated"]
    desk.approve()
    desk.deliver()
    assert "Only an approved voucher" in said(accountant.post(f"{page}/withdraw", follow=True))


def test_a_mailbox_gives_its_statements_through_the_hub(
    desk: Desk, accountant: Any, at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is sealed, the address judged, the exchange written down without it."""
    from samklang.hub import secrets
    from samklang.hub.models import Connection, ExchangeRow
    from samklang.reconciliation.models import StatementFile

    monkeypatch.setattr(settings, "ALLOW_PRIVATE", ("127.0.0.0/8",))
    server = MailServer(tmp_path)
    server.put("klarna@example.com", ("klarna.csv", klarna(), "text/csv"))
    with server.serve() as port:
        Connection.objects.create(
            tenant=desk.tenant, name="mails", connector="file_transport", secrets=secrets.seal({"password": PASSWORD}),
            settings={"place": "imap", "host": "127.0.0.1", "port": port, "user": USER, "authority": server.authority},
        )  # fmt: skip
        accountant.post(f"{at}/sources", {"name": ["mails"]})
        assert "1 new statement file" in said(accountant.post(f"{at}/fetch", {"name": "mails"}, follow=True))
        assert "0 new statement files" in said(accountant.post(f"{at}/fetch", {"name": "mails"}, follow=True))
    file = StatementFile.objects.get()
    assert (file.way, file.state, file.connection.name) == ("fetched", "taken", "mails")
    assert {row.method for row in ExchangeRow.objects.all()} == {"FETCH"}
    assert PASSWORD not in repr(list(ExchangeRow.objects.values_list("url", "sent", "got", "error")))
