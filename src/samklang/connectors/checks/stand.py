"""What a connector is tried on. A stand knows the system from the other side: it seeds it, breaks it and looks inside.

The stand of a system that has a sandbox is in `sandboxes/<name>/stand.py`; an author writes one for a new system.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Literal

import msgspec

from samklang.connectors.contract import Tokens, TokenStore
from samklang.records import Record

#: Faults that a stand can play; `samklang.sandboxes.base` says what each does.
FaultKind = Literal["401", "429", "500", "lost", "cut", "broken", "extra"]


class Specimen(msgspec.Struct, frozen=True, kw_only=True):
    """A record to write, what must be written before it, ids at the system that nobody has read yet, flow options."""

    record: Record
    before: tuple[Record, ...] = ()
    ids: Mapping[tuple[str, str], str] = {}
    options: Mapping[str, Any] = {}


class Happening(msgspec.Struct, frozen=True):
    """Something that was created or changed at the system: where it must turn up when changes are read."""

    feed: str
    type: str
    key: str


class MemoryTokens:
    """A token store for trying things out: lives as long as the object."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self.tokens = tokens
        self.saved = 0

    def load(self) -> Tokens | None:
        """The newest tokens."""
        return self.tokens

    def save(self, tokens: Tokens) -> None:
        """Keep them."""
        self.tokens = tokens
        self.saved += 1

    def exclusive(self) -> Any:
        """Nobody else is here."""
        return contextlib.nullcontext()


class Stand(abc.ABC):
    """One system with data in it: more than one page in every feed.

    `cannot` names checks that this stand cannot play, and why; they count as passed with that comment.
    """

    cannot: Mapping[str, str] = {}

    @abc.abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Settings that work."""

    def wrong_settings(self) -> Mapping[str, Any] | None:
        """Settings whose login the system refuses; None when `tokens` holds the login, or there is none."""
        return None

    def tokens(self, *, right: bool) -> TokenStore:
        """A token store of its own, logged in with tokens that work or with dead ones."""
        return MemoryTokens()

    @abc.abstractmethod
    def fault(
        self, kind: FaultKind, *, after: int = 0, times: int | None = None, method: str = "", seconds: float = 1.0
    ) -> None:
        """Play a fault at the requests after the next `after`, so many times (None = from then on)."""

    @abc.abstractmethod
    def no_faults(self) -> None:
        """Be well again."""

    @abc.abstractmethod
    def requests(self) -> int:
        """How many requests the system has seen."""

    @abc.abstractmethod
    def held(self, type_: str) -> set[str] | None:
        """Keys of all records of the type, by the system's own account; None when that cannot be told."""

    @abc.abstractmethod
    def count(self, record: Record) -> int:
        """How many of the system's own things are this record, in the state that the record says."""

    def named(self, feed: str) -> Sequence[str]:
        """External ids that webhooks name, or that the hub has bound, for a feed of which nothing can be listed."""
        return ()

    def figures(self) -> Mapping[tuple[str, str], str]:
        """Money as the system keeps it: (price, key) → amount, (order, key) → what the buyer pays, (capture, key) and
        (refund, key) → what was moved."""
        return {}

    @abc.abstractmethod
    def specimen(self, type_: str, n: int) -> Specimen | None:
        """A record that the system does not have yet, another for each `n`; None for a type that it does not take."""

    def small_pages(self) -> AbstractContextManager[object]:
        """Make the connector's pages small, where the system cannot be filled with more than one of the usual size."""
        return contextlib.nullcontext()

    def happens(self, at: datetime) -> Happening | None:
        """Let something be created or changed at this instant by the system's clock; None without a clock to set."""
        return None

    def complaints(self) -> Sequence[str] | None:
        """How the requests so far depart from the vendor's machine-readable document; None when it is not at hand."""
        return None
