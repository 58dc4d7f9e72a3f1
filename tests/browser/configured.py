"""The merchant's configuring side with something on every page: values of both systems, rules, edits that wait for a
plan, versions, a brake, people, tokens. `PAGES` are the pages. And the books of a company of his."""

from __future__ import annotations

from typing import Any

#: Page → its address; `{…}` as `configure` fills it.
PAGES: dict[str, str] = {
    "connect": "connect", "connect-woocommerce": "connect/woocommerce", "connect-fortnox": "connect/fortnox",
    "connections": "connections", "connection": "connections/fortnox",
    "connection-change": "connections/fortnox/settings",
    "connection-hooks": "connections/nordljus-se/hooks", "status-words": "connections/nordljus-se/words",
    "flow-order": "flows/se/order/lager-boras", "flow-status": "flows/se/order_status/nordljus-se",
    "flow-stock": "flows/se/stock/nordljus-se", "flow-when": "flows/se/order/fortnox/when", "rules": "rules",
    "chain": "rules/fortnox/out/order", "rule": "rules/fortnox/out/order/0", "maps": "maps",
    "map": "maps/se/payment_method/nordljus-se/fortnox", "channels": "channels", "channel": "channels/se/edit",
    "plan": "plan", "brakes": "brakes", "history": "history", "version": "history/2",
    "import": "history/import", "people": "people", "tokens": "tokens", "audit": "audit", "webhooks": "webhooks",
    "webhook": "webhooks/{webhook}", "package": "package",
    "address": "orders/se/10470/address", "bulk": "bulk/{bulk}", "bulk-done": "bulk/{done}",
}  # fmt: skip


def configure(merchant: Any) -> dict[str, str]:
    """Put something on every page; gives the addresses of PAGES."""
    from samklang.hub import bulk
    from samklang.hub.models import Brake, Flow
    from samklang.hub.setup import config, drafts, edits, maps, planning
    from samklang.hub.setup.config import RulesPart
    from samklang.people import members, tokens
    from samklang.people.audit import Actor
    from samklang.people.models import Member, Role
    from samklang.people.rights import Right
    from tests.visitor import visitor

    tenant = merchant.tenant
    visitor(tenant)
    owner = Member.objects.select_related("user", "tenant").get(tenant=tenant, role="owner")
    rule = {
        "name": "Frakt som egen text", "when": {"is": "equals", "field": "shipping_method", "value": "Budbee hem"},
        "then": {"do": "set", "field": "note", "value": "Leverans med Budbee, kväll"},
    }  # fmt: skip
    config.write_version(tenant, "owner@nordljus.example", "The first flows")
    second = config.current(tenant)
    edits.put_chain(second, RulesPart("fortnox", "out", "order", [rule]))
    config.apply(second, "owner@nordljus.example", "A rule for Budbee")

    def change(wanted: Any) -> None:
        table = maps.table(wanted, ("se", "payment_method", "nordljus-se", "fortnox"))
        assert table is not None
        maps.put(wanted, table._replace(values={"klarna": "K"}))
        edits.set_master(wanted, "se", "price", "fortnox", [])

    drafts.edit(tenant, "owner@nordljus.example", "price, payment methods", change)
    planning.ask(tenant, "owner@nordljus.example")
    planning.work(tenant.pk)
    target = Flow.objects.filter(tenant=tenant, type="stock").select_related("target").get().target
    brake = Brake.objects.create(tenant=tenant, connection=target, type="stock", risk="zero", count=41, of=120)
    held = [
        bulk.start(tenant.pk, "hold", "owner@nordljus.example", keys=keys, reason="Adress kontrolleras").pk
        for keys in (["se/10470", "se/9999"], ["se/10469", "se/10468"])
    ]
    bulk.work(tenant.pk, held[0])  # one of the two is no order
    tokens.make(owner, "Rapporter", [Right.SEE], None)
    members.invite(Actor.person(tenant, owner.user), "ny.kollega@nordljus.example", Role.OPERATOR)
    _agreed(tenant)
    hook = _told(tenant)
    return {
        name: path.format(webhook=hook.pk, brake=brake.pk, done=held[0], bulk=held[1]) for name, path in PAGES.items()
    }


