"""The end of the HTTP client: before, during and after calls, from its own event loop and from another one."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bff_clients import RASClient, create_http_client
from tests.clients.calling import TRANSPORTS, UNKNOWN, Moving, Transport, move, outcome, settings_for
from tests.support.misbehaving import hangs, head, misbehaving_server, says
from tests.support.transports import server


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
