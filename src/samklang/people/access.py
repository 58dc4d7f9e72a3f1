"""Who may open a page. Every route of ours says it with one of three decorators, and a test sees to it:

    @page(Right.SEE)                         a page of a tenant; the address names it: /t/<slug:tenant>/…
    @page(Right.SEE, post=Right.OPERATE)     … that may also be posted to, by whoever has the second right
    @page(None, post=Right.OPERATE)          an act: only posted to
    @signed_in()                             for whoever is logged in, no matter where
    @public("why")                           for everybody

Whoever is no member of a tenant gets 404 for all of it: not even its name can be found out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import quote

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation

from samklang.hub.models import Tenant
from samklang.people.models import Member, User
from samklang.people.rights import WORDS, Right

_SAFE = ("GET", "HEAD")


class SignedIn(HttpRequest):
    """A request of somebody we know."""

    user: User


class PageRequest(SignedIn):
    """A request of a member who has the right to the page."""

    tenant: Tenant
    member: Member
    zoned: bool  # whether times are already shown in the tenant's zone (console/frame.py)


class Access(NamedTuple):
    """What a route asks for: rights for reading and for posting (None = cannot be posted to), or who else may come."""

    get: Right | None = None
    post: Right | None = None
    who: str = "member"  # member, anybody signed in, or everybody
    why: str = ""  # why everybody may


class View(Protocol):
    """A view that says who may open it."""

    access: Access

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase: ...


def page(get: Right | None, post: Right | None = None) -> Callable[[Callable[..., HttpResponseBase]], View]:
    """A page of a tenant. The view gets `request.tenant` and `request.member`, and no argument `tenant`."""

    def decorate(view: Callable[..., HttpResponseBase]) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, tenant: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            asked = cast(PageRequest, request)
            speak(asked.user)
            member = asked.user.places.select_related("tenant").filter(tenant__slug=tenant).first()
            if member is None:
                raise Http404
            member.user = asked.user
            asked.tenant, asked.member = member.tenant, member
            right = get if request.method in _SAFE else post if request.method == "POST" else None
            if right is None:
                return HttpResponseNotAllowed([*(_SAFE if get else ()), *(("POST",) if post else ())])
            return view(asked, *args, **kwargs) if member.may(right) else refuse(asked, right)

        return _declared(guarded, Access(get, post))

    return decorate


def signed_in() -> Callable[[Callable[..., HttpResponseBase]], View]:
    """A page that is nobody's tenant's: one's own account, the choice of a tenant."""

    def decorate(view: Callable[..., HttpResponseBase]) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            speak(cast(SignedIn, request).user)
            return view(request, *args, **kwargs)

        return _declared(guarded, Access(who="signed in"))

    return decorate


def public(why: str) -> Callable[[Callable[..., HttpResponseBase]], View]:
    """A route that everybody may ask, and the reason why that does no harm."""
    return lambda view: _declared(view, Access(who="everybody", why=why))


def _declared(view: Callable[..., HttpResponseBase], access: Access) -> View:
    declared = cast(View, view)
    declared.access = access
    return declared


def speak(user: User) -> None:
    """From here on in the language that the user has chosen, where one has been."""
    if user.language in dict(settings.LANGUAGES):
        translation.activate(user.language)


def to_login(request: HttpRequest) -> HttpResponse:
    """To the login and back. A part of a page cannot show it: then the whole page goes there."""
    if request.headers.get("HX-Request"):
        here = request.headers.get("HX-Current-URL", "/")
        back = "/" + here.split("://", 1)[-1].partition("/")[2]
        return HttpResponse(status=401, headers={"HX-Redirect": f"{reverse('account_login')}?next={quote(back)}"})
    if request.method not in _SAFE:
        return redirect("account_login")
    return redirect(f"{reverse('account_login')}?next={quote(request.get_full_path())}")


def refuse(request: PageRequest, right: Right) -> HttpResponse:
    """403, and in plain words what is missing and whom to ask."""
    owners = Member.objects.filter(tenant=request.tenant, role="owner").select_related("user")
    values = {"words": WORDS[right], "owners": [str(owner.user) for owner in owners[:5]]}
    return render(request, "console/refused.html", values, status=403)


def here(request: PageRequest, name: str, *args: Any) -> str:
    """The address of a page of the same tenant: here(request, "console:journey", key)."""
    return reverse(name, args=[request.tenant.slug, *args])
