"""Reads a body within its size limit: both the compressed and the decompressed bytes count."""

import asyncio
import zlib
from collections.abc import AsyncIterable
from typing import Final

_ANY_HEADER: Final = 47
"""zlib's `wbits` for either a gzip or a zlib header. Raw deflate, which RFC 9110 forbids, is not read."""

_DEFLATED: Final = frozenset({b"gzip", b"x-gzip", b"deflate"})

_NAMED: Final = frozenset({b"br", b"zstd", b"compress", b"x-compress", b"dcb", b"dcz"})
"""Other registered codings. An error names only these: any other value could be a secret."""

_CHUNKS_AT_ONCE: Final = 256
"""Chunks after which other tasks have a turn: httpx's own transport takes 15 µs for each and does not wait between."""

_BLOCK_BYTES: Final = 512
"""Smaller chunks are joined as they arrive: in a list, a chunk of two bytes takes fifty."""

_AFTER_THE_END: Final = "bytes after the end of the compressed body"


class TooLargeError(Exception):
    """The body passed the limit while it arrived."""


class DecodingError(Exception):
    """The body cannot be decompressed."""


async def read_body(chunks: AsyncIterable[bytes], *, coding: bytes, announced: bytes, limit: int) -> bytes:
    """Read a body to its end.

    Args:
        chunks: The body as it arrives, maybe compressed.
        coding: The value of ``Content-Encoding``, in lower case.
        announced: The value of ``Content-Length``, or nothing.
        limit: The most bytes, both compressed and decompressed.

    Raises:
        TooLargeError: The body has more.
        DecodingError: It cannot be decompressed. The clients ask for no compression, but read one gzip or zlib stream;
            bytes after its end are refused.
    """
    if announced.isdigit() and int(announced[:20]) > limit:
        raise TooLargeError
    unpacked = _Unpacked(coding, limit)
    arrived = count = 0
    async for chunk in chunks:
        count += 1
        if not count % _CHUNKS_AT_ONCE:
            await asyncio.sleep(0)
        arrived += len(chunk)
        unpacked.add(chunk)
        if arrived > limit or unpacked.size > limit:
            raise TooLargeError
    return unpacked.whole()


class _Unpacked:
    """The decompressed body so far, at most one byte over the limit: a small chunk may decompress to a huge one."""

    def __init__(self, coding: bytes, limit: int) -> None:
        self.size = 0
        # Not one buffer that grows: for a large body the allocator would return its memory after each call and ask the
        # system for it again in the next, which is a sixth of the cost of a full page at 50 calls in flight.
        self._blocks: list[bytes] = []
        self._limit = limit
        self._decoder = None if coding == b"identity" else _decoder(coding)

    def add(self, chunk: bytes) -> None:
        part = chunk if self._decoder is None else self._inflated(self._decoder, chunk)
        self.size += len(part)
        if self._blocks and len(self._blocks[-1]) < _BLOCK_BYTES:
            self._blocks[-1] += part
        else:
            self._blocks.append(part)

    def whole(self) -> bytes:
        if self._decoder is not None and not self._decoder.eof:
            raise DecodingError("the compressed body is cut off")
        return b"".join(self._blocks)

    def _inflated(self, decoder: "zlib._Decompress", chunk: bytes) -> bytes:  # pyright: ignore[reportPrivateUsage]
        if decoder.eof and chunk:
            raise DecodingError(_AFTER_THE_END)
        try:
            part = decoder.decompress(chunk, self._limit + 1 - self.size)
        except zlib.error as error:
            raise DecodingError(str(error)) from None
        if decoder.unused_data:
            raise DecodingError(_AFTER_THE_END)
        return part


def _decoder(coding: bytes) -> "zlib._Decompress":  # pyright: ignore[reportPrivateUsage]  # it has no public name
    if coding in _DEFLATED:
        return zlib.decompressobj(wbits=_ANY_HEADER)
    raise DecodingError(f"content coding {coding.decode()!r}" if coding in _NAMED else "unknown content coding")
