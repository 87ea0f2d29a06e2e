"""The shipped transport and httpx's own: the same answers and, fault by fault, the same exceptions."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import httpx
import pytest
import trustme
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from bff_clients._transport import AiohttpTransport, _take, _translated  # pyright: ignore[reportPrivateUsage]
from tests.support.misbehaving import Behaviour, drips, hangs, head, misbehaving_server, resets_in_the_body, says

pytestmark = pytest.mark.anyio

Make = Callable[[], httpx.AsyncBaseTransport]


def shipped() -> httpx.AsyncBaseTransport:
    return AiohttpTransport(max_connections=100)


TRANSPORTS = [
    pytest.param(shipped, id="shipped"),
    pytest.param(httpx.AsyncHTTPTransport, id="httpx"),
]
SECRET = "made-up-key-4711"


@contextlib.asynccontextmanager
async def client(make: Make, **timeouts: float | None) -> AsyncGenerator[httpx.AsyncClient]:
    timeout = httpx.Timeout(**{"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0, **timeouts})
    async with httpx.AsyncClient(transport=make(), timeout=timeout, headers={"X-Internal-API-Key": SECRET}) as http:
        yield http


def resets_after(answer: bytes) -> Behaviour:
    """A true reset (RST) once these bytes are out."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return behave


async def hangs_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(head(Content_Length="1000") + b"{")
    await writer.drain()
    await reader.read()


def local(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


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
async def test_what_drips_in_is_no_timeout(make: Make) -> None:
    """The read timeout is about silence; the client's own deadline ends what never ends."""
    async with misbehaving_server(drips) as port, client(make, read=0.5) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.8):
                await http.get(local(port))


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize(
    ("host", "port"),
    [pytest.param("127.0.0.1", 1, id="refused"), pytest.param("no.invalid", 80, id="dns")],
)
async def test_the_same_exception_when_nobody_is_there(make: Make, host: str, port: int) -> None:
    async with client(make) as http:
        with pytest.raises(httpx.ConnectError) as caught:
            await http.get(f"http://{host}:{port}/")

    assert type(caught.value) is httpx.ConnectError


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_the_same_exception_for_a_certificate_nobody_trusts(make: Make) -> None:
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
        with pytest.raises(httpx.UnsupportedProtocol):
            await http.get("ftp://127.0.0.1/")


def assert_no_secret(error: BaseException | None) -> None:
    """Nothing of the key in an exception, what caused it, or what it was raised beside."""
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


def test_a_fault_that_holds_the_requests_headers_is_no_cause() -> None:
    asked = aiohttp.RequestInfo(URL("http://a"), "GET", CIMultiDictProxy(CIMultiDict[str]()), URL("http://a"))

    error = _translated(aiohttp.ClientResponseError(asked, (), status=400, message="no"))

    assert (type(error), error.__cause__) == (httpx.RemoteProtocolError, None)


# What goes well


@dataclass
class Server:
    """Where it is, and what it saw."""

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list[bytes])


@contextlib.asynccontextmanager
async def server(answer: Callable[[bytes], bytes], *, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    """Answers every request on a connection, by its head; counts connections and requests."""
    counted = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counted.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[16:]) for line in request.split(b"\r\n") if line.startswith(b"Content-Length: ")), 0
                )
                counted.requests.append(request + await reader.readexactly(length))
                writer.write(answer(request))
                await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, limit=2**20)
    counted.url = f"{'https' if tls else 'http'}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield counted
    finally:
        listening.close()


