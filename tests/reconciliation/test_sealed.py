"""A posted voucher is never changed, whoever tries (RECONCILIATION §3; MODEL §7: posted is immutable)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.accounting.cases import sold
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales

VOUCHER, LINE, REF = "reconciliation_voucher", "reconciliation_voucherline", "reconciliation_voucherref"


@pytest.fixture
def posted(desk: Desk) -> int:
    desk.flow()
    desk.sells(*day_of_sales())
    desk.run()
    desk.approve()
    desk.deliver()
    (row,) = desk.vouchers().values()
    assert row.state == "posted"
    return int(row.pk)


def sql(text: str, *values: object) -> Callable[[], None]:
    def run() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(text, list(values))

    return run


@pytest.mark.parametrize(
    "text",
    [
        f"UPDATE {VOUCHER} SET date = '2026-01-01' WHERE id = %s",
        f"UPDATE {VOUCHER} SET text = 'x' WHERE id = %s",
        f"UPDATE {VOUCHER} SET number = 'x' WHERE id = %s",
        f"UPDATE {VOUCHER} SET state = 'validated' WHERE id = %s",
        f"UPDATE {VOUCHER} SET approved_by = 'x' WHERE id = %s",
        f"UPDATE {LINE} SET amount = amount + 1 WHERE voucher_id = %s",
        f"UPDATE {LINE} SET account = '9999' WHERE voucher_id = %s",
        f"UPDATE {REF} SET amount = '1' WHERE voucher_id = %s",
        f"DELETE FROM {REF} WHERE voucher_id = %s",
        f"DELETE FROM {LINE} WHERE voucher_id = %s",
        f"DELETE FROM {VOUCHER} WHERE id = %s",
        f"INSERT INTO {LINE} (tenant_id, voucher_id, number, account, name, role, amount, text, country, percent,"
        " party, item, \"foreign\", currency, dimensions) SELECT tenant_id, id, 99, '1930', '', '', 5, '', '', '', '',"
        f" '', '', '', '{{}}' FROM {VOUCHER} WHERE id = %s",
    ],
)  # fmt: skip
def test_the_database_itself_refuses(posted: int, text: str) -> None:
    with pytest.raises(DatabaseError, match="never changed"):
        sql(text, posted)()


@pytest.mark.parametrize("table", [LINE, REF])
def test_nothing_of_another_voucher_is_put_into_it(posted: int, desk: Desk, table: str) -> None:
    desk.sells(sold("2", "50", "2026-03-03"))
    desk.run()
    draft = desk.vouchers(state="validated")["ov/sales/web/2026-03-03"]
    with pytest.raises(DatabaseError, match="never changed"):
        sql(f"UPDATE {table} SET voucher_id = %s WHERE voucher_id = %s", posted, draft.pk)()
    sql(f"UPDATE {table} SET voucher_id = voucher_id WHERE voucher_id = %s", draft.pk)()


def test_it_may_only_become_reversed_and_then_nothing(posted: int) -> None:
    sql(f"UPDATE {VOUCHER} SET state = 'reversed' WHERE id = %s", posted)()
    with pytest.raises(DatabaseError, match="never changed"):
        sql(f"UPDATE {VOUCHER} SET state = 'posted' WHERE id = %s", posted)()


def test_a_draft_may_be_anything(desk: Desk) -> None:
    desk.flow()
    desk.sells(*day_of_sales())
    desk.run()
    (row,) = desk.vouchers().values()
    sql(f"UPDATE {VOUCHER} SET text = 'x' WHERE id = %s", row.pk)()
    sql(f"DELETE FROM {REF} WHERE voucher_id = %s", row.pk)()


def test_a_tenant_with_books_cannot_be_deleted(posted: int, desk: Desk) -> None:
    from django.db.models import ProtectedError

    with pytest.raises((ProtectedError, DatabaseError)):
        desk.tenant.delete()


def test_a_company_with_books_stays_in_the_configuration(posted: int, desk: Desk) -> None:
    from samklang.connectors.errors import Misconfigured
    from samklang.hub.setup import config

    now = config.current(desk.tenant)
    assert config.parse(config.dump(now)).companies == now.companies
    now.companies.clear()
    with pytest.raises(Misconfigured, match="has books"):
        config.apply(now, "anna")


def tampered(key: str, text: str) -> None:
    """Somebody with the database in his hands takes the seal off and changes a line."""
    (pk,) = [row.pk for row in _voucher().objects.filter(key=key)]
    on = f" ON {LINE}" if connection.vendor == "postgresql" else ""
    sql(f"DROP TRIGGER voucher_line_kept{on}")()
    sql(text, pk)()


def _voucher() -> Any:
    from samklang.reconciliation.models import Voucher

    return Voucher


KEY = "ov/sales/web/2026-03-02"
UNBALANCED = f"UPDATE {LINE} SET amount = amount + 1 WHERE number = 1 AND voucher_id = %s"


def test_a_voucher_that_was_changed_by_hand_is_named_and_stops_nothing_else(posted: int, desk: Desk) -> None:
    from samklang.connectors.errors import BadData
    from samklang.reconciliation.check import changed_vouchers
    from samklang.reconciliation.reports import voucher_sheets

    tampered(KEY, UNBALANCED)
    desk.sells(sold("2", "50", "2026-03-03"), sold("3", "50", "2026-03-02"))
    desk.run()
    assert desk.problems()["VOUCHER_CHANGED"] == [KEY]
    assert {key: row.state for key, row in desk.vouchers().items()} == {
        KEY: "posted", "ov/sales/web/2026-03-03": "validated",
    }, "the other day is kept; nothing is corrected that cannot be read"  # fmt: skip
    assert changed_vouchers(desk.company) == (2, [KEY])
    with pytest.raises(BadData, match="no longer what was approved"):
        voucher_sheets(desk.vouchers()[KEY])


@pytest.mark.parametrize("change", ["amount = amount + 1", "account = '9999'"])
@pytest.mark.parametrize("ledger", ["flow", "file"])
def test_what_was_changed_since_its_approval_leaves_by_no_road(desk: Desk, change: str, ledger: str) -> None:
    from samklang.reconciliation import exports, handover

    desk.company = desk.settings(ledger="file")
    desk.sells(*day_of_sales(), sold("2", "50", "2026-03-03"))
    desk.run()
    desk.approve()
    tampered(KEY, f"UPDATE {LINE} SET {change} WHERE number = 1 AND voucher_id = %s")
    if ledger == "file":
        made = exports.export(desk.company, by="berit")
        assert made is not None and made.vouchers == 1
    else:
        desk.company = desk.settings()
        desk.flow()
        with transaction.atomic():
            assert handover.send(desk.company) == 1
        desk.deliver()
    states = {key: row.state for key, row in desk.vouchers().items()}
    assert states == {KEY: "approved", "ov/sales/web/2026-03-03": "posted"}
