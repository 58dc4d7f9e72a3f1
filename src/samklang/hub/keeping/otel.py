"""Sends spans to a collector where the operator asks for it: the standard OTEL_* variables, and the extra `otel`.

The only place that knows OpenTelemetry's SDK. Everything else about the export (headers, sampler, resource, batch
sizes) is the SDK's own, by its own variables: see docs/how-to/monitoring.md.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog

from samklang.hub import traces

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = structlog.get_logger()

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTER = "opentelemetry.exporter.otlp.proto.http"


def configure() -> None:
    """Begin to send spans, if an endpoint is set; a warning if it is and the extra is not installed."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    if not _installed():
        log.warning("no traces: an OTLP endpoint is set, and the extra `otel` is not installed (samklang[otel])")
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # type: ignore[import-not-found,unused-ignore]
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = provider()
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    traces.use(made)


def provider() -> TracerProvider:
    """The SDK's provider, named `samklang` unless OTEL_SERVICE_NAME says otherwise, with the numbers of orders."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Numbers(RandomIdGenerator):
        """A new trace is the order's that `traces.number` names, else any."""

        def generate_trace_id(self) -> int:
            return traces.number.get() or super().generate_trace_id()

        def is_trace_id_random(self) -> bool:
            return not traces.number.get()

    told = OTELResourceDetector().detect().attributes
    return TracerProvider(resource=Resource.create({"service.name": "samklang", **told}), id_generator=Numbers())


def _installed() -> bool:
    try:
        return find_spec(_EXPORTER) is not None
    except ModuleNotFoundError:  # not even the package above it
        return False
