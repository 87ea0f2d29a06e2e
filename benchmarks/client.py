"""What a call costs: this package's clients, the plain way with httpx, raw aiohttp, and a floor.

Run by `pdm run benchmark-client`; needs nginx (`apt-get install nginx-light`). All contestants take turns in one
process, so that what disturbs the machine disturbs all of them. CPU is that of this process alone. Figures are medians
of the rounds, ratios are of the same run: read the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import aiohttp
import httpx
import msgspec
from pydantic import BaseModel, SecretStr

from benchmarks.client_server import CHUNK, FULL, LEAN, SLOW, USERS, Server, serving
from bff_clients import BackendSettings, CMSClient, RASClient, create_http_client
from bff_clients.cms_client import _CLASSES  # pyright: ignore[reportPrivateUsage]  # the same models for everybody
from bff_clients.ras_client import _PAGE  # pyright: ignore[reportPrivateUsage]

KEY: Final = "INJECTED-AT-VERIFICATION"
HEADERS: Final = {
    "X-Internal-API-Key": KEY,
    "X-Service-ID": "bff-teacher-service",
    "X-Correlation-ID": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99",
    "Accept": "application/json",
}
NAMES: Final = ("naive httpx", "ours on httpx", "ours", "raw aiohttp", "floor")
PAGE: Final = "/internal/v1/batches/user/"
CLASSES: Final = "/internal/v1/batches/class-info"

Call = Callable[[], Awaitable[object]]


class NaiveEssay(BaseModel):
    """An essay with all its fields, as one writes it down without thinking of the cost."""

    essay_id: str
    filename: str | None
    file_upload_id: str | None
    spellcheck_status: str | None
    spellcheck_correction_count: int | None
    spellcheck_corrected_text_storage_id: str | None
    spellcheck_error_detail: dict[str, Any] | None
    cj_assessment_status: str | None
    cj_rank: int | None
    cj_score: float | None
    cj_assessment_error_detail: dict[str, Any] | None
    last_updated: datetime


class NaiveBatch(BaseModel):
    """A batch with its essays."""

    batch_id: str
    user_id: str
    assignment_id: str | None
    overall_status: str
    essay_count: int
    completed_essay_count: int
    failed_essay_count: int
    requested_pipeline: str | None
    current_phase: str | None
    created_at: datetime
    last_updated: datetime
    processing_started_at: datetime | None
    processing_completed_at: datetime | None
    essays: list[NaiveEssay]


class NaiveClass(BaseModel):
    """A class."""

    class_id: str
    class_name: str


class FloorBatch(msgspec.Struct):
    """What the BFF reads of a batch, unchecked but for its types."""

    batch_id: str
    user_id: str
    assignment_id: str | None
    overall_status: str
    essay_count: int
    completed_essay_count: int
    failed_essay_count: int
    requested_pipeline: str | None
    current_phase: str | None
    created_at: str
    last_updated: str
    processing_started_at: str | None
    processing_completed_at: str | None


class FloorPage(msgspec.Struct):
    """A page of them."""

    batches: list[FloorBatch]
    pagination: dict[str, int]


@dataclass
class Contestant:
    """One way to ask: for a page, and for classes."""

    page: Callable[[str, int], Awaitable[object]]
    classes: Callable[[Sequence[str]], Awaitable[object]]


async def contestants(
    server: Server, stack: AsyncExitStack, limits: httpx.Limits | None = None
) -> dict[str, Contestant]:
    """All of them, on connections of their own; the naive one with httpx's own limits unless others are given."""
    found: dict[str, Contestant] = {}
    naive = await stack.enter_async_context(httpx.AsyncClient() if limits is None else httpx.AsyncClient(limits=limits))

    async def naive_page(user: str, offset: int) -> object:
        response = await naive.get(server.url + PAGE + user, params={"limit": 20, "offset": offset}, headers=HEADERS)
        return [NaiveBatch.model_validate(each) for each in response.json()["batches"]]

    async def naive_chunk(ids: Sequence[str]) -> dict[str, object]:
        response = await naive.get(server.url + CLASSES, params={"batch_ids": ",".join(ids)}, headers=HEADERS)
        return {name: each and NaiveClass.model_validate(each) for name, each in response.json().items()}

    found["naive httpx"] = Contestant(naive_page, in_chunks(naive_chunk))
    for name, transport in (("ours on httpx", "httpx"), ("ours", "aiohttp")):
        settings = BackendSettings.model_validate(
            {
                "internal_api_key": SecretStr(KEY),
                "ras_base_url": server.url,
                "cms_base_url": server.url,
                "http_transport": transport,
                "http_max_in_flight": 100,
            }
        )
        http = await stack.enter_async_context(create_http_client(settings))
        found[name] = Contestant(paged(RASClient(http, settings)), CMSClient(http, settings).get_batch_class_info)
    session = await stack.enter_async_context(aiohttp.ClientSession(headers=HEADERS))

    async def raw_page(user: str, offset: int) -> object:
        async with session.get(f"{server.url}{PAGE}{user}?limit=20&offset={offset}") as response:
            return _PAGE.validate_json(await response.read())

    async def raw_chunk(ids: Sequence[str]) -> dict[str, object]:
        async with session.get(f"{server.url}{CLASSES}?batch_ids={','.join(ids)}") as response:
            return dict(_CLASSES.validate_json(await response.read()))

    found["raw aiohttp"] = Contestant(raw_page, in_chunks(raw_chunk))
    floor = Floor(server.url)
    stack.callback(floor.close)
    pages, maps = msgspec.json.Decoder(FloorPage), msgspec.json.Decoder(dict[str, dict[str, str] | None])

    async def floor_page(user: str, offset: int) -> object:
        return pages.decode(await floor.get(f"{PAGE}{user}?limit=20&offset={offset}"))

    async def floor_chunk(ids: Sequence[str]) -> dict[str, object]:
        return dict(maps.decode(await floor.get(f"{CLASSES}?batch_ids={','.join(ids)}")))

    found["floor"] = Contestant(floor_page, in_chunks(floor_chunk))
    return found


