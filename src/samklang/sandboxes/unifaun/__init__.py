"""nShift Delivery's API (rs-extapi v1) as a sandbox: drafts and printed consignments in memory.

What a person does in nShift is a method: `print` a draft, `book` by hand, `hand_over` to the carrier, after which
nothing is cancelled. How long the pages of the history are, and in which order, is unconfirmed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from samklang.sandboxes.payments import Body, Provider, Refused, Reply, utc_now

KEY_ID, KEY_SECRET = "SANDBOX0KEY", "sandbox-secret"  # a stand-in's key, the same everywhere
BASE = "/rs-extapi/v1"
_PAGE = 50
PARTNERS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("PLAB", "PostNord Sverige", {"P19": "MyPack Collect", "P17": "MyPack Home", "P18": "Parcel"}),
    ("SBTL", "DB Schenker", {"BPA": "DB SCHENKERparcel", "BCF": "DB SCHENKERsystem"}),
)
_PREFIX = {"P": "6956305", "B": "3733253"}


class Kept(msgspec.Struct, kw_only=True):
    """A consignment: a draft, then printed, perhaps cancelled."""

    id: str
    body: Body
    created: datetime
    status: str
    number: str = ""
    parcels: list[str] = []
    gone: bool = False  # the carrier has it


class UnifaunSandbox(Provider):
    """One account."""

    actions = ("print", "book", "hand_over")

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self.drafts: dict[str, Kept] = {}
        self.shipments: dict[str, Kept] = {}
        self._serial = 10_252_300
        self._login = "Basic " + base64.b64encode(f"{KEY_ID}:{KEY_SECRET}".encode()).decode()
        super().__init__(now)

    # ------------------------------------------------------------------------------------------------ by hand

    def print(self, order_no: str, parcels: int = 0) -> str:
        """Who packs prints the draft, perhaps as more parcels than it said. Gives the consignment's id."""
        draft = next(one for one in self.drafts.values() if one.body["orderNo"] == order_no)
        if parcels:
            draft.body["parcels"][0]["copies"] = parcels
        del self.drafts[draft.id]
        return self._print(draft.body).id

    def book(self, order_no: str, service: str = "P19") -> str:
        """Somebody books in nShift's own pages, under this order number."""
        receiver = {"name": "Åsa Öberg", "zipcode": "41105", "city": "Göteborg", "country": "SE"}
        parcels = [{"copies": 1, "reference": ""}]
        body = {"orderNo": order_no, "receiver": receiver, "service": {"id": service}, "parcels": parcels}
        return self._print(body).id

    def hand_over(self, order_no: str) -> None:
        """The carrier has it."""
        for one in self.under(order_no):
            one.gone = True

    def under(self, order_no: str) -> list[Kept]:
        """What is booked or waits under this order number, without what was cancelled."""
        every = (*self.drafts.values(), *self.shipments.values())
        return [one for one in every if one.body.get("orderNo") == order_no and one.status != "CANCELLED"]

    def snapshot(self) -> Mapping[str, Any]:
        return {
            "drafts": {id_: one.body for id_, one in self.drafts.items()},
            "shipments": {id_: self._shown(one) for id_, one in self.shipments.items()},
        }

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        return [
            self.endpoint(f"{BASE}/shipments", "POST", self._post),
            self.endpoint(f"{BASE}/shipments/{{id}}", "DELETE", self._cancel),
            self.endpoint(f"{BASE}/shipments-history", "GET", self._history),
            self.endpoint(f"{BASE}/stored-shipments", "GET", self._list_drafts),
            self.endpoint(f"{BASE}/stored-shipments", "POST", self._keep),
            self.endpoint(f"{BASE}/stored-shipments/{{id}}", "PUT", self._keep),
            self.endpoint(f"{BASE}/stored-shipments/{{id}}", "DELETE", self._drop),
            self.endpoint(f"{BASE}/meta/lists/partners", "GET", lambda *_: Reply(200, _partners())),
        ]

    def login(self, request: Request) -> None:
        if request.headers.get("authorization") != self._login:
            raise Refused(Reply(401, {"code": "UNAUTHORIZED", "message": "Invalid or expired token"}))

    def unreadable(self, what: str) -> Refused:
        return Refused(Reply(400, {"code": "ILLEGAL", "message": what}))

    def _post(self, _names: Mapping[str, str], body: Body) -> Reply:
        if "pdfConfig" not in body:
            raise Refused(Reply(400, {"code": "MISSING", "message": "Missing shipment print request body"}))
        if wrong := _complaints(body["shipment"]):
            raise Refused(Reply(422, wrong))
        return Reply(201, [self._shown(self._print(body["shipment"]))])

    def _print(self, body: Body) -> Kept:
        self._serial += 1
        prefix = _PREFIX[body["service"]["id"][0]]
        parcels = [f"{prefix}{self._serial * 10 + n:010d}SE" for n in range(body["parcels"][0]["copies"])]
        made = Kept(
            id=str(self._serial), body=body, created=self.now(), status="PRINTED", number=f"43816{self._serial}",
            parcels=parcels,
        )  # fmt: skip
        self.shipments[made.id] = made
        return made

    def _cancel(self, names: Mapping[str, str], _: Body) -> Reply:
        one = self.shipments.get(names["id"])
        if one is None:
            raise Refused(Reply(404))
        if one.gone:
            raise Refused(Reply(400, {"code": "ILLEGAL", "message": "The shipment has been sent to the carrier"}))
        one.status = "CANCELLED"
        return Reply(204)

    def _history(self, names: Mapping[str, str], _: Body) -> Reply:
        found = [one for one in self.shipments.values() if _within(one, names)]
        if names.get("searchField") == "orderNo":  # no operator is known for the history: beginnings match, too
            found = [one for one in found if one.body.get("orderNo", "").startswith(names["searchValue"])]
        found.sort(key=lambda one: int(one.id), reverse=True)
        page = int(names.get("page", "1"))
        items = [self._shown(one) for one in found[(page - 1) * _PAGE : page * _PAGE]]
        return Reply(200, {"items": items, "totalPages": -(-len(found) // _PAGE)})

    def _list_drafts(self, names: Mapping[str, str], _: Body) -> Reply:
        found = [one for one in self.drafts.values() if one.body.get("orderNo") == names.get("searchValue")]
        return Reply(200, [_draft_shown(one) for one in found[:50]])

    def _keep(self, names: Mapping[str, str], body: Body) -> Reply:
        status = "INVALID" if _complaints(body) else "READY"
        if (id_ := names.get("id")) is not None:
            if id_ not in self.drafts:
                raise Refused(Reply(404))
            self.drafts[id_].body, self.drafts[id_].status = body, status
            return Reply(200, _draft_shown(self.drafts[id_]))
        self._serial += 1
        made = Kept(id=str(self._serial), body=body, created=self.now(), status=status)
        self.drafts[made.id] = made
        return Reply(201, _draft_shown(made))

    def _drop(self, names: Mapping[str, str], _: Body) -> Reply:
        if self.drafts.pop(names["id"], None) is None:
            raise Refused(Reply(404))
        return Reply(204)

    def _shown(self, one: Kept) -> Body:
        to, body = one.body["receiver"], one.body
        reference = body["parcels"][0].get("reference", "")
        at = f"{one.created:%Y-%m-%dT%H:%M:%S}.000+0000"
        return {
            "id": one.id, "href": f"https://api.unifaun.com{BASE}/shipments/{one.id}", "status": one.status,
            "shipmentNo": one.number, "orderNo": body.get("orderNo", ""), "serviceId": body["service"]["id"],
            "reference": body.get("senderReference", ""), "parcelCount": len(one.parcels), "rcvName": to["name"],
            "rcvZipcode": to.get("zipcode", ""), "rcvCity": to["city"], "rcvCountry": to["country"], "created": at,
            "changed": at, "shipDate": at, "returnShipment": False, "normalShipment": True, "consolidated": False,
            "parcels": [{"parcelNo": number, "reference": reference} for number in one.parcels],
        }  # fmt: skip


def _within(one: Kept, names: Mapping[str, str]) -> bool:
    if "dateFrom" not in names:
        return True
    return datetime.fromisoformat(names["dateFrom"]) <= one.created < datetime.fromisoformat(names["dateTo"])


def _draft_shown(one: Kept) -> Body:
    return {"id": one.id, "status": one.status, "orderNo": one.body.get("orderNo", "")}


def _partners() -> list[Body]:
    return [
        {"id": id_, "description": title, "services": [{"id": s, "description": t} for s, t in services.items()]}
        for id_, title, services in PARTNERS
    ]


def _complaints(body: Body) -> list[Body]:
    """What a service asks for: a known one, a weight, a Swedish postal code of five digits."""
    found = []
    known = {service for _, _, services in PARTNERS for service in services}
    if body["service"]["id"] not in known:
        found.append(("Not valid service", "Service", "Service_Id"))
    if not body["parcels"][0].get("weight"):
        found.append(("Weight is required", "Required", "ParcelGroup_Weight"))
    to = body["receiver"]
    if to.get("country") == "SE" and len(to.get("zipcode", "").replace(" ", "")) != 5:
        found.append(("Not valid postal code", "ZipCode", "Address_Zipcode"))
    return [{"message": m, "messageCode": c, "field": f, "location": "", "type": "error"} for m, c, f in found]
