"""The official Pact engine in this process: the one module that touches `pact_ffi`.

It decides about bodies of every content type, and about every rule that this project does not compile itself. An
response is measured by `sync_message_match_response_contents`. A request cannot be: that function lets additional
members pass, which a consumer must not send. So a request is put to a mock server of the engine, on a free port of
127.0.0.1, which knows one interaction alone: that is the engine's own decision about method, path, query, headers and
body. (`body_judge.py` finds out which bodies have no additional members.)

`FUNCTIONS` lists the functions that this module calls. If the installed version lacks one, the first use raises an
`EngineError` that names it.
"""

import http.client
import json
import os
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final

# The engine reports usage to its makers unless this is set before it starts.
os.environ["PACT_DO_NOT_TRACK"] = "true"

import pact_ffi

from bff_contracts.http import HOP_BY_HOP, media_type
from bff_contracts.pact.content import JSON_TYPE, TEXT_TYPE, Content, guessed_type, is_textual
from bff_contracts.pact.file import Request, Response, Rule

FUNCTIONS: Final = (
    "cleanup_mock_server",
    "create_mock_server_for_transport",
    "mock_server_mismatches",
    "new_interaction",
    "new_pact",
    "new_sync_message_interaction",
    "response_status",
    "sync_message_match_response_contents",
    "with_binary_body",
    "with_body",
    "with_header_v2",
    "with_matching_rules",
    "with_query_parameter_v2",
    "with_request",
    "with_specification",
)
"""The functions of `pact_ffi` that this module calls."""

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 30.0
"""Seconds that the engine has for one decision, which takes it less than a thousandth of one."""
_KEPT: Final = 10_000
"""Decisions of one mock server: it keeps each request that it has seen, so it is replaced then."""
_OK: Final = 200
_NOT_SENT: Final = HOP_BY_HOP | {"content-length", "content-type", "expect"}
_REQUEST: Final = pact_ffi.InteractionPart.REQUEST
_RESPONSE: Final = pact_ffi.InteractionPart.RESPONSE


def missing_functions(module: object = pact_ffi) -> list[str]:
    """The functions that this module calls and an engine lacks."""
    return [name for name in FUNCTIONS if not hasattr(module, name)]


class EngineError(RuntimeError):
    """The installed engine cannot decide: its version lacks a function that this module calls."""


def check_engine() -> None:
    """Check that the installed engine has every function that this module calls.

    Raises:
        EngineError: It does not; the message names the functions and the version to install.
    """
    missing = missing_functions()
    if missing:
        message = f"the installed pact_ffi has no {', '.join(missing)}: install pact-python~=4.2.0"
        raise EngineError(message)


@dataclass(frozen=True, slots=True)
class EngineMismatch:
    """One place where a request or a body is not what it has to be, in the engine's words.

    Attributes:
        kind: `MethodMismatch`, `PathMismatch`, `QueryMismatch`, `HeaderMismatch`, `BodyTypeMismatch`, `BodyMismatch`.
        place: A JSON path, or the name of the parameter or header; empty for the part as a whole.
        text: What was expected and what was found.
        expected: The example at that place, as text; `None` when nothing should be there.
        actual: What was found there; `None` when nothing was.
    """

    kind: str
    place: str
    text: str
    expected: str | None = None
    actual: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it goes over a connection.

    Attributes:
        method: As it was sent.
        target: Path and query, percent-encoded.
        headers: Pairs of a name and a value; a name may come several times.
        body: The bytes.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """What the body is; guessed, as the engine does, when no header says it."""
        named = [value for name, value in self.headers if name.lower() == "content-type"]
        if named:
            return named[0]
        return guessed_type(self.body.decode("utf-8", "replace")) if self.body else TEXT_TYPE


def refused_rule(request: Request) -> str | None:
    """The place of a matching rule that the engine cannot read; `None` when it reads all of them.

    Raises:
        EngineError: The installed engine lacks a function.
    """
    check_engine()
    pact = pact_ffi.new_pact("consumer", "provider")
    interaction = pact_ffi.new_interaction(pact, "rules")
    ruled = {"query": request.query_rules, "header": request.header_rules, "body": request.rules}
    for category, rules in ruled.items():
        for path, rule in rules.items():
            try:
                text = json.dumps({category: {path: rule.as_json()}})
                pact_ffi.with_matching_rules(interaction, _REQUEST, text)
            except RuntimeError:
                return f"{category}[{path!r}]"
    return None


