"""nShift Ship's Shipment Server (REST, version 2) as a sandbox: shipments of one actor in memory.

What a person does in the portal is a method: `remove` a shipment, `transmit` it to the carrier, after which nothing is
deleted. The vendor's document says nothing of bodies: shapes, words of refusals and their statuses are unconfirmed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from samklang.sandboxes.payments import Body, Provider, Refused, Reply, utc_now

ACTOR, CLIENT_ID, CLIENT_SECRET = "63", "sandbox-client", "sandbox-secret"  # a stand-in's login, the same everywhere
LOGIN, BASE = "/idsrv", f"/ShipServer/{ACTOR}"
PRODUCTS: tuple[tuple[int, str, str, dict[int, tuple[str, dict[int, str]]]], ...] = (
    (
        39,
        "PostNord Sverige",
        "PNL",
        {1032: ("MyPack Collect", {142002: "SMS", 142003: "E-mail"}), 1040: ("Parcel", {})},
    ),
    (12, "DB Schenker", "SCH", {2757: ("Parcel", {})}),
)
_CARRIER = {product: carrier for carrier, *_, products in PRODUCTS for product in products}


class Kept(msgspec.Struct, kw_only=True):
    """A shipment that was booked."""

    tag: str
    number: str
    body: Body
    parcels: list[str]
    at: datetime
    transmitted: bool = False


class NshiftShipSandbox(Provider):
    """One actor. `own_tags`: the server gives tags of its own, whatever it is asked (unconfirmed that it does not)."""

    actions = ("book", "remove", "transmit", "expire")

    def __init__(self, now: Callable[[], datetime] = utc_now, *, own_tags: bool = False) -> None:
        self.shipments: dict[str, Kept] = {}
        self.own_tags = own_tags
        self.old_manner = False  # refusals come as the older API's: status 200 with ErrorMessages
        self._tokens: set[str] = set()
        self._serial = 70_438_000
        super().__init__(now)

    # ------------------------------------------------------------------------------------------------ by hand

    def book(self, reference: str, product: int = 1032) -> str:
        """Another program books under this reference. Gives the shipment's tag."""
        to = {"Kind": 1, "Name1": "Åsa Öberg", "PostCode": "41105", "City": "Göteborg", "CountryCode": "SE"}
        body = {
            "Kind": 1, "ProdConceptID": product, "Addresses": [to],
            "Lines": [{"PkgWeight": 900, "Pkgs": [{"ItemNo": 1}]}],
            "References": [{"Kind": 7, "Value": reference}],
        }  # fmt: skip
        return self._keep(str(uuid.uuid4()).upper(), body).tag

    def remove(self, reference: str) -> None:
        """Somebody deletes it in the portal."""
        for one in self.under(reference):
            del self.shipments[one.tag]

    def transmit(self, reference: str) -> None:
        """The carrier has it."""
        for one in self.under(reference):
            one.transmitted = True

    def expire(self) -> None:
        """All tokens end."""
        self._tokens.clear()

    def under(self, reference: str) -> list[Kept]:
        """What is booked with this reference."""
        return [one for one in self.shipments.values() if reference in [ref["Value"] for ref in one.body["References"]]]

    def snapshot(self) -> Mapping[str, Any]:
        return {one.number: self._shown(one) for one in self.shipments.values()}

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        return [
            self.endpoint(f"{LOGIN}/connect/token", "POST", self._token),
            self.endpoint(f"{BASE}/products", "GET", lambda *_: Reply(200, _carriers())),
            self.endpoint(f"{BASE}/dropPoints", "POST", self._drop_points),
            self.endpoint(f"{BASE}/shipments", "POST", self._submit),
            self.endpoint(
                f"{BASE}/shipments/{{tag}}", "GET", lambda names, _: Reply(200, self._shown(self._one(names)))
            ),
            self.endpoint(f"{BASE}/shipments/{{tag}}", "DELETE", self._delete),
        ]

    def login(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not request.url.path.startswith(LOGIN) and token not in self._tokens:
            raise Refused(Reply(401, {"Message": "Authorization has been denied for this request."}))

    def decoded(self, raw: bytes) -> Body:
        return dict(parse_qsl(raw.decode())) if raw.startswith(b"grant_type=") else super().decoded(raw)

    def _token(self, _names: Mapping[str, str], form: Body) -> Reply:
        given = form.get("client_id"), form.get("client_secret"), form.get("scope")
        if given != (CLIENT_ID, CLIENT_SECRET, "public_api_shipmentserver"):
            raise Refused(Reply(400, {"error": "invalid_client"}))
        token = uuid.uuid4().hex
        self._tokens.add(token)
        return Reply(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    def _one(self, names: Mapping[str, str]) -> Kept:
        one = self.shipments.get(names["tag"].upper())
        if one is None:
            raise self._no("Shipment not found", 404)
        return one

    def _submit(self, _names: Mapping[str, str], body: Body) -> Reply:
        data = body["data"]
        tag = str(uuid.uuid4()).upper() if self.own_tags else str(data.get("ShpTag") or uuid.uuid4()).upper()
        if wrong := _complaints(data):
            raise self._no(wrong, 400)
        made = self.shipments.get(tag) or self._keep(tag, data)  # the same tag again is the same shipment
        return Reply(200, {**self._shown(made), "Labels": []})

    def _keep(self, tag: str, data: Body) -> Kept:
        self._serial += 1
        pieces = sum(len(line["Pkgs"]) for line in data["Lines"])
        parcels = [f"00373{self._serial}{n:03d}" for n in range(pieces)]
        made = Kept(tag=tag, number=f"401{self._serial}", body=data, parcels=parcels, at=self.now())
        self.shipments[tag] = made
        return made

    def _delete(self, names: Mapping[str, str], _body: Body) -> Reply:
        one = self._one(names)
        if one.transmitted:
            raise self._no("The shipment has been transmitted", 400)
        del self.shipments[one.tag]
        return Reply(200, {})

    def _drop_points(self, _names: Mapping[str, str], body: Body) -> Reply:
        to = body["data"]["Addresses"][0]
        town = {"PostCode": to["PostCode"], "City": to["City"], "CountryCode": to["CountryCode"]}
        shops = (("5371", "ICA Nära Kungsladugård", 310.5), ("8044", "Coop Majorna", 640.0))
        found = [
            {"OriginalID": id_, "Name1": name, "Street1": "Torget 1", "Distance": away, **town}
            for id_, name, away in shops
        ]
        return Reply(200, found if body["data"]["ProdConceptID"] == 1032 else [])

    def _no(self, said: str, status: int) -> Refused:
        return Refused(Reply(200 if self.old_manner else status, {"ErrorMessages": [said]}))

    def _shown(self, one: Kept) -> Body:
        data, numbers = one.body, iter(one.parcels)
        lines = [
            {**line, "Pkgs": [{**pkg, "PkgNo": next(numbers), "PkgTag": str(uuid.uuid4())} for pkg in line["Pkgs"]]}
            for line in data["Lines"]
        ]
        return {
            **data, "ShpCSID": int(one.number), "ShpTag": one.tag, "ShpNo": one.number, "Lines": lines,
            "CarrierConceptID": _CARRIER[data["ProdConceptID"]], "SubmitDt": f"{one.at:%Y-%m-%dT%H:%M:%S}",
        }  # fmt: skip


def _carriers() -> Body:
    def product(id_: int, name: str, services: Mapping[int, str]) -> Body:
        told = [{"ServiceID": number, "ServiceName": text} for number, text in services.items()]
        return {"ProdConceptID": id_, "ProdCSID": id_ + 5, "ProdName": name, "Services": told}

    return {
        "Carriers": [
            {
                "CarrierConceptID": carrier, "CarrierFullName": name, "CarrierShortName": short,
                "Subcarriers": [
                    {"SubcarrierName": name, "Products": [product(id_, *facts) for id_, facts in products.items()]}
                ],
            }
            for carrier, name, short, products in PRODUCTS
        ]
    }  # fmt: skip


def _complaints(data: Body) -> str:
    """What a product asks for: that it is one, a weight, a Swedish postal code of five digits."""
    to = data["Addresses"][0]
    if data.get("ProdConceptID") not in _CARRIER:
        return "The product is unknown"
    if not all(line.get("PkgWeight") for line in data["Lines"]):
        return "Weight is required"
    if to["CountryCode"] == "SE" and len(to["PostCode"].replace(" ", "")) != 5:
        return "The postal code is not valid"
    return ""
