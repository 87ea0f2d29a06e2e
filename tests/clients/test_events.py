"""What is logged: events with stable names, facts as fields, and nothing personal."""

import asyncio
import logging
import random
from typing import Any

import httpx
import pytest

from bff_clients import (
    BackendError,
    BackendSettings,
    CMSClient,
    ContractViolation,
    RASClient,
    _events,
)
from tests.support.golden import Golden
from tests.support.platform import BATCH, KEY, TEACHER, recorded

pytestmark = pytest.mark.anyio

CORRELATION = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99"
PAGE = recorded("ras_user_batches_all_statuses").body


async def logged(
    caplog: pytest.LogCaptureFixture, *answers: httpx.Response, **settings: Any
) -> list[logging.LogRecord]:
    """The records of calls for a page, one for each answer that is left over."""
    caplog.set_level(logging.INFO, logger="bff_clients")
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        del request
        return left.pop(0)

    chosen = BackendSettings.model_validate({"internal_api_key": KEY, "http_retry_backoff_seconds": 0.001, **settings})
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        client = RASClient(http, chosen)
        while left:
            try:
                await client.get_batches_for_user(TEACHER, correlation_id=CORRELATION)
            except BackendError:
                continue
    return [record for record in caplog.records if record.name == "bff_clients"]


def facts(record: logging.LogRecord) -> dict[str, Any]:
    plain = {*vars(logging.makeLogRecord({})), "message", "duration"}
    return {name: value for name, value in vars(record).items() if name not in plain}


