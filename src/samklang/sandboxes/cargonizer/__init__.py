"""Cargonizer's XML API as a sandbox: one sender with two agreements, and consignments in memory.

What a person does in Cargonizer is a method: `book` by hand, `transfer` to the carrier, `remove`. `paged` says whether
the list has pages, which is not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from samklang.connectors.errors import BadAnswer
from samklang.connectors.kit import xml
from samklang.sandboxes.payments import Body, Provider, Refused, Reply, utc_now

KEY, SENDER = "sandbox-key", "1001"  # a stand-in's key, the same everywhere
_PAGE = 30
AGREEMENTS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("102", "tollpost_globe", "PostNord", {"mypack": "MyPack Collect", "tg_dpd_innland": "DPD Innland"}),
    ("92", "bring", "Bring", {"bring_servicepakke": "Klimanøytral Servicepakke", "bring_bpakke_dor": "Bedriftspakke"}),
)


class Consignment(msgspec.Struct, kw_only=True):
    """A consignment as it was made."""

    id: str
    agreement: str
    reference: str
    created: datetime
    values: dict[str, str] = {}
    parcels: list[str] = []
    body: bytes = b""
    state: str = "open"


class CargonizerSandbox(Provider):
    """One sender at Cargonizer."""

    actions = ("book", "transfer", "remove")

    def __init__(self, now: Callable[[], datetime] = utc_now, *, paged: bool = True) -> None:
        self.consignments: dict[str, Consignment] = {}
        self._paged = paged
        self._serial = 40_000
        super().__init__(now)

    # ------------------------------------------------------------------------------------------------ by hand

    def book(self, reference: str, parcels: int = 1) -> str:
        """Somebody books in Cargonizer's own pages, with this consignor's reference."""
        return self._made("102", reference, {}, parcels, b"").id

    def transfer(self, reference: str) -> None:
        """It is sent to the carrier."""
        for one in self.under(reference):
            one.state = "transferred"

    def remove(self, reference: str) -> None:
        """Somebody takes it back."""
        for one in self.under(reference):
            one.state = "cancelled"

    def under(self, reference: str) -> list[Consignment]:
        """Consignments with this reference, without those that were taken back."""
        found = self.consignments.values()
        return [one for one in found if one.reference == reference and one.state != "cancelled"]

    def snapshot(self) -> Mapping[str, Any]:
        return {id_: {"reference": one.reference, "state": one.state} for id_, one in self.consignments.items()}

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        return [
            self.endpoint("/consignments.xml", "POST", self._post),
            self.endpoint("/consignments.xml", "GET", self._list),
            self.endpoint("/transport_agreements.xml", "GET", lambda *_: Reply(200, _agreements())),
        ]

    def login(self, request: Request) -> None:
        if request.headers.get("x-cargonizer-key") != KEY or request.headers.get("x-cargonizer-sender") != SENDER:
            raise _refused("Invalid credentials", 401)

    def decoded(self, raw: bytes) -> Body:
        try:
            return {"raw": raw, "xml": xml.parse(raw)} if raw else {}
        except BadAnswer as error:
            raise _refused(error.what, 400) from None

    def _post(self, _names: Mapping[str, str], body: Body) -> Reply:
        one = body["xml"].find("consignment")
        products = {id_: products for id_, _, _, products in AGREEMENTS}.get(one.get("transport_agreement"), {})
        if xml.text(one, "product") not in products:
            raise _refused("Product is not part of the transport agreement")
        to = one.find("parts/consignee")
        for name in ("name", "country", "postcode", "city"):
            if not xml.text(to, name):
                raise _refused(f"Consignee {name} can't be blank")
        items = one.findall("items/item")
        if not all(float(item.get("weight", "0")) for item in items):
            raise _refused("Item weight must be greater than 0")
        values = {value.get("name"): value.get("value") for value in one.iterfind("values/value")}
        reference = xml.text(one, "references/consignor")
        made = self._made(one.get("transport_agreement"), reference, values, len(items), body["raw"])
        return Reply(201, xml.write(("consignments", {}, [_shown(made)])))

    def _made(self, agreement: str, reference: str, values: dict[str, str], pieces: int, body: bytes) -> Consignment:
        self._serial += 1
        made = Consignment(
            id=str(self._serial), agreement=agreement, reference=reference, created=self.now(), values=values,
            parcels=[f"37073{self._serial:08d}{n:03d}" for n in range(pieces)], body=body,
        )  # fmt: skip
        self.consignments[made.id] = made
        return made

    def _list(self, names: Mapping[str, str], _: Body) -> Reply:
        found = [
            one for one in self.consignments.values()
            if f"{one.created:%Y-%m-%d}" >= names["from"] and names.get("text", "") in one.reference
        ]  # fmt: skip
        found.reverse()
        if self._paged:
            begin = (int(names.get("page", "1")) - 1) * _PAGE
            found = found[begin : begin + _PAGE]
        return Reply(200, xml.write(("consignments", {"type": "array"}, [_shown(one) for one in found])))


def _shown(one: Consignment) -> xml.Node:
    values: list[xml.Node] = [("value", {"name": name, "value": value}, "") for name, value in one.values.items()]
    pieces: list[xml.Node] = [
        ("piece", {}, [("id", {}, f"{one.id}{n}"), ("number-with-checksum", {}, number)])
        for n, number in enumerate(one.parcels)
    ]
    number = f"4017073{one.id}"
    bundles: list[xml.Node] = [("bundle", {}, [("id", {}, f"9{one.id}"), ("pieces", {}, pieces)])]
    return (
        "consignment", {}, [
            ("id", {}, one.id), ("number", {}, number), ("number-with-checksum", {}, f"{number}5"),
            ("state", {}, one.state), ("consignor-reference", {}, one.reference), ("values", {}, values),
            ("tracking-url", {}, f"https://sporing.example/{number}5"), ("bundles", {}, bundles),
        ],
    )  # fmt: skip


def _agreements() -> bytes:
    rows: list[xml.Node] = []
    for id_, identifier, name, products in AGREEMENTS:
        carrier: list[xml.Node] = [("identifier", {}, identifier), ("name", {}, name)]
        listed: list[xml.Node] = [
            ("product", {}, [("identifier", {}, code), ("name", {}, title)]) for code, title in products.items()
        ]
        parts: list[xml.Node] = [("id", {}, id_), ("carrier", {}, carrier), ("products", {}, listed)]
        rows.append(("transport-agreement", {}, parts))
    return xml.write(("transport-agreements", {}, rows))


def _refused(said: str, status: int = 422) -> Refused:
    return Refused(Reply(status, xml.write(("errors", {}, [("error", {}, said)]))))
