"""Serves the mock over HTTP/1.1: one asyncio protocol per connection, on httptools' parser.

A response that is ready is written where its request was parsed: no task, no queue. A response that is late, or has a
fault of delivery, is written by a task. Responses keep the order of their requests.

A connection is bounded: its head, its body, the time that a request may take, and what is read ahead while a response
is under way or its client does not read.
"""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final, Protocol, runtime_checkable

import httptools

from bff_mock_server.matching.request import Asked, Surroundings
from bff_mock_server.responses.reply import TEXT, Head, Reply
from bff_mock_server.serving.http import MAX_HEAD_BYTES, header_map, query_of, too_large
from bff_mock_server.serving.known_head import KnownHead

REQUEST_SECONDS: Final = 10.0
"""How long a client may take to send one request."""

IDLE_SECONDS: Final = 30.0
"""How long an idle connection is kept: longer than httpx does (5 s), so that no connection is closed during a call."""

_CLOSE: Final = (b"connection", b"close")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_HEAD_TOO_LARGE: Final = Reply(Head(431), b"")
"""Without a body, like the responses of RAS and CMS."""

_TOO_SLOW: Final = Reply(Head(408), b"")
_NOT_HTTP: Final = Reply(Head(400, (TEXT,)), b"Invalid HTTP request received.")


@runtime_checkable
class Application(Protocol):
    """What answers requests."""

    def answer(self, asked: Asked) -> Reply | Coroutine[Any, Any, Reply]:
        """The response to a request, or an awaitable of it."""
        ...

    def recall(self, surroundings: Surroundings, target: str, correlation_id: str | None) -> Reply | None:
        """The response to a request that repeats an earlier one except for its correlation id; `None`: use `answer`."""
        ...

    def max_body(self, path: str) -> int:
        """The largest body of a request for a path, in bytes."""
        ...


