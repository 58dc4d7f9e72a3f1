"""The packages that are offered: data in a file (offer.toml beside this, or the one that SAMKLANG_PACKAGES names)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args

import msgspec
from django.conf import settings
from django.utils.translation import gettext_noop

from samklang.connectors.errors import Misconfigured

Feature = Literal["variants", "stock", "status", "price lists", "several shops", "plugins"]
FEATURES: tuple[Feature, ...] = get_args(Feature)

#: What a feature is, in words.
WORDS: Mapping[Feature, str] = {
    "variants": gettext_noop("articles with variants"),
    "stock": gettext_noop("stock levels"),
    "status": gettext_noop("order status and what follows from it"),
    "price lists": gettext_noop("price lists"),
    "several shops": gettext_noop("several shops"),
    "plugins": gettext_noop("plugins"),
}

#: Services of the packages that are shipped, where the catalogues' maker finds them.
SERVICES = (gettext_noop("key account manager"), gettext_noop("takes part in project groups"))

_SHIPPED = Path(__file__).parent / "offer.toml"


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A package: what it includes, how many orders a calendar month, and what else is agreed. Amounts are `from` prices
    in `currency` without VAT; None: by quotation. `orders` None: as many as there are."""

    code: str
    name: str
    features: frozenset[Feature] = frozenset()
    orders: int | None = None
    start_fee: Decimal | None = None
    monthly_fee: Decimal | None = None
    currency: str = "SEK"
    term_months: int = 0
    notice_months: int = 0
    start_hours: Decimal = Decimal(0)  # that the start package puts on the service account
    services: tuple[str, ...] = ()  # beside the software: a key account manager, …

    def __post_init__(self) -> None:
        if self.orders is not None and self.orders < 1:
            raise ValueError("orders must be above 0; leave it out where there is no quota")

    def includes(self, feature: Feature) -> bool:
        """Whether the package has a feature."""
        return feature in self.features


class _Offer(msgspec.Struct, forbid_unknown_fields=True):
    packages: list[Package]


def offered() -> dict[str, Package]:
    """Every package on offer by its code, in the file's order. Misconfigured names what is wrong with the file."""
    path = Path(settings.PACKAGES) if settings.PACKAGES else _SHIPPED
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=_Offer).packages
    except (OSError, ValueError) as error:  # msgspec's errors are such
        raise Misconfigured(
            f"The packages cannot be read: {error}", where=str(path), do_this="Correct the file."
        ) from error
    return {package.code: package for package in found}
