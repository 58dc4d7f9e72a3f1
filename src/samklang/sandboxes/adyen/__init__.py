"""Adyen's reports as a sandbox: a merchant account whose batches are closed into settlement details reports.

A buyer's payment is `pay`, `refund` gives of it back, `close_batch` is Adyen's own schedule. Amounts are decimal texts
in major units. The commission is 1.5 %: a figure of no merchant's contract.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import urllib3
from starlette.requests import Request
from starlette.routing import Route

from samklang.sandboxes.payments import Body, Provider, Refused, Reply, utc_now

ACCOUNT, USER, PASSWORD = "OvningSE", "report@Company.Ovning", "sandbox"  # of a stand-in, the same everywhere
COLUMNS = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date",
    "TimeZone", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)",
    "Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)",
    "Scheme Fees (NC)", "Interchange (NC)", "Payment Method Variant", "Modification Merchant Reference", "Batch Number",
)  # fmt: skip
_COMMISSION, _CENT = Decimal("0.015"), Decimal("0.01")


class AdyenSandbox(Provider):
    """A merchant account in SEK."""

    actions = ("pay", "refund", "close_batch")

    def __init__(self, now: Callable[[], datetime] = utc_now, first_batch: int = 1) -> None:
        self.reports: dict[str, bytes] = {}
        self._open: list[dict[str, str]] = []
        self._due = Decimal(0)
        self._orders: dict[str, str] = {}
        self._numbers, self._batches = itertools.count(1), itertools.count(first_batch)
        super().__init__(now)

    # ------------------------------------------------------------------------------------------------ by hand

    def pay(self, amount: str, order: str = "") -> str:
        """A payment is captured; gives its reference."""
        psp, gross = self._reference(), Decimal(amount)
        self._orders[psp] = order
        fee = (gross * _COMMISSION).quantize(_CENT)
        credit = {"Gross Credit (GC)": f"{gross:.2f}", "Net Credit (NC)": f"{gross - fee:.2f}"}
        self._row("Settled", gross - fee, psp, **credit, **{"Commission (NC)": f"{fee:.2f}"})
        return psp

    def refund(self, psp: str, amount: str) -> str:
        """Money goes back; gives the refund's reference."""
        gross = Decimal(amount)
        return self._row(
            "Refunded", -gross, psp, **{"Gross Debit (GC)": f"{gross:.2f}", "Net Debit (NC)": f"{gross:.2f}"}
        )

    def close_batch(self) -> str:
        """What is due is paid, and stated; gives the report's name, "" when nothing is due."""
        if self._due <= 0:
            return ""
        self._row("MerchantPayout", -self._due, **{"Net Debit (NC)": f"{self._due:.2f}"})
        number = next(self._batches)
        text = io.StringIO()
        out = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
        out.writeheader()
        out.writerows({**row, "Batch Number": str(number)} for row in self._open)
        self._open = []
        name = f"settlement_detail_report_batch_{number}.csv"
        self.reports[name] = text.getvalue().encode()
        return name

    def snapshot(self) -> Mapping[str, Any]:
        return {name: data.decode() for name, data in self.reports.items()}

    def _reference(self) -> str:
        return f"{next(self._numbers):016}"

    def _row(self, type_: str, net: Decimal, psp: str = "", **cells: str) -> str:
        self._due += net
        reference = self._reference()
        gross = {"Gross Currency": "SEK", "Exchange Rate": "1", "Payment Method": "visa"} if psp else {}
        self._open.append({
            "Company Account": "Ovning", "Merchant Account": ACCOUNT, "Psp Reference": psp,
            "Merchant Reference": self._orders.get(psp, ""), "Creation Date": f"{self.now():%Y-%m-%d %H:%M:%S}",
            "TimeZone": "UTC", "Type": type_, "Modification Reference": reference, "Net Currency": "SEK", **gross,
            **cells,
        })  # fmt: skip
        return reference

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        return [self.endpoint("/reports/download/MerchantAccount/{account}/{name}", "GET", self._report)]

    def login(self, request: Request) -> None:
        right = urllib3.make_headers(basic_auth=f"{USER}:{PASSWORD}")["authorization"]
        if request.headers.get("authorization") != right:
            raise Refused(Reply(401))

    def _report(self, names: Mapping[str, str], _: Body) -> Reply:
        data = self.reports.get(names["name"]) if names["account"] == ACCOUNT else None
        return Reply(404) if data is None else Reply(200, data, {"Content-Type": "text/csv"})
