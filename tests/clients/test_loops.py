"""Event loops that follow each other, loops in two threads, clients that are closed."""

import asyncio
import gc
import select
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import SimpleQueue, get_context
from typing import Any, Literal

import aiohttp
import httpx
import pytest
import trio

from bff_clients import (
    BackendSettings,
    BackendUnavailable,
    RASClient,
    create_http_client,
)
from bff_clients._loops import ResourcePerLoop
from tests.support.golden import Golden
from tests.support.misbehaving import hangs, head, misbehaving_server, says
from tests.support.platform import BATCH, KEY
from tests.support.transports import ok, server

UNKNOWN = ok(b'{"error": "Batch not found"}').replace(b"200 OK", b"404 Not Found")
Transport = Literal["aiohttp", "httpx"]
TRANSPORTS = pytest.mark.parametrize("transport", ["aiohttp", "httpx"])


def settings_for(url: str = "http://ras.test", **changes: Any) -> BackendSettings:
    return BackendSettings.model_validate({"internal_api_key": KEY, "ras_base_url": url, "http_retries": 0, **changes})


async def outcome(client: RASClient) -> str:
    try:
        return "answered" if await client.get_batch_status(BATCH) is None else "?"
    except BackendUnavailable as error:
        return error.reason


def move(client: RASClient, url: str) -> None:
    """Set another address of the backend, because each loop has its own server. There is no public way."""
    client._upstream.base_url = url  # pyright: ignore[reportPrivateUsage]


class Moving:
    """A client whose backend is on another port in each loop."""

    def __init__(self, transport: Transport) -> None:
        self.settings = settings_for(http_transport=transport, http_max_in_flight=1)
        self.http = create_http_client(self.settings)
        self.client = RASClient(self.http, self.settings)

    async def ten(self) -> set[str]:
        async with server(lambda _: UNKNOWN) as serving:
            move(self.client, serving.url)
            return set(await asyncio.gather(*(outcome(self.client) for _ in range(10))))


@TRANSPORTS
def test_loop_after_loop_every_call_is_answered(transport: Transport) -> None:
    moving = Moving(transport)
    outcomes = [asyncio.run(moving.ten()) for _ in range(3)]
    asyncio.run(moving.http.aclose())
    gc.collect()  # what was left open would warn

    assert outcomes == [{"answered"}] * 3


def test_a_session_is_closed_before_its_loop_ends() -> None:
    moving = Moving("aiohttp")
    transport: Any = moving.http._transport  # pyright: ignore[reportPrivateUsage]

    async def ten() -> aiohttp.ClientSession:
        await moving.ten()
        session: aiohttp.ClientSession = await transport._sessions.get()
        assert not session.closed
        return session

    sessions = [asyncio.run(ten()) for _ in range(2)]

    assert [session.closed for session in sessions] == [True, True]


@TRANSPORTS
def test_a_client_may_be_closed_while_its_loop_ends(transport: Transport) -> None:
    """Like a container that was never closed: the loop ends its asynchronous generators, and the client's, together."""
    troubles: list[str] = []
    moving = Moving(transport)

    async def closes() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: troubles.append(context["message"]))
        await moving.ten()
        closing = asyncio.create_task(moving.http.aclose())
        await asyncio.sleep(0)
        await loop.shutdown_asyncgens()
        await closing

    asyncio.run(closes())

    assert troubles == []


@TRANSPORTS
def test_a_loop_that_ended_in_the_middle_of_calls_leaves_nothing_behind(transport: Transport) -> None:
    moving = Moving(transport)

    async def gives_up() -> None:
        async with misbehaving_server(hangs) as port:
            move(moving.client, f"http://127.0.0.1:{port}")
            async with asyncio.timeout(0.05):
                await asyncio.gather(*(outcome(moving.client) for _ in range(5)))

    with pytest.raises(TimeoutError):
        asyncio.run(gives_up())

    assert asyncio.run(moving.ten()) == {"answered"}


@TRANSPORTS
def test_a_second_loop_at_the_same_time_is_rejected_and_harms_no_call(transport: Transport) -> None:
    moving = Moving(transport)
    started, done = threading.Event(), threading.Event()
    first: list[str] = []

    async def holds() -> None:
        async with server(lambda _: UNKNOWN) as serving:
            move(moving.client, serving.url)
            first.append(await outcome(moving.client))
            started.set()
            await asyncio.to_thread(done.wait)
            first.append(await outcome(moving.client))

    thread = threading.Thread(target=asyncio.run, args=(holds(),))
    thread.start()
    started.wait()
    second = asyncio.run(outcome(moving.client))
    done.set()
    thread.join()

    assert (first, second, moving.client.breaker_state) == (["answered"] * 2, "wrong_loop", "closed")


def test_two_clients_on_one_http_client_in_two_threads_are_rejected(golden: Golden) -> None:
    moving = Moving("aiohttp")
    other = RASClient(moving.http, moving.settings)

    async def both() -> set[str]:
        answered = await moving.ten()
        with pytest.raises(BackendUnavailable) as rejected:
            await asyncio.to_thread(asyncio.run, other.ping())
        golden.check(f"{rejected.value.reason}: {rejected.value.detail}")
        return answered

    assert asyncio.run(both()) == {"answered"}


