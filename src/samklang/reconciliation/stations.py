"""What an order's journey shows of the books: the vouchers that rest on it."""

from __future__ import annotations

from collections.abc import Iterator

from samklang.hub.looks.journeys import Station
from samklang.hub.looks.rows import hanging, hangs
from samklang.hub.models import Tenant
from samklang.reconciliation.models import Voucher, VoucherRef

_DONE = (Voucher.State.POSTED, Voucher.State.REVERSED)
_MOST = 4
_REFS = 1000  # of one order: a few for each voucher


def stations(tenant: Tenant, order: str) -> Iterator[Station]:
    """The order's vouchers, the oldest first, at most a few."""
    rows = VoucherRef.objects.filter(hanging(order, "row"), tenant=tenant).values_list("row", "voucher")[:_REFS]
    numbers = sorted({voucher for row, voucher in rows if hangs(order, row)})[:_MOST]
    for voucher in Voucher.objects.filter(tenant=tenant, pk__in=numbers).order_by("pk"):
        yield Station(
            "voucher", voucher.series, "done" if voucher.state in _DONE else "wait", voucher.number,
            voucher.posted_at or voucher.approved_at, text=voucher.state,
        )  # fmt: skip
