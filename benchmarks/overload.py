"""Measures an overloaded healthy backend: answers a second, and the errors of the other calls.

Run by `python -m benchmarks.overload` (two minutes). The backend answers one request after another, each in 48 ms, so
20.8 a second, and works for callers that have gone as well, as most do. Callers arrive at random. All loads are offered
at the same time, each to a backend and a client of its own; what happens in the first deadline does not count.
"""

import argparse
import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Final

from pydantic import SecretStr

from bff_clients import BackendError, BackendSettings, BackendUnavailable, BreakerState, CMSClient, create_http_client

SERVICE_SECONDS: Final = 0.048
LOADS: Final = (0.5, 1.0, 1.5, 2.0, 4.0)
"""Of the capacity."""

BATCH: Final = "26b9045a-e947-5833-ab3e-161507389763"
BODY: Final = b'{"%s": null}' % BATCH.encode()
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


@contextlib.asynccontextmanager
async def one_at_a_time() -> AsyncGenerator[str]:
    """A backend that answers one request after another."""
    worker = asyncio.Lock()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                async with worker:
                    await asyncio.sleep(SERVICE_SECONDS)
                writer.write(ANSWER)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def offered(load: float, seconds: float, **changes: float) -> Counter[str]:
    """Offer a load, and count how calls end."""
    chance = random.Random(4711)  # noqa: S311
    outcomes: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    async with one_at_a_time() as url:
        settings = BackendSettings.model_validate(
            {"internal_api_key": SecretStr("INJECTED-AT-VERIFICATION"), "cms_base_url": url, **changes}
        )
        begins = loop.time() + settings.http_client_timeout_seconds

        async def call(client: CMSClient) -> None:
            try:
                await client.get_batch_class_info([BATCH])
                outcome = "ok"
            except BackendUnavailable as error:
                outcome = error.reason
            except BackendError as error:
                outcome = type(error).__name__
            if begins <= loop.time() < begins + seconds:
                outcomes[outcome] += 1

        async with create_http_client(settings) as http, asyncio.TaskGroup() as calls:
            client = CMSClient(http, settings)
            while loop.time() < begins + seconds:
                calls.create_task(call(client))
                outcomes["breaker seen open"] += client.breaker_state is not BreakerState.CLOSED
                await asyncio.sleep(chance.expovariate(load / SERVICE_SECONDS))
    return outcomes


async def main(seconds: float, changes: dict[str, float]) -> None:
    """Offer all loads, and print a row for each."""
    found = await asyncio.gather(*(offered(load, seconds, **changes) for load in LOADS))
    print("| offered, of the capacity | answered a second | turned away at once | timed out | breaker opened |")
    print("|---:|---:|---:|---:|---|")
    for load, each in zip(LOADS, found, strict=True):
        opened = "yes" if each["breaker_open"] or each["breaker seen open"] else "no"
        print(f"| {load:g} | {each['ok'] / seconds:.1f} | {each['queue_full']} | {each['timeout']} | {opened} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER", help="a setting, by its field")
    arguments = parser.parse_args()
    logging.getLogger("bff_clients").setLevel(logging.CRITICAL)
    pairs = [pair.partition("=") for pair in arguments.set]
    asyncio.run(main(arguments.seconds, {name: float(value) for name, _, value in pairs}))
