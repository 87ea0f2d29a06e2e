"""Measures the cost of a call: this package's clients, plain httpx, raw aiohttp, and a lower bound.

Run by `pdm run benchmark-client`. Each contestant has a process of its own on one processor, and the server is on the
other. The contestants take turns of a fraction of a second, so that what disturbs the machine disturbs them all. Each
round goes through all tables with new processes, because the layout of a process's memory and the seed of its hashes,
which differ from start to start, change what a call costs. CPU is that of the contestant's process. Figures are medians
of the rounds, ratios those of the ratios in each round: read the ratios.
"""

import argparse
import gc
import itertools
import json
import statistics
import sys
import tracemalloc
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks import charts, quiet
from benchmarks.client_server import CHUNK, FULL, LEAN, USERS, serving
from benchmarks.contestants import CONTESTANTS, KEEPING, PAGE, NaiveBatch
from benchmarks.turns import Calls, Cost, EndedError, Process, started
from bff_clients.ras_client import _PAGE  # pyright: ignore[reportPrivateUsage]

ORDER: Final = (
    "in each round, with new processes, full page and lean page with 1, 10 and 50 in flight, then classes",
    "memory",
    "idle connections; contestants in turn, and the other way round in every second turn",
)
NAIVE: Final = "naive httpx"
OURS: Final = "ours"
FLOOR: Final = "floor"
_WARM: Final = 20


