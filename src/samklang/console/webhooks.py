"""Webhooks out: who is told of events, what became of the last of them, tried, paused, removed. The secret of one is
shown in the answer that makes it and never again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.connectors.errors import Misconfigured
from samklang.console.frame import blame, go, show
from samklang.hub.events import TYPES
from samklang.hub.models import Message, Subscription, Tenant
from samklang.hub.telling import outbox, subscriptions
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.retold import retold
from samklang.people.rights import Right

_SHOWN = 30  # messages of one webhook, the newest


class WebhookForm(forms.Form):
    """Where and of what somebody is told."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    url = forms.CharField(
        label=gettext_lazy("Address"), max_length=500, widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text=gettext_lazy("It is called with POST and must answer 2xx; https, and none in our own network."),
    )  # fmt: skip
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: all."),
    )  # fmt: skip

    def __init__(self, row: Subscription | None, given: Any = None) -> None:
        super().__init__(given, initial={"name": row.name, "url": row.url, "types": row.types} if row else None)
        types = self.fields["types"]
        assert isinstance(types, forms.MultipleChoiceField)
        types.choices = [(type_, _(says)) for type_, says in TYPES.items() if type_ != "webhook.test"]


class Row(NamedTuple):
    """A webhook in the list: what was last told to it, and how much waits."""

    row: Subscription
    last: Message | None
    waits: int


@page(Right.CONFIGURE, post=Right.CONFIGURE)
def webhooks(request: PageRequest) -> HttpResponse:
    """All webhooks; posted to, a new one, whose secret is shown in the answer."""
    form = WebhookForm(None, request.POST if request.method == "POST" else None)
    made, secret = None, ""
    if form.is_valid():
        given = form.cleaned_data
        try:
            made, secret = subscriptions.subscribe(request.tenant, given["name"], given["url"], given["types"])
        except Misconfigured as error:
            blame(form, error)
        else:
            what = {"url": made.url, "types": made.types}
            audit.note(request, gettext_noop("made a webhook"), f"webhook {made.name}", **what)
            form = WebhookForm(None)
    rows = _listed(request.tenant)
    answer = show(request, "webhooks", 422 if form.errors else 200, rows=rows, form=form, made=made, secret=secret)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _listed(tenant: Tenant) -> list[Row]:
    """All of them in three questions, however many there are."""
    told = Message.objects.filter(tenant=tenant, subscription=OuterRef("pk")).exclude(tried_at=None)
    rows = Subscription.objects.filter(tenant=tenant).annotate(
        last=Subquery(told.order_by("-tried_at").values("pk")[:1])
    )
    found = list(rows.order_by("name"))
    last = Message.objects.select_related("event").in_bulk([row.last for row in found if row.last])
    due = Message.objects.filter(tenant=tenant, state=Message.State.DUE).values_list("subscription").order_by()
    waits = dict(due.annotate(n=Count("pk")))
    return [Row(row, last.get(row.last), waits.get(row.pk, 0)) for row in found]


def _row(request: PageRequest, number: int) -> Subscription:
    row = Subscription.objects.select_related("tenant").filter(tenant=request.tenant, pk=number).first()
    if row is None:
        raise Http404
    return row


@page(Right.CONFIGURE, post=Right.CONFIGURE)
def webhook(request: PageRequest, number: int) -> HttpResponse:
    """One webhook: what it is to be, and what was told to it."""
    row = _row(request, number)
    form = WebhookForm(row, request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        on = row.state == Subscription.State.ACTIVE
        try:
            subscriptions.change(row, given["name"], given["url"], given["types"], on)
        except Misconfigured as error:
            blame(form, error)
        else:
            now = {"url": row.url, "types": row.types, "on": on}
            audit.note(request, gettext_noop("changed a webhook"), f"webhook {row.name}", **now)
            return go(request, "webhooks")
    return _shown(request, row, form)


def _shown(request: PageRequest, row: Subscription, form: WebhookForm, secret: str = "") -> HttpResponse:
    told = Message.objects.filter(tenant=request.tenant, subscription=row).select_related("event").order_by("-event_id")
    answer = show(
        request, "webhook", 422 if form.errors else 200, row=row, form=form, told=told[:_SHOWN], secret=secret
    )  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


# ------------------------------------------------------------------------------------------------ acts


@page(None, post=Right.CONFIGURE)
def act(request: PageRequest, number: int, what: str) -> HttpResponse:
    """Try it, pause it, go on with it, give it a new secret, remove it."""
    row = _row(request, number)
    if what == "secret":
        secret = subscriptions.rotate(row)
        audit.note(request, gettext_noop("made a new secret"), f"webhook {row.name}")
        return _shown(request, row, WebhookForm(row), secret)
    if what not in _ACTS:
        raise Http404
    _ACTS[what](request, row)
    return go(request, "webhooks")


def _test(request: PageRequest, row: Subscription) -> None:
    message = outbox.test(row)
    if message.state == Message.State.DONE:
        messages.success(request, _("%(name)s took it: %(status)s.") % {"name": row.name, "status": message.status})
    else:
        messages.error(
            request, _("%(name)s did not take it: %(error)s") % {"name": row.name, "error": retold(message.error)}
        )


def _pause(request: PageRequest, row: Subscription) -> None:
    _switch(request, row, on=False)
    messages.success(
        request, _("%(name)s is told nothing now. What it misses can be told again over the API.") % {"name": row.name}
    )


def _resume(request: PageRequest, row: Subscription) -> None:
    _switch(request, row, on=True)
    messages.success(request, _("%(name)s is told again; what waited is sent.") % {"name": row.name})


def _switch(request: PageRequest, row: Subscription, *, on: bool) -> None:
    subscriptions.change(row, row.name, row.url, row.types, on)
    now = {"url": row.url, "types": row.types, "on": on}
    audit.note(request, gettext_noop("changed a webhook"), f"webhook {row.name}", **now)


def _remove(request: PageRequest, row: Subscription) -> None:
    name = row.name
    subscriptions.remove(row)
    audit.note(request, gettext_noop("removed a webhook"), f"webhook {name}")
    messages.success(request, _("%(name)s is told nothing more.") % {"name": name})


_ACTS: Mapping[str, Callable[[PageRequest, Subscription], None]] = {
    "test": _test, "pause": _pause, "resume": _resume, "remove": _remove,
}  # fmt: skip


@page(None, post=Right.CONFIGURE)
def resend(request: PageRequest, number: int, message: int) -> HttpResponse:
    """Tell one event again."""
    row = _row(request, number)
    if not outbox.resend(row, message):
        raise Http404
    audit.note(request, gettext_noop("replayed events"), f"webhook {row.name}", count=1)
    messages.success(request, _("It is told again."))
    return go(request, "webhook", number)
