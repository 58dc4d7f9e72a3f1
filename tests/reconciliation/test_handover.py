"""Approval by a person, the road to the ledger, and what comes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from samklang.connectors.errors import BadData, Rejected, RemoteFault
from tests.accounting.shop import line, order, paid
from tests.accounting.statements.files import klarna
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """A day of sales and a payout wait for approval."""
    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    return desk


def test_nothing_leaves_before_a_person_has_approved(ready: Desk) -> None:
    """D-21: dry run first."""
    assert ready.deliver() is None or ready.ledger.of("voucher") == []
    assert ready.approve() == 2
    ready.deliver()
    assert {voucher.key for voucher in ready.ledger.of("voucher")} == set(ready.vouchers())
    rows = ready.vouchers().values()
    assert {(row.state, row.approved_by) for row in rows} == {("posted", "berit")}
    assert all(row.number and row.posted_at for row in rows)


def test_whoever_subscribed_hears_what_the_ledger_took(ready: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.reconciliation import handover

    told: list[Any] = []
    monkeypatch.setattr(handover, "tell", lambda tenant, happenings: told.extend(happenings))
    ready.approve()
    ready.deliver()
    assert {one.about for one in told} == set(ready.vouchers())
    assert {one.type for one in told} == {"voucher.posted"} and all(one.data["number"] for one in told)


def test_what_is_approved_must_be_what_was_seen(ready: Desk) -> None:
    from samklang.reconciliation.vouchers import Seen, approve

    row = next(iter(ready.vouchers().values()))
    with pytest.raises(BadData, match="changed since"):
        approve(ready.company, [Seen(row.pk, "00" * 16)], by="berit")
    assert {row.state for row in ready.vouchers().values()} == {"validated"}


def test_an_answer_that_was_lost_doubles_no_voucher(ready: Desk) -> None:
    """Edge case 49: the ledger has it, nobody told us; it is looked for by our reference."""
    lost = 0

    def after(type_: str, wants: object) -> None:
        nonlocal lost
        lost += 1
        if lost == 1:
            raise RemoteFault("the line broke")

    ready.ledger.after_write = after
    ready.approve()
    for _ in range(3):
        from samklang.hub.delivery import retry

        ready.deliver()
        retry(ready.tenant.pk)
    assert lost > 0
    assert sorted(v.key for v in ready.ledger.of("voucher")) == sorted(ready.vouchers())
    assert {row.state for row in ready.vouchers().values()} == {"posted"}


def test_a_no_of_the_ledger_stops_that_voucher_alone(ready: Desk) -> None:
    from samklang.hub.models import Problem

    ready.ledger.item_error = lambda type_, want: Rejected("Account 1581 is closed") if "sales" in want.key else None
    ready.approve()
    ready.deliver()
    assert {key.split("/")[1]: row.state for key, row in ready.vouchers().items()} == {
        "sales": "approved", "settlement": "posted",
    }  # fmt: skip
    assert Problem.objects.get(closed_at=None, connection=ready.ledger_row).what == "Account 1581 is closed"


def test_a_posted_voucher_that_turned_out_otherwise_is_reversed_and_posted_again(ready: Desk) -> None:
    ready.approve()
    ready.deliver()
    ready.sells(order("1007", [line("100")], paid("klarna", "100", "2026-03-02", "c-1007")))
    ready.run()
    keys = set(ready.vouchers(state="validated"))
    assert keys == {"ov/sales/web/2026-03-02/reversal", "ov/sales/web/2026-03-02@2"}
    ready.approve()
    ready.deliver()
    rows = ready.vouchers()
    assert rows["ov/sales/web/2026-03-02"].state == "reversed"
    assert rows["ov/sales/web/2026-03-02@2"].state == "posted"
    assert str(rows["ov/sales/web/2026-03-02@2"].about) == "2026-03-02"
    ready.run()
    assert not ready.vouchers(state="validated")


def test_an_approval_is_withdrawn_while_the_ledger_was_not_asked(ready: Desk) -> None:
    from samklang.reconciliation.handover import withdraw

    ready.approve()
    row = next(iter(ready.vouchers().values()))
    withdraw(ready.company, row.pk, by="berit")
    assert ready.vouchers()[row.key].state == "validated"
    ready.deliver()
    assert row.key not in {voucher.key for voucher in ready.ledger.of("voucher")}
    other = next(one for one in ready.vouchers(state="posted").values())
    with pytest.raises(BadData, match="Only an approved"):
        withdraw(ready.company, other.pk, by="berit")


def test_vouchers_wait_for_a_ledger_that_is_connected_later(desk: Desk) -> None:
    """J-17: without a ledger that takes vouchers they are kept; with a flow they go."""
    from django.db import transaction

    from samklang.reconciliation.handover import send

    flow = desk.flow()
    desk.sells(*day_of_sales())
    type(flow).objects.filter(pk=flow.pk).update(enabled=False)
    desk.run()
    desk.approve()
    assert desk.deliver() is None or desk.ledger.of("voucher") == []
    type(flow).objects.filter(pk=flow.pk).update(enabled=True)
    with transaction.atomic():
        assert send(desk.company) == 1
    desk.deliver()
    assert len(desk.ledger.of("voucher")) == 1


def test_an_order_journeys_through_its_vouchers(ready: Desk) -> None:
    from samklang.hub.models import Step

    ready.approve()
    ready.deliver()
    steps = Step.objects.filter(order="web/1001", type="voucher").order_by("id")
    assert sorted(text.split(" ", 1)[1] for text in steps.values_list("text", flat=True)) == [
        "Dagsförsäljning 2026-03-02", "Klarna utbetalning XISA93DJ",
    ]  # fmt: skip


def test_the_plan_counts_the_vouchers_that_would_go(desk: Desk) -> None:
    """X-04: what switching the flow on would do, before it does it."""
    from samklang.hub.setup.plan import plan_flow

    flow = desk.flow()
    desk.sells(*day_of_sales())
    type(flow).objects.filter(pk=flow.pk).update(enabled=False)
    desk.run()
    desk.approve()
    flow.refresh_from_db()
    plan = plan_flow(flow)
    assert (plan.create, plan.left_out) == (1, 0)


def test_36_an_order_that_is_edited_after_it_was_posted_is_adjusted_beside_what_is_posted(desk: Desk) -> None:
    """The voucher stays as it is; what is different now is a reversal and a new voucher in the open period, and both
    wait for a person. The buyer's money is what it was."""
    from tests.accounting.cases import sold

    desk.flow()
    first = sold("1", "100", "2026-03-02")
    desk.sells(first)
    desk.run()
    desk.approve()
    desk.deliver()
    (before,) = desk.records()
    desk.sells(order("1", [line("60"), line("40", "12")], *first.payments))
    desk.run()
    made = {record.key: record for record in desk.records()}
    assert made.pop(before.key) == before
    assert sorted(made) == ["ov/sales/web/2026-03-02/reversal", "ov/sales/web/2026-03-02@2"]
    again = made["ov/sales/web/2026-03-02@2"]
    assert {part.account: part.amount for part in again.lines} == {
        "1581": 100, "2611": -12, "2621": Decimal("-4.29"), "3001": -48, "3002": Decimal("-35.71"),
    }  # fmt: skip
    assert {row.state for key, row in desk.vouchers().items() if key in made} == {"validated"}
    assert all(record.date > before.date for record in made.values())
    desk.sells(order("1", [line("60")], *first.payments))
    desk.run()
    assert desk.problems()["AMOUNT_DIFF"] == ["web/1"], "more was captured than the order is now"
    assert [record.key for record in desk.records()] == [before.key], (
        "what is posted stays until somebody has seen to it"
    )
