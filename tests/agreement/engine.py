"""The official engine's own decision about a request: its mock server, asked over a socket."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import pact_ffi

MISMATCH: Final = 500
HEADER: Final = "X-Pact"
"""What the engine's mock server marks a refusal with."""


class OfficialMatcher:
    """The engine's mock server with one interaction of a pact file; it is closed when it is left.

    Args:
        interaction: As the file has it.
    """

    def __init__(self, interaction: Mapping[str, Any]) -> None:
        request = interaction["request"]
        self._pact = pact_ffi.new_pact("consumer", "provider")
        pact_ffi.with_specification(self._pact, pact_ffi.PactSpecification.V4)
        handle = pact_ffi.new_interaction(self._pact, interaction["description"])
        part = pact_ffi.InteractionPart.REQUEST
        pact_ffi.with_request(handle, request["method"], request["path"])
        for name, values in request.get("query", {}).items():
            for at, value in enumerate(values):
                pact_ffi.with_query_parameter_v2(handle, name, at, value)
        for name, values in request.get("headers", {}).items():
            for at, value in enumerate(values):
                pact_ffi.with_header_v2(handle, part, name, at, value)
        pact_ffi.with_matching_rules(handle, part, json.dumps(request.get("matchingRules", {})))
        pact_ffi.response_status(handle, 200)
        self._server = pact_ffi.create_mock_server_for_transport(self._pact, "127.0.0.1", 0, "http", None)
        self._connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        del self._server, self._pact  # which ends them

    def accepts(self, method: str, target: str, headers: Sequence[tuple[str, str]]) -> bool:
        """Whether the engine finds that a request is the interaction's."""
        connection = self._connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        if answer.status == MISMATCH and answer.headers.get(HEADER) is not None:
            return False
        if answer.status == http.HTTPStatus.OK:
            return True
        message = f"neither yes nor no to {method} {target}: {answer.status} {dict(answer.headers)}"
        raise AssertionError(message)
