"""The shipped transport and httpx's own, when what a server sends or fails to send comes in its own time."""

import asyncio
import contextlib
import select
import socketserver
import threading
import time

import httpx
import pytest

from tests.support.misbehaving import hangs, head, misbehaving_server, says
from tests.support.transports import TRANSPORTS, Make, client, later, local, ok, resets_after, server, shipped

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_an_unrequested_second_answer_is_discarded(make: Make) -> None:
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


INTERIM = b"HTTP/1.1 102 Processing\r\n\r\n"


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_up_to_15_interim_answers_before_each_answer_are_left_out(make: Make) -> None:
    async with server(lambda _: INTERIM * 15 + ok(b"{}")) as serving, client(make) as http:
        answers = [(await http.get(serving.url)).content for _ in range(3)]

    assert (answers, serving.connections) == ([b"{}"] * 3, 1)


@pytest.mark.parametrize("count", [16, 1000])
async def test_more_interim_answers_are_a_failure(count: int) -> None:
    """aiohttp stores all that have arrived, which stalls a loop that reads as fast as uvloop for seconds."""
    async with misbehaving_server(says(INTERIM * count + ok(b"{}"))) as port, client(shipped) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(local(port))


@pytest.mark.parametrize("make", [*TRANSPORTS, pytest.param(shipped, id="without-poll")])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_closed_while_the_loop_was_busy_is_replaced(
    make: Make, method: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "without-poll" in request.node.name:  # as on Windows
        monkeypatch.delattr(select, "poll")

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
async def test_a_slow_reader_is_no_read_timeout(make: Make) -> None:
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
