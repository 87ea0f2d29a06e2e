"""The transport behind the `httpx.AsyncClient` that this package builds: aiohttp, in httpx's own words.

httpx's own connection pool costs more, charges each call for idle connections, and never recovers when calls are
cancelled while they wait for a connection. Callers see none of this: requests, responses and exceptions are httpx's.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_KEEPALIVE_SECONDS: Final = 5.0
"""How long an idle connection is kept: what httpx keeps it, and less than what servers do."""

_HEAD_BYTES: Final = 100 * 1024
"""The longest line of an answer's head: what httpx takes."""

_FAULTS: Final = (aiohttp.ClientError, TimeoutError, OSError)

_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx's requests through aiohttp; whatever fails is raised as what httpx's default transport raises.

    Args:
        max_connections: How many requests may be under way; more wait for their turn.
        tls: What certificates are trusted; httpx's own choice if there is none.
    """

    def __init__(self, *, max_connections: int, tls: ssl.SSLContext | None = None) -> None:
        self._turns = asyncio.Semaphore(max_connections)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of the answer is read when it is asked for.

        Raises:
            httpx.TransportError: There is no answer, and the class says why.
        """
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        await self._take_turn(limits.get("pool"))
        try:
            answer = await self._send(request, limits)
        except BaseException:
            self._turns.release()
            raise
        return httpx.Response(
            answer.status,
            headers=list(answer.raw_headers),
            stream=_Body(answer, self._turns),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": (answer.reason or "").encode("latin-1", "replace"),
            },
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _take_turn(self, seconds: float | None) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("no connection became free in time") from error

    async def _send(self, request: httpx.Request, limits: dict[str, float | None]) -> aiohttp.ClientResponse:
        # The loop hears now of kept connections that their server has closed, before one of them is taken.
        await asyncio.sleep(0)
        try:
            return await self._ready().request(
                request.method,
                _address(request.url),
                headers=_headers(request),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=_timeout(limits.get("connect"), limits.get("read")),
            )
        except _FAULTS as error:
            fault = error
        # Not raised while the error is handled: it would go along as context, with the request's headers and the key.
        raise _translated(fault)

    def _ready(self) -> aiohttp.ClientSession:
        if self._session is None:  # made in the event loop that it is used in
            connector = aiohttp.TCPConnector(
                limit=0,  # the turns are the limit, so that waiting for one is a `PoolTimeout`
                ssl=self._tls or httpx.create_ssl_context(),
                keepalive_timeout=_KEEPALIVE_SECONDS,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=_NO_TIMEOUT,
                max_line_size=_HEAD_BYTES,
                max_field_size=_HEAD_BYTES,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
            # aiohttp sends each idempotent request that is lost again by itself, which no budget would know of.
            self._session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return self._session


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it arrives; ends the turn of its request when it is closed."""

    def __init__(self, answer: aiohttp.ClientResponse, turns: asyncio.Semaphore) -> None:
        self._answer = answer
        self._turns: asyncio.Semaphore | None = turns
        self._protocol = answer.connection.protocol if answer.connection is not None else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_any():
                yield chunk
        except _FAULTS as error:
            fault: BaseException = error
        else:
            return
        if isinstance(fault, aiohttp.ClientPayloadError) and self._protocol is not None:
            # It says that the body is cut off, and only here why: a reset is another fault than a close.
            fault = self._protocol.exception() or fault
        raise _translated(fault)

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, and close it otherwise."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.release()
            self._answer.close()


def _translated(fault: BaseException) -> httpx.TransportError:
    """What httpx's default transport raises for the same fault, caused by it unless it holds the request's headers."""
    error = _kind(fault)(str(fault) or type(fault).__name__)
    error.__cause__ = None if isinstance(fault, aiohttp.ClientResponseError) else fault
    return error


def _kind(fault: BaseException) -> type[httpx.TransportError]:
    match fault:  # from the special to the general
        case aiohttp.NonHttpUrlClientError():
            return httpx.UnsupportedProtocol
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout
        case TimeoutError():
            return httpx.ReadTimeout
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return httpx.RemoteProtocolError
        case _:
            return httpx.ReadError


def _headers(request: httpx.Request) -> list[tuple[str, str]]:
    # The body is sent whole, and aiohttp says how long it is.
    return [(_text(name), _text(value)) for name, value in request.headers.raw if name.lower() != b"transfer-encoding"]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


@lru_cache(maxsize=1024)
def _address(url: httpx.URL) -> URL:
    return URL(str(url), encoded=True)
