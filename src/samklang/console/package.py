"""What is agreed with the tenant, what is used of it by month, and the hours of the service account. Members see it;
those who work for whoever runs the hub (packages/sellers.py) agree and write hours down here too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from samklang.console.frame import go, in_zone, show
from samklang.console.templatetags.words import number, sentence
from samklang.hub.setup import config
from samklang.packages import gates, hours, offer, quota, readiness, sellers, terms
from samklang.packages.models import Kind, Work
from samklang.people.access import PageRequest, page
from samklang.people.audit import Actor
from samklang.people.rights import Right

_LINES = 50  # of the ledger on a page


_NONE = "none"  # instead of a package's code


class AgreeForm(forms.Form):
    """The package from now on."""

    package = forms.ChoiceField(label=gettext_lazy("Package"))
    contact = forms.CharField(label=gettext_lazy("Contact"), max_length=200, required=False)
    note = forms.CharField(label=gettext_lazy("Note"), max_length=300, required=False)

    def __init__(self, given: Any, now: str) -> None:
        super().__init__(given, prefix="agree", initial={"package": now})
        choices = [(code, one.name) for code, one in offer.offered().items()]
        field = self.fields["package"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*choices, (_NONE, _("no package"))]


class HoursForm(forms.Form):
    """A line of the service account: work of a kind, hours that were bought, or a correction with its reason."""

    what = forms.ChoiceField(label=gettext_lazy("What"))
    amount = forms.DecimalField(
        label=gettext_lazy("Hours"), max_digits=7, decimal_places=2, localize=True,
        help_text=gettext_lazy("Only a correction may be below zero."),
    )  # fmt: skip
    day = forms.DateField(label=gettext_lazy("Day"), required=False, widget=forms.DateInput({"type": "date"}))
    note = forms.CharField(label=gettext_lazy("Note"), max_length=300, required=False)

    def __init__(self, given: Any, runs: bool) -> None:
        super().__init__(given, prefix="hours")
        self.runs = runs
        field = self.fields["what"]
        assert isinstance(field, forms.ChoiceField)
        work = [(one.value, sentence(one.label)) for one in Work if one.value]
        field.choices = [
            (Kind.DRAW.label, work),
            (_("other"), [(kind.value, sentence(kind.label)) for kind in (Kind.PACK, Kind.CORRECTION)]),
        ]

    def clean(self) -> dict[str, Any]:
        """Sums and reasons that `hours` would refuse, said beside the answer."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        what, amount = given.get("what"), given.get("amount")
        if what == Kind.CORRECTION:
            if amount == 0:
                self.add_error("amount", _("There is nothing to correct."))
            if not given.get("note"):
                self.add_error("note", _("Say why it is corrected."))
        elif amount is not None and amount <= 0:
            self.add_error("amount", _("It must be above zero."))
        if what == Work.SYNC and not self.runs:
            wrong = _("The first transfer of articles is drawn where a package runs: agree on one first.")
            self.add_error("what", wrong)
        return given


class Included(NamedTuple):
    """A feature in words, whether the package has it, and what flows without it."""

    words: str
    yes: bool
    used: list[str]


@page(Right.OPERATE)
def package(request: PageRequest) -> HttpResponse:
    """The package, its use, the hours; ?before= is the next page of these."""
    return _shown(request)


@page(None, post=Right.OPERATE)
def agree(request: PageRequest) -> HttpResponse:
    """Agree on a package, or on none any more; only for those who may sell."""
    if not sellers.is_seller(request.member):
        return _refused(request)
    form = AgreeForm(request.POST, _code(request))
    if not form.is_valid():
        return _shown(request, agree_form=form)
    given = form.cleaned_data
    chosen = offer.offered().get(given["package"])
    terms.agree(Actor.person(request.tenant, request.user), chosen, given["contact"], given["note"])
    messages.success(
        request, _("%(name)s is agreed from now on.") % {"name": chosen.name} if chosen else _("No package any more.")
    )
    return go(request, "package")


@page(None, post=Right.OPERATE)
def log_hours(request: PageRequest) -> HttpResponse:
    """Write a line of the service account; only for those who may sell."""
    if not sellers.is_seller(request.member):
        return _refused(request)
    form = HoursForm(request.POST, terms.current(request.tenant) is not None)
    if not form.is_valid():
        return _shown(request, hours_form=form)
    _write(Actor.person(request.tenant, request.user), **form.cleaned_data)
    left = number(hours.balance(request.tenant))
    messages.success(request, _("It is on the account: %(left)s h left.") % {"left": left})
    return go(request, "package")


def _write(by: Actor, what: str, amount: Decimal, day: Any, note: str) -> None:
    if what == Kind.PACK:
        hours.buy(by, amount, note, day)
    elif what == Kind.CORRECTION:
        hours.correct(by, amount, note)
    else:
        hours.draw(by, amount, Work(what), note, day)


def _code(request: PageRequest) -> str:
    now = terms.current(request.tenant)
    return now.code if now else _NONE


def _refused(request: PageRequest) -> HttpResponse:
    words = _("agree on packages: whoever runs this Samklang says who that is")
    return render(request, "console/refused.html", {"words": words, "owners": []}, status=403)


def _shown(
    request: PageRequest, agree_form: AgreeForm | None = None, hours_form: HoursForm | None = None
) -> HttpResponse:
    before = request.GET.get("before", "")
    if before and not before.isdecimal():
        raise Http404
    tenant = request.tenant
    agreed = list(terms.history(tenant))
    now = terms.package_of(agreed[0]) if agreed else None
    ledger = hours.ledger(tenant)
    lines = list((ledger.filter(pk__lt=int(before[:18])) if before else ledger)[: _LINES + 1])
    uses = quota.by_month(tenant)
    sells = sellers.is_seller(request.member)
    in_zone(request)
    lacks = readiness.check(now, gates.needs(config.current(tenant))).lacks if now else ()
    return show(
        request, "package", 422 if agree_form or hours_form else 200, sells=sells,
        agree_form=(agree_form or AgreeForm(None, _code(request))) if sells else None,
        hours_form=(hours_form or HoursForm(None, now is not None)) if sells else None,
        agreed=agreed[0] if agreed else None, package=now,
        bound=terms.bound_until(agreed[0]) if agreed else None,
        history=[(row, terms.package_of(row)) for row in agreed],
        included=[
            Included(offer.WORDS[one], now.includes(one), [need.where for need in lacks if need.feature == one])
            for one in offer.FEATURES
        ] if now else [],
        use=uses[0], uses=uses, left=hours.balance(tenant), lines=lines[:_LINES],
        older=lines[_LINES - 1].pk if len(lines) > _LINES else 0,
    )  # fmt: skip