def ok(body: bytes, **headers: str) -> bytes:
    return head(Content_Length=str(len(body)), **headers) + body


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        pytest.param(ok(b'{"a": 1}'), 200, b'{"a": 1}', id="body"),
        pytest.param(ok(b""), 200, b"", id="empty"),
        pytest.param(ok(b"{}", X="y" * 20_000), 200, b"{}", id="long-header"),
        pytest.param(head(f"200 {'y' * 20_000}", Content_Length="2") + b"{}", 200, b"{}", id="long-first-line"),
        pytest.param(head("204 No Content"), 204, b"", id="no-content"),
        pytest.param(ok(gzip.compress(b"x" * 10**5), Content_Encoding="gzip"), 200, b"x" * 10**5, id="gzip"),
        pytest.param(ok(b"y" * 3_000_000), 200, b"y" * 3_000_000, id="large"),
        pytest.param(
            head(Transfer_Encoding="chunked") + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200, b"abcde", id="chunked"
        ),
        pytest.param(
            head("302 Found", Location="/elsewhere", Content_Length="0"), 302, b"", id="redirect-not-followed"
        ),
    ],
)
async def test_the_same_answer(make: Make, answer: bytes, status: int, body: bytes) -> None:
    async with server(lambda _: answer) as serving, client(make) as http:
        response = await http.get(f"{serving.url}/")

    assert (response.status_code, response.content) == (status, body)


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_the_same_request_on_the_wire(make: Make) -> None:
    async with server(lambda _: ok(b"")) as serving, client(make) as http:
        await http.get(f"{serving.url}/a%2Fb,c;d?ids=1,2&q=%C3%B6", headers={b"X-One": "ö".encode()})
        await http.post(f"{serving.url}/", content=b"hello")
    first, second = serving.requests

    assert first.startswith(b"GET /a%2Fb,c;d?ids=1,2&q=%C3%B6 HTTP/1.1\r\n")
    assert b"\r\nX-One: \xc3\xb6\r\n" in first
    assert first.lower().count(b"\r\nhost:") == first.lower().count(b"\r\naccept-encoding:") == 1
    assert b"\r\nX-Internal-API-Key: made-up-key-4711\r\n" in first
    assert second.endswith(b"\r\n\r\nhello")


async def test_nothing_is_added_to_a_request() -> None:
    async with server(lambda _: ok(b"", Set_Cookie="a=b")) as serving:
        url = serving.url.replace("127.0.0.1", "localhost")
        transport = shipped()
        for request in (httpx.Request("GET", url), httpx.Request("POST", url, content=b"hello")):
            await (await transport.handle_async_request(request)).aread()
        await transport.aclose()
    host = url.removeprefix("http://").encode()

    assert serving.requests == [
        b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host,
        b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: 5\r\n\r\nhello" % host,
    ]


async def test_a_body_in_pieces_is_sent_whole_and_a_header_that_is_no_utf_8_is_read_as_latin_1() -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        yield b"hel"
        yield b"lo"

    async with server(lambda _: ok(b"")) as serving, client(shipped) as http:
        await http.post(serving.url, content=pieces(), headers={b"X-One": b"\xe5"})
    (request,) = serving.requests

    assert b"transfer-encoding" not in request.lower()
    assert b"\r\nX-One: \xc3\xa5\r\n" in request
    assert request.endswith(b"\r\n\r\nhello")


