"""Sends one request through httpx, and maps its failures to this package's terms.

Only this module and the transports use httpx.

A failure is returned as `NotAnswered` and not re-raised, because the exceptions of httpx, aiohttp and h11 and their
traceback frames hold URLs, headers and parts of answers: the key, user ids, personal data.
"""

import asyncio
import logging
import re
import sys
from collections.abc import AsyncGenerator, Collection, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property
from http.cookiejar import CookieJar
from operator import index
from pathlib import Path
from typing import Any, Final, Literal, cast

import httpx
from pydantic import Secret

from bff_clients._bodies import DecodingError, TooLargeError, read_body
from bff_clients._loops import OtherLoopError
from bff_clients._together import alone
from bff_clients._transport import AiohttpTransport, AsyncHTTPTransport
from bff_clients._url import parsed, with_query

HttpClient = httpx.AsyncClient

_JSON: Final = re.compile(r"application/json\s*(?:;.*)?", re.IGNORECASE)

_PLAIN: Final = frozenset({b"", b"identity"})
"""Codings that change nothing."""

_NOT_FOUND: Final = 404
"""The one status that is no success and whose body says more."""

_WAIT: Final = 0.1
"""The part of a call's time in which the body of any other such status has to arrive."""

_EMPTY: Final = httpx.ByteStream(b"")
"""The body of a request, and that of a response whose own was read."""

quiet: Final = ContextVar("bff_clients_quiet", default=False)
"""Whether an exchange of ours is under way, which httpx and httpcore must not log."""

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})

Trouble = Literal["connect", "disconnect", "timeout", "closed", "wrong_loop", "unexpected", "violation"]


@dataclass(slots=True)
class Answer:
    """A backend's complete answer. Its repr shows only the status: the rest may be personal, or the key."""

    status_code: int
    content_type: str = field(repr=False)
    body: bytes = field(repr=False)
    retry_after: str | None = field(default=None, repr=False)

    @property
    def is_json(self) -> bool:
        """Whether the content type says JSON."""
        return _JSON.fullmatch(self.content_type) is not None

    def forget(self) -> None:
        """Keep the status alone, before an error is raised whose traceback holds this answer."""
        self.content_type, self.body, self.retry_after = "", b"", None


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """Why there is no answer.

    Attributes:
        trouble: The kind of failure; ``violation`` is an answer outside the contract.
        detail: What happened, in one clause.
        cause: The exception, without anything from the request or the answer.
    """

    trouble: Trouble
    detail: str
    cause: Exception | None = None


def headers_for(base_url: str, *headers: tuple[str, str]) -> Secret[httpx.Headers]:
    """The headers that all requests to a backend have; a request copies them faster than it reads a list."""
    host = (b"Host", httpx.URL(base_url).netloc)
    return Secret[httpx.Headers](httpx.Headers([host, *((name.encode(), value.encode()) for name, value in headers)]))


async def exchange(
    http: HttpClient, url: str, headers: Secret[httpx.Headers], *, correlation_id: str, limit: int, within: float
) -> Answer:
    """Send one GET and read the answer.

    Args:
        http: Sends it.
        url: The URL.
        headers: The headers that all requests to this backend have.
        correlation_id: Sent as ``X-Correlation-ID``.
        limit: The most bytes that the body may have.
        within: The caller's deadline in seconds from now.

    Raises:
        Exception: What `fault_of` maps.
    """
    # Built here and not by the client, so that the client's base URL, cookies, headers and parameters have no effect.
    # As a stream, although there is no body: httpx would search the headers for what a body needs.
    path, mark, query = url.partition("?")
    request = httpx.Request(
        "GET",
        with_query(parsed(path), query) if mark else parsed(path),
        headers=headers.get_secret_value(),
        stream=_EMPTY,
        extensions={"timeout": _timeouts(http, within)},
    )
    request.headers["X-Correlation-ID"] = correlation_id
    request.read()
    response = await http.send(request, stream=True, follow_redirects=False, auth=_NO_AUTH)
    # As bytes and once: httpx guesses the encoding again for each header that is looked up.
    head = {name.lower(): value for name, value in response.headers.raw}
    try:
        status = index(response.status_code)  # an application's own transport may give anything
        reading = read_body(
            # Never httpx's decoders: they decompress everything that has arrived before it can be counted.
            response.aiter_bytes() if response.is_stream_consumed else cast("httpx.AsyncByteStream", response.stream),
            coding=_coding(response, head),
            announced=head.get(b"content-length", b""),
            limit=limit,
        )
        body = await (reading if response.is_success else _if_readable(reading, http, status, within))
    finally:
        await response.aclose()
        # httpx's response and stream refer to each other: only the garbage collector would free them and the body.
        response.stream = _EMPTY
    retry_after = head.get(b"retry-after")
    return Answer(
        status,
        head.get(b"content-type", b"").decode("latin-1"),
        body,
        None if retry_after is None else retry_after.decode("latin-1").strip(),  # aiohttp 3.11.0 keeps blanks
    )


class _NoAuth(httpx.Auth):
    """An application's credentials are not for the backends."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request as it is."""
        yield request


_NO_AUTH: Final = _NoAuth()


async def _if_readable(reading: Coroutine[Any, Any, bytes], http: HttpClient, status: int, within: float) -> bytes:
    """The body of a status that is no success; nothing if it cannot be read, because the status says enough.

    A 404 has to be complete, or longer than RAS's for an unknown batch: a part does not say which one it is.
    """
    lost = () if status == _NOT_FOUND else (httpx.TransportError, OSError)
    try:
        async with asyncio.timeout(None if status == _NOT_FOUND else _WAIT * within):
            return await reading
    except (TooLargeError, DecodingError, *lost):
        if http.is_closed:
            raise
        return b""


