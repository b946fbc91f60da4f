"""Where does the time of a turn, a call or a webhook go?

OpenTelemetry spans, sent where the standard `OTEL_EXPORTER_OTLP_ENDPOINT` (or `..._TRACES_ENDPOINT`) says, if the
extra `traces` is installed. Without an endpoint nothing is imported and a span is nothing. Attributes name portals,
kinds, routes and numbers: no record, no person.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

log = structlog.get_logger(__name__)

Attribute = str | int | float | bool

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NOTHING: AbstractContextManager[None] = nullcontext()

_tracer: Tracer | None = None
_provider: TracerProvider | None = None


def begin(role: str) -> bool:
    """Trace this process from now on, if an endpoint is set; return whether it is traced.

    After a fork, not before: what sends spans is a thread.
    """
    global _provider, _tracer
    if _provider is not None or not any(os.environ.get(name) for name in _ENDPOINTS):
        return _provider is not None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("traces_not_installed", what_now="pip install 'syncworker[traces]', or unset the endpoint")
        return False
    about = {"service.name": "syncworker", "service.version": version("syncworker"), "syncworker.role": role}
    _provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = _provider.get_tracer("syncworker")
    return True


def end() -> None:
    """Send what was not sent yet, and trace no more."""
    global _provider, _tracer
    if _provider is not None:
        _provider.shutdown()
    _provider = _tracer = None


def span(name: str, **attributes: Attribute) -> AbstractContextManager[None]:
    """A span around what happens inside; an error that leaves it marks it, by its class alone."""
    return _NOTHING if _tracer is None else _span(_tracer, name, attributes)


def add(**attributes: Attribute | None) -> None:
    """Tell the present span what is known only at its end."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span

        current = get_current_span()
        for name, value in attributes.items():
            if value is not None:
                current.set_attribute(f"syncworker.{name}", value)


@contextmanager
def _span(tracer: Tracer, name: str, attributes: dict[str, Attribute]) -> Iterator[None]:
    from opentelemetry.trace import Status, StatusCode

    ours = {f"syncworker.{key}": value for key, value in attributes.items()}
    # Not the library's own record of an error: its message may name a person.
    with tracer.start_as_current_span(
        name, attributes=ours, record_exception=False, set_status_on_exception=False
    ) as s:
        try:
            yield
        except BaseException as error:
            s.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
