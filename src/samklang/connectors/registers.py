"""Which connector handles which data register, read off the manifests (J-20): for the console's catalogue, and for
docs/reference/registers.md, which `python -m samklang.connectors.registers` writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from samklang.connectors.contract import Manifest
from samklang.connectors.registry import manifest, packages
from samklang.records import record_types

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "registers.md"
_HEAD = """<!-- Written by `python -m samklang.connectors.registers`; a test holds it to the manifests. -->
# Data registers

What each connector reads from its system and writes to it, as its manifest says. The console shows the same on
*Connections → Connect a system*.
"""


class Register(NamedTuple):
    """What a connector does with one record type. `seconds`: how often news is looked for (0 = it is not read, or only
    from webhooks); `whole`: only by reading everything."""

    type: str
    reads: bool
    writes: bool
    updates: bool
    seconds: int = 0
    whole: bool = False


def registers(of: Manifest) -> dict[str, Register]:
    """What a connector handles, by record type."""
    found = {}
    for type_ in record_types():
        feed, write = of.feed_for(type_), of.writes.get(type_)
        if feed or write:
            found[type_] = Register(
                type_, feed is not None, write is not None, write is not None and write.update,
                feed.every_seconds if feed and feed.changes != "hooks" else 0,
                feed is not None and feed.changes == "full",
            )  # fmt: skip
    return found


def handled() -> list[str]:
    """Record types that some connector handles."""
    known = {type_ for name in packages() for type_ in registers(manifest(name))}
    return [type_ for type_ in record_types() if type_ in known]


def page(names: list[str] | None = None) -> str:
    """The page as the manifests are now."""
    facts = [manifest(name) for name in (names or sorted(packages()))]
    types = [type_ for type_ in record_types() if any(type_ in registers(one) for one in facts)]
    lines = [
        _HEAD,
        "| system | " + " | ".join(type_.replace("_", " ") for type_ in types) + " |",
        "|---|" + ":-:|" * len(types),
        *(
            f"| [{one.title}](#{_anchor(one.title)}) | "
            + " | ".join(_mark(registers(one).get(type_)) for type_ in types)
            + " |"
            for one in facts
        ),
        "\n**r** reads, **w** writes, **c** creates and never changes.",
        *(_chapter(one) for one in facts),
    ]
    return "\n".join(lines) + "\n"


def _mark(register: Register | None) -> str:
    if register is None:
        return "–"
    return "r" * register.reads + ("w" if register.updates else "c" if register.writes else "")


def _chapter(of: Manifest) -> str:
    facts = (
        f"Kind: {of.kind}. Login: {of.auth}. Webhooks: {'yes' if of.hooks else 'no'}. "
        f"Several warehouses: {'yes' if of.warehouses else 'no'}. Price lists: {'yes' if of.price_lists else 'no'}. "
        f"Variant axes: {'any number' if of.axes is None else of.axes or 'none'}. "
        f"Checked against: {', '.join(of.checked_against)}."
    )
    looked = ", ".join(
        f"{one.type.replace('_', ' ')} " + (f"every {_every(one.seconds)}" if one.seconds else "from webhooks")
        for one in registers(of).values()
        if one.reads
    )
    lines = [f"\n## {of.title}\n", facts, f"\nLooks for news: {looked or 'never'}."]
    if of.cannot:
        lines += ["\nWhat it cannot do:\n", *(f"- {sentence}" for sentence in of.cannot)]
    return "\n".join(lines)


def _anchor(title: str) -> str:
    """The address of a chapter on the page, as the usual Markdown readers make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _every(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"


if __name__ == "__main__":
    PAGE.write_text(page())
