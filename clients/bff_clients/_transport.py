"""The transport of the `httpx.AsyncClient` that this package builds: aiohttp behind httpx's interface.

httpx's own connection pool costs more, and never recovers when calls are cancelled while they wait for a connection.
Callers see only httpx's requests, responses and exceptions. It is meant for requests without a body, the only ones that
this package sends; a request's body is read completely before it is sent.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache
from typing import Any, Final, cast

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from bff_clients._hooks import GuardedConnector, without_retries
from bff_clients._loops import ResourcePerLoop

_KEEPALIVE_SECONDS: Final = 5.0
"""How long an idle connection is kept: as long as httpx does, and shorter than servers do."""

_LINE_BYTES: Final = 32 * 1024
"""The longest line of an answer's head; four times what servers and proxies write."""

_AUTOMATIC: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp adds unless it is asked not to."""

_LEAST_SECONDS: Final = 1e-6
"""Replaces a timeout of 0, which means "none" to aiohttp and "at once" to httpx."""

_FIRST_FINAL: Final = 200
"""The lowest status of an answer; those below announce one. aiohttp returns a 101, and numbers below 100."""

_FAULTS: Final = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError, ValueError)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx's requests through aiohttp; raises the exceptions of httpx's default transport.

    Args:
        max_connections: The most requests in flight; others wait.
        tls: Which certificates are trusted; by default those that httpx trusts.
    """

    def __init__(self, *, max_connections: int, tls: ssl.SSLContext | None = None) -> None:
        self._max_connections = max_connections
        self._turns = asyncio.Semaphore(max_connections)
        self._tls = tls or httpx.create_ssl_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._sessions = ResourcePerLoop(self._session, aiohttp.ClientSession.close)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of the answer is read on demand.

        Raises:
            httpx.TransportError: There is no answer, and the class says why.
        """
        if request.url.scheme not in {"http", "https"} or not request.url.raw_host:
            message = f"not an http or https URL with a host: {request.url.scheme}://{request.url.host}"
            raise httpx.UnsupportedProtocol(message)
        content = await request.aread()
        session = await self._sessions.get()
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        turns = self._turns
        if turns.locked():
            await _wait_for(turns, limits.get("pool"))
        else:
            await turns.acquire()
        try:
            answer = await _sent(session, request, content, limits)
        except BaseException:
            turns.release()
            raise
        response = httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer, turns, limits.get("read")),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": (answer.reason or "").encode("latin-1", "replace"),
            },
        )
        return _without_location(response)

    async def aclose(self) -> None:
        """Close all connections, for good."""
        await self._sessions.aclose()

    def _session(self) -> aiohttp.ClientSession:
        """The session for the running event loop, which cannot use another loop's connections."""
        self._turns = asyncio.Semaphore(self._max_connections)
        session = aiohttp.ClientSession(
            connector=GuardedConnector(
                limit=0,  # `_turns` is the limit, so that waiting too long raises a `PoolTimeout`
                ssl=self._tls,
                keepalive_timeout=_KEEPALIVE_SECONDS,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            request_class=_Request,
            max_line_size=_LINE_BYTES,
            max_field_size=_LINE_BYTES,
        )
        return without_retries(session)


class AsyncHTTPTransport(httpx.AsyncBaseTransport):
    """httpx's own transport, one for each event loop: it cannot use another loop's connections."""

    def __init__(self, *, limits: httpx.Limits) -> None:
        tls = httpx.create_ssl_context()
        self._transports = ResourcePerLoop(
            lambda: httpx.AsyncHTTPTransport(verify=tls, limits=limits), lambda transport: transport.aclose()
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            httpx.TransportError: There is no answer, and the class says why.
        """
        transport = await self._transports.get()
        return _without_location(await transport.handle_async_request(request))

    async def aclose(self) -> None:
        """Close all connections, for good."""
        await self._transports.aclose()


class _Request(aiohttp.ClientRequest):
    """A request without headers of aiohttp's own."""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add none to a GET, without comparing its headers with the names to skip, which takes 1 % of a call."""
        if skip_auto_headers is not None:  # aiohttp needs the names for other methods and for a body
            super().update_auto_headers(skip_auto_headers)


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it arrives; ends the turn of its request when it is closed."""

    def __init__(self, answer: aiohttp.ClientResponse, turns: asyncio.Semaphore, seconds: float | None) -> None:
        self._answer = answer
        self._turns: asyncio.Semaphore | None = turns
        self._seconds = seconds
        self._protocol: Any = answer.connection.protocol if answer.connection is not None else None
        if self._protocol is not None:
            # The read timeout runs only while the body is being read.
            self._protocol.read_timeout = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        content = self._answer.content
        try:
            chunk = content.read_nowait()
            if not chunk and not content.at_eof():  # a clock is set only where there is something to wait for
                if self._seconds is None:
                    chunk = await content.readany()
                else:
                    async with asyncio.timeout(self._seconds):
                        chunk = await content.readany()
        except _FAULTS as error:
            fault: BaseException = error
        else:
            if chunk:
                return chunk
            if (lost := self._lost()) is None:
                raise StopAsyncIteration
            fault = lost
        if isinstance(fault, aiohttp.ClientPayloadError):
            # The exception says that the body is cut off; only the protocol says whether by a reset or a close.
            fault = self._why() or fault
        raise _translated(fault)

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, and close it otherwise."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.release()
            self._answer.close()

    def _why(self) -> BaseException | None:
        return None if self._protocol is None else cast("BaseException | None", self._protocol.exception())

    def _lost(self) -> BaseException | None:
        """The reset that ended a body without a length: such a body looks complete and is not."""
        headers = self._answer.headers
        if "Content-Length" in headers or "Transfer-Encoding" in headers:
            return None
        why = self._why()
        return why if isinstance(why, OSError) else None


def _without_location(response: httpx.Response) -> httpx.Response:
    """The response without a `Location`: httpx parses it even when redirects are not followed, and fails on many."""
    if response.is_redirect and response.has_redirect_location:
        del response.headers["Location"]
    return response


async def _wait_for(turns: asyncio.Semaphore, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await turns.acquire()
    except TimeoutError as error:
        message = "no connection became free in time"
        raise httpx.PoolTimeout(message) from error


async def _sent(
    session: aiohttp.ClientSession, request: httpx.Request, content: bytes, limits: dict[str, float | None]
) -> aiohttp.ClientResponse:
    try:
        answer = await session.request(
            request.method,
            _address(request.url),
            headers=_headers(request),
            data=content or None,
            skip_auto_headers=None if request.method == "GET" and not content else _AUTOMATIC,
            allow_redirects=False,
            timeout=_timeout(limits.get("connect"), limits.get("read")),
        )
    except _FAULTS as error:
        fault: BaseException = error
    else:
        if answer.status >= _FIRST_FINAL:
            return answer
        answer.close()
        fault = HttpProcessingError(message="the status of no final answer")
    # Not raised while the error is handled: its context would hold the request's headers and the key.
    raise _translated(fault)


def _translated(fault: BaseException) -> httpx.TransportError:
    """The exception of httpx's default transport for the same fault; its cause is dropped if that holds the request."""
    if isinstance(fault, aiohttp.ClientResponseError):  # its message holds the URL, its attributes the headers
        return _kind(fault)("the answer is not HTTP")
    error = _kind(fault)(str(fault) or type(fault).__name__)
    error.__cause__ = fault
    return error


def _kind(fault: BaseException) -> type[httpx.TransportError]:  # noqa: PLR0911  # one for each kind
    match fault:  # from the most specific to the most general
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout
        case TimeoutError():
            return httpx.ReadTimeout
        case aiohttp.ClientConnectorError() | aiohttp.InvalidURL() | UnicodeError():
            return httpx.ConnectError
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return httpx.RemoteProtocolError
        case HttpProcessingError():
            return httpx.RemoteProtocolError
        case ValueError():
            return httpx.LocalProtocolError
        case _:
            return httpx.ReadError


def _headers(request: httpx.Request) -> CIMultiDict[str]:
    raw = request.headers.raw
    try:
        headers = CIMultiDict([(name.decode(), value.decode()) for name, value in raw])
    except UnicodeDecodeError:
        headers = CIMultiDict([(_text(name), _text(value)) for name, value in raw])
    headers.popall("Transfer-Encoding", None)  # the body is sent whole, and aiohttp says how long it is
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    connect, read = (None if seconds is None else max(seconds, _LEAST_SECONDS) for seconds in (connect, read))
    # `connect` bounds the lookup of the name too; with no limit on the connector nothing else waits there.
    return aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=read)


def _address(url: httpx.URL) -> URL:
    path, _, query = url.raw_path.decode("ascii").partition("?")
    host = url.raw_host.decode("ascii")
    if ":" in host:
        host = f"[{host}]"  # an IPv6 address, which httpx gives without its brackets
    # Without user and password: httpx has turned them into a header.
    return URL.build(scheme=url.scheme, host=host, port=url.port, path=path, query_string=query, encoded=True)
