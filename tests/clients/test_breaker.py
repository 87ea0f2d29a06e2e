"""The breaker, the gate and the budget, with a fake clock."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bff_clients._breaker import Breaker, BreakerOpenError, BreakerState, Budget, Gate, QueueFullError
from tests.support.golden import Golden

pytestmark = pytest.mark.anyio

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


@dataclass
class Bench:
    """A breaker that opens when half of at least 4 calls in 10 seconds failed, for 5 seconds."""

    rate: float = 0.5
    now: float = 0.0
    reported: list[BreakerState] = field(default_factory=list[BreakerState])

    def __post_init__(self) -> None:
        self.breaker = Breaker(
            rate=self.rate, window=10.0, calls=4, pause=5.0, clock=lambda: self.now, changed=self.reported.append
        )

    async def call(self, *, failed: bool | None) -> None:
        self.breaker.settle(failed=failed, probe=await self.breaker.admit())

    async def open(self) -> None:
        for _ in range(4):
            await self.call(failed=True)


async def test_it_opens_when_enough_of_enough_calls_failed() -> None:
    bench = Bench()
    for failed in (False, True, False):
        await bench.call(failed=failed)
    before = bench.breaker.state
    await bench.call(failed=True)

    assert (before, bench.breaker.state, bench.reported) == (CLOSED, OPEN, [OPEN])


async def test_an_open_breaker_rejects_calls_with_the_remaining_pause(golden: Golden) -> None:
    bench = Bench()
    await bench.open()
    bench.now = 2.0
    with pytest.raises(BreakerOpenError) as caught:
        await bench.breaker.admit()

    assert caught.value.seconds == 3.0
    golden.check(str(caught.value))


async def test_what_was_longer_ago_than_the_window_does_not_count() -> None:
    bench = Bench()
    for _ in range(3):
        await bench.call(failed=True)
    bench.now = 10.0
    await bench.call(failed=True)

    assert bench.breaker.state is CLOSED


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        pytest.param([True, True, True], [True, False, False, False], CLOSED, id="one-of-four-now"),
        pytest.param([True, True, False], [True, False, False, True], OPEN, id="two-of-four-now"),
    ],
)
async def test_only_what_failed_within_the_window_is_counted(
    before: list[bool], after: list[bool], state: BreakerState
) -> None:
    bench = Bench()
    for failed in before:
        await bench.call(failed=failed)
    bench.now = 10.0
    for failed in after:
        await bench.call(failed=failed)

    assert bench.breaker.state is state


async def test_calls_that_were_given_up_do_not_count() -> None:
    bench = Bench()
    for _ in range(50):
        await bench.call(failed=None)

    assert bench.breaker.state is CLOSED


async def test_a_rate_of_zero_never_opens_it() -> None:
    bench = Bench(rate=0.0)
    for _ in range(50):
        await bench.call(failed=True)

    assert bench.breaker.state is CLOSED


@pytest.mark.parametrize(("failed", "state"), [(False, CLOSED), (True, OPEN)])
async def test_after_the_pause_one_probe_decides(failed: bool, state: BreakerState) -> None:  # noqa: FBT001
    bench = Bench()
    await bench.open()
    bench.now = 5.0
    before = bench.breaker.state
    await bench.call(failed=failed)

    assert (before, bench.breaker.state) == (HALF_OPEN, state)
    assert bench.reported == [OPEN, HALF_OPEN, state]


async def test_the_others_wait_for_the_probe_and_go_with_it() -> None:
    bench = Bench()
    await bench.open()
    bench.now = 5.0
    probe = await bench.breaker.admit()
    others = [asyncio.create_task(bench.breaker.admit()) for _ in range(10)]
    await asyncio.sleep(0)
    waiting = [task.done() for task in others]
    bench.breaker.settle(failed=False, probe=probe)

    assert (probe, waiting) == (True, [False] * 10)
    assert await asyncio.gather(*others) == [False] * 10


async def test_calls_that_wait_for_a_failed_probe_are_rejected() -> None:
    bench = Bench()
    await bench.open()
    bench.now = 5.0
    probe = await bench.breaker.admit()
    others = [asyncio.create_task(bench.breaker.admit()) for _ in range(3)]
    await asyncio.sleep(0)
    bench.breaker.settle(failed=True, probe=probe)

    assert {type(found) for found in await asyncio.gather(*others, return_exceptions=True)} == {BreakerOpenError}


async def test_a_cancelled_probe_is_followed_by_another() -> None:
    bench = Bench()
    await bench.open()
    bench.now = 5.0
    probe = await bench.breaker.admit()
    others = [asyncio.create_task(bench.breaker.admit()) for _ in range(2)]
    await asyncio.sleep(0)
    bench.breaker.settle(failed=None, probe=probe)
    done, pending = await asyncio.wait(others, timeout=1, return_when=asyncio.FIRST_COMPLETED)

    assert ([task.result() for task in done], len(pending)) == ([True], 1)
    bench.breaker.settle(failed=False, probe=True)
    assert await pending.pop() is False


async def test_a_late_answer_to_an_old_call_does_not_touch_an_open_breaker() -> None:
    bench = Bench()
    old = await bench.breaker.admit()
    await bench.open()
    bench.breaker.settle(failed=False, probe=old)

    assert bench.breaker.state is OPEN


# The gate


@asynccontextmanager
async def turn(gate: Gate, seconds: float = math.inf) -> AsyncGenerator[None]:
    """Wait for a slot, and hold it while the context is open."""
    entered = await gate.enter(seconds)
    try:
        yield
    finally:
        gate.leave(entered)


async def test_the_gate_lets_so_many_through_and_so_many_wait() -> None:
    gate, release = Gate(in_flight=2, waiting=1), asyncio.Event()

    async def hold() -> str:
        async with turn(gate):
            await release.wait()
        return "done"

    tasks = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await hold()
    release.set()

    assert await asyncio.gather(*tasks) == ["done"] * 3


async def test_a_cancelled_waiter_frees_its_place_in_the_queue() -> None:
    gate, release = Gate(in_flight=1, waiting=1), asyncio.Event()

    async def hold() -> None:
        async with turn(gate):
            await release.wait()

    holding, waiting = (asyncio.create_task(hold()) for _ in range(2))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    follower = asyncio.create_task(hold())
    await asyncio.sleep(0)
    release.set()

    await asyncio.gather(holding, follower)
    assert waiting.cancelled()


async def test_a_gate_of_zero_lets_all_through() -> None:
    gate = Gate(in_flight=0, waiting=0)
    async with turn(gate), turn(gate), turn(gate):
        pass


# The budget


def test_retries_add_no_more_than_their_part() -> None:
    budget = Budget(0.2)
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend() + budget.spend()

    assert 200 <= spent <= 202


def test_a_quiet_time_saves_up_few_retries() -> None:
    budget = Budget(0.2)
    for _ in range(100_000):
        budget.earn()

    assert sum(budget.spend() for _ in range(100)) == 10


def test_a_budget_of_zero_allows_none() -> None:
    budget = Budget(0.0)
    budget.earn()

    assert not budget.spend()


@dataclass
class Turns:
    """A gate for one request at a time, whose turns last as long as reported."""

    now: float = 0.0

    def __post_init__(self) -> None:
        self.gate = Gate(in_flight=1, waiting=100, clock=lambda: self.now)

    async def learn(self, seconds: float) -> None:
        """Let turns last so long until that is what is expected."""
        for _ in range(100):
            async with turn(self.gate, 100.0):
                self.now += seconds

    async def admitted(self, seconds: float, *, times: int) -> int:
        """How many of so many requests, each with so much time, are let into the queue behind one under way."""
        async with turn(self.gate, seconds):
            tasks = [asyncio.create_task(self.turn(seconds)) for _ in range(times)]
            await asyncio.sleep(0)
            waiting = sum(not task.done() for task in tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        return waiting

    async def turn(self, seconds: float) -> None:
        async with turn(self.gate, seconds):
            pass


@pytest.mark.parametrize(
    ("seconds", "waiting"),
    [
        pytest.param(1.9, 0, id="no-time-for-its-own-turn"),
        pytest.param(2.1, 1, id="time-for-one"),
        pytest.param(10.1, 5, id="time-for-five"),
        pytest.param(1000.0, 20, id="time-for-all"),
    ],
)
async def test_a_call_that_would_miss_its_deadline_does_not_queue(seconds: float, waiting: int) -> None:
    """A turn lasts a second, and may be expected to end in half of the time that is left."""
    turns = Turns()
    await turns.learn(1.0)

    assert await turns.admitted(seconds, times=20) == waiting


async def test_a_recovered_backend_gets_queued_requests_again() -> None:
    turns = Turns()
    await turns.learn(10.0)
    before = await turns.admitted(10.0, times=5)
    await turns.learn(0.1)

    assert (before, await turns.admitted(10.0, times=5)) == (0, 5)


async def test_a_probe_of_a_closed_loop_does_not_block_other_calls() -> None:
    bench = Bench()
    await bench.open()
    bench.now = 5.0
    loop = asyncio.new_event_loop()
    bench.breaker._probe = loop.create_future()  # pyright: ignore[reportPrivateUsage]
    loop.close()

    assert await bench.breaker.admit() is True
