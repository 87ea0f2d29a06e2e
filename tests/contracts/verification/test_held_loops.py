"""Blocking code in an `async` function is named as what it is, whether it is the provider's or a handler's."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest

from bff_contracts.platform import CMS
from bff_contracts.verification import CannotVerify, provider, running_provider, verify_provider
from bff_contracts.verification.held import LoopWatch
from tests.providers.small import NEEDS_STATE, SmallCms, failures, forever, states_with
from tests.support.golden import Golden

HELD = "blocking code, such as time.sleep, in an async function"


def test_a_handler_that_blocks_is_named(cms: SmallCms) -> None:
    """It ends before any timeout, and its own time limit cannot run meanwhile."""

    async def seed(params: Any) -> None:
        time.sleep(0.6)  # noqa: ASYNC251  # the mistake
        cms.seed(params)

    with running_provider(cms, provider=CMS, states=states_with(seed), seconds=0.5) as running:
        reported = str(running.outcome(running.interactions.index(NEEDS_STATE)))

    assert "provider state 'batches have exactly these classes': its handler held the event loop for " in reported
    assert HELD in reported


def test_a_provider_that_blocks_is_named(cms: SmallCms) -> None:
    cms.before = lambda: time.sleep(2)
    with running_provider(cms, provider=CMS, states=cms.states, seconds=0.7) as running:
        reported = str(running.outcome(running.interactions.index(NEEDS_STATE)))

    assert "the provider held the event loop for" in reported or "the provider holds the event loop" in reported
    assert HELD in reported
    assert "gave no response" not in reported


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize("who", ["the provider", "the handler of provider state 'batches have exactly these classes'"])
def test_blocking_code_that_never_returns_is_named(cms: SmallCms, who: str) -> None:
    end = threading.Event()

    async def seed(_: Any) -> None:
        end.wait()

    def hold() -> None:
        end.wait()

    if who == "the provider":
        cms.before = hold
    states = cms.states if who == "the provider" else states_with(seed)
    reported = failures(cms, states, seconds=0.2)[NEEDS_STATE]
    end.set()

    assert f"{who} holds the event loop: {HELD}" in reported


async def _block(end: threading.Event) -> None:
    end.wait()


@pytest.mark.parametrize("who", ["the provider", "the handler of provider state 'batches have exactly these classes'"])
def test_blocking_code_is_named_when_the_verifier_times_out_first(
    cms: SmallCms, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reports a state change that failed, and knows nothing of a loop."""
    monkeypatch.setattr(provider, "_GRACE_SECONDS", -0.1)
    end = threading.Event()
    if who == "the provider":
        cms.before = lambda: _block(end)
    states = cms.states if who == "the provider" else states_with(lambda _: _block(end))
    reported = failures(cms, states, seconds=0.4)[NEEDS_STATE]
    end.set()

    assert reported.endswith(f"\n  {who} holds the event loop: {HELD}")


@pytest.mark.usefixtures("short_grace")
def test_a_verifier_that_was_left_behind_prints_nothing(cms: SmallCms, capfd: pytest.CaptureFixture[str]) -> None:
    end = threading.Event()
    cms.before = lambda: _block(end)
    failures(cms, cms.states, seconds=0.2)
    end.set()
    for thread in threading.enumerate():
        if thread.name == "official verifier":
            thread.join(20)

    assert capfd.readouterr().out == ""


def _stops() -> None:
    asyncio.get_running_loop().stop()


def _exits() -> None:
    asyncio.get_running_loop().call_soon(sys.exit, 3)


def _cancels_everything() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


@pytest.mark.parametrize("end", [_stops, _exits, _cancels_everything])
def test_code_that_ends_the_loop_is_named(cms: SmallCms, end: Callable[[], None], golden: Golden) -> None:
    async def seed(_: Any) -> None:
        end()
        await forever()

    reported = failures(cms, states_with(seed))

    for text in (reported[NEEDS_STATE], list(reported.values())[-1]):
        golden.check(text.splitlines()[-1])


