"""A slow backend, cancelled callers, and the state of the clients after the backend has recovered."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bff_clients import BackendError, BackendSettings, BreakerState, CMSClient, RASClient, create_http_client
from tests.support.misbehaving import head
from tests.support.platform import BATCH, KEY

pytestmark = pytest.mark.anyio

SECONDS = float(os.environ.get("CANCELLATION_SECONDS", "5"))
"""How long callers are cancelled at random; the deep lane takes 60."""


@dataclass
class Backend:
    """Answers `{id: null}` for class-info, and 404 for a status, after a delay that may change."""

    delay: float = 0.0
    url: str = ""
    asked: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):  # the caller has gone
                while True:
                    request = await reader.readuntil(b"\r\n\r\n")
                    self.asked += 1
                    if self.delay:
                        await asyncio.sleep(self.delay)
                    known = b"class-info" in request
                    body = b'{"%s": null}' % BATCH.encode() if known else b'{"error": "Batch not found"}'
                    writer.write(head("200 OK" if known else "404 Not Found", Content_Length=str(len(body))) + body)
                    await writer.drain()
        finally:
            self.writers.discard(writer)
            writer.close()


@asynccontextmanager
async def serving(backend: Backend) -> AsyncGenerator[Backend]:
    server = await asyncio.start_server(backend.serve, "127.0.0.1", 0, backlog=1000)
    backend.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield backend
    finally:
        server.close()
        for writer in list(backend.writers):
            writer.close()


PATIENT = 300.0
"""Seconds for a call: on a busy machine a client would refuse callers that its usual limit leaves too little time."""


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    "timeouts",
    ["their-own", pytest.param("the-clients", marks=pytest.mark.slow("waits for the time limits of its clients"))],
)
async def test_after_a_brown_out_every_call_succeeds_at_once(timeouts: str) -> None:
    """200 callers cancel after 20 to 80 ms on a backend that takes 12 s; the other backend is not affected."""
    chance = random.Random(4711)
    async with serving(Backend(delay=12.0)) as ras, serving(Backend()) as cms:
        settings = BackendSettings.model_validate(
            {
                "internal_api_key": KEY,
                "ras_base_url": ras.url,
                "cms_base_url": cms.url,
                "http_breaker_pause_seconds": 0.5,
                "http_client_timeout_seconds": 4.0 if timeouts == "the-clients" else PATIENT,
            }
        )
        async with create_http_client(settings) as http:
            client = RASClient(http, settings)
            other = CMSClient(http, settings.model_copy(update={"http_client_timeout_seconds": PATIENT}))

            async def impatient() -> str:
                try:
                    async with asyncio.timeout(chance.uniform(0.02, 0.08) if timeouts == "their-own" else None):
                        await client.get_batch_status(BATCH)
                except TimeoutError:
                    return "gave up"
                except BackendError as error:
                    return type(error).__name__
                return "ok"

            for _ in range(5 if timeouts == "their-own" else 2):
                during = await asyncio.gather(*(impatient() for _ in range(200)))
                elsewhere = await asyncio.gather(*(other.get_batch_class_info([BATCH]) for _ in range(20)))
                assert "ok" not in during
                assert elsewhere == [{BATCH: None}] * 20
            ras.delay = 0.0
            while client.breaker_state is BreakerState.OPEN:  # noqa: ASYNC110  # by the clock, without an event
                await asyncio.sleep(0.01)
            after = await asyncio.gather(*(client.get_batch_status(BATCH) for _ in range(100)), return_exceptions=True)

    assert after == [None] * 100


def test_the_breakers_pause_is_five_seconds_at_most_by_default() -> None:
    assert BackendSettings(internal_api_key=KEY).http_breaker_pause_seconds <= 5


ENOUGH = 20
"""Calls that have to be cancelled, and answered, for the test to say anything."""


@pytest.mark.slow("cancels callers for some seconds")
@pytest.mark.timeout(SECONDS + 300)
async def test_cancelling_callers_at_random_leaks_nothing() -> None:
    """No connection, task or file descriptor is left over, and the client is as good as new."""
    chance = random.Random(4711)
    async with serving(Backend(delay=0.01)) as ras:
        settings = BackendSettings.model_validate(
            {"internal_api_key": KEY, "ras_base_url": ras.url, "http_client_timeout_seconds": PATIENT}
        )
        before, tasks_before = descriptors(), len(asyncio.all_tasks())
        cancelled = ended = 0
        async with create_http_client(settings) as http:
            client = RASClient(http, settings)
            loop = asyncio.get_running_loop()
            end, patience = loop.time() + SECONDS, 0.2
            while loop.time() < end or min(cancelled, ended) <= ENOUGH:
                callers = [asyncio.create_task(client.get_batch_status(BATCH)) for _ in range(100)]
                for caller in callers:
                    loop.call_later(chance.uniform(0, patience), caller.cancel)
                outcomes = await asyncio.gather(*callers, return_exceptions=True)
                cancelled += sum(isinstance(each, asyncio.CancelledError) for each in outcomes)
                ended += sum(each is None for each in outcomes)
                if None not in outcomes:
                    patience *= 2  # a busy machine: all were cancelled before their answer
                assert all(each is None or isinstance(each, asyncio.CancelledError) for each in outcomes)
            after = await asyncio.gather(*(client.get_batch_status(BATCH) for _ in range(100)))
            in_use = descriptors()
        async with asyncio.timeout(60):
            while ras.writers or descriptors() > before + 2:  # noqa: ASYNC110  # until both ends of each are closed
                await asyncio.sleep(0.01)
    print(f"{cancelled} cancelled, {ended} answered")  # noqa: T201  # for the closing note of a deep run

    assert after == [None] * 100
    assert in_use <= before + 2 * settings.http_max_in_flight + 10, "connections, both ends of them in this process"
    assert len(asyncio.all_tasks()) <= tasks_before + 1
