"""The rows that provider states seed, and what RAS makes of them in its answers."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from bff_clients import BatchClientStatus, BatchStatus

Json = dict[str, Any]

TEACHER: Final = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d01"
UNKNOWN_BATCH: Final = "00000000-0000-4000-8000-000000000000"
LISTED_BATCH: Final = "ac0472f4-280c-5a29-8c6d-d680c8ea6887"
ASKED_BATCH: Final = "87d27851-8f2c-5a6b-b0c7-a0ca752167e0"
VALIDATED_BATCHES: Final = ("26b9045a-e947-5833-ab3e-161507389763", "4131225d-4ed8-56da-be2a-ddb41998925a")
NAMED_BATCH: Final = "c3ef3f4e-4f6a-5f0c-9a51-6f2f7a0d8b11"
"""The batches of shapes."""

SHELF: Final = 7
"""How many rows a shelf has."""

_NAMESPACE: Final = UUID("5c1f3d0e-8f57-4a0c-9d0e-2b7a1c6f4e19")

# What each row of a shelf has of a column, by its place among the values in order, and when it is stored. No column
# ascends or descends with another one, so that sorting by the wrong one, or not at all, is detected.
_BY_BATCH_ID: Final = (1, 4, 0, 3, 6, 2, 5)
_BY_LAST_UPDATED: Final = (2, 0, 5, 3, 1, 6, 4)
_BY_ASSIGNMENT: Final = (3, 5, 0, 2, 4, 6, 1)
_BY_ESSAY_COUNT: Final = (1, 5, 2, 6, 3, 0, 4)
_STORED: Final = (5, 1, 4, 0, 3, 6, 2)
_CREATED: Final = (
    "2026-01-31T08:15:30.120",
    "2026-01-31T08:15:30.119",  # a millisecond older
    "2026-01-31T07:00:00",
    "2026-01-30T23:59:59.999",
    "2026-01-30T09:30:00.120456",
    "2025-12-31T23:00:00.001",
    "2025-07-01T09:30:00.120455",
)
"""When each row of a shelf was made: number 0 is the newest. They share days, seconds and times of the day."""

_TASKS: Final = (
    "Uppgift 10: Argumenterande tal",
    "Uppgift 2: Romeo och Julia",
    "Uppgift 3: Min språkliga bakgrund",
    "Uppgift 4: Novellanalys",
    "uppgift 5: källkritik",
    "Åk 1 – ENG5",
    "Övning 7 – SA24B",
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


def uuid_of(*words: object) -> str:
    """A UUID that is made of words: the same each time."""
    return str(uuid5(_NAMESPACE, "/".join(map(str, words))))


def ids_of(interaction: str, count: int) -> list[str]:
    """The ids of the batches of one interaction with CMS, unsorted; no other interaction of its endpoint uses them."""
    return [uuid_of("class", interaction, number) for number in range(count)]


def teacher_of(interaction: str) -> str:
    """The teacher of one interaction and of no other: RAS caches what it answered about a user."""
    return uuid_of("teacher", interaction)


def batch_row(batch_id: str, status: BatchStatus, **changes: Any) -> Json:
    """A row of RAS with this id."""
    created = changes.get("created_at", "2026-01-31T08:15:30.120")
    row: Json = {
        "batch_id": batch_id,
        "internal_status": status.value,
        "assignment_id": "Uppgift 1: Romeo och Julia",
        "essay_count": max(3, len(changes.get("essays", ()))),
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


def shelf(name: str, statuses: Sequence[BatchStatus]) -> list[Json]:
    """The rows of a teacher in these statuses, newest first; no column has them in that order, nor in its reverse."""
    ids = sorted(uuid_of("batch", name, number) for number in range(SHELF))
    return [
        batch_row(
            ids[_BY_BATCH_ID[number]],
            status,
            assignment_id=_TASKS[_BY_ASSIGNMENT[number]],
            essay_count=_BY_ESSAY_COUNT[number] + 3,
            created_at=_CREATED[number],
            last_updated=f"2026-02-01T10:0{_BY_LAST_UPDATED[number]}:00",
        )
        for number, status in enumerate(statuses)
    ]


def stored(rows: Sequence[Json]) -> list[Json]:
    """The rows of a shelf in the order in which a provider state lists them."""
    return [rows[number] for number in _STORED if number < len(rows)]


def essay_row(essay_id: str, **changes: Any) -> Json:
    """An unprocessed essay of a row."""
    row: Json = {
        "essay_id": essay_id,
        "filename": "uppsats_öhman.docx",
        "file_upload_id": uuid_of("upload", essay_id),
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


def spellchecked(essay_id: str, **changes: Any) -> Json:
    """An essay that is through its spellcheck."""
    text = uuid_of("text", essay_id).replace("-", "")
    done = {"spellcheck_correction_count": 7, "spellcheck_corrected_text_storage_id": text}
    return essay_row(essay_id, spellcheck_status="completed", **(done | changes))


def ranked(essay_id: str, **changes: Any) -> Json:
    """An essay that is through both phases."""
    done = {"cj_assessment_status": "completed", "cj_rank": 1, "cj_score": 0.87}
    return spellchecked(essay_id, **(done | changes))


def name_row(essay: str, student: str, first_name: str, last_name: str, full_name: str | None) -> Json:
    """The author of an essay; ids are derived from the words for essay and student."""
    name = {"first_name": first_name, "last_name": last_name, "legal_full_name": full_name}
    return {
        "essay_id": uuid_of("essay", essay),
        "student_id": uuid_of("student", student),
        "student_person_name": name,
    }


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
    """The fields of a row that the BFF reads in a list."""
    return {name: value for name, value in full_answer(row, user_id).items() if name not in _UNPINNED}


def status_answer(row: Json, user_id: str) -> Json:
    """The fields of one batch and its essays that the BFF reads."""
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
