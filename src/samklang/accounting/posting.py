"""What the ledger still has to get: new vouchers, and corrections of posted ones that have turned out otherwise.

A late order belongs to a day whose voucher is posted, a refund has failed after all: the posted voucher is taken back
and posted again, both in the open period, never edited (RECONCILIATION §3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.places import order_of
from samklang.accounting.voucher import Voucher, base_key, correction, next_key, reversal, standing, version


def outstanding(
    vouchers: Iterable[Voucher], posted: Sequence[Voucher], orders: Collection[str], today: date, company: Company,
    refused: Collection[str] = (),
) -> tuple[Voucher, ...]:  # fmt: skip
    """Vouchers to post, in the order of posting. Posting them and asking again gives none.

    `vouchers` are what the facts say (books.py), `posted` what the ledger has. `orders` are the keys of the orders that
    the facts hold: a posted sale or refund of these orders alone that the facts no longer give is reversed. `refused`
    are those that could not be booked: what is posted of them stays until a person has mended them.
    """
    on = company.open_day(today)
    ledger = [voucher for voucher in posted if not voucher.reverses]
    valid = {voucher.key for voucher in standing(posted)}
    latest = {base_key(voucher.key): voucher for voucher in sorted(ledger, key=lambda voucher: version(voucher.key))}
    derived: set[str] = set()
    known, stopped = set(orders), set(refused)
    waiting = {old.key for old in latest.values() if stopped and _orders_of(old) & stopped}
    wanted: list[Voucher] = []
    for voucher in vouchers:
        derived.add(voucher.key)
        old = latest.get(voucher.key)
        if old is None:
            wanted.append(voucher)
        elif old.key not in valid:
            wanted.append(msgspec.structs.replace(voucher, key=next_key(old), date=on))
        elif old.key not in waiting:
            wanted += correction(old, voucher, on, _taken_back(old, company))
    gone = [
        old
        for base, old in sorted(latest.items())
        if base not in derived and old.key in valid - waiting and _is_of(old, known)
    ]
    return (*(reversal(old, on, _taken_back(old, company)) for old in gone), *wanted)


def _taken_back(voucher: Voucher, company: Company) -> str:
    return company.chart.text("reversal", text=voucher.text)


def _is_of(voucher: Voucher, orders: set[str]) -> bool:
    """Whether the voucher is one of sales or refunds, and all of them are of these orders."""
    return voucher.source in ("sales", "refunds", "invoice", "invoice_part") and _orders_of(voucher) <= orders


def _orders_of(voucher: Voucher) -> set[str]:
    return {order_of(ref.id) for line in voucher.lines for ref in line.refs if ref.kind == "payment"}
