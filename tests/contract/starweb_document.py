"""Starweb's own OpenAPI of Shop API v2, read in place (`openapi.Document`), and what it leaves out:

- `include=primaryVariant` is documented, the field that it adds to a product is not;
- 401 is documented nowhere (an access token lasts an hour);
- the pages of a customer's own addresses come as `addresses`, as the text of `include` says.
"""

from __future__ import annotations

from tests.contract import openapi


class Document(openapi.Document):
    """The vendor's document."""

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        """As the document says, but for 401."""
        if status == 401:
            self.check(openapi.load(body), {"$ref": "#/components/schemas/ErrorModel"}, f"{method} {path} 401")
            return
        super().check_answer(method, path, status, body)


def load() -> Document:
    """The document, or a skip that says where it is looked for."""
    tree = openapi.tree("starweb/openapi.json")
    schemas = tree["components"]["schemas"]
    schemas["ProductModel"]["properties"]["primaryVariant"] = {"$ref": "#/components/schemas/ProductVariantModelItem"}
    schemas["CustomerModel"]["properties"]["addresses"] = {
        "$ref": "#/components/schemas/CustomerAddressesModelCollection"
    }
    return Document(tree, below="/api/v2")
