"""The shipped transport and httpx's own: fault by fault the same exceptions, and no secret in any."""

import asyncio
import contextlib
import socket
import ssl

import aiohttp
import httpx
import pytest
import trustme
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from bff_clients._transport import AiohttpTransport, _translated  # pyright: ignore[reportPrivateUsage]
from tests.support.misbehaving import Behaviour, drips, hangs, head, misbehaving_server, resets_in_the_body, says
from tests.support.transports import SECRET, TRANSPORTS, Make, client, local, resets_after

pytestmark = pytest.mark.anyio


async def hangs_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(head(Content_Length="1000") + b"{")
    await writer.drain()
    await reader.read()


async def half_a_chunk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(head(Transfer_Encoding="chunked") + b"ff\r\nab")
    await writer.drain()


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize(
    ("behave", "expected"),
    [
        pytest.param(says(b""), httpx.RemoteProtocolError, id="closed-before-the-answer"),
        pytest.param(resets_after(b""), httpx.ReadError, id="reset-before-the-answer"),
        pytest.param(resets_after(head(Content_Length="1000") + b"{"), httpx.ReadError, id="reset-in-the-body"),
        pytest.param(resets_in_the_body, httpx.RemoteProtocolError, id="aborted-in-the-body"),
        pytest.param(says(head(Content_Length="50") + b"{}"), httpx.RemoteProtocolError, id="closed-in-the-body"),
        pytest.param(half_a_chunk, httpx.RemoteProtocolError, id="closed-in-a-chunk"),
        pytest.param(says(head(Content_Length="50")[:-20]), httpx.RemoteProtocolError, id="closed-in-the-head"),
        pytest.param(says(b"SSH-2.0-OpenSSH\r\n"), httpx.RemoteProtocolError, id="another-protocol"),
        pytest.param(says(b"\x16\x03\x01\x02\x00\x01\xfc"), httpx.RemoteProtocolError, id="binary"),
        pytest.param(says(b"HTTP/1.1 twohundred OK\r\n\r\n"), httpx.RemoteProtocolError, id="no-status"),
        pytest.param(says(b"HTTP/1.1 101 Other Protocol\r\n\r\n"), httpx.RemoteProtocolError, id="no-final-status"),
        pytest.param(says(b"HTTP/1.1 099 Early\r\n\r\n"), httpx.RemoteProtocolError, id="status-below-100"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), httpx.RemoteProtocolError, id="bad-header"),
        pytest.param(
            says(head(Transfer_Encoding="chunked") + b"nonsense\r\n"), httpx.RemoteProtocolError, id="bad-chunk"
        ),
        pytest.param(says(head(Content_Length="many")), httpx.RemoteProtocolError, id="bad-length"),
        pytest.param(says(head(X="y" * 200_000)), httpx.RemoteProtocolError, id="head-without-end"),
        pytest.param(says(head(Content_Encoding="gzip") + b"not gzip"), httpx.DecodingError, id="bad-gzip"),
    ],
)
async def test_the_same_exception_for_a_misbehaving_server(
    make: Make, behave: Behaviour, expected: type[httpx.HTTPError]
) -> None:
    async with misbehaving_server(behave) as port, client(make) as http:
        with pytest.raises(httpx.HTTPError) as caught:
            await http.get(local(port))

    assert type(caught.value) is expected
    assert caught.value.request.url.port == port
    assert_no_secret(caught.value)


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize(
    "behave", [pytest.param(hangs, id="no-answer"), pytest.param(hangs_in_the_body, id="half-a-body")]
)
async def test_the_same_exception_when_nothing_comes(make: Make, behave: Behaviour) -> None:
    async with misbehaving_server(behave) as port, client(make, read=0.1) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(local(port))


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_slow_body_is_no_read_timeout(make: Make) -> None:
    """The read timeout limits silence; the client's deadline ends endless answers."""
    async with misbehaving_server(drips) as port, client(make, read=0.5) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.8):
                await http.get(local(port))


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize(
    ("host", "port"),
    [pytest.param("127.0.0.1", 1, id="refused"), pytest.param("no.invalid", 80, id="dns")],
)
async def test_the_same_exception_when_nothing_listens(make: Make, host: str, port: int) -> None:
    async with client(make) as http:
        with pytest.raises(httpx.ConnectError) as caught:
            await http.get(f"http://{host}:{port}/")

    assert type(caught.value) is httpx.ConnectError


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_the_same_exception_for_an_untrusted_certificate(make: Make) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    async with misbehaving_server(hangs, tls=tls) as port, client(make) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_the_same_exception_when_tls_is_not_spoken(make: Make) -> None:
    async def speaks_first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speaks_first, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client(make) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_the_same_exception_when_a_connection_takes_too_long(make: Make) -> None:
    """A listener whose queue is full answers no handshake."""
    with socket.socket() as full, contextlib.ExitStack() as clients:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            waiting = clients.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003
            waiting.connect_ex(full.getsockname())
        async with client(make, connect=0.2) as http:
            with pytest.raises(httpx.ConnectTimeout):
                await http.get(f"http://127.0.0.1:{full.getsockname()[1]}/")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: AiohttpTransport(max_connections=1), id="shipped"),
        pytest.param(lambda: httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=1)), id="httpx"),
    ],
)
async def test_the_same_exception_when_no_connection_becomes_free(make: Make) -> None:
    async with misbehaving_server(hangs) as port, client(make, pool=0.1) as http:
        first = asyncio.create_task(http.get(local(port)))
        await asyncio.sleep(0)
        with pytest.raises(httpx.PoolTimeout):
            await http.get(local(port))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_scheme_that_is_not_http_is_refused_alike(make: Make) -> None:
    async with client(make) as http:
        with pytest.raises(httpx.UnsupportedProtocol) as refused:
            await http.get("ftp://127.0.0.1/")

    assert "ftp://" in str(refused.value)


