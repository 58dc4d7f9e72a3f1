"""Totals of an order or invoice, computed as an ERP computes them: rows rounded to öre, VAT per rate on the document.

Not confirmed by a vendor document, as Fortnox describes no arithmetic: that an AMOUNT discount counts for the whole
row, that freight and fee carry 25 % VAT on the same side as the rows, and that rounding to whole kronor
("öresutjämning", a setting of the company) lands in RoundOff and in Total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

ORE = Decimal("0.01")
_FREIGHT_VAT = Decimal(25)


def ore(amount: Decimal) -> Decimal:
    """Rounded to öre, halves away from zero."""
    return amount.quantize(ORE, ROUND_HALF_UP)


def row_total(row: Mapping[str, Any], quantity: Decimal) -> Decimal:
    """Quantity × price − discount, on the side that the document's VATIncluded says."""
    total = quantity * Decimal(row.get("Price", 0))
    discount = Decimal(row.get("Discount", 0))
    if row.get("DiscountType", "PERCENT") == "AMOUNT":
        total -= discount
    else:
        total -= total * discount / 100
    return ore(total)


def totals(
    rows: Sequence[Mapping[str, Any]], *, vat_included: bool, freight: Decimal, fee: Decimal, whole_kronor: bool
) -> dict[str, Decimal]:
    """Gross, Net, TotalVAT, RoundOff, Total, TotalToPay, FreightVAT, AdministrationFeeVAT. Rows carry Total and VAT."""
    by_rate: dict[Decimal, Decimal] = defaultdict(Decimal)
    for row in rows:
        by_rate[Decimal(row.get("VAT", 0))] += row["Total"]
    by_rate[_FREIGHT_VAT] += freight + fee
    given = sum(by_rate.values(), Decimal(0))
    vat = sum((_vat(amount, rate, vat_included) for rate, amount in by_rate.items()), Decimal(0))
    exact = given if vat_included else given + vat
    total = exact.quantize(Decimal(1), ROUND_HALF_UP) + Decimal("0.00") if whole_kronor else exact
    goods = given - freight - fee
    return {
        "Gross": ore(goods),
        "Net": ore(exact - vat),
        "TotalVAT": ore(vat),
        "RoundOff": ore(total - exact),
        "Total": ore(total),
        "TotalToPay": ore(total),
        "FreightVAT": _vat(freight, _FREIGHT_VAT, vat_included),
        "AdministrationFeeVAT": _vat(fee, _FREIGHT_VAT, vat_included),
    }


def _vat(amount: Decimal, rate: Decimal, included: bool) -> Decimal:
    return ore(amount * rate / (100 + rate) if included else amount * rate / 100)
