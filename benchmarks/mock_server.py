"""How much a request costs this mock, the official stub server, and a server that does nothing; prints tables.

    pdm run benchmark-mock [--seconds 4] [--rounds 3] [--requests 1000000]

Needs Linux and wrk (Debian: apt-get install wrk). Servers run on the first processor, wrk on the second; all figures of
a table are from one run, interleaved, so their ratios hold while absolute times vary with the machine.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from benchmarks import charts
from benchmarks.asking import (
    HEADERS,
    contract,
    contract_with_a_body,
    lua,
    lua_with_a_body,
    plain_contract,
    requests,
)

BIN = Path(sys.executable).parent
SIZES = (2, 12, 50, 200)
CONNECTIONS = 16
TICKS = os.sysconf("SC_CLK_TCK")
RAW_APP = """
import uvicorn

ANSWERS = {
    kind: (
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"),
                                                                 (b"content-length", b"%d" % size)]},
        {"type": "http.response.body", "body": b"x" * size},
    )
    for kind, size in (("A", SIZE_A), ("B", SIZE_B))
}

async def app(scope, receive, send):
    start, body = ANSWERS["A" if "class-info" in scope["path"] else "B"]
    await send(start)
    await send(body)

uvicorn.run(app, port=PORT, loop="uvloop", http="httptools", lifespan="off", log_level="warning", access_log=False)
"""


FOLLOWER = """
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


@dataclass
class Figures:
    """What was measured of one server with one kind of request."""

    cpu: list[float] = field(default_factory=list[float])
    rate: list[float] = field(default_factory=list[float])
    p50: list[float] = field(default_factory=list[float])
    p99: list[float] = field(default_factory=list[float])

    def row(self, name: str, base: "Figures | None") -> str:
        """A line of the table; the ratio is of the CPU to that of `base`, pair by pair."""
        pairs = zip(self.cpu, base.cpu, strict=True) if base else ()
        ratio = f"{statistics.median(mine / theirs for mine, theirs in pairs):.2f}" if base else ""
        middle = statistics.median
        return (
            f"| {name} | {middle(self.cpu):.1f} | {ratio} | {middle(self.rate):,.0f} |"
            f" {middle(self.p50):.2f} | {middle(self.p99):.2f} |"
        )


@dataclass(frozen=True)
class Server:
    """A server that is running, and which contract it serves."""

    name: str
    process: subprocess.Popen[bytes]
    url: str

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


def mock(*arguments: str | Path) -> list[str | Path]:
    """The command of this mock."""
    return [BIN / "bff-mock-server", "-q", *arguments]


@contextmanager
def running(name: str, command: Sequence[str | Path], port: int) -> Generator[Server]:
    """Run a server on the first processor until it is no longer needed."""
    environment = {**os.environ, "PACT_DO_NOT_TRACK": "true"}
    process = subprocess.Popen(
        ["taskset", "-c", "0", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        wait_for(port)
        yield Server(name, process, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.001)
        else:
            return
    message = f"nobody listens on port {port}"
    raise RuntimeError(message)


def load(server: Server, script: Path, seconds: float, figures: Figures) -> None:
    """Let wrk ask for so long, and add what it cost."""
    before = server.cpu_seconds()
    command = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds:g}s",
        "--latency",
        "-s",
        str(script),
    ]
    output = subprocess.run([*command, server.url], capture_output=True, text=True, check=True).stdout
    used = server.cpu_seconds() - before
    found = re.search(r"(\d+) requests in", output)
    count = int(found[1]) if found else 0
    if "Non-2xx" in output or not count:
        message = f"{server.name} did not answer as it should:\n{output}"
        raise RuntimeError(message)
    figures.cpu.append(used / count * 1e6)
    figures.rate.append(float(output.partition("Requests/sec:")[2].split()[0]))
    figures.p50.append(percentile(output, "50%"))
    figures.p99.append(percentile(output, "99%"))


