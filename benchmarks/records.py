"""Encode and hash a product of about 1 KB, on one core, beside json.dumps of the same data in the same run.

./run python -m benchmarks.records
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Decimal

import msgspec

from samklang.records import Axis, Product, Variant, content_hash, decode, encode


def _product() -> Product:
    variants = tuple(
        Variant(
            sku=f"TRJ-1001-{size}", gtin=("7310865004703",), options={"size": size}, weight_g=420, cost=Decimal("149.5")
        )
        for size in ("S", "M", "L", "XL")
    )
    return Product(
        code="TRJ-1001",
        name="Stickad tröja Sjögrön",
        description="<p>Mjuk stickad tröja i merinoull från Öland. </p>" * 8,
        axes=(Axis("size", "Storlek"),),
        brand="Nordljus",
        categories=("Kläder", "Tröjor"),
        attributes={"material": "merinoull", "tvätt": "30 grader"},
        variants=variants,
    )


def rate(work: Callable[[], object], seconds: float = 1.0) -> float:
    """Calls per CPU second."""
    count = 0
    began = time.process_time()
    while time.process_time() - began < seconds:
        for _ in range(500):
            work()
        count += 500
    return count / (time.process_time() - began)


def main() -> None:
    """The table."""
    product = _product()
    body = encode(product)
    plain = msgspec.to_builtins(product)
    ours = rate(lambda: content_hash(encode(product)))
    theirs = rate(lambda: json.dumps(plain, sort_keys=True, default=str).encode())
    back = rate(lambda: decode("product", body))
    print(f"product of {len(body)} bytes, one core")
    print(
        f"encode + hash      {ours:10,.0f} /s   {ours / theirs:5.1f} × json.dumps with sorted keys ({theirs:,.0f} /s)"
    )
    print(f"decode + validate  {back:10,.0f} /s")


if __name__ == "__main__":
    main()
