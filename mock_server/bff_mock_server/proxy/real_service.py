"""Sends requests to a real service and reads its responses within bounds."""

import zlib
from typing import Final
from urllib.parse import urlsplit

import httpx

from bff_contracts.http import HOP_BY_HOP, base_url_problem, is_end_to_end
from bff_mock_server.answering.mock_headers import HEADERS
from bff_mock_server.matching.request import Asked, lines_of
from bff_mock_server.responses.reply import Head, Reply

MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
MAX_DECODED_BYTES: Final = 16 * 1024 * 1024
"""The largest decompressed response, a hundred times the largest page of RAS."""

_SECONDS: Final = 60.0
"""How long a real service may take: longer than any client waits."""
_SET_BY_CLIENT: Final = frozenset({"host", "content-length", "accept-encoding"})
"""Headers that the client of each connection sets for itself."""
_ANY_HEADER: Final = 47
"""zlib's `wbits` for a gzip or a zlib header, whichever is there."""
_STATUSES: Final = range(200, 600)


class ProxyError(ValueError):
    """An address that requests cannot be passed on to."""


class UnreadableError(Exception):
    """A response that cannot be read within bounds; the message says why."""


class RealService:
    """The service at a URL.

    Args:
        url: Its base URL.

    Attributes:
        url: The same, without a slash at its end.

    Raises:
        ProxyError: The URL is not one that requests can be passed on to.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self._path = urlsplit(self.url).path
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, asked: Asked) -> Reply:
        """Pass a request on unchanged, except for headers of this connection and of the mock.

        Raises:
            httpx.HTTPError: There is no response, or one that cannot be passed back.
        """
        dropped = HOP_BY_HOP | _SET_BY_CLIENT | HEADERS | _listed(asked.headers.get("connection", ""))
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in lines_of(asked.headers)
            if name not in dropped
        ]
        request = httpx.Request(
            asked.method,
            self.url,
            headers=[*headers, (b"accept-encoding", b"identity")],
            content=asked.body or None,
            # As it was sent: httpx must not normalise it.
            extensions={"target": (self._path + asked.target).encode("latin-1")},
        )
        if self._client is None:
            # Neither the environment's proxies nor redirects: the URL itself has to answer.
            transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None))
            self._client = httpx.AsyncClient(transport=transport, timeout=_SECONDS)
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            body = await _body(response)
        finally:
            await response.aclose()
        if response.status_code not in _STATUSES:
            message = f"it answered with {response.status_code}, which is not an HTTP status"
            raise httpx.RemoteProtocolError(message)
        return Reply(_head_of(response), body)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()


def decoded(reply: Reply) -> bytes:
    """The body without its content coding, which a service may apply even if it was not requested.

    Raises:
        UnreadableError: The coding is unknown or broken, or the body is larger than `MAX_DECODED_BYTES` without it.
    """
    coding = next((value for name, value in reply.head.headers if name == b"content-encoding"), b"identity")
    match coding.strip().lower():
        case b"identity" | b"":
            return reply.body
        case b"gzip" | b"x-gzip" | b"deflate":
            return _inflated(reply.body)
        case other:
            message = f"the content coding {other.decode('latin-1')!r} cannot be read"
            raise UnreadableError(message)


def _inflated(body: bytes) -> bytes:
    inflating = zlib.decompressobj(_ANY_HEADER)
    try:
        text = inflating.decompress(body, MAX_DECODED_BYTES)
    except zlib.error as error:
        message = f"it cannot be decompressed ({error})"
        raise UnreadableError(message) from error
    if inflating.unconsumed_tail:
        message = f"it is larger than {MAX_DECODED_BYTES} bytes when decompressed"
        raise UnreadableError(message)
    if not inflating.eof:
        message = "its compressed data is cut off"
        raise UnreadableError(message)
    return text


async def _body(response: httpx.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            message = f"the response is larger than {MAX_RESPONSE_BYTES} bytes"
            raise httpx.ReadError(message)
        chunks.append(chunk)
    return b"".join(chunks)


def _head_of(response: httpx.Response) -> Head:
    """The head of a response, without the headers of its connection.

    The length is computed again, except in a response to HEAD: there it is that of the response to GET (RFC 9110, 8.6).
    """
    is_bodiless = response.request.method == "HEAD"
    dropped = _listed(response.headers.get("connection", ""))
    if not is_bodiless:
        dropped |= {"content-length"}
    lower = ((name.lower(), value) for name, value in response.headers.raw)
    kept = ((name, value) for name, value in lower if is_end_to_end(name) and name.decode("latin-1") not in dropped)
    return Head(response.status_code, tuple(kept), has_length=not is_bodiless)


def _listed(connection: str) -> frozenset[str]:
    """The headers that `Connection` names: they concern this connection alone (RFC 9110, 7.6.1)."""
    return frozenset(name.strip().lower() for name in connection.split(","))


def _checked(url: str) -> str:
    problem = base_url_problem(url)
    if problem is not None:
        shown = "the address" if "credentials" in problem else repr(url)
        message = f"{shown} {problem}; expected one such as http://127.0.0.1:4003"
        raise ProxyError(message)
    return url.rstrip("/")
