"""VIES, the European Commission's register of VAT numbers: is this buyer's number valid?

https://ec.europa.eu/taxation_customs/vies, its REST interface `check-vat-number`. Who gives a number of its own gets a
consultation number (`requestIdentifier`), by which an authority sees that it was asked and when. The countries' own
registers are asked behind it and are often away: that says nothing about the number, and is asked again later.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer, BadData, RemoteFault
from samklang.connectors.transport import Transport
from samklang.records import VatCheck

#: Whose numbers it knows: EL is Greece, XI Northern Ireland.
_COUNTRIES = "AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI"
_NUMBER = re.compile(rf"({_COUNTRIES})([0-9A-Z+*]{{2,12}})")
_LIMITS = Limits(calls=2, per_seconds=1.0, concurrent=1, max_answer_mb=1)


class _Fault(msgspec.Struct):
    error: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    """What VIES says: of a number, or of why it cannot say."""

    valid: bool | None = None
    request_identifier: str | None = None
    user_error: str = ""
    action_succeed: bool = True
    error_wrappers: list[_Fault] = []


def parted(number: str) -> tuple[str, str]:
    """(country, digits) of a VAT number however it is spaced. BadData for what is none of the EU's."""
    found = _NUMBER.fullmatch(re.sub(r"[\s.\-]", "", number.upper()))
    if found is None:
        raise BadData(f"{number!r} is no VAT number of the EU", do_this="Correct it in the shop, with its country.")
    return found[1], found[2]


class Vies:
    """The register at an address; close it after use."""

    def __init__(self, address: str, around: Surroundings) -> None:
        self._around = around
        self._transport = Transport(address, _LIMITS, around, timeout=20.0)

    def check(self, number: str, requester: str = "") -> VatCheck:
        """Whether the number is valid now. `requester` is our own number. BadData for what can be no number; a Retry
        (RemoteFault, Unreachable …) where nobody can say at present."""
        country, digits = parted(number)
        asked = {"countryCode": country, "vatNumber": digits}
        if requester:
            ours = parted(requester)
            asked |= {"requesterMemberStateCode": ours[0], "requesterNumber": ours[1]}
        answer = self._transport.request("POST", "/check-vat-number", json=asked, expect=(400,))
        said = answer.of(_Answer)
        fault = next((fault.error for fault in said.error_wrappers), "") or said.user_error
        if fault == "INVALID_INPUT":
            raise BadData(f"{number!r} is no VAT number of {country}", do_this="Correct it in the shop.")
        if not said.action_succeed or fault not in ("", "VALID", "INVALID"):
            raise RemoteFault(f"VIES cannot say at present: {fault or answer.status}")
        if said.valid is None:
            raise BadAnswer("VIES did not say whether the number is valid")
        now = datetime.fromtimestamp(int(self._around.now()), UTC)
        return VatCheck(valid=said.valid, checked_at=now, request_id=said.request_identifier or "")

    def close(self) -> None:
        """Let the connections go."""
        self._transport.close()
