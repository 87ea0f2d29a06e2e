"""The provider states that the contracts use: meanings, and a model for each one's params.

A provider team can seed a database from these without reading anything else of this project. Every param is required
and unknown ones are rejected: a state defines the rows exactly. Rows that no database of the provider can hold are
rejected, impossible combinations included.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bff_contracts.platform import CMS, DATE_TIME_PATTERN, RAS, UUID_PATTERN
from bff_contracts.state_names import (
    BATCH_MISSING,
    BATCHES_HAVE_CLASSES,
    BATCHES_HAVE_STUDENT_NAMES,
    BATCHES_HAVE_VALIDATIONS,
    FINISHED,
    USER_HAS_BATCHES,
    InternalStatus,
    PhaseStatus,
    moment_of,
)

__all__ = [
    "BATCHES_HAVE_CLASSES",
    "BATCHES_HAVE_STUDENT_NAMES",
    "BATCHES_HAVE_VALIDATIONS",
    "BATCH_MISSING",
    "CATALOGUE",
    "FINISHED",
    "KINDS",
    "LARGEST_INTEGER",
    "LONGEST_FULL_NAME",
    "LONGEST_TEXT",
    "USER_HAS_BATCHES",
    "BatchMissing",
    "BatchRow",
    "BatchesHaveClasses",
    "BatchesHaveStudentNames",
    "BatchesHaveValidations",
    "ByBatch",
    "ClassRow",
    "Count",
    "DateTime",
    "Entry",
    "EssayRow",
    "FullName",
    "InternalStatus",
    "Params",
    "PersonNameRow",
    "PhaseStatus",
    "ProviderState",
    "StudentNameRow",
    "Text",
    "UserHasBatches",
    "Uuid",
    "ValidationRow",
    "find_state",
    "moment_of",
    "validate_params",
]

LARGEST_INTEGER: Final = 2**31 - 1
"""The largest number that an integer column of PostgreSQL holds."""

LONGEST_TEXT: Final = 255
"""The characters that a text column of RAS and CMS holds (`VARCHAR(255)`)."""

LONGEST_FULL_NAME: Final = 512
"""The characters that CMS's column for a full name holds (`VARCHAR(512)`)."""


def _storable(text: str) -> str:
    if "\0" in text:
        message = "PostgreSQL stores no text with a NUL character"
        raise ValueError(message)
    return text


Uuid = Annotated[str, Field(pattern=UUID_PATTERN)]
DateTime = Annotated[str, Field(pattern=DATE_TIME_PATTERN)]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_storable)]
FullName = Annotated[str, Field(max_length=LONGEST_FULL_NAME), AfterValidator(_storable)]


class Params(BaseModel):
    """The params of a state: all required, none unknown, no value converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Entry = Params | tuple[Params, ...] | None
"""A provider's data about one batch: a row, `null` for none, or a list of rows."""


class ByBatch(Params):
    """Params about batches: one mapping, from the id of a batch to the provider's data about it."""

    @classmethod
    def param(cls) -> str:
        """The name of the mapping."""
        (name,) = cls.model_fields
        return name

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The mapping."""
        entries: Mapping[str, Entry] = getattr(self, self.param())
        return entries


class EssayRow(Params):
    """One essay of a batch, as RAS stores it."""

    essay_id: Text
    filename: Text | None
    file_upload_id: Text | None
    spellcheck_status: PhaseStatus | None
    spellcheck_correction_count: Count | None
    spellcheck_corrected_text_storage_id: Text | None
    spellcheck_error_detail: Mapping[str, Any] | None
    cj_assessment_status: PhaseStatus | None
    cj_rank: Annotated[int, Field(ge=1, le=LARGEST_INTEGER)] | None
    cj_score: Annotated[float, Field(allow_inf_nan=False)] | None
    cj_assessment_error_detail: Mapping[str, Any] | None
    last_updated: DateTime


class BatchRow(Params):
    """One batch, as RAS stores it: no phase and no client status, because RAS derives both."""

    batch_id: Uuid
    internal_status: InternalStatus
    assignment_id: Text | None
    essay_count: Count
    completed_essay_count: Count
    failed_essay_count: Count
    requested_pipeline: Text | None
    essays: tuple[EssayRow, ...] = Field(strict=False)
    created_at: DateTime
    last_updated: DateTime
    processing_started_at: DateTime | None
    processing_completed_at: DateTime | None
    student_prompt_ref: Mapping[str, Any] | None

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        """Refuse numbers and moments that contradict one another."""
        _not_more("completed and failed essays", self.completed_essay_count + self.failed_essay_count, self.essay_count)
        _not_more("essays", len(self.essays), self.essay_count)
        if self.processing_completed_at is not None:
            if self.processing_started_at is None:
                message = "processing_completed_at requires processing_started_at"
                raise ValueError(message)
            if moment_of(self.processing_completed_at) < moment_of(self.processing_started_at):
                message = "processing_completed_at is before processing_started_at"
                raise ValueError(message)
        return self


class UserHasBatches(Params):
    """Params of `user has exactly these batches`."""

    user_id: Annotated[Text, Field(min_length=1)]
    batches: tuple[BatchRow, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        """Refuse two rows with one primary key; an essay belongs to one batch."""
        _distinct("a batch_id comes twice", (batch.batch_id for batch in self.batches))
        _distinct("an essay_id comes twice", (essay.essay_id for batch in self.batches for essay in batch.essays))
        return self


class BatchMissing(Params):
    """Params of `batch does not exist`."""

    batch_id: Uuid


class ClassRow(Params):
    """A class, as CMS stores it."""

    class_id: Uuid
    class_name: Text


class BatchesHaveClasses(ByBatch):
    """Params of `batches have exactly these classes`."""

    classes: Mapping[Uuid, ClassRow | None]

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        """Refuse a class with two names."""
        named = {(row.class_id, row.class_name) for row in self.classes.values() if row is not None}
        _distinct("a class_id has two names", (class_id for class_id, _ in named))
        return self


class ValidationRow(Params):
    """How far the validation of a batch's students is, as CMS derives it from the associations of the batch.

    `deviation_count` counts those that are pending; `auto_confirm_deadline` is 24 hours after the earliest of them.
    """

    deviation_count: Count
    auto_confirm_deadline: DateTime | None
    total_associations: Count
    confirmed_associations: Count

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        """Refuse rows that cannot result from associations."""
        if self.total_associations == 0:
            message = "a batch without associations is null, not a row with total_associations 0"
            raise ValueError(message)
        _not_more(
            "pending and confirmed associations",
            self.deviation_count + self.confirmed_associations,
            self.total_associations,
        )
        if (self.auto_confirm_deadline is None) != (self.deviation_count == 0):
            message = "there is an auto_confirm_deadline if and only if something is pending (deviation_count)"
            raise ValueError(message)
        return self


class BatchesHaveValidations(ByBatch):
    """Params of `batches have exactly these validations`."""

    validations: Mapping[Uuid, ValidationRow | None]


class PersonNameRow(Params):
    """A student's name, as CMS stores it."""

    first_name: Text
    last_name: Text
    legal_full_name: FullName | None