class RequestJudge:
    """Decides whether requests match one interaction.

    Args:
        request: The interaction's.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._lock = Lock()
        self._server: _MockServer | None = None

    def allows(self, sent: Sent) -> bool:
        """Whether a request is the interaction's."""
        with self._lock:
            if self._server is None or self._server.decisions >= _KEPT:
                self._server = _MockServer(self._request)
            return self._server.accepts(sent)

    def mismatches(self, sent: Sent) -> list[EngineMismatch]:
        """Where a request differs from the interaction's, as a separate mock server of the engine reports it."""
        server = _MockServer(self._request)
        return [] if server.accepts(sent) else server.mismatches()


class _MockServer:
    """The engine's mock server with one interaction, and a connection to it; both end with this object."""

    def __init__(self, request: Request) -> None:
        self.decisions = 0
        self._header = _header_for_body(request)
        pact = pact_ffi.new_pact("consumer", "provider")
        pact_ffi.with_specification(pact, pact_ffi.PactSpecification.V4)
        interaction = pact_ffi.new_interaction(pact, "request")
        _describe(interaction, request, self._header)
        pact_ffi.response_status(interaction, _OK)
        self._pact = pact
        self._server = pact_ffi.create_mock_server_for_transport(pact, _HOST, 0, "http", None)
        self._connection = http.client.HTTPConnection(_HOST, self._server.port, timeout=_PATIENCE)
        weakref.finalize(self, self._connection.close)

    def accepts(self, sent: Sent) -> bool:
        self.decisions += 1
        try:
            return self._ask(sent)
        except (http.client.HTTPException, ConnectionError):
            self._connection.close()  # it had ended between two requests
            return self._ask(sent)

    def _ask(self, sent: Sent) -> bool:
        connection = self._connection
        connection.putrequest(sent.method, sent.target, skip_host=True, skip_accept_encoding=True)
        for name, value in _headers_of(sent, self._header):
            connection.putheader(name, value.encode("latin-1", "replace"))
        connection.endheaders(sent.body or None)
        response = connection.getresponse()
        response.read()
        return response.status == _OK

    def mismatches(self) -> list[EngineMismatch]:
        found = pact_ffi.mock_server_mismatches(self._server)
        mismatches = [_mismatch(one) for entry in found for one in entry.get("mismatches", ())]
        if self._header is None:
            return mismatches
        # The contract has no such header: what is wrong is the type of the body, which is reported as well.
        return [one for one in mismatches if (one.kind, one.place.lower()) != ("HeaderMismatch", "content-type")]


def _header_for_body(request: Request) -> str | None:
    """The content type of a body about which the contract has no header: the engine would demand the header as well."""
    content = request.content
    return content.content_type if content is not None and "content-type" not in request.headers else None


def _headers_of(sent: Sent, header_for_body: str | None) -> Iterable[tuple[str, str]]:
    hosts = [value for name, value in sent.headers if name.lower() == "host"]
    yield "Host", hosts[0] if hosts else _HOST
    for name, value in sent.headers:
        if name.lower() not in _NOT_SENT and name.lower() != "host":
            yield name, value
    has_type = any(name.lower() == "content-type" for name, _ in sent.headers)
    if header_for_body is not None:
        kind = sent.content_type
        # The header is only there to carry the type of the body, which has no parameters to differ in.
        yield "Content-Type", header_for_body if media_type(kind)[0] == media_type(header_for_body)[0] else kind
    elif has_type:
        yield from ((name, value) for name, value in sent.headers if name.lower() == "content-type")
    if sent.body:
        yield "Content-Length", str(len(sent.body))


