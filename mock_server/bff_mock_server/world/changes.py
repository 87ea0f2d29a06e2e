"""Applies provider states to rows: a draft copies the maps once and becomes new rows; the old rows are unchanged."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from bff_mock_server.world.rows import BatchFacts, RasBatch, RasBatches, Rows


class RowsDraft:
    """Rows that are being changed, by one state or by the thousands of a scenario.

    Args:
        rows: The initial rows, which are unchanged.
    """

    def __init__(self, rows: Rows) -> None:
        self._batches = dict(rows.batches)
        self._users = dict(rows.users)
        self._about = {state: dict(facts) for state, facts in rows.about.items()}
        self._latest = dict(rows.latest)

    def know(self, state: str, facts: BatchFacts) -> None:
        """Set what a state says about batches, and leave what it says about others."""
        self._about.setdefault(state, {}).update(facts)

    def keep(self, state: str, params: Mapping[str, Any]) -> None:
        """Keep the params of a state for its simulator."""
        self._latest[state] = params

    def forget(self, batch_id: str) -> None:
        """Remove a batch, if there is one."""
        self._remove({batch_id})

    def set_user(self, user_id: str, batches: Iterable[RasBatch]) -> None:
        """Give a user exactly these batches; a batch of another user moves to this one."""
        fresh = {batch.batch_id: batch for batch in batches}
        self._remove({*fresh, *(batch.batch_id for batch in self._users.get(user_id, ()))})
        self._batches.update(fresh)
        self._users[user_id] = _newest_first(fresh.values())

    def put(self, batches: Sequence[RasBatch]) -> Self:
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
            self._users[owner] = RasBatches(one for one in self._users[owner] if one.batch_id not in ids)


def _newest_first(batches: Iterable[RasBatch]) -> RasBatches:
    return RasBatches(sorted(batches, key=lambda batch: batch.created, reverse=True))
