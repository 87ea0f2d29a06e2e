"""Calls of a client on either transport, for the tests of loops, connections and ends."""

import asyncio
from typing import Any, Literal

import pytest

from bff_clients import BackendSettings, BackendUnavailable, RASClient, create_http_client
from tests.support.platform import BATCH, KEY
from tests.support.transports import ok, server

UNKNOWN = ok(b'{"error": "Batch not found"}').replace(b"200 OK", b"404 Not Found")
Transport = Literal["aiohttp", "httpx"]
TRANSPORTS = pytest.mark.parametrize("transport", ["aiohttp", "httpx"])


def settings_for(url: str = "http://ras.test", **changes: Any) -> BackendSettings:
    return BackendSettings.model_validate({"internal_api_key": KEY, "ras_base_url": url, "http_retries": 0, **changes})


async def outcome(client: RASClient) -> str:
    try:
        return "answered" if await client.get_batch_status(BATCH) is None else "?"
    except BackendUnavailable as error:
        return error.reason


def move(client: RASClient, url: str) -> None:
    """Set another address of the backend, because each loop has its own server. There is no public way."""
    client._upstream.base_url = url  # pyright: ignore[reportPrivateUsage]


class Moving:
    """A client whose backend is on another port in each loop."""

    def __init__(self, transport: Transport) -> None:
        self.settings = settings_for(http_transport=transport, http_max_in_flight=1)
        self.http = create_http_client(self.settings)
        self.client = RASClient(self.http, self.settings)

    async def ten(self) -> set[str]:
        async with server(lambda _: UNKNOWN) as serving:
            move(self.client, serving.url)
            return set(await asyncio.gather(*(outcome(self.client) for _ in range(10))))
