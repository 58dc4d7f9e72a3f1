"""A month with known truth (tests/accounting/month.py) in the hub's tables, without files to read and shops to ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.statements.base import Statement
from samklang.records import Order, content_hash, encode


def store_orders(connection: Any, orders: Iterable[Order]) -> None:
    """The orders as intake would have stored them."""
    from django.db import transaction

    from samklang.hub import store

    with transaction.atomic():
        bodies = [(order.key, encode(order)) for order in orders]
        store.keep_records(
            connection.tenant_id, connection.pk, "order", ((key, body, content_hash(body)) for key, body in bodies)
        )


def hand_in(monkeypatch: Any, company: Any, *made: Statement | BankStatement) -> Any:
    """Statements as if a file had held them: its bytes are their encoding, its reader gives them back."""
    from samklang.reconciliation import files

    data = msgspec.json.encode(list(made))
    monkeypatch.setattr(files, "read_statement", lambda *_: tuple(made))
    return files.import_file(company, "month.json", data, files.Handed(by="month", way="cli"))


FEES = [
    {"provider": "stripe", "treatment": "RC_EU"},
    {"provider": "paypal", "treatment": "EXEMPT"},
    {"provider": "nets", "treatment": "SE_VAT"},
]


def rates(tenant: Any) -> None:
    """The month's exchange rates."""
    from datetime import timedelta

    from samklang.reconciliation.models import Rate
    from tests.accounting.month import FIRST, RATE

    Rate.objects.bulk_create(
        (
            Rate(tenant=tenant, home="SEK", currency=code, day=FIRST + timedelta(days=7 * week), rate=str(RATE[code]))
            for code in ("EUR", "NOK")
            for week in range(6)
        ),
        ignore_conflicts=True,
    )
