"""Where a delivery counts for VAT: not every postcode of a member state lies in the EU's VAT territory.

Sources: Directive 2006/112/EC, articles 5–7 (territories outside, Monaco and the Isle of Man with their neighbours);
Protocol on Ireland and Northern Ireland (code XI, goods as in the EU). RECONCILIATION §7.42.
"""

from __future__ import annotations

import re

from samklang.records import Address

#: Member states by the codes that addresses use (Greece is GR; its VAT numbers begin with EL).
MEMBERS = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)  # fmt: skip

#: Country → postcodes (blanks taken out) of areas that are outside the EU's VAT territory.
_OUTSIDE = {
    "FI": re.compile(r"22\d{3}"),  # Åland
    "ES": re.compile(r"(35|38|51|52)\d{3}"),  # Canary Islands, Ceuta, Melilla
    "FR": re.compile(r"(97\d|98[4-8])\d{2}"),  # overseas departments and territories; 98000 is Monaco
    "DE": re.compile(r"78266|27498"),  # Büsingen, Helgoland
    "IT": re.compile(r"23041|22061"),  # Livigno, Campione d'Italia
    "GR": re.compile(r"63086"),  # Mount Athos
}
#: Codes of their own for areas that belong to another country's VAT territory, or to none of the EU's.
_OTHER_NAME = {"MC": "FR", "IM": "GB", "EL": "GR", "UK": "GB"}


def vat_country(address: Address) -> str:
    """ISO code of the VAT territory that the address lies in: XI for Northern Ireland, AX for Åland, IC for the Canary
    Islands, else the country with `-` appended where the area is outside the EU's territory. Empty when unknown.
    """
    country = _OTHER_NAME.get(address.country, address.country)
    postcode = re.sub(r"[\s-]", "", address.postcode.upper())
    if country == "GB" and postcode.startswith("BT"):
        return "XI"
    outside = _OUTSIDE.get(country)
    if outside is not None and outside.fullmatch(postcode.removeprefix(country)):
        return {"FI": "AX", "ES": "IC" if postcode[:2] in ("35", "38") else "ES-"}.get(country, f"{country}-")
    return country


def in_eu(territory: str) -> bool:
    """Whether a territory as `vat_country` names it is inside the EU for goods."""
    return territory in MEMBERS or territory == "XI"
