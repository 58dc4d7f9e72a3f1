"""Address, login, searches and errors of nShift Delivery's API (rs-extapi v1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Rejected
from samklang.connectors.kit.rows import Broken, Rows
from samklang.connectors.transport import Answer, Basic, Transport
from samklang.connectors.unifaun.map import CANCELLED, Draft, History, Partner, Printed, Said

_ROWS = Rows(Printed)
_SAID = msgspec.json.Decoder(list[Said] | Said)
_ADDRESS = "https://api.unifaun.com/rs-extapi/v1"


class Client:
    """One account."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        login = Basic(str(settings["key_id"]), str(settings["key_secret"]))
        self.transport = Transport(str(settings.get("address") or _ADDRESS), limits, around, auth=login)

    def drafts(self, order_no: str) -> list[Draft]:
        """Consignments under exactly this order number that wait for their labels."""
        search = {"searchField": "orderNo", "searchOp": "equals", "searchValue": order_no}
        found = self._good(self.transport.request("GET", "/stored-shipments", params=search)).of(list[Draft])
        return [one for one in found if one.order_no == order_no]

    def printed(self, order_no: str) -> list[Printed]:
        """Consignments under exactly this order number whose labels were made, and that nobody has cancelled."""
        search = {"searchField": "orderNo", "searchValue": order_no}
        pages, number, found = 1, 0, list[Printed]()
        while number < pages:
            number += 1
            page = self.history(number, search)
            pages = page.total_pages
            found += [row for row in self.rows(page) if isinstance(row, Printed)]
        return [one for one in found if one.order_no == order_no and one.status.upper() != CANCELLED]

    def history(self, number: int, search: Mapping[str, object]) -> History:
        """One page, from 1, of what was printed."""
        answer = self.transport.request("GET", "/shipments-history", params={"page": number, **search})
        return self._good(answer).of(History)

    def rows(self, page: History) -> list[Printed | Broken]:
        """The rows of a page."""
        return _ROWS(page.items, "GET /shipments-history")

    def keep(self, body: Mapping[str, Any], id_: str = "") -> Draft:
        """Keep the consignment until somebody prints it, in the place of `id_` if given."""
        verb, path = ("PUT", f"/stored-shipments/{quote(id_, safe='')}") if id_ else ("POST", "/stored-shipments")
        answer = self._good(self.transport.request(verb, path, json=body, idempotent=bool(id_)))
        return answer.of(Draft)

    def book(self, body: Mapping[str, Any], media: str) -> list[Printed]:
        """Book the consignment and make its labels, which nShift then prints."""
        whole = {"shipment": body, "pdfConfig": {"target1Media": media}}
        made = self._good(self.transport.request("POST", "/shipments", json=whole)).of(list[Printed])
        if not made:
            raise BadAnswer("nShift took the consignment but tells nothing of it", where="POST /shipments")
        return made

    def drop(self, path: str, id_: str) -> str:
        """Remove a draft (`stored-shipments`) or cancel a consignment (`shipments`); what nShift says against it. One
        that is there no longer is fine."""
        answer = self.transport.request("DELETE", f"/{path}/{quote(id_, safe='')}", idempotent=True)
        return said(answer) if answer.status not in (200, 204, 404) else ""

    def partners(self) -> list[Partner]:
        """The carriers of this account with their services."""
        answer = self.transport.request("GET", "/meta/lists/partners", params={"language": "sv"})
        return self._good(answer).of(list[Partner])

    def _good(self, answer: Answer) -> Answer:
        if answer.status < 400:
            return answer
        raise Rejected(f"nShift: {said(answer)}", where=answer.where)


def said(answer: Answer) -> str:
    """The messages of a refusal: a list with fields, or one object."""
    try:
        rows = _SAID.decode(answer.body)
    except msgspec.DecodeError:
        return f"status {answer.status}"
    rows = [rows] if isinstance(rows, Said) else [row for row in rows if row.type in ("error", "")] or rows
    return "; ".join(f"{row.message} ({row.field})" if row.field else row.message or row.code for row in rows)