async def test_a_call(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = await logged(caplog, httpx.Response(200, content=PAGE, headers={"Content-Type": "application/json"}))

    assert record.levelno == logging.INFO
    assert isinstance(record.duration, float)  # type: ignore[attr-defined]
    assert 0 < record.duration < 10  # type: ignore[attr-defined]
    assert facts(record) == {
        "event": "call",
        "backend": "result-aggregator-service",
        "operation": "get_batches_for_user",
        "correlation_id": CORRELATION,
        "outcome": "ok",
        "status": 200,
        "attempt": 1,
    }


async def test_the_message_of_a_record_is_its_facts(caplog: pytest.LogCaptureFixture) -> None:
    _, record = await logged(caplog, httpx.Response(204))
    duration = record.duration  # type: ignore[attr-defined]

    assert record.getMessage() == (
        f"call backend=result-aggregator-service operation=get_batches_for_user correlation_id={CORRELATION} "
        f"outcome=ContractViolation status=204 duration={duration} attempt=1"
    )


def test_a_duration_is_logged_to_the_microsecond(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bff_clients")
    _events.call(_events.Context("ras", "ping", CORRELATION), outcome="ok", status=200, seconds=0.123456789, attempts=1)

    assert [record.duration for record in caplog.records] == [0.123457]  # type: ignore[attr-defined]


async def test_a_retry_and_the_call_that_it_belongs_to(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = httpx.Response(200, content=PAGE, headers={"Content-Type": "application/json"})

    def part(least: float, most: float) -> float:
        return (least + most) * 0.123456

    monkeypatch.setattr(random, "uniform", part)
    retry, call = await logged(caplog, httpx.Response(503), good, http_retry_backoff_seconds=0.1)

    assert (retry.levelno, retry.event, retry.reason, retry.status, retry.attempt) == (  # type: ignore[attr-defined]
        *(logging.WARNING, "retry", "status", 503, 1),
    )
    assert retry.delay == 0.012  # type: ignore[attr-defined]
    assert (call.event, call.outcome, call.attempt) == ("call", "ok", 2)  # type: ignore[attr-defined]


async def test_a_call_that_ends_without_an_answer_has_no_status(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bff_clients")
    answers = iter([httpx.Response(503)])

    def answer(_: httpx.Request) -> httpx.Response:
        for found in answers:
            return found
        raise httpx.ConnectError("gone")

    chosen = BackendSettings(internal_api_key=KEY, http_retries=1, http_retry_backoff_seconds=0.001)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(BackendError):
            await RASClient(http, chosen).ping()
    reported = [facts(record)["status"] for record in caplog.records if record.name == "bff_clients"]

    assert reported == [503, None]


async def test_a_rejected_call_has_no_status(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bff_clients")
    chosen = BackendSettings(internal_api_key=KEY, http_max_in_flight=1, http_max_waiting=0)
    async with httpx.AsyncClient(transport=httpx.MockTransport(hangs)) as http:
        client = RASClient(http, chosen)
        first = asyncio.create_task(client.ping())
        await asyncio.sleep(0)
        with pytest.raises(BackendError):
            await client.ping()
        first.cancel()
        await asyncio.wait([first])
    turned_away, _ = caplog.records

    assert (facts(turned_away)["status"], facts(turned_away)["attempt"]) == (None, 0)


async def test_a_call_that_times_out_is_logged_as_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bff_clients")
    chosen = BackendSettings(internal_api_key=KEY, http_client_timeout_seconds=0.01)
    async with httpx.AsyncClient(transport=httpx.MockTransport(hangs)) as http:
        with pytest.raises(BackendError):
            await RASClient(http, chosen).ping()

    assert [facts(record)["outcome"] for record in caplog.records] == ["BackendTimeout"]


async def hangs(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_violation(caplog: pytest.LogCaptureFixture, golden: Golden) -> None:
    broken = httpx.Response(200, content=b'{"batches": []}', headers={"Content-Type": "application/json"})
    violation, call = await logged(caplog, broken)

    assert (violation.levelno, facts(violation)["event"]) == (logging.ERROR, "violation")
    golden.check(violation.getMessage())
    assert facts(violation)["status"] == 200
    assert (call.outcome, call.status) == ("ContractViolation", 200)  # type: ignore[attr-defined]


async def test_the_breaker(caplog: pytest.LogCaptureFixture, golden: Golden) -> None:
    records = await logged(caplog, httpx.Response(500), http_breaker_min_calls=1)
    breaker = next(record for record in records if record.event == "breaker")  # type: ignore[attr-defined]

    assert breaker.levelno == logging.WARNING
    golden.check(breaker.getMessage())
    assert facts(breaker) == {"event": "breaker", "backend": "result-aggregator-service", "state": "open"}


async def test_nothing_personal_and_no_key_is_in_any_of_them(caplog: pytest.LogCaptureFixture) -> None:
    answers = [httpx.Response(503), httpx.Response(500), httpx.Response(200, content=PAGE), httpx.Response(404)]
    records = await logged(caplog, *answers, http_breaker_min_calls=2, http_breaker_pause_seconds=0.001)

    assert {facts(record)["event"] for record in records} == {"call", "retry", "violation", "breaker"}
    for record in records:
        reported = f"{record.getMessage()} {vars(record)}"
        assert all(hidden not in reported for hidden in (TEACHER, BATCH, KEY.get_secret_value(), "Romeo", "uppsats"))


async def test_a_violation_in_an_answer_by_ids_does_not_show_its_keys(
    caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        del request
        return httpx.Response(200, json={BATCH: {"class_id": BATCH}, "Maja\nLindström": 1})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(ContractViolation) as caught:
            await CMSClient(http, BackendSettings(internal_api_key=KEY)).get_batch_class_info([BATCH])

    golden.check(caught.value.detail)
    assert BATCH not in caplog.text + str(caught.value)


async def test_a_retry_has_the_status_of_its_own_request(caplog: pytest.LogCaptureFixture) -> None:
    """Of the two parts of a call, one is answered while the other has no connection."""
    caplog.set_level(logging.INFO, logger="bff_clients")
    answered, attempts = asyncio.Event(), 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal attempts
        if f"{0:012}" in str(request.url):
            answered.set()
        else:
            await answered.wait()
            attempts += 1
            if attempts == 1:
                raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, json=dict.fromkeys(request.url.params["batch_ids"].split(",")))

    settings = BackendSettings.model_validate({"internal_api_key": KEY, "http_retry_backoff_seconds": 0.001})
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await CMSClient(http, settings).get_batch_class_info(f"26b9045a-e947-5833-ab3e-{at:012}" for at in range(101))

    (retry,) = (facts(record) for record in caplog.records if vars(record).get("event") == "retry")
    assert (retry["reason"], retry["status"]) == ("connect", None)
