"""What every template knows without being told: who reads, in which tenant, and what the reader may do there."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from samklang.people.rights import May


def reader(request: HttpRequest) -> dict[str, Any]:
    """`tenant` and `member` (None outside of one) and `may` (`{% if may.operate %}`)."""
    member = getattr(request, "member", None)
    return {
        "tenant": getattr(request, "tenant", None), "member": member, "may": member.may if member else May(frozenset()),
    }  # fmt: skip
