"""Asks the official engine's mock server, over a socket, to decide about a request."""

import http.client
import json
import re
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final, Self

import pact_ffi

MISMATCH: Final = 500
HEADER: Final = "X-Pact"
"""What the engine's mock server marks a refusal with."""
_HOST: Final = "127.0.0.1"
_STARTED: Final = re.compile(r"Master server started on port (?P<port>[0-9]+)")


class Official:
    """A connection to a mock server of the engine that knows one interaction."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection(_HOST, port, timeout=30)

    def accepts(self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> bool:
        """Whether the engine finds that a request is the interaction's."""
        connection = self.connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        answer.read()
        if answer.status == MISMATCH and answer.headers.get(HEADER) is not None:
            return False
        if answer.status == http.HTTPStatus.OK:
            return True
        message = f"neither yes nor no to {method} {target}: {answer.status} {dict(answer.headers)}"
        raise AssertionError(message)


class OfficialMatcher(Official):
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
        self._server = pact_ffi.create_mock_server_for_transport(self._pact, _HOST, 0, "http", None)
        super().__init__(self._server.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        del self._server, self._pact  # which ends them


class EngineServers:
    """`pact mock`: a process of the engine that reads pact files itself and opens a mock server for each.

    Args:
        port: Where the process takes the files.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    @contextmanager
    def serving(self, document: Mapping[str, Any]) -> Generator[Official]:
        """The mock server of one pact file; it ends with the process."""
        with closing(http.client.HTTPConnection(_HOST, self._port, timeout=30)) as connection:
            connection.request("POST", "/", json.dumps(document), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        assert answer.status == http.HTTPStatus.OK, f"{answer.status} {text!r} to {json.dumps(document)}"
        official = Official(json.loads(text)["mockServer"]["port"])
        with closing(official.connection):
            yield official


@contextmanager
def engine_servers() -> Generator[EngineServers]:
    """Start `pact mock`, and end it."""
    command = [str(Path(sys.executable).parent / "pact"), "mock", "--no-file-log", "--no-term-log", "start"]
    command += ["--host", _HOST, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            started = next((found for line in lines if (found := _STARTED.search(line))), None)
            assert started is not None, "pact mock did not start"
            # It logs each request, and would wait for a reader once the pipe is full.
            Thread(target=deque, args=(lines, 0), daemon=True).start()
            yield EngineServers(int(started["port"]))
        finally:
            process.terminate()
