"""eEkonomi's requests and answers against the document of 2025 (rebuilt from a client), with the read-only fields that
the vendor's own swagger of 2020 names (`openapi.Document`).

Where the document is known to disagree with the service, the check follows the service:

- the options of lists ($filter, $page, $pagesize) are an opaque object in the vendor's document;
- only success is described; errors have one shape;
- a delete answers with an empty object.
"""

from __future__ import annotations

from tests.contract import openapi

BELOW = ("/v2/",)  # the login server is not in the document
_ERROR = {
    "type": "object",
    "required": ["ErrorCode", "DeveloperErrorMessage", "ErrorId"],
    "properties": {
        "ErrorCode": {"type": "integer"}, "DeveloperErrorMessage": {"type": "string"}, "ErrorId": {"type": "string"},
        "Errors": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip


class Document(openapi.Document):
    """The vendor's document."""

    def knows(self, path: str) -> bool:
        return path.startswith(BELOW)

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        if status >= 400:
            self.operation(method, path)
            self.check(openapi.load(body), _ERROR, f"{method} {path} {status}")
        elif method == "DELETE":
            assert body in (b"", b"{}"), f"{method} {path}: {body!r}"
        else:
            super().check_answer(method, path, status, body)


def load() -> Document:
    """The document, or a skip that says where it is looked for."""
    tree = openapi.tree("visma-eekonomi/eaccounting-v2-2025.reconstructed.json")
    vendors = openapi.tree("visma-eekonomi/eaccounting-swagger-v2.json")["definitions"]
    for name, schema in tree["components"]["schemas"].items():
        for field, old in vendors.get(name, {}).get("properties", {}).items():
            if old.get("readOnly") and field in schema.get("properties", {}):
                schema["properties"][field] = {**schema["properties"][field], "readOnly": True}
    return Document(tree, everywhere=("$filter", "$page", "$pagesize"))
