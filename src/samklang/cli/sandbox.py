"""`samklang sandbox`: a stand-in of an outside system in the foreground."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from samklang.sandboxes.__main__ import main


def sandbox(
    name: Annotated[str, Parameter(help="Which system: woocommerce, fortnox, klarna, ongoing …")],
    *options: Annotated[str, Parameter(allow_leading_hyphen=True, help="Its options, such as --port 8003 --auto.")],
) -> None:
    """Run a stand-in of an outside system until Ctrl-C, to try things on: it prints its address and its login.

    `samklang sandbox ongoing --auto` is a warehouse that picks and sends by itself what is released.
    """
    main([name, *options])
