"""What an order's journey shows of the books: the vouchers that rest on it."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from samklang.hub.looks.journeys import Station
from samklang.hub.models import Tenant
from samklang.reconciliation.models import Voucher, VoucherRef

_DONE = (Voucher.State.POSTED, Voucher.State.REVERSED)
_MOST = 4


def stations(tenant: Tenant, order: str) -> Iterator[Station]:
    """The order's vouchers, the oldest first, at most a few."""
    mine = Q(row=order) | Q(row__gte=f"{order}#", row__lt=f"{order}$")
    numbers = VoucherRef.objects.filter(mine, tenant=tenant).order_by("voucher").values("voucher").distinct()[:_MOST]
    for voucher in Voucher.objects.filter(tenant=tenant, pk__in=[row["voucher"] for row in numbers]).order_by("pk"):
        yield Station(
            "voucher", voucher.series, "done" if voucher.state in _DONE else "wait", voucher.number,
            voucher.posted_at or voucher.approved_at, text=voucher.state,
        )  # fmt: skip
