"""Holds the rows behind both backends: the batches of each user, and what CMS knows about them.

Only the provider states of the contracts fill a world, so scenarios, verifiers and tests use the same vocabulary. Rows
are immutable: setting a state up makes new ones, and readers keep theirs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from bff_contracts.state_names import FINISHED

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

INTERNAL_STATUSES: Final = frozenset(CLIENT_STATUS)
"""The values of the `status` filter."""


Rendered = dict[object, Any]


class StateError(ValueError):
    """A state that cannot be set up: its name is unknown, or its params are not those of the catalogue."""


@dataclass(frozen=True, slots=True, eq=False)
class RasBatch:
    """One batch as it is in a response of RAS.

    Attributes:
        batch_id: A canonical UUID.
        user_id: The owner's.
        internal_status: RAS's stored status, which the `status` filter compares with.
        created: The moment of its creation, by which pages are sorted.
        make: Returns all fields of the response; called when the row is shown.
        rendered: A cache, such as of its JSON texts, which lives as long as the row.
    """

    batch_id: str
    user_id: str
    internal_status: str
    created: datetime
    make: Callable[[], Mapping[str, Any]]
    rendered: Rendered = field(default_factory=dict[object, Any], repr=False)

    @property
    def fields(self) -> Mapping[str, Any]:
        """What RAS sends of it, the derived fields included."""
        return self.make()


class RasBatches(tuple[RasBatch, ...]):  # noqa: SLOT001  # what is kept beside the rows needs a place
    """A user's batches, newest first, with caches that live as long as they."""

    @cached_property
    def rendered(self) -> dict[object, list[bytes | None]]:
        """Their JSON texts by form, in their order; `None` for those not shown yet."""
        return {}

    @cached_property
    def kinds(self) -> dict[int, frozenset[object]]:
        """The kinds of their first pages by limit, for pages that were requested."""
        return {}

    @cached_property
    def by_status(self) -> Mapping[str, "RasBatches"]:
        """Those in each internal status that occurs."""
        found: dict[str, list[RasBatch]] = {}
        for row in self:
            found.setdefault(row.internal_status, []).append(row)
        return {status: RasBatches(rows) for status, rows in found.items()}


NO_BATCHES: Final = RasBatches()


@dataclass(frozen=True, slots=True, eq=False)
class BatchFact:
    """What CMS knows about batches.

    Attributes:
        fields: Of the row of a state that has one for each batch: a class, for instance.
        make: Returns the rows of a state that lists them for each batch, like `RasBatch.make`.
        rendered: As in `RasBatch`.
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
        about: What is known about batches, by the name of the state that maps them.
        latest: The latest params of each other state by its name, for the simulator that knows what it means.
    """

    batches: Mapping[str, RasBatch] = field(default_factory=dict[str, RasBatch])
    users: Mapping[str, RasBatches] = field(default_factory=dict[str, RasBatches])
    about: Mapping[str, BatchFacts] = field(default_factory=dict[str, BatchFacts])
    latest: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    def facts(self, state: str) -> BatchFacts:
        """The entries of one state by batch id; `None` or no entry for a batch without one."""
        return self.about.get(state, _NOTHING)


def ras_fields(user_id: str, stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """RAS's fields for a stored batch: user id, client status and phase are derived."""
    status: str = stored["internal_status"]
    fields = {
        **stored,
        "essays": list(stored["essays"]),  # the type that templates render as an array
        "user_id": user_id,
        "overall_status": CLIENT_STATUS[status],
        "current_phase": _current_phase(status, stored["essays"]),
    }
    del fields["internal_status"]
    return fields


def _current_phase(status: str, essays: Iterable[Mapping[str, Any]]) -> str | None:
    """The first phase that an essay has not finished, of a batch that is in the pipelines."""
    if status != "processing_pipelines":
        return None
    phases = ("spellcheck", "cj_assessment")
    return next((phase for phase in phases if any(one[f"{phase}_status"] not in FINISHED for one in essays)), None)
