"""What every side but the hub needs to know of the shops, and how a tool without a memory of ids writes to one.

urllib3 and the standard library only: all peers have it, and it is the quickest client that they have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import urllib3

KEY, SECRET = "ck_sandbox", "cs_sandbox"  # a stand-in's, the same everywhere
KEYS = urllib3.make_headers(basic_auth=f"{KEY}:{SECRET}")
PAGE, BATCH = 100, 50
READERS, SENDERS = 4, 2  # as many calls at once as the hub's connector makes
FIELDS = (
    "id,name,slug,type,status,sku,description,short_description,regular_price,sale_price,tax_class,manage_stock,"
    "stock_quantity,weight,categories,images,attributes,meta_data,date_modified_gmt"
)
_KEPT = ("name", "sku", "description", "status", "weight", "attributes")
_TAKEN = "product_invalid_sku"

Row = Mapping[str, Any]


def body(row: Row) -> dict[str, Any]:
    """What is written of a product."""
    return {name: row[name] for name in _KEPT}


class Target:
    """Puts products into a shop, known by their article number."""

    def __init__(self, address: str) -> None:
        self._url = f"{address}/wp-json/wc/v3/products/batch"
        self._pool = urllib3.PoolManager(maxsize=SENDERS, headers=KEYS)

    def put(self, rows: Sequence[Row]) -> None:
        """Create them. Where the shop says that an article number is taken, it names the product: that is updated. A
        call where all are new, two where some are not. RuntimeError for any other refusal."""
        bodies = [body(row) for row in rows]
        known = []
        for wanted, answer in zip(bodies, self._send("create", bodies), strict=True):
            error = answer.get("error")
            if error and error["code"] == _TAKEN:
                known.append({"id": error["data"]["resource_id"], **wanted})
            elif error:
                raise RuntimeError(error["message"])
        for answer in self._send("update", known) if known else []:
            if "error" in answer:
                raise RuntimeError(answer["error"]["message"])

    def _send(self, verb: str, bodies: Sequence[Row]) -> list[dict[str, Any]]:
        answer = self._pool.request("POST", f"{self._url}?_fields={verb}", json={verb: bodies})
        if answer.status != 200:
            raise RuntimeError(f"the shop answered {answer.status}")
        rows: list[dict[str, Any]] = answer.json()[verb]
        return rows
