"""Reads the `X-Mock-…` headers of a request: its session, and states and faults for this response."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bff_contracts.pact.json_path import is_object
from bff_mock_server._json import loads
from bff_mock_server.faults.spec import Fault, FaultError, parse_faults

SESSION: Final = "x-mock-session"
STATE: Final = "x-mock-state"
FAULT: Final = "x-mock-fault"
HEADERS: Final = frozenset({SESSION, STATE, FAULT})
SEPARATOR: Final = "\n"
"""Joins the values of a header that was sent several times; no header value can contain it."""


class MockHeaderError(ValueError):
    """A header for the mock is invalid; the message says what the mock expects."""


class WantedState(NamedTuple):
    """A provider state for one request; `params` are `None` when the contract's own are wanted."""

    name: str
    params: Mapping[str, Any] | None


class MockHeaders(NamedTuple):
    """The directives in the headers of one request.

    Attributes:
        session: Whose world answers; `None` for the default one.
        states: Provider states for this response alone.
        faults: Faults for this response instead of the armed ones; `None` for those.
    """

    session: str | None = None
    states: tuple[WantedState, ...] = ()
    faults: tuple[Fault, ...] | None = None


NO_MOCK_HEADERS: Final = MockHeaders()


def read_mock_headers(headers: Mapping[str, str]) -> MockHeaders:
    """Read the headers for the mock.

    Raises:
        MockHeaderError: One of them is invalid.
    """
    if SESSION not in headers and STATE not in headers and FAULT not in headers:
        return NO_MOCK_HEADERS
    states = headers.get(STATE)
    faults = headers.get(FAULT)
    try:
        wanted = None if faults is None else parse_faults(faults.replace(SEPARATOR, ";"))
    except FaultError as error:
        message = f"X-Mock-Fault: {error}"
        raise MockHeaderError(message) from error
    return MockHeaders(
        session=headers.get(SESSION),
        states=tuple(map(_state, states.split(SEPARATOR))) if states is not None else (),
        faults=wanted,
    )


def _state(text: str) -> WantedState:
    name, _, params = _utf8(text).partition(";")
    name = name.strip()
    if not params.strip():
        return WantedState(name, None)
    try:
        document = loads(params)
    except ValueError as error:
        message = f"X-Mock-State: the params of {name!r} are not JSON ({error}); expected <name>; {{…}}"
        raise MockHeaderError(message) from error
    if not is_object(document):
        message = f"X-Mock-State: the params of {name!r} have to be a JSON object"
        raise MockHeaderError(message)
    return WantedState(name, document)


def _utf8(text: str) -> str:
    """Headers are decoded as Latin-1, but clients send letters such as å as UTF-8."""
    try:
        return text.encode("latin-1").decode()
    except ValueError:
        return text
