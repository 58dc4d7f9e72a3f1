"""Adobe's own Swagger of Commerce 2.4.8, read in place (`openapi.Document`), and where it and the service part:

- `fields` trims every answer (the guide has it, the Swagger not), so a trimmed one may lack what is required;
- bulks lie at addresses of their own that the guide describes;
- a write of source items answers with an empty list, for which the Swagger has no word;
- parameters of an error come as a table or a list of texts, where the Swagger has a list of tables;
- a price's complaint has parameters that may be a table.
"""

from __future__ import annotations

from functools import cache

from tests.contract import openapi


class Document(openapi.Document):
    """The vendor's document."""

    def knows(self, path: str) -> bool:
        """All but the bulks."""
        return path.startswith("/rest/all/V1/")

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        """As the document says, with what is known to part."""
        if status >= 400:
            data = openapi.load(body)
            data.pop("parameters", None)
            self.check(data, {"$ref": "#/definitions/error-response"}, f"{method} {path} {status}")
        elif "200" in self.operation(method, path)["responses"]:
            super().check_answer(method, path, status, body)
        else:
            assert openapi.load(body) == [], f"{method} {path} {status}: a body where the document has none"


@cache
def load() -> Document:
    """The document, or a skip that says where it is looked for."""
    tree = openapi.tree("magento/admin-schema-2.4.8.yaml")
    for name, schema in tree["definitions"].items():  # `fields` may leave anything out of a list
        if "search-result" in name:
            schema.pop("required", None)
    return Document(tree, below="/rest/all", everywhere=("fields",))