def paged(client: RASClient) -> Callable[[str, int], Awaitable[object]]:
    """A page of one of our clients."""

    async def page(user: str, offset: int) -> object:
        return await client.get_batches_for_user(user, offset=offset)

    return page


class Pages:
    """Pages of a user, each at another offset, so that no cache of URLs has met the next one."""

    def __init__(self, contestant: Contestant, user: str) -> None:
        self._contestant, self._user, self._offsets = contestant, user, itertools.count()

    def __call__(self) -> Awaitable[object]:
        """Ask for the next one."""
        return self._contestant.page(self._user, next(self._offsets))


class Classes:
    """Classes of the same batches, each time in another order but for the first of each chunk, which nginx goes by."""

    def __init__(self, contestant: Contestant, batch_ids: Sequence[str]) -> None:
        self._contestant, self._ids, self._chance = contestant, batch_ids, random.Random(1)  # noqa: S311

    def __call__(self) -> Awaitable[object]:
        """Ask for them."""
        ids: list[str] = []
        for start in range(0, len(self._ids), CHUNK):
            first, *others = self._ids[start : start + CHUNK]
            ids += [first, *self._chance.sample(others, len(others))]
        return self._contestant.classes(ids)


def in_chunks(
    ask: Callable[[Sequence[str]], Awaitable[dict[str, object]]],
) -> Callable[[Sequence[str]], Awaitable[object]]:
    """The same chunks as the client's, as many at a time."""

    async def classes(ids: Sequence[str]) -> object:
        turns = asyncio.Semaphore(4)

        async def turn(chunk: Sequence[str]) -> dict[str, object]:
            async with turns:
                return await ask(chunk)

        chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
        return dict(itertools.chain.from_iterable(found.items() for found in await asyncio.gather(*map(turn, chunks))))

    return classes


class Floor:
    """A GET and nothing else: no errors, no limits, a body with a length."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._idle: list[FloorConnection] = []
        self._head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())

    async def get(self, target: str) -> bytes:
        """The body of an answer."""
        connection = self._idle.pop() if self._idle else await self._connect()
        answer = asyncio.get_running_loop().create_future()
        connection.ask(f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\n{self._head}\r\n".encode(), answer)
        body: bytes = await answer
        self._idle.append(connection)
        return body

    async def _connect(self) -> FloorConnection:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(FloorConnection, self._host, self._port))[1]

    def close(self) -> None:
        """Close all connections."""
        for connection in self._idle:
            connection.transport.close()


class FloorConnection(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, answer: asyncio.Future[bytes]) -> None:
        """Send a request."""
        self._answer, self._got, self._wanted = answer, bytearray(), -1
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Gather until the length is reached."""
        self._got += data
        if self._wanted < 0:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._got[:end]).lower()
            self._start = end + 4
            self._wanted = self._start + int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(self._got) >= self._wanted:
            self._answer.set_result(bytes(memoryview(self._got)[self._start :]))


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


