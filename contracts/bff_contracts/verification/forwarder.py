"""Forwards requests to a provider that runs at a URL."""

import asyncio
import os
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import httpx

from bff_contracts.http import Receive, Scope, Send, is_end_to_end, read_body, respond
from bff_contracts.terminal import described
from bff_contracts.verification.bounds import NoResponseError, read
from bff_contracts.verification.no_proxy import direct_transport

_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")


class Forwarder:
    """An ASGI application that passes each request on to the provider that runs at a URL.

    The verifier itself can replace a header, but then it does so in every interaction, those with a wrong key included.
    """

    def __init__(self, url: str, *, seconds: float) -> None:
        self._base = httpx.URL(url)
        self._path = self._base.raw_path.rstrip(b"/")
        self._url = url
        self._transport = direct_transport()
        self._timeout = httpx.Timeout(seconds).as_dict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request, and its response byte for byte."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        target = self._path + scope["raw_path"]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        request = httpx.Request(
            scope["method"],
            self._base.copy_with(raw_path=target),
            headers=_end_to_end(scope["headers"]),
            content=await read_body(receive),
            extensions={"timeout": self._timeout},
        )
        try:
            response = await self._transport.handle_async_request(request)
            try:
                body = await read(response.aiter_raw())
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            message = f"{self._url} gave no response: {described(error)}"
            raise NoResponseError(message) from error
        await respond(send, response.status_code, _end_to_end(response.headers.raw), body)
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._transport.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def reach(url: str, *, seconds: float) -> None:
    """Check that something listens at a URL.

    Raises:
        NoResponseError: Nothing does.
    """
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), seconds)
    except (OSError, TimeoutError, ValueError) as error:
        message = f"cannot connect to {url}: {_reason(error)}"
        raise NoResponseError(message) from error
    writer.close()


def _reason(error: OSError | TimeoutError | ValueError) -> str:
    if isinstance(error, UnicodeError):  # Python words the failure of its codec in a different way in each version
        return "not a host name"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    # asyncio repeats the address, for a name with several addresses each of them; every reason is named once.
    found = dict.fromkeys(os.strerror(int(number)) for number in _ERRNO.findall(str(error)))
    return ", ".join(found) or str(error)


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if is_end_to_end(name) and name.lower() != b"host"]
