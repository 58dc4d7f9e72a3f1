"""What the engine does for the books: the drop folder, the ledger's word, keeping up, sending."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from samklang.connectors.contract import Ledger, LedgerAccount
from tests.accounting.cases import sold
from tests.accounting.statements.files import klarna, stripe
from tests.doubles.shelf import Shelf
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales


def lay(path: Path, data: bytes, age: float = 60.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_what_is_laid_into_the_folder_is_taken_and_put_aside(desk: Desk) -> None:
    from samklang.reconciliation.inbox import folder
    from samklang.reconciliation.work import keep_up

    desk.flow()
    desk.sells(*day_of_sales())
    place = folder(desk.company)
    lay(place / "klarna.csv", klarna())
    lay(place / "stripe" / "report.csv", stripe())
    lay(place / "cut.csv", b"\n".join(klarna(payment_reference="OTHER").splitlines()[:-2]))
    lay(place / "still.csv", klarna(), age=0)
    lay(place / ".hidden", klarna())
    kept = keep_up(desk.company)
    assert kept.files == 2
    assert sorted(path.name for path in (place / "done").iterdir()) == ["klarna.csv", "report.csv"]
    assert sorted(path.name for path in (place / "refused").iterdir()) == ["cut.csv", "cut.csv.txt"]
    assert "STATEMENT_UNBALANCED" in (place / "refused" / "cut.csv.txt").read_text()
    assert (place / "still.csv").exists() and (place / ".hidden").exists()
    assert len(desk.vouchers()) == 3
    lay(place / "again" / "klarna.csv", klarna())
    keep_up(desk.company)
    assert (place / "done" / "klarna-1.csv").exists(), "known, and put aside beside the first"


def test_a_round_with_nothing_new_derives_nothing(desk: Desk) -> None:
    from samklang.reconciliation.models import Books
    from samklang.reconciliation.work import keep_up

    desk.flow()
    desk.sells(*day_of_sales())
    assert keep_up(desk.company).report is not None
    Books.objects.update(read_until=time.time() + 1, seconds=0)
    assert keep_up(desk.company).report is None
    desk.takes(klarna())
    assert keep_up(desk.company).report is not None


def test_settings_that_cannot_be_are_said_with_the_books(desk: Desk) -> None:
    from samklang.reconciliation.models import Books
    from samklang.reconciliation.work import keep_up

    desk.flow()
    desk.company.settings["channels"]["web2"] = {}
    desk.company.save()
    assert keep_up(desk.company).report is None
    assert "web2" in Books.objects.get().error


def test_sales_by_day_beside_invoices_that_the_flow_of_orders_books_are_refused(desk: Desk) -> None:
    """Never both models for one order: neither at once, nor when the settings change midway."""
    from samklang.connectors.errors import Misconfigured
    from samklang.hub.flows import set_flow
    from samklang.reconciliation.models import Books

    desk.flow()
    desk.sells(sold("1", "100", "2026-03-02"))
    desk.run()
    desk.approve()
    desk.deliver()
    posted = desk.vouchers()
    invoices = {"document": "invoice", "book": True}
    set_flow(desk.channel, "order", desk.shop_row, desk.ledger_row, enabled=True, options=invoices)
    with pytest.raises(Misconfigured, match="booked twice: as invoices in ledger, and by day"):
        desk.run()
    assert "booked twice" in Books.objects.get().error
    desk.company = desk.settings(channels={"web": {"model": "invoice"}}, keeps_invoices=True)
    desk.sells(sold("2", "50", "2026-03-02"))
    desk.run()
    assert {key: row.state for key, row in desk.vouchers().items()} == {
        **dict.fromkeys(posted, "posted"), "ov/invoice/web/2#capture/klarna/klarna-2": "validated",
    }  # fmt: skip


def test_approved_vouchers_go_and_their_numbers_come_back_by_themselves(desk: Desk) -> None:
    from samklang.engine import work
    from samklang.engine.port import books_job

    desk.flow()
    desk.sells(*day_of_sales())
    desk.run()
    desk.approve()
    waiting = [books_job(desk.tenant.pk, desk.company.pk)]

    class Hand:
        def wake(self, job: Any, delay: float = 0.0) -> None:
            if not delay and job not in waiting:
                waiting.append(job)

    while waiting:
        work.perform(waiting.pop(0), Hand())  # type: ignore[arg-type]  # only its wishes are asked for
    assert {row.state for row in desk.vouchers().values()} == {"posted"}


CHART = ["1581", "1582", "3001", "3002", "3106", "2611", "2621", "2670", "3520"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"missing": "3106"}, "Account 3106 Försäljning EU momspliktig is not in the ledger"),
        ({"closed": "1581"}, "Account 1581 Fordran Klarna is out of use"),
        ({"years": 2025}, "2026-03-02 lies in no fiscal year"),
        ({"locked": "2026-03-31"}, "The ledger is closed until 2026-03-31"),
        ({"series": "A"}, "no voucher series I"),
        ({}, ""),
    ],
)
def test_drafts_that_the_ledger_would_refuse_wait(desk: Desk, monkeypatch: Any, said: dict[str, Any], why: str) -> None:
    """RD-11, RD-12: before anything is approved, not after."""
    from datetime import date

    import msgspec

    from samklang.reconciliation.work import keep_up

    year = said.get("years", 2026)
    ledger = Ledger(
        accounts=tuple(
            LedgerAccount(number, active=number != said.get("closed"))
            for number in CHART
            if number != said.get("missing")
        ),
        years=((date(year, 1, 1), date(year, 12, 31)),),
        series=(said.get("series", "I"),),
        locked_until=date.fromisoformat(said["locked"]) if "locked" in said else None,
    )
    monkeypatch.setattr(Shelf, "ledger", lambda _self: ledger, raising=False)
    monkeypatch.setattr(Shelf, "manifest", msgspec.structs.replace(Shelf.manifest, ledger=True))
    desk.flow()
    desk.sells(*day_of_sales())
    keep_up(desk.company)
    (row,) = desk.vouchers().values()
    assert (row.state, why in row.why_draft) == ("draft" if why else "validated", True)


def test_readiness_says_what_is_missing_and_which_provider_waits(desk: Desk, monkeypatch: Any) -> None:
    """D-18, D-19, D-20, RD-13."""
    from datetime import date

    import msgspec

    from samklang.reconciliation.ledger import ready, refresh

    ledger = Ledger(accounts=(LedgerAccount("1581"),), years=((date(2026, 1, 1), date(2026, 12, 31)),), series=("I",))
    monkeypatch.setattr(Shelf, "ledger", lambda _self: ledger, raising=False)
    monkeypatch.setattr(Shelf, "manifest", msgspec.structs.replace(Shelf.manifest, ledger=True))
    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    assert refresh(desk.company)
    problems, gates = ready(desk.company, date(2026, 3, 31))
    assert {"ACCOUNT_MISSING"} == {problem.code for problem in problems}
    assert gates == {"klarna": "ready", "stripe": "waiting for payout"}


def test_vouchers_and_payouts_are_told_once(desk: Desk) -> None:
    """Whoever has subscribed hears of a new voucher, of a payout whose last line has found its order, of what the
    ledger took; running again is no news."""
    from samklang.hub.models import Event
    from samklang.hub.telling.subscriptions import subscribe

    def heard() -> list[tuple[str, str]]:
        found = [(event.type, event.about) for event in Event.objects.order_by("pk")]
        Event.objects.all().delete()
        return sorted(one for one in found if one[0].partition(".")[0] in ("voucher", "payout"))

    subscribe(desk.tenant, "bookkeeper", "https://127.0.0.1/told")
    desk.flow()
    desk.takes(klarna())
    desk.run()
    assert "payout.reconciled" not in {type_ for type_, _ in heard()}, "no line has an order yet"
    desk.sells(*day_of_sales())
    desk.run()
    told = heard()
    assert ("payout.reconciled", "klarna/K123456/XISA93DJ/SEK") in told
    made = {about for type_, about in told if type_ == "voucher.created"}
    assert made and made <= set(desk.vouchers())
    desk.run()
    assert heard() == []
    desk.approve()
    desk.deliver()
    assert {type_ for type_, _ in heard()} == {"voucher.posted"}
