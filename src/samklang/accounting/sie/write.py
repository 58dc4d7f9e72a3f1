"""Vouchers → a SIE 4I file, which any Swedish ledger imports (SIE 4B; RECONCILIATION §6).

PC8, CRLF, accounts and objects declared, so that they need not exist beforehand; with checksum. Series and number are
left to the ledger unless numbers are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from samklang.accounting.company import Company
from samklang.accounting.sie.checksum import checksum
from samklang.accounting.sie.lines import CHARSET, Row, encodable
from samklang.accounting.voucher import Voucher

#: Dimensions that the format reserves and that a channel may use.
DIMENSIONS = {"1": "Kostnadsställe", "6": "Projekt"}
_CHART = "EUBAS97"

#: Where a row holds text, in quotes; all else is a code, a number or a date.
_TEXTS = frozenset(
    {
        ("#PROGRAM", 0), ("#PROGRAM", 1), ("#GEN", 1), ("#FNAMN", 0), ("#KONTO", 1), ("#DIM", 1), ("#OBJEKT", 1),
        ("#OBJEKT", 2), ("#VER", 0), ("#VER", 1), ("#VER", 3), ("#VER", 5),
    }
)  # fmt: skip

_Field = str | tuple[str, ...]


def write_sie(
    vouchers: Sequence[Voucher],
    company: Company,
    made: date,
    *,
    program: tuple[str, str] = ("Samklang", "1"),
    sign: str = "",
    numbers: Mapping[str, str] | None = None,
) -> bytes:
    """The file's bytes. `made` is the day of export, `sign` who exports, `numbers` voucher numbers by voucher key.

    A SIE file is in one currency; a voucher in another than the company's raises ValueError.
    """
    for voucher in vouchers:
        if voucher.currency != company.currency:
            raise ValueError(f"{voucher.key} is in {voucher.currency}, the file in {company.currency}")
    ordered = sorted(vouchers, key=lambda voucher: (voucher.date, voucher.key))
    content = [
        *_heading(company, made, program, sign, ordered),
        *_declared(ordered),
        *(row for voucher in ordered for row in _voucher(voucher, made, sign, (numbers or {}).get(voucher.key, ""))),
    ]
    rows = [
        _row("#FLAGGA", "0"),
        _row("#KSUMMA"),
        *content,
        _row("#KSUMMA", str(checksum(content))),
    ]
    return "".join(f"{_text(row)}\r\n" for row in rows).encode(CHARSET)


def _heading(
    company: Company, made: date, program: tuple[str, str], sign: str, vouchers: Sequence[Voucher]
) -> Iterator[Row]:
    yield _row("#PROGRAM", *program)
    yield _row("#FORMAT", "PC8")
    yield _row("#GEN", f"{made:%Y%m%d}", *([sign] if sign else []))
    yield _row("#SIETYP", "4")
    if company.org_no:
        digits = company.org_no.replace("-", "")
        yield _row("#ORGNR", f"{digits[:6]}-{digits[6:]}" if len(digits) == 10 else company.org_no)
    yield _row("#FNAMN", company.name)
    yield _row("#KPTYP", _CHART)
    yield _row("#VALUTA", company.currency)


def _declared(vouchers: Iterable[Voucher]) -> Iterator[Row]:
    """Every account, dimension and object that a line uses."""
    lines = [line for voucher in vouchers for line in voucher.lines]
    names = {line.account: line.name or line.role for line in lines}
    for account in sorted(names):
        yield _row("#KONTO", account, names[account])
    objects = sorted({pair for line in lines for pair in line.dimensions.items()})
    for dimension in sorted({dimension for dimension, _ in objects}):
        yield _row("#DIM", dimension, DIMENSIONS.get(dimension, f"Dimension {dimension}"))
    for dimension, name in objects:
        yield _row("#OBJEKT", dimension, name, name)


def _voucher(voucher: Voucher, made: date, sign: str, number: str) -> Iterator[Row]:
    signed = [sign] if sign else []
    yield _row("#VER", voucher.series, number, f"{voucher.date:%Y%m%d}", voucher.text, f"{made:%Y%m%d}", *signed)
    yield _row("{")
    for line in voucher.lines:
        objects = tuple(text for pair in sorted(line.dimensions.items()) for text in pair)
        yield _row("#TRANS", line.account, objects, _amount(line.amount))
    yield _row("}")


def _amount(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _row(label: str, *fields: _Field) -> Row:
    """A row whose texts hold nothing that PC8 cannot."""
    return Row(
        0, label, tuple(encodable(f) if isinstance(f, str) else tuple(encodable(part) for part in f) for f in fields)
    )


def _text(row: Row) -> str:
    return " ".join([row.label, *(_field(row.label, place, field) for place, field in enumerate(row.fields))])


def _field(label: str, place: int, field: _Field) -> str:
    if isinstance(field, tuple):
        return "{" + " ".join(_quoted(part) for part in field) + "}"
    return _quoted(field) if (label, place) in _TEXTS else field


def _quoted(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'
