"""What an order's captures and refunds mean for the books: one movement each, on the shop's day (RECONCILIATION §3).

An order is read from its payments alone. Authorised money is no money; a capture is a sale, a refund takes back what
was sold, at the rate, country and accounts of the sale. Disputes come from the provider's statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from samklang.accounting.company import Company, Model
from samklang.accounting.draft import Draft
from samklang.accounting.fx import Exchange
from samklang.accounting.mix import Mix, Portion
from samklang.accounting.places import Place, place
from samklang.accounting.problems import Refused
from samklang.records import Order, PaymentTransaction
from samklang.records.money import ZERO, rounded, split
from samklang.records.times import business_date

Kind = Literal["sales", "refunds", "prepaid", "delivered"]


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One capture or refund as it is booked. `amount` is money in the order's currency, in positive, back negative.

    `id` names the payment, `day` is when it counts, `chart_day` the day of the sale, whose accounts and rate it takes.
    `rounding` is what the payment differs from the lines by. `portions` is empty while a prepayment waits. `part`: it
    is a capture of less than the whole order. `own`: it is a paper of its own in the ledger.
    """

    kind: Kind
    id: str
    order: str
    order_no: str
    channel: str
    model: Model
    provider: str
    provider_id: str
    day: date
    chart_day: date
    currency: str
    amount: Decimal
    rounding: Decimal = ZERO
    portions: tuple[Portion, ...] = ()
    part: bool = False
    own: bool = False


def payment_id(order: Order, payment: PaymentTransaction) -> str:
    """What names a transaction in references: a capture's own id, since one order may have several (edge case 2)."""
    own = payment.provider_id or payment.at.isoformat()
    return f"{order.key}#{payment.kind}/{payment.provider}/{own}"


def booked_payments(order: Order) -> tuple[PaymentTransaction, ...]:
    """Captures and refunds that were carried out, each once, oldest first; none of test orders (edge case 27)."""
    if order.test or order.lifecycle == "draft":
        return ()
    found = {
        payment_id(order, payment): payment
        for payment in order.payments
        if payment.kind in ("capture", "refund") and payment.state == "ok" and not payment.test
    }
    return tuple(sorted(found.values(), key=lambda payment: (payment.at, payment.kind, payment.provider_id)))


def movements(
    order: Order, company: Company, delivered: date | None = None, stands: Place | None = None
) -> tuple[Movement, ...]:
    """All movements of an order; `delivered` is asked for where the channel defers prepayments. `stands` is where some
    of it is posted already.

    Refused (VAT_DIFF, AMOUNT_DIFF) for the whole order: half an order's money is no truth about it. Refused
    (ORDER_WITHOUT_TX) when the source says that it is paid, but not by which transactions.
    """
    payments = booked_payments(order)
    never = order.test or order.lifecycle in ("draft", "cancelled", "expired")
    if order.paid and not order.payments and not never:
        raise Refused(
            "ORDER_WITHOUT_TX",
            order.key,
            "The order is paid, but its source names no transaction.",
            amount=order.paid,
            currency=order.currency,
            do_this="Let the connection read the order's payments, or book it by hand.",
        )
    return tuple(_Reading(order, company, delivered, stands).read(payments)) if payments else ()


