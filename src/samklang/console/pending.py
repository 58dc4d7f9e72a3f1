"""What somebody has typed into a connect form and that is not saved yet: kept in the session, encrypted, for a quarter
of an hour. So nothing is lost while a key is wrong or a person is away approving us at another system's login."""

from __future__ import annotations

import base64
import time
from secrets import token_urlsafe
from typing import Any

import msgspec
from django.http import HttpRequest

from samklang.connectors.errors import Misconfigured
from samklang.hub import secrets

_KEY = "pending"
_SECONDS = 900.0
_MOST = 4  # at once in a session


class Pending(msgspec.Struct):
    """A form that was sent: for which tenant and connection, what was answered, where a login page leads back to.
    `login`: a login anew of a connection that there is."""

    tenant: str
    name: str
    connector: str
    given: dict[str, Any]
    redirect: str = ""
    login: bool = False
    id: str = ""


def keep(request: HttpRequest, pending: Pending) -> str:
    """Keep a form under its id, or a new one; gives the id. It is also the `state` of a login page, so that nobody
    else's answer is taken."""
    pending.id = pending.id or token_urlsafe(24)
    sealed = base64.b64encode(secrets.seal(msgspec.to_builtins(pending))).decode()
    kept = {id_: one for id_, one in _living(request).items() if id_ != pending.id}
    newest = dict(list(kept.items())[-(_MOST - 1) :])
    request.session[_KEY] = {**newest, pending.id: [time.time(), sealed]}
    return pending.id


def find(request: HttpRequest, id_: str) -> Pending | None:
    """The form that was kept under this id in this session, unless it is too old."""
    found = _living(request).get(id_)
    if found is None:
        return None
    try:
        return msgspec.convert(secrets.unseal(base64.b64decode(found[1])), Pending)
    except Misconfigured:  # the key was rotated meanwhile
        return None


def forget(request: HttpRequest, id_: str) -> None:
    """It is saved, or given up."""
    request.session[_KEY] = {other: one for other, one in _living(request).items() if other != id_}


def _living(request: HttpRequest) -> dict[str, Any]:
    now = time.time()
    return {id_: one for id_, one in request.session.get(_KEY, {}).items() if 0 <= now - one[0] < _SECONDS}
