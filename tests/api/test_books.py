"""The books by the API alone: from a provider's file to the ledger, by a token of an accountant."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from samklang.people.rights import ALLOWS, Right, Role
from tests.accounting.shop import line as sold_line
from tests.accounting.shop import order, paid
from tests.accounting.statements.files import klarna, stripe
from tests.api.conftest import Caller
from tests.doubles.shelf import Shelf
from tests.reconciliation.conftest import Desk, desk
from tests.reconciliation.test_run import day_of_sales

_ = desk  # the fixture
AT = "/companies/ov"


@pytest.fixture
def accountant(desk: Desk) -> Caller:
    return Caller(desk.tenant, ALLOWS[Role.ACCOUNTANT], "accountant")


@pytest.fixture
def sold(desk: Desk) -> Desk:
    """A day of sales, and a ledger that vouchers go to."""
    desk.flow()
    desk.sells(*day_of_sales())
    return desk


def hand_in(call: Caller, body: bytes, name: str = "klarna.csv", **more: Any) -> Any:
    headers = {key.replace("_", "-"): more.pop(key) for key in list(more) if key == "Idempotency_Key"}
    form = {"file": SimpleUploadedFile(name, body), **more}
    return call.client.post(f"/api/v1/t/{call.tenant.slug}{AT}/statements", form, headers=headers)


def test_from_the_file_to_the_ledger(sold: Desk, accountant: Caller) -> None:
    """D-20, D-21: handed in, looked at line by line, approved as it was seen, posted, controlled."""
    call = accountant
    made = hand_in(call, klarna(), Idempotency_Key="file-1")
    again = hand_in(call, klarna(), Idempotency_Key="file-1")
    assert made.status_code == 200 and made.json()["new"] == ["klarna/K123456/XISA93DJ/SEK"], made.content
    assert again.json() == made.json() and again.headers["Idempotency-Replayed"] == "true"
    assert hand_in(call, stripe(), "s.csv", Idempotency_Key="file-1").json()["code"] == "SYNC-604", "another file"
    assert hand_in(call, klarna()).json()["known"] == made.json()["new"]
    assert [row["way"] for row in call.get(f"{AT}/files")["items"]] == ["api"]
    (before,) = call.get("/companies")
    assert (before["code"], before["books"]["behind"]) == ("ov", True)
    sold.run()

    (row,) = call.get(f"{AT}/statements")["items"]
    assert (row["reference"], row["open"], row["voucher"]) == ("XISA93DJ", 0, "validated")
    whole = call.get(f"{AT}/statements/{row['id']}")
    assert whole["reconciled_at"] is not None
    lines = call.get(f"{AT}/statements/{row['id']}/lines?limit=2")
    rest = call.get(f"{AT}/statements/{row['id']}/lines?limit=200&cursor={lines['next']}")["items"]
    assert len(lines["items"]) + len(rest) == whole["lines"]
    assert {line["order"] for line in [*lines["items"], *rest]} >= {"web/1001", "web/1003", "web/1006"}

    listed = call.get(f"{AT}/vouchers?state=validated")["items"]
    assert [one["state"] for one in listed] == ["validated"] * len(listed) and len(listed) == 2
    voucher = call.get(f"{AT}/vouchers/{whole['vouchers'][0]}")
    assert sum(Decimal(line["amount"]) for line in voucher["lines"]) == 0 and voucher["ledger"] == "ledger"
    line = next(line for line in voucher["lines"] if line["rows"])
    rows = call.get(f"{AT}/vouchers/{voucher['id']}/lines/{line['number']}/rows")["items"]
    assert sum(Decimal(one["amount"]) for one in rows) == Decimal(line["amount"])
    assert [one["id"] for one in call.get(f"{AT}/vouchers?order=web/1001")["items"]]

    stale = {"id": voucher["id"], "hash": "00" * 16}
    assert call.refused("POST", f"{AT}/approvals", {"vouchers": [stale]})[0] == 422
    seen = [{"id": one["id"], "hash": one["hash"]} for one in listed]
    assert call.post(f"{AT}/approvals", {"vouchers": seen}) == {"count": 2}
    back = call.post(f"{AT}/vouchers/{seen[0]['id']}/withdraw")
    assert (back["state"], back["approved_by"]) == ("validated", "")
    call.post(f"{AT}/approvals", {"vouchers": [{"id": back["id"], "hash": back["hash"]}]})
    sold.deliver()
    assert call.get(AT)["vouchers"] == [
        {"state": "posted", "count": 2, "turnover": call.get(AT)["vouchers"][0]["turnover"]}
    ]
    assert call.refused("POST", f"{AT}/vouchers/{back['id']}/withdraw")[0] == 422

    control = call.get(f"{AT}/control?since=2026-03-01&on=2026-03-31")
    assert all(abs(Decimal(one["difference"])) <= 1 for one in [*control["clearing"], *control["vat"]])
    assert control["changed"] == [] and sum(Decimal(one["balance"]) for one in control["balances"]) == 0
    items = call.get(f"{AT}/open-items?on=2026-03-31")["items"]
    assert [(one["provider"], one["order"], one["amount"]) for one in items] == [("stripe", "web/1002", "661.00")]


def test_what_only_a_person_can_say(desk: Desk, accountant: Caller) -> None:
    """D-21: a line is confirmed to be a payment that nothing but its amount and day tell of; and taken back."""
    call = accountant
    desk.flow()
    desk.sells(order("2001", [sold_line("1250")], paid("klarna", "1250", "2026-03-02", "other")))
    hand_in(call, klarna())
    desk.run()
    (open_,) = call.get(f"{AT}/open-payments")["items"]
    assert (open_["order"], open_["left"]) == ("web/2001", "1250.00")
    (pair,) = call.get(f"{AT}/suggestions")["items"]
    assert (pair["order"], pair["amount"]) == ("web/2001", "1250.00")
    body = {"line": pair["line"], "expected": pair["expected"], "why": "The buyer said so"}
    assert call.refused("DELETE", f"{AT}/matches?line={pair['line']}") == (404, "SYNC-603")
    assert call.post(f"{AT}/matches", body) == {"done": True}
    desk.run()
    assert call.refused("POST", f"{AT}/matches", body)[0] == 422, "it is matched already"
    assert (call.get(f"{AT}/open-payments")["items"], call.get(f"{AT}/suggestions")["items"]) == ([], [])
    (statement,) = call.get(f"{AT}/statements")["items"]
    lines = call.get(f"{AT}/statements/{statement['id']}/lines")["items"]
    assert [(one["by"], one["rule"]) for one in lines if one["order"] == "web/2001"] == [("token test", "person")]
    assert call("DELETE", f"{AT}/matches?line={pair['line']}").status_code == 204
    desk.run()
    assert [one["order"] for one in call.get(f"{AT}/open-payments")["items"]] == ["web/2001"]

    decision = {"kind": "ignore", "about": pair["line"], "why": "A free order"}
    assert call.post(f"{AT}/decisions", decision) == {"done": True}
    (said,) = call.get(f"{AT}/decisions")["items"]
    assert {**decision, "by": "token test"}.items() <= said.items()
    assert call.refused("POST", f"{AT}/decisions", {**decision, "why": ""}) == (422, "SYNC-604")
    assert call.refused("POST", f"{AT}/payout-matches", {"payout": "x", "bank_line": "y"})[0] == 422


def test_exceptions_have_amounts_and_are_walked(desk: Desk, accountant: Caller) -> None:
    """Statements without their orders."""
    desk.takes(klarna())
    desk.takes(stripe(), "stripe.csv")
    desk.run()
    seen, cursor = [], ""
    while cursor is not None:
        page = accountant.get(f"{AT}/exceptions?limit=2&cursor={cursor}")
        seen += page["items"]
        cursor = page["next"]
    counted = accountant.get(AT)["exceptions"]
    assert len(seen) == len({(one["code"], one["where"]) for one in seen}) == sum(one["count"] for one in counted)
    assert len(seen) > 2 and any(one["amount"] for one in seen) and any(one["amounts"] for one in counted)
    handed = {"code": "STATEMENT_CHANGED", "where": "a file"}
    assert accountant.post(f"{AT}/exceptions/seen", handed) == {"done": True}
    assert [row["open"] > 0 for row in accountant.get(f"{AT}/statements?lines=open")["items"]] == [True, True]


def test_the_opening_list_is_replaced_whole(desk: Desk, accountant: Caller) -> None:
    item = {
        "provider": "klarna", "channel": "web", "order": "900", "day": "2025-12-30", "amount": "125.00",
        "currency": "SEK", "booked": "125.00", "provider_id": "",
    }  # fmt: skip
    assert accountant("PUT", f"{AT}/openings", {"items": [item, {**item, "order": "901"}]}).status_code == 200
    assert [one["order"] for one in accountant.get(f"{AT}/openings")] == ["900", "901"]
    twice = {"items": [{**item, "provider_id": "x"}] * 2}
    assert accountant.refused("PUT", f"{AT}/openings", twice)[0] == 422
    assert len(accountant.get(f"{AT}/openings")) == 2, "the old one stays"
    assert accountant("PUT", f"{AT}/openings", {"items": []}).json() == []


def test_settings_show_what_nobody_has_decided(desk: Desk, accountant: Caller) -> None:
    shown = accountant.get(f"{AT}/accounts?on=2026-03-01")
    assert {"NEEDS_DECISION", "RC_EU"} <= {row["treatment"] for row in shown["fees"]} and shown["accounts"]


def test_accounts_and_fees_change_from_a_day_on(desk: Desk, accountant: Caller) -> None:
    from samklang.people.models import Note

    shown = accountant.get(f"{AT}/accounts?on=2026-06-01")
    role, before = shown["accounts"][0]["role"], shown["accounts"][0]["account"]
    change = {"role": role, "account": "1799", "since": "2026-06-01", "why": "A new plan of accounts"}
    assert accountant("POST", f"{AT}/accounts", change).status_code == 200
    now = {row["role"]: row["account"] for row in accountant.get(f"{AT}/accounts?on=2026-06-01")["accounts"]}
    then = {row["role"]: row["account"] for row in accountant.get(f"{AT}/accounts?on=2026-05-31")["accounts"]}
    assert (now[role], then[role]) == ("1799", before)
    assert accountant.refused("POST", f"{AT}/accounts", {**change, "role": "nonsense"})[0] == 422
    fee = {"provider": "klarna", "treatment": "RC_EU", "since": "2026-06-01", "why": "Its invoice says so"}
    fees = accountant.post(f"{AT}/fees", fee)["fees"]
    assert accountant.get(f"{AT}/accounts?on=2026-06-01")["fees"] != shown["fees"] and fees
    assert accountant.refused("POST", f"{AT}/fees", {**fee, "provider": "nobody"}) == (422, "SYNC-604")
    assert [note.what for note in Note.objects.all()] == ["books' settings changed"] * 2


def test_sources_are_chosen_among_those_that_give_statements(
    desk: Desk, accountant: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.connectors.contract import Paper

    assert accountant.get(f"{AT}/sources") == {"sources": [], "able": ["ledger", "shop"]}
    assert accountant.refused("PUT", f"{AT}/sources", {"sources": ["nobody"]}) == (422, "SYNC-604")
    assert accountant.refused("POST", f"{AT}/sources/ledger/fetch")[0] == 422
    monkeypatch.setattr(Shelf, "statements", lambda *_: iter([Paper("klarna.csv", klarna())]))
    chosen = accountant("PUT", f"{AT}/sources", {"sources": ["ledger"]}).json()
    assert [row["name"] for row in chosen["sources"]] == ["ledger"]
    assert accountant.post(f"{AT}/sources/ledger/fetch") == {"name": "ledger", "taken": 1, "refused": 0, "error": ""}
    assert accountant.get(f"{AT}/sources")["sources"][0]["total"] == 1


def test_a_ledger_of_files_and_the_controls_as_files(sold: Desk, accountant: Caller) -> None:
    """J-17: approved vouchers become a file, once; it can be had again, byte for byte."""
    sold.settings(ledger="file")
    sold.run()
    sold.approve()
    call = accountant
    made = call.post(f"{AT}/ledger-files")
    assert made["vouchers"] >= 1 and call.post(f"{AT}/ledger-files") == {"number": None, "vouchers": 0}
    (row,) = call.get(f"{AT}/ledger-files")["files"]
    answer = call("GET", f"{AT}/ledger-files/{made['number']}")
    assert answer.content.startswith(b"#FLAGGA 0") and row["name"] in answer.headers["Content-Disposition"]
    assert call("GET", f"{AT}/ledger-files/{made['number']}").content == answer.content
    assert call.refused("GET", f"{AT}/ledger-files/7") == (404, "SYNC-603")
    assert call("GET", f"{AT}/control/xlsx?on=2026-03-31").content[:2] == b"PK"
    assert call("GET", f"{AT}/control/pdf?on=2026-03-31").content[:4] == b"%PDF"


def test_an_accountant_reads_the_books_and_nothing_else(desk: Desk, accountant: Caller) -> None:
    """X-08"""
    for path in ("/orders", "/products", "/customers", "/problems", "/connections", "/configuration", "/webhooks"):
        assert accountant.refused("GET", path) == (403, "SYNC-602")
    looker = Caller(desk.tenant, [Right.BOOKS], "consultant")
    assert looker.get(f"{AT}/vouchers")["items"] == []
    assert looker.refused("POST", f"{AT}/approvals", {"vouchers": [{"id": 1, "hash": "0" * 32}]}) == (403, "SYNC-602")
    assert Caller(desk.tenant, [Right.SEE], "reader").refused("GET", "/companies") == (403, "SYNC-602")


def test_what_cannot_be_is_refused_and_leaves_nothing(desk: Desk, accountant: Caller) -> None:
    from samklang.reconciliation.models import Statement

    answer = hand_in(accountant, b"a;b\n1;2\n", "holiday.csv")
    assert answer.status_code == 422 and not Statement.objects.exists()
    assert accountant.get(f"{AT}/files")["items"][0]["state"] == "refused"
    assert accountant.refused("GET", "/companies/other/vouchers") == (404, "SYNC-603")
    assert accountant.refused("GET", f"{AT}/vouchers?cursor=IngveCI") == (422, "SYNC-604")
    assert accountant.refused("GET", f"{AT}/statements/7") == (404, "SYNC-603")
    assert accountant.refused("POST", f"{AT}/statements", b"x")[0] in (400, 422)
    assert accountant.refused("GET", f"{AT}/vouchers?q=%00") == (422, "SYNC-604")


def test_a_body_that_is_too_large_is_said_to_be(desk: Desk, accountant: Caller) -> None:
    body = b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    assert accountant.refused("PUT", f"{AT}/openings", body) == (413, "SYNC-610")
    assert accountant.refused("POST", f"{AT}/matches", body, Idempotency_Key="large") == (413, "SYNC-610")


def test_tills_and_gift_cards_are_handed_in(desk: Desk, accountant: Caller) -> None:
    from samklang.reconciliation.events_in import expired_cards, z_reports

    call = accountant
    till = {
        "channel": "web", "till": "1", "number": "214", "day": "2026-03-14",
        "takings": [{"provider": "cash", "amount": "1000"}, {"provider": "terminal", "amount": "4000"}],
        "taxes": [{"percent": "25", "net": "4000", "tax": "1000"}],
    }  # fmt: skip
    assert call("POST", f"{AT}/z-reports", {"items": [till]}).json() == {"count": 1}
    (kept,) = z_reports(desk.company)
    assert (kept.name, kept.takings[1].amount, kept.taxes[0].tax) == ("web/1/214", 4000, 1000)
    assert call("POST", f"{AT}/z-reports", {"items": [till, {**till, "channel": "other"}]}).status_code == 422
    card = {"number": "gc1", "day": "2026-03-31", "rest": "50"}
    assert call("POST", f"{AT}/expired-gift-cards", {"items": [card]}).json() == {"count": 1}
    assert [one.rest for one in expired_cards(desk.company)] == [50]
    assert call("GET", f"{AT}/vat-numbers").json()["items"] == []
