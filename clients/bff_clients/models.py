"""The data that the BFF reads from RAS and CMS: the fields that it uses, with the platform's names."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NewType, NoReturn, TypeAlias, TypeVar, overload
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

BatchId = NewType("BatchId", str)
"""A batch's UUID in canonical spelling: lower case, with dashes."""

Id = TypeVar("Id", bound=str | UUID)
"""An id in the caller's type."""

UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
"""The canonical spelling of a UUID, the only one that RAS and CMS answer with."""

DATE_TIME_PATTERN: Final = (
    r"^(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3}(?:[0-9]{3})?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?$"
)
"""The forms of a date-time that the contract allows: naive (meaning UTC), ``Z`` or an offset; 0, 3 or 6 digits of
fraction; only dates of the calendar."""

_FIRST_YEAR: Final = 1000
"""The first year that `DATE_TIME_PATTERN` can express."""


class BatchStatus(StrEnum):
    """RAS's internal status of a batch: what the ``status`` filter takes. Answers use `BatchClientStatus`."""

    AWAITING_CONTENT_VALIDATION = "awaiting_content_validation"
    CONTENT_INGESTION_FAILED = "content_ingestion_failed"
    AWAITING_PIPELINE_CONFIGURATION = "awaiting_pipeline_configuration"
    AWAITING_STUDENT_VALIDATION = "awaiting_student_validation"
    STUDENT_VALIDATION_COMPLETED = "student_validation_completed"
    VALIDATION_TIMEOUT_PROCESSED = "validation_timeout_processed"
    READY_FOR_PIPELINE_EXECUTION = "ready_for_pipeline_execution"
    PROCESSING_PIPELINES = "processing_pipelines"
    COMPLETED_SUCCESSFULLY = "completed_successfully"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    FAILED_CRITICALLY = "failed_critically"
    CANCELLED = "cancelled"


class BatchClientStatus(StrEnum):
    """The status of a batch as RAS shows it to clients: what answers hold, and what a teacher filters by.

    RAS itself filters by `BatchStatus`, of which a client status may be several.
    """

    PENDING_CONTENT = "pending_content"
    READY = "ready"
    PROCESSING = "processing"
    COMPLETED_SUCCESSFULLY = "completed_successfully"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def internal(self) -> tuple[BatchStatus, ...]:
        """The internal statuses that RAS shows as this one."""
        return _INTERNAL[self]


_INTERNAL: Final[Mapping[BatchClientStatus, tuple[BatchStatus, ...]]] = {
    BatchClientStatus.PENDING_CONTENT: (
        BatchStatus.AWAITING_CONTENT_VALIDATION,
        BatchStatus.AWAITING_PIPELINE_CONFIGURATION,
    ),
    BatchClientStatus.READY: (BatchStatus.READY_FOR_PIPELINE_EXECUTION,),
    BatchClientStatus.PROCESSING: (
        BatchStatus.PROCESSING_PIPELINES,
        BatchStatus.AWAITING_STUDENT_VALIDATION,
        BatchStatus.STUDENT_VALIDATION_COMPLETED,
        BatchStatus.VALIDATION_TIMEOUT_PROCESSED,
    ),
    BatchClientStatus.COMPLETED_SUCCESSFULLY: (BatchStatus.COMPLETED_SUCCESSFULLY,),
    BatchClientStatus.COMPLETED_WITH_FAILURES: (BatchStatus.COMPLETED_WITH_FAILURES,),
    BatchClientStatus.FAILED: (BatchStatus.CONTENT_INGESTION_FAILED, BatchStatus.FAILED_CRITICALLY),
    BatchClientStatus.CANCELLED: (BatchStatus.CANCELLED,),
}


StatusFilter: TypeAlias = BatchStatus | BatchClientStatus | str
"""What a list of batches can be filtered by; also the value of a member as a text, as a query parameter has it."""


