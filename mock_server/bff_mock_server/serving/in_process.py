"""Answers every httpx client that calls the backends in this process, without a port."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Final

import anyio
import httpx
import respx
from respx.mocks import HTTPXMocker
from respx.models import AllMockedAssertionError, PassThrough

from bff_contracts.platform import KEY_HEADER
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.reply import Delivery, Head, Reply
from bff_mock_server.serving.app import MockApp
from bff_mock_server.serving.http import MAX_HEAD_BYTES, header_map, query_of

_OUTLASTS_EVERYONE: Final = math.inf
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine: a base URL with one of them is also reached by the others."""
_CANNOT_WAIT: Final = (
    "a sync client can get no response that is late, incomplete or missing:"
    " use an async client or a real port (backends_on_ports)"
)
_is_sync: Final = ContextVar("_is_sync", default=False)
"""Whether the client whose request is being answered is a sync one; respx does not pass it on."""


def respond(app: MockApp, prefix: str, request: httpx.Request) -> httpx.Response | Awaitable[httpx.Response]:
    """Answer a request; a response with a fault has to be awaited, and may fail like a connection.

    Args:
        app: The backends.
        prefix: The path of their base URL, which is not in the contract.
        request: The request that httpx would have sent.
    """
    reply = _reply(app, prefix, request)
    return _response(reply) if reply.delivery is None else _delivered(reply, reply.delivery, request)


def _respond_now(app: MockApp, prefix: str, request: httpx.Request) -> httpx.Response:
    """Answer a request of a sync client.

    Raises:
        RuntimeError: The response has a fault that has to be awaited.
    """
    reply = _reply(app, prefix, request)
    if reply.delivery is not None:
        raise RuntimeError(_CANNOT_WAIT)
    return _response(reply)


def _reply(app: MockApp, prefix: str, request: httpx.Request) -> Reply:
    raw_path, _, query = request.url.raw_path.decode("latin-1").partition("?")
    if len(raw_path) + len(query) > MAX_HEAD_BYTES:
        return Reply(Head(431), b"")  # as on a socket
    headers = header_map(request.headers.raw)
    path = raw_path.removeprefix(prefix)
    return app.answer(Asked(request.method, path, query_of(query), headers, query, request.content))


def _response(reply: Reply) -> httpx.Response:
    return httpx.Response(reply.status, headers=[*reply.headers], content=reply.body)


async def _delivered(reply: Reply, delivery: Delivery, request: httpx.Request) -> httpx.Response:
    status, headers, body = reply.status, [*reply.headers], reply.body
    patience = _patience(request)
    await _wait(delivery.delay, patience, request)
    match delivery.form:
        case "reset":
            message = "[Errno 104] Connection reset by peer"
            raise httpx.ReadError(message, request=request)
        case "empty":
            message = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(message, request=request)
        case "truncated" | "dripping":
            stream = _Broken(body, delivery, patience, request)
            return httpx.Response(status, headers=headers, stream=stream)
        case _:
            return _response(reply)


def _patience(request: httpx.Request) -> float:
    """The client's read timeout in seconds."""
    timeout: Mapping[str, float | None] = request.extensions.get("timeout", {})
    read = timeout.get("read")
    return _OUTLASTS_EVERYONE if read is None else read


async def _wait(seconds: float, patience: float, request: httpx.Request) -> None:
    await anyio.sleep(min(seconds, patience))
    if seconds > patience:
        message = "The read operation timed out"
        raise httpx.ReadTimeout(message, request=request)


