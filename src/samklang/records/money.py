"""Decimals in major units. No binary floats, no arithmetic across currencies (MODEL §0)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import msgspec

from samklang.records.base import InvalidRecord

ZERO = Decimal(0)
_LARGEST = Decimal(10) ** 15

#: ISO 4217 currencies whose minor unit is not 1/100.
_EXPONENTS = dict.fromkeys(("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF UYI").split(), 0) | (
    dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
)
#: Currencies that trade may use; a code outside this list is a data error, not a new currency.
CURRENCIES = frozenset(
    """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP
    CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
    JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
    NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
    SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG""".split()
) | frozenset(_EXPONENTS)


def exponent(currency: str) -> int:
    """Number of decimals of the currency's minor unit (SEK 2, JPY 0, BHD 3)."""
    return _EXPONENTS.get(currency, 2)


def canonical(value: Decimal) -> Decimal:
    """The same number written one way only: no trailing zeros, no exponent, no negative zero."""
    if value == value.to_integral_value():
        return value.quantize(Decimal(1)) + ZERO
    return value.normalize()


def decimal(text: object, field: str = "amount") -> Decimal:
    """A decimal from what a system sent: a string or an int. Floats are refused, they have lost öre already.

    Raises InvalidRecord for empty text, letters, NaN, infinity, more than 6 decimals or absurd size.
    """
    if isinstance(text, Decimal):
        value = text
    elif isinstance(text, bool) or not isinstance(text, str | int):
        raise InvalidRecord(field, text, "is not a decimal number", "Send the number as text with a decimal point.")
    else:
        try:
            value = Decimal(text.strip() if isinstance(text, str) else text)
        except InvalidOperation:
            raise InvalidRecord(field, text, "is not a decimal number", "Correct the number at the source.") from None
    if not value.is_finite() or abs(value) >= _LARGEST:
        raise InvalidRecord(field, text, "is not a possible amount", "Correct the number at the source.")
    number = canonical(value)
    if -number.as_tuple().exponent > 6:  # type: ignore[operator]  # finite, so the exponent is an int
        return canonical(number.quantize(Decimal("0.000001"), ROUND_HALF_UP))
    return number


def currency(code: object, field: str = "currency") -> str:
    """An ISO 4217 code; InvalidRecord for anything else."""
    if not isinstance(code, str) or code.upper() not in CURRENCIES:
        raise InvalidRecord(field, code, "is not a currency (ISO 4217)", "Set a currency such as SEK, EUR or NOK.")
    return code.upper()


def rounded(amount: Decimal, currency_code: str) -> Decimal:
    """The amount in whole minor units, halves away from zero, as documents state it."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency_code)), ROUND_HALF_UP)


def minor_units(amount: Decimal, currency_code: str) -> int:
    """Whole minor units (öre, cent) for the APIs that count in them."""
    return int(rounded(amount, currency_code).scaleb(exponent(currency_code)))


def from_minor_units(count: int, currency_code: str) -> Decimal:
    """The decimal amount that an API counting in minor units means."""
    return canonical(Decimal(count).scaleb(-exponent(currency_code)))


def split(amount: Decimal, weights: Sequence[Decimal], currency_code: str) -> tuple[Decimal, ...]:
    """The amount over the weights so that the parts are whole minor units and sum to it exactly (largest remainder).

    All weights zero splits evenly. An empty list of weights with a non-zero amount raises ValueError.
    """
    total = rounded(amount, currency_code)
    if not weights:
        if total:
            raise ValueError("nothing to split the amount over")
        return ()
    if not sum(weights):
        weights = [Decimal(1)] * len(weights)
    whole = minor_units(total, currency_code)
    shares = [Decimal(whole) * weight / sum(weights) for weight in weights]
    parts = [int(share) for share in shares]
    left = whole - sum(parts)
    step = 1 if left > 0 else -1
    by_remainder = sorted(range(len(parts)), key=lambda i: -abs(shares[i] - parts[i]))
    for i in range(abs(left)):
        parts[by_remainder[i % len(parts)]] += step
    return tuple(from_minor_units(part, currency_code) for part in parts)


def settle(record: Any, *fields: str) -> None:
    """Write a struct's decimals in canonical form (used from __post_init__, where a frozen struct may still change)."""
    for field in fields:
        value = getattr(record, field)
        if value is not None:
            msgspec.structs.force_setattr(record, field, decimal(value, field))
