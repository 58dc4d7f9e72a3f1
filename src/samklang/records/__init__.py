"""What commerce is: pure typed data and its arithmetic. No I/O; imports nothing else of Samklang.

`base`    the Record all types share, canonical encoding, content hash
`money`   decimals, rounding, largest-remainder split        `vat`    effective-dated rates
`ids`     SKU and customer compare keys, GTIN check digit    `times`  instants in UTC, shop-local dates
`product` product, variant, axis; price, price list; stock   `party`  customer, address
`order`   order, line, charge, discount; status on three axes; shipment and parcel
`payment` what moved at the payment providers; VAT category, scheme and number check
`states`  the three axes as a state machine              `warehouse` edits, release, returns, inbound
`movements` what a provider is asked: capture, refund, void
`voucher` what is booked: balanced lines that name their sources
`totals`  an order's money as rows of a document             `units`  weights in grams
"""

from samklang.records.base import (
    InvalidRecord,
    Record,
    content_hash,
    decode,
    encode,
    record_class,
    record_types,
    types_of_order,
)
from samklang.records.movements import Capture, MoneyLine, Refund, Void
from samklang.records.order import (
    Charge,
    Discount,
    Document,
    LineStatus,
    Order,
    OrderLine,
    OrderStatus,
    Parcel,
    Shipment,
    ShipmentLine,
    TaxTotal,
)
from samklang.records.party import Address, Customer
from samklang.records.payment import PaidPart, PaymentTransaction, VatCheck
from samklang.records.product import Axis, Price, PriceList, Product, StockLevel, Variant
from samklang.records.voucher import Ref, Voucher, VoucherLine
from samklang.records.warehouse import (
    EditLine,
    Inbound,
    InboundLine,
    OrderEdit,
    Receipt,
    Release,
    Return,
    ReturnLine,
)

__all__ = [
    "Address",
    "Axis",
    "Capture",
    "Charge",
    "Customer",
    "Discount",
    "Document",
    "EditLine",
    "Inbound",
    "InboundLine",
    "InvalidRecord",
    "LineStatus",
    "MoneyLine",
    "Order",
    "OrderEdit",
    "OrderLine",
    "OrderStatus",
    "PaidPart",
    "Parcel",
    "PaymentTransaction",
    "Price",
    "PriceList",
    "Product",
    "Receipt",
    "Record",
    "Ref",
    "Refund",
    "Release",
    "Return",
    "ReturnLine",
    "Shipment",
    "ShipmentLine",
    "StockLevel",
    "TaxTotal",
    "Variant",
    "VatCheck",
    "Void",
    "Voucher",
    "VoucherLine",
    "content_hash",
    "decode",
    "encode",
    "record_class",
    "record_types",
    "types_of_order",
]
