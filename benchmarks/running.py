"""Starts the measured servers on the first processor, and wrk on the second."""

import os
import re
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
from typing import Final
from uuid import UUID

from benchmarks.asking import DISTINCT, HEADERS, requests

BIN: Final = Path(sys.executable).parent
CONNECTIONS: Final = 16
TICKS: Final = os.sysconf("SC_CLK_TCK")
_STARTED_SECONDS: Final = 90.0
"""A Java server may take long."""
_WARM_REQUESTS: Final = 3 * DISTINCT
"""The mock keeps the response to a request when it is sent for the second time."""

_RAW_APP: Final = """
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


class NoAnswerError(Exception):
    """A server did not answer once while it was asked."""


@dataclass
class Figures:
    """What was measured of one server with one kind of request."""

    cpu: list[float] = field(default_factory=list[float])
    rate: list[float] = field(default_factory=list[float])
    p50: list[float] = field(default_factory=list[float])
    p99: list[float] = field(default_factory=list[float])

    def add(self, other: "Figures") -> None:
        """Take the figures of another one too."""
        self.cpu += other.cpu
        self.rate += other.rate
        self.p50 += other.p50
        self.p99 += other.p99

    def row(self, name: str, base: "Figures | None") -> str:
        """A line of the table; the ratio is of the CPU to that of `base`, pair by pair."""
        if not self.cpu:
            return f"| {name} | no answer in time | | | | |"
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
    """A free port."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


def mock(*arguments: str | Path) -> list[str | Path]:
    """The command of this mock."""
    return [BIN / "bff-mock-server", "-q", *arguments]


@contextmanager
def running(name: str, command: Sequence[str | Path], port: int) -> Generator[Server]:
    """Run a server on the first processor until it is no longer needed."""
    # With compiled modules, like an installed package, even if the environment forbids them.
    cached = {
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "benchmark-pycache"),
    }
    environment = {**os.environ, **cached, "PACT_DO_NOT_TRACK": "true"}
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


def raw(port: int, sizes: dict[str, int]) -> list[str | Path]:
    """The command of a uvicorn application that answers prebuilt bytes."""
    program = _RAW_APP.replace("PORT", str(port)).replace("SIZE_A", str(sizes["A"])).replace("SIZE_B", str(sizes["B"]))
    return [sys.executable, "-c", program]


@contextmanager
def bare(sizes: dict[str, int], script: Path) -> Generator[Server]:
    """Run such an application, and warm it up."""
    port = free_port()
    with running("raw", raw(port, sizes), port) as server:
        warm_up(server, script)
        yield server


@contextmanager
def serving(files: Sequence[Path]) -> Generator[Server]:
    """Run this mock with contracts."""
    port = free_port()
    given = [part for file in files for part in ("--file", file)]
    with running("mock", mock("--no-control", *given, "--port", str(port)), port) as server:
        yield server


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + _STARTED_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.001)
        else:
            return
    message = f"nothing listens on port {port}"
    raise RuntimeError(message)


def warm_up(server: Server, script: Path, *, refused: bool = False) -> None:
    """Let wrk ask until each request has been sent often enough to be answered as it is from then on."""
    answered = 0
    while answered < _WARM_REQUESTS:
        answered += load(server, script, 1, Figures(), refused=refused)


def compare(
    pair: tuple[Server, Server], script: Path, seconds: int, into: tuple[Figures, Figures], *, refused: bool
) -> None:
    """Measure a server that does nothing, for half as long, and right after it another one, which is warm by then."""
    (base, server), (nothing, figures) = pair, into
    warm_up(server, script, refused=refused)
    load(base, script, max(1, seconds // 2), nothing)
    load(server, script, seconds, figures, refused=refused)


def load(server: Server, script: Path, seconds: int, figures: Figures, *, refused: bool = False) -> int:
    """Let wrk ask for so long, and add what it cost; `refused` says that every answer is to be an error.

    Returns:
        The number of answers.
    """
    before = server.cpu_seconds()
    command = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(script),
    ]
    output = subprocess.run([*command, server.url], capture_output=True, text=True, check=True).stdout
    used = server.cpu_seconds() - before
    found = re.search(r"(\d+) requests in", output)
    count = int(found[1]) if found else 0
    if not count:
        raise NoAnswerError(f"{server.name} did not answer within {seconds} s")
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if (int(errors[1]) if errors else 0) != (count if refused else 0):
        message = f"{server.name} did not answer as it should:\n{output}"
        raise RuntimeError(message)
    figures.cpu.append(used / count * 1e6)
    figures.rate.append(float(output.partition("Requests/sec:")[2].split()[0]))
    figures.p50.append(percentile(output, "50%"))
    figures.p99.append(percentile(output, "99%"))
    return count


def percentile(output: str, which: str) -> float:
    """A latency that wrk printed, in milliseconds."""
    found = re.search(rf"{which}\s+([\d.]+)(us|ms|s)", output)
    if found is None:
        return float("nan")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def answer_sizes() -> dict[str, int]:
    """How many bytes the mock answers to the first request of each kind."""
    port, other = free_port(), free_port()
    with running("mock", mock("--no-control", "--ras-port", str(port), "--cms-port", str(other)), port):
        wait_for(other)
        return {kind: len(ask(at, requests(kind)[0])) for kind, at in (("A", other), ("B", port))}


def ask(port: int, target: str) -> bytes:
    """The body of one answer."""
    headers = {**HEADERS, "X-Correlation-ID": str(UUID(int=1))}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{target}", headers=headers)) as answer:
        body: bytes = answer.read()
        return body


def first_answer(command: Sequence[str | Path], port: int, target: str) -> tuple[float, float, float]:
    """What it takes from the start of the process to the first answer: ms, ms of CPU, and MiB that are held then."""
    began = time.perf_counter()
    with running("starting", command, port) as server:
        ask(port, target)
        return (time.perf_counter() - began) * 1000, server.cpu_seconds() * 1000, server.memory()
