"""Which sales and VAT role a sold line has: by delivery country, buyer, and the source's word (RECONCILIATION §2–§3).

The rate is always the shop's. It is judged here, never replaced: a sale without VAT that needed some is a problem for a
person, not a number to make up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from samklang.accounting.company import Company
from samklang.accounting.problems import Refused
from samklang.accounting.territory import in_eu, vat_country
from samklang.records import Charge, Order, OrderLine


class Treatment(NamedTuple):
    """Roles for net and VAT (empty where no VAT can stand), and the territory and rate that controls count by."""

    sales: str
    vat: str
    country: str
    percent: Decimal


def rate_name(percent: Decimal) -> str:
    """A rate as roles spell it: 25, 25,5 → `25_5`, because a point separates the families of a role."""
    return format(percent, "f").replace(".", "_")


def treatment(order: Order, part: OrderLine | Charge, percent: Decimal, company: Company) -> Treatment:
    """The treatment of a line, or of the part of a charge that is taxed at `percent`.

    Refused (VAT_DIFF) when the sale cannot have been taxed like this: an EU company without a valid VAT number, a
    consumer without VAT, a rate where none can be.
    """
    if isinstance(part, OrderLine) and part.kind == "gift_card_mpv":
        return _gift_card(order, part)
    country = vat_country(order.shipping) or vat_country(order.billing) or company.country
    if part.tax_scheme == "deemed_supplier":
        return Treatment("sales.deemed_supplier", "", country, percent)
    if country in company.registrations:
        return _domestic(country, percent, "rc" if part.tax_category == "AE" else "0")
    if in_eu(country):
        return _union(order, part, country, percent, company)
    if percent == 0:
        return Treatment("sales.export", "", country, percent)
    if part.tax_scheme == "voec":
        return Treatment("sales.export", f"vat.out.voec.{country}.{rate_name(percent)}", country, percent)
    raise Refused(
        "VAT_DIFF",
        order.key,
        f"{percent} % VAT on a sale to {country}, which is no EU country.",
        currency=order.currency,
    )


def needs_vat_number(order: Order) -> bool:
    """Whether the order is sold without VAT to a company in the EU whose number nobody has checked yet."""
    return bool(order.customer.vat_no) and order.customer.vat_check is None and order.tax == 0


def _gift_card(order: Order, line: OrderLine) -> Treatment:
    """A multi-purpose card is a debt, not a sale: it is taxed when it is used (edge case 38)."""
    if line.tax:
        raise Refused(
            "VAT_DIFF",
            order.key,
            "A multi-purpose gift card was sold with VAT.",
            amount=line.tax,
            currency=order.currency,
            do_this="Sell it without VAT, or mark it as a single-purpose card.",
        )
    return Treatment("liability.giftcard", "", "", line.tax_percent)


def _domestic(country: str, percent: Decimal, untaxed: str = "0") -> Treatment:
    if percent == 0:
        return Treatment(f"sales.{country.lower()}.{untaxed}", "", country, percent)
    name = f"{country.lower()}.{rate_name(percent)}"
    return Treatment(f"sales.{name}", f"vat.out.{name}", country, percent)


def _union(order: Order, part: OrderLine | Charge, country: str, percent: Decimal, company: Company) -> Treatment:
    """Another EU country: One Stop Shop, home rate below the threshold, or a company that accounts for it itself."""
    if percent > 0:
        if company.oss and part.tax_scheme in ("", "oss_union"):
            return Treatment(f"sales.eu.b2c.{country}", f"vat.out.oss.{country}.{rate_name(percent)}", country, percent)
        return _domestic(company.country, percent)
    check = order.customer.vat_check
    if order.customer.vat_no and check is not None and check.valid:
        return Treatment("sales.eu.b2b", "", country, percent)
    what = f"Sold to {country} without VAT, but no valid VAT number is stored with the order."
    if check is not None:
        what = f"Sold to {country} without VAT, but VIES does not know {order.customer.vat_no}."
    raise Refused(
        "VAT_DIFF",
        order.key,
        what,
        amount=order.gross,
        currency=order.currency,
        do_this="Check the buyer's number in VIES and store the answer, or charge VAT as to a consumer.",
    )
