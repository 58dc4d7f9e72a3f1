"""The configuration's versions: who, when, why, what was changed; the way back, and the file (X-06)."""

from __future__ import annotations

import difflib
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.connectors.errors import BadData, Misconfigured
from samklang.console.frame import go, show, told
from samklang.hub.keeping import uploads
from samklang.hub.models import ConfigVersion
from samklang.hub.setup import config, drafts
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right

_PAGE = 50
_LARGEST = 2**20  # bytes of a file
_KINDS: tuple[uploads.Kind, ...] = ("text", "json")  # TOML may begin with [ as JSON does


class Import(forms.Form):
    """samklang.toml, as a file or as text."""

    file = forms.FileField(label=gettext_lazy("samklang.toml"), required=False)
    text = forms.CharField(
        label=gettext_lazy("… or its text"), required=False, max_length=_LARGEST, strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """One of the two, as text."""
        given = super().clean() or {}
        file = given.get("file")
        if file is not None:
            try:
                given["text"] = uploads.take(file, _KINDS, _LARGEST).body.decode("utf-8-sig")
            except BadData as refused:
                raise forms.ValidationError(told(refused)) from refused
            except UnicodeDecodeError as error:
                raise forms.ValidationError(_("The file is no text.")) from error
        if not given.get("text", "").strip():
            raise forms.ValidationError(_("Choose a file, or paste its text."))
        return given


@page(Right.SEE)
def history(request: PageRequest) -> HttpResponse:
    """All versions, the newest first."""
    rows = ConfigVersion.objects.filter(tenant=request.tenant).order_by("-number")
    before = request.GET.get("before", "")
    if before.isdigit():
        rows = rows.filter(number__lt=int(before))
    page_ = list(rows[: _PAGE + 1])
    older: list[ConfigVersion | None] = [*page_[1:], None]
    looked = [
        (version, config.changes_of(version, before_it)) for version, before_it in zip(page_, older, strict=False)
    ]
    more = page_[_PAGE - 1].number if len(page_) > _PAGE else 0
    newest = ConfigVersion.objects.filter(tenant=request.tenant).order_by("-number").first()
    return show(request, "history", rows=looked[:_PAGE], more=more, newest=newest, shown=drafts.shown(request.tenant))


@page(Right.SEE)
def version(request: PageRequest, number: int) -> HttpResponse:
    """One version: what it changed, line by line."""
    rows = ConfigVersion.objects.filter(tenant=request.tenant)
    found = rows.filter(number=number).first()
    if found is None:
        raise Http404
    older = rows.filter(number__lt=number).order_by("-number").first()
    newest = rows.order_by("-number").first()
    return show(
        request, "version", version=found, older=older, newest=newest is not None and newest.number == number,
        changes=config.changes_of(found, older), lines=_diff(older.text if older else "", found.text),
    )  # fmt: skip


def _diff(old: str, new: str) -> list[tuple[str, str]]:
    """Lines with what became of them: same, add, remove; stretches of sameness shortened to `skip`."""
    found: list[tuple[str, str]] = []
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=2, lineterm=""):
        if line.startswith(("---", "+++")):
            continue
        kind = {"+": "add", "-": "remove", "@": "skip"}.get(line[:1], "same")
        found.append((kind, "…" if kind == "skip" else line[1:]))
    return found[1:] if found and found[0][0] == "skip" else found


@page(None, post=Right.CONFIGURE)
def back(request: PageRequest, number: int) -> HttpResponse:
    """Let an earlier version be the draft: its plan shows what going back does."""
    found = ConfigVersion.objects.filter(tenant=request.tenant, number=number).first()
    if found is None:
        raise Http404
    return _take(request, found.text, f"back to version {number}")


@page(Right.CONFIGURE, post=Right.CONFIGURE)
def upload(request: PageRequest) -> HttpResponse:
    """Let a file be the draft."""
    form = Import(request.POST or None, request.FILES or None)
    if form.is_valid():
        try:
            drafts.replace(request.tenant, request.user.email, "samklang.toml", config.parse(form.cleaned_data["text"]))
        except Misconfigured as error:
            form.add_error(None, told(error))
        else:
            audit.note(request, gettext_noop("imported a configuration into the draft"))
            return go(request, "plan")
    return show(request, "import", 422 if form.errors else 200, form=form)


def _take(request: PageRequest, text: str, what: str) -> HttpResponse:
    try:
        shown = drafts.replace(request.tenant, request.user.email, what, config.parse(text))
    except Misconfigured as error:
        messages.error(request, told(error))
        return go(request, "history")
    audit.note(request, gettext_noop("edited the draft"), what)
    if shown.draft is None:
        messages.info(request, _("The configuration is like that already."))
        return go(request, "history")
    return go(request, "plan")


@page(Right.CONFIGURE)
def export(request: PageRequest) -> HttpResponse:
    """The configuration as samklang.toml, without secrets; `version` names an earlier one."""
    number = request.GET.get("version", "")
    if number.isdigit():
        found = ConfigVersion.objects.filter(tenant=request.tenant, number=int(number)).first()
        if found is None:
            raise Http404
        text = found.text
    else:
        text = config.dump(config.current(request.tenant))
    audit.note(request, gettext_noop("took a list as a file"), "samklang.toml", rows=text.count("\n"))
    answer = HttpResponse(text, content_type="application/toml; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="samklang.toml"'
    return answer
