"""Checks that the machine is idle: figures of a busy one are not published."""

import os
import resource
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MOST_OF_OTHERS: Final = 0.2
"""How much of one processor other programs may use while figures are taken that go into the page.

It is the difference of two ways of counting, by ticks and by processes, which agree to a few hundredths.
"""

_LOOK_SECONDS: Final = 3.0
_PROGRAMS: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_BUSY: Final = frozenset({"user", "nice", "system", "steal"})


class BusyMachineError(Exception):
    """Other programs use too much of the processors for figures that are to be kept."""


def busy_seconds(stat: str) -> float:
    """The seconds that programs have run on all processors, other machines on this hardware included.

    Args:
        stat: The content of `/proc/stat`.
    """
    ticks = zip(_PROGRAMS, map(int, stat.splitlines()[0].split()[1:]), strict=False)
    return sum(number for name, number in ticks if name in _BUSY) / os.sysconf("SC_CLK_TCK")


def check(others: float, *, when: str) -> None:
    """See that other programs leave the processors alone.

    Raises:
        BusyMachineError: They use more than `MOST_OF_OTHERS`.
    """
    if others > MOST_OF_OTHERS:
        raise BusyMachineError(
            f"the machine is busy: other programs use {others:.2f} of a processor {when}, and {MOST_OF_OTHERS:.2f} are"
            " allowed; docs/evidence/benchmarks.md stays as it is"
        )


class _Watch:
    """Sees what other programs use from now on."""

    def __init__(self) -> None:
        self._began, self._busy, self._own = self._now()

    def others(self) -> float:
        """How much of one processor they have used."""
        now, busy, own = self._now()
        return max(0.0, (busy - self._busy) - (own - self._own)) / (now - self._began)

    @staticmethod
    def _now() -> tuple[float, float, float]:
        whose = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        own = sum(used.ru_utime + used.ru_stime for used in whose)
        return time.monotonic(), busy_seconds(Path("/proc/stat").read_text(encoding="ascii")), own


@contextmanager
def described(what: str, order: Sequence[str], *, for_the_page: bool) -> Generator[None]:
    """Print a table about the run: when and where, load average, what else ran, and the order of what was measured.

    Raises:
        BusyMachineError: The figures are for the page, and the machine is busy before or during the run.
    """
    load = _load_average()
    before = _Watch()
    time.sleep(_LOOK_SECONDS)
    idle = before.others()
    print(f"load average {load}, other programs use {idle:.2f} of a processor", file=sys.stderr)
    if for_the_page:
        check(idle, when="before the run")
    during = _Watch()
    yield
    others = during.others()
    moment = datetime.now(UTC).isoformat(timespec="minutes")
    print(f"\n### The run that measured {what}\n\n| | |\n|---|---|")
    print(f"| when, on what | {moment}, {os.cpu_count()} processors, Python {sys.version.partition(' ')[0]} |")
    print(f"| load average before and after (1, 5, 15 min) | {load}; {_load_average()} |")
    print(f"| other programs during the run | {others:.2f} of a processor |")
    print(f"| order | {', '.join(order)} |", flush=True)
    if for_the_page:
        check(others, when="during the run")


@contextmanager
def refusing() -> Generator[None]:
    """End the program with 2 when the machine is busy."""
    try:
        yield
    except BusyMachineError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _load_average() -> str:
    return " ".join(f"{load:.2f}" for load in os.getloadavg())
