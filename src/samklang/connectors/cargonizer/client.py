"""Address, login, lists and errors of Cargonizer's XML API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from samklang.connectors.cargonizer.map import Agreement, Consigned, agreements, consigned
from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Rejected
from samklang.connectors.kit.login import Key
from samklang.connectors.kit.xml import Element, parse, texts
from samklang.connectors.transport import Answer, Transport

_XML = {"Accept": "application/xml"}
_MOST_PAGES = 1000


class Client:
    """One sender."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        own = "https://sandbox.cargonizer.no" if settings.get("sandbox") else "https://api.cargonizer.no"
        login = Key({"X-Cargonizer-Key": str(settings["key"]), "X-Cargonizer-Sender": str(settings["sender"])})
        self.transport = Transport(str(settings.get("address") or own), limits, around, auth=login)

    def under(self, reference: str, since: date) -> list[Consigned]:
        """Consignments with exactly this consignor's reference, made on the day before `since` or later; the search
        itself finds parts of references, too."""
        begin = since - timedelta(days=1)
        found = [one for page in self.pages(begin, text=reference) for one in page]
        return [one for one in found if one.reference == reference and not one.cancelled]

    def pages(self, begin: date, **search: object) -> Iterator[list[Consigned]]:
        """Consignments from this day on. Whether the list has pages is not documented: it is read until a page brings
        nothing new, which is the second one where it has none. BadAnswer when it never ends."""
        seen: set[str] = set()
        for number in range(1, _MOST_PAGES + 1):
            params = {"from": begin.isoformat(), **search, "page": number}
            answer = self.transport.request("GET", "/consignments.xml", params=params, headers=_XML)
            rows = [one for one in map(consigned, _good(answer).iterchildren("consignment")) if one.id not in seen]
            if not rows:
                return
            seen.update(one.id for one in rows)
            yield rows
        raise BadAnswer(f"The list of consignments did not end after {_MOST_PAGES} pages")

    def book(self, body: bytes) -> Consigned:
        """Book one consignment."""
        answer = self.transport.request("POST", "/consignments.xml", xml=body)
        made = _good(answer).find("consignment")
        if made is None or not (one := consigned(made)).id:
            raise BadAnswer("Cargonizer took the consignment but tells nothing of it", where=answer.where)
        return one

    def agreements(self) -> list[Agreement]:
        """The sender's agreements with carriers, with their products."""
        answer = self.transport.request("GET", "/transport_agreements.xml", headers=_XML)
        return agreements(_good(answer))


def _good(answer: Answer) -> Element:
    """The answer's root; Rejected with Cargonizer's own words when it holds errors, whatever its status."""
    try:
        root = parse(answer.body, answer.where)
    except BadAnswer:
        if answer.status < 400:
            raise
        raise Rejected(f"Cargonizer answered {answer.status}", where=answer.where) from None
    said = list(dict.fromkeys(texts(root, "error")))
    if said or answer.status >= 400:
        raise Rejected(f"Cargonizer: {'; '.join(said) or answer.status}", where=answer.where)
    return root
