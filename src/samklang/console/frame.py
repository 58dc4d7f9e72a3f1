"""What pages that change something share: rendering in the tenant's time zone, parts for htmx, errors in place."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from samklang import engine
from samklang.connectors.errors import SamklangError
from samklang.console.templatetags.words import said
from samklang.engine.port import Job
from samklang.hub.looks.rows import time_zone
from samklang.people.access import PageRequest, here


def show(request: PageRequest, template: str, status: int = 200, **values: Any) -> HttpResponse:
    """A page (or a part of one), its times in the zone of the tenant's first channel."""
    in_zone(request)
    return render(request, f"console/{template}.html", values, status=status)


def in_zone(request: PageRequest) -> None:
    """From here on the day and the time are those of the tenant's first channel."""
    if not getattr(request, "zoned", False):
        timezone.activate(time_zone(request.tenant))
        request.zoned = True


def is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def go(request: PageRequest, name: str, *args: Any) -> HttpResponse:
    """On to another page of the tenant, also when a part was asked for."""
    address = here(request, f"console:{name}", *args)
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if is_part(request) else redirect(address)


def told(error: SamklangError) -> str:
    """What happened and what to do, as one line, in the reader's language where the catalogue has it."""
    do_this = "" if error.do_this == error.__class__.do else f" {said(error.do_this)}"
    return f"{said(error.what).rstrip('.')}.{do_this}"


def blame(form: forms.Form, error: SamklangError) -> None:
    """Put an error beside the field that it is about, else on top of the form."""
    form.add_error(error.where if error.where in form.fields else None, told(error))


def wake(job: Job) -> None:
    """Have the engine do it now instead of at its next look at the tables."""
    if engine.current is not None:
        engine.current.wake(job)
