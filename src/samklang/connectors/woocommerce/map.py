"""The shop's rows ↔ our records. Pure functions."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from samklang.connectors.contract import Bad, Item, Part
from samklang.connectors.errors import NOT_A_RECORD, BadData, bad_data
from samklang.connectors.woocommerce.client import Broken, Facts
from samklang.connectors.woocommerce.rows import CustomerRow, Meta, OrderRow, Place, ProductRow, SoldRow
from samklang.records import (
    Address,
    Axis,
    Charge,
    Customer,
    Discount,
    InvalidRecord,
    Order,
    OrderLine,
    OrderStatus,
    Price,
    Product,
    Record,
    StockLevel,
    TaxTotal,
    Variant,
    ids,
)  # fmt: skip
from samklang.records.money import ZERO, decimal
from samklang.records.order import Fulfilment, Lifecycle, Payment
from samklang.records.vat import rates

_STATUS: dict[str, Literal["draft", "active", "archived"]] = {"publish": "active", "private": "archived"}
_LIFECYCLE: dict[str, tuple[Lifecycle, Fulfilment | Literal[""]]] = {
    "checkout-draft": ("draft", ""), "auto-draft": ("draft", ""), "pending": ("placed", ""), "on-hold": ("placed", ""),
    "failed": ("placed", ""), "processing": ("confirmed", ""), "completed": ("closed", "shipped"),
    "refunded": ("closed", ""), "cancelled": ("cancelled", ""), "trash": ("cancelled", ""),
}  # fmt: skip
_CLASSES = {"": "standard", "reduced-rate": "reduced", "zero-rate": "zero"}


class Mapper:
    """Mapping for one connection: its settings, and the shop's own."""

    def __init__(self, settings: Mapping[str, Any], facts: Facts) -> None:
        self.facts = facts
        self._connection = str(settings["connection"])
        self._channel = str(settings["channel"])
        self._zone = str(settings.get("time_zone") or "UTC")
        self._org_no = str(settings.get("org_no_meta") or "")
        self._authorising = frozenset(_listed(settings.get("authorising")))
        self._meta = frozenset(_listed(settings.get("meta")))
        today = datetime.now(UTC).date()
        self._classes = {slug: self._class(slug, percent, today) for slug, percent in facts.percents.items()}

    def _class(self, slug: str, percent: Decimal, on: date) -> str:
        try:
            return rates.tax_class(self.facts.country, percent, on)
        except InvalidRecord:  # a rate that our table does not know keeps the shop's own name
            return _CLASSES.get(slug, slug)

    def tax_class(self, row: ProductRow, parent: ProductRow | None = None) -> tuple[str, Decimal | None]:
        """Canonical tax class and per cent (None = the shop has no rate for it)."""
        if row.tax_status == "none":
            return "exempt", ZERO
        slug = parent.tax_class if parent is not None and row.tax_class == "parent" else row.tax_class
        known = self._classes.get(slug)
        if known is None and slug not in _CLASSES and slug != "parent" and self._classes:
            raise InvalidRecord("tax_class", slug, "has no rate in the shop", "Choose a tax class that has a VAT rate.")
        return (known, self.facts.percents[slug]) if known else (_CLASSES.get(slug, slug), None)

    def slug_of(self, tax_class: str) -> str:
        """The shop's tax class with the rate that this class has today; InvalidRecord when it has none."""
        if tax_class in self.facts.percents:
            return tax_class
        percent = rates.percent(self.facts.country, tax_class, datetime.now(UTC).date())
        found = next((slug for slug, own in self.facts.percents.items() if own == percent), None)
        if found is None and tax_class != "standard":
            raise InvalidRecord("tax_class", tax_class, "has no rate in the shop", f"Add {percent} % VAT to the shop.")
        return found or ""

    # ------------------------------------------------------------------------------------------------ catalogue

    def catalogue(
        self, row: ProductRow, variations: Sequence[ProductRow | Broken], types: frozenset[str]
    ) -> list[Item | Bad]:
        """Product, prices and stock levels of one row with its variations; a row that is no record gives one `Bad`."""
        articles = variations if row.type == "variable" else (row,)
        items: list[Item | Bad] = []
        key = ids.sku_key(row.sku)
        try:
            for broken in articles:
                if isinstance(broken, Broken):
                    raise InvalidRecord("variation", broken.id, broken.why, "Correct the variation in the shop.")
            known = [article for article in articles if isinstance(article, ProductRow)]
            product = self.product(row, known)
            if "product" in types:
                items.append(Item(record=product, external_id=str(row.id), parts=parts(row, known)))
            for article in known:
                if "price" in types and (price := self.price(article, row)) is not None:
                    items.append(Item(record=price))
                if "stock" in types and (stock := self.stock(article)) is not None:
                    items.append(Item(record=stock))
        except NOT_A_RECORD as error:
            return [Bad(type="product", external_id=str(row.id), key=key, error=bad_data(error, row.sku or row.name))]
        return items

    def product(self, row: ProductRow, articles: Sequence[ProductRow]) -> Product:
        """The product with its variants; InvalidRecord when it cannot be one."""
        variable = row.type == "variable"
        free, axes = {}, []
        for attribute in row.attributes:
            if variable and attribute.variation:
                axes.append(Axis(attribute.name, attribute.name))
            else:
                free[attribute.name] = attribute.options[0] if len(attribute.options) == 1 else attribute.options
        return Product(
            code=(row.sku or f"woocommerce-{row.id}") if variable else ids.sku(row.sku),
            name=_text(row.name),
            variants=tuple(self._variant(article, row) for article in articles),
            axes=tuple(axes),
            tax_class=self.tax_class(row)[0],
            status=_STATUS.get(row.status, "draft"),
            description=_description(row.description),
            brand=_text(row.brands[0].name) if row.brands else "",
            categories=tuple([_text(category.name) for category in row.categories]),
            attributes=free,
            images=tuple([image.src for image in row.images]),
            custom=self._custom(row.meta_data),
        )

    def _variant(self, row: ProductRow, parent: ProductRow) -> Variant:
        own = row is not parent
        return Variant(
            sku=ids.sku(row.sku),
            gtin=_gtin(row.global_unique_id),
            options={one.name: one.option for one in row.attributes if one.option} if own else {},
            weight_g=int(decimal(row.weight, "weight") * self.facts.grams) if row.weight else None,
            track_stock=row.manage_stock is not False,
            backorder="deny" if row.backorders == "no" else "allow",
            status="archived" if own and row.status != "publish" else "active",
            images=(row.image.src,) if own and row.image else (),
        )

    def price(self, row: ProductRow, parent: ProductRow) -> Price | None:
        """The price in force; a sale keeps the regular price as compare_at. None when the article has no price."""
        if not row.regular_price:
            return None
        sale = row.on_sale and row.sale_price != ""
        return Price(
            sku=row.sku,
            currency=self.facts.currency,
            amount=decimal(row.sale_price if sale else row.regular_price, "price"),
            tax_included=self.facts.inclusive,
            compare_at=decimal(row.regular_price, "regular_price") if sale else None,
            valid_from=_day(row.date_on_sale_from) if sale else None,
            valid_to=_day(row.date_on_sale_to) if sale else None,
            tax_percent=self.tax_class(row, parent)[1],
        )

    def stock(self, row: ProductRow) -> StockLevel | None:
        """The article's own stock figure; None when the shop counts none for it."""
        if row.manage_stock is not True or row.stock_quantity is None:
            return None
        return StockLevel(sku=row.sku, on_hand=row.stock_quantity)

    # ------------------------------------------------------------------------------------------------ orders

    def order(self, row: OrderRow, types: frozenset[str]) -> list[Item | Bad]:
        """The order and its status; carts that are not ordered yet give nothing."""
        if row.status in ("checkout-draft", "auto-draft"):
            return []
        id_ = str(row.id)
        try:
            order = self._order(row)
        except NOT_A_RECORD as error:
            key = f"{self._channel}/{row.number.strip()}"
            return [Bad(type="order", external_id=id_, key=key, error=bad_data(error, row.number))]
        found: list[Record] = [order] if "order" in types else []
        if "order_status" in types:
            found.append(self.status(row, order.key))
        return [Item(record=record, external_id=id_) for record in found]

    def status(self, row: OrderRow, order_key: str) -> OrderStatus:
        """Where the order stands; a word that plugins added is kept, its axes are empty."""
        if row.status not in _LIFECYCLE:
            return OrderStatus(order=order_key, raw=row.status)
        lifecycle, fulfilment = _LIFECYCLE[row.status]
        payment = self._payment(row)
        return OrderStatus(
            order=order_key, raw=row.status, lifecycle=lifecycle, fulfilment=fulfilment, payment=payment
        )  # fmt: skip

    def _payment(self, row: OrderRow) -> Payment:
        refunded = -sum((refund.total for refund in row.refunds), ZERO)
        if row.date_paid_gmt is None:
            return "voided" if row.status == "cancelled" else "not_required" if not row.total else "pending"
        if refunded:
            return "refunded" if refunded >= row.total else "partly_refunded"
        if row.payment_method in self._authorising and row.status not in ("completed", "refunded"):
            return "voided" if row.status == "cancelled" else "authorised"
        return "captured"

    def _order(self, row: OrderRow) -> Order:
        percents = {rate.rate_id: rate.rate_percent for rate in row.tax_lines}
        bases: dict[Decimal, tuple[Decimal, Decimal]] = {}

        def percent(sold: SoldRow) -> Decimal:
            applied = [percents.get(tax.id) for tax in sold.taxes if tax.total]
            if applied and None not in applied:
                rate = sum((one for one in applied if one is not None), ZERO)
            else:  # an old shop does not state the rate
                rate = (sold.total_tax / sold.total * 100).quantize(Decimal("0.1")) if sold.total else ZERO
            base, tax = bases.get(rate, (ZERO, ZERO))
            bases[rate] = (base + sold.total, tax + sold.total_tax)
            return rate

        lines = tuple([self._line(sold, percent(sold), row.prices_include_tax) for sold in row.line_items])
        charges = tuple(
            Charge(
                kind="shipping" if sold.method_id else "fee", net=sold.total, tax=sold.total_tax,
                gross=sold.total + sold.total_tax, tax_percent=percent(sold), charge_id=str(sold.id),
                name=_text(sold.method_title or sold.name or ""),
            )
            for sold in (*row.shipping_lines, *row.fee_lines)
            if sold.total or sold.total_tax
        )  # fmt: skip
        stated: dict[Decimal, Decimal] = {}  # the shop's own sums, which may differ from the lines' by rounding
        for rate in row.tax_lines:
            if rate.rate_percent is not None:
                stated[rate.rate_percent] = (
                    stated.get(rate.rate_percent, ZERO) + rate.tax_total + rate.shipping_tax_total
                )
        payment = self._payment(row)
        org_no = next((str(meta.value) for meta in row.meta_data if meta.key == self._org_no and meta.value), "")
        billing = _address(row.billing)
        shipping = _address(row.shipping)
        return Order(
            channel=self._channel,
            order_no=row.number,
            placed_at=datetime.fromisoformat(row.date_created_gmt).replace(tzinfo=UTC),
            currency=row.currency,
            customer=self._buyer(row.billing, billing, org_no),
            lines=lines,
            net=row.total - row.total_tax,
            tax=row.total_tax,
            gross=row.total,
            prices_include_tax=row.prices_include_tax,
            billing=billing,
            shipping=shipping if shipping.country or shipping.lines else billing,
            charges=charges,
            discounts=tuple(
                Discount(amount=one.discount + (one.discount_tax if row.prices_include_tax else ZERO), code=one.code)
                for one in row.coupon_lines
            ),
            taxes=tuple(TaxTotal(rate, base, stated.get(rate, tax)) for rate, (base, tax) in sorted(bases.items())),
            paid=row.total if payment in ("captured", "partly_refunded", "refunded") else ZERO,
            refunded=-sum((refund.total for refund in row.refunds), ZERO),
            tax_rounding="line" if self.facts.per_line else "document",
            time_zone=self._zone,
            status=row.status,
            lifecycle=_LIFECYCLE.get(row.status, ("placed", ""))[0],
            payment=payment,
            payment_method=row.payment_method,
            transaction_id=row.transaction_id,
            shipping_method=row.shipping_lines[0].method_title if row.shipping_lines else "",
            note=row.customer_note,
            custom=self._custom(row.meta_data),
        )

    def _line(self, sold: SoldRow, percent: Decimal, inclusive: bool) -> OrderLine:
        before = sold.subtotal + (sold.subtotal_tax if inclusive else ZERO)
        after = sold.total + (sold.total_tax if inclusive else ZERO)
        return OrderLine(
            line_id=str(sold.id),
            sku=sold.sku or "",
            name=_text(sold.name or ""),
            quantity=sold.quantity,
            unit_price=before / sold.quantity if sold.quantity else before,
            discount=before - after,
            net=sold.total,
            tax=sold.total_tax,
            gross=sold.total + sold.total_tax,
            tax_percent=percent,
            kind="goods" if sold.sku else "free_text",
        )

    # ------------------------------------------------------------------------------------------------ customers

    def customer(self, row: CustomerRow) -> Item | Bad:
        """A registered buyer. No customer number: the shop's ids mean nothing to an ERP's numbers."""
        org_no = next((str(meta.value) for meta in row.meta_data if meta.key == self._org_no and meta.value), "")
        try:
            own = row.billing
            place = msgspec.structs.replace(
                own,
                email=own.email or row.email,
                first_name=own.first_name or row.first_name,
                last_name=own.last_name or row.last_name,
            )
            buyer = self._buyer(place, _address(place), org_no, fallback=row.username)
            shipping = _address(row.shipping)
            if shipping.country or shipping.lines:
                buyer = msgspec.structs.replace(buyer, shipping=shipping)
            record = msgspec.structs.replace(buyer, custom=self._custom(row.meta_data))
            return Item(record=record, external_id=str(row.id))
        except NOT_A_RECORD as error:
            return Bad(type="customer", external_id=str(row.id), error=bad_data(error, f"customer {row.id}"))

    def _buyer(self, place: Place, billing: Address, org_no: str, fallback: str = "") -> Customer:
        company = bool(place.company or org_no)
        return Customer(
            name=(place.company if company else "") or billing.name or place.email or fallback,
            kind="company" if company else "person",
            email=place.email,
            org_no=org_no,
            phone=place.phone,
            billing=billing,
        )

    def _custom(self, rows: Iterable[Meta]) -> dict[str, dict[str, Any]]:
        """Meta data of the chosen keys whose values are plain; plugins' own structures stay in the shop."""
        kept = {
            row.key: row.value
            for row in rows
            if (row.key in self._meta if self._meta else not row.key.startswith("_"))
            and isinstance(row.value, str | int | bool)
        }
        return {self._connection: kept} if kept else {}


