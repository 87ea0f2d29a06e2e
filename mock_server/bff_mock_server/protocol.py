"""The HTTP connection of the mock: uvicorn's, with a shorter way for what can be answered at once.

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
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bff_mock_server.asgi import CONNECTION, STATES_PATH, MockApp, Receive, Scope, Send, deliver, header_map, query_of
from bff_mock_server.matching import Asked
from bff_mock_server.replies import Head, Reply

MAX_HEAD_BYTES: Final = 16 * 1024
"""RAS and CMS answer 431 to a request line and headers larger than about this (some 440 batch ids)."""

REQUEST_SECONDS: Final = 10.0
"""How long a client may take to send one request."""

IDLE_SECONDS: Final = 30.0
"""How long a connection without a request is kept: longer than httpx keeps its own (5 s), so none dies under a call."""

_TOO_LARGE: Final = Head(431, ((b"connection", b"close"),)).wire(b"")
_TOO_SLOW: Final = Head(408, ((b"connection", b"close"),)).wire(b"")
_STATES: Final = STATES_PATH.encode()


class MockProtocol(HttpToolsProtocol):
    """One connection to the backends of one port."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._mock: MockApp = config.app  # type: ignore[assignment]
        self._now = self.loop.time
        self._since = self._now()
        self._partial = False
        self._unread_head = 0
        self._direct = False
        self._asked_headers: dict[str, str] = {}

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, and answer the requests that are complete."""
        if self.transport.is_closing():
            return
        if not self._partial:
            self._partial = True
            self._since = self._now()
        self._unread_head += len(data)
        super().data_received(data)
        if self._partial and self._unread_head > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url = b""
        self.headers = []
        self._partial = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header as it was sent."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Choose the way that the request takes."""
        if self._unread_head > MAX_HEAD_BYTES and self._head_size() > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)
            raise _RefusedError
        self._unread_head = -1 << 62
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
        self._partial = False
        self._unread_head = 0
        if not self._direct:
            super().on_message_complete()
            return
        self._direct = False
        path, _, query = self.url.decode("latin-1").partition("?")
        reply = self._mock.reply(Asked("GET", path, query_of(query), self._asked_headers, query))
        if reply.delivery is None:
            self.transport.write(reply.head.wire(reply.body))
            self.server_state.total_requests += 1
        else:
            self._through_uvicorn(reply)
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

    def _through_uvicorn(self, reply: Reply | None = None) -> None:
        """Let uvicorn run the application for this request, or deliver an answer that is there already."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["extensions"] = {CONNECTION: _Connection(self.transport)}
        app = self.app
        if reply is not None:
            self.app = partial(_deliver, reply)
        try:
            super().on_headers_complete()
        finally:
            self.app = app


class _RefusedError(Exception):
    """Stops the parser: the request has been refused, and its connection is closing."""


class _Connection:
    """What ASGI has no words for."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.close = transport.close
        self.is_closing = transport.is_closing

    def reset(self) -> None:
        sock = self._transport.get_extra_info("socket")
        # Lingering for no time makes the kernel say RST instead of FIN.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


async def _deliver(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    await deliver(reply, scope, receive, send)