async def compared(calls: dict[str, Call], *, number: int, in_flight: int, rounds: int) -> dict[str, list[Cost]]:
    """All contestants in turn, round after round, each after a few calls that do not count."""
    costs: dict[str, list[Cost]] = {name: [] for name in calls}
    for call in calls.values():
        await measured(call, calls=max(in_flight, 10), in_flight=in_flight)
    for turn in range(rounds):
        names = list(calls) if turn % 2 else list(reversed(calls))
        for name in names:
            costs[name].append(await measured(calls[name], calls=number, in_flight=in_flight))
    return costs


def table(title: str, costs: dict[str, list[Cost]]) -> None:
    """A row for each contestant."""
    print(f"\n### {title}\n")
    print("| | CPU ms a call | naive ÷ this | this ÷ floor | calls/s | p50 ms | p99 ms |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    medians = {name: statistics.median(cost.cpu for cost in each) for name, each in costs.items()}
    for name, each in costs.items():
        latencies = sorted(itertools.chain.from_iterable(cost.latencies for cost in each))
        wall = statistics.median(cost.wall for cost in each)
        print(
            f"| {name} | {medians[name] * 1e3:.3f} | {medians['naive httpx'] / medians[name]:.2f}"
            f" | {medians[name] / medians['floor']:.2f} | {1 / wall:.0f}"
            f" | {latencies[len(latencies) // 2] * 1e3:.2f} | {latencies[int(len(latencies) * 0.99)] * 1e3:.2f} |"
        )
    sys.stdout.flush()


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
            costs = await compared(
                {name: Pages(each, USERS[LEAN]) for name, each in calls.items()},
                number=number,
                in_flight=1,
                rounds=rounds,
            )
            found[connections] = {
                name: (kept[name], statistics.median(cost.cpu for cost in each)) for name, each in costs.items()
            }
    print("\n### Lean page, 1 in flight, beside idle connections\n")
    print("| | connections | CPU ms | connections | CPU ms | ratio |\n|---|---:|---:|---:|---:|---:|")
    for name, (few, one) in found[1].items():
        many, hundred = found[100][name]
        print(f"| {name} | {few} | {one * 1e3:.3f} | {many} | {hundred * 1e3:.3f} | {hundred / one:.2f} |")


def open_connections(server: Server) -> int:
    """Established connections to nginx, as the kernel lists them."""
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
        await pages(calls, rounds)
        await classes(calls, server, rounds)
        async with httpx.AsyncClient() as http:
            body = (await http.get(f"{server.url}{PAGE}{USERS[FULL]}")).content
        await memory(calls, body)
    await idle_connections(server, number=600, rounds=min(rounds, 4))


async def pages(calls: dict[str, Contestant], rounds: int) -> None:
    """The full page and the lean one."""
    for page, number in ((FULL, 200), (LEAN, 600)):
        user = USERS[page]
        for in_flight in (1, 10, 50):
            costs = await compared(
                {name: Pages(each, user) for name, each in calls.items()},
                number=number,
                in_flight=in_flight,
                rounds=rounds,
            )
            table(f"{page.capitalize()} page, {in_flight} in flight", costs)


async def classes(calls: dict[str, Contestant], server: Server, rounds: int) -> None:
    """Few classes, a whole request of them, and ten."""
    for size, number in ((20, 300), (CHUNK, 300), (10 * CHUNK, 40)):
        costs = await compared(
            {name: Classes(each, server.batch_ids[:size]) for name, each in calls.items()},
            number=number,
            in_flight=1,
            rounds=rounds,
        )
        table(f"Classes of {size} batches, 1 in flight", costs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)  # nginx reads as somebody else
        with serving(Path(name)) as nginx:
            asyncio.run(main(nginx, arguments.rounds))
