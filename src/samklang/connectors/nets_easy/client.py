"""Addresses, login, idempotency keys and errors of Nexi's Payment API v1 (the host still says DIBS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Rejected, RemoteFault, SamklangError
from samklang.connectors.kit.login import Key
from samklang.connectors.nets_easy.map import Envelope, Payment, Refusal
from samklang.connectors.transport import Answer, Transport

#: Codes of a business "no" (they come with 402, or with 500) in words for people, and what to do.
MEANING: Mapping[str, tuple[str, str]] = {
    "1001": (
        "More shall be charged than is reserved",
        "Compare the order with the payment in Nexi's portal; have the difference paid in another way.",
    ),
    "1003": ("Nothing is reserved at this payment", "The buyer never finished paying: do not send the goods."),
    "1007": ("A part of a reservation cannot be cancelled", "Let it lapse, or release it in Nexi's portal."),
    "1008": (
        "The payment is charged already",
        "Look at its charges in Nexi's portal; if this one is among them, mark it as done.",
    ),
    "1009": (
        "So much cannot be refunded",
        "Look at the payment's refunds in Nexi's portal; if this one is among them, mark it as done.",
    ),
    "1010": (
        "The reservation has expired",
        "Have the buyer pay in another way, or take the goods back; then mark this as done.",
    ),
    "1019": (
        "The payment is cancelled",
        "Have the buyer pay in another way, or take the goods back; then mark this as done.",
    ),
    "1020": ("The buyer's bank or wallet refused the charge", "Have the buyer pay otherwise; then mark this as done."),
    "1023": ("The payment is refunded already", "Look in Nexi's portal; if this refund is there, mark it as done."),
    "1024": (
        "This payment method cannot be charged in parts",
        "Charge the whole in Nexi's portal and mark this as done, or wait until all is sent.",
    ),
    "1026": (
        "The same charge was tried with another amount before",
        "Look in Nexi's portal whether it was made; if so mark this as done, else retry after a day.",
    ),
    "1027": (
        "The same refund was tried with another amount before",
        "Look in Nexi's portal whether it was made; if so mark this as done, else retry after a day.",
    ),
}  # fmt: skip

_EXPECTED = (400, 402, 404, 405, 500)


class Client:
    """One merchant account."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        own = f"https://{'test.' if settings.get('test') else ''}api.dibspayment.eu"
        login = Key({"Authorization": str(settings["secret_key"])})  # the bare key, without a word before it
        self.transport = Transport(str(settings.get("api_address") or own), limits, around, auth=login)

    def payment(self, id_: str) -> Payment | None:
        """The payment as Nexi has it; None when there is none of this id (or it is none at all)."""
        answer = self.transport.request("GET", f"/v1/payments/{quote(id_, safe='')}", expect=_EXPECTED)
        return None if answer.status in (400, 404) else _good(answer).of(Envelope).payment

    def report(self, path: str, **asked: str | int) -> Answer:
        """A page of a report."""
        return _good(self.transport.request("GET", path, params=asked, expect=_EXPECTED))

    def act(self, path: str, body: Mapping[str, object], key: str = "") -> Answer:
        """Move money. With a key, or where a second time changes nothing, it may be repeated."""
        headers = {"Idempotency-Key": key} if key else None
        request = self.transport.request
        return _good(request("POST", path, json=body, headers=headers, idempotent=True, expect=_EXPECTED))


def _good(answer: Answer) -> Answer:
    if answer.status < 400:
        return answer
    raise _error(answer)


def _error(answer: Answer) -> SamklangError:
    """A code is a "no", whatever the status; without one 500 is a fault."""
    try:
        said = msgspec.json.decode(answer.body, type=Refusal) if answer.body else Refusal()
    except msgspec.DecodeError as error:
        if answer.status == 500:
            return RemoteFault("Nexi answered 500", where=answer.where)
        return BadAnswer(f"The answer does not fit: {error}", where=answer.where)
    code = str(said.code or "")
    if answer.status == 500 and code not in MEANING:
        return RemoteFault(f"Nexi answered 500: {said.message}".rstrip(": "), where=answer.where, remote=code)
    fields = "; ".join(f"{name or 'request'}: {', '.join(texts)}" for name, texts in (said.errors or {}).items())
    usual = f"Nexi: {said.message or fields or f'answered {answer.status}'}"
    what, advice = MEANING.get(code, (usual, ""))
    return Rejected(what, where=answer.where, do_this=advice, remote=code)