def test_what_a_loop_left_open_is_closed_in_the_next() -> None:
    """A loop that was closed without `shutdown_asyncgens`, as `asyncio.run` does it, has closed nothing."""
    opened, closed = iter(range(9)), list[int]()

    async def close(number: int) -> None:
        closed.append(number)

    resource = ResourcePerLoop(lambda: next(opened), close)
    careless = asyncio.new_event_loop()
    first = careless.run_until_complete(resource.get())
    careless.close()

    async def next_loop() -> tuple[int, list[int]]:
        return await resource.get(), list(closed)

    assert (first, asyncio.run(next_loop())) == (0, (1, [0]))
    assert closed == [0, 1]


@TRANSPORTS
def test_under_trio_a_call_says_that_it_needs_asyncio(transport: Transport, golden: Golden) -> None:
    details: set[str] = set()

    async def calls() -> None:
        settings = settings_for(http_transport=transport)
        async with create_http_client(settings) as http:
            ras = RASClient(http, settings)
            for call in (ras.ping(), anext(ras.iter_batches_for_user("anna", status="processing"))):
                with pytest.raises(BackendUnavailable) as caught:
                    await call
                details.add(f"{caught.value.reason}: {caught.value.detail}")

    trio.run(calls)

    (detail,) = details
    golden.check(detail)


@pytest.mark.anyio
@TRANSPORTS
async def test_a_call_after_the_end_of_the_http_client_is_unavailable(transport: Transport) -> None:
    settings = settings_for(http_transport=transport)
    http = create_http_client(settings)
    await http.aclose()
    client = RASClient(http, settings)

    assert [await outcome(client) for _ in range(30)] == ["closed"] * 30
    assert client.breaker_state == "closed"


@pytest.mark.anyio
@TRANSPORTS
async def test_calls_under_way_at_the_end_of_the_http_client_are_unavailable(transport: Transport) -> None:
    """One waits for its answer, the others for their turn."""
    asked = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await hangs(reader, writer)

    async with misbehaving_server(waits) as port:
        settings = settings_for(f"http://127.0.0.1:{port}", http_transport=transport, http_max_in_flight=1)
        http = create_http_client(settings)
        client = RASClient(http, settings)
        calls = [asyncio.create_task(outcome(client)) for _ in range(5)]
        await asked.wait()
        await http.aclose()

        assert await asyncio.gather(*calls) == ["closed"] * 5


@pytest.mark.anyio
@TRANSPORTS
async def test_the_end_of_the_http_client_ends_a_call_that_pauses_before_a_retry(transport: Transport) -> None:
    asked = asyncio.Event()

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(head("503 Busy", Content_Length="0"))(reader, writer)
        asked.set()

    async with misbehaving_server(busy) as port:
        settings = settings_for(
            f"http://127.0.0.1:{port}", http_transport=transport, http_retries=1, http_retry_backoff_seconds=0.2
        )
        http = create_http_client(settings)
        client = RASClient(http, settings)
        call = asyncio.create_task(outcome(client))
        await asked.wait()
        await http.aclose()

        assert await call in {"closed", "status"}  # the status, when the pause was over before
        assert client.breaker_state == "closed"


@pytest.mark.anyio
@TRANSPORTS
async def test_the_end_of_the_http_client_ends_the_call_that_probes_a_backend(transport: Transport) -> None:
    async with misbehaving_server(says(head("500 Oops", Content_Length="0"))) as port:
        settings = settings_for(
            f"http://127.0.0.1:{port}",
            http_transport=transport,
            http_breaker_min_calls=1,
            http_breaker_pause_seconds=0.01,
        )
        http = create_http_client(settings)
        client = RASClient(http, settings)
        assert await outcome(client) == "status"
    asked = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await hangs(reader, writer)

    async with misbehaving_server(waits) as port:
        move(client, f"http://127.0.0.1:{port}")
        while (probe := asyncio.create_task(outcome(client))) and not asked.is_set():
            await asyncio.wait([probe, asyncio.create_task(asked.wait())], return_when=asyncio.FIRST_COMPLETED)
        beside = asyncio.create_task(outcome(client))
        await http.aclose()

        assert {await probe, await beside} == {"closed"}


