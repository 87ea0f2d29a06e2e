"""What the journal keeps: everything but secrets and names of persons, and the beginning of a long body."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from urllib.parse import quote

from bff_mock_server.matching.match import RequestDifference
from bff_mock_server.matching.request import Asked, is_secret, secret_among

HIDDEN: Final = "…"
BODY_BYTES: Final = 2000
"""How much of a body is kept, of a request and of an answer."""

_MEMBER: Final = re.compile(r'("([^"\\]{1,100})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]\[{"]+)')
_NESTED: Final = re.compile(r'"([^"\\]{1,100})"\s*:\s*(?=[{\[])')
_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]')
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
        pattern = "|".join(map(re.escape, ordered))
        self._keys = re.compile(pattern) if ordered else None
        self._keys_of_bodies = re.compile(pattern.encode()) if ordered else None
        self._longest = max((len(form.encode()) for form in ordered), default=0)

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
        body = self.shown(self.beginning(asked.body)) if asked.body else b""
        kept = Kept(asked.path, query, query_string, headers, body)
        return kept if self._keys is None else self._without_keys(kept, self._keys)

    def headers(self, headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
        """The headers of an answer, those that came on several lines as one."""
        shown: dict[str, str] = {}
        for name, value in headers:
            if not is_secret(name):
                known = self.text(value)
                shown[name] = f"{shown[name]}, {known}" if name in shown else known
        return shown

    def text(self, text: str) -> str:
        """A text without known keys."""
        return text if self._keys is None else self._keys.sub(HIDDEN, text)

    def difference(self, found: RequestDifference) -> RequestDifference:
        """A difference without known keys: its place may name a parameter, and it shows what was sent."""
        actual = None if found.actual is None else self.text(found.actual)
        return replace(found, where=self.text(found.where), actual=actual)

    def beginning(self, body: bytes) -> bytes:
        """As much of a body as `shown` needs."""
        return body[: BODY_BYTES + self._longest]

    def shown(self, beginning: bytes) -> bytes:
        """The first `BODY_BYTES` of a body, without the values of secret members and fields, without known keys."""
        end = BODY_BYTES
        if self._keys_of_bodies is None:
            return _without_secret_members(beginning[:end])
        # Half a key would not be recognised.
        across = (key.start() for key in self._keys_of_bodies.finditer(beginning) if key.start() < end < key.end())
        whole = beginning[: next(across, end)]
        return _without_secret_members(self._keys_of_bodies.sub(HIDDEN.encode(), whole))

    def _without_keys(self, kept: Kept, keys: re.Pattern[str]) -> Kept:
        path, query, query_string, headers, body = kept
        if not any(map(keys.search, (path, query_string, *headers.values()))):
            return kept
        return Kept(
            keys.sub(HIDDEN, path),
            {keys.sub(HIDDEN, name): [keys.sub(HIDDEN, value) for value in values] for name, values in query.items()},
            keys.sub(HIDDEN, query_string),
            {name: keys.sub(HIDDEN, value) for name, value in headers.items()},
            body,
        )


def _without_secrets(query: Mapping[str, Sequence[str]]) -> tuple[Mapping[str, Sequence[str]], str]:
    """The query with its secret values cut out, decoded and as text."""
    shown = {name: (HIDDEN,) if is_secret(name) else values for name, values in query.items()}
    return shown, "&".join(f"{name}={value}" for name, values in shown.items() for value in values)


def _without_query(url: str) -> str:
    """An address without its query and fragment."""
    cut = re.split(r"[?#]", url, maxsplit=1)
    return cut[0] if len(cut) == 1 else f"{cut[0]}?{HIDDEN}"


def _without_secret_members(body: bytes) -> bytes:
    """A body without the values of secret members of JSON and fields of forms; the JSON may break off anywhere."""
    text = _without_nested(body.decode("utf-8", "surrogateescape"))
    return _FIELD.sub(_hidden, _MEMBER.sub(_hidden, text)).encode("utf-8", "surrogateescape")


def _without_nested(text: str) -> str:
    """JSON without the objects and arrays that are values of secret members."""
    kept: list[str] = []
    at = 0
    for member in _NESTED.finditer(text):
        if member.start() >= at and is_secret(member[1]):
            kept += text[at : member.end()], HIDDEN
            at = _end_of_value(text, member.end())
    return "".join([*kept, text[at:]])


def _end_of_value(text: str, start: int) -> int:
    """Where the object or array ends that begins at `start`; the end of the text if that comes first."""
    depth = 0
    for token in _BRACKET.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return len(text)


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}" if is_secret(found[2]) else found[0]