def parts(row: ProductRow, articles: Iterable[ProductRow]) -> tuple[Part, ...]:
    """The ids of the variants: the product's own, or parent:variation."""
    return tuple(
        [
            Part("variant", ids.sku_key(one.sku), str(one.id) if one is row else f"{row.id}:{one.id}")
            for one in articles
        ]
    )  # fmt: skip


def broken(type_: str, row: Broken) -> Bad:
    """A row of a wrong shape as a problem."""
    return Bad(type=type_, external_id=str(row.id), error=BadData(f"The shop's row is not as documented: {row.why}"))


def _text(text: str) -> str:
    return html.unescape(text) if "&" in text else text


def _description(text: str) -> str:
    """Reading wraps plain text into a paragraph, the answer to a write does not (observed): take a lone one off."""
    text = text.strip()
    inner = text.removeprefix("<p>").removesuffix("</p>")
    return inner if len(inner) == len(text) - 7 and "<" not in inner else text


def _gtin(text: str) -> tuple[str, ...]:
    """The field also holds ISBN-10 and the like: what is no GTIN is left out."""
    if len(text) not in (8, 12, 13, 14) or not text.isascii() or not text.isdigit():
        return ()
    # GS1 mod 10, written out: this runs for every article of every read, and the general check costs five times more.
    checked = sum(map(int, text[-1::-2])) + 3 * sum(map(int, text[-2::-2]))
    return () if checked % 10 else (text,)


def _address(place: Place) -> Address:
    return Address(
        name=f"{place.first_name} {place.last_name}".strip(),
        company=place.company,
        lines=tuple([line for line in (place.address_1, place.address_2) if line]),
        postcode=place.postcode,
        city=place.city,
        region=place.state,
        country=place.country,
        phone=place.phone,
        email=place.email,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def _listed(text: object) -> list[str]:
    return [part.strip() for part in str(text or "").split(",") if part.strip()]
