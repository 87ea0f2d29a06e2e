"""Reads headers and queries of a request within bounds."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_plus

from bff_mock_server.answering.mock_headers import HEADERS, SEPARATOR
from bff_mock_server.matching.request import RepeatedHeaders
from bff_mock_server.responses.reply import Reply, problem

MAX_HEAD_BYTES: Final = 16 * 1024
"""RAS and CMS answer 431 to a request line and headers larger than about this (some 440 batch ids)."""

MAX_STATE_BYTES: Final = 16 * 1024 * 1024
"""Larger than any scenario, and bounded, so that an endless body cannot fill the memory."""

MAX_BODY_BYTES: Final = 1024 * 1024
"""More than any request of a contract has."""

MAX_NAMES: Final = 100
"""More than any request of a contract has; keeps comparisons and records small."""


def too_large(limit: int) -> Reply:
    """The response to a request whose body is too large; the rest of the body is not read."""
    return problem(413, f"A request has at most {limit} bytes of body here.")


_names: dict[bytes, str] = {}
_KNOWN_NAMES: Final = 512


def header_map(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; those sent several times count as one list."""
    headers = {_names.get(name) or _name(name): value.decode("latin-1") for name, value in pairs}
    if len(headers) == len(pairs):
        return headers
    repeated: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = _name(raw_name), raw_value.decode("latin-1")
        if name in repeated:
            value = f"{repeated[name]}{SEPARATOR if name in HEADERS else ', '}{value}"
        repeated[name] = value
    return RepeatedHeaders(repeated, [(_name(name), value.decode("latin-1")) for name, value in pairs])


def _name(raw: bytes) -> str:
    name = raw.lower().decode("latin-1")
    if len(_names) < _KNOWN_NAMES:
        # Clients send few different names.
        _names[raw] = name
    return name


def query_of(text: str) -> dict[str, Sequence[str]]:
    """The decoded values of each parameter of a query, in the order sent.

    As `urllib.parse.parse_qsl` reads it, at a fraction of its cost for a query without escapes.
    """
    values: dict[str, Sequence[str]] = {}
    if not text:
        return values
    repeated: dict[str, list[str]] = {}
    is_escaped = "%" in text or "+" in text
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if is_escaped:
            name, value = unquote_plus(name), unquote_plus(value)
        if name in values:
            repeated.setdefault(name, [*values[name]]).append(value)
        elif pair:
            values[name] = (value,)
    return {**values, **{name: tuple(several) for name, several in repeated.items()}} if repeated else values
