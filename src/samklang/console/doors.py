"""The ways in: the login, the first visit, one-time addresses, and the choice of a tenant."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import logout, password_validation
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from samklang.console.navigation import home
from samklang.hub.models import Problem, Tenant
from samklang.people import tickets
from samklang.people.access import SignedIn, page, public, signed_in
from samklang.people.accounts import let_in
from samklang.people.models import Member, User
from samklang.people.rights import Right, Role


@signed_in()
@require_safe
def index(request: SignedIn) -> HttpResponse:
    """To the only tenant, else the choice of one; whoever sees problems there is told how many are open."""
    places = list(request.user.places.select_related("tenant").order_by("tenant__name"))
    if len(places) == 1:
        return redirect(home(places[0]))
    seen = [place.tenant_id for place in places if place.may.see]
    open_ = Problem.objects.filter(tenant__in=seen, closed_at=None).values_list("tenant")
    problems = dict(open_.annotate(n=Count("pk")))
    shown = [(place, home(place), problems.get(place.tenant_id, 0)) for place in places]
    return render(request, "console/tenants.html", {"places": shown})


@public("whoever is signed out already may sign out")
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    logout(request)
    return redirect("account_login")


class NewUser(forms.Form):
    """A name and a password for somebody whose address is known."""

    name = forms.CharField(label=_("Your name"), max_length=100, widget=forms.TextInput({"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=_("Ten characters or more. A few unrelated words are easy to remember and hard to guess."),
    )  # fmt: skip

    def __init__(self, *args: Any, address: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = address

    def clean_password(self) -> str:
        """Strong enough by AUTH_PASSWORD_VALIDATORS."""
        given: str = self.cleaned_data["password"]
        user = User(email=self.address or self.cleaned_data.get("email", ""), name=self.cleaned_data.get("name", ""))
        password_validation.validate_password(given, user)
        return given


class First(NewUser):
    """The first owner, and the first tenant where there is none."""

    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput({"autocomplete": "username"}))
    company = forms.CharField(
        label=_("Company"), max_length=200, widget=forms.TextInput({"autocomplete": "organization"})
    )
    field_order = ("name", "email", "password", "company")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if Tenant.objects.exists():
            del self.fields["company"]


@public("whoever knows the token was given it by the operator")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ticket(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time address: lets its user in, or makes the first owner."""
    found = tickets.find(token)
    if found is None:
        raise Http404
    if found.user is not None:
        if request.method == "HEAD" or not tickets.use(found):
            raise Http404
        let_in(request, found.user, gettext_noop("signed in by a one-time address"))
        return redirect("/")
    form = First(request.POST or None)
    if form.is_valid():
        with transaction.atomic():
            if not tickets.use(found):
                raise Http404
            user = _first_owner(form.cleaned_data)
        let_in(request, user, gettext_noop("signed in"))
        return redirect("/")
    return render(request, "console/first.html", {"form": form})


def _first_owner(given: dict[str, Any]) -> User:
    user = User.objects.make(given["email"], given["password"], name=given["name"])
    if not Tenant.objects.exists():
        Tenant.objects.create(slug=slugify(given["company"])[:40] or "main", name=given["company"])
    for tenant in Tenant.objects.all():
        Member.objects.create(tenant=tenant, user=user, role=Role.OWNER)
    return user


@page(Right.BOOKS)
def nothing(request: HttpRequest) -> HttpResponse:
    """Where somebody lands whose role opens no page of the menu."""
    return render(request, "console/nothing.html")
