"""The demo as a command."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from samklang import demo as story


def demo(
    *,
    articles: Annotated[int, Parameter(help="Articles in the ERP.", show_default=True)] = 520,
    orders: Annotated[int, Parameter(help="Orders in the live minute.", show_default=True)] = 16,
    port: Annotated[int, Parameter(help="Port of the hub; 0 = any that is free.")] = 0,
    keep: Annotated[
        bool | None, Parameter(negative="--no-keep", help="Go on serving at the end (default: on a terminal).")
    ] = None,
) -> int:
    """Watch the main job on stand-ins of a shop and an ERP, in under two minutes, things going wrong included.

    Exit code 1 when the two sides do not agree in the end. Everything happens in the folder `demo` of the data folder.
    """
    return story.run(articles, orders, port, keep)