@pytest.mark.anyio
async def test_the_end_of_the_http_client_is_the_reason_when_a_handshake_hangs() -> None:
    """aiohttp does not give the handshake up; the call ends at its deadline."""
    connected = asyncio.Event()
    gone = asyncio.Event()

    async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()
        gone.set()

    server = await asyncio.start_server(never_answers, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = settings_for(url, http_client_timeout_seconds=0.5)
    http = create_http_client(settings)
    client = RASClient(http, settings)
    call = asyncio.create_task(outcome(client))
    await connected.wait()
    await http.aclose()

    assert await call == "closed"
    assert client.breaker_state == "closed"
    await gone.wait()
    server.close()


@pytest.mark.anyio
async def test_a_platform_without_poll_keeps_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll")
    async with server(lambda _: UNKNOWN) as serving:
        settings = settings_for(serving.url)
        async with create_http_client(settings) as http:
            client = RASClient(http, settings)
            outcomes = [await outcome(client) for _ in range(3)]

    assert (outcomes, serving.connections) == (["answered"] * 3, 1)


@pytest.mark.anyio
@TRANSPORTS
async def test_a_backend_on_ipv6_is_called(transport: Transport) -> None:
    async with server(lambda _: UNKNOWN, host="::1") as serving:
        settings = settings_for(serving.url, http_transport=transport)
        async with create_http_client(settings) as http:
            assert await outcome(RASClient(http, settings)) == "answered"

    assert b"\r\nHost: [::1]:" in serving.requests[0]


@TRANSPORTS
def test_a_loop_that_only_stopped_does_not_block_the_next(transport: Transport) -> None:
    async def answered(client: RASClient) -> list[str]:
        async with server(lambda _: UNKNOWN) as serving:
            move(client, serving.url)
            return [await outcome(client) for _ in range(2)]

    settings = settings_for(http_transport=transport)
    http = create_http_client(settings)
    client = RASClient(http, settings)
    backend = server(lambda _: UNKNOWN)
    with asyncio.Runner() as stopped:
        url = stopped.run(backend.__aenter__()).url
        move(client, url)
        found = [stopped.run(outcome(client))]
        found += asyncio.run(answered(client))
        move(client, url)
        found.append(stopped.run(outcome(client)))
        stopped.run(http.aclose())
        stopped.run(backend.__aexit__(None, None, None))

    assert found == ["answered"] * 4


@TRANSPORTS
def test_the_http_client_may_be_closed_from_another_loop_than_its_own(transport: Transport) -> None:
    settings = settings_for(http_transport=transport)
    http = create_http_client(settings)
    client = RASClient(http, settings)
    backend = server(lambda _: UNKNOWN)
    with asyncio.Runner() as own:
        move(client, own.run(backend.__aenter__()).url)
        assert own.run(outcome(client)) == "answered"
        asyncio.run(http.aclose())
        assert own.run(outcome(client)) == "closed"
        own.run(backend.__aexit__(None, None, None))


@TRANSPORTS
def test_the_http_client_may_be_closed_while_its_loop_runs_in_another_thread(transport: Transport) -> None:
    settings = settings_for(http_transport=transport)
    http = create_http_client(settings)
    client = RASClient(http, settings)
    found: list[str] = []

    async def calls() -> None:
        async with server(lambda _: UNKNOWN) as serving:
            move(client, serving.url)
            found.append(await outcome(client))
            await asyncio.to_thread(asyncio.run, http.aclose())
            found.append(await outcome(client))

    asyncio.run(calls())

    assert found == ["answered", "closed"]


@TRANSPORTS
def test_the_http_client_may_be_closed_while_its_loop_stops(transport: Transport) -> None:
    """That loop never gets to what another thread asks of it."""
    settings = settings_for(http_transport=transport)
    http = create_http_client(settings)
    client = RASClient(http, settings)
    stopping, closing = threading.Event(), threading.Event()

    def stop(loop: asyncio.AbstractEventLoop) -> None:
        stopping.set()
        closing.wait()
        loop.stop()

    async def close() -> str:
        ending = asyncio.create_task(http.aclose())
        await asyncio.sleep(0)  # it has asked the other loop
        closing.set()
        await ending
        return await outcome(client)

    with asyncio.Runner() as runner:
        own = runner.get_loop()
        assert runner.run(outcome(client)) == "connect"
        with ThreadPoolExecutor() as threads:
            stopped = threads.submit(own.run_forever)
            own.call_soon_threadsafe(stop, own)
            stopping.wait()

            assert threads.submit(asyncio.run, close()).result() == "closed"
        stopped.result()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # there are other threads
@TRANSPORTS
@pytest.mark.parametrize("use", ["call", "close"])
def test_after_a_fork_both_processes_use_the_client(use: str, transport: Transport) -> None:
    """The child has a copy of the parent's loop, which seems to run."""
    found: SimpleQueue[str] = get_context("fork").SimpleQueue()

    async def in_the_child(client: RASClient, http: httpx.AsyncClient) -> str:
        answered = await outcome(client) if use == "call" else ""
        await http.aclose()
        return answered

    def child(client: RASClient, http: httpx.AsyncClient) -> None:
        found.put(asyncio.run(in_the_child(client, http)))

    async def parent() -> list[str]:
        async with server(lambda _: UNKNOWN) as serving:
            settings = settings_for(serving.url, http_transport=transport)
            async with create_http_client(settings) as http:
                client = RASClient(http, settings)
                before = await outcome(client)
                process = get_context("fork").Process(target=child, args=(client, http))
                process.start()
                await asyncio.to_thread(process.join)
                return [before, found.get(), await outcome(client)]

    assert asyncio.run(parent()) == ["answered", "answered" if use == "call" else "", "answered"]
