"""What a process does once before it works for long."""

from __future__ import annotations

import gc


def keep_what_is_loaded() -> None:
    """Spare the garbage collector what was loaded at the start: modules and models live as long as the process.

    A full collection looked at each of these 200,000 objects anew (0.1 s of CPU), several times in a sweep of a large
    catalogue: a third of what that cost where nothing had changed.
    """
    gc.collect()
    gc.freeze()
