"""What a process does once before it works for long."""

from __future__ import annotations

import gc

#: New objects after which the collector looks for rings among them (Python's own: 700, so for each hundred articles
#: several times), and how often it looks further back. What the hub makes of records holds no rings.
_SELDOM = (10_000, 20, 10)


def keep_what_is_loaded() -> None:
    """Spare the garbage collector what was loaded at the start: modules and models live as long as the process.

    A full collection looked at each of these 200,000 objects anew (0.1 s of CPU), several times in a sweep of a large
    catalogue: a third of what that cost where nothing had changed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
