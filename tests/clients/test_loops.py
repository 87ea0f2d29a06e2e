"""Event loops that follow each other, loops in two threads, loops of another library, forks."""

import asyncio
import gc
import threading
from multiprocessing import SimpleQueue, get_context
from typing import Any

import aiohttp
import httpx
import pytest
import trio

from bff_clients import (
    BackendUnavailable,
    RASClient,
    create_http_client,
)
from bff_clients._loops import ResourcePerLoop
from tests.clients.calling import TRANSPORTS, UNKNOWN, Moving, Transport, move, outcome, settings_for
from tests.support.golden import Golden
from tests.support.misbehaving import hangs, misbehaving_server
from tests.support.transports import server


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
