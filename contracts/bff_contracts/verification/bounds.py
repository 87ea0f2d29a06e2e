"""How much of a provider's answer is taken: it ends within a size that the official verifier compares in seconds.

The verifier has no limits of its own. It needs about 0.2 ms and 13 KB for each value that differs, and it unpacks
whatever is compressed.
"""

import zlib
from collections.abc import AsyncIterable
from typing import Final

from bff_contracts.http import Message, Send

MAX_BYTES: Final = 1_000_000
"""How large an answer may be, unpacked; the largest real one, a page of 20 batches with 30 essays each, has 320 KB."""

MAX_VALUES: Final = 20_000
"""How many values an answer may hold; the largest real one has 10,000."""

_PACKED: Final = {b"gzip", b"x-gzip", b"deflate"}
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


class NoAnswerError(Exception):
    """The provider gave no answer that can be compared."""


class IncomingAnswer:
    """An answer as it comes in.

    Attributes:
        begun: Whether there is something of it.
        ended: Whether there is all of it.
        problem: Why it is not taken, if it is not.
    """

    def __init__(self) -> None:
        self.begun = self.ended = False
        self.problem: NoAnswerError | None = None
        self._start: Message = {}
        self._body = bytearray()

    def take(self, message: Message) -> None:
        """Take a message of ASGI.

        Raises:
            NoAnswerError: There is too much of it.
        """
        if self.problem is not None:
            raise self.problem
        if message["type"] == "http.response.start":
            self.begun = True
            self._start = message
        elif message["type"] == "http.response.body":
            try:
                _extend(self._body, message.get("body", b""))
                if not message.get("more_body"):
                    self._unpack()
                    self.ended = True
            except NoAnswerError as error:
                self.problem = error
                raise

    async def deliver(self, send: Send) -> None:
        """Send the whole of it on."""
        if self.begun:
            await send(self._start)
        await send({"type": "http.response.body", "body": bytes(self._body)})

    def _unpack(self) -> None:
        headers: list[tuple[bytes, bytes]] = [
            (bytes(name), bytes(value)) for name, value in self._start.get("headers", ())
        ]
        packing = [value for name, value in headers if name.lower() == b"content-encoding"]
        if packing and packing[0].strip().lower() in _PACKED and self._body:
            self._body = bytearray(_unpacked(self._body))
            gone = {b"content-encoding", b"content-length"}
            self._start = {**self._start, "headers": [each for each in headers if each[0].lower() not in gone]}
        if sum(map(self._body.count, (b",", b"{", b"["))) > MAX_VALUES:
            message = f"the provider's answer has more than {MAX_VALUES:,} values"
            raise NoAnswerError(message)


async def read(chunks: AsyncIterable[bytes]) -> bytes:
    """The whole of a body that comes in parts.

    Raises:
        NoAnswerError: It is too large.
    """
    body = bytearray()
    async for chunk in chunks:
        _extend(body, chunk)
    return bytes(body)


def _extend(body: bytearray, chunk: bytes) -> None:
    if len(body) + len(chunk) > MAX_BYTES:
        raise _too_large()
    body += chunk


def _unpacked(body: bytes | bytearray) -> bytes:
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        text = unpacking.decompress(body, MAX_BYTES + 1)
    except zlib.error as error:
        message = f"the provider's answer cannot be unpacked: {error}"
        raise NoAnswerError(message) from error
    if len(text) > MAX_BYTES:
        raise _too_large()
    return text


def _too_large() -> NoAnswerError:
    return NoAnswerError(f"the provider's answer is larger than {MAX_BYTES:,} bytes")
