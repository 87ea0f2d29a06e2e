"""Bodies that come compressed although the clients ask for none: read within the size limit, or refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from bff_clients import BackendSettings, ContractViolation, RASClient, create_http_client
from tests.support.misbehaving import head, misbehaving_server, says
from tests.support.platform import KEY, TEACHER, recorded

pytestmark = pytest.mark.anyio


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
        pytest.param("br", b"x", "DecodingError(\"content coding 'br'\")", id="unknown-coding"),
        pytest.param(
            "gzip",
            gzip.compress(b"{}" * 100)[:20],
            "DecodingError('the compressed body is cut off')",
            id="cut-off",
        ),
        pytest.param(
            "gzip",
            b"no gzip",
            "DecodingError('Error -3 while decompressing data: incorrect header check')",
            id="no-gzip",
        ),
        pytest.param("gzip", gzip.compress(b" " * 1_000_001), "TooLargeError()", id="small-bomb"),
        pytest.param("gzip", gzip.compress(b" " * 400_000_000, compresslevel=9), "TooLargeError()", id="bomb"),
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

    assert repr(caught.value.__cause__) == cause
    assert peak < 8_000_000