async def test_as_many_requests_as_may_be_are_under_way_at_once() -> None:
    here = 0
    all_here = asyncio.Event()

    async def waits(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal here
        here += 1
        if here == 101:
            all_here.set()
        await all_here.wait()
        writer.write(ok(b"{}", Connection="close"))
        await writer.drain()

    async with misbehaving_server(waits) as port, client(lambda: AiohttpTransport(max_connections=101)) as http:
        answers = await asyncio.gather(*(http.get(local(port)) for _ in range(101)))

    assert {answer.status_code for answer in answers} == {200}


async def test_who_waits_in_vain_for_a_turn_is_told_so() -> None:
    with pytest.raises(httpx.PoolTimeout, match=r"^no connection became free in time$"):
        await _take(asyncio.Semaphore(0), 0.01)


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_head_has_no_body(make: Make) -> None:
    async with server(lambda _: head(Content_Length="1000")) as serving, client(make) as http:
        answers = [await http.head(f"{serving.url}/") for _ in range(2)]

    assert [(answer.status_code, answer.headers["content-length"], answer.content) for answer in answers] == [
        (200, "1000", b"")
    ] * 2
    assert serving.connections == 1


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_repeated_headers_are_kept(make: Make) -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
    async with server(lambda _: answer) as serving, client(make) as http:
        response = await http.get(f"{serving.url}/")

    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_connections_are_kept_and_used_again(make: Make) -> None:
    async with server(lambda _: ok(b"{}")) as serving, client(make) as http:
        for _ in range(5):
            await http.get(f"{serving.url}/")

    assert (serving.connections, len(serving.requests)) == (1, 5)


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_kept_connection_that_the_server_closed_is_replaced(make: Make) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ok(b"{}"))
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(once, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    async with listening, client(make) as http:
        answers = [(await http.get(url)).status_code for _ in range(5)]

    assert answers == [200] * 5


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_request_that_is_lost_is_not_sent_again(make: Make) -> None:
    asked = 0

    async def drops(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.close()

    async with misbehaving_server(drops) as port, client(make) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(local(port))

    assert asked == 1


async def test_a_body_is_read_when_it_is_asked_for() -> None:
    """A server that could send for ever is held back until somebody reads."""
    sent = 0

    async def floods(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head(Content_Length=str(10**9)))
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"z" * 2**16)
                sent += 2**16
                await writer.drain()

    async with misbehaving_server(floods) as port, client(shipped) as http, http.stream("GET", local(port)) as response:
        before = -1
        while before != sent:  # until the buffers on the way are full
            before = sent
            await asyncio.sleep(0.05)
        held = sent
        chunk = await anext(response.aiter_raw())

    assert held < 10 * 2**20
    assert 0 < len(chunk) < 2**20


async def test_tls_is_spoken_with_whom_the_client_trusts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with server(lambda _: ok(b"{}"), tls=tls) as serving, client(shipped) as http:
        response = await http.get(f"{serving.url}/")

    assert response.status_code == 200


async def test_after_cancellations_every_connection_is_free_again() -> None:
    release = asyncio.Event()

    async def waits(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(ok(b"{}"))
        await writer.drain()

    async with misbehaving_server(waits) as port, client(lambda: AiohttpTransport(max_connections=5)) as http:
        given_up = [asyncio.create_task(http.get(local(port))) for _ in range(50)]
        await asyncio.wait(given_up, timeout=0.1)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        release.set()
        answers = await asyncio.gather(*(http.get(local(port)) for _ in range(50)))

    assert [answer.status_code for answer in answers] == [200] * 50


# Faults that come in their own time


async def later(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    """Write parts apart in time, so that they arrive apart."""
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_second_answer_that_nobody_asked_for_is_nobodys(make: Make) -> None:
    """It must not be the next caller's answer, and every later one be off by one."""
    number = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                number += 1
                await later(writer, ok(b"%d" % number), *([ok(b"666")] if number == 1 else []))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = local(listening.sockets[0].getsockname()[1])
    async with listening, client(make) as http:
        answers: list[bytes] = []
        for _ in range(4):
            answers.append((await http.get(url)).content)
            await asyncio.sleep(0.15)
    await asyncio.sleep(0.05)  # the server sees its connections close

    assert answers == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_closed_while_the_loop_was_busy_is_replaced(make: Make, method: str) -> None:
    class Once(socketserver.BaseRequestHandler):
        """Answers, keeps the connection, and closes it a moment later."""

        def handle(self) -> None:
            if self.request.recv(65536):
                self.request.sendall(ok(b"{}"))
                time.sleep(0.05)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Once) as serving:  # in threads: the test's loop is busy
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        async with client(make) as http:
            answers: list[int] = []
            for _ in range(4):
                answers.append((await http.request(method, local(serving.server_address[1]))).status_code)
                time.sleep(0.15)  # noqa: ASYNC251  # a loop that is busy
        serving.shutdown()
        thread.join()

    assert answers == [200] * 4


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_body_without_a_length_that_is_reset_is_not_complete(make: Make) -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await later(writer, b"HTTP/1.1 200 OK\r\n\r\nabc")
        await resets_after(b"")(_, writer)

    async with misbehaving_server(cut) as port, client(make) as http:
        with pytest.raises(httpx.ReadError) as caught:
            await http.get(local(port))

    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(head(Content_Length="9") + b"abcdefghi", id="length"),
        pytest.param(head(Transfer_Encoding="chunked") + b"9\r\nabcdefghi\r\n0\r\n\r\n", id="chunks"),
    ],
)
async def test_a_complete_body_stays_so_when_the_next_request_on_its_connection_is_lost(
    make: Make, answer: bytes
) -> None:
    """A connection is free again when the whole body is there, whether or not somebody has read it."""

    async def resets_the_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await later(writer, answer[:-6], answer[-6:])
        await reader.readuntil(b"\r\n\r\n")
        await later(writer, head(Content_Length="100"))
        await resets_after(b"")(reader, writer)

    async with (
        misbehaving_server(resets_the_second) as port,
        client(make) as http,
        http.stream("GET", local(port)) as first,
    ):
        await asyncio.sleep(0.1)  # the rest arrives
        async with http.stream("GET", local(port)):  # httpx asks on another connection
            await asyncio.sleep(0.1)  # the reset arrives

            assert await first.aread() == b"abcdefghi"


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_body_without_a_length_ends_with_the_connection(make: Make) -> None:
    async with misbehaving_server(says(b"HTTP/1.1 200 OK\r\n\r\nabc")) as port, client(make) as http:
        assert (await http.get(local(port))).content == b"abc"