def _timeouts(http: HttpClient, within: float) -> dict[str, float | None]:
    """The client's own timeouts; without the read timeout, which sets timers, if the caller's deadline is earlier."""
    timeouts = http.timeout.as_dict()
    read = timeouts["read"]
    if read is not None and read >= within:
        timeouts["read"] = None
    return timeouts


def with_hint(fault: NotAnswered, url: str) -> NotAnswered:
    """Add a hint for a test whose call reached this machine because nothing intercepted it."""
    if fault.trouble != "connect" or "pytest" not in sys.modules or host_of(url) not in _THIS_MACHINE:
        return fault
    hint = "in a test, use the fixture `backends`, or respx with BFF_TEACHER_SERVICE_HTTP_TRANSPORT=httpx"
    return replace(fault, detail=f"{fault.detail}; {hint}")


def _coding(response: httpx.Response, head: Collection[bytes]) -> bytes:
    if response.is_stream_consumed or b"content-encoding" not in head:  # httpx has decompressed what it has read
        return b"identity"
    value = response.headers["Content-Encoding"].strip().lower().encode()  # several lines are one list
    return b"identity" if all(part.strip() in _PLAIN for part in value.split(b",")) else value


def fault_of(error: BaseException, *, closed: bool) -> NotAnswered:  # noqa: PLR0911  # one for each kind
    """Map what a transport raised; the only place that does."""
    error = alone(error)
    name = type(error).__name__
    if closed:
        return NotAnswered("closed", "the HTTP client is closed")
    match error:
        case OtherLoopError():
            return NotAnswered("wrong_loop", str(error))
        case TooLargeError():
            return NotAnswered("violation", "body over the size limit", TooLargeError())
        case DecodingError():
            return NotAnswered("violation", "body cannot be decompressed", DecodingError(str(error)))
        case httpx.DecodingError():
            return NotAnswered("violation", "body cannot be decompressed")
        case httpx.TimeoutException() | TimeoutError():
            return NotAnswered("timeout", f"no answer in time ({name})", _cleared(error))
        case httpx.ConnectError() | httpx.ProxyError() | httpx.UnsupportedProtocol():
            return NotAnswered("connect", "no connection", _cleared(error))
        case httpx.TransportError() | OSError() if not isinstance(error, httpx.LocalProtocolError):
            return NotAnswered("disconnect", f"connection lost ({name})", _cleared(error))
        case _:  # such as a request that cannot be sent
            return NotAnswered("unexpected", f"unexpected {name}{_place(error)}")


def _cleared(error: Exception) -> Exception:
    """An exception of the same kind without request, answer and frames; its message names its causes.

    The message of a connection failure is kept as well; a later exception's message may quote the answer.
    """
    if type(error) is httpx.ConnectError and error.__cause__ is not None and "/" not in str(error):
        return httpx.ConnectError(str(error))
    names: list[str] = []
    cause: BaseException | None = error.__cause__ or error.__context__
    while cause is not None and len(names) < 5:  # noqa: PLR2004  # more say nothing more
        names.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    kind = type(error) if type(error).__module__ in {"httpx", "builtins"} else RuntimeError
    return kind(", caused by ".join(names))


def _place(error: BaseException) -> str:
    """The file and line where it was raised, for the developer. Its message is left out: it may hold personal data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def new_client(*, transport: Literal["aiohttp", "httpx"], connections: int, timeout: float) -> HttpClient:
    """Build an HTTP client that keeps no cookies and reads no proxy from the environment."""
    # An explicit transport keeps httpx from reading HTTP_PROXY.
    chosen: httpx.AsyncBaseTransport = (
        AiohttpTransport(max_connections=connections)
        if transport == "aiohttp"
        else AsyncHTTPTransport(limits=httpx.Limits(max_connections=connections, max_keepalive_connections=20))
    )
    return _CookielessClient(transport=chosen, timeout=timeout)


class _NoCookies(httpx.Cookies):
    """Holds none; its jar, with a lock and a policy, is made if somebody looks into it."""

    def __init__(self) -> None:
        pass

    @cached_property
    def jar(self) -> CookieJar:  # type: ignore[override]
        """An empty one."""
        return CookieJar()

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them where they are."""


class _CookielessClient(httpx.AsyncClient):
    """Keeps no cookies: they would leak from one call to the next, and the look-up costs as much as a transport."""

    @property
    def cookies(self) -> httpx.Cookies:
        """An empty jar, new for each request, because a caller may add cookies to it."""
        return _NoCookies()

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Keep none."""


def host_of(url: str) -> str:
    """The host of a URL as httpx reads it.

    Raises:
        ValueError: httpx cannot use this URL.
    """
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, UnicodeError) as error:  # idna's own error is one of the latter
        message = "must have a host that a request can be sent to"
        raise ValueError(message) from error


def _is_not_ours(record: logging.LogRecord) -> bool:
    """Drop what httpx and httpcore log about our exchanges: URLs with user ids, and headers of answers."""
    del record
    return not quiet.get()


def quieten_loggers() -> None:
    """Keep the loggers of httpx and httpcore from logging our exchanges; other users of them are not affected."""
    for name in ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))):
        logging.getLogger(name).addFilter(_is_not_ours)
