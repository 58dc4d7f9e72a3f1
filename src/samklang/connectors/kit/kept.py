"""What an installation seldom changes (its settings, statuses, price lists): asked for once in ten minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
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

    def made(self, name: str, ask: Callable[[], T], pick: Callable[[T], R | None], make: Callable[[], R]) -> R:
        """What `pick` finds in the answer, if need be in a fresh one; else what `make` makes, and all is asked for anew
        next time."""
        before = self._found.get(name)
        found = pick(self(name, ask))
        if found is None and self._found[name] is before:  # what was kept may be out of date
            found = pick(self(name, ask, fresh=True))
        if found is not None:
            return found
        made = make()
        self.forget(name)
        return made

    def forget(self, name: str) -> None:
        """It has changed: ask again."""
        self._found.pop(name, None)
