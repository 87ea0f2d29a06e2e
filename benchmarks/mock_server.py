"""Measures the cost of a request in this mock, its peers, and an empty server; prints tables.

    pdm run benchmark-mock [--seconds 2] [--rounds 3] [--requests 1000000] [--update]

Needs Linux and wrk (Debian: apt-get install wrk). Servers run on the first processor, wrk on the second. All figures of
a table are from one run, interleaved, so their ratios hold while absolute times vary with the machine. The mock and the
empty server are started for each round, because what a request costs differs from one start to the next, and the mock
is warm before it is measured.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from benchmarks import charts, peers, quiet
from benchmarks.asking import (
    contract,
    contract_with_a_body,
    large_world,
    lua,
    lua_beside_a_body,
    lua_with_a_body,
    plain_contract,
    requests,
)
from benchmarks.running import (
    BIN,
    Figures,
    NoAnswerError,
    Server,
    answer_sizes,
    ask,
    bare,
    compare,
    first_answer,
    free_port,
    load,
    mock,
    raw,
    running,
    serving,
    wait_for,
    warm_up,
)

SIZES: Final = (2, 12, 50, 200, 2000)
STUB_SECONDS: Final = {2: 2, 12: 2, 50: 3, 200: 8}
"""How long the stub is asked, by the size of the contract: with 200 interactions it needs a third of a second for a
request, and with 2,000 half a minute.
"""
_WARM_UP_SECONDS: Final = 5
"""What Java takes to compile what it does often."""
KINDS: Final = {"A": "Class-info for two ids", "B": "A page of 20 batches"}
COLUMNS: Final = "CPU µs / request | ÷ raw | requests/s | p50 ms | p99 ms |\n|---|---:|---:|---:|---:|---:|"

FOLLOWER: Final = """
import sys, threading, time, urllib.request
base = f"http://127.0.0.1:{sys.argv[1]}/_mock"
stream = urllib.request.urlopen(f"{base}/events")
stream.readline()
print("following", flush=True)
def coverage():
    while True:
        urllib.request.urlopen(f"{base}/coverage").read()
        time.sleep(1)
threading.Thread(target=coverage, daemon=True).start()
for line in stream:
    pass
