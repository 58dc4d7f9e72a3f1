"""Others' files with something cut, changed or put in: refused in words, or read with sums that prove themselves.

Nothing but Unreadable may come out of a reader: whoever drops a file into a folder gets a sentence, not a traceback.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.sie import read_sie
from samklang.accounting.statements.base import Unreadable
from samklang.accounting.statements.reading import read_statement
from tests.conftest import SPECS

from ..bank import files as bank
from . import files

#: What stands in files by mistake: nothing, too much, other types, other characters, other files' words.
_ODD = (
    b"", b"0", b"-1", b"9" * 20, b"9" * 5000, b"1e5", b"NaN", b"null", b"true", b"[]", b"{", b"}", b'"', b"'", b";",
    b"\t", b"\r", b"\n", b"\x00", b"\x85", b"\xc2\xb2", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\\u0000", b"\\ud800",
    b"x" * 200, b"Europe", b"../x", b"0001-01-01", b"9999-12-31", b"01/01/0001", b"Total", "Итого".encode(),
)  # fmt: skip
_TOKEN = re.compile(rb'[^,;\t\r\n<>"{}:]+')
_LARGEST = 40_000
_TIMES = 15


def collected() -> list[Path]:
    """Small files of all kinds that were collected from others."""
    kinds = ("adyen", "bgmax", "camt", "klarna", "ozon", "paypal", "sie", "stripe", "wb", "yandex")
    folders = [*(SPECS / "samples" / kind for kind in kinds), SPECS / "specs/bgmax", SPECS / "specs/sie"]
    found = [path for folder in folders if folder.exists() for path in folder.iterdir()]
    found += (SPECS / "specs/iso20022").glob("*.xml")
    return sorted(path for path in found if path.stat().st_size < _LARGEST)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The file after one to three mishaps; a workbook's happen inside its parts."""
    if not data.startswith(b"PK"):
        for _ in range(chance.choice((1, 1, 2, 3))):
            data = _mishap(data, chance)
        return data
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        hit = chance.choice(old.namelist())
        for name in old.namelist():
            body = old.read(name)
            new.writestr(name, _mishap(body, chance) if name == hit or "sheet1" in name else body)
    return out.getvalue()


def _mishap(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data) or 1)
    match chance.randrange(5):
        case 0:
            return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        case 1:
            return data[:place] + data[place + chance.choice((1, 3, 20, 200)) :]
        case 2:
            return data[:place] + data[place // 2 : place // 2 + 50] + data[place:]
        case 3:
            return data[:place]
        case _:
            token = _TOKEN.search(data, place) or _TOKEN.search(data)
            start, end = token.span() if token else (place, place)
            return data[:start] + chance.choice(_ODD) + data[end:]


def proved(data: bytes, name: str) -> None:
    """Read it; what comes out adds up, or the refusal says what to do."""
    try:
        if "sie" in Path(name).parts:
            for voucher in read_sie(data).vouchers:
                assert sum((line.amount for line in voucher.lines), Decimal(0)) == 0
            return
        for made in read_statement(data, name):
            moved = sum((line.amount for line in made.lines), Decimal(0))
            if isinstance(made, BankStatement) and made.kind == "notice":
                continue
            assert made.opening is not None and made.opening + moved == made.closing
    except Unreadable as refused:
        assert refused.problem.what and refused.problem.do_this


def own() -> Iterator[tuple[str, bytes]]:
    yield from files.WHOLE.items()
    yield "bgmax", bank.BGMAX
    for version in (bank.OLD, bank.NEW):
        entries = [bank.entry("10.00", "KLARNA 1", version=version), bank.entry("5.00", version=version)]
        yield f"camt {version}", bank.camt(bank.statement(*entries, closing="115.00"), version=version)


@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")  # it warns of what the reader then refuses
@pytest.mark.parametrize(("name", "data"), list(own()), ids=lambda value: value if isinstance(value, str) else "")
def test_our_own_files_damaged_are_refused_or_add_up(name: str, data: bytes) -> None:
    chance = random.Random(name)
    for _ in range(_TIMES):
        proved(damaged(data, chance), name)


@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
@pytest.mark.skipif(not collected(), reason="the collected files are not here (SAMKLANG_SPECS)")
@pytest.mark.parametrize("path", collected(), ids=lambda path: path.name)
def test_files_of_others_damaged_are_refused_or_add_up(path: Path) -> None:
    chance = random.Random(path.name)
    for _ in range(_TIMES):
        proved(damaged(path.read_bytes(), chance), str(path.relative_to(SPECS)))