class ProcessingPhase(StrEnum):
    """The phases that the platform has today (its `PhaseName`); a batch may be in a different one, see `Batch`."""

    SPELLCHECK = "spellcheck"
    CJ_ASSESSMENT = "cj_assessment"
    AI_FEEDBACK = "ai_feedback"
    NLP = "nlp"
    STUDENT_MATCHING = "student_matching"


EssayStatus = Literal["pending", "initialized", "processing", "completed", "failed", "cancelled"]


_from_iso: Final = datetime.fromisoformat
"""Looked up once: a page has eighty date-times."""


def _as_utc(text: str) -> datetime:
    """Read a date-time of one of the allowed forms; RAS writes naive ones and means UTC."""
    try:
        # Read with its offset at once: giving one to a naive datetime costs three times as much.
        return _from_iso(text + "Z")
    except ValueError:  # it has one
        return _in_utc(_from_iso(text))


def _in_utc(value: datetime) -> datetime:
    """A date-time in UTC; unchanged if its UTC year is outside what the contract's forms can express."""
    try:
        moved = value.astimezone(UTC)
    except OverflowError:  # the last hours of the year 9999 with a negative offset
        return value
    return moved if moved.year >= _FIRST_YEAR else value


def _from_python(value: datetime) -> datetime:
    """A Python caller's datetime in UTC; a naive one is taken as UTC, like RAS's."""
    if value.year < _FIRST_YEAR:
        message = f"must be of the year {_FIRST_YEAR} or later"
        raise ValueError(message)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else _in_utc(value)


def _with_z(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


_DATE_TIME_FORMS: Final = (
    f"must be a datetime of the year {_FIRST_YEAR} or later, or a text like 2026-01-31T09:10:00, with 0, 3 or 6 digits"
    " of fraction, and without an offset or with Z or +01:00"
)


class _DateTimeForms:
    """Reads only the contract's forms from JSON; Pydantic's own datetime accepts more (a date alone, a Unix time).

    A Python caller may also pass a datetime. JSON is written in UTC, with a `Z` at its end.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.no_info_after_validator_function(
            _as_utc, core_schema.str_schema(strict=True, pattern=DATE_TIME_PATTERN)
        )
        value = core_schema.no_info_after_validator_function(_from_python, core_schema.is_instance_schema(datetime))
        either = core_schema.union_schema([text, value], mode="left_to_right")
        return core_schema.json_or_python_schema(
            json_schema=text,
            # One error for both, and without the pattern.
            python_schema=core_schema.custom_error_schema(
                either, "date_time_form", custom_error_message=_DATE_TIME_FORMS
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(_with_z, when_used="json"),
            ref="UtcDateTime",
        )

    def __get_pydantic_json_schema__(self, source: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time"}


UtcDateTime = Annotated[datetime, _DateTimeForms()]
_BY_VALUE: Final = Field(strict=False)
"""For a field of a strict model: a Python caller may pass an enum's value for the enum, or a list for a tuple."""

ClientStatus = Annotated[BatchClientStatus, _BY_VALUE]
Phase = Annotated[Annotated[ProcessingPhase, _BY_VALUE] | str, Field(union_mode="left_to_right")]
"""An open vocabulary: an unknown phase is read as its word, and does not violate the contract."""

MAX_INTEGER: Final = 2**64 - 1
Integer = Annotated[int, Field(ge=-(2**63), le=MAX_INTEGER)]
"""What the Pact engine reads as an integer; it reads a JSON number beyond these bounds as a float."""

CanonicalUuid = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]


MAX_ESSAYS: Final = 2000
"""The most essays in the answer for one batch: more than any school has, and still read within 50 ms."""


