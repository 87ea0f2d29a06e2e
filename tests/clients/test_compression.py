"""Compressed bodies, which the clients do not request: read within the size limit, or rejected."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import pytest

from bff_clients import BackendSettings, ContractViolation, RASClient, create_http_client
from bff_clients._bodies import DecodingError, TooLargeError, _Unpacked, read_body  # pyright: ignore[reportPrivateUsage]
from tests.support.golden import Golden
from tests.support.misbehaving import head, misbehaving_server, says
from tests.support.platform import KEY, TEACHER, recorded

pytestmark = pytest.mark.anyio


PACKED = gzip.compress(b"{}")
RAW_DEFLATE = zlib.compress(b"{}" * 100)[2:-4]
AFTER = "DecodingError('bytes after the end of the compressed body')"


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)],
)
async def test_a_body_that_was_compressed_unasked_is_read(coding: str, encode: Callable[[bytes], bytes]) -> None:
    body = encode(recorded("ras_user_batches_all_statuses").body)
    async with misbehaving_server(says(head(Content_Encoding=coding, Content_Length=str(len(body))) + body)) as port:
        settings = BackendSettings(internal_api_key=KEY, ras_base_url=f"http://127.0.0.1:{port}")
        async with create_http_client(settings) as http:
            assert await RASClient(http, settings).get_batches_for_user(TEACHER)


@pytest.mark.parametrize(
    ("coding", "body", "cause"),
    [
        pytest.param("x-key", b"x", "DecodingError(", id="coding-of-nobody"),
        pytest.param("gzip, gzip", PACKED, "DecodingError(", id="packed-twice"),
        pytest.param("gzip", PACKED * 2, AFTER, id="several-members"),
        pytest.param("gzip", PACKED + bytes(1000), AFTER, id="zeros-after-the-end"),
        pytest.param("deflate", RAW_DEFLATE, "DecodingError('Error -3", id="raw-deflate"),
        pytest.param("br", b"x", "DecodingError(\"content coding 'br'\")", id="unknown-coding"),
        pytest.param(
            "gzip",
            gzip.compress(b"{}" * 100)[:20],
            "DecodingError(",
            id="cut-off",
        ),
        pytest.param(
            "gzip",
            b"no gzip",
            "DecodingError(",
            id="no-gzip",
        ),
        pytest.param("gzip", gzip.compress(b" " * 1_000_001), "TooLargeError()", id="small-bomb"),
        pytest.param("gzip", gzip.compress(b" " * 40_000_000, compresslevel=1), "TooLargeError()", id="bomb"),
    ],
)
async def test_a_compressed_body_that_cannot_be_read_is_a_violation_and_costs_little(
    coding: str, body: bytes, cause: str
) -> None:
    async with misbehaving_server(says(head(Content_Encoding=coding, Content_Length=str(len(body))) + body)) as port:
        settings = BackendSettings(internal_api_key=KEY, ras_base_url=f"http://127.0.0.1:{port}")
        settings = settings.model_copy(update={"http_max_response_bytes": 1_000_000})
        async with create_http_client(settings) as http:
            tracemalloc.start()
            with pytest.raises(ContractViolation) as caught:
                await RASClient(http, settings).get_batches_for_user(TEACHER)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()

    assert repr(caught.value.__cause__).startswith(cause)
    assert peak < 8_000_000


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize(
    ("coding", "parts", "message"),
    [
        pytest.param(b"gzip", [PACKED[:-1]], "the compressed body is cut off", id="cut-off"),
        pytest.param(b"gzip", [PACKED, b"x"], "bytes after the end of the compressed body", id="more-in-a-later-chunk"),
        pytest.param(b"br", [b"x"], "content coding 'br'", id="registered-coding"),
        pytest.param(b"a-secret", [b"x"], "unknown content coding", id="coding-that-may-be-a-secret"),
    ],
)
async def test_a_compressed_body_that_cannot_be_read_says_why(coding: bytes, parts: list[bytes], message: str) -> None:
    with pytest.raises(DecodingError) as caught:
        await read_body(chunks(*parts), coding=coding, announced=b"", limit=1024)

    assert str(caught.value) == message


@pytest.mark.parametrize("chunk", [1, 10, 10_000])
async def test_the_decompressed_bytes_of_all_chunks_count(chunk: int) -> None:
    text = bytes(range(256)) * 4
    packed = zlib.compress(text)
    parts = [packed[at : at + chunk] for at in range(0, len(packed), chunk)]

    assert await read_body(chunks(*parts), coding=b"deflate", announced=b"", limit=len(text)) == text
    with pytest.raises(TooLargeError):
        await read_body(chunks(*parts), coding=b"deflate", announced=b"", limit=len(text) - 1)


def test_of_a_chunk_only_one_byte_over_the_limit_is_decompressed() -> None:
    packed = zlib.compress(bytes(1_000_000))
    unpacked = _Unpacked(b"deflate", 200_000)

    for part in (packed[:100], packed[100:]):
        unpacked.add(part)

    assert unpacked.size == 200_001


async def endlessly(first: bytes, then: bytes) -> AsyncIterator[bytes]:
    yield first
    while True:
        yield then


@pytest.mark.parametrize(
    ("first", "then", "error"),
    [
        pytest.param(PACKED, bytes(1000), DecodingError, id="zeros-after-a-member"),
        pytest.param(PACKED, PACKED, DecodingError, id="members"),
        pytest.param(b"\x1f\x8b\x08\x08" + bytes(6), b"name" * 100, TooLargeError, id="a-name-without-end"),
        pytest.param(PACKED[:10], b"\x00\x00\x00\xff\xff" * 100, TooLargeError, id="empty-blocks"),
    ],
)
async def test_a_compressed_body_without_end_ends(first: bytes, then: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read_body(endlessly(first, then), coding=b"gzip", announced=b"", limit=1024)


async def test_no_second_header_hides_how_a_body_is_packed(golden: Golden) -> None:
    """httpx joins the lines and would unpack without a limit."""
    bomb = gzip.compress(b" " * 10**6)
    answer = head(Content_Encoding="gzip")[:-2] + b"Content-Encoding: identity\r\n\r\n" + bomb
    async with misbehaving_server(says(answer)) as port:
        settings = BackendSettings(internal_api_key=KEY, ras_base_url=f"http://127.0.0.1:{port}")
        async with create_http_client(settings) as http:
            with pytest.raises(ContractViolation) as caught:
                await RASClient(http, settings).get_batches_for_user(TEACHER)

    golden.check(caught.value.detail)
