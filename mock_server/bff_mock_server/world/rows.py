"""What stands behind both backends: whose batches there are, and which class each belongs to.

A world is filled through the provider states of the contracts and in no other way, so a scenario, a verifier and a
test speak the same vocabulary. Rows are immutable: setting a state up makes new ones, and readers keep theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from pydantic import ValidationError

from bff_contracts.states import (
    CATALOGUE,
    FINISHED,
    BatchMissing,
    BatchRow,
    ByBatch,
    Params,
    ProviderState,
    UserHasBatches,
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

INTERNAL_STATUSES: Final = frozenset(CLIENT_STATUS)
"""What the `status` filter takes."""


Rendered = dict[object, str]


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
        answer: All fields of the answer, the derived ones included.
        rendered: Its JSON text in the forms that were asked for, kept for as long as the row.
    """

    batch_id: str
    user_id: str
    internal_status: str
    created: datetime
    answer: Mapping[str, Any]
    rendered: Rendered = field(default_factory=dict[object, str], repr=False)


class BatchAnswers(tuple[BatchAnswer, ...]):  # noqa: SLOT001  # what is kept beside the rows needs a place
    """A user's batches, newest first; what is made of them is kept for as long as they are."""

    @cached_property
    def rendered(self) -> dict[object, list[bytes]]:
        """Their JSON texts in the forms that were asked for, in their order."""
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
    """What CMS knows about batches: a class, for instance; `rendered` is as in `BatchAnswer`."""

    fields: Mapping[str, Any]
    rendered: Rendered = field(default_factory=dict[object, str], repr=False)


BatchFacts = Mapping[str, BatchFact | None]
_NOTHING: Final[BatchFacts] = {}


@dataclass(frozen=True, slots=True)
class Rows:
    """What the world holds at one moment.

    Attributes:
        batches: By batch id.
        users: Each user's batches.
        about: What is known about batches, for each state that maps them.
        said: The latest of each other state, for the simulator that knows what it means.
    """

    batches: Mapping[str, BatchAnswer] = field(default_factory=dict[str, BatchAnswer])
    users: Mapping[str, BatchAnswers] = field(default_factory=dict[str, BatchAnswers])
    about: Mapping[type[ByBatch], BatchFacts] = field(default_factory=dict[type[ByBatch], BatchFacts])
    said: Mapping[type[Params], Params] = field(default_factory=dict[type[Params], Params])

    def facts(self, kind: type[ByBatch]) -> BatchFacts:
        """What one state says, by batch id; `None` or no entry where there is nothing."""
        return self.about.get(kind, _NOTHING)


def rows_with(rows: Rows, name: str, params: Mapping[str, Any], *, provider: str | None = None) -> Rows:
    """The rows as they would be if a provider state were true; `rows` stay as they are.

    Raises:
        StateError: As `World.apply`.
    """
    return with_state(rows, validated(name, params, provider))


def known_states(provider: str | None = None) -> tuple[ProviderState, ...]:
    """The states of the catalogue, of one provider when one is given."""
    return tuple(state for state in CATALOGUE if provider is None or state.provider == provider)


def validated(name: str, params: Mapping[str, Any], provider: str | None) -> Params:
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
        return state.params.model_validate(dict(params))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False)
        )
        message = f"params of {name!r}: {problems}"
        raise StateError(message) from error


def with_state(rows: Rows, state: Params) -> Rows:
    """The rows as they are once a state is true."""
    match state:
        case UserHasBatches():
            return _with_batches(rows, state)
        case BatchMissing():
            return _without(rows, {state.batch_id})
        case ByBatch():
            facts = {**rows.facts(type(state)), **_facts_of(state)}
            return replace(rows, about={**rows.about, type(state): facts})
        case _:
            return replace(rows, said={**rows.said, type(state): state})


def _with_batches(rows: Rows, state: UserHasBatches) -> Rows:
    new = {batch.batch_id: batch_answer(state.user_id, batch) for batch in state.batches}
    # A batch that was another user's moves: nobody may be left with a row of it.
    kept = _without(rows, {*new, *(row.batch_id for row in rows.users.get(state.user_id, ()))})
    newest_first = BatchAnswers(sorted(new.values(), key=lambda row: row.created, reverse=True))
    return replace(kept, batches={**kept.batches, **new}, users={**kept.users, state.user_id: newest_first})


def with_batches(rows: Rows, changed: Sequence[BatchAnswer]) -> Rows:
    """The rows with batches as `changed` says; a batch that was another user's moves."""
    moved = {row.batch_id for row in changed if (old := rows.batches.get(row.batch_id)) and old.user_id != row.user_id}
    kept = _without(rows, moved) if moved else rows
    fresh = {row.batch_id: row for row in changed}
    users: dict[str, BatchAnswers] = {}
    for user_id in {row.user_id for row in changed}:
        others = (one for one in kept.users.get(user_id, ()) if one.batch_id not in fresh)
        mine = (row for row in fresh.values() if row.user_id == user_id)
        users[user_id] = BatchAnswers(sorted((*mine, *others), key=lambda one: one.created, reverse=True))
    return replace(kept, batches={**kept.batches, **fresh}, users={**kept.users, **users})


def _facts_of(state: ByBatch) -> BatchFacts:
    # One object for equal entries, so that it is rendered once however many batches it is about.
    known = {row: BatchFact(row.model_dump()) for row in state.entries.values() if row is not None}
    return {batch_id: known[row] if row is not None else None for batch_id, row in state.entries.items()}


def _without(rows: Rows, batch_ids: set[str]) -> Rows:
    owners = {rows.batches[batch_id].user_id for batch_id in batch_ids if batch_id in rows.batches}
    remaining = {
        owner: BatchAnswers(row for row in rows.users[owner] if row.batch_id not in batch_ids) for owner in owners
    }
    batches = {batch_id: row for batch_id, row in rows.batches.items() if batch_id not in batch_ids}
    return replace(rows, batches=batches, users={**rows.users, **remaining})


def batch_answer(user_id: str, batch: BatchRow) -> BatchAnswer:
    """A stored batch as RAS answers it: whose it is, its client status and its phase are derived."""
    fields = batch.model_dump()
    status: str = fields.pop("internal_status")
    fields["essays"] = list(fields["essays"])  # what a template takes for an array
    answer = {
        **fields,
        "user_id": user_id,
        "overall_status": CLIENT_STATUS[status],
        "current_phase": _current_phase(batch),
    }
    return BatchAnswer(batch.batch_id, user_id, status, _moment(batch.created_at), answer)


def _current_phase(batch: BatchRow) -> str | None:
    """The first phase that an essay has not finished, of a batch that is in the pipelines."""
    if batch.internal_status != "processing_pipelines":
        return None
    if any(essay.spellcheck_status not in FINISHED for essay in batch.essays):
        return "spellcheck"
    if any(essay.cj_assessment_status not in FINISHED for essay in batch.essays):
        return "cj_assessment"
    return None


def _moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
