"""Serves mocked backends as an application."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from bff_contracts.pact.json_path import is_object
from bff_contracts.platform import STATES_PATH
from bff_mock_server._json import loads
from bff_mock_server.answering.backend import Backend
from bff_mock_server.answering.mock import Mock
from bff_mock_server.answering.mock_headers import SESSION
from bff_mock_server.matching.request import Asked, Surroundings
from bff_mock_server.responses.reply import Reply, json_reply, problem
from bff_mock_server.serving.guard import Guard
from bff_mock_server.serving.http import MAX_BODY_BYTES, MAX_NAMES, MAX_STATE_BYTES
from bff_mock_server.world.rows import StateError
from bff_mock_server.world.sessions import SessionError

_LOG: Final = logging.getLogger("bff_mock_server")
_ACTIONS: Final = ("setup", "teardown")


class MockApp:
    """Serves backends on one port, and the endpoint that sets their provider states.

    Args:
        mock: The mock that they belong to.
        backends: The backends of this port; the one with the closest contract answers.
        guard: Decides who may set provider states.
        max_body: The largest body of a request, in bytes.
    """

    def __init__(
        self, mock: Mock, *backends: Backend, guard: Guard | None = None, max_body: int = MAX_BODY_BYTES
    ) -> None:
        self.mock = mock
        self.backends = backends
        self._serves_all = len(backends) == len(mock.backends)
        self._guard = guard or Guard()
        self._max_body = max_body

    def reload(self) -> None:
        """Adopt the mock's present backends after a reload: all, or those of the same providers."""
        mine = {backend.provider for backend in self.backends}
        self.backends = tuple(one for one in self.mock.backends if self._serves_all or one.provider in mine)

    def answer(self, asked: Asked) -> Reply:
        """The response to any request of this port; never raises."""
        return self._states(asked) if asked.path == STATES_PATH else self.reply(asked)

    def recall(self, surroundings: Surroundings, target: str, correlation_id: str | None) -> Reply | None:
        """The response to a request that repeats an earlier one except for its correlation id; `None`: use `answer`."""
        return self.mock.recall(self.backends, surroundings, target, correlation_id)

    def max_body(self, path: str) -> int:
        """The largest body of a request for a path, in bytes."""
        return MAX_STATE_BYTES if path == STATES_PATH else self._max_body

    def reply(self, asked: Asked) -> Reply:
        """The response to a request that is for a backend; never raises."""
        if len(asked.query) > MAX_NAMES or len(asked.headers) > MAX_NAMES:
            return problem(400, f"A request has at most {MAX_NAMES} parameters and {MAX_NAMES} headers.")
        try:
            return self.mock.handle(self.backends, asked)
        except Exception:  # noqa: BLE001
            # A bug here must not look like a response of the provider, and must not take the server down.
            _LOG.exception("%s %s failed", asked.method, asked.path)
            return problem(500, "The mock itself failed on this request; its log on stderr says where.")

    def _states(self, asked: Asked) -> Reply:
        if asked.method != "POST":
            return problem(405, f"Provider states are set with POST, not {asked.method}.", (b"allow", b"POST"))
        reason = self._guard.refuses(asked.method, asked.headers)
        if reason is not None:
            return problem(403, reason)
        try:
            state, params, action = _state_call(asked.body)
            # The verifier announces an interaction without states as one state without a name.
            if state:
                self._set_state(state, params, teardown=action == "teardown", session=asked.headers.get(SESSION))
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
