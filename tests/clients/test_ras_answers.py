"""What the RAS client makes of each answer."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import respx

from bff_clients import (
    AuthenticationRejected,
    BackendRejected,
    BackendUnavailable,
    BatchClientStatus,
    ContractViolation,
    ProcessingPhase,
    RASClient,
)
from bff_clients.config import DEFAULT_MAX_RESPONSE_BYTES
from tests.support.golden import Golden
from tests.support.platform import BATCH, TEACHER, recorded
from tests.support.ras_pages import page, row

pytestmark = pytest.mark.anyio
OTHER = "00000000-0000-4000-8000-000000000001"


def details(**changes: Any) -> dict[str, Any]:
    return {**json.loads(recorded("ras_batch_status_completed_with_failures").body), "batch_id": BATCH, **changes}


async def test_the_answer_to_a_request_for_json_may_be_labelled_in_any_case(
    ras: RASClient, router: respx.MockRouter
) -> None:
    router.get(path__startswith="/").respond(json=page(), headers={"Content-Type": "Application/JSON ; a=b"})

    assert (await ras.get_batches_for_user(TEACHER)).batches == ()


async def test_the_recorded_page_reads_as_batches(ras: RASClient, router: respx.MockRouter) -> None:
    answer = recorded("ras_user_batches_all_statuses")
    router.get(path__startswith="/").respond(200, content=answer.body, content_type=answer.content_type)
    found = await ras.get_batches_for_user(TEACHER)
    batches = found.batches

    assert (len(batches), found.pagination.total) == (12, 12)
    assert {batch.overall_status for batch in batches} == set(BatchClientStatus)
    assert batches[4].current_phase is ProcessingPhase.SPELLCHECK
    assert batches[0].created_at == datetime(2026, 1, 31, 8, 15, 30, 120000, tzinfo=UTC)


async def test_the_recorded_unknown_user_has_an_empty_page(ras: RASClient, router: respx.MockRouter) -> None:
    answer = recorded("ras_user_batches_unknown_user")
    router.get(path__startswith="/").respond(200, content=answer.body, content_type=answer.content_type)

    assert (await ras.get_batches_for_user(OTHER)).batches == ()


@pytest.mark.parametrize(
    ("name", "essays"),
    [
        pytest.param("ras_batch_status_awaiting_content", 0, id="no-content"),
        pytest.param("ras_batch_status_processing", 3, id="processing"),
        pytest.param("ras_batch_status_completed_with_failures", 3, id="with-failures"),
    ],
)
async def test_a_recorded_status_reads_as_batch_with_essays(
    ras: RASClient, router: respx.MockRouter, name: str, essays: int
) -> None:
    answer = recorded(name)
    batch_id = answer.target.split("/")[-2]
    router.get(path__startswith="/").respond(200, content=answer.body, content_type=answer.content_type)
    batch = await ras.get_batch_status(batch_id.upper().replace("-", ""))

    assert batch is not None
    assert (batch.batch_id, len(batch.essays)) == (batch_id, essays)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param("ras_missing_authentication", AuthenticationRejected, id="missing-key"),
        pytest.param("ras_invalid_credentials", AuthenticationRejected, id="wrong-key"),
        pytest.param("ras_internal_error", BackendUnavailable, id="internal-error"),
    ],
)
async def test_a_recorded_refusal_is_its_error(
    ras: RASClient, router: respx.MockRouter, name: str, error: type[Exception]
) -> None:
    answer = recorded(name)
    router.get(path__startswith="/").respond(answer.status, content=answer.body, content_type=answer.content_type)

    with pytest.raises(error):
        await ras.get_batches_for_user(TEACHER)


async def test_only_the_contracts_own_404_means_no_such_batch(ras: RASClient, router: respx.MockRouter) -> None:
    answer = recorded("ras_batch_status_unknown")
    route = router.get(path__startswith="/").respond(404, content=answer.body, content_type=answer.content_type)
    assert await ras.get_batch_status(BATCH) is None

    route.respond(404, html="<h1>Not Found</h1>")
    with pytest.raises(BackendRejected):
        await ras.get_batch_status(BATCH)
    route.respond(404, json={"error": "no such route"})
    with pytest.raises(BackendRejected):
        await ras.get_batch_status(BATCH)
    route.respond(404, json={"error": "Batch not found", "more": "x" * 5000})
    with pytest.raises(BackendRejected):
        await ras.get_batch_status(BATCH)
    route.respond(404, json={"error": "Batch not found", "more": "x" * DEFAULT_MAX_RESPONSE_BYTES})
    with pytest.raises(BackendRejected):
        await ras.get_batch_status(BATCH)
    route.respond(404, json={"error": "Batch not found"}, content_type="text/html")
    with pytest.raises(BackendRejected):
        await ras.get_batch_status(BATCH)


@pytest.mark.parametrize(
    "word", [*ProcessingPhase, pytest.param("grading", id="a-new-one"), pytest.param("", id="an-empty-one")]
)
async def test_a_phase_may_be_any_word(ras: RASClient, router: respx.MockRouter, word: str) -> None:
    """A new phase of the platform does not break a page: it is returned as text."""
    router.get(path__startswith="/").respond(json=page(row(current_phase=str(word))))

    (batch,) = (await ras.get_batches_for_user(TEACHER)).batches

    assert batch.current_phase == word
    assert isinstance(batch.current_phase, ProcessingPhase) == (word in set(ProcessingPhase))


async def test_a_batch_that_only_the_orchestrator_knows_is_rejected(ras: RASClient, router: respx.MockRouter) -> None:
    """RAS's 400 does not mean "no such batch": the batch exists, and RAS has no data about it."""
    router.get(path__startswith="/").respond(400, json={"error": "Invalid batch ID"})

    with pytest.raises(BackendRejected) as caught:
        await ras.get_batch_status(BATCH)

    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"user_id": OTHER}, id="another-users-row"),
        pytest.param({"essay_count": "3"}, id="count-as-text"),
        pytest.param({"essay_count": 3.0}, id="count-as-float"),
        pytest.param({"essay_count": True}, id="count-as-bool"),
        pytest.param({"essay_count": 10**30}, id="count-beyond-64-bits"),
        pytest.param({"batch_id": BATCH.upper()}, id="upper-case-id"),
        pytest.param({"batch_id": "batch-1"}, id="id-that-is-no-uuid"),
        pytest.param({"overall_status": "processing_pipelines"}, id="internal-status"),
        pytest.param({"overall_status": None}, id="null-status"),
        pytest.param({"current_phase": 5}, id="phase-as-number"),
        pytest.param({"created_at": "2026-02-30T08:15:30"}, id="impossible-date"),
        pytest.param({"created_at": "2026-01-31"}, id="date-alone"),
        pytest.param({"created_at": "2026-01-31 08:15:30"}, id="blank-for-T"),
        pytest.param({"created_at": "1700000000"}, id="unix-time-as-text"),
        pytest.param({"created_at": 1700000000}, id="unix-time"),
        pytest.param({"created_at": "2026-01-31T08:15:30\n"}, id="line-end"),
        pytest.param({"created_at": None}, id="null-date"),
        pytest.param({"assignment_id": 5}, id="assignment-as-number"),
    ],
)
async def test_a_row_outside_the_contract_is_a_violation(
    ras: RASClient, router: respx.MockRouter, changes: dict[str, Any]
) -> None:
    router.get(path__startswith="/").respond(json=page(row(**changes)))

    with pytest.raises(ContractViolation):
        await ras.get_batches_for_user(TEACHER)


