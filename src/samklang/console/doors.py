"""The ways in: the login, the first visit, one-time addresses, and the choice of a tenant."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate, login, logout, password_validation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from samklang.console.navigation import home
from samklang.hub.models import Tenant
from samklang.people import tickets
from samklang.people.access import SignedIn, page, public, signed_in
from samklang.people.models import Member, User
from samklang.people.rights import Right, Role

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@signed_in()
@require_safe
def index(request: SignedIn) -> HttpResponse:
    """To the only tenant, else the choice of one."""
    places = list(request.user.places.select_related("tenant").order_by("tenant__name"))
    if len(places) == 1:
        return redirect(home(places[0]))
    return render(request, "console/tenants.html", {"places": [(place, home(place)) for place in places]})


class Login(forms.Form):
    """E-mail and password."""

    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


@public("it is where one logs in")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """The login."""
    after = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(after, {request.get_host()}, request.is_secure()):
        after = "/"
    form = Login(request.POST or None)
    if form.is_valid():
        given = form.cleaned_data
        user = authenticate(request, username=given["email"], password=given["password"])
        if user is not None:
            login(request, user)
            return redirect(after)
        form.add_error(None, _("This e-mail and this password do not belong together."))
    return render(request, "console/login.html", {"form": form})


@public("whoever is signed out already may sign out")
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    logout(request)
    return redirect("login")


class First(forms.Form):
    """The first owner, and the first tenant where there is none."""

    name = forms.CharField(label=_("Your name"), max_length=100)
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    company = forms.CharField(label=_("Company"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if Tenant.objects.exists():
            del self.fields["company"]

    def clean_password(self) -> str:
        """Strong enough by AUTH_PASSWORD_VALIDATORS."""
        given: str = self.cleaned_data["password"]
        password_validation.validate_password(given, User(email=self.cleaned_data.get("email", "")))
        return given


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
        login(request, found.user, backend=_BACKEND)
        return redirect("/")
    form = First(request.POST or None)
    if form.is_valid() and tickets.use(found):
        login(request, _first_owner(form.cleaned_data), backend=_BACKEND)
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