@dataclass(frozen=True)
class _Broken(httpx.AsyncByteStream):
    """A body that ends too early, or comes a byte at a time."""

    body: bytes
    delivery: Delivery
    patience: float
    request: httpx.Request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.delivery.form == "truncated" and self.body:
            sent = self.body[: len(self.body) // 2]
            yield sent
            message = (
                "peer closed connection without sending complete message body (received"
                f" {len(sent)} bytes, expected {len(self.body)})"
            )
            raise httpx.RemoteProtocolError(message, request=self.request)
        for at in range(len(self.body)):
            await _wait(self.delivery.pause, self.patience, self.request)
            yield self.body[at : at + 1]


class InProcessTransport(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Answers requests to the base URLs; a request to any other URL raises `httpx.ConnectError`.

    Args:
        apps: The backends, by base URL.
    """

    def __init__(self, apps: Mapping[str, MockApp]) -> None:
        self._places = [(_Place.of(base_url), app) for base_url, app in apps.items()]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        request.read()
        return _respond_now(*self._place_of(request), request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        await request.aread()
        answer = respond(*self._place_of(request), request)
        return answer if isinstance(answer, httpx.Response) else await answer

    def _place_of(self, request: httpx.Request) -> tuple[MockApp, str]:
        for place, app in self._places:
            if place.has(request.url):
                return app, place.prefix
        known = ", ".join(place.base_url for place, _ in self._places)
        message = f"{request.url} is not mocked; these are: {known}"
        raise httpx.ConnectError(message, request=request)


@dataclass(frozen=True, slots=True)
class _Place:
    """Matches the requests below a base URL."""

    base_url: str
    scheme: str
    hosts: frozenset[str]
    port: int
    prefix: str

    @classmethod
    def of(cls, base_url: str) -> "_Place":
        url = httpx.URL(base_url)
        prefix = url.raw_path.decode("latin-1").rstrip("/")
        hosts = _LOOPBACK if url.host in _LOOPBACK else frozenset({url.host})
        return cls(base_url, url.scheme, hosts, url.port or _DEFAULT_PORTS[url.scheme], prefix)

    def has(self, url: httpx.URL) -> bool:
        port = url.port or _DEFAULT_PORTS.get(url.scheme)
        is_here = (url.scheme, port) == (self.scheme, self.port) and url.host in self.hosts
        return is_here and url.raw_path.decode("latin-1").startswith(f"{self.prefix}/")


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """Origins of requests that no mock answered, and that were probably meant for one.

    Attributes:
        silent: A request with the platform's key got no response.
        doubtful: A request with the key got a response, or one without got none.
    """

    silent: set[str] = field(default_factory=set[str])
    doubtful: set[str] = field(default_factory=set[str])


class _Hook(HTTPXMocker):
    """respx's hook into httpx clients; a request that no router answers goes to the client's own transport."""

    name = "bff-mock-server"
    watching: ClassVar[list[Elsewhere]] = []

    @classmethod
    def register(cls, router: respx.Router) -> None:
        """Ask the innermost mock first, such as the fixture of a test before that of its module."""
        cls.routers.insert(0, router)

    @classmethod
    def handler(cls, httpx_request: httpx.Request) -> Any:
        untyped: Any = super()
        was_sync = _is_sync.set(True)
        try:
            return untyped.handler(httpx_request)
        except AllMockedAssertionError:
            raise _passed(httpx_request) from None
        finally:
            _is_sync.reset(was_sync)

    @classmethod
    async def async_handler(cls, httpx_request: httpx.Request) -> Any:
        untyped: Any = super()
        try:
            return await untyped.async_handler(httpx_request)
        except AllMockedAssertionError:
            raise _passed(httpx_request) from None

    @classmethod
    def mock(cls, spec: Callable[..., Any]) -> Any:
        def own_transport(client: Any, url: httpx.URL) -> _Watched:
            return _Watched(spec(client, url))

        untyped: Any = super()
        return untyped.mock(own_transport)


def _answered(app: MockApp, prefix: str, request: httpx.Request) -> httpx.Response | Awaitable[httpx.Response]:
    return _respond_now(app, prefix, request) if _is_sync.get() else respond(app, prefix, request)


def _passed(request: httpx.Request) -> PassThrough:
    return PassThrough("no mock is there", request=request, origin=respx.Route())


@dataclass(frozen=True)
class _Watched(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Wraps a client's own transport, and records the origins of its requests."""

    transport: Any

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _noted(request):
            response: httpx.Response = self.transport.handle_request(request)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with _noted(request):
            response: httpx.Response = await self.transport.handle_async_request(request)
        return response


@contextmanager
def _noted(request: httpx.Request) -> Generator[None]:
    origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
    has_key = KEY_HEADER in request.headers
    try:
        yield
    except httpx.TransportError:
        for elsewhere in _Hook.watching:
            (elsewhere.silent if has_key else elsewhere.doubtful).add(origin)
        raise
    if has_key:
        for elsewhere in _Hook.watching:
            elsewhere.doubtful.add(origin)


@contextmanager
def answering(apps: Mapping[str, MockApp]) -> Generator[Elsewhere]:
    """Answer every httpx client's requests to these base URLs; all other requests are sent as usual.

    A client's own transport makes no difference: respx intercepts before it.

    Args:
        apps: Who answers, by base URL.

    Yields: The origins of the other requests.
    """
    elsewhere = Elsewhere()
    _Hook.watching.append(elsewhere)
    try:
        with respx.mock(using=_Hook.name, assert_all_called=False) as router:
            for base_url, app in apps.items():
                place = _Place.of(base_url)
                router.route(
                    scheme=place.scheme,
                    host__in=tuple(place.hosts),
                    port=place.port,
                    path__startswith=f"{place.prefix}/",
                ).mock(side_effect=partial(_answered, app, place.prefix))
            yield elsewhere
    finally:
        _Hook.watching.remove(elsewhere)
