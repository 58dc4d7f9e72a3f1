"""The search for records that a system may hold already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from samklang.connectors.contract import Match, Want
from samklang.connectors.transport import Transport
from samklang.records import Customer
from samklang.records.ids import email_key, org_no_key

#: What a system holds that agrees with a want in the named field; `reference` is the field of our own reference.
Look = Callable[[Want, str], list[Match]]


def first_hits(wants: Sequence[Want], match: Sequence[str], look: Look, transport: Transport) -> list[list[Match]]:
    """For each want the hits of the first field that has any: our reference, then the fields of `match`, in order."""

    def one(want: Want) -> list[Match]:
        fields = (*(("reference",) if want.reference else ()), *match)
        return next((found for field in fields if (found := look(want, field))), [])

    return list(transport.overlap(partial(one, want) for want in wants))


def same_customer(by: str, wanted: Customer, held: Customer) -> bool:
    """Whether two customers agree in `customer_no`, `org_no` or `email`: a system's own search is only a sieve."""
    if by == "org_no":
        return bool(wanted.org_no) and org_no_key(wanted.org_no) == org_no_key(held.org_no)
    if by == "email":
        return bool(wanted.email) and email_key(wanted.email) == email_key(held.email)
    return by == "customer_no" and bool(wanted.customer_no) and wanted.customer_no.strip() == held.customer_no.strip()


def org_no_spellings(text: str) -> tuple[str, ...]:
    """How systems write an organisation number: with the dash of a Swedish one (else as it is), and bare."""
    key = org_no_key(text)
    dashed = f"{key[:6]}-{key[6:]}" if len(key) == 10 and key.isdigit() else text
    return tuple(dict.fromkeys((dashed, key)))
