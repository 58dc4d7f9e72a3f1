"""Secrets at rest: encrypted with a key from the environment or a file, and the key can be rotated.

The key is 32 random bytes in URL-safe base64 (Fernet). The operator's own (`SAMKLANG_KEY`, or the file that
`SAMKLANG_KEY_FILE` names) wins over the file `samklang.key` in the data folder, which is made on first use with rights
for its owner only. While a rotation is under way the old keys still read (`SAMKLANG_OLD_KEYS`, or either file's further
lines).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from samklang.connectors.errors import Misconfigured
from samklang.hub.models import Connection, Subscription
from samklang.settings import secret

#: What other floors keep sealed: each encrypts all of its own anew with the function it is given, which takes what is
#: sealed and gives it sealed with the newest key. Called in the transaction of a rotation.
kept_elsewhere: list[Callable[[Callable[[bytes], bytes]], None]] = []


def key_file() -> Path:
    """Where the key lies unless the operator holds it."""
    return Path(settings.DATA) / "samklang.key"


def _given() -> list[str]:
    """The operator's keys, the newest first; none where the key is ours. Misconfigured when their file is no good."""
    try:
        newest = secret("SAMKLANG_KEY").split()
    except ImproperlyConfigured as error:
        raise Misconfigured(str(error), do_this="Restore that file, or let SAMKLANG_KEY_FILE name another.") from error
    return [*newest, *filter(None, os.environ.get("SAMKLANG_OLD_KEYS", "").split(","))] if newest else []


def keys() -> list[str]:
    """The keys in use, the newest first; made where there is none yet."""
    if given := _given():
        return given
    path = key_file()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().split()  # another process was first
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    return path.read_text().split()


def has_key() -> bool:
    """Whether there is a key already."""
    return bool(_given()) or key_file().exists()


def adopt(old: list[str]) -> None:
    """Use the keys of a backup. Misconfigured when the secrets here are kept with others."""
    if not has_key():
        _write_keys(old)
    elif not set(old) <= set(keys()):
        raise Misconfigured(
            "The backup holds another key than this hub uses",
            do_this="Move samklang.key away, or put the backup's key into SAMKLANG_OLD_KEYS.",
        )


def _cipher() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys()])
    except ValueError as error:
        raise Misconfigured(
            "The key for secrets is not a Fernet key", do_this="Set SAMKLANG_KEY, or restore samklang.key from backup."
        ) from error


def seal(value: Any) -> bytes:
    """Encrypt anything JSON can hold."""
    return _cipher().encrypt(msgspec.json.encode(value))


def unseal(sealed: bytes | memoryview) -> Any:
    """What `seal` was given; {} for nothing. Misconfigured when the key does not fit."""
    if not sealed:
        return {}
    try:
        return msgspec.json.decode(_cipher().decrypt(bytes(sealed)))
    except InvalidToken as error:
        raise Misconfigured(
            "The stored secrets cannot be read with this key",
            do_this="Restore the key that wrote them (SAMKLANG_KEY or samklang.key), or enter the secrets again.",
        ) from error


def seal_bytes(value: bytes) -> bytes:
    """Encrypt bytes; a third larger afterwards."""
    return _cipher().encrypt(value)


def unseal_bytes(sealed: bytes | memoryview) -> bytes:
    """What `seal_bytes` was given. Misconfigured when the key does not fit."""
    try:
        return _cipher().decrypt(bytes(sealed))
    except InvalidToken as error:
        raise Misconfigured(
            "What is kept encrypted cannot be read with this key",
            do_this="Restore the key that wrote it (SAMKLANG_KEY or samklang.key).",
        ) from error


def rotate() -> int:
    """Make a new key, encrypt every secret with it anew, forget the old one. Returns how many connections there are.

    Safe to be killed anywhere: the new key is added in front of the old in the file first, and the old is taken away
    only after the database has committed.
    """
    if given := _given():
        if len(given) == 1:
            raise Misconfigured(
                "The key is in SAMKLANG_KEY or SAMKLANG_KEY_FILE, so only you can make the new one",
                do_this="Put a new key there, the old one into SAMKLANG_OLD_KEYS or on the file's second line, and run"
                " this again.",
            )
        return _reencrypt()
    new = Fernet.generate_key().decode()
    _write_keys([new, *keys()])
    count = _reencrypt()
    _write_keys([new])
    return count


def _reencrypt() -> int:
    from samklang.hub.links import settle_journals

    settle_journals()  # what a crash left there, the old key sealed
    with transaction.atomic():
        connections = list(Connection.objects.select_for_update().all())
        for connection in connections:
            for field in ("secrets", "tokens"):
                sealed = bytes(getattr(connection, field))
                if sealed:
                    setattr(connection, field, _cipher().rotate(sealed))
            connection.save(update_fields=["secrets", "tokens"])
        for row in Subscription.objects.select_for_update():
            row.secrets = _cipher().rotate(bytes(row.secrets))
            row.save(update_fields=["secrets"])
        for encrypt_anew in kept_elsewhere:
            encrypt_anew(_cipher().rotate)
    return len(connections)


def _write_keys(found: list[str]) -> None:
    path = key_file()
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(dict.fromkeys(found)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
