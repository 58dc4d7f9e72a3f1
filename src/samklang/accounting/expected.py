"""What providers owe: every capture and refund that was booked, and what was open when the books began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from samklang.accounting.company import Company, Model
from samklang.accounting.draft import Draft
from samklang.accounting.sales import Movement
from samklang.accounting.voucher import Voucher
from samklang.records.money import ZERO


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """One amount to be found in a statement. Captures are positive, refunds negative.

    `amount` is in `currency`, `booked` what stands on the provider's clearing account (model A) or on the open invoice
    (model B) for it, in the ledger's. `id` is the payment's; that of an opening item comes from the list.
    """

    id: str
    provider: str
    provider_id: str
    channel: str
    order: str
    order_no: str
    day: date
    currency: str
    amount: Decimal
    booked: Decimal
    model: Model = "day"


def expected(found: Iterable[Movement], vouchers: Iterable[Voucher]) -> tuple[Expected, ...]:
    """The movements that were booked, each with its value in the ledger. Unbooked ones are not expected yet.

    Gift cards, cash and invoices without a provider are no receivable of a provider: `vouchers` hold no line of theirs
    with a party to pay them out.
    """
    booked = booked_values(vouchers)
    return tuple(
        Expected(
            id=movement.id,
            provider=movement.provider,
            provider_id=movement.provider_id,
            channel=movement.channel,
            order=movement.order,
            order_no=movement.order_no,
            day=movement.day,
            currency=movement.currency,
            amount=movement.amount,
            booked=booked[movement.id].amount,
            model="invoice" if booked[movement.id].on_invoice else "day",
        )
        for movement in found
        if movement.kind != "delivered" and movement.id in booked
    )


class Value(NamedTuple):
    """What a sale put on the provider's clearing account, or on the open invoice that the provider will pay."""

    amount: Decimal
    on_invoice: bool


def booked_values(vouchers: Iterable[Voucher]) -> Mapping[str, Value]:
    """Payment id → its value in the ledger."""
    found: dict[str, Value] = {}
    for voucher in vouchers:
        for line in voucher.lines:
            if owed_by_provider(line.role, line.party):
                for ref in line.refs:
                    before = found[ref.id].amount if ref.id in found else ZERO
                    found[ref.id] = Value(before + ref.amount, line.role == "receivable.invoice")
    return found


def owed_by_provider(role: str, party: str) -> bool:
    """Whether a line is part of what a provider owes: its clearing account, or an open invoice that it will pay out."""
    if role == "receivable.invoice":
        return party not in ("", "invoice")
    return role in ("receivable.terminal", "receivable.marketplace") or (
        role.startswith("receivable.psp.") and role != "receivable.psp.reserve"
    )


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """One order that was sold before the books began here and not yet paid out (edge case 52). `booked` is in the
    ledger's currency and stands there already; `amount` is what the provider will state, in `currency`."""

    id: str
    provider: str
    channel: str
    order_no: str
    day: date
    amount: Decimal
    currency: str
    booked: Decimal
    provider_id: str = ""


def opening_items(items: Iterable[Opening]) -> tuple[Expected, ...]:
    """The opening list as amounts to be found in statements."""
    return tuple(Expected(order=f"{item.channel}/{item.order_no}", **msgspec.structs.asdict(item)) for item in items)


def opening_voucher(items: Iterable[Opening], counter_role: str, on: date, company: Company) -> Voucher | None:
    """The opening list as a voucher against the account that holds the sum today, for a ledger that kept it as one."""
    draft = Draft(company)
    for item in items:
        ref = ("opening", item.id)
        draft.post(company.chart.receivable(item.provider, on), item.booked, ref, on, party=item.provider)
        draft.post(counter_role, -item.booked, ref, on)
    text = company.chart.text("opening", day=on)
    return draft.voucher("opening", on, text, f"{company.code}/opening/{on}")
