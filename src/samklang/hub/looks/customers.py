"""Customers as a list, and one of them with the orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Count

from samklang.hub import listing
from samklang.hub.looks import orders
from samklang.hub.looks.articles import masters
from samklang.hub.looks.journeys import Outside
from samklang.hub.looks.rows import MANY, PAGE, At, Slice, bounded, merged, place_of, place_text, targets
from samklang.hub.models import Binding, Connection, ProblemItem, Stored, Tenant, Term
from samklang.records import Customer, decode

_FOUND = 1000


class CustomerLook(NamedTuple):
    """One customer, how many orders name the same e-mail address, and how each target stands."""

    key: str
    customer: Customer
    orders: int
    master: str
    changed_at: float
    targets: list[At]


def customers(tenant: Tenant, search: str, after: str = "", size: int = PAGE) -> Slice[CustomerLook]:
    """A page of customers by key; `search` is the beginning of a name, number, address or phone number. ValueError
    when `after` is nothing that a page could have given."""
    places = masters(tenant, "customer")
    stored = Stored.objects.filter(tenant=tenant, type="customer", gone=False)
    if search:
        keys = listing.found(tenant.pk, "customer", search).values_list("key", flat=True)[:_FOUND]
        stored = stored.filter(key__in=sorted(set(keys)))
    rows, place = merged(places, lambda one: stored.filter(connection=one), place_of(after), size)
    count = sum(bounded(stored.filter(connection=one)) for one in places)
    names = dict(Connection.objects.filter(tenant=tenant).values_list("pk", "name"))
    at = targets(tenant, "customer", [row.key for row in rows], list(names))
    people = [person for row in rows if isinstance(person := decode("customer", row.body), Customer)]
    sold = _orders(tenant, [person.email for person in people if person.email])
    found = [
        CustomerLook(
            row.key, person, sold.get(listing.term(person.email), 0), names[row.connection], row.changed_at,
            at.get(row.key, []),
        )
        for row, person in zip(rows, people, strict=True)
    ]  # fmt: skip
    return Slice(found, place_text(place), min(count, MANY + 1))


class OneCustomer(NamedTuple):
    """One customer: the record, what each system calls it, whether it is in step there, its newest orders."""

    key: str
    customer: Customer
    master: str
    changed_at: float
    numbers: list[tuple[Connection, str, str, str]]  # where, its number there, its address, state
    orders: Slice[orders.OrderLook]
    troubles: list[ProblemItem]


def customer(tenant: Tenant, key: str) -> OneCustomer | None:
    """One customer by key; None when no master has it."""
    rows = {row.pk: row for row in Connection.objects.filter(tenant=tenant)}
    stored = Stored.objects.filter(
        tenant=tenant, connection__in=masters(tenant, "customer"), type="customer", key=key
    ).values_list("connection_id", "body", "changed_at")
    found = next(iter(stored), None)
    if found is None:
        return None
    place, body, changed_at = found
    person = decode("customer", bytes(body))
    assert isinstance(person, Customer)
    outside = Outside()
    bindings = Binding.objects.filter(tenant=tenant, connection__in=list(rows), type="customer", key=key)
    numbers = [
        (rows[at], id_ or "", outside(rows[at], "customer", id_ or ""), state)
        for at, id_, state in bindings.order_by("connection").values_list("connection_id", "external_id", "state")
    ]
    named = person.email or person.customer_no or person.name
    troubles = ProblemItem.objects.filter(tenant=tenant, type="customer", key=key, problem__closed_at=None)
    return OneCustomer(
        key, person, rows[place].name, changed_at, numbers, orders.orders(tenant, orders.Asked(search=named), size=10),
        list(troubles.select_related("problem", "connection")[:20]),
    )  # fmt: skip


def all_customers(tenant: Tenant, search: str, size: int = 500) -> Iterator[CustomerLook]:
    """Every customer that is asked for, page by page."""
    after = ""
    while page := customers(tenant, search, after, size):
        yield from page.rows
        after = page.after
        if not after:
            return


def _orders(tenant: Tenant, emails: list[str]) -> dict[str, int]:
    """E-mail address as a term → how many orders have it."""
    terms = sorted({listing.term(email) for email in emails})
    rows = Term.objects.filter(tenant=tenant, type="order", term__in=terms).values("term").annotate(n=Count("key"))
    return dict(rows.values_list("term", "n"))
