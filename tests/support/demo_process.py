"""`make demo`'s program as its users start it: a process, and a process group, of its own on free ports."""

import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

COMMAND = [sys.executable, "-m", "examples.bff.demo"]
FREE_PORTS = ("--port", "0", "--ras-port", "0", "--cms-port", "0", "--control-port", "0")


@dataclass(frozen=True)
class RunningDemo:
    """Where the demo listens, and what it printed when everything answered."""

    dashboard: str
    control: str
    mocks: tuple[str, ...]
    banner: str
    process: subprocess.Popen[str]

    @property
    def bff(self) -> str:
        """The base URL of the BFF."""
        return self.dashboard.partition("/?")[0]

    def arm(self, route: str, fault: str) -> None:
        """Let something go wrong, as the control page does."""
        armed = httpx.post(f"{self.control}/_mock/faults", json={"route": route, "fault": fault})
        armed.raise_for_status()

    def disarm(self) -> None:
        """Disarm all faults."""
        httpx.delete(f"{self.control}/_mock/faults").raise_for_status()


@contextmanager
def running_demo(*arguments: str) -> Generator[RunningDemo]:
    """Start the demo, wait until it says that everything answers, and stop it afterwards."""
    with subprocess.Popen(  # noqa: S603  our own program
        [*COMMAND, *FREE_PORTS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("curl "):
                    break
            banner = "".join(lines)
            yield RunningDemo(
                dashboard=_found(r"^  dashboard +(\S+)", banner)[0],
                control=_found(r"^  control page +(\S+)/ ", banner)[0],
                mocks=tuple(_found(r"^  mock +(\S+)", banner)),
                banner=banner,
                process=process,
            )
        finally:
            process.terminate()
            if not process.stdout.closed:
                process.stdout.read()


def _found(pattern: str, banner: str) -> list[str]:
    found = re.findall(pattern, banner, re.MULTILINE)
    assert found, f"the demo did not start:\n{banner}"
    return found