async def test_a_row_of_another_user_is_a_violation(ras: RASClient, router: respx.MockRouter, golden: Golden) -> None:
    router.get(path__startswith="/").respond(json=page(row(), row(user_id=OTHER)))
    with pytest.raises(ContractViolation) as caught:
        await ras.get_batches_for_user(TEACHER)

    assert caught.value.status_code == 200
    golden.check(caught.value.detail)


@pytest.mark.parametrize(
    "field", sorted(set(json.loads(recorded("ras_batch_status_processing").body)) - {"student_prompt_ref"})
)
async def test_a_missing_field_is_a_violation_that_names_it(
    ras: RASClient, router: respx.MockRouter, field: str
) -> None:
    router.get(path__startswith="/").respond(json={k: v for k, v in details().items() if k != field})

    with pytest.raises(ContractViolation, match=field):
        await ras.get_batch_status(BATCH)


async def test_another_batch_than_asked_for_is_a_violation(
    ras: RASClient, router: respx.MockRouter, golden: Golden
) -> None:
    router.get(path__startswith="/").respond(json=details(batch_id=OTHER))
    with pytest.raises(ContractViolation) as caught:
        await ras.get_batch_status(BATCH)

    assert (caught.value.status_code, caught.value.operation) == (200, "get_batch_status")
    golden.check(caught.value.detail)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[]", id="no-object"),
        pytest.param("{", id="no-json"),
        pytest.param("{}", id="two-fields"),
        pytest.param('{"batches": [], "pagination": {}}', id="as-many-as-are-shown"),
        pytest.param('{"batches": 5, "pagination": {}}', id="one-more-than-is-shown"),
    ],
)
async def test_a_violation_says_where_and_how_for_the_first_three(
    ras: RASClient, router: respx.MockRouter, body: str, golden: Golden
) -> None:
    router.get(path__startswith="/").respond(content=body.encode(), content_type="application/json")
    with pytest.raises(ContractViolation) as caught:
        await ras.get_batches_for_user(TEACHER)

    assert (caught.value.status_code, caught.value.service) == (200, "result-aggregator-service")
    golden.check(caught.value.detail)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-01-31T08:15:30", datetime(2026, 1, 31, 8, 15, 30, tzinfo=UTC), id="naive"),
        pytest.param("2026-01-31T08:15:30.120Z", datetime(2026, 1, 31, 8, 15, 30, 120000, tzinfo=UTC), id="zulu"),
        pytest.param("2026-01-31T08:15:30+02:00", datetime(2026, 1, 31, 6, 15, 30, tzinfo=UTC), id="offset"),
    ],
)
async def test_date_times_are_aware_and_utc(
    ras: RASClient, router: respx.MockRouter, text: str, moment: datetime
) -> None:
    router.get(path__startswith="/").respond(json=page(row(created_at=text)))
    (batch,) = (await ras.get_batches_for_user(TEACHER)).batches

    assert batch.created_at == moment
    assert batch.created_at.tzinfo is UTC


async def test_a_moment_that_has_no_utc_stays_as_written(ras: RASClient, router: respx.MockRouter) -> None:
    router.get(path__startswith="/").respond(json=page(row(created_at="9999-12-31T23:30:00-01:00")))
    (batch,) = (await ras.get_batches_for_user(TEACHER)).batches

    assert batch.created_at.utcoffset() is not None


@pytest.mark.parametrize("score", ["1e400", "NaN", "-Infinity"])
async def test_a_score_that_is_not_finite_is_a_violation(ras: RASClient, router: respx.MockRouter, score: str) -> None:
    answer = recorded("ras_batch_status_completed_with_failures")
    body = re.sub(rb'"cj_score": ?[\d.]+', f'"cj_score":{score}'.encode(), answer.body, count=1)
    router.get(path__startswith="/").respond(200, content=body, content_type=answer.content_type)

    assert score.encode() in body
    with pytest.raises(ContractViolation, match=r"essays\.\d\.cj_score: finite_number"):
        await ras.get_batch_status(answer.target.split("/")[-2])
