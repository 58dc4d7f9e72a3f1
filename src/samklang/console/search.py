"""Find anything: orders, articles and customers by the beginning of a number, name or address."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect

from samklang.console.frame import show
from samklang.console.query import word
from samklang.hub.looks import articles, customers, orders
from samklang.people.access import PageRequest, here, page
from samklang.people.rights import Right

_EACH = 8


@page(Right.SEE)
def search(request: PageRequest) -> HttpResponse:
    """What was found of each kind; the one order or article whose number it is opens at once."""
    typed = word(request, "q")
    sold = orders.orders(request.tenant, orders.Asked(search=typed), size=_EACH) if typed else None
    goods = articles.products(request.tenant, articles.Asked(search=typed), size=_EACH) if typed else None
    people = customers.customers(request.tenant, typed, size=_EACH) if typed else None
    if sold and goods and people and sold.total + goods.total == 1 and not people.total:
        if sold.rows:
            return redirect(here(request, "console:journey", sold.rows[0].key))
        if goods.rows:
            return redirect(here(request, "console:product", goods.rows[0].product.key))
    return show(request, "search", typed=typed, orders=sold, products=goods, customers=people)
