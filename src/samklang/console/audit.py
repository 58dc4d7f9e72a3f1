"""Who did what, when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.db.models import TextChoices
from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from samklang.console.frame import show
from samklang.console.templatetags.words import known, number, words
from samklang.packages.models import Work
from samklang.people.access import PageRequest, page
from samklang.people.audit import notes
from samklang.people.models import Member, Note
from samklang.people.rights import Right, Role
from samklang.people.subjects import beginnings, subject

_PAGE = 100
#: Names of details that are words of the audit alone; other names stand in the lexicon.
NAMES: Mapping[str, str | Promise] = {
    "vouchers": gettext_lazy("vouchers"), "edit": gettext_lazy("edit"), "of": gettext_lazy("of these"),
    "to": gettext_lazy("now"), "url": gettext_lazy("address"), "connector": gettext_lazy("system"),
    "differing": gettext_lazy("differing"), "risk": gettext_lazy("danger"), "lists": gettext_lazy("lists"),
    "new": gettext_lazy("new"), "records": gettext_lazy("records"), "tokens": gettext_lazy("API tokens"),
    "approver": gettext_lazy("approved by"),
}  # fmt: skip
#: Details whose values are chosen from a list.
_CHOICES: Mapping[str, type[TextChoices]] = {"role": Role, "before": Role, "after": Role, "work": Work}


class Row(NamedTuple):
    """A note as the reader sees it: the thing, and the details by name that say something."""

    note: Note
    about: str
    details: list[tuple[str, str]]


@page(Right.PEOPLE)
def audit(request: PageRequest) -> HttpResponse:
    """The newest first; ?who= (a member's user), ?about= (the thing, as the reader calls it or as it is stored),
    ?before= (the next page)."""
    who, about, before = (request.GET.get(name, "").strip()[:100] for name in ("who", "about", "before"))
    try:
        found = notes(request.tenant, int(who) if who else None, beginnings(about), int(before) if before else None)
    except ValueError:
        raise Http404 from None
    kept = list(found[: _PAGE + 1])
    rows = [Row(one, subject(one.about), list(_details(one.details))) for one in kept[:_PAGE]]
    return show(
        request, "audit", rows=rows, older=kept[_PAGE - 1].pk if len(kept) > _PAGE else 0, who=who, about=about,
        members=Member.objects.filter(tenant=request.tenant).select_related("user").order_by("user__email"),
    )  # fmt: skip


def _details(kept: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in kept.items():
        if value not in ("", None, [], {}):
            yield str(NAMES.get(name) or words(name)), _told(name, value)


def _told(name: str, value: Any) -> str:
    """A value in the reader's language: a choice by its label, a figure as it is written, a list with commas."""
    if isinstance(value, list | tuple):
        return ", ".join(_told(name, one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{words(key)}: {_told(key, one)}" for key, one in value.items())
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float) or name == "hours":
        return number(value)
    choices = _CHOICES.get(name)
    if choices is not None and value in choices.values:
        return str(choices(value).label)
    return str(known(value))
