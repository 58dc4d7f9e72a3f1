"""Who belongs to the tenant, and who is invited to it."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from samklang.console.doors import NewUser
from samklang.console.frame import go, show
from samklang.console.navigation import home
from samklang.people import members
from samklang.people.access import PageRequest, page, public
from samklang.people.accounts import let_in
from samklang.people.audit import Actor
from samklang.people.models import Invitation, Member, Token, User
from samklang.people.rights import Right, Role

#: What a role is for, beside its name.
MEANS = {
    Role.OWNER: gettext_lazy("everything, people included"),
    Role.OPERATOR: gettext_lazy("watch orders and mend what is wrong"),
    Role.CONSULTANT: gettext_lazy("set up connections, flows and rules, watch and mend, read the books"),
    Role.ACCOUNTANT: gettext_lazy("vouchers and reconciliation, and nothing else"),
    Role.READER: gettext_lazy("look, and change nothing"),
}


class Invite(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254)
    role = forms.ChoiceField(
        label=gettext_lazy("Role"), choices=[(role.value, role.label) for role in MEANS], initial=Role.OPERATOR
    )


@page(Right.PEOPLE)
def people(request: PageRequest) -> HttpResponse:
    """Members with their roles, and open invitations."""
    return _shown(request, Invite())


def _shown(request: PageRequest, form: Invite) -> HttpResponse:
    second = Authenticator.objects.filter(user=OuterRef("user"), type=Authenticator.Type.TOTP)
    rows = Member.objects.filter(tenant=request.tenant).select_related("user").annotate(second=Exists(second))
    invited = Invitation.objects.filter(tenant=request.tenant).select_related("by").order_by("email")
    return show(
        request, "people", 422 if form.errors else 200, rows=rows.order_by("user__email"), invited=invited,
        now=timezone.now(), form=form, roles=[(role.value, role.label, means) for role, means in MEANS.items()],
    )  # fmt: skip


@page(None, post=Right.PEOPLE)
def invite(request: PageRequest) -> HttpResponse:
    """Send an invitation."""
    form = Invite(request.POST)
    if not form.is_valid():
        return _shown(request, form)
    try:
        row, token = members.invite(_by(request), form.cleaned_data["email"], Role(form.cleaned_data["role"]))
    except members.Refused as refused:
        form.add_error("email", str(refused))
        return _shown(request, form)
    address = members.address_of(token)
    if members.mail(row, address):
        messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": row.email})
        return go(request, "people")
    return show(request, "invited", row=row, address=address)


@page(None, post=Right.PEOPLE)
def withdraw(request: PageRequest, number: int) -> HttpResponse:
    """Take an invitation back."""
    members.withdraw(_by(request), number)
    return go(request, "people")


@page(None, post=Right.PEOPLE)
def change(request: PageRequest, number: int) -> HttpResponse:
    """Give a member another role."""
    role = request.POST.get("role", "")
    if role in Role.values:
        try:
            members.change(_by(request), number, Role(role))
            messages.success(request, _("Saved."))
        except members.Refused as refused:
            messages.error(request, str(refused))
    return go(request, "people")


@page(Right.PEOPLE, post=Right.PEOPLE)
def remove(request: PageRequest, number: int) -> HttpResponse:
    """End a membership, after a page that says what that means."""
    member = Member.objects.filter(tenant=request.tenant, pk=number).select_related("user").first()
    if member is not None and request.method != "POST":
        tokens = Token.objects.filter(tenant=request.tenant, made_by=member.user)
        return show(request, "remove", row=member, tokens=tokens)
    try:
        user = members.remove(_by(request), number)
    except members.Refused as refused:
        messages.error(request, str(refused))
        return go(request, "people")
    messages.success(request, _("%(email)s is no member any more.") % {"email": user.email})
    return redirect("index") if user == request.user else go(request, "people")


@public("whoever knows the token has the mail that it was sent by")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: signed in as the one who is meant, or by making an account."""
    row = members.find(token)
    if row is None:
        return render(request, "console/invitation_gone.html", status=404)
    known = User.objects.filter(email=row.email).first()
    values = {"row": row, "role": row.get_role_display(), "means": MEANS[Role(row.role)], "known": known}
    form = NewUser(request.POST or None, address=row.email)
    try:
        if request.user.is_authenticated:
            if request.method == "POST" and request.user == known:
                return redirect(home(members.accept(row, request.user)))
        elif known is None and form.is_valid():
            user = members.accept_anew(row, form.cleaned_data["name"], form.cleaned_data["password"])
            let_in(request, user, gettext_noop("signed in"))
            return redirect("index")
    except members.Refused as refused:
        messages.error(request, str(refused))
        return redirect("index")
    return render(request, "console/invitation.html", {**values, "form": form})


def _by(request: PageRequest) -> Actor:
    return Actor.person(request.tenant, request.user)
