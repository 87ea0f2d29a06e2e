"""Applies provider states to rows: a draft copies the maps once and becomes new rows; the old rows are unchanged."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from bff_contracts.states import BatchMissing, ByBatch, Entry, Params, UserHasBatches
from bff_mock_server.world.rows import (
    BatchAnswer,
    BatchAnswers,
    BatchFact,
    BatchFacts,
    Rows,
    batch_answer,
    validated,
)


class RowsDraft:
    """Rows that are being changed, by one state or by the thousands of a scenario.

    Args:
        rows: The initial rows, which are unchanged.
    """

    def __init__(self, rows: Rows) -> None:
        self._batches = dict(rows.batches)
        self._users = dict(rows.users)
        self._about = {kind: dict(facts) for kind, facts in rows.about.items()}
        self._latest = dict(rows.latest)

    def apply(self, state: Params) -> Self:
        """Make a state true."""
        match state:
            case UserHasBatches():
                self.set_user(state.user_id, [batch_answer(state.user_id, batch) for batch in state.batches])
            case BatchMissing():
                self._remove({state.batch_id})
            case ByBatch():
                self.know(type(state), _facts_of(state))
            case _:
                self._latest[type(state)] = state
        return self

    def know(self, kind: type[ByBatch], facts: BatchFacts) -> None:
        """Set these facts about batches, and leave those about others."""
        self._about.setdefault(kind, {}).update(facts)

    def set_user(self, user_id: str, batches: Iterable[BatchAnswer]) -> None:
        """Give a user exactly these batches; a batch of another user moves to this one."""
        fresh = {batch.batch_id: batch for batch in batches}
        self._remove({*fresh, *(batch.batch_id for batch in self._users.get(user_id, ()))})
        self._batches.update(fresh)
        self._users[user_id] = _newest_first(fresh.values())

    def put(self, batches: Sequence[BatchAnswer]) -> Self:
        """Add or replace batches, and leave the others of their users; a batch of another user moves."""
        fresh = {batch.batch_id: batch for batch in batches}
        self._remove(fresh.keys())
        self._batches.update(fresh)
        for user_id in {batch.user_id for batch in fresh.values()}:
            mine = (batch for batch in fresh.values() if batch.user_id == user_id)
            self._users[user_id] = _newest_first([*mine, *self._users.get(user_id, ())])
        return self

    def rows(self) -> Rows:
        """The rows as they are now."""
        return Rows(self._batches, self._users, self._about, self._latest)

    def _remove(self, batch_ids: Iterable[str]) -> None:
        gone = [found for batch_id in batch_ids if (found := self._batches.pop(batch_id, None)) is not None]
        ids = {batch.batch_id for batch in gone}
        for owner in {batch.user_id for batch in gone}:
            self._users[owner] = BatchAnswers(one for one in self._users[owner] if one.batch_id not in ids)


def rows_with(rows: Rows, name: str, params: Mapping[str, Any], *, provider: str | None = None) -> Rows:
    """The rows with a provider state set up; `rows` are unchanged.

    Raises:
        StateError: No such state (at `provider`, when one is given), or its params are wrong.
    """
    return RowsDraft(rows).apply(validated(name, params, provider)).rows()


def _newest_first(batches: Iterable[BatchAnswer]) -> BatchAnswers:
    return BatchAnswers(sorted(batches, key=lambda batch: batch.created, reverse=True))


def _facts_of(state: ByBatch) -> BatchFacts:
    # One object for equal entries, so that it is rendered once for all batches.
    known: dict[Entry, BatchFact | None] = {None: None}
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
