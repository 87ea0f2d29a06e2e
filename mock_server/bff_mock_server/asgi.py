"""Mocked backends as a plain ASGI application: bytes in, bytes out, no framework on the way."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, cast
from urllib.parse import unquote_plus

from bff_contracts.json_values import is_object
from bff_mock_server.backend import Backend
from bff_mock_server.directives import HEADERS, SEPARATOR, SESSION
from bff_mock_server.guard import Guard
from bff_mock_server.matching import SECRET_HEADERS, Asked, is_secret
from bff_mock_server.mock import Mock
from bff_mock_server.replies import Delivery, Reply, json_reply, problem
from bff_mock_server.values import loads
from bff_mock_server.world import StateError
from bff_mock_server.worlds import SessionError

STATES_PATH: Final = "/_pact/provider_states"
"""Where the official verifier sets provider states up; the only route that no contract holds."""

MAX_HEAD_BYTES: Final = 16 * 1024
"""RAS and CMS answer 431 to a request line and headers larger than about this (some 440 batch ids)."""

MAX_STATE_BYTES: Final = 16 * 1024 * 1024
"""More than any scenario needs; a body without an end must not fill the memory."""

MAX_BODY_BYTES: Final = 1024 * 1024
"""More than any request of a contract is likely to have."""

MAX_NAMES: Final = 100
"""More than any request of a contract has; what is compared and kept of a request stays small."""

CONNECTION: Final = "bff_mock_server.connection"
"""The ASGI extension under which the server hands over the connection, for what ASGI has no words for."""

_LOG: Final = logging.getLogger("bff_mock_server")
_ACTIONS: Final = ("setup", "teardown")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Connection(Protocol):
    """A connection that can end other than well."""

    def reset(self) -> None:
        """Reset it: the client sees an error at once."""
        ...

    def close(self) -> None:
        """Close it after what has been written."""
        ...


class ClientGoneError(Exception):
    """There is nobody left to answer."""


class MockApp:
    """Serves backends on one port, and the endpoint that sets their provider states.

    Args:
        mock: What they share.
        backends: Those of this port; a request goes to the one whose contract it is closest to.
        guard: Who may set provider states.
    """

    def __init__(self, mock: Mock, *backends: Backend, guard: Guard | None = None) -> None:
        self.mock = mock
        self.backends = backends
        self._serves_all = len(backends) == len(mock.backends)
        self._guard = guard or Guard()

    def reload(self) -> None:
        """Take over the backends that the mock has now: all, or those of the same providers."""
        mine = {backend.provider for backend in self.backends}
        self.backends = tuple(one for one in self.mock.backends if self._serves_all or one.provider in mine)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        with suppress(ClientGoneError):
            if scope["path"] == STATES_PATH:
                reply = await self._states(scope, receive)
            elif (body := await read_body(receive, MAX_BODY_BYTES)) is not None:
                reply = self.reply(asked(scope, body))
            else:
                reply = too_large(f"A request has at most {MAX_BODY_BYTES} bytes of body.")
            await deliver(reply, scope, receive, send)

    def reply(self, asked: Asked) -> Reply:
        """The answer to a request that is for a backend; never raises."""
        if len(asked.query) > MAX_NAMES or len(asked.headers) > MAX_NAMES:
            return problem(400, f"A request has at most {MAX_NAMES} parameters and {MAX_NAMES} headers.")
        try:
            return self.mock.handle(self._backend_of(asked), asked)
        except Exception:  # noqa: BLE001
            # A bug here must not look like an answer of the provider, and must not take the server down.
            _LOG.exception("%s %s failed", asked.method, asked.path)
            return problem(500, "The mock itself failed on this request; its log on stderr says where.")

    def _backend_of(self, asked: Asked) -> Backend:
        backends = self.backends
        if len(backends) == 1:
            return backends[0]
        having = [backend for backend in backends if backend.table.at(asked.path)] or backends
        return having[0] if len(having) == 1 else min(having, key=lambda backend: backend.distance(asked))

    async def _states(self, scope: Scope, receive: Receive) -> Reply:
        if scope["method"] != "POST":
            return problem(405, f"Provider states are set with POST, not {scope['method']}.", (b"allow", b"POST"))
        headers = header_map(scope["headers"])
        reason = self._guard.refuses(headers)
        if reason is not None:
            return problem(403, reason)
        body = await read_body(receive, MAX_STATE_BYTES)
        if body is None:
            return too_large(f"A provider state has at most {MAX_STATE_BYTES} bytes.")
        try:
            state, params, action = _state_call(body)
            # The verifier announces an interaction without states as one state without a name.
            if state:
                session = headers.get(SESSION)
                self._set_state(state, params, teardown=action == "teardown", session=session)
        except (StateError, SessionError) as error:
            return problem(400, str(error))
        return json_reply(200, {})

    def _set_state(self, name: str, params: Mapping[str, Any], *, teardown: bool, session: str | None) -> None:
        first_error: StateError | None = None
        for backend in [one for one in self.backends if one.has_states]:
            try:
                self.mock.set_state(backend, name, params, teardown=teardown, session=session)
            except StateError as error:
                first_error = first_error or error
            else:
                return
        if first_error is not None:
            raise first_error


def too_large(detail: str) -> Reply:
    """A 413 that ends the connection: what is left of the body is not read."""
    return problem(413, detail, (b"connection", b"close"))


async def deliver(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer the way it is to arrive.

    Raises:
        RuntimeError: The connection is to end in a way that this server offers no means for.
    """
    head, body, delivery = reply
    start = {"type": "http.response.start", "status": head.status, "headers": reply.headers}
    if delivery is None:
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
    if connection is None and delivery.form != "whole":
        message = f"the fault {delivery.form!r} needs the connection, which this server does not hand over"
        raise RuntimeError(message)
    leaving = asyncio.ensure_future(disconnected(receive))
    try:
        if not await _pause(delivery.delay, leaving):
            return
        if connection is None or delivery.form == "whole":
            await send(start)
            await send({"type": "http.response.body", "body": body})
        else:
            await _spoil(reply, delivery, connection, send, leaving)
    finally:
        leaving.cancel()


