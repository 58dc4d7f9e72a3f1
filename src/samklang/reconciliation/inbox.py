"""The drop folder: what is laid into DATA/statements/<tenant>/<company>/ is taken in, and put aside.

    klarna-2026-03.csv           read by its content         done/      taken, or known already
    stripe/report.csv            read as Stripe's            refused/   with a text beside it that says why

A file that is still being written is left alone: it is taken when it has not changed for a moment. Names beginning with
a dot, and what ends in .part or .tmp, are not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from samklang.connectors.errors import SamklangError
from samklang.hub.keeping import uploads
from samklang.hub.models import Company
from samklang.reconciliation.files import Handed, import_file

_SETTLED = 3.0  # seconds without a change
_ASIDE = ("done", "refused")
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")


def folder(company: Company) -> Path:
    """Where a company's files are laid."""
    return Path(settings.DATA) / "statements" / company.tenant.slug / company.code


def take_in(company: Company) -> int:
    """Take what lies there; gives how many files were taken. Each ends in done/ or refused/: killed in between, it is
    taken again, which changes nothing."""
    place = folder(company)
    count = 0
    for path, provider in _files(place):
        try:
            data = _read(path)
            import_file(company, path.name, data, Handed("drop folder", "folder", provider))
        except SamklangError as error:
            _aside(place, path, "refused", f"{error}\n{error.do_this}\n")
        else:
            count += 1
            _aside(place, path, "done")
    return count


def _files(place: Path) -> Iterator[tuple[Path, str]]:
    """Files that are whole, with the provider whose folder they lie in."""
    if not place.is_dir():
        return
    for entry in sorted(place.iterdir()):
        if entry.is_dir() and entry.name not in _ASIDE and not entry.is_symlink():
            yield from ((path, entry.name) for path in sorted(entry.iterdir()) if _whole(path))
        elif _whole(entry):
            yield entry, ""


def _whole(path: Path) -> bool:
    if path.name.startswith(".") or path.suffix in _UNFINISHED or path.is_symlink() or not path.is_file():
        return False
    return time.time() - path.stat().st_mtime >= _SETTLED


def _read(path: Path) -> bytes:
    """The file, no further than a statement may be long."""
    with path.open("rb") as file:
        return file.read(uploads.LARGEST + 1)


def _aside(place: Path, path: Path, where: str, why: str = "") -> None:
    """Move a file away, never over another."""
    target = place / where / path.name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while target.exists():
        target = target.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    if why:
        target.with_name(f"{target.name}.txt").write_text(why)
    path.replace(target)
