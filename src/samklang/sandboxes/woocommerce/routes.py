"""What each path of the shop's REST API does."""

from __future__ import annotations

import msgspec

from samklang.sandboxes.woocommerce import ways
from samklang.sandboxes.woocommerce.server import Call, Reply, Rest, route
from samklang.sandboxes.woocommerce.shelf import Product
from samklang.sandboxes.woocommerce.till import Order
from samklang.sandboxes.woocommerce.wire import (
    CATEGORY_ARGS,
    CUSTOMER_ARGS,
    JSON,
    NOTE_ARGS,
    ORDER_ARGS,
    PRODUCT_ARGS,
    REFUND_ARGS,
    VARIATION_ARGS,
    WEBHOOK_ARGS,
    Refused,
    links,
    missing,
    truth,
)  # fmt: skip

_encode = msgspec.json.encode


class Api(Rest):
    """The paths of wc/v3 that this shop has; one method per path and verb."""

    # ------------------------------------------------------------------------------------------------ products

    def products(self, call: Call) -> Reply:
        shelf = self.shop.catalogue

        def parts(row: Product) -> JSON:
            return shelf.as_product(row)

        def whole(row: Product) -> bytes:
            return _encode(shelf.as_product(row)) if row.parent else shelf.rendered(row)

        return self.page(call, self.lists.products(call.query), whole, parts)

    def product(self, call: Call) -> Reply:
        row = self.shop.catalogue.rows.get(call.ids[0])
        if row is not None and row.parent:  # a variation's own address below /products (unconfirmed)
            return self.one(call, self.shop.catalogue.as_product(row))
        row = self.shop.catalogue.get(call.ids[0])
        if not call.query:
            return Reply(200, self.shop.catalogue.rendered(row))
        return self.one(call, self.shop.catalogue.as_product(row, edit=call.query.get("context") == "edit"))

    def create_product(self, call: Call) -> Reply:
        row = self.shop.catalogue.create(call.body)
        return self.one(call, self.shop.catalogue.as_product(row, edit=True), 201)

    def update_product(self, call: Call) -> Reply:
        return self.one(call, self._update_product(call.ids[0], call.body))

    def _update_product(self, id_: object, body: JSON) -> JSON:
        shelf = self.shop.catalogue
        row = shelf.rows.get(id_) if isinstance(id_, int) else None
        if row is not None and row.parent:
            said = (
                "To manipulate product variations you should use the "
                "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
            )
            raise Refused(404, "woocommerce_rest_invalid_product_id", said)
        if row is None:
            raise Refused(400, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        return shelf.as_product(shelf.update(row, body), edit=True)

    def delete_product(self, call: Call) -> Reply:
        return self.one(call, self._delete_product(call.ids[0], force=truth(call.query.get("force"))))

    def _delete_product(self, id_: object, *, force: bool) -> JSON:
        row = self.shop.catalogue.get(id_)
        before = self.shop.catalogue.as_product(row)
        self.shop.catalogue.delete(row, force=force)
        return before

    def batch_products(self, call: Call) -> Reply:
        shelf = self.shop.catalogue
        return self.batch(
            call,
            lambda body: shelf.as_product(shelf.create(body), edit=True),
            self._update_product,
            lambda id_: self._delete_product(id_, force=True),
        )

    def variations(self, call: Call) -> Reply:
        shelf = self.shop.catalogue
        parent = shelf.get(call.ids[0])
        rows = self.lists.variations(call.query, parent)
        return self.page(call, rows, shelf.rendered, shelf.as_variation)

    def variation(self, call: Call) -> Reply:
        shelf = self.shop.catalogue
        row = shelf.variation(shelf.get(call.ids[0]).id, call.ids[1])
        return self.one(call, shelf.as_variation(row, edit=call.query.get("context") == "edit"))

    def create_variation(self, call: Call) -> Reply:
        shelf = self.shop.catalogue
        row = shelf.create(call.body, shelf.get(call.ids[0]))
        return self.one(call, shelf.as_variation(row, edit=True), 201)

    def update_variation(self, call: Call) -> Reply:
        shelf = self.shop.catalogue
        row = shelf.update(shelf.variation(call.ids[0], call.ids[1]), call.body)
        return self.one(call, shelf.as_variation(row, edit=True))

    def delete_variation(self, call: Call) -> Reply:
        return self.one(call, self._delete_variation(call.ids[0], call.ids[1]))

    def _delete_variation(self, parent: int, id_: object) -> JSON:
        shelf = self.shop.catalogue
        row = shelf.variation(parent, id_)
        before = shelf.as_variation(row)
        shelf.delete(row, force=True)
        return before

    def batch_variations(self, call: Call) -> Reply:
        shelf = self.shop.catalogue
        parent = shelf.get(call.ids[0])
        return self.batch(
            call,
            lambda body: shelf.as_variation(shelf.create(body, parent), edit=True),
            lambda id_, body: shelf.as_variation(shelf.update(shelf.variation(parent.id, id_), body), edit=True),
            lambda id_: self._delete_variation(parent.id, id_),
        )

    def categories(self, call: Call) -> Reply:
        return self.page(call, self.lists.categories(call.query), _encode, _same)

    def create_category(self, call: Call) -> Reply:
        if not call.body.get("name"):
            raise missing("name")
        return self.one(call, self.shop.catalogue.add_category(call.body), 201)

    # ------------------------------------------------------------------------------------------------ orders

    def orders(self, call: Call) -> Reply:
        till, dp = self.shop.orders, int(call.query.get("dp", 2))

        def whole(order: Order) -> bytes:
            if dp != 2:
                return _encode(till.as_json(order, dp))
            if order.body is None:
                order.body = _encode(till.as_json(order))
            return order.body

        rows = self.lists.orders(call.query)
        return self.page(call, rows, whole, lambda order: till.as_json(order, dp), total_beyond_end=False)

    def order(self, call: Call) -> Reply:
        order = self.shop.orders.get(call.ids[0])
        return self.one(call, self.shop.orders.as_json(order, int(call.query.get("dp", 2))))

    def create_order(self, call: Call) -> Reply:
        return self.one(call, self.shop.orders.as_json(self.shop.orders.create(call.body)), 201)

    def update_order(self, call: Call) -> Reply:
        return self.one(call, self._update_order(call.ids[0], call.body))

    def _update_order(self, id_: object, body: JSON) -> JSON:
        order = self.shop.orders.orders.get(id_) if isinstance(id_, int) else None
        if order is None:
            raise Refused(400, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return self.shop.orders.as_json(self.shop.orders.update(order, body))

    def delete_order(self, call: Call) -> Reply:
        order = self.shop.orders.get(call.ids[0])
        before = self.shop.orders.as_json(order)
        if truth(call.query.get("force")):
            del self.shop.orders.orders[order.id]
            self.shop.orders.version += 1
        else:
            self.shop.orders.trash(order)
        return self.one(call, before)

    def batch_orders(self, call: Call) -> Reply:
        def delete(id_: object) -> JSON:
            order = self.shop.orders.get(id_)
            self.shop.orders.trash(order)
            return self.shop.orders.as_json(order)

        till = self.shop.orders
        return self.batch(call, lambda body: till.as_json(till.create(body)), self._update_order, delete)

    def notes(self, call: Call) -> Reply:
        order = self.shop.orders.get(call.ids[0])
        kind = call.query.get("type", "any")
        shown = [note for note in order.notes if kind == "any" or note["customer_note"] == (kind == "customer")]
        return Reply(200, _encode(shown[::-1]))

    def create_note(self, call: Call) -> Reply:
        if "note" not in call.body:
            raise missing("note")
        return self.one(call, self.shop.orders.add_note(self.shop.orders.get(call.ids[0]), call.body), 201)

    def refunds(self, call: Call) -> Reply:
        rows = [refund for order in self.shop.orders.orders.values() for refund in order.refunds]
        if call.ids:
            rows = list(self.shop.orders.get(call.ids[0]).refunds)
        return self.page(call, rows[::-1], _encode, _same)

    def create_refund(self, call: Call) -> Reply:
        return self.one(call, self.shop.orders.refund(self.shop.orders.get(call.ids[0]), call.body), 201)

    # ------------------------------------------------------------------------------------------------ the rest

    def customers(self, call: Call) -> Reply:
        return self.page(call, self.lists.customers(call.query), _encode, _same)

    def customer(self, call: Call) -> Reply:
        return self.one(call, self.shop.customers.get(call.ids[0]))

    def create_customer(self, call: Call) -> Reply:
        if "email" not in call.body:
            raise missing("email")
        return self.one(call, self.shop.customers.create(call.body), 201)

    def update_customer(self, call: Call) -> Reply:
        return self.one(call, self.shop.customers.update(self.shop.customers.get(call.ids[0]), call.body))

    def delete_customer(self, call: Call) -> Reply:
        row = self.shop.customers.get(call.ids[0])
        self.shop.customers.delete(row, force=truth(call.query.get("force")))
        return self.one(call, row)

    def batch_customers(self, call: Call) -> Reply:
        people = self.shop.customers

        def delete(id_: object) -> JSON:
            row = people.get(id_)
            people.delete(row, force=True)
            return row

        return self.batch(call, people.create, lambda id_, body: people.update(people.get(id_), body), delete)

    def webhooks(self, call: Call) -> Reply:
        rows = [self.shop.webhooks.as_json(hook) for hook in self.shop.webhooks.hooks.values()]
        return self.page(call, rows[::-1], _encode, _same)

    def webhook(self, call: Call) -> Reply:
        return self.one(call, self.shop.webhooks.as_json(self.shop.webhooks.get(call.ids[0])))

    def create_webhook(self, call: Call) -> Reply:
        absent = [name for name in ("topic", "delivery_url") if name not in call.body]
        if absent:
            raise missing(*absent)
        return self.one(call, self.shop.webhooks.as_json(self.shop.webhooks.create(call.body)), 201)

    def update_webhook(self, call: Call) -> Reply:
        hook = self.shop.webhooks.update(self.shop.webhooks.get(call.ids[0]), call.body)
        return self.one(call, self.shop.webhooks.as_json(hook))

    def delete_webhook(self, call: Call) -> Reply:
        hook = self.shop.webhooks.get(call.ids[0])
        if not truth(call.query.get("force")):
            raise Refused(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
        del self.shop.webhooks.hooks[hook.id]
        return self.one(call, self.shop.webhooks.as_json(hook))

    def taxes(self, call: Call) -> Reply:
        return self.page(call, self.shop.tax_rates(), _encode, _same)

    def tax_classes(self, call: Call) -> Reply:
        slugs = {"standard": "Standard rate", "reduced-12": "Reduced 12", "reduced-6": "Reduced 6"}
        return Reply(200, _encode([{"slug": slug, "name": name} for slug, name in slugs.items()]))

    def settings(self, call: Call) -> Reply:
        _, _, group, *name = call.path.split("/")
        known = self.shop.settings().get(group)
        if known is None:
            raise Refused(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
        rows = [{**row, "_links": links(self.shop.site, f"/settings/{group}/{row['id']}")} for row in known]
        if not name:
            return Reply(200, _encode(rows))
        row = next((row for row in rows if row["id"] == name[0]), None)
        if row is None:
            raise Refused(404, "rest_setting_setting_invalid", "Invalid setting.")
        return self.one(call, {**row, "group_id": group})

    def system_status(self, call: Call) -> Reply:
        return self.one(call, self.shop.system_status())

    def order_totals(self, call: Call) -> Reply:
        return Reply(200, _encode(self.lists.order_totals()))

    def gateways(self, call: Call) -> Reply:
        return Reply(200, _encode(ways.gateways()))

    def zones(self, call: Call) -> Reply:
        return Reply(200, _encode(ways.zones()))

    def zone_methods(self, call: Call) -> Reply:
        if call.ids[0] >= len(ways.ZONES):
            raise Refused(404, "woocommerce_rest_shipping_zone_invalid", "Invalid shipping zone.")
        return Reply(200, _encode(ways.methods(call.ids[0])))


def _same(row: JSON) -> JSON:
    return row


route("/products", PRODUCT_ARGS, GET=Api.products, POST=Api.create_product)
route("/products/{id}", PRODUCT_ARGS, GET=Api.product, PUT=Api.update_product, DELETE=Api.delete_product)
route("/products/batch", POST=Api.batch_products)
route("/products/categories", CATEGORY_ARGS, GET=Api.categories, POST=Api.create_category)
route("/products/{product_id}/variations", VARIATION_ARGS, GET=Api.variations, POST=Api.create_variation)
route("/products/{product_id}/variations/batch", POST=Api.batch_variations)
route(
    "/products/{product_id}/variations/{id}", VARIATION_ARGS,
    GET=Api.variation, PUT=Api.update_variation, DELETE=Api.delete_variation,
)  # fmt: skip
route("/orders", ORDER_ARGS, GET=Api.orders, POST=Api.create_order)
route("/orders/{id}", ORDER_ARGS, GET=Api.order, PUT=Api.update_order, DELETE=Api.delete_order)
route("/orders/batch", POST=Api.batch_orders)
route("/orders/{order_id}/notes", NOTE_ARGS, GET=Api.notes, POST=Api.create_note)
route("/orders/{order_id}/refunds", REFUND_ARGS, GET=Api.refunds, POST=Api.create_refund)
route("/refunds", GET=Api.refunds)
route("/customers", CUSTOMER_ARGS, GET=Api.customers, POST=Api.create_customer)
route("/customers/{id}", CUSTOMER_ARGS, GET=Api.customer, PUT=Api.update_customer, DELETE=Api.delete_customer)
route("/customers/batch", POST=Api.batch_customers)
route("/webhooks", WEBHOOK_ARGS, GET=Api.webhooks, POST=Api.create_webhook)
route("/webhooks/{id}", WEBHOOK_ARGS, GET=Api.webhook, PUT=Api.update_webhook, DELETE=Api.delete_webhook)
route("/taxes", GET=Api.taxes)
route("/taxes/classes", GET=Api.tax_classes)
route("/settings/general", GET=Api.settings)
route("/settings/tax", GET=Api.settings)
route("/settings/products", GET=Api.settings)
route("/settings/(?:general|tax|products)/[a-z_]+", GET=Api.settings)
route("/system_status", GET=Api.system_status)
route("/reports/orders/totals", GET=Api.order_totals)
route("/payment_gateways", GET=Api.gateways)
route("/shipping/zones", GET=Api.zones)
route("/shipping/zones/{zone_id}/methods", GET=Api.zone_methods)
