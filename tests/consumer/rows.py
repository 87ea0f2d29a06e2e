"""The rows that provider states seed, and what RAS makes of them in its answers."""

from typing import Any, Final

from bff_clients import BatchClientStatus, BatchStatus

Json = dict[str, Any]

TEACHER: Final = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d01"
OTHER_TEACHER: Final = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d02"
NEW_TEACHER: Final = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d03"
UNKNOWN_BATCH: Final = "00000000-0000-4000-8000-000000000000"

BATCH_IDS: Final = (
    "26b9045a-e947-5833-ab3e-161507389763",
    "4131225d-4ed8-56da-be2a-ddb41998925a",
    "8232d49d-8ace-5fcf-bc17-5fc74acfda47",
    "87d27851-8f2c-5a6b-b0c7-a0ca752167e0",
    "ac0472f4-280c-5a29-8c6d-d680c8ea6887",
    "27a105fb-df84-52d8-9c2c-aaf271e88204",
    "fc88ee83-ccce-5511-9851-39c9408db76b",
    "4612b89f-cbba-51fa-8713-e0f02c216020",
    "1028858f-400c-5188-9318-a261360e9b7e",
    "c4da1a83-6cab-5502-8f03-199690709cb9",
    "e5110e91-4b3d-50e2-b3d2-1e9c4f32d038",
    "c3dca9af-d43f-59a5-9771-bd61fd22fc54",
)

SWEDISH_CLASS: Final = {"class_id": "d1ff7f61-e9db-5c67-9cc7-657c06dcda5a", "class_name": "Svenska 1 \u2013 SA24B"}
ENGLISH_CLASS: Final = {"class_id": "c681848a-fffa-5975-8e01-773b1263c29d", "class_name": "Engelska 6 NA23a"}

CLIENT_STATUS: Final = {
    BatchStatus.AWAITING_CONTENT_VALIDATION: BatchClientStatus.PENDING_CONTENT,
    BatchStatus.AWAITING_PIPELINE_CONFIGURATION: BatchClientStatus.PENDING_CONTENT,
    BatchStatus.READY_FOR_PIPELINE_EXECUTION: BatchClientStatus.READY,
    BatchStatus.PROCESSING_PIPELINES: BatchClientStatus.PROCESSING,
    BatchStatus.AWAITING_STUDENT_VALIDATION: BatchClientStatus.PROCESSING,
    BatchStatus.STUDENT_VALIDATION_COMPLETED: BatchClientStatus.PROCESSING,
    BatchStatus.VALIDATION_TIMEOUT_PROCESSED: BatchClientStatus.PROCESSING,
    BatchStatus.COMPLETED_SUCCESSFULLY: BatchClientStatus.COMPLETED_SUCCESSFULLY,
    BatchStatus.COMPLETED_WITH_FAILURES: BatchClientStatus.COMPLETED_WITH_FAILURES,
    BatchStatus.CONTENT_INGESTION_FAILED: BatchClientStatus.FAILED,
    BatchStatus.FAILED_CRITICALLY: BatchClientStatus.FAILED,
    BatchStatus.CANCELLED: BatchClientStatus.CANCELLED,
}

_UNPINNED: Final = ("essays", "student_prompt_ref")
"""What the BFF does not read of a batch in a list."""


def batch_row(number: int, status: BatchStatus, **changes: Any) -> Json:
    """A row of RAS: number 0 is the newest, each further one is a day older."""
    created = f"2026-01-{31 - number:02d}T08:15:30.120"
    row: Json = {
        "batch_id": BATCH_IDS[number],
        "internal_status": status.value,
        "assignment_id": f"Uppgift {number + 1}: Romeo och Julia",
        "essay_count": 3,
        "completed_essay_count": 0,
        "failed_essay_count": 0,
        "requested_pipeline": None,
        "essays": [],
        "created_at": created,
        "last_updated": created,
        "processing_started_at": None,
        "processing_completed_at": None,
        "student_prompt_ref": None,
    }
    return row | changes


def essay_row(number: int, **changes: Any) -> Json:
    """An essay of a row, as it is before anything was done to it."""
    row: Json = {
        "essay_id": f"081004b3-e70a-5c2b-9fc8-8f77691236a{number}",
        "filename": ("uppsats_öhman.docx", "uppsats_ekström.docx", "uppsats_al-hassan.docx")[number],
        "file_upload_id": f"2acc3d42-a522-5050-8f9e-2a987115416{number}",
        "spellcheck_status": None,
        "spellcheck_correction_count": None,
        "spellcheck_corrected_text_storage_id": None,
        "spellcheck_error_detail": None,
        "cj_assessment_status": None,
        "cj_rank": None,
        "cj_score": None,
        "cj_assessment_error_detail": None,
        "last_updated": "2026-01-31T09:10:00",
    }
    return row | changes


def spellchecked(number: int, **changes: Any) -> Json:
    """An essay that is through its spellcheck."""
    return essay_row(
        number,
        spellcheck_status="completed",
        spellcheck_correction_count=7 + number,
        spellcheck_corrected_text_storage_id=f"9ecd25f1ba2052d9a21dfa8f39d9214{number}",
        **changes,
    )


def ranked(number: int) -> Json:
    """An essay that is through both phases."""
    return spellchecked(
        number, cj_assessment_status="completed", cj_rank=number + 1, cj_score=(0.87, 0.68, 0.49)[number]
    )


def phase(row: Json) -> str | None:
    """The first phase that an essay of the batch has not finished, for batches in the pipelines only."""
    if row["internal_status"] != BatchStatus.PROCESSING_PIPELINES:
        return None
    done = {"completed", "failed", "cancelled"}
    for name in ("spellcheck", "cj_assessment"):
        if any(essay[f"{name}_status"] not in done for essay in row["essays"]):
            return name
    return None


def full_answer(row: Json, user_id: str) -> Json:
    """All that RAS answers about a row."""
    shown = {name: value for name, value in row.items() if name != "internal_status"}
    client_status = CLIENT_STATUS[BatchStatus(row["internal_status"])]
    return shown | {"user_id": user_id, "overall_status": client_status.value, "current_phase": phase(row)}


def list_answer(row: Json, user_id: str) -> Json:
    """What the BFF reads of a row in a list."""
    return {name: value for name, value in full_answer(row, user_id).items() if name not in _UNPINNED}


def status_answer(row: Json, user_id: str) -> Json:
    """What the BFF reads of one batch and its essays."""
    essays = [
        {name: value for name, value in essay.items() if not name.endswith("_error_detail")} for essay in row["essays"]
    ]
    return list_answer(row, user_id) | {"essays": essays}


def page_answer(rows: list[Json], user_id: str, *, limit: int = 20, offset: int = 0, total: int | None = None) -> Json:
    """A page of these rows, in this order."""
    return {
        "batches": [list_answer(row, user_id) for row in rows],
        "pagination": {"limit": limit, "offset": offset, "total": len(rows) if total is None else total},
    }
