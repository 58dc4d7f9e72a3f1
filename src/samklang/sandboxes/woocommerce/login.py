"""Who may ask: keys over "https" (basic or in the query), OAuth 1.0a over plain http. Answers as observed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import deque
from typing import Literal
from urllib.parse import parse_qsl, quote

import msgspec

from samklang.sandboxes.woocommerce.wire import Refused

_WINDOW = 15 * 60  # seconds that an OAuth timestamp may be off


class Key(msgspec.Struct, frozen=True):
    """A REST key of the shop."""

    secret: str
    rights: Literal["read", "write", "read_write"] = "read_write"


class Login:
    """Checks a request's key. `https`: behave as if the request had come over https (basic login allowed)."""

    def __init__(self, keys: dict[str, Key], *, https: bool) -> None:
        self.keys = keys
        self.https = https
        self._nonces: deque[tuple[str, str]] = deque(maxlen=10000)

    def check(self, method: str, url: str, query: str, authorization: str, now: int) -> None:
        """Raise the shop's refusal, or return when the key may do this. `url` is without query."""
        params = dict(parse_qsl(query, keep_blank_values=True))
        key: Key | None
        if "oauth_consumer_key" in params:
            key = self._oauth(method, url, params, now)
        elif self.https:
            key = self._basic(params, authorization)
        else:
            key = None
        if key is None:
            raise Refused(401, *_nobody(method, url))
        reads = method in ("GET", "HEAD", "OPTIONS")
        if reads and key.rights == "write":
            raise _error("The API key provided does not have read permissions.")
        if not reads and key.rights == "read":
            raise _error("The API key provided does not have write permissions.")

    def _basic(self, params: dict[str, str], authorization: str) -> Key | None:
        name, secret = params.get("consumer_key", ""), params.get("consumer_secret", "")
        if not name and authorization.lower().startswith("basic "):
            try:
                name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
        key = self.keys.get(name)
        if key is not None and not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise _error("Consumer secret is invalid.")
        return key

    def _oauth(self, method: str, url: str, params: dict[str, str], now: int) -> Key:
        key = self.keys.get(params["oauth_consumer_key"])
        if key is None:
            raise _error("Consumer key is invalid.")
        kinds = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
        kind = kinds.get(params.get("oauth_signature_method", ""))
        if kind is None:
            raise _error("Invalid signature - signature method is invalid.")
        signed = sorted((quote(k, "~"), quote(v, "~")) for k, v in params.items() if k != "oauth_signature")
        joined = "&".join(f"{name}={value}" for name, value in signed)
        text = f"{method}&{quote(url, '~')}&{quote(joined, '~')}"
        wanted = base64.b64encode(hmac.new(f"{key.secret}&".encode(), text.encode(), kind).digest()).decode()
        if not hmac.compare_digest(wanted, params.get("oauth_signature", "")):
            raise _error("Invalid signature - provided signature does not match.")
        stamp, nonce = params.get("oauth_timestamp", "0"), params.get("oauth_nonce", "")
        if not stamp.isdigit() or abs(int(stamp) - now) > _WINDOW:
            raise _error("Invalid timestamp.")
        if (stamp, nonce) in self._nonces:
            raise _error("Invalid nonce - nonce has already been used.")
        self._nonces.append((stamp, nonce))
        return key


def _error(message: str) -> Refused:
    return Refused(401, "woocommerce_rest_authentication_error", message)


def _nobody(method: str, url: str) -> tuple[str, str]:
    """Code and message for a request without a usable key. Only the answer to a list was observed."""
    if url.endswith("/batch"):
        return "woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."
    single = url.rpartition("/")[2].isdigit()
    match method:
        case "POST":
            return "woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."
        case "PUT" | "PATCH":
            return "woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."
        case "DELETE":
            return "woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."
    return "woocommerce_rest_cannot_view", f"Sorry, you cannot {'view this resource' if single else 'list resources'}."
