"""What the API refuses, and how it says so: RFC 9457 problem details with our codes.

    SamklangError
    └── Refused           this request cannot be carried out; nothing was done
        ├── NoToken       401
        ├── NotAllowed    403
        ├── NotThere      404
        ├── NoSuchMethod  405
        ├── Clash         409
        ├── Outdated      412
        ├── TooLarge      413
        ├── Unfit         422
        ├── NoMark        428
        └── TooOften      429

Errors of the hub come through under their own codes: 422 where the request is at fault, 409 where the moment is, 424
where an outside system was asked and did not do its part. A 5xx is always a defect of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils.translation import gettext
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from samklang.connectors.errors import Locked, Pause, Retry, SamklangError
from samklang.people.retold import retold

log = structlog.get_logger()

CONTENT_TYPE = "application/problem+json"


class Refused(SamklangError):
    """The request cannot be carried out."""

    code = "SYNC-600"
    do = "Correct the request as the message says."
    status: ClassVar[int] = 400

    #: Headers of the answer.
    headers: dict[str, str]

    def __init__(self, what: str = "", *, where: str = "", do_this: str = "", **headers: str) -> None:
        super().__init__(what, where=where, do_this=do_this)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class NoToken(Refused):
    """The token is missing, unknown, revoked or expired."""

    code = "SYNC-601"
    do = "Send the header Authorization: Bearer TOKEN; tokens are made under Company, API tokens."
    status = 401


class NotAllowed(Refused):
    """The token lacks the right to this."""

    code = "SYNC-602"
    do = "Use a token with the right that the message names; its maker must still have it too."
    status = 403


class NotThere(Refused):
    """There is nothing under this address."""

    code = "SYNC-603"
    do = "Check the address; names and numbers are those that the lists give."
    status = 404


class Unfit(Refused):
    """A value of the request does not fit."""

    code = "SYNC-604"
    do = "Correct the values that are named."
    status = 422

    def __init__(self, what: str = "", errors: tuple[tuple[str, str], ...] = (), **more: str) -> None:
        super().__init__(what, **more)
        self.errors = errors


class NoSuchMethod(Refused):
    """This address cannot be called in this way."""

    code = "SYNC-609"
    do = "Use one of the methods that the answer's header Allow names."
    status = 405


class Clash(Refused):
    """The request cannot be carried out just now, or not with this key."""

    code = "SYNC-605"
    do = "Look at how things stand, then send it again."
    status = 409


class Outdated(Refused):
    """It was changed by somebody else in the meantime."""

    code = "SYNC-606"
    do = "Get it again and send your change with its new ETag."
    status = 412


class TooLarge(Refused):
    """The request carries more than it may."""

    code = "SYNC-610"
    do = "Send less at a time: a body has at most 5 MB, a file 64 MB."
    status = 413


class NoMark(Refused):
    """The change does not say what it was made on."""

    code = "SYNC-607"
    do = "Send the ETag that you got as If-Match (* changes it whatever it is)."
    status = 428


class TooOften(Refused):
    """The token calls too often."""

    code = "SYNC-608"
    do = "Wait as many seconds as Retry-After says."
    status = 429


class Fault(Schema):
    """One value that does not fit."""

    where: str
    what: str


class ProblemDetails(Schema):
    """An error, as RFC 9457 has it; `code` is explained in the reference of errors."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    where: str = ""
    do_this: str = ""
    errors: list[Fault] = []


def _status(error: SamklangError) -> int:
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, Locked):
        return 409
    return 424 if isinstance(error, Retry) or (isinstance(error, Pause) and error.code in _REMOTE) else 422


_REMOTE = ("SYNC-301", "SYNC-302")  # the system refuses us


def answer(error: SamklangError) -> HttpResponse:
    """The error as a response: words for people in the language of the request, code and place for programs."""
    faults = [Fault(where=where, what=retold(what)) for where, what in getattr(error, "errors", ())]
    body = ProblemDetails(
        type=f"urn:samklang:error:{error.code}", title=retold((error.__class__.__doc__ or "").split("\n")[0]),
        status=_status(error), detail=retold(error.what), code=error.code, where=error.where,
        do_this=retold(error.do_this), errors=faults,
    )  # fmt: skip
    return HttpResponse(
        msgspec.json.encode(body.model_dump()), status=body.status, content_type=CONTENT_TYPE,
        headers=error.headers if isinstance(error, Refused) else None,
    )  # fmt: skip


def handle_in(api: NinjaAPI) -> None:
    """Let every error of the API's operations be answered in this way."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        SamklangError: lambda request, error: answer(error),
        AuthenticationError: lambda request, error: answer(NoToken()),
        Http404: lambda request, error: answer(NotThere()),
        ValidationError: lambda request, error: answer(_unfit(error)),
        HttpError: lambda request, error: answer(Refused(error.message)),
        SuspiciousOperation: lambda request, error: answer(Refused("The request cannot be read")),
        MultiPartParserError: lambda request, error: answer(Refused("The form cannot be read")),
        UnreadablePostError: lambda request, error: answer(Refused("The request was cut off")),
        RequestDataTooBig: lambda request, error: answer(TooLarge()),
        Exception: _defect,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _unfit(error: ValidationError) -> Unfit:
    faults = tuple((_place(one["loc"]), retold(str(one["msg"]))) for one in error.errors)
    where, why = faults[0] if faults else ("", "")
    return Unfit(f"{where}: {why}" if where else why, faults)


def _place(parts: tuple[Any, ...]) -> str:
    """Where a value stands: body.name, query.limit."""
    return ".".join(str(part) for part in parts if part != "payload")


def _defect(request: HttpRequest, error: Exception) -> HttpResponse:
    log.exception("the API failed", method=request.method, path=request.path)
    body = ProblemDetails(
        type="about:blank", title=gettext("Internal Server Error"), status=500,
        detail=gettext("Samklang failed on this request."), code="SYNC-000",
        do_this=gettext("Report it with the time and the address; the log of the server tells more."),
    )  # fmt: skip
    return HttpResponse(msgspec.json.encode(body.model_dump()), status=500, content_type=CONTENT_TYPE)
