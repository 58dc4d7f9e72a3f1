"""Whether a configuration may be switched on, beside whether it can be (config.check). Floors above add their say."""

from __future__ import annotations

from collections.abc import Callable

from samklang.hub.models import Tenant
from samklang.hub.setup.config import Config

#: Called with the tenant, the configuration that there is and the one that is wanted; raises Misconfigured to refuse.
GATES: list[Callable[[Tenant, Config, Config], None]] = []


def ask(tenant: Tenant, old: Config, new: Config) -> None:
    """Raise what a gate raises. What flows already is no gate's business, only what `new` would begin."""
    for gate in GATES:
        gate(tenant, old, new)
