"""Captures and refunds at payment providers: whole minor units, keys that make repeating harmless, lines that add up.

Amounts are counted in minor units here and nowhere else, so that an öre cannot be lost on the way to a provider.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Literal

import msgspec

from samklang.connectors.contract import Want
from samklang.connectors.errors import Rejected
from samklang.records import Capture, InvalidRecord, Refund
from samklang.records.money import from_minor_units, minor_units

_SPACE = uuid.UUID("7c0b6a52-3c1f-5a3e-9f0d-2b1d4a6c8e10")  # ours, so that no other program makes the same keys
_MOST_ROUNDING = Decimal(1)  # of the currency's main unit; more is no rounding but a line that is missing


def idempotency_key(want: Want, payment_id: str) -> str:
    """A UUID that is the same each time this record is sent for this payment, whatever its amount has become."""
    return str(uuid.uuid5(_SPACE, f"{want.record.type}|{payment_id}|{want.reference}"))


def short(text: str, most: int) -> str:
    """The text, or where it is too long its beginning and a digest, so that two long ones still differ."""
    if len(text) <= most:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{text[: most - 17]}~{digest}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line in whole minor units. `gross` includes `tax`; below 0 for a gift card. `rate` is per cent × 100 (2500)."""

    reference: str
    name: str
    kind: str
    quantity: Decimal
    gross: int
    tax: int
    rate: int

    def priced(self, total: int) -> tuple[Decimal, int, int]:
        """(whole pieces, price of one, discount) so that pieces × price − discount is the total, for systems that
        multiply. What is sold by weight, and what is below 0, counts as one piece."""
        if self.quantity <= 0 or self.quantity != self.quantity.to_integral_value() or total < 0:
            return Decimal(1), total, 0
        price = int((Decimal(total) / self.quantity).to_integral_value(ROUND_CEILING))
        return self.quantity, price, price * int(self.quantity) - total


def rows(record: Capture | Refund) -> list[Row]:
    """The lines; their sum is the amount to the öre: what rounding leaves over is a line of its own.

    InvalidRecord when more than a krona is left over: then a line is missing, and the provider would refuse.
    """
    found = [
        Row(
            reference=line.sku or line.line_id, name=line.name or _NAMES.get(line.kind, line.sku or line.line_id),
            kind=line.kind, quantity=line.quantity, gross=minor_units(line.gross, record.currency),
            tax=minor_units(line.tax, record.currency), rate=int(line.tax_percent * 100),
        )
        for line in record.lines
    ]  # fmt: skip
    left = minor_units(record.amount, record.currency) - sum(row.gross for row in found)
    if not found or not left:
        return found
    if abs(from_minor_units(left, record.currency)) > _MOST_ROUNDING:
        said = from_minor_units(sum(row.gross for row in found), record.currency)
        raise InvalidRecord("lines", said, f"does not add up to {record.amount}", "Correct the lines or the amount.")
    return [
        *found, Row(reference="rounding", name=_NAMES["rounding"], kind="rounding", quantity=Decimal(1), gross=left,
                    tax=0, rate=0),
    ]  # fmt: skip


#: What buyers read on their invoice where a line has no name of its own.
_NAMES = {"gift_card": "Presentkort", "rounding": "Öresavrundning", "shipping": "Frakt", "fee": "Avgift"}


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A capture or refund that the provider has already: of this record, of another of ours, or of somebody else."""

    id: str
    amount: int
    whose: Literal["this", "ours", "other"]


def done_before(want: Want, there: Sequence[Moved], left: int) -> str:
    """The provider's id of what was moved for this record already, "" when it is to be asked for it.

    `there` is what the provider has moved at this payment, `left` how much more it can move. What somebody else moved
    (by hand in the provider's portal, or a plugin of the shop) is taken for it when too little is left to move it again
    and it alone has this very amount. Rejected where only a person can tell.
    """
    record = want.record
    assert isinstance(record, Capture | Refund)
    amount, what = minor_units(record.amount, record.currency), _WHAT[record.type]
    for one in there:
        if one.whose == "this":
            if one.amount != amount:
                moved = from_minor_units(one.amount, record.currency)
                raise Rejected(
                    f"{moved} {record.currency} was {what} already, now it should be {record.amount}",
                    where=want.key, do_this="Settle the difference in the provider's portal, then mark this as done.",
                )  # fmt: skip
            return one.id
    alike = [one for one in there if one.whose == "other" and one.amount == amount]
    if len(alike) == 1 and left < amount:
        return alike[0].id
    if alike:
        raise Rejected(
            f"Somebody else has {what} {record.amount} {record.currency} of this payment already",
            where=f"{want.key} {alike[0].id}",
            do_this="Look in the provider's portal whether it is for this. If so mark this as done, else do it there "
            "by hand; and let only one system do it from now on, the shop's plugin or this one.",
        )  # fmt: skip
    return ""


_WHAT = {"capture": "captured", "refund": "refunded"}
