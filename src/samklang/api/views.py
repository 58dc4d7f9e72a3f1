"""Webhooks are judged and stored before they are answered; health and metrics say what an operator's monitor asks."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from prometheus_client.exposition import choose_encoder

from samklang import engine
from samklang.connectors.errors import SamklangError, Stop
from samklang.engine.health import ailment
from samklang.engine.port import hooks_job
from samklang.hub import hooks
from samklang.hub.metrics import EVERYTHING
from samklang.hub.models import Connection
from samklang.people.access import public


@public("the connector judges the signature")
@csrf_exempt
@require_POST
def hook(request: HttpRequest, tenant: str, connection_name: str) -> HttpResponse:
    """Take a webhook: 200 when it is stored (or says nothing), 401 for a wrong signature, 404, 413."""
    row = Connection.objects.select_related("tenant").filter(tenant__slug=tenant, name=connection_name).first()
    if row is None or not hooks.expected(row):
        return HttpResponse(status=404)
    if int(request.headers.get("content-length") or 0) > hooks.LARGEST:
        return HttpResponse(status=413)
    try:
        body = request.body
    except (RequestDataTooBig, UnreadablePostError):
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    if token := request.GET.get("token"):  # of a system that signs nothing; see kit/hooks.py
        headers["x-hook-token"] = token
    try:
        hints = hooks.receive(row, headers, body)
    except Stop:
        return HttpResponse(status=401)
    except SamklangError:
        # The connection cannot be opened (settings, key): ask the system to come again later.
        return HttpResponse(status=503)
    if hints and engine.current is not None:
        engine.current.wake(hooks_job(row.tenant_id, row.pk))
    return HttpResponse(status=200)


@public("it tells nothing but that the process lives")
@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@public("it tells nothing of what is kept here")
@require_GET
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers and has all migrations, and jobs are being run; 503 otherwise, with the reason."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return JsonResponse({"status": "no database", "reason": error.__class__.__name__}, status=503)
    if missing:
        return JsonResponse({"status": "migrations missing", "count": len(missing)}, status=503)
    if reason := ailment():
        return JsonResponse({"status": "no engine", "reason": reason}, status=503)
    return JsonResponse({"status": "ready", "engine": engine.current is not None})


@public("it asks for the operator's token itself, or answers this machine only")
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text. Whoever has the operator's token may ask (401 otherwise); without one, this machine (403)."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("authorization", "")
        if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    elif not _from_here(request):
        return HttpResponse("Off this machine /metrics asks for a token: set SAMKLANG_METRICS_TOKEN.", status=403)
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return HttpResponse(encode(EVERYTHING), content_type=content_type)


def _from_here(request: HttpRequest) -> bool:
    """Whether a program on this machine asks for itself: not a proxy on it for somebody, nor a page in a browser that
    calls us by another name (DisallowedHost, which Django answers with 400)."""
    passed_on = {"forwarded", "x-forwarded-for", "x-real-ip", "via"} & {name.lower() for name in request.headers}
    address = request.META.get("REMOTE_ADDR", "")
    request.get_host()
    return not passed_on and bool(address) and ipaddress.ip_address(address).is_loopback
