"""Nexi's requests and answers against the document of its own staff (2021), and for what came later (finalCharge,
shipping, refunds of a payment) against one that was derived from its SDK.

Where a document is known to disagree with the service, the check follows the service: a refund of a payment answers
with its id.
"""

from __future__ import annotations

from tests.contract import openapi

_ANSWER = {
    "content": {"application/json": {"schema": {"type": "object", "properties": {"refundId": {"type": "string"}}}}}
}


def load() -> openapi.Document:
    """Both documents as one, or a skip that says where they are looked for."""
    tree = openapi.tree("nets-easy/payment-v1-openapi-2021.json")
    later = openapi.tree("nets-easy/nexi-reporting-and-payment.derived-openapi.json")
    tree["components"]["schemas"] |= later["components"]["schemas"]
    for path, item in later["paths"].items():
        for verb, operation in item.items():
            old = tree["paths"].get(path, {}).get(verb, {})
            responses = operation["responses"] | old.get("responses", {})
            tree["paths"].setdefault(path, {})[verb] = {**operation, "responses": responses}
    of_payment = tree["paths"]["/v1/payments/{paymentId}/refunds"]["post"]["responses"]
    of_payment["201"] = _ANSWER
    for path in ("/v1/payments/{paymentId}/charges", "/v1/charges/{chargeId}/refunds"):
        of_payment |= {"402": tree["paths"]["/v1/payments/{paymentId}/charges"]["post"]["responses"]["402"]}
        tree["paths"][path]["post"]["responses"]["402"] = of_payment["402"]
    tree["paths"]["/v1/payments/{paymentId}/cancels"]["post"]["responses"]["402"] = of_payment["402"]
    return openapi.Document(tree)
