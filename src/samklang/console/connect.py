"""Connecting a system by hand: the catalogue, the form that checks a login before it saves, and the way to another
system's login page and back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from samklang.connectors.checks import MemoryTokens
from samklang.connectors.contract import Account, Manifest, Setting
from samklang.connectors.errors import LoginRefused, SamklangError
from samklang.connectors.registers import Register, handled, registers
from samklang.connectors.registry import manifest, packages
from samklang.console import pending
from samklang.console.frame import blame, go, is_part, show, told
from samklang.console.pending import Pending
from samklang.console.templatetags.words import said, words
from samklang.hub import secrets
from samklang.hub.models import Channel, Connection
from samklang.hub.setup import connecting
from samklang.hub.setup.config import ChannelPart
from samklang.people import audit
from samklang.people.access import PageRequest, SignedIn, page, signed_in
from samklang.people.models import Member
from samklang.people.rights import Right
from samklang.records.times import zone

#: Kinds of systems in the order in which a merchant thinks of them.
_KINDS = ("shop", "marketplace", "pos", "erp", "wms", "carrier", "payment")
_KEPT = gettext_lazy("kept; type only to replace it")
_ABOUT_CHANNEL = ("channel", "country", "currency", "time_zone")


def _zone(value: str) -> None:
    try:
        zone(value)
    except (KeyError, ValueError) as error:
        raise forms.ValidationError(_("There is no such time zone; write one such as Europe/Stockholm.")) from error


class Form(forms.Form):
    """What a connector asks, with the name of a new connection and the channel of a new shop."""

    def __init__(self, row: Connection, facts: Manifest, given: Any = None, typed: Pending | None = None) -> None:
        self._kept = {} if row.pk is None else secrets.unseal(row.secrets)
        self._typed = typed.given if typed else {}
        super().__init__(given, initial=self._typed)
        self.row = row
        if row.pk is None:
            self.fields["name"] = forms.SlugField(
                label=gettext_lazy("What you call it"), max_length=40, initial=self._free_name(row, facts),
                help_text=gettext_lazy("Small letters, digits and hyphens, such as shop or erp. It stays."),
            )  # fmt: skip
        for setting in facts.settings:
            self.fields[setting.name] = self._field(setting)
        if row.pk is None and facts.kind in connecting.SHOPS:
            self._channel()

    @staticmethod
    def _free_name(row: Connection, facts: Manifest) -> str:
        taken = set(Connection.objects.filter(tenant=row.tenant).values_list("name", flat=True))
        return next(
            name for n in range(1, 1000) if (name := facts.kind if n == 1 else f"{facts.kind}-{n}") not in taken
        )

    def _field(self, setting: Setting) -> forms.Field:
        # Connectors know nothing of languages: the catalogue has their texts (tests/messages.py).
        more: dict[str, Any] = {
            "label": said(setting.title), "help_text": said(setting.help), "required": setting.required
        }  # fmt: skip
        if setting.kind == "secret":
            kept = bool(self._kept.get(setting.name) or self._typed.get(setting.name))
            more["required"] = setting.required and not kept
            widget = forms.PasswordInput(attrs={"autocomplete": "off", "placeholder": _KEPT if kept else ""})
            return forms.CharField(widget=widget, strip=True, max_length=4000, **more)
        more["initial"] = self.row.settings.get(setting.name, setting.default)
        if setting.kind == "bool":
            return forms.BooleanField(**{**more, "required": False})
        if setting.kind == "number":
            return forms.IntegerField(**more)
        if setting.kind == "choice":
            return forms.ChoiceField(choices=[(choice, said(choice)) for choice in setting.choices], **more)
        if setting.kind == "url":
            return forms.URLField(assume_scheme="https", max_length=500, **more)
        return forms.CharField(max_length=1000, **more)

    def _channel(self) -> None:
        self.fields["channel"] = forms.SlugField(
            label=gettext_lazy("Channel"), max_length=40, required=False,
            help_text=gettext_lazy("What orders of this shop are tagged with. Empty: the connection's name."),
        )  # fmt: skip
        self.fields["country"] = forms.CharField(
            label=gettext_lazy("Country"), min_length=2, max_length=2, initial="SE",
            help_text=gettext_lazy("Two letters, such as SE."),
        )  # fmt: skip
        self.fields["currency"] = forms.CharField(
            label=gettext_lazy("Currency"), min_length=3, max_length=3, initial="SEK"
        )
        self.fields["time_zone"] = self.fields.get("time_zone") or forms.CharField(
            label=gettext_lazy("Time zone"), max_length=40, initial="Europe/Stockholm", validators=[_zone]
        )

    def remember(self, typed: Pending) -> None:
        """Secrets that were typed need not be typed again: the fields say so."""
        self._typed = typed.given
        for setting in manifest(self.row.connector).settings:
            if setting.kind == "secret" and self._typed.get(setting.name):
                self.fields[setting.name].required = False
                self.fields[setting.name].widget.attrs["placeholder"] = _KEPT

    def given(self) -> dict[str, Any]:
        """What was answered, with the secrets that were typed before and left empty now."""
        cleaned = dict(self.cleaned_data)
        for setting in manifest(self.row.connector).settings:
            if setting.kind == "secret" and not cleaned.get(setting.name):
                cleaned[setting.name] = self._typed.get(setting.name, "")
        return cleaned

    @property
    def about_system(self) -> list[forms.BoundField]:
        """The fields that the connector asks for, and the name."""
        return [field for field in self if field.name not in _ABOUT_CHANNEL or "channel" not in self.fields]

    @property
    def about_channel(self) -> list[forms.BoundField]:
        """The fields of a new shop's channel."""
        return [self[name] for name in _ABOUT_CHANNEL] if "channel" in self.fields else []


