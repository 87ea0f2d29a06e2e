"""The HTTP client that both backends share."""

import select
from typing import Any

import httpx
import pytest
import respx

from bff_clients import BackendSettings, RASClient, create_http_client
from tests.clients.calling import TRANSPORTS, UNKNOWN, Transport, outcome, settings_for
from tests.support.golden import Golden
from tests.support.transports import server

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("in_flight", "connections"), [(50, 100), (1, 2), (0, 2000)])
async def test_the_http_client_has_room_for_both_backends(
    settings: BackendSettings, in_flight: int, connections: int
) -> None:
    limited = settings.model_copy(update={"http_max_in_flight": in_flight})
    async with (
        create_http_client(limited) as shipped,
        create_http_client(limited.model_copy(update={"http_transport": "httpx"})) as plain,
    ):
        found: Any = (shipped._transport, plain._transport)  # pyright: ignore[reportPrivateUsage]
        pool = (await found[1]._transports.get())._pool

    assert (found[0]._max_connections, pool._max_connections) == (connections, connections)
    assert pool._max_keepalive_connections == min(20, connections)


async def test_the_transport_of_httpx_is_closed_with_its_client(settings: BackendSettings, golden: Golden) -> None:
    async with create_http_client(settings.model_copy(update={"http_transport": "httpx"})) as http:
        transport = http._transport  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(RuntimeError) as refused:
        await transport.handle_async_request(httpx.Request("GET", "http://127.0.0.1:1/"))
    golden.check(str(refused.value))


async def test_the_http_client_has_the_settings_timeout_and_keeps_no_cookies(settings: BackendSettings) -> None:
    async with create_http_client(settings.model_copy(update={"http_client_timeout_seconds": 7})) as http:
        with respx.mock(using="httpx") as mock:
            mock.get("http://ras.test/").respond(headers={"Set-Cookie": "a=b"})
            first = await http.get("http://ras.test/")
            http.cookies = {"c": "d"}
            http.cookies.set("e", "f")
            second = await http.get("http://ras.test/")

        assert ["Cookie" in answer.request.headers for answer in (first, second)] == [False, False]
        assert http.timeout == httpx.Timeout(7)
        assert dict(http.cookies) == {}


async def test_a_platform_without_poll_keeps_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll")
    async with server(lambda _: UNKNOWN) as serving:
        settings = settings_for(serving.url)
        async with create_http_client(settings) as http:
            client = RASClient(http, settings)
            outcomes = [await outcome(client) for _ in range(3)]

    assert (outcomes, serving.connections) == (["answered"] * 3, 1)


@TRANSPORTS
async def test_a_backend_on_ipv6_is_called(transport: Transport) -> None:
    async with server(lambda _: UNKNOWN, host="::1") as serving:
        settings = settings_for(serving.url, http_transport=transport)
        async with create_http_client(settings) as http:
            assert await outcome(RASClient(http, settings)) == "answered"

    assert b"\r\nHost: [::1]:" in serving.requests[0]
