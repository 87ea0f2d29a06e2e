"""What both backends answer a request that does not say who sends it, and `GET /healthz`, which needs no key."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bff_clients import AuthenticationRejected, CMSClient, RASClient
from tests.contract.conftest import Receives
from tests.contract.recording import (
    KEY,
    STATUS_PATH_PATTERN,
    USER_PATH,
    USER_PATH_PATTERN,
    Expectation,
    ids_query,
    page_query,
    settings_for,
)
from tests.contract.rows import BATCH_IDS, TEACHER

pytestmark = pytest.mark.anyio

KEY_HEADER, SERVICE_HEADER = "X-Internal-API-Key", "X-Service-ID"
MISSING, INVALID = {"error": "Missing authentication"}, {"error": "Invalid credentials"}
BATCH = BATCH_IDS[0]

Call = Callable[[httpx.AsyncClient, str], Awaitable[object]]


async def _list(http: httpx.AsyncClient, url: str) -> object:
    return await RASClient(http, settings_for(url)).get_batches_for_user(TEACHER)


async def _status(http: httpx.AsyncClient, url: str) -> object:
    return await RASClient(http, settings_for(url)).get_batch_status(BATCH)


async def _class_info(http: httpx.AsyncClient, url: str) -> object:
    return await CMSClient(http, settings_for(url)).get_batch_class_info([BATCH])


def _expect_list(expected: Expectation) -> Expectation:
    return expected.get(USER_PATH + TEACHER, USER_PATH_PATTERN, **page_query())


def _expect_status(expected: Expectation) -> Expectation:
    return expected.get(f"/internal/v1/batches/{BATCH}/status", STATUS_PATH_PATTERN)


def _expect_class_info(expected: Expectation) -> Expectation:
    return expected.get("/internal/v1/batches/class-info", **ids_query(BATCH))


RAS_ENDPOINTS = [
    pytest.param("batches of a user", _expect_list, _list, id="list"),
    pytest.param("batch status", _expect_status, _status, id="status"),
]
CMS_ENDPOINTS = [pytest.param("classes of batches", _expect_class_info, _class_info, id="class-info")]
REFUSALS = [
    pytest.param("without a key", KEY_HEADER, None, MISSING, id="no-key"),
    pytest.param("with a wrong key", KEY_HEADER, "not-the-key", INVALID, id="wrong-key"),
]
SERVICE_REFUSALS = [
    pytest.param(
        "with a service id that is not allowed", SERVICE_HEADER, "bff_teacher_service", INVALID, id="wrong-service"
    )
]


@pytest.mark.parametrize(("reason", "header", "value", "body"), REFUSALS + SERVICE_REFUSALS)
@pytest.mark.parametrize(("what", "expect", "call"), RAS_ENDPOINTS)
async def test_ras_refuses(
    ras_receives: Receives,
    reason: str,
    header: str,
    value: str | None,
    body: dict[str, str],
    what: str,
    expect: Callable[[Expectation], Expectation],
    call: Call,
) -> None:
    """RAS compares the key, and the service id with its allow-list."""
    expected = _refusal(expect(ras_receives(f"refused: {what} {reason}")), header, value, body)

    with expected.served() as url:
        error = await _error_of(call, url, header, value)

    assert (error.status_code, error.service) == (401, "result-aggregator-service")


@pytest.mark.parametrize(("reason", "header", "value", "body"), REFUSALS)
@pytest.mark.parametrize(("what", "expect", "call"), CMS_ENDPOINTS)
async def test_cms_refuses(
    cms_receives: Receives,
    reason: str,
    header: str,
    value: str | None,
    body: dict[str, str],
    what: str,
    expect: Callable[[Expectation], Expectation],
    call: Call,
) -> None:
    """CMS compares the key, and takes any service id."""
    expected = _refusal(expect(cms_receives(f"refused: {what} {reason}")), header, value, body)

    with expected.served() as url:
        error = await _error_of(call, url, header, value)

    assert (error.status_code, error.service) == (401, "class-management-service")


@pytest.mark.parametrize("backend", ["ras_receives", "cms_receives"])
async def test_health(ras_receives: Receives, cms_receives: Receives, http: httpx.AsyncClient, backend: str) -> None:
    """Each backend says that it is up, without a key; what else it says there is its own affair."""
    receives, client = (ras_receives, RASClient) if backend == "ras_receives" else (cms_receives, CMSClient)
    expected = receives("health: the service is up").shape().get("/healthz").answers(200)

    with expected.served() as url:
        await client(http, settings_for(url)).ping()


def _refusal(expected: Expectation, header: str, value: str | None, body: dict[str, str]) -> Expectation:
    if header == KEY_HEADER:
        return expected.authenticated(key=value).answers(401, body)
    return expected.authenticated(key=KEY, service_id=value).answers(401, body)


async def _error_of(call: Call, url: str, header: str, value: str | None) -> AuthenticationRejected:
    async with _client_that_sends(header, value) as http:
        with pytest.raises(AuthenticationRejected) as caught:
            await call(http, url)
    return caught.value


@asynccontextmanager
async def _client_that_sends(header: str, value: str | None) -> AsyncGenerator[httpx.AsyncClient, None]:
    """An HTTP client that leaves a header out, or sends another value, whatever the backend client wants."""

    async def change(request: httpx.Request) -> None:
        del request.headers[header]
        if value is not None:
            request.headers[header] = value

    hooks: dict[str, list[Any]] = {"request": [change]}
    async with httpx.AsyncClient(event_hooks=hooks) as http:
        yield http
