"""Customers: the list, one of them with the orders, and the list as a file."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from samklang.console import export
from samklang.console.articles import where
from samklang.console.frame import in_zone, show
from samklang.console.query import place, with_values, word
from samklang.hub.looks import customers as looks
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right


@page(Right.SEE)
def customers(request: PageRequest) -> HttpResponse:
    """A page of customers."""
    try:
        found = looks.customers(request.tenant, word(request, "q"), place(request))
    except ValueError:
        raise Http404 from None
    more = with_values(request, after=found.after) if found.after else ""
    return show(request, "customers", found=found, search=word(request, "q"), more=more, first=with_values(request))


@page(Right.SEE)
def customer(request: PageRequest, key: str) -> HttpResponse:
    """One customer: what each system knows, and the newest orders."""
    found = looks.customer(request.tenant, key)
    if found is None:
        raise Http404
    return show(request, "customer", look=found)


@page(Right.SEE)
def customers_file(request: PageRequest, kind: str) -> HttpResponseBase:
    """The list, as it is searched, as a file."""
    if kind not in export.TYPES:
        raise Http404
    in_zone(request)
    heads = [
        _("Name"), _("Kind"), _("Customer number"), _("E-mail"), _("Organisation number"), _("Phone"), _("Postcode"),
        _("City"), _("Country"), _("Orders"), _("Master"), _("Changed"), _("Where"),
    ]  # fmt: skip
    return export.file(request, "customers", kind, heads, _cells(request))


def _cells(request: PageRequest) -> Iterator[list[export.Cell]]:
    for look in looks.all_customers(request.tenant, word(request, "q")):
        person, home = look.customer, look.customer.billing
        yield [
            person.name, _("company") if person.kind == "company" else _("person"), person.customer_no, person.email,
            person.org_no, person.phone, home.postcode, home.city, home.country, look.orders, look.master,
            export.moment(look.changed_at), where(look.targets),
        ]  # fmt: skip
