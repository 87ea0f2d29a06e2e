"""The provider states that the contracts use: names, meanings, and a model for each one's params.

A provider team can seed a database from these without reading anything else of this project. Every param is
required and none is optional or unknown: a state says exactly what stands, never "something like it".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from bff_contracts.platform import CMS, RAS

USER_HAS_BATCHES: Final = "user has exactly these batches"
BATCH_MISSING: Final = "batch does not exist"
BATCHES_HAVE_CLASSES: Final = "batches have exactly these classes"
BATCHES_HAVE_VALIDATIONS: Final = "batches have exactly these validations"

UUID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
"""A canonical UUID: lower case, with dashes."""

DATE_TIME_PATTERN: Final = (
    "^(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)"
    r"-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3}(?:[0-9]{3})?)?"
    "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?$"
)
"""The date-times that a provider may answer: naive (meaning UTC), with `Z`, or with an offset."""

PhaseStatus = Literal["pending", "initialized", "processing", "completed", "failed", "cancelled"]
"""How far one essay has come in one phase."""

FINISHED: Final[frozenset[PhaseStatus]] = frozenset({"completed", "failed", "cancelled"})
"""The statuses after which nothing happens to an essay in that phase any more."""

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
"""What RAS calls the status of a batch inside; its answers use another vocabulary, which it derives."""

Uuid = Annotated[str, Field(pattern=UUID_PATTERN)]
DateTime = Annotated[str, Field(pattern=DATE_TIME_PATTERN)]
Count = Annotated[int, Field(ge=0)]


class Params(BaseModel):
    """The params of a state: all required, none unknown, no value converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ByBatch(Params):
    """Params about batches: one mapping, from the id of a batch to what stands there for it, or to `null`."""

    @classmethod
    def param(cls) -> str:
        """The name of the mapping."""
        (name,) = cls.model_fields
        return name

    @property
    def entries(self) -> Mapping[str, Params | None]:
        """The mapping."""
        entries: Mapping[str, Params | None] = getattr(self, self.param())
        return entries


class EssayRow(Params):
    """One essay of a batch, as RAS stores it."""

    essay_id: str
    filename: str | None
    file_upload_id: str | None
    spellcheck_status: PhaseStatus | None
    spellcheck_correction_count: Count | None
    spellcheck_corrected_text_storage_id: str | None
    spellcheck_error_detail: Mapping[str, Any] | None
    cj_assessment_status: PhaseStatus | None
    cj_rank: Annotated[int, Field(ge=1)] | None
    cj_score: float | None
    cj_assessment_error_detail: Mapping[str, Any] | None
    last_updated: DateTime


class BatchRow(Params):
    """One batch, as RAS stores it: no phase and no client status, because RAS derives both."""

    batch_id: Uuid
    internal_status: InternalStatus
    assignment_id: str | None
    essay_count: Count
    completed_essay_count: Count
    failed_essay_count: Count
    requested_pipeline: str | None
    essays: tuple[EssayRow, ...] = Field(strict=False)
    created_at: DateTime
    last_updated: DateTime
    processing_started_at: DateTime | None
    processing_completed_at: DateTime | None
    student_prompt_ref: Mapping[str, Any] | None


class UserHasBatches(Params):
    """Params of `user has exactly these batches`."""

    user_id: Annotated[str, Field(min_length=1)]
    batches: tuple[BatchRow, ...] = Field(strict=False)


class BatchMissing(Params):
    """Params of `batch does not exist`."""

    batch_id: Uuid


class ClassRow(Params):
    """A class, as CMS stores it."""

    class_id: Uuid
    class_name: str


class BatchesHaveClasses(ByBatch):
    """Params of `batches have exactly these classes`."""

    classes: Mapping[Uuid, ClassRow | None]


class ValidationRow(Params):
    """How far the validation of a batch's students is, as CMS stores it."""

    deviation_count: Count
    auto_confirm_deadline: DateTime | None
    total_associations: Count
    confirmed_associations: Count


class BatchesHaveValidations(ByBatch):
    """Params of `batches have exactly these validations`."""

    validations: Mapping[Uuid, ValidationRow | None]


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A state that a provider has to be able to stand in.

    Attributes:
        name: What the pact calls it.
        provider: The participant it belongs to.
        meaning: What has to be true, in a sentence that a provider team can act on.
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
            "The rows of `user_id` are exactly `batches` (none if it is empty), in no particular order. A batch that"
            " was another user's moves to this one; nothing else changes. Given twice for rows of two users."
        ),
        params=UserHasBatches,
    ),
    ProviderState(
        name=BATCH_MISSING,
        provider=RAS,
        meaning="There is no batch `batch_id`, and nothing behind RAS knows one.",
        params=BatchMissing,
    ),
    ProviderState(
        name=BATCHES_HAVE_CLASSES,
        provider=CMS,
        meaning=(
            "Each batch id in `classes` belongs to the class beside it; `null` means that the batch has no class, or"
            " that CMS does not know it."
        ),
        params=BatchesHaveClasses,
    ),
    ProviderState(
        name=BATCHES_HAVE_VALIDATIONS,
        provider=CMS,
        meaning=(
            "The validation of the students of each batch id in `validations` stands as the row beside it says; `null`"
            " means that the batch is not being validated, or that CMS does not know it."
        ),
        params=BatchesHaveValidations,
    ),
)


KINDS: Final[Mapping[str, type[ByBatch]]] = {
    state.name: state.params for state in CATALOGUE if issubclass(state.params, ByBatch)
}
"""The states that say something about batches by their ids, and the params that say it."""


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
