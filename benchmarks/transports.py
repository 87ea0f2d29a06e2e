"""Measures the cost of transports behind httpx's interface, and whether they recover from cancelled callers.

    python -m benchmarks.transports [--calls 400] [--rounds 7]

Prints the table of `docs/decisions/2026-11-27-aiohttp-under-httpx.md`: processor time of this process in ms a call, a
page of 20 rows from a small server in a process of its own, the transports taking turns; and how many of 30 calls are
answered after 600 callers gave up on a slow one. `pip install httpx2 httpx-aiohttp` adds these two.
"""

import argparse
import asyncio
import contextlib
import importlib
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final

import httpx

from bff_clients._transport import AiohttpTransport
from tests.support.misbehaving import head
from tests.support.ras_pages import page, row

CONNECTIONS: Final = 100
GIVING_UP: Final = 600
AFTERWARDS: Final = 30
IN_FLIGHT: Final = (1, 50)

Get = Callable[[str], Awaitable[Any]]


def serve() -> None:
    """Be the server: `/slow` is answered after 4 s, anything else at once. Print the port."""
    body = json.dumps(page(*[row()] * 20)).encode()
    answer = head(Content_Length=str(len(body))) + body

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                if b" /slow " in await reader.readuntil(b"\r\n\r\n"):
                    await asyncio.sleep(4)
                writer.write(answer)
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=1000)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(run())


def installed(module: str) -> Any:
    """A module that may not be there."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def clients() -> dict[str, Any]:
    """A client over each transport that is installed."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    found: dict[str, Any] = {"httpx (its own pool)": httpx.AsyncClient(limits=limits, timeout=30)}
    if httpx2 := installed("httpx2"):
        own = httpx2.Limits(max_connections=CONNECTIONS)
        found["httpx2 (its own pool)"] = httpx2.AsyncClient(limits=own, timeout=30)
    if httpx_aiohttp := installed("httpx_aiohttp"):
        found["httpx-aiohttp"] = httpx_aiohttp.HttpxAiohttpClient(limits=limits, timeout=30)
    found["ours"] = httpx.AsyncClient(transport=AiohttpTransport(max_connections=CONNECTIONS), timeout=30)
    return found


async def cost(get: Get, url: str, *, calls: int, at_once: int) -> float:
    """Milliseconds of processor time a call."""
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            await get(url)

    started = time.process_time()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return (time.process_time() - started) / calls * 1000


async def recovered(get: Get, url: str) -> int:
    """How many calls are answered after many callers gave up, each after 20 to 80 ms."""
    chance = random.Random(4711)  # noqa: S311

    async def gives_up() -> None:
        await asyncio.sleep(chance.random())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(chance.uniform(0.02, 0.08)):
                await get(f"{url}/slow")

    async def answered() -> bool:
        try:
            async with asyncio.timeout(5):
                return bool((await get(url)).status_code == 200)  # noqa: PLR2004
        except Exception:  # noqa: BLE001  # whatever it is, it is no answer
            return False

    await asyncio.gather(*(gives_up() for _ in range(GIVING_UP)))
    return sum(await asyncio.gather(*(answered() for _ in range(AFTERWARDS))))


@contextlib.contextmanager
def server() -> Generator[str]:
    """The server in a process of its own; gives its URL."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.transports", "--serve"], stdout=subprocess.PIPE
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else b""
            yield f"http://127.0.0.1:{int(line)}"
        finally:
            process.terminate()


async def run(url: str, calls: int, rounds: int) -> None:
    """Measure, and print the table."""
    async with contextlib.AsyncExitStack() as stack:
        gets = {name: (await stack.enter_async_context(client)).get for name, client in clients().items()}
        costs: dict[tuple[str, int], list[float]] = {}
        for _ in range(rounds):
            for at_once in IN_FLIGHT:
                for name, get in gets.items():
                    took = await cost(get, url, calls=calls, at_once=at_once)
                    costs.setdefault((name, at_once), []).append(took)
        print("| | 1 in flight | 50 in flight | after 600 cancellations |\n|---|---:|---:|---:|")
        for name, get in gets.items():
            figures = " | ".join(f"{statistics.median(costs[name, at_once]):.2f}" for at_once in IN_FLIGHT)
            print(f"| {name} | {figures} | {await recovered(get, url)} of {AFTERWARDS} |", flush=True)


def main() -> int:
    """Be the server, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=400, help="of each transport in each round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    with server() as url:
        asyncio.run(run(url, options.calls, options.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
