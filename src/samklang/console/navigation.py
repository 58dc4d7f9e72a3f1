"""The main menu: page families in the order in which they are shown, and who may open them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from samklang.hub.models import Problem
from samklang.packages.models import Agreement, Seller
from samklang.people.models import Member
from samklang.people.rights import Right


class Entry(NamedTuple):
    """A line of the menu: the name of its route, what it says, who may open it, its drawing (static/icons.svg), other
    routes under it, what is counted beside it (see `_count`), and whether it is there at all."""

    name: str
    title: str | Promise
    right: Right
    icon: str
    under: tuple[str, ...] = ()
    counted: str = ""
    shown: Callable[[Member], bool] | None = None  # whether it is anything to this member; None: always


class Group(NamedTuple):
    """Lines that belong together, under a heading (none for the first)."""

    title: str | Promise
    entries: tuple[Entry, ...]


def _knows_packages(member: Member) -> bool:
    """Something is or was agreed with the tenant, or this member may agree."""
    agreed = Agreement.objects.filter(tenant=member.tenant_id).values_list("pk")
    return agreed.union(Seller.objects.filter(member=member).values_list("pk")).exists()  # asked for every page: once


MENU = (
    Group("", (
        Entry("start", _("Overview"), Right.SEE, "layout-dashboard"),
        Entry("problems", _("Problems"), Right.SEE, "triangle-alert", ("problem",), "problems"),
    )),
    Group(_("Trade"), (
        Entry("orders", _("Orders"), Right.SEE, "shopping-bag", ("journey", "journey-address", "bulk")),
        Entry("products", _("Products"), Right.SEE, "package", ("product",)),
        Entry("stock", _("Stock"), Right.SEE, "boxes"),
        Entry("customers", _("Customers"), Right.SEE, "users", ("customer",)),
    )),
    Group(_("Books"), (
        Entry(
            "books", _("Payouts and vouchers"), Right.BOOKS, "banknote",
            ("payout", "matching", "vouchers", "voucher", "control", "accounts"),
        ),
    )),
    Group(_("Set up"), (
        Entry(
            "connections", _("Connections"), Right.SEE, "plug",
            ("connection", "connection-change", "connection-hooks", "catalogue", "connect"),
        ),
        Entry(
            "flows", _("Flows"), Right.SEE, "workflow",
            (
                "flow", "flow-when", "maps", "map", "rules", "chain", "rule", "channels", "channel", "channel-new",
                "plan", "history", "version", "import",
            ),
        ),
        Entry("brakes", _("Brakes"), Right.SEE, "hand"),
    )),
    Group(_("Logs and reports"), (
        Entry("transfers", _("Transfers"), Right.SEE, "arrow-left-right"),
        Entry("calls", _("Calls"), Right.SEE, "radio-tower"),
        Entry("statistics", _("Statistics"), Right.SEE, "chart-column"),
    )),
    Group(_("Company"), (
        Entry("people", _("People"), Right.PEOPLE, "users", ("invite", "role", "remove")),
        Entry("tokens", _("API tokens"), Right.PEOPLE, "key"),
        Entry("webhooks", _("Webhooks"), Right.CONFIGURE, "send", ("webhook",)),
        Entry(
            "package", _("Package and hours"), Right.OPERATE, "file-text", ("package-agree", "package-hours"),
            shown=_knows_packages,
        ),
        Entry("audit", _("Who did what"), Right.PEOPLE, "history"),
    )),
)  # fmt: skip


class Line(NamedTuple):
    """An entry as it stands on a page."""

    title: str | Promise
    address: str
    icon: str
    current: bool
    waits: str


class Lines(NamedTuple):
    """A group as it stands on a page."""

    title: str | Promise
    lines: list[Line]


def menu(member: Member, page: str) -> list[Lines]:
    """What the member may open; `page` is the name of the route that is shown. Groups of nothing are left out."""
    return [
        Lines(group.title, lines)
        for group in MENU
        if (lines := [_line(entry, member, page) for entry in group.entries if _is_for(entry, member)])
    ]


def _is_for(entry: Entry, member: Member) -> bool:
    return member.may(entry.right) and (entry.shown is None or entry.shown(member))


def _line(entry: Entry, member: Member, page: str) -> Line:
    address = reverse(f"console:{entry.name}", args=[member.tenant.slug])
    here = page in (entry.name, *entry.under)
    return Line(entry.title, address, entry.icon, here, _count(entry.counted, member) if page and entry.counted else "")


def _count(what: str, member: Member) -> str:
    """How many wait for a person, "" for none; beyond 99 only that there are more."""
    rows = {"problems": Problem.objects.filter(tenant=member.tenant, closed_at=None)}[what]
    found = rows[:100].count()
    return "" if not found else str(found) if found < 100 else "99+"


def home(member: Member) -> str:
    """The address of the first page that the member may open."""
    groups = menu(member, "")
    return groups[0].lines[0].address if groups else reverse("console:nothing", args=[member.tenant.slug])


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `menu`, `page` (the name of the route)."""
    member: Member | None = getattr(request, "member", None)
    match = request.resolver_match
    page = match.url_name or "" if match else ""
    return {"menu": menu(member, page) if member else [], "page": page}