def percentile(output: str, which: str) -> float:
    """A latency that wrk printed, in milliseconds."""
    found = re.search(rf"{which}\s+([\d.]+)(us|ms|s)", output)
    if found is None:
        return float("nan")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def speed(folder: Path, seconds: float, rounds: int) -> None:
    """Print what a request costs, for each size of the contract."""
    scripts = {kind: lua(folder, kind) for kind in "AB"}
    port = free_port()
    sizes = answer_sizes()
    raw = RAW_APP.replace("PORT", str(port)).replace("SIZE_A", str(sizes["A"])).replace("SIZE_B", str(sizes["B"]))
    figures: dict[tuple[str, str], Figures] = {}
    with running("raw", [sys.executable, "-c", raw], port) as base:
        for size in SIZES:
            files = contract(folder / str(size), size)
            mine, theirs = free_port(), free_port()
            stub = [BIN / "pact", "stub", *(part for file in files for part in ("--file", file)), "-p", str(theirs)]
            with running("mock", mock("--no-control", "--dir", folder / str(size), "--port", str(mine)), mine) as ours:
                for _ in range(rounds):
                    for kind, script in scripts.items():
                        for server in (base, ours):
                            load(
                                server, script, seconds, figures.setdefault((f"{server.name} {size}", kind), Figures())
                            )
            # Afterwards and once: it is far away, and goes on working at what it was asked when nobody waits any more.
            for kind, script in scripts.items():
                with running("pact stub", [*stub, "-l", "none"], theirs) as official:
                    load(
                        official, script, min(seconds, 2.0), figures.setdefault((f"pact stub {size}", kind), Figures())
                    )
    for kind, text in (
        ("A", f"Class-info for two ids ({sizes['A']:,} B)"),
        ("B", f"A page of 20 batches ({sizes['B']:,} B)"),
    ):
        print(f"\n### {text}\n")
        print("| server | CPU µs / request | ÷ raw | requests/s | p50 ms | p99 ms |\n|---|---:|---:|---:|---:|---:|")
        everyone = Figures()
        for size in SIZES:
            everyone.__dict__ = {
                key: value + getattr(figures[f"raw {size}", kind], key) for key, value in everyone.__dict__.items()
            }
        print(everyone.row("raw uvicorn application", None))
        for size in SIZES:
            print(figures[f"mock {size}", kind].row(f"this mock, {size} interactions", figures[f"raw {size}", kind]))
        for size in SIZES:
            stub_figures = figures[f"pact stub {size}", kind]
            first = Figures(cpu=figures[f"raw {size}", kind].cpu[:1])
            print(stub_figures.row(f"`pact stub`, {size} interactions", first))


def other_contracts(folder: Path, seconds: float, rounds: int) -> None:
    """Print what a request costs with contracts that no simulator knows, and with one that has a body."""
    raw_port, sizes = free_port(), answer_sizes()
    raw = RAW_APP.replace("PORT", str(raw_port)).replace("SIZE_A", str(sizes["A"])).replace("SIZE_B", str(sizes["B"]))
    plain = {size: plain_contract(folder / f"plain {size}", size) for size in (2, 200)}
    cases = [
        (f"{kind}, a plain contract of {size} interactions", lua(folder, kind), files)
        for size, files in plain.items()
        for kind in "AB"
    ]
    cases.append(("a POST with a JSON body", lua_with_a_body(folder), contract_with_a_body(folder / "body")))
    print(
        "\n### Contracts that no simulator knows\n"
        "\n| server | CPU µs / request | ÷ raw | requests/s | p50 ms | p99 ms |\n|---|---:|---:|---:|---:|---:|"
    )
    with running("raw", [sys.executable, "-c", raw], raw_port) as base:
        for name, script, files in cases:
            mine, theirs = free_port(), free_port()
            given = [part for file in files for part in ("--file", file)]
            bare, ours, stub = Figures(), Figures(), Figures()
            with running("mock", mock("--no-control", *given, "--port", str(mine)), mine) as server:
                for _ in range(rounds):
                    load(base, script, seconds, bare)
                    load(server, script, seconds, ours)
            with running(
                "pact stub", [BIN / "pact", "stub", *given, "-p", str(theirs), "-l", "none"], theirs
            ) as official:
                load(official, script, min(seconds, 2.0), stub)
            print(ours.row(f"this mock, {name}", bare))
            print(stub.row(f"`pact stub`, {name}", Figures(cpu=bare.cpu[:1])), flush=True)


