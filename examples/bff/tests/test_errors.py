"""Every error is answered in the platform's envelope."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bff_mock_server import Backends, a_batch
from examples.bff.tests.conftest import TEACHER

pytestmark = pytest.mark.anyio

DASHBOARD = "/bff/v1/teacher/dashboard"
CORRELATION = "0b5c1b0e-6f0a-4c0e-8c53-5b3f6f6d2b11"


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The error of an envelope that is whole."""
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"code", "message", "correlation_id", "service", "timestamp", "details"}
    assert error["service"] == "bff-teacher-service"
    return error


@pytest.mark.parametrize("backend", ["ras", "cms"])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        pytest.param("status=503", 503, "SERVICE_UNAVAILABLE", id="busy"),
        pytest.param("status=500", 503, "SERVICE_UNAVAILABLE", id="broken"),
        pytest.param("reset", 503, "SERVICE_UNAVAILABLE", id="connection-lost"),
        pytest.param("latency=60s", 504, "TIMEOUT", id="too-slow"),
        pytest.param("status=401", 502, "EXTERNAL_SERVICE_ERROR", id="refuses-our-key"),
        pytest.param("malformed", 502, "INVALID_RESPONSE", id="broken-json"),
        pytest.param("violation", 502, "INVALID_RESPONSE", id="outside-the-contract"),
    ],
)
async def test_a_backend_that_fails(
    backends: Backends, bff: httpx.AsyncClient, backend: str, fault: str, status: int, code: str
) -> None:
    backends.given("user has exactly these batches", user_id=TEACHER, batches=[a_batch()])
    backends.fail(backend, fault)

    response = await bff.get(DASHBOARD)

    error = error_of(response)
    assert (response.status_code, error["code"]) == (status, code)
    assert (
        error["details"]["backend"] == {"ras": "result-aggregator-service", "cms": "class-management-service"}[backend]
    )


async def test_a_fault_that_passes_is_not_noticed(backends: Backends, bff: httpx.AsyncClient) -> None:
    backends.fail("ras", "status=503 times=1")

    assert (await bff.get(DASHBOARD)).status_code == 200
    assert [exchange.status for exchange in backends.asked("ras")] == [503, 200]


async def test_retry_after_is_passed_on(backends: Backends, bff: httpx.AsyncClient) -> None:
    backends.fail("ras", "status=503 retry-after=7")

    assert (await bff.get(DASHBOARD)).headers["Retry-After"] == "7"


async def test_an_open_breaker_has_a_retry_after(backends: Backends, bff: httpx.AsyncClient) -> None:
    backends.fail("ras", "status=500")
    for _ in range(20):  # what it takes to judge by, see docs/reliability.md
        await bff.get(DASHBOARD)

    response = await bff.get(DASHBOARD)

    assert error_of(response)["code"] == "CIRCUIT_BREAKER_OPEN"
    assert int(response.headers["Retry-After"]) >= 1
    assert len(backends.asked("ras")) == 20


async def test_one_id_goes_from_the_request_to_the_backends_and_the_envelope(
    backends: Backends, bff: httpx.AsyncClient
) -> None:
    backends.given("user has exactly these batches", user_id=TEACHER, batches=[a_batch()])
    backends.fail("cms", "malformed")

    response = await bff.get(DASHBOARD, headers={"X-Correlation-ID": CORRELATION})

    assert error_of(response)["correlation_id"] == CORRELATION
    assert {exchange.headers["x-correlation-id"] for exchange in backends.requests} == {CORRELATION}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param(f"{DASHBOARD}?limit=0", 422, "VALIDATION_ERROR", id="no-rows"),
        pytest.param(f"{DASHBOARD}?offset=-1", 422, "VALIDATION_ERROR", id="before-the-start"),
        pytest.param(f"{DASHBOARD}?offset={10**18}", 422, "VALIDATION_ERROR", id="beyond-every-page"),
        pytest.param(f"{DASHBOARD}/", 404, "RESOURCE_NOT_FOUND", id="slash-at-the-end"),
        pytest.param(f"{DASHBOARD}?status=processing_pipelines", 422, "VALIDATION_ERROR", id="an-internal-status"),
        pytest.param(f"{DASHBOARD}?status=processing&offset=981", 422, "VALIDATION_ERROR", id="too-far-down"),
        pytest.param("/bff/v1/teacher/batches/seven", 422, "VALIDATION_ERROR", id="no-uuid"),
        pytest.param("/bff/v2/teacher/dashboard", 404, "RESOURCE_NOT_FOUND", id="no-such-route"),
    ],
)
async def test_a_request_that_is_wrong_reaches_no_backend(
    backends: Backends, bff: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    response = await bff.get(path, headers={"X-Correlation-ID": CORRELATION})

    error = error_of(response)
    assert (response.status_code, error["code"], error["correlation_id"]) == (status, code, CORRELATION)
    assert not backends.requests


async def test_a_wrong_method_is_answered_with_the_allowed_ones(bff: httpx.AsyncClient) -> None:
    response = await bff.delete(DASHBOARD)

    assert (response.status_code, error_of(response)["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    "user_id",
    [None, b"", b" ", b"..", b"a/b", b"\x85", b"a\tb"],
    ids=["missing", "empty", "a-blank", "a-path", "a-slash", "a-control", "a-tab"],
)
async def test_a_request_without_a_signed_in_teacher_is_rejected(
    app: FastAPI, backends: Backends, user_id: bytes | None
) -> None:
    headers = {} if user_id is None else {b"X-User-ID": user_id}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bff.test") as client:
        response = await client.get(DASHBOARD, headers=headers)

    assert (response.status_code, error_of(response)["code"]) == (401, "AUTHENTICATION_ERROR")
    assert not backends.requests


async def test_an_unexpected_error_shows_the_correlation_id_alone(app: FastAPI, bff: httpx.AsyncClient) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise LookupError("a secret")

    response = await bff.get("/broken", headers={"X-Correlation-ID": CORRELATION})

    error = error_of(response)
    assert (response.status_code, error["code"], error["correlation_id"]) == (500, "UNKNOWN_ERROR", CORRELATION)
    assert "secret" not in response.text
