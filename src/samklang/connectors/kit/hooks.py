"""Webhooks: whether they come from whom they say, and what they hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Literal, TypeVar

import msgspec

from samklang.connectors.errors import BadData, Rejected

T = TypeVar("T")


def check_signature(given: str, secret: str, body: bytes, form: Literal["hex", "base64"]) -> None:
    """HMAC-SHA256 over the body; Rejected when it is not what the header gives."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    expected = digest.hex() if form == "hex" else base64.b64encode(digest).decode()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise Rejected(
            "The webhook's signature is wrong",
            do_this="Register the webhooks again, or compare the secret in the system with the connection's.",
        )


def body_as(type_: type[T], body: bytes) -> T:
    """The body in this type; BadData when it does not fit."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise BadData(f"The webhook cannot be read: {error}") from error
