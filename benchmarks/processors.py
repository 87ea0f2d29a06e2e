"""Keeps measured programs on one processor, and what they talk to on another, so that neither moves during a run."""

import os
import sys
from typing import Final

MEASURED: Final = 0
OTHER: Final = 1


def keep(pid: int, where: int) -> None:
    """Let a process run on one of the processors that this one may use; on Linux alone."""
    if sys.platform == "linux":
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(pid, {usable[where % len(usable)]})
