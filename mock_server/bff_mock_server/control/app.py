"""Serves the control port; loads its application at the first request, which keeps the start fast."""

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final

from bff_contracts.http import Receive, Scope, Send, respond
from bff_mock_server.answering.mock import Mock
from bff_mock_server.responses.reply import Reply, problem
from bff_mock_server.serving.guard import Guard
from bff_mock_server.serving.http import MAX_BODY_BYTES, header_map, too_large

_FORBIDDEN: Final = 403


class ControlApp:
    """Guards the control API, and loads it with its framework at the first request.

    Args:
        mock: The mock to control.
        guard: Decides who may use it.
    """

    def __init__(self, mock: Mock, guard: Guard) -> None:
        self._mock = mock
        self._guard = guard
        self._api: Any = None
        self._loading = asyncio.Lock()
        self._is_closing = False

    def end(self) -> None:
        """End all streams: the server is about to stop."""
        self._is_closing = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        reason = self._guard.refuses(scope["method"], header_map(scope["headers"]))
        if reason is not None:
            await _send(send, problem(_FORBIDDEN, reason))
            return
        async with self._loading:
            if self._api is None:
                self._api = await asyncio.to_thread(self._load)
        with suppress(_ClientGoneError):
            body = await _body_of(receive)
            if body is None:
                await _send(send, too_large(MAX_BODY_BYTES))
            else:
                await self._api(scope, _Replayed(body, receive), send)

    def _load(self) -> Any:
        from bff_mock_server.control.api import create_api  # noqa: PLC0415  # FastAPI takes longer than all the rest

        return create_api(self._mock, is_closing=lambda: self._is_closing)


class _Replayed:
    """Replays a body that has been read already, and then passes on what follows."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> MutableMapping[str, Any]:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _ClientGoneError(Exception):
    """The client has disconnected."""


async def _send(send: Send, reply: Reply) -> None:
    await respond(send, reply.status, reply.headers, reply.body)


async def _body_of(receive: Receive) -> bytes | None:
    """The whole request body; `None` when it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)
