"""The optional checksum of a SIE file (#KSUMMA): CRC-32 over what the lines say, not how they are written.

From the line after the first #KSUMMA to the line before the last one: labels and fields in PC8, without the blanks
between them, the quotes around them, braces, and the backslash before an inner quote (SIE 4B, #KSUMMA).
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from samklang.accounting.sie.lines import CHARSET, Row


def checksum(rows: Iterable[Row]) -> int:
    """CRC-32 of the rows between the two #KSUMMA lines."""
    value = 0
    for row in rows:
        if row.label in "{}":
            continue
        texts = [field if isinstance(field, str) else "".join(field) for field in row.fields]
        value = crc32((row.label + "".join(texts)).encode(CHARSET, "replace"), value)
    return value
