"""What both backends answer a request that does not say who sends it, and `GET /healthz`, which needs no key."""

from collections.abc import Callable

import httpx
import pytest

from bff_clients import CMSClient, RASClient
from tests.consumer.conftest import Receives
from tests.consumer.recording import (
    STATUS_PATH_PATTERN,
    USER_PATH,
    USER_PATH_PATTERN,
    Expectation,
    ids_query,
    page_query,
    settings_for,
)
from tests.consumer.refusing import INVALID, REFUSALS, SERVICE_HEADER, Call, Refusal, error_of
from tests.consumer.rows import teacher_of, uuid_of

pytestmark = pytest.mark.anyio

BATCH = uuid_of("batch", "refused")
TEACHER = teacher_of("refused")


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
SERVICE_REFUSALS = [
    pytest.param(Refusal(f"with {what}", {SERVICE_HEADER: service_id}, INVALID), id=service_id)
    for what, service_id in [
        ("a service id that is not allowed", "bff_teacher_service"),
        ("a service id in another case", "BFF-Teacher-Service"),
        ("the beginning of a service id", "bff-teacher"),
    ]
]


@pytest.mark.parametrize("refused", REFUSALS + SERVICE_REFUSALS)
@pytest.mark.parametrize(("what", "expect", "call"), RAS_ENDPOINTS)
async def test_ras_refuses(
    ras_receives: Receives, refused: Refusal, what: str, expect: Callable[[Expectation], Expectation], call: Call
) -> None:
    """RAS compares the key, and the service id with its allow-list."""
    error = await error_of(call, expect(ras_receives(f"refused: {what} {refused.reason}")), refused)

    assert (error.status_code, error.service) == (401, "result-aggregator-service")


@pytest.mark.parametrize("refused", REFUSALS)
@pytest.mark.parametrize(("what", "expect", "call"), CMS_ENDPOINTS)
async def test_cms_refuses(
    cms_receives: Receives, refused: Refusal, what: str, expect: Callable[[Expectation], Expectation], call: Call
) -> None:
    """CMS compares the key, and takes any service id."""
    error = await error_of(call, expect(cms_receives(f"refused: {what} {refused.reason}")), refused)

    assert (error.status_code, error.service) == (401, "class-management-service")


@pytest.mark.parametrize("backend", ["ras_receives", "cms_receives"])
async def test_health(ras_receives: Receives, cms_receives: Receives, http: httpx.AsyncClient, backend: str) -> None:
    """Each backend says that it is up, without a key; what else it says there is its own affair."""
    receives, client = (ras_receives, RASClient) if backend == "ras_receives" else (cms_receives, CMSClient)
    expected = receives("health: the service is up").shape().get("/healthz").answers(200)

    with expected.served() as url:
        await client(http, settings_for(url)).ping()
