"""Compare keys: how two systems' names for one thing are recognised as the same (MODEL §2, §4)."""

from __future__ import annotations

import re
import unicodedata

from stdnum import ean, luhn

from samklang.records.base import InvalidRecord

_BLANKS = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_USUAL_SKU = re.compile(r"^[A-Za-z0-9._/-]+$")


def sku(text: object, field: str = "sku") -> str:
    """A SKU kept byte for byte; InvalidRecord when blank, longer than 64 or holding control characters."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidRecord(field, text, "is empty", "Give the article a number (SKU) at the source.")
    if len(text) > 64:
        raise InvalidRecord(field, text, "is longer than 64 characters", "Shorten the article number.")
    if _CONTROL.search(text):
        raise InvalidRecord(field, text, "holds control characters", "Type the article number again at the source.")
    return text


def sku_key(text: str) -> str:
    """Compare form of a SKU: trimmed, NFC, case-folded, inner blanks collapsed. Leading zeros stay."""
    if text.isascii() and " " not in text:
        return text.strip().lower()
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", text).strip()).casefold()


def is_unusual_sku(text: str) -> bool:
    """Whether some system is likely to choke on it: anything outside A–Z, a–z, 0–9 and . _ / -"""
    return not _USUAL_SKU.match(text)


def gtin(text: object, field: str = "gtin") -> str:
    """8, 12, 13 or 14 digits with a right check digit (GS1 mod 10); InvalidRecord otherwise."""
    digits = str(text).strip().replace(" ", "")
    if not ean.is_valid(digits):
        raise InvalidRecord(field, text, "is not a GTIN (8, 12, 13 or 14 digits, GS1 check digit)", "Correct the EAN.")
    return digits


def gtins(text: str) -> tuple[str, ...]:
    """The text as a product's GTINs: none where it is no GTIN, for people keep other numbers in such fields too."""
    digits = text.strip().replace(" ", "")
    return (digits,) if ean.is_valid(digits) else ()


def gtin_key(digits: str) -> str | None:
    """Compare form (14 digits), or None for restricted-circulation numbers, which name nothing outside one company.

    Those are the prefixes 02, 04 and 20–29, and among the 8-digit ones everything that begins with 0 or 2 (GS1 General
    Specifications: GTIN-8 uses 100–139 and 300–969).
    """
    if len(digits) == 8 and digits[0] in "02":
        return None
    padded = digits.zfill(14)
    prefix = padded[1:3]
    return None if prefix in {"02", "04"} or prefix.startswith("2") else padded


def email_key(text: str) -> str:
    """Compare form of an e-mail address."""
    return text.strip().casefold()


def org_no_key(text: str, country: str = "SE") -> str:
    """Organisation number without punctuation; Swedish 12-digit forms (16…, 19…, 20…) become 10 digits."""
    digits = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if country == "SE" and len(digits) == 12 and digits.isdigit() and luhn.is_valid(digits[2:]):
        return digits[2:]
    return digits
