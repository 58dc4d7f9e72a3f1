"""Below the EU's threshold a shop may charge its own country's VAT on sales to consumers in the others (RECONCILIATION
§7.44). The shop charges; here it is only seen when it should not any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from samklang.accounting.company import Company
from samklang.accounting.fx import Exchange
from samklang.accounting.problems import Problem
from samklang.accounting.sales import Movement
from samklang.accounting.territory import in_eu, vat_country
from samklang.records import Order
from samklang.records.money import ZERO, rounded


def home_taxed_abroad(
    orders: Iterable[Order], movements: Iterable[Movement], company: Company, exchange: Exchange, year: int
) -> Decimal:
    """Net of a calendar year's sales into other EU countries that carry our own country's VAT, in the ledger's
    currency. Countries where the company is registered do not count."""
    ours = company.registrations | {company.country}
    abroad = {order.key for order in orders if in_eu(country := vat_country(order.shipping)) and country not in ours}
    home, total = f"vat.out.{company.country.lower()}.", ZERO
    for movement in movements:
        if movement.day.year == year and movement.order in abroad:
            net = sum((one.gross - one.tax for one in movement.portions if one.treatment.vat.startswith(home)), ZERO)
            total += net * exchange.rate(movement.currency, movement.chart_day)
    return rounded(total, exchange.currency)


def above_threshold(
    orders: Iterable[Order], movements: Iterable[Movement], company: Company, exchange: Exchange, today: date
) -> tuple[Problem, ...]:
    """A problem where such sales of this year are above what the profile allows, and the company is in no One Stop
    Shop."""
    most = company.chart.oss_threshold
    if company.oss or most is None:
        return ()
    total = home_taxed_abroad(orders, movements, company, exchange, today.year)
    if total <= most:
        return ()
    currency = exchange.currency
    return (
        Problem(
            code="VAT_DIFF",
            where=f"oss/{today.year}",
            what=f"Sales of {today.year} to other EU countries with VAT of {company.country} are {total} {currency}.",
            amount=total - most,
            currency=currency,
            do_this="Above the threshold the buyer's country has the VAT: join the One Stop Shop, charge its rates.",
        ),
    )