async def _spoil(
    reply: Reply, delivery: Delivery, connection: Connection, send: Send, leaving: asyncio.Future[None]
) -> None:
    start = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
    body = reply.body
    match delivery.form:
        case "reset":
            connection.reset()
        case "truncated" if body:
            await send(start)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            connection.close()
        case "truncated" | "dripping":
            await send(start)
            for at in range(len(body)):
                if not await _pause(delivery.pause, leaving):
                    return
                await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        case _:
            connection.close()
    # The server has to learn that nobody is there before it looks for the rest of the answer.
    await asyncio.wait({leaving})


async def disconnected(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pause(seconds: float, leaving: asyncio.Future[None]) -> bool:
    """Wait, as long as the client does; whether it is still there."""
    done, _ = await asyncio.wait({leaving}, timeout=seconds)
    return not done


def asked(scope: Scope, body: bytes = b"") -> Asked:
    """What a request asks for."""
    raw = scope.get("raw_path") or cast("str", scope["path"]).encode()
    query_string: str = scope["query_string"].decode("latin-1")
    headers = header_map(scope["headers"])
    return Asked(scope["method"], raw.decode("latin-1"), query_of(query_string), headers, query_string, body)


_names: dict[bytes, str] = {}
_KNOWN_NAMES: Final = 512


def header_map(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; those sent several times count as one list."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = _names.get(raw_name) or _name(raw_name)
        value = raw_value.decode("latin-1")
        if name in headers:
            value = f"{headers[name]}{SEPARATOR if name in HEADERS else ', '}{value}"
        headers[name] = value
    return headers


def _name(raw: bytes) -> str:
    name = raw.lower().decode("latin-1")
    if len(_names) < _KNOWN_NAMES:
        # Clients send the same few names again and again.
        _names[raw] = name
    if is_secret(name) and len(SECRET_HEADERS) < _KNOWN_NAMES:
        SECRET_HEADERS.add(name)
    return name


def query_of(text: str) -> dict[str, Sequence[str]]:
    """The decoded values of each parameter of a query, in the order sent.

    As `urllib.parse.parse_qsl` reads it, at a fraction of its cost for a query without escapes.
    """
    values: dict[str, Sequence[str]] = {}
    if not text:
        return values
    is_escaped = "%" in text or "+" in text
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if is_escaped:
            name, value = unquote_plus(name), unquote_plus(value)
        if name in values:
            values[name] = (*values[name], value)
        elif pair:
            values[name] = (value,)
    return values


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole request body; `None` when it is too large.

    Raises:
        ClientGoneError: The client went away before its end.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _state_call(body: bytes) -> tuple[str, Mapping[str, Any], str]:
    try:
        document = loads(body)
    except ValueError as error:
        message = f"the body is not JSON: {error}"
        raise StateError(message) from error
    if not is_object(document) or not isinstance(state := document.get("state"), str):
        message = 'the body needs a "state", a string; expected {"state": …, "params": {…}, "action": "setup"}'
        raise StateError(message)
    params, action = document.get("params", {}), document.get("action", "setup")
    if not is_object(params):
        message = '"params" has to be an object'
        raise StateError(message)
    if action not in _ACTIONS:
        message = f'"action" has to be one of {", ".join(_ACTIONS)}, not {action!r}'
        raise StateError(message)
    return state, params, str(action)