def assert_no_secret(error: BaseException | None) -> None:
    """The key is not in the exception, its cause or its context."""
    if error is not None:
        assert SECRET not in f"{error} {error!r} {vars(error)}"
        assert_no_secret(error.__cause__)
        assert_no_secret(error.__context__)


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        pytest.param(aiohttp.ConnectionTimeoutError("slow"), httpx.ConnectTimeout, "slow", id="connecting-took-long"),
        pytest.param(TimeoutError(), httpx.ReadTimeout, "TimeoutError", id="reading-took-long"),
        pytest.param(aiohttp.InvalidURL("a..b"), httpx.ConnectError, "a..b", id="no-address"),
        pytest.param(UnicodeError("label"), httpx.ConnectError, "label", id="no-name"),
        pytest.param(aiohttp.ServerDisconnectedError("gone"), httpx.RemoteProtocolError, "gone", id="gone"),
        pytest.param(aiohttp.ClientPayloadError("cut"), httpx.RemoteProtocolError, "cut", id="cut-off"),
        pytest.param(HttpProcessingError(code=400, message="bad"), httpx.RemoteProtocolError, None, id="no-http"),
        pytest.param(ValueError("header"), httpx.LocalProtocolError, "header", id="our-own-mistake"),
        pytest.param(OSError("reset"), httpx.ReadError, "reset", id="reset"),
    ],
)
def test_a_fault_keeps_its_words_and_is_the_cause(
    fault: Exception, kind: type[httpx.TransportError], message: str | None
) -> None:
    error = _translated(fault)

    assert (type(error), str(error), error.__cause__) == (kind, str(fault) if message is None else message, fault)


def test_an_exception_that_holds_request_headers_is_not_the_cause() -> None:
    asked = aiohttp.RequestInfo(URL("http://a"), "GET", CIMultiDictProxy(CIMultiDict[str]()), URL("http://a"))

    error = _translated(aiohttp.ClientResponseError(asked, (), status=400, message="no"))

    assert (type(error), error.__cause__) == (httpx.RemoteProtocolError, None)


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://a..b/", httpx.ConnectError, id="empty-label"),
        pytest.param(f"http://{'a' * 70}.test/", httpx.ConnectError, id="long-label"),
        pytest.param("http:///path", httpx.UnsupportedProtocol, id="no-host"),
        pytest.param("//host/path", httpx.UnsupportedProtocol, id="no-scheme"),
    ],
)
async def test_the_same_exception_for_an_odd_address(make: Make, url: str, expected: type[httpx.HTTPError]) -> None:
    async with client(make) as http:
        with pytest.raises(httpx.HTTPError) as caught:
            await http.get(url)

    assert type(caught.value) is expected
