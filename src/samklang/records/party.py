"""Customers and addresses (MODEL §4). Everything here is personal data: never in logs, masked in exchanges."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from samklang.records.base import InvalidRecord, Record, register
from samklang.records.ids import email_key, org_no_key
from samklang.records.payment import VatCheck


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where goods or invoices go. The delivery address' country decides VAT."""

    name: str = ""
    company: str = ""
    lines: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""  # ISO 3166-1 alpha-2
    phone: str = ""
    email: str = ""

    def __post_init__(self) -> None:
        if self.country and not (len(self.country) == 2 and self.country.isalpha() and self.country.isupper()):
            raise InvalidRecord("country", self.country, "is not a country code (ISO 3166-1)", "Use two letters: SE.")

    def lines_in(self, fields: int) -> tuple[str, ...]:
        """The lines in so many fields, of which the last takes what is left over, with commas between."""
        first, rest = self.lines[: fields - 1], self.lines[fields - 1 :]
        return (*first, *[""] * (fields - 1 - len(first)), ", ".join(line for line in rest if line))


@register
class Customer(Record, frozen=True, kw_only=True, tag="customer", omit_defaults=True):
    """A buyer. Systems recognise each other's customers by number, organisation number or e-mail, never by name."""

    own_id: ClassVar[bool] = True

    name: str
    kind: Literal["person", "company"] = "person"
    customer_no: str = ""
    email: str = ""
    org_no: str = ""
    vat_no: str = ""
    phone: str = ""
    billing: Address = Address()
    shipping: Address | None = None
    group: str = ""
    price_list: str = ""
    language: str = ""
    currency: str = ""
    vat_check: VatCheck | None = None

    @property
    def key(self) -> str:
        """The strongest name the source gave: customer number, organisation number, e-mail, else name and postcode."""
        if self.customer_no:
            return f"no:{self.customer_no.strip()}"
        if self.org_no:
            return f"org:{org_no_key(self.org_no, self.billing.country or 'SE')}"
        if self.email:
            return f"mail:{email_key(self.email)}"
        return f"name:{self.name.strip().casefold()}|{self.billing.postcode.replace(' ', '')}"
