"""What a company has decided about its books: chart, VAT registrations, channels, limits, what to do with problems."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from samklang.accounting.chart import Chart
from samklang.accounting.problems import Code, Policy, Refused
from samklang.accounting.voucher import Source
from samklang.records import Order
from samklang.records.money import ZERO

#: Day: one voucher per day on the providers' clearing accounts. Invoice: one invoice per capture, closed by its payout.
Model = Literal["day", "invoice"]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One shop. `time_zone` is the shop's: it says on which day something was sold.

    `dimensions` stand on the channel's result lines (1 cost centre, 6 project). `defer_until_delivery`: what is paid in
    one month and delivered in a later one is a liability until then. `order_prefix` is what the provider's references
    put before the order number. `models` chooses another model for sales through these providers.
    """

    code: str
    model: Model = "day"
    models: Mapping[str, Model] = {}
    time_zone: str = "Europe/Stockholm"
    dimensions: Mapping[str, str] = {}
    defer_until_delivery: bool = False
    order_prefix: str = ""


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """A legal entity and its ledger.

    `registrations`: countries where it is registered for VAT, its own among them. `oss`: sales to consumers in other
    EU countries are declared in the One Stop Shop. `keeps_invoices`: the ledger has a sub-ledger that takes invoices
    and their payments; one that takes only vouchers (a SIE import) gets the open invoices as lines of the day's.
    `begins`: what was sold or paid out before this day stands in the ledger already; of it only an opening list counts.
    `revalue`: what providers owe in other currencies is valued at each month's closing rate, and back the next day.
    `tolerance`: how much an order and its payment may differ before a person must look. `bank_tolerance`: how much a
    bank may keep of a payout. `locked_before`: nothing is dated before this day. `row_limit`: most lines a voucher of
    the ledger may hold.
    """

    code: str
    name: str
    chart: Chart
    channels: Mapping[str, Channel]
    org_no: str = ""
    country: str = "SE"
    currency: str = "SEK"
    registrations: frozenset[str] = frozenset({"SE"})
    oss: bool = False
    keeps_invoices: bool = True
    revalue: bool = False
    tolerance: Decimal = Decimal("0.50")
    bank_tolerance: Decimal = ZERO
    begins: date = date.min
    locked_before: date = date.min
    row_limit: int = 1000
    series: Mapping[Source, str] = {}
    default_series: str = "I"
    policies: Mapping[Code, Policy] = {}

    def channel(self, order: Order) -> Channel:
        """The order's channel. Refused (ACCOUNT_MISSING) for one that the settings do not know."""
        if order.channel not in self.channels:
            raise Refused(
                "ACCOUNT_MISSING",
                order.key,
                f"The channel {order.channel} has no bookkeeping settings.",
                do_this="Say how the channel's orders are to be booked.",
            )
        return self.channels[order.channel]

    def model(self, order: Order) -> Model:
        """How this order is booked: invoices are forced for companies and for sales on invoice (RECONCILIATION §1)."""
        buyer = order.customer
        on_invoice = any(payment.provider == "invoice" for payment in order.payments)
        if buyer.kind == "company" or buyer.vat_no or on_invoice:
            return "invoice"
        channel = self.channel(order)
        paid = {channel.models.get(p.provider, channel.model) for p in order.payments if p.kind == "capture"}
        return paid.pop() if len(paid) == 1 else channel.model

    def policy(self, code: Code) -> Policy:
        """What is done with a problem of this kind; to stop is the default."""
        return self.policies.get(code, "block")

    def series_of(self, source: Source) -> str:
        """The voucher series of the ledger."""
        return self.series.get(source, self.default_series)

    def open_day(self, day: date) -> date:
        """The day itself, or the first open one where it is locked (RECONCILIATION §7.5: payouts only)."""
        return max(day, self.locked_before)

    def check_open(self, day: date, where: str) -> None:
        """Refused (PERIOD_LOCKED) for a day in a closed period."""
        if day < self.locked_before:
            raise Refused(
                "PERIOD_LOCKED", where, f"{day} lies in a closed period; the first open day is {self.locked_before}."
            )
