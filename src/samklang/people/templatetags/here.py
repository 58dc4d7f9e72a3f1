"""Addresses of the tenant that the reader is in."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse

register = template.Library()


@register.simple_tag(takes_context=True)
def here(context: Context, name: str, *args: Any, **kwargs: Any) -> str:
    """`{% here "console:journey" key %}`: like `{% url %}`, with the reader's tenant put first."""
    slug = context["tenant"].slug
    return reverse(name, kwargs={"tenant": slug, **kwargs}) if kwargs else reverse(name, args=[slug, *args])