class StudentNameRow(Params):
    """The student who wrote an essay, and their name."""

    essay_id: Uuid
    student_id: Uuid
    student_person_name: PersonNameRow


class BatchesHaveStudentNames(ByBatch):
    """Params of `batches have exactly these student names`."""

    student_names: Mapping[Uuid, Annotated[tuple[StudentNameRow, ...], Field(strict=False)]]

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        """Refuse an essay with two authors, and a student with two names."""
        rows = [row for rows in self.student_names.values() for row in rows]
        _distinct("an essay_id comes twice", (row.essay_id for row in rows))
        named = {(row.student_id, row.student_person_name) for row in rows}
        _distinct("a student_id has two names", (student_id for student_id, _ in named))
        return self


def _not_more(what: str, count: int, most: int) -> None:
    if count > most:
        message = f"{count} {what}, and {most} in all"
        raise ValueError(message)


def _distinct(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            message = f"{what}: {value}"
            raise ValueError(message)
        seen.add(value)


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A state that a provider has to be able to set up.

    Attributes:
        name: Its name in the pact.
        provider: The participant it belongs to.
        meaning: A sentence about the data that the provider team has to seed.
        params: The model of its params.
    """

    name: str
    provider: str
    meaning: str
    params: type[Params]


CATALOGUE: Final[tuple[ProviderState, ...]] = (
    ProviderState(
        name=USER_HAS_BATCHES,
        provider=RAS,
        meaning=(
            "The batches of `user_id` are exactly `batches` (none if it is empty), in no particular order. A batch that"
            " belonged to another user moves to this one; nothing else changes. An interaction about several users has"
            " this state once for each."
        ),
        params=UserHasBatches,
    ),
    ProviderState(
        name=BATCH_MISSING,
        provider=RAS,
        meaning="Neither RAS nor a service behind it knows a batch `batch_id`.",
        params=BatchMissing,
    ),
    ProviderState(
        name=BATCHES_HAVE_CLASSES,
        provider=CMS,
        meaning=(
            "Each batch in `classes` belongs to the class that is given for its id; `null` means that the batch has no"
            " class, or that CMS does not know the batch."
        ),
        params=BatchesHaveClasses,
    ),
    ProviderState(
        name=BATCHES_HAVE_VALIDATIONS,
        provider=CMS,
        meaning=(
            "Each batch in `validations` has student associations that result in the given row: `total_associations`"
            " in all, of which `deviation_count` are pending and `confirmed_associations` are confirmed; the earliest"
            " pending one was created 24 hours before `auto_confirm_deadline`. `null` means that the batch has no"
            " associations, or that CMS does not know the batch."
        ),
        params=BatchesHaveValidations,
    ),
    ProviderState(
        name=BATCHES_HAVE_STUDENT_NAMES,
        provider=CMS,
        meaning=(
            "Each batch in `student_names` has exactly the given associations (none if the list is empty), in no"
            " particular order: which student wrote which essay, and the name of the student. Where `legal_full_name`"
            " is `null`, no full name is stored."
        ),
        params=BatchesHaveStudentNames,
    ),
)


KINDS: Final[Mapping[str, type[ByBatch]]] = {
    state.name: state.params for state in CATALOGUE if issubclass(state.params, ByBatch)
}
"""The states whose params map batch ids to rows, and the models of these params."""


def find_state(provider: str, name: str) -> ProviderState:
    """The state that `provider` knows under `name`.

    Raises:
        LookupError: The catalogue has none; the message lists the ones that the provider has.
    """
    for state in CATALOGUE:
        if (state.provider, state.name) == (provider, name):
            return state
    known = ", ".join(repr(state.name) for state in CATALOGUE if state.provider == provider) or "none"
    message = f"{provider} has no provider state {name!r}; known: {known}"
    raise LookupError(message)


def validate_params(provider: str, name: str, params: Mapping[str, Any]) -> Params:
    """The params of a state as its model.

    Raises:
        LookupError: The provider has no such state.
        pydantic.ValidationError: A param is missing, unknown, or not what the model says.
    """
    return find_state(provider, name).params.model_validate(dict(params))
