"""Plain words for what the code calls by short names."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

register = template.Library()


@register.filter
def words(name: str) -> str:
    """A record type or state as people say it: order_status → order status."""
    return gettext(str(name).replace("_", " "))
