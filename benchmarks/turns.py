"""Contestants that take turns: each calls the server from a process of its own, one at a time.

`python -m benchmarks.turns NAME URL` is such a process. It reads a task for each turn from its standard input, a line
of JSON, and writes what it measured. Between two turns its event loop does not run.
"""

import asyncio
import gc
import itertools
import os
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from typing import Final, TypeVar

import msgspec

from benchmarks import processors
from benchmarks.client_server import BATCH_IDS, FULL, SLOW, USERS
from benchmarks.contestants import CONTESTANTS, KEEPING, Contestant

T = TypeVar("T")
READY: Final = 0


class Calls(msgspec.Struct, tag=True, frozen=True):
    """The task to make calls and measure their cost.

    Attributes:
        what: A page, by the name of its user, or classes, by the number of their batches.
        number: How many.
        in_flight: How many at a time.
    """

    what: str | int
    number: int
    in_flight: int


class Cost(msgspec.Struct, frozen=True):
    """What calls cost, in seconds.

    Attributes:
        cpu: Processor time of a call.
        wall: The turn divided by its calls.
        latencies: How long each call took.
    """

    cpu: float
    wall: float
    latencies: list[float]


class Connections(msgspec.Struct, tag=True, frozen=True):
    """The task to open connections, by slow calls that are made at the same time."""

    number: int


class Peak(msgspec.Struct, tag=True, frozen=True):
    """The task to measure how many bytes are allocated at the same time during a call for the full page."""


Task = Calls | Connections | Peak


class EndedError(Exception):
    """The process of a contestant ended before the run did."""


class Process:
    """A contestant in a process of its own.

    Args:
        name: Of the contestant.
        process: Its process.
    """

    def __init__(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        self._name, self._process = name, process
        self.pid = process.pid

    def measure(self, calls: Calls) -> Cost:
        """Let it make calls."""
        return self._turn(calls, Cost)

    def connect(self, number: int) -> None:
        """Let it open connections."""
        self._turn(Connections(number), int)

    def peak(self) -> int:
        """Let it measure the memory of a call, in bytes."""
        return self._turn(Peak(), int)

    def wait(self) -> None:
        """Wait until it is ready for its first turn."""
        self._result(int)
        processors.keep(self._process.pid, processors.MEASURED)

    def _turn(self, task: Task, result: type[T]) -> T:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended, and gives no result
                os.write(self._process.stdin.fileno(), msgspec.json.encode(task) + b"\n")
        return self._result(result)

    def _result(self, result: type[T]) -> T:
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            raise EndedError(f"the process of {self._name} ended during the run with exit code {self._process.wait()}")
        return msgspec.json.decode(line, type=result)


@contextmanager
def started(names: Iterable[str], url: str) -> Generator[list[Process]]:
    """Start a process for each contestant, on the first processor, and stop them at the end.

    Raises:
        EndedError: One of them ended by itself. What it says of the reason is on standard error.
    """
    with ExitStack() as stack:
        processes: list[Process] = []
        for name in names:
            command = [sys.executable, "-m", "benchmarks.turns", name, url]
            child = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            stack.callback(child.terminate)
            processes.append(Process(name, child))
        for process in processes:
            process.wait()
        yield processes


class _Caller:
    """Makes calls that ask for something new: another offset, so that no cache of URLs knows it, or another order."""

    def __init__(self, contestant: Contestant) -> None:
        self._contestant, self._offsets, self._chance = contestant, itertools.count(), random.Random(1)  # noqa: S311

    async def do(self, task: Task) -> Cost | int:
        """Do what a turn is for."""
        match task:
            case Calls():
                return await self._measured(task)
            case Connections():
                await self._made(Calls(SLOW, task.number, task.number))
                return READY
            case Peak():
                return await self._peak()

    async def _measured(self, task: Calls) -> Cost:
        cpu, wall = time.process_time(), time.perf_counter()
        latencies = await self._made(task)
        return Cost((time.process_time() - cpu) / task.number, (time.perf_counter() - wall) / task.number, latencies)

    async def _made(self, task: Calls) -> list[float]:
        call, left, latencies = self._call(task.what), iter(range(task.number)), list[float]()

        async def worker() -> None:
            for _ in left:
                began = time.perf_counter()
                await call()
                latencies.append(time.perf_counter() - began)

        await asyncio.gather(*(worker() for _ in range(task.in_flight)))
        return latencies

    def _call(self, what: str | int) -> Callable[[], Awaitable[object]]:
        if isinstance(what, str):
            return lambda: self._contestant.page(USERS[what], next(self._offsets))
        return lambda: self._contestant.classes(self._chance.sample(BATCH_IDS[:what], what))

    async def _peak(self) -> int:
        await self._contestant.page(USERS[FULL], 0)
        gc.collect()
        tracemalloc.start()
        kept = await self._contestant.page(USERS[FULL], 0)
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del kept
        return top


async def connected(name: str, url: str, stack: AsyncExitStack) -> Contestant:
    """A contestant by its name."""
    connect = CONTESTANTS.get(name) or KEEPING[name]
    return await connect(url, stack)


def main(name: str, url: str) -> None:
    """Take turns until there are no more tasks."""

    def say(result: Cost | int) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.flush()

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        caller = _Caller(runner.run(connected(name, url, stack)))
        say(READY)
        for line in sys.stdin.buffer:
            say(runner.run(caller.do(msgspec.json.decode(line, type=Task))))
        runner.run(stack.aclose())


if __name__ == "__main__":
    main(*sys.argv[1:])
