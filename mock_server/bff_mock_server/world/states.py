"""Checks provider states against the catalogue, and makes their rows.

It loads Pydantic, which takes longer than the mock needs to start: import it where a state is set up.
"""

import itertools
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.states import (
    CATALOGUE,
    BatchMissing,
    BatchRow,
    ByBatch,
    Entry,
    Params,
    ProviderState,
    UserHasBatches,
    moment_of,
)
from bff_mock_server._suggest import meant
from bff_mock_server.world.changes import RowsDraft
from bff_mock_server.world.rows import BatchFact, BatchFacts, RasBatch, StateError, ras_fields

_MOST_PROBLEMS: Final = 20
_CHECKED_FIRST: Final = 100
"""The entries of a long list of params that are validated first."""


class ValidState(NamedTuple):
    """A provider state of the catalogue, with valid params."""

    name: str
    params: Params

    def apply_to(self, draft: RowsDraft) -> RowsDraft:
        """Make it true in rows that are being changed."""
        match self.params:
            case UserHasBatches(user_id=user_id, batches=batches):
                draft.set_user(user_id, [ras_batch(user_id, batch) for batch in batches])
            case BatchMissing(batch_id=batch_id):
                draft.forget(batch_id)
            case ByBatch():
                draft.know(self.name, _facts_of(self.params))
            case _:
                draft.keep(self.name, self.params.model_dump())
        return draft


def known_states(provider: str | None = None) -> tuple[ProviderState, ...]:
    """The states of the catalogue, of one provider when one is given."""
    return tuple(state for state in CATALOGUE if provider is None or state.provider == provider)


def validated(name: str, params: Mapping[str, Any], provider: str | None = None) -> ValidState:
    """A state, with its params as their model.

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
        return ValidState(name, state.params.model_validate(dict(params)))
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


def ras_batch(user_id: str, batch: BatchRow) -> RasBatch:
    """A stored batch as RAS answers it."""
    fields = ras_fields(user_id, batch.model_dump())
    return RasBatch(batch.batch_id, user_id, batch.internal_status, moment_of(batch.created_at), lambda: fields)


def _facts_of(state: ByBatch) -> BatchFacts:
    # One object for equal entries, so that it is rendered once for all batches.
    known: dict[Entry, BatchFact | None] = {}
    facts: dict[str, BatchFact | None] = {}
    for batch_id, entry in state.entries.items():
        if entry not in known:
            known[entry] = _fact_of(entry)
        facts[batch_id] = known[entry]
    return facts


def _fact_of(entry: Entry) -> BatchFact | None:
    match entry:
        case None:
            return None
        case Params():
            return BatchFact(entry.model_dump())
        case rows:
            known = [row.model_dump() for row in rows]
            return BatchFact(make=lambda: known)