def _agreed(tenant: Any) -> None:
    """A package, the one before it, and hours of which some are used."""
    from datetime import date
    from decimal import Decimal

    from samklang.packages import hours, offer, sellers, terms
    from samklang.packages.models import Agreement, Hours, Work
    from samklang.people.audit import Actor

    by, offered = Actor(tenant, "drift, command line"), offer.offered()
    terms.agree(by, offered["100"], note="Först bara artiklar och order")
    Agreement.objects.filter(tenant=tenant).update(at="2026-09-03T08:00Z")
    Hours.objects.filter(tenant=tenant).update(day="2026-09-03")
    terms.agree(by, offered["200"], contact="Kim Berg")
    hours.draw(by, Decimal("1.5"), Work.DELIVERY, "Genomgång av flöden", date(2026, 9, 7))
    hours.draw(by, Decimal("0.75"), Work.TRAINING, day=date(2026, 9, 14))
    hours.buy(by, Decimal(10), "Timpaket", date(2026, 10, 1))
    sellers.allow(by, f"owner@{tenant.slug}.example")


def _told(tenant: Any) -> Any:
    """Two webhooks: one that takes what it is told, one that was given up."""
    from django.utils import timezone

    from samklang.hub.events import Happening, tell
    from samklang.hub.models import Message, Subscription
    from samklang.hub.telling import subscriptions

    hooks = [
        Subscription.objects.create(tenant=tenant, name=name, url=url, types=types, secrets=b"")
        for name, url, types in (
            ("Lagersystemet", "https://lager.example/samklang", ["order.created", "order.held"]),
            ("Rapporter", "https://rapporter.example/api/v2/webhooks/samklang", []),
        )
    ]  # fmt: skip
    tell(tenant.pk, [Happening("order.created", f"se/{number}", {}) for number in (10498, 10499)])
    told = Message.objects.filter(tenant=tenant)
    told.update(state="done", status=204, attempts=1, tried_at=timezone.now())
    told.filter(subscription=hooks[1]).update(state="failed", status=503, error="The receiver answered 503")
    subscriptions.give_up(hooks[1], "Nothing was taken for three days: The receiver answered 503")
    return hooks[0]


def keep_books(tenant: Any) -> Any:
    """A company with a day of sales and what its provider says of it: the desk (tests/reconciliation/conftest.py)."""
    from django.utils import timezone

    from samklang.connectors import registry
    from samklang.reconciliation import check
    from samklang.reconciliation.models import Attachment
    from tests.accounting.statements.files import klarna
    from tests.reconciliation.conftest import Desk
    from tests.reconciliation.test_run import day_of_sales

    registry.packages()["shelf"] = "tests.doubles.shelf"
    desk = Desk(tenant)
    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna(), "klarna.csv")
    desk.run()
    check.check(desk.company)
    hung, refused = desk.vouchers().values()
    Attachment.objects.create(tenant=tenant, voucher=hung, connection=desk.ledger_row, at=timezone.now())
    error = "Har inte behörighet för scope."
    Attachment.objects.create(tenant=tenant, voucher=refused, connection=desk.ledger_row, error=error)
    return desk


def book_pages(desk: Any) -> dict[str, str]:
    """The books' pages and their addresses."""
    from samklang.reconciliation.models import Statement, Voucher

    number, statement = desk.company.pk, Statement.objects.get(company=desk.company)
    other, voucher = Voucher.objects.filter(company=desk.company).order_by("source")
    return {
        "books": "books", "payout": f"books/payouts/{statement.pk}", "matching": f"books/{number}/matching",
        "vouchers": f"books/{number}/vouchers", "voucher": f"books/vouchers/{voucher.pk}?line=1",
        "voucher-of-sales": f"books/vouchers/{other.pk}",
        "control": f"books/{number}/control?on=2026-03-31", "accounts": f"books/{number}/accounts",
        "sources": f"books/{number}/sources",
    }  # fmt: skip
