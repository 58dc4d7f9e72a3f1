"""Files as they were handed in: packed and encrypted, for they hold names and account numbers."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from samklang.hub import secrets
from samklang.reconciliation.models import Export, StatementFile


def seal(data: bytes) -> bytes:
    """A file's bytes as the table keeps them."""
    return secrets.seal_bytes(zlib.compress(data))


def raw(file: StatementFile) -> bytes:
    """The file's bytes as they were handed in. Misconfigured when the key does not fit."""
    return unseal(bytes(file.body))


def unseal(body: bytes) -> bytes:
    """What `seal` was given. Misconfigured when the key does not fit."""
    return zlib.decompress(secrets.unseal_bytes(body))


def encrypt_anew(rotate: Callable[[bytes], bytes]) -> None:
    """Every file, sealed with the newest key (hub/secrets.py)."""
    for table in (StatementFile, Export):
        for pk, body in table._default_manager.values_list("pk", "body").iterator(chunk_size=1):
            table._default_manager.filter(pk=pk).update(body=rotate(bytes(body)))