"""


def heading(title: str, columns: str = f"server | {COLUMNS}") -> None:
    """Begin a table."""
    print(f"\n### {title}\n\n| {columns}", flush=True)


def official(files: Sequence[Path], port: int) -> list[str | Path]:
    """The command of the official stub server."""
    return [BIN / "pact", "stub", *(part for file in files for part in ("--file", file)), "-p", str(port), "-l", "none"]


class Rivals:
    """Servers of the same contracts, of several sizes, measured beside one that does nothing."""

    def __init__(self, folder: Path, sizes: dict[str, int], seconds: int, rounds: int) -> None:
        self._folder, self._sizes, self._seconds, self._rounds = folder, sizes, seconds, rounds
        self._scripts = {kind: lua(folder, kind) for kind in KINDS}
        self._bare: dict[tuple[str, int], Figures] = {}
        self._ours: dict[tuple[str, int], Figures] = {}
        self._stub: dict[tuple[str, int], Figures] = {}

    def measure(self, write: Callable[[Path, int], Sequence[Path]]) -> None:
        """Measure each size of a contract."""
        contracts = {size: write(self._folder / f"{write.__name__} {size}", size) for size in SIZES}
        for _ in range(self._rounds):
            with bare(self._sizes, self._scripts["A"]) as base:
                for size, files in contracts.items():
                    self._round(base, size, files)
        for size in STUB_SECONDS:
            self._official(size, contracts[size])

    def _round(self, base: Server, size: int, files: Sequence[Path]) -> None:
        with serving(files) as server:
            for kind, script in self._scripts.items():
                nothing = self._bare.setdefault((kind, size), Figures())
                ours = self._ours.setdefault((kind, size), Figures())
                compare((base, server), script, self._seconds, (nothing, ours), refused=False)

    def _official(self, size: int, files: Sequence[Path]) -> None:
        """Measure the stub, last and once: it is far slower, and continues after the clients have left."""
        for kind, script in self._scripts.items():
            port, figures = free_port(), Figures()
            self._stub[kind, size] = figures
            with running("pact stub", official(files, port), port) as server, suppress(NoAnswerError):
                load(server, script, STUB_SECONDS[size], figures)

    def table(self, kind: str) -> None:
        """The rows of one kind of request."""
        everyone = Figures()
        for size in SIZES:
            everyone.add(self._bare[kind, size])
        print(everyone.row("raw uvicorn application", None))
        for size in SIZES:
            print(self._ours[kind, size].row(f"this mock, {size:,} interactions", self._bare[kind, size]))
        for size in STUB_SECONDS:
            middle = Figures(cpu=[statistics.median(self._bare[kind, size].cpu)])
            print(self._stub[kind, size].row(f"`pact stub`, {size} interactions", middle))


def speed(folder: Path, sizes: dict[str, int], seconds: int, rounds: int) -> None:
    """Print what a request costs, for each size of the shipped contracts and of those that no simulator knows."""
    shipped, plain = (Rivals(folder, sizes, seconds, rounds) for _ in range(2))
    shipped.measure(contract)
    for kind, text in KINDS.items():
        heading(text)
        shipped.table(kind)
    plain.measure(plain_contract)
    for kind, text in KINDS.items():
        heading(f"{text}, of a provider that no simulator knows")
        plain.table(kind)


def others(folder: Path, sizes: dict[str, int], seconds: int, rounds: int) -> None:
    """Print what a request costs that is new to the mock, what a body that has rules, and what a refusal."""
    cases: list[tuple[str, Path, Sequence[Path], bool]] = [
        ("class-info, each request a new one", lua(folder, "N"), contract(folder / "new", 12), False),
        (
            "a POST, each body a new one",
            lua_with_a_body(folder, different=10**9),
            contract_with_a_body(folder / "body"),
            False,
        ),
        (
            "a POST, one of 500 bodies",
            lua_with_a_body(folder, different=500),
            contract_with_a_body(folder / "bodies"),
            False,
        ),
        (
            "a GET beside a POST whose body the engine decides about",
            lua_beside_a_body(folder),
            contract_with_a_body(folder / "beside"),
            False,
        ),
    ]
    for size in (2, 200, 2000):
        refusing = contract(folder / f"refusing {size}", size)
        cases.append((f"a refusal with {size:,} interactions, repeated", lua(folder, "R"), refusing, True))
        cases.append((f"a refusal with {size:,} interactions, each a new one", lua(folder, "M"), refusing, True))
    heading("New requests, bodies and refusals")
    figures = {name: (Figures(), Figures()) for name, _, _, _ in cases}
    for _ in range(rounds):
        with bare(sizes, lua(folder, "A")) as base:
            for name, script, files, refused in cases:
                with serving(files) as server:
                    compare((base, server), script, seconds, figures[name], refused=refused)
    for name, (nothing, ours) in figures.items():
        print(ours.row(f"this mock, {name}", nothing), flush=True)


def beside_peers(folder: Path, base: Server, seconds: int) -> None:
    """Print what a request costs the other mock servers that are installed, once they have warmed up."""
    found = peers.installed()
    pacts = contract(folder / "for peers", 2)
    scripts = {kind: lua(folder, kind) for kind in KINDS}
    if found:
        heading("Other mock servers, 2 interactions")
    for peer in found:
        port, home = free_port(), folder / peer.name
        peers.write(home, pacts)
        with running(peer.name, peer.command(home, port), port) as server:
            for kind, script in scripts.items():
                nothing, theirs = Figures(), Figures()
                with suppress(NoAnswerError):
                    load(server, script, _WARM_UP_SECONDS, Figures())
                    load(base, script, seconds, nothing)
                    load(server, script, seconds, theirs)
                print(theirs.row(f"{peer.name}, {KINDS[kind][0].lower()}{KINDS[kind][1:]}", nothing), flush=True)


@contextmanager
def browser(control: int) -> Generator[None]:
    """Ask for what a browser that has the page open asks for: the stream, and coverage once a second."""
    with subprocess.Popen([sys.executable, "-c", FOLLOWER, str(control)], stdout=subprocess.PIPE, text=True) as page:
        if page.stdout is not None:
            page.stdout.readline()
        try:
            yield
        finally:
            page.terminate()


def with_the_page_open(folder: Path, seconds: int, rounds: int) -> None:
    """Print what following the journal live costs."""
    ras, cms, control = free_port(), free_port(), free_port()
    ports = ("--ras-port", str(ras), "--cms-port", str(cms), "--control-port", str(control))
    scripts = {"A": (lua(folder, "A"), cms), "B": (lua(folder, "B"), ras)}
    figures: dict[tuple[str, bool], Figures] = {}
    for _ in range(rounds):
        with running("mock", mock(*ports), ras) as server:
            for kind, (script, port) in scripts.items():
                at = Server(server.name, server.process, f"http://127.0.0.1:{port}")
                wait_for(port)
                warm_up(at, script)
                load(at, script, seconds, figures.setdefault((kind, False), Figures()))
                with browser(control):
                    load(at, script, seconds, figures.setdefault((kind, True), Figures()))
    heading("With the control page open", f"with the control page | {COLUMNS.replace('raw', 'closed')}")
    for kind in KINDS:
        print(figures[kind, False].row(f"{kind}, closed", None))
        print(figures[kind, True].row(f"{kind}, open and streaming", figures[kind, False]))


def start(folder: Path, times: int) -> None:
    """Print how long starting takes."""
    port, raw_port, stub_port = free_port(), free_port(), free_port()
    commands = {
        "this mock": (mock("--ras-port", str(port), "--cms-port", "0", "--control-port", "0"), port),
        "raw uvicorn application": (raw(raw_port, {"A": 1, "B": 1}), raw_port),
        "`pact stub`": (official(contract(folder / "start", 2), stub_port), stub_port),
    }
    target = requests("B")[0]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for number in range(times + 1):
        for name, (command, at) in commands.items():
            taken = first_answer(command, at, target)
            if number:  # the first one compiles
                found[name].append(taken)
    heading("Start", f"server | ms from spawn to the first answer (median of {times}) | CPU ms |\n|---|---:|---:|")
    for name, each in found.items():
        wall, cpu, _ = (statistics.median(column) for column in zip(*each, strict=True))
        print(f"| {name} | {wall:.0f} | {cpu:.0f} |", flush=True)


def memory(folder: Path, requests_wanted: int) -> None:
    """Print how much memory is held before and after many requests."""
    port = free_port()
    script = lua(folder, "B")
    heading("Memory", "requests answered | resident memory of the mock, MiB |\n|---:|---:|")
    with running("mock", mock("--ras-port", str(port), "--cms-port", "0", "--control-port", "0"), port) as server:
        print(f"| 0 | {server.memory():.1f} |")
        done = 0.0
        while done < requests_wanted:
            figures = Figures()
            load(server, script, 5, figures)
            before, done = done, done + figures.rate[0] * 5
            if before == 0 or done >= requests_wanted:
                print(f"| {done:,.0f} | {server.memory():.1f} |", flush=True)


def large_worlds(folder: Path) -> None:
    """Print what worlds of 100,000 batches cost at the start, and what the pages of one of their teachers do."""
    columns = "scenario | CPU s to the first answer | resident MiB then | CPU ms of the next 100 pages |"
    heading("Large worlds", f"{columns}\n|---|---:|---:|---:|")
    for teachers, batches in ((1000, 100), (10, 10_000)):
        file, user = large_world(folder / f"{teachers}.yaml", teachers, batches)
        port = free_port()
        command = mock("--no-control", "--only", "ras", "--scenario", file, "--ras-port", str(port))
        with running("mock", command, port) as server:
            ask(port, f"/internal/v1/batches/user/{user}?limit=20&offset=0")
            began, held = server.cpu_seconds(), server.memory()
            for number in range(100):
                ask(port, f"/internal/v1/batches/user/{user}?limit=20&offset={number}")
            pages = (server.cpu_seconds() - began) * 1000
        print(f"| {teachers:,} teachers of {batches:,} batches | {began:.2f} | {held:.0f} | {pages:.0f} |", flush=True)


ORDER: Final = (
    "start",
    "memory",
    "shipped contracts by size",
    "contracts without a simulator by size",
    "new requests, bodies and refusals",
    "other mock servers",
    "control page",
    "large worlds",
)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=2, help="how long each measurement takes (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is repeated (default: 3)")
    parser.add_argument("--requests", type=int, default=1_000_000, help="for the memory (default: a million)")
    charts.add_update(parser)
    options = parser.parse_args()
    missing = [tool for tool in ("wrk", "taskset") if shutil.which(tool) is None]
    if missing or not sys.platform.startswith("linux"):
        print(f"needs Linux, wrk and taskset; missing: {', '.join(missing)} (apt-get install wrk)", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory() as name,
        quiet.refusing(),
        charts.printing(into=options.update),
        quiet.described("the mock", ORDER, for_the_page=options.update is not None),
    ):
        folder, sizes = Path(name), answer_sizes()
        start(folder, 7)
        memory(folder, options.requests)
        speed(folder, sizes, options.seconds, options.rounds)
        others(folder, sizes, options.seconds, options.rounds)
        with bare(sizes, lua(folder, "A")) as base:
            beside_peers(folder, base, options.seconds)
        with_the_page_open(folder, options.seconds, options.rounds)
        large_worlds(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
