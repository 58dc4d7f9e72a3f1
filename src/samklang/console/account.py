"""One's own account: name and language, password, second factor, where one is signed in. allauth does what is delicate;
its pages are ours (templates/account, templates/mfa)."""

from __future__ import annotations

from typing import Any

from allauth.account import views as accounts
from allauth.mfa.base import views as factor
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.usersessions import views as sessions
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from samklang.people.access import SignedIn, public, signed_in
from samklang.people.models import User


class Profile(forms.ModelForm):  # type: ignore[type-arg]  # at run time it takes none
    """What others see of one, and the language one reads."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"), required=False,
        choices=[("", gettext_lazy("As the browser asks")), *settings.LANGUAGES],
    )  # fmt: skip

    class Meta:
        model = User
        fields = ("name", "language")
        labels = {"name": gettext_lazy("Name")}  # noqa: RUF012


@signed_in()
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: SignedIn) -> HttpResponse:
    """Name and language, and the way to the rest."""
    form = Profile(request.POST or None, instance=request.user)
    if form.is_valid():
        form.save()
        _speak(request, request.user.language)
        messages.success(request, _("Saved."))
        return redirect("account")
    factors = set(Authenticator.objects.filter(user=request.user).values_list("type", flat=True))
    return render(
        request, "account/account.html",
        {
            "form": form, "second": Authenticator.Type.TOTP in factors,
            "sessions": UserSession.objects.filter(user=request.user).count(),
            "places": request.user.places.select_related("tenant").order_by("tenant__name"),
        },
    )  # fmt: skip


@public("whoever is not signed in may choose the language of the login page")
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Read everything in another language from now on: the browser remembers it, and the user's row."""
    chosen = request.POST.get("language", "")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = "/"
    answer = redirect(back)
    if chosen in dict(settings.LANGUAGES):
        if request.user.is_authenticated:
            User.objects.filter(pk=request.user.pk).update(language=chosen)
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, chosen, max_age=365 * 86400, samesite="Lax",
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY, secure=settings.LANGUAGE_COOKIE_SECURE,
        )  # fmt: skip
    return answer


def _speak(request: SignedIn, chosen: str) -> None:
    """Answer in the language that was just chosen."""
    translation.activate(chosen or translation.get_language_from_request(request))


class Forgotten(accounts.PasswordResetView):  # type: ignore[misc]  # allauth has no types
    """Asks for the address that a new password is mailed to."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Whether this server sends mails at all comes with it."""
        return {**super().get_context_data(**kwargs), "mail": bool(settings.MAIL)}


_mine = signed_in()
routes = [
    path("login", public("it is where one logs in")(accounts.login), name="account_login"),
    path("login/second", public("it asks for the second factor of a login that has begun")(factor.authenticate),
         name="mfa_authenticate"),
    path("login/off", public("it says that an account is switched off")(accounts.account_inactive),
         name="account_inactive"),
    path("forgot", public("it mails an address to the account's owner, and never says whether there is one")(
         Forgotten.as_view()), name="account_reset_password"),
    path("forgot/sent", public("it says the same to everybody")(accounts.password_reset_done),
         name="account_reset_password_done"),
    path("forgot/done", public("it says the same to everybody")(accounts.password_reset_from_key_done),
         name="account_reset_password_from_key_done"),
    path("forgot/<str:uidb36>/<str:key>", public("whoever knows the key has the account's mail")(
         accounts.password_reset_from_key), name="account_reset_password_from_key"),
    path("language", language, name="language"),
    path("account", account, name="account"),
    path("account", account, name="mfa_index"),
    path("account/password", _mine(accounts.password_change), name="account_change_password"),
    path("account/password/first", _mine(accounts.password_set), name="account_set_password"),
    path("account/again", _mine(accounts.reauthenticate), name="account_reauthenticate"),
    path("account/again/second", _mine(factor.reauthenticate), name="mfa_reauthenticate"),
    path("account/second", _mine(totp.activate_totp), name="mfa_activate_totp"),
    path("account/second/off", _mine(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("account/codes", _mine(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("account/codes/new", _mine(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("account/sessions", _mine(sessions.list_usersessions), name="usersessions_list"),
]  # fmt: skip