async def test_a_chunk_that_goes_bad_later_is_a_failure_in_time() -> None:
    async def bad(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await later(writer, head(Transfer_Encoding="chunked") + b"2\r\n{}\r\n", b"nonsense\r\n")

    async with misbehaving_server(bad) as port, client(shipped, read=0.3) as http:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout)):
            await http.get(local(port))


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_reader_that_takes_its_time_is_no_silence_of_the_servers(make: Make) -> None:
    async def two_parts(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await later(writer, head(Content_Length="4") + b"ab")
        await asyncio.sleep(0.1)
        await later(writer, b"cd")

    async with (
        misbehaving_server(two_parts) as port,
        client(make, read=0.25) as http,
        http.stream("GET", local(port)) as response,
    ):
        parts: list[bytes] = []
        async for part in response.aiter_raw():
            parts.append(part)
            await asyncio.sleep(0.5)

    assert b"".join(parts) == b"abcd"


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_looking_a_name_up_is_part_of_connecting(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object, **__: object) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", slow)
    async with client(make, connect=0.2) as http:
        with pytest.raises(httpx.ConnectTimeout):
            await http.get("http://backend.test/")


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_timeout_of_zero_is_not_none(make: Make) -> None:
    async with misbehaving_server(hangs) as port, client(make, read=0) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(local(port))


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


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_user_and_password_of_an_address_become_a_header(make: Make) -> None:
    async with server(lambda _: ok(b"{}")) as serving, client(make) as http:
        await http.get(serving.url.replace("http://", "http://user:pw@"))

    assert b"\r\nAuthorization: Basic dXNlcjpwdw==\r\n" in serving.requests[0]


def test_a_second_event_loop_finds_the_transport_in_order() -> None:
    http = httpx.AsyncClient(transport=AiohttpTransport(max_connections=5))

    async def twice() -> list[int]:
        # Kept connections of a loop that is gone could not be closed any more.
        async with misbehaving_server(says(ok(b"{}", Connection="close"))) as port:
            return [(await http.get(local(port))).status_code for _ in range(2)]

    assert [asyncio.run(twice()) for _ in range(3)] == [[200, 200]] * 3
    asyncio.run(http.aclose())
