"""Which mails one gets, and the address in a mail that ends them."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from samklang.mails import choices
from samklang.packages import terms
from samklang.people.access import SignedIn, public, signed_in
from samklang.people.models import Member
from samklang.people.rights import Right, Role


class Choice(forms.Form):
    """The mails of one company."""

    at_once = forms.BooleanField(
        label=gettext_lazy("What stops orders, at once"), required=False,
        help_text=gettext_lazy("At the most every quarter of an hour, each problem once."),
    )  # fmt: skip
    nightly = forms.BooleanField(
        label=gettext_lazy("A report each morning"), required=False,
        help_text=gettext_lazy("Only when something waits for a person."),
    )  # fmt: skip

    quota = forms.BooleanField(
        label=gettext_lazy("How much of the package is used"), required=False,
        help_text=gettext_lazy("When 80 % and when all of a month's orders are used."),
    )  # fmt: skip

    def __init__(self, member: Member, given: object = None) -> None:
        now = choices.of(member)
        super().__init__(given, prefix=str(member.pk), initial=now._asdict())  # type: ignore[arg-type]  # POST data
        self.member = member
        if member.role != Role.OWNER or terms.current(member.tenant) is None:
            del self.fields["quota"]


@signed_in()
@require_http_methods(["GET", "HEAD", "POST"])
def mails(request: SignedIn) -> HttpResponse:
    """Which mails one gets of each company."""
    given = request.POST if request.method == "POST" else None
    places = request.user.places.select_related("tenant", "user").order_by("tenant__name")
    found = [Choice(member, given) for member in places if member.may(Right.SEE)]
    if given is not None and all(form.is_valid() for form in found):
        for form in found:
            choices.choose(form.member, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("mails")
    return render(request, "account/mails.html", {"forms": found})


@csrf_exempt  # a mail program posts here by itself (RFC 8058); the address is signed
@public("whoever has the mail may end those like it: the address is signed, and tells no more than the mail")
@require_http_methods(["GET", "HEAD", "POST"])
def mails_stop(request: HttpRequest, token: str) -> HttpResponse:
    """End mails of one kind to one member, without a login. Looking at the address changes nothing."""
    asked = choices.asked(token)
    if asked is None:
        raise Http404
    member, kind = asked
    if member.user.language:
        translation.activate(member.user.language)
    if request.method == "POST":
        choices.stop(member, kind)
    values = {"tenant_name": member.tenant.name, "kind": kind.value, "done": request.method == "POST"}
    return render(request, "account/mails_stop.html", values)


routes = [
    path("account/mails", mails, name="mails"),
    path("mails/stop/<str:token>", mails_stop, name="mails-stop"),
]