def with_the_page_open(folder: Path, seconds: float, rounds: int) -> None:
    """Print what following the journal live costs."""
    ras, cms, control = free_port(), free_port(), free_port()
    ports = ("--ras-port", str(ras), "--cms-port", str(cms), "--control-port", str(control))
    scripts = {"A": (lua(folder, "A"), cms), "B": (lua(folder, "B"), ras)}
    figures: dict[tuple[str, bool], Figures] = {}
    with running("mock", mock(*ports), ras) as server:
        for _ in range(rounds):
            for kind, (script, port) in scripts.items():
                at = Server(server.name, server.process, f"http://127.0.0.1:{port}")
                load(at, script, seconds, figures.setdefault((kind, False), Figures()))
                # What a browser that has the page open asks for: the stream, and coverage once a second.
                with (
                    subprocess.Popen(
                        [sys.executable, "-c", FOLLOWER, str(control)], stdout=subprocess.PIPE, text=True
                    ) as page,
                ):
                    if page.stdout is not None:
                        page.stdout.readline()
                    load(at, script, seconds, figures.setdefault((kind, True), Figures()))
                    page.terminate()
    print(
        "\n### With the control page open\n"
        "\n| with the control page | CPU µs / request | ÷ closed | requests/s | p50 ms | p99 ms |"
        "\n|---|---:|---:|---:|---:|---:|"
    )
    for kind in "AB":
        print(figures[kind, False].row(f"{kind}, closed", None))
        print(figures[kind, True].row(f"{kind}, open and streaming", figures[kind, False]))


def answer_sizes() -> dict[str, int]:
    """How many bytes the mock answers to the first request of each kind."""
    port, other = free_port(), free_port()
    with running("mock", mock("--no-control", "--ras-port", str(port), "--cms-port", str(other)), port):
        wait_for(other)
        sizes: dict[str, int] = {}
        for kind, at in (("A", other), ("B", port)):
            request = urllib.request.Request(
                f"http://127.0.0.1:{at}{requests(kind)[0]}", headers={**HEADERS, "X-Correlation-ID": str(UUID(int=1))}
            )
            with urllib.request.urlopen(request) as answer:
                sizes[kind] = len(answer.read())
        return sizes


def first_answer(command: Sequence[str | Path], port: int, target: str) -> float:
    """Milliseconds from the start of the process to the first answer."""
    began = time.perf_counter()
    with running("starting", command, port):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{target}", headers={**HEADERS, "X-Correlation-ID": str(UUID(int=1))}
        )
        with urllib.request.urlopen(request) as answer:
            answer.read()
        return (time.perf_counter() - began) * 1000


def start_and_memory(folder: Path, requests_wanted: int) -> None:
    """Print how long starting takes, and how much memory is held before and after many requests."""
    port = free_port()
    ports = ("--ras-port", str(port), "--cms-port", "0", "--control-port", "0")
    files = contract(folder / "start", 2)
    theirs = free_port()
    stub = [
        BIN / "pact",
        "stub",
        *(part for file in files for part in ("--file", file)),
        "-p",
        str(theirs),
        "-l",
        "none",
    ]
    raw_port = free_port()
    raw = RAW_APP.replace("PORT", str(raw_port)).replace("SIZE_A", "1").replace("SIZE_B", "1")
    target = requests("B")[0]
    starts: dict[str, list[float]] = {"this mock": [], "raw uvicorn application": [], "`pact stub`": []}
    for _ in range(7):
        starts["this mock"].append(first_answer(mock(*ports), port, target))
        starts["raw uvicorn application"].append(first_answer([sys.executable, "-c", raw], raw_port, target))
        starts["`pact stub`"].append(first_answer(stub, theirs, target))
    print("\n### Start\n\n| server | ms from spawn to the first answer (median of 7) |\n|---|---:|")
    for name, times in starts.items():
        print(f"| {name} | {statistics.median(times):.0f} |")
    print("\n### Memory\n\n| requests answered | resident memory of the mock, MiB |\n|---:|---:|")
    script = lua(folder, "B")
    with running("mock", mock(*ports), port) as server:
        print(f"| 0 | {server.memory():.1f} |")
        done = 0.0
        while done < requests_wanted:
            figures = Figures()
            load(server, script, 5, figures)
            before, done = done, done + figures.rate[0] * 5
            if before == 0 or done >= requests_wanted:
                print(f"| {done:,.0f} | {server.memory():.1f} |", flush=True)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=4, help="how long each measurement takes (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is repeated (default: 3)")
    parser.add_argument("--requests", type=int, default=1_000_000, help="for the memory (default: a million)")
    charts.add_update(parser)
    options = parser.parse_args()
    missing = [tool for tool in ("wrk", "taskset") if shutil.which(tool) is None]
    if missing or not sys.platform.startswith("linux"):
        print(f"needs Linux, wrk and taskset; missing: {', '.join(missing)} (apt-get install wrk)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name, charts.printing(into=options.update):
        folder = Path(name)
        start_and_memory(folder, options.requests)
        speed(folder, options.seconds, options.rounds)
        other_contracts(folder, options.seconds, options.rounds)
        with_the_page_open(folder, options.seconds, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