def _describe(interaction: pact_ffi.InteractionHandle, request: Request, header_for_body: str | None) -> None:
    pact_ffi.with_request(interaction, request.method, request.path)
    for name, values in request.query.items():
        for at, value in enumerate(values):
            pact_ffi.with_query_parameter_v2(interaction, name, at, value)
    for name, values in request.headers.items():
        for at, value in enumerate(values):
            pact_ffi.with_header_v2(interaction, _REQUEST, name, at, value)
    if request.content is not None:
        kind = header_for_body or ", ".join(request.headers["content-type"])
        pact_ffi.with_binary_body(interaction, _REQUEST, kind, request.content.raw)
    elif request.wants_no_body:
        pact_ffi.with_binary_body(interaction, _REQUEST, None, None)
    rules: dict[str, Any] = {
        "query": _as_json(request.query_rules),
        "header": _as_json(request.header_rules),
        "body": _as_json(request.rules),
    }
    if request.path_rule is not None:
        rules["path"] = request.path_rule.as_json()
    pact_ffi.with_matching_rules(interaction, _REQUEST, json.dumps({key: rule for key, rule in rules.items() if rule}))


def _as_json(rules: Mapping[str, Rule]) -> dict[str, Any]:
    return {path: rule.as_json() for path, rule in rules.items()}


def rules_for_body(rules: Mapping[str, Rule]) -> str:
    """The rules of a body as the engine reads them."""
    return json.dumps({"body": _as_json(rules)}, sort_keys=True)


def _mismatch(entry: Mapping[str, Any]) -> EngineMismatch:
    place = entry.get("path") or entry.get("parameter") or entry.get("key") or ""
    expected, actual = entry.get("expected"), entry.get("actual")
    return EngineMismatch(
        kind=str(entry.get("type", "")),
        place=str(place),
        text=str(entry.get("mismatch", entry)),
        expected=None if expected is None else str(expected),
        actual=None if actual is None else str(actual),
    )


def response_mismatches(
    content: Content, rules: Mapping[str, Rule], body: bytes, content_type: str | None
) -> list[EngineMismatch]:
    """How the body of a response differs from an example beyond what the rules allow.

    Args:
        content: The example.
        rules: Its rules, by JSON path.
        body: What was answered.
        content_type: What the response says that it is; the example's type for `None`.

    Raises:
        EngineError: The installed engine lacks a function.
    """
    kind = content.content_type or JSON_TYPE
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = None
    if text is None or not is_textual(kind) or "\0" in text:
        return _differing_bytes(content, rules, body)
    found = _yardstick(content.raw.decode(), kind, rules_for_body(rules))
    return found.mismatches(text, content_type or kind)


def _differing_bytes(content: Content, rules: Mapping[str, Rule], body: bytes) -> list[EngineMismatch]:
    """Compare bytes: they have to be equal, unless a rule asks for their content type alone."""
    names = {str(matcher["match"]) for rule in rules.values() for matcher in rule.matchers}
    if body == content.raw or names & {"contentType", "content-type"}:
        return []
    text = f"Expected a body of {len(content.raw)} bytes and found other {len(body)} bytes"
    return [EngineMismatch("BodyMismatch", "$", text)]


class Yardstick:
    """An example body and its rules inside the engine, where they stay as long as this object: the body of a message.

    Args:
        example: A text.
        content_type: What it is.
        rules: A JSON document with the rules for it, below `body`.
    """

    def __init__(self, example: str, content_type: str, rules: str) -> None:
        check_engine()
        self._pact = pact_ffi.new_pact("consumer", "provider")
        pact_ffi.with_specification(self._pact, pact_ffi.PactSpecification.V4)
        self._message = pact_ffi.new_sync_message_interaction(self._pact, "response")
        pact_ffi.with_body(self._message, _REQUEST, JSON_TYPE, "{}")
        pact_ffi.with_body(self._message, _RESPONSE, content_type, example)
        pact_ffi.with_matching_rules(self._message, _RESPONSE, rules)

    def mismatches(self, text: str, content_type: str) -> list[EngineMismatch]:
        """How a text differs from the example beyond what the rules allow; members that are not in it pass."""
        found = pact_ffi.sync_message_match_response_contents(self._message, 0, content_type, text)
        return [_mismatch(entry) for entry in found]


@lru_cache(maxsize=128)
def _yardstick(example: str, content_type: str, rules: str) -> Yardstick:
    return Yardstick(example, content_type, rules)


def allows_response(response: Response, content: Content) -> bool:
    """Whether the interaction allows this body."""
    if response.content is None:
        return True
    return not response_mismatches(response.content, response.rules, content.raw, content.content_type)
