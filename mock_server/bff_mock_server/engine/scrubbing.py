"""What the journal keeps of a request: everything but its secrets, and the beginning of a long body."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from bff_mock_server.matching.request import Asked, is_secret, secret_among

HIDDEN: Final = "…"
BODY_BYTES: Final = 2000
"""How much of a request's body is kept."""

_MEMBER: Final = re.compile(r'("([^"\\]{1,100})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]\[{"]+)')
_FIELD: Final = re.compile(r"((?:^|&)([^=&\s]{1,100})=)([^&\s]+)")
_SHORTEST_KEY: Final = 4
"""A key that is shorter is a part of too many other words to be cut out of them."""


class Kept(NamedTuple):
    """What is kept of a request; the attributes are those of `Asked`."""

    path: str
    query: Mapping[str, Sequence[str]]
    query_string: str
    headers: Mapping[str, str]
    body: bytes


class Scrubber:
    """Takes secrets out of requests: values by their name, and known keys wherever they are.

    Args:
        keys: Keys that the mock knows and nobody else should.
    """

    def __init__(self, keys: Collection[str] = ()) -> None:
        spelled = {form for key in keys for form in (key, quote(key, safe="")) if len(key) >= _SHORTEST_KEY}
        # The longest first: one may be a part of another.
        ordered = sorted(spelled, key=len, reverse=True)
        self._keys = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def kept(self, asked: Asked) -> Kept:
        """What is kept of a request; the request stays as it is."""
        query, query_string = asked.query, asked.query_string
        if query and secret_among(tuple(query)):
            query, query_string = _without_secrets(query)
        headers = dict(asked.headers)
        for name in secret_among(tuple(headers)):
            del headers[name]
        if "referer" in headers:
            headers["referer"] = _without_query(headers["referer"])
        kept = Kept(asked.path, query, query_string, headers, _body(asked.body) if asked.body else b"")
        return kept if self._keys is None else self._without_keys(kept, self._keys)

    def answer(self, body: bytes) -> bytes:
        """The beginning of an answer's body, without known keys."""
        beginning = body[:BODY_BYTES]
        if self._keys is None:
            return beginning
        return self._keys.sub(HIDDEN, beginning.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _without_keys(self, kept: Kept, keys: re.Pattern[str]) -> Kept:
        path, query, query_string, headers, body = kept
        if not any(map(keys.search, (path, query_string, *headers.values(), body.decode("latin-1")))):
            return kept
        return Kept(
            keys.sub(HIDDEN, path),
            {name: [keys.sub(HIDDEN, value) for value in values] for name, values in query.items()},
            keys.sub(HIDDEN, query_string),
            {name: keys.sub(HIDDEN, value) for name, value in headers.items()},
            keys.sub(HIDDEN, body.decode("utf-8", "replace")).encode(),
        )


def _without_secrets(query: Mapping[str, Sequence[str]]) -> tuple[Mapping[str, Sequence[str]], str]:
    """The query with its secret values cut out, decoded and as text."""
    shown = {name: (HIDDEN,) if is_secret(name) else values for name, values in query.items()}
    return shown, "&".join(f"{name}={value}" for name, values in shown.items() for value in values)


def _without_query(url: str) -> str:
    """An address without its query and fragment."""
    cut = re.split(r"[?#]", url, maxsplit=1)
    return cut[0] if len(cut) == 1 else f"{cut[0]}?{HIDDEN}"


def _body(body: bytes) -> bytes:
    """The beginning of a body, without the values of secret members of JSON and fields of forms."""
    text = body[:BODY_BYTES].decode("utf-8", "surrogateescape")
    cut = _FIELD.sub(_hidden, _MEMBER.sub(_hidden, text))
    return cut.encode("utf-8", "surrogateescape")


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}" if is_secret(found[2]) else found[0]
