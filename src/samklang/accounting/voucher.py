"""What becomes of vouchers in the ledger: taken back, corrected, standing. The voucher itself is a record
(records/voucher.py), so that it can travel to the ledger like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

import msgspec

from samklang.records.voucher import Ref, Source, Unbalanced, Voucher, VoucherLine

__all__ = [
    "Ref", "Source", "Unbalanced", "Voucher", "VoucherLine", "base_key", "correction", "next_key", "reversal",
    "standing", "version",
]  # fmt: skip

#: What a correction's key ends in. Only there: accounts at providers and texts of banks have an @ of their own.
_COUNT = re.compile(r"@(\d+)$")


def reversal(voucher: Voucher, on: date, text: str) -> Voucher:
    """The voucher that takes another back, line by line, dated `on` (a posted voucher is never edited)."""
    lines = tuple(
        msgspec.structs.replace(
            line,
            amount=-line.amount,
            foreign=None if line.foreign is None else -line.foreign,
            refs=tuple(Ref(ref.kind, ref.id, -ref.amount) for ref in line.refs),
        )
        for line in voucher.lines
    )
    return msgspec.structs.replace(
        voucher,
        date=on,
        text=text,
        source="reversal",
        key=f"{voucher.key}/reversal",
        lines=lines,
        reverses=voucher.key,
    )


def correction(posted: Voucher, wanted: Voucher, on: date, text: str) -> tuple[Voucher, ...]:
    """What makes a posted voucher right: nothing if it already is, else its reversal (`text`) and the wanted one.

    Both are dated `on`. The new voucher's key counts up, because the old key stays with the old voucher for ever.
    """
    if (posted.lines, posted.source) == (wanted.lines, wanted.source):
        return ()
    return reversal(posted, on, text), msgspec.structs.replace(wanted, key=next_key(posted), date=on)


def standing(posted: Iterable[Voucher]) -> tuple[Voucher, ...]:
    """Those of the posted vouchers that no other has taken back, and that take back none."""
    every = tuple(posted)
    taken_back = {voucher.reverses for voucher in every if voucher.reverses}
    return tuple(voucher for voucher in every if not voucher.reverses and voucher.key not in taken_back)


def next_key(posted: Voucher) -> str:
    """Key of the version after this one."""
    return f"{base_key(posted.key)}@{version(posted.key) + 1}"


def base_key(key: str) -> str:
    """The key of what a voucher or its correction is of: without the correction's count, and the reversal's end."""
    return _COUNT.sub("", key.removesuffix("/reversal"))


def version(key: str) -> int:
    """1 for what was posted first, and what a correction has counted up to."""
    count = _COUNT.search(key.removesuffix("/reversal"))
    return int(count[1]) if count else 1
