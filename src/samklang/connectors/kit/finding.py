"""The search for records that a system may hold already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from samklang.connectors.contract import Match, Want
from samklang.connectors.transport import Transport
from samklang.records import Customer
from samklang.records.ids import email_key, org_no_key

#: What a system holds that agrees with a want, and its record, in the named field. `reference` stands for all that
#: finds our own record.
Look = Callable[[Want, Any, str], list[Match]]


def first_hits(wants: Sequence[Want], match: Sequence[str], look: Look, transport: Transport) -> list[list[Match]]:
    """For each want the hits of the first field that has any: our reference, then the fields of `match`."""

    def one(want: Want) -> list[Match]:
        return next((found for field in ("reference", *match) if (found := look(want, want.record, field))), [])

    return list(transport.overlap(partial(one, want) for want in wants))


_KEYS: Mapping[str, Callable[[str], str]] = {"customer_no": str.strip, "org_no": org_no_key, "email": email_key}


def agrees(by: str, wanted: Customer, held: Iterable[str | None]) -> bool:
    """Whether the customer's `customer_no`, `org_no` or `email` is among these, in compare form.

    For the hits of a system's own search, which is only a sieve. An empty one agrees with nothing.
    """
    key = _KEYS[by]
    return any(key(text) == key(getattr(wanted, by)) for text in held if text)


def org_no_spellings(text: str) -> tuple[str, ...]:
    """How systems write an organisation number: with the dash of a Swedish one (else as it is), and bare."""
    key = org_no_key(text)
    dashed = f"{key[:6]}-{key[6:]}" if len(key) == 10 and key.isdigit() else text
    return tuple(dict.fromkeys((dashed, key)))
