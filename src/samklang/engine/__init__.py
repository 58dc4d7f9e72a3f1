"""Schedules and lanes. `port` is what the rest may use; `work` what a job does; `embedded` runs jobs in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samklang.engine.port import Engine

#: The engine of this process, if one runs here (`samklang serve` sets it): a webhook wakes it at once instead of
#: waiting for its next look at the tables.
current: Engine | None = None
