"""How orders are paid and sent: payment gateways, shipping zones and their methods, as WooCommerce lists them."""

from __future__ import annotations

from samklang.sandboxes.woocommerce.wire import JSON

#: Payment method → its title at the checkout, and whether it is on.
PAYMENTS: dict[str, tuple[str, bool]] = {
    "klarna_payments": ("Klarna", True), "swish": ("Swish", True), "bacs": ("Bankgiro", True),
    "cod": ("Postförskott", False),
}  # fmt: skip

#: Zones in their order, number 0 for the rest of the world: name, and its methods as (kind, title, on).
ZONES: tuple[tuple[str, tuple[tuple[str, str, bool], ...]], ...] = (
    ("Locations not covered by your other zones", ()),
    (
        "Sverige",
        (
            ("flat_rate", "PostNord MyPack", True), ("free_shipping", "Fri frakt", True),
            ("local_pickup", "Hämta i butik", True), ("flat_rate", "Budbil", False),
        ),
    ),
    ("Norden", (("flat_rate", "PostNord MyPack", True), ("flat_rate", "Bring", True))),
)  # fmt: skip
_KINDS = {"flat_rate": "Flat rate", "free_shipping": "Free shipping", "local_pickup": "Local pickup"}


def gateways() -> list[JSON]:
    """Every payment gateway, those that are off too."""
    return [
        {
            "id": id_, "title": title, "description": "", "order": n, "enabled": on, "method_title": title,
            "method_description": "", "method_supports": ["products"], "settings": {},
        }
        for n, (id_, (title, on)) in enumerate(PAYMENTS.items())
    ]  # fmt: skip


def zones() -> list[JSON]:
    """The shipping zones."""
    return [{"id": n, "name": name, "order": n} for n, (name, _) in enumerate(ZONES)]


def methods(zone: int) -> list[JSON]:
    """The shipping methods of a zone."""
    return [
        {
            "id": 10 * zone + n, "instance_id": 10 * zone + n, "title": title, "order": n, "enabled": on,
            "method_id": kind, "method_title": _KINDS[kind], "method_description": "", "settings": {},
        }
        for n, (kind, title, on) in enumerate(ZONES[zone][1], 1)
    ]  # fmt: skip
