"""The command `samklang` with connectors that may call as often as they like: what is measured is the hub, not a
vendor's limit. All else is as installed.

    python -m benchmarks.unlimited serve --port 0
"""

from __future__ import annotations

import msgspec

from samklang import cli
from samklang.connectors.contract import Limits
from samklang.connectors.registry import connector_class

if __name__ == "__main__":
    for name in ("woocommerce", "fortnox"):
        cls = connector_class(name)
        cls.manifest = msgspec.structs.replace(cls.manifest, limits=Limits(concurrent=cls.manifest.limits.concurrent))
    cli.main()
