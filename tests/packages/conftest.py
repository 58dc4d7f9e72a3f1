"""A tenant with a shop, an ERP, and a package."""

from __future__ import annotations

from typing import Any

from tests.hub.conftest import World, world

__all__ = ["World", "agree", "operator", "world"]


def operator(world: World) -> Any:
    """Whoever runs the hub, at the command line."""
    from samklang.people.audit import Actor

    return Actor(world.tenant, "op, command line")


def agree(world: World, code: str, **more: Any) -> Any:
    """Give the tenant one of the packages that are shipped; "" for none."""
    from samklang.packages import offer, terms

    return terms.agree(operator(world), offer.offered()[code] if code else None, **more)
