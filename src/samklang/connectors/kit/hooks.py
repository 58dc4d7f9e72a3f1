"""Webhooks: whether they come from whom they say, and what they hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal, TypeVar
from urllib.parse import urlencode

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


def signed_address(address: str, secret: str) -> str:
    """For systems that sign nothing: the address with a token that only who registered the webhook knows."""
    return f"{address}?{urlencode({'token': _token(secret)})}"


def check_token(headers: Mapping[str, str], secret: str) -> None:
    """Whether the webhook came to the address of `signed_address`; Rejected when not. The hub hands the address' token
    over as a header."""
    if not hmac.compare_digest(headers.get("x-hook-token", "").encode(), _token(secret).encode()):
        raise Rejected("The webhook's address lacks its token", do_this="Register the webhooks again.")


def _token(secret: str) -> str:
    return hmac.new(secret.encode(), b"address", hashlib.sha256).hexdigest()[:32]


def body_as(type_: type[T], body: bytes) -> T:
    """The body in this type; BadData when it does not fit."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise BadData(f"The webhook cannot be read: {error}") from error