class Kind:
    """A connector in the catalogue, with what it does of each record type."""

    def __init__(self, facts: Manifest, types: list[str]) -> None:
        self.facts = facts
        self.cells: list[Register | None] = [registers(facts).get(type_) for type_ in types]

    @property
    def reads(self) -> str:
        """What can be read, in words."""
        return ", ".join(words(one.type) for one in self.cells if one and one.reads) or "–"

    @property
    def writes(self) -> str:
        """What can be written, in words."""
        return ", ".join(words(one.type) for one in self.cells if one and one.writes) or "–"


@page(Right.CONFIGURE)
def catalogue(request: PageRequest) -> HttpResponse:
    """Every connector and what it can do, so that one can be chosen (J-20)."""
    facts = sorted((manifest(name) for name in packages()), key=lambda one: (_KINDS.index(one.kind), one.title))
    types = handled()
    rows = [Kind(one, types) for one in facts]
    return show(request, "catalogue", rows=rows, types=types)


@never_cache
@page(Right.CONFIGURE, post=Right.CONFIGURE)
def connect(request: PageRequest, connector: str) -> HttpResponse:
    """Connect a new system of this kind."""
    if connector not in packages():
        raise Http404
    return _form(request, Connection(tenant=request.tenant, connector=connector))


@never_cache
@page(Right.CONFIGURE, post=Right.CONFIGURE)
def change(request: PageRequest, name: str) -> HttpResponse:
    """Change the settings of a connection, or its secrets, or log in anew."""
    row = Connection.objects.select_related("tenant").filter(tenant=request.tenant, name=name).first()
    if row is None or row.connector not in packages():
        raise Http404
    return _form(request, row)


def _form(request: PageRequest, row: Connection) -> HttpResponse:
    facts = manifest(row.connector)
    typed = pending.find(request, request.POST.get("typed", "") or request.GET.get("typed", ""))
    if typed and (typed.tenant, typed.connector) != (request.tenant.slug, row.connector):
        typed = None
    if request.method != "POST":
        form = Form(row, facts, typed=typed)
        return _shown(request, form, facts, typed, 200)
    form = Form(row, facts, request.POST, typed)
    if not form.is_valid():
        return _shown(request, form, facts, typed)
    given = form.given()
    kept = Pending(
        tenant=request.tenant.slug, name=row.name or given["name"], connector=row.connector, given=given,
        redirect=request.build_absolute_uri(reverse("login-back")), id=typed.id if typed else "",
        login=bool(request.POST.get("login")),
    )  # fmt: skip
    pending.keep(request, kept)
    try:
        return _try(request, kept, form, facts)
    except SamklangError as error:
        blame(form, error)
        return _shown(request, form, facts, kept)


def _shown(request: PageRequest, form: Form, facts: Manifest, typed: Pending | None, status: int = 422) -> HttpResponse:
    if typed:
        form.remember(typed)
    return show(
        request, "parts/connect_form" if is_part(request) else "connect", status, form=form, facts=facts, row=form.row,
        typed=typed.id if typed else "", redirect=request.build_absolute_uri(reverse("login-back")),
    )  # fmt: skip


