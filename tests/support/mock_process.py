"""The mock server as its users start it: a process of its own on free ports."""

import os
import re
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PROGRAM = (sys.executable, "-m", "bff_mock_server")
FREE_PORTS = ("--ras-port", "0", "--cms-port", "0", "--control-port", "0")


@dataclass(frozen=True)
class RunningMock:
    """Where the mock listens, and what it printed when it was ready."""

    ras: str
    cms: str
    control: str
    banner: str
    process: subprocess.Popen[str]


@contextmanager
def running_mock(*arguments: str, program: Sequence[str | Path] = PROGRAM) -> Generator[RunningMock]:
    """Start the mock, wait until it says that it listens, and stop it afterwards."""
    environment = {name: value for name, value in os.environ.items() if name != "HULEEDU_INTERNAL_API_KEY"}
    command = [*program, *FREE_PORTS, *arguments]
    with subprocess.Popen(  # noqa: S603  our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            banner = _read_banner(process.stdout)
            yield RunningMock(
                ras=_address(banner, "result-aggregator-service"),
                cms=_address(banner, "class-management-service"),
                control=_address(banner, "control page"),
                banner=banner,
                process=process,
            )
        finally:
            process.terminate()
            if not process.stdout.closed:
                process.stdout.read()


def _address(banner: str, of: str) -> str:
    found = re.search(rf"^  {of} +(http://127\.0\.0\.1:\d+)", banner, re.MULTILINE)
    assert found, banner
    return found[1]


def _read_banner(output: IO[str]) -> str:
    """Read up to the curl line, which is the last thing printed once all ports listen."""
    lines: list[str] = []
    for line in output:
        lines.append(line)
        if line.strip().startswith("curl "):
            return "".join(lines)
    raise AssertionError("the mock ended before it was ready:\n" + "".join(lines))
