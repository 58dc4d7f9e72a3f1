"""Övningsbutiken AB, the company of the worked examples, and short ways to make its orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from samklang.accounting.chart import Chart, FeeRow, ProviderRow, profile
from samklang.accounting.company import Channel, Company
from samklang.accounting.fx import Exchange, FxRate
from samklang.accounting.voucher import Voucher
from samklang.records import Address, Charge, Customer, Order, OrderLine, PaymentTransaction, VatCheck

from .golden import lines_of

FEES = (
    FeeRow(provider="stripe", treatment="RC_EU"),
    FeeRow(provider="terminal", treatment="EXEMPT"),
)
CHART = Chart(profile("se_bas"), fees=FEES)


def company(chart: Chart = CHART, channels: Iterable[Channel] = (Channel(code="web"),), **more: Any) -> Company:
    return Company(
        code="ov",
        name="Övningsbutiken AB",
        org_no="556334-3689",
        chart=chart,
        channels={channel.code: channel for channel in channels},
        **{"oss": True, "keeps_invoices": False, **more},
    )


def chart(fees: Iterable[FeeRow] = FEES, providers: Iterable[ProviderRow] = (), accounts: Iterable[Any] = ()) -> Chart:
    return Chart(profile("se_bas"), accounts=accounts, fees=fees, providers=providers)


def exchange(*rates: tuple[str, str, str]) -> Exchange:
    """Rates to SEK as (currency, day, rate)."""
    return Exchange("SEK", [FxRate(code, date.fromisoformat(day), Decimal(rate)) for code, day, rate in rates])


def at(day: str) -> datetime:
    """Noon of the day, or the instant that is written out."""
    text = day if "T" in day else f"{day}T12:00:00"
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def line(gross: str, percent: str = "25", line_id: str = "", tax: str = "", **more: Any) -> OrderLine:
    """A line of one piece with its VAT taken out of the gross, as a shop states it."""
    total, rate = Decimal(gross), Decimal(percent)
    vat = Decimal(tax) if tax else (total * rate / (100 + rate)).quantize(Decimal("0.01"))
    return OrderLine(
        line_id=line_id or f"l{gross}-{percent}", quantity=Decimal(1), unit_price=total, net=total - vat, tax=vat,
        gross=total, tax_percent=rate, **more,
    )  # fmt: skip


def freight(gross: str, percent: str = "25", tax: str = "") -> Charge:
    sold = line(gross, percent, tax=tax)
    percent = Decimal(0) if tax else sold.tax_percent
    return Charge(kind="shipping", net=sold.net, tax=sold.tax, gross=sold.gross, tax_percent=percent)


def paid(provider: str, amount: str, day: str, id_: str = "", kind: Any = "capture", **more: Any) -> PaymentTransaction:
    return PaymentTransaction(
        kind=kind, provider=provider, amount=Decimal(amount), at=at(day), provider_id=id_, **more
    )  # fmt: skip


def order(
    number: str,
    lines: Iterable[OrderLine],
    *payments: PaymentTransaction,
    country: str = "SE",
    postcode: str = "",
    charges: Iterable[Charge] = (),
    customer: Customer | None = None,
    channel: str = "web",
    currency: str = "SEK",
    **more: Any,
) -> Order:
    lines, charges = tuple(lines), tuple(charges)
    parts = (*lines, *charges)
    address = Address(country=country, postcode=postcode)
    return Order(
        channel=channel, order_no=number, placed_at=at("2026-03-01"), currency=currency,
        customer=customer or Customer(name="Kund"), lines=lines, charges=charges,
        net=sum((part.net for part in parts), Decimal(0)), tax=sum((part.tax for part in parts), Decimal(0)),
        gross=sum((part.gross for part in parts), Decimal(0)), prices_include_tax=True, shipping=address,
        payments=payments, **more,
    )  # fmt: skip


def eu_company(country: str = "FI") -> Customer:
    """A company with a VAT number that VIES has confirmed."""
    return Customer(
        name="Oy", kind="company", vat_no=f"{country}12345678",
        vat_check=VatCheck(valid=True, checked_at=at("2026-03-01"), request_id="WAPIAAAA"),
    )  # fmt: skip


def seen(voucher: Voucher) -> tuple[str, list[tuple[str, str]]]:
    """A voucher as the worked examples write it."""
    return str(voucher.date), sorted((row.account, f"{row.amount:.2f}") for row in voucher.lines)


def assert_golden(voucher: Voucher, name: str) -> None:
    assert seen(voucher) == lines_of(name)
