"""Webhooks are judged and stored before they are answered; health says what an operator's monitor asks."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from samklang import engine
from samklang.connectors.errors import SamklangError, Stop
from samklang.engine.port import hooks_job
from samklang.hub import hooks
from samklang.hub.models import Connection


@csrf_exempt
@require_POST
def hook(request: HttpRequest, tenant: str, connection_name: str) -> HttpResponse:
    """Take a webhook: 200 when it is stored (or says nothing), 401 for a wrong signature, 404, 413."""
    row = Connection.objects.select_related("tenant").filter(tenant__slug=tenant, name=connection_name).first()
    if row is None:
        return HttpResponse(status=404)
    if int(request.headers.get("content-length") or 0) > hooks.LARGEST:
        return HttpResponse(status=413)
    try:
        body = request.body
    except (RequestDataTooBig, UnreadablePostError):
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
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


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_GET
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers and has all migrations; 503 otherwise, with the reason."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return JsonResponse({"status": "no database", "reason": error.__class__.__name__}, status=503)
    if missing:
        return JsonResponse({"status": "migrations missing", "count": len(missing)}, status=503)
    return JsonResponse({"status": "ready", "engine": engine.current is not None})
