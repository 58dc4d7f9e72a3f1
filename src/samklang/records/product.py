"""Catalogue and stock: product with variants and axes, price, price list, stock level (MODEL §2, §3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import ClassVar, Literal

import msgspec

from samklang.records.base import InvalidRecord, Record, Value, register
from samklang.records.ids import sku_key
from samklang.records.money import ZERO, currency, decimal, settle


class Axis(msgspec.Struct, frozen=True):
    """One dimension in which variants differ, such as colour; `code` is what variants' options refer to."""

    code: str
    name: str


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is bought and stocked. `options` holds one value per axis of the product."""

    sku: str
    gtin: tuple[str, ...] = ()
    options: Mapping[str, str] = {}
    manufacturer_no: str = ""
    weight_g: int | None = None
    unit: str = "C62"  # UN/ECE Rec 20: one piece
    cost: Decimal | None = None
    track_stock: bool = True
    backorder: Literal["deny", "allow", "preorder"] = "deny"
    status: Literal["active", "archived"] = "active"
    images: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.cost is not None:
            settle(self, "cost")

    @property
    def key(self) -> str:
        """Compare form of the SKU."""
        return sku_key(self.sku)


@register
class Product(Record, frozen=True, kw_only=True, tag="product", omit_defaults=True):
    """A group of variants; a simple article is a product with exactly one.

    `code` names the group: the article number of a simple article, the parent's number otherwise. `name` is in the
    shop's first language, `names` and `descriptions` hold the others by BCP 47 tag.
    """

    own_id: ClassVar[bool] = True

    code: str
    name: str
    variants: tuple[Variant, ...]
    axes: tuple[Axis, ...] = ()
    tax_class: str = "standard"
    status: Literal["draft", "active", "archived"] = "active"
    description: str = ""
    names: Mapping[str, str] = {}
    descriptions: Mapping[str, str] = {}
    brand: str = ""
    categories: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = {}
    images: tuple[str, ...] = ()
    origin_country: str = ""
    hs_code: str = ""

    def __post_init__(self) -> None:
        if not self.variants:
            raise InvalidRecord("variants", "", "is empty", "Add a variant, or make the article a simple one.")
        if len(self.variants) > 1:
            keys = [variant.key for variant in self.variants]
            if len(set(keys)) != len(keys):
                twice = next(variant.sku for variant in self.variants if keys.count(variant.key) > 1)
                raise InvalidRecord("variants.sku", twice, "is on two variants", "Give every variant its own SKU.")
            codes = {axis.code for axis in self.axes}
            chosen = [tuple(sorted(variant.options.items())) for variant in self.variants]
            for variant in self.variants:
                if not set(variant.options) <= codes:
                    wrong = ", ".join(sorted(set(variant.options) - codes))
                    raise InvalidRecord("variants.options", wrong, "is no axis of the product", "Add the axis.")
            if codes and len(set(chosen)) != len(chosen):
                raise InvalidRecord(
                    "variants.options", self.code, "has two variants with the same choices", "Make the options differ."
                )

    @property
    def key(self) -> str:
        return sku_key(self.code)

    def choices(self, axis: Axis) -> list[str]:
        """What the variants have on this axis, each once."""
        return list(dict.fromkeys(one.options[axis.code] for one in self.variants if axis.code in one.options))

    def parts(self) -> tuple[tuple[str, str], ...]:
        return tuple(("variant", variant.key) for variant in self.variants)

    def title(self, variant: Variant) -> str:
        """The variant's name in a system without variants: the product's name and the variant's choices."""
        return " ".join((self.name, *variant.options.values()))


@register
class PriceList(Record, frozen=True, kw_only=True, tag="price_list", omit_defaults=True):
    """A named list of prices; the name, exact after trimming, is the match key across systems."""

    own_id: ClassVar[bool] = True

    name: str
    currency: str
    code: str = ""
    customer_groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name.strip()


@register
class Price(Record, frozen=True, kw_only=True, tag="price", omit_defaults=True):
    """What one piece costs in one price list (empty name = the shop's base price) from `min_qty` pieces up.

    `amount` is on the side that `tax_included` says; the other side is computed only where a target demands it, with
    `tax_percent`, the article's VAT where the source knows it.
    """

    sku: str
    currency: str
    amount: Decimal
    tax_included: bool
    price_list: str = ""
    min_qty: int = 1
    valid_from: date | None = None
    valid_to: date | None = None
    compare_at: Decimal | None = None
    tax_percent: Decimal | None = None

    def __post_init__(self) -> None:
        settle(self, "amount", "compare_at", "tax_percent")
        currency(self.currency)
        if self.amount < 0:
            raise InvalidRecord("amount", self.amount, "is negative", "Set a price of 0 or more.")

    def on_side(self, tax_included: bool) -> Decimal:
        """The amount with or without VAT, to 6 decimals where it is converted; InvalidRecord when VAT is unknown."""
        if tax_included == self.tax_included:
            return self.amount
        if self.tax_percent is None:
            raise InvalidRecord(
                "tax_percent", "", "is missing, so VAT can be neither added nor taken off", "Set the article's VAT."
            )
        factor = 1 + self.tax_percent / 100
        return decimal((self.amount * factor if tax_included else self.amount / factor).quantize(Decimal("0.000001")))

    @property
    def lowered_from(self) -> Price | None:
        """The ordinary price, where this one is a lowered one."""
        if self.compare_at is None or self.compare_at <= self.amount:
            return None
        return msgspec.structs.replace(self, amount=self.compare_at)

    @property
    def key(self) -> str:
        return f"{sku_key(self.sku)}|{self.price_list.strip()}|{self.currency}|{self.min_qty}"

    def needs(self) -> tuple[tuple[str, str], ...]:
        lists = (("price_list", self.price_list.strip()),) if self.price_list else ()
        return (("variant", sku_key(self.sku)), *lists)


@register
class StockLevel(Record, frozen=True, kw_only=True, tag="stock", omit_defaults=True):
    """Pieces of one variant in one warehouse, as a snapshot. May be negative in the model; channels get 0."""

    sku: str
    warehouse: str = ""
    on_hand: Decimal = ZERO
    reserved: Decimal = ZERO
    unavailable: Decimal = ZERO
    incoming: Decimal = ZERO

    def __post_init__(self) -> None:
        settle(self, "on_hand", "reserved", "unavailable", "incoming")

    @property
    def available(self) -> Decimal:
        """on hand − reserved − unavailable; `incoming` never counts (MODEL §3)."""
        return self.on_hand - self.reserved - self.unavailable

    @property
    def sellable(self) -> int:
        """`available` in whole pieces, never below 0: what a shop may show."""
        return max(0, int(self.available.to_integral_value(ROUND_FLOOR)))

    @property
    def key(self) -> str:
        return f"{sku_key(self.sku)}|{self.warehouse}"

    def needs(self) -> tuple[tuple[str, str], ...]:
        return (("variant", sku_key(self.sku)),)
