"""The itemised list hangs on its voucher in the ledger: once, and never in the way of a voucher."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from samklang.connectors.errors import Forbidden, LoginRefused, Rejected, RemoteFault
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from tests.accounting.shop import line, order, paid
from tests.accounting.statements.files import klarna
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def posted(desk: Desk) -> Desk:
    """The ledger has a day of sales and a payout."""
    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    desk.approve()
    desk.deliver()
    return desk


def bring(desk: Desk) -> int:
    from samklang.reconciliation.attaching import keep_up

    return keep_up(desk.company)


def rows(desk: Desk) -> list[Any]:
    from samklang.reconciliation.models import Attachment

    return list(Attachment.objects.filter(tenant=desk.tenant).order_by("pk"))


def an_hour_later(desk: Desk) -> None:
    for row in rows(desk):
        row.tried_at = row.tried_at and row.tried_at - timedelta(hours=2)
        row.save()


def trap(*errors: BaseException | None) -> Any:
    """A function that raises these, one a call, then nothing."""
    left = list(errors)

    def work(_what: str) -> None:
        error = left.pop(0) if left else None
        if error is not None:
            raise error

    return work


def listless(desk: Desk) -> set[str]:
    """Codes of the problems that lists have."""
    from samklang.hub.models import ProblemItem

    items = ProblemItem.objects.filter(type="itemised list").select_related("problem")
    return {item.problem.code for item in items}


def hung(desk: Desk) -> list[str]:
    """Vouchers of the ledger on which a list hangs, by their ids there; each list once."""
    return sorted(desk.ledger.hung.values())


def test_every_voucher_gets_its_list_once(posted: Desk) -> None:
    assert bring(posted) == 2
    assert bring(posted) == 0
    numbers = {row.number: row for row in posted.vouchers().values()}
    assert hung(posted) == sorted(numbers)
    assert len(set(posted.ledger.files.values())) == len(posted.ledger.files) == 2
    assert all(row.at and not row.error for row in rows(posted))


def test_a_list_names_its_voucher_and_the_rows_behind_it(posted: Desk) -> None:
    from samklang.reconciliation.papers import voucher_file

    one, other = posted.vouchers().values()
    papers = [voucher_file(one), voucher_file(other)]
    assert [paper.name.split()[1] for paper in papers] == [str(one.date), str(other.date)]
    assert len({paper.name for paper in papers}) == 2
    refs = one.voucherref_set.count()
    assert refs and papers[0].rows == one.line_count + refs


def test_a_list_is_in_the_language_of_the_books(posted: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.reconciliation import papers

    told: list[Any] = []
    monkeypatch.setattr(papers, "to_pdf", lambda _heading, sheets, _made: told.extend(sheets) or b"%PDF")
    bring(posted)
    assert {sheet.title for sheet in told[1::2]} == {"Specifikation"}
    assert {row[1] for row in told[1].rows} == {"betalning"}


def test_a_list_of_many_rows_goes_over_pages(database: object) -> None:
    """Of a page's height in rows, with some that need two lines: every row is there, the headings on each page."""
    from decimal import Decimal

    from samklang.reconciliation.papers import to_pdf
    from samklang.reconciliation.reports import Column, Sheet

    rows = [(f"{n}", "x" * (130 if n % 40 == 0 else 10), Decimal(n)) for n in range(200)]
    columns = (Column("No", width=8), Column("Text", width=40), Column("Amount", "money", 14))
    body = to_pdf("Övning", [Sheet("List", "", columns, rows)], datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert body.count(b"/Type /Page\n") == 4


@pytest.mark.parametrize("where", ["before_file", "after_file"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_killed_anywhere_each_list_hangs_once(posted: Desk, where: str, call: int) -> None:
    setattr(posted.ledger, where, trap(*[None] * (call - 1), Killed()))
    with pytest.raises(Killed):
        bring(posted)
    bring(posted)
    assert hung(posted) == sorted(row.number for row in posted.vouchers().values())
    assert len(posted.ledger.files) == 2, "no second file lies beside it"


def test_a_fault_of_the_system_is_tried_again_with_all_else(posted: Desk) -> None:
    posted.ledger.before_file = trap(RemoteFault("the line broke"))
    assert bring(posted) == 1, "the other one came through"
    assert bring(posted) == 1
    posted.ledger_row.refresh_from_db()
    assert posted.ledger_row.faults == 0 and not listless(posted)


def test_a_login_without_that_right_is_a_problem_and_goes_on_booking(posted: Desk) -> None:
    posted.ledger.before_file = trap(*[Forbidden("Har inte behörighet för scope.")] * 2)
    assert bring(posted) == 0
    assert bring(posted) == 0, "and is not asked for again at once"
    assert len(posted.ledger.calls) and posted.ledger.hung == {}
    posted.ledger_row.refresh_from_db()
    assert posted.ledger_row.state == "active"
    assert listless(posted) == {"SYNC-302"}
    posted.sells(order("1007", [line("100")], paid("klarna", "100", "2026-03-03", "c-1007")))
    posted.run()
    posted.approve()
    posted.deliver()
    assert {row.state for row in posted.vouchers().values()} == {"posted"}
    an_hour_later(posted)
    assert bring(posted) == 3
    assert not listless(posted)


def test_a_login_that_ended_pauses_the_connection(posted: Desk) -> None:
    posted.ledger.before_file = trap(LoginRefused("expired"))
    assert bring(posted) == 0
    posted.ledger_row.refresh_from_db()
    assert posted.ledger_row.state == "needs person"
    assert bring(posted) == 0


def test_a_no_to_one_list_leaves_the_others(posted: Desk) -> None:
    posted.ledger.before_file = trap(Rejected("The file is too large"))
    assert bring(posted) == 1
    (left,) = [row for row in rows(posted) if not row.at]
    assert left.error == "The file is too large"


def test_a_person_may_not_want_lists(desk: Desk) -> None:
    type(desk.ledger_row).objects.filter(pk=desk.ledger_row.pk).update(
        settings={**desk.ledger_row.settings, "attach_lists": False}
    )
    desk.flow()
    desk.sells(*day_of_sales())
    desk.run()
    desk.approve()
    desk.deliver()
    assert rows(desk) == [] and bring(desk) == 0


def test_lists_hang_in_fortnox(desk: Desk) -> None:
    """The whole way, with Fortnox' own connector against its sandbox."""
    import time

    from samklang.connectors.contract import Tokens
    from samklang.hub.links import DatabaseTokens, forget_links
    from samklang.hub.setup import config
    from samklang.reconciliation.work import keep_up

    sandbox = FortnoxSandbox(articles=0, now=lambda: datetime(2026, 3, 10, 12, tzinfo=UTC))
    with serve(Faulty(sandbox.app)) as address:
        erp = desk.ledger_row
        erp.connector = "fortnox"
        erp.settings = {"client_id": sandbox.client_id, "api_address": address, "login_address": address}
        erp.save()
        config.set_secrets(erp, {"client_secret": sandbox.client_secret})
        given = {name: str(value) for name, value in sandbox.tokens().items()}
        DatabaseTokens(erp).save(
            Tokens(access=given["access_token"], refresh=given["refresh_token"], expires_at=time.time() + 3600)
        )
        desk.flow()
        desk.sells(*day_of_sales())
        desk.run()
        desk.approve()
        desk.deliver()
        keep_up(desk.company)
        forget_links()
    (voucher,) = desk.vouchers().values()
    ((file, hung),) = sandbox.files.hung.items()
    assert f"{hung['VoucherSeries']} {hung['VoucherNumber']}/{hung['VoucherYear']}" == voucher.number
    assert sandbox.files.bodies[file].startswith(b"%PDF") and not sandbox.files.inbox
