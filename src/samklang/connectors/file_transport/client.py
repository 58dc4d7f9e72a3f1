"""The folders of a file exchange, and how a file is left for the other system exactly once.

What we send is left in `out`, from where the other system takes it away. Whether it was left there before cannot be
told from `out`, so the folder `kept`, which only we use, has it: a file is first written as `kept/NAME.part`, then its
copy as `kept/NAME`, then the part is moved to `out/NAME` in one step. Killed anywhere in between: without the copy
nothing was sent; with copy and part the last step is missing; with the copy alone it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Literal

from samklang.connectors.contract import Paper, Surroundings
from samklang.connectors.kit.files import Entry, opened


class Client:
    """One file exchange."""

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        self.box = opened(settings, around)
        self.out, self.into = str(settings.get("out") or "out"), str(settings.get("in") or "in")
        self.kept = str(settings.get("kept") or "kept")
        self.folders = (self.out, self.into, self.kept)
        self.place = str(settings.get("host") or settings.get("path") or "")

    def state(self, name: str) -> Literal["", "half", "waits", "sent"]:
        """Whether the file was never sent, is sent but for its last step, waits to be taken, or was taken away."""
        names = {entry.name for entry in self.box.entries(self.kept)}
        if name not in names:
            return ""
        if f"{name}.part" in names:
            return "half"
        return "waits" if name in {entry.name for entry in self.box.entries(self.out)} else "sent"

    def send(self, name: str, data: bytes) -> None:
        """Leave a file that was not sent before, or finish with it."""
        if self.state(name) == "":
            self.box.write(f"{self.kept}/{name}.part", data)
            self.box.write(f"{self.kept}/{name}.copy", data)
            self.box.move(f"{self.kept}/{name}.copy", f"{self.kept}/{name}")
        self.box.move(f"{self.kept}/{name}.part", f"{self.out}/{name}")

    def copy(self, name: str) -> bytes:
        """What was sent under this name."""
        return self.box.read([f"{self.kept}/{name}"])[0]

    def take_back(self, name: str) -> bool:
        """Take away what nobody has fetched yet, in one step; whether it was still there."""
        return self.box.move(f"{self.out}/{name}", f"{self.kept}/{name}.back")

    def taken_back(self, name: str) -> bool:
        """Whether it was taken away before anybody fetched it."""
        return f"{name}.back" in {entry.name for entry in self.box.entries(self.kept)}

    def papers(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        """Files that were left for us since the day, each read when it is its turn. One that is written over is
        another: its time is part of its name."""
        first = datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp()
        for one in self._left(first):
            name = f"{one.name} {datetime.fromtimestamp(one.at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            if not known(name):
                yield Paper(name, self.box.read([f"{self.into}/{one.name}"])[0])

    def news(self, since: float) -> list[tuple[Entry, bytes]]:
        """Files that were left for us since then, the oldest first. What is still being written is called otherwise."""
        found = self._left(since)
        return list(zip(found, self.box.read([f"{self.into}/{one.name}" for one in found]), strict=True))

    def _left(self, since: float) -> list[Entry]:
        found = [
            one for one in self.box.entries(self.into)
            if one.at >= since and not one.name.startswith(".") and not one.name.endswith((".part", ".tmp"))
        ]  # fmt: skip
        return sorted(found, key=lambda one: (one.at, one.name))
