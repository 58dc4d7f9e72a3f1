"""What changes to products do: uniqueness, stock status, dates, the parent that moves along."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from samklang.sandboxes.swedish import Family
from samklang.sandboxes.woocommerce.shelf import PLAIN, Product, Shelf, slug
from samklang.sandboxes.woocommerce.wire import (
    JSON,
    Refused,
    as_decimal_text,
    dates,
    links,
    moment,
    money,
    put_meta,
    truth,
)


class Catalogue(Shelf):
    """The shelf with what may be done to it."""

    def fill(self, families: Iterable[tuple[Family, str]], created: int) -> None:
        """Put families (with their tax class in this shop) on the shelf without webhooks."""
        names: dict[str, int] = {}
        for family, tax_class in families:
            if family.category not in names:
                names[family.category] = self.add_category({"name": family.category})["id"]
            category = self.categories[names[family.category]]
            row = Product(
                id=self._next_id(),
                name=family.name,
                created=created,
                modified=created,
                type="variable" if family.axes else "simple",
                slug=slug(family.name),
                description=family.description,
                sku=family.code,
                tax_class=tax_class,
                categories=[{key: category[key] for key in ("id", "name", "slug")}],
                attributes=[
                    {
                        "id": 0, "name": axis, "slug": axis, "position": place, "visible": True, "variation": True,
                        "options": list(values),
                    }
                    for place, (axis, values) in enumerate(family.axes.items())
                ],
            )  # fmt: skip
            self.rows[row.id] = row
            self.by_sku[row.sku.lower()] = row.id
            for article in family.articles:
                one = row
                if family.axes:
                    one = Product(
                        id=self._next_id(), name=", ".join(article.options.values()), created=created, modified=created,
                        parent=row.id, sku=article.sku, tax_class="parent",
                        attributes=[
                            {"id": 0, "name": axis, "slug": slug(axis), "option": value}
                            for axis, value in article.options.items()
                        ],
                    )  # fmt: skip
                    self.rows[one.id] = one
                    self.by_sku[one.sku.lower()] = one.id
                    row.variations = [*row.variations, one.id]
                one.gtin = article.gtin
                self.by_gtin[article.gtin] = one.id
                one.regular_price = money(family.price)
                one.weight = str(Decimal(article.weight_g) / 1000)
                one.manage_stock, one.stock_quantity = True, article.stock
                one.stock_status = "instock" if article.stock > 0 else "outofstock"
            if family.axes:
                self._sync_parent(row)
        self.version += 1

    def create(self, body: JSON, parent: Product | None = None) -> Product:
        """A new product or variation; the shop's refusals for a SKU or GTIN that is taken."""
        self._check_unique(body, 0)
        now = self._now()
        row = Product(id=self._next_id(), name="", created=now, modified=now, parent=parent.id if parent else 0)
        if parent:
            row.tax_class = "parent"
        self.rows[row.id] = row
        self._apply(row, body)
        if not row.slug:
            row.slug = slug(row.name)
        if parent:
            parent.variations = [*parent.variations, row.id]
            parent.type = "variable"
        self._settle(row)
        self._moved("created", row)
        return row

    def update(self, row: Product, body: JSON) -> Product:
        """Change a product or variation. Moves date_modified even when nothing differs (observed)."""
        self._check_unique(body, row.id)
        self._apply(row, body)
        self._settle(row)
        self._moved("updated", row)
        return row

    def delete(self, row: Product, *, force: bool) -> None:
        """To the trash, or with `force` away for good, without an event when it was never in the trash (observed)."""
        if not force and row.status == "trash":
            raise Refused(410, "woocommerce_rest_already_trashed", "The product has already been deleted.")
        if force:
            for id_ in [*row.variations, row.id]:
                gone = self.rows.pop(id_)
                self.by_sku.pop(gone.sku.lower(), None)
                self.by_gtin.pop(gone.gtin, None)
            if row.parent:
                parent = self.rows[row.parent]
                parent.variations = [id_ for id_ in parent.variations if id_ != row.id]
                self._sync_parent(parent)
                self._touch(parent)
            self.version += 1
            return
        row.status = "trash"
        self._settle(row)
        self._moved("deleted", row)

    def change_stock(self, row: Product, by: int) -> None:
        """A sale or a restock; rows that manage no stock stay as they are."""
        holder = row if row.manage_stock or not row.parent else self.rows[row.parent]
        if holder.manage_stock:
            holder.stock_quantity = (holder.stock_quantity or 0) + by
            self._settle(holder)
            self._moved("updated", holder)

    def add_category(self, body: JSON) -> JSON:
        """A new category; term_exists (400) when the name is taken."""
        name = str(body.get("name", ""))
        for known in self.categories.values():
            if known["name"].lower() == name.lower() and known["parent"] == body.get("parent", 0):
                raise Refused(
                    400, "term_exists", "A term with the name provided already exists with this parent.",
                    resource_id=known["id"],
                )  # fmt: skip
        id_ = self._next_id()
        self.categories[id_] = {
            "id": id_,
            "name": name,
            "slug": body.get("slug") or slug(name),
            "parent": body.get("parent", 0),
            "description": body.get("description", ""),
            "display": "default",
            "image": None,
            "menu_order": body.get("menu_order", 0),
            "count": 0,
            "_links": links(self._site, f"/products/categories/{id_}"),
        }
        return self.categories[id_]

    def _check_unique(self, body: JSON, own: int) -> None:
        sku = str(body.get("sku") or "")
        holder = self.by_sku.get(sku.lower()) if sku else None  # MySQL's collation compares so (unconfirmed)
        if holder is not None and holder != own:
            if self.rows[holder].status == "trash":
                said = f"The product with SKU ({sku}) you are trying to insert is already present in the lookup table"
                raise Refused(400, "woocommerce_rest_product_not_created", said)
            free = next(n for n in range(1, len(self.rows) + 2) if f"{sku}-{n}".lower() not in self.by_sku)
            raise Refused(
                400, "product_invalid_sku", "Invalid or duplicated SKU.", resource_id=holder, unique_sku=f"{sku}-{free}"
            )
        gtin = str(body.get("global_unique_id") or "")
        holder = self.by_gtin.get(gtin) if gtin else None
        if holder is not None and holder != own:
            said = "Invalid or duplicated GTIN, UPC, EAN or ISBN."
            raise Refused(400, "product_invalid_global_unique_id", said, resource_id=holder)

    def _apply(self, row: Product, body: JSON) -> None:
        if "sku" in body:
            self.by_sku.pop(row.sku.lower(), None)
            row.sku = str(body["sku"] or "")
            if row.sku:
                self.by_sku[row.sku.lower()] = row.id
        if "global_unique_id" in body:
            self.by_gtin.pop(row.gtin, None)
            row.gtin = str(body["global_unique_id"] or "")
            if row.gtin:
                self.by_gtin[row.gtin] = row.id
        for name in ("name", "type", "status", "slug", "description", "short_description"):
            if name in body:
                setattr(row, name, str(body[name]))
        if "tax_class" in body:
            row.tax_class = "" if body["tax_class"] == "standard" else str(body["tax_class"])
        for name in ("regular_price", "sale_price", "weight"):
            if name in body:
                setattr(row, name, as_decimal_text(body[name]))
        for name in ("date_on_sale_from", "date_on_sale_to"):
            for key in (name, f"{name}_gmt"):
                if key in body:
                    text = body[key]
                    stamp = moment(str(text), key, self._zone, is_gmt=key != name) if text else None
                    setattr(row, name.removeprefix("date_on_"), stamp)
        self._apply_stock(row, body)
        if "categories" in body:
            ids = [part.get("id") for part in body["categories"] if isinstance(part, dict)]
            chosen = [self.categories[id_] for id_ in ids if id_ in self.categories]
            row.categories = [{key: one[key] for key in ("id", "name", "slug")} for one in chosen]
        images = body.get("images", [body["image"]] if body.get("image") else None)
        if images is not None:
            row.images = [self._image(image) for image in images]
        if "attributes" in body:
            row.attributes = [self._attribute(row, place, part) for place, part in enumerate(body["attributes"])]
            if row.parent:
                row.name = ", ".join(part["option"] for part in row.attributes)
        for name in ("tags", "default_attributes", "dimensions"):
            if name in body:
                setattr(row, name, body[name])
        if "meta_data" in body:
            row.meta = list(row.meta)
            put_meta(row.meta, body["meta_data"], self._next_id)
        kept = {name: body[name] for name in PLAIN if name in body}
        if kept:
            row.plain = {**row.plain, **kept}

    def _apply_stock(self, row: Product, body: JSON) -> None:
        if "manage_stock" in body and body["manage_stock"] != "parent":
            row.manage_stock = truth(body["manage_stock"])
        if not row.manage_stock:  # a quantity is then ignored without a word (observed)
            row.stock_quantity, row.low_stock_amount, row.backorders = None, None, "no"
            row.stock_status = body.get("stock_status", row.stock_status)
            return
        if "backorders" in body:
            row.backorders = body["backorders"]
        if "low_stock_amount" in body:
            row.low_stock_amount = body["low_stock_amount"]
        if "stock_quantity" in body:
            row.stock_quantity = int(float(body["stock_quantity"] or 0))  # null → 0 (observed)

    def _image(self, image: JSON) -> JSON:
        src = str(image.get("src", ""))
        created = dates("date_created", self._now(), self._zone) | dates("date_modified", self._now(), self._zone)
        name = src.rpartition("/")[2]
        return {"id": image.get("id") or self._next_id(), **created, "src": src, "name": name, "alt": ""}

    def _attribute(self, row: Product, place: int, part: JSON) -> JSON:
        name = str(part.get("name", ""))
        if row.parent:
            return {"id": part.get("id", 0), "name": name, "slug": slug(name), "option": str(part.get("option", ""))}
        return {
            "id": part.get("id", 0),
            "name": name,
            "slug": name,
            "position": part.get("position", place),
            "visible": truth(part.get("visible", False)),
            "variation": truth(part.get("variation", False)),
            "options": list(part.get("options", [])),
        }

    def _settle(self, row: Product) -> None:
        """After a change: stock status from the quantity, dates moved, the parent moved with it (observed)."""
        if row.manage_stock and row.stock_quantity is not None:
            if row.stock_quantity > 0:
                row.stock_status = "instock"
            else:
                row.stock_status = "outofstock" if row.backorders == "no" else "onbackorder"
        self._touch(row)
        for id_ in row.variations:  # a parent's stock and tax class show through
            self.rows[id_].body = None
        if row.parent:
            parent = self.rows[row.parent]
            self._sync_parent(parent)
            self._touch(parent)

    def _touch(self, row: Product) -> None:
        row.modified, row.body = self._now(), None
        self.version += 1

    def _sync_parent(self, parent: Product) -> None:
        if not parent.manage_stock and parent.variations:
            states = {self.rows[id_].stock_status for id_ in parent.variations}
            best = next((state for state in ("instock", "onbackorder") if state in states), "outofstock")
            parent.stock_status = best
