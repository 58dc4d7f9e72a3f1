"""Articles and their stock: lists, one article with its masters, and the lists as files."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from samklang.console import export
from samklang.console.frame import in_zone, show
from samklang.console.query import place, with_values, word
from samklang.hub.looks import articles as looks
from samklang.hub.looks.article import article
from samklang.hub.looks.rows import At
from samklang.people.access import PageRequest, page
from samklang.people.lexicon import WORDS
from samklang.people.rights import Right


def _asked(request: PageRequest) -> looks.Asked:
    return looks.Asked(word(request, "q"), word(request, "delivery") and "open")


@page(Right.SEE)
def products(request: PageRequest) -> HttpResponse:
    """A page of products."""
    wanted = _asked(request)
    try:
        found = looks.products(request.tenant, wanted, place(request))
    except ValueError:
        raise Http404 from None
    more = with_values(request, after=found.after) if found.after else ""
    return show(request, "products", found=found, asked=wanted, more=more, first=with_values(request))


@page(Right.SEE)
def product(request: PageRequest, key: str) -> HttpResponse:
    """One article."""
    found = article(request.tenant, key)
    if found is None:
        raise Http404
    targets = list(dict.fromkeys(held.connection for field in found.fields for held in field.holdings))
    return show(request, "product", look=found, targets=targets)


@page(Right.SEE)
def stock(request: PageRequest) -> HttpResponse:
    """A page of stock levels."""
    wanted = _asked(request)
    try:
        found = looks.stock(request.tenant, wanted, place(request))
    except ValueError:
        raise Http404 from None
    more = with_values(request, after=found.after) if found.after else ""
    return show(request, "stock", found=found, asked=wanted, more=more, first=with_values(request))


@page(Right.SEE)
def articles_file(request: PageRequest, what: str, kind: str) -> HttpResponseBase:
    """Products or stock, as the list is filtered, as a file."""
    if kind not in export.TYPES or what not in ("products", "stock"):
        raise Http404
    in_zone(request)
    if what == "products":
        heads = [_("Number"), _("Name"), _("State"), _("Variants"), _("Master"), _("Changed"), _("Where")]
        return export.file(request, what, kind, heads, _products(request))
    heads = [
        _("Article"), _("Name"), _("Warehouse"), _("On hand"), _("Reserved"), _("Available"), _("Incoming"),
        _("Master"), _("Changed"), _("Where"),
    ]  # fmt: skip
    return export.file(request, what, kind, heads, _levels(request))


def _products(request: PageRequest) -> Iterator[list[export.Cell]]:
    for look in looks.all_products(request.tenant, _asked(request)):
        product = look.product
        yield [
            product.code, product.name, str(WORDS.get(product.status, product.status)), len(product.variants),
            look.master, export.moment(look.changed_at), where(look.targets),
        ]  # fmt: skip


def _levels(request: PageRequest) -> Iterator[list[export.Cell]]:
    for look in looks.all_stock(request.tenant, _asked(request)):
        level = look.level
        place = _("channel %(code)s") % {"code": look.channel} if look.channel else level.warehouse
        yield [
            level.sku, look.name, place, level.on_hand, level.reserved, level.available, level.incoming, look.master,
            export.moment(look.changed_at), where(look.targets),
        ]  # fmt: skip


def where(targets: list[At]) -> str:
    """How targets stand, in one cell."""
    return ", ".join(f"{at.connection}: {at.external_id or WORDS.get(at.state, at.state)}" for at in targets)
