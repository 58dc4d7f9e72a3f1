"""Products with their options and variants into Vendure: several calls, each of which may be repeated."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from samklang.connectors.contract import Done, Part, Want
from samklang.connectors.errors import Misconfigured, Rejected, there
from samklang.connectors.kit.graphql import Var
from samklang.connectors.vendure import shapes
from samklang.connectors.vendure.client import Client
from samklang.records import Product
from samklang.records.ids import sku_key
from samklang.records.vat import rates


def plain(text: str) -> str:
    """The text in small plain letters and digits with hyphens, as addresses and codes have it."""
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_.lower()).strip("-")


def slug(product: Product) -> str:
    """Address of the product's page, and what a half-made product is found by: name and number."""
    return plain(f"{product.name} {product.code}")


def parts(row: shapes.Product) -> tuple[Part, ...]:
    """Every variant with its id."""
    return tuple(Part("variant", sku_key(variant.sku), variant.id) for variant in row.variants if variant.sku)


class ProductWriter:
    """Writes one product at a time. What an earlier, broken try has left is found and completed."""

    def __init__(self, client: Client, country: str) -> None:
        self._client = client
        self._country = country

    def write(self, want: Want, record: Product) -> Done:
        channel = self._client.get("activeChannel", shapes.Channel)
        language = channel.default_language_code
        words = self._words(record, language)
        values: dict[str, Any] = {"enabled": record.status == "active", "translations": words}
        if want.external_id:
            gone = Rejected("The product is gone in Vendure", where=want.external_id)
            row = there(self._client.ask("product", shapes.Product, id=Var("ID!", want.external_id)), gone)
            update = Var("UpdateProductInput!", {"id": row.id, **values})
            self._client.do("updateProduct", shapes.Ref, input=update)
        else:
            values["translations"] = [{**word, "slug": slug(record)} for word in words]
            made = self._client.do("createProduct", shapes.Ref, input=Var("CreateProductInput!", values))
            row = shapes.Product(id=made.id)
        self._variants(row, record, self._options(row, record, language), channel)
        row = self._client.get("product", shapes.Product, id=Var("ID!", row.id))
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
            values = record.choices(axis)
            group = next((g for g in row.option_groups if axis.name == g.name), None)
            if group is None:
                names = [{"languageCode": language, "name": axis.name}]
                options = [_option(place, value, language) for place, value in enumerate(values)]
                new = {"code": f"{row.id}-{axis.code}", "translations": names, "options": options}
                made = Var("CreateProductOptionGroupInput!", new)
                group = self._client.do("createProductOptionGroup", shapes.OptionGroup, input=made)
                joined = {"productId": Var("ID!", row.id), "optionGroupId": Var("ID!", group.id)}
                self._client.do("addOptionGroupToProduct", shapes.Ref, **joined)
            known = {option.name: option.id for option in group.options}
            for place, value in enumerate(values):
                if value not in known:
                    add = {"productOptionGroupId": group.id, **_option(len(known) + place, value, language)}
                    made = Var("CreateProductOptionInput!", add)
                    known[value] = self._client.do("createProductOption", shapes.Ref, input=made).id
                ids[axis.code, value] = known[value]
        return ids

    def _variants(
        self, row: shapes.Product, record: Product, options: Mapping[tuple[str, str], str], channel: shapes.Channel
    ) -> None:
        known = {sku_key(variant.sku): variant for variant in row.variants}
        tax = self._tax_category(record, channel)
        new, changed = [], []
        for variant in record.variants:
            chosen = {axis.code: variant.options[axis.code] for axis in record.axes if axis.code in variant.options}
            text = " ".join([record.name, *chosen.values()])
            values: dict[str, Any] = {
                "sku": variant.sku,
                "translations": [{"languageCode": channel.default_language_code, "name": text}],
                "taxCategoryId": tax,
                "trackInventory": "TRUE" if variant.track_stock and variant.backorder == "deny" else "FALSE",
            }
            if options:
                values["optionIds"] = [options[choice] for choice in chosen.items()]
            have = known.pop(variant.key, None)
            if have:
                # Without a price it would be sold for nothing: the first price switches it on.
                on = variant.status == "active" and any(price.price for price in have.prices)
                changed.append({"id": have.id, "enabled": on, **values})
            elif variant.status == "active":
                new.append({"productId": row.id, "enabled": False, "price": 0, "stockOnHand": 0, **values})
        changed += [{"id": old.id, "enabled": False} for old in known.values() if old.enabled]  # no longer wanted
        if changed:
            update = Var("[UpdateProductVariantInput!]!", changed)
            self._client.do("updateProductVariants", list[shapes.Ref], input=update)
        if new:
            create = Var("[CreateProductVariantInput!]!", new)
            self._client.do("createProductVariants", list[shapes.Ref], input=create)

    def _tax_category(self, record: Product, channel: shapes.Channel) -> str:
        percent = rates.percent(self._country, record.tax_class, datetime.now(UTC).date())
        zone = channel.default_tax_zone.id if channel.default_tax_zone else ""
        for rate in self._client.some("taxRates", shapes.TaxRate, 500).items:
            if rate.enabled and rate.value == percent and rate.zone.id == zone:
                return rate.category.id
        raise Misconfigured(
            f"Vendure has no tax rate of {percent} % in the channel's default tax zone",
            do_this="Create the tax rate in Vendure (Settings → Tax rates).",
        )


def _option(place: int, value: str, language: str) -> dict[str, Any]:
    code = f"{plain(value) or 'option'}-{place}"
    return {"code": code, "translations": [{"languageCode": language, "name": value}]}
