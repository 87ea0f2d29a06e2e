"""Failing fast: a circuit breaker, a limit on requests under way, and a budget for retries, for one backend each.

Written by hand, because the kept libraries (pybreaker, purgatory, aiobreaker) count failures in a row and not a rate,
take a caller's cancellation for a failure or never hear of it, and turn callers away while one call probes; none of
them waits. What is left is small, and pure but for the clock that it is given.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final

Clock = Callable[[], float]


class BreakerState(StrEnum):
    """What a circuit breaker does with calls."""

    CLOSED = "closed"
    """Lets them through."""

    OPEN = "open"
    """Turns them away: the backend fails, and gets a pause."""

    HALF_OPEN = "half_open"
    """Lets one through to see how the backend is; the others wait for what comes of it."""


class BreakerOpenError(Exception):
    """The breaker turned a call away; `seconds` is what is left of the pause."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the breaker is open for another {seconds:.1f} s")
        self.seconds = seconds


class Breaker:
    """Opens when too large a part of the calls in a window of time failed.

    Args:
        rate: The part of the calls, above 0 up to 1, that has to fail; 0 switches the breaker off.
        window: Seconds that count.
        calls: How many calls it takes in that window to judge by.
        pause: Seconds that it stays open.
        clock: Seconds that only ever grow.
        changed: Called with each new state.
    """

    def __init__(
        self,
        *,
        rate: float,
        window: float,
        calls: int,
        pause: float,
        clock: Clock,
        changed: Callable[[BreakerState], None],
    ) -> None:
        self._rate = rate
        self._window = window
        self._calls = calls
        self._pause = pause
        self._clock = clock
        self._changed = changed
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._failures = 0
        self._until = 0.0
        self._state = BreakerState.CLOSED
        self._probe: asyncio.Future[None] | None = None

    @property
    def state(self) -> BreakerState:
        """What it does with the next call."""
        if self._state is BreakerState.OPEN and self._clock() >= self._until:
            return BreakerState.HALF_OPEN
        return self._state

    async def admit(self) -> bool:
        """Wait to be let through; whether this call is the probe.

        Raises:
            BreakerOpenError: It is turned away.
        """
        while self.state is not BreakerState.CLOSED:
            if self.state is BreakerState.OPEN:
                raise BreakerOpenError(self._until - self._clock())
            loop = asyncio.get_running_loop()
            if self._probe is None or self._probe.get_loop() is not loop:  # that of a loop that is gone ends no more
                self._probe = loop.create_future()
                self._set(BreakerState.HALF_OPEN)
                return True
            await asyncio.wait([self._probe])
        return False

    def settle(self, *, failed: bool | None, probe: bool) -> None:
        """Note the outcome of a call that was let through; `None` for one that its caller gave up."""
        if probe:
            self._settle_probe(failed=failed)
        elif failed is not None and self._rate and self._state is BreakerState.CLOSED:
            self._note(failed=failed)

    def _settle_probe(self, *, failed: bool | None) -> None:
        probe, self._probe = self._probe, None
        if failed is not None:
            self._forget()
            self._set(BreakerState.OPEN if failed else BreakerState.CLOSED)
        if probe is not None:
            probe.set_result(None)

    def _note(self, *, failed: bool) -> None:
        now = self._clock()
        self._outcomes.append((now, failed))
        self._failures += failed
        while self._outcomes[0][0] <= now - self._window:
            self._failures -= self._outcomes.popleft()[1]
        if len(self._outcomes) >= self._calls and self._failures >= self._rate * len(self._outcomes):
            self._forget()
            self._set(BreakerState.OPEN)

    def _forget(self) -> None:
        self._outcomes.clear()
        self._failures = 0

    def _set(self, state: BreakerState) -> None:
        if state is BreakerState.OPEN:
            self._until = self._clock() + self._pause
        if state is not self._state:
            self._state = state
            self._changed(state)


class QueueFullError(Exception):
    """A request would wait too long for its turn, or too many wait already."""


_SMOOTHING: Final = 0.1
"""How much the latest turn counts for the estimate of the next one's length."""

_PART_OF_THE_TIME: Final = 0.5
"""The part of the time left that a request may be expected to take: some take longer than expected."""


class Gate:
    """Lets so many requests be under way, and those wait for their turn that will have an answer in time.

    A queue that is bounded by its length alone gets longer than callers wait as soon as a backend is offered more than
    it can do: then it answers those who have gone. So a request waits only if the turns before it and its own, each as
    long as turns have lately been, fit into a part of the time that it has; else it is turned away at once.

    Args:
        in_flight: Requests under way; 0 lets all through.
        waiting: Requests that may wait.
        clock: Seconds that only ever grow.
    """

    def __init__(self, *, in_flight: int, waiting: int, clock: Clock = time.monotonic) -> None:
        self._turns = asyncio.Semaphore(in_flight) if in_flight else None
        self._in_flight = in_flight
        self._room = waiting
        self._clock = clock
        self._waiting = 0
        self._turn_seconds = 0.0

    @asynccontextmanager
    async def turn(self, seconds: float = math.inf) -> AsyncGenerator[None]:
        """Wait for a turn, and have it for as long as the context lasts.

        Args:
            seconds: What is left until an answer is of no use.

        Raises:
            QueueFullError: Too many wait already, or there would be no answer in time.
        """
        if self._turns is None:
            yield
            return
        if self._turns.locked():
            await self._queue(self._turns, seconds)
        else:
            await self._turns.acquire()
        started = self._clock()
        try:
            yield
        finally:
            self._turn_seconds += _SMOOTHING * (self._clock() - started - self._turn_seconds)
            self._turns.release()

    async def _queue(self, turns: asyncio.Semaphore, seconds: float) -> None:
        expected = self._turn_seconds * (1 + self._waiting / self._in_flight)
        if self._waiting >= self._room or expected > _PART_OF_THE_TIME * seconds:
            raise QueueFullError
        self._waiting += 1
        try:
            await turns.acquire()
        finally:
            self._waiting -= 1


_RESERVE: Final = 2.0
"""Retries that a backend may have before it has had many calls."""

_MOST: Final = 10.0
"""Retries that a quiet time may save up for a bad one."""


class Budget:
    """Allows so many retries for each call, so that they never multiply an outage.

    Args:
        part: Retries for each call, such as 0.2; 0 allows none.
    """

    def __init__(self, part: float) -> None:
        self._part = part
        self._left = _RESERVE if part else 0.0

    def earn(self) -> None:
        """Count a call."""
        self._left = min(_MOST, self._left + self._part)

    def spend(self) -> bool:
        """Take a retry out of the budget, if there is one."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
