"""One order: its line through all systems, where it stands, everything that happened, and what can be done about it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.connectors.errors import SamklangError
from samklang.console.frame import go, show, told, wake
from samklang.console.phrases import spoken
from samklang.engine.port import Job
from samklang.hub import orders
from samklang.hub.looks import journeys
from samklang.hub.looks.masking import masked
from samklang.hub.models import Connection
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.retold import retold
from samklang.people.rights import Right
from samklang.records import Address
from samklang.rules import InvalidRules, describe, load

_SHOWN = 40  # steps that are open at first


class Reason(forms.Form):
    """Why something is done."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)


class AddressForm(forms.Form):
    """Where the goods go."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    company = forms.CharField(label=gettext_lazy("Company"), max_length=200, required=False)
    lines = forms.CharField(
        label=gettext_lazy("Street"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("One line of the address on each line."),
    )  # fmt: skip
    postcode = forms.CharField(label=gettext_lazy("Postcode"), max_length=20)
    city = forms.CharField(label=gettext_lazy("City"), max_length=100)
    country = forms.RegexField(
        r"^[A-Z]{2}$", label=gettext_lazy("Country"), help_text=gettext_lazy("Two letters, such as SE."),
        error_messages={"invalid": gettext_lazy("This is no country code. It has two large letters, such as SE.")},
    )  # fmt: skip
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=40, required=False)


@page(Right.SEE)
def journey(request: PageRequest, key: str) -> HttpResponse:
    """The page."""
    found = _find(request, key)
    steps = journeys.grouped(found.steps)
    values: dict[str, Any] = {"older": len(steps) - _SHOWN if len(steps) > _SHOWN else 0, "steps": steps[-_SHOWN:]}
    if request.GET.get("all"):
        values = {"older": 0, "steps": steps}
    if found.order is not None:
        values["address_form"] = AddressForm(initial=_initial(found.order.shipping or found.order.billing))
    return show(request, "journey", key=key, look=found, reason_form=Reason(), **values)


def _find(request: PageRequest, key: str) -> journeys.Journey:
    found = journeys.journey(request.tenant, key)
    if found is None:
        raise Http404
    return found


def _initial(address: Address) -> dict[str, str]:
    return {
        "name": address.name, "company": address.company, "lines": "\n".join(address.lines),
        "postcode": address.postcode, "city": address.city, "country": address.country, "phone": address.phone,
    }  # fmt: skip


@page(Right.SEE)
def hop(request: PageRequest, key: str, number: int) -> HttpResponse:
    """What lies behind one step, as a part of the page: rules as sentences, calls with what was sent and answered."""
    found = journeys.hop(request.tenant, key, number)
    if found is None:
        raise Http404
    try:
        rules = [describe(rule, spoken()) for rule in load(found.rules, found.step.type)] if found.rules else []
    except InvalidRules:  # kept by an older release
        rules = [_("The rules on this way cannot be read.")]
    open_ = request.member.may(Right.OPERATE)
    calls = [(call, masked(call.sent_text, open_), masked(call.got_text, open_)) for call in found.calls]
    return show(request, "parts/hop", hop=found, rules=rules, calls=calls)


# ------------------------------------------------------------------------------------------------ acts


@page(None, post=Right.OPERATE)
def act(request: PageRequest, key: str, what: str) -> HttpResponse:
    """Retry, release, hold or let go the whole order."""
    tenant, by = request.tenant.pk, request.user.email
    reason = request.POST.get("reason", "").strip()[:300]
    try:
        if what == "retry":
            done = orders.retry(tenant, key, by)
            said, told_audit = _("It is tried again now."), gettext_noop("order tried again")
            if not done:
                messages.info(request, _("There was nothing to try again."))
                return go(request, "journey", key)
        elif what == "release":
            answer = orders.release(tenant, [key], by)[0]
            if not answer.done:
                messages.error(request, retold(answer.why))
                return go(request, "journey", key)
            said, told_audit = _("Released: it may be picked."), gettext_noop("order released")
        elif what == "hold":
            orders.hold(tenant, key, reason, by)
            said, told_audit = _("Held: nothing more of it is sent until you let it go."), gettext_noop("order held")
        elif what == "let-go":
            orders.let_go(tenant, key, by)
            said, told_audit = _("Let go: it goes on."), gettext_noop("order let go")
        else:
            raise Http404
    except SamklangError as error:
        messages.error(request, told(error))
        return go(request, "journey", key)
    audit.note(request, told_audit, f"order {key}", **({"reason": reason} if reason else {}))
    messages.success(request, said)
    wake(Job("tick", lane=3))
    return go(request, "journey", key)


@page(None, post=Right.OPERATE)
def act_at(request: PageRequest, key: str, what: str) -> HttpResponse:
    """Retry, skip or resend one delivery of the order: of `type` and `record` at `connection`, which the form names."""
    row = Connection.objects.filter(tenant=request.tenant, name=request.POST.get("connection", "")).first()
    type_, record = request.POST.get("type", ""), request.POST.get("record", key)
    if row is None or not (record == key or record.startswith(f"{key}#") or type_ == "customer"):
        raise Http404
    reason, by = request.POST.get("reason", "").strip()[:300], request.user.email
    try:
        if what == "retry":
            done = orders.retry_at(request.tenant.pk, row.pk, type_, record, by)
        elif what == "skip":
            done = orders.skip(request.tenant.pk, row.pk, type_, record, reason, by)
        elif what == "resend":
            done = orders.resend(request.tenant.pk, row.pk, type_, record, by)
        else:
            raise Http404
    except SamklangError as error:
        messages.error(request, told(error))
        return go(request, "journey", key)
    if done:
        audit.note(request, _SAID[what], f"order {key}", connection=row.name, type=type_, reason=reason)
        messages.success(request, _("Done."))
        wake(Job("tick", lane=3))
    else:
        messages.info(request, _("There was nothing to do: it has changed in the meantime."))
    return go(request, "journey", key)


_SAID = {
    "retry": gettext_noop("delivery tried again"),
    "skip": gettext_noop("delivery given up"),
    "resend": gettext_noop("sent once more"),
}


@page(Right.OPERATE, post=Right.OPERATE)
def address(request: PageRequest, key: str) -> HttpResponse:
    """Correct the address that the goods go to; the form comes back with its errors and what was typed."""
    found = _find(request, key)
    known = _initial(found.order.shipping or found.order.billing) if found.order else {}
    form = AddressForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        lines = tuple(line.strip() for line in given.pop("lines").splitlines() if line.strip())
        before = found.order.shipping if found.order else Address()
        try:
            orders.amend(
                request.tenant.pk, key, request.user.email,
                shipping=Address(**given, lines=lines, region=before.region, email=before.email),
            )  # fmt: skip
        except SamklangError as error:
            form.add_error(None, told(error))
        else:
            audit.note(request, gettext_noop("address corrected"), f"order {key}")
            messages.success(request, _("The address is corrected, and sent to the systems that have the order."))
            wake(Job("tick", lane=3))
            return go(request, "journey", key)
    return show(request, "address", status=422 if form.errors else 200, key=key, look=found, form=form)