def test_a_handler_that_waits_is_not_reported_as_blocking(
    cms: SmallCms, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LoopWatch, "held", False)  # whatever else this machine does
    states = states_with(lambda _: forever())
    with running_provider(cms, provider=CMS, states=states, seconds=0.2) as running:
        reported = str(running.outcome(running.interactions.index(NEEDS_STATE)))

    golden.check(reported.splitlines()[-1])


class _Turns:
    """The clock and the next timer of an event loop that is turned by hand."""

    def __init__(self) -> None:
        self._now = 0.0
        self._next: tuple[float, Callable[[], None]] | None = None

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> "_Turns":
        self._next = when, callback
        return self

    def cancel(self) -> None:
        self._next = None

    def turn(self, *, late: float) -> None:
        assert self._next is not None
        (when, callback), self._next = self._next, None
        self._now = when + late
        callback()


async def test_the_watch_sees_nothing_where_the_loop_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, watch = _Turns(), LoopWatch(10)
    monkeypatch.setattr(watch, "_loop", turns)
    with watch:
        for _ in range(40):
            turns.turn(late=0.25)

    assert (watch.held, watch.longest) == (False, 0.25)


async def test_the_watch_sees_the_longest_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, watch = _Turns(), LoopWatch(10)
    monkeypatch.setattr(watch, "_loop", turns)
    with watch:
        for late in (0.25, 5, 0.25):
            turns.turn(late=late)

    assert (watch.held, watch.longest) == (True, 5)


async def test_the_watch_sees_what_is_held_last() -> None:
    with LoopWatch(10) as watch:
        await asyncio.sleep(0)
        watch._due -= 7  # pyright: ignore[reportPrivateUsage]  # as if the next beat had been due that long ago

    assert watch.held
    assert watch.longest > 6


async def _never_starts(_scope: Any, _receive: Any, _send: Any) -> None:
    await forever()


@pytest.mark.parametrize("app", [pytest.param(_never_starts, id="start"), pytest.param(forever, id="factory")])
def test_a_hang_at_the_start_is_given_up(app: Any, golden: Golden) -> None:
    with pytest.raises(CannotVerify) as caught:
        verify_provider(app, provider=CMS, start_seconds=0.2)

    golden.check(str(caught.value))


def test_a_start_has_seconds() -> None:
    """A service that needs a minute has to set `start_seconds`."""
    for function in (verify_provider, running_provider):
        assert signature(function).parameters["start_seconds"].default == 10.0


async def _stop_fails(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "the pool is still in use"})


async def _stop_raises(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    message = "the pool is still in use"
    raise RuntimeError(message)


async def _stop_is_cancelled(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise asyncio.CancelledError


async def _stop_hangs(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await forever()


async def _stop_ends_the_loop(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    _stops()
    await forever()


async def _stop_blocks(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    threading.Event().wait()


async def _start_is_cancelled(_scope: Any, receive: Any, _send: Any) -> None:
    await receive()
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    "lifespan",
    [
        pytest.param(_start_is_cancelled, id="start-is-cancelled"),
        pytest.param(_stop_is_cancelled, id="stop-is-cancelled"),
        pytest.param(_stop_hangs, id="stop-hangs"),
        pytest.param(_stop_blocks, id="stop-blocks"),
        pytest.param(_stop_ends_the_loop, id="stop-ends-the-loop"),
    ],
)
def test_a_lifespan_that_fails_is_reported(lifespan: Any, golden: Golden) -> None:
    with pytest.raises(CannotVerify) as caught, running_provider(lifespan, provider=CMS, start_seconds=1):
        pass

    golden.check(str(caught.value))


@pytest.mark.parametrize("lifespan", [_stop_fails, _stop_raises])
def test_a_shutdown_that_fails_is_reported(cms: SmallCms, lifespan: Any, golden: Golden) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (lifespan if scope["type"] == "lifespan" else cms)(scope, receive, send)

    with pytest.raises(CannotVerify) as caught:
        verify_provider(app, provider=CMS, states=cms.states)

    golden.check(str(caught.value))


def test_a_shutdown_that_fails_hides_no_failure_before_it() -> None:
    with pytest.raises(ZeroDivisionError), running_provider(_stop_fails, provider=CMS):
        _ = 1 / 0
