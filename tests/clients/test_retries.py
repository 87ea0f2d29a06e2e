"""When a request is sent again, and when it is not: counted by the server."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from bff_clients import (
    BackendError,
    BackendSettings,
    BackendUnavailable,
    BreakerState,
    CMSClient,
    create_http_client,
)
from tests.support.golden import Golden
from tests.support.misbehaving import Behaviour, hangs, head, misbehaving_server, says
from tests.support.platform import BATCH, KEY

pytestmark = pytest.mark.anyio

GOOD = says(head() + b'{"%s": null}' % BATCH.encode())
LOST = says(b"")


def status(code: int, **headers: str) -> Behaviour:
    return says(head(f"{code} Status", Content_Length="0", **headers))


@dataclass
class Backend:
    """Behaves in turn as reported, the last one again and again."""

    client: CMSClient
    asked: int = 0


@asynccontextmanager
async def backend(*behaviours: Behaviour, **settings: Any) -> AsyncGenerator[Backend]:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.asked += 1
        await behaviours[min(found.asked, len(behaviours)) - 1](reader, writer)

    async with misbehaving_server(behave) as port:
        chosen = BackendSettings.model_validate(
            {
                "internal_api_key": KEY,
                "cms_base_url": f"http://127.0.0.1:{port}",
                "http_retry_backoff_seconds": 0.01,
                **settings,
            }
        )
        async with create_http_client(chosen) as http:
            found = Backend(CMSClient(http, chosen))
            yield found


async def ask(found: Backend) -> str:
    """How a call ends."""
    try:
        await found.client.get_batch_class_info([BATCH])
    except BackendUnavailable as error:
        return error.reason
    except BackendError as error:
        return type(error).__name__
    return "ok"


@pytest.mark.parametrize(
    ("behaviours", "outcome", "asked"),
    [
        pytest.param([LOST, GOOD], "ok", 2, id="lost-once"),
        pytest.param([LOST, LOST, GOOD], "ok", 3, id="lost-twice"),
        pytest.param([LOST], "disconnect", 3, id="lost-always"),
        pytest.param([status(502), GOOD], "ok", 2, id="502"),
        pytest.param([status(503), GOOD], "ok", 2, id="503"),
        pytest.param([status(504), GOOD], "ok", 2, id="504"),
        pytest.param([status(503, Retry_After="0"), GOOD], "ok", 2, id="503-retry-at-once"),
        pytest.param([status(429, Retry_After="0"), GOOD], "ok", 2, id="429-retry-at-once"),
        pytest.param([status(503, Retry_After="60"), GOOD], "status", 1, id="503-retry-too-late"),
        pytest.param([status(500), GOOD], "status", 1, id="500-would-fail-again"),
        pytest.param([status(404), GOOD], "EndpointMissing", 1, id="404"),
        pytest.param([status(401), GOOD], "AuthenticationRejected", 1, id="401"),
        pytest.param([says(head() + b"{]"), GOOD], "ContractViolation", 1, id="violation"),
    ],
)
async def test_a_request_is_sent_again_where_that_may_help(
    behaviours: Sequence[Behaviour], outcome: str, asked: int
) -> None:
    async with backend(*behaviours) as found:
        assert (await ask(found), found.asked) == (outcome, asked)


async def test_a_connection_that_is_refused_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    chosen = BackendSettings.model_validate(
        {"internal_api_key": KEY, "cms_base_url": "http://127.0.0.1:1", "http_retry_backoff_seconds": 0.01}
    )
    async with create_http_client(chosen) as http:
        outcome = await ask(Backend(CMSClient(http, chosen)))

    assert outcome == "connect"
    assert [getattr(record, "reason", None) for record in caplog.records].count("connect") == 2


async def test_the_longest_pause_doubles_up_to_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[tuple[float, float]] = []

    def least(low: float, high: float) -> float:
        bounds.append((low, high))
        return low

    monkeypatch.setattr(random, "uniform", least)
    async with backend(LOST, http_retries=5, http_retry_budget=1, http_retry_backoff_seconds=0.6) as found:
        await ask(found)

    assert bounds == [(0.0, 0.6), (0.0, 1.2), (0.0, 2.0), (0.0, 2.0)]


async def test_the_longest_allowed_pause_is_waited_for() -> None:
    async with backend(status(503, Retry_After="0"), GOOD, http_retry_after_max_seconds=0) as found:
        assert (await ask(found), found.asked) == ("ok", 2)


@pytest.mark.parametrize(
    "settings", [pytest.param({"http_retries": 0}, id="retries"), pytest.param({"http_retry_budget": 0}, id="budget")]
)
async def test_zero_switches_retries_off(settings: dict[str, Any]) -> None:
    async with backend(LOST, GOOD, **settings) as found:
        assert (await ask(found), found.asked) == ("disconnect", 1)


async def test_no_retry_comes_after_the_deadline() -> None:
    settings = {"http_client_timeout_seconds": 0.5, "http_retry_after_max_seconds": 10}
    async with backend(status(503, Retry_After="1"), GOOD, **settings) as found:
        assert (await ask(found), found.asked) == ("status", 1)


async def test_a_timeout_is_not_tried_again() -> None:
    async with backend(hangs, GOOD, http_client_timeout_seconds=0.2) as found:
        assert (await ask(found), found.asked) == ("timeout", 1)


async def test_retries_never_multiply_an_outage() -> None:
    async with backend(status(503), http_breaker_failure_rate=0) as found:
        for _ in range(200):
            await ask(found)

    assert 200 < found.asked <= 200 * 1.2 + 2


# The breaker in the request path


async def test_a_backend_that_fails_is_left_alone() -> None:
    async with backend(status(500), http_breaker_min_calls=5, http_breaker_pause_seconds=30) as found:
        outcomes = [await ask(found) for _ in range(20)]
        state = found.client.breaker_state

    assert outcomes == ["status"] * 5 + ["breaker_open"] * 15
    assert (found.asked, state) == (5, BreakerState.OPEN)


async def test_an_open_breaker_says_when_to_come_again() -> None:
    async with backend(status(500), http_breaker_min_calls=1, http_breaker_pause_seconds=30) as found:
        await ask(found)
        with pytest.raises(BackendUnavailable) as caught:
            await found.client.get_batch_class_info([BATCH])

    assert caught.value.reason == "breaker_open"
    assert caught.value.retry_after == pytest.approx(30, abs=5)


async def test_after_its_pause_it_is_asked_again() -> None:
    settings = {"http_breaker_min_calls": 2, "http_breaker_pause_seconds": 0.1}
    async with backend(status(500), status(500), GOOD, **settings) as found:
        first = [await ask(found) for _ in range(3)]
        while found.client.breaker_state is BreakerState.OPEN:  # noqa: ASYNC110  # by the clock, without an event
            await asyncio.sleep(0.01)
        after = await asyncio.gather(*(ask(found) for _ in range(100)))

    assert first == ["status", "status", "breaker_open"]
    assert after == ["ok"] * 100


async def test_a_deadline_is_the_backends_failure_and_a_cancellation_is_not() -> None:
    async with backend(hangs, http_client_timeout_seconds=0.1, http_breaker_min_calls=3) as found:
        for _ in range(5):
            task = asyncio.create_task(ask(found))
            await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.wait([task])
        given_up = found.client.breaker_state
        for _ in range(3):
            await ask(found)

    assert (given_up, found.client.breaker_state) == (BreakerState.CLOSED, BreakerState.OPEN)


async def test_violations_and_rejections_are_not_failures_of_the_backend() -> None:
    async with backend(says(head() + b"{]"), status(404), status(401), status(429), http_breaker_min_calls=1) as found:
        for _ in range(4):
            await ask(found)

        assert found.client.breaker_state is BreakerState.CLOSED


async def test_an_unreadable_body_is_not_a_failure_and_counts_as_a_call() -> None:
    broken = says(head(Content_Encoding="gzip") + b"no gzip")
    async with backend(broken, status(500), http_breaker_min_calls=2) as found:
        outcomes = [await ask(found), found.client.breaker_state, await ask(found), found.client.breaker_state]

    assert outcomes == ["ContractViolation", BreakerState.CLOSED, "status", BreakerState.OPEN]
    async with backend(broken, http_breaker_min_calls=1) as found:
        assert [await ask(found), found.client.breaker_state] == ["ContractViolation", BreakerState.CLOSED]


async def test_a_call_that_exceeds_the_queue_is_queue_full(golden: Golden) -> None:
    async with backend(hangs, http_max_in_flight=1, http_max_waiting=0, http_client_timeout_seconds=0.3) as found:
        first = asyncio.create_task(ask(found))
        await asyncio.sleep(0)
        with pytest.raises(BackendUnavailable) as caught:
            await found.client.get_batch_class_info([BATCH])
        await first

    assert caught.value.reason == "queue_full"
    golden.check(caught.value.detail)


async def test_calls_beyond_the_queue_are_rejected_at_once() -> None:
    async with backend(hangs, http_max_in_flight=2, http_max_waiting=3, http_client_timeout_seconds=0.3) as found:
        outcomes = await asyncio.gather(*(ask(found) for _ in range(8)))

    assert sorted(outcomes) == ["queue_full"] * 3 + ["timeout"] * 5


async def test_ping_is_a_call_like_any_other() -> None:
    async with backend(status(503), status(204)) as found:
        await found.client.ping()

        assert found.asked == 2


async def test_ping_says_what_is_wrong() -> None:
    async with backend(status(500)) as found:
        with pytest.raises(BackendUnavailable) as caught:
            await found.client.ping()

    assert (caught.value.operation, caught.value.status_code) == ("ping", 500)


async def test_ping_sends_no_key() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    sent: list[httpx.Request] = []
    chosen = BackendSettings(internal_api_key=KEY, cms_base_url="http://cms.test/base")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await CMSClient(http, chosen).ping()

    assert str(sent[0].url) == "http://cms.test/base/healthz"
    assert not {"x-internal-api-key", "x-service-id"} & sent[0].headers.keys()


async def test_a_deadline_that_expires_in_our_queue_is_no_evidence_against_the_backend() -> None:
    """The first request has 4/5 of its deadline and counts; the other has its turn only for the last fifth."""
    async with backend(hangs, http_max_in_flight=1, http_client_timeout_seconds=0.5, http_breaker_min_calls=2) as found:
        first = asyncio.create_task(ask(found))
        await asyncio.sleep(0)
        second = asyncio.create_task(ask(found))
        outcomes = await asyncio.gather(first, second)

    assert list(outcomes) == ["timeout", "timeout"]
    assert found.client.breaker_state is BreakerState.CLOSED
