"""`samklang connector list | new | check`: for those who write connectors."""

from __future__ import annotations

from cyclopts import App

from samklang.cli.screen import Screen
from samklang.cli.session import Common
from samklang.connectors.registry import manifest, packages

connector = App(name="connector", help="The connectors that there are, and tools for writing one.")


@connector.command(name="list")
def list_(*, common: Common | None = None) -> None:
    """List the connectors: what each reads and writes, and what it was checked against."""
    screen = Screen((common or Common()).json)
    facts = [manifest(name) for name in packages()]
    screen.answer(
        [
            {
                "name": m.name, "title": m.title, "kind": m.kind, "auth": m.auth, "webhooks": m.hooks,
                "reads": sorted({type_ for feed in m.feeds for type_ in feed.types}), "writes": sorted(m.writes),
                "checked_against": m.checked_against, "package": packages()[m.name],
            }
            for m in facts
        ]
    )  # fmt: skip
    screen.table(
        ["Name", "System", "Kind", "Login", "Reads", "Writes", "Checked against"],
        [
            (
                m.name, m.title, m.kind, m.auth, ", ".join(sorted({t for feed in m.feeds for t in feed.types})),
                ", ".join(sorted(m.writes)), ", ".join(m.checked_against),
            )
            for m in facts
        ],
    )  # fmt: skip
