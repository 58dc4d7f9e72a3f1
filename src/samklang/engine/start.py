"""What a process does once before it works for long."""

from __future__ import annotations

import gc

import structlog

from samklang.connectors.registry import connector_class
from samklang.hub.models import Connection

log = structlog.get_logger()

#: New objects after which the collector looks for rings among them (Python's own: 700, so for each hundred articles
#: several times), and how often it looks further back. What the hub makes of records holds no rings.
_SELDOM = (10_000, 20, 10)


def load_connectors() -> None:
    """Load the connectors of all connections, so that the first job of each need not."""
    for name in Connection.objects.order_by("connector").values_list("connector", flat=True).distinct():
        try:
            connector_class(name)
        except Exception:  # a connector is foreign code; its connection says so when it is used, the others work
            log.exception("connector cannot be loaded", connector=name)


def keep_what_is_loaded() -> None:
    """Spare the garbage collector what was loaded at the start: modules and models live as long as the process.

    A full collection looked at each of these 200,000 objects anew (0.1 s of CPU), several times in a sweep of a large
    catalogue: a third of what that cost where nothing had changed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
