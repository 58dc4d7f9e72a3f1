"""Who may call what: each operation names one right, and nothing is answered before token, tenant, right and pace are
judged.

    door = Door("problems")

    @door.get("/problems", Right.SEE, Page[ProblemRow])
    def problems(call: Call, limit: Limit = 50) -> Any: ...

The tenant stands in the address, /api/v1/t/{tenant}/…, and is the token's own or is not found. The operation gets
`call.tenant`, `call.known` (the token and its rights) and `call.actor` (who did it, for the audit).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import wraps
from hashlib import blake2b
from typing import Annotated, Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Header, Path, Router, Schema
from ninja.decorators import decorate_view
from ninja.responses import Status
from ninja.signature.utils import get_typed_signature
from pydantic import ConfigDict

from samklang.api.models import Once
from samklang.api.v1 import once, pace
from samklang.api.v1.errors import NoMark, NotAllowed, NoToken, NotThere, Outdated, ProblemDetails, TooOften, Unfit
from samklang.api.v1.reading import without_nul
from samklang.hub.models import Tenant
from samklang.people import tokens
from samklang.people.access import speak
from samklang.people.audit import Actor
from samklang.people.rights import WORDS, Right

View = TypeVar("View", bound=Callable[..., Any])

_SAFE = ("GET", "HEAD")
Slug = Annotated[str, Path(max_length=40, pattern=r"^[-a-zA-Z0-9_]+$", description="The tenant's short name.")]
Key = Annotated[
    str | None,
    Header(
        alias=once.HEADER, max_length=100, pattern=r"^[\x20-\x7e]+$",
        description="A value of your own (a UUID). The same call under the same key is carried out once.",
    ),
]  # fmt: skip


IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", max_length=100,
        description="The ETag of what you have seen; * changes it whatever it is.",
    ),
]  # fmt: skip


def match(mark: str, if_match: str | None) -> None:
    """Judge the If-Match of a change against the mark of what is there: NoMark without one, Outdated when it is not
    the same."""
    if if_match is None:
        raise NoMark
    seen = [one.strip().removeprefix("W/").strip('"') for one in if_match.split(",")]
    if if_match.strip() != "*" and mark not in seen:
        raise Outdated(ETag=f'"{mark}"')


class Input(Schema):
    """A body that is sent to us; what it has that we do not know is refused, so that no typing error is passed over."""

    model_config = ConfigDict(extra="forbid")


class Call(HttpRequest):
    """A request that has passed the door."""

    tenant: Tenant
    known: tokens.Known
    actor: Actor
    once: Once | None
    allowance: pace.Allowance


class Bearer:
    """Judges a request for an operation that asks for one right."""

    openapi_security_schema: Mapping[str, Any] = {
        "type": "http", "scheme": "bearer", "description": "A token made under Company, API tokens.",
    }  # fmt: skip

    def __init__(self, right: Right | None) -> None:
        self.right = right  # None: any token

    def __call__(self, request: HttpRequest) -> bool:
        call: Any = request
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        known = tokens.find(text.strip()) if scheme.lower() == "bearer" else None
        if known is None:
            raise NoToken(WWW_Authenticate="Bearer")
        values = request.resolver_match.kwargs if request.resolver_match else {}
        named = values.get("tenant")
        if named is not None and named != known.tenant.slug:
            raise NotThere
        if request.headers.get("Accept-Language", "*") == "*":
            speak(known.token.made_by)
        call.allowance = pace.ask(known.token.pk)
        if not call.allowance.granted:
            raise TooOften(Retry_After=str(math.ceil(call.allowance.wait)))
        if self.right and not known.may(self.right):
            right, what = self.right.value, WORDS[self.right]
            raise NotAllowed(f"The token lacks the right {right!r}: {what}")
        without_nul(values)
        call.tenant, call.known, call.actor = known.tenant, known, Actor.program(known.token)
        call.once = None if request.method in _SAFE else once.begin(request, known.token)
        return True


def closing(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Around every operation: keeps the answer of a call that is to be carried out once, and says what is left."""

    @wraps(run)
    def closed(request: Any, **values: Any) -> HttpResponse:
        response = run(request, **values)
        if request.method in _SAFE and response.status_code == 200:
            response = _unless_seen(request, response)
        if getattr(request, "once", None) is not None:
            once.end(request.once, response)
        allowance = getattr(request, "allowance", None)
        if allowance:
            response.headers["RateLimit-Limit"] = str(settings.API_BURST)
            response.headers["RateLimit-Remaining"] = str(allowance.left)
            response.headers["RateLimit-Reset"] = str(math.ceil(allowance.wait))
        return response

    return closed


