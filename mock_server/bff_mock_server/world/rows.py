"""Holds the rows behind both backends: whose batches there are, and which class each belongs to.

A world is filled through the provider states of the contracts and in no other way, so a scenario, a verifier and a
test speak the same vocabulary. Rows are immutable: setting a state up makes new ones, and readers keep theirs.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from pydantic import ValidationError

from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.states import (
    CATALOGUE,
    FINISHED,
    BatchRow,
    ByBatch,
    Params,
    ProviderState,
)
from bff_mock_server._suggest import meant

CLIENT_STATUS: Final[Mapping[str, str]] = {
    "awaiting_content_validation": "pending_content",
    "awaiting_pipeline_configuration": "pending_content",
    "ready_for_pipeline_execution": "ready",
    "processing_pipelines": "processing",
    "awaiting_student_validation": "processing",
    "student_validation_completed": "processing",
    "validation_timeout_processed": "processing",
    "completed_successfully": "completed_successfully",
    "completed_with_failures": "completed_with_failures",
    "content_ingestion_failed": "failed",
    "failed_critically": "failed",
    "cancelled": "cancelled",
}
"""RAS's own mapping of what it stores to what it answers."""

_MOST_PROBLEMS: Final = 20
_CHECKED_FIRST: Final = 100
"""Entries of a long list of params that are checked before all of them are."""

INTERNAL_STATUSES: Final = frozenset(CLIENT_STATUS)
"""What the `status` filter takes."""


Rendered = dict[object, Any]


class StateError(ValueError):
    """A state that cannot be set up: nobody knows its name, or its params are not what the catalogue says."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchAnswer:
    """One batch as RAS answers it.

    Attributes:
        batch_id: A canonical UUID.
        user_id: Whose batch it is.
        internal_status: What RAS stores, and what the `status` filter compares with.
        created: When it was made, comparable: pages are sorted by it.
        make: Gives all fields of the answer; a row of a large school makes them when they are shown.
        rendered: What was made of it, such as its JSON text in the forms that were asked for, kept as long as the row.
    """

    batch_id: str
    user_id: str
    internal_status: str
    created: datetime
    make: Callable[[], Mapping[str, Any]]
    rendered: Rendered = field(default_factory=dict[object, Any], repr=False)

    @property
    def answer(self) -> Mapping[str, Any]:
        """All fields of the answer, the derived ones included."""
        return self.make()


class BatchAnswers(tuple[BatchAnswer, ...]):  # noqa: SLOT001  # what is kept beside the rows needs a place
    """A user's batches, newest first; what is made of them is kept for as long as they are."""

    @cached_property
    def rendered(self) -> dict[object, list[bytes | None]]:
        """Their JSON texts in the forms that were asked for, in their order; `None` for those not shown yet."""
        return {}

    @cached_property
    def kinds(self) -> dict[tuple[int, int], frozenset[object]]:
        """What their pages show, by offset and limit, as far as somebody asked."""
        return {}

    @cached_property
    def by_status(self) -> Mapping[str, "BatchAnswers"]:
        """Those in each internal status that occurs."""
        found: dict[str, list[BatchAnswer]] = {}
        for row in self:
            found.setdefault(row.internal_status, []).append(row)
        return {status: BatchAnswers(rows) for status, rows in found.items()}


NO_BATCHES: Final = BatchAnswers()


@dataclass(frozen=True, slots=True, eq=False)
class BatchFact:
    """What CMS knows about batches.

    Attributes:
        fields: Of the row of a state that has one for each batch: a class, for instance.
        make: Gives the rows of a state that lists them for each batch, as `BatchAnswer.make` gives fields.
        rendered: As in `BatchAnswer`.
    """

    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    make: Callable[[], Sequence[Mapping[str, Any]]] = field(default=tuple, repr=False)
    rendered: Rendered = field(default_factory=dict[object, Any], repr=False)

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """What a state lists: the names of the students, for instance."""
        return self.make()


BatchFacts = Mapping[str, BatchFact | None]
_NOTHING: Final[BatchFacts] = {}


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Rows:
    """What the world holds at one moment.

    Attributes:
        batches: By batch id.
        users: Each user's batches.
        about: What is known about batches, for each state that maps them.
        latest: The latest of each other state, for the simulator that knows what it means.
    """

    batches: Mapping[str, BatchAnswer] = field(default_factory=dict[str, BatchAnswer])
    users: Mapping[str, BatchAnswers] = field(default_factory=dict[str, BatchAnswers])
    about: Mapping[type[ByBatch], BatchFacts] = field(default_factory=dict[type[ByBatch], BatchFacts])
    latest: Mapping[type[Params], Params] = field(default_factory=dict[type[Params], Params])

    def facts(self, kind: type[ByBatch]) -> BatchFacts:
        """What one state says, by batch id; `None` or no entry where there is nothing."""
        return self.about.get(kind, _NOTHING)


def known_states(provider: str | None = None) -> tuple[ProviderState, ...]:
    """The states of the catalogue, of one provider when one is given."""
    return tuple(state for state in CATALOGUE if provider is None or state.provider == provider)


def validated(name: str, params: Mapping[str, Any], provider: str | None = None) -> Params:
    """The params of a state as their model.

    Raises:
        StateError: No such state (at `provider`, when one is given), or its params are wrong.
    """
    known = known_states(provider)
    state = next((state for state in known if state.name == name), None)
    if state is None:
        message = f"unknown provider state {name!r}; {meant(name, [state.name for state in known])}"
        raise StateError(message)
    try:
        if any((is_array(value) or is_object(value)) and len(value) > _CHECKED_FIRST for value in params.values()):
            # Many rows that are all wrong would be millions of problems: the first ones have enough of them.
            state.params.model_validate({name: _beginning(value) for name, value in params.items()})
        return state.params.model_validate(dict(params))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found[:_MOST_PROBLEMS]]
        more = [f"and {len(found) - _MOST_PROBLEMS} more"] if len(found) > _MOST_PROBLEMS else []
        message = f"params of {name!r}: {'; '.join([*problems, *more])}"
        raise StateError(message) from error


def _beginning(value: Any) -> Any:
    """The first entries of a long list or object."""
    if is_array(value):
        return value[:_CHECKED_FIRST]
    return dict(itertools.islice(value.items(), _CHECKED_FIRST)) if is_object(value) else value


def batch_answer(user_id: str, batch: BatchRow) -> BatchAnswer:
    """A stored batch as RAS answers it."""
    answer = answer_of(user_id, batch.model_dump())
    return BatchAnswer(batch.batch_id, user_id, batch.internal_status, moment_of(batch.created_at), lambda: answer)


def answer_of(user_id: str, stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """What RAS answers of what it stores of a batch: whose it is, its client status and its phase are derived."""
    status: str = stored["internal_status"]
    answer = {
        **stored,
        "essays": list(stored["essays"]),  # what a template takes for an array
        "user_id": user_id,
        "overall_status": CLIENT_STATUS[status],
        "current_phase": _current_phase(status, stored["essays"]),
    }
    del answer["internal_status"]
    return answer


def _current_phase(status: str, essays: Iterable[Mapping[str, Any]]) -> str | None:
    """The first phase that an essay has not finished, of a batch that is in the pipelines."""
    if status != "processing_pipelines":
        return None
    phases = ("spellcheck", "cj_assessment")
    return next((phase for phase in phases if any(one[f"{phase}_status"] not in FINISHED for one in essays)), None)


def moment_of(text: str) -> datetime:
    """A stored date-time; a naive one means UTC."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
