"""Removes secrets and names of persons from what the journal keeps, and cuts long bodies."""

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from bff_mock_server.answering.secrets import (
    HIDDEN,
    KnownKeys,
    decodings,
    without_secret_members,
    without_secrets,
)
from bff_mock_server.matching.match import RequestDifference
from bff_mock_server.matching.request import Asked, is_secret, secret_among

BODY_BYTES: Final = 2000
"""How much of a body is kept, of a request and of a response."""
_WORD: Final = re.compile(r"[\w-]+")
_MARKS: Final = ("%", ":", "+", '"', "<", "eyJ")
"""A value of a parameter or path segment is searched for secrets by their form only if it contains one of these."""
_WIDE: Final = ("utf-16", "utf-32")


class Kept(NamedTuple):
    """The recorded part of a request; the attributes are those of `Asked`."""

    path: str
    query: Mapping[str, Sequence[str]]
    query_string: str
    headers: Mapping[str, str]
    body: bytes


class Scrubber:
    """Takes secrets out of requests: values by their name, and known keys wherever they are.

    Args:
        keys: The keys that the mock knows.

    Attributes:
        searched: How many bytes of a body `shown` needs.
    """

    def __init__(self, keys: Collection[str] = ()) -> None:
        self._keys = KnownKeys.of(keys)
        self.searched = BODY_BYTES + (0 if self._keys is None else self._keys.longest)

    def kept(self, asked: Asked) -> Kept:
        """The recorded part of a request; the request itself is unchanged."""
        path, query, query_string = asked.path, asked.query, asked.query_string
        if self._may_have_secrets(path, query, query_string):
            path = "/".join(map(self._shown, self.text(path).split("/")))
            query, query_string = self._shown_query(query, query_string)
        headers = dict(asked.headers)
        for name in secret_among(tuple(headers)):
            del headers[name]
        body = self.shown(asked.body[: self.searched]) if asked.body else b""
        return Kept(path, query, query_string, _ShownHeaders(headers, self._value), body)

    def _may_have_secrets(self, path: str, query: Mapping[str, Sequence[str]], query_string: str) -> bool:
        """Whether a target may contain secrets; a fast check that most targets pass."""
        target = f"{path}?{query_string}"
        return (
            bool(secret_among(tuple(query)))
            or target.count("=") > len(query)
            or any(mark in target for mark in _MARKS)
            or (self._keys is not None and self._keys.are_in(target))
        )

    def _shown(self, text: str) -> str:
        """A value of a request without secrets and known keys, percent-encoded ones too."""
        looked_through = ((decoded, without_secrets(self.text(decoded))) for decoded in decodings(text))
        return next((shown for decoded, shown in looked_through if shown != decoded), text)

    def _shown_query(
        self, query: Mapping[str, Sequence[str]], query_string: str
    ) -> tuple[Mapping[str, Sequence[str]], str]:
        """The query with its secret values cut out, decoded and as text; unchanged if it has none."""
        shown = {
            self._shown(name): (HIDDEN,) if is_secret(name) else tuple(map(self._shown, values))
            for name, values in query.items()
        }
        if shown == query:
            return query, query_string
        return shown, "&".join(f"{name}={value}" for name, values in shown.items() for value in values)

    def _value(self, name: str, value: str) -> str:
        return self._shown(_without_query(value) if name == "referer" else value)

    def headers(self, headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
        """The headers of a response, those that came on several lines as one."""
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
        if actual is not None:
            is_hidden = found.where.startswith("body") and any(map(is_secret, _WORD.findall(found.where)))
            actual = HIDDEN if is_hidden else self._shown(actual)
        return found._replace(where=self._shown(found.where), actual=actual)

    def shown(self, beginning: bytes) -> bytes:
        """The first `BODY_BYTES` of a body, without the values of secret names, without known keys."""
        encoding = json.detect_encoding(beginning)
        if encoding.startswith(_WIDE):
            try:
                text = getincrementaldecoder(encoding)().decode(beginning)
            except UnicodeDecodeError:
                pass  # bytes that are not text
            else:
                end = len(beginning[:BODY_BYTES].decode(encoding, "ignore"))
                return without_secret_members(self._cut(text, end, HIDDEN)).encode(encoding)
        # A key is found by its bytes.
        cut = self._cut(beginning.decode("latin-1"), BODY_BYTES, HIDDEN.encode().decode("latin-1"))
        shown = without_secret_members(cut.encode("latin-1").decode("utf-8", "surrogateescape"))
        return shown.encode("utf-8", "surrogateescape")

    def _cut(self, text: str, end: int, hidden: str) -> str:
        """The first characters of a text, without known keys."""
        if self._keys is None:
            return text[:end]
        # Half a key would not be recognised.
        across = (key.start() for key in self._keys.pattern.finditer(text) if key.start() < end < key.end())
        return self._keys.pattern.sub(hidden, text[: next(across, end)])


class _ShownHeaders(Mapping[str, str]):
    """Headers whose values are searched for secrets when they are read, so that requests do not wait for that."""

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


def _without_query(url: str) -> str:
    """An address without its query and fragment."""
    cut = re.split(r"[?#]", url, maxsplit=1)
    return cut[0] if len(cut) == 1 else f"{cut[0]}?{HIDDEN}"
