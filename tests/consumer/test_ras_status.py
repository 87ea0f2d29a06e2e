"""What the BFF needs of RAS's status of one batch."""

import json
from typing import Any, Final

import httpx
import pytest

from bff_clients import BatchDetails, BatchStatus, RASClient
from bff_contracts.states import BATCH_MISSING, USER_HAS_BATCHES
from tests.consumer import rules
from tests.consumer.conftest import Receives
from tests.consumer.recording import STATUS_PATH_PATTERN, Expectation, settings_for
from tests.consumer.rows import (
    ASKED_BATCH,
    TEACHER,
    UNKNOWN_BATCH,
    Json,
    batch_row,
    essay_row,
    full_answer,
    ranked,
    spellchecked,
    status_answer,
    uuid_of,
)

pytestmark = pytest.mark.anyio

_STARTED: Json = {
    "requested_pipeline": "spellcheck,cj_assessment",
    "processing_started_at": "2026-01-31T09:00:00",
}
_ENDED: Json = _STARTED | {
    "processing_completed_at": "2026-01-31T09:12:34.567",
    "last_updated": "2026-01-31T09:12:34.567",
    "student_prompt_ref": {"references": {"student_prompt_text": {"storage_id": "prompt-0001", "path": ""}}},
}
_FAILED: Json = {"cj_assessment_status": "failed", "cj_rank": None, "cj_score": None}


def _row(name: str, status: BatchStatus, essays: list[Json], **changes: Any) -> Json:
    """A row with essays, in an order that nothing about them has."""
    return batch_row(uuid_of("batch", name), status, essays=essays, **changes)


def _essay(name: str, number: int) -> str:
    return uuid_of("essay", name, number)


def _detail(message: str) -> Json:
    return {"error_code": "CJ_ASSESSMENT_SERVICE_ERROR", "message": message, "details": {}}


_COMPLETED = _row(
    "completed",
    BatchStatus.COMPLETED_SUCCESSFULLY,
    [
        ranked(_essay("completed", 0), cj_rank=2, cj_score=0.68, filename="uppsats_ekström.docx"),
        ranked(_essay("completed", 1), cj_rank=3, cj_score=0.49, filename="uppsats_al-hassan.docx"),
        ranked(_essay("completed", 2), cj_rank=1, cj_score=0.87, spellcheck_correction_count=0),
    ],
    completed_essay_count=3,
    **_ENDED,
)
_WITH_FAILURES = _row(
    "with failures",
    BatchStatus.COMPLETED_WITH_FAILURES,
    [
        ranked(_essay("with failures", 0), cj_rank=2, cj_score=0.0, filename=""),
        spellchecked(_essay("with failures", 1), **_FAILED),
        ranked(_essay("with failures", 2), cj_score=1.0),
    ],
    assignment_id=None,
    completed_essay_count=2,
    failed_essay_count=1,
    **_ENDED,
)
_ALL_FAILED = _row(
    "all failed",
    BatchStatus.COMPLETED_WITH_FAILURES,
    [
        spellchecked(_essay("all failed", 0), cj_assessment_error_detail=_detail("no comparison"), **_FAILED),
        spellchecked(_essay("all failed", 1), cj_assessment_error_detail=_detail("LLM failed"), **_FAILED),
    ],
    essay_count=2,
    failed_essay_count=2,
    **_ENDED,
)
_IN_SPELLCHECK = _row(
    "in spellcheck",
    BatchStatus.PROCESSING_PIPELINES,
    [
        spellchecked(_essay("in spellcheck", 0)),
        essay_row(_essay("in spellcheck", 1), filename=None),
        spellchecked(_essay("in spellcheck", 2), cj_assessment_status="cancelled"),
    ],
    **_STARTED,
)
_IN_CJ_ASSESSMENT = _row(
    "in CJ assessment",
    BatchStatus.PROCESSING_PIPELINES,
    [
        ranked(_essay("in CJ assessment", 0)),
        spellchecked(_essay("in CJ assessment", 1), cj_assessment_status="processing"),
        # A phase that failed is over.
        essay_row(_essay("in CJ assessment", 2), spellcheck_status="failed", cj_assessment_status="cancelled"),
    ],
    **_STARTED,
)
_WITHOUT_CONTENT = _row("no content", BatchStatus.AWAITING_CONTENT_VALIDATION, [], assignment_id=None)
_OTHER_STATUSES: Final = [
    status
    for status in BatchStatus
    if status not in {one["internal_status"] for one in (_COMPLETED, _WITH_FAILURES, _IN_SPELLCHECK, _WITHOUT_CONTENT)}
]


async def test_shape_of_a_status(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """The status is about the batch asked for, in the forms that the client's models read, essays included."""
    essays = [spellchecked(uuid_of("essay", "a batch"), cj_assessment_status="processing")]
    row = batch_row(ASKED_BATCH, BatchStatus.PROCESSING_PIPELINES, essays=essays, **_STARTED)
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
            status_answer(_WITH_FAILURES, TEACHER),
            id="with-failures",
        ),
        pytest.param(
            "batch status: every essay failed",
            _ALL_FAILED,
            full_answer(_ALL_FAILED, TEACHER),
            id="all-failed",
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
    await _read(http, ras_receives(description), row, answer)


@pytest.mark.parametrize("status", _OTHER_STATUSES, ids=lambda status: status.value)
async def test_each_status(ras_receives: Receives, http: httpx.AsyncClient, status: BatchStatus) -> None:
    """Each internal status is shown as the same client status as in a list, and makes no phase of its essays."""
    row = _row(status, status, [essay_row(_essay(status, 0), spellcheck_status="processing")])
    expected = ras_receives(f"batch status: in the internal status {status.value}")

    await _read(http, expected, row, status_answer(row, TEACHER))


async def _read(http: httpx.AsyncClient, expected: Expectation, row: Json, answer: Json) -> None:
    """Expect an answer about a row that is stored between others, one of them with nearly the same id, and read it."""
    batch_id = row["batch_id"]
    others = [
        batch_row(
            batch_id[:-1] + ("0" if batch_id[-1] != "0" else "1"), BatchStatus.CANCELLED, assignment_id="another"
        ),
        _row(f"beside {batch_id}", BatchStatus.PROCESSING_PIPELINES, [essay_row(_essay(batch_id, 9))]),
    ]
    expected.given(USER_HAS_BATCHES, user_id=TEACHER, batches=[others[0], row, others[1]])
    expected.get(_path(batch_id), STATUS_PATH_PATTERN).authenticated().answers(200, answer, rules.pinned(answer))

    with expected.served() as url:
        details = await RASClient(http, settings_for(url)).get_batch_status(batch_id)

    assert details == BatchDetails.model_validate_json(json.dumps(answer))


async def test_unknown_batch(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A batch that RAS does not know is a 404 that says so, which the client gives as `None`."""
    near = batch_row(f"{UNKNOWN_BATCH[:-1]}1", BatchStatus.READY_FOR_PIPELINE_EXECUTION)
    expected = (
        ras_receives("batch status: no such batch")
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[near])
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
