"""Recognises a head that its client has sent before, so that it is parsed once for each connection.

A client sends the same head with each request, except for the target and a correlation id. The rest is
compared byte by byte, and nothing is shared between connections.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from bff_contracts.platform import CORRELATION_HEADER
from bff_mock_server.matching.request import Asked, RepeatedHeaders, Surroundings
from bff_mock_server.serving.http import query_of

_GET: Final = re.compile(rb"GET (/[!\"$-~]*) HTTP/1\.1\r\n")
"""A request line with a path that needs no further parsing: visible ASCII without a fragment."""

_CORRELATION_ID: Final = re.compile(rb"\r\n%b: ([!-~]+)\r\n" % CORRELATION_HEADER.encode(), re.IGNORECASE)
_VALUE: Final = re.compile(rb"[!-~]+")


class KnownHead(NamedTuple):
    """The head of a GET without a body, as this client sends it.

    Attributes:
        surroundings: The bytes between the request line and the value of the correlation id, and those after it; the
            latter are empty without an id.
        headers: The parsed headers.
    """

    surroundings: Surroundings
    headers: Mapping[str, str]

    @classmethod
    def of(cls, data: bytes, headers: Mapping[str, str]) -> "KnownHead | None":
        """The constant part of the client's requests; `None` if it cannot be determined.

        Args:
            data: One whole GET without a body, and nothing else.
            headers: Its parsed headers.
        """
        if "expect" in headers or isinstance(headers, RepeatedHeaders):
            return None
        found = _CORRELATION_ID.search(data)
        begin, end = found.span(1) if found is not None else (len(data), len(data))
        return cls((data[data.index(b"\r\n") : begin], data[end:]), headers)

    def read(self, data: bytes) -> tuple[str, str | None] | None:
        """Target and correlation id, if any, of another request; `None` when it is not one GET with this head."""
        line = _GET.match(data)
        if line is None:
            return None
        at = line.end() - 2
        before, after = self.surroundings
        begin, end = at + len(before), len(data) - len(after)
        if data[at:begin] != before or data[end:] != after:
            return None
        value, target = data[begin:end], line[1].decode("ascii")
        if not after:
            return None if value else (target, None)
        return (target, value.decode("ascii")) if _VALUE.fullmatch(value) is not None else None

    def asked(self, target: str, correlation_id: str | None) -> Asked:
        """That request."""
        path, _, query = target.partition("?")
        headers = self.headers if correlation_id is None else {**self.headers, CORRELATION_HEADER: correlation_id}
        return Asked("GET", path, query_of(query), headers, query, surroundings=self.surroundings)
