"""Failing fast: a circuit breaker, a limit on requests under way, and a budget for retries, for one backend each.

Written by hand, because the maintained libraries (pybreaker, purgatory, aiobreaker) count consecutive failures instead
of a failure rate, count a caller's cancellation as a failure or ignore it, and reject callers during the probe instead
of letting them wait. The clock is an argument, so that tests need no sleep.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Final

Clock = Callable[[], float]


class BreakerState(StrEnum):
    """The states of a circuit breaker."""

    CLOSED = "closed"
    """Lets calls through."""

    OPEN = "open"
    """Rejects calls: too many failed, and the backend gets a pause."""

    HALF_OPEN = "half_open"
    """Lets one call through as a probe; the others wait for its outcome."""


_CLOSED, _OPEN, _HALF_OPEN = BreakerState
"""Looked up once: an enumeration takes long to find a member before Python 3.12, and each call needs three."""


class BreakerOpenError(Exception):
    """The breaker rejected a call; `seconds` is the rest of the pause."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the breaker is open for another {seconds:.1f} s")
        self.seconds = seconds


class Breaker:
    """Opens when the failure rate of the calls in a time window is too high.

    Args:
        rate: The failure rate, above 0 up to 1, at which it opens; 0 switches the breaker off.
        window: The length of the window in seconds.
        calls: The fewest calls in the window at which it may open.
        pause: Seconds that it stays open.
        clock: A monotonic clock, in seconds.
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
        self._state = _CLOSED
        self._probe: asyncio.Future[None] | None = None

    @property
    def state(self) -> BreakerState:
        """The state that decides about the next call."""
        if self._state is _OPEN and self._clock() >= self._until:
            return _HALF_OPEN
        return self._state

    async def admit(self) -> bool:
        """Wait until the call may go on; returns whether it is the probe.

        Raises:
            BreakerOpenError: The call is rejected.
        """
        while self.state is not _CLOSED:
            if self.state is _OPEN:
                raise BreakerOpenError(self._until - self._clock())
            loop = asyncio.get_running_loop()
            # A probe of a loop that has ended never finishes.
            if self._probe is None or self._probe.get_loop() is not loop:
                self._probe = loop.create_future()
                self._set(_HALF_OPEN)
                return True
            await asyncio.wait([self._probe])
        return False

    def settle(self, *, failed: bool | None, probe: bool) -> None:
        """Record the outcome of a call that was let through; `None` for a call that its caller cancelled."""
        if probe:
            self._settle_probe(failed=failed)
        elif failed is not None and self._rate and self._state is _CLOSED:
            self._note(failed=failed)

    def _settle_probe(self, *, failed: bool | None) -> None:
        probe, self._probe = self._probe, None
        if failed is not None:
            self._forget()
            self._set(_OPEN if failed else _CLOSED)
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
            self._set(_OPEN)

    def _forget(self) -> None:
        self._outcomes.clear()
        self._failures = 0

    def _set(self, state: BreakerState) -> None:
        if state is _OPEN:
            self._until = self._clock() + self._pause
        if state is not self._state:
            self._state = state
            self._changed(state)


class QueueFullError(Exception):
    """A request would wait too long for its turn, or too many wait already."""


_SMOOTHING: Final = 0.1
"""The weight of the latest duration in the estimate of the next one."""

_PART_OF_THE_TIME: Final = 0.5
"""The part of the remaining time that a request may be estimated to take; the rest is a margin for slow ones."""


class Gate:
    """Limits the requests in flight; others wait, but only if they will have an answer in time.

    With a queue that is bounded by its length alone, an overloaded backend answers callers whose deadline has passed.
    So a request waits only if the requests before it and its own, by their recent duration, fit into a part of its
    remaining time; otherwise it is rejected at once.

    Args:
        in_flight: The most requests in flight; 0 for no limit.
        waiting: The most requests that may wait.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, *, in_flight: int, waiting: int, clock: Clock = time.monotonic) -> None:
        self._turns = asyncio.Semaphore(in_flight) if in_flight else None
        self._in_flight = in_flight
        self._room = waiting
        self._clock = clock
        self._present = 0
        self._turn_seconds = 0.0

    async def enter(self, seconds: float) -> float:
        """Wait for a slot, and return the time at which it was taken, for `leave`.

        Args:
            seconds: The time until the caller's deadline.

        Raises:
            QueueFullError: Too many requests wait already, or the answer would be late.
        """
        if self._turns is not None:
            if self._present >= self._in_flight:
                self._check_queue(seconds)
            self._present += 1
            try:
                await self._turns.acquire()
            except BaseException:
                self._present -= 1
                raise
        return self._clock()

    def leave(self, entered: float) -> None:
        """Give the slot back that was taken at that time."""
        if self._turns is not None:
            self._turn_seconds += _SMOOTHING * (self._clock() - entered - self._turn_seconds)
            self._present -= 1
            self._turns.release()

    def _check_queue(self, seconds: float) -> None:
        waiting = self._present - self._in_flight
        expected = self._turn_seconds * (1 + waiting / self._in_flight)
        if waiting >= self._room or expected > _PART_OF_THE_TIME * seconds:
            raise QueueFullError


_RESERVE: Final = 2.0
"""Retries that are allowed from the start, before any calls have added to the budget."""

_MOST: Final = 10.0
"""The most unused retries that are saved up."""


class Budget:
    """Limits retries to a share of the calls, so that they do not add load to an outage.

    Args:
        part: Retries per call, such as 0.2; 0 allows none.
    """

    def __init__(self, part: float) -> None:
        self._part = part
        self._left = _RESERVE if part else 0.0

    def earn(self) -> None:
        """Count a call."""
        self._left = min(_MOST, self._left + self._part)

    def spend(self) -> bool:
        """Take a retry from the budget; returns whether there was one."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
