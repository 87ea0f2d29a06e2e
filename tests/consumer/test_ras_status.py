"""What the BFF needs of RAS's status of one batch."""

import json

import httpx
import pytest

from bff_clients import BatchDetails, BatchStatus, RASClient
from bff_contracts.states import BATCH_MISSING, USER_HAS_BATCHES
from tests.consumer import rules
from tests.consumer.conftest import Receives
from tests.consumer.recording import STATUS_PATH_PATTERN, settings_for
from tests.consumer.rows import (
    TEACHER,
    UNKNOWN_BATCH,
    Json,
    batch_row,
    essay_row,
    full_answer,
    ranked,
    spellchecked,
    status_answer,
)

pytestmark = pytest.mark.anyio

_STARTED: Json = {
    "requested_pipeline": "spellcheck,cj_assessment",
    "processing_started_at": "2026-01-31T09:00:00",
}
_ENDED: Json = _STARTED | {
    "processing_completed_at": "2026-01-31T09:12:34.567",
    "student_prompt_ref": {"references": {"student_prompt_text": {"storage_id": "prompt-0001", "path": ""}}},
}
_FAILED_ESSAY = spellchecked(
    2,
    cj_assessment_status="failed",
    cj_assessment_error_detail={
        "error_code": "CJ_ASSESSMENT_SERVICE_ERROR",
        "message": "LLM comparison failed",
        "details": {},
    },
)
_COMPLETED = batch_row(
    8,
    BatchStatus.COMPLETED_SUCCESSFULLY,
    completed_essay_count=3,
    essays=[ranked(0), ranked(1), ranked(2)],
    **_ENDED,
)
_WITH_FAILURES = batch_row(
    9,
    BatchStatus.COMPLETED_WITH_FAILURES,
    assignment_id=None,
    completed_essay_count=2,
    failed_essay_count=1,
    essays=[ranked(0), ranked(1), _FAILED_ESSAY],
    **_ENDED,
)
_IN_SPELLCHECK = batch_row(
    4,
    BatchStatus.PROCESSING_PIPELINES,
    essays=[spellchecked(0), essay_row(1, spellcheck_status="processing"), essay_row(2, filename=None)],
    **_STARTED,
)
_IN_CJ_ASSESSMENT = batch_row(
    5,
    BatchStatus.PROCESSING_PIPELINES,
    essays=[
        ranked(0),
        spellchecked(1, cj_assessment_status="processing"),
        essay_row(2, spellcheck_status="failed"),  # a phase that failed is over
    ],
    **_STARTED,
)
_WITHOUT_CONTENT = batch_row(0, BatchStatus.AWAITING_CONTENT_VALIDATION, assignment_id=None)


async def test_shape_of_a_status(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """The status is about the batch asked for, in the forms that the client's models read, essays included."""
    row = batch_row(3, BatchStatus.COMPLETED_SUCCESSFULLY, completed_essay_count=1, essays=[ranked(0)], **_ENDED)
    expected = (
        ras_receives("batch status: a batch")
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[row])
        .shape()
        .get(_path(row["batch_id"]), STATUS_PATH_PATTERN)
        .authenticated()
        .answers(200, status_answer(row, TEACHER), rules.status_shape())
    )

    with expected.served() as url:
        details = await RASClient(http, settings_for(url)).get_batch_status(row["batch_id"])

    assert details == BatchDetails.model_validate_json(json.dumps(status_answer(row, TEACHER)))


@pytest.mark.parametrize(
    ("description", "row", "answer"),
    [
        pytest.param(
            "batch status: completed successfully",
            _COMPLETED,
            full_answer(_COMPLETED, TEACHER),
            id="completed",
        ),
        pytest.param(
            "batch status: completed with a failed essay",
            _WITH_FAILURES,
            full_answer(_WITH_FAILURES, TEACHER),
            id="with-failures",
        ),
        pytest.param(
            "batch status: in spellcheck",
            _IN_SPELLCHECK,
            status_answer(_IN_SPELLCHECK, TEACHER),
            id="in-spellcheck",
        ),
        pytest.param(
            "batch status: in CJ assessment",
            _IN_CJ_ASSESSMENT,
            status_answer(_IN_CJ_ASSESSMENT, TEACHER),
            id="in-cj-assessment",
        ),
        pytest.param(
            "batch status: no content yet",
            _WITHOUT_CONTENT,
            status_answer(_WITHOUT_CONTENT, TEACHER),
            id="no-content",
        ),
    ],
)
async def test_status(
    ras_receives: Receives, http: httpx.AsyncClient, description: str, row: Json, answer: Json
) -> None:
    """What RAS answers follows from the rows: client status, phase, counts, and every essay's outcome."""
    expected = (
        ras_receives(description)
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[row])
        .get(_path(row["batch_id"]), STATUS_PATH_PATTERN)
        .authenticated()
        .answers(200, answer, rules.moments(answer))
    )

    with expected.served() as url:
        details = await RASClient(http, settings_for(url)).get_batch_status(row["batch_id"])

    assert details == BatchDetails.model_validate_json(json.dumps(answer))


async def test_unknown_batch(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A batch that RAS does not know is a 404 that says so, which the client gives as `None`."""
    expected = (
        ras_receives("batch status: no such batch")
        .given(BATCH_MISSING, batch_id=UNKNOWN_BATCH)
        .get(_path(UNKNOWN_BATCH), STATUS_PATH_PATTERN)
        .authenticated()
        .answers(404, {"error": "Batch not found"})
    )

    with expected.served() as url:
        details = await RASClient(http, settings_for(url)).get_batch_status(UNKNOWN_BATCH)

    assert details is None


def _path(batch_id: str) -> str:
    return f"/internal/v1/batches/{batch_id}/status"
