"""Who did what, when."""

from __future__ import annotations

from django.http import Http404, HttpResponse

from samklang.console.frame import show
from samklang.people.access import PageRequest, page
from samklang.people.audit import notes
from samklang.people.models import Member
from samklang.people.rights import Right

_PAGE = 100


@page(Right.PEOPLE)
def audit(request: PageRequest) -> HttpResponse:
    """The newest first; ?who= (a member's user), ?about= (how the thing's name begins), ?before= (the next page)."""
    who, about, before = (request.GET.get(name, "").strip()[:100] for name in ("who", "about", "before"))
    try:
        found = notes(request.tenant, int(who) if who else None, about, int(before) if before else None)
    except ValueError:
        raise Http404 from None
    rows = list(found[: _PAGE + 1])
    return show(
        request, "audit", rows=rows[:_PAGE], older=rows[_PAGE - 1].pk if len(rows) > _PAGE else 0, who=who, about=about,
        members=Member.objects.filter(tenant=request.tenant).select_related("user").order_by("user__email"),
    )  # fmt: skip
