"""The requests of the CMS client, and how it reads each answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import respx

from bff_clients import (
    AuthenticationRejected,
    BackendRejected,
    BackendSettings,
    BackendUnavailable,
    ClassInfo,
    CMSClient,
    ContractViolation,
    EndpointMissing,
    InvalidArgument,
    ValidationStatus,
)
from tests.support.golden import Golden
from tests.support.platform import BATCH, KEY, recorded, sent

pytestmark = pytest.mark.anyio
CLASS = {"class_id": "d1ff7f61-e9db-5c67-9cc7-657c06dcda5a", "class_name": "Svenska 1 – SA24B"}
VALIDATION = {
    "batch_id": BATCH,
    "deviation_count": 1,
    "auto_confirm_deadline": None,
    "total_associations": 25,
    "confirmed_associations": 23,
}


@pytest.fixture
async def cms(settings: BackendSettings) -> AsyncIterator[CMSClient]:
    async with httpx.AsyncClient() as http:
        yield CMSClient(http, settings)


@pytest.fixture
def router() -> Any:
    with respx.mock(base_url="http://cms.test") as mock:
        yield mock


def ids(count: int) -> list[str]:
    return [str(UUID(int=number)) for number in range(count)]


def asked(request: httpx.Request) -> list[str]:
    return request.url.params["batch_ids"].split(",")


def all_with_class(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=dict.fromkeys(asked(request), CLASS))


@pytest.mark.parametrize("name", ["two_known", "mixed", "unknown"])
async def test_a_recorded_answer_reads_as_classes(cms: CMSClient, router: respx.MockRouter, name: str) -> None:
    answer = recorded(f"cms_class_info_{name}")
    router.get(path__startswith="/").respond(200, content=answer.body, content_type=answer.content_type)
    wanted = answer.target.partition("=")[2].split(",")
    classes = await cms.get_batch_class_info(wanted)

    held = {key: value and ClassInfo(**value) for key, value in json.loads(answer.body).items()}
    assert classes == held


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param("cms_missing_authentication", AuthenticationRejected, id="missing-key"),
        pytest.param("cms_invalid_credentials", AuthenticationRejected, id="wrong-key"),
        pytest.param("cms_class_info_malformed_id", BackendRejected, id="malformed-id"),
    ],
)
async def test_a_recorded_refusal_is_its_error(
    cms: CMSClient, router: respx.MockRouter, name: str, error: type[Exception]
) -> None:
    answer = recorded(name)
    router.get(path__startswith="/").respond(answer.status, content=answer.body, content_type=answer.content_type)

    with pytest.raises(error):
        await cms.get_batch_class_info([BATCH])


async def test_the_request_is_one_literal_comma_list_with_the_internal_headers(
    cms: CMSClient, router: respx.MockRouter
) -> None:
    route = router.get(path__startswith="/").mock(side_effect=all_with_class)
    await cms.get_batch_class_info(ids(2))
    request = sent(route)[-1]

    assert request.url.raw_path.decode() == f"/internal/v1/batches/class-info?batch_ids={','.join(ids(2))}"
    assert request.headers["X-Internal-API-Key"] == KEY.get_secret_value()
    assert UUID(request.headers["X-Correlation-ID"])


async def test_the_validation_status_of_each_batch_is_read_from_its_endpoint(
    cms: CMSClient, router: respx.MockRouter
) -> None:
    (other,) = ids(1)
    route = router.get(path__startswith="/").respond(json={other: None, BATCH: VALIDATION})
    correlation_id = UUID(int=7)
    found = await cms.get_batch_validation_status([BATCH, other], correlation_id=correlation_id)
    request = sent(route)[-1]

    assert request.url.raw_path.decode() == f"/internal/v1/batches/validation-status?batch_ids={BATCH},{other}"
    assert request.headers["X-Correlation-ID"] == str(correlation_id)
    assert list(found.items()) == [(BATCH, ValidationStatus.model_validate(VALIDATION)), (other, None)]


NAME: dict[str, Any] = {
    "essay_id": "0f0e9a51-7c1e-5b4b-8a52-0d6a1b2c3d01",
    "student_id": "0f0e9a51-7c1e-5b4b-8a52-0d6a1b2c3d02",
    "student_person_name": {"first_name": "Åsa", "last_name": "Öberg", "legal_full_name": "Åsa Kristina Öberg"},
}


def named(**changes: Any) -> dict[str, Any]:
    return {**NAME, "student_person_name": {"first_name": "Bo", "last_name": "", "legal_full_name": None, **changes}}


@pytest.mark.parametrize("batch_id", [BATCH, BATCH.upper(), f"{{{BATCH}}}", UUID(BATCH)], ids=str)
async def test_names_are_read_for_one_batch(cms: CMSClient, router: respx.MockRouter, batch_id: str | UUID) -> None:
    route = router.get(path__startswith="/").respond(json=[NAME, {**named(), "confidence": 0.9}])
    correlation_id = UUID(int=7)
    first, second = await cms.get_batch_student_names(batch_id, correlation_id=correlation_id)
    request = sent(route)[-1]

    assert request.url.raw_path.decode() == f"/internal/v1/batches/{BATCH}/student-names"
    assert request.headers["X-Internal-API-Key"] == KEY.get_secret_value()
    assert request.headers["X-Correlation-ID"] == str(correlation_id)
    assert (first.model_dump(), second.model_dump()) == (NAME, named())


async def test_a_batch_without_names_is_an_empty_list(cms: CMSClient, router: respx.MockRouter) -> None:
    router.get(path__startswith="/").respond(json=[])

    assert await cms.get_batch_student_names(BATCH) == []


@pytest.mark.parametrize("batch_id", ["", "nonsense", BATCH[:-1], f"{BATCH}/x", None, [BATCH]], ids=str)
async def test_an_invalid_batch_id_sends_no_request_for_names(cms: CMSClient, batch_id: Any) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await cms.get_batch_student_names(batch_id)

    assert refused.value.argument == "batch_id"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"names": [NAME]}, id="object"),
        pytest.param(None, id="null"),
        pytest.param([NAME, None], id="null-row"),
        pytest.param([{**NAME, "essay_id": NAME["essay_id"].upper()}], id="id-in-capitals"),
        pytest.param([{**NAME, "student_id": None}], id="no-student"),
        pytest.param([{name: value for name, value in NAME.items() if name != "student_person_name"}], id="no-name"),
        pytest.param([{**NAME, "student_person_name": None}], id="null-name"),
        pytest.param([{**NAME, "student_person_name": "Bo"}], id="text"),
        pytest.param([named(first_name=None)], id="null-first-name"),
        pytest.param([named(last_name=7)], id="number"),
        pytest.param([named(legal_full_name=[])], id="list"),
        pytest.param([NAME] * 2001, id="too-many"),
    ],
)
async def test_names_outside_the_contract_are_a_violation(cms: CMSClient, router: respx.MockRouter, body: Any) -> None:
    router.get(path__startswith="/").respond(json=body)

    with pytest.raises(ContractViolation) as caught:
        await cms.get_batch_student_names(BATCH)

    assert caught.value.operation == "get_batch_student_names"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(400, {"error": {"error_code": "VALIDATION_ERROR"}}, BackendRejected, id="malformed-id"),
        pytest.param(401, {"error": "Invalid credentials"}, AuthenticationRejected, id="wrong-key"),
        pytest.param(404, "<h1>Not Found</h1>", EndpointMissing, id="not-deployed"),
        pytest.param(500, "<h1>Internal Server Error</h1>", BackendUnavailable, id="broken"),
    ],
)
async def test_no_names_are_the_error_of_the_status(
    cms: CMSClient, router: respx.MockRouter, status: int, body: Any, error: type[Exception]
) -> None:
    router.get(path__startswith="/").respond(status, json=body)

    with pytest.raises(error) as caught:
        await cms.get_batch_student_names(BATCH)

    assert type(caught.value) is error


async def test_an_entry_about_another_batch_is_a_violation(
    cms: CMSClient, router: respx.MockRouter, golden: Golden
) -> None:
    router.get(path__startswith="/").respond(json={BATCH: {**VALIDATION, "batch_id": ids(1)[0]}})

    with pytest.raises(ContractViolation) as caught:
        await cms.get_batch_validation_status([BATCH])

    assert (caught.value.status_code, caught.value.operation) == (200, "get_batch_validation_status")
    golden.check(caught.value.detail)


async def test_the_result_has_the_callers_ids_as_the_caller_spelled_them(
    cms: CMSClient, router: respx.MockRouter
) -> None:
    route = router.get(path__startswith="/").mock(side_effect=all_with_class)
    spellings = [BATCH, BATCH.upper(), BATCH.replace("-", ""), f"{{{BATCH}}}", f"urn:uuid:{BATCH}", BATCH]
    classes = await cms.get_batch_class_info(spellings)

    assert list(classes) == list(dict.fromkeys(spellings))
    assert asked(sent(route)[-1]) == [BATCH]


async def test_a_malformed_id_is_named_before_any_request(cms: CMSClient, golden: Golden) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await cms.get_batch_class_info([BATCH, "not-a-uuid"])

    assert refused.value.argument == "batch_ids"
    golden.check(str(refused.value))


async def test_the_ids_come_back_as_the_caller_gave_them(cms: CMSClient, router: respx.MockRouter) -> None:
    router.get(path__startswith="/").mock(side_effect=all_with_class)

    ids: list[str | UUID] = [UUID(BATCH), BATCH.upper()]

    assert list(await cms.get_batch_class_info(ids)) == ids


async def test_a_single_id_is_not_a_collection_of_ids(cms: CMSClient, golden: Golden) -> None:
    ids: list[Any] = [BATCH, UUID(BATCH), None]
    for one in ids:
        with pytest.raises(InvalidArgument) as refused:
            await cms.get_batch_class_info(one)
        golden.check(str(refused.value))


async def test_no_ids_make_no_request(cms: CMSClient) -> None:
    assert await cms.get_batch_class_info([]) == {}


async def test_an_id_missing_from_the_answer_is_a_violation_and_one_too_many_is_ignored(
    cms: CMSClient, router: respx.MockRouter, golden: Golden
) -> None:
    first, second, third = ids(3)
    route = router.get(path__startswith="/").respond(json={first: CLASS, third: None})
    with pytest.raises(ContractViolation) as caught:
        await cms.get_batch_class_info([first, second])

    assert (caught.value.status_code, caught.value.operation) == (200, "get_batch_class_info")
    golden.check(caught.value.detail)
    assert await cms.get_batch_class_info([third]) == {third: None}
    assert route.call_count == 2


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"class_id": CLASS["class_id"]}, id="no-name"),
        pytest.param({**CLASS, "class_name": None}, id="null-name"),
        pytest.param({**CLASS, "class_id": "SA24B"}, id="class-id-that-is-no-uuid"),
        pytest.param({**CLASS, "class_id": CLASS["class_id"].upper()}, id="upper-case-class-id"),
        pytest.param([], id="list"),
        pytest.param("SA24B", id="text"),
    ],
)
async def test_a_class_outside_the_contract_is_a_violation(
    cms: CMSClient, router: respx.MockRouter, value: Any
) -> None:
    router.get(path__startswith="/").respond(json={BATCH: value})

    with pytest.raises(ContractViolation):
        await cms.get_batch_class_info([BATCH])


@pytest.mark.parametrize("base_url", ["http://cms.test", "http://cms.test/" + "p" * 500])
async def test_many_ids_go_in_requests_of_at_most_100_ids_4000_bytes_and_4_at_a_time(
    settings: BackendSettings, base_url: str
) -> None:
    running = most = 0
    requests: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        requests.append(request)
        for _ in range(20):  # lets every request that may start do so
            await asyncio.sleep(0)
        running -= 1
        return all_with_class(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        cms = CMSClient(http, settings.model_copy(update={"cms_base_url": base_url}))
        classes = await cms.get_batch_class_info(ids(1000))

    assert list(classes) == ids(1000)
    assert most == 4
    assert max(len(asked(request)) for request in requests) <= 100
    assert max(len(str(request.url)) for request in requests) <= 4000
    assert len({request.headers["X-Correlation-ID"] for request in requests}) == 1


@pytest.mark.parametrize(("spare", "first"), [(0, 90), (1, 90), (-1, 89)], ids=["fits", "a-byte-left", "a-byte-short"])
async def test_as_many_ids_go_in_a_request_as_4000_bytes_hold(
    settings: BackendSettings, spare: int, first: int
) -> None:
    rest = "/internal/v1/batches/class-info?batch_ids=" + ",".join(ids(90))
    base_url = "http://cms.test/".ljust(4000 - len(rest) - spare, "p")
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return all_with_class(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await CMSClient(http, settings.model_copy(update={"cms_base_url": base_url})).get_batch_class_info(ids(100))

    assert [len(asked(request)) for request in requests] == [first, 100 - first]


async def test_one_failing_request_of_many_is_that_error_and_ends_the_others(
    cms: CMSClient, router: respx.MockRouter
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503) if ids(1)[0] in asked(request) else all_with_class(request)

    router.get(path__startswith="/").mock(side_effect=answer)

    with pytest.raises(BackendUnavailable) as caught:
        await cms.get_batch_class_info(ids(300))

    assert (caught.value.reason, caught.value.status_code) == ("status", 503)
