"""The HTTP connections of the mock: uvicorn's, guarded, and with a shorter way for what can be answered at once.

Most requests are a GET without a body whose answer needs no waiting. They are answered where they have been parsed:
no task, no ASGI messages. Everything else (other methods, bodies, answers that are late or go wrong, a client that
does not read) takes uvicorn's own way, with all that it has been hardened against.

What uvicorn does not guard against is guarded against here: a head that is too large, and clients that are slow on
purpose. A sweep over the connections every second does the latter, so no request pays for a timer.
"""

import asyncio
import socket
import struct
from functools import partial
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bff_contracts.http import Receive, Scope, Send
from bff_contracts.platform import STATES_PATH
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.reply import Head, Reply
from bff_mock_server.serving.app import MockApp
from bff_mock_server.serving.http import CONNECTION, MAX_HEAD_BYTES, deliver, header_map, query_of

REQUEST_SECONDS: Final = 10.0
"""How long a client may take to send one request."""

IDLE_SECONDS: Final = 30.0
"""How long a connection without a request is kept: longer than httpx keeps its own (5 s), so none dies under a call."""

_TOO_LARGE: Final = Head(431, ((b"connection", b"close"),)).wire(b"")
_TOO_SLOW: Final = Head(408, ((b"connection", b"close"),)).wire(b"")
_STATES: Final = STATES_PATH.encode()


class GuardedProtocol(HttpToolsProtocol):
    """A connection whose clients can neither fill the memory with a head nor hold on to it by being slow."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._now = self.loop.time
        self._since = self._now()
        self._partial = False
        self._in_head = False
        self._carried = 0
        self._measures = False
        self._serving: RequestResponseCycle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let every request that is still being answered know; uvicorn tells the newest alone."""
        super().connection_lost(exc)
        for cycle in (self._serving, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, and answer the requests that are complete."""
        if self.transport.is_closing():
            return
        if not self._partial:
            self._partial = True
            self._since = self._now()
        size = self._carried + len(data)
        # Only what may be too large is measured.
        self._measures = size > MAX_HEAD_BYTES
        self._carried = size
        super().data_received(data)
        if self._in_head and self._carried > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url = b""
        self.headers = []
        self._partial = self._in_head = True
        self._since = self._now()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header as it was sent; what trails a body is none."""
        if self._in_head:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._end_head()
        self._through_uvicorn()

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        self._partial = False
        self._carried = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request from now on."""
        self._since = self._now()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP, unless the request has been refused already."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._since = self._now()
        super().resume_writing()

    def sweep(self, now: float) -> None:
        """End the connection if its client has been slow, silent or deaf for too long."""
        cycle = self.cycle
        is_answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        if is_answering and not self.flow.write_paused:
            return
        is_late = self._partial and not is_answering
        if now - self._since > (REQUEST_SECONDS if is_late else IDLE_SECONDS):
            self._refuse(_TOO_SLOW if is_late else b"")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._serving = cycle
        super()._start_asgi_task(cycle, app)

    def _end_head(self) -> None:
        self._in_head = False
        self._carried = 0
        if self._measures and self._head_size() > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)
            raise _RefusedError

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self, answer: bytes) -> None:
        if self.flow.write_paused:
            # What waits to be written would keep a closing connection open for as long as nobody reads it.
            self.transport.abort()
            return
        if answer and (self.cycle is None or self.cycle.response_complete):
            self.transport.write(answer)
        self.transport.close()

    def _through_uvicorn(self) -> None:
        """Let uvicorn run the application for the request whose head is complete."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        scope = cast("dict[str, Any]", self.scope)
        scope["extensions"] = {CONNECTION: _Connection(self.transport)}
        super().on_headers_complete()


class MockProtocol(GuardedProtocol):
    """One connection to the backends of one port."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._mock = cast("MockApp", config.app)
        self._direct = False
        self._asked_headers: dict[str, str] = {}

    def on_headers_complete(self) -> None:
        """Choose the way that the request takes."""
        self._end_head()
        parser: Any = self.parser
        self._asked_headers = headers = header_map(self.headers)
        self._direct = (
            parser.get_method() == b"GET"
            and self.url[:1] == b"/"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and "expect" not in headers
            and b"#" not in self.url
            and not self.url.startswith(_STATES)
        )
        if not self._direct:
            self._through_uvicorn()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body: a GET that has one needs the long way after all."""
        if self._direct:
            self._direct = False
            self._through_uvicorn()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a request that takes the short way; let uvicorn know that the others are complete."""
        if not self._direct:
            super().on_message_complete()
            return
        self._direct = self._partial = False
        self._carried = 0
        path, _, query = self.url.decode("latin-1").partition("?")
        reply = self._mock.reply(Asked("GET", path, query_of(query), self._asked_headers, query))
        if reply.delivery is None:
            self.transport.write(reply.head.wire(reply.body))
            self.server_state.total_requests += 1
        else:
            app: Any = self.app
            self.app = partial(_deliver, reply)
            self._through_uvicorn()
            self.app = app
            super().on_message_complete()

    def shutdown(self) -> None:
        """End at once: what is under way here waits on purpose, or for a client that does not read."""
        self.transport.close()


class _RefusedError(Exception):
    """Stops the parser: the request has been refused, and its connection is closing."""


class _Connection:
    """What ASGI has no words for."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.close = transport.close

    def reset(self) -> None:
        if self._transport.is_closing():
            return
        # Lingering for no time makes the kernel say RST instead of FIN.
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


async def _deliver(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    await deliver(reply, scope, receive, send)
