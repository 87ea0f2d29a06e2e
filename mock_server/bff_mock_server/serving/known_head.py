"""Recognises a head that its client has sent before, so that it is parsed once for each connection.

A client sends the same head with each request, but for the target and the correlation id. The rest is compared byte by
byte, and nothing is shared between connections.
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
        surroundings: What is sent between the request line and the value of the correlation id, and after that value.
        headers: What the parser made of it.
    """

    surroundings: Surroundings
    headers: Mapping[str, str]

    @classmethod
    def of(cls, data: bytes, headers: Mapping[str, str]) -> "KnownHead | None":
        """What is the same in the client's next request; `None` when nothing can be known of that.

        Args:
            data: One whole GET without a body, and nothing else.
            headers: What the parser made of its head.
        """
        found = _CORRELATION_ID.search(data)
        if found is None or "expect" in headers or isinstance(headers, RepeatedHeaders):
            return None
        return cls((data[data.index(b"\r\n") : found.start(1)], data[found.end(1) :]), headers)

    def read(self, data: bytes) -> tuple[str, str] | None:
        """Target and correlation id of another request; `None` when it is not one GET with this head."""
        line = _GET.match(data)
        if line is None:
            return None
        at = line.end() - 2
        before, after = self.surroundings
        begin, end = at + len(before), len(data) - len(after)
        if data[at:begin] != before or data[end:] != after:
            return None
        value = data[begin:end]
        if _VALUE.fullmatch(value) is None:
            return None
        return line[1].decode("ascii"), value.decode("ascii")

    def asked(self, target: str, correlation_id: str) -> Asked:
        """That request."""
        path, _, query = target.partition("?")
        headers = {**self.headers, CORRELATION_HEADER: correlation_id}
        return Asked("GET", path, query_of(query), headers, query, surroundings=self.surroundings)
