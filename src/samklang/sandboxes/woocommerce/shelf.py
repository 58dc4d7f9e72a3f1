"""Products and their variations: what the shop keeps and how it writes them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from samklang.sandboxes.woocommerce.wire import (
    JSON,
    Refused,
    dates,
    links,
    money,
)

_encode = msgspec.json.encode

#: The shop's tax class for a records.vat rate in per cent, and the classes' rate rows: id, per cent, label.
CLASS_OF_PERCENT = {25: "", 12: "reduced-12", 6: "reduced-6"}
TAX_RATES: dict[str, tuple[int, Decimal, str]] = {
    "": (1, Decimal(25), "Moms 25%"),
    "reduced-12": (2, Decimal(12), "Moms 12%"),
    "reduced-6": (3, Decimal(6), "Moms 6%"),
}

#: Fields that nothing here computes with: kept as given, these are their values in a new product.
PLAIN: JSON = {
    "featured": False,
    "catalog_visibility": "visible",
    "virtual": False,
    "downloadable": False,
    "tax_status": "taxable",
    "sold_individually": False,
    "purchase_note": "",
    "menu_order": 0,
}


class Product(msgspec.Struct):
    """A product, or a variation (then `parent` is its product's id). Times are seconds since the epoch."""

    id: int
    name: str
    created: int
    modified: int
    parent: int = 0
    type: str = "simple"
    status: str = "publish"
    slug: str = ""
    description: str = ""
    short_description: str = ""
    sku: str = ""
    gtin: str = ""
    regular_price: str = ""
    sale_price: str = ""
    sale_from: int | None = None
    sale_to: int | None = None
    tax_class: str = ""
    manage_stock: bool = False
    stock_quantity: int | None = None
    stock_status: str = "instock"
    backorders: str = "no"
    low_stock_amount: int | None = None
    weight: str = ""
    dimensions: JSON | None = None
    categories: list[JSON] = []
    tags: list[JSON] = []
    images: list[JSON] = []
    attributes: list[JSON] = []
    default_attributes: list[JSON] = []
    variations: list[int] = []
    meta: list[JSON] = []
    total_sales: int = 0
    plain: JSON = {}
    body: bytes | None = None  # the rendered row; None after a change


class Shelf:
    """All products by id. `moved(event, product)` is called after every change, for webhooks."""

    def __init__(
        self,
        *,
        zone: ZoneInfo,
        site: str,
        currency: str,
        now: Callable[[], int],
        next_id: Callable[[], int],
        moved: Callable[[str, Product], None],
    ) -> None:
        self.rows: dict[int, Product] = {}
        self.by_sku: dict[str, int] = {}
        self.by_gtin: dict[str, int] = {}
        self.categories: dict[int, JSON] = {}
        self.version = 0
        self._zone, self._site, self._currency = zone, site, currency
        self._now, self._next_id, self._moved = now, next_id, moved

    def get(self, id_: object) -> Product:
        """A product (no variation); the shop's 404 otherwise."""
        row = self.rows.get(id_) if isinstance(id_, int) else None
        if row is None or row.parent:
            raise Refused(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        return row

    def variation(self, parent: int, id_: object) -> Product:
        """A variation of that product; the shop's 404 otherwise."""
        row = self.rows.get(id_) if isinstance(id_, int) else None
        if row is None or row.parent != parent:
            raise Refused(404, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
        return row

    def price(self, row: Product) -> str:
        """The price in force: sale price inside its dates, else the regular price; of a variable product the lowest."""
        if row.variations:
            prices = [self.price(self.rows[id_]) for id_ in row.variations]
            return min((price for price in prices if price), key=Decimal, default="")
        return row.sale_price if self._on_sale(row) else row.regular_price

    def _on_sale(self, row: Product) -> bool:
        if row.variations:
            return any(self._on_sale(self.rows[id_]) for id_ in row.variations)
        now = self._now()
        return (
            row.sale_price != ""
            and (row.sale_from is None or row.sale_from <= now)
            and (row.sale_to is None or now <= row.sale_to)
        )

    def rendered(self, row: Product) -> bytes:
        """The row's JSON as lists and GETs show it, kept until something changes."""
        if row.body is None:
            row.body = _encode(self.as_variation(row) if row.parent else self.as_product(row))
        return row.body

    def _common(self, row: Product) -> JSON:
        price = self.price(row)
        on_sale = self._on_sale(row)
        return {
            "price": price,
            "regular_price": row.regular_price,
            "sale_price": row.sale_price,
            **dates("date_on_sale_from", row.sale_from, self._zone),
            **dates("date_on_sale_to", row.sale_to, self._zone),
            "on_sale": on_sale,
            "purchasable": price != "" and row.status == "publish",
        }

    def _stock(self, row: Product) -> JSON:
        managed: bool | str = row.manage_stock
        holder = row
        if row.parent and not row.manage_stock and self.rows[row.parent].manage_stock:
            managed, holder = "parent", self.rows[row.parent]
        return {
            "manage_stock": managed,
            "stock_quantity": holder.stock_quantity,
            "stock_status": holder.stock_status,
            "backorders": holder.backorders,
            "backorders_allowed": holder.backorders != "no",
            "backordered": holder.stock_status == "onbackorder",
            "low_stock_amount": row.low_stock_amount,
        }

    def as_product(self, row: Product, *, edit: bool = False) -> JSON:
        """The row in the shape of /products (also what lists by SKU and webhooks show of a variation).

        `edit`: as answers to writes show it; reading adds a paragraph and a line break to the description (observed).
        """
        plain = {**PLAIN, **row.plain}
        stock = self._stock(row)
        price = self.price(row)
        name = row.name
        permalink = f"{self._site}/product/{row.slug}/"
        if row.parent:
            parent = self.rows[row.parent]
            name = f"{parent.name} - {row.name}" if row.name else parent.name
            permalink = self._variation_link(row)
        return {
            "id": row.id,
            "name": name,
            "slug": slug(name) if row.parent else row.slug,
            "permalink": permalink,
            **dates("date_created", row.created, self._zone),
            **dates("date_modified", row.modified, self._zone),
            "type": "variation" if row.parent else row.type,
            "status": row.status,
            "featured": plain["featured"],
            "catalog_visibility": plain["catalog_visibility"],
            "description": row.description if edit else _paragraph(row.description),
            "short_description": row.short_description if edit else _paragraph(row.short_description),
            "sku": row.sku,
            **self._common(row),
            "total_sales": row.total_sales,
            "virtual": plain["virtual"],
            "downloadable": plain["downloadable"],
            "downloads": [],
            "download_limit": -1,
            "download_expiry": -1,
            "external_url": "",
            "button_text": "",
            "tax_status": plain["tax_status"],
            "tax_class": self.tax_class(row),
            "manage_stock": stock["manage_stock"],
            "stock_quantity": stock["stock_quantity"],
            "backorders": stock["backorders"],
            "backorders_allowed": stock["backorders_allowed"],
            "backordered": stock["backordered"],
            "low_stock_amount": stock["low_stock_amount"],
            "sold_individually": plain["sold_individually"],
            "weight": row.weight,
            "dimensions": row.dimensions or {"length": "", "width": "", "height": ""},
            "shipping_required": not plain["virtual"],
            "shipping_taxable": not plain["virtual"],
            "shipping_class": "",
            "shipping_class_id": 0,
            "reviews_allowed": True,
            "average_rating": "0.00",
            "rating_count": 0,
            "upsell_ids": [],
            "cross_sell_ids": [],
            "parent_id": row.parent,
            "purchase_note": plain["purchase_note"],
            "categories": row.categories,
            "brands": [],
            "tags": row.tags,
            "images": row.images,
            "attributes": row.attributes,
            "default_attributes": row.default_attributes,
            "variations": row.variations,
            "grouped_products": [],
            "menu_order": plain["menu_order"],
            "price_html": self._price_html(price, row),
            "related_ids": [],
            "meta_data": row.meta,
            "stock_status": stock["stock_status"],
            "has_options": row.type == "variable" and not row.parent,
            "post_password": "",
            "global_unique_id": row.gtin,
            **(
                {"permalink_template": f"{self._site}/product/%pagename%/", "generated_slug": slug(name)}
                if edit
                else {}
            ),
            "_links": links(self._site, f"/products/{row.id}", up=f"/products/{row.parent}" if row.parent else ""),
        }

    def as_variation(self, row: Product, *, edit: bool = False) -> JSON:
        """The row in the shape of /products/{id}/variations. Lists show the parent's tax class, writes "parent"."""
        stock = self._stock(row)
        plain = {**PLAIN, **row.plain}
        return {
            "id": row.id,
            "type": "variation",
            **dates("date_created", row.created, self._zone),
            **dates("date_modified", row.modified, self._zone),
            "description": row.description if edit else _paragraph(row.description),
            "permalink": self._variation_link(row),
            "sku": row.sku,
            "global_unique_id": row.gtin,
            **self._common(row),
            "status": row.status,
            "virtual": plain["virtual"],
            "downloadable": plain["downloadable"],
            "downloads": [],
            "download_limit": -1,
            "download_expiry": -1,
            "tax_status": plain["tax_status"],
            "tax_class": row.tax_class if edit else self.tax_class(row),
            "manage_stock": stock["manage_stock"],
            "stock_quantity": stock["stock_quantity"],
            "stock_status": stock["stock_status"],
            "backorders": stock["backorders"],
            "backorders_allowed": stock["backorders_allowed"],
            "backordered": stock["backordered"],
            "low_stock_amount": stock["low_stock_amount"],
            "weight": row.weight,
            "dimensions": row.dimensions or {"length": "", "width": "", "height": ""},
            "shipping_class": "",
            "shipping_class_id": 0,
            "image": row.images[0] if row.images else None,
            "attributes": row.attributes,
            "menu_order": plain["menu_order"],
            "meta_data": row.meta,
            "name": row.name,
            "parent_id": row.parent,
            "_links": links(self._site, f"/products/{row.parent}/variations/{row.id}", up=f"/products/{row.parent}"),
        }

    def tax_class(self, row: Product) -> str:
        """The class in force: a variation may say "parent"."""
        return self.rows[row.parent].tax_class if row.tax_class == "parent" and row.parent else row.tax_class

    def _variation_link(self, row: Product) -> str:
        chosen = "&".join(f"attribute_{part['slug']}={quote(part['option'])}" for part in row.attributes)
        return f"{self._site}/product/{self.rows[row.parent].slug}/?{chosen}"

    def _price_html(self, price: str, row: Product) -> str:
        if not price:
            return ""
        rate = TAX_RATES.get(self.tax_class(row))
        net = Decimal(price) / (1 + rate[1] / 100) if rate else Decimal(price)
        shown = money(net).replace(".", ",")
        return (
            f'<span class="woocommerce-Price-amount amount"><bdi>{shown}&nbsp;'
            '<span class="woocommerce-Price-currencySymbol">&#107;&#114;</span></bdi></span>'
        )


def slug(text: str) -> str:
    """A name as WordPress puts it into addresses."""
    plain = unicodedata.normalize("NFD", text.lower()).encode("ascii", "ignore").decode()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


def _paragraph(text: str) -> str:
    if not text:
        return ""
    return f"{text}\n" if text.startswith("<") else f"<p>{text}</p>\n"
