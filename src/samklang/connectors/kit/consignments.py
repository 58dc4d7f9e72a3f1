"""What every transport system asks of an order: who gets it, how many parcels, which service, and our reference.

The same for all of them, so that an order that one can book the others can too. An order tells no weight; a rule may
put `weight_g` (of all parcels together) and `parcels` under the connection's name into its custom data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from samklang.connectors.contract import Choice, Want
from samklang.connectors.errors import Locked, Misconfigured, Rejected
from samklang.connectors.kit.payments import short
from samklang.records import InvalidRecord, Order, Parcel, Shipment

_LONGEST = 35  # of a reference, in EDIFACT and so with most carriers
_GOODS = ("goods", "bundle_parent", "bundle_child")


class Consignment(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to one receiver. `weight_g` is of all `parcels` together, None where nobody knows it."""

    reference: str
    order_no: str
    name: str
    attention: str
    address: tuple[str, ...]
    postcode: str
    city: str
    country: str
    phone: str
    email: str
    carrier: str
    service: str
    parcels: int
    weight_g: int | None
    contents: str

    @property
    def mark(self) -> str:
        """A digest of what stands on the label: written where the system gives it back, it tells whether it changed."""
        said = (
            self.name, self.attention, *self.address, self.postcode, self.city, self.country, self.phone, self.email,
            self.carrier, self.service, str(self.parcels), str(self.weight_g),
        )  # fmt: skip
        return hashlib.blake2b("\n".join(said).encode(), digest_size=4).hexdigest()

    @property
    def weights(self) -> list[int | None]:
        """The weight of each parcel in grams; together they are the whole to the gram."""
        if self.weight_g is None:
            return [None] * self.parcels
        each, rest = divmod(self.weight_g, self.parcels)
        return [each + (n < rest) for n in range(self.parcels)]

    @property
    def kilos(self) -> Decimal | None:
        """The weight of all parcels in kg."""
        return None if self.weight_g is None else Decimal(self.weight_g) / 1000


def reference(want: Want) -> str:
    """Our reference as it stands at the system, which is also the order's external id there: whoever books a parcel
    under it, by hand too, books it for this order."""
    return want.external_id or short(want.reference, _LONGEST)


def consignment(want: Want, order: Order, settings: Mapping[str, Any]) -> Consignment:
    """The order as a consignment; InvalidRecord names what the address or the mapping lacks."""
    to = order.shipping if order.shipping.lines or order.shipping.country else order.billing
    carrier, service = codes(order)
    who = tuple(dict.fromkeys(part for part in (to.company, to.name or order.customer.name) if part))
    for field, value in (("name", who), ("city", to.city), ("postcode", to.postcode), ("country", to.country)):
        if not value:
            raise InvalidRecord(f"shipping.{field}", "", "is missing", "Complete the delivery address in the shop.")
    told = order.custom.get(str(settings.get("connection", "")), {})
    weight = _number(told.get("weight_g"), "weight_g")
    parcels = _number(told.get("parcels"), "parcels") or 1
    usual = int(settings.get("weight_g") or 0)
    return Consignment(
        reference=reference(want), order_no=order.order_no, name=who[0], attention=who[1] if len(who) > 1 else "",
        address=to.lines_in(2), postcode=to.postcode, city=to.city,
        country=to.country, phone=to.phone or order.customer.phone, email=to.email or order.customer.email,
        carrier=carrier, service=service, parcels=parcels, weight_g=weight or usual * parcels or None,
        contents=str(settings.get("contents") or "") or _contents(order),
    )  # fmt: skip


def codes(order: Order) -> tuple[str, str]:
    """Carrier and service of the order, which may stand in one as CARRIER/SERVICE."""
    if not order.service_code and "/" in order.carrier_code:
        carrier, _, service = order.carrier_code.partition("/")
        return carrier, service
    return order.carrier_code, order.service_code


def _number(value: object, name: str) -> int | None:
    if value in (None, ""):
        return None
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number <= 0:
        raise InvalidRecord(f"custom.{name}", value, "is no whole number above 0", "Correct the rule that sets it.")
    return number


def _contents(order: Order) -> str:
    names = [line.name or line.sku for line in order.lines if line.kind in _GOODS]
    return short(names[0], _LONGEST) if names else "Varor"


def choices(carriers: Iterable[tuple[str, str, Iterable[tuple[str, str]]]]) -> list[Choice]:
    """Carriers (code, name, services with code and name) as values to choose among: CARRIER/SERVICE."""
    return [
        Choice(f"{carrier}/{code}", f"{title}: {name}") for carrier, title, services in carriers
        for code, name in services
    ]  # fmt: skip


class Tracking:
    """Addresses where a parcel can be followed, by carrier, as the setting `tracking` has them: `PLAB=https://…{parcel}`,
    several with blanks between them. Misconfigured when one is no address."""

    def __init__(self, setting: str) -> None:
        self._urls: dict[str, str] = {}
        for entry in setting.split():
            carrier, sign, url = entry.partition("=")
            if not (carrier and sign and url.startswith("https://") and "{parcel}" in url):
                raise Misconfigured(
                    f"The setting tracking is wrong: {entry}", do_this="Write CARRIER=https://… with {parcel} in it."
                )
            self._urls[carrier.casefold()] = url

    def url(self, carrier: str, parcel: str) -> str:
        """The address, "" where none is known."""
        return self._urls.get(carrier.casefold(), "").replace("{parcel}", parcel) if parcel else ""


def shipment(
    number: str, parcels: Sequence[Parcel], settings: Mapping[str, Any], *, carrier: str = "", service: str = "",
    booked: datetime | None = None,
) -> Shipment:  # fmt: skip
    """A booked consignment as a shipment of its order (the reader names it as parent). It is packed, and has left only
    where the connection's `booked_is_sent` says so: a label is no parcel yet, and money is taken when it has left."""
    sent = bool(settings.get("booked_is_sent"))
    return Shipment(
        order="", number=number, state="handed_over" if sent else "packed", parcels=tuple(parcels),
        carrier_code=carrier, service_code=service, shipped_at=booked if sent else None,
    )  # fmt: skip


def gone(want: Want, system: str, *, numbered: bool = True) -> Rejected:
    """The order was booked, and its consignment is there no longer: nobody but a person may book it again. `numbered`:
    what a person books under the order's number there is found by it."""
    how = f" under the order number {want.external_id}" if numbered else ", and tell the buyer its number"
    return Rejected(
        f"The consignment {want.external_id} is no longer in {system}", where=want.key,
        do_this=f"If the parcel shall go, book it by hand there{how}; then mark this as done.",
    )  # fmt: skip


def booked(want: Want, number: str, system: str, *, numbered: bool = True) -> Locked:
    """The order has changed after its label was made; `numbered` as with `gone`."""
    how = f" under the order number {reference(want)}" if numbered else ", and tell the buyer its number"
    return Locked(
        f"The order has changed after consignment {number} was booked in {system}", where=want.key,
        do_this=f"If the parcel has not left, cancel it in {system} and book it anew there{how}; then mark this as "
        "done.",
    )  # fmt: skip


def cancel_by_hand(order: Order, number: str, system: str, said: str) -> str:
    """The task for a person when the system does not cancel."""
    return f"Stop consignment {number} of order {order.order_no} by hand in {system} or at the carrier: {said}"
