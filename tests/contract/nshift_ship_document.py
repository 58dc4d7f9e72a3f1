"""nShift Ship's own document as reconstructed from a generated client: addresses, verbs and arguments, and no bodies.

So bodies are any JSON here, and statuses other than 200, of which it says nothing, are any too.
"""

from __future__ import annotations

from tests.contract import openapi

BELOW = ("/ShipServer",)
_ANY: openapi.Tree = {"schema": {"anyOf": [{"type": "object"}, {"type": "array"}]}}


def load() -> openapi.Document:
    """The document, or a skip that says where it is looked for."""
    tree = openapi.tree("nshift-ship/nshift-ship.paths-only.reconstructed.json")
    for item in tree["paths"].values():
        for operation in item.values():
            operation["responses"] = {"default": _ANY}
    tree["paths"] = {path.removeprefix(BELOW[0]): item for path, item in tree["paths"].items()}
    return openapi.Document(tree, below=BELOW[0])