class _Reading:
    """One pass over an order's payments with its mix; money that waits for delivery is kept beside it."""

    def __init__(self, order: Order, company: Company, delivered: date | None, stands: Place | None) -> None:
        self._order = order
        self._company = company
        self._channel = company.channel(order)
        self._place = stands or place(order, company)
        self._mix = Mix(order, company)
        self._delivered = delivered
        self._waiting = ZERO
        self._captured: dict[str, date] = {}

    def read(self, payments: tuple[PaymentTransaction, ...]) -> Iterator[Movement]:
        for payment in payments:
            day = business_date(payment.at, self._channel.time_zone)
            if self._waiting and self._delivered is not None and day >= self._delivered:
                yield self._deliver(payment, self._delivered)
            yield self._capture(payment, day) if payment.kind == "capture" else self._refund(payment, day)
        if self._waiting and self._delivered is not None:
            yield self._deliver(payments[0], self._delivered)

    def _capture(self, payment: PaymentTransaction, day: date) -> Movement:
        self._captured.setdefault(payment.provider_id, day)
        if self._channel.defer_until_delivery and _later_month(self._delivered, day):
            self._waiting += payment.amount
            return self._movement("prepaid", payment, day, payment.amount)
        return self._sell("sales", payment, day, payment.amount)

    def _sell(self, kind: Kind, payment: PaymentTransaction, day: date, amount: Decimal) -> Movement:
        left = self._mix.left
        rounding = amount - left
        if rounding > self._company.tolerance:
            raise self._differs(rounding, f"{amount} was captured, but only {left} of the order is left.")
        if rounding < -self._company.tolerance:
            rounding = ZERO  # a partial capture: the rest is captured later, or never
        earlier = bool(self._mix.taken)
        portions = self._mix.take(amount - rounding, payment.parts if kind == "sales" else ())
        made = self._movement(kind, payment, day, amount, rounding, portions)
        return msgspec.structs.replace(made, part=True) if earlier or self._mix.left else made

    def _refund(self, payment: PaymentTransaction, day: date) -> Movement:
        if self._waiting:
            if payment.amount > self._waiting:
                raise self._differs(payment.amount - self._waiting, "More was paid back than the buyer had prepaid.")
            self._waiting -= payment.amount
            return self._movement("prepaid", payment, day, -payment.amount)
        excess = max(ZERO, payment.amount - self._mix.taken)
        if excess > self._company.tolerance:
            raise self._differs(excess, f"{payment.amount} was refunded, but only {self._mix.taken} was captured.")
        portions = self._mix.give_back(payment.amount - excess, payment.parts)
        return self._movement("refunds", payment, day, -payment.amount, -excess, portions)

    def _deliver(self, payment: PaymentTransaction, day: date) -> Movement:
        amount, self._waiting = self._waiting, ZERO
        return self._sell("delivered", payment, day, amount)

    def _movement(
        self,
        kind: Kind,
        payment: PaymentTransaction,
        day: date,
        amount: Decimal,
        rounding: Decimal = ZERO,
        portions: tuple[Portion, ...] = (),
    ) -> Movement:
        return Movement(
            kind=kind,
            id=payment_id(self._order, payment),
            order=self._order.key,
            order_no=self._order.order_no,
            channel=self._order.channel,
            model=self._place.model,
            provider=payment.provider,
            provider_id=payment.provider_id,
            day=day,
            chart_day=self._sold_on(kind, payment, day),
            currency=self._order.currency,
            amount=amount,
            rounding=rounding,
            portions=portions,
            own=self._place.own and kind in ("sales", "refunds"),
        )

    def _sold_on(self, kind: Kind, payment: PaymentTransaction, day: date) -> date:
        """A capture's own day; for what follows it, the day of the capture that it names, else of the first."""
        if payment.kind == "capture" and kind != "delivered":
            return day
        first = next(iter(self._captured.values()), day)
        return self._captured.get(payment.parent_id, first) if payment.parent_id else first

    def _differs(self, amount: Decimal, what: str) -> Refused:
        return Refused("AMOUNT_DIFF", self._order.key, what, amount=amount, currency=self._order.currency)


def _later_month(delivered: date | None, paid: date) -> bool:
    return delivered is None or (delivered.year, delivered.month) > (paid.year, paid.month)


def post(draft: Draft, movement: Movement, company: Company, exchange: Exchange) -> None:
    """Add one movement to a draft, in the ledger's currency at the rate of the sale's day.

    The money is converted first and shared out over the portions, so that the voucher balances whatever the rate is;
    VAT is converted by itself, the net takes the rest.
    """
    day, home = movement.chart_day, exchange.currency
    rate = exchange.rate(movement.currency, day)
    currency = "" if movement.currency == home else movement.currency
    ref = ("payment", movement.id)
    amount, rounding = rounded(movement.amount * rate, home), rounded(movement.rounding * rate, home)
    role, party, item = _money_place(movement, company)
    money = movement.amount if currency else None
    draft.post(role, amount, ref, day, party=party, item=item, foreign=money, currency=currency)
    if movement.kind == "prepaid":
        draft.post("liability.prepaid", -amount, ref, day)
        return
    draft.post("rounding", -rounding, ref, day)
    portions = movement.portions
    grosses = split(amount - rounding, [portion.gross for portion in portions], home)
    for portion, gross in zip(portions, grosses, strict=True):
        found, tax = portion.treatment, rounded(portion.tax * rate, home)
        net = portion.tax - portion.gross if currency else None
        draft.post(found.sales, tax - gross, ref, day, country=found.country, foreign=net, currency=currency)
        if found.vat:
            draft.post(
                found.vat, -tax, ref, day, text=portion.text, country=found.country, percent=found.percent,
                foreign=-portion.tax if currency else None, currency=currency,
            )  # fmt: skip


def _money_place(movement: Movement, company: Company) -> tuple[str, str, str]:
    """Role of the line that holds the money, the provider that owes it, the order where it is an open item."""
    if movement.kind == "delivered":
        return "liability.prepaid", "", ""
    chart, day = company.chart, movement.chart_day
    own_role = chart.receivable(movement.provider, day)
    invoiced = movement.model == "invoice" and not chart.provider(movement.provider, day).orderless
    if invoiced and own_role.startswith("receivable.") and movement.kind != "prepaid":
        return "receivable.invoice", movement.provider, movement.order
    return own_role, movement.provider, ""
