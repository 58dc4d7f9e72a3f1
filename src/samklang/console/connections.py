"""The connected systems: how each is, its limits, what was read and written last, pausing, webhooks."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.connectors.errors import SamklangError
from samklang.connectors.registers import registers
from samklang.console.frame import blame, go, is_part, show, told
from samklang.hub import links
from samklang.hub.looks import overview, systems
from samklang.hub.models import Connection
from samklang.hub.setup import connecting
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.retold import retold
from samklang.people.rights import Right

_FEW = 5  # connections without a flow that are listed with the others


def _row(request: PageRequest, name: str) -> Connection:
    row = Connection.objects.select_related("tenant").filter(tenant=request.tenant, name=name).first()
    if row is None:
        raise Http404
    return row


@page(Right.SEE)
def connections(request: PageRequest) -> HttpResponse:
    """All connected systems with their health."""
    seen = {system.row.pk: system for system in overview.overview(request.tenant).systems}
    rows = [(row, seen[row.pk]) for row in systems.connections(request.tenant)]
    unused = [one for one in rows if one[1].why == "unused"]
    if len(unused) < _FEW or len(unused) == len(rows):
        unused = []
    used = [one for one in rows if one not in unused]
    return show(request, "connections", rows=rows, used=used, unused=unused)


@page(Right.SEE)
def connection(request: PageRequest, name: str) -> HttpResponse:
    """One system."""
    row = _row(request, name)
    look = systems.look(row)
    system = next(one for one in overview.overview(request.tenant).systems if one.row.pk == row.pk)
    return show(
        request, "parts/heard" if is_part(request) else "connection", look=look, row=row, facts=look.facts,
        system=system, registers=registers(look.facts).values() if look.facts else [], hooks_form=Hooks(request, row),
        pause_form=PauseForm(),
    )  # fmt: skip


class PauseForm(forms.Form):
    """Why a connection is paused."""

    why = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, required=False,
        help_text=gettext_lazy("Shown to everybody who wonders why nothing moves."),
    )  # fmt: skip


@page(None, post=Right.OPERATE)
def pause(request: PageRequest, name: str) -> HttpResponse:
    """Pause a connection: what is due waits."""
    row = _row(request, name)
    form = PauseForm(request.POST)
    if form.is_valid():
        why = form.cleaned_data["why"] or _("Paused by %(who)s") % {"who": request.user}
        connecting.pause(row, why)
        audit.note(request, gettext_noop("paused"), f"connection {name}", why=why)
        messages.success(request, _("%(name)s is paused. What is due waits; none of it is lost.") % {"name": name})
    return go(request, "connection", name)


@page(None, post=Right.OPERATE)
def resume(request: PageRequest, name: str) -> HttpResponse:
    """Use a connection again."""
    row = _row(request, name)
    links.resume(row)
    audit.note(request, gettext_noop("resumed"), f"connection {name}")
    messages.success(request, _("%(name)s is in use again.") % {"name": name})
    return go(request, "connection", name)


@page(None, post=Right.OPERATE)
def check(request: PageRequest, name: str) -> HttpResponse:
    """Ask the system whether the login still works."""
    row = _row(request, name)
    try:
        account = links.check(row)
    except SamklangError as error:
        messages.error(request, told(error))
    else:
        title = f"{account.title} {account.version}".strip()
        messages.success(request, _("The login works: %(title)s") % {"title": title})
        for warning in account.warnings:
            messages.warning(request, retold(warning))
    return go(request, "connection", name)


class Hooks(forms.Form):
    """Where the system finds us."""

    public_url = forms.URLField(
        label=gettext_lazy("Address of this hub, as the system reaches it"), assume_scheme="https", max_length=300,
        help_text=gettext_lazy("It must be reachable from there; a system on the internet needs https."),
    )  # fmt: skip

    def __init__(self, request: PageRequest, row: Connection, given: object = None) -> None:
        super().__init__(given, initial={"public_url": request.build_absolute_uri("/").rstrip("/")})  # type: ignore[arg-type]  # POST data or none
        self.row = row


@page(Right.CONFIGURE, post=Right.CONFIGURE)
def hooks(request: PageRequest, name: str) -> HttpResponse:
    """Have the system send webhooks here."""
    row = _row(request, name)
    form = Hooks(request, row, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            address = connecting.register_hooks(row, form.cleaned_data["public_url"])
        except SamklangError as error:
            blame(form, error)
        else:
            audit.note(request, gettext_noop("registered webhooks"), f"connection {name}", address=address)
            messages.success(request, _("Webhooks come to %(address)s") % {"address": address})
            return go(request, "connection", name)
    return show(
        request, "parts/hooks_form" if is_part(request) else "hooks", 422 if form.errors else 200, form=form, row=row
    )
