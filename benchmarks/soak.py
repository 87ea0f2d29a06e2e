"""The clients for a long time on a backend of which one answer in twenty is one of all known faults.

    pdm run soak [--calls 200000] [--transport aiohttp] [--uvloop]

Prints how the calls ended, what memory did, and how long the event loop was kept busy at most. Ends in 1 when a call
ended in anything but a model or a `BackendError`, when memory grew, or when the loop was kept busy for over 100 ms.
The faults are those of `docs/reliability.md`; the backend is a process of its own.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from bff_clients import BackendError, BackendSettings, BackendUnavailable, CMSClient, RASClient, create_http_client
from tests.clients.fault_table import FAULTS
from tests.support.misbehaving import Behaviour, head
from tests.support.platform import BATCH, TEACHER
from tests.support.ras_pages import page, row

SHARE: Final = 0.05
"""Of the answers that are faults."""

IN_FLIGHT: Final = 20
GROWTH: Final = 1.10
"""How much larger memory may be at the end than after the first fifth."""

LONGEST_STALL: Final = 0.1
"""Seconds of its own processor time that the loop may spend before it comes around."""

_CLASS: Final = {"class_id": BATCH, "class_name": "Svenska 1 – SA24B"}
_DETAILS: Final[dict[str, Any]] = {**row(batch_id=BATCH, user_id=TEACHER), "essays": []}


def serve() -> None:
    """Be the backend, and print its port."""
    behaviours: list[Behaviour] = [fault.behave for fault in FAULTS if fault.url is None and not fault.tls]
    chance = random.Random(4711)  # noqa: S311

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                if chance.random() < SHARE:
                    await chance.choice(behaviours)(reader, writer)
                    break
                body = json.dumps(right_answer(request.split(" ")[1])).encode()
                writer.write(head(Content_Length=str(len(body))) + body)
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(connection, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
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


async def soak(port: int, calls: int, transport: str) -> int:
    """Make the calls; returns the exit code."""
    settings = BackendSettings.model_validate(
        {
            "internal_api_key": SecretStr("a-key"),
            "ras_base_url": f"http://127.0.0.1:{port}",
            "cms_base_url": f"http://127.0.0.1:{port}",
            "http_transport": transport,
            "http_client_timeout_seconds": 0.5,
            "http_retry_backoff_seconds": 0.005,
        }
    )
    outcomes: Counter[str] = Counter()
    chance = random.Random(4711)  # noqa: S311
    left = iter(range(calls))
    sizes: list[float] = []
    heartbeat = Heartbeat()
    async with create_http_client(settings) as http:
        ras, cms = RASClient(http, settings), CMSClient(http, settings)

        async def caller() -> None:
            for number in left:
                outcomes[await outcome(ras, cms, chance)] += 1
                if number % (calls // 10) == 0:
                    sizes.append(resident())
                    print(f"  {number:>8} calls, {sizes[-1]:.1f} MiB", flush=True)

        started = time.perf_counter()
        beating = asyncio.create_task(heartbeat.beat())
        await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
        beating.cancel()
        seconds = time.perf_counter() - started
    print(f"\n{calls} calls in {seconds:.0f} s over {transport} on {type(asyncio.get_running_loop()).__module__}:")
    for name, times in outcomes.most_common():
        print(f"  {times:>8}  {name}")
    strange = [name for name in outcomes if name.startswith("!")]
    flat = sizes[-1] <= sizes[2] * GROWTH
    print(f"memory {sizes[2]:.1f} MiB after a fifth, {sizes[-1]:.1f} at the end: {'flat' if flat else 'GROWING'}")
    print(f"the loop was kept busy for {heartbeat.longest * 1000:.0f} ms at most")
    is_good = flat and not strange and heartbeat.longest <= LONGEST_STALL and sum(outcomes.values()) == calls
    return 0 if is_good else 1


async def outcome(ras: RASClient, cms: CMSClient, chance: random.Random) -> str:
    """How one call ends."""
    try:
        match chance.randrange(3):
            case 0:
                await ras.get_batches_for_user(TEACHER, offset=chance.randrange(5))
            case 1:
                await ras.get_batch_status(BATCH)
            case _:
                await cms.get_batch_class_info([BATCH, f"{chance.getrandbits(32):08x}{BATCH[8:]}"])
    except BackendUnavailable as error:
        return f"{type(error).__name__}, {error.reason}"
    except BackendError as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001  # what must never come out
        return f"! {type(error).__name__}: {error}"
    return "a model"


@contextmanager
def backend() -> Generator[int]:
    """The backend in a process of its own; gives its port."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.soak", "--serve"], stdout=subprocess.PIPE) as process:
        try:
            yield int(process.stdout.readline()) if process.stdout is not None else 0
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--transport", choices=["aiohttp", "httpx"], action="append", help="both by default")
    parser.add_argument("--uvloop", action="store_true", help="on uvloop and not on asyncio's own loop")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    logging.getLogger("bff_clients").setLevel(logging.CRITICAL)  # a line for each of thousands of faults
    gc.collect()
    gc.freeze()  # so that the collector's pauses are about the calls, and not about all that was imported
    worst = 0
    for transport in options.transport or ["aiohttp", "httpx"]:
        with backend() as port, asyncio.Runner(loop_factory=loop_factory(uvloop=options.uvloop)) as runner:
            worst = max(worst, runner.run(soak(port, options.calls, transport)))
    return worst


if __name__ == "__main__":
    sys.exit(main())
