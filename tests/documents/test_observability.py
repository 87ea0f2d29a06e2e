"""The page about logs, metrics and traces: its blocks work on the clients as they are."""

import logging
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from dishka import make_async_container
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from bff_clients import BackendSettings, BackendUnavailable, RASClient, RASClientProtocol, create_http_client
from bff_clients.correlation import correlation_id
from bff_clients.di import BackendClientsProvider
from bff_mock_server import Backends
from tests.documents.blocks import assert_among, runs
from tests.documents.test_clients import app_of
from tests.support.platform import TEACHER

PAGE = "docs/observability.md"
RAS = "result-aggregator-service"
ID = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

pytestmark = pytest.mark.anyio


def names_of(program: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102  a program of our own pages
    return names


@contextmanager
def loggers_of_a_program() -> Generator[None]:
    """Loggers as a program finds them, without pytest's handlers; as they were afterwards."""
    loggers = (logging.root, logging.getLogger("bff_clients"))
    before = [(logger, logger.level, logger.handlers) for logger in loggers]
    for logger in loggers:
        logger.handlers = []
    try:
        yield
    finally:
        for logger, level, handlers in before:
            logger.setLevel(level)
            logger.handlers = handlers


@pytest.fixture
def settings(backends: Backends) -> BackendSettings:
    return BackendSettings.model_validate(
        {"internal_api_key": backends.api_key, "http_retry_backoff_seconds": 0.001, "http_breaker_min_calls": 3}
    )


@pytest.fixture
async def http(settings: BackendSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with create_http_client(settings) as client:
        yield client


@pytest.fixture
def ras(http: httpx.AsyncClient, settings: BackendSettings) -> RASClient:
    return RASClient(http, settings)


@runs(PAGE, "import logging\n\nimport structlog", '{"event": "call"')
async def test_structlog_prints_the_fields_of_a_record(
    blocks: list[str], ras: RASClient, capsys: pytest.CaptureFixture[str]
) -> None:
    program, shown = blocks
    with loggers_of_a_program():
        names_of(program)
        await ras.get_batches_for_user(TEACHER)

    assert_among(shown, capsys.readouterr().err)


@runs(PAGE, "import logging\n\nfrom prometheus_client")
async def test_calls_retries_and_the_breaker_are_counted(blocks: list[str], ras: RASClient, backends: Backends) -> None:
    call = {"backend": RAS, "operation": "get_batches_for_user"}
    with loggers_of_a_program():
        names_of(blocks[0])
        await ras.get_batches_for_user(TEACHER)
        backends.fail("ras", "status=503")
        with pytest.raises(BackendUnavailable):
            await ras.get_batches_for_user(TEACHER)

    assert REGISTRY.get_sample_value("bff_backend_calls_total", {**call, "outcome": "ok"}) == 1
    assert REGISTRY.get_sample_value("bff_backend_calls_total", {**call, "outcome": "BackendUnavailable"}) == 1
    assert REGISTRY.get_sample_value("bff_backend_call_seconds_count", call) == 2
    assert REGISTRY.get_sample_value("bff_backend_retries_total", {"backend": RAS, "reason": "status"}) == 2
    assert REGISTRY.get_sample_value("bff_backend_breaker_is_closed", {"backend": RAS}) == 0


@runs(PAGE, "from bff_clients.di import BackendHttpClient")
async def test_opentelemetry_sees_each_request_of_the_container(
    blocks: list[str], backends_on_ports: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = BackendSettings.model_validate(
        {"internal_api_key": backends_on_ports.api_key, "ras_base_url": backends_on_ports.ras_url}
    )
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    container = make_async_container(BackendClientsProvider(settings))
    try:
        await names_of(blocks[0])["trace_backends"](container)
        await (await container.get(RASClientProtocol)).get_batches_for_user(TEACHER)
    finally:
        await container.close()
    (span,) = spans.get_finished_spans()

    assert span.context is not None
    assert backends_on_ports.requests[-1].headers["traceparent"].split("-")[1] == f"{span.context.trace_id:032x}"


@runs(PAGE, "from contextvars import ContextVar")
async def test_an_event_hook_sends_the_traceparent(
    blocks: list[str], ras: RASClient, http: httpx.AsyncClient, backends: Backends
) -> None:
    names = names_of(blocks[0])
    names["send_traceparent"](http)
    await ras.get_batches_for_user(TEACHER)
    names["traceparent"].set(PARENT)
    await ras.get_batches_for_user(TEACHER)

    assert [request.headers.get("traceparent") for request in backends.requests] == [None, PARENT]


@runs(PAGE, "from bff_clients import CorrelationIdMiddleware")
async def test_the_middleware_takes_the_id_of_the_request(blocks: list[str]) -> None:
    app = app_of(blocks[0])

    @app.get("/")
    async def current() -> str | None:  # pyright: ignore[reportUnusedFunction]
        return correlation_id.get()

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bff.test") as http:
        found = await http.get("/", headers={"X-Correlation-ID": ID})

    assert found.json() == ID
