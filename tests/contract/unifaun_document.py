"""nShift Delivery's requests and answers against the vendor's JSON schemas of booking (as copied in a public client).

The schemas cover the body of a booking and its answer; the other addresses are those of the vendor's help pages:

- a stored consignment is the same body without its wrapper, its answer is in no schema here;
- a page of the history holds the same rows as the answer of a booking;
- a party is either a quick id or a full address: the sender the one, the receiver the other.
"""

from __future__ import annotations

import copy

from samklang.sandboxes.unifaun import BASE
from tests.contract import openapi

_TEXT = {"type": "string"}
_EMPTY: openapi.Tree = {"description": "nothing"}
_ERRORS: openapi.Tree = {"schema": {"type": "object", "properties": {"code": _TEXT, "message": _TEXT}}}
_STATUS: openapi.Tree = {
    "schema": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": dict.fromkeys(("message", "messageCode", "field", "location", "type"), _TEXT),
        },
    }
}


def load() -> openapi.Document:
    """The document, or a skip that says where it is looked for."""
    booking = copy.deepcopy(openapi.tree("unifaun/shipment-request.schema.json"))
    answer = openapi.tree("unifaun/shipment-response.schema.json")
    parties = booking["properties"]["shipment"]["allOf"][0]["properties"]
    for name, needs in (("sender", ["quickId"]), ("receiver", ["name", "city", "country"])):
        parties[name].pop("oneOf")
        parties[name]["required"] = needs
    stored, nothing = booking["properties"]["shipment"], {"204": _EMPTY, "400": _ERRORS, "404": _EMPTY}
    page = {"type": "object", "properties": {"items": answer, "totalPages": {"type": "integer"}}}
    kept = {"200": {"schema": {"type": "object"}}, "201": {"schema": {"type": "object"}}, "404": _EMPTY}
    paths: openapi.Tree = {
        "/shipments": {"post": _sends(booking, {"201": {"schema": answer}, "400": _ERRORS, "422": _STATUS})},
        "/shipments/{id}": {"delete": {"responses": nothing}},
        "/shipments-history": {"get": _asks({"200": {"schema": page}}, "page", "searchField", "searchValue", *_DATES)},
        "/stored-shipments": {
            "get": _asks(
                {"200": {"schema": {"type": "array"}}}, "searchField", "searchOp", "searchValue", "status", *_DATES
            ),
            "post": _sends(stored, kept),
        },
        "/stored-shipments/{id}": {"put": _sends(stored, kept), "delete": {"responses": nothing}},
        "/meta/lists/partners": {"get": _asks({"200": {"schema": {"type": "array"}}}, "language")},
    }
    for item in paths.values():
        for operation in item.values():
            operation["responses"]["401"] = _ERRORS
    return openapi.Document({"paths": paths}, below=BASE)


_DATES = ("dateType", "dateFrom", "dateTo")


def _asks(responses: openapi.Tree, *names: str) -> openapi.Tree:
    given = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    return {"parameters": given, "responses": responses}


def _sends(schema: openapi.Tree, responses: openapi.Tree) -> openapi.Tree:
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": responses,
    }
