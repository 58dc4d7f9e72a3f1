"""Klarna's payouts with their transactions, at the Settlements API v1: each as one paper that proves itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from samklang.connectors.contract import Paper
from samklang.connectors.kit.paging import by_number
from samklang.connectors.klarna.client import good
from samklang.connectors.transport import Transport

_PAGE = 500  # most that Klarna gives at once


class Paging(msgspec.Struct):
    """How many rows there are in all, where Klarna says."""

    total: int | None = None


class Page(msgspec.Struct):
    """A page of a list. Rows stay as they came: what they mean is the statement reader's business."""

    pagination: Paging
    payouts: list[dict[str, Any]] = []
    transactions: list[dict[str, Any]] = []


class Payouts:
    """Reads one merchant account."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def papers(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        """The payouts since the day; the reference, which also stands on the bank statement, names them."""
        rows = list(self._pages("payouts", start_date=f"{since}T00:00:00Z"))
        for row in sorted(rows, key=lambda row: (row["payout_date"], row["payment_reference"])):
            name = f"klarna-{row['payment_reference']}.json"
            if not known(name):
                yield Paper(name, self._whole(row), date.fromisoformat(row["payout_date"][:10]))

    def _whole(self, payout: Mapping[str, Any]) -> bytes:
        rows = list(self._pages("transactions", payment_reference=payout["payment_reference"]))
        paging = {"count": len(rows), "total": len(rows), "offset": 0}
        return msgspec.json.encode({"payout": payout, "transactions": {"transactions": rows, "pagination": paging}})

    def _pages(self, what: str, **query: Any) -> Iterator[dict[str, Any]]:
        """All rows of a list."""

        def page(number: int) -> tuple[list[dict[str, Any]], int]:
            asked = {**query, "size": _PAGE, "offset": number * _PAGE}
            answer = good(self._transport.request("GET", f"/settlements/v1/{what}", params=asked, expect=(403, 404)))
            found = answer.of(Page)
            rows = found.payouts if what == "payouts" else found.transactions
            before = number * _PAGE + len(rows)
            total = found.pagination.total
            return rows, before + (len(rows) == _PAGE) if total is None else total

        for some in by_number(what, page, _PAGE, self._transport):
            yield from some.rows
