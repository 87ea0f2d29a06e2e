"""Removes secrets and names of persons from what the journal keeps, and cuts long bodies."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final, NamedTuple

from bff_mock_server.engine.mock_headers import STATE
from bff_mock_server.engine.secrets import (
    HIDDEN,
    KnownKeys,
    without_credentials,
    without_secret_members,
)
from bff_mock_server.matching.match import RequestDifference
from bff_mock_server.matching.request import Asked, is_secret, secret_among

BODY_BYTES: Final = 2000
"""How much of a body is kept, of a request and of an answer."""
_WORD: Final = re.compile(r"[\w-]+")


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
        self._keys = KnownKeys.of(keys)

    def kept(self, asked: Asked) -> Kept:
        """What is kept of a request; the request stays as it is."""
        query, query_string = asked.query, asked.query_string
        if query and secret_among(tuple(query)):
            query, query_string = _without_secrets(query)
        headers = dict(asked.headers)
        for name in secret_among(tuple(headers)):
            del headers[name]
        body = self.shown(self.beginning(asked.body)) if asked.body else b""
        path, keys = asked.path, self._keys
        if keys is not None and keys.are_in(f"{path}?{query_string}"):
            path, query_string = keys.cut_out(path), keys.cut_out(query_string)
            query = {self.text(name): [*map(self.text, values)] for name, values in query.items()}
        return Kept(path, query, query_string, _ShownHeaders(headers, self._value), body)

    def _value(self, name: str, value: str) -> str:
        if name == STATE:  # what it makes true for one answer may be names
            value = without_secret_members(value.encode()).decode()
        return without_credentials(self.text(_without_query(value) if name == "referer" else value))

    def headers(self, headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
        """The headers of an answer, those that came on several lines as one."""
        shown: dict[str, str] = {}
        for name, value in headers:
            if not is_secret(name):
                known = self._value(name, value)
                shown[name] = f"{shown[name]}, {known}" if name in shown else known
        return shown

    def text(self, text: str) -> str:
        """A text without known keys."""
        return text if self._keys is None else self._keys.cut_out(text)

    def difference(self, found: RequestDifference) -> RequestDifference:
        """A difference without known keys: its place may name a parameter, and it shows what was sent."""
        actual = found.actual
        if actual is not None and found.where.startswith("body"):
            is_hidden = any(map(is_secret, _WORD.findall(found.where)))
            shown = without_secret_members(actual.encode("utf-8", "surrogateescape"))
            actual = HIDDEN if is_hidden else shown.decode("utf-8", "surrogateescape")
        return replace(found, where=self.text(found.where), actual=None if actual is None else self.text(actual))

    def beginning(self, body: bytes) -> bytes:
        """As much of a body as `shown` needs."""
        return body[: BODY_BYTES + (0 if self._keys is None else self._keys.longest)]

    def shown(self, beginning: bytes) -> bytes:
        """The first `BODY_BYTES` of a body, without the values of secret names, without known keys."""
        end = BODY_BYTES
        if self._keys is None:
            return without_secret_members(beginning[:end])
        text = beginning.decode("latin-1")  # a key is found by its bytes
        # Half a key would not be recognised.
        across = (key.start() for key in self._keys.pattern.finditer(text) if key.start() < end < key.end())
        whole = text[: next(across, end)]
        parts = (part.encode("latin-1") for part in self._keys.pattern.split(whole))
        return without_secret_members(HIDDEN.encode().join(parts))


class _ShownHeaders(Mapping[str, str]):
    """Headers whose values are looked through when somebody reads them, which a request need not wait for."""

    def __init__(self, sent: Mapping[str, str], shown: Callable[[str, str], str]) -> None:
        self._sent = sent
        self._shown_as = shown

    @cached_property
    def _shown(self) -> Mapping[str, str]:
        return {self._shown_as("", name): self._shown_as(name, value) for name, value in self._sent.items()}

    def __getitem__(self, name: str) -> str:
        return self._shown[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)

    def __repr__(self) -> str:
        return repr(self._shown)


def _without_secrets(query: Mapping[str, Sequence[str]]) -> tuple[Mapping[str, Sequence[str]], str]:
    """The query with its secret values cut out, decoded and as text."""
    shown = {name: (HIDDEN,) if is_secret(name) else values for name, values in query.items()}
    return shown, "&".join(f"{name}={value}" for name, values in shown.items() for value in values)


def _without_query(url: str) -> str:
    """An address without its query and fragment."""
    cut = re.split(r"[?#]", url, maxsplit=1)
    return cut[0] if len(cut) == 1 else f"{cut[0]}?{HIDDEN}"
