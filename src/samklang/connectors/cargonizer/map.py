"""Cargonizer's XML ↔ our records. Weights are kg; names have underscores in requests and hyphens in answers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from samklang import records as r
from samklang.connectors.kit import xml
from samklang.connectors.kit.consignments import Consignment, shipment

_MARK = "samklang-mark"  # a value of our own, which comes back
_CANCELLED = {"cancelled", "canceled", "deleted"}


class Consigned(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment as Cargonizer has it; `mark` is "" where it was not booked by us."""

    id: str
    number: str
    reference: str
    state: str
    tracking_url: str
    mark: str
    parcels: tuple[str, ...]

    @property
    def cancelled(self) -> bool:
        """Whether somebody took it back."""
        return self.state.casefold() in _CANCELLED


class Agreement(msgspec.Struct, frozen=True):
    """An agreement with a carrier and its products (identifier, name)."""

    id: str
    name: str
    products: tuple[tuple[str, str], ...]


def consigned(node: xml.Element) -> Consigned:
    """One consignment of an answer. Bundles and pieces have ids of their own, so only direct children count."""
    number = xml.text(node, "number-with-checksum") or xml.text(node, "number")
    marks = [one.get("value", "") for one in node.iterfind("values/value") if one.get("name") == _MARK]
    pieces = node.iterfind("bundles/bundle/pieces/piece")
    return Consigned(
        id=xml.text(node, "id"), number=number or xml.text(node, "id"), reference=xml.text(node, "consignor-reference"),
        state=xml.text(node, "state"), tracking_url=xml.text(node, "tracking-url"), mark=marks[0] if marks else "",
        parcels=tuple(said for piece in pieces if (said := xml.text(piece, "number-with-checksum"))),
    )  # fmt: skip


def agreements(root: xml.Element) -> list[Agreement]:
    """The list of transport agreements."""
    found = []
    for one in root.iterchildren("transport-agreement"):
        name = xml.text(one, "carrier/name") or xml.text(one, "carrier/identifier")
        more = xml.text(one, "description")
        products = [(xml.text(row, "identifier"), xml.text(row, "name")) for row in one.iterfind("products/product")]
        found.append(Agreement(xml.text(one, "id"), f"{name} ({more})" if more else name, tuple(products)))
    return found


def body(one: Consignment, settings: Mapping[str, Any]) -> bytes:
    """A consignment as Cargonizer takes it: printed and sent to the carrier there, not by us. Each parcel is an item,
    for whether an item's weight is of one or of all pieces is not documented."""
    fields = {
        "name": ", ".join(part for part in (one.name, one.attention) if part), "address1": one.address[0],
        "address2": one.address[1], "country": one.country, "postcode": one.postcode, "city": one.city,
        "email": one.email, "mobile": one.phone,
    }  # fmt: skip
    consignee: list[xml.Node] = [(name, {}, value) for name, value in fields.items()]
    kind = str(settings.get("item_type") or "package")
    items: list[xml.Node] = [
        (
            "item",
            {"type": kind, "amount": 1, "weight": grams and Decimal(grams) / 1000, "description": one.contents},
            "",
        )
        for grams in one.weights
    ]
    services: list[xml.Node] = [
        ("service", {"id": name}, "") for name in str(settings.get("addons") or "").replace(",", " ").split()
    ]
    values: list[xml.Node] = [
        ("value", {"name": "orderno", "value": one.order_no}, ""), ("value", {"name": _MARK, "value": one.mark}, ""),
    ]  # fmt: skip
    inside: list[xml.Node] = [
        ("values", {}, values), ("product", {}, one.service), ("parts", {}, [("consignee", {}, consignee)]),
        ("items", {}, items), ("services", {}, services), ("references", {}, [("consignor", {}, one.reference)]),
    ]  # fmt: skip
    head = {"transport_agreement": one.carrier, "estimate": "false", "print": "false"}
    return xml.write(("consignments", {}, [("consignment", head, inside)]))


def of_order(one: Consigned, settings: Mapping[str, Any]) -> r.Shipment:
    """A consignment as a shipment. Its address to follow is that of all its parcels."""
    numbers = one.parcels or ((one.number,) if one.tracking_url else ())
    parcels = [r.Parcel(tracking_no=number, tracking_url=one.tracking_url) for number in numbers]
    return shipment(one.number, parcels, settings)