def _try(request: PageRequest, kept: Pending, form: Form, facts: Manifest) -> HttpResponse:
    """Check what was answered at the system; save it, or send the person to its login page."""
    row, found = _answered(request, kept)
    if found.wrong:
        for name, wrong in found.wrong.items():
            form.add_error(name, told(wrong))
        return _shown(request, form, facts, kept)
    tokens = MemoryTokens() if kept.login else connecting.stored_tokens(row)
    if facts.auth == "oauth2":
        if tokens.tokens is None:
            return _to_login(request, kept, row, found, facts)
        try:
            account = connecting.check(row, found, tokens)
        except LoginRefused:  # the stored login is dead
            return _to_login(request, kept, row, found, facts)
    else:
        account = connecting.check(row, found, tokens)
    return _save(request, kept, row, found, tokens, account)


def _answered(request: PageRequest, kept: Pending) -> tuple[Connection, connecting.Answers]:
    row = connecting.find_or_new(request.tenant, kept.name, kept.connector)
    if row.pk is None:
        row.tenant = request.tenant
        if manifest(row.connector).kind in connecting.SHOPS:
            connecting.channel_code(row, kept.given.get("channel", ""))  # before anything is asked of the system
    return row, connecting.answers(row, kept.given)


def _to_login(
    request: PageRequest, kept: Pending, row: Connection, found: connecting.Answers, facts: Manifest
) -> HttpResponse:
    with connecting.trial(row, {**found.settings, **found.secrets}, MemoryTokens()) as trial:
        address = trial.login_page(kept.redirect, kept.id)
    return show(
        request,
        "parts/approve" if is_part(request) else "approve",
        facts=facts,
        row=row,
        address=address,
        typed=kept.id,
    )


def _save(
    request: PageRequest, kept: Pending, row: Connection, found: connecting.Answers, tokens: MemoryTokens,
    account: Account,
) -> HttpResponse:  # fmt: skip
    first, given = row.pk is None, kept.given
    part = None
    if first and manifest(row.connector).kind in connecting.SHOPS:
        part = ChannelPart(
            connection=row.name, country=given["country"].upper(), currency=given["currency"].upper(),
            time_zone=given["time_zone"],
        )  # fmt: skip
    with transaction.atomic():
        code = connecting.save(
            row, found, tokens, request.user.email, channel=part, code=given.get("channel", "") if first else ""
        )
        what = gettext_noop("connected") if first else gettext_noop("changed the settings")
        audit.note(request, what, f"connection {row.name}", settings=found.settings, account=account.title)
    pending.forget(request, kept.id)
    title = f"{account.title} {account.version}".strip()
    messages.success(request, _("%(name)s is connected: %(title)s") % {"name": row.name, "title": title})
    for warning in account.warnings:
        messages.warning(request, said(warning))
    if first and code and Channel.objects.filter(tenant=request.tenant).count() == 1:
        messages.info(request, _("Orders of this shop belong to the channel %(code)s.") % {"code": code})
    return go(request, "connection", row.name)


@signed_in()
@never_cache
@require_safe
def login_back(request: SignedIn) -> HttpResponse:
    """Where another system's login page leads back to. Its `state` is the id of a form in this session."""
    state = request.GET.get("state", "")
    kept = pending.find(request, state)
    if kept is None:
        messages.error(request, _("This login was begun too long ago, or in another browser. Begin it again."))
        return redirect("index")
    member = Member.objects.select_related("tenant").filter(user=request.user, tenant__slug=kept.tenant).first()
    if member is None or not member.may(Right.CONFIGURE):
        raise Http404
    asked = request
    asked.tenant, asked.member = member.tenant, member  # type: ignore[attr-defined]  # now it is a PageRequest
    return _logged_in(asked, kept)  # type: ignore[arg-type]  # as above


def _logged_in(request: PageRequest, kept: Pending) -> HttpResponse:
    try:
        row, found = _answered(request, kept)
        code = connecting.code_of(request.GET.dict(), kept.id)
        tokens = MemoryTokens()
        with connecting.trial(row, {**found.settings, **found.secrets}, tokens) as trial:
            trial.log_in(code, kept.redirect)
            account = trial.check()
        return _save(request, kept, row, found, tokens, account)
    except SamklangError as error:
        messages.error(request, told(error))
        exists = Connection.objects.filter(tenant=request.tenant, name=kept.name).exists()
        name, argument = ("connection-change", kept.name) if exists else ("connect", kept.connector)
        address = reverse(f"console:{name}", args=[request.tenant.slug, argument])
        return redirect(f"{address}?typed={kept.id}")
