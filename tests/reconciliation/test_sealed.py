"""A posted voucher is never changed, whoever tries (RECONCILIATION §3; MODEL §7: posted is immutable)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction

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
