"""Idempotency-Key: a call that does something is carried out once, however often it comes within a day.

The key is the caller's own (a UUID), and belongs to its token. The same call under the same key is given the first
answer again; another call under it is refused, and so is one while the first is still under way. What failed is not
kept: it may be sent again under the same key.
"""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from samklang.api.models import Once
from samklang.api.v1.errors import Clash, Unfit
from samklang.hub.secrets import seal, unseal
from samklang.people.models import Token

HEADER = "Idempotency-Key"
_KEPT = 86_400.0  # seconds
_ALIVE = 120.0  # seconds after which a call without an answer has died with its process


class Again(Exception):
    """The call was carried out before: this is what it was answered."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def begin(request: HttpRequest, token: Token) -> Once | None:
    """Note a call that comes with a key. Raises Again when it was carried out before, Clash while it is under way, and
    Unfit when the key is no good or belongs to another call."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= 100 or not key.isascii() or not key.isprintable():
        raise Unfit(f"{HEADER} is 1 to 100 printable characters of ASCII", where=f"header.{HEADER}")
    asked = _said(request)
    now = time.time()
    Once.objects.filter(begun_at__lt=now - _KEPT).delete()
    try:
        with transaction.atomic():
            return Once.objects.create(tenant=token.tenant, token=token, key=key, asked=asked, begun_at=now)
    except IntegrityError:
        pass
    with transaction.atomic():
        row = Once.objects.select_for_update().filter(tenant=token.tenant, token=token, key=key).first()
        if row is None:  # the first try has just failed
            return Once.objects.create(tenant=token.tenant, token=token, key=key, asked=asked, begun_at=now)
        if bytes(row.asked) != asked:
            what = f"Another call has been sent under this {HEADER}"
            raise Unfit(what, where=f"header.{HEADER}", do_this="Use a key of its own for each call.")
        if row.status is not None:
            raise Again(_stored(row))
        if now - row.begun_at < _ALIVE:
            raise Clash("The same call is still under way", do_this="Send it again in a while.", Retry_After="5")
        row.begun_at = now
        row.save(update_fields=["begun_at"])
    return row


def _said(request: HttpRequest) -> bytes:
    """What tells one call from another: method, address, body. Files are read from where Django has put them: a body
    with files in it may be larger than memory should hold."""
    said = blake2b(f"{request.method} {request.get_full_path()}\n".encode(), digest_size=16)
    if request.content_type != "multipart/form-data":
        said.update(request.body)
        return said.digest()
    said.update(request.POST.urlencode().encode())
    for name in sorted(request.FILES):
        for file in request.FILES.getlist(name):
            said.update(f"\n{name} {file.name} {file.size}\n".encode())
            for piece in file.chunks():
                said.update(piece)
            file.seek(0)
    return said.digest()


def repeat(request: HttpRequest, again: Any) -> HttpResponse:
    """Handler of `Again`."""
    response: HttpResponse = again.response
    return response


def end(row: Once, response: HttpResponse) -> None:
    """Keep what a call was answered; forget the call when it failed."""
    if response.status_code >= 400:
        row.delete()
        return
    row.status = response.status_code
    row.answer = seal({"body": response.content.decode(), "type": response.headers.get("Content-Type", "")})
    row.save(update_fields=["status", "answer"])


def _stored(row: Once) -> HttpResponse:
    kept = unseal(row.answer)
    headers = {"Idempotency-Replayed": "true"}
    return HttpResponse(kept["body"], status=row.status, content_type=kept["type"], headers=headers)
