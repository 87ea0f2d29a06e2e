"""What the kit reports when handlers of provider states are wrong, and which handlers there may be."""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from bff_contracts.platform import CMS
from bff_contracts.states import BATCHES_HAVE_CLASSES, KINDS, USER_HAS_BATCHES, ByBatch
from bff_contracts.verification import NotVerified, interactions_of, running_provider, verify_provider
from tests.providers.small import NEEDS_STATE, SmallCms, failures, forever, raises, states_with
from tests.support.golden import Golden

pytestmark = pytest.mark.slow("runs the official verifier many times")

NEEDS_NONE = "refused: classes of batches without a key"


def test_params_arrive_as_the_models_of_the_catalogue(cms: SmallCms) -> None:
    seen: list[Any] = []

    def seed(params: ByBatch) -> None:
        seen.append(params)
        cms.seed(params)

    verify_provider(cms, provider=CMS, states=states_with(seed))

    assert {type(params) for params in seen} == set(KINDS.values())


def _plain(log: list[str], cms: SmallCms) -> Callable[[Any], Any]:
    def seed(params: ByBatch) -> None:
        log.append("set up")
        cms.seed(params)

    return seed


def _async(log: list[str], cms: SmallCms) -> Callable[[Any], Any]:
    async def seed(params: ByBatch) -> None:
        log.append("set up")
        cms.seed(params)

    return seed


def _generator(log: list[str], cms: SmallCms) -> Callable[[Any], Any]:
    def seed(params: ByBatch) -> Generator[None]:
        log.append("set up")
        cms.seed(params)
        yield
        log.append("restored")

    return seed


def _async_generator(log: list[str], cms: SmallCms) -> Callable[[Any], Any]:
    async def seed(params: ByBatch) -> AsyncGenerator[None]:
        log.append("set up")
        cms.seed(params)
        yield
        log.append("restored")

    return seed


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(_plain, ["set up"], id="function"),
        pytest.param(_async, ["set up"], id="async-function"),
        pytest.param(_generator, ["set up", "restored"], id="generator"),
        pytest.param(_async_generator, ["set up", "restored"], id="async-generator"),
    ],
)
def test_a_handler_may_be_any_of_these(
    cms: SmallCms, make: Callable[[list[str], SmallCms], Callable[[Any], Any]], expected: list[str]
) -> None:
    log: list[str] = []
    with running_provider(cms, provider=CMS, states=states_with(make(log, cms))) as running:
        running.verify(NEEDS_STATE)

    assert log == expected


def test_a_state_without_a_handler_is_named(cms: SmallCms, golden: Golden) -> None:
    reported = failures(cms, {})

    golden.check(reported[NEEDS_STATE].splitlines()[-1])
    assert NEEDS_NONE not in reported


@pytest.mark.parametrize(
    "fail",
    [
        pytest.param(raises, id="raises"),
        pytest.param(lambda: sys.exit(3), id="exits"),
        pytest.param(lambda: pytest.skip("not today"), id="skips"),
        pytest.param(lambda: next(iter(())), id="stops-iterating"),
        pytest.param(lambda: 17, id="returns-something"),
        pytest.param(lambda: lambda: None, id="forgot-to-call"),
        pytest.param(threading.Event().wait, id="hangs"),
        pytest.param(forever, id="hangs-asynchronously"),
    ],
)
def test_a_handler_that_fails_is_a_failure_with_its_reason(
    cms: SmallCms, fail: Callable[[], Any], golden: Golden
) -> None:
    def seed(_: ByBatch) -> Any:
        return fail()

    found = failures(cms, states_with(seed), seconds=0.3)

    first = list(found.values())[:3]  # after three that take too long the rest is not tried
    assert all(BATCHES_HAVE_CLASSES in text for text in first)
    assert len(found) >= sum("refused" not in name and "health" not in name for name in interactions_of(CMS))
    golden.check(first[0].splitlines()[-1])


def test_the_exception_of_a_handler_is_the_cause(cms: SmallCms) -> None:
    def seed(_: ByBatch) -> None:
        raises()

    states = states_with(seed)
    with running_provider(cms, provider=CMS, states=states) as running, pytest.raises(NotVerified) as caught:
        running.verify(NEEDS_STATE)

    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_context_manager_is_a_handler(cms: SmallCms) -> None:
    log: list[str] = []

    @contextmanager
    def seed(params: ByBatch) -> Generator[None]:
        log.append("set up")
        cms.seed(params)
        yield
        log.append("restored")

    @asynccontextmanager
    async def seed_async(params: ByBatch) -> AsyncGenerator[None]:
        log.append("set up")
        cms.seed(params)
        yield
        log.append("restored")

    for handler in (seed, seed_async):
        with running_provider(cms, provider=CMS, states=states_with(handler)) as running:
            running.verify(NEEDS_STATE)

    assert log == ["set up", "restored"] * 2


def test_a_second_yield_is_a_failure(cms: SmallCms, golden: Golden) -> None:
    def seed(params: ByBatch) -> Generator[None]:
        cms.seed(params)
        yield
        yield

    golden.check(failures(cms, states_with(seed))[NEEDS_STATE].splitlines()[-1])


def test_a_handler_that_cancels_itself_is_its_own_failure(cms: SmallCms, golden: Golden) -> None:
    async def seed(_: ByBatch) -> None:
        task = asyncio.get_running_loop().create_task(forever())
        task.cancel()
        await task

    golden.check(failures(cms, states_with(seed))[NEEDS_STATE].splitlines()[-1])


def test_hanging_handlers_of_a_long_contract_end_soon() -> None:
    """RAS has 31 interactions, and a lock that is held hangs all of their handlers."""
    started = time.monotonic()
    with running_provider(
        SmallCms(), provider="ras", states={USER_HAS_BATCHES: lambda _: forever()}, seconds=0.5
    ) as ras:
        outcomes = list(ras.outcomes())

    assert not any(outcome.verified for outcome in outcomes)
    assert time.monotonic() - started < 15, "31 times half a second, and the restoring, would be longer"


def test_a_state_that_cannot_be_restored_is_a_failure(cms: SmallCms, golden: Golden) -> None:
    def seed(params: ByBatch) -> Generator[None]:
        cms.seed(params)
        yield
        raises()

    golden.check(failures(cms, states_with(seed))[NEEDS_STATE].splitlines()[-1])


def test_a_handler_that_cancels_its_task_is_reported(cms: SmallCms, golden: Golden) -> None:
    async def cancels(_: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    with (
        running_provider(cms, provider=CMS, states=states_with(cancels)) as running,
        pytest.raises(NotVerified) as caught,
    ):
        running.verify(NEEDS_STATE)

    golden.check(str(caught.value).splitlines()[-1])
