"""The main menu: one line for each page family, in the order in which they are shown, and who may open it."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from samklang.console.statics import stamp
from samklang.people.models import Member
from samklang.people.rights import Right


class Entry(NamedTuple):
    """A line of the menu: the name of its route, what it says, who may open it, other routes under it."""

    name: str
    title: str | Promise
    right: Right
    under: tuple[str, ...] = ()


MENU = (
    Entry("start", _("Overview"), Right.SEE),
    Entry("orders", _("Orders"), Right.SEE, ("journey",)),
    Entry("products", _("Products"), Right.SEE),
    Entry("problems", _("Problems"), Right.SEE),
    Entry("flows", _("Flows"), Right.SEE),
    Entry("transfers", _("Transfers"), Right.SEE),
)


class Line(NamedTuple):
    """An entry as it stands on a page."""

    name: str
    title: str | Promise
    address: str
    current: bool


def menu(member: Member, page: str) -> list[Line]:
    """What the member may open; `page` is the name of the route that is shown."""
    return [
        Line(
            entry.name, entry.title, reverse(f"console:{entry.name}", args=[member.tenant.slug]),
            page in (entry.name, *entry.under),
        )
        for entry in MENU
        if member.may(entry.right)
    ]  # fmt: skip


def home(member: Member) -> str:
    """The address of the first page that the member may open."""
    lines = menu(member, "")
    return lines[0].address if lines else reverse("console:nothing", args=[member.tenant.slug])


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `menu`, `page` (the name of the route), `stamp` (of the static files)."""
    member: Member | None = getattr(request, "member", None)
    match = request.resolver_match
    page = match.url_name or "" if match else ""
    return {"menu": menu(member, page) if member else [], "page": page, "stamp": stamp()}