class AnswerModel(BaseModel):
    """Strict where the contract is; ignores fields that the BFF does not read; its errors quote no values."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True, allow_inf_nan=False)

    @classmethod
    def models(cls) -> "Iterator[type[AnswerModel]]":
        """This model and its subclasses."""
        yield cls
        for model in cls.__subclasses__():
            yield from model.models()


class Batch(AnswerModel):
    """One batch of essays, as a teacher's list shows it. Date-times are aware (UTC).

    `current_phase` is the first phase of the pipeline that an essay of the batch has not finished: a `ProcessingPhase`,
    or the word itself for a phase that this package does not know. The statuses are closed
    vocabularies: a new word there is a `ContractViolation`, because the BFF has to map it before it can show it.
    """

    batch_id: Annotated[BatchId, StringConstraints(pattern=UUID_PATTERN)]
    user_id: str
    assignment_id: str | None
    overall_status: ClientStatus
    essay_count: Integer
    completed_essay_count: Integer
    failed_essay_count: Integer
    requested_pipeline: str | None
    current_phase: Phase | None
    created_at: UtcDateTime
    last_updated: UtcDateTime
    processing_started_at: UtcDateTime | None
    processing_completed_at: UtcDateTime | None


class Essay(AnswerModel):
    """One essay of a batch, with the progress of its spellcheck and its CJ (comparative judgement) assessment."""

    essay_id: str
    filename: str | None
    file_upload_id: str | None
    spellcheck_status: EssayStatus | None
    spellcheck_correction_count: Integer | None
    spellcheck_corrected_text_storage_id: str | None
    cj_assessment_status: EssayStatus | None
    cj_rank: Integer | None
    cj_score: float | None
    last_updated: UtcDateTime


class BatchDetails(Batch):
    """One batch with its essays, in RAS's order, which is not guaranteed: sort them before you show them."""

    essays: Annotated[tuple[Essay, ...], FailFast(), _BY_VALUE]


class Pagination(AnswerModel):
    """The position of a page: `total` counts all rows of the user that match the filter, on all pages."""

    limit: Integer
    offset: Integer
    total: Integer


class ClassInfo(AnswerModel):
    """The class that a batch belongs to."""

    class_id: CanonicalUuid
    class_name: str


class ValidationStatus(AnswerModel):
    """The progress of validating a batch's students. At `auto_confirm_deadline` CMS confirms those that are left."""

    batch_id: Annotated[BatchId, StringConstraints(pattern=UUID_PATTERN)]
    deviation_count: Integer
    auto_confirm_deadline: UtcDateTime | None
    total_associations: Integer
    confirmed_associations: Integer


class PersonName(AnswerModel):
    """The name of a student. `repr` and `str` leave it out, because names are personal data."""

    first_name: str = Field(repr=False)
    last_name: str = Field(repr=False)
    legal_full_name: str | None = Field(repr=False)
    """May be `None`: CMS does not store one for every student. Today it answers first and last name instead."""


class StudentName(AnswerModel):
    """The student who wrote an essay of a batch. `essay_id` is that of `Essay`."""

    essay_id: CanonicalUuid
    student_id: CanonicalUuid
    student_person_name: PersonName = Field(repr=False)


class BatchPage(AnswerModel):
    """One page of a teacher's batches, newest first, and its position among all of them.

    ``len(page)`` and ``page[0]`` are those of `batches`, and an empty page is false, as an empty list is. Only
    `batches` can be iterated.
    """

    batches: Annotated[tuple[Batch, ...], FailFast(), _BY_VALUE]
    pagination: Pagination

    @property
    def has_more(self) -> bool:
        """Whether there are batches after this page. False for an empty page, so that a loop over pages ends."""
        return bool(self.batches) and self._end < self.pagination.total

    @property
    def next_offset(self) -> int | None:
        """The offset of the next page; `None` when this is the last."""
        return self._end if self.has_more else None

    @property
    def _end(self) -> int:
        return self.pagination.offset + len(self.batches)

    def __len__(self) -> int:
        return len(self.batches)

    @overload
    def __getitem__(self, index: int) -> Batch: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Batch, ...]: ...

    def __getitem__(self, index: int | slice) -> Batch | tuple[Batch, ...]:
        return self.batches[index]

    def __iter__(self) -> NoReturn:
        """Raise: ``batches, pagination = page``, which works with other libraries, would unpack two rows instead."""
        message = "a page is not a pair or a list: use page.batches to iterate, and page.pagination for its position"
        raise TypeError(message)
