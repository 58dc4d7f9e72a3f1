"""Addresses, login, idempotency keys and errors of Klarna's Order Management API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import Forbidden, Rejected, RemoteFault, SamklangError
from samklang.connectors.klarna.map import Order, Refusal
from samklang.connectors.transport import Answer, Basic, Transport

T = TypeVar("T")

_REGIONS = {"eu": "", "na": "-na", "oc": "-oc"}


class Client:
    """One merchant account."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        world = ".playground" if settings.get("playground") else ""
        own = f"https://api{_REGIONS[str(settings.get('region') or 'eu')]}{world}.klarna.com"
        login = Basic(str(settings["username"]), str(settings["password"]))
        self.transport = Transport(str(settings.get("api_address") or own), limits, around, auth=login)

    def order(self, id_: str) -> Order | None:
        """The order as Klarna has it; None when there is none of this id."""
        answer = self.transport.request("GET", _path(id_), expect=(403, 404))
        return None if answer.status == 404 else good(answer).of(Order)

    def act(self, id_: str, what: str, key: str, body: Mapping[str, object] | None = None) -> Answer:
        """Do something with the order; the key makes repeating it harmless. Rejected when Klarna does not allow it."""
        headers = {"Klarna-Idempotency-Key": key}
        path = f"{_path(id_)}/{what}"
        return good(
            self.transport.request("POST", path, json=body, headers=headers, idempotent=True, expect=(403, 404, 409))
        )


def _path(id_: str) -> str:
    return f"/ordermanagement/v1/orders/{quote(id_, safe='')}"


def good(answer: Answer) -> Answer:
    """The answer, unless it is a no: that is raised as our error."""
    if answer.status < 400:
        return answer
    raise _error(answer)


def _error(answer: Answer) -> SamklangError:
    """Klarna's `error_code` as our error: a rule of the business stops one record, a missing right the connection."""
    said = answer.of(Refusal)
    what = f"Klarna: {'; '.join(said.error_messages) or said.error_code or answer.status}"
    if answer.status == 409:  # the same key, or the same order, is being worked on
        return RemoteFault(what, where=answer.where, remote=said.correlation_id)
    if answer.status == 403 and not said.error_code.endswith("NOT_ALLOWED"):
        return Forbidden(what, where=answer.where, remote=said.correlation_id)
    return Rejected(what, where=answer.where, remote=f"{said.error_code} {said.correlation_id}".strip())
