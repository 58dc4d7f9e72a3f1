"""An article of an ERP or a warehouse, which knows no variants, as a product with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stdnum import ean

from samklang.connectors.kit.ledgers import UNITS
from samklang.connectors.kit.shape import filled
from samklang.records import Product, Variant, sku


def article(
    number: str | None, name: str, connection: str, *, field: str, codes: Sequence[str | None], code_field: str,
    unit: str | None = None, rest: Mapping[str, Any] | None = None, variant: Mapping[str, Any] | None = None,
    **more: Any,
) -> Product:  # fmt: skip
    """The product; `variant` and `more` are what else is known of its variant and of itself.

    `codes` are GTINs, mostly. The first that is none, a `unit` that nobody else knows, and the `rest` go along in the
    custom data of the connection. InvalidRecord for a number (in the system's `field`) that cannot be.
    """
    known = tuple(dict.fromkeys(code for code in codes if code and ean.is_valid(code)))
    odd = next((code for code in codes if code and code not in known), "")
    word = (unit or "st").lower()
    custom = filled({**(rest or {}), code_field: odd, "Unit": unit if word not in UNITS else ""})
    own = Variant(sku=sku(number, field), gtin=known, unit=UNITS.get(word, "C62"), **(variant or {}))
    return Product(
        code=own.sku, name=name.strip(), variants=(own,), custom={connection: custom} if custom else {}, **more
    )  # fmt: skip
