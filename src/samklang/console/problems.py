"""Problems: what is wrong, why, what to do, on which records; who looks after it; mending all at once."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.connectors.errors import SamklangError
from samklang.console.frame import go, show, told, wake
from samklang.console.query import place, systems, with_values, word
from samklang.engine.port import Job, bulk_job
from samklang.engine.work import jobs_of_problem
from samklang.hub import bulk, guards
from samklang.hub import problems as hub
from samklang.hub.looks import troubles as looks
from samklang.hub.looks.masking import masked
from samklang.hub.models import Brake, Problem, ProblemItem
from samklang.hub.orders import order_of
from samklang.people import audit
from samklang.people.access import PageRequest, here, page
from samklang.people.models import Member
from samklang.people.rights import Right
from samklang.records import types_of_order


@page(Right.SEE)
def problems(request: PageRequest) -> HttpResponse:
    """A page of problems: the open ones, one's own, or those that are over."""
    view = word(request, "view")
    mine = {"mine": request.user.pk, "nobody": 0}.get(view)
    wanted = looks.Asked(word(request, "q"), word(request, "connection"), mine, view == "closed")
    try:
        found = looks.problems(request.tenant, wanted, place(request))
    except ValueError:
        raise Http404 from None
    return show(
        request, "problems", found=found, asked=wanted, view=view, systems=systems(request.tenant),
        closed=[] if wanted else looks.lately_closed(request.tenant), first=with_values(request),
        more=with_values(request, after=found.after) if found.after else "",
        tabs=[(name, title, with_values(request, view=name)) for name, title in _TABS],
    )  # fmt: skip


_TABS = (
    ("", gettext_lazy("Open")), ("mine", gettext_lazy("Mine")), ("nobody", gettext_lazy("Nobody's")),
    ("closed", gettext_lazy("Over")),
)  # fmt: skip


class Comment(forms.Form):
    """What somebody says."""

    text = forms.CharField(
        label=gettext_lazy("Comment"), max_length=4000, widget=forms.Textarea(attrs={"rows": 2})
    )  # fmt: skip


@page(Right.SEE)
def problem(request: PageRequest, number: int) -> HttpResponse:
    """One problem. Its address stays, also when it is over: mails lead here."""
    try:
        found = looks.problem(request.tenant, number, place(request))
    except ValueError:
        raise Http404 from None
    if found is None:
        raise Http404
    open_ = request.member.may(Right.OPERATE)
    calls = [
        (
            one, _address(request, one.item), one.exchange and masked(one.exchange.sent_text, open_),
            one.exchange and masked(one.exchange.got_text, open_),
        )
        for one in found.troubles.rows
    ]  # fmt: skip
    brake = None
    if found.problem.code == "SYNC-410" and found.problem.connection:
        brake = Brake.objects.filter(
            tenant=request.tenant, connection=found.problem.connection, type=found.problem.type, released_at=None
        ).first()
    people = Member.objects.filter(tenant=request.tenant).select_related("user").order_by("user__name", "user__email")
    return show(
        request, "problem", look=found, problem=found.problem, calls=calls, comment_form=Comment(), people=list(people),
        brake=brake, more=with_values(request, after=found.troubles.after) if found.troubles.after else "",
        reading=any(one.item.direction == "in" for one in found.troubles.rows),
    )  # fmt: skip


def _address(request: PageRequest, item: ProblemItem) -> str:
    """The page of the record, "" where it has none."""
    if item.type in types_of_order():
        return here(request, "console:journey", order_of(item.key)) if "/" in item.key else ""
    if item.type == "product" and item.direction == "out":
        return here(request, "console:product", item.key)
    if item.type == "customer" and item.direction == "out":
        return here(request, "console:customer", item.key)
    return ""


def _find(request: PageRequest, number: int) -> Problem:
    found = Problem.objects.filter(tenant=request.tenant, pk=number).select_related("connection").first()
    if found is None:
        raise Http404
    return found


@page(None, post=Right.OPERATE)
def problem_act(request: PageRequest, number: int, what: str) -> HttpResponse:
    """Try all its records again, or give them all up."""
    found = _find(request, number)
    if what not in ("mend", "give-up"):
        raise Http404
    kind: bulk.Kind = "mend" if what == "mend" else "give up"
    try:
        made = bulk.start(
            request.tenant.pk, kind, request.user.email, problem=found, reason=request.POST.get("reason", "")
        )
    except SamklangError as error:
        messages.info(request, told(error))
        return go(request, "problem", number)
    said = gettext_noop("problem tried again") if kind == "mend" else gettext_noop("problem given up")
    audit.note(request, said, f"problem {number}", code=found.code, count=made.total)
    wake(bulk_job(request.tenant.pk, made.pk))
    if kind == "mend":
        for job in jobs_of_problem(found):
            wake(job)
    return go(request, "bulk", made.pk)


@page(None, post=Right.OPERATE)
def problem_assign(request: PageRequest, number: int) -> HttpResponse:
    """Say who looks after it: a member, or nobody."""
    found = _find(request, number)
    given = request.POST.get("assignee", "")
    member = None
    if given:
        member = Member.objects.filter(tenant=request.tenant, user=int(given) if given.isdecimal() else 0).first()
        if member is None:
            raise Http404
    hub.assign(found, member.user_id if member else None)
    audit.note(request, gettext_noop("problem assigned"), f"problem {number}", to=member.user.email if member else "")
    messages.success(request, _("Saved."))
    return go(request, "problem", number)


@page(None, post=Right.OPERATE)
def problem_comment(request: PageRequest, number: int) -> HttpResponse:
    """Say something about it."""
    found = _find(request, number)
    form = Comment(request.POST)
    if form.is_valid():
        hub.comment(found, str(request.user), form.cleaned_data["text"])
        audit.note(request, gettext_noop("problem commented"), f"problem {number}")
    else:
        messages.error(request, _("A comment needs some words."))
    return go(request, "problem", number)


@page(None, post=Right.OPERATE)
def brake_act(request: PageRequest, number: int, what: str) -> HttpResponse:
    """Release a mass change, or let it fall."""
    brake = (
        Brake.objects.filter(tenant=request.tenant, pk=number, released_at=None).select_related("connection").first()
    )
    if brake is None or what not in ("release", "reject"):
        raise Http404
    by = request.user.email
    count = guards.release(brake, by) if what == "release" else guards.reject(brake, by)
    said = gettext_noop("mass change released") if what == "release" else gettext_noop("mass change let fall")
    audit.note(request, said, f"brake {number}", connection=brake.connection.name, type=brake.type, count=count)
    messages.success(request, _("Released.") if what == "release" else _("Let fall: the system keeps what it has."))
    wake(Job("tick", lane=3))
    return go(request, "problems")