def _unless_seen(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response with an ETag, or 304 when the caller has it already."""
    if "ETag" not in response.headers:
        response.headers["ETag"] = f'"{blake2b(response.content, digest_size=8).hexdigest()}"'
    asked = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    if not asked & {response.headers["ETag"], "*"}:
        return response
    return HttpResponse(status=304, headers={"ETag": response.headers["ETag"]})


#: Statuses that any operation may be answered with.
_ERRORS = frozenset({400, 401, 403, 404, 422, 424, 429})
_ERRORS_OF_CHANGES = _ERRORS | {409, 412, 413, 428}


class Door:
    """Operations on one kind of thing, under one heading of the reference."""

    def __init__(self, tag: str) -> None:
        self.router = Router(tags=[tag])

    def get(self, path: str, right: Right, answer: Any, **more: Any) -> Callable[[View], View]:
        """An operation that only reads."""
        return self._operation("GET", path, right, {200: answer}, _ERRORS, **more)

    def download(self, path: str, right: Right, *types: str) -> Callable[[View], View]:
        """An operation that gives a file of one of these media types: the view answers with `file`."""
        content = {type_: {"schema": {"type": "string", "format": "binary"}} for type_ in types}
        extra = {"responses": {200: {"content": content}}}
        return self._operation("GET", path, right, {200: None}, _ERRORS, extra=extra)

    def post(
        self, path: str, right: Right, answer: Any = None, status: int = 200, **more: Any
    ) -> Callable[[View], View]:
        """An operation that does something; it takes an Idempotency-Key. Without an `answer` it is 204."""
        status = 204 if answer is None else status
        return self._operation("POST", path, right, {status: answer}, _ERRORS_OF_CHANGES, **more)

    def put(self, path: str, right: Right, answer: Any, **more: Any) -> Callable[[View], View]:
        """An operation that lets something be as the body says."""
        return self._operation("PUT", path, right, {200: answer}, _ERRORS_OF_CHANGES, **more)

    def delete(self, path: str, right: Right, **more: Any) -> Callable[[View], View]:
        """An operation that takes something away."""
        return self._operation("DELETE", path, right, {204: None}, _ERRORS_OF_CHANGES, **more)

    def _operation(
        self, method: str, path: str, right: Right, answers: dict[int, Any], errors: frozenset[int],
        extra: Mapping[str, Any] | None = None, **more: Any,
    ) -> Callable[[View], View]:  # fmt: skip
        (success,) = answers

        address, asked = f"/t/{{tenant}}{path}", set[str]()

        def decorate(view: View) -> View:
            @wraps(view)
            def entered(request: Any, tenant: str, idempotency_key: str | None = None, **values: Any) -> Any:
                if unknown := sorted(request.GET.keys() - asked):
                    raise Unfit(f"There is no parameter {unknown[0]!r}", where=f"query.{unknown[0]}")
                found = view(request, **values)
                return found if isinstance(found, HttpResponse) else Status(success, found)

            entered.__signature__ = _signature(view, method)  # type: ignore[attr-defined]
            summary, _, rest = inspect.cleandoc(view.__doc__ or "").partition("\n")
            register = self.router.api_operation(
                [method], address, auth=Bearer(right), url_name=view.__name__.replace("_", "-"),
                operation_id=view.__name__, summary=summary.rstrip("."), description=rest.strip(),
                response={**answers, errors: ProblemDetails}, **more,
                openapi_extra={"x-right": right.value, **(extra or {})},
            )  # fmt: skip
            decorate_view(closing)(register(entered))
            models = self.router.path_operations[address].operations[-1].models
            asked.update(*(one.__ninja_flatten_map__ for one in models if one.__ninja_param_source__ == "query"))
            return view

        return decorate


def file(name: str, body: bytes, type_: str) -> HttpResponse:
    """A file to be kept under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type=type_, headers=headers)


def _signature(view: Callable[..., Any], method: str) -> inspect.Signature:
    """What ninja reads out of a request: the view's own arguments, and what the door takes itself."""
    _, *own = get_typed_signature(view).parameters.values()
    ours = [inspect.Parameter("tenant", inspect.Parameter.KEYWORD_ONLY, annotation=Slug)]
    if method == "POST":
        ours.append(inspect.Parameter("idempotency_key", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Key))
    return inspect.Signature([one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own] + ours)
