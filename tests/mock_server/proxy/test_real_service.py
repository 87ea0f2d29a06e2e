"""Answers of a real service are read within bounds, without headers of its connection."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bff_contracts.platform import RAS
from bff_mock_server import Exchange
from bff_mock_server.proxy.real_service import MAX_DECODED_BYTES, UnreadableError, decoded
from bff_mock_server.responses.reply import Head, Reply
from tests.mock_server.proxy.proxying import HEADERS, ask, proxying, served
from tests.support.golden import Golden
from tests.support.quart_providers import PAGE, Mistake, Providers

BOMB = gzip.compress(bytes(MAX_DECODED_BYTES + 1), compresslevel=1)


def coded(coding: bytes, body: bytes) -> Reply:
    return Reply(Head(200, ((b"content-encoding", coding),)), body)


@pytest.mark.parametrize(
    ("coding", "code"),
    [
        pytest.param(b"gzip", gzip.compress, id="gzip"),
        pytest.param(b"X-Gzip", gzip.compress, id="x-gzip"),
        pytest.param(b"deflate", zlib.compress, id="deflate"),
        pytest.param(b"identity", bytes, id="identity"),
    ],
)
def test_a_content_coding_is_decoded(coding: bytes, code: Callable[[bytes], bytes]) -> None:
    assert decoded(coded(coding, code(b"text"))) == b"text"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        pytest.param(b"br", b"x", id="unknown"),
        pytest.param(b"gzip", b"no gzip", id="broken"),
        pytest.param(b"gzip", gzip.compress(b"text")[:-9], id="cut-off"),
        pytest.param(b"gzip", BOMB, id="bomb"),
    ],
)
def test_an_unreadable_body_is_reported_with_its_reason(coding: bytes, body: bytes, golden: Golden) -> None:
    with pytest.raises(UnreadableError) as refused:
        decoded(coded(coding, body))

    golden.check(str(refused.value).partition(" (")[0])


def exchange_with(answer: bytes, target: str = PAGE, **headers: str) -> tuple[int, list[bytes], Exchange, list[str]]:
    """The effect of a service's answer: the client's status, the request that the service saw, the record, header
    names."""
    seen: list[bytes] = []

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    async def main() -> tuple[int, Exchange, list[str]]:
        async with await asyncio.start_server(answering, "127.0.0.1", 0) as server:
            with proxying(ras=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as mock:
                got = await asyncio.to_thread(lambda: ask(mock, RAS, target, **headers))
                return got.status_code, mock.journal.exchanges()[0], list(got.headers)

    status, exchange, names = asyncio.run(main())
    return status, seen, exchange, names


def plain(status: str, *headers: bytes, body: bytes = b"{}") -> bytes:
    length = b"Content-Length: %d" % len(body)
    head = [f"HTTP/1.1 {status}".encode(), b"Content-Type: application/json", length, *headers]
    return b"\r\n".join([*head, b"Connection: close, X-Hop", b"X-Hop: 1", b"", body])


def test_a_decompression_bomb_is_passed_on_and_is_a_violation(golden: Golden) -> None:
    status, _, exchange, _ = exchange_with(plain("200 OK", b"Content-Encoding: gzip", body=BOMB))

    assert status == 200
    (violation,) = exchange.violations
    golden.check(violation.message)


@pytest.mark.parametrize("status", ["999 Whatever", "600 No"])
def test_a_status_that_http_does_not_have_is_a_bad_gateway(status: str, golden: Golden) -> None:
    code, _, exchange, _ = exchange_with(plain(status))

    assert code == 502
    golden.check(exchange.reason)


def test_headers_that_a_connection_names_go_no_further() -> None:
    _, (seen,), _, names = exchange_with(plain("200 OK"), Connection="close, X-Mine", X_Mine="1", X_Other="2")

    assert b"x-mine" not in seen.lower()
    assert b"x-other: 2" in seen.lower()
    assert "x-hop" not in names


@pytest.mark.parametrize(
    ("declared", "passed_on"),
    [
        pytest.param([b"Content-Length: 4711"], "4711", id="length"),
        pytest.param([b"Transfer-Encoding: chunked"], None, id="no-length"),
    ],
)
async def test_an_answer_to_head_has_the_length_that_the_service_declares(
    declared: list[bytes], passed_on: str | None
) -> None:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\r\n".join([b"HTTP/1.1 200 OK", *declared, b"", b""]))
        writer.close()

    async with await asyncio.start_server(answering, "127.0.0.1", 0) as server:
        with proxying(ras=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as mock:
            got = await asyncio.to_thread(httpx.head, mock.urls[RAS] + PAGE, headers=HEADERS)

    assert (got.status_code, got.headers.get("content-length")) == (200, passed_on)


def test_a_path_that_contains_the_states_path_is_judged() -> None:
    _, _, exchange, _ = exchange_with(plain("200 OK"), f"/a/_pact/provider_states?{HEADERS['X-Correlation-ID']}")

    assert [difference.where for difference in exchange.differences] == ["path"]


def many_wrong_rows(page: Any) -> None:
    page["batches"] = [{"batch_id": 1} for _ in range(300)]


def test_many_violations_of_one_answer_are_a_few_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    providers = Providers(Mistake(body=many_wrong_rows))
    with served(providers) as (ras, _), proxying(ras=ras) as mock:
        ask(mock, RAS, PAGE)

    (exchange,) = mock.journal.exchanges()
    assert len(exchange.violations) == 21
    assert exchange.violations[-1].message.endswith(" more")
    assert len([text for text in caplog.messages if "breaks the contract" in text]) == 21
