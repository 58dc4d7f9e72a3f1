"""Tokens of the API: made, shown once, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.console.frame import go, show
from samklang.people import audit
from samklang.people import tokens as kept
from samklang.people.access import PageRequest, page
from samklang.people.models import Token
from samklang.people.rights import WORDS, Right


class Make(forms.Form):
    """A new token."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    scopes = forms.MultipleChoiceField(label=gettext_lazy("It may"), widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(
        label=gettext_lazy("Works for"), coerce=int, initial=90,
        choices=[(30, gettext_lazy("30 days")), (90, gettext_lazy("90 days")), (365, gettext_lazy("a year")),
                 (0, gettext_lazy("as long as it is not revoked"))],
    )  # fmt: skip

    def __init__(self, request: PageRequest, data: Any = None) -> None:
        super().__init__(data)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        scopes.choices = [(right.value, WORDS[right]) for right in Right if request.member.may(right)]


@page(Right.PEOPLE, post=Right.PEOPLE)
def tokens(request: PageRequest) -> HttpResponse:
    """All tokens of the tenant; posted to, a new one, whose text is shown in the answer and never again."""
    form = Make(request, request.POST if request.method == "POST" else None)
    text = ""
    if form.is_valid():
        given = form.cleaned_data
        expires = timezone.now() + timedelta(days=given["days"]) if given["days"] else None
        row, text = kept.make(request.member, given["name"], [Right(scope) for scope in given["scopes"]], expires)
        audit.note(request, gettext_noop("token made"), f"token {row.name}", scopes=row.scopes, days=given["days"])
        form = Make(request)
    rows = Token.objects.filter(tenant=request.tenant).select_related("made_by").order_by("name", "pk")
    answer = show(request, "tokens", 422 if form.errors else 200, rows=rows, form=form, text=text, now=timezone.now())
    answer.headers["Cache-Control"] = "no-store"
    return answer


@page(None, post=Right.PEOPLE)
def revoke(request: PageRequest, number: int) -> HttpResponse:
    """Make a token worthless."""
    row = Token.objects.filter(tenant=request.tenant, pk=number).first()
    if row is not None:
        row.delete()
        audit.note(request, gettext_noop("token revoked"), f"token {row.name}")
        messages.success(request, _("The token opens nothing any more."))
    return go(request, "tokens")
