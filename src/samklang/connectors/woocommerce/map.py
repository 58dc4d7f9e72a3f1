"""The shop's rows ↔ our records. Pure functions."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from samklang import records as r
from samklang.connectors.contract import Item, Part
from samklang.connectors.kit.gateways import Back, transactions
from samklang.connectors.kit.rows import Broken, Name, sound
from samklang.connectors.kit.shape import shared
from samklang.connectors.kit.sold import Channel
from samklang.connectors.kit.system import listed
from samklang.connectors.woocommerce import shapes
from samklang.connectors.woocommerce.client import Facts

_STATUS: dict[str, Literal["draft", "active", "archived"]] = {"publish": "active", "private": "archived"}
_LIFECYCLE: dict[str, tuple[r.Lifecycle, r.Fulfilment | Literal[""]]] = {
    "checkout-draft": ("draft", ""), "auto-draft": ("draft", ""), "pending": ("placed", ""), "on-hold": ("placed", ""),
    "failed": ("placed", ""), "processing": ("confirmed", ""), "completed": ("closed", "shipped"),
    "refunded": ("closed", ""), "cancelled": ("cancelled", ""), "trash": ("cancelled", ""),
}  # fmt: skip
UNFINISHED = frozenset({"checkout-draft", "auto-draft"})  # carts that nobody has ordered
_AS_THEY_ARE = (
    "order_no", "currency", "prices_include_tax", "status", "payment_method", "transaction_id", "note",
)  # fmt: skip
_SKIPPED = ("grouped", "external")  # nothing of their own to sell or stock
_CLASSES = {"": "standard", "reduced-rate": "reduced", "zero-rate": "zero"}


class Mapper:
    """Mapping for one connection: its settings, and the shop's own."""

    def __init__(self, settings: Mapping[str, Any], facts: Facts) -> None:
        self.facts = facts
        zone = str(settings.get("time_zone") or "UTC")
        self._channel = Channel(str(settings["channel"]), str(settings["connection"]), zone)
        self._org_no_key = str(settings.get("org_no_meta") or "")
        self._authorising = frozenset(listed(settings.get("authorising")))
        self._meta = frozenset(listed(settings.get("meta")))
        today = datetime.now(UTC).date()
        self._classes = {slug: self._class(slug, percent, today) for slug, percent in facts.percents.items()}
        self._slugs: dict[str, str] = {}  # of tax classes that were asked for

    def _class(self, slug: str, percent: Decimal, on: date) -> str:
        try:
            return r.rates.tax_class(self.facts.country, percent, on)
        except r.InvalidRecord:  # a rate that our table does not know keeps the shop's own name
            return _CLASSES.get(slug, slug)

    def tax_class(self, row: shapes.ProductRow, parent: shapes.ProductRow | None = None) -> tuple[str, Decimal | None]:
        """Canonical tax class and per cent (None = the shop has no rate for it)."""
        if row.tax_status == "none":
            return "exempt", r.ZERO
        slug = parent.tax_class if parent is not None and row.tax_class == "parent" else row.tax_class
        known = self._classes.get(slug)
        if known is None and slug not in _CLASSES and slug != "parent" and self._classes:
            raise r.InvalidRecord(
                "tax_class", slug, "has no rate in the shop", "Choose a tax class that has a VAT rate."
            )
        return (known, self.facts.percents[slug]) if known else (_CLASSES.get(slug, slug), None)

    def slug_of(self, tax_class: str) -> str:
        """The shop's tax class with the rate that this class has today; InvalidRecord when it has none."""
        if tax_class not in self._slugs:
            self._slugs[tax_class] = self._slug(tax_class)
        return self._slugs[tax_class]

    def _slug(self, tax_class: str) -> str:
        if tax_class in self.facts.percents:
            return tax_class
        percent = r.rates.percent(self.facts.country, tax_class, datetime.now(UTC).date())
        found = next((slug for slug, own in self.facts.percents.items() if own == percent), None)
        if found is None and tax_class != "standard":
            raise r.InvalidRecord(
                "tax_class", tax_class, "has no rate in the shop", f"Add {percent} % VAT to the shop."
            )
        return found or ""

    # ------------------------------------------------------------------------------------------------ catalogue

    def catalogue(
        self, row: shapes.ProductRow, variations: Sequence[shapes.ProductRow | Broken], types: frozenset[str]
    ) -> list[Item]:
        """Product, prices and stock levels of one row with its variations; InvalidRecord when it is no product."""
        if row.type in _SKIPPED:
            return []
        articles = [row] if row.type != "variable" else [sound(one, "variation") for one in variations]
        product = self.product(row, articles)
        found: list[Item] = []
        if "product" in types:
            found.append(Item(record=product, external_id=str(row.id), parts=parts(row, articles)))
        for article in articles:
            if "price" in types and (price := self.price(article, row)) is not None:
                found.append(Item(record=price))
            if "stock" in types and (stock := self.stock(article)) is not None:
                found.append(Item(record=stock))
        return found

    def product(self, row: shapes.ProductRow, articles: Sequence[shapes.ProductRow]) -> r.Product:
        """The product with its variants; InvalidRecord when it cannot be one."""
        variable = row.type == "variable"
        free, axes = {}, []
        for attribute in row.attributes:
            if variable and attribute.variation:
                axes.append(r.Axis(attribute.name, attribute.name))
            else:
                free[attribute.name] = attribute.options[0] if len(attribute.options) == 1 else attribute.options
        return r.Product(
            code=(row.sku or f"woocommerce-{row.id}") if variable else r.ids.sku(row.sku),
            name=plain(row.name),
            variants=tuple(self._variant(article, row) for article in articles),
            axes=tuple(axes),
            tax_class=self.tax_class(row)[0],
            status=_STATUS.get(row.status, "draft"),
            description=_description(row.description),
            brand=plain(row.brands[0].name) if row.brands else "",
            categories=tuple([plain(category.name) for category in row.categories]),
            attributes=free,
            images=tuple([image.src for image in row.images]),
            custom=self._custom(row.meta_data),
        )

    def _variant(self, row: shapes.ProductRow, parent: shapes.ProductRow) -> r.Variant:
        own = row is not parent
        return r.Variant(
            sku=r.ids.sku(row.sku),
            gtin=_gtin(row.global_unique_id),
            options={one.name: one.option for one in row.attributes if one.option} if own else {},
            weight_g=int(r.decimal(row.weight, "weight") * self.facts.grams) if row.weight else None,
            track_stock=row.manage_stock is not False,
            backorder="deny" if row.backorders == "no" else "allow",
            status="archived" if own and row.status != "publish" else "active",
            images=(row.image.src,) if own and row.image else (),
        )

    def price(self, row: shapes.ProductRow, parent: shapes.ProductRow) -> r.Price | None:
        """The price in force; a sale keeps the regular price as compare_at. None when the article has no price."""
        if not row.regular_price:
            return None
        sale = row.on_sale and row.sale_price != ""
        return r.Price(
            sku=row.sku,
            currency=self.facts.currency,
            amount=r.decimal(row.sale_price if sale else row.regular_price, "price"),
            tax_included=self.facts.inclusive,
            compare_at=r.decimal(row.regular_price, "regular_price") if sale else None,
            valid_from=_day(row.date_on_sale_from) if sale else None,
            valid_to=_day(row.date_on_sale_to) if sale else None,
            tax_percent=self.tax_class(row, parent)[1],
        )

    def stock(self, row: shapes.ProductRow) -> r.StockLevel | None:
        """The article's own stock figure; None when the shop counts none for it."""
        if row.manage_stock is not True or row.stock_quantity is None:
            return None
        return r.StockLevel(sku=row.sku, on_hand=row.stock_quantity)

    # ------------------------------------------------------------------------------------------------ orders

    def order(
        self, row: shapes.OrderRow, types: frozenset[str], refunds: Sequence[shapes.Refunded | Broken] = ()
    ) -> list[Item]:
        """The order and its status; carts that are not ordered yet give nothing."""
        if row.status in UNFINISHED:
            return []
        order = self._order(row, refunds)
        found: list[r.Record] = [order] if "order" in types else []
        if "order_status" in types:
            found.append(self.status(row, order.key))
        return [Item(record=record, external_id=str(row.id)) for record in found]

    def name_of_order(self, row: shapes.OrderRow) -> Name:
        """What an order is called that cannot be read."""
        return Name(str(row.id), row.order_no, self._channel.key(row.order_no))

    def status(self, row: shapes.OrderRow, order_key: str) -> r.OrderStatus:
        """Where the order stands; a word that plugins added is kept, its axes are empty."""
        if row.status not in _LIFECYCLE:
            return r.OrderStatus(order=order_key, raw=row.status)
        lifecycle, fulfilment = _LIFECYCLE[row.status]
        payment = self._payment(row)
        return r.OrderStatus(
            order=order_key, raw=row.status, lifecycle=lifecycle, fulfilment=fulfilment, payment=payment
        )  # fmt: skip

    def _payment(self, row: shapes.OrderRow) -> r.Payment:
        refunded = -sum((refund.total for refund in row.refunds), r.ZERO)
        if row.date_paid_gmt is None:
            return "voided" if row.status == "cancelled" else "not_required" if not row.total else "pending"
        if refunded:
            return "refunded" if refunded >= row.total else "partly_refunded"
        if row.payment_method in self._authorising and row.status not in ("completed", "refunded"):
            return "voided" if row.status == "cancelled" else "authorised"
        return "captured"

    def _order(self, row: shapes.OrderRow, refunds: Sequence[shapes.Refunded | Broken]) -> r.Order:
        percents = {rate.rate_id: rate.rate_percent for rate in row.tax_lines}
        lines = [(sold, _percent(sold, percents)) for sold in row.line_items]
        charged = [sold for sold in (*row.shipping_lines, *row.fee_lines) if sold.total or sold.total_tax]
        charges = [(sold, _percent(sold, percents)) for sold in charged]
        counted = r.tax_totals((percent, sold.total, sold.total_tax) for sold, percent in (*lines, *charges))
        stated = r.tax_totals(  # the shop's own sums, which may differ from the lines' by rounding
            (rate.rate_percent, r.ZERO, rate.tax_total + rate.shipping_tax_total)
            for rate in row.tax_lines
            if rate.rate_percent is not None
        )
        own = {tax.percent: tax.tax for tax in stated}
        payment = self._payment(row)
        billing, shipping = _address(row.billing), _address(row.shipping)
        inclusive = row.prices_include_tax
        return self._channel.order(
            (_line(sold, percent, inclusive) for sold, percent in lines),
            (_charge(sold, percent) for sold, percent in charges),
            row.total,
            row.total_tax,
            placed_at=_moment(row.date_created_gmt),
            customer=self._buyer(row.billing, billing, self._org_no(row.meta_data)),
            billing=billing,
            shipping=shipping if shipping.country or shipping.lines else billing,
            discounts=tuple(
                r.Discount(amount=one.discount + (one.discount_tax if inclusive else r.ZERO), code=one.code)
                for one in row.coupon_lines
            ),
            taxes=tuple(
                r.TaxTotal(tax.percent, tax.base, own.get(tax.percent, tax.tax))
                for tax in sorted(counted, key=lambda tax: tax.percent)
            ),
            paid=row.total if payment in ("captured", "partly_refunded", "refunded") else r.ZERO,
            refunded=-sum((refund.total for refund in row.refunds), r.ZERO),
            tax_rounding="line" if self.facts.per_line else "document",
            lifecycle=_LIFECYCLE.get(row.status, ("placed", ""))[0],
            payment=payment,
            payments=self._payments(row, refunds),
            shipping_method=row.shipping_lines[0].method_title if row.shipping_lines else "",
            custom=self._custom(row.meta_data),
            **shared(row, *_AS_THEY_ARE),
        )

    def _payments(
        self, row: shapes.OrderRow, refunds: Sequence[shapes.Refunded | Broken]
    ) -> tuple[r.PaymentTransaction, ...]:
        """The shop knows one id, that of the payment; methods that only authorise are captured on completion."""
        if row.date_paid_gmt is None:
            return ()
        paid, done = _moment(row.date_paid_gmt), _moment(row.date_completed_gmt or row.date_paid_gmt)
        authorises = row.payment_method in self._authorising
        taken = not authorises or row.status in ("completed", "refunded") or row.date_completed_gmt
        return transactions(
            row.payment_method, row.transaction_id, row.total, authorised=paid if authorises else None,
            captured=(done if authorises else paid) if taken else None, refunds=[_back(one) for one in refunds],
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ customers

    def customer(self, row: shapes.CustomerRow) -> Iterator[Item]:
        """A registered buyer. No customer number: the shop's ids mean nothing to an ERP's numbers."""
        own = {name: getattr(row.billing, name) or getattr(row, name) for name in ("email", "first_name", "last_name")}
        place = msgspec.structs.replace(row.billing, **own)
        buyer = self._buyer(place, _address(place), self._org_no(row.meta_data), fallback=row.username)
        shipping = _address(row.shipping)
        record = msgspec.structs.replace(
            buyer,
            shipping=shipping if shipping.country or shipping.lines else None,
            custom=self._custom(row.meta_data),
        )
        yield Item(record=record, external_id=str(row.id))

    def _buyer(self, place: shapes.Place, billing: r.Address, org_no: str, fallback: str = "") -> r.Customer:
        company = bool(place.company or org_no)
        return r.Customer(
            name=(place.company if company else "") or billing.name or place.email or fallback,
            kind="company" if company else "person",
            org_no=org_no,
            billing=billing,
            **shared(place, "email", "phone"),
        )

    def _org_no(self, rows: Iterable[shapes.Meta]) -> str:
        return next((str(row.value) for row in rows if row.key == self._org_no_key and row.value), "")

    def _custom(self, rows: Iterable[shapes.Meta]) -> dict[str, dict[str, Any]]:
        """Meta data of the chosen keys whose values are plain; plugins' own structures stay in the shop."""
        kept = {
            row.key: row.value
            for row in rows
            if (row.key in self._meta if self._meta else not row.key.startswith("_"))
            and isinstance(row.value, (str, int))  # True and False are ints
        }
        return {self._channel.connection: kept} if kept else {}


def parts(row: shapes.ProductRow, articles: Iterable[shapes.ProductRow]) -> tuple[Part, ...]:
    """The ids of the variants: the product's own, or parent:variation."""
    return tuple(
        [
            Part("variant", r.ids.sku_key(one.sku), str(one.id) if one is row else f"{row.id}:{one.id}")
            for one in articles
        ]
    )  # fmt: skip


def _moment(stated: str) -> datetime:
    return datetime.fromisoformat(stated).replace(tzinfo=UTC)


def _back(refund: shapes.Refunded | Broken) -> Back:
    refund = sound(refund, "refunds")
    lines = [
        (str(meta.value), -(line.total + line.total_tax))
        for line in (*refund.line_items, *refund.shipping_lines, *refund.fee_lines)
        for meta in line.meta_data
        if meta.key == "_refunded_item_id"
    ]
    return Back(f"refund-{refund.id}", _moment(refund.date_created_gmt), refund.amount, lines)


def _percent(sold: shapes.SoldRow, percents: Mapping[int, Decimal | None]) -> Decimal:
    """The sum of the rates that were applied; an old shop does not state the rate."""
    applied = [percents.get(tax.id) for tax in sold.taxes if tax.total]
    if applied and None not in applied:
        return sum((one for one in applied if one is not None), r.ZERO)
    return (sold.total_tax / sold.total * 100).quantize(Decimal("0.1")) if sold.total else r.ZERO


def _line(sold: shapes.SoldRow, percent: Decimal, inclusive: bool) -> r.OrderLine:
    before = sold.subtotal + (sold.subtotal_tax if inclusive else r.ZERO)
    after = sold.total + (sold.total_tax if inclusive else r.ZERO)
    return r.OrderLine(
        line_id=str(sold.id),
        sku=sold.sku or "",
        name=plain(sold.name or ""),
        quantity=sold.quantity,
        unit_price=before / sold.quantity if sold.quantity else before,
        discount=before - after,
        tax_percent=percent,
        kind="goods" if sold.sku else "free_text",
        **r.amounts(sold.total, sold.total + sold.total_tax),
    )


def _charge(sold: shapes.SoldRow, percent: Decimal) -> r.Charge:
    return r.Charge(
        kind="shipping" if sold.method_id else "fee",
        name=plain(sold.method_title or sold.name or ""),
        charge_id=str(sold.id),
        tax_percent=percent,
        **r.amounts(sold.total, sold.total + sold.total_tax),
    )


def plain(text: str) -> str:
    """Text of the shop without HTML entities."""
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


def _address(place: shapes.Place) -> r.Address:
    return r.Address(
        name=f"{place.first_name} {place.last_name}".strip(),
        lines=tuple([line for line in (place.address_1, place.address_2) if line]),
        **shared(place, "company", "postcode", "city", "region", "country", "phone", "email"),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
