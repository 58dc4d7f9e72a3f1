"""The buyer of an order as a customer record, for shops where most buyers are guests."""

from __future__ import annotations

import msgspec

from samklang.records import Address, Customer, Order


def buyer(order: Order) -> Customer:
    """The order's customer with the order's addresses where the customer has none of their own."""
    customer = order.customer
    if customer.billing == Address():
        customer = msgspec.structs.replace(customer, billing=order.billing)
    if customer.shipping is None and order.shipping not in (Address(), customer.billing):
        customer = msgspec.structs.replace(customer, shipping=order.shipping)
    if not customer.currency:
        customer = msgspec.structs.replace(customer, currency=order.currency)
    return customer
