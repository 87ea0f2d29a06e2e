"""One correlation id from the teacher's request to the backends' logs.

`CorrelationIdMiddleware` takes it from the BFF's own request, and every client call that is given none takes it from
there.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final
from uuid import uuid4

from bff_clients._ids import canonical_uuid

HEADER: Final = b"x-correlation-id"

correlation_id: ContextVar[str | None] = ContextVar("bff_correlation_id", default=None)
"""The correlation id of what is being served; `None` outside of a request."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class CorrelationIdMiddleware:
    """ASGI middleware that sets `correlation_id` for each request: from ``X-Correlation-ID``, or a new one.

    A header that is missing, malformed or given twice is replaced: what goes into logs and to backends is a UUID. It
    is also ``request.state.correlation_id`` and the response's ``X-Correlation-ID`` unless the application sets one.

    Args:
        app: The application, such as FastAPI's: `app.add_middleware(CorrelationIdMiddleware)`.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on another ASGI scope."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        found = _of(scope)

        async def send_with_id(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))  # optional, and may be any iterable
                if all(name.lower() != HEADER for name, _ in headers):
                    headers.append((HEADER, found.encode()))
                message["headers"] = headers
            await send(message)

        scope.setdefault("state", {})["correlation_id"] = found
        token = correlation_id.set(found)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            correlation_id.reset(token)


def correlation_id_for(value: object | None) -> str:
    """The caller's correlation id in canonical spelling, that of the request being served, or a new one.

    Raises:
        InvalidArgument: The one that was given, or that the context variable was set to, is not a UUID.
    """
    given = (correlation_id.get() or None) if value is None else value
    return str(uuid4()) if given is None else canonical_uuid(given, name="correlation_id")


def _of(scope: Scope) -> str:
    found = [value for name, value in scope["headers"] if name == HEADER]
    if len(found) == 1:
        with suppress(ValueError):  # not a UUID, or not even ASCII: a new one
            return canonical_uuid(found[0].decode("ascii"), name="X-Correlation-ID")
    return str(uuid4())