class _Request:
    """A request that is incomplete, or that waits for its turn.

    Attributes:
        refusal: The protocol's own refusal; nothing after it is read.
        keeps: Whether the connection is kept after the response.
    """

    __slots__ = ("body", "headers", "is_head", "keeps", "limit", "method", "refusal", "size", "url")

    def __init__(self) -> None:
        self.method = ""
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.size = 0
        self.limit = 0
        self.is_head = True
        self.keeps = True
        self.refusal: Reply | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is a GET without a body whose connection is kept."""
        return self.method == "GET" and not self.body and self.keeps


_KEPT: Final = _Request()
"""The request of a response to a known head: always a GET that keeps its connection, so one object serves them all."""


class MockProtocol(asyncio.Protocol):
    """One connection.

    Args:
        app: What answers.
        connections: The open connections of the server, to which this one adds itself.

    Attributes:
        closed: Done when the connection is closed.
    """

    def __init__(self, app: Application, connections: "set[MockProtocol]") -> None:
        self._app = app
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._request = _Request()
        self._waiting: deque[_Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_asking = False
        self._is_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._is_ending = False
        self._is_partial = False
        self._received = 0
        self._may_be_large = False
        self._completed = 0
        self._known: KnownHead | None = None
        self._since = self._loop.time()

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio gives it
        """Cancel everything under way: the client has disconnected."""
        self._connections.discard(self)
        self.closed.set_result(None)
        self._is_ending = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, and answer the requests that are complete."""
        if self._is_ending or self._answers_known_head(data):
            return
        is_first = not self._is_partial
        if is_first:
            self._is_partial = True
            self._since = self._loop.time()
            self._completed = 0
        self._received += len(data)
        self._may_be_large = self._received > MAX_HEAD_BYTES  # only such a head is measured
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_ending = True  # the request was answered normally; the bytes after it are not HTTP
            return
        except httptools.HttpParserError:
            if not self._is_ending:
                self._refuse(_NOT_HTTP)
            return
        if self._is_partial and self._request.is_head and self._received > MAX_HEAD_BYTES:
            self._refuse(_HEAD_TOO_LARGE)
        elif is_first and not self._is_partial and self._completed == 1 and self._request.is_plain:
            self._known = KnownHead.of(data, header_map(self._request.headers))

    def pause_writing(self) -> None:
        """Answer nothing more until the client reads."""
        self._is_paused = True
        self._since = self._loop.time()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_paused = False
        self._since = self._loop.time()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        if self._task is None:
            self._next()

    # Called by the parser.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._request = _Request()
        self._is_partial = True
        self._since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._request.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header as it was sent; trailers after a body are ignored."""
        if self._request.is_head:
            self._request.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Decide whether the request is accepted, and how large its body may be."""
        request = self._request
        request.is_head = False
        if self._may_be_large and _size_of_head(request) > MAX_HEAD_BYTES:
            self._stop_with(_HEAD_TOO_LARGE)
        self._received = 0
        request.method = self._parser.get_method().decode("ascii")
        request.keeps = (
            self._parser.should_keep_alive()
            and not self._parser.should_upgrade()
            and self._parser.get_http_version() == "1.1"
        )
        if self._task is None and not self._waiting and _expects_continue(request):
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        request = self._request
        if not request.body:
            request.limit = self._app.max_body(_target(request.url)[0])
        request.size += len(body)
        if request.size > request.limit:
            self._stop_with(too_large(request.limit))
        request.body.append(body)

    def on_message_complete(self) -> None:
        """Answer the request when its turn has come."""
        self._is_partial = False
        self._received = 0
        self._completed += 1
        request = self._request
        if not request.keeps:
            self._is_ending = True
        if self._task is not None or self._waiting or self._is_paused:
            self._waiting.append(request)
            if not self._transport.is_closing():
                self._transport.pause_reading()
        else:
            self._answer(request)

    # Called by the server.

    def sweep(self, now: float) -> None:
        """Close the connection if its client is too slow, idle for too long, or does not read."""
        waited = now - self._since
        if self._is_paused:
            if waited > IDLE_SECONDS:
                self._transport.abort()
        elif self._task is None and waited > (REQUEST_SECONDS if self._is_partial else IDLE_SECONDS):
            if self._is_partial:
                self._refuse(_TOO_SLOW)
            else:
                self._transport.close()

    def shut_down(self) -> None:
        """End the connection: at once, unless the application is still working on a response."""
        self._is_ending = True
        self._waiting.clear()
        if not self._is_asking:
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    # Answering.

    def _answers_known_head(self, data: bytes) -> bool:
        """Answer a request that has the head of one before it, and say whether there was one."""
        known = self._known
        if known is None or self._is_partial or self._task or self._waiting or self._is_paused:
            return False
        read = known.read(data) if len(data) <= MAX_HEAD_BYTES else None
        if read is None:
            return False
        self._since = self._loop.time()
        target, correlation_id = read
        remembered = self._app.recall(known.surroundings, target, correlation_id)
        self._give(remembered or self._app.answer(known.asked(target, correlation_id)), _KEPT)
        return True

    def _stop_with(self, reply: Reply) -> None:
        """Refuse the request from a callback of the parser."""
        self._refuse(reply)
        raise _RefusedError

    def _refuse(self, reply: Reply) -> None:
        """Answer the incomplete request with a refusal, in its turn, and end the connection."""
        self._is_ending = True
        self._is_partial = False
        request = self._request
        request.refusal, request.keeps = reply, False
        if self._task is not None or self._waiting:
            self._waiting.append(request)
        elif self._is_paused:
            self._transport.abort()  # a response would wait for a client that does not read
        else:
            self._answer(request)

    def _answer(self, request: _Request) -> None:
        outcome: Reply | Coroutine[Any, Any, Reply]
        if request.refusal is not None:
            outcome = request.refusal
        else:
            path, query = _target(request.url)
            outcome = self._app.answer(
                Asked(request.method, path, query_of(query), header_map(request.headers), query, b"".join(request.body))
            )
        self._give(outcome, request)

    def _give(self, outcome: Reply | Coroutine[Any, Any, Reply], request: _Request) -> None:
        if isinstance(outcome, Reply) and outcome.delivery is None:
            self._write(outcome, request)
        else:
            self._task = self._loop.create_task(self._deliver(outcome, request))

    def _next(self) -> None:
        """Write the responses that have waited, up to the next late one."""
        while self._waiting and self._task is None and not self._is_paused:
            self._answer(self._waiting.popleft())
        if self._waiting or self._task is not None or self._is_paused or self._transport.is_closing():
            return
        if self._is_ending:
            self._transport.close()
        else:
            self._since = self._loop.time()
            self._transport.resume_reading()

    def _write(self, reply: Reply, request: _Request) -> None:
        """Write a whole response, in which one to HEAD has no body."""
        head = self._head(reply, request)
        self._transport.write(head.before(len(reply.body)) if request.method == "HEAD" else head.wire(reply.body))
        if not request.keeps:
            self._transport.close()

    def _head(self, reply: Reply, request: _Request) -> Head:
        return reply.head if request.keeps else reply.head.plus(_CLOSE)

    async def _deliver(self, outcome: Reply | Coroutine[Any, Any, Reply], request: _Request) -> None:
        """Write a response that is late, or has a fault of delivery; cancelled when the client disconnects."""
        if isinstance(outcome, Reply):
            reply = outcome
        else:
            self._is_asking = True
            reply = await outcome
            self._is_asking = False
        delivery = reply.delivery
        if delivery is not None:
            await asyncio.sleep(delivery.delay)
            if delivery.form == "reset":
                self._reset()
            elif delivery.form == "empty":
                self._transport.close()
            elif delivery.form == "truncated" and reply.body:
                self._transport.write(self._head(reply, request).before(len(reply.body)))
                self._transport.write(reply.body[: len(reply.body) // 2])
                self._transport.close()
            elif delivery.form != "whole":
                await self._drip(reply, delivery.pause, request)
        self._task = None
        if self._transport.is_closing():
            return
        if delivery is None or delivery.form == "whole":
            self._write(reply, request)
        elif not request.keeps:
            self._transport.close()
        self._next()

    async def _drip(self, reply: Reply, pause: float, request: _Request) -> None:
        self._transport.write(self._head(reply, request).before(len(reply.body)))
        for at in range(len(reply.body)):
            await asyncio.sleep(pause)
            if self._is_paused:
                self._drained = self._loop.create_future()
                await self._drained
            self._transport.write(reply.body[at : at + 1])

    def _reset(self) -> None:
        # A linger time of zero makes the kernel send RST instead of FIN.
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


class _RefusedError(Exception):
    """Stops the parser: the request has been refused."""


def _target(url: bytes) -> tuple[str, str]:
    """Path and query of a request's target, as they were sent."""
    if url[:1] != b"/" or b"#" in url:
        with contextlib.suppress(httptools.HttpParserInvalidURLError):
            parsed = httptools.parse_url(url)
            return (parsed.path or b"/").decode("latin-1"), (parsed.query or b"").decode("latin-1")
    path, _, query = url.decode("latin-1").partition("?")
    return path, query


def _size_of_head(request: _Request) -> int:
    return len(request.url) + sum(len(name) + len(value) + 4 for name, value in request.headers)


def _expects_continue(request: _Request) -> bool:
    return any(name.lower() == b"expect" and value.lower() == b"100-continue" for name, value in request.headers)
