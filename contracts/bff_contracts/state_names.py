"""The names and statuses of the provider states, for programs that need no params: the models load Pydantic."""

from datetime import UTC, datetime
from typing import Final, Literal

USER_HAS_BATCHES: Final = "user has exactly these batches"
BATCH_MISSING: Final = "batch does not exist"
BATCHES_HAVE_CLASSES: Final = "batches have exactly these classes"
BATCHES_HAVE_VALIDATIONS: Final = "batches have exactly these validations"
BATCHES_HAVE_STUDENT_NAMES: Final = "batches have exactly these student names"

PhaseStatus = Literal["pending", "initialized", "processing", "completed", "failed", "cancelled"]
"""How far one essay has come in one phase."""

FINISHED: Final[frozenset[PhaseStatus]] = frozenset({"completed", "failed", "cancelled"})
"""The final statuses of an essay in a phase."""

InternalStatus = Literal[
    "awaiting_content_validation",
    "awaiting_pipeline_configuration",
    "ready_for_pipeline_execution",
    "processing_pipelines",
    "awaiting_student_validation",
    "student_validation_completed",
    "validation_timeout_processed",
    "completed_successfully",
    "completed_with_failures",
    "content_ingestion_failed",
    "failed_critically",
    "cancelled",
]
"""RAS's internal status of a batch; its responses use another vocabulary, which it derives."""


def moment_of(text: str) -> datetime:
    """The moment that a date-time of `DATE_TIME_PATTERN` means; a naive one means UTC."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
