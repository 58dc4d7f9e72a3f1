"""What an installation seldom changes (its settings, statuses, price lists): asked for once in ten minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_SECONDS = 600.0


class Kept:
    """Answers by name; `now` gives seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._found: dict[str, tuple[float, Any]] = {}

    def __call__(self, name: str, ask: Callable[[], T], *, fresh: bool = False) -> T:
        """What `ask` gave less than ten minutes ago, else (or if it must be `fresh`) gives now."""
        at, found = self._found.get(name, (None, None))
        if fresh or at is None or self._now() - at > _SECONDS:
            found = ask()
            self._found[name] = self._now(), found
        return found  # type: ignore[return-value]  # what this name was kept with

    def forget(self, name: str) -> None:
        """It has changed: ask again."""
        self._found.pop(name, None)
