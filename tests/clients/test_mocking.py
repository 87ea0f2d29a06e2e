"""How users mock our client in their tests, and watch it: respx, pytest-httpx, event hooks, OpenTelemetry."""

import json
import sys
from typing import Any

import httpx
import pytest
import respx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bff_clients import BackendSettings, BackendUnavailable, CMSClient, create_http_client
from tests.support.misbehaving import head, misbehaving_server, says
from tests.support.platform import BATCH, KEY

pytestmark = pytest.mark.anyio

CLASSES = {BATCH: {"class_id": "d1ff7f61-e9db-5c67-9cc7-657c06dcda5a", "class_name": "Svenska 1"}}
URL = f"http://cms.test/internal/v1/batches/class-info?batch_ids={BATCH}"


def settings(transport: str) -> BackendSettings:
    return BackendSettings.model_validate(
        {"internal_api_key": KEY, "cms_base_url": "http://cms.test", "http_transport": transport}
    )


async def class_name(transport: str) -> str | None:
    chosen = settings(transport)
    async with create_http_client(chosen) as http:
        found = (await CMSClient(http, chosen).get_batch_class_info([BATCH]))[BATCH]
    return None if found is None else found.class_name


async def test_respx_mocks_the_shipped_transport_with_using_httpx() -> None:
    with respx.mock(using="httpx") as mock:
        mock.get(URL).respond(json=CLASSES)

        assert await class_name("aiohttp") == "Svenska 1"


async def test_respx_mocks_httpx_own_transport() -> None:
    with respx.mock() as mock:
        mock.get(URL).respond(json=CLASSES)

        assert await class_name("httpx") == "Svenska 1"


async def test_pytest_httpx_mocks_httpx_own_transport(httpx_mock: Any) -> None:
    httpx_mock.add_response(url=URL, json=CLASSES, match_headers={"X-Internal-API-Key": KEY.get_secret_value()})

    assert await class_name("httpx") == "Svenska 1"


async def test_event_hooks_see_the_whole_request_and_its_answer() -> None:
    seen: list[tuple[str, bytes, str, int]] = []

    async def on_response(response: httpx.Response) -> None:
        asked = response.request
        seen.append((str(asked.url), asked.content, asked.headers["Host"], response.status_code))

    with respx.mock(using="httpx") as mock:
        mock.get(URL).respond(json=CLASSES)
        async with create_http_client(settings("aiohttp")) as http:
            http.event_hooks = {"response": [on_response]}
            await CMSClient(http, settings("aiohttp")).get_batch_class_info([BATCH])

    assert seen == [(URL, b"", "cms.test", 200)]


@pytest.mark.parametrize(
    ("url", "in_a_test", "hinted"),
    [
        pytest.param("http://127.0.0.1:1", True, True, id="nothing-intercepts"),
        pytest.param("http://127.0.0.1:1", False, False, id="no-test-run"),
        pytest.param("http://no.invalid", True, False, id="another-host"),
    ],
)
async def test_a_refused_call_in_a_test_run_has_a_hint(
    *, url: str, in_a_test: bool, hinted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_a_test:
        monkeypatch.delitem(sys.modules, "pytest")
    chosen = settings("aiohttp").model_copy(update={"cms_base_url": url, "http_retries": 0})
    async with create_http_client(chosen) as http:
        with respx.mock(), pytest.raises(BackendUnavailable) as caught:
            await CMSClient(http, chosen).get_batch_class_info([BATCH])

    assert caught.value.reason == "connect"
    assert ("`backends`" in caught.value.detail) is hinted


@pytest.mark.parametrize(("transport", "kind"), [("aiohttp", "AiohttpTransport"), ("httpx", "AsyncHTTPTransport")])
async def test_the_setting_chooses_the_transport(transport: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_TEACHER_SERVICE_HTTP_TRANSPORT", transport)
    async with create_http_client(BackendSettings(internal_api_key=KEY)) as http:
        chosen = http._transport  # pyright: ignore[reportPrivateUsage]

    assert type(chosen).__name__ == kind


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
async def test_opentelemetry_sees_each_request(transport: str) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    async with misbehaving_server(says(head() + json.dumps(CLASSES).encode())) as port:
        chosen = settings(transport).model_copy(update={"cms_base_url": f"http://127.0.0.1:{port}"})
        async with create_http_client(chosen) as http:
            HTTPXClientInstrumentor.instrument_client(http, tracer_provider=provider)
            await CMSClient(http, chosen).get_batch_class_info([BATCH])
    (span,) = spans.get_finished_spans()

    assert span.name == "GET"
    assert KEY.get_secret_value() not in span.to_json()


async def test_a_transport_that_users_pass_in_is_used() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=CLASSES)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        assert (await CMSClient(http, settings("aiohttp")).get_batch_class_info([BATCH]))[BATCH] is not None
