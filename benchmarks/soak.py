"""Runs the clients for a long time on a backend with a fault in one of twenty answers.

    pdm run soak [--calls 200000] [--run aiohttp] [--run aiohttp-uvloop] [--run httpx]

Prints how the calls ended, what memory did, and how long the event loop was kept busy at most. Ends in 1 when a call
ended in anything but a model or a `BackendError`, when a fault was not among the answers, when memory grew, or when the
loop was kept busy for over 100 ms. The faults are those of `docs/reliability.md`, by turns; the backend is a process of
its own.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import logging
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import SecretStr

from bff_clients import BackendError, BackendSettings, BackendUnavailable, CMSClient, RASClient, create_http_client
from tests.clients.fault_table import FAULTS, Fault, tasks, untrusted
from tests.support.misbehaving import head, misbehaving_server
from tests.support.platform import BATCH, TEACHER
from tests.support.ras_pages import page, row

SHARE: Final = 0.05
"""Of the answers that are faults."""

RUNS: Final = ("aiohttp", "aiohttp-uvloop", "httpx")
MADE: Final = "/faults-that-were-made"
IN_FLIGHT: Final = 20
GROWTH: Final = 1.10
"""How much larger memory may be at the end than after the first fifth."""

LONGEST_STALL: Final = 0.1
"""Seconds of its own processor time that the loop may spend before it comes around."""

ANSWERS: Final = [fault for fault in FAULTS if fault.url is None and not fault.tls and fault.first is None]
ELSEWHERE: Final = [fault for fault in FAULTS if fault not in ANSWERS]
"""Faults that need a separate address or client: a port without a listener, a closed client."""

_CLASS: Final = {"class_id": BATCH, "class_name": "Svenska 1 – SA24B"}
_DETAILS: Final[dict[str, Any]] = {**row(batch_id=BATCH, user_id=TEACHER), "essays": []}


def serve() -> None:
    """Be the backend, and print its ports: its own, and one for each fault of `ELSEWHERE`."""
    chance = random.Random(4711)  # noqa: S311
    turns = itertools.cycle(ANSWERS)
    made = Counter({fault.name: 0 for fault in ANSWERS})

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                target = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ")[1]
                if target != MADE and chance.random() < SHARE:
                    fault = next(turns)
                    made[fault.name] += 1
                    await fault.behave(reader, writer)
                    break
                body = json.dumps(made if target == MADE else right_answer(target)).encode()
                writer.write(head(Content_Length=str(len(body))) + body)
                await writer.drain()
        writer.close()

    async def run() -> None:
        async with AsyncExitStack() as stack:
            ports = [
                await stack.enter_async_context(
                    misbehaving_server(fault.behave, tls=untrusted() if fault.tls else None)
                )
                for fault in ELSEWHERE
            ]
            server = await asyncio.start_server(connection, "127.0.0.1", 0)
            print(json.dumps([server.sockets[0].getsockname()[1], *ports]), flush=True)
            await server.serve_forever()

    asyncio.run(run())


def right_answer(target: str) -> Any:
    """What the contract has for a request."""
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if "batch_ids" in query:
        return dict.fromkeys(query["batch_ids"].split(","), _CLASS)
    if parts.path.endswith("/status"):
        return _DETAILS
    rows = [row(user_id=TEACHER)] * min(5, int(query["limit"]))
    return page(*rows, limit=int(query["limit"]), offset=int(query["offset"]), total=100)


def resident() -> float:
    """MiB that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Heartbeat:
    """How long the loop was kept busy at most, in seconds of this thread's processor time.

    The processor's time and not the clock's: on a busy machine another process is no stall of ours.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    async def beat(self) -> None:
        """Come around as often as the loop lets it."""
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.longest = max(self.longest, now - before)
            before = now


def settings_for(url: str, transport: str, **changes: Any) -> BackendSettings:
    """Settings of a client that is in a hurry."""
    return BackendSettings.model_validate(
        {
            "internal_api_key": SecretStr("a-key"),
            "ras_base_url": url,
            "cms_base_url": url,
            "http_transport": transport,
            "http_client_timeout_seconds": 0.5,
            "http_retry_backoff_seconds": 0.005,
            "http_breaker_pause_seconds": 0.05,  # on a busy machine the breaker opens, and calls should go on
            **changes,
        }
    )


class Callers:
    """What calls the backend, in the way of a run.

    Args:
        transport: Of the clients.
        ports: Of the backend.
    """

    def __init__(self, transport: str, ports: list[int]) -> None:
        self._transport = transport
        self._ports = ports
        self._chance = random.Random(4711)  # noqa: S311
        self.made: Counter[str] = Counter({fault.name: 0 for fault in ELSEWHERE})

    @asynccontextmanager
    async def calling(self) -> AsyncGenerator[Callable[[], Awaitable[str]]]:
        """Give what makes one call, and says how it ended."""
        own, *others = self._ports
        settings = settings_for(f"http://127.0.0.1:{own}", self._transport)
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(create_http_client(settings))
            ras, cms = RASClient(http, settings), CMSClient(http, settings)
            clients = [
                (fault, await stack.enter_async_context(self._elsewhere(fault, port)))
                for fault, port in zip(ELSEWHERE, others, strict=True)
            ]
            turns = itertools.cycle(clients)

            async def call() -> str:
                if self._chance.random() < SHARE * len(ELSEWHERE) / len(FAULTS):
                    return await outcome(self._fault(*next(turns)))
                return await outcome(self._any(ras, cms))

            yield call
        async with httpx.AsyncClient(trust_env=False) as http:  # httpx's pool may not have recovered from the run
            self.made.update((await http.get(f"http://127.0.0.1:{own}{MADE}")).json())

    @asynccontextmanager
    async def _elsewhere(self, fault: Fault, port: int) -> AsyncGenerator[RASClient]:
        url = fault.url or f"{'https' if fault.tls else 'http'}://127.0.0.1:{port}"
        settings = settings_for(url, self._transport, **fault.settings)
        async with create_http_client(settings) as http:
            yield RASClient(http, settings)

    async def _fault(self, fault: Fault, client: RASClient) -> None:
        self.made[fault.name] += 1
        if fault.first is not None:
            await fault.first(client)
        try:
            await client.get_batches_for_user(TEACHER)
        finally:
            for task in tasks:
                task.cancel()
            tasks.clear()

    async def _any(self, ras: RASClient, cms: CMSClient) -> None:
        match self._chance.randrange(3):
            case 0:
                await ras.get_batches_for_user(TEACHER, offset=self._chance.randrange(5))
            case 1:
                await ras.get_batch_status(BATCH)
            case _:
                await cms.get_batch_class_info([BATCH, f"{self._chance.getrandbits(32):08x}{BATCH[8:]}"])


async def outcome(call: Awaitable[None]) -> str:
    """How one call ends."""
    try:
        await call
    except BackendUnavailable as error:
        return f"{type(error).__name__}, {error.reason}"
    except BackendError as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001  # what must never come out
        return f"! {type(error).__name__}: {error}"
    return "a model"


@dataclass
class Found:
    """What a run found."""

    outcomes: Counter[str]
    made: Counter[str]
    sizes: list[float]
    longest: float
    seconds: float

    def summary(self) -> str:
        """The outcomes, and what is wrong."""
        lines = [f"  {times:>8}  {name}" for name, times in self.outcomes.most_common()]
        fewest, times = min(self.made.items(), key=lambda item: item[1])
        lines.append(f"each of {len(self.made)} faults was made, {fewest!r} least: {times} times")
        is_flat = "flat" if self.is_flat else "GROWING"
        lines.append(f"memory {self.sizes[2]:.1f} MiB after a fifth, {self.sizes[-1]:.1f} at the end: {is_flat}")
        lines.append(f"the loop was kept busy for {self.longest * 1000:.0f} ms at most")
        return "\n".join(lines)

    @property
    def is_flat(self) -> bool:
        """Whether memory did not grow."""
        return self.sizes[-1] <= self.sizes[2] * GROWTH

    @property
    def is_good(self) -> bool:
        """Whether the clients did what they promise."""
        has_strange = any(name.startswith("!") for name in self.outcomes)
        return self.is_flat and not has_strange and all(self.made.values()) and self.longest <= LONGEST_STALL


async def soak(ports: list[int], calls: int, transport: str) -> Found:
    """Make the calls."""
    callers, outcomes = Callers(transport, ports), Counter[str]()
    left = iter(range(calls))
    sizes: list[float] = []
    heartbeat = Heartbeat()
    async with callers.calling() as call:

        async def caller() -> None:
            for number in left:
                outcomes[await call()] += 1
                await asyncio.sleep(0)  # a call that is rejected at once does not wait for anything
                if number % (calls // 10) == 0:
                    sizes.append(resident())
                    print(f"  {number:>8} calls, {sizes[-1]:.1f} MiB", flush=True)

        started = time.perf_counter()
        beating = asyncio.create_task(heartbeat.beat())
        await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
        beating.cancel()
        seconds = time.perf_counter() - started
    return Found(outcomes, callers.made, sizes, heartbeat.longest, seconds)


@contextmanager
def backend() -> Generator[list[int]]:
    """The backend in a process of its own; gives its ports."""
    command = [sys.executable, "-m", "benchmarks.soak", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield json.loads(process.stdout.readline()) if process.stdout is not None else []
        finally:
            process.terminate()


def loop_factory(*, uvloop: bool) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the event loop."""
    if not uvloop:
        return asyncio.new_event_loop
    from uvloop import new_event_loop  # noqa: PLC0415  # only when it is asked for

    return new_event_loop


def main() -> int:
    """Start the backend, and soak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--run", choices=RUNS, action="append", help="a transport and its event loop; all by default")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    logging.getLogger("bff_clients").setLevel(logging.CRITICAL)  # a line for each of thousands of faults
    gc.collect()
    gc.freeze()  # so that the collector's pauses are about the calls, and not about all that was imported
    is_good = True
    for name in options.run or RUNS:
        transport, _, loop = name.partition("-")
        with backend() as ports, asyncio.Runner(loop_factory=loop_factory(uvloop=loop == "uvloop")) as runner:
            found = runner.run(soak(ports, options.calls, transport))
        print(f"\n{options.calls} calls in {found.seconds:.0f} s, {name}:\n{found.summary()}\n", flush=True)
        is_good = is_good and found.is_good
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