class Comparison:
    """One table: the same calls of all contestants.

    Args:
        title: Its heading.
        calls: What each contestant does in a turn.
        turns: How many turns it takes in a round.

    Attributes:
        costs: What each contestant's calls cost, for each round.
    """

    def __init__(self, title: str, calls: Calls, *, turns: int = 5) -> None:
        self.title, self._calls, self._turns = title, calls, turns
        self.costs: dict[str, list[Cost]] = {}

    def measure(self, processes: Mapping[str, Process]) -> None:
        """Let each take its turns of a round, in every second the other way round, and before them one to warm up."""
        found: dict[str, list[Cost]] = {name: [] for name in processes}
        for process in processes.values():
            process.measure(Calls(self._calls.what, max(_WARM, self._calls.in_flight), self._calls.in_flight))
        for turn in range(self._turns):
            for name in found if turn % 2 else reversed(found):
                found[name].append(processes[name].measure(self._calls))
        for name, costs in found.items():
            self.costs.setdefault(name, []).append(together(costs))

    def print(self) -> None:
        """A row for each contestant."""
        print(f"\n### {self.title}\n")
        print("| | CPU ms a call | naive ÷ this | this ÷ floor | calls/s | p50 ms | p99 ms |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for name, costs in self.costs.items():
            latencies = sorted(itertools.chain.from_iterable(cost.latencies for cost in costs))
            wall = statistics.median(cost.wall for cost in costs)
            print(
                f"| {name} | {self.cpu(name) * 1e3:.3f} | {statistics.median(self.ratios(NAIVE, name)):.2f}"
                f" | {statistics.median(self.ratios(name, FLOOR)):.2f} | {1 / wall:.0f}"
                f" | {latencies[len(latencies) // 2] * 1e3:.2f} | {latencies[int(len(latencies) * 0.99)] * 1e3:.2f} |"
            )
        sys.stdout.flush()

    def cpu(self, name: str) -> float:
        """Seconds of a call, the median of the rounds."""
        return statistics.median(cost.cpu for cost in self.costs[name])

    def ratios(self, one: str, other: str) -> list[float]:
        """The CPU of one divided by that of the other, in each round."""
        pairs = zip(self.costs[one], self.costs[other], strict=True)
        return [cost.cpu / base.cpu for cost, base in pairs]


def together(turns: Sequence[Cost]) -> Cost:
    """What turns of as many calls cost."""
    latencies = [*itertools.chain.from_iterable(turn.latencies for turn in turns)]
    return Cost(statistics.mean(turn.cpu for turn in turns), statistics.mean(turn.wall for turn in turns), latencies)


def compare(comparisons: Sequence[Comparison], url: str, rounds: int) -> None:
    """Measure all of them in each round, with processes that are started for the round."""
    for _ in range(rounds):
        with started(CONTESTANTS, url) as processes:
            for one in comparisons:
                one.measure(dict(zip(CONTESTANTS, processes, strict=True)))


def agreement(comparisons: Sequence[Comparison]) -> None:
    """Print what the rounds found, each by itself."""
    print("\n### How far the rounds of the clients agree\n")
    print("| least and most of the rounds | naive ÷ ours | ours ÷ floor |\n|---|---:|---:|")
    for one in comparisons:
        found = (one.ratios(NAIVE, OURS), one.ratios(OURS, FLOOR))
        print(f"| {one.title} | {' | '.join(f'{min(each):.2f} to {max(each):.2f}' for each in found)} |")
    sys.stdout.flush()


def idle_connections(url: str, rounds: int) -> None:
    """Print what the lean page costs with 1 and with 100 connections that are open and idle."""
    few, many = (f"{{}} with {number}" for number in (1, 100))
    lean, kept = Comparison("", Calls(LEAN, 60, 1)), dict[str, int]()
    for _ in range(rounds):
        with started([name for name in KEEPING for _ in range(2)], url) as both:
            processes: dict[str, Process] = {}
            for name, one, other in zip(KEEPING, both[::2], both[1::2], strict=True):
                processes |= {few.format(name): one, many.format(name): other}
            for number, (name, process) in zip(itertools.cycle((1, 100)), processes.items(), strict=False):
                before = open_connections(url)
                process.connect(number)
                kept[name] = open_connections(url) - before
            lean.measure(processes)
    print("\n### Lean page, 1 in flight, beside idle connections\n")
    print("| | connections | CPU ms | connections | CPU ms | ratio |\n|---|---:|---:|---:|---:|---:|")
    for name in KEEPING:
        pair = few.format(name), many.format(name)
        cells = " | ".join(f"{kept[one]} | {lean.cpu(one) * 1e3:.3f}" for one in pair)
        print(f"| {name} | {cells} | {statistics.median(lean.ratios(pair[1], pair[0])):.2f} |")
    sys.stdout.flush()


def open_connections(url: str) -> int:
    """Established connections to the server, as the kernel lists them."""
    port = f":{urlsplit(url).port:04X}"
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return sum(line.split()[2].endswith(port) and line.split()[3] == "01" for line in lines)


def memory(url: str) -> None:
    """Print what is allocated at the same time: by decoding alone, and by a whole call for the full page."""
    with urllib.request.urlopen(f"{url}{PAGE}{USERS[FULL]}?limit=20&offset=0") as answer:
        body: bytes = answer.read()
    decoders: dict[str, Callable[[], object]] = {
        "decoding, naive": lambda: [NaiveBatch.model_validate(each) for each in json.loads(body)["batches"]],
        "decoding, ours": lambda: _PAGE.read(body, most=20),
    }
    peaks = {name: peak(decode) for name, decode in decoders.items()}
    print(f"\n### Memory, full page of {len(body) / 1000:.0f} KB\n")
    print("| | peak KB |\n|---|---:|")
    for name, size in peaks.items():
        print(f"| {name} | {size / 1000:.0f} |")
    print(f"| decoding, naive ÷ ours | {peaks['decoding, naive'] / peaks['decoding, ours']:.0f} times |")
    with started(CONTESTANTS, url) as processes:
        for name, process in zip(CONTESTANTS, processes, strict=True):
            print(f"| a whole call, {name} | {process.peak() / 1000:.0f} |", flush=True)


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


def all_comparisons() -> list[Comparison]:
    """The full page and the lean one, and few classes, a whole request of them, and ten."""
    pages = [
        Comparison(f"{page.capitalize()} page, {in_flight} in flight", Calls(page, number, in_flight), turns=turns)
        for page, in_flight, number, turns in (
            (FULL, 1, 40, 5),
            (FULL, 10, 40, 5),
            (FULL, 50, 100, 2),
            (LEAN, 1, 80, 5),
            (LEAN, 10, 80, 5),
            (LEAN, 50, 100, 4),
        )
    ]
    classes = [
        Comparison(f"Classes of {size} batches, 1 in flight", Calls(size, number, 1))
        for size, number in ((20, 50), (CHUNK, 50), (10 * CHUNK, 6))
    ]
    return pages + classes


def measure(url: str, rounds: int) -> None:
    """Measure everything on one server, and print the tables."""
    comparisons = all_comparisons()
    compare(comparisons, url, rounds)
    for one in comparisons:
        one.print()
    agreement(comparisons)
    memory(url)
    idle_connections(url, min(rounds, 3))


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    charts.add_update(parser)
    options = parser.parse_args()
    try:
        with (
            quiet.refusing(),
            charts.printing(into=options.update),
            quiet.described("the clients", ORDER, for_the_page=options.update is not None),
            serving() as url,
        ):
            measure(url, options.rounds)
    except EndedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
