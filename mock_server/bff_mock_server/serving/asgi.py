"""Serves an ASGI application by uvicorn, with a limit for slow clients, which uvicorn has not."""

import asyncio
import contextlib
import logging
from collections.abc import Generator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bff_mock_server.serving import protocol
from bff_mock_server.serving.http import MAX_HEAD_BYTES


class AsgiServer(uvicorn.Server):
    """Serves one application, and leaves signals to the caller, which runs several servers.

    Args:
        app: The application.
        backlog: How many connections may wait to be accepted.
        grace: Seconds that responses under way may take to end when the server is stopped.
    """

    def __init__(self, app: Any, *, backlog: int, grace: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=backlog,
                timeout_keep_alive=int(protocol.IDLE_SECONDS),
                timeout_graceful_shutdown=grace,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


class PatientProtocol(H11Protocol):
    """Closes a connection whose client takes longer than `REQUEST_SECONDS` for the head and the body of a request."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and wait for what is still missing of a request."""
        super().data_received(data)
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._wait()
        else:
            self._stop_waiting()

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(protocol.REQUEST_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
