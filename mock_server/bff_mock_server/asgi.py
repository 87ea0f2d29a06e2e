"""A backend as a plain ASGI application: bytes in, bytes out, no framework on the way."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from bff_mock_server.backend import Backend
from bff_mock_server.matching import Asked
from bff_mock_server.replies import Reply, length, problem
from bff_mock_server.values import dumps, is_object
from bff_mock_server.world import StateError

STATES_PATH: Final = "/_pact/provider_states"
"""Where the official verifier sets provider states up; the only route that no contract holds."""

MAX_STATE_BYTES: Final = 16 * 1024 * 1024
"""More than any scenario needs; a body without an end must not fill the memory."""

_LOG: Final = logging.getLogger("bff_mock_server")
_ACTIONS: Final = ("setup", "teardown")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class BackendApp:
    """Serves one backend, and the endpoint that sets its provider states."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            if scope["path"] == STATES_PATH:
                reply = await self._states(scope, receive)
            else:
                reply = self.backend.handle(asked(scope))
        except Exception:  # noqa: BLE001
            # A bug here must not look like an answer of the provider, and must not take the server down.
            _LOG.exception("%s %s failed", scope["method"], scope["path"])
            reply = problem(500, "The mock itself failed on this request; its log on stderr says where.")
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _states(self, scope: Scope, receive: Receive) -> Reply:
        if scope["method"] != "POST":
            return problem(
                405, f"Provider states are set with POST, not {scope['method']}.", headers=((b"allow", b"POST"),)
            )
        body = await _body(receive)
        if body is None:
            return problem(413, f"A provider state has at most {MAX_STATE_BYTES} bytes.")
        try:
            state, params, action = _state_call(body)
            # The verifier announces an interaction without states as one state without a name.
            if state:
                self.backend.set_state(state, params, teardown=action == "teardown")
        except StateError as error:
            return problem(400, str(error))
        answer = dumps({}).encode()
        return Reply(200, ((b"content-type", b"application/json"), length(answer)), answer)


def asked(scope: Scope) -> Asked:
    """What a request asks for."""
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    raw = scope.get("raw_path") or cast("str", scope["path"]).encode()
    return Asked(
        method=scope["method"],
        path=raw.decode("latin-1"),
        query=_query(scope["query_string"].decode("latin-1")),
        headers=_headers(headers),
    )


def _headers(pairs: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _query(text: str) -> Mapping[str, Sequence[str]]:
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return values


async def _body(receive: Receive) -> bytes | None:
    """The whole request body; `None` when it is too large."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MAX_STATE_BYTES:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _no_constant(name: str) -> None:
    message = f"{name} is no JSON value"
    raise ValueError(message)


def _state_call(body: bytes) -> tuple[str, Mapping[str, Any], str]:
    try:
        document: object = json.loads(body, parse_constant=_no_constant)
        # Whatever could not be written into an answer later is refused now.
        dumps(document).encode()
    except (ValueError, RecursionError) as error:
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
