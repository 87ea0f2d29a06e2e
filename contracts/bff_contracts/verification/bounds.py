"""Bounds the size of a provider's response, so that the official verifier compares it within seconds.

The verifier has no limits of its own. It needs about 0.2 ms and 13 KB for each value that differs, and it decompresses
without a limit.
"""

import re
import zlib
from collections.abc import AsyncIterable
from itertools import islice
from typing import Final

from bff_contracts.http import Message, Send

MAX_BYTES: Final = 1_000_000
"""How large a response may be, unpacked; the largest real one, a page of 20 batches with 30 essays each, has 320 KB."""

MAX_VALUES: Final = 20_000
"""How many values a response may hold; the largest real one has 10,000."""

MAX_HEADERS: Final = 90
"""How many headers a response may have; the verifier reads 100, and the server that serves an application adds some."""

MAX_HEADER_BYTES: Final = 64_000
"""How large the headers may be together; servers and proxies commonly refuse more than 8,000 to 16,000."""

_STATUSES: Final = range(200, 600)
_WITHOUT_BODY: Final = {204, 304}
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
"""What HTTP allows (RFC 9110, 5.1 and 5.5)."""

_PACKED: Final = {b"gzip", b"x-gzip", b"deflate"}
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


class NoResponseError(Exception):
    """The provider gave no response that can be compared."""


class IncomingResponse:
    """A response while it arrives.

    Attributes:
        begun: Whether a part has arrived.
        ended: Whether it is complete.
        problem: Why it is rejected, if it is.
    """

    def __init__(self) -> None:
        self.begun = self.ended = False
        self.problem: NoResponseError | None = None
        self._start: Message = {}
        self._body = bytearray()

    def take(self, message: Message) -> None:
        """Add a message that the provider sends.

        Raises:
            NoResponseError: There is too much of it.
        """
        if self.problem is not None:
            raise self.problem
        if message["type"] == "http.response.start":
            self.begun = True
            try:
                self._start = _checked(message)
            except NoResponseError as error:
                self.problem = error
                raise
        elif message["type"] == "http.response.body":
            try:
                _extend(self._body, message.get("body", b""))
                if not message.get("more_body"):
                    self._unpack()
                    self.ended = True
            except NoResponseError as error:
                self.problem = error
                raise

    async def deliver(self, send: Send) -> None:
        """Send the whole response to the verifier."""
        start, body = self._start, bytes(self._body)
        if start["status"] in _WITHOUT_BODY:  # HTTP allows no body with these statuses
            start, body = _without(start, b"content-length"), b""
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _unpack(self) -> None:
        packing = [value for name, value in self._start["headers"] if name.lower() == b"content-encoding"]
        if packing and packing[0].strip().lower() in _PACKED and self._body:
            self._body = bytearray(_unpacked(self._body))
            self._start = _without(self._start, b"content-encoding", b"content-length")
        if sum(map(self._body.count, (b",", b"{", b"["))) > MAX_VALUES:
            message = f"the provider's response has more than {MAX_VALUES:,} values"
            raise NoResponseError(message)


async def read(chunks: AsyncIterable[bytes]) -> bytes:
    """The whole body of a response that arrives in parts.

    Raises:
        NoResponseError: It is too large.
    """
    body = bytearray()
    async for chunk in chunks:
        _extend(body, chunk)
    return bytes(body)


def _checked(start: Message) -> Message:
    """The start of a response, its headers as a list.

    Raises:
        NoResponseError: HTTP, or the verifier, cannot carry it.
    """
    status = start.get("status")
    if not isinstance(status, int) or status not in _STATUSES:
        message = f"the provider's response has the status {status!r:.40}, which is no final status"
        raise NoResponseError(message)
    given = islice(start.get("headers", ()), MAX_HEADERS + 1)
    headers: list[tuple[bytes, bytes]] = [(bytes(name), bytes(value)) for name, value in given]
    if len(headers) > MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        message = (
            f"the provider's response has more than {MAX_HEADERS} headers, or more than {MAX_HEADER_BYTES:,} bytes"
        )
        raise NoResponseError(f"{message} of them")
    for name, value in headers:
        is_type = name.lower() == b"content-type"  # the verifier fails on one that is not ASCII
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or (is_type and not value.isascii()):
            message = f"the provider's response has an invalid header, {name!r:.80}"
            raise NoResponseError(message)
    return {**start, "headers": headers}


def _without(start: Message, *names: bytes) -> Message:
    return {**start, "headers": [each for each in start["headers"] if each[0].lower() not in names]}


def _extend(body: bytearray, chunk: bytes) -> None:
    if len(body) + len(chunk) > MAX_BYTES:
        raise _too_large()
    body += chunk


def _unpacked(body: bytes | bytearray) -> bytes:
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        text = unpacking.decompress(body, MAX_BYTES + 1)
    except zlib.error as error:
        message = f"the provider's response cannot be unpacked: {error}"
        raise NoResponseError(message) from error
    if len(text) > MAX_BYTES:
        raise _too_large()
    if not unpacking.eof or unpacking.unused_data:
        what = "has bytes after" if unpacking.eof else "breaks off before"
        message = f"the provider's response {what} the end of its compressed data"
        raise NoResponseError(message)
    return text


def _too_large() -> NoResponseError:
    return NoResponseError(f"the provider's response is larger than {MAX_BYTES:,} bytes")
