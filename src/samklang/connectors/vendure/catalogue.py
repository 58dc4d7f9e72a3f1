"""Products with their options and variants into Vendure: several calls, each of which may be repeated."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from samklang.connectors.contract import Done, Part, Want
from samklang.connectors.errors import Misconfigured, Rejected
from samklang.connectors.vendure import shapes
from samklang.connectors.vendure.client import Client, Listed
from samklang.records import Product
from samklang.records.ids import sku_key
from samklang.records.vat import rates

UPDATE_VARIANTS = """mutation($input: [UpdateProductVariantInput!]!) { result: updateProductVariants(input: $input) {
    id sku enabled stockLevels { stockLocationId stockOnHand stockAllocated } } }"""


def slug(product: Product) -> str:
    """Address of the product's page, and what a half-made product is found by: name and number in plain letters."""
    plain = unicodedata.normalize("NFKD", f"{product.name} {product.code}").encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def parts(row: shapes.Product) -> tuple[Part, ...]:
    """Every variant with its id."""
    return tuple(Part("variant", sku_key(variant.sku), variant.id) for variant in row.variants if variant.sku)


class ProductWriter:
    """Writes one product at a time. What an earlier, broken try has left is found and completed."""

    def __init__(self, client: Client, country: str) -> None:
        self._client = client
        self._country = country

    def write(self, want: Want) -> Done:
        record = want.record
        assert isinstance(record, Product)
        channel = self._client.get(shapes.CHANNEL, shapes.Channel)
        words = self._words(record, channel.default_language_code)
        row = None
        if want.external_id:
            row = self._client.ask(shapes.PRODUCT, shapes.Product, id=want.external_id)
            if row is None:
                raise Rejected("The product is gone in Vendure", where=want.external_id)
            update = {"id": row.id, "enabled": record.status == "active", "translations": words}
            self._client.do(
                "mutation($input: UpdateProductInput!) { result: updateProduct(input: $input) { id } }",
                shapes.Ref, input=update,
            )  # fmt: skip
        else:
            new = {"enabled": record.status == "active", "translations": [{**w, "slug": slug(record)} for w in words]}
            made = self._client.do(
                "mutation($input: CreateProductInput!) { result: createProduct(input: $input) { id } }",
                shapes.Ref, input=new,
            )  # fmt: skip
            row = shapes.Product(id=made.id)
        options = self._options(row, record, channel.default_language_code)
        self._variants(row, record, options, channel)
        row = self._client.get(shapes.PRODUCT, shapes.Product, id=row.id)
        return Done(external_id=row.id, parts=parts(row))

    @staticmethod
    def _words(record: Product, language: str) -> list[dict[str, Any]]:
        words = [{"languageCode": language, "name": record.name, "description": record.description}]
        for code in sorted({*record.names, *record.descriptions} - {language}):
            name = record.names.get(code, record.name)
            words.append({"languageCode": code, "name": name, "description": record.descriptions.get(code, "")})
        return words

    def _options(self, row: shapes.Product, record: Product, language: str) -> dict[tuple[str, str], str]:
        """Option ids by (axis, value); makes the groups and options that are missing."""
        ids: dict[tuple[str, str], str] = {}
        for axis in record.axes:
            values = list(dict.fromkeys(v.options[axis.code] for v in record.variants if axis.code in v.options))
            group = next((g for g in row.option_groups if axis.name == g.name), None)
            if group is None:
                new = {
                    "code": f"{row.id}-{axis.code}",
                    "translations": [{"languageCode": language, "name": axis.name}],
                    "options": [_option(place, value, language) for place, value in enumerate(values)],
                }
                group = self._client.do(
                    "mutation($input: CreateProductOptionGroupInput!) { "
                    "result: createProductOptionGroup(input: $input) "
                    "{ id code name options { id code name } } }",
                    shapes.OptionGroup, input=new,
                )  # fmt: skip
                self._client.do(
                    "mutation($product: ID!, $group: ID!) "
                    "{ result: addOptionGroupToProduct(productId: $product, optionGroupId: $group) { id } }",
                    shapes.Ref, product=row.id, group=group.id,
                )  # fmt: skip
            known = {option.name: option.id for option in group.options}
            for place, value in enumerate(values):
                if value not in known:
                    add = {"productOptionGroupId": group.id, **_option(len(known) + place, value, language)}
                    known[value] = self._client.do(
                        "mutation($input: CreateProductOptionInput!) { "
                        "result: createProductOption(input: $input) { id } }",
                        shapes.Ref, input=add,
                    ).id  # fmt: skip
                ids[axis.code, value] = known[value]
        return ids

    def _variants(
        self, row: shapes.Product, record: Product, options: Mapping[tuple[str, str], str], channel: shapes.Channel
    ) -> None:
        known = {sku_key(variant.sku): variant for variant in row.variants}
        tax = self._tax_category(record, channel)
        new, changed = [], []
        for variant in record.variants:
            text = " ".join([record.name, *(variant.options[a.code] for a in record.axes if a.code in variant.options)])
            values: dict[str, Any] = {
                "sku": variant.sku,
                "translations": [{"languageCode": channel.default_language_code, "name": text}],
                "taxCategoryId": tax,
                "trackInventory": "TRUE" if variant.track_stock and variant.backorder == "deny" else "FALSE",
            }
            if options:
                values["optionIds"] = [
                    options[a.code, variant.options[a.code]] for a in record.axes if a.code in variant.options
                ]
            have = known.get(variant.key)
            if have:
                # Without a price it would be sold for nothing: the first price switches it on.
                on = variant.status == "active" and any(price.price for price in have.prices)
                changed.append({"id": have.id, "enabled": on, **values})
            elif variant.status == "active":
                new.append({"productId": row.id, "enabled": False, "price": 0, "stockOnHand": 0, **values})
        wanted = {variant.key for variant in record.variants}
        changed += [{"id": old.id, "enabled": False} for key, old in known.items() if key not in wanted and old.enabled]
        if changed:
            self._client.do(UPDATE_VARIANTS, list[shapes.Variant], input=changed)
        if new:
            self._client.do(
                "mutation($input: [CreateProductVariantInput!]!) { "
                "result: createProductVariants(input: $input) { id } }",
                list[shapes.Ref], input=new,
            )  # fmt: skip

    def _tax_category(self, record: Product, channel: shapes.Channel) -> str:
        percent = rates.percent(self._country, record.tax_class, datetime.now(UTC).date())
        zone = channel.default_tax_zone.id if channel.default_tax_zone else ""
        found = self._client.get(shapes.TAX_RATES, Listed[shapes.TaxRate], options={"take": 500}).items
        for rate in found:
            if rate.enabled and rate.value == percent and rate.zone.id == zone:
                return rate.category.id
        raise Misconfigured(
            f"Vendure has no tax rate of {percent} % in the channel's default tax zone",
            do_this="Create the tax rate in Vendure (Settings → Tax rates).",
        )


def _option(place: int, value: str, language: str) -> dict[str, Any]:
    plain = re.sub(r"[^a-z0-9]+", "-", unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower())
    code = f"{plain.strip('-') or 'option'}-{place}"
    return {"code": code, "translations": [{"languageCode": language, "name": value}]}
