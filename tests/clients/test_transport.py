"""The shipped transport and httpx's own: the same requests, and the same answers."""

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import httpx
import pytest
import trustme

from bff_clients._transport import AiohttpTransport, _wait_for  # pyright: ignore[reportPrivateUsage]
from tests.support.misbehaving import head, misbehaving_server, says
from tests.support.transports import TRANSPORTS, Make, client, local, ok, server, shipped

pytestmark = pytest.mark.anyio


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
async def test_an_answer_is_the_same_over_both_transports(make: Make, answer: bytes, status: int, body: bytes) -> None:
    async with server(lambda _: answer) as serving, client(make) as http:
        response = await http.get(f"{serving.url}/")

    assert (response.status_code, response.content) == (status, body)
    assert (response.extensions["http_version"], response.reason_phrase) == (b"HTTP/1.1", reason_of(answer))


def reason_of(answer: bytes) -> str:
    return answer.partition(b"\r\n")[0].split(b" ", 2)[2].decode("latin-1")


@pytest.mark.parametrize("make", TRANSPORTS)
@pytest.mark.parametrize("reason", [b"", b"\xe2\x98\x83"], ids=["none", "snowman"])
async def test_a_reason_may_be_anything(make: Make, reason: bytes) -> None:
    answer = b"HTTP/1.1 200 %b\r\nContent-Length: 0\r\n\r\n" % reason
    async with server(lambda _: answer) as serving, client(make) as http:
        response = await http.get(f"{serving.url}/")

    assert (response.status_code, bool(response.extensions["reason_phrase"])) == (200, bool(reason))


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_a_server_that_speaks_more_is_asked_for_http_1_1(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls = trusted(monkeypatch, tmp_path)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    chosen: list[str | None] = []

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.write(ok(b"{}", Connection="close"))
        await writer.drain()

    async with misbehaving_server(behave, tls=tls) as port, client(make) as http:
        await http.get(f"https://127.0.0.1:{port}/")

    assert chosen == ["http/1.1"]


def trusted(monkeypatch: pytest.MonkeyPatch, folder: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that clients trust from now on."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    return tls


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


async def test_a_chunked_body_is_sent_whole_and_a_header_that_is_not_utf_8_is_read_as_latin_1() -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        yield b"hel"
        yield b"lo"

    async with server(lambda _: ok(b"")) as serving, client(shipped) as http:
        await http.post(serving.url, content=pieces(), headers={b"X-One": b"\xe5"})
    (request,) = serving.requests

    assert b"transfer-encoding" not in request.lower()
    assert b"\r\nX-One: \xc3\xa5\r\n" in request
    assert request.endswith(b"\r\n\r\nhello")


async def test_an_idle_connection_is_kept_for_as_long_as_httpx_keeps_it() -> None:
    """If it were longer, the server could close the connection first, and the next request would be lost."""
    transport = AiohttpTransport(max_connections=1)
    connector = (await transport._sessions.get()).connector  # pyright: ignore[reportPrivateUsage]
    await transport.aclose()

    assert isinstance(connector, aiohttp.TCPConnector)
    assert connector._keepalive_timeout == httpx.Limits().keepalive_expiry == 5.0  # pyright: ignore[reportPrivateUsage]


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


async def test_a_wait_for_a_connection_that_takes_too_long_is_a_pool_timeout() -> None:
    with pytest.raises(httpx.PoolTimeout):
        await _wait_for(asyncio.Semaphore(0), 0.01)


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


async def test_a_body_is_read_on_demand() -> None:
    """Backpressure stops an endless server until the body is read."""
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
    tls = trusted(monkeypatch, tmp_path)
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
