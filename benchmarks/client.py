"""Measures the cost of a call: this package's clients, plain httpx, raw aiohttp, and a lower bound.

Run by `pdm run benchmark-client`. All contestants take turns in one process, and each round goes through all tables, so
that what disturbs the machine for some seconds disturbs all contestants, and one round of a table. CPU is that of this
process alone. Figures are medians of the rounds, ratios those of the ratios in each round: read the ratios.
"""

import argparse
import asyncio
import gc
import itertools
import json
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from benchmarks import charts, quiet
from benchmarks.client_server import CHUNK, FULL, LEAN, SLOW, USERS, Server, serving
from benchmarks.contestants import PAGE, Contestant, NaiveBatch, contestants
from bff_clients.ras_client import _PAGE  # pyright: ignore[reportPrivateUsage]

Call = Callable[[], Awaitable[object]]

ORDER: Final = (
    "in each round full page and lean page with 1, 10 and 50 in flight, then classes",
    "memory",
    "idle connections; contestants in turn, and the other way round in every second round",
)


class Pages:
    """Pages of a user, each at another offset, so that no cache of URLs has met the next one."""

    def __init__(self, contestant: Contestant, user: str) -> None:
        self._contestant, self._user, self._offsets = contestant, user, itertools.count()

    def __call__(self) -> Awaitable[object]:
        """Ask for the next one."""
        return self._contestant.page(self._user, next(self._offsets))


class Classes:
    """Classes of the same batches, each time in another order."""

    def __init__(self, contestant: Contestant, batch_ids: Sequence[str]) -> None:
        self._contestant, self._ids, self._chance = contestant, batch_ids, random.Random(1)  # noqa: S311

    def __call__(self) -> Awaitable[object]:
        """Ask for them."""
        return self._contestant.classes(self._chance.sample(self._ids, len(self._ids)))


@dataclass(frozen=True)
class Cost:
    """What one round measured: seconds a call, and calls a second."""

    cpu: float
    wall: float
    latencies: tuple[float, ...]


async def measured(call: Call, *, calls: int, in_flight: int) -> Cost:
    """Run so many calls, so many at a time."""
    latencies: list[float] = []
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            started = time.perf_counter()
            await call()
            latencies.append(time.perf_counter() - started)

    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return Cost((time.process_time() - cpu) / calls, (time.perf_counter() - wall) / calls, tuple(latencies))


