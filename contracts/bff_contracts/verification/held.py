"""Detects blocking code in an `async` function: nothing else runs on the event loop meanwhile."""

import asyncio
from types import TracebackType
from typing import Final, Self

BLOCKING: Final = "blocking code, such as time.sleep, in an async function"
"""The usual cause of a held event loop."""

ENDING: Final = "a task called sys.exit, or stopped or cancelled it"
"""The usual causes of an ended event loop."""

_BEATS: Final = 20
"""How many times the loop is checked within the time that the work may take."""


class LoopWatch:
    """Watches the running event loop while work is done there.

    Attributes:
        longest: For how many seconds the loop was held at a stretch.
    """

    def __init__(self, seconds: float) -> None:
        self.longest = 0.0
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._due = 0.0

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._beat()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop watching; a stretch that has not ended yet counts too."""
        self._timer.cancel()
        self._note()

    @property
    def held(self) -> bool:
        """Whether the loop was held for at least half of the time that the work may take."""
        return self.longest >= self._seconds / 2

    def _beat(self) -> None:
        if self._due:
            self._note()
        self._due = self._loop.time() + self._seconds / _BEATS
        self._timer = self._loop.call_at(self._due, self._beat)

    def _note(self) -> None:
        self.longest = max(self.longest, self._loop.time() - self._due)
