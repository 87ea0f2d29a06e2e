"""Holds the rows behind both backends: the batches of each user, and what CMS knows about them.

Only the provider states of the contracts fill a world, so scenarios, verifiers and tests use the same vocabulary. Rows
are immutable: setting a state up makes new ones, and readers keep theirs.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
    moment_of,
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
"""RAS's mapping from internal statuses to client statuses."""

_MOST_PROBLEMS: Final = 20
_CHECKED_FIRST: Final = 100
"""The entries of a long list of params that are validated first."""

INTERNAL_STATUSES: Final = frozenset(CLIENT_STATUS)
"""The values of the `status` filter."""


Rendered = dict[object, Any]


class StateError(ValueError):
    """A state that cannot be set up: its name is unknown, or its params are not those of the catalogue."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchAnswer:
    """One batch as RAS answers it.

    Attributes:
        batch_id: A canonical UUID.
        user_id: The owner's.
        internal_status: RAS's stored status, which the `status` filter compares with.
        created: The moment of its creation, by which pages are sorted.
        make: Returns all fields of the answer; called when the row is shown.
        rendered: A cache, such as of its JSON texts, which lives as long as the row.
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
    """A user's batches, newest first, with caches that live as long as they."""

    @cached_property
    def rendered(self) -> dict[object, list[bytes | None]]:
        """Their JSON texts by form, in their order; `None` for those not shown yet."""
        return {}

    @cached_property
    def kinds(self) -> dict[tuple[int, int], frozenset[object]]:
        """The kinds of their pages by offset and limit, for pages that were requested."""
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
        make: Returns the rows of a state that lists them for each batch, like `BatchAnswer.make`.
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
    """The rows of a world at one moment.

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
        """The entries of one state by batch id; `None` or no entry for a batch without one."""
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
            # Validating many invalid rows would collect millions of problems: those of the first rows are enough.
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
    """RAS's answer for a stored batch: user id, client status and phase are derived."""
    status: str = stored["internal_status"]
    answer = {
        **stored,
        "essays": list(stored["essays"]),  # the type that templates render as an array
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
