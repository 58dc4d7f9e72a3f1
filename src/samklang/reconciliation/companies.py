"""A company's settings and tables → what accounting/ wants to know of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
from django.db.models import F
from django.utils import timezone

from samklang.accounting import chart
from samklang.accounting import company as accounting
from samklang.accounting.fx import Exchange, FxRate
from samklang.connectors.errors import Misconfigured
from samklang.hub.models import Channel, Company, Flow, Tenant
from samklang.hub.setup.companies import CompanyPart, part_of
from samklang.reconciliation.models import Books, Rate
from samklang.records import Order
from samklang.records.times import business_date


def companies(tenant: Tenant) -> list[Company]:
    """The tenant's companies, by code."""
    return list(Company.objects.filter(tenant=tenant).order_by("code"))


def the_company(tenant: Tenant, code: str = "") -> Company:
    """The company of that code, or the only one. Misconfigured where that is none, or not clear."""
    found = [row for row in companies(tenant) if code in ("", row.code)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(row.code for row in companies(tenant))
    if not known:
        raise Misconfigured(
            "No company keeps books here yet", do_this="Add [companies.CODE] to samklang.toml and apply it."
        )
    what = f"There is no company {code}" if code else "There are several companies"
    raise Misconfigured(what, do_this=f"Name one of: {known}.")


def accounting_company(row: Company, part: CompanyPart | None = None) -> accounting.Company:
    """The company as accounting/ sees it. Misconfigured for a channel that is no more."""
    part = part or part_of(row)
    zones = dict(Channel.objects.filter(tenant=row.tenant_id).values_list("code", "time_zone"))
    if missing := sorted(set(part.channels) - set(zones)):
        raise Misconfigured(f"There is no channel {missing[0]}", where=f"companies.{row.code}")
    channels = {
        code: accounting.Channel(
            code=code, model=books.model, models=books.models, time_zone=zones[code], dimensions=books.dimensions,
            defer_until_delivery=books.defer_until_delivery, order_prefix=books.order_prefix,
        )
        for code, books in part.channels.items()
    }  # fmt: skip
    same = (
        "name", "org_no", "country", "currency", "oss", "keeps_invoices", "revalue", "tolerance", "bank_tolerance",
        "begins", "locked_before", "row_limit", "series", "default_series", "policies",
    )  # fmt: skip
    return accounting.Company(
        code=row.code,
        chart=chart.Chart(chart.profile(part.profile), part.accounts, part.fees, part.providers),
        channels=channels,
        registrations=frozenset(part.registrations or (part.country,)),
        **{name: getattr(part, name) for name in same},
    )


def exchange(row: Company, currency: str) -> Exchange:
    """The rates that the tenant has for this ledger currency."""
    rates = Rate.objects.filter(tenant=row.tenant_id, home=currency).values_list("currency", "day", "rate", "source")
    return Exchange(currency, [FxRate(code, day, Decimal(rate), source) for code, day, rate, source in rates])


def with_providers(order: Order, part: CompanyPart) -> Order:
    """The order with its payments at the providers that the company's settings name for the shop's methods."""
    books = part.channels.get(order.channel)
    if books is None or not books.methods or not order.payments:
        return order
    payments = tuple(
        msgspec.structs.replace(
            payment, provider=books.methods.get(payment.method) or books.methods.get(payment.provider, payment.provider)
        )
        for payment in order.payments
    )
    return order if payments == order.payments else msgspec.structs.replace(order, payments=payments)


def today(company: accounting.Company) -> date:
    """The day where the company's first shop is."""
    zone = next((channel.time_zone for channel in company.channels.values()), "UTC")
    return business_date(timezone.now(), zone)


def entity_of(row: Company, provider: str) -> str:
    """The legal entity whose rows of fees decide for the provider today, so that a new row is of the same."""
    ours = accounting_company(row)
    return ours.chart.provider(provider, today(ours)).entity


def shops(row: Company, part: CompanyPart) -> list[Channel]:
    """The company's channels with their connections, by code."""
    rows = Channel.objects.filter(tenant=row.tenant_id, code__in=list(part.channels))
    return list(rows.select_related("connection").order_by("code"))


def ledger_flow(row: Company, part: CompanyPart | None = None) -> Flow | None:
    """The flow by which the company's vouchers reach a ledger, if there is one that is switched on; none where the
    ledger takes files."""
    part = part or part_of(row)
    if part.ledger == "file":
        return None
    codes = list(part.channels)
    flows = Flow.objects.filter(tenant=row.tenant_id, type="voucher", channel__code__in=codes, enabled=True)
    return flows.select_related("source", "target", "channel").order_by("channel__code", "id").first()


def refuse_both_models(row: Company, part: CompanyPart) -> None:
    """Misconfigured where a channel's sales would stand in the ledger twice: as invoices that its flow of orders books
    there, and in the vouchers of its day (RECONCILIATION §1)."""
    by_day = [code for code, books in part.channels.items() if "day" in (books.model, *books.models.values())]
    flows = Flow.objects.filter(tenant=row.tenant_id, type="order", channel__code__in=by_day, enabled=True)
    for flow in flows.select_related("channel", "target").order_by("channel__code", "id"):
        if flow.options.get("book") and flow.options.get("document") == "invoice":
            shop, target = flow.channel.code, flow.target.name
            raise Misconfigured(
                f"The sales of {shop} would be booked twice: as invoices in {target}, and by day",
                where=f"companies.{row.code}",
                do_this='Take the option "book" from the flow of orders, or give the channel model = "invoice".',
            )


def wake(company: Company) -> None:
    """Say that something has happened that the books must know. Call it in the transaction that made it so."""
    books, _ = Books.objects.get_or_create(tenant_id=company.tenant_id, company=company)
    Books.objects.filter(pk=books.pk).update(wanted=F("wanted") + 1)