class Comparison:
    """One table: the same calls of all contestants.

    Attributes:
        title: Its heading.
        calls: The call of each contestant.
        number: Calls of each in a round.
        in_flight: How many at a time.
    """

    def __init__(self, title: str, calls: dict[str, Call], *, number: int, in_flight: int) -> None:
        self._title, self._calls, self._number, self._in_flight = title, calls, number, in_flight
        self._costs: dict[str, list[Cost]] = {name: [] for name in calls}

    async def warm(self) -> None:
        """Make a few calls that do not count."""
        for call in self._calls.values():
            await measured(call, calls=max(self._in_flight, 10), in_flight=self._in_flight)

    async def round(self) -> None:
        """Measure all contestants once, in every second round the other way round."""
        names = list(self._calls)
        for name in names if len(self._costs[names[0]]) % 2 else reversed(names):
            self._costs[name].append(await measured(self._calls[name], calls=self._number, in_flight=self._in_flight))

    def cpu(self, name: str) -> float:
        """Seconds of a call, the median of the rounds."""
        return statistics.median(cost.cpu for cost in self._costs[name])

    def print(self) -> None:
        """A row for each contestant."""
        print(f"\n### {self._title}\n")
        print("| | CPU ms a call | naive ÷ this | this ÷ floor | calls/s | p50 ms | p99 ms |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for name, costs in self._costs.items():
            latencies = sorted(itertools.chain.from_iterable(cost.latencies for cost in costs))
            wall = statistics.median(cost.wall for cost in costs)
            print(
                f"| {name} | {self.cpu(name) * 1e3:.3f} | {self._ratio('naive httpx', name):.2f}"
                f" | {self._ratio(name, 'floor'):.2f} | {1 / wall:.0f}"
                f" | {latencies[len(latencies) // 2] * 1e3:.2f} | {latencies[int(len(latencies) * 0.99)] * 1e3:.2f} |"
            )
        sys.stdout.flush()

    def _ratio(self, one: str, other: str) -> float:
        pairs = zip(self._costs[one], self._costs[other], strict=True)
        return statistics.median(cost.cpu / base.cpu for cost, base in pairs)


async def compare(comparisons: Sequence[Comparison], rounds: int) -> None:
    """Measure all of them, round after round."""
    for one in comparisons:
        await one.warm()
    for _ in range(rounds):
        for one in comparisons:
            await one.round()


async def idle_connections(server: Server, *, number: int, rounds: int) -> None:
    """The lean page with 1 and with 100 connections that are open and idle, for those who keep as many."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200, keepalive_expiry=3600)
    found: dict[int, dict[str, tuple[int, float]]] = {}
    for connections in (1, 100):
        async with AsyncExitStack() as stack:
            calls = await contestants(server, stack, limits)
            del calls["ours on httpx"]  # keeps 20 at most
            kept: dict[str, int] = {}
            for name, contestant in calls.items():
                before = open_connections(server)
                await asyncio.gather(*(contestant.page(USERS[SLOW], at) for at in range(connections)))
                kept[name] = open_connections(server) - before
            lean = Comparison("", of_pages(calls, LEAN), number=number, in_flight=1)
            await compare([lean], rounds)
            found[connections] = {name: (kept[name], lean.cpu(name)) for name in calls}
    print("\n### Lean page, 1 in flight, beside idle connections\n")
    print("| | connections | CPU ms | connections | CPU ms | ratio |\n|---|---:|---:|---:|---:|---:|")
    for name, (few, one) in found[1].items():
        many, hundred = found[100][name]
        print(f"| {name} | {few} | {one * 1e3:.3f} | {many} | {hundred * 1e3:.3f} | {hundred / one:.2f} |")


def open_connections(server: Server) -> int:
    """Established connections to the server, as the kernel lists them."""
    port = f":{urlsplit(server.url).port:04X}"
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return sum(line.split()[2].endswith(port) and line.split()[3] == "01" for line in lines)


async def memory(calls: dict[str, Contestant], body: bytes) -> None:
    """What is allocated at the same time: by decoding alone, and by a whole call for the full page."""
    print(f"\n### Memory, full page of {len(body) / 1000:.0f} KB\n")
    print("| | peak KB |\n|---|---:|")
    decoders: dict[str, Callable[[], object]] = {
        "decoding, naive": lambda: [NaiveBatch.model_validate(each) for each in json.loads(body)["batches"]],
        "decoding, ours": lambda: _PAGE.validate_json(body),
    }
    peaks = {name: peak(decode) for name, decode in decoders.items()}
    for name, size in peaks.items():
        print(f"| {name} | {size / 1000:.0f} |")
    print(f"| decoding, naive ÷ ours | {peaks['decoding, naive'] / peaks['decoding, ours']:.0f} times |")
    for name, contestant in calls.items():
        await contestant.page(USERS[FULL], 0)
        gc.collect()
        tracemalloc.start()
        kept = await contestant.page(USERS[FULL], 0)
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del kept
        print(f"| a whole call, {name} | {top / 1000:.0f} |")


def peak(work: Callable[[], object]) -> int:
    """Bytes."""
    work()
    gc.collect()
    tracemalloc.start()
    kept = work()
    _, top = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return top


async def main(server: Server, rounds: int) -> None:
    """Measure everything on one server, and print the tables."""
    async with AsyncExitStack() as stack:
        calls = await contestants(server, stack)
        comparisons = [*pages(calls), *classes(calls, server)]
        await compare(comparisons, rounds)
        for one in comparisons:
            one.print()
        async with httpx.AsyncClient() as http:
            body = (await http.get(f"{server.url}{PAGE}{USERS[FULL]}?limit=20&offset=0")).content
        await memory(calls, body)
    await idle_connections(server, number=600, rounds=min(rounds, 4))


def pages(calls: dict[str, Contestant]) -> list[Comparison]:
    """The full page and the lean one."""
    return [
        Comparison(
            f"{page.capitalize()} page, {in_flight} in flight",
            of_pages(calls, page),
            number=number,
            in_flight=in_flight,
        )
        for page, number in ((FULL, 200), (LEAN, 600))
        for in_flight in (1, 10, 50)
    ]


def of_pages(calls: dict[str, Contestant], page: str) -> dict[str, Call]:
    """The calls of one kind of page."""
    return {name: Pages(each, USERS[page]) for name, each in calls.items()}


def classes(calls: dict[str, Contestant], server: Server) -> list[Comparison]:
    """Few classes, a whole request of them, and ten."""
    return [
        Comparison(
            f"Classes of {size} batches, 1 in flight",
            {name: Classes(each, server.batch_ids[:size]) for name, each in calls.items()},
            number=number,
            in_flight=1,
        )
        for size, number in ((20, 300), (CHUNK, 300), (10 * CHUNK, 40))
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    charts.add_update(parser)
    arguments = parser.parse_args()
    with (
        quiet.refusing(),
        charts.printing(into=arguments.update),
        quiet.described("the clients", ORDER, for_the_page=arguments.update is not None),
        serving() as server,
    ):
        asyncio.run(main(server, arguments.rounds))
